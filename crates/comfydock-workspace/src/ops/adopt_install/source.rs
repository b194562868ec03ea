//! What `--from` names: an installation, or a file that tells of one.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use comfydock_core::adoption::{Found, Left, Origin, Pack, comfy_pack};
use comfydock_core::name::NodeName;
use comfydock_core::plan::commit::plural;
use comfydock_core::sidecar::comfygit;
use comfydock_store::file;

use crate::Error;
use crate::adoption::models::ModelsFound;
use crate::adoption::{Installation, place, told};

/// Bytes of a text inside a zip that are read; ComfyUI's largest workflows have some megabytes.
const LONGEST_TEXT: u64 = 64 * 1024 * 1024;

/// What was found, wherever it was read.
#[derive(Debug, Clone)]
pub struct Given {
    /// What was named.
    pub from: PathBuf,
    /// Everything that is known.
    pub found: Found,
    /// Folders that models lie in.
    pub models: ModelsFound,
    /// A folder that workflows and settings are copied from, and their paths below it.
    pub user: (PathBuf, Vec<String>),
    /// Workflows that are not files of their own, by their path below `workflows`.
    pub workflows: Vec<(String, Vec<u8>)>,
    /// Where a snapshot of ComfyUI-Manager says something else.
    pub opinion: Option<(PathBuf, Vec<Left>)>,
    /// Whether its code has been run on this machine: it lies here, and not in a file that came from
    /// somewhere.
    pub is_installed: bool,
}

impl Given {
    fn told(from: &Path, found: Found) -> Self {
        Self {
            from: from.to_owned(),
            found,
            models: ModelsFound::default(),
            user: (PathBuf::new(), Vec::new()),
            workflows: Vec::new(),
            opinion: None,
            is_installed: false,
        }
    }

    /// How many workflows there are.
    pub fn workflow_count(&self) -> usize {
        self.workflows.len() + self.user.1.iter().filter(|path| path.starts_with("workflows/")).count()
    }
}

impl From<Installation> for Given {
    fn from(seen: Installation) -> Self {
        let files = seen.user.workflows.into_iter().chain(seen.user.settings).collect();
        Self {
            from: seen.comfyui,
            found: seen.found,
            models: seen.models,
            user: (seen.user.folder, files),
            workflows: Vec::new(),
            opinion: seen.opinion,
            is_installed: true,
        }
    }
}

/// Looks at what was named.
///
/// # Errors
/// When it is nothing that can be taken over.
pub fn open(from: &Path, python: Option<&Path>) -> Result<Given, Error> {
    let path = std::path::absolute(from).map_err(file::Error::at("find", from))?;
    if path.is_file() {
        if python.is_some() {
            return Err(Error::refused(
                "--from-python goes with a folder: a file says itself which packages there were",
                "leave it out",
            ));
        }
        return if is_zip(&path)? { zip(&path) } else { Ok(Given::told(&path, told::snapshot(&path)?)) };
    }
    if place::comfyui(&path).is_err()
        && let Some(given) = environment(&path)?
    {
        return Ok(given);
    }
    Ok(crate::adoption::look(&path, python)?.into())
}

/// An environment of comfygit without its ComfyUI, as it is kept on a git server.
fn environment(folder: &Path) -> Result<Option<Given>, Error> {
    for cec in [folder.to_owned(), folder.join(".cec")] {
        if !cec.join("pyproject.toml").is_file() {
            continue;
        }
        let Some(found) = told::environment(&cec)? else {
            return Err(Error::refused(
                format!("`{}` is an environment of this program already", cec.display()),
                "`comfydock clone` builds it here",
            ));
        };
        let mut given = Given::told(&cec, found);
        let mut left = models_told(&cec)?;
        bring_dev_nodes(&cec, &mut given.found.packs);
        let user = crate::adoption::user::of(&cec, &mut left)?;
        given.found.left.extend(left);
        given.user = (user.folder, user.workflows);
        return Ok(Some(given));
    }
    Ok(None)
}

