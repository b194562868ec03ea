//! What `import` was told to take: a file here, or one behind a URL, which is got first.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use comfydock_bundle::sign::beside;
use comfydock_core::address::is_loopback;
use comfydock_core::bundle::TOTAL_LIMIT;
use comfydock_core::source::Source;
use comfydock_store::{file, hash};
use url::Url;

use crate::Error;
use crate::models::download::{Engine, Kind, Pace, Wanted};
use crate::ops::{Context, fetch_models};
use crate::remote::address::Addresses;
use crate::workspace::{BUNDLES, Workspace};

/// A file to be imported.
#[derive(Debug, Clone)]
pub struct Brought {
    /// Where it lies.
    pub path: PathBuf,
    /// What was named, without what is secret in it.
    pub shown: String,
    /// The folder that it was got into.
    cached: Option<PathBuf>,
}

/// A file of a path or of a URL. What is got from a URL lies in the workspace's cache until [`Brought::done`]: a
/// command that was ended goes on with it.
///
/// # Errors
/// When the URL may not be asked or cannot be had.
pub fn bring(workspace: &Workspace, word: &str, context: &Context<'_>) -> Result<Brought, Error> {
    let Some(url) = Url::parse(word).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return Ok(Brought { path: PathBuf::from(word), shown: word.to_owned(), cached: None });
    };
    let shown = shown(&url);
    check(&url, &shown, context)?;
    let key = hash::sha256_of(word.as_bytes());
    let folder = workspace.cache(BUNDLES).join(key.short(16));
    let path = folder.join(name_of(&url));
    let brought = Brought { path, shown, cached: Some(folder) };
    if brought.path.is_file() {
        context.reporter.note(format!("{} came before; it is not fetched again", brought.shown));
        return Ok(brought);
    }
    context.reporter.step(format!("Fetching {}", brought.shown));
    fetch(word, &name_of(&url), TOTAL_LIMIT, &brought.path, context)?.map_err(|reason| {
        Error::refused(
            format!("{} cannot be had: {reason}", brought.shown),
            "nothing was changed; what came so far is kept, and the same command goes on with it",
        )
    })?;
    // A signature lies beside it, as beside a file; that there is none is for others to judge.
    let mut signature = url.clone();
    signature.set_path(&beside(Path::new(url.path())).to_string_lossy());
    let limit = comfydock_core::signature::MOST_BUNDLE_BYTES as u64;
    if let Err(reason) = fetch(signature.as_str(), "its signature", limit, &beside(&brought.path), context)? {
        context.reporter.note(format!("no signature lies beside it: {reason}"));
    }
    Ok(brought)
}

/// Gets a file, or says why it cannot be had.
fn fetch(
    word: &str,
    label: &str,
    limit: u64,
    target: &Path,
    context: &Context<'_>,
) -> Result<Result<(), String>, Error> {
    // What only one machine's login may see is sent to that host alone: `Addresses` knows whose token is whose.
    let addresses = Addresses::load(None)?;
    let mut consent = fetch_models::consent(context)?;
    addresses.consented().for_each(|host| consent.add(&host));
    let engine = Engine {
        consent: &consent,
        addresses: &addresses,
        kind: Kind::Archive { limit },
        pace: Pace::default(),
        pickle: true,
        alone: true,
        offline: context.network.offline,
        reporter: context.reporter,
    };
    let wanted = Wanted {
        label: label.to_owned(),
        sha256: None,
        quick: None,
        size: None,
        sources: vec![Source::Url(word.to_owned())],
        target: target.to_owned(),
    };
    Ok(engine.download(&wanted).arrived.map(|_| ()).map_err(|failure| failure.reason()))
}

impl Brought {
    /// Whether it is packed as bundles are.
    ///
    /// # Errors
    /// When it cannot be read, or is a folder.
    pub fn is_packed(&self) -> Result<bool, Error> {
        if self.path.is_dir() {
            return Err(Error::refused(
                format!("`{}` is a folder, and a bundle is a file", self.shown),
                "`comfydock create NAME --from DIR` takes over an installation",
            ));
        }
        let mut start = [0; 2];
        let mut opened = std::fs::File::open(&self.path).map_err(file::Error::at("open", &self.path))?;
        Ok(opened.read_exact(&mut start).is_ok() && start == [0x1f, 0x8b])
    }

    /// The name of its file without what says of what kind it is.
    pub fn stem(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let endings = [".tar.gz", ".tgz", ".cpack.zip", ".zip", ".json", ".yaml", ".yml"];
        let stem = endings.iter().find_map(|ending| name.strip_suffix(ending));
        stem.unwrap_or(&name).to_owned()
    }

    /// Whether it was got from elsewhere, so that somebody has to vouch for it.
    pub fn is_from_elsewhere(&self) -> bool {
        self.cached.is_some()
    }

    /// It is not needed any more: what was got goes.
    pub fn done(&self) {
        if let Some(folder) = &self.cached {
            // A cache: what cannot be removed now is overwritten or goes with the next import.
            let _ = file::remove(folder);
        }
    }
}

/// Plain http shows what is sent to everyone on the way, and lets them change it.
fn check(url: &Url, shown: &str, context: &Context<'_>) -> Result<(), Error> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::refused(
            format!("`{shown}` has a name or a password in it"),
            "they would be written into logs; download it by other means and import the file",
        ));
    }
    if url.scheme() == "http" && !is_loopback(url) && !context.network.insecure_http {
        return Err(Error::refused(
            format!("`{shown}` is not https: anyone on the way could send another bundle"),
            "use https, or add --insecure-http if you trust the network",
        ));
    }
    Ok(())
}

/// A URL without what may be a secret.
fn shown(url: &Url) -> String {
    let mut plain = url.clone();
    let _ = plain.set_username("");
    let _ = plain.set_password(None);
    plain.set_query(None);
    plain.set_fragment(None);
    plain.to_string()
}

/// What the file is called here.
fn name_of(url: &Url) -> String {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let plain = |character: &char| character.is_ascii_alphanumeric() || "-_.".contains(*character);
    let name: String = last.chars().filter(plain).take(100).collect();
    let name = name.trim_start_matches('.').to_owned();
    if name.is_empty() { "bundle.tar.gz".to_owned() } else { name }
}
