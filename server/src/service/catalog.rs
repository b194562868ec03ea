//! Environments as they are listed, and models by whatever they are known by.

use std::collections::{BTreeSet, HashMap};

use comfydock_core::digest::{Blake3, QuickHash, Sha256};
use comfydock_core::source::Source;
use comfydock_core::wire::{
    EnvironmentList, EnvironmentSummary, Found, LOOKUP_LIMIT, LookupAnswer, LookupRequest, Model, ModelKey,
    ModelSource, SCHEMA, Visibility,
};
use rusqlite::Connection;

use super::Error;
use super::access::{admit, role_in};
use super::settings::deletion;
use super::visitor::Visitor;
use crate::clock;
use crate::db::catalog::{By, Claim, claims};
use crate::db::environments::{self, Viewer};
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
    Ok(EnvironmentSummary {
        visibility: if environment.is_public { Visibility::Public } else { Visibility::Private },
        may: visitor.right(role, environment.is_public),
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
    let viewer = visitor.viewer();
    let found = database.read(|connection| find(connection, &viewer, &keys))?;
    let models = request.keys.iter().zip(&keys).map(|(text, key)| (text.clone(), found.get(key).cloned())).collect();
    Ok(LookupAnswer { schema: SCHEMA, models })
}

/// Looks up one key.
pub(crate) fn find_model(database: &Database, visitor: &Visitor, text: &str) -> Result<Found, Error> {
    admit(database, visitor)?;
    let key = ModelKey::parse(text).map_err(|error| Error::invalid(error.to_string()))?;
    database
        .read(|connection| find(connection, &visitor.viewer(), std::slice::from_ref(&key)))?
        .remove(&key)
        .ok_or_else(|| visitor.missing(format!("the model {text}")))
}

/// What is known by these keys; one that nothing is known by is absent.
fn find(connection: &Connection, viewer: &Viewer, keys: &[ModelKey]) -> rusqlite::Result<HashMap<ModelKey, Found>> {
    let (mut wanted, mut blake3, mut quick) = (BTreeSet::new(), Vec::new(), Vec::new());
    for key in keys {
        match key {
            ModelKey::Sha256(hash) => {
                wanted.insert(hash.as_str());
            }
            ModelKey::Blake3(hash) => blake3.push(hash.as_str()),
            ModelKey::Quick(hash, size) => quick.push((hash.as_str(), *size)),
        }
    }
    let mut aliased = claims(connection, viewer, By::Blake3(&blake3))?;
    aliased.extend(claims(connection, viewer, By::Quick(&quick))?);
    // Each SHA-256 found by an alias brings all that is known about that SHA-256.
    wanted.extend(aliased.iter().filter_map(|claim| claim.sha256.as_deref()));
    let wanted: Vec<&str> = wanted.into_iter().collect();
    let mut known: HashMap<String, Vec<Claim>> = HashMap::new();
    for claim in claims(connection, viewer, By::Sha256(&wanted))? {
        if let Some(hash) = &claim.sha256 {
            known.entry(hash.clone()).or_default().push(claim);
        }
    }
    let kept = blobs::readable(connection, viewer, &wanted)?;
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
        };
        match &mut found {
            Found::Model(model) => offer_own(model, &kept),
            Found::Candidates(models) => models.iter_mut().for_each(|model| offer_own(model, &kept)),
        }
        (!found.models().is_empty()).then_some((key.clone(), found))
    };
    Ok(keys.iter().filter_map(find).collect())
}

/// Whether a file is on this hub, for those who ask, the hub knows better than any manifest.
fn offer_own(model: &mut Model, kept: &[(String, String)]) {
    model.sources.retain(|source| !source.locator.starts_with("hub:"));
    let Some(sha256) = &model.sha256 else { return };
    let said_by: Vec<String> =
        kept.iter().filter(|(hash, _)| hash == sha256.as_str()).map(|(_, environment)| environment.clone()).collect();
    if !said_by.is_empty() {
        model.sources.push(ModelSource { locator: Source::Hub(sha256.clone()).to_string(), said_by });
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
            match place.sources.iter_mut().find(|source| source.locator == *locator) {
                Some(source) => push_new(&mut source.said_by, &claim.environment),
                None => place
                    .sources
                    .push(ModelSource { locator: locator.clone(), said_by: vec![claim.environment.clone()] }),
            }
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
