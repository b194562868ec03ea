//! Bundles that mean harm, or were changed after they were made: each is refused with its reason, and nothing of it is
//! anywhere afterwards.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Scene;
use crate::support::hostile_archives::{Raw, archive, corpus};
use crate::support::{Machine, sha256, tree, write};

/// A bundle's files by their paths; what may be run is marked.
#[derive(Clone)]
struct Bundle(BTreeMap<String, (u32, Vec<u8>)>);

/// The description's keys that tests turn.
type Description = serde_json::Map<String, Value>;

impl Bundle {
    fn read(packed: &[u8]) -> Self {
        let mut tar = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut tar).unwrap();
        let (mut files, mut at) = (BTreeMap::new(), 0);
        let octal = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).unwrap().trim_matches(['\0', ' ']);
            usize::from_str_radix(text, 8).unwrap()
        };
        while tar[at] != 0 {
            let (header, size) = (&tar[at..at + 512], octal(&tar[at + 124..at + 136]));
            assert_eq!(header[156], b'0', "the scene has no long names");
            let path = std::str::from_utf8(&header[..100]).unwrap().trim_end_matches('\0').to_owned();
            let mode = u32::try_from(octal(&header[100..108])).unwrap();
            files.insert(path, (mode, tar[at + 512..at + 512 + size].to_vec()));
            at += 512 + size.next_multiple_of(512);
        }
        Self(files)
    }

    fn pack(&self) -> Vec<u8> {
        let raw = |(path, (mode, bytes)): (&String, &(u32, Vec<u8>))| Raw::file(path, bytes).with_mode(*mode);
        archive(&self.0.iter().map(raw).collect::<Vec<_>>())
    }

    fn put(&mut self, path: &str, bytes: impl AsRef<[u8]>) {
        self.0.insert(path.to_owned(), (0o644, bytes.as_ref().to_vec()));
    }

    fn text(&self, path: &str) -> String {
        String::from_utf8(self.0[path].1.clone()).unwrap()
    }

    fn replace(&mut self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert!(text.contains(from), "{path} has no {from:?}:\n{text}");
        self.put(path, text.replacen(from, to, 1));
    }

    fn description(&self) -> Description {
        serde_json::from_str(&self.text("manifest.json")).unwrap()
    }

    fn describe(&mut self, change: impl FnOnce(&mut Description)) {
        let mut description = self.description();
        change(&mut description);
        self.put("manifest.json", Value::Object(description).to_string());
    }

    /// Makes the description say what the files are: a thorough forger does, too.
    fn settle(&mut self) {
        let others = self.0.iter().filter(|(path, _)| *path != "manifest.json");
        let facts: Vec<(String, usize, String)> =
            others.map(|(path, (_, bytes))| (path.clone(), bytes.len(), sha256(bytes))).collect();
        let lines: String = facts.iter().map(|(path, size, sha256)| format!("{path}\0{size}\0{sha256}\n")).collect();
        let files: Vec<Value> =
            facts.iter().map(|(path, size, sha256)| json!({"path": path, "size": size, "sha256": sha256})).collect();
        let workflows: Vec<&str> =
            facts.iter().filter_map(|(path, ..)| path.strip_prefix("workflows/")?.strip_suffix(".json")).collect();
        self.describe(|description| {
            description["files"] = files.into();
            description["content_digest"] = sha256(lines.as_bytes()).into();
            description["workflows"] = workflows.into();
        });
    }
}

/// Refuses a file; the machine is as it was, and no program of the bundle ran.
fn refused(machine: &Machine, name: &str, bytes: &[u8], says: &str, wrong: &mut Vec<String>) {
    let file = machine.root().join("hostile.tar.gz");
    write(&file, bytes);
    let before = tree::of_machine(machine.root());
    let said = machine.run(&["import", file.to_str().unwrap(), "--yes", "--accept-origins"]);
    let text = said.text();
    if said.code != 1 || !text.contains(says) || text.contains("panicked") {
        wrong.push(format!("{name}: exit {}: {text}", said.code));
    }
    tree::assert_same(&before, &tree::of_machine(machine.root()), name);
    let staged = tree::tree(&machine.workspace().join(".metadata/txn"), &|_| false);
    assert!(staged.is_empty(), "{name}: {staged:?}");
}

