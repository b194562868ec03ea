//! A model that a word means and that no environment names: what is known of it before it is brought.

use comfydock_core::category;
use comfydock_core::digest::Sha256;
use comfydock_core::hint::Hint as _;
use comfydock_core::plan::models::Action;
use comfydock_core::resolve::ladder::{Evidence, Offer, Outcome, Said, Wanted};
use comfydock_core::site::Site;
use comfydock_core::source::{CIVITAI_HOSTS, Source};
use url::Url;

use super::new_file::{NewFile, Options, path, told_by};
use crate::Error;
use crate::environment::Environment;
use crate::models::index::Index;
use crate::models::roots::Roots;
use crate::models::scan;
use crate::ops::Context;
use crate::ops::look_up::{How, look_up, warnings};
use crate::remote::hub::Hub;
use crate::workspace::Workspace;

/// What is known of it so far.
#[derive(Debug, Clone)]
pub(super) struct Sought {
    options: Options,
    sha256: Option<Sha256>,
    sources: Vec<Source>,
    size: Option<u64>,
    filename: Option<String>,
    category: Option<String>,
}

impl Sought {
    /// The file at a source.
    pub(super) fn of_source(source: Source, options: &Options) -> Self {
        let (filename, category) = told_by(&source);
        let (options, sha256) = (options.clone(), options.sha256.clone());
        Self { options, sha256, sources: vec![source], size: None, filename, category }
    }

    /// The file with a SHA-256.
    ///
    /// # Errors
    /// When the word is no whole SHA-256.
    pub(super) fn of_hash(word: &str, options: &Options) -> Result<Self, Error> {
        let Ok(sha256) = Sha256::parse(word.strip_prefix("sha256:").unwrap_or(word)) else {
            return Err(Error::refused(
                format!("`{word}` means no model of the environment"),
                "name a file of its workflows, the start of a hash, or a URL",
            ));
        };
        let options = options.clone();
        Ok(Self { options, sha256: Some(sha256), sources: Vec::new(), size: None, filename: None, category: None })
    }

    /// The file as it lies on this machine, if it was measured: the lowest rung.
    ///
    /// # Errors
    /// When the index fails.
    pub(super) fn here(
        &self,
        workspace: &Workspace,
        environment: Option<&Environment>,
        context: &Context<'_>,
    ) -> Result<Option<NewFile>, Error> {
        let Some(sha256) = &self.sha256 else { return Ok(None) };
        let roots = Roots::of(workspace, environment)?;
        let mut index = Index::open(workspace)?;
        scan::scan(&mut index, &roots, context.reporter)?;
        let Some(model) = index.models(&roots)?.into_iter().find(|model| model.sha256.as_ref() == Some(sha256)) else {
            return Ok(None);
        };
        let wanted = self.options.category.as_deref().map(category::canonical);
        let name = |path: &str| path.rsplit('/').next().unwrap_or(path).to_owned();
        let fits = |path: &str| {
            let folder = path.split('/').next().unwrap_or_default();
            wanted.is_none_or(|wanted| category::of_folder(folder) == wanted)
                && self.options.filename.as_ref().is_none_or(|wanted| *wanted == name(path))
        };
        if let Some(place) = model.places.iter().find(|place| fits(&place.relative_path)) {
            let at = comfydock_core::path::ModelPath::parse(&place.relative_path);
            let at = at.map_err(|error| Error::refused(error.to_string(), "rename the file"))?;
            let new = NewFile::at(&at, Some(sha256.clone()), Vec::new()).of_size(Some(model.size));
            return Ok(Some(new.here(Action::Here, Some(roots.path(place)))));
        }
        let Some(from) = model.places.first().or(model.elsewhere.first()) else { return Ok(None) };
        let folder = from.relative_path.split('/').next().unwrap_or_default();
        let to = path(&self.options, Some(&name(&from.relative_path)), Some(category::of_folder(folder)))?;
        let new = NewFile::at(&to, Some(sha256.clone()), Vec::new()).of_size(Some(model.size));
        Ok(Some(new.here(Action::Link { from: from.clone() }, None)))
    }

    /// Asks the hub's catalog. That it cannot be asked stops nothing.
    pub(super) fn ask(&mut self, hub: &Hub, context: &Context<'_>) {
        let Some(sha256) = self.sha256.clone() else { return };
        match hub.models(std::slice::from_ref(&sha256)) {
            Ok(mut known) => {
                let Some(known) = known.remove(&sha256) else { return };
                self.size = Some(known.size);
                self.sources.extend(known.sources);
                self.filename = self.filename.take().or(Some(known.filename));
                self.category = self.category.take().or(Some(known.category));
            }
            Err(error) => {
                let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
                context.reporter.warn(format!("the hub's catalog could not be asked: {error}{hint}"));
            }
        }
    }

