//! A hub on a temporary folder, and what talks to it.

pub(crate) mod browser;
mod http;
mod processes;
mod proxy;
mod random;
mod repository;

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

pub(crate) use self::http::{Answer, read_answer, send, send_raw};
pub(crate) use self::processes::processes;
pub(crate) use self::proxy::{Way, Wire};
pub(crate) use self::random::Random;
pub(crate) use self::repository::{MANIFEST, Repository, manifest_with_model};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Tells threads to stop when it is dropped: a test that fails must not wait for them for ever.
pub(crate) struct StopAtEnd<'a>(pub(crate) &'a std::sync::atomic::AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

/// Waits until `check` gives something.
pub(crate) fn wait_for<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A running hub with its data folder.
pub(crate) struct Hub {
    folder: tempfile::TempDir,
    data: PathBuf,
    child: Option<Child>,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
}

impl Hub {
    pub(crate) fn start() -> Self {
        Self::start_with("hub", "")
    }

    /// A hub whose data folder has this name, with this in its `hub.toml`.
    pub(crate) fn start_with(data: &str, configuration: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), data, configuration)
    }

    /// As [`Self::start_with`], below this folder.
    pub(crate) fn start_in(folder: tempfile::TempDir, data: &str, configuration: &str) -> Self {
        let data = folder.path().join(data);
        std::fs::create_dir(&data).unwrap();
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::fs::write(data.join("hub.toml"), configuration).unwrap();
        let mut hub = Self { folder, data, child: None, address: String::new() };
        hub.begin();
        hub
    }

    /// A hub with the team `studio`: `ann` writes, `rea` reads, `sam` is a stranger.
    pub(crate) fn with_team() -> Self {
        let hub = Self::start();
        hub.make_team();
        hub
    }

    pub(crate) fn make_team(&self) {
        for user in ["ann", "rea", "sam"] {
            self.run(&["user", "add", user]);
        }
        self.run(&["team", "add", "studio"]);
        self.run(&["team", "member", "studio", "ann", "--role", "writer"]);
        self.run(&["team", "member", "studio", "rea", "--role", "reader"]);
    }

    /// Starts the process again after [`Self::stop`].
    pub(crate) fn begin(&mut self) {
        self.begin_with_path(&std::env::var("PATH").unwrap());
    }

    /// As [`Self::begin`], with programs looked for in these folders.
    pub(crate) fn begin_with_path(&mut self, path: &str) {
        let log = File::create(self.folder.path().join("log")).unwrap();
        self.start_process(path, log.into());
    }

    /// Starts the hub with another place for its log.
    pub(crate) fn begin_with_log(&mut self, log: Stdio) {
        self.start_process(&std::env::var("PATH").unwrap(), log);
    }

    fn start_process(&mut self, path: &str, log: Stdio) {
        let mut child = self
            .command()
            .env("PATH", path)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Some(address) = line.trim().strip_prefix("comfydock-hub listening on http://") else {
            panic!("{line:?} {}", self.log());
        };
        self.address = address.to_owned();
        self.child = Some(child);
    }

    /// Asks the hub to stop and returns what it logged.
    pub(crate) fn stop(&mut self) -> String {
        self.ask_to_stop();
        self.wait_for_end()
    }

    pub(crate) fn ask_to_stop(&self) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits until the hub has ended well and returns what it logged.
    pub(crate) fn wait_for_end(&mut self) -> String {
        let mut child = self.child.take().unwrap();
        assert!(child.wait().unwrap().success(), "{}", self.log());
        self.log()
    }

    /// What the hub logged since it was started.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    /// Ends the hub as a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub(crate) fn command(&self) -> Command {
        self.command_on(&self.data)
    }

    /// The hub's program on another folder.
    pub(crate) fn command_on(&self, data: &std::path::Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_comfydock-hub"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).arg("--data").arg(data);
        command
    }

    /// Runs another command on the hub's folder and returns its output.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    pub(crate) fn try_run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    pub(crate) fn token(&self, user: &str, scope: &str) -> String {
        self.run(&["token", "create", user, "--scope", scope])
    }

    pub(crate) fn admin_token(&self) -> String {
        std::fs::read_to_string(self.data.join("admin-token")).unwrap().trim().to_owned()
    }

    /// The address of an environment with the token inside, as git takes it.
    pub(crate) fn url(&self, token: &str, path: &str) -> String {
        format!("http://x:{token}@{}/{path}", self.address)
    }

    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.data.join("hub.db")).unwrap()
    }

    pub(crate) fn data(&self) -> &std::path::Path {
        &self.data
    }

    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// An environment that was never pushed.
    pub(crate) fn repository(&self, name: &str) -> Repository {
        Repository::new(self.scratch(name))
    }

    /// The bare repositories on the hub.
    pub(crate) fn bare_repositories(&self) -> Vec<PathBuf> {
        let folders = |path: PathBuf| std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        folders(self.data.join("repos")).flat_map(folders).collect()
    }

    pub(crate) fn get(&self, token: &str, path: &str) -> Answer {
        send(&self.address, "GET", path, &[("Authorization", &format!("Bearer {token}"))], b"")
    }

    pub(crate) fn post_json(&self, token: &str, path: &str, body: &serde_json::Value) -> Answer {
        let headers = [("Authorization", &*format!("Bearer {token}")), ("Content-Type", "application/json")];
        send(&self.address, "POST", path, &headers, body.to_string().as_bytes())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes that do not compress, the same each time: a linear congruence.
pub(crate) fn noise(count: u32) -> Vec<u8> {
    let step = |state: &mut u32, _| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*state >> 24) as u8)
    };
    (0..count).scan(1, step).collect()
}
