//! A machine: a home of its own, a workspace of its own, and nothing of ours in its environment.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

use super::{cache, comfyui::ComfyUi, programs, write};

/// A machine that runs `comfydock`.
pub(crate) struct Machine {
    folder: tempfile::TempDir,
    variables: Vec<(OsString, OsString)>,
}

/// A command under way.
pub(crate) struct Running {
    command: Command,
    child: Child,
    /// What it said on stderr so far.
    talk: Arc<Mutex<String>>,
    listener: JoinHandle<()>,
}

/// What a command said.
pub(crate) struct Said {
    line: String,
    /// The exit code; -1 after a signal.
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::on(&std::env::temp_dir())
    }

    /// A machine whose disk is below `folder`.
    pub(crate) fn on(folder: &Path) -> Self {
        let folder = tempfile::Builder::new().prefix("machine-").tempdir_in(folder).unwrap();
        let machine = Self { folder, variables: Vec::new() };
        std::fs::create_dir_all(machine.models()).unwrap();
        write(&machine.home().join(".gitconfig"), "[user]\n\tname = Ann\n\temail = ann@example.org\n");
        machine
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    pub(crate) fn workspace(&self) -> PathBuf {
        self.root().join("workspace")
    }

    /// The first models folder.
    pub(crate) fn models(&self) -> PathBuf {
        self.root().join("models")
    }

    pub(crate) fn environment(&self, name: &str) -> PathBuf {
        self.workspace().join("environments").join(name)
    }

    /// The path of a workflow as ComfyUI keeps it.
    pub(crate) fn workflow(&self, environment: &str, name: &str) -> PathBuf {
        self.environment(environment).join(format!("ComfyUI/user/default/workflows/{name}.json"))
    }

    /// Puts a model into the first models folder.
    pub(crate) fn put_model(&self, path: &str, bytes: &[u8]) {
        write(&self.models().join(path), bytes);
    }

    /// Sets a variable for every command from now on.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.push((name.into(), value.into()));
    }

    /// Lets models come from this address, which is not public.
    pub(crate) fn allow(&mut self, address: &str) {
        let known = self.variables.iter().rev().find(|(name, _)| name == "COMFYDOCK_ALLOW_HOSTS");
        let before = known.map(|(_, hosts)| format!("{},", hosts.to_string_lossy())).unwrap_or_default();
        self.set("COMFYDOCK_ALLOW_HOSTS", format!("{before}{address}"));
    }

    /// `comfydock` on this machine.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(programs::comfydock());
        command.arg("--workspace").arg(self.workspace()).args(arguments);
        command
    }

    /// Any program on this machine.
    pub(crate) fn program(&self, program: &Path) -> Command {
        let mut command = programs::bare(program);
        command
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", self.home().join(".config"))
            .env("XDG_CACHE_HOME", self.home().join(".cache"))
            .env("XDG_DATA_HOME", self.home().join(".local/share"))
            .env("XDG_STATE_HOME", self.home().join(".local/state"))
            .env("LANG", "C.UTF-8")
            .env("COMFYDOCK_UV", programs::uv())
            .env("UV_CACHE_DIR", cache().join("uv-cache"))
            .envs(self.variables.iter().cloned())
            .current_dir(self.root())
            .stdin(Stdio::null());
        command
    }

    /// Starts `comfydock` and does not wait for it.
    pub(crate) fn spawn(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let talk = Arc::new(Mutex::new(String::new()));
        let (heard, stderr) = (talk.clone(), child.stderr.take().unwrap());
        let listener = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                heard.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        Running { command, child, talk, listener }
    }

    /// Runs `comfydock`, whatever comes of it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&mut self.command(arguments))
    }

    /// Runs `comfydock`, which must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Said {
        self.run(arguments).ok()
    }

    /// Runs `comfydock --json`, which must succeed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let said = self.ok(&[&["--json"], arguments].concat());
        serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}\n{said}"))
    }

    /// Makes the workspace.
    pub(crate) fn init(&self) {
        self.ok(&["init", "--models-dir", self.models().to_str().unwrap()]);
    }

    /// Makes the workspace and an environment called `studio`.
    pub(crate) fn create(&self, comfyui: &ComfyUi) {
        self.init();
        self.ok(&["create", "studio", "--comfyui-url", comfyui.url(), "--comfyui-version", super::comfyui::OLD]);
    }

    /// Logs in with a token on stdin.
    pub(crate) fn login(&self, address: &str, token: &str) -> Said {
        let mut command = self.command(&["hub", "login", address]);
        Said::with_input(&mut command, token)
    }
}

impl Running {
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Whether it has said this by now.
    pub(crate) fn has_said(&self, words: &str) -> bool {
        self.talk.lock().unwrap().contains(words)
    }

    /// Waits until it has ended.
    pub(crate) fn end(self) -> Said {
        let mut output = self.child.wait_with_output().unwrap();
        self.listener.join().unwrap();
        output.stderr = self.talk.lock().unwrap().clone().into_bytes();
        Said::read(&self.command, &output)
    }
}

impl Said {
    /// Runs a command.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self::read(command, &output)
    }

    /// Runs a command that reads its standard input.
    pub(crate) fn with_input(command: &mut Command, input: &str) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that refuses at once does not read.
        let _ = writeln!(stdin, "{input}");
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        Self::read(command, &output)
    }

    fn read(command: &Command, output: &std::process::Output) -> Self {
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        Self {
            line: words.join(" "),
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Everything it said.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    #[track_caller]
    pub(crate) fn code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.code(0)
    }

    /// Holds that it said this, on one line or over line breaks.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        let flat = self.text().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(words), "{words:?} is not in: {self}");
        self
    }

    /// Holds that it did not say this.
    #[track_caller]
    pub(crate) fn never_says(self, words: &str) -> Self {
        assert!(!self.text().contains(words), "{words:?} is in: {self}");
        self
    }

    /// Holds that one line says all of this.
    #[track_caller]
    pub(crate) fn line(self, words: &[&str]) -> Self {
        let text = self.text();
        let found = text.lines().any(|line| words.iter().all(|word| line.contains(word)));
        assert!(found, "no line with {words:?} in: {self}");
        self
    }
}

impl std::fmt::Display for Said {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "`comfydock {}`: {}\n{}\n{}", self.line, self.code, self.stdout, self.stderr)
    }
}
