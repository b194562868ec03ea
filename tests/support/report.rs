//! What ComfyUI saw when it started.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Machine;

/// The stand-in's report.
pub(crate) struct Report(Value);

/// What a loader found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Loaded {
    /// `node id/category`.
    pub(crate) place: String,
    /// The name in the widget.
    pub(crate) value: String,
    pub(crate) sha256: Option<String>,
}

/// Starts ComfyUI by `comfydock run` and reads its report.
pub(crate) fn start(machine: &Machine, environment: &str) -> Report {
    let file = machine.root().join("report.json");
    let _ = std::fs::remove_file(&file);
    let mut command = machine.command(&["--env", environment, "run", "--", "--quick-test-for-ci", "--cpu"]);
    super::Said::of(command.env("COMFYUI_REPORT", &file)).ok();
    read(&file)
}

/// Holds that ComfyUI finds every model on A, and the same ones on B.
#[track_caller]
pub(crate) fn assert_same(a: &Machine, b: &Machine) {
    let on_a = start(a, "studio").digests();
    assert!(!on_a.is_empty() && on_a.iter().all(|(_, sha256)| sha256.is_some()), "{on_a:?}");
    assert_eq!(start(b, "studio").digests(), on_a);
}

/// Reads a report.
pub(crate) fn read(file: &std::path::Path) -> Report {
    Report(serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
}

impl Report {
    /// What the loaders of each workflow found.
    pub(crate) fn workflows(&self) -> BTreeMap<String, Vec<Loaded>> {
        let workflows = self.0["workflows"].as_object().unwrap().iter();
        let read = |(name, workflow): (&String, &Value)| {
            assert!(workflow["error"].is_null(), "{name}: {workflow}");
            let loaded = workflow["models"].as_array().unwrap().iter().map(|model| Loaded {
                place: format!("{}/{}", model["node_id"].as_str().unwrap(), model["category"].as_str().unwrap()),
                value: model["value"].as_str().unwrap().to_owned(),
                sha256: model["sha256"].as_str().map(str::to_owned),
            });
            (name.trim_end_matches(".json").to_owned(), loaded.collect())
        };
        workflows.map(read).collect()
    }

    /// What the loaders found, whatever the files are called here: `workflow/node id/category` with
    /// the SHA-256, in order.
    pub(crate) fn digests(&self) -> Vec<(String, Option<String>)> {
        let all = self.workflows().into_iter();
        let flat = all.flat_map(|(name, loaded)| {
            loaded.into_iter().map(move |one| (format!("{name}/{}", one.place), one.sha256))
        });
        flat.collect()
    }

    /// The packs in `custom_nodes` that were loaded.
    pub(crate) fn nodes(&self) -> Vec<String> {
        let nodes = self.0["nodes"].as_object().unwrap().iter();
        nodes.filter(|(_, node)| node["loaded"] == true).map(|(name, _)| name.clone()).collect()
    }

    /// The node types that were brought by packs.
    pub(crate) fn types(&self) -> std::collections::BTreeSet<String> {
        let nodes = self.0["nodes"].as_object().unwrap().values();
        let types = nodes.flat_map(|node| node["types"].as_array().unwrap());
        types.map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// The Python that ran it.
    pub(crate) fn python(&self) -> &str {
        self.0["python"].as_str().unwrap()
    }
}
