//! Getting a model that no environment names yet.

use std::path::PathBuf;

use comfydock_core::category;
use comfydock_core::digest::Sha256;
use comfydock_core::path::ModelPath;
use comfydock_core::source::Source;
use url::Url;

use crate::Error;
use crate::models::download::{Arrived, Outcome as Came, Wanted};
use crate::models::index::Index;
use crate::models::roots::Root;
use crate::ops::{Context, fetch_models};
use crate::remote::hub::Hub;
use crate::workspace::Workspace;

/// What the user says of the file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The category it is for.
    pub category: Option<String>,
    /// What to call it.
    pub filename: Option<String>,
    /// What it must hash to.
    pub sha256: Option<Sha256>,
}

/// A file to be had.
#[derive(Debug, Clone)]
pub struct NewFile {
    path: ModelPath,
    sha256: Option<Sha256>,
    sources: Vec<Source>,
}

impl NewFile {
    /// A file that shall lie at this path below the folder for new files.
    pub fn at(path: ModelPath, sha256: Option<Sha256>, sources: Vec<Source>) -> Self {
        Self { path, sha256, sources }
    }

    /// Its name.
    pub fn filename(&self) -> &str {
        self.path.as_str().rsplit('/').next().unwrap_or_default()
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// The category it is for.
    pub category: String,
    /// Whether its SHA-256 was known before it came.
    pub pinned: bool,
    /// The file, or why it did not come.
    pub came: Came,
}

/// The file at a source.
///
/// # Errors
/// When its name or category cannot be told.
pub fn from_source(source: Source, options: &Options) -> Result<NewFile, Error> {
    let url = source.url().and_then(|text| Url::parse(text).ok());
    let segments: Vec<String> =
        url.as_ref().and_then(Url::path_segments).map(|all| all.map(str::to_owned).collect()).unwrap_or_default();
    let told = segments.last().filter(|name| category::wide_model_extension(name) && !name.contains('%'));
    let in_path = segments.iter().rev().find(|segment| category::KNOWN.contains(&category::canonical(segment)));
    let path = path(options, told.map(String::as_str), in_path.map(String::as_str))?;
    Ok(NewFile { path, sha256: options.sha256.clone(), sources: vec![source] })
}

/// The file with a SHA-256 that the hub knows sources of.
///
/// # Errors
/// When the word is no whole SHA-256, or nobody knows it.
pub fn from_hash(word: &str, hub: Option<&Hub>, options: &Options) -> Result<NewFile, Error> {
    let Ok(sha256) = Sha256::parse(word.strip_prefix("sha256:").unwrap_or(word)) else {
        return Err(Error::refused(
            format!("`{word}` means no model of the environment"),
            "name a file of its workflows, the start of a hash, or a URL",
        ));
    };
    let sources = match hub {
        Some(hub) => hub.sources(std::slice::from_ref(&sha256))?.remove(&sha256).unwrap_or_default(),
        None => Vec::new(),
    };
    if sources.is_empty() {
        return Err(Error::refused(
            format!("nobody says where the model with SHA-256 {}… can be had", sha256.short(12)),
            format!("give the URL, and the hash with --sha256 {sha256}"),
        ));
    }
    let name = sources.iter().find_map(|source| {
        let name = source.url()?.split(['?', '#']).next()?.rsplit('/').next()?;
        (category::wide_model_extension(name) && !name.contains('%')).then(|| name.to_owned())
    });
    Ok(NewFile { path: path(options, name.as_deref(), None)?, sha256: Some(sha256), sources })
}

fn path(options: &Options, name: Option<&str>, in_path: Option<&str>) -> Result<ModelPath, Error> {
    let name =
        options.filename.as_deref().or(name).ok_or_else(|| {
            Error::refused("the source does not say what to call the file", "name it with --filename")
        })?;
    if name.contains(['/', '\\']) || !category::wide_model_extension(name) {
        return Err(Error::refused(
            format!("`{name}` is no name of a model file"),
            "give a file name that ends as models do, like .safetensors",
        ));
    }
    let category = options.category.as_deref().or(in_path).ok_or_else(|| Error::Refused {
        message: format!("nothing says which category `{name}` is for"),
        details: Vec::new(),
        hint: Some(format!("say it with --category, like {}", category::KNOWN.join(", "))),
    })?;
    let folder = category::folders(category).first().copied().unwrap_or(category).to_owned();
    ModelPath::parse(&format!("{folder}/{name}"))
        .map_err(|error| Error::refused(error.to_string(), "give another --category or --filename"))
}

/// Brings the file into the folder that downloads go to, and remembers where it came from.
///
/// # Errors
/// When there is no such folder or the index fails; that it does not come is in the outcome.
pub fn bring(workspace: &Workspace, new: NewFile, hub: Option<&Hub>, context: &Context<'_>) -> Result<Outcome, Error> {
    let folder = workspace.download_target()?.path.clone();
    if !folder.is_dir() {
        return Err(Error::refused(
            format!("the models folder `{}` is not there", folder.display()),
            "mount or create it",
        ));
    }
    let path = folder.join(new.path.as_str());
    let wanted = Wanted {
        label: new.filename().to_owned(),
        sha256: new.sha256.clone(),
        quick: None,
        size: None,
        sources: new.sources.clone(),
        target: path.clone(),
    };
    let came = fetch_models::run(&[&wanted], hub, context)?
        .pop()
        .ok_or_else(|| Error::refused("the download was not begun", "this is a bug, please report it"))?;
    if let Ok(Arrived { digests, quick, stamp, source }) = &came.arrived {
        let mut index = Index::open(workspace)?;
        let below = fetch_models::below(&path, &folder);
        let model = index.measured(&Root::folder(&folder), &below, quick, digests, stamp)?;
        for source in source.iter().chain(new.sources.iter().filter(|_| new.sha256.is_some())) {
            index.add_source(model, source, "download")?;
        }
    }
    let category = category::of_folder(new.path.as_str().split('/').next().unwrap_or_default()).to_owned();
    Ok(Outcome { path, category, pinned: new.sha256.is_some(), came })
}
