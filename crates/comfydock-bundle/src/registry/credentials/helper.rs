//! Programs that keep credentials: `docker-credential-NAME get`, the host on its input, JSON on its output
//! (docker-credential-helpers, README).

use std::ffi::OsStr;
use std::io::{ErrorKind, Read as _, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde::Deserialize;

use super::super::Secret;
use super::Error;

/// How long a helper may take: some ask the user for a password.
const LONGEST: Duration = Duration::from_secs(60);
/// Bytes of its answer that are read.
const LARGEST: u64 = 64 * 1024;

/// What a helper knows.
pub(super) enum Answer {
    Known(String, Secret),
    Unknown,
    /// There is no such program.
    Missing,
}

/// The program of this name; none if the name could lead to another place or be read by a shell.
pub(super) fn program(name: &str) -> Option<String> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let fits = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric()) && name.bytes().all(is_part);
    fits.then(|| format!("docker-credential-{name}"))
}

/// Asks a helper for a host's credentials.
pub(super) fn ask(program: &str, host: &str, path: Option<&OsStr>) -> Result<Answer, Error> {
    let fault = |reason: &str| Error::Helper { program: program.to_owned(), reason: reason.to_owned() };
    let mut command = Command::new(program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Answer::Missing),
        Err(_) => return Err(fault("cannot be started")),
    };
    // One that reads nothing has closed its end; its answer counts.
    let _ = child.stdin.take().map(|mut input| input.write_all(host.as_bytes()));
    let (done, answer) = mpsc::channel();
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = output.take(LARGEST).read_to_end(&mut bytes);
            let _ = done.send(read.map(|_| bytes));
        });
    }
    let Ok(Ok(bytes)) = answer.recv_timeout(LONGEST) else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(fault("does not answer"));
    };
    // It has closed its output, or said too much and waits for somebody to read it.
    if bytes.len() as u64 == LARGEST {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|_| fault("cannot be waited for"))?;
    if !status.success() {
        let words = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let unknown = words.contains("credentials not found") || words.contains("no credentials");
        return if unknown { Ok(Answer::Unknown) } else { Err(fault("failed")) };
    }
    read(&bytes).ok_or_else(|| fault("answers in no form that is known"))
}

fn read(bytes: &[u8]) -> Option<Answer> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Known {
        username: String,
        secret: String,
    }
    let known: Known = serde_json::from_slice(bytes).ok()?;
    let is_empty = known.username.is_empty() && known.secret.is_empty();
    Some(if is_empty { Answer::Unknown } else { Answer::Known(known.username, Secret::new(known.secret)) })
}
