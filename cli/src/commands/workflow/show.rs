use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::process::ExitCode;

use comfydock_core::plan::show::{Need, NodeType, State};
use comfydock_core::resolve::Sight;
use comfydock_core::workflow::{Confidence, ModelRef, PathStep, RefKind};
use comfydock_workspace::Error;
use comfydock_workspace::ops::workflow_show::{Desk, Shown};
use serde_json::{Value, json};

use crate::error::Failure;
use crate::printer::{BOLD, DIM, GREEN, YELLOW, paint, table};
use crate::session::Session;
use crate::words::{bytes, count};

/// Show the models and nodes a workflow needs; works for files outside any environment too
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A workflow of the environment, or a workflow file
    #[arg(required = true, value_name = "NAME|FILE")]
    workflows: Vec<String>,
}

pub(super) fn run(session: &Session, args: &Args) -> Result<ExitCode, Failure> {
    let desk = desk(session)?;
    let index = desk.index();
    let mut code = ExitCode::SUCCESS;
    for word in &args.workflows {
        match desk.show(word, index.as_ref()) {
            Ok(shown) => {
                if let Some(error) = &shown.needs.metadata {
                    session.say(&format!("{}: what the file says of its models is left aside: {error}", shown.name));
                }
                session.print("workflow-show", document(&shown), || lines(&shown))?;
            }
            // One that cannot be read keeps none of the others from being shown.
            Err(error) => {
                Failure::from(error).print(session);
                code = ExitCode::from(1);
            }
        }
    }
    Ok(code)
}

/// What is at hand: without a workspace, or without an environment in it, files are shown all the same.
fn desk(session: &Session) -> Result<Desk, Error> {
    let there = session.workspace_path().is_ok_and(|path| path.join(".metadata/workspace.json").exists());
    if !there && session.global.env.is_none() {
        return Ok(Desk::default());
    }
    let workspace = session.workspace()?;
    let environment = match workspace.environment(session.global.env.as_ref()) {
        Ok(environment) => Some(environment),
        Err(_) if session.global.env.is_none() => None,
        Err(error) => return Err(error),
    };
    Desk::new(&workspace, environment, &session.context(&[]))
}

fn document(shown: &Shown) -> Value {
    let mut models = Vec::new();
    for need in &shown.needs.models {
        let at = &need.reference;
        models.push(model(need, &at.node_id, &at.node_type, at.widget_index, at.widget_path.as_deref(), None));
        for alias in &at.aliases {
            let path = alias.widget_path.as_deref();
            models.push(model(need, &alias.node_id, &alias.node_type, alias.widget_index, path, Some(at)));
        }
    }
    let nodes: Vec<Value> = shown
        .needs
        .nodes
        .iter()
        .map(|node| {
            json!({
                "type": node.name, "builtin": node.builtin, "pack": node.pack, "version": node.version,
                "evidence": node.evidence,
            })
        })
        .collect();
    json!({ "name": shown.name, "format": shown.format, "models": models, "nodes": nodes })
}

fn model(
    need: &Need,
    node_id: &str,
    node_type: &str,
    widget_index: usize,
    widget_path: Option<&[PathStep]>,
    alias_of: Option<&ModelRef>,
) -> Value {
    let at = &need.reference;
    json!({
        "node_id": node_id, "node_type": node_type, "widget_index": widget_index, "widget_path": widget_path,
        "value": at.value, "kind": at.kind, "category": at.category, "confidence": at.confidence,
        "reason": at.reason.to_string(), "active": at.active, "alias_of": alias_of.map(|own| &own.node_id),
        "alias_of_widget_index": alias_of.map(|own| own.widget_index), "status": need.state.word(),
        "loads": need.sight.as_ref().map(|sight| *sight == Sight::Loads),
        "here_as": match &need.sight {
            Some(Sight::Named(name)) => Some(name),
            _ => None,
        },
        "hash": need.key, "sources": need.sources,
    })
}

