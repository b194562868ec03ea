//! Each difference on a line.

use std::collections::{HashMap, HashSet};

use super::manifest::{
    FieldDifference, ModelDifference, PackDifference, PackageDifference, RequirementDifference, Tie, UseDifference,
};
use super::value::{Json, shown_pair};
use super::workflow::{
    Content, End, LayoutDifference, LinkDifference, NodeDifference, NodeName, Property, WidgetDifference,
};
use super::{Change, Difference, WorkflowDifference};
use crate::plan::commit::plural;

/// Digits of a hash that are shown.
const SHORT: usize = 12;

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What became of the thing.
    pub change: Change,
    /// The thing, and how it changed.
    pub text: String,
    /// What belongs to it.
    pub below: Vec<Line>,
}

impl Line {
    fn new(change: Change, text: impl Into<String>) -> Self {
        Self { change, text: text.into(), below: Vec::new() }
    }
}

/// Differences of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Of what.
    pub title: &'static str,
    /// Each of them.
    pub lines: Vec<Line>,
}

impl Difference {
    /// Everything on lines, with how workflows look if `layout` asks for it. Empty sections are left out.
    pub fn sections(&self, layout: bool) -> Vec<Section> {
        let all = [
            ("workflows", self.workflows.iter().map(|found| found.line(layout)).collect()),
            ("ComfyUI and Python", self.environment.iter().map(field_line).collect()),
            ("node packs", self.packs.iter().map(pack_line).collect()),
            ("models", self.models.iter().map(model_line).collect()),
            ("substitutions", self.substitutions.iter().map(field_line).collect()),
            ("requirements", self.requirements.iter().map(requirement_line).collect()),
            ("Python packages", self.packages.iter().map(package_line).collect()),
            ("settings", self.settings.iter().map(field_line).collect()),
            ("files", self.files.iter().map(|file| Line::new(file.change, &file.path)).collect()),
        ];
        let sections = all.into_iter().map(|(title, lines): (_, Vec<Line>)| Section { title, lines });
        sections.filter(|section| !section.lines.is_empty()).collect()
    }
}

impl WorkflowDifference {
    /// The workflow, and below it what changed in it.
    pub fn line(&self, layout: bool) -> Line {
        let text = match (&self.was, self.node_count) {
            (Some(was), _) => format!("{}, before {was}", self.name),
            (None, Some(count)) => format!("{} ({})", self.name, plural(count, "node")),
            (None, None) => self.name.clone(),
        };
        Line { change: self.change, text, below: self.below(layout) }
    }

    /// What changed in it.
    pub fn below(&self, layout: bool) -> Vec<Line> {
        let mut lines = self.content.lines(layout);
        if self.change != Change::Removed {
            lines.extend(self.models.iter().map(use_line));
        }
        lines
    }

    /// How much changed in it: `2 nodes, 1 link, 1 model`.
    pub fn summary(&self) -> String {
        let content = &self.content;
        let models = if self.change == Change::Removed { 0 } else { self.models.len() };
        let counts = [
            (content.parts.len(), "subgraph"),
            (content.nodes.len(), "node"),
            (content.links.len(), "link"),
            (content.properties.len(), "property"),
            (models, "model"),
        ];
        let mut parts: Vec<String> = Vec::new();
        for (count, noun) in counts.into_iter().filter(|(count, _)| *count > 0) {
            parts.push(if noun == "property" && count > 1 {
                format!("{count} properties")
            } else {
                plural(count, noun)
            });
        }
        if !content.layout.is_empty() {
            parts.push(layout_count(&content.layout));
        }
        parts.join(", ")
    }
}

impl Content {
    /// Everything on lines, a node's own changes below it.
    pub fn lines(&self, layout: bool) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        for part in &self.parts {
            lines.push(Line::new(part.change, format!("subgraph {} ({})", part.name, plural(part.nodes, "node"))));
        }
        lines.extend(self.nodes.iter().map(node_line));
        let gone: HashSet<(&Option<String>, &str)> = self
            .nodes
            .iter()
            .filter(|node| node.change == Change::Removed)
            .map(|node| (&node.graph, node.node.id.as_str()))
            .collect();
        let alike = Alike::of(self);
        for link in &self.links {
            let is_gone = |node: &NodeName| gone.contains(&(&link.graph, node.id.as_str()));
            // That a node which is gone has no links any more goes without saying.
            if link.after.is_none()
                && (is_gone(&link.node) || link.before.as_ref().is_some_and(|end| is_gone(&end.node)))
            {
                continue;
            }
            lines.push(alike.link_line(link));
        }
        lines.extend(self.properties.iter().map(|property| property_line(property, true)));
        if layout {
            lines.extend(self.layout.iter().map(layout_line));
        } else if !self.layout.is_empty() {
            lines.push(Line::new(Change::Changed, layout_count(&self.layout)));
        }
        lines
    }
}

