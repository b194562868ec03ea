//! Snapshots of ComfyUI-Manager and comfy-pack.

use proptest::prelude::*;

use super::*;

const JSON: &str = r#"{
  "comfyui": "0123456789abcdef0123456789abcdef01234567",
  "git_custom_nodes": {
    "https://github.com/a/One.git": {"hash": "0123456789abcdef0123456789abcdef01234567", "disabled": false},
    "https://github.com/a/one": {"hash": "0123456789abcdef0123456789abcdef01234567", "disabled": false},
    "git@github.com:a/Two.git": {"hash": "89abcdef0123456789abcdef0123456789abcdef", "disabled": true},
    "https://github.com/a/Three": {"hash": null, "disabled": false}
  },
  "cnr_custom_nodes": {"comfyui-kjnodes": "1.1.4", "rgthree-comfy": "1.0", "night": "nightly"},
  "file_custom_nodes": [{"filename": "x.py", "disabled": false}, {"filename": "y.py.disabled", "disabled": true}],
  "pips": {"aiohttp==3.13.0": "", "torch==2.9.0+cu128": "", "Some.Package": "git+https://h/u/some@main",
           "-e git+https://h/u/ed.git@0123#egg=ed_it": "", "clip @ https://h/clip.zip": "", "odd": ""}
}"#;

/// As `cm-cli save-snapshot` dumps it, its keys sorted.
const YAML: &str = "
custom_nodes:
  cnr_custom_nodes:
    comfyui-kjnodes: 1.1.4
    night: nightly
    rgthree-comfy: 1.0
    ten: 1.10
  comfyui: 0123456789abcdef0123456789abcdef01234567
  file_custom_nodes:
  - disabled: false
    filename: x.py
  git_custom_nodes:
    git@github.com:a/Two.git:
      disabled: true
      hash: 89abcdef0123456789abcdef0123456789abcdef
    https://github.com/a/One.git:
      disabled: false
      hash: 0123456789abcdef0123456789abcdef01234567
    https://github.com/a/Three:
      hash: null
  pips:
    aiohttp==3.13.0: ''
    clip: https://h/clip.zip
";

#[test]
fn json_with_all_its_traps() {
    let found = manager::parse(JSON.as_bytes()).unwrap();
    assert_eq!(found.comfyui.commit.as_ref().unwrap().as_str(), COMMIT);
    assert_eq!(
        lines(&found),
        [
            "One: git https://github.com/a/One.git 0123",
            "Three: git https://github.com/a/Three -",
            "Two: git git@github.com:a/Two.git 89ab disabled",
            "comfyui-kjnodes: registry comfyui-kjnodes 1.1.4",
            "night: registry night -",
            "rgthree-comfy: registry rgthree-comfy 1.0.0",
        ]
    );
    let files: Vec<_> = found.files.iter().map(|file| (file.name.as_str(), file.disabled)).collect();
    assert_eq!(files, [("x.py", false), ("y.py", true)]);
    let packages: Vec<_> = found
        .packages
        .iter()
        .map(|package| (package.name.as_str(), package.version.as_deref(), &package.origin))
        .collect();
    let url = |text: &str| PackageOrigin::Url(text.to_owned());
    assert_eq!(
        packages,
        [
            ("ed-it", None, &PackageOrigin::Editable("git+https://h/u/ed.git@0123#egg=ed_it".to_owned())),
            ("some-package", None, &url("git+https://h/u/some@main")),
            ("aiohttp", Some("3.13.0"), &PackageOrigin::Index),
            ("clip", None, &url("https://h/clip.zip")),
            ("torch", Some("2.9.0+cu128"), &PackageOrigin::Index),
        ]
    );
    assert_eq!(left(&found), "the version of node pack `night`: `nightly` is no released one\n");
}

#[test]
fn yaml_nests_everything_and_keeps_versions_as_they_are_written() {
    let found = manager::parse(YAML.as_bytes()).unwrap();
    assert_eq!(found.comfyui.commit.as_ref().unwrap().as_str(), COMMIT);
    assert_eq!(
        lines(&found),
        [
            "One: git https://github.com/a/One.git 0123",
            "Three: git https://github.com/a/Three -",
            "Two: git git@github.com:a/Two.git 89ab disabled",
            "comfyui-kjnodes: registry comfyui-kjnodes 1.1.4",
            "night: registry night -",
            "rgthree-comfy: registry rgthree-comfy 1.0.0",
            "ten: registry ten 1.10.0",
        ]
    );
    assert_eq!(found.packages.len(), 2);
}

