//! What `comfydock import` finds beside a new bundle: one that came before and lacks models, and what other programs
//! made.

use std::process::ExitCode;

use comfydock_workspace::Error;
use comfydock_workspace::ops::adopt_install;
use comfydock_workspace::ops::import::{Again, Other};
use comfydock_workspace::workspace::Workspace;
use serde_json::json;

use super::adopt::{self, From};
use super::arrive::say_renamed;
use super::create::PYTHON;
use super::import::Args;
use super::{look_up, report};
use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::session::Session;

/// Takes over what another program made, by the way of `create --from`.
pub(super) fn take_over(
    session: &Session,
    args: &Args,
    workspace: &mut Workspace,
    made: bool,
    other: Other,
) -> Result<ExitCode, Failure> {
    if args.wanted.are_given() || args.arrive.add_platform {
        let message = "which models and node packs are brought, and --add-platform, is for bundles of this program";
        return Err(Error::refused(message, "leave them out").into());
    }
    let Other { given, name, taken, .. } = &other;
    session.about(workspace.root(), name);
    say_renamed(session, taken.as_ref(), name);
    let options = adopt_install::Options {
        name: name.clone(),
        python: None,
        usual_python: PYTHON.to_owned(),
        comfyui_version: None,
        comfyui_url: None,
        exclude_newer: true,
        torch: args.arrive.torch.clone().unwrap_or_default(),
        activate: args.arrive.activate,
    };
    let from = From {
        from: Some(given.from.clone()),
        from_python: None,
        accept_origins: args.arrive.accept_origins,
        allow_issues: args.arrival.allow_issues,
        allow_host: args.arrival.allow_host.clone(),
        allow_pickle: args.arrival.allow_pickle,
    };
    let outcome = from.take(session, workspace, given.clone(), &options)?;
    if made {
        session.say(&format!("made workspace {}", workspace.root().display()));
    }
    let document = json!({
        "environment": name, "active": outcome.active, "complete": report::is_complete(&outcome.models),
        "models": report::document(&outcome.models), "adopted": adopt::document(&given.from, &[], &outcome),
    });
    session.print("import", document, || adopt::lines(&options, &[], &outcome))?;
    let code = from.ending(session, &outcome);
    session
        .say("next: `comfydock run` starts ComfyUI; `comfydock commit` keeps your workflows and the models they need");
    Ok(code)
}

/// Goes on with an import that was ended before its last model came.
pub(super) fn go_on(
    session: &Session,
    args: &Args,
    workspace: &mut Workspace,
    mut again: Again,
) -> Result<ExitCode, Failure> {
    let mut context = session.context(&args.arrival.allow_host);
    let name = again.environment().name().clone();
    session.about(workspace.root(), &name);
    session.say(&format!("environment {name} came from this bundle and lacks models of it: they are brought now"));
    look_up::complete(session, &args.arrival.look_up, workspace, again.models_mut(), &mut context)?;
    let manifest = &again.target().manifest;
    let chosen = args.wanted.choices(manifest, again.models(), args.arrival.allow_unverified)?;
    let context =
        report::settle(session, &args.arrival, context, &report::names(again.models(), &chosen.without_models))?;
    let target = again.target().clone();
    let reports = again.bring(workspace, &chosen.without_models, &context)?;
    let unresolved = super::workflow::unresolved(&target.manifest);
    let document = json!({
        "environment": name, "commit": target.commit, "complete": report::is_complete(&reports),
        "models": report::document(&reports),
    });
    session.print("import", document, || {
        let mut lines = vec![format!("{} the import of environment {name}", paint(GREEN, "went on with"))];
        lines.extend(report::outcome(&reports, &unresolved));
        lines
    })?;
    Ok(report::ending(session, &reports, args.arrival.allow_issues))
}
