//! Whether CivitAI and Hugging Face may be asked about models (decision 66).

use comfydock_core::plan::found::is_sought;
use comfydock_core::plan::models::ModelStep;
use comfydock_core::resolve::ladder::{Offer, Outcome};
use comfydock_workspace::ops::Context;
use comfydock_workspace::ops::look_up::{self, How, Permission, permission, settle};
use comfydock_workspace::ops::models::Draft;
use comfydock_workspace::workspace::{ExternalLookup, Workspace};
use serde_json::{Value, json};

use crate::error::Failure;
use crate::printer::{YELLOW, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::count;

/// Flags of the commands that look for models outside.
#[derive(clap::Args, Default)]
#[group(id = "look_up")]
pub(crate) struct Args {
    /// Ask CivitAI and Hugging Face too: hashes and file names tell them which models you use
    #[arg(long)]
    pub(crate) allow_lookup: bool,
    /// Do not ask CivitAI and Hugging Face
    #[arg(long, conflicts_with = "allow_lookup")]
    pub(crate) no_lookup: bool,
    /// Ask anew, whatever was answered before
    #[arg(long)]
    pub(crate) refresh: bool,
}

impl Args {
    fn flag(&self) -> Option<bool> {
        match (self.allow_lookup, self.no_lookup) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    /// Whether outside sites may be asked about so many models; asks the user once in a workspace and
    /// keeps the answer. Without a terminal nobody is asked and the answer is no, for this run.
    ///
    /// # Errors
    /// When the person breaks off, or the answer cannot be kept.
    pub(crate) fn outside(&self, session: &Session, workspace: &mut Workspace, models: usize) -> Result<bool, Failure> {
        match permission(workspace, self.flag()) {
            Permission::Granted => return Ok(true),
            Permission::Refused => return Ok(false),
            Permission::Open if models == 0 || session.global.offline => return Ok(false),
            Permission::Open => {}
        }
        if !prompt::interactive(session) {
            return Ok(false);
        }
        let question = format!(
            "Ask CivitAI and Hugging Face about {}? It tells them which models you use; the answer is kept for this workspace",
            count(models, "model")
        );
        let yes = prompt::consent(&question)?;
        settle(workspace, if yes { ExternalLookup::Always } else { ExternalLookup::Never })?;
        Ok(yes)
    }
}

/// Looks for the models of a plan that nobody names a usable source for, and says in the context
/// whether outside sites may be asked later, for those whose sources fail.
///
/// # Errors
/// When the person breaks off, or the configuration cannot be read.
pub(crate) fn complete(
    session: &Session,
    args: &Args,
    workspace: &mut Workspace,
    models: &mut [ModelStep],
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let sought = models.iter().filter(|step| is_sought(step)).count();
    let outside = args.outside(session, workspace, sought)?;
    context.network.outside = outside;
    let how = How { outside, refresh: args.refresh, ..How::default() };
    notes(session, &look_up::complete(workspace, models, how, context)?);
    Ok(())
}

/// Looks for a file that belongs to no environment, as [`complete`] does for those of one.
///
/// # Errors
/// As [`complete`]; and when nobody says where it can be had.
pub(crate) fn seek(
    session: &Session,
    args: &Args,
    workspace: &mut Workspace,
    draft: &mut Draft,
    context: &mut Context<'_>,
) -> Result<(), Failure> {
    let outside = args.outside(session, workspace, draft.sought())?;
    context.network.outside = outside;
    let how = How { outside, refresh: args.refresh, ..How::default() };
    notes(session, &draft.seek(workspace, how, context)?);
    Ok(())
}

/// An offer, as JSON documents have it.
pub(crate) fn describe(offer: &Offer) -> Value {
    json!({
        "source": offer.source, "filename": offer.filename, "size": offer.size, "sha256": offer.sha256,
        "site": offer.site.word(), "evidence": offer.evidence.word(), "warning": offer.warning,
    })
}

/// Says what went wrong with sites, and that some were not asked.
pub(crate) fn notes(session: &Session, outcome: &Outcome) {
    for note in &outcome.notes {
        session.say(&format!("{}: {note}", paint(YELLOW, "warning")));
    }
    if outcome.unasked {
        session.say(if session.global.offline {
            "nobody was asked: --offline was given"
        } else {
            "CivitAI and Hugging Face were not asked: --allow-lookup asks them, and tells them which models you use"
        });
    }
}
