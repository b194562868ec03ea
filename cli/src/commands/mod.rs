//! The commands, one file each.

use std::process::ExitCode;

use clap::Subcommand;

use crate::error::Failure;
use crate::session::Session;

mod adopt;
mod arrive;
mod both_sides;
mod clone;
mod comfyui;
mod commit;
mod completion;
mod config;
mod create;
mod delete;
mod diff;
mod doctor;
mod export;
mod gc;
mod hub;
mod import;
mod import_into;
mod import_other;
mod init;
mod inspect;
mod install_scripts;
mod key;
mod list;
mod log;
mod look_up;
mod man;
mod models;
mod node;
mod publish;
mod pull;
mod push;
mod registry;
mod remote;
mod repair;
mod report;
mod rollback;
mod run;
mod status;
mod trust;
mod vouch;
mod workflow;

/// What the first word says.
#[derive(Subcommand)]
pub(crate) enum Command {
    Init(init::Args),
    Create(create::Args),
    Clone(clone::Args),
    Delete(delete::Args),
    List(list::ListArgs),
    Use(list::UseArgs),
    Run(run::Args),
    Status(status::Args),
    Commit(commit::Args),
    Log(log::Args),
    Diff(diff::Args),
    Rollback(rollback::Args),
    Push(push::Args),
    Pull(pull::Args),
    Export(export::Args),
    Import(import::Args),
    Publish(publish::Args),
    Inspect(inspect::Args),
    #[command(subcommand)]
    Workflow(workflow::Command),
    #[command(subcommand)]
    Models(models::Command),
    #[command(subcommand)]
    Node(node::Command),
    #[command(subcommand)]
    Comfyui(comfyui::Command),
    Doctor(doctor::Args),
    Repair(repair::Args),
    Gc(gc::Args),
    #[command(subcommand)]
    Remote(remote::Command),
    #[command(subcommand)]
    Hub(hub::Command),
    #[command(subcommand)]
    Key(key::Command),
    #[command(subcommand)]
    Trust(trust::Command),
    #[command(subcommand)]
    Config(config::Command),
    Completion(completion::Args),
    Man(man::Args),
}

/// Runs the command.
pub(crate) fn run(session: &Session, command: Command) -> Result<ExitCode, Failure> {
    if !matches!(command, Command::Run(_)) {
        on_interrupt(session.log());
    }
    match command {
        Command::Init(args) => init::run(session, &args),
        Command::Create(args) => create::run(session, &args),
        Command::Clone(args) => clone::run(session, &args),
        Command::Delete(args) => delete::run(session, &args),
        Command::List(_) => list::list(session),
        Command::Use(args) => list::activate(session, &args),
        Command::Run(args) => run::run(session, &args),
        Command::Status(args) => status::run(session, &args),
        Command::Import(args) => import::run(session, &args),
        Command::Publish(args) => publish::run(session, &args),
        Command::Inspect(args) => inspect::run(session, &args),
        Command::Commit(args) => commit::run(session, &args),
        Command::Log(args) => log::run(session, &args),
        Command::Diff(args) => diff::run(session, &args),
        Command::Rollback(args) => rollback::run(session, &args),
        Command::Doctor(args) => doctor::run(session, &args),
        Command::Gc(args) => gc::run(session, &args),
        Command::Push(args) => push::run(session, &args),
        Command::Pull(args) => pull::run(session, &args),
        Command::Export(args) => export::run(session, &args),
        Command::Workflow(command) => workflow::run(session, &command),
        Command::Models(command) => models::run(session, &command),
        Command::Node(command) => node::run(session, &command),
        Command::Comfyui(command) => comfyui::run(session, &command),
        Command::Repair(args) => repair::run(session, &args),
        Command::Remote(command) => remote::run(session, &command),
        Command::Hub(command) => hub::run(session, &command),
        Command::Key(command) => key::run(session, &command),
        Command::Trust(command) => trust::run(session, &command),
        Command::Config(command) => config::run(session, &command),
        Command::Completion(args) => completion::run(session, &args),
        Command::Man(args) => man::run(session, &args),
    }
}

/// Ctrl-C ends the program at once: whatever is under way is undone or carried on by the next
/// command, and downloads go on where they stopped.
fn on_interrupt(log: std::sync::Arc<comfydock_workspace::logs::Log>) {
    #[expect(clippy::exit, reason = "the handler runs on a thread of its own and has no caller to return to")]
    let handler = move || {
        comfydock_workspace::process::end_all();
        log.say("cancelled by a signal");
        crate::printer::talk(
            "\ncancelled; no environment is left half-changed, and parts of downloads are kept: run the same command again to go on",
        );
        std::process::exit(130);
    };
    let _ = ctrlc::set_handler(handler);
}

/// The exit code of a report that may be incomplete.
fn complete(complete: bool, allow_issues: bool) -> ExitCode {
    if complete || allow_issues { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
