//! What came of an import, and what is left to do.

use comfydock_core::bundle::Description;
use comfydock_core::plan::ready::{Lack, Ready, What};
use comfydock_workspace::environment::Environment;
use comfydock_workspace::ops::arrive::Outcome;
use comfydock_workspace::ops::fetch_models::{Fate, Report};
use comfydock_workspace::ops::install_scripts::Run;
use comfydock_workspace::ops::platform::Added;
use comfydock_workspace::ops::reach::MissingNode;
use comfydock_workspace::ops::{Context, commit, readiness};
use comfydock_workspace::workspace::Workspace;
use serde_json::{Value, json};

use crate::commands::{install_scripts, report};
use crate::printer::{BOLD, DIM, GREEN, YELLOW, paint};
use crate::session::Session;
use crate::words::{bytes, count, list};

/// Looks at every workflow anew. That it cannot is said; the environment is there all the same.
pub(super) fn look(workspace: &Workspace, environment: &Environment, context: &Context<'_>) -> Vec<Ready> {
    let looked = commit::draft(workspace, environment, context)
        .and_then(|draft| readiness::readiness(environment, &draft, context.reporter));
    looked.unwrap_or_else(|error| {
        context.reporter.warn(format!("the workflows could not be looked at: {error}"));
        Vec::new()
    })
}

/// What there is to tell.
pub(super) struct Ending<'a> {
    pub(super) outcome: &'a Outcome,
    pub(super) ready: &'a [Ready],
    pub(super) added: Option<&'a Added>,
    pub(super) runs: &'a [Run],
}

