use clap::ValueEnum;
use comfydock_core::name::{EnvironmentName, RepoPath};
use comfydock_core::wire::{self, EnvironmentChange, EnvironmentSummary};
use comfydock_workspace::ops::login::hub_in_use;

use super::document;
use crate::error::Failure;
use crate::printer::{GREEN, paint, table};
use crate::prompt;
use crate::session::Session;
use crate::words::{bytes, count};

#[derive(Clone, Copy, ValueEnum)]
// No doc comments on the variants: they would take a paragraph each.
pub(crate) enum Visibility {
    Private,
    Public,
}

impl From<Visibility> for wire::Visibility {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Private => Self::Private,
            Visibility::Public => Self::Public,
        }
    }
}

fn place(found: &EnvironmentSummary) -> String {
    format!("{}/{}", found.owner, found.name)
}

pub(super) fn list(session: &Session, deleted: bool) -> Result<(), Failure> {
    let list = hub_in_use(&session.context(&[]))?.environments(deleted)?;
    let row = |found: &EnvironmentSummary| {
        let may = found.may.map(|right| right.to_string()).unwrap_or_default();
        let last = match &found.deleted {
            Some(deleted) => format!("deleted by {}, goes at {}", deleted.by, deleted.until),
            None => format!("pushed by {} at {}", found.pushed_by, found.pushed_at),
        };
        vec![place(found), found.visibility.to_string(), may, last]
    };
    session
        .print("hub.environments", document(&list), || table(&list.environments.iter().map(row).collect::<Vec<_>>()))?;
    if list.environments.is_empty() {
        session.say(if deleted { "nothing is deleted" } else { "no environments; `comfydock push` sends one" });
    }
    Ok(())
}

pub(super) fn rename(session: &Session, path: &RepoPath, name: &EnvironmentName) -> Result<(), Failure> {
    let change = EnvironmentChange { name: Some(name.to_string()), visibility: None };
    let changed = hub_in_use(&session.context(&[]))?.change(path, &change)?;
    session.print("hub.rename", document(&changed), || {
        vec![format!("{path} is {} now; the old name leads to it for a time", paint(GREEN, place(&changed)))]
    })
}

pub(super) fn show_to(session: &Session, path: &RepoPath, visibility: Visibility) -> Result<(), Failure> {
    let hub = hub_in_use(&session.context(&[]))?;
    if let Visibility::Public = visibility
        && let Some(kept) = hub.environment(path)?.kept.filter(|kept| kept.files > 0)
    {
        let files = count(usize::try_from(kept.files).unwrap_or(usize::MAX), "model file");
        let question = format!(
            "{} keeps {files} with {} for {path}, and whoever sees it may read them. Make it public?",
            hub.host(),
            bytes(kept.bytes)
        );
        if !prompt::confirm(session, &question, "--yes")? {
            return Err(Failure::Cancelled);
        }
    }
    let change = EnvironmentChange { name: None, visibility: Some(visibility.into()) };
    let changed = hub.change(path, &change)?;
    session.print("hub.visibility", document(&changed), || {
        vec![format!("{} is {}", place(&changed), paint(GREEN, changed.visibility))]
    })
}

pub(super) fn delete(session: &Session, path: &RepoPath) -> Result<(), Failure> {
    let hub = hub_in_use(&session.context(&[]))?;
    let question = format!("Delete {path} on {}, for everybody? It can be restored for a time.", hub.host());
    if !prompt::confirm(session, &question, "--yes")? {
        return Err(Failure::Cancelled);
    }
    let gone = hub.delete(path)?;
    let until = gone.deleted.as_ref().map(|deleted| deleted.until.clone()).unwrap_or_default();
    session.print("hub.delete", document(&gone), || {
        vec![
            format!("{} is deleted", place(&gone)),
            format!("until {until} `comfydock hub restore {}` brings it back", place(&gone)),
        ]
    })
}

pub(super) fn restore(session: &Session, path: &RepoPath) -> Result<(), Failure> {
    let back = hub_in_use(&session.context(&[]))?.restore(path)?;
    session
        .print("hub.restore", document(&back), || vec![format!("{} is {}", place(&back), paint(GREEN, "there again"))])
}
