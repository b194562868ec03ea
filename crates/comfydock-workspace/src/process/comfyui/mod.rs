//! ComfyUI itself: where it finds models, and starting it.

mod attend;
mod streams;

use std::ffi::OsString;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use comfydock_core::category;
use comfydock_store::file;

use crate::Error;
use crate::environment::Environment;
use crate::logs;
use crate::reporter::Reporter;
use crate::workspace::Workspace;

/// The configuration that tells ComfyUI of the workspace's models folders, as YAML.
///
/// Every folder below a models folder is a category; the known ones are listed even before they
/// exist, so that a download shows up without a restart of anything but ComfyUI.
pub fn model_paths(folders: &[PathBuf]) -> String {
    let mut text = String::from("# Written by `comfydock run` at every start; changes here are lost.\n");
    for (index, folder) in folders.iter().enumerate() {
        let mut categories: std::collections::BTreeMap<String, Vec<String>> = category::KNOWN
            .iter()
            .map(|known| ((*known).to_owned(), category::folders(known).into_iter().map(str::to_owned).collect()))
            .collect();
        let found = std::fs::read_dir(folder).into_iter().flatten().flatten();
        for entry in found.filter(|entry| entry.path().is_dir()) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with('.') || name.contains(char::is_control) {
                continue;
            }
            let of = category::of_folder(&name).to_owned();
            let list = categories.entry(of).or_default();
            if !list.contains(&name) {
                list.push(name);
            }
        }
        text.push_str(&format!("comfydock_{index}:\n  base_path: {}\n", quote(&folder.to_string_lossy())));
        for (category, names) in categories {
            text.push_str(&format!("  {}: |\n", key(&category)));
            for name in names {
                text.push_str(&format!("    {name}\n"));
            }
        }
    }
    text
}

/// A category as a YAML key: a folder may be called anything, and one that is no plain word would
/// keep ComfyUI from starting.
fn key(category: &str) -> String {
    let plain = category.starts_with(|first: char| first.is_ascii_alphabetic())
        && category.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if plain { category.to_owned() } else { quote(category) }
}

/// A YAML double-quoted scalar, which has JSON's escapes. ComfyUI expands `$` in it.
fn quote(text: &str) -> String {
    comfydock_core::json::quote(text)
}

/// Starts ComfyUI and stays until it has ended. Ctrl-C and requests to end are passed on once, as Ctrl-C,
/// and the second time end it at once. Returns its exit code.
///
/// # Errors
/// When it could not be started.
pub fn run(
    workspace: &Workspace,
    environment: &Environment,
    arguments: &[OsString],
    reporter: &dyn Reporter,
) -> Result<u8, Error> {
    let (command, lease) = prepare(workspace, environment, arguments)?;
    // The lease must live as long as ComfyUI does, also if we do not: it goes along.
    rustix::io::fcntl_setfd(&lease, rustix::io::FdFlags::empty())
        .map_err(|error| file::Error::at("keep open", &environment.running_path())(error.into()))?;
    let program = command.get_program().to_owned();
    let log = logs::of_comfyui(workspace.root(), environment.name());
    Ok(attend::attend(command, &log, reporter).map_err(file::Error::at("run", Path::new(&program)))?)
}

fn prepare(
    workspace: &Workspace,
    environment: &Environment,
    arguments: &[OsString],
) -> Result<(Command, std::fs::File), Error> {
    let id = environment.generation()?.ok_or_else(|| no_python(environment))?;
    let python = environment.generation_folder(&id).join("bin/python");
    if !python.exists() {
        return Err(no_python(environment));
    }
    let lease_path = environment.running_path();
    let mut lease = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&lease_path)
        .map_err(file::Error::at("open", &lease_path))?;
    lease.try_lock_shared().map_err(|_| {
        Error::refused(
            format!("environment `{}` is being changed", environment.name()),
            "wait until that comfydock has ended, then start ComfyUI again",
        )
    })?;
    let note = lease.seek(std::io::SeekFrom::End(0)).and_then(|_| writeln!(lease, "{}", std::process::id()));
    note.map_err(file::Error::at("write", &lease_path))?;
    let folders: Vec<PathBuf> = workspace.settings.model_directories.iter().map(|folder| folder.path.clone()).collect();
    let paths_file = environment.home().join("model_paths.yaml");
    file::write(&paths_file, model_paths(&folders).as_bytes())?;
    let mut command = Command::new(python);
    command
        .arg("main.py")
        .arg("--extra-model-paths-config")
        .arg(&paths_file)
        // One that is not there would keep ComfyUI from starting.
        .args(workspace.settings.extra_model_paths.iter().filter(|file| file.is_file()))
        .args(arguments)
        .current_dir(environment.comfyui());
    for name in super::OTHER_PYTHONS {
        command.env_remove(name);
    }
    Ok((command, lease))
}

/// Why nothing of an environment can be started.
pub(crate) fn no_python(environment: &Environment) -> Error {
    Error::refused(
        format!("environment `{}` has no Python packages installed", environment.name()),
        "run `comfydock pull`, which builds what is missing",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_becomes_a_category_that_yaml_can_read() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["checkpoints", "clip", "LLM", "[old] things: #1", ".hidden"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let text = model_paths(&[folder.path().to_owned()]);
        for expected in [
            format!("comfydock_0:\n  base_path: \"{}\"\n", folder.path().display()),
            "  text_encoders: |\n    text_encoders\n    clip\n".to_owned(),
            "  LLM: |\n    LLM\n".to_owned(),
            "  \"[old] things: #1\": |\n    [old] things: #1\n".to_owned(),
        ] {
            assert!(text.contains(&expected), "{expected}\nis not in\n{text}");
        }
        assert!(!text.contains("hidden"));
    }
}
