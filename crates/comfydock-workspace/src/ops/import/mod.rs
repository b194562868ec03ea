//! `comfydock import`: an environment from a bundle that somebody sent.
//!
//! - `brought`: a file here, or one behind a URL.
//! - `opened`: the bundle itself, unpacked and held to every rule.
//! - `published`: one in a registry, with its signatures.
//! - `source`: where one is taken from.
//! - `again`: an import that was ended before its last model came.
//! - `into`: into an environment that is here already.

mod again;
mod brought;
pub mod into;
mod opened;
mod published;
mod source;

use std::path::{Path, PathBuf};

use comfydock_core::bundle::Description;
use comfydock_core::name::EnvironmentName;
use comfydock_core::torch::Choice;
use comfydock_git::repository::{BRANCH, Repository};

pub use self::again::Again;
pub use self::brought::{Brought, bring};
use self::opened::staged;
pub use self::opened::{Archive, Opened, open};
pub use self::published::{Published, look};
pub use self::source::Source;
use super::adopt_install::{self, Given};
use super::arrive::{self, Prepared};
use super::remotes::hub_of;
use super::{Context, author, seconds_now};
use crate::Error;
use crate::observe::{self, Committed};
use crate::origin::{Origin, Vouched};
use crate::transaction::Transaction;
use crate::workspace::Workspace;

/// How a new environment is wanted.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Its name; the one it has in the bundle without one.
    pub name: Option<EnvironmentName>,
    /// Which build of torch this machine shall have.
    pub torch: Choice,
    /// Whether it may be locked for this machine's platform too.
    pub add_platform: bool,
    /// Who vouches for the bundle.
    pub vouched: Vouched,
}

/// What a file turned out to be.
pub enum Planned {
    /// A bundle, to become an environment.
    Bundle(Box<Draft>),
    /// A bundle that an environment here came from which lacks models of it.
    Again(Box<Again>),
    /// What another program made of an environment: `create --from` takes it over.
    Other(Box<Other>),
}

/// What another program made.
pub struct Other {
    /// What was found in it.
    pub given: Given,
    /// What it will be called here.
    pub name: EnvironmentName,
    /// The name it would have had, if that was taken.
    pub taken: Option<EnvironmentName>,
    /// Where it was unpacked; it goes with this.
    _aside: Option<Transaction>,
}

/// An import, planned.
pub struct Draft {
    /// What is to be built.
    pub arrival: arrive::Draft,
    /// What the bundle says of itself.
    pub description: Description,
    /// The name it would have had, if that was taken.
    pub taken: Option<EnvironmentName>,
}

/// Unpacks a bundle and plans; nothing of the user's is written.
///
/// # Errors
/// When it is nothing that can be imported or breaks a rule, or cannot be built on this machine.
pub fn draft(
    workspace: &Workspace,
    source: &Source,
    options: &Options,
    context: &Context<'_>,
) -> Result<Planned, Error> {
    let shown = source.shown();
    let other = |given: Given, usual: &str, aside: Option<Transaction>| -> Result<Planned, Error> {
        let (name, taken) = name_for(workspace, options.name.as_ref(), usual)?;
        Ok(Planned::Other(Box::new(Other { given, name, taken, _aside: aside })))
    };
    if let Source::File(brought) = source
        && !brought.is_packed()?
    {
        return other(adopt_install::open(&brought.path, None)?, &brought.stem(), None);
    }
    // It is unpacked beside what it becomes: what is put in place is renamed.
    let aside = Transaction::begin(&workspace.home())?;
    let folder = aside.stage().join("bundle");
    let opened = match source.open(workspace, &folder, context)? {
        Archive::Bundle(opened) => *opened,
        Archive::Other(folder) => return other(given_in(&folder, &shown)?, &source.stem(), Some(aside)),
    };
    if let Some(again) = Again::find(workspace, options.name.as_ref(), &opened.description, context)? {
        aside.abandon()?;
        return Ok(Planned::Again(Box::new(again)));
    }
    let (name, taken) = name_for(workspace, options.name.as_ref(), &opened.description.environment_name)?;
    let prepared = Prepared::within(aside, name, &options.torch, context)?;
    let repository = Repository::init(&prepared.environment.cec())?;
    let target = committed(&opened, &repository, &shown, context)?;
    let commit = target.commit.clone();
    repository.update_ref(BRANCH, None, &commit, "import")?;
    let dev_nodes = opened.dev_nodes(&repository, |_, folder| Ok(folder))?;
    dev_nodes.iter().try_for_each(|found| found.snapshot.keep(&repository))?;
    let origin = Origin {
        source: shown,
        content_digest: opened.description.content_digest.clone(),
        commit: opened.description.environment_commit.clone(),
        imported_as: commit,
        vouched: options.vouched.clone(),
    };
    origin.save(&prepared.environment)?;
    let mut arrival = prepared.plan(workspace, target, hub_of(None, context), options.add_platform, context)?;
    arrival.stage(staged(dev_nodes));
    Ok(Planned::Bundle(Box::new(Draft { arrival, description: opened.description, taken })))
}

/// What the bundle of a predecessor holds: an environment without its ComfyUI.
fn given_in(folder: &Path, shown: &str) -> Result<Given, Error> {
    let given = adopt_install::open(folder, None).map_err(|error| {
        // The folder that it was unpacked into is nobody's affair.
        Error::Refused {
            message: format!(
                "`{shown}` is no bundle: it does not describe itself, and is no environment of comfygit or an older ComfyDock"
            ),
            details: vec![super::reach::because(&error).replace(&*folder.to_string_lossy(), "its folder")],
            hint: Some("whoever made it has to export it again".to_owned()),
        }
    })?;
    Ok(Given { from: PathBuf::from(shown), ..given })
}

/// Writes what a bundle tracks into a history, where it is held to the rules for trees from outside.
fn committed(opened: &Opened, repository: &Repository, shown: &str, context: &Context<'_>) -> Result<Committed, Error> {
    let message = format!("Import {}", opened.description.environment_name);
    let commit = repository.write_commit(&opened.tracked()?, None, &message, &author(context), seconds_now())?;
    observe::committed(&repository.objects()?, &commit, &format!("`{shown}`"))
}

/// A free name, and the one that was taken.
fn name_for(
    workspace: &Workspace,
    wanted: Option<&EnvironmentName>,
    usual: &str,
) -> Result<(EnvironmentName, Option<EnvironmentName>), Error> {
    let wanted = match wanted {
        Some(name) => name.clone(),
        None => {
            EnvironmentName::parse(usual).map_err(|error| Error::refused(error.to_string(), "name it with --name"))?
        }
    };
    let is_taken = |name: &EnvironmentName| workspace.environment_folder(name).symlink_metadata().is_ok();
    if !is_taken(&wanted) {
        return Ok((wanted, None));
    }
    let free = (1..1000)
        .filter_map(|number| EnvironmentName::parse(&format!("{wanted}-{number}")).ok())
        .find(|name| !is_taken(name));
    let free = free
        .ok_or_else(|| Error::refused(format!("there is an environment `{wanted}` already"), "name it with --name"))?;
    Ok((free, Some(wanted)))
}