#[test]
fn a_commit_of_digits_is_no_number() {
    let text = "comfyui: 1234567890123456789012345678901234567890\ngit_custom_nodes:\n  https://h/u/r:\n    hash: 12345678901234567890123456789012345678e1\n";
    let found = manager::parse(text.as_bytes()).unwrap();
    assert_eq!(found.comfyui.commit.as_ref().unwrap().short(12), "123456789012");
    assert_eq!(lines(&found), ["r: git https://h/u/r 1234"]);
}

#[test]
fn logins_in_addresses_are_left_out() {
    let text =
        r#"{"git_custom_nodes": {"https://me:token@h/u/one": {}, "ssh://git:pw@h/u/two": {}, "git@h:u/three": {}}}"#;
    let found = manager::parse(text.as_bytes()).unwrap();
    assert_eq!(
        lines(&found),
        ["one: git https://h/u/one -", "three: git git@h:u/three -", "two: git ssh://git@h/u/two -"]
    );
}

#[test]
fn comfyui_without_git_has_no_commit() {
    let found = manager::parse(br#"{"comfyui": null, "git_custom_nodes": {}}"#).unwrap();
    assert_eq!(found.comfyui.commit, None);
    assert_eq!(left(&found), "ComfyUI's commit: the snapshot does not say it\n");
}

#[test]
fn the_same_repository_at_two_commits_is_named() {
    let text = format!(
        r#"{{"git_custom_nodes": {{"https://h/u/r": {{"hash": "{COMMIT}"}}, "https://h/u/r.git": {{"hash": "{OTHER}"}}}}}}"#
    );
    let found = manager::parse(text.as_bytes()).unwrap();
    assert_eq!(lines(&found), ["r: git https://h/u/r 0123"]);
    assert!(left(&found).contains("at two commits"), "{}", left(&found));
}

#[test]
fn what_is_no_snapshot_is_refused() {
    for (text, reason) in [
        ("", "must be a map"),
        ("[]", "must be a map"),
        ("{}", "none of"),
        ("{\"nodes\": []}", "none of"),
        ("{\"comfyui\": ", "EOF"),
        ("a: [", "line"),
        ("&a [*a, *a]", "must be a map"),
    ] {
        let error = manager::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(reason), "{text:?}: {error}");
    }
}

#[test]
fn a_comfy_pack_names_models_by_hash() {
    let text = r#"{"comfyui": "0123456789abcdef0123456789abcdef01234567", "python": "3.11",
      "git_custom_nodes": {"https://h/u/a": {"hash": "0123456789abcdef0123456789abcdef01234567", "disabled": false}},
      "cnr_custom_nodes": {}, "file_custom_nodes": [], "pips": {},
      "models": [
        {"filename": "models/checkpoints/sd\\x.safetensors", "size": 7, "disabled": false,
         "sha256": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
         "source": {"type": "civitai", "download_url": "https://example.org/x.safetensors"}},
        {"filename": "models/loras/off.safetensors", "disabled": true},
        {"filename": "models/loras/none.safetensors", "sha256": null},
        {"filename": "custom_nodes/p/ckpt.pth", "sha256": "aa"},
        {"filename": "models/../../x.safetensors", "sha256": "aa"}]}"#;
    let found = comfy_pack::parse(text.as_bytes()).unwrap();
    assert_eq!(found.python.as_deref(), Some("3.11"));
    let [model] = found.models.as_slice() else { panic!("{:?}", found.models) };
    assert_eq!((model.path.as_str(), model.size), ("checkpoints/sd/x.safetensors", Some(7)));
    assert_eq!(model.sources[0].to_string(), "https://example.org/x.safetensors");
    assert_eq!(
        left(&found).lines().map(|line| line.split(':').next().unwrap()).collect::<Vec<_>>(),
        [
            "model `models/loras/none.safetensors`",
            "model `custom_nodes/p/ckpt.pth`",
            "model `models/../../x.safetensors`"
        ]
    );
}

#[test]
fn an_older_comfy_pack_lists_repositories() {
    let text = format!(r#"{{"custom_nodes": [{{"url": "https://h/u/a", "commit_hash": "{COMMIT}"}}, {{"x": 1}}]}}"#);
    let found = comfy_pack::parse(text.as_bytes()).unwrap();
    assert_eq!(lines(&found), ["a: git https://h/u/a 0123"]);
}

proptest! {
    #[test]
    fn nothing_that_can_be_written_ends_the_program(text in "[\\[\\]{}:,\"' \n&*!|>a-c0-9#-]{0,80}") {
        let _ = manager::parse(text.as_bytes());
        let _ = comfy_pack::parse(text.as_bytes());
    }
}
