//! Whether workflows are ready, and what mends what they lack.

use super::super::commit::plan_commit as plan;
use super::super::ready::{Found, Lack, Ready, What, readiness};
use super::*;
use crate::category::Criticality;
use crate::packs::{MissingPack, MissingType};

fn pack(kind: &str, workflow: &str, active: bool, here: Option<&str>) -> MissingPack {
    let kind = MissingType { name: kind.to_owned(), workflows: vec![workflow.to_owned()], active };
    MissingPack { types: vec![kind], claims: Vec::new(), here: here.map(str::to_owned) }
}

/// What the workflows lack once the files of these models are gone, in words.
fn told(studio: &Studio, gone: &[u32], packs: &[MissingPack], awaits_packs: bool) -> Vec<Ready> {
    let manifest = studio.said();
    let left = studio.models.iter().filter(|model| gone.iter().all(|gone| i64::from(*gone) != model.id));
    let library = Library::new(left.cloned().collect(), Some(&manifest));
    let observed = Observed {
        manifest: &studio.manifest,
        tracked: &studio.tracked,
        live: &studio.live,
        library: &library,
        now: NOW,
    };
    let plan = plan(&observed).unwrap();
    let manifest = plan.manifest.manifest().unwrap();
    let (open, misnamed) = (&plan.open, &plan.misnamed);
    readiness(&Found { manifest: &manifest, library: &library, open, misnamed, packs, awaits_packs })
}

#[test]
fn what_is_gone_is_lacking_where_it_is_needed_and_stops_where_it_matters() {
    let models = vec![known(1, "checkpoints/one.safetensors"), known(2, "loras/two.safetensors")];
    let lora = loader(2, "LoraLoaderModelOnly", &["two.safetensors"], "");
    let mut studio = Studio::with(models, &[checkpoint(1, "one.safetensors"), lora]);
    studio.save("plain", &[checkpoint(1, "one.safetensors")]);
    studio.commit();
    let mut entries = studio.said().workflows["hero"].clone();
    entries.iter_mut().filter(|entry| entry.category == "loras").for_each(|entry| {
        entry.criticality = Criticality::Optional;
        entry.chosen = true;
    });
    studio.manifest.set_workflow("hero", &entries);
    assert!(told(&studio, &[], &[], false).iter().all(|workflow| workflow.lacks.is_empty()));
    let found = told(&studio, &[2], &[], false);
    let lack = Lack {
        criticality: Criticality::Optional,
        what: What::Model { key: key(2), has_source: false },
        name: "two.safetensors".to_owned(),
    };
    assert_eq!(found[0].lacks, [lack]);
    assert!(found[0].is_ready() && found[1].is_ready(), "what is optional may be absent");
    let found = told(&studio, &[1, 2], &[], false);
    assert!(!found[0].is_ready() && !found[1].is_ready());
    assert_eq!((found[0].lacks.len(), found[1].lacks.len()), (2, 1));
    assert_eq!(found[0].lacks[0].name, "one.safetensors", "what matters most comes first");
}

#[test]
fn node_types_count_where_they_run_and_their_pack_is_not_here() {
    let mut studio = Studio::with(vec![known(1, "checkpoints/one.safetensors")], &[checkpoint(1, "one.safetensors")]);
    studio.commit();
    for (packs, awaits, commands) in [
        (vec![pack("Magic", "hero", true, None)], true, vec!["repair"]),
        (vec![pack("Magic", "hero", true, None)], false, vec!["node missing"]),
        (vec![pack("Magic", "hero", false, None), pack("Computed", "hero", true, Some("pack"))], true, vec![]),
        (vec![pack("Magic", "elsewhere", true, None)], true, vec![]),
    ] {
        let found = told(&studio, &[], &packs, awaits);
        let said: Vec<String> = found[0].lacks.iter().map(|lack| lack.command("hero")).collect();
        assert_eq!(said, commands, "{packs:?}");
    }
}

#[test]
fn every_lack_has_the_command_that_mends_it() {
    let model = |has_source| What::Model { key: key(1), has_source };
    for (what, name, workflow, command) in [
        (model(true), "a.safetensors", "hero", "models download a.safetensors"),
        (model(true), "my model's.safetensors", "hero", r"models download 'my model'\''s.safetensors'"),
        (model(false), "sub/a.safetensors", "hero", "models source add sub/a.safetensors URL"),
        (What::Unsettled, "a.safetensors", "deep/hero", "workflow resolve deep/hero"),
        (What::Misnamed, "a.safetensors", "a hero", "workflow resolve 'a hero'"),
    ] {
        let lack = Lack { criticality: Criticality::Required, what, name: name.to_owned() };
        assert_eq!(lack.command(workflow), command);
    }
    let mut unknown = Studio::with(Vec::new(), &[checkpoint(1, "nowhere.safetensors")]);
    unknown.commit();
    let found = told(&unknown, &[], &[], false);
    assert_eq!((found[0].lacks[0].word(), found[0].is_ready()), ("unsettled", false));
}
