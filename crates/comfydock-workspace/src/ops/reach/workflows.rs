//! ComfyUI's workflow files, written from tracked copies.

use comfydock_core::plan::models::localise;
use comfydock_core::plan::reach::WorkflowStep;
use comfydock_store::file;

use super::{Apply, Route};
use crate::Error;
use crate::observe;
use crate::ops::seen::replace_workflow;

impl Apply<'_> {
    pub(super) fn workflows(&mut self, route: &Route) -> Result<(), Error> {
        let folder = self.environment.workflows();
        if self.fresh {
            file::create_folder(&folder)?;
        }
        for (name, step) in &route.plan.workflows {
            let target = self.environment.workflow_file(name);
            match step {
                WorkflowStep::Keep => {}
                WorkflowStep::Remove => {
                    if target.exists() {
                        self.retire(&target)?;
                    }
                }
                WorkflowStep::Write => {
                    let tracked = observe::parse(name, &route.target.workflows[name])?;
                    let text = localise(name, &tracked, &route.target.manifest, &route.models);
                    if std::fs::read_to_string(&target).is_ok_and(|old| old == text) {
                        continue;
                    }
                    if !self.fresh {
                        let seen = self.seen.get(name).map(String::as_str);
                        replace_workflow(self.transaction, self.environment, name, &text, seen)?;
                        continue;
                    }
                    let staged = self.transaction.stage().join("workflows").join(format!("{name}.json"));
                    file::create_folder(staged.parent().unwrap_or(&folder))?;
                    std::fs::write(&staged, text).map_err(file::Error::at("write", &staged))?;
                    self.put(&staged, &target)?;
                }
            }
        }
        Ok(())
    }
}