impl Ending<'_> {
    fn missing_nodes(&self) -> Vec<MissingNode> {
        self.outcome.missing_nodes.iter().filter(|node| !node.left_out).cloned().collect()
    }

    fn left_out_nodes(&self) -> Vec<&str> {
        let left = self.outcome.missing_nodes.iter().filter(|node| node.left_out);
        left.map(|node| node.name.as_str()).collect()
    }

    fn installed_nodes(&self) -> Vec<&str> {
        let absent = |name: &str| self.outcome.missing_nodes.iter().any(|node| node.name == name);
        let nodes = self.outcome.route_target.manifest.nodes.values().map(|node| node.name.as_str());
        nodes.filter(|name| !absent(name)).collect()
    }

    /// Whether it was chosen to be without this.
    fn is_choice(&self, lack: &Lack) -> bool {
        let What::Model { key, .. } = &lack.what else { return false };
        self.outcome.models.iter().any(|report| report.step.key == *key && report.fate == Fate::LeftOut)
    }

    /// Whether nothing is open: what was left out by choice is no question any more.
    pub(super) fn is_complete(&self) -> bool {
        let unsettled = |lack: &Lack| lack.stops() && lack.what == What::Unsettled;
        report::is_complete(&self.outcome.models)
            && self.missing_nodes().is_empty()
            && !self.ready.iter().flat_map(|workflow| &workflow.lacks).any(unsettled)
    }

    /// A command as it is typed for this environment.
    fn command(&self, words: &str) -> String {
        if self.outcome.active {
            return format!("`comfydock {words}`");
        }
        format!("`comfydock --env {} {words}`", self.outcome.environment().name())
    }

    pub(super) fn document(&self, description: &Description) -> Value {
        let outcome = self.outcome;
        let workflows: Vec<Value> = self
            .ready
            .iter()
            .map(|workflow| {
                let lacks = workflow.lacks.iter().map(|lack| {
                    json!({
                        "kind": lack.word(), "name": lack.name, "criticality": lack.criticality,
                        "left_out": self.is_choice(lack), "command": lack.command(&workflow.workflow),
                    })
                });
                json!({ "name": workflow.workflow, "ready": workflow.is_ready(), "lacks": lacks.collect::<Vec<_>>() })
            })
            .collect();
        json!({
            "environment": outcome.environment().name(), "commit": outcome.route_target.commit,
            "content_digest": description.content_digest, "active": outcome.active, "complete": self.is_complete(),
            "models": report::document(&outcome.models), "substituted_in": outcome.substituted, "workflows": workflows,
            "nodes": self.installed_nodes(), "left_out_nodes": self.left_out_nodes(),
            "missing_nodes": report::missing_nodes(&self.missing_nodes()),
            "platform_added": self.added.map(|added| &added.platform),
            "install_scripts": install_scripts::left(outcome.environment()),
            "install_scripts_run": install_scripts::document(self.runs),
        })
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let outcome = self.outcome;
        let active = if outcome.active { ", now active" } else { "" };
        let workflows = count(outcome.route_target.workflows.len(), "workflow");
        let name = outcome.environment().name();
        let mut lines = vec![format!("{} environment {name} with {workflows}{active}", paint(GREEN, "imported"))];
        let (installed, left) = (self.installed_nodes(), self.left_out_nodes());
        let all = installed.len() + outcome.missing_nodes.len();
        if all > 0 {
            lines.push(format!("  {} of {} installed", installed.len(), count(all, "node pack")));
        }
        if !left.is_empty() {
            let mend = self.command("repair");
            lines.push(format!("  {}: {}; {mend} brings them", paint(DIM, "node packs left out"), list(&left)));
        }
        lines.extend(report::without(&self.missing_nodes()));
        lines.extend(install_scripts::lines(self.runs));
        lines.extend(tally(&outcome.models));
        lines.extend(report::fates(&outcome.models));
        for workflow in self.ready {
            lines.extend(self.workflow(workflow));
        }
        lines
    }

    fn workflow(&self, workflow: &Ready) -> Vec<String> {
        let named = |lack: &Lack| {
            let what = if matches!(lack.what, What::NodeType { .. }) { "nodes of type " } else { "" };
            let left = if self.is_choice(lack) { ", left out" } else { "" };
            format!("{what}{} ({}{left})", lack.name, lack.criticality.word())
        };
        let lacks: Vec<String> = workflow.lacks.iter().map(named).collect();
        let mut lines = vec![match (workflow.is_ready(), lacks.is_empty()) {
            (true, true) => format!("  {} workflow {}", paint(GREEN, "ready"), workflow.workflow),
            (true, false) => {
                format!("  {} workflow {}, without {}", paint(GREEN, "ready"), workflow.workflow, list(&lacks))
            }
            _ => format!("  {} workflow {} lacks {}", paint(YELLOW, "not ready"), workflow.workflow, list(&lacks)),
        }];
        let mut commands: Vec<String> =
            workflow.lacks.iter().map(|lack| self.command(&lack.command(&workflow.workflow))).collect();
        commands.dedup();
        lines.extend(commands.into_iter().map(|command| paint(DIM, format!("    {command}"))));
        lines
    }

    /// What to do next.
    pub(super) fn next(&self, session: &Session) {
        let failed = self.outcome.models.iter().any(|report| matches!(report.fate, Fate::Missing(_)));
        if failed {
            session.say(&format!(
                "{} incomplete: {} goes on; {} says where a model can be had",
                paint(BOLD, "note:"),
                self.command("models download --missing"),
                self.command("models source add NAME URL")
            ));
        }
        // A substitution is a commit, which holds the platform too.
        report::say_added(session, self.added.filter(|_| self.outcome.substituted.is_none()));
        if !self.outcome.active {
            let name = self.outcome.environment().name();
            session.say(&format!("next: `comfydock use {name}` makes it the active environment"));
        }
        session.say(&format!("next: {} starts ComfyUI", self.command("run")));
    }
}

/// The models by what came of them, in one line.
fn tally(reports: &[Report]) -> Option<String> {
    let word = |fate: &Fate| match fate {
        Fate::Here | Fate::Linked(_) => "here",
        Fate::Downloaded => "downloaded",
        Fate::Substituted(_) => "substituted",
        Fate::LeftOut => "left out",
        Fate::Missing(_) => "missing",
    };
    let told = |kind: &&str| {
        let of: Vec<&Report> = reports.iter().filter(|report| word(&report.fate) == *kind).collect();
        let size = of.iter().map(|report| report.step.size).sum();
        (!of.is_empty()).then(|| format!("{} {kind} ({})", of.len(), bytes(size)))
    };
    let parts: Vec<String> =
        ["here", "downloaded", "substituted", "left out", "missing"].iter().filter_map(told).collect();
    (!parts.is_empty()).then(|| format!("  models: {}", parts.join(", ")))
}
