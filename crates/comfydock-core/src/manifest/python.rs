//! The part of the manifest that decides which Python packages are locked.

use std::collections::BTreeMap;

use toml_edit::{Array, DocumentMut, Item, TableLike, value};

use super::document::{Document, lines, subtable};
use crate::opencv::{self, Settlement};
use crate::requirements::{Requirement, Where};
use crate::torch::BUILT;

const CONSTRAINTS: &str = "constraint-dependencies";
const OVERRIDES: &str = "override-dependencies";

impl Document {
    /// ComfyUI's own requirements.
    pub fn dependencies(&self) -> Vec<String> {
        strings(self.toml.get("project").and_then(|project| project.get("dependencies")))
    }

    /// The requirements of every dependency group; groups that include others do so beside these.
    pub fn groups(&self) -> BTreeMap<String, Vec<String>> {
        let groups = self.toml.get("dependency-groups").and_then(|item| item.as_table_like());
        groups
            .into_iter()
            .flat_map(TableLike::iter)
            .map(|(name, item)| (name.to_owned(), strings(Some(item))))
            .collect()
    }

    /// What a resolution follows from, as text.
    pub fn resolution_text(&self) -> String {
        let mut text = DocumentMut::new();
        for key in ["project", "dependency-groups"] {
            if let Some(item) = self.toml.get(key) {
                text.insert(key, item.clone());
            }
        }
        if let Some(uv) = self.toml.get("tool").and_then(|tool| tool.get("uv")) {
            text.insert("uv", uv.clone());
        }
        text.to_string()
    }

    /// Whether packages newer than a date are left out (decision 18).
    pub fn has_date(&self) -> bool {
        self.uv_list_parent().is_some_and(|uv| uv.contains_key("exclude-newer"))
    }

    /// Holds torch and its companions at these versions, or lets them go when there are none.
    /// Constraints of the user's stay.
    pub fn hold_torch(&mut self, versions: &BTreeMap<String, String>) {
        let ours = |requirement: &Requirement| {
            BUILT.contains(&requirement.package().as_str())
                && matches!(&requirement.which, Where::Versions(clauses) if clauses.starts_with("==") && !clauses.contains(','))
        };
        self.replace(CONSTRAINTS, ours, versions.iter().map(|(name, version)| format!("{name}=={version}")).collect());
    }

    /// Writes which OpenCV is installed in place of several, or takes that back.
    pub fn settle_opencv(&mut self, settlement: Option<&Settlement>) {
        let ours = |requirement: &Requirement| {
            opencv::FAMILY.contains(&requirement.package().as_str())
                && requirement.marker.as_deref() == Some("sys_platform == 'never'")
        };
        self.replace(OVERRIDES, ours, settlement.map(Settlement::overrides).unwrap_or_default());
        self.set_group(
            opencv::GROUP,
            settlement.map(|found| vec![found.requirement.clone()]).as_deref().unwrap_or_default(),
        );
    }

    fn uv_list_parent(&self) -> Option<&dyn TableLike> {
        self.toml.get("tool")?.get("uv")?.as_table_like()
    }

    /// Replaces those entries of a list of [tool.uv] that are `ours`.
    fn replace(&mut self, key: &str, ours: impl Fn(&Requirement) -> bool, with: Vec<String>) {
        let before = strings(self.uv_list_parent().and_then(|uv| uv.get(key)));
        let others = before.iter().filter(|line| !Requirement::parse(line).is_ok_and(|requirement| ours(&requirement)));
        let after: Vec<String> = others.cloned().chain(with).collect();
        if after == before {
            return;
        }
        let uv = subtable(subtable(self.toml.as_table_mut(), "tool"), "uv");
        if after.is_empty() {
            uv.remove(key);
        } else {
            uv[key] = value(lines(&after));
        }
    }
}

fn strings(item: Option<&Item>) -> Vec<String> {
    let values = item.and_then(Item::as_array).into_iter().flat_map(Array::iter);
    values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"[project]
name = "comfydock-environment" # ours
dependencies = ["torch"]
[dependency-groups]
node-a = ["opencv-python", {include-group = "b"}]
[tool.uv]
package = false
constraint-dependencies = ["torch<3", "numpy==1.0"]
override-dependencies = ["opencv-python==4.9"]
[tool.comfydock]
schema_version = 1
[tool.comfydock.environment]
comfyui_version = "x"
comfyui_commit = "0123456789abcdef0123456789abcdef01234567"
comfyui_url = "https://x.org"
python_version = "3.11"
"#;

    #[test]
    fn what_is_settled_comes_and_goes_without_a_trace() {
        let mut document = Document::parse(TEXT).unwrap();
        let locked = ["opencv-python", "opencv-contrib-python"].map(|name| (name.to_owned(), String::new())).into();
        let settlement = opencv::settle(&locked, &[]).unwrap();
        document.settle_opencv(Some(&settlement));
        document.hold_torch(&BTreeMap::from([("torch".to_owned(), "2.9.0".to_owned())]));
        let text = document.text();
        assert_eq!(Document::parse(&text).unwrap().groups()[opencv::GROUP], ["opencv-contrib-python-headless"]);
        for expected in [
            "\"torch<3\"",
            "\"numpy==1.0\"",
            "\"torch==2.9.0\"",
            "\"opencv-python==4.9\"",
            "\"opencv-python ; sys_platform == 'never'\"",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
        document.settle_opencv(Some(&settlement));
        assert_eq!(document.text(), text);
        document.settle_opencv(None);
        document.hold_torch(&BTreeMap::new());
        let lists = |text: &str| text.split_whitespace().collect::<String>().replace(",]", "]");
        assert_eq!(lists(&document.text()), lists(TEXT));
    }

    #[test]
    fn a_resolution_follows_from_what_is_asked_and_from_nothing_else() {
        let document = Document::parse(TEXT).unwrap();
        let other = Document::parse(&TEXT.replace("comfyui_version = \"x\"", "comfyui_version = \"y\"")).unwrap();
        assert_eq!(document.resolution_text(), other.resolution_text());
        for (from, to) in
            [("[\"torch\"]", "[\"six\"]"), ("\"opencv-python\",", "\"six\","), ("package = false", "package = true")]
        {
            let changed = Document::parse(&TEXT.replace(from, to)).unwrap();
            assert_ne!(document.resolution_text(), changed.resolution_text(), "{from}");
        }
        assert_eq!(
            (document.dependencies(), document.groups()["node-a"].clone()),
            (vec!["torch".to_owned()], vec!["opencv-python".to_owned()])
        );
        assert!(!document.has_date());
    }
}
