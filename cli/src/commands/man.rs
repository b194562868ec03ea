use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Command;
use clap_mangen::Man;
use comfydock_workspace::Error;
use serde_json::json;

use crate::error::Failure;
use crate::printer::{GREEN, paint};
use crate::session::Session;
use crate::words::count;

/// Write the manual: a page for each command
///
/// `man -l DIR/comfydock-pull.1` shows one; in ~/.local/share/man/man1 they are found as `man comfydock-pull`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where to write them; without it the first page is printed
    dir: Option<PathBuf>,
}

pub(crate) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let mut root = crate::command_line().disable_help_subcommand(true);
    root.build();
    let mut pages = Vec::new();
    collect(&root, "comfydock", &mut pages)?;
    let Some(folder) = &args.dir else {
        let (name, page) = pages.swap_remove(0);
        session.print("man", json!({ "pages": [name], "page": page }), || vec![page.trim_end().to_owned()])?;
        return Ok(ExitCode::SUCCESS);
    };
    let wrong = |error| {
        let message = format!("the pages cannot be written to `{}`: {error}", folder.display());
        Error::refused(message, "name a folder that can be written")
    };
    std::fs::create_dir_all(folder).map_err(wrong)?;
    for (name, page) in &pages {
        std::fs::write(folder.join(name), page).map_err(wrong)?;
    }
    let names: Vec<&String> = pages.iter().map(|(name, _)| name).collect();
    session.print("man", json!({ "pages": names, "page": null }), || {
        vec![format!("{} {} in {}", paint(GREEN, "wrote"), count(names.len(), "page"), Path::new(folder).display())]
    })?;
    Ok(ExitCode::SUCCESS)
}

/// The pages of a command and of those below it, with the names of their files.
fn collect(command: &Command, name: &str, pages: &mut Vec<(String, String)>) -> Result<(), Failure> {
    let mut page = Vec::new();
    Man::new(command.clone()).title(name).render(&mut page).map_err(Failure::Output)?;
    pages.push((format!("{name}.1"), String::from_utf8_lossy(&page).into_owned()));
    command.get_subcommands().try_for_each(|below| collect(below, &format!("{name}-{}", below.get_name()), pages))
}
