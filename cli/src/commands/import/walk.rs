//! Everything that is asked before anything is fetched.

use std::collections::{BTreeMap, BTreeSet};

use comfydock_core::manifest::{Manifest, Node};
use comfydock_core::plan::acquire::{Decision, Sorted, Strategy, Wanted, Way, sort, substitutes};
use comfydock_core::plan::library::Library;
use comfydock_core::resolve::{Index, Similar};
use comfydock_workspace::ops::arrive::Choices;

use super::flags::Given;
use super::screens;
use crate::error::Failure;
use crate::printer::{YELLOW, paint};
use crate::prompt;
use crate::session::Session;
use crate::words::bytes;

/// The shortcuts, as they stand on the screen.
const SHORTCUTS: [Strategy; 3] = [Strategy::All, Strategy::Required, Strategy::Flexible];

/// What is asked about, and what was answered so far. Asked again, a question begins with its last answer.
pub(super) struct Walk<'a> {
    session: &'a Session,
    manifest: &'a Manifest,
    models: &'a [Wanted],
    library: &'a Library,
    index: Index<'a>,
    given: Given,
    without_nodes: BTreeSet<String>,
    strategy: Strategy,
    /// What was decided about each, and whether that is what counts.
    walked: BTreeMap<String, Decision>,
    one_by_one: bool,
}

impl<'a> Walk<'a> {
    pub(super) fn new(
        session: &'a Session,
        manifest: &'a Manifest,
        models: &'a [Wanted],
        library: &'a Library,
        given: Given,
    ) -> Self {
        Self {
            session,
            manifest,
            models,
            library,
            index: Index::new(&library.files),
            without_nodes: given.without_nodes.clone().unwrap_or_default(),
            strategy: given.strategy.unwrap_or_default(),
            given,
            walked: BTreeMap::new(),
            one_by_one: false,
        }
    }

    /// The packs that are left out.
    pub(super) fn without_nodes(&self) -> &BTreeSet<String> {
        &self.without_nodes
    }

    /// What was decided about single models.
    pub(super) fn decisions(&self) -> BTreeMap<String, Decision> {
        let walked = self.walked.iter().filter(|_| self.one_by_one);
        walked.chain(&self.given.decisions).map(|(key, decision)| (key.clone(), decision.clone())).collect()
    }

    /// What comes of every model, with these decisions.
    pub(super) fn sorted<'b>(&'b self, decisions: &'b BTreeMap<String, Decision>) -> Sorted<'b> {
        sort(self.models, self.strategy, decisions)
    }