    /// Whether it must be looked for outside: nobody names a source that says which file it is.
    pub(super) fn is_open(&self) -> bool {
        let which = |source: &Source| {
            let some_version = source.civitai().is_some_and(|place| place.file.is_none());
            !(is_page(source) || some_version && self.sha256.is_some())
        };
        !self.sources.iter().any(which)
    }

    /// Climbs the ladder if need be, and gives the file its place.
    ///
    /// # Errors
    /// When nobody says where it can be had, or what it is called, or which category it is for.
    pub(super) fn seek(
        mut self,
        workspace: &Workspace,
        how: How<'_>,
        context: &Context<'_>,
    ) -> Result<(NewFile, Outcome), Error> {
        let mut outcome = Outcome::default();
        if self.is_open() {
            let said = self.sources.iter().map(|source| Said { source: source.clone(), sha256: None });
            let wanted = Wanted {
                filename: self.options.filename.clone().unwrap_or_default(),
                sha256: self.sha256.clone(),
                blake3: None,
                said: said.collect(),
            };
            outcome = look_up(workspace, vec![wanted], How { hub: None, ..how }, context)?;
            let finding = outcome.findings.first().cloned().unwrap_or_default();
            self.take(&finding.offers)?;
            let name = self.filename.as_deref().unwrap_or_default();
            outcome.notes.extend(warnings(name, &finding));
            outcome.notes.extend(finding.reasons);
        }
        self.sources.retain(|source| !is_page(source));
        if self.sources.is_empty() {
            return Err(self.unknown(how, &outcome, context));
        }
        let path = path(&self.options, self.filename.as_deref(), self.category.as_deref())?;
        self.sources.sort_by_key(Source::rank);
        Ok((NewFile::at(&path, self.sha256, self.sources).of_size(self.size), outcome))
    }

    /// Takes what was found: all places of the wanted hash, or the one file of the page.
    fn take(&mut self, offers: &[Offer]) -> Result<(), Error> {
        let [first, rest @ ..] = offers else { return Ok(()) };
        if first.evidence == Evidence::Place && !rest.is_empty() {
            return Err(Error::Refused {
                message: "the page is of several files".to_owned(),
                details: offers.iter().map(|offer| format!("{} {}", offer.source, offer.filename)).collect(),
                hint: Some("name one of them".to_owned()),
            });
        }
        // Where the very file is known, the version's first one is not asked for.
        self.sources.retain(|source| source.civitai().is_none_or(|place| place.file.is_some()));
        self.sources.extend(offers.iter().map(|offer| offer.source.clone()));
        self.sha256 = self.sha256.take().or(first.sha256.clone());
        self.size = self.size.or(first.size.filter(|_| first.site == Site::HuggingFace));
        let named = !first.filename.is_empty();
        self.filename = self.filename.take().or(named.then(|| first.filename.clone()));
        Ok(())
    }

    fn unknown(&self, how: How<'_>, outcome: &Outcome, context: &Context<'_>) -> Error {
        let ask = "add --allow-lookup to ask CivitAI and Hugging Face";
        let may = how.outside || context.network.offline;
        let details = outcome.notes.clone();
        let Some(sha256) = self.sha256.as_ref().filter(|_| self.options.sha256.is_none()) else {
            let hint = if may {
                "use the download link of the file".to_owned()
            } else {
                format!("use the download link, or {ask}")
            };
            return Error::Refused { message: "this is a page, not a file".to_owned(), details, hint: Some(hint) };
        };
        let asked = match (how.hub.is_some(), may && !context.network.offline) {
            (true, true) => "neither this machine nor the hub, CivitAI and Hugging Face say",
            (true, false) => "neither this machine nor the hub says",
            (false, true) => "neither this machine nor CivitAI and Hugging Face say",
            (false, false) => "nobody says",
        };
        let url = format!("give the URL, and the hash with --sha256 {sha256}");
        Error::Refused {
            message: format!("{asked} where the model with SHA-256 {}… can be had", sha256.short(12)),
            details,
            hint: Some(if may { url } else { format!("{ask}, or {url}") }),
        }
    }
}

/// Whether the source is a page of CivitAI about a model, and no file.
fn is_page(source: &Source) -> bool {
    let url = source.url().and_then(|text| Url::parse(text).ok());
    url.is_some_and(|url| {
        url.host_str().is_some_and(|host| CIVITAI_HOSTS.contains(&host)) && url.path().starts_with("/models/")
    })
}
