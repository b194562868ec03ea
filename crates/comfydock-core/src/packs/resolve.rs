//! From the types that workflows use to the packs that are missing.

use std::collections::BTreeMap;

use super::{Claim, Evidence, ManagerMap, Pack, Said, UsedType};
use crate::pack_identifier::RegistryId;
use crate::repository_url::RepositoryUrl;

/// A pack that is here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installed {
    /// Its folder or file in `custom_nodes`.
    pub name: String,
    /// The types it declares, as far as its text tells.
    pub node_types: Vec<String>,
    /// Its id in the registry, if it is known.
    pub registry_id: Option<RegistryId>,
    /// Its repository, if it is known.
    pub repository: Option<RepositoryUrl>,
}

/// What is known besides the workflows.
#[derive(Default)]
pub struct Knowledge<'a> {
    /// The packs that are here.
    pub installed: &'a [Installed],
    /// What the user said before, by type.
    pub chosen: BTreeMap<String, Pack>,
    /// ComfyUI-Manager's map, if there is one.
    pub manager_map: Option<&'a ManagerMap>,
}

/// A type that nothing here declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingType {
    /// The type.
    pub name: String,
    /// The workflows that use it, sorted.
    pub workflows: Vec<String>,
    /// Whether a node of it would run.
    pub active: bool,
}

/// Types that the same packs are said to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingPack {
    /// The types, sorted.
    pub types: Vec<MissingType>,
    /// The packs that are said to have them. Several: a person must choose. None: nobody knows.
    pub claims: Vec<Claim>,
    /// The claimed pack that is here already, by its name in `custom_nodes`: the type is one of the
    /// editor's alone, its name is computed, or another version has it.
    pub here: Option<String>,
}

/// The packs that workflows need and that are not here. `ask` is who may be asked about a type that
/// nothing else explains; what it answers is a claim like the others.
///
/// Of all that speaks for a pack the surest kind counts alone: what the user said, `cnr_id`, `aux_id`,
/// ComfyUI-Manager's map, who is asked. Claims of one kind stand side by side.
pub fn missing(
    workflows: &BTreeMap<String, Vec<UsedType>>,
    knowledge: &Knowledge<'_>,
    mut ask: impl FnMut(&str) -> Vec<Claim>,
) -> Vec<MissingPack> {
    let mut types: BTreeMap<&str, (MissingType, Vec<&Said>)> = BTreeMap::new();
    let declared = |name: &str| knowledge.installed.iter().any(|pack| pack.node_types.iter().any(|one| one == name));
    for (workflow, used) in workflows {
        for used in used.iter().filter(|used| !declared(&used.name)) {
            let (known, said) = types.entry(&used.name).or_insert_with(|| {
                let known = MissingType { name: used.name.clone(), workflows: Vec::new(), active: false };
                (known, Vec::new())
            });
            known.workflows.push(workflow.clone());
            known.active |= used.active;
            said.extend(&used.said);
        }
    }
    let mut packs: Vec<MissingPack> = Vec::new();
    for (name, (missing, said)) in types {
        let mut claims = known_claims(name, &said, knowledge);
        if claims.is_empty() {
            claims = distinct(ask(name));
        }
        let same = |pack: &&mut MissingPack| {
            !claims.is_empty()
                && pack.claims.len() == claims.len()
                && pack.claims.iter().zip(&claims).all(|(one, other)| one.pack == other.pack)
        };
        match packs.iter_mut().find(same) {
            Some(pack) => pack.types.push(missing),
            None => {
                let here = claims.iter().find_map(|claim| here(&claim.pack, knowledge.installed));
                packs.push(MissingPack { types: vec![missing], claims, here });
            }
        }
    }
    packs
}

fn known_claims(name: &str, said: &[&Said], knowledge: &Knowledge<'_>) -> Vec<Claim> {
    if let Some(pack) = knowledge.chosen.get(name) {
        return vec![Claim { pack: pack.clone(), version: None, evidence: Evidence::Chosen }];
    }
    let by_id = said.iter().filter_map(|said| {
        let id = RegistryId::parse(said.cnr_id.as_deref()?).ok()?;
        Some(Claim { pack: Pack::Registry(id), version: said.version.clone(), evidence: Evidence::CnrId })
    });
    let by_id = distinct(by_id.collect());
    if !by_id.is_empty() {
        return by_id;
    }
    let by_repository = said.iter().filter_map(|said| {
        let url = RepositoryUrl::of_aux_id(said.aux_id.as_deref()?).ok()?;
        Some(Claim { pack: Pack::Repository(url), version: said.version.clone(), evidence: Evidence::AuxId })
    });
    let by_repository = distinct(by_repository.collect());
    if !by_repository.is_empty() {
        return by_repository;
    }
    distinct(knowledge.manager_map.map(|map| map.claims(name)).unwrap_or_default())
}

/// The claims, each pack once. Of several versions of one pack none is named: the newest has to do.
fn distinct(claims: Vec<Claim>) -> Vec<Claim> {
    let mut found: Vec<Claim> = Vec::new();
    for claim in claims {
        match found.iter_mut().find(|known| known.pack == claim.pack) {
            Some(known) if known.version != claim.version => known.version = None,
            Some(_) => {}
            None => found.push(claim),
        }
    }
    found
}

/// The installed pack that this is.
fn here(pack: &Pack, installed: &[Installed]) -> Option<String> {
    let is = |one: &&Installed| match pack {
        Pack::Registry(id) => one.registry_id.as_ref() == Some(id),
        Pack::Repository(url) => one.repository.as_ref().is_some_and(|own| own.key() == url.key()),
        Pack::Elsewhere(_) => false,
    };
    installed.iter().find(is).map(|one| one.name.clone())
}
