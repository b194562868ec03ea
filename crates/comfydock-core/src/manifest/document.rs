//! Edits of the manifest that leave everything else as the user wrote it.

use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, Value, value};

use super::{
    EnvironmentFacts, Error, Manifest, Model, ModelStatus, Node, NodeSource, PROJECT_NAME, SCHEMA_VERSION,
    Substitution, WorkflowModel,
};
use crate::category::Criticality;
use crate::workflow::PathStep;

/// A manifest being edited.
#[derive(Debug, Clone)]
pub struct Document {
    pub(super) toml: DocumentMut,
}

impl Document {
    /// Takes a manifest for editing.
    ///
    /// # Errors
    /// As [`Manifest::parse`]: only a manifest that stands may be edited.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Manifest::parse(text)?;
        let toml = text.parse().map_err(|error: toml_edit::TomlError| Error::Toml(error.to_string()))?;
        Ok(Self { toml })
    }

    /// A new environment's manifest, without dependencies.
    pub fn new(facts: &EnvironmentFacts, exclude_newer: Option<&str>) -> Self {
        let mut toml = DocumentMut::new();
        let mut project = Table::new();
        project["name"] = value(PROJECT_NAME);
        project["version"] = value("0.0.0");
        project["requires-python"] = value(format!("=={}.*", facts.python_version));
        project["dependencies"] = value(Array::new());
        toml["project"] = Item::Table(project);
        let mut tool = Table::new();
        tool.set_implicit(true);
        let mut uv = Table::new();
        uv["package"] = value(false);
        if let Some(time) = exclude_newer {
            uv["exclude-newer"] = value(time);
        }
        uv["environments"] = value(facts.platforms.iter().filter_map(|platform| marker(platform)).collect::<Array>());
        tool["uv"] = Item::Table(uv);
        let mut comfydock = Table::new();
        comfydock["schema_version"] = value(i64::from(SCHEMA_VERSION));
        tool["comfydock"] = Item::Table(comfydock);
        toml["tool"] = Item::Table(tool);
        let mut document = Self { toml };
        document.set_environment(facts);
        document
    }

    /// What the document says now.
    ///
    /// # Errors
    /// When an edit broke a rule of the format, which would be our bug.
    pub fn manifest(&self) -> Result<Manifest, Error> {
        Manifest::parse(&self.toml.to_string())
    }

    /// The text to write.
    pub fn text(&self) -> String {
        self.toml.to_string()
    }

    fn comfydock(&mut self) -> &mut Table {
        subtable(subtable(self.toml.as_table_mut(), "tool"), "comfydock")
    }

    /// Replaces the facts about ComfyUI and Python.
    pub fn set_environment(&mut self, facts: &EnvironmentFacts) {
        let table = subtable(self.comfydock(), "environment");
        set(table, "comfyui_version", &facts.comfyui_version);
        set(table, "comfyui_commit", facts.comfyui_commit.as_str());
        set(table, "comfyui_url", &facts.comfyui_url);
        set(table, "python_version", &facts.python_version);
        table["platforms"] = value(facts.platforms.iter().collect::<Array>());
    }

    /// Adds a platform to those that the lock covers; it has to be locked anew then. Without a list for uv
    /// the lock covers all of them anyway.
    pub fn add_platform(&mut self, platform: &str) {
        add(subtable(self.comfydock(), "environment").entry("platforms").or_insert(value(Array::new())), platform);
        let uv = subtable(subtable(self.toml.as_table_mut(), "tool"), "uv");
        if let (Some(environments), Some(marker)) = (uv.get_mut("environments"), marker(platform)) {
            add(environments, &marker);
        }
    }

    /// Replaces ComfyUI's own requirements.
    pub fn set_dependencies(&mut self, requirements: &[String]) {
        self.toml["project"]["dependencies"] = value(lines(requirements));
    }

    /// Replaces one dependency group, or removes it when it is empty.
    pub fn set_group(&mut self, group: &str, requirements: &[String]) {
        let groups = subtable(self.toml.as_table_mut(), "dependency-groups");
        if requirements.is_empty() {
            groups.remove(group);
            if groups.is_empty() {
                self.toml.remove("dependency-groups");
            }
        } else {
            groups[group] = value(lines(requirements));
        }
    }

    /// Moves the date up to which packages are considered (decision 18).
    pub fn set_exclude_newer(&mut self, time: &str) {
        let uv = subtable(subtable(self.toml.as_table_mut(), "tool"), "uv");
        uv["exclude-newer"] = value(time);
    }

    /// Holds a resolution to these versions, or ends that when there are none.
    pub fn hold_to(&mut self, versions: &[String]) {
        let uv = subtable(subtable(self.toml.as_table_mut(), "tool"), "uv");
        if versions.is_empty() {
            uv.remove("constraint-dependencies");
        } else {
            uv["constraint-dependencies"] = value(lines(versions));
        }
    }

    /// Records a node pack.
    pub fn set_node(&mut self, node: &Node) {
        let key = node.name.normalised();
        let nodes = subtable(self.comfydock(), "nodes");
        nodes.set_implicit(true);
        let table = subtable(nodes, &key);
        set(table, "name", node.name.as_str());
        let source = match node.source {
            NodeSource::Registry => "registry",
            NodeSource::Git => "git",
            NodeSource::Development => "development",
        };
        set(table, "source", source);
        set_optional(table, "registry_id", node.registry_id.as_deref());
        set_optional(table, "version", node.version.as_deref());
        set_optional(table, "sha256", node.sha256.as_ref().map(crate::digest::Sha256::as_str));
        set_optional(table, "repository", node.repository.as_deref());
        set_optional(table, "commit", node.commit.as_ref().map(crate::digest::CommitId::as_str));
        set_optional(table, "requested_ref", node.requested_ref.as_deref());
        set_optional(table, "group", node.group.as_deref());
        set_optional(
            table,
            "requirements_sha256",
            node.requirements_sha256.as_ref().map(crate::digest::Sha256::as_str),
        );
        set_optional(
            table,
            "install_script_sha256",
            node.install_script_sha256.as_ref().map(crate::digest::Sha256::as_str),
        );
    }

    /// Forgets a node pack and the group that carries its requirements.
    pub fn remove_node(&mut self, node: &Node) {
        // A group that somebody gave to two packs stays for the other.
        let others = self.manifest().map(|manifest| manifest.nodes).unwrap_or_default();
        let shared = others.values().any(|other| other.name != node.name && other.group == node.group);
        if let Some(group) = node.group.as_ref().filter(|_| !shared) {
            self.set_group(group, &[]);
        }
        let nodes = subtable(self.comfydock(), "nodes");
        nodes.remove(&node.name.normalised());
        if nodes.is_empty() {
            self.comfydock().remove("nodes");
        }
    }

    /// Records what a workflow needs; a workflow without models keeps an empty table, so that the
    /// manifest lists every workflow.
    pub fn set_workflow(&mut self, name: &str, models: &[WorkflowModel]) {
        let workflows = subtable(self.comfydock(), "workflows");
        workflows.set_implicit(true);
        let table = subtable(workflows, name);
        if models.is_empty() {
            table["models"] = value(Array::new());
            return;
        }
        let mut list = ArrayOfTables::new();
        for model in models {
            let mut entry = Table::new();
            set(&mut entry, "filename", &model.filename);
            set(&mut entry, "category", &model.category);
            set_optional(&mut entry, "hash", model.hash.as_deref());
            set(&mut entry, "status", status_word(model.status));
            set(&mut entry, "criticality", criticality_word(model.criticality));
            if model.chosen {
                entry["chosen"] = value(true);
            }
            let mut uses = Array::new();
            for place in &model.nodes {
                let mut inline = InlineTable::new();
                inline.insert("node_id", place.node_id.as_str().into());
                inline.insert("node_type", place.node_type.as_str().into());
                inline.insert("widget_index", i64::try_from(place.widget_index).unwrap_or(i64::MAX).into());
                if let Some(path) = &place.widget_path {
                    inline.insert("widget_path", Value::Array(path.iter().map(step_value).collect()));
                }
                if let Some(tag) = &place.tag {
                    inline.insert("tag", tag.as_str().into());
                }
                if let Some(text) = &place.value {
                    inline.insert("value", text.as_str().into());
                }
                uses.push(Value::InlineTable(inline));
            }
            entry["nodes"] = value(uses);
            list.push(entry);
        }
        // toml_edit keeps an existing table's place; the list is replaced whole.
        table.set_implicit(true);
        table["models"] = Item::ArrayOfTables(list);
    }

    /// Forgets a workflow.
    pub fn remove_workflow(&mut self, name: &str) {
        subtable(self.comfydock(), "workflows").remove(name);
    }

    /// Records a model under its key.
    pub fn set_model(&mut self, key: &str, model: &Model) {
        let models = subtable(self.comfydock(), "models");
        models.set_implicit(true);
        let table = subtable(models, key);
        set(table, "filename", &model.filename);
        table["size"] = value(i64::try_from(model.size).unwrap_or(i64::MAX));
        set(table, "relative_path", model.relative_path.as_str());
        set(table, "category", &model.category);
        set_optional(table, "sha256", model.sha256.as_ref().map(crate::digest::Sha256::as_str));
        set_optional(table, "blake3", model.blake3.as_ref().map(crate::digest::Blake3::as_str));
        table["sources"] = value(model.sources.iter().map(ToString::to_string).collect::<Array>());
    }

    /// Records that one model stands in for another.
    pub fn set_substitution(&mut self, key: &str, substitution: &Substitution) {
        let substitutions = subtable(self.comfydock(), "substitutions");
        substitutions.set_implicit(true);
        let table = subtable(substitutions, key);
        set(table, "filename", &substitution.filename);
        set(table, "category", &substitution.category);
        set_optional(table, "sha256", substitution.sha256.as_ref().map(crate::digest::Sha256::as_str));
        set(table, "with", &substitution.with);
    }

    /// Forgets a model.
    pub fn remove_model(&mut self, key: &str) {
        subtable(self.comfydock(), "models").remove(key);
    }
}

