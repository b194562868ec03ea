use std::process::ExitCode;

use comfydock_core::name::EnvironmentName;
use comfydock_workspace::Error;
use comfydock_workspace::ops::delete::{self, Draft};
use serde_json::json;

use crate::error::Failure;
use crate::printer::{BOLD, GREEN, YELLOW, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::count;

/// At most so many things of one kind are named.
const NAMED: usize = 12;

/// Move an environment to the workspace's trash
///
/// Models folders are never touched. What is in no commit or in no remote is named before; then, or
/// without a terminal, --force is needed. `comfydock gc` says when the trash may go.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The environment
    name: EnvironmentName,
    /// Delete it although work in it is nowhere else, and without a question
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let mut workspace = session.workspace()?;
    session.about(workspace.root(), &args.name);
    let draft = delete::draft(&workspace, &args.name, &session.context(&[]))?;
    describe(&args.name, &draft).iter().for_each(|line| session.say(line));
    if !args.force && !agreed(session, &args.name, &draft)? {
        return Err(Failure::Cancelled);
    }
    let (work, models) = (draft.work.clone(), draft.models.clone());
    let outcome = delete::apply(&mut workspace, draft)?;
    let document = json!({
        "environment": args.name, "kept": outcome.kept, "was": outcome.was, "was_active": outcome.was_active,
        "work": work, "models": models,
    });
    session.print("delete", document, || {
        vec![
            format!("{} environment {}; it is kept in {}", paint(GREEN, "deleted"), args.name, outcome.kept.display()),
            format!("  to have it back: mv {} {}", quoted(&outcome.kept), quoted(&outcome.was)),
        ]
    })?;
    if outcome.was_active {
        session.say("no environment is active now; `comfydock use NAME` chooses one");
    }
    Ok(ExitCode::SUCCESS)
}

fn agreed(session: &Session, name: &EnvironmentName, draft: &Draft) -> Result<bool, Failure> {
    if !prompt::interactive(session) {
        return Err(Error::Unanswered {
            question: format!("environment `{name}` is deleted only by somebody who says so"),
            flag: "--force".to_owned(),
        }
        .into());
    }
    if session.global.yes && draft.work.is_empty() {
        return Ok(true);
    }
    if session.global.yes {
        return Err(Error::Refused {
            message: format!("environment `{name}` has work that is nowhere else; nothing was changed"),
            details: draft.work.clone(),
            hint: Some("commit and push it, or delete it with --force".to_owned()),
        }
        .into());
    }
    prompt::typed(&format!("Type `{name}` to delete it:"), name.as_str())
}

fn describe(name: &EnvironmentName, draft: &Draft) -> Vec<String> {
    let version = draft.version.map(|version| format!(" v{version}")).unwrap_or_default();
    let mut lines = vec![format!("{}{version} goes to the workspace's trash", paint(BOLD, name))];
    lines.extend(draft.work.iter().map(|work| format!("  {} {work}", paint(YELLOW, "only here:"))));
    lines.extend(
        draft
            .models
            .iter()
            .take(NAMED)
            .map(|model| format!("  {} model {model} in ComfyUI's own models folder", paint(YELLOW, "goes along:"))),
    );
    if draft.models.len() > NAMED {
        lines.push(format!("  … and {} there", count(draft.models.len() - NAMED, "more model")));
    }
    for (folder, files) in ["input", "output"].into_iter().zip(draft.pictures) {
        if files > 0 {
            lines.push(format!("  {} {} in ComfyUI's {folder}", paint(YELLOW, "goes along:"), count(files, "file")));
        }
    }
    lines
}

/// A path as a shell takes it.
fn quoted(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-'));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
