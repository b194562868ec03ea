//! Serving a repository: which git to start, with which arguments and which environment.
//!
//! Nothing is started here except [`init_bare`]; the hub runs an [`Invocation`] its own way.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The git program cannot be found or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No `git` on PATH.
    #[error("the program `git` was not found on PATH")]
    NoGit,
    /// git could not be started.
    #[error("cannot start {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// git ended with an error.
    #[error("git failed: {0}")]
    Failed(String),
    /// A reference could not be read.
    #[error("cannot read {}", path.display())]
    Reference {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A program with its arguments and its *whole* environment: nothing is inherited.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The absolute path of the program.
    pub program: PathBuf,
    /// The arguments.
    pub args: Vec<OsString>,
    /// The environment.
    pub env: Vec<(OsString, OsString)>,
}

/// The two services of git's smart protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Clone and fetch.
    UploadPack,
    /// Push.
    ReceivePack,
}

impl Service {
    /// The service of this name, such as `git-upload-pack`.
    pub fn find(name: &str) -> Option<Self> {
        match name {
            "git-upload-pack" => Some(Self::UploadPack),
            "git-receive-pack" => Some(Self::ReceivePack),
            _ => None,
        }
    }

    /// The name in URLs and media types.
    pub fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }
}

/// One request to a service.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Which service.
    pub service: Service,
    /// The bare repository.
    pub repository: &'a Path,
    /// Only list the references.
    pub advertise: bool,
    /// The client's `Git-Protocol` header; passed on only if it is well-formed.
    pub protocol: Option<&'a str>,
    /// Who pushes, for the reference log: name and address.
    pub committer: (&'a str, &'a str),
    /// The folder with the `pre-receive` hook.
    pub hooks: &'a Path,
    /// Bytes of a pushed pack at most.
    pub pack_limit: u64,
    /// Further variables, such as the hook's secret.
    pub extra: &'a [(&'a str, &'a str)],
}

/// What the reference log says about a move back.
const UNDONE: &str = "undone: its push was cut off";

/// Where a reference is and where it goes.
#[derive(Debug, Clone, Copy)]
pub struct Move<'a> {
    /// Its full name.
    pub reference: &'a str,
    /// The object it names now.
    pub from: &'a str,
    /// The object it is to name.
    pub to: &'a str,
}

/// The git program found on PATH.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
    path: OsString,
}