/// Adds a text to a list; one text by itself is a list of one.
fn add(item: &mut Item, text: &str) {
    if let Some(only) = item.as_str() {
        *item = value(Array::from_iter([only]));
    }
    let Some(list) = item.as_array_mut() else { return };
    if !list.iter().any(|known| known.as_str() == Some(text)) {
        list.push(text);
    }
}

/// The PEP 508 marker of a platform as `platforms` spells it. Pythons call machines what their systems do.
fn marker(platform: &str) -> Option<String> {
    let (system, machine) = match platform.split_once('-')? {
        ("macos", "aarch64") => ("darwin", "arm64"),
        ("macos", machine) => ("darwin", machine),
        ("windows", "x86_64") => ("win32", "AMD64"),
        ("windows", "aarch64") => ("win32", "ARM64"),
        ("windows", machine) => ("win32", machine),
        other => other,
    };
    Some(format!("sys_platform == '{system}' and platform_machine == '{machine}'"))
}

pub(super) fn subtable<'a>(table: &'a mut Table, key: &str) -> &'a mut Table {
    let item = table.entry(key).or_insert_with(|| {
        let mut fresh = Table::new();
        fresh.set_implicit(true);
        Item::Table(fresh)
    });
    if !item.is_table() {
        // An inline table (`environment = { … }`) becomes a block, or edits would not be readable.
        let fresh = match std::mem::take(item) {
            Item::Value(Value::InlineTable(inline)) => inline.into_table(),
            _ => Table::new(),
        };
        *item = Item::Table(fresh);
    }
    item.as_table_mut().expect("it was just made a table")
}

