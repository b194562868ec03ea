//! `comfydock import`.
//!
//! - `flags`: answers given as flags. `walk`: what is asked. `screens`: what is shown. `ending`: what came of it.

use std::process::ExitCode;

use comfydock_core::name::EnvironmentName;
use comfydock_core::oci::Reference;
use comfydock_core::plan::acquire::wanted;
use comfydock_workspace::Error;
use comfydock_workspace::ops::import::{self, Options, Planned, Source};
use comfydock_workspace::ops::{Context, arrive};
use comfydock_workspace::origin::Vouched;
use comfydock_workspace::trust;
use comfydock_workspace::workspace::Workspace;

use self::walk::Walk;
use super::arrive::{give_up, open_or_make, say_renamed, undo};
use super::{both_sides, import_into, import_other, install_scripts, look_up, registry, report, vouch};
use crate::error::Failure;
use crate::prompt;
use crate::session::Session;
use crate::words::count;

mod ending;
pub(super) mod flags;
mod screens;
mod walk;

/// Build an environment from a bundle that somebody sent
///
/// Makes the workspace if there is none. Nothing of the bundle is run; what it takes and where its code comes
/// from is shown first. With --env it comes into an environment that is here, as changes that are not committed:
/// what both have otherwise is asked about.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The bundle: a .tar.gz that `comfydock export` wrote, here or behind an https URL, or where `comfydock publish` put it: oci://HOST/REPOSITORY:VERSION; also a bundle of comfygit or an older ComfyDock, a snapshot of ComfyUI-Manager, a .cpack.zip
    #[arg(value_name = "FILE|URL|REFERENCE")]
    source: String,
    /// What to call it here [default: its name in the bundle, with a number if that is taken]
    #[arg(long)]
    pub(super) name: Option<EnvironmentName>,
    #[command(flatten)]
    pub(super) wanted: flags::Args,
    #[command(flatten)]
    pub(super) arrive: super::arrive::Args,
    #[command(flatten)]
    vouch: vouch::Args,
    #[command(flatten)]
    registry: registry::Args,
    #[command(flatten)]
    pub(super) arrival: report::Arrival,
    #[command(flatten)]
    pub(super) both_sides: both_sides::Args,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    if session.global.env.is_some() {
        return import_into::run(session, args);
    }
    import_into::refuse_answers(args)?;
    let context = session.context(&args.arrival.allow_host);
    let (mut workspace, made) = open_or_make(session, &args.arrive.models_dir)?;
    let (source, vouched) = match find(session, args, &workspace, &context) {
        Ok(found) => found,
        Err(failure) => return Err(undo(workspace, made, failure)),
    };
    let options = Options {
        name: args.name.clone(),
        torch: args.arrive.torch.clone().unwrap_or_default(),
        add_platform: args.arrive.add_platform,
        vouched,
    };
    let planned = match import::draft(&workspace, &source, &options, &context) {
        Ok(planned) => planned,
        Err(error) => {
            source.done();
            return Err(undo(workspace, made, error.into()));
        }
    };
    let code = match planned {
        Planned::Bundle(draft) => build(session, args, workspace, made, &source, *draft)?,
        Planned::Again(again) => import_other::go_on(session, args, &mut workspace, *again)?,
        Planned::Other(other) => match import_other::take_over(session, args, &mut workspace, made, *other) {
            Ok(code) => code,
            Err(failure) => return Err(undo(workspace, made, failure)),
        },
    };
    finish(&source, &options.vouched)?;
    Ok(code)
}

/// Builds the environment of a bundle.
fn build(
    session: &Session,
    args: &Args,
    mut workspace: Workspace,
    made: bool,
    source: &Source,
    draft: import::Draft,
) -> Result<ExitCode, Failure> {
    let mut context = session.context(&args.arrival.allow_host);
    let import::Draft { mut arrival, description, taken } = draft;
    session.about(workspace.root(), arrival.name());
    let told = screens::summary(&source.shown(), &description, arrival.route());
    told.iter().for_each(|line| session.say(line));
    let agreed = agree(session, args, (&mut workspace, &mut arrival), taken.as_ref(), &mut context);
    let allowed = match agreed {
        Ok(allowed) => allowed,
        Err(failure) => return Err(give_up(workspace, arrival, made, failure)),
    };
    context.network.allow_pickle = allowed.pickle;
    context.network.allow_unverified = allowed.unverified;
    if made {
        session.say(&format!("made workspace {}", workspace.root().display()));
    }
    let added = arrival.added().cloned();
    let mut outcome = arrive::apply(&mut workspace, arrival, args.arrive.activate, &context)?;
    let stopped = !settle_failed(session, &workspace, &mut outcome, &context)?;
    let runs = args.arrive.scripts.run(&workspace, outcome.environment(), &context);
    let ready = ending::look(&workspace, outcome.environment(), &context);
    let end = ending::Ending { outcome: &outcome, ready: &ready, added: added.as_ref(), runs: &runs };
    session.print("import", end.document(&description), || end.lines())?;
    let code = super::complete(!stopped && end.is_complete(), args.arrival.allow_issues && !stopped);
    end.next(session);
    let scripts = install_scripts::ending(session, outcome.environment(), &runs, &[]);
    Ok(if scripts { code } else { ExitCode::FAILURE })
}