/// The older ComfyDock packed the source of packs that were worked on beside the manifest.
fn bring_dev_nodes(cec: &Path, packs: &mut [Pack]) {
    for pack in packs {
        let place = cec.join("dev_nodes").join(&pack.name);
        // The name is another's word: it may lead out of the folder.
        let is_name = NodeName::parse(&pack.name).is_ok();
        if is_name && pack.place.is_none() && place.symlink_metadata().is_ok_and(|about| about.is_dir()) {
            pack.origin = Origin::Folder(Some("it was worked on where it came from".to_owned()));
            pack.place = Some(place.to_string_lossy().into_owned());
        }
    }
}

/// The models that its manifest names, by hashes that nobody else has.
fn models_told(cec: &Path) -> Result<Vec<Left>, Error> {
    let text = file::find_text(&cec.join("pyproject.toml"))?.unwrap_or_default();
    let line = |model: comfygit::Entry| {
        let sources = model.sources.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let reason = format!("its hash is of another kind; `comfydock models download URL` has it from {sources}");
        Left::new(format!("model `{}`", model.filename), reason)
    };
    Ok(comfygit::read(&text).into_iter().map(line).collect())
}

fn is_zip(path: &Path) -> Result<bool, Error> {
    let mut start = [0; 4];
    let mut opened = std::fs::File::open(path).map_err(file::Error::at("open", path))?;
    Ok(opened.read_exact(&mut start).is_ok() && start == *b"PK\x03\x04")
}

fn zip(path: &Path) -> Result<Given, Error> {
    let unfit = |reason: String| {
        Error::refused(
            format!("`{}` cannot be taken: {reason}", path.display()),
            "name a ComfyUI folder, a snapshot of ComfyUI-Manager, a `.cpack.zip`, or an environment of comfygit",
        )
    };
    let opened = std::fs::File::open(path).map_err(file::Error::at("open", path))?;
    let mut archive =
        ::zip::ZipArchive::new(std::io::BufReader::new(opened)).map_err(|error| unfit(error.to_string()))?;
    let snapshot = member(&mut archive, comfy_pack::FILE)
        .ok_or_else(|| unfit(format!("it is no `.cpack.zip`: it has no {}", comfy_pack::FILE)))?
        .map_err(|error| unfit(error.to_string()))?;
    let mut given = Given::told(path, comfy_pack::parse(&snapshot).map_err(|error| unfit(error.to_string()))?);
    if let Some(workflow) = member(&mut archive, comfy_pack::WORKFLOW) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = name.trim_end_matches(".zip").trim_end_matches(".cpack").to_owned();
        given.workflows.push((format!("{stem}.json"), workflow.map_err(|error| unfit(error.to_string()))?));
    }
    let names = archive.file_names().filter_map(Result::ok);
    let inputs = names.filter(|name| name.starts_with("input/") && !name.ends_with('/')).count();
    if inputs > 0 {
        given.found.left.push(Left::new(
            format!("{} of `input`", plural(inputs, "file")),
            "images that workflows start from are not kept by environments; unpack them into ComfyUI's `input`",
        ));
    }
    Ok(given)
}

/// A text in the zip; none when there is no such member.
fn member(
    archive: &mut ::zip::ZipArchive<std::io::BufReader<std::fs::File>>,
    name: &str,
) -> Option<std::io::Result<Vec<u8>>> {
    let member = archive.by_name(name).ok()?;
    let mut bytes = Vec::new();
    let read = member.take(LONGEST_TEXT + 1).read_to_end(&mut bytes);
    Some(read.and_then(|_| {
        let fits = bytes.len() as u64 <= LONGEST_TEXT;
        if fits { Ok(bytes) } else { Err(std::io::Error::other(format!("{name} is larger than a workflow can be"))) }
    }))
}
