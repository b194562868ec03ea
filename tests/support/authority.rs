//! An authority that nobody but a test believes, servers with its certificates, and the address of this machine that
//! others see: its own addresses are reached without https.

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{programs, skip, write};

/// The authority, and a certificate of it for the address.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
    pub(crate) address: IpAddr,
}

impl Authority {
    /// None where there is no openssl, or this machine is on no network.
    pub(crate) fn new() -> Option<Self> {
        let Some(address) = address() else {
            skip("this machine has no address but its own");
            return None;
        };
        let authority = Self { folder: tempfile::tempdir().unwrap(), address };
        write(&authority.at("about"), format!("subjectAltName=IP:{address}\nbasicConstraints=CA:FALSE\n"));
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"];
        let made = authority.openssl(
            &[&["req", "-x509", "-subj", "/CN=a studio", "-days", "2", "-out", "root.pem"][..], &key, &["root.key"]]
                .concat(),
        ) && authority
            .openssl(&[&["req", "-new", "-subj", "/CN=a server", "-out", "request"][..], &key, &["key.pem"]].concat())
            && authority.openssl(&[
                "x509",
                "-req",
                "-in",
                "request",
                "-CA",
                "root.pem",
                "-CAkey",
                "root.key",
                "-CAcreateserial",
                "-days",
                "2",
                "-extfile",
                "about",
                "-out",
                "certificate.pem",
            ]);
        if !made {
            skip("there is no openssl");
            return None;
        }
        Some(authority)
    }

    fn openssl(&self, words: &[&str]) -> bool {
        let made = Command::new("openssl").args(words).current_dir(self.folder.path()).output();
        made.is_ok_and(|output| output.status.success())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.at("certificate.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.at("key.pem")
    }

    /// A file with this authority and those that this machine believes, which it still needs for packages.
    pub(crate) fn believed(&self) -> PathBuf {
        let system = std::env::var_os("SSL_CERT_FILE").unwrap_or_else(|| "/etc/ssl/certs/ca-certificates.crt".into());
        let system = std::fs::read_to_string(system).unwrap_or_default();
        let own = std::fs::read_to_string(self.at("root.pem")).unwrap();
        write(&self.at("believed.pem"), format!("{system}\n{own}"));
        self.at("believed.pem")
    }
}

/// An address of this machine that does not say by itself that it is this machine's. Nothing is sent.
fn address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback()).then_some(address)
}

/// A web server with https and the files of a folder; it ends with the test.
pub(crate) struct SecureSite {
    child: Child,
    pub(crate) host: String,
}

/// It takes its address, certificate, key and folder.
const SERVER: &str = "\
import functools, http.server, ssl, sys
address, certificate, key, folder = sys.argv[1:]
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
server = http.server.ThreadingHTTPServer((address, 0), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
";

impl SecureSite {
    pub(crate) fn start(authority: &Authority, folder: &Path) -> Self {
        let mut command = programs::bare(programs::python());
        command.args(["-c", SERVER, &authority.address.to_string()]);
        command.arg(authority.certificate()).arg(authority.key()).arg(folder);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { host: format!("{}:{}", authority.address, port.trim()), child }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://{}/{path}", self.host)
    }
}

impl Drop for SecureSite {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