fn layout_count(layout: &[LayoutDifference]) -> String {
    let nodes = layout.iter().filter(|found| found.node.is_some()).count();
    if nodes == 0 { "layout".to_owned() } else { format!("layout of {}", plural(nodes, "node")) }
}

fn layout_line(found: &LayoutDifference) -> Line {
    let place = match &found.node {
        Some(node) => within(found.graph.as_deref(), &name(node)),
        None => found.graph.clone().unwrap_or_else(|| "workflow".to_owned()),
    };
    Line::new(Change::Changed, format!("layout of {place}: {}", found.keys.join(", ")))
}

/// `KSampler (3)`, `KSampler "first pass" (3)`.
fn name(node: &NodeName) -> String {
    match &node.title {
        Some(title) => format!("{} \"{title}\" ({})", node.kind, node.id),
        None => format!("{} ({})", node.kind, node.id),
    }
}

fn within(graph: Option<&str>, what: &str) -> String {
    graph.map_or_else(|| what.to_owned(), |graph| format!("{graph} / {what}"))
}

fn node_line(found: &NodeDifference) -> Line {
    let mut line = Line::new(found.change, within(found.graph.as_deref(), &name(&found.node)));
    let changed = |text: String| Line::new(Change::Changed, text);
    let quoted = |text: &str| if text.is_empty() { "none".to_owned() } else { format!("\"{text}\"") };
    line.below.extend(found.was.iter().map(|was| changed(format!("class {was} → {}", found.node.kind))));
    line.below.extend(found.mode.iter().map(|mode| changed(format!("{} → {}", mode.before, mode.after))));
    let title = found.title.iter();
    line.below
        .extend(title.map(|title| changed(format!("title {} → {}", quoted(&title.before), quoted(&title.after)))));
    line.below.extend(found.widgets.iter().map(widget_line));
    line.below.extend(found.properties.iter().map(|property| property_line(property, false)));
    // One change needs no line of its own.
    if let ([only], Change::Changed) = (line.below.as_slice(), line.change) {
        line.text = format!("{}: {}", line.text, in_words(only));
        line.below = Vec::new();
    }
    line
}

/// A line without a sign in front.
fn in_words(line: &Line) -> String {
    match line.change {
        Change::Added => format!("{} added", line.text),
        Change::Removed => format!("{} removed", line.text),
        Change::Changed => line.text.clone(),
    }
}

fn widget_line(found: &WidgetDifference) -> Line {
    let mut name = match (&found.name, found.index) {
        (Some(name), _) => name.clone(),
        (None, Some(index)) => format!("widget {index}"),
        (None, None) => "widget".to_owned(),
    };
    for step in &found.path {
        name.push('.');
        name.push_str(step);
    }
    value_line(&name, found.before.as_ref(), found.after.as_ref())
}

fn property_line(found: &Property, with_graph: bool) -> Line {
    let graph = found.graph.as_deref().filter(|_| with_graph);
    value_line(&within(graph, &found.key), found.before.as_ref(), found.after.as_ref())
}

fn field_line(found: &FieldDifference) -> Line {
    value_line(&found.field, found.before.as_ref(), found.after.as_ref())
}

fn value_line(name: &str, before: Option<&Json>, after: Option<&Json>) -> Line {
    match (before, after) {
        (Some(before), Some(after)) => {
            let (before, after) = shown_pair(before, after);
            Line::new(Change::Changed, format!("{name} {before} → {after}"))
        }
        (None, Some(value)) => Line::new(Change::Added, format!("{name} {}", value.shown())),
        (Some(value), None) => Line::new(Change::Removed, format!("{name} {}", value.shown())),
        (None, None) => Line::new(Change::Changed, name),
    }
}

/// How often nodes of one name take part in links: only those of which there are several need their ids.
struct Alike<'a>(HashMap<(&'a Option<String>, &'a str), HashSet<&'a str>>);

impl<'a> Alike<'a> {
    fn of(content: &'a Content) -> Self {
        let mut ids: HashMap<_, HashSet<&str>> = HashMap::new();
        for link in &content.links {
            let ends = link.before.iter().chain(&link.after).map(|end| &end.node);
            for node in ends.chain([&link.node]) {
                ids.entry((&link.graph, node.kind.as_str())).or_default().insert(&node.id);
            }
        }
        for node in &content.nodes {
            ids.entry((&node.graph, node.node.kind.as_str())).or_default().insert(&node.node.id);
        }
        Self(ids)
    }

    fn name(&self, graph: &Option<String>, node: &NodeName) -> String {
        let several = self.0.get(&(graph, node.kind.as_str())).is_some_and(|ids| ids.len() > 1);
        if several { format!("{} ({})", node.kind, node.id) } else { node.kind.clone() }
    }

