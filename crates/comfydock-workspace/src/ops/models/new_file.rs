//! Getting a model that no environment names yet: it climbs the same ladder and comes the same way as
//! those that are named.

use std::path::PathBuf;

use comfydock_core::category;
use comfydock_core::digest::Sha256;
use comfydock_core::path::ModelPath;
use comfydock_core::plan::models::{Action, ModelStep};
use comfydock_core::source::Source;
use url::Url;

use crate::Error;
use crate::environment::Environment;
use crate::ops::fetch_models::{Fate, Report};
use crate::ops::{Context, elsewhere};
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

/// A file to be had, with a place for it.
#[derive(Debug, Clone)]
pub struct NewFile {
    step: ModelStep,
    /// Where it lies already.
    at: Option<PathBuf>,
}

impl NewFile {
    /// A file that shall lie at this path below the folder for new files.
    pub fn at(path: &ModelPath, sha256: Option<Sha256>, sources: Vec<Source>) -> Self {
        let text = path.as_str();
        let (folder, name) = text.split_once('/').unwrap_or(("", text));
        let filename = text.rsplit('/').next().unwrap_or_default().to_owned();
        let step = ModelStep {
            key: String::new(),
            category: category::of_folder(folder).to_owned(),
            filename,
            size: 0,
            sha256,
            blake3: None,
            sources,
            action: Action::Download,
            relative_path: text.to_owned(),
            name: name.to_owned(),
            workflows: Vec::new(),
        };
        Self { step, at: None }
    }

    /// As it is here already, or is brought from where it lies here.
    pub(super) fn here(mut self, action: Action, at: Option<PathBuf>) -> Self {
        self.step.action = action;
        self.at = at;
        self
    }

    /// Of so many bytes, if that is known.
    pub(super) fn of_size(mut self, size: Option<u64>) -> Self {
        self.step.size = size.unwrap_or(0);
        self
    }

    /// Its name.
    pub fn filename(&self) -> &str {
        &self.step.filename
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// Whether its SHA-256 was known before it came.
    pub pinned: bool,
    /// The file, or why it did not come.
    pub report: Report,
}

/// What a source says of its file's name and category.
pub(super) fn told_by(source: &Source) -> (Option<String>, Option<String>) {
    let url = source.url().and_then(|text| Url::parse(text).ok());
    let mut segments: Vec<String> =
        url.as_ref().and_then(Url::path_segments).map(|all| all.map(str::to_owned).collect()).unwrap_or_default();
    if let Source::HuggingFace(_) | Source::Share(_) = source {
        segments = source.to_string().split('/').map(str::to_owned).collect();
    }
    let name = segments.last().filter(|name| category::wide_model_extension(name) && !name.contains('%'));
    let in_path = segments.iter().rev().find(|segment| category::KNOWN.contains(&category::canonical(segment)));
    (name.cloned(), in_path.cloned())
}

/// Where a file shall lie that is called and meant so, by the user or else by those who know it.
///
/// # Errors
/// When its name or category cannot be told.
pub(super) fn path(options: &Options, name: Option<&str>, category: Option<&str>) -> Result<ModelPath, Error> {
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
    let category = options.category.as_deref().or(category).ok_or_else(|| Error::Refused {
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
/// When the index fails; that it does not come is in the outcome.
pub fn bring(
    workspace: &Workspace,
    environment: Option<&Environment>,
    new: NewFile,
    hub: Option<&Hub>,
    context: &Context<'_>,
) -> Result<Outcome, Error> {
    let NewFile { step, at } = new;
    let path = at.map_or_else(|| Ok(workspace.download_target()?.path.join(&step.relative_path)), Ok::<_, Error>)?;
    let pinned = step.sha256.is_some();
    let report = elsewhere::fetch(workspace, environment, vec![step], hub, context)?
        .pop()
        .ok_or_else(|| Error::refused("the download was not begun", "this is a bug, please report it"))?;
    Ok(Outcome { path, pinned, report })
}

impl Outcome {
    /// The path, or why it did not come.
    pub fn arrived(&self) -> Result<&PathBuf, &str> {
        match &self.report.fate {
            Fate::Missing(reason) => Err(reason),
            _ => Ok(&self.path),
        }
    }
}
