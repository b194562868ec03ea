//! The one shape of complaint about what comes from outside or is about to go there.

use std::fmt;

use crate::admission::Rule;

/// One reason to refuse a tree, a push or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The file or the reference it concerns.
    pub path: String,
    /// Where in a workflow.
    pub place: Option<Box<Place>>,
    /// The rule, when it has a word; what has none nobody can let through.
    pub rule: Option<Rule>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Violation {
    /// A violation without a word of its own.
    pub fn new(path: impl Into<String>, message: impl Into<String>, hint: Option<&str>) -> Self {
        let hint = hint.map(str::to_owned);
        Self { path: path.into(), place: None, rule: None, message: message.into(), hint }
    }

    /// The same under a rule.
    #[must_use]
    pub fn under(mut self, rule: Rule) -> Self {
        self.rule = Some(rule);
        self
    }

    /// The rule, when an owner may let it through.
    pub fn allowable(&self) -> Option<Rule> {
        self.rule.filter(|rule| rule.may_be_allowed())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path)?;
        match self.message.strip_prefix(&self.path) {
            Some(rest) if self.place.is_none() => formatter.write_str(rest)?,
            _ => {
                if let Some(place) = &self.place {
                    write!(formatter, ", {place}")?;
                }
                let sentence = ["is ", "may ", "would "].iter().any(|verb| self.message.starts_with(verb));
                let colon = if sentence && self.place.is_none() { "" } else { ":" };
                write!(formatter, "{colon} {}", self.message)?;
            }
        }
        match self.allowable() {
            Some(rule) => write!(formatter, " [{rule}]"),
            None => Ok(()),
        }
    }
}

/// A place in a workflow, as a person finds it in the editor.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The node, if it is in one.
    pub node: Option<NodePlace>,
    /// What of it: the widget, or the way to the property.
    pub field: Field,
}

/// A node of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodePlace {
    /// `16` at the root, `<subgraph id>:16` inside a definition, `<group>:<position>` inside a group node.
    pub id: String,
    /// Its class.
    pub kind: String,
    /// What the user called it, if that is not the class.
    pub title: Option<String>,
}

/// What of a node, or of the file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// The widget of this name.
    Widget(String),
    /// The widget at this position, from 0, where the file does not tell the name.
    WidgetAt(usize),
    /// Anything else, by its keys: `properties.api_key`.
    Property(String),
}

/// Names come from whoever wrote the file.
fn shown(name: &str) -> String {
    name.chars().take(80).collect::<String>().escape_debug().to_string()
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(node) = &self.node {
            write!(formatter, "node {} `{}`", shown(&node.id), shown(&node.kind))?;
            if let Some(title) = &node.title {
                write!(formatter, " (\"{}\")", shown(title))?;
            }
            formatter.write_str(", ")?;
        }
        match &self.field {
            Field::Widget(name) => write!(formatter, "widget `{}`", shown(name)),
            Field::WidgetAt(position) => write!(formatter, "widget {position}"),
            Field::Property(keys) => write!(formatter, "`{}`", shown(keys)),
        }
    }
}
