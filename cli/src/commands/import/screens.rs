//! What is shown before anything is fetched.

use comfydock_core::bundle::Description;
use comfydock_core::category::Criticality;
use comfydock_core::manifest::{Manifest, Node, NodeSource};
use comfydock_core::plan::acquire::{Sorted, Wanted, wanted};
use comfydock_core::plan::library::Library;
use comfydock_workspace::ops::reach::Route;
use comfydock_workspace::shown_url;

use crate::commands::report;
use crate::printer::{BOLD, DIM, GREEN, RED, YELLOW, paint};
use crate::session::Session;
use crate::words::{bytes, count, list};

/// How much models matter, the most first.
const CRITICALITIES: [Criticality; 3] = [Criticality::Required, Criticality::Flexible, Criticality::Optional];

/// What the bundle is.
pub(super) fn summary(source: &str, description: &Description, route: &Route) -> Vec<String> {
    let manifest = &route.target.manifest;
    let models = wanted(manifest, &route.models, false);
    let of = |kind: NodeSource| manifest.nodes.values().filter(|node| node.source == kind).count();
    let mut lines = vec![
        format!("bundle {source}"),
        format!(
            "  of {} (exported {} by comfydock {})",
            description.environment_name, description.timestamp, description.comfydock_version
        ),
        format!(
            "  ComfyUI {}, Python {}, locked for {}",
            description.comfyui_version, description.python_version, description.platform
        ),
        format!("  {}", count(description.workflows.len(), "workflow")),
        format!(
            "  {} ({} development, {} registry, {} git)",
            count(manifest.nodes.len(), "node pack"),
            of(NodeSource::Development),
            of(NodeSource::Registry),
            of(NodeSource::Git)
        ),
        format!("  {} ({})", count(models.len(), "model"), total(&models)),
    ];
    if description.is_newer_than(env!("CARGO_PKG_VERSION")) {
        lines.push(format!(
            "{}: it was made by comfydock {}, this is {}: something in it may not be understood",
            paint(YELLOW, "warning"),
            description.comfydock_version,
            env!("CARGO_PKG_VERSION")
        ));
    }
    lines
}

fn total<'a>(models: impl IntoIterator<Item = &'a Wanted>) -> String {
    bytes(models.into_iter().map(|model| model.size).sum())
}

/// Whether a pack is fetched: the source of development nodes is in the bundle.
pub(super) fn is_fetched(node: &Node) -> bool {
    node.source != NodeSource::Development
}

/// Where a pack comes from, in a few words.
pub(super) fn origin(node: &Node) -> String {
    match (node.source, &node.repository) {
        (NodeSource::Development, _) => "in the bundle".to_owned(),
        (NodeSource::Git, Some(url)) => format!("{} from {}", node.stands_at(), shown_url(url)),
        (NodeSource::Git, None) => node.stands_at().to_owned(),
        (NodeSource::Registry, _) => format!("{} from the registry", node.stands_at()),
    }
}

/// The node packs, by where they come from.
pub(super) fn nodes(manifest: &Manifest) -> Vec<String> {
    if manifest.nodes.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![paint(BOLD, "node packs:")];
    for kind in [NodeSource::Registry, NodeSource::Git, NodeSource::Development] {
        let packs = manifest.nodes.values().filter(|node| node.source == kind);
        lines.extend(packs.map(|node| format!("  node pack {} ({})", node.name, origin(node))));
    }
    let fetched = manifest.nodes.values().filter(|node| is_fetched(node)).count();
    lines.push(format!("  {} to fetch", count(fetched, "node pack")));
    lines
}

/// The models, counted by how much they matter.
pub(super) fn models(models: &[Wanted]) -> Vec<String> {
    if models.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![paint(BOLD, "models:")];
    for criticality in CRITICALITIES {
        let of: Vec<&Wanted> = models.iter().filter(|model| model.criticality == criticality).collect();
        if !of.is_empty() {
            lines.push(format!(
                "  {} {} ({})",
                count(of.len(), "model"),
                criticality.word(),
                total(of.iter().copied())
            ));
        }
    }
    let (here, absent): (Vec<&Wanted>, Vec<&Wanted>) = models.iter().partition(|model| model.is_here);
    lines.push(format!(
        "  {} here already ({}), {} to get ({})",
        here.len(),
        total(here.iter().copied()),
        absent.len(),
        total(absent.iter().copied())
    ));
    let lost: Vec<&str> =
        absent.iter().filter(|model| !model.can_be_had).map(|model| model.filename.as_str()).collect();
    if !lost.is_empty() {
        lines.push(format!("  {} without a source: {}", paint(YELLOW, lost.len()), list(&lost)));
    }
    lines
}

