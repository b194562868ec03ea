//! The predecessor itself: the library of comfygit, fetched and run as it is, makes environments' bundles.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{cached, programs};

/// The release that is run. None of it is part of this project.
const RELEASE: &str = "comfygit-core==0.7.1";

/// It takes an environment's folder `.cec`, the file to be written, and the facts: a manifest is made of these, then the
/// environment is exported.
const EXPORT: &str = "\
import json, pathlib, sys
from comfygit_core.factories.environment_factory import EnvironmentFactory
from comfygit_core.managers.export_import_manager import ExportImportManager
from comfygit_core.managers.pyproject_manager import PyprojectManager
from comfygit_core.models.manifest import ManifestModel
from comfygit_core.models.shared import NodeInfo
cec, output, facts = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), json.loads(sys.argv[3])
manager = PyprojectManager(cec / 'pyproject.toml')
manager.save(EnvironmentFactory._create_initial_pyproject(**facts['environment']))
for node in facts['nodes']:
    manager.nodes.add(NodeInfo(**node), node['name'])
for model in facts['models']:
    manager.models.add_model(ManifestModel(**model))
ExportImportManager(cec, cec.parent / 'ComfyUI').create_export(output, manager)
";

fn library() -> PathBuf {
    cached(&RELEASE.replace("==", "-"), |folder| {
        let mut pip = programs::bare(programs::python());
        programs::succeed(pip.args(["-m", "pip", "install", "--quiet", "--target"]).arg(folder).arg(RELEASE));
    })
}

/// Exports the environment of a folder `.cec` with these facts.
pub(crate) fn export(cec: &Path, output: &Path, facts: &Value) {
    let mut python = programs::bare(programs::python());
    python.env("PYTHONPATH", library()).env("HOME", cec).env("PYTHONDONTWRITEBYTECODE", "1");
    programs::succeed(python.args(["-c", EXPORT]).arg(cec).arg(output).arg(facts.to_string()));
}