/// What was named, and who vouches for it. Who made it comes before what it is: nothing of it is fetched from a
/// registry, or read for anything else, until then.
pub(super) fn find(
    session: &Session,
    args: &Args,
    workspace: &Workspace,
    context: &Context<'_>,
) -> Result<(Source, Vouched), Failure> {
    if args.source.starts_with("oci://") {
        let (reference, access) =
            (Reference::parse(&args.source).map_err(Error::from)?, args.registry.access(session)?);
        let found = import::look(&reference, &access, &trust::load()?, context)?;
        let vouched = vouch::published(session, &found, &args.vouch)?;
        return Ok((Source::Registry(Box::new(found), access), vouched));
    }
    let brought = import::bring(workspace, &args.source, context)?;
    let vouched = vouch::file(session, &brought, &args.vouch).inspect_err(|_| brought.done())?;
    Ok((Source::File(brought), vouched))
}

/// It was imported: a file that was got goes, and of a registry is noted what came from there.
pub(super) fn finish(source: &Source, vouched: &Vouched) -> Result<(), Failure> {
    source.done();
    match source {
        Source::Registry(found, _) => vouch::note(found, vouched),
        Source::File(_) => Ok(()),
    }
}

/// What the person at the terminal or a flag allows of models.
struct Allowed {
    pickle: bool,
    unverified: bool,
}

/// Shows what would be done, and asks until that is agreed to. Nothing is fetched yet.
fn agree(
    session: &Session,
    args: &Args,
    (workspace, arrival): (&mut Workspace, &mut arrive::Draft),
    taken: Option<&EnvironmentName>,
    context: &mut Context<'_>,
) -> Result<Allowed, Failure> {
    look_up::complete(session, &args.arrival.look_up, workspace, arrival.models_mut(), context)?;
    if args.arrive.scripts.run_install_script {
        arrival.with_install_scripts(workspace)?;
    }
    say_renamed(session, taken, arrival.name());
    let manifest = &arrival.route().target.manifest;
    let models = wanted(manifest, &arrival.route().models, args.arrival.allow_unverified);
    let library = arrival.library(workspace, context)?;
    let mut walk = Walk::new(session, manifest, &models, &library, args.wanted.given(manifest, &library)?);
    let somebody = prompt::interactive(session) && !session.global.yes && !session.global.json;
    let flag = if arrival.route().plan.new_origins.is_empty() { "--yes" } else { "--accept-origins or --yes" };
    loop {
        walk.go(somebody)?;
        session.say(&format!("environment {} takes:", arrival.name()));
        let decisions = walk.decisions();
        let plan = screens::plan(session, arrival.route(), walk.without_nodes(), &walk.sorted(&decisions), &library);
        let lines = [plan, report::platform(arrival.added())].concat();
        lines.iter().for_each(|line| session.say(line));
        if args.arrive.accept_origins {
            break;
        }
        if !(somebody && walk.asks()) {
            if prompt::confirm(session, "Build it?", flag)? {
                break;
            }
            return Err(Failure::Cancelled);
        }
        match prompt::choose("Build it?", vec!["yes", "change the answers", "cancel"])? {
            0 => break,
            1 => {}
            _ => return Err(Failure::Cancelled),
        }
    }
    let decisions = walk.decisions();
    let names: Vec<&str> = walk.sorted(&decisions).download.iter().map(|model| model.filename.as_str()).collect();
    let pickle = report::trusts(session, &args.arrival, &names)?;
    let choices = walk.choices();
    arrival.choose(choices);
    Ok(Allowed { pickle, unverified: args.arrival.allow_unverified })
}

/// Asks what to do about models that did not come, as long as there are any; false when it shall end there.
fn settle_failed(
    session: &Session,
    workspace: &Workspace,
    outcome: &mut arrive::Outcome,
    context: &Context<'_>,
) -> Result<bool, Failure> {
    if session.global.yes || session.global.json || !prompt::interactive(session) {
        return Ok(true);
    }
    loop {
        let failed: Vec<_> = outcome.failed().cloned().collect();
        if failed.is_empty() {
            return Ok(true);
        }
        report::fates(&failed).iter().for_each(|line| session.say(line));
        let question = format!("{} did not come", count(failed.len(), "model"));
        match prompt::choose(&question, vec!["try again", "go on without", "stop here"]) {
            Ok(0) => outcome.try_again(workspace, context)?,
            Ok(1) => outcome.leave_out_failed(),
            // The environment is there: breaking off the question is the last answer.
            _ => return Ok(false),
        }
    }
}