/// Sets a string only when it differs, so that an unchanged line keeps its comment.
fn set(table: &mut Table, key: &str, text: &str) {
    if table.get(key).and_then(Item::as_str) != Some(text) {
        table[key] = value(text);
    }
}

fn set_optional(table: &mut Table, key: &str, text: Option<&str>) {
    match text {
        Some(text) => set(table, key, text),
        None => {
            table.remove(key);
        }
    }
}

/// One requirement a line, so that a diff shows what changed.
pub(super) fn lines(requirements: &[String]) -> Array {
    let mut array: Array = requirements.iter().collect();
    if array.len() > 1 {
        for item in array.iter_mut() {
            item.decor_mut().set_prefix("\n    ");
        }
        array.set_trailing("\n");
        array.set_trailing_comma(true);
    }
    array
}

fn step_value(step: &PathStep) -> Value {
    match step {
        PathStep::Key(key) => key.as_str().into(),
        PathStep::Index(index) => i64::try_from(*index).unwrap_or(i64::MAX).into(),
    }
}

fn status_word(status: ModelStatus) -> &'static str {
    match status {
        ModelStatus::Resolved => "resolved",
        ModelStatus::Unresolved => "unresolved",
        ModelStatus::Skipped => "skipped",
    }
}

fn criticality_word(criticality: Criticality) -> &'static str {
    match criticality {
        Criticality::Required => "required",
        Criticality::Flexible => "flexible",
        Criticality::Optional => "optional",
    }
}