    /// `KSampler.model ← LoraLoader.MODEL`.
    fn link_line(&self, link: &LinkDifference) -> Line {
        let target = within(link.graph.as_deref(), &format!("{}.{}", self.name(&link.graph, &link.node), link.input));
        let end = |end: &End| format!("{}.{}", self.name(&link.graph, &end.node), end.output);
        match (&link.before, &link.after) {
            (Some(before), Some(after)) => {
                Line::new(Change::Changed, format!("{target} ← {}, before {}", end(after), end(before)))
            }
            (None, Some(after)) => Line::new(Change::Added, format!("{target} ← {}", end(after))),
            (Some(before), None) => Line::new(Change::Removed, format!("{target} ← {}", end(before))),
            (None, None) => Line::new(Change::Changed, target),
        }
    }
}

/// The file a use is tied to, or what keeps it from being.
fn tie(tie: &Tie) -> String {
    match (&tie.sha256, &tie.key) {
        (Some(sha256), _) => sha256[..SHORT.min(sha256.len())].to_owned(),
        (None, Some(key)) => format!("not measured, {}", &key[..SHORT.min(key.len())]),
        (None, None) => tie.status.as_str().trim_matches('"').to_owned(),
    }
}

fn use_line(found: &UseDifference) -> Line {
    let text = match (&found.before, &found.after) {
        (Some(before), Some(after)) if tie(before) == tie(after) => format!(
            "model {}: {} → {}",
            found.filename,
            before.criticality.as_str().trim_matches('"'),
            after.criticality.as_str().trim_matches('"')
        ),
        (Some(before), Some(after)) => format!("model {}: {} → {}", found.filename, tie(before), tie(after)),
        (Some(only), None) | (None, Some(only)) => format!("model {} ({})", found.filename, tie(only)),
        (None, None) => format!("model {}", found.filename),
    };
    Line::new(found.change, text)
}

/// Commits are shown short, strings without quotes.
fn plain(field: &str, value: &Json) -> String {
    let text = value.as_str().trim_matches('"');
    if field.contains("commit") || field.contains("sha256") || field.contains("blake3") {
        return text.chars().take(SHORT).collect();
    }
    value.shown().trim_matches('"').to_owned()
}

fn pack_line(found: &PackDifference) -> Line {
    if found.change != Change::Changed {
        let said = |name: &str| {
            let field = found.fields.iter().find(|field| field.field == name)?;
            Some(plain(name, field.after.as_ref().or(field.before.as_ref())?))
        };
        let facts: Vec<String> = ["source", "version", "commit"].into_iter().filter_map(said).collect();
        let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
        return Line::new(found.change, format!("{}{facts}", found.name));
    }
    let fields = found.fields.iter().map(|field| {
        let side =
            |value: &Option<Json>| value.as_ref().map_or_else(|| "none".to_owned(), |value| plain(&field.field, value));
        format!("{} {} → {}", field.field, side(&field.before), side(&field.after))
    });
    Line::new(found.change, format!("{}: {}", found.name, fields.collect::<Vec<_>>().join(", ")))
}

fn model_line(found: &ModelDifference) -> Line {
    let hash = found.sha256.as_ref().map_or_else(
        || format!("not measured, {}", &found.key[..SHORT.min(found.key.len())]),
        |sha256| sha256[..SHORT.min(sha256.len())].to_owned(),
    );
    let mut line = Line::new(found.change, format!("{} ({hash})", found.filename));
    if found.change == Change::Changed {
        line.below.extend(found.fields.iter().map(field_line));
        let sources = |change, sources: &[String]| -> Vec<Line> {
            sources.iter().map(|source| Line::new(change, format!("source {source}"))).collect()
        };
        line.below.extend(sources(Change::Added, &found.sources_added));
        line.below.extend(sources(Change::Removed, &found.sources_removed));
    }
    line
}

fn requirement_line(found: &RequirementDifference) -> Line {
    let place = found.group.as_ref().map_or_else(|| "ComfyUI".to_owned(), |group| format!("group {group}"));
    let text = match found.change {
        Change::Added => found.after.join(", "),
        Change::Removed => found.before.join(", "),
        Change::Changed => format!("{} → {}", found.before.join(", "), found.after.join(", ")),
    };
    Line::new(found.change, format!("{place}: {text}"))
}

fn package_line(found: &PackageDifference) -> Line {
    let text = match found.change {
        Change::Added => found.after.join(", "),
        Change::Removed => found.before.join(", "),
        Change::Changed => format!("{} → {}", found.before.join(", "), found.after.join(", ")),
    };
    Line::new(found.change, format!("{} {text}", found.name))
}
