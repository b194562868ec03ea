//! A running hub with a team: ann and bob write, rea reads.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::programs::{bare, hub, succeed};
use super::{Machine, wait_for};

/// A running hub.
pub(crate) struct Hub {
    folder: tempfile::TempDir,
    child: Child,
    log: Arc<Mutex<String>>,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
}

impl Hub {
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("hub-").tempdir().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (child, address) = serve(folder.path(), "127.0.0.1:0", &log);
        let hub = Self { folder, child, log, address };
        hub.run(&["team", "add", "team"]);
        for (user, role) in [("ann", "writer"), ("bob", "writer"), ("rea", "reader")] {
            hub.run(&["user", "add", user]);
            hub.run(&["team", "member", "team", user, "--role", role]);
        }
        hub
    }

    /// Ends the hub as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after [`Self::kill`], at the same address.
    pub(crate) fn begin(&mut self) {
        self.child = serve(self.folder.path(), &self.address, &self.log).0;
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Runs another command on the hub's folder and returns its output.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = succeed(command(self.folder.path()).args(arguments));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn token(&self, user: &str, scope: &str) -> String {
        self.run(&["token", "create", user, "--scope", scope])
    }

    /// A token that was good until a moment ago.
    pub(crate) fn expired_token(&self, user: &str) -> String {
        let token = self.run(&["token", "create", user, "--expires", "1", "--name", "over"]);
        let database = rusqlite::Connection::open(self.data().join("hub.db")).unwrap();
        assert_eq!(database.execute("UPDATE tokens SET expires_at = created_at WHERE label = 'over'", []).unwrap(), 1);
        token
    }

    /// Logs a machine in as a user who may push, and returns the token.
    pub(crate) fn admit(&self, machine: &Machine, user: &str) -> String {
        let token = self.token(user, "push");
        machine.login(&self.url(), &token).ok().says(user);
        token
    }

    /// What the hub logged up to now.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The only bare repository on the hub.
    pub(crate) fn repository(&self) -> PathBuf {
        wait_for("a repository", || {
            let folders =
                |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
            folders(self.data().join("repos")).flat_map(folders).find(|path| path.join("HEAD").exists())
        })
    }
}

/// Starts the program and waits until it serves; returns where it does.
fn serve(folder: &std::path::Path, address: &str, log: &Arc<Mutex<String>>) -> (Child, String) {
    let mut serving = command(folder);
    serving.args(["serve", "--listen", address]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = serving.spawn().unwrap();
    let (mut stderr, kept) = (child.stderr.take().unwrap(), log.clone());
    std::thread::spawn(move || {
        let mut block = [0; 4096];
        while let Ok(count @ 1..) = stderr.read(&mut block) {
            kept.lock().unwrap().push_str(&String::from_utf8_lossy(&block[..count]));
        }
    });
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("comfydock-hub listening on http://").map(str::to_owned);
    let address = address.unwrap_or_else(|| panic!("{line:?} {}", log.lock().unwrap()));
    (child, address)
}

fn command(folder: &std::path::Path) -> Command {
    let mut command = bare(hub());
    command.env("HOME", folder).arg("--data").arg(folder.join("data"));
    command
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
