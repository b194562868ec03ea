//! Backups of one moment, and what comes back from them.

mod contents;
mod moment;
mod partial;
mod restore;
mod write;

pub(crate) use contents::Files;
pub(crate) use restore::restore;
pub(crate) use write::write;

use contents::Contents;

/// Tells how far it is.
pub(crate) type Tell<'a> = &'a dyn Fn(&str);

/// What a backup holds, for people.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) created_at: String,
    pub(crate) environments: usize,
    pub(crate) references: usize,
    /// Environments whose repository, and model files that, were not sound when they were backed up.
    pub(crate) damaged: Vec<(String, String)>,
    /// What the operator should know besides.
    pub(crate) notes: Vec<String>,
}

impl Report {
    fn new(contents: &Contents) -> Self {
        let damaged = contents.environments.iter();
        let damaged = damaged.filter_map(|it| Some((format!("{}/{}", it.owner, it.name), it.damaged.clone()?)));
        let files = contents.damaged_files.iter().map(|problem| ("a model file".to_owned(), problem.clone()));
        Self {
            created_at: contents.created_at.clone(),
            environments: contents.environments.len(),
            references: contents.environments.iter().map(|environment| environment.references).sum(),
            damaged: damaged.chain(files).collect(),
            notes: Vec::new(),
        }
    }
}
