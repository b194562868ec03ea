//! Looking at installations that others made.

use std::path::Path;

use comfydock_core::adoption::{Left, Origin, Pack};
use comfydock_workspace::adoption::{self, Installation};

use crate::old_install::OldInstall;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap()
}

fn look(install: &OldInstall) -> Installation {
    adoption::look(&install.root().join("old"), None).unwrap()
}

fn line(pack: &Pack) -> String {
    let of = match &pack.origin {
        Origin::Git(clone) => {
            let published = match clone.published {
                Some(true) => "published",
                Some(false) => "unpublished",
                None => "cannot tell",
            };
            let url = clone.url.as_deref().and_then(|url| url.rsplit('/').next()).unwrap_or("no remote");
            format!("git {url}, {published}, modified {:?}, untracked {:?}", clone.modified, clone.untracked)
        }
        Origin::Registry(release) => format!(
            "registry {}@{}, missing {:?}, added {:?}",
            release.id,
            release.version.as_deref().unwrap_or("-"),
            release.missing,
            release.added
        ),
        Origin::Folder(reason) => format!("folder {}", reason.as_deref().unwrap_or("-")),
    };
    let disabled = if pack.disabled { "disabled " } else { "" };
    let link = if pack.link.is_some() { " by a link" } else { "" };
    format!("{}: {disabled}{of}{link}", pack.name)
}

fn reasons(left: &[Left]) -> Vec<String> {
    let mut lines: Vec<String> = left.iter().map(|left| format!("{}: {}", left.what, left.reason)).collect();
    lines.sort();
    lines
}

#[test]
fn an_installation_is_read_whole_and_left_alone() {
    let install = OldInstall::new(project()).with_written_packages();
    let before = install.state();
    let seen = look(&install);
    install.assert_untouched(&before);

    assert_eq!(seen.comfyui, install.comfyui());
    let comfyui = &seen.found.comfyui;
    assert_eq!(comfyui.commit.as_ref().unwrap().as_str(), install.commits["ComfyUI"]);
    assert_eq!((comfyui.version.as_deref(), comfyui.published), (Some("0.3.64"), Some(true)));
    assert_eq!(comfyui.modified, Vec::<String>::new());
    let mut packs: Vec<String> = seen.found.packs.iter().map(line).collect();
    packs.sort();
    assert_eq!(
        packs,
        [
            "ahead-git: git ahead-git, unpublished, modified [], untracked []",
            "clean-git: git clean-git, published, modified [], untracked [\"ckpt\", \"settings.ini\"]",
            "detached-git: git detached-git, published, modified [], untracked []",
            "dirty-git: git dirty-git, published, modified [\"README.md\"], untracked []",
            "fork-git: git fork-git, published, modified [], untracked []",
            "linked: folder - by a link",
            "loose: folder -",
            "no-remote: git no remote, cannot tell, modified [], untracked []",
            "off-git: disabled git off-git, published, modified [], untracked []",
            "off-kj: disabled registry off-kj@1.2.3, missing [], added []",
            "registry-broken: registry registry-broken@2.0.0, missing [\"nodes/extra.py\"], added []",
            "registry-kj: registry registry-kj@1.1.4, missing [], added [\"my-presets.json\"]",
            "shallow-git: git shallow-git, published, modified [], untracked []",
            "worktree-git: git worktree-git, published, modified [], untracked []",
        ]
    );
    for pack in &seen.found.packs {
        let Some(commit) = install.commits.get(&pack.name) else { continue };
        let Origin::Git(clone) = &pack.origin else { panic!("{pack:?}") };
        assert_eq!(clone.commit.as_ref().unwrap().as_str(), commit, "{}", pack.name);
    }
    let files: Vec<_> =
        seen.found.files.iter().map(|file| (file.name.as_str(), file.disabled, file.knows_its_place)).collect();
    assert_eq!(
        files,
        [("nodes_here.py", false, true), ("nodes_single.py", false, false), ("old_nodes.py", true, false)]
    );
    assert_eq!(seen.found.python.as_deref(), Some("3.11"));
    let packages: Vec<String> = seen
        .found
        .packages
        .iter()
        .map(|package| format!("{} {}", package.name, package.version.as_deref().unwrap_or("-")))
        .collect();
    assert_eq!(
        packages,
        ["from-git 1.0", "idna 3.6", "never-was 9.9", "pyyaml 6.0.1", "six 1.16.0", "torch 2.9.0+cu128"]
    );
    assert_eq!(seen.models.folders, [install.comfyui().join("models")]);
    assert_eq!(seen.models.configurations, [install.comfyui().join("extra_model_paths.yaml")]);
    assert_eq!(seen.user.workflows.len(), 30);
    assert!(seen.user.workflows.contains(&"workflows/old/tests/work 0.json".to_owned()));
    assert_eq!(seen.user.settings, ["comfy.settings.json"]);
    let root = install.root().display();
    assert_eq!(
        reasons(&seen.found.left),
        [
            format!(
                "1 workflow of the user `bob`: only those of the user `default` are taken over; copy them from `{root}/old/ComfyUI/user/bob`"
            ),
            "custom_nodes/gone-link: it is a link that leads nowhere".to_owned(),
            "custom_nodes/no-init: it has no `__init__.py`, so ComfyUI does not load it".to_owned(),
            format!(
                "models in `{root}/nas/not-mounted`: extra_model_paths.yaml names the folder, and it is not there now"
            ),
        ]
    );
    let (snapshot, differences) = seen.opinion.unwrap();
    assert!(snapshot.ends_with("2025-10-09_snapshot.json"));
    let clean = &install.commits["clean-git"][..12];
    let differences = reasons(&differences);
    for expected in [
        &format!("node pack `clean-git`: the snapshot has 000000000000, the disk {clean}"),
        "node pack `was-here`: the snapshot has it, the disk does not",
        "node pack `fork-git`: the snapshot does not have it",
    ] {
        assert!(differences.iter().any(|line| line == expected), "{expected}: {differences:?}");
    }
    assert!(
        !differences.iter().any(|line| line.contains("registry-kj") || line.contains("detached")),
        "{differences:?}"
    );
}

