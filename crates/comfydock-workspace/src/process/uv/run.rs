//! One run of uv: what it says is passed on as it comes, and read when it fails.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::super::children::UnderWay;
use super::{Error, Failure};
use crate::reporter::{Event, Reporter};

/// How often something is tried that failed because of the network; uv has tried four times by itself then.
const TRIES: u32 = 3;

/// Runs uv and returns what it printed on stdout. What fails because of the network is tried again,
/// and nothing else is. `make` gives the same command each time.
pub(super) fn run(what: &'static str, reporter: &dyn Reporter, make: &dyn Fn() -> Command) -> Result<String, Error> {
    let mut tries = 1;
    loop {
        let error = match once(what, reporter, make()) {
            Err(error) if error.failure() == Some(&Failure::Network) && tries < TRIES => error,
            done => return done,
        };
        let pause = Duration::from_secs(u64::from(tries));
        tries += 1;
        reporter.note(format!("{error}; trying again in {} s", pause.as_secs()));
        std::thread::sleep(pause);
    }
}

fn once(what: &'static str, reporter: &dyn Reporter, mut command: Command) -> Result<String, Error> {
    let program = command.get_program().to_owned();
    let start = |source| Error::Start { path: program.into(), source };
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).spawn();
    let mut child = child.map_err(start)?;
    let _under_way = UnderWay::of(&child);
    let listener = child.stdout.take().map(|mut stdout| {
        std::thread::spawn(move || {
            let mut said = String::new();
            // What is no text is nothing that is read.
            let _ = stdout.read_to_string(&mut said);
            said
        })
    });
    let mut lines = Vec::new();
    for line in
        child.stderr.take().map(BufReader::new).into_iter().flat_map(|stderr| stderr.split(b'\n').map_while(Result::ok))
    {
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some(step) = step(&line) {
            reporter.step(step);
        }
        if !is_noise(&line) {
            lines.push(line);
        }
    }
    let status = child.wait().map_err(|source| Error::Start { path: command.get_program().into(), source })?;
    let stdout = listener.and_then(|listener| listener.join().ok()).unwrap_or_default();
    if status.success() {
        return Ok(stdout);
    }
    lines.extend(stdout.lines().map(str::to_owned));
    let said = lines.join("\n");
    reporter.report(Event::Said(said.clone()));
    Err(Error::failed(what, said.trim()))
}

/// What is worth telling while uv works: large downloads, and what is done.
fn step(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(rest) = line.strip_prefix("Downloading ") {
        return Some(format!("Downloading {}", rest.replace("MiB)", " MiB)").replace("GiB)", " GiB)")));
    }
    let done = ["Prepared ", "Installed "].iter().any(|word| line.starts_with(word)) && line.contains(" package");
    done.then(|| line.to_owned())
}

/// Lines of which there is one for each file, and those that say nothing of a failure.
fn is_noise(line: &str) -> bool {
    line.contains("is missing an upload date")
        || ["Using CPython ", "Using Python ", "Creating virtual environment"]
            .iter()
            .any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_downloads_and_ends_are_told() {
        for (line, expected) in [
            ("Downloading torch (858.1MiB)", Some("Downloading torch (858.1 MiB)")),
            ("Prepared 74 packages in 35.2s", Some("Prepared 74 packages in 35.2s")),
            ("Installed 74 packages in 210ms", Some("Installed 74 packages in 210ms")),
            (" + torch==2.9.0", None),
            (" Downloaded torch", None),
            ("Resolved 75 packages in 2.1s", None),
        ] {
            assert_eq!(step(line).as_deref(), expected);
        }
    }
}
