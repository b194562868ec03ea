//! The packages of a lock: which version, which wheels, and who needs whom.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::{DocumentMut, Item, TableLike, Value};

use crate::requirements::normalised;

/// A lock, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// What it locks, without the environment's own project.
    pub packages: Vec<Package>,
    /// The packages that the environment itself asks for, in any group.
    pub roots: BTreeSet<String>,
    /// Packages about which the manifest overrides what other packages say.
    pub overridden: BTreeSet<String>,
}

/// A package of a lock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name, normalised.
    pub name: String,
    /// Its version; none for packages whose source says it when built.
    pub version: Option<String>,
    /// The packages it needs.
    pub needs: BTreeSet<String>,
    /// The names of its wheels' files.
    pub wheels: Vec<String>,
}

impl Lock {
    /// Reads a lock.
    ///
    /// # Errors
    /// When it is no TOML.
    pub fn parse(text: &str) -> Result<Self, String> {
        let document: DocumentMut =
            text.parse().map_err(|error: toml_edit::TomlError| format!("uv.lock: {}", error.message()))?;
        let mut lock = Self::default();
        let overrides = document.get("manifest").and_then(|manifest| manifest.get("overrides"));
        lock.overridden.extend(names(overrides));
        let packages = document.get("package").and_then(|item| item.as_array_of_tables());
        for table in packages.into_iter().flatten() {
            let mut needs: BTreeSet<String> = names(table.get("dependencies")).collect();
            for key in ["optional-dependencies", "dev-dependencies"] {
                let lists = table.get(key).and_then(|item| item.as_table_like());
                needs.extend(lists.into_iter().flat_map(TableLike::iter).flat_map(|(_, list)| names(Some(list))));
            }
            let source = table.get("source").and_then(|source| source.as_table_like());
            let is_root = source.is_some_and(|source| {
                ["virtual", "editable", "directory"]
                    .iter()
                    .any(|kind| source.get(kind).and_then(|path| path.as_str()) == Some("."))
            });
            if is_root {
                lock.roots.extend(needs);
                continue;
            }
            let text = |key: &str| table.get(key).and_then(|item| item.as_str()).map(str::to_owned);
            lock.packages.push(Package {
                name: normalised(&text("name").unwrap_or_default()),
                version: text("version"),
                needs,
                wheels: tables(table.get("wheels")).filter_map(file_of).collect(),
            });
        }
        Ok(lock)
    }

    /// The version of each package; of the last, where platforms have different ones.
    pub fn versions(&self) -> BTreeMap<String, String> {
        let versions =
            self.packages.iter().filter_map(|package| Some((package.name.clone(), package.version.clone()?)));
        versions.collect()
    }

    /// Those of `names` that are locked and have no wheel for this version of Python (`3.11`) on this
    /// platform (`linux-x86_64`): they would have to be built.
    pub fn without_wheel<'a>(&self, names: &'a [String], python: &str, platform: &str) -> Vec<&'a str> {
        let lacks = |name: &str| {
            let mut found = self.packages.iter().filter(|package| package.name == normalised(name)).peekable();
            found.peek().is_some()
                && found.any(|package| !package.wheels.iter().any(|wheel| fits(wheel, python, platform)))
        };
        names.iter().map(String::as_str).filter(|name| lacks(name)).collect()
    }
}

fn tables(item: Option<&Item>) -> impl Iterator<Item = &dyn TableLike> {
    let array = item.and_then(|item| item.as_array()).into_iter().flatten();
    let inline = array.filter_map(|value| value.as_inline_table().map(|table| table as &dyn TableLike));
    let blocks = item.and_then(|item| item.as_array_of_tables()).into_iter().flatten();
    inline.chain(blocks.map(|table| table as &dyn TableLike))
}

fn names(item: Option<&Item>) -> impl Iterator<Item = String> {
    tables(item).filter_map(|table| table.get("name").and_then(Item::as_str).map(normalised))
}

