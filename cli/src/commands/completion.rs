use std::process::ExitCode;

use clap_complete::Shell;
use serde_json::json;

use crate::error::Failure;
use crate::session::Session;

/// Print what lets a shell complete commands and flags
///
/// For bash: `comfydock completion bash > ~/.local/share/bash-completion/completions/comfydock`. For zsh a
/// file `_comfydock` in a folder of $fpath, for fish ~/.config/fish/completions/comfydock.fish.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::command_line(), "comfydock", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let document = json!({ "shell": args.shell.to_string(), "script": script });
    session.print("completion", document, || vec![script.trim_end().to_owned()])?;
    Ok(ExitCode::SUCCESS)
}