fn put(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn versions(seen: &Installation) -> String {
    let packages = seen.found.packages.iter();
    packages.map(|package| format!("{}={} ", package.name, package.version.as_deref().unwrap_or("-"))).collect()
}

#[test]
fn comfyui_and_its_python_are_found_where_installers_put_them() {
    /// What it is, its files, where ComfyUI lies in it, its Python, its packages.
    type Layout =
        (&'static str, &'static [(&'static str, &'static str)], &'static str, Option<&'static str>, &'static str);
    let table: &[Layout] = &[
        (
            "portable",
            &[
                ("ComfyUI_windows_portable/ComfyUI/main.py", ""),
                ("ComfyUI_windows_portable/ComfyUI/comfyui_version.py", "__version__ = \"0.3.40\"\n"),
                ("ComfyUI_windows_portable/python_embeded/python.exe", ""),
                ("ComfyUI_windows_portable/python_embeded/python312._pth", ""),
                (
                    "ComfyUI_windows_portable/python_embeded/Lib/site-packages/idna-3.6.dist-info/METADATA",
                    "Name: idna\nVersion: 3.6\n",
                ),
            ],
            "ComfyUI_windows_portable/ComfyUI",
            Some("3.12"),
            "idna=3.6 ",
        ),
        (
            "the desktop program's base folder",
            &[
                ("custom_nodes/x/__init__.py", ""),
                ("user/default/workflows/a.json", "{}"),
                (".venv/pyvenv.cfg", "version_info = 3.12.9\n"),
                (".venv/Lib/site-packages/idna-3.6.dist-info/METADATA", "Name: idna\nVersion: 3.6\n"),
            ],
            "",
            Some("3.12"),
            "idna=3.6 ",
        ),
        (
            "a virtual environment that sees another Python's packages",
            &[
                ("ComfyUI/main.py", ""),
                ("ComfyUI/nodes.py", ""),
                (
                    "ComfyUI/venv/pyvenv.cfg",
                    "home = ROOT/base/bin\ninclude-system-site-packages = true\nversion = 3.11.2\n",
                ),
                ("ComfyUI/venv/lib/python3.11/site-packages/idna-3.6.dist-info/METADATA", "Name: idna\nVersion: 3.6\n"),
                ("base/lib/python3.11/site-packages/idna-2.0.dist-info/METADATA", "Name: idna\nVersion: 2.0\n"),
                ("base/lib/python3.11/site-packages/six-1.16.0.dist-info/METADATA", "Name: six\nVersion: 1.16.0\n"),
            ],
            "ComfyUI",
            Some("3.11"),
            "idna=3.6 six=1.16.0 ",
        ),
        (
            "no Python at all",
            &[
                ("main.py", ""),
                ("custom_nodes/x/__init__.py", ""),
                ("pyproject.toml", "[project]\nversion = \"0.3.10\"\n"),
            ],
            "",
            None,
            "",
        ),
    ];
    for (what, files, comfyui, python, packages) in table {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in *files {
            put(folder.path(), path, &text.replace("ROOT", folder.path().to_str().unwrap()));
        }
        let seen = adoption::look(folder.path(), None).unwrap();
        assert_eq!(seen.comfyui, folder.path().join(comfyui), "{what}");
        assert_eq!((seen.found.python.as_deref(), versions(&seen).as_str()), (*python, *packages), "{what}");
        let asks = seen.found.left.iter().any(|left| left.reason.contains("--from-python"));
        assert_eq!(asks, python.is_none(), "{what}: {:?}", seen.found.left);
    }
}

#[test]
fn a_python_that_lies_elsewhere_is_named() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "ComfyUI/main.py", "");
    put(folder.path(), "ComfyUI/nodes.py", "");
    put(folder.path(), "conda/bin/python3.10", "");
    put(folder.path(), "conda/lib/python3.10/site-packages/idna-3.6.dist-info/METADATA", "Name: idna\nVersion: 3.6\n");
    put(folder.path(), "conda/lib/python3.10/site-packages/idna-3.6.dist-info/INSTALLER", "conda\n");
    for named in ["conda", "conda/bin/python3.10"] {
        let seen = adoption::look(folder.path(), Some(&folder.path().join(named))).unwrap();
        assert_eq!((seen.found.python.as_deref(), versions(&seen).as_str()), (Some("3.10"), "idna=3.6 "), "{named}");
        assert!(reasons(&seen.found.left)[0].starts_with("1 package that conda built"), "{:?}", seen.found.left);
    }
    let error = adoption::look(folder.path(), Some(&folder.path().join("ComfyUI"))).unwrap_err();
    assert!(error.to_string().contains("is no Python with packages"), "{error}");
    let error = adoption::look(&folder.path().join("conda"), None).unwrap_err();
    assert!(error.to_string().contains("there is no ComfyUI in"), "{error}");
}

