//! `comfydock import`: an environment from a bundle that somebody sent.
//!
//! - `opened`: the bundle itself, unpacked and held to every rule.
//! - `published`: one in a registry, with its signatures.
//! - `source`: where one is taken from.

mod opened;
mod published;
mod source;

use comfydock_core::bundle::Description;
use comfydock_core::name::EnvironmentName;
use comfydock_core::torch::Choice;
use comfydock_git::repository::{BRANCH, Repository};

pub use self::opened::{Archive, Opened, open};
pub use self::published::{Published, look};
pub use self::source::Source;
use super::arrive::{self, Prepared};
use super::remotes::hub_of;
use super::{Context, author, seconds_now};
use crate::Error;
use crate::observe;
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
/// When it is no bundle or breaks a rule, or cannot be built on this machine.
pub fn draft(
    workspace: &Workspace,
    source: &Source<'_>,
    options: &Options,
    context: &Context<'_>,
) -> Result<Draft, Error> {
    let shown = source.shown();
    // It is unpacked beside what it becomes: what is put in place is renamed.
    let aside = Transaction::begin(&workspace.home())?;
    let folder = aside.stage().join("bundle");
    context.reporter.step(format!("Opening {shown}"));
    let opened = match source.open(workspace, &folder, context)? {
        Archive::Bundle(opened) => *opened,
        Archive::Other(_) => {
            return Err(Error::refused(
                format!("`{shown}` is no bundle of ComfyDock: it does not describe itself"),
                "`comfydock create NAME --from FILE` takes over what other programs made",
            ));
        }
    };
    let (name, taken) = name_for(workspace, options.name.as_ref(), &opened.description)?;
    let prepared = Prepared::within(aside, workspace, name, &options.torch, context)?;
    let repository = Repository::init(&prepared.environment.cec())?;
    let message = format!("Import {}", opened.description.environment_name);
    let commit = repository.write_commit(&opened.tracked()?, None, &message, &author(context), seconds_now())?;
    let target = observe::committed(&repository.objects()?, &commit, &format!("`{shown}`"))?;
    repository.update_ref(BRANCH, None, &commit, "import")?;
    let staged = opened.dev_nodes(&repository)?;
    let origin = Origin {
        source: shown,
        content_digest: opened.description.content_digest.clone(),
        commit: opened.description.environment_commit.clone(),
        imported_as: commit,
        vouched: options.vouched.clone(),
    };
    origin.save(&prepared.environment)?;
    let mut arrival = prepared.plan(workspace, target, hub_of(None, context), options.add_platform, context)?;
    arrival.stage(staged);
    Ok(Draft { arrival, description: opened.description, taken })
}

/// A free name, and the one that was taken.
fn name_for(
    workspace: &Workspace,
    wanted: Option<&EnvironmentName>,
    description: &Description,
) -> Result<(EnvironmentName, Option<EnvironmentName>), Error> {
    let wanted = match wanted {
        Some(name) => name.clone(),
        None => EnvironmentName::parse(&description.environment_name)
            .map_err(|error| Error::refused(error.to_string(), "name it with --name"))?,
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
