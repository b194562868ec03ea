//! Locking, as an operation uses it: what is recorded when it fails and may fail, and what a new
//! ComfyUI may move that a node pack may not.

use std::collections::BTreeMap;

use comfydock_core::digest::CommitId;
use comfydock_core::manifest::{Document, EnvironmentFacts};
use comfydock_core::name::EnvironmentName;
use comfydock_workspace::environment::Environment;
use comfydock_workspace::ops::Context;
use comfydock_workspace::ops::relock::{Options, Relocked, relock};
use comfydock_workspace::remote::hub::Network;
use comfydock_workspace::transaction::Transaction;
use comfydock_workspace::workspace::Workspace;

use crate::package_index::PackageIndex;
use crate::support::Listener;
use crate::wheels::Wheel;

struct Stage {
    _folder: tempfile::TempDir,
    workspace: Workspace,
    environment: Environment,
    document: Document,
    files: BTreeMap<String, Vec<u8>>,
    listener: Listener,
}

impl Stage {
    fn new(index: &PackageIndex, dependencies: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::init(&folder.path().join("workspace"), &[]).unwrap();
        let name = EnvironmentName::parse("x").unwrap();
        let environment = Environment::at(name.clone(), workspace.environment_folder(&name));
        environment.furnish().unwrap();
        let facts = EnvironmentFacts {
            comfyui_version: "v1".to_owned(),
            comfyui_commit: CommitId::parse(&"0".repeat(40)).unwrap(),
            comfyui_url: "https://x.org/comfyui".to_owned(),
            python_version: "3.11".to_owned(),
            platforms: vec![comfydock_workspace::python::platform()],
        };
        let mut document = Document::new(&facts, None);
        document.set_dependencies(&dependencies.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());
        let text = format!("{}\n[[tool.uv.index]]\nurl = \"{}\"\ndefault = true\n", document.text(), index.url());
        let document = Document::parse(&text).unwrap();
        std::fs::write(environment.cec().join("pyproject.toml"), text).unwrap();
        Self {
            _folder: folder,
            workspace,
            environment,
            document,
            files: BTreeMap::new(),
            listener: Listener::default(),
        }
    }

    fn relock(&mut self, options: Options) -> Result<Relocked, comfydock_workspace::Error> {
        let mut transaction = Transaction::begin(&self.environment.home()).unwrap();
        let context = Context { reporter: &self.listener, network: Network::default() };
        let relocked = relock(
            &self.workspace,
            &self.environment,
            &mut self.document,
            &mut self.files,
            &mut transaction,
            options,
            &context,
        );
        match relocked {
            Ok(_) => drop(transaction.commit().unwrap()),
            Err(_) => transaction.abandon().unwrap(),
        }
        relocked.map(|(relocked, _lease)| relocked)
    }

    fn lock(&self) -> String {
        String::from_utf8(self.files["uv.lock"].clone()).unwrap()
    }
}

#[test]
fn without_the_test_a_pack_is_recorded_and_the_lock_stays() {
    let index = PackageIndex::dated(vec![Wheel::new("sixlib", "1.0")]);
    let mut stage = Stage::new(&index, &["sixlib"]);
    assert_eq!(stage.relock(Options::default()).unwrap(), Relocked { behind: false });
    let (before, generation) = (stage.lock(), stage.environment.generation().unwrap());
    stage.document.set_group("node-x", &["sixlib>=2".to_owned()]);
    stage.relock(Options::default()).unwrap_err();
    assert_eq!(stage.lock(), before);
    let relocked = stage.relock(Options { test: false, ..Options::default() }).unwrap();
    assert_eq!(
        (relocked, stage.lock(), stage.environment.generation().unwrap()),
        (Relocked { behind: true }, before, generation)
    );
    assert_eq!(stage.document.groups()["node-x"], ["sixlib>=2"]);
    let warnings = stage.listener.warnings.lock().unwrap().join("\n");
    assert!(warnings.contains("the lock stays as it was"), "{warnings}");
}

#[test]
fn a_new_comfyui_may_bring_another_torch() {
    let index = PackageIndex::dated(vec![
        Wheel::new("torch", "2.9.0"),
        Wheel::new("extra", "1.0").requires(&["torch==2.10.0"]),
    ]);
    let mut stage = Stage::new(&index, &["torch"]);
    stage.relock(Options::default()).unwrap();
    index.put(&Wheel::new("torch", "2.10.0"));
    // What a pack drags along, it may not.
    stage.document.set_group("node-x", &["extra".to_owned()]);
    let refused = stage.relock(Options::default()).unwrap_err();
    assert!(refused.to_string().contains("the environment's torch 2.9.0"), "{refused}");
    assert!(stage.lock().contains("name = \"torch\"\nversion = \"2.9.0\""), "{}", stage.lock());
    stage.document.set_dependencies(&["torch>=2.10".to_owned()]);
    stage.relock(Options { hold_torch: false, ..Options::default() }).unwrap();
    assert!(stage.lock().contains("name = \"torch\"\nversion = \"2.10.0\""), "{}", stage.lock());
}
