//! Python packages: the generation that a state's lock makes.

use comfydock_core::foreign;
use comfydock_store::file;

use super::{Apply, generation_of};
use crate::Error;
use crate::machine::Machine;
use crate::observe::Committed;
use crate::process::uv::Uv;
use crate::python;

impl Apply<'_> {
    pub(super) fn python(&mut self, target: &Committed) -> Result<(), Error> {
        let project = self.transaction.stage().join("project");
        file::create_folder(&project)?;
        file::write(&project.join(foreign::MANIFEST), target.manifest_text.as_bytes())?;
        let lock = target.files.get(foreign::PYTHON_LOCK).ok_or_else(|| {
            Error::refused("the environment has no uv.lock", "whoever made it can add one with `comfydock commit`; without it nothing says which packages belong to it")
        })?;
        file::write(&project.join(foreign::PYTHON_LOCK), lock)?;
        let python_version = &target.manifest.environment.python_version;
        let id = generation_of(target, self.environment)?;
        let uv = Uv::find(self.workspace, self.context.network.offline, self.context.reporter)?;
        self.context.reporter.step("Installing Python packages");
        if self.fresh {
            file::create_folder(&self.environment.home().join("venvs"))?;
            let machine = Machine::load(self.environment)?;
            python::build(&uv, &project, &self.environment.generation_folder(&id), python_version, &machine)?;
            return python::write_switch(
                &self.environment.home().join("current.json"),
                &self.environment.root().join(".venv"),
                &id,
            );
        }
        python::switch(self.transaction, self.environment, &uv, &project, python_version, &id, self.rebuild)
    }
}
