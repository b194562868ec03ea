//! `comfydock models upload`: files that no site has, kept by the environment's hub.

use std::path::PathBuf;

use comfydock_core::digest::Sha256;
use comfydock_core::manifest::{Manifest, Model};
use comfydock_core::name::RepoPath;
use comfydock_core::source::Source;

use crate::Error;
use crate::environment::Environment;
use crate::models::index::Index;
use crate::models::roots::Roots;
use crate::models::scan::{self, Unmeasured};
use crate::observe;
use crate::ops::{Context, remotes};
use crate::remote::hub::Hub;
use crate::remote::upload::Parcel;
use crate::workspace::Workspace;

/// Which models of the environment to send.
pub enum Which {
    /// Those that nobody says a source of.
    WithoutSource,
    /// Those of these names, or whose hashes begin so.
    Named(Vec<String>),
}

/// A model that the hub has now.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// Its file's name.
    pub filename: String,
    /// Its identity.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
    /// Bytes that had to be sent; none when the hub had the file.
    pub sent: u64,
    /// Whether the commit names the hub as a source already.
    pub is_recorded: bool,
}

/// What is to be sent, and where to.
pub struct Shipment {
    hub: Hub,
    environment: RepoPath,
    files: Vec<(Model, Sha256, Local)>,
}

impl Shipment {
    /// The models, by file name and bytes.
    pub fn models(&self) -> impl Iterator<Item = (&str, u64)> {
        self.files.iter().map(|(model, ..)| (model.filename.as_str(), model.size))
    }

    /// Sends them to the hub, and notes the hub as their source.
    ///
    /// # Errors
    /// When the hub refuses one. Those that were sent before stay there.
    pub fn send(self, workspace: &Workspace, context: &Context<'_>) -> Result<Vec<Uploaded>, Error> {
        let mut uploaded = Vec::new();
        for (model, sha256, file) in self.files {
            let parcel =
                Parcel { label: &model.filename, sha256: &sha256, path: &file.path, environment: &self.environment };
            let sent = self.hub.upload(&parcel, context.reporter)?;
            let source = Source::Hub(sha256.clone());
            Index::open(workspace)?.add_source(file.model, &source, "hub")?;
            let is_recorded = model.sources.contains(&source);
            uploaded.push(Uploaded { filename: model.filename, sha256, size: model.size, sent, is_recorded });
        }
        Ok(uploaded)
    }
}

/// Finds models of the environment's last commit that the hub it is pushed to shall keep. All of them are looked for
/// before the first is sent.
///
/// # Errors
/// When the remote is no hub, or a model is not known or not here.
pub fn upload(
    workspace: &Workspace,
    environment: &Environment,
    which: &Which,
    context: &Context<'_>,
) -> Result<Shipment, Error> {
    let (hub, path) = find_hub(environment, context)?;
    let manifest = observe::head(environment)?.manifest;
    let chosen = choose(&manifest, which)?;
    let files = find_files(workspace, environment, &manifest, &chosen, context)?;
    Ok(Shipment { hub, environment: path, files })
}

fn find_hub(environment: &Environment, context: &Context<'_>) -> Result<(Hub, RepoPath), Error> {
    let origin = remotes::find(environment, None)?;
    let location = remotes::at_url(&origin.url, &context.network)?;
    let found = location.hub.and_then(|hub| hub.environment_at(&origin.url).map(|path| (hub, path)));
    found.ok_or_else(|| {
        Error::refused(
            format!("the remote `{}` is on no hub that you are logged in to", origin.name),
            "only a hub keeps model files: `comfydock hub login URL`, then `comfydock remote add origin TEAM/NAME`",
        )
    })
}

/// The models of the manifest that are meant, each once.
fn choose<'a>(manifest: &'a Manifest, which: &Which) -> Result<Vec<(&'a str, &'a Model)>, Error> {
    let models = || manifest.models.iter().map(|(key, model)| (key.as_str(), model));
    let words = match which {
        Which::WithoutSource => return Ok(models().filter(|(_, model)| model.sources.is_empty()).collect()),
        Which::Named(words) => words,
    };
    let mut chosen: Vec<(&str, &Model)> = Vec::new();
    for word in words {
        let lower = word.to_ascii_lowercase();
        let hash = lower.strip_prefix("sha256:").unwrap_or(&lower);
        let is_hash = hash.len() >= 6 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let means = |key: &str, model: &Model| {
            let begins = |digest: Option<&str>| is_hash && digest.is_some_and(|text| text.starts_with(hash));
            model.filename == *word
                || model.relative_path.as_str() == word
                || begins(Some(key))
                || begins(model.sha256.as_ref().map(Sha256::as_str))
        };
        let mut found: Vec<_> = models().filter(|(key, model)| means(key, model)).collect();
        match (found.pop(), found.len()) {
            (Some(one), 0) => chosen.extend((!chosen.iter().any(|(key, _)| *key == one.0)).then_some(one)),
            (Some(last), _) => {
                found.push(last);
                return Err(Error::Refused {
                    message: format!("`{word}` means several models of this environment"),
                    details: found.iter().map(|(key, model)| format!("{key} {}", model.relative_path)).collect(),
                    hint: Some("name one by its hash".to_owned()),
                });
            }
            (None, _) => {
                return Err(Error::refused(
                    format!("the last commit names no model `{word}`"),
                    "the hub keeps what an environment uses: save a workflow with it, then `comfydock commit`",
                ));
            }
        }
    }
    Ok(chosen)
}

/// A file of this machine.
struct Local {
    /// The row in the index.
    model: i64,
    path: PathBuf,
}

/// Where the files are. One that was never measured is, before it is sent.
fn find_files(
    workspace: &Workspace,
    environment: &Environment,
    manifest: &Manifest,
    chosen: &[(&str, &Model)],
    context: &Context<'_>,
) -> Result<Vec<(Model, Sha256, Local)>, Error> {
    let look = || observe::library(workspace, Some(environment), Some(manifest), None, context.reporter);
    let roots = Roots::of(workspace, Some(environment))?;
    let library = look()?;
    let may_be = |quick: &str, size: u64| {
        chosen.iter().any(|(key, model)| key.split('-').next() == Some(quick) && model.size == size)
    };
    let unmeasured =
        Unmeasured::of(&library, &roots, |known| known.sha256.is_none() && may_be(known.quick.as_str(), known.size));
    let library = if unmeasured.is_empty() {
        library
    } else {
        scan::measure(&mut Index::open(workspace)?, &unmeasured, context.reporter)?;
        look()?
    };
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for (_, model) in chosen {
        let Some(sha256) = &model.sha256 else {
            problems.push(format!("{}: the commit does not have its SHA-256 yet", model.filename));
            continue;
        };
        let found = library.iter().find(|(_, known)| known.sha256.as_ref() == Some(sha256));
        let place = found.and_then(|(_, known)| {
            let place = known.places.iter().chain(&known.elsewhere).next()?;
            Some(Local { model: known.id, path: roots.path(place) })
        });
        match place {
            Some(local) => files.push(((*model).clone(), sha256.clone(), local)),
            None => problems.push(format!("{}: its file is not on this machine", model.filename)),
        }
    }
    if problems.is_empty() {
        return Ok(files);
    }
    Err(Error::Refused {
        message: "not all of these models can be sent; nothing was".to_owned(),
        details: problems,
        hint: Some(
            "`comfydock push` records hashes that are missing; `comfydock models index DIR` adds a folder".to_owned(),
        ),
    })
}
