//! Whether the files of a bundle's environment belong together, and could be had on another machine.

use toml_edit::{DocumentMut, TableLike};

use crate::admission::judge_lock;
use crate::foreign::{MANIFEST, PYTHON_LOCK, PYTHON_VERSION};
use crate::manifest::Manifest;
use crate::violation::Violation;

/// Holds `.python-version` and `uv.lock` against the manifest. A history may have such a state in the middle; a
/// bundle has one state, and whoever exported it was held to the same.
pub fn judge_environment(manifest: &Manifest, text: &str, python_version: &[u8], lock: &[u8]) -> Vec<Violation> {
    let mut violations = Vec::new();
    let wanted = &manifest.environment.python_version;
    let said = std::str::from_utf8(python_version).map(str::trim).unwrap_or_default();
    let is_of =
        |rest: &str| rest.is_empty() || rest.starts_with('.') && rest[1..].bytes().all(|byte| byte.is_ascii_digit());
    if !said.strip_prefix(wanted.as_str()).is_some_and(is_of) {
        let message = format!("does not say Python {wanted}, as pyproject.toml does");
        violations.push(Violation::new(PYTHON_VERSION, message, None));
    }
    violations.extend(judge_lock(text, lock));
    for (package, folder) in folders(&String::from_utf8_lossy(lock)) {
        let message = format!("takes `{package}` from a folder of the machine it was made on: {folder}");
        violations.push(Violation::new(PYTHON_LOCK, message, None));
    }
    let environment = &manifest.environment;
    let comfyui = std::iter::once(("ComfyUI".to_owned(), environment.comfyui_url.as_str()));
    let packs = manifest
        .nodes
        .values()
        .filter_map(|node| Some((format!("node pack {}", node.name), node.repository.as_deref()?)));
    for (name, address) in comfyui.chain(packs).filter(|(_, address)| runs_something(address)) {
        let message = format!("gives `{}` as the address of {name}, which git would run", address.escape_debug());
        violations.push(Violation::new(MANIFEST, message, None));
    }
    violations
}

/// Whether git would take it for an option, or for a helper of its own and that helper's words (`ext::sh …`).
fn runs_something(address: &str) -> bool {
    let helper = address.split_once("::").map(|(helper, _)| helper);
    address.starts_with('-') || helper.is_some_and(|name| !name.contains(['/', '[', '@']))
}

/// The packages that a lock takes from folders or files, and where these lie; the environment itself left out.
fn folders(lock: &str) -> Vec<(String, String)> {
    let Ok(document) = lock.parse::<DocumentMut>() else { return Vec::new() };
    let packages = document.get("package").and_then(|item| item.as_array_of_tables());
    let place = |source: &dyn TableLike| {
        let kinds = ["directory", "editable", "virtual", "path"];
        kinds.iter().find_map(|kind| source.get(kind)?.as_str().map(str::to_owned)).filter(|path| path != ".")
    };
    let folder = |table: &toml_edit::Table| {
        let name = table.get("name")?.as_str()?.to_owned();
        Some((name, place(table.get("source")?.as_table_like()?)?))
    };
    packages.into_iter().flatten().filter_map(folder).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::CommitId;
    use crate::manifest::{Document, EnvironmentFacts};

    const LOCK: &str = "version = 1\nrequires-python = \"==3.11.*\"\n\n[[package]]\nname = \"comfydock-environment\"\nversion = \"0.0.0\"\nsource = { virtual = \".\" }\n";

    fn told(python_version: &str, more: &str) -> Vec<String> {
        let facts = EnvironmentFacts {
            comfyui_version: "v1".to_owned(),
            comfyui_commit: CommitId::parse(&"a".repeat(40)).unwrap(),
            comfyui_url: "https://example.org/ComfyUI".to_owned(),
            python_version: "3.11".to_owned(),
            platforms: Vec::new(),
        };
        let document = Document::new(&facts, None);
        let (manifest, text) = (document.manifest().unwrap(), document.text());
        let found = judge_environment(&manifest, &text, python_version.as_bytes(), format!("{LOCK}{more}").as_bytes());
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn files_that_belong_together_are_taken() {
        for version in ["3.11", "3.11\n", "3.11.9\n"] {
            assert_eq!(told(version, ""), Vec::<String>::new(), "{version}");
        }
    }

    #[test]
    fn addresses_that_git_would_run_are_told_from_others() {
        for address in ["ext::sh -c touch% x", "fd::3", "-u x", "--upload-pack=x", "::x"] {
            assert!(runs_something(address), "{address}");
        }
        for address in
            ["https://example.org/a", "ssh://git@[::1]/a", "git@example.org:a/b", "/srv/a::b", "https://[::1]:8080/a"]
        {
            assert!(!runs_something(address), "{address}");
        }
    }

    #[test]
    fn another_python_is_named() {
        for version in ["3.12", "3.110", "3.11.x", "../../3.11", "", "cpython@3.11"] {
            assert!(told(version, "")[0].starts_with(".python-version: does not say Python 3.11"), "{version}");
        }
    }

    #[test]
    fn folders_of_another_machine_are_named() {
        for kind in ["directory", "editable", "virtual", "path"] {
            let package =
                format!("\n[[package]]\nname = \"mine\"\nversion = \"1\"\nsource = {{ {kind} = \"../mine\" }}\n");
            let found = told("3.11", &package);
            let line = "uv.lock: takes `mine` from a folder of the machine it was made on: ../mine";
            assert!(found.iter().any(|found| found == line), "{kind}: {found:?}");
        }
        let index =
            "\n[[package]]\nname = \"six\"\nversion = \"1\"\nsource = { registry = \"https://example.org/simple\" }\n";
        assert!(!told("3.11", index).iter().any(|found| found.contains("folder")));
    }
}