fn lines(shown: &Shown) -> Vec<String> {
    let mut lines = vec![format!(
        "{}  {}",
        paint(BOLD, &shown.name),
        paint(DIM, format!("format {}, {}", shown.format, count(models(shown).len(), "model")))
    )];
    let models = models(shown);
    let rows: Vec<Vec<String>> = models.iter().map(|(_, needs)| row(needs)).collect();
    for (line, (_, needs)) in table(&rows).into_iter().zip(&models) {
        lines.push(format!("  {line}"));
        let absent = needs.iter().filter(|need| !matches!(need.state, State::Resolved | State::Skipped));
        let sources: BTreeSet<&String> = absent.flat_map(|need| &need.sources).collect();
        lines.extend(sources.into_iter().map(|source| paint(DIM, format!("    from {source}"))));
    }
    lines.extend(packs(&shown.needs.nodes).into_iter().map(|line| format!("  {line}")));
    lines
}

/// The mentions by model: what has one key is one, else what has one name.
fn models(shown: &Shown) -> Vec<(String, Vec<&Need>)> {
    let mut found: Vec<(String, Vec<&Need>)> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for need in &shown.needs.models {
        let at = &need.reference;
        let name = format!("{:?} {} {}", at.kind, at.category.as_deref().unwrap_or_default(), at.value);
        let identity = need.key.clone().unwrap_or(name);
        if let Some(&at) = known.get(&identity) {
            found[at].1.push(need);
        } else {
            known.insert(identity.clone(), found.len());
            found.push((identity, vec![need]));
        }
    }
    found
}

fn row(needs: &[&Need]) -> Vec<String> {
    let Some(need) = needs.first() else { return Vec::new() };
    let at = &need.reference;
    let surest = needs.iter().map(|need| need.reference.confidence).max().unwrap_or(Confidence::Low);
    let active = needs.iter().any(|need| need.reference.active);
    let what = match at.kind {
        RefKind::File => at.category.as_deref().unwrap_or("model").to_owned(),
        RefKind::Embedding => "embedding".to_owned(),
        RefKind::LoraTag => "lora".to_owned(),
        RefKind::Folder => format!("{} (folder)", at.category.as_deref().unwrap_or("model")),
        RefKind::Remote => "got by the node".to_owned(),
    };
    let mut place = format!("node {} ({})", at.node_id, at.node_type);
    if needs.len() > 1 {
        place.push_str(&format!(" and {} more", needs.len() - 1));
    }
    if !active {
        place.push_str(", not in use");
    }
    let because = match surest {
        Confidence::High => String::new(),
        Confidence::Medium | Confidence::Low => format!("{} because {}", confidence(surest), at.reason),
    };
    vec![at.value.clone(), what, state(need), need.size.map(bytes).unwrap_or_default(), place, paint(DIM, because)]
}

fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "perhaps a model,",
        _ => "taken for one",
    }
}

fn state(need: &Need) -> String {
    match need.state {
        State::Resolved => match &need.sight {
            Some(Sight::Named(name)) => paint(YELLOW, format!("here as {name}")),
            Some(Sight::Hidden) => paint(YELLOW, "here, where ComfyUI does not look"),
            Some(Sight::Loads) | None => paint(GREEN, "here"),
        },
        State::Ambiguous => paint(YELLOW, "several could be meant"),
        State::Unresolved => paint(YELLOW, "not here"),
        State::Skipped => "skipped".to_owned(),
        State::SelfManaged => String::new(),
        State::Unknown => paint(DIM, "not looked up"),
    }
}

/// The node types that do not come with ComfyUI, by pack.
fn packs(nodes: &[NodeType]) -> Vec<String> {
    let mut by_pack: BTreeMap<(bool, String), Vec<&str>> = BTreeMap::new();
    for node in nodes.iter().filter(|node| !node.builtin) {
        let pack = match (&node.pack, &node.version) {
            (Some(pack), Some(version)) => format!("{pack} {version}"),
            (Some(pack), None) => pack.clone(),
            (None, _) => "of an unknown pack".to_owned(),
        };
        by_pack.entry((node.pack.is_none(), pack)).or_default().push(&node.name);
    }
    let rows: Vec<Vec<String>> = by_pack
        .into_iter()
        .map(|((_, pack), types)| vec![paint(DIM, "nodes"), pack, paint(DIM, types.join(", "))])
        .collect();
    table(&rows)
}