#[test]
fn an_environment_of_comfygit_is_an_installation_with_a_manifest_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "ComfyUI/main.py", "");
    put(root, "ComfyUI/nodes.py", "");
    put(root, "ComfyUI/custom_nodes/ComfyUI-KJNodes/__init__.py", "");
    put(root, "ComfyUI/custom_nodes/mine/__init__.py", "");
    let manifest = "[tool.comfygit]\nschema_version = 2\npython_version = \"3.12\"\n\
        [tool.comfygit.nodes.comfyui-kjnodes]\nname = \"ComfyUI-KJNodes\"\nsource = \"registry\"\nregistry_id = \"comfyui-kjnodes\"\nversion = \"1.1.4\"\n\
        [tool.comfygit.nodes.gone]\nname = \"gone\"\nsource = \"registry\"\nversion = \"1.0.0\"\n";
    put(root, ".cec/pyproject.toml", manifest);
    put(
        root,
        ".cec/uv.lock",
        "version = 1\n[[package]]\nname = \"idna\"\nversion = \"3.6\"\nsource = { registry = \"https://index.example/simple\" }\n",
    );
    let seen = adoption::look(root, None).unwrap();
    let packs: Vec<String> = seen.found.packs.iter().map(line).collect();
    assert_eq!(packs, ["ComfyUI-KJNodes: registry comfyui-kjnodes@1.1.4, missing [], added []", "mine: folder -"]);
    assert_eq!((seen.found.python.as_deref(), versions(&seen).as_str()), (Some("3.12"), "idna=3.6 "));
    let lines = reasons(&seen.found.left);
    assert!(
        lines.contains(&"node pack `gone`: the environment's manifest has it, `custom_nodes` does not".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn what_cannot_be_read_costs_only_itself() {
    let install = OldInstall::new(project()).with_written_packages();
    std::fs::write(install.comfyui().join("extra_model_paths.yaml"), "a: [\n").unwrap();
    std::fs::write(install.pack("worktree-git/.git"), "gitdir: /nowhere\n").unwrap();
    let later = install.comfyui().join("user/default/ComfyUI-Manager/snapshots/2025-10-10_snapshot.json");
    std::fs::write(later, "half a sn").unwrap();
    let seen = look(&install);
    assert_eq!(seen.models.configurations, Vec::<std::path::PathBuf>::new());
    assert!(
        reasons(&seen.found.left).iter().any(|line| line.starts_with("extra_model_paths.yaml: ")),
        "{:?}",
        seen.found.left
    );
    let worktree = seen.found.packs.iter().find(|pack| pack.name == "worktree-git").unwrap();
    assert!(line(worktree).starts_with("worktree-git: folder its repository cannot be read: "), "{}", line(worktree));
    assert!(seen.opinion.unwrap().0.ends_with("2025-10-09_snapshot.json"));
    assert_eq!(seen.user.workflows.len(), 30);
}
