//! The `pre-receive` hook: asks the running hub whether the push may land.

use std::env;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

/// The variable with the secret that names the push to the hub.
pub(crate) const SECRET: &str = "COMFYDOCK_HOOK_SECRET";
/// The variable with the path of the hub's socket.
pub(crate) const SOCKET: &str = "COMFYDOCK_HOOK_SOCKET";

/// What the hook asks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    /// The one-time secret of the push.
    pub(crate) secret: String,
    /// Where git keeps the pushed objects until the push is accepted; none when only references go.
    pub(crate) quarantine: Option<PathBuf>,
    /// `old new ref`, one for each reference.
    pub(crate) updates: Vec<String>,
    /// What `git push -o` was given.
    #[serde(default)]
    pub(crate) options: Vec<String>,
}

/// What the hub answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// Whether the push may land.
    pub(crate) accepted: bool,
    /// What the person who pushes reads.
    pub(crate) lines: Vec<String>,
}

/// Runs as the hook.
pub(crate) fn run() -> ExitCode {
    let verdict = ask().unwrap_or_else(|problem| Verdict {
        accepted: false,
        lines: vec![format!("error: the hub could not judge this push: {problem}")],
    });
    let mut stderr = std::io::stderr().lock();
    for line in &verdict.lines {
        let _ = writeln!(stderr, "{line}");
    }
    if verdict.accepted { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The push options, as git hands them to its hooks.
fn options() -> Vec<String> {
    let count = env::var("GIT_PUSH_OPTION_COUNT").ok().and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    let option = |number| env::var_os(format!("GIT_PUSH_OPTION_{number}"));
    (0..count).map_while(option).map(|option| option.to_string_lossy().into_owned()).collect()
}

fn ask() -> Result<Verdict, String> {
    let variable = |name: &str| env::var_os(name).ok_or_else(|| format!("{name} is not set"));
    let secret = variable(SECRET)?.into_string().map_err(|_| format!("{SECRET} is not text"))?;
    let mut lines = String::new();
    std::io::stdin().read_to_string(&mut lines).map_err(|error| error.to_string())?;
    // git may give the folder relative to the repository, which is the current folder.
    let repository = env::current_dir().map_err(|error| error.to_string())?;
    let quarantine = env::var_os("GIT_QUARANTINE_PATH").map(|path| repository.join(path));
    let updates = lines.lines().map(str::to_owned).collect();
    let question = Question { secret, quarantine, updates, options: options() };

    let talk = || -> std::io::Result<Verdict> {
        let mut socket = UnixStream::connect(PathBuf::from(env::var_os(SOCKET).unwrap_or_default()))?;
        serde_json::to_writer(&mut socket, &question)?;
        socket.shutdown(std::net::Shutdown::Write)?;
        Ok(serde_json::from_reader(socket)?)
    };
    talk().map_err(|error| error.to_string())
}
