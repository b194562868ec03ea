//! Debian's docker-registry, started for one test.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A tool that `tests/tools.sh` fetches, as a variable names it or where it puts it.
pub(crate) fn tool(variable: &str, below: &str) -> Option<PathBuf> {
    let usual = target().join("tools/registries").join(below);
    let found = std::env::var_os(variable).map_or(usual, PathBuf::from);
    if found.exists() {
        return Some(found);
    }
    let _ = writeln!(std::io::stderr(), "SKIPPED: there is no {below}; tests/run.sh fetches it");
    None
}

/// The folder that everything is built in: the crate's own manifest may lie one or two folders below it.
fn target() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = own.ancestors().find(|folder| folder.join("Cargo.lock").is_file()).unwrap_or(own);
    root.join("target")
}

/// Who may do what.
pub(crate) enum Access {
    Everybody,
    /// User `me` with password `hunter2`.
    Password,
    /// Tokens of this realm, signed by this certificate.
    Tokens {
        realm: String,
        certificate: PathBuf,
    },
}

pub(crate) struct Docker {
    folder: TempDir,
    program: PathBuf,
    port: u16,
    child: Child,
}

impl Docker {
    pub(crate) fn start(access: &Access) -> Option<Self> {
        let program = tool("COMFYDOCK_DOCKER_REGISTRY", "docker-registry")?;
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let data = folder.path().join("data");
        let auth = match access {
            Access::Everybody => String::new(),
            Access::Password => {
                let file = folder.path().join("htpasswd");
                // bcrypt of "hunter2".
                fs::write(&file, "me:$2y$04$abcdefghijklmnopqrstuuV3duMsC0HpUex6N9qapiuOHHWkwRXVm\n").unwrap();
                format!("auth: {{htpasswd: {{realm: tests, path: {}}}}}\n", file.display())
            }
            Access::Tokens { realm, certificate } => format!(
                "auth: {{token: {{realm: \"{realm}\", service: tests, issuer: tests, rootcertbundle: {}}}}}\n",
                certificate.display()
            ),
        };
        // With a secret of its own making the registry would forget its uploads when it is started anew.
        let configuration = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: \"127.0.0.1:{port}\", secret: tests}}\n{auth}",
            data.display()
        );
        fs::write(folder.path().join("config.yml"), configuration).unwrap();
        let child = run(&program, folder.path());
        let docker = Self { folder, program, port, child };
        docker.wait();
        Some(docker)
    }

    /// Waits until it answers.
    fn wait(&self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "docker-registry does not start");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it keeps everything.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// SIGKILL, and a new one over the same data.
    pub(crate) fn kill_and_start(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = run(&self.program, self.folder.path());
        self.wait();
    }
}

fn run(program: &Path, folder: &Path) -> Child {
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = Command::new(program);
    command.arg("serve").arg(folder.join("config.yml")).env("OTEL_TRACES_EXPORTER", "none");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

impl Drop for Docker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
