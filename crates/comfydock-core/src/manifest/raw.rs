//! From TOML to [`Manifest`].

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml_edit::DocumentMut;

use super::{EnvironmentFacts, Error, Manifest, Model, Node, SCHEMA_VERSION, Substitution, WorkflowModel};

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    project: RawProject,
    #[serde(default, rename = "dependency-groups")]
    groups: BTreeMap<String, Vec<RawRequirement>>,
    tool: RawTool,
}

#[derive(Deserialize, Default)]
struct RawProject {
    #[serde(default)]
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawRequirement {
    Text(String),
    Include(
        #[allow(dead_code, reason = "PEP 735 include-group tables are accepted and carry no origin")]
        BTreeMap<String, String>,
    ),
}

#[derive(Deserialize)]
struct RawTool {
    comfydock: RawComfydock,
    #[serde(default)]
    uv: RawUv,
}

#[derive(Deserialize)]
struct RawComfydock {
    environment: EnvironmentFacts,
    #[serde(default)]
    nodes: BTreeMap<String, Node>,
    #[serde(default)]
    workflows: BTreeMap<String, RawWorkflow>,
    #[serde(default)]
    models: BTreeMap<String, Model>,
    #[serde(default)]
    substitutions: BTreeMap<String, Substitution>,
}

#[derive(Deserialize)]
struct RawWorkflow {
    #[serde(default)]
    models: Vec<WorkflowModel>,
}

#[derive(Deserialize, Default)]
struct RawUv {
    #[serde(default)]
    index: Vec<RawIndex>,
    #[serde(default, rename = "no-binary-package")]
    no_binary_package: Vec<String>,
    #[serde(default, rename = "no-binary")]
    no_binary: bool,
    #[serde(default, rename = "extra-index-url")]
    extra_index_url: Vec<String>,
    #[serde(default, rename = "index-url")]
    index_url: Option<String>,
    #[serde(default, rename = "find-links")]
    find_links: Vec<String>,
    #[serde(default)]
    sources: BTreeMap<String, RawSources>,
}

/// One source of a package, or several with markers.
#[derive(Deserialize)]
#[serde(untagged)]
enum RawSources {
    One(RawSource),
    Several(Vec<RawSource>),
}

#[derive(Deserialize)]
struct RawSource {
    git: Option<String>,
    url: Option<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
struct RawIndex {
    url: String,
}

pub(super) fn parse(text: &str) -> Result<Manifest, Error> {
    check_schema(text)?;
    let raw: Raw =
        toml_edit::de::from_str(text).map_err(|error| Error::Toml(error.to_string().trim_end().to_owned()))?;
    let uv = raw.tool.uv;
    if uv.no_binary || !uv.no_binary_package.is_empty() {
        return Err(Error::Invalid(
            "[tool.uv] no-binary and no-binary-package are refused: they would build source code on every machine \
             that takes this environment"
                .to_owned(),
        ));
    }
    let mut package_origins: BTreeSet<String> = uv.index.into_iter().map(|index| index.url).collect();
    package_origins.extend(uv.extra_index_url);
    package_origins.extend(uv.index_url);
    package_origins.extend(uv.find_links);
    let sources = uv.sources.into_values().flat_map(|sources| match sources {
        RawSources::One(source) => vec![source],
        RawSources::Several(sources) => sources,
    });
    package_origins.extend(sources.flat_map(|source| [source.git, source.url, source.path]).flatten());
    let requirements =
        raw.project.dependencies.into_iter().chain(raw.groups.into_values().flatten().filter_map(|item| match item {
            RawRequirement::Text(text) => Some(text),
            RawRequirement::Include(_) => None,
        }));
    package_origins.extend(requirements.filter_map(|requirement| {
        let (_, url) = requirement.split_once('@')?;
        Some(url.trim().to_owned()).filter(|url| url.contains("://"))
    }));
    let comfydock = raw.tool.comfydock;
    for (key, node) in &comfydock.nodes {
        if *key != node.name.normalised() {
            return Err(Error::Invalid(format!(
                "node `{key}`: its folder is `{}`, whose key is `{}`",
                node.name,
                node.name.normalised()
            )));
        }
    }
    for (name, models) in &comfydock.workflows {
        super::check_workflow_name(name)?;
        for model in &models.models {
            if let Some(hash) = model.hash.as_ref().filter(|hash| !comfydock.models.contains_key(*hash)) {
                return Err(Error::Invalid(format!(
                    "workflow `{name}` refers to model `{hash}`, which [tool.comfydock.models] lacks"
                )));
            }
        }
    }
    for (key, model) in &comfydock.models {
        check_model_key(key, model)?;
    }
    Ok(Manifest {
        environment: comfydock.environment,
        nodes: comfydock.nodes,
        workflows: comfydock.workflows.into_iter().map(|(name, workflow)| (name, workflow.models)).collect(),
        models: comfydock.models,
        substitutions: comfydock.substitutions,
        package_origins,
    })
}

/// Refuses what is no environment or newer, before anything else in the file is interpreted.
fn check_schema(text: &str) -> Result<(), Error> {
    let document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| Error::Toml(error.to_string().trim_end().to_owned()))?;
    let table = document.get("tool").and_then(|tool| tool.get("comfydock")).ok_or(Error::NotAnEnvironment)?;
    let found = table
        .get("schema_version")
        .and_then(toml_edit::Item::as_integer)
        .and_then(|version| u32::try_from(version).ok())
        .ok_or_else(|| Error::Invalid("[tool.comfydock] schema_version is missing or not a number".to_owned()))?;
    if found > SCHEMA_VERSION { Err(Error::NewerSchema { found }) } else { Ok(()) }
}

/// A key is a quick hash, or one with `-` and eight digits of its SHA-256 (decision 4).
fn check_model_key(key: &str, model: &Model) -> Result<(), Error> {
    let (quick, suffix) = key.split_once('-').map_or((key, None), |(quick, suffix)| (quick, Some(suffix)));
    crate::digest::QuickHash::parse(quick).map_err(|error| Error::Invalid(format!("model key: {error}")))?;
    let fits = match (suffix, &model.sha256) {
        (None, _) => true,
        (Some(suffix), Some(sha256)) => sha256.short(8) == suffix,
        (Some(_), None) => false,
    };
    if !fits {
        return Err(Error::Invalid(format!("model key `{key}` does not fit its sha256")));
    }
    if model.relative_path.file_name() != model.filename {
        return Err(Error::Invalid(format!(
            "model `{key}`: relative_path `{}` does not end in `{}`",
            model.relative_path, model.filename
        )));
    }
    Ok(())
}
