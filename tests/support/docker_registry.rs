//! Debian's docker-registry, started for one test.

use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
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
    address: SocketAddr,
    child: Child,
}

impl Docker {
    pub(crate) fn start(access: &Access) -> Option<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), None, access)
    }

    /// On an address of this machine, with a certificate and its key if there are such.
    pub(crate) fn start_at(address: IpAddr, secure: Option<(&Path, &Path)>, access: &Access) -> Option<Self> {
        let program = tool("COMFYDOCK_DOCKER_REGISTRY", "docker-registry")?;
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind((address, 0)).unwrap().local_addr().unwrap();
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
        let tls = secure.map_or_else(String::new, |(certificate, key)| {
            format!(", tls: {{certificate: {}, key: {}}}", certificate.display(), key.display())
        });
        // With a secret of its own making the registry would forget its uploads when it is started anew.
        let configuration = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
             http: {{addr: \"{address}\", secret: tests{tls}}}\n{auth}",
            data.display()
        );
        fs::write(folder.path().join("config.yml"), configuration).unwrap();
        let child = run(&program, folder.path());
        let docker = Self { folder, program, address, child };
        docker.wait();
        Some(docker)
    }

    /// Waits until it answers.
    fn wait(&self) {
        let began = Instant::now();
        while TcpStream::connect(self.address).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "docker-registry does not start");
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Where it keeps everything.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// SIGKILL, and a new one over the same data.
    pub(crate) fn kill_and_start(&mut self) {
        self.kill();
        self.start_again();
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A new one over the data of the one that was killed.
    pub(crate) fn start_again(&mut self) {
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
