//! Manifests of comfygit (`[tool.comfygit]`) and of the ComfyDock before this one (`[tool.comfydock]`
//! without our tables): which packs, which ComfyUI, which Python.

use toml_edit::{DocumentMut, Item, TableLike};

use super::found::{ComfyUi, Found, GitClone, Left, Origin, Pack, Release, folder_of};
use super::{Error, marks, python};
use crate::digest::CommitId;
use crate::requirements::normalised;

const EXPECTED: &str = "environment of comfygit or of an older ComfyDock";

/// Reads such a manifest; none when it is one of this program's own.
///
/// # Errors
/// When it is no TOML, or has neither table.
pub fn parse(text: &str) -> Result<Option<Found>, Error> {
    let document: DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| Error::Syntax(error.to_string().trim_end().to_owned()))?;
    let tool = document.get("tool").and_then(Item::as_table_like);
    let table = |name: &str| tool?.get(name)?.as_table_like();
    let (table, own) = match (table("comfygit"), table("comfydock")) {
        (Some(table), _) => (table, false),
        (None, Some(table)) => (table, is_ours(table)),
        (None, None) => {
            return Err(Error::Form { expected: EXPECTED, reason: "it has no [tool.comfygit] table".to_owned() });
        }
    };
    if own {
        return Ok(None);
    }
    let facts = table.get("environment").and_then(Item::as_table_like).unwrap_or(table);
    let mut found = Found {
        comfyui: comfyui(facts),
        python: text_of(facts, "python_version").and_then(|text| python::minor(&text)),
        ..Found::default()
    };
    let nodes = table.get("nodes").and_then(Item::as_table_like);
    for (name, item) in nodes.into_iter().flat_map(TableLike::iter) {
        match item.as_table_like() {
            Some(about) => node(name, about, &mut found),
            None => found.left.push(Left::new(format!("node pack `{name}`"), "its entry is no table")),
        }
    }
    let groups = document.get("dependency-groups").and_then(Item::as_table_like);
    let others = groups.into_iter().flat_map(TableLike::iter).filter(|(group, _)| !is_of_a_pack(group, &found));
    let reason = "it belongs to no node pack; what the packs and ComfyUI need is read anew";
    let others: Vec<Left> = others.map(|(group, _)| Left::new(format!("dependency group `{group}`"), reason)).collect();
    found.left.extend(others);
    Ok(Some(found))
}

/// Whether a `[tool.comfydock]` is of this program: the older one knew neither the full commit in
/// `environment` nor a pack's folder name.
fn is_ours(table: &dyn TableLike) -> bool {
    let environment = table.get("environment").and_then(Item::as_table_like);
    table.get("schema_version").is_some() && environment.is_some_and(|facts| facts.get("comfyui_commit").is_some())
}

fn text_of(table: &dyn TableLike, key: &str) -> Option<String> {
    table.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

fn comfyui(facts: &dyn TableLike) -> ComfyUi {
    let said = text_of(facts, "comfyui_version");
    let commit = text_of(facts, "comfyui_commit_sha").or_else(|| text_of(facts, "comfyui_commit"));
    let commit = commit.or_else(|| said.clone()).and_then(|text| CommitId::parse(&text).ok());
    let version = said.filter(|text| CommitId::parse(text).is_err() && text != "latest");
    ComfyUi { commit, url: text_of(facts, "comfyui_repository"), version, ..ComfyUi::default() }
}

fn node(key: &str, about: &dyn TableLike, found: &mut Found) {
    let name = text_of(about, "name").unwrap_or_else(|| key.to_owned());
    let version = text_of(about, "version");
    let repository = text_of(about, "repository").or_else(|| text_of(about, "url"));
    let id = text_of(about, "registry_id");
    let source = text_of(about, "source").unwrap_or_default();
    let commit = text_of(about, "pinned_commit")
        .or_else(|| text_of(about, "commit"))
        .or_else(|| version.clone())
        .and_then(|text| CommitId::parse(&text).ok());
    let git = |url: String| {
        let clone = GitClone {
            url: Some(url),
            commit: commit.clone(),
            branch: text_of(about, "branch"),
            ..GitClone::default()
        };
        Origin::Git(clone)
    };
    let release = |id: String| {
        let version = version.as_deref().and_then(marks::release_version);
        Origin::Registry(Release { id, version, ..Release::default() })
    };
    let origin = match (source.as_str(), id, repository) {
        ("development" | "dev" | "local", _, None) => Origin::Folder(None),
        ("development" | "dev" | "local", _, Some(url)) => git(url),
        // The older program wrote `github` for packs that it had from the registry's list.
        ("git" | "github", _, Some(url)) => git(url),
        (_, Some(id), _) => release(id),
        ("registry", None, _) => release(key.to_owned()),
        (_, None, Some(url)) => git(url),
        (other, None, None) => {
            found
                .left
                .push(Left::new(format!("node pack `{name}`"), format!("its source `{other}` says not where it is")));
            return;
        }
    };
    let name = match &origin {
        Origin::Git(clone) if name == key => clone.url.as_deref().and_then(folder_of).unwrap_or(key).to_owned(),
        _ => name,
    };
    found.packs.push(Pack::told(name, origin, false));
}

/// Whether a group carries a pack's requirements: `x`, `node:x`, or `x-<8 digits>`.
fn is_of_a_pack(group: &str, found: &Found) -> bool {
    let core = ["comfyui-core", "comfygit-system", "core"].contains(&group);
    let name = group.strip_prefix("node:").or_else(|| group.strip_prefix("node/")).unwrap_or(group);
    let stem = match name.rsplit_once('-') {
        Some((stem, digits)) if digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => stem,
        _ => name,
    };
    let same = |one: &str| normalised(one) == normalised(stem);
    let of = |pack: &Pack| match &pack.origin {
        Origin::Registry(release) => same(&pack.name) || same(&release.id),
        _ => same(&pack.name),
    };
    core || found.packs.iter().any(of)
}
