//! Environments as they are listed, and models by whatever they are known by.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use comfydock_core::digest::{Blake3, QuickHash, Sha256};
use comfydock_core::observation::Verdict;
use comfydock_core::source::Source;
use comfydock_core::wire::{
    EnvironmentList, EnvironmentModels, EnvironmentSummary, Found, KeptFiles, LOOKUP_LIMIT, LookupAnswer,
    LookupRequest, Model, ModelKey, ModelSource, Right, SCHEMA, Visibility,
};
use rusqlite::Connection;

use super::Error;
use super::access::{admit, role_in};
use super::settings::deletion;
use super::visitor::Visitor;
use super::worth;
use crate::clock;
use crate::db::catalog::{By, Claim, claims};
use crate::db::environments;
use crate::db::observations::{self, Seen};
use crate::db::{Database, blobs};

/// The environments the visitor may see.
pub(crate) fn environments(database: &Database, visitor: &Visitor) -> Result<EnvironmentList, Error> {
    admit(database, visitor)?;
    let environments = database.read(|connection| {
        let listed = environments::visible(connection, &visitor.viewer())?;
        let summaries = listed.into_iter().map(|listed| summary(connection, visitor, listed));
        summaries.collect::<rusqlite::Result<Vec<_>>>()
    })?;
    Ok(EnvironmentList { schema: SCHEMA, environments })
}

/// An environment as the visitor is told of it, who may see it.
pub(super) fn summary(
    connection: &Connection,
    visitor: &Visitor,
    listed: environments::Listed,
) -> rusqlite::Result<EnvironmentSummary> {
    let role = role_in(connection, visitor, listed.owner_id)?;
    let environment = listed.environment;
    let may = visitor.right(role, environment.is_public);
    let kept = match may {
        Some(Right::Administer) => {
            let (files, bytes) = blobs::of_environment(connection, &environment.id)?;
            Some(KeptFiles { files, bytes })
        }
        _ => None,
    };
    Ok(EnvironmentSummary {
        visibility: if environment.is_public { Visibility::Public } else { Visibility::Private },
        may,
        kept,
        deleted: environment.deleted.as_ref().map(deletion),
        owner: environment.owner,
        name: environment.name,
        tip: environment.tip.unwrap_or_default(),
        pushed_at: clock::rfc3339(listed.pushed_at),
        pushed_by: listed.pushed_by,
        comfyui_version: listed.comfyui_version,
        workflows: listed.workflows,
        nodes: listed.nodes,
        models: listed.models,
        model_bytes: listed.model_bytes,
    })
}

/// Looks up many keys at once.
pub(crate) fn look_up(database: &Database, visitor: &Visitor, request: &LookupRequest) -> Result<LookupAnswer, Error> {
    admit(database, visitor)?;
    if request.keys.len() > LOOKUP_LIMIT {
        let message =
            format!("{} keys are more than the {LOOKUP_LIMIT} that one request may carry", request.keys.len());
        return Err(Error::Invalid { message, hint: Some("send several requests".to_owned()) });
    }
    let keys: Vec<ModelKey> = request
        .keys
        .iter()
        .map(|text| ModelKey::parse(text))
        .collect::<Result<_, _>>()
        .map_err(|error| Error::invalid(error.to_string()))?;
    let found = database.read(|connection| find(connection, visitor, &keys))?;
    let models = request.keys.iter().zip(&keys).map(|(text, key)| (text.clone(), found.get(key).cloned())).collect();
    Ok(LookupAnswer { schema: SCHEMA, models })
}

/// Looks up one key.
pub(crate) fn find_model(database: &Database, visitor: &Visitor, text: &str) -> Result<Found, Error> {
    admit(database, visitor)?;
    let key = ModelKey::parse(text).map_err(|error| Error::invalid(error.to_string()))?;
    database
        .read(|connection| find(connection, visitor, std::slice::from_ref(&key)))?
        .remove(&key)
        .ok_or_else(|| visitor.missing(format!("the model {text}")))
}

