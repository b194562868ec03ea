//! Real workflows: ComfyUI's own templates, from PyPI. The older package is GPL: it is downloaded
//! for tests and never becomes part of the project.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::programs::{python, succeed};
use super::{ModelServer, cached};

/// A workflow's text and the models it says it needs.
#[derive(Clone)]
pub(crate) struct Template {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A model as a template names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named {
    pub(crate) category: String,
    pub(crate) name: String,
    pub(crate) url: String,
}

impl Named {
    /// `checkpoints/sd15.safetensors`.
    pub(crate) fn path(&self) -> String {
        format!("{}/{}", self.category, self.name)
    }
}

fn current_folder() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| wheel("comfyui-workflow-templates-json==0.1.123"));
    folder.join("comfyui_workflow_templates_json/templates")
}

fn old_folder() -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| wheel("comfyui-workflow-templates==0.1.95"));
    folder.join("comfyui_workflow_templates/templates")
}

/// A template of the current package (MIT).
pub(crate) fn current(name: &str) -> Template {
    Template::read(&current_folder(), name)
}

/// A template of the package as it was in autumn 2025.
pub(crate) fn old(name: &str) -> Template {
    Template::read(&old_folder(), name)
}

/// The files of both packages that are workflows; the packages have lists of them besides.
pub(crate) fn all() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in [current_folder(), old_folder()] {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let is_json = path.extension().is_some_and(|extension| extension == "json");
            let text = if is_json { std::fs::read_to_string(&path).unwrap() } else { continue };
            let value: Value = serde_json::from_str(&text).unwrap();
            if value["nodes"].is_array() {
                found.push(path);
            }
        }
    }
    found
}

/// Downloads a wheel once and unpacks its workflows.
fn wheel(requirement: &str) -> PathBuf {
    const UNPACK: &str = "
import glob, sys, zipfile
for wheel in glob.glob(sys.argv[1] + '/*.whl'):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(sys.argv[1], [name for name in archive.namelist() if name.endswith('.json')])
";
    cached(requirement, |folder| {
        let mut download = Command::new(python());
        download.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"]).arg(folder).arg(requirement);
        succeed(&mut download);
        succeed(Command::new(python()).args(["-c", UNPACK]).arg(folder));
    })
}

impl Template {
    fn read(folder: &Path, name: &str) -> Self {
        let path = folder.join(format!("{name}.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { name: name.to_owned(), text }
    }

    /// The models its nodes say they need, wherever the nodes are.
    pub(crate) fn models(&self) -> Vec<Named> {
        fn visit(value: &Value, found: &mut BTreeSet<Named>) {
            let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
            for model in value["properties"]["models"].as_array().into_iter().flatten() {
                found.insert(Named {
                    category: text(model, "directory"),
                    name: text(model, "name"),
                    url: text(model, "url"),
                });
            }
            match value {
                Value::Array(items) => items.iter().for_each(|item| visit(item, found)),
                Value::Object(fields) => fields.values().for_each(|field| visit(field, found)),
                _ => {}
            }
        }
        let mut found = BTreeSet::new();
        visit(&serde_json::from_str(&self.text).unwrap(), &mut found);
        found.into_iter().collect()
    }

    /// The workflow with the URLs of its models leading to `server`, everything else as it was.
    pub(crate) fn at(&self, server: &ModelServer) -> Self {
        let mut text = self.text.clone();
        for model in self.models() {
            text = text.replace(&format!("\"{}\"", model.url), &format!("\"{}\"", server.url(&model.path())));
        }
        Self { name: self.name.clone(), text }
    }
}
