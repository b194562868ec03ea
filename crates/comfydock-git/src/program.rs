//! The `git` program.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use comfydock_core::hint::Hint;
use comfydock_core::repository_url;
use comfydock_core::retry;

use crate::refusal;

/// A run of the git program that did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be started.
    #[error("cannot start `git`")]
    Start(#[source] std::io::Error),
    /// A folder it needs cannot be made.
    #[error("cannot create `{}`", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It ended with a failure.
    #[error("`git {verb}` failed{place}: {message}", place = .place.as_ref().map(|place| format!(" for {place}")).unwrap_or_default())]
    Failed {
        /// The git command.
        verb: String,
        /// The repository or URL it was about, without credentials.
        place: Option<String>,
        /// What git said.
        message: String,
    },
    /// A signal ended it: nothing was learnt of what it was asked.
    #[error("`git {0}` was ended before it was done")]
    Killed(String),
    /// The server refused, and said why.
    #[error("{place} refused{}", if let [one] = .said.as_slice() { format!(": {one}") } else { String::new() })]
    Refused {
        /// The repository's URL, without credentials.
        place: String,
        /// What it said; one line is in the message already.
        said: Vec<String>,
        /// What it said can be done.
        hints: Vec<String>,
        /// The HTTP status, if it was not a refusal of git's own protocol.
        status: Option<u16>,
    },
    /// A repository names a submodule by an address that is not asked.
    #[error("submodule `{path}` of {place} is not fetched")]
    Submodule {
        /// Where the submodule would lie.
        path: String,
        /// The repository that names it, without credentials.
        place: String,
        /// What is wrong with the address.
        source: Box<repository_url::Error>,
    },
    /// It printed what nobody expected.
    #[error("`git {verb}` printed something unexpected: {output}")]
    Unexpected {
        /// The git command.
        verb: String,
        /// The start of what it printed.
        output: String,
    },
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Start(_) => Some("install git (Debian: `apt install git`) and make sure it is on PATH".to_owned()),
            Self::Failed { message, .. } if message.contains("Could not resolve host") => {
                Some("the machine cannot reach that host; check the network, or use a URL that is reachable".to_owned())
            }
            Self::Failed { message, place, .. }
                if message.contains("Authentication failed") || message.contains("could not read Username") =>
            {
                let place = place.as_deref().and_then(server).unwrap_or("URL");
                Some(format!("log in first: `comfydock hub login {place}` for a hub, git's credential helper for other servers"))
            }
            Self::Failed { message, .. } if ["301", "302", "303", "307", "308"].iter().any(|status| message.ends_with(&format!("error: {status}"))) => {
                Some("the server sends a redirect, which is not followed because a login must not go elsewhere; give the address it leads to".to_owned())
            }
            Self::Submodule { .. } => {
                Some("nothing of it was fetched; whoever maintains that repository has to name one that everybody can have".to_owned())
            }
            Self::Refused { hints, .. } => (!hints.is_empty()).then(|| hints.join("; ")),
            Self::Failed { .. } if self.is_busy() => {
                Some("the server is busy or being restarted; run the command again in a while".to_owned())
            }
            Self::Failed { message, .. } if message.contains("No space left on device") => {
                Some("the file system is full; free some space and run the command again".to_owned())
            }
            _ => None,
        }
    }
}

impl Error {
    fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => *status,
            Self::Failed { message, .. } => refusal::status(message),
            _ => None,
        }
    }

    /// Whether the server, or a proxy before it, had no time and may have some soon.
    pub fn is_busy(&self) -> bool {
        matches!(self.status(), Some(502 | 503))
    }

    /// The seconds that the server asked to wait before another try.
    pub fn asked_to_wait(&self) -> Option<u32> {
        match self {
            Self::Refused { hints, .. } => hints.iter().find_map(|hint| retry::advised(hint)),
            _ => None,
        }
    }
}

/// One run of git: arguments, folder, and configuration that must not reach argv.
pub struct Git {
    verb: String,
    arguments: Vec<OsString>,
    folder: Option<PathBuf>,
    place: Option<String>,
    configuration: Vec<(String, String)>,
    only_reads: bool,
    held: Option<File>,
}

/// What a successful run printed to stdout.
pub type Output = Vec<u8>;

