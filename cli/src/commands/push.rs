use std::process::ExitCode;

use comfydock_core::admission::Rule;
use comfydock_core::name::RemoteName;
use comfydock_workspace::ops::push;
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, YELLOW, paint};
use crate::session::Session;
use crate::words::{bytes, count, list};

/// Send what was committed to a hub or another git remote
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The remote [default: origin]
    remote: Option<RemoteName>,
    /// Send in spite of what a rule about secrets finds, as printed: `secret:openai-key`; may be repeated.
    /// On a hub only an owner may
    #[arg(long, value_name = "RULE", value_parser = secret_rule)]
    allow_secret: Vec<Rule>,
    /// Send along the files of node packs whose commit their own repository does not have; each is named
    #[arg(long)]
    vendor: bool,
}

pub(crate) fn secret_rule(word: &str) -> Result<Rule, String> {
    Rule::find(word).filter(|rule| rule.is_secret()).ok_or_else(|| {
        let known: Vec<String> = Rule::all().filter(|rule| rule.is_secret()).map(|rule| rule.to_string()).collect();
        format!("the rules about secrets are {}", known.join(", "))
    })
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let (workspace, environment) = session.environment()?;
    let options = push::Options { allow: &args.allow_secret, vendor: args.vendor };
    let outcome = push::push(&workspace, &environment, args.remote.as_ref(), options, &session.context(&[]))?;
    let document = json!({
        "remote": outcome.remote, "sent": outcome.sent, "version": outcome.version, "commit": outcome.commit, "measured": outcome.measured,
        "without_source": outcome.without_source.iter().map(|named| json!({ "filename": named.filename, "hash": named.key, "workflows": named.workflows })).collect::<Vec<_>>(),
        "unresolved": outcome.unresolved.iter().map(|(workflow, model)| json!({ "workflow": workflow, "filename": model })).collect::<Vec<_>>(),
        "uncommitted": outcome.uncommitted, "allowed": outcome.allowed,
        "vendored": outcome.vendored.iter().map(|pack| json!({
            "name": pack.name, "commit": pack.commit, "files": pack.files, "size": pack.bytes,
            "left_out": pack.left_out.iter().map(|(path, why)| json!({ "path": path, "reason": why })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    });
    session.print("push", document, || {
        let mut lines = Vec::new();
        if outcome.measured > 0 {
            lines.push(format!("recorded the hashes of {}", count(outcome.measured, "model")));
        }
        lines.push(if outcome.sent == 0 {
            format!("nothing to push: {} has v{}", outcome.remote, outcome.version)
        } else {
            format!(
                "{} v{} to {} ({})",
                paint(GREEN, "pushed"),
                outcome.version,
                outcome.remote,
                count(outcome.sent, "commit")
            )
        });
        lines.extend(outcome.allowed.iter().map(|found| format!("allowed: {found}")));
        let warning = paint(YELLOW, "warning:");
        for pack in &outcome.vendored {
            let files = count(pack.files, "file");
            lines.push(format!("sent along: node pack {} at {}, {files}, {}", pack.name, pack.commit.short(12), bytes(pack.bytes)));
            let left_out = pack.left_out.iter();
            lines.extend(left_out.map(|(path, why)| format!("{warning} node pack {}: {path} does not travel: {why}", pack.name)));
        }
        for named in &outcome.without_source {
            let upload = if outcome.is_hub {
                format!(" or `comfydock models upload {}`", named.filename)
            } else {
                String::new()
            };
            lines.push(format!(
                "{warning} nobody can download {}, used by {}; `comfydock models source add {} URL`{upload}, then commit",
                named.filename,
                list(&named.workflows),
                named.filename
            ));
        }
        for (workflow, model) in &outcome.unresolved {
            lines.push(format!("{warning} workflow {workflow} names {model}, which was not found here"));
        }
        if !outcome.uncommitted.is_empty() {
            lines.push(format!("{warning} not committed, so not pushed: {}", list(&outcome.uncommitted)));
        }
        lines
    })?;
    if !outcome.without_source.is_empty() {
        session.say("`comfydock models source find` looks by hash for where models can be had");
    }
    Ok(ExitCode::SUCCESS)
}