/// What is known by these keys; one that nothing is known by is absent.
fn find(connection: &Connection, visitor: &Visitor, keys: &[ModelKey]) -> rusqlite::Result<HashMap<ModelKey, Found>> {
    let viewer = &visitor.viewer();
    let (mut wanted, mut blake3, mut quick, mut names) = (BTreeSet::new(), Vec::new(), Vec::new(), Vec::new());
    for key in keys {
        match key {
            ModelKey::Sha256(hash) => {
                wanted.insert(hash.as_str());
            }
            ModelKey::Blake3(hash) => blake3.push(hash.as_str()),
            ModelKey::Quick(hash, size) => quick.push((hash.as_str(), *size)),
            ModelKey::Name(name) => names.push(name.as_str()),
        }
    }
    let mut aliased = claims(connection, viewer, By::Blake3(&blake3))?;
    aliased.extend(claims(connection, viewer, By::Quick(&quick))?);
    aliased.extend(claims(connection, viewer, By::Name(&names))?);
    // Each SHA-256 found by an alias brings all that is known about that SHA-256.
    wanted.extend(aliased.iter().filter_map(|claim| claim.sha256.as_deref()));
    let wanted: Vec<&str> = wanted.into_iter().collect();
    let mut known: HashMap<String, Vec<Claim>> = HashMap::new();
    for claim in claims(connection, viewer, By::Sha256(&wanted))? {
        if let Some(hash) = &claim.sha256 {
            known.entry(hash.clone()).or_default().push(claim);
        }
    }
    let besides = Besides::find(connection, visitor, &wanted)?;
    let find = |key: &ModelKey| {
        let mut found = match key {
            ModelKey::Sha256(hash) => {
                let mut models = describe(known.get(hash.as_str()).into_iter().flatten());
                match models.len() {
                    1 => models.pop().map(Found::Model)?,
                    _ => Found::Candidates(models),
                }
            }
            ModelKey::Blake3(hash) => {
                candidates(&known, aliased.iter().filter(|claim| claim.blake3.as_deref() == Some(hash.as_str())))
            }
            ModelKey::Quick(hash, size) => candidates(
                &known,
                aliased.iter().filter(|claim| claim.size == *size && claim.quick.as_deref() == Some(hash.as_str())),
            ),
            ModelKey::Name(name) => {
                candidates(&known, aliased.iter().filter(|claim| claim.filename.eq_ignore_ascii_case(name)))
            }
        };
        match &mut found {
            Found::Model(model) => besides.add_to(model, |_| true),
            Found::Candidates(models) => models.iter_mut().for_each(|model| besides.add_to(model, |_| true)),
        }
        (!found.models().is_empty()).then_some((key.clone(), found))
    };
    Ok(keys.iter().filter_map(find).collect())
}

/// Fills in the models of environments that the visitor may see, as each of them describes its own.
pub(super) fn fill(
    connection: &Connection,
    visitor: &Visitor,
    environments: &mut BTreeMap<String, EnvironmentModels>,
) -> rusqlite::Result<()> {
    let ids: Vec<&str> = environments.keys().map(String::as_str).collect();
    let claims = claims(connection, &visitor.viewer(), By::Environment(&ids))?;
    let hashes: BTreeSet<&str> = claims.iter().filter_map(|claim| claim.sha256.as_deref()).collect();
    let besides = Besides::find(connection, visitor, &hashes.into_iter().collect::<Vec<_>>())?;
    let mut by_name: HashMap<String, &mut EnvironmentModels> =
        environments.values_mut().map(|environment| (environment.name.clone(), environment)).collect();
    for claim in &claims {
        let Some(environment) = by_name.get_mut(&claim.environment) else { continue };
        let mut models = describe(std::iter::once(claim));
        models.iter_mut().for_each(|model| besides.add_to(model, |name| name == claim.environment));
        environment.models.extend(models);
    }
    Ok(())
}

/// What claims call a model, its sources and where they come from, by the model's SHA-256.
type ByHash<T> = HashMap<String, Vec<T>>;

/// What is known of models besides what manifests say.
struct Besides {
    asker: Option<i64>,
    /// Environments through which the hub's own file can be read.
    kept: ByHash<String>,
    /// Sources that were told, each with the environment.
    contributed: ByHash<(String, String)>,
    seen: ByHash<Seen>,
}

impl Besides {
    fn find(connection: &Connection, visitor: &Visitor, hashes: &[&str]) -> rusqlite::Result<Self> {
        let viewer = &visitor.viewer();
        let (mut kept, mut contributed, mut seen) = (ByHash::new(), ByHash::new(), ByHash::new());
        for (sha256, environment) in blobs::readable(connection, viewer, hashes)? {
            kept.entry(sha256).or_insert_with(Vec::new).push(environment);
        }
        for (sha256, locator, environment) in observations::contributed(connection, viewer, hashes)? {
            contributed.entry(sha256).or_insert_with(Vec::new).push((locator, environment));
        }
        for it in observations::about(connection, viewer, hashes)? {
            seen.entry(it.sha256.clone()).or_insert_with(Vec::new).push(it);
        }
        let asker = visitor.caller().ok().map(|caller| caller.user_id);
        Ok(Self { asker, kept, contributed, seen })
    }