impl Git {
    /// Starts describing `git VERB`.
    pub fn new(verb: &str) -> Self {
        Self {
            verb: verb.to_owned(),
            arguments: Vec::new(),
            folder: None,
            place: None,
            configuration: Vec::new(),
            only_reads: false,
            held: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I, S>(mut self, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// The folder to run in.
    #[must_use]
    pub fn within(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// What a failure's message says the run was about.
    #[must_use]
    pub fn about(mut self, place: &str) -> Self {
        self.place = Some(place.to_owned());
        self
    }

    /// Configuration handed over in the environment, where other users cannot see it.
    #[must_use]
    pub fn config(mut self, key: &str, value: &str) -> Self {
        self.configuration.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Keeps it from the network, whatever it misses: a partial clone fetches objects as it reads. The
    /// repository may be another user's.
    #[must_use]
    pub fn only_reading(mut self) -> Self {
        self.only_reads = true;
        self.config("protocol.allow", "never").config("safe.directory", "*").config("log.showSignature", "false")
    }

    /// A locked file, empty, that git shall hold as long as it runs: it becomes its standard input.
    #[must_use]
    pub(crate) fn holding(mut self, file: File) -> Self {
        self.held = Some(file);
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new("git");
        command.arg(&self.verb).args(&self.arguments);
        let held = self.held.as_ref().and_then(|file| file.try_clone().ok());
        command.stdin(held.map_or_else(Stdio::null, Stdio::from));
        // A repository around ours, or named by a caller's environment, must never be the one meant.
        for name in [
            "GIT_DIR",
            "GIT_WORK_TREE",
            "GIT_INDEX_FILE",
            "GIT_OBJECT_DIRECTORY",
            "GIT_NAMESPACE",
            "GIT_CONFIG_PARAMETERS",
        ] {
            command.env_remove(name);
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_LFS_SKIP_SMUDGE", "1")
            .env("LC_ALL", "C")
            .env("GIT_OPTIONAL_LOCKS", "0");
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
            if let Some(parent) = folder.canonicalize().ok().as_deref().and_then(Path::parent) {
                command.env("GIT_CEILING_DIRECTORIES", parent);
            }
        }
        if self.only_reads {
            command.env("GIT_NO_LAZY_FETCH", "1");
        }
        let fixed = [
            ("core.hooksPath", "/dev/null"),
            ("core.fsmonitor", "false"),
            ("protocol.ext.allow", "never"),
            ("advice.detachedHead", "false"),
            ("gc.auto", "0"),
            ("maintenance.auto", "false"),
        ];
        let all = fixed
            .iter()
            .map(|(key, value)| (*key, *value))
            .chain(self.configuration.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        // Configuration the caller already passes this way is kept: ours is appended.
        let mut index: usize = std::env::var("GIT_CONFIG_COUNT").ok().and_then(|count| count.parse().ok()).unwrap_or(0);
        for (key, value) in all {
            command.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
            index += 1;
        }
        command.env("GIT_CONFIG_COUNT", index.to_string());
        command
    }

    /// Runs it and returns its stdout.
    ///
    /// # Errors
    /// When it cannot be started or ends with a failure; the message is git's own.
    pub fn run(self) -> Result<Output, Error> {
        let output = self.command().output().map_err(Error::Start)?;
        match output.status.code() {
            Some(0) => Ok(output.stdout),
            Some(_) => Err(self.failure(&output.stderr)),
            None => Err(Error::Killed(self.verb)),
        }
    }

    /// Runs it and returns what it printed, however it ended.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run_with_output(self) -> Result<Finished, Error> {
        let output = self.command().output().map_err(Error::Start)?;
        Ok(Finished { success: output.status.success(), stdout: output.stdout, failure: self.failure(&output.stderr) })
    }

    /// Runs it and returns its stdout as trimmed text.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub fn text(self) -> Result<String, Error> {
        Ok(String::from_utf8_lossy(&self.run()?).trim().to_owned())
    }

    fn failure(&self, stderr: &[u8]) -> Error {
        let text = String::from_utf8_lossy(stderr);
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim_end)
            .filter(|line| !line.is_empty() && !line.starts_with("Cloning into"))
            .collect();
        let message = if lines.is_empty() { "it gave no reason".to_owned() } else { lines.join("\n") };
        Error::Failed { verb: self.verb.clone(), place: self.place.clone(), message: without_credentials(&message) }
    }
}

/// A run that ended, well or not.
pub struct Finished {
    /// Whether it ended well.
    pub success: bool,
    /// What it printed to stdout.
    pub stdout: Output,
    failure: Error,
}

impl Finished {
    /// The failure it would be, in git's words.
    pub fn into_failure(self) -> Error {
        self.failure
    }
}

/// `https://host:port` of a URL.
fn server(url: &str) -> Option<&str> {
    let start = url.find("://")? + 3;
    Some(&url[..url[start..].find('/').map_or(url.len(), |end| start + end)])
}

/// The text with `user:password@` cut out of every URL in it; over ssh the user stays.
pub fn without_credentials(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        clean.push_str(before);
        let end = after
            .find(|character: char| character.is_whitespace() || matches!(character, '/' | '\'' | '"' | '`'))
            .unwrap_or(after.len());
        let authority = &after[..end];
        // Over ssh the user is part of the address; only a password is a secret.
        let keeps_user = before.ends_with("ssh://");
        clean.push_str(&match authority.rsplit_once('@') {
            None => authority.to_owned(),
            Some((user, host)) if keeps_user => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
            Some((_, host)) => host.to_owned(),
        });
        rest = &after[end..];
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_cut_out_of_messages() {
        assert_eq!(
            without_credentials("fatal: unable to access 'https://me:cdk_1@hub.example/x.git/': no; ssh://git:pw@h/p"),
            "fatal: unable to access 'https://hub.example/x.git/': no; ssh://git@h/p"
        );
    }
}