/// The file a wheel's entry names, by URL, path or name.
fn file_of(table: &dyn TableLike) -> Option<String> {
    let place = ["url", "path", "filename"]
        .iter()
        .find_map(|key| table.get(key).and_then(Item::as_value).and_then(Value::as_str))?;
    let path = place.split(['?', '#']).next().unwrap_or(place);
    Some(path.rsplit(['/', '\\']).next().unwrap_or(path).replace("%2B", "+"))
}

/// Whether a wheel can be installed: its last three parts are tags, each with alternatives.
fn fits(file: &str, python: &str, platform: &str) -> bool {
    let parts: Vec<&str> = file.trim_end_matches(".whl").rsplitn(4, '-').collect();
    let [platforms, abis, pythons, _] = parts[..] else { return false };
    let digits = python.replace('.', "");
    let minor = |tag: &str| tag.strip_prefix("cp3").and_then(|minor| minor.parse::<u32>().ok());
    let here: Option<u32> = digits.strip_prefix('3').and_then(|minor| minor.parse().ok());
    let python_fits = pythons.split('.').any(|tag| {
        tag == "py3"
            || tag == format!("py{digits}")
            || tag == format!("cp{digits}")
            || (abis.contains("abi3") && minor(tag).zip(here).is_some_and(|(minor, here)| minor <= here))
    });
    let (system, machine) = platform.split_once('-').unwrap_or((platform, ""));
    let machine = if system == "macos" && machine == "aarch64" { "arm64" } else { machine };
    let platform_fits = platforms.split('.').any(|tag| {
        let of_system = match system {
            "linux" => tag.starts_with("manylinux") || tag.starts_with("linux"),
            "macos" => tag.starts_with("macosx"),
            _ => tag.starts_with("win"),
        };
        tag == "any" || (of_system && (tag.ends_with(machine) || tag.ends_with("universal2")))
    });
    let free_threaded = abis.ends_with('t') && abis.starts_with("cp");
    python_fits && platform_fits && !free_threaded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wheels_fit_by_their_tags() {
        for (file, expected) in [
            ("a-1.0-py3-none-any.whl", true),
            ("a-1.0-py2.py3-none-any.whl", true),
            ("a-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", true),
            ("a-1.0-1-cp311-cp311-linux_x86_64.whl", true),
            ("a-1.0-cp38-abi3-manylinux_2_28_x86_64.whl", true),
            ("a-1.0-cp312-abi3-manylinux_2_28_x86_64.whl", false),
            ("a-1.0-cp310-cp310-manylinux_2_28_x86_64.whl", false),
            ("a-1.0-cp311-cp311-manylinux_2_28_aarch64.whl", false),
            ("a-1.0-cp311-cp311-musllinux_1_2_x86_64.whl", false),
            ("a-1.0-cp311-cp311-win_amd64.whl", false),
            ("a-1.0-cp311-cp311-macosx_11_0_arm64.whl", false),
            ("a-1.0-cp311-cp311t-manylinux_2_28_x86_64.whl", false),
            ("nonsense.whl", false),
        ] {
            assert_eq!(fits(file, "3.11", "linux-x86_64"), expected, "{file}");
        }
        assert!(fits("a-1.0-cp311-cp311-macosx_11_0_arm64.whl", "3.11", "macos-aarch64"));
    }

    #[test]
    fn packages_that_must_be_built_are_found() {
        let lock = Lock::parse(
            r#"
[[package]]
name = "sd"
version = "1.0"
source = { registry = "x" }
sdist = { url = "https://x.org/sd-1.0.tar.gz" }
[[package]]
name = "foreign"
version = "1.0"
source = { registry = "x" }
wheels = [{ url = "https://x.org/foreign-1.0-cp311-cp311-win_amd64.whl" }]
[[package]]
name = "fine"
version = "1.0"
source = { registry = "x" }
sdist = { url = "https://x.org/fine-1.0.tar.gz" }
wheels = [{ path = "links/fine-1.0-py3-none-any.whl" }]
"#,
        )
        .unwrap();
        let names: Vec<String> = ["SD", "foreign", "fine", "absent"].map(str::to_owned).into();
        assert_eq!(lock.without_wheel(&names, "3.11", "linux-x86_64"), ["SD", "foreign"]);
    }
}
