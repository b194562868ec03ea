//! Which packs workflows need, from packs on disk, ComfyUI-Manager's map and the registry.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use comfydock_core::digest::CommitId;
use comfydock_core::hint::Hint as _;
use comfydock_core::manifest::{Document, EnvironmentFacts};
use comfydock_core::name::EnvironmentName;
use comfydock_core::packs::MissingPack;
use comfydock_workspace::Error;
use comfydock_workspace::environment::Environment;
use comfydock_workspace::ops::missing_packs;
use comfydock_workspace::packs::Store;

use crate::registry_ask::{World, id, version};
use crate::site::{Reply, Site};

const MAP: &str = r#"{"https://github.com/a/listed": [["Listed", "Both"], {"title_aux": "Listed"}],
    "https://github.com/b/other": [["Both"], {"title_aux": "Other", "nodename_pattern": "(other)$"}],
    "https://github.com/c/odd": [[], {"nodename_pattern": "("}]}"#;

fn environment(world: &World) -> Environment {
    let name = EnvironmentName::parse("look").unwrap();
    let environment = Environment::at(name.clone(), world.place.workspace.environment_folder(&name));
    environment.furnish().unwrap();
    let facts = EnvironmentFacts {
        comfyui_version: "v0.3.64".to_owned(),
        comfyui_commit: CommitId::parse(&"a".repeat(40)).unwrap(),
        comfyui_url: "https://example.org/ComfyUI".to_owned(),
        python_version: "3.11".to_owned(),
        platforms: Vec::new(),
    };
    let text = Document::new(&facts, None).text();
    fs::write(environment.cec().join("pyproject.toml"), text).unwrap();
    fs::create_dir_all(environment.custom_nodes()).unwrap();
    environment
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A workflow of these types; after `=` stands a `cnr_id`.
fn workflow(types: &[&str]) -> BTreeMap<String, String> {
    let nodes: Vec<serde_json::Value> = types
        .iter()
        .map(|text| match text.split_once('=') {
            Some((node_type, cnr_id)) => serde_json::json!({"type": node_type, "properties": {"cnr_id": cnr_id}}),
            None => serde_json::json!({"type": text}),
        })
        .collect();
    BTreeMap::from([("w".to_owned(), serde_json::json!({ "nodes": nodes }).to_string())])
}

fn lines(found: &[MissingPack]) -> Vec<String> {
    let line = |pack: &MissingPack| {
        let types: Vec<&str> = pack.types.iter().map(|one| one.name.as_str()).collect();
        let claims: Vec<String> =
            pack.claims.iter().map(|claim| format!("{} {}", claim.evidence.word(), claim.pack)).collect();
        let here = pack.here.as_ref().map(|name| format!(" (here: {name})")).unwrap_or_default();
        format!("{} <- {}{here}", types.join(","), claims.join(" | "))
    };
    found.iter().map(line).collect()
}

#[test]
fn what_is_here_is_not_missing() {
    let world = World::new();
    let environment = environment(&world);
    let nodes = environment.custom_nodes();
    put(&nodes.join("plain/__init__.py"), "from .sub.nodes import NODE_CLASS_MAPPINGS\n");
    put(&nodes.join("plain/sub/nodes.py"), "NODE_CLASS_MAPPINGS = {'Deep': Deep}\n");
    put(&nodes.join("plain/node_modules/x.py"), "NODE_CLASS_MAPPINGS = {'Elsewhere': X}\n");
    put(&nodes.join("single.py"), "NODE_CLASS_MAPPINGS['Single'] = Single\n");
    put(&nodes.join("off.disabled/__init__.py"), "NODE_CLASS_MAPPINGS = {'Off': Off}\n");
    fs::write(nodes.join("plain/latin.py"), b"# \xe9\nNODE_CLASS_MAPPINGS = {'Latin': X}\n").unwrap();
    // A pack of the registry as it is installed, and a clone.
    let files: [(&str, &[u8]); 2] =
        [("__init__.py", b""), ("pyproject.toml", b"[project]\nname = \"Comfyui-Pack\"\nversion = \"2.0.0\"\n")];
    world.registry.publish_files("comfyui-pack", "2.0.0", &files);
    let store: Store = world.store();
    let stored = store.fetch(&world.client(false), &id("comfyui-pack"), version("2.0.0"), None).unwrap();
    store.copy_into(&stored, &nodes.join("comfyui-pack")).unwrap();
    put(&nodes.join("cloned/__init__.py"), "");
    for arguments in [&["init", "-q"][..], &["remote", "add", "origin", "git@github.com:A/Listed.git"]] {
        assert!(Command::new("git").arg("-C").arg(nodes.join("cloned")).args(arguments).status().unwrap().success());
    }
    let map = world.place.put("map.json", MAP.as_bytes());

    let types = ["Deep", "Single", "Latin", "Off", "Elsewhere", "Script=comfyui-pack", "Listed", "KSampler"];
    let asked = world.registry.site.log().len();
    let found = missing_packs::find(&environment, &workflow(&types), None, map.to_str(), &world.listener).unwrap();
    assert_eq!(
        lines(&found),
        [
            "Elsewhere <- ",
            "Listed <- manager_map https://github.com/a/listed (here: cloned)",
            "Off <- ",
            "Script <- cnr_id comfyui-pack (here: comfyui-pack)",
        ]
    );
    assert_eq!(world.registry.site.log().len(), asked, "nobody was asked");
    assert!(world.said()[0].contains("https://github.com/c/odd: the pattern `(`"), "{:?}", world.said());
}

#[test]
fn the_registry_is_asked_about_what_nothing_else_explains() {
    let world = World::new();
    let environment = environment(&world);
    world.registry.owns("comfyui-pack", "Theirs");
    world.registry.owns("comfyui-pack", "Theirs (2)");
    world.registry.owns("comfyui-pack", "Listed");
    let map = world.place.put("map.json", MAP.as_bytes());
    let types = ["Theirs", "Theirs (2)", "Both", "Said=some-pack", "Listed", "Nobody's", "An other"];
    let find = || {
        let client = world.client(false);
        missing_packs::find(&environment, &workflow(&types), Some(&client), map.to_str(), &world.listener).unwrap()
    };
    let expected = [
        "An other <- manager_map_pattern https://github.com/b/other",
        "Both <- manager_map https://github.com/a/listed | manager_map https://github.com/b/other",
        "Listed <- manager_map https://github.com/a/listed",
        "Nobody's <- ",
        "Said <- cnr_id some-pack",
        "Theirs,Theirs (2) <- registry comfyui-pack",
    ];
    assert_eq!(lines(&find()), expected);
    assert_eq!(world.calls(), [0, 0, 0, 0, 3, 0], "nothing is installed, and what is known is not asked for");
    assert_eq!(lines(&find()), expected);
    assert_eq!(world.calls(), [0, 0, 0, 0, 3, 0], "answers are kept");
}

#[test]
fn a_registry_without_answers_stops_nothing() {
    let world = World::new();
    let environment = environment(&world);
    world.registry.mood("owner", Reply::new(500), usize::MAX);
    let client = world.client(false);
    let broken = BTreeMap::from([("broken".to_owned(), "{".to_owned())]);
    let workflows = workflow(&["A", "B"]).into_iter().chain(broken).collect();
    let found = missing_packs::find(&environment, &workflows, Some(&client), None, &world.listener).unwrap();
    assert_eq!(lines(&found), ["A <- ", "B <- "]);
    assert_eq!(world.registry.calls("owner"), 4, "one type, four times, and no other");
    let said = world.said();
    assert!(said.len() == 2 && said[0].contains("workflows/broken.json is left out"), "{said:?}");
    assert!(said[1].contains("not asked any further"), "{said:?}");
}

#[test]
fn the_map_may_be_at_a_url() {
    let world = World::new();
    let environment = environment(&world);
    let site = Site::start(|asked| match asked.path() {
        "/map.json" => Reply::new(200).body("text/plain", MAP),
        "/page.json" => Reply::new(200).body("text/html", "<!DOCTYPE html>"),
        _ => Reply::new(404),
    });
    let find = |given: &str, offline: bool| -> Result<Vec<String>, Error> {
        let client = world.client(offline);
        let found =
            missing_packs::find(&environment, &workflow(&["Listed"]), Some(&client), Some(given), &world.listener)?;
        Ok(lines(&found))
    };
    for offline in [false, false, true] {
        assert_eq!(
            find(&site.url("map.json"), offline).unwrap(),
            ["Listed <- manager_map https://github.com/a/listed"]
        );
    }
    assert_eq!(site.log().len(), 1, "it is kept");
    let folder = world.place.root("");
    for (given, words) in [
        (site.url("page.json"), "not ComfyUI-Manager's extension-node-map.json"),
        (site.url("nope.json"), "HTTP status 404"),
        ("http://192.168.1.1/map.json".to_owned(), "fetched by https"),
        ("file:///etc/passwd".to_owned(), "no host"),
        (folder.join("nope.json").to_str().unwrap().to_owned(), "cannot read"),
    ] {
        let error = find(&given, false).unwrap_err();
        assert!(format!("{error} {:?}", error.hint()).contains(words), "{given}: {error}");
    }
    let error = missing_packs::find(&environment, &BTreeMap::new(), None, Some(&site.url("map.json")), &world.listener);
    assert!(error.unwrap_err().hint().unwrap().contains("give the file's path"));
}