#[test]
fn every_archive_that_means_harm_is_refused_by_the_command() {
    let machine = Machine::new();
    machine.init();
    let base = vec![("pyproject.toml", b"x".to_vec()), ("workflows/hero.json", vec![b'1'; 700])];
    let mut wrong = Vec::new();
    for hostile in corpus(&base) {
        // What is not even packed may be what another program made; it is none of these either.
        let packed = hostile.bytes.starts_with(b"\x1f\x8b");
        let says = if packed { hostile.says } else { "cannot be taken" };
        refused(&machine, &hostile.name, &hostile.bytes, says, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(!std::path::Path::new("/tmp/comfydock-was-here").exists());
}

#[test]
fn every_bundle_with_one_thing_wrong_is_refused() {
    let scene = Scene::new();
    let honest = Bundle::read(&std::fs::read(scene.export("studio.tar.gz")).unwrap());
    let b = scene.b();
    b.init();
    let mut cases: Vec<(&str, &str, Bundle)> = Vec::new();
    // What somebody did who does not know what a bundle is held to: the description is as it was.
    let mut careless = |name: &'static str, says: &'static str, change: &dyn Fn(&mut Bundle)| {
        let mut bundle = honest.clone();
        change(&mut bundle);
        cases.push((name, says, bundle));
    };
    careless("not listed", "does not list `workflows/more.json`", &|bundle| bundle.put("workflows/more.json", "{}"));
    careless("listed and missing", "lists `workflows/portrait.json`, which is not in", &|bundle| {
        bundle.0.remove("workflows/portrait.json");
    });
    careless("other bytes", "`dev_nodes/mine/__init__.py` with another size or SHA-256", &|bundle| {
        let (_, bytes) = bundle.0.get_mut("dev_nodes/mine/__init__.py").unwrap();
        bytes[0] ^= 1;
    });
    careless("other size", "with another size or SHA-256", &|bundle| {
        bundle.describe(|description| {
            let size = description["files"][0]["size"].as_u64().unwrap();
            description["files"][0]["size"] = (size + 1).into();
        });
    });
    careless("other hash", "with another size or SHA-256", &|bundle| {
        bundle.describe(|description| description["files"][0]["sha256"] = "0".repeat(64).into());
    });
    careless("other content digest", "another content digest", &|bundle| {
        bundle.describe(|description| description["content_digest"] = "0".repeat(64).into());
    });
    careless("listed twice", "twice", &|bundle| {
        bundle.describe(|description| {
            let files = description["files"].as_array_mut().unwrap();
            files.push(files[0].clone());
        });
    });
    careless("other workflows", "names other workflows", &|bundle| {
        bundle.describe(|description| description["workflows"] = json!(["portrait"]));
    });
    careless("newer description", "update comfydock", &|bundle| {
        bundle.describe(|description| description["schema_version"] = 2.into());
    });
    careless("no version", "no schema_version", &|bundle| {
        bundle.describe(|description| drop(description.remove("schema_version")));
    });
    careless("other ComfyUI", "another comfyui_commit", &|bundle| {
        bundle.describe(|description| description["comfyui_commit"] = "0".repeat(40).into());
    });
    careless("other Python", "as python_version", &|bundle| {
        bundle.describe(|description| description["python_version"] = "3.12".into());
    });
    careless("other counts", "counts other models or node packs", &|bundle| {
        bundle.describe(|description| description["total_nodes"] = 0.into());
    });
    careless("description that is no JSON", "manifest.json: ", &|bundle| bundle.put("manifest.json", "{not json"));
    careless("description of another form", "manifest.json: ", &|bundle| bundle.put("manifest.json", "[1]"));
    careless("description without end", "manifest.json: ", &|bundle| {
        bundle.put("manifest.json", format!("{{\"schema_version\":1,\"x\":{}", "[".repeat(500_000)));
    });
    careless("name that climbs", "name it with --name", &|bundle| {
        bundle.describe(|description| description["environment_name"] = "../../studio".into());
    });

    // What somebody did who does: the description says what the files are.
    let mut thorough = |name: &'static str, says: &'static str, change: &dyn Fn(&mut Bundle)| {
        let mut bundle = honest.clone();
        change(&mut bundle);
        bundle.settle();
        cases.push((name, says, bundle));
    };
    let manifest = "pyproject.toml";
    thorough("extra file", "notes.txt: does not belong into a bundle", &|bundle| bundle.put("notes.txt", "x"));
    thorough("extra model", "does not belong into a bundle", &|bundle| bundle.put("models/a.safetensors", "x"));
    thorough("no lock", "uv.lock is missing", &|bundle| drop(bundle.0.remove("uv.lock")));
    thorough("no comfydock.lock", "comfydock.lock is missing", &|bundle| drop(bundle.0.remove("comfydock.lock")));
    thorough("other comfydock.lock", "tell node pack", &|bundle| {
        bundle.replace("comfydock.lock", "source = \"git\"", "source = \"registry\"");
    });
    thorough("newer comfydock.lock", "lock_version", &|bundle| {
        bundle.replace("comfydock.lock", "lock_version = 1", "lock_version = 2");
    });
    thorough("comfydock.lock that is no TOML", "comfydock.lock", &|bundle| bundle.put("comfydock.lock", "= ="));
    thorough("newer manifest", "newer", &|bundle| {
        bundle.replace(manifest, "schema_version = 1", "schema_version = 99");
    });
    thorough("manifest that is no TOML", "pyproject.toml: ", &|bundle| bundle.put(manifest, "= ="));
    thorough("manifest of something else", "no [tool.comfydock] table", &|bundle| {
        bundle.put(manifest, "[project]\nname=\"x\"\n")
    });
    thorough("model that climbs", "pyproject.toml: ", &|bundle| {
        bundle.replace(manifest, "relative_path = \"checkpoints/", "relative_path = \"../../");
    });
    thorough("builds of source", "no-binary", &|bundle| {
        bundle.replace(manifest, "[tool.uv]\n", "[tool.uv]\nno-binary-package = [\"six\"]\n");
    });
    thorough("node that climbs", "pyproject.toml: ", &|bundle| {
        bundle.replace(manifest, "name = \"mine\"", "name = \"..\"");
    });
    thorough("node with a slash", "pyproject.toml: ", &|bundle| {
        bundle.replace(manifest, "name = \"mine\"", "name = \"a/../../b\"");
    });
    let command = "ext::sh -c touch% /tmp/comfydock-was-here file://";
    thorough("repository that is a command", "node pack comfyui-six, which git would run", &|bundle| {
        bundle.replace(manifest, "repository = \"file://", &format!("repository = \"{command}"));
        bundle.replace("comfydock.lock", "url = \"file://", &format!("url = \"{command}"));
    });
    thorough("ComfyUI that is a command", "address of ComfyUI, which git would run", &|bundle| {
        bundle.replace(manifest, "comfyui_url = \"", &format!("comfyui_url = \"{command}"));
    });
    thorough("ComfyUI that is an option", "address of ComfyUI, which git would run", &|bundle| {
        bundle.replace(manifest, "comfyui_url = \"", "comfyui_url = \"--upload-pack=touch /tmp/comfydock-was-here ");
    });
    thorough("source with a secret", "pyproject.toml: ", &|bundle| {
        bundle.replace(
            manifest,
            "sources = [\"http",
            "sources = [\"https://example.org/a?token=abcdefgh12345678\", \"http",
        );
    });
    thorough("package of a folder", "from a folder of the machine it was made on", &|bundle| {
        let lock = bundle.text("uv.lock");
        let package = "\n[[package]]\nname = \"evil\"\nversion = \"1\"\nsource = { directory = \"../../evil\" }\n";
        bundle.put("uv.lock", format!("{lock}{package}"));
    });
    thorough("lock of something else", "does not belong to this pyproject.toml", &|bundle| {
        bundle.replace(manifest, "[dependency-groups]\n", "[dependency-groups]\nmore = [\"never-locked\"]\n");
    });
    thorough("lock that is no TOML", "uv.lock: ", &|bundle| bundle.put("uv.lock", "= ="));
    thorough("other .python-version", "does not say Python 3.11", &|bundle| bundle.put(".python-version", "3.12\n"));
    thorough("program as .python-version", "does not say Python", &|bundle| {
        bundle.put(".python-version", "/tmp/python3.11\n");
    });
    thorough("workflow that is no JSON", "workflows/portrait.json: ", &|bundle| {
        bundle.put("workflows/portrait.json", "{not json");
    });
    thorough("workflow without end", "workflows/portrait.json: ", &|bundle| {
        bundle.put("workflows/portrait.json", "[".repeat(500_000));
    });
    thorough("workflow that is no text", "not UTF-8", &|bundle| bundle.put("workflows/portrait.json", b"\xff\xfe"));
    thorough("dev node without files", "dev_nodes/mine is missing", &|bundle| {
        bundle.0.retain(|path, _| !path.starts_with("dev_nodes/mine/"));
    });
    thorough("files of an unknown dev node", "dev_nodes/other is no development node", &|bundle| {
        bundle.put("dev_nodes/other/__init__.py", "x");
    });
    thorough("dev node that is another", "is not what pyproject.toml says it is", &|bundle| {
        bundle.put("dev_nodes/mine/__init__.py", "import os\n");
    });
    thorough("dev node that may be run", "is not what pyproject.toml says it is", &|bundle| {
        bundle.0.get_mut("dev_nodes/mine/__init__.py").unwrap().0 = 0o755;
    });

    let mut wrong = Vec::new();
    assert!(cases.len() >= 40, "{}", cases.len());
    for (name, says, bundle) in &cases {
        refused(b, name, &bundle.pack(), says, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
    assert!(!std::path::Path::new("/tmp/comfydock-was-here").exists());

    // Rebuilt without anything wrong it is taken: the refusals above have no other reason.
    let mut same = honest.clone();
    same.settle();
    let file = b.root().join("same.tar.gz");
    write(&file, same.pack());
    scene.import(&file).ok().says("imported");
}