    /// Adds it, as far as it is told by environments that count.
    fn add_to(&self, model: &mut Model, counts: impl Fn(&str) -> bool) {
        // Whether a file is on this hub, for those who ask, the hub knows better than any manifest.
        model.sources.retain(|source| !source.locator.starts_with("hub:"));
        let Some(sha256) = model.sha256.clone() else { return };
        let mut offer = |locator: &str, environment: &str| add_source(&mut model.sources, locator, environment);
        for (locator, environment) in self.contributed.get(sha256.as_str()).into_iter().flatten() {
            if counts(environment) {
                offer(locator, environment);
            }
        }
        let own = Source::Hub(sha256.clone()).to_string();
        for environment in self.kept.get(sha256.as_str()).into_iter().flatten() {
            if counts(environment) {
                offer(&own, environment);
            }
        }
        let seen: Vec<&Seen> = self.seen.get(sha256.as_str()).into_iter().flatten().collect();
        for source in &mut model.sources {
            let about = seen.iter().filter(|it| it.locator == source.locator && counts(&it.environment));
            let found: Vec<worth::Found> = about
                .filter_map(|it| {
                    let verdict = Verdict::find(&it.verdict)?;
                    Some(worth::Found { user: it.user, is_owner: it.is_owner, verdict, at: it.at })
                })
                .collect();
            let worth = worth::weigh(&found, self.asker);
            (source.state, source.verified_at) = (worth.state, worth.verified_at.map(clock::rfc3339));
        }
        model.sources.sort_by_key(|source| source.state.is_some_and(Verdict::is_discouraging));
    }
}

/// Adds a source, or who else says it.
fn add_source(sources: &mut Vec<ModelSource>, locator: &str, environment: &str) {
    match sources.iter_mut().find(|source| source.locator == locator) {
        Some(source) => push_new(&mut source.said_by, environment),
        None => sources.push(ModelSource {
            locator: locator.to_owned(),
            said_by: vec![environment.to_owned()],
            state: None,
            verified_at: None,
        }),
    }
}

/// What an alias may mean.
fn candidates<'a>(known: &'a HashMap<String, Vec<Claim>>, claims: impl Iterator<Item = &'a Claim>) -> Found {
    let mut all: Vec<&Claim> = Vec::new();
    let mut identities = BTreeSet::new();
    for claim in claims {
        match claim.sha256.as_deref() {
            None => all.push(claim),
            Some(hash) if identities.insert(hash) => all.extend(known.get(hash).into_iter().flatten()),
            Some(_) => {}
        }
    }
    Found::Candidates(describe(all.into_iter()))
}

/// Puts claims together that agree, and only those: a different size or BLAKE3 is another model.
fn describe<'a>(claims: impl Iterator<Item = &'a Claim>) -> Vec<Model> {
    let mut models: Vec<Model> = Vec::new();
    for claim in claims {
        let claimed = model(claim);
        let position = models.iter().position(|known| agree(known, &claimed)).unwrap_or_else(|| {
            models.push(claimed.clone());
            models.len() - 1
        });
        let place = &mut models[position];
        place.blake3 = place.blake3.take().or(claimed.blake3);
        place.quick = place.quick.take().or(claimed.quick);
        push_new(&mut place.said_by, &claim.environment);
        for locator in &claim.sources {
            add_source(&mut place.sources, locator, &claim.environment);
        }
    }
    models
}

fn agree(known: &Model, claimed: &Model) -> bool {
    fn same<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
        one.is_none() || other.is_none() || one == other
    }
    let unmeasured = known.sha256.is_none() && known.quick != claimed.quick;
    known.sha256 == claimed.sha256
        && !unmeasured
        && known.size == claimed.size
        && same(known.blake3.as_ref(), claimed.blake3.as_ref())
        && same(known.quick.as_ref(), claimed.quick.as_ref())
}

fn model(claim: &Claim) -> Model {
    Model {
        sha256: claim.sha256.as_deref().and_then(|hash| Sha256::parse(hash).ok()),
        blake3: claim.blake3.as_deref().and_then(|hash| Blake3::parse(hash).ok()),
        quick: claim.quick.as_deref().and_then(|hash| QuickHash::parse(hash).ok()),
        size: claim.size,
        filename: claim.filename.clone(),
        category: claim.category.clone(),
        said_by: Vec::new(),
        sources: Vec::new(),
    }
}

fn push_new(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}