/// Every model, by how much it matters.
pub(super) fn listed(models: &[Wanted]) -> Vec<String> {
    let mut lines = Vec::new();
    for criticality in CRITICALITIES {
        let of: Vec<&Wanted> = models.iter().filter(|model| model.criticality == criticality).collect();
        if of.is_empty() {
            continue;
        }
        lines.push(format!("{} ({}, {})", paint(BOLD, criticality.word()), of.len(), total(of.iter().copied())));
        for model in of {
            let here = if model.is_here { format!(", {}", paint(GREEN, "here")) } else { String::new() };
            lines.push(format!("  {} ({}, {}{here})", model.filename, bytes(model.size), model.category));
            lines.push(format!("    needed by {}", list(&model.workflows)));
        }
    }
    lines
}

/// Everything there is to know about one model before something is decided about it.
pub(super) fn one(model: &Wanted) -> Vec<String> {
    let meaning = match model.criticality {
        Criticality::Required => "without it the workflow does not do its work",
        Criticality::Flexible => "another model can stand in for it",
        Criticality::Optional => "the workflow runs without it",
    };
    let source = match &model.source {
        Some(source) if model.can_be_had => source.clone(),
        Some(source) => format!("{source}; its SHA-256 is not known, so what comes from there could not be checked"),
        None => "nobody says where it can be had".to_owned(),
    };
    vec![
        format!("model {} ({}, {})", paint(BOLD, &model.filename), bytes(model.size), model.category),
        format!("  {}: {meaning}", model.criticality.word()),
        format!("  needed by {}", list(&model.workflows)),
        format!("  source: {source}"),
    ]
}

/// What will be done, once nothing is open any more.
pub(super) fn plan(
    session: &Session,
    route: &Route,
    without_nodes: &std::collections::BTreeSet<String>,
    sorted: &Sorted<'_>,
    library: &Library,
) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(step) = &route.plan.comfyui {
        lines.push(format!("  ComfyUI {} ({})", step.version, step.commit.short(12)));
    }
    let manifest = &route.target.manifest;
    let installed = manifest.nodes.values().filter(|node| !without_nodes.contains(node.name.as_str())).count();
    if installed > 0 {
        lines.push(format!("  install {}", count(installed, "node pack")));
    }
    if !without_nodes.is_empty() {
        let left: Vec<&String> = without_nodes.iter().collect();
        lines.push(format!("  {}: {}", paint(DIM, "node packs left out"), list(&left)));
    }
    if route.plan.python {
        lines.push("  Python packages from the lock".to_owned());
    }
    lines.push(format!("  {}", count(route.target.workflows.len(), "workflow")));
    let group = |lines: &mut Vec<String>, what: &str, models: &[&Wanted]| {
        if models.is_empty() {
            return;
        }
        lines.push(format!("  {what} {} ({})", count(models.len(), "model"), total(models.iter().copied())));
        lines.extend(models.iter().map(|model| format!("    {} ({})", model.filename, bytes(model.size))));
    };
    group(&mut lines, "download", &sorted.download);
    if !sorted.substitute.is_empty() {
        lines.push(format!("  substitute {}", count(sorted.substitute.len(), "model")));
        let names = sorted.substitute.iter();
        lines.extend(names.map(|(model, with)| format!("    {} by {}", model.filename, name_of(library, with))));
    }
    group(&mut lines, "leave out", &sorted.left_out);
    group(&mut lines, &paint(RED, "nobody says where to get"), &sorted.missing);
    if !sorted.here.is_empty() {
        let here = sorted.here.iter().copied();
        lines.push(format!("  {} here already ({})", count(sorted.here.len(), "model"), total(here)));
    }
    if !sorted.download.is_empty() {
        lines.push(format!("  {} of models to download", bytes(sorted.bytes())));
    }
    if session.global.verbose > 0 {
        lines.extend(report::asked(&route.models));
    }
    lines.extend(report::origins(&route.plan));
    lines
}

/// What a model of this machine is called.
pub(super) fn name_of(library: &Library, key: &str) -> String {
    let row = library.rows(key).next();
    let place = row.and_then(|row| row.places.iter().chain(&row.elsewhere).next());
    place.map_or_else(|| key.to_owned(), |place| place.relative_path.clone())
}