impl Git {
    /// Finds git on the PATH of this process.
    ///
    /// # Errors
    /// When it is not there.
    pub fn find() -> Result<Self, Error> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join("git"))
            .find(|program| program.is_file())
            .ok_or(Error::NoGit)?;
        Ok(Self { program, path })
    }

    /// How to answer a request of the smart protocol.
    pub fn serve(&self, request: &Request<'_>) -> Invocation {
        let mut hooks = OsString::from("core.hooksPath=");
        hooks.push(request.hooks);
        let mut args: Vec<OsString> = Vec::new();
        for setting in [
            "receive.fsckObjects=true",
            // What was acknowledged survives a power cut: objects and references are synced (git 2.36).
            "core.fsync=committed",
            // A push stays one pack: later clones reuse it instead of packing again.
            "receive.unpackLimit=1",
            "receive.autogc=false",
            "receive.advertisePushOptions=true",
            "receive.denyCurrentBranch=ignore",
            "core.logAllRefUpdates=always",
            // Maintenance locks references for moments; a push waits for it instead of failing.
            "core.filesRefLockTimeout=5000",
            "core.packedRefsTimeout=5000",
            "uploadpack.allowFilter=true",
            "uploadpack.allowAnySHA1InWant=false",
            "pack.threads=2",
            "gc.auto=0",
        ] {
            args.extend(["-c".into(), setting.into()]);
        }
        args.extend(["-c".into(), format!("receive.maxInputSize={}", request.pack_limit).into()]);
        args.extend(["-c".into(), hooks]);
        args.push(match request.service {
            Service::UploadPack => "upload-pack".into(),
            Service::ReceivePack => "receive-pack".into(),
        });
        args.push("--stateless-rpc".into());
        if request.advertise {
            args.push("--http-backend-info-refs".into());
        }
        args.push(request.repository.into());

        let mut env = self.environment(Some(request.repository));
        let (name, email) = request.committer;
        env.push(("GIT_COMMITTER_NAME".into(), name.into()));
        env.push(("GIT_COMMITTER_EMAIL".into(), email.into()));
        if let Some(protocol) = request.protocol.filter(|text| is_well_formed_protocol(text)) {
            env.push(("GIT_PROTOCOL".into(), protocol.into()));
        }
        env.extend(request.extra.iter().map(|(key, value)| ((*key).into(), (*value).into())));
        Invocation { program: self.program.clone(), args, env }
    }

    /// Makes an empty bare repository whose HEAD is `main`. The folder may exist already.
    ///
    /// # Errors
    /// When git cannot be started or fails.
    pub fn init_bare(&self, path: &Path) -> Result<(), Error> {
        let mut command = Command::new(&self.program);
        command
            .args(["init", "--quiet", "--bare", "--initial-branch=main", "--template="])
            .arg(path)
            .env_clear()
            .envs(self.environment(None));
        self.run(&mut command)
    }

    /// Moves a reference, if it still is where it is said to be. An object id of zeros is no object.
    ///
    /// # Errors
    /// When git cannot be started, or the reference is elsewhere.
    pub fn move_reference(&self, repository: &Path, change: &Move<'_>) -> Result<(), Error> {
        let mut command = Command::new(&self.program);
        command.arg("-C").arg(repository).args(["-c", "core.logAllRefUpdates=always", "update-ref", "-m", UNDONE]);
        if change.to.bytes().all(|byte| byte == b'0') {
            command.args(["-d", change.reference, change.from]);
        } else {
            command.args([change.reference, change.to, change.from]);
        }
        command.env_clear().envs(self.environment(Some(repository)));
        self.run(command.env("GIT_COMMITTER_NAME", "hub").env("GIT_COMMITTER_EMAIL", "hub@hub"))
    }

    fn run(&self, command: &mut Command) -> Result<(), Error> {
        let output = command.output().map_err(|source| Error::Start { program: self.program.clone(), source })?;
        if output.status.success() {
            Ok(())
        } else {
            Err(Error::Failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
        }
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    pub(crate) fn environment(&self, repository: Option<&Path>) -> Vec<(OsString, OsString)> {
        let mut env: Vec<(OsString, OsString)> = [
            // Old versions of git complain without a HOME.
            ("HOME", "/nonexistent"),
            ("LC_ALL", "C"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_TERMINAL_PROMPT", "0"),
        ]
        .map(|(key, value)| (key.into(), value.into()))
        .into();
        env.push(("PATH".into(), self.path.clone()));
        if let Some(repository) = repository {
            env.push(("GIT_CONFIG_COUNT".into(), "1".into()));
            env.push(("GIT_CONFIG_KEY_0".into(), "safe.directory".into()));
            env.push(("GIT_CONFIG_VALUE_0".into(), repository.into()));
        }
        env
    }
}

/// Whether text is `key=value(:key=value)*`, the only shape that may reach git's environment.
pub fn is_well_formed_protocol(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    text.len() <= 128
        && text.split(':').all(|pair| pair.split_once('=').is_some_and(|(key, value)| is_word(key) && is_word(value)))
}

/// The object that a reference such as `refs/heads/main` of a bare repository names, if it exists.
/// The caller vouches for the name: it becomes a path.
///
/// # Errors
/// When the files of the repository cannot be read.
pub fn find_reference(repository: &Path, name: &str) -> Result<Option<String>, Error> {
    use std::io::ErrorKind::{InvalidFilename, IsADirectory, NotADirectory, NotFound};
    let read = |path: PathBuf| match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        // Beside `a` there is no `a/b`, nor the other way round, and no name is endless: no such file.
        Err(error) if matches!(error.kind(), NotFound | NotADirectory | IsADirectory | InvalidFilename) => Ok(None),
        Err(source) => Err(Error::Reference { path, source }),
    };
    if let Some(text) = read(repository.join(name))? {
        return Ok(Some(text.trim().to_owned()));
    }
    let packed = read(repository.join("packed-refs"))?.unwrap_or_default();
    let find = |line: &str| line.split_once(' ').filter(|(_, found)| *found == name).map(|(id, _)| id.to_owned());
    Ok(packed.lines().find_map(find))
}

/// The objects that the references of a bare repository name, all of them.
///
/// # Errors
/// When the files of the repository cannot be read.
pub fn reference_targets(repository: &Path) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    let mut folders = vec![repository.join("refs")];
    while let Some(folder) = folders.pop() {
        let fault = |source| Error::Reference { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            if entry.file_type().map_err(fault)?.is_dir() {
                folders.push(entry.path());
            } else if let Ok(text) = std::fs::read_to_string(entry.path()) {
                // git's own lock files lie here too; what is no id of an object names none.
                found.push(text.trim().to_owned());
            }
        }
    }
    let packed = repository.join("packed-refs");
    match std::fs::read_to_string(&packed) {
        Ok(text) => found.extend(text.lines().filter_map(|line| Some(line.split_once(' ')?.0.to_owned()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(source) => return Err(Error::Reference { path: packed, source }),
    }
    found.retain(|id| id.len() >= 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    Ok(found)
}

/// Who pushed a reference to where it is, by the reference log: name, and seconds since 1970.
pub fn find_last_push(repository: &Path, reference: &str, tip: &str) -> Option<(String, i64)> {
    let log = std::fs::read_to_string(repository.join("logs").join(reference)).ok()?;
    // `old new name <address> seconds zone TAB message`
    let pushed = |line: &&str| line.split(' ').nth(1) == Some(tip) && !line.ends_with(UNDONE);
    let (_, rest) = log.lines().rev().find(pushed)?.split_once(' ')?;
    let (_, rest) = rest.split_once(' ')?;
    let (name, rest) = rest.split_once(" <")?;
    let (_, rest) = rest.split_once("> ")?;
    Some((name.to_owned(), rest.split(' ').next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_protocol_headers_reach_git() {
        for good in ["version=2", "version=1:key=value"] {
            assert!(is_well_formed_protocol(good), "{good}");
        }
        for bad in ["", "version", "version=2;rm", "=2", "version=2\nX=1", "a=b:", "a=$(x)"] {
            assert!(!is_well_formed_protocol(bad), "{bad:?}");
        }
    }
}