    fn fetched(&self) -> Vec<&'a Node> {
        self.manifest.nodes.values().filter(|node| screens::is_fetched(node)).collect()
    }

    /// The models that are not here and that no flag speaks of.
    fn open(&self) -> Vec<&'a Wanted> {
        let models = self.models.iter();
        models.filter(|model| !model.is_here && !self.given.decisions.contains_key(&model.key)).collect()
    }

    fn asks_nodes(&self) -> bool {
        self.given.without_nodes.is_none() && !self.fetched().is_empty()
    }

    fn asks_models(&self) -> bool {
        self.given.strategy.is_none() && !self.open().is_empty()
    }

    /// Whether anything is left to be asked, so that answers can be changed.
    pub(super) fn asks(&self) -> bool {
        self.asks_nodes() || self.asks_models()
    }

    /// Shows node packs and models, and asks everything that no flag has answered if somebody is there.
    ///
    /// # Errors
    /// When the person breaks off.
    pub(super) fn go(&mut self, somebody: bool) -> Result<(), Failure> {
        self.say(&screens::nodes(self.manifest));
        if somebody && self.asks_nodes() {
            self.nodes()?;
        }
        self.say(&screens::models(self.models));
        if somebody && self.asks_models() {
            self.which_models()?;
        }
        Ok(())
    }

    fn say(&self, lines: &[String]) {
        lines.iter().for_each(|line| self.session.say(line));
    }

    fn nodes(&mut self) -> Result<(), Failure> {
        let fetched = self.fetched();
        let enter = usize::from(!self.without_nodes.is_empty());
        let options = vec!["install all (recommended)", "decide for each"];
        if prompt::choose_from("Which node packs?", options, enter)? == 0 {
            self.without_nodes.clear();
            return Ok(());
        }
        for node in fetched {
            let name = node.name.as_str();
            let question = format!("Install {name} ({})?", screens::origin(node));
            if prompt::yes_or_no(&question, !self.without_nodes.contains(name))? {
                self.without_nodes.remove(name);
            } else {
                self.without_nodes.insert(name.to_owned());
                self.session.say(&format!(
                    "{}: workflows that use nodes of {name} will not run; `comfydock repair` brings it later",
                    paint(YELLOW, "warning")
                ));
            }
        }
        Ok(())
    }

    fn which_models(&mut self) -> Result<(), Failure> {
        let size = |strategy| bytes(sort(self.models, strategy, &self.given.decisions).bytes());
        let options = vec![
            format!("all that can be had ({})", size(SHORTCUTS[0])),
            format!("required ones only ({})", size(SHORTCUTS[1])),
            format!("required and flexible ones ({})", size(SHORTCUTS[2])),
            "decide for each".to_owned(),
            "show the list".to_owned(),
            "quit".to_owned(),
        ];
        loop {
            let shortcut = SHORTCUTS.iter().position(|shortcut| *shortcut == self.strategy).unwrap_or(0);
            let enter = if self.one_by_one { 3 } else { shortcut };
            match prompt::choose_from("Which models?", options.clone(), enter)? {
                3 => {
                    self.one_by_one = true;
                    for model in self.open() {
                        let decision = self.one(model)?;
                        self.walked.insert(model.key.clone(), decision);
                    }
                    return Ok(());
                }
                4 => self.say(&screens::listed(self.models)),
                shortcut => {
                    self.strategy = *SHORTCUTS.get(shortcut).ok_or(Failure::Cancelled)?;
                    self.one_by_one = false;
                    return Ok(());
                }
            }
        }
    }

    fn one(&self, model: &Wanted) -> Result<Decision, Failure> {
        self.say(&screens::one(model));
        let alike = substitutes(&self.index, model);
        let (ways, usual) = model.ways(alike.len());
        let before = self.walked.get(&model.key);
        let enter = match before {
            Some(Decision::Download) => Way::Download,
            Some(Decision::From(_)) => Way::Url,
            Some(Decision::Substitute(_)) => Way::Substitute,
            Some(Decision::LeaveOut) => Way::LeaveOut,
            None => usual,
        };
        let enter = ways.iter().position(|way| *way == enter).unwrap_or(0);
        let words = |way: &Way| match way {
            Way::Download => format!("download it ({})", bytes(model.size)),
            Way::Substitute => "put a model of this machine in its place".to_owned(),
            Way::LeaveOut => "leave it out".to_owned(),
            Way::Url => "type its URL".to_owned(),
        };
        loop {
            let question = format!("What about {}?", model.filename);
            match ways[prompt::choose_from(&question, ways.iter().map(words).collect(), enter)?] {
                Way::Download => return Ok(Decision::Download),
                Way::LeaveOut => return Ok(Decision::LeaveOut),
                Way::Substitute => {
                    if let Some(key) = self.substitute(model, &alike, before)? {
                        return Ok(Decision::Substitute(key));
                    }
                }
                Way::Url => {
                    let typed = match before {
                        Some(Decision::From(source)) => source.to_string(),
                        _ => String::new(),
                    };
                    if let Some(source) = prompt::source(self.session, "Its URL (nothing goes back):", &typed)? {
                        return Ok(Decision::From(source));
                    }
                }
            }
        }
    }

    /// Which model stands in; none when it shall be none of them, which is what Enter says.
    fn substitute(
        &self,
        model: &Wanted,
        alike: &[Similar<'_>],
        before: Option<&Decision>,
    ) -> Result<Option<String>, Failure> {
        let mut options = vec!["none of these".to_owned()];
        options.extend(alike.iter().map(|similar| {
            let size = self.library.rows(&similar.file.key).next().map_or(0, |row| row.size);
            let file = similar.file;
            format!("{}/{} ({}, name {:.0} % alike)", file.category, file.name, bytes(size), similar.score * 100.0)
        }));
        let chosen =
            |similar: &Similar<'_>| matches!(before, Some(Decision::Substitute(key)) if **key == *similar.file.key);
        let enter = alike.iter().position(chosen).map_or(0, |at| at + 1);
        let question = format!("What stands in for {} in every workflow?", model.filename);
        let picked = prompt::choose_from(&question, options, enter)?;
        Ok(picked.checked_sub(1).map(|at| alike[at].file.key.to_string()))
    }

    /// What the answers come to, for the engine: where models can be had, and what stands in.
    pub(super) fn choices(&self) -> Choices {
        let decisions = self.decisions();
        let mut choices = Choices {
            without_nodes: self.without_nodes.clone(),
            without_models: self.sorted(&decisions).without(),
            ..Default::default()
        };
        for (key, decision) in decisions {
            match decision {
                Decision::From(source) => {
                    choices.sources.insert(key, source);
                }
                Decision::Substitute(with) => {
                    choices.substitutes.insert(key, with);
                }
                Decision::Download | Decision::LeaveOut => {}
            }
        }
        choices
    }
}
