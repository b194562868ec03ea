//! Verifying, duplicates, gc and forgetting.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use comfydock_core::source::Source;
use comfydock_store::claim::{Claim, Terms};
use comfydock_store::hash::Stamp;
use comfydock_workspace::ops::Context;
use comfydock_workspace::ops::models::{self, Also, Forgettable};
use comfydock_workspace::remote::guard::Consent;
use comfydock_workspace::remote::hub::Network;
use comfydock_workspace::reporter::Silent;
use comfydock_workspace::workspace::Workspace;

use crate::download::Errand;
use crate::model_server::Fault;
use crate::support::wait_for;
use crate::support::{Place, sha256};

fn context() -> Context<'static> {
    Context { reporter: &Silent, network: Network { offline: true, ..Network::default() } }
}

#[test]
fn a_measured_file_that_changed_is_found_and_not_believed_any_more() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"one");
    place.put("models/checkpoints/b.safetensors", b"other");
    place.put("models/checkpoints/c.safetensors", b"never measured");
    place.scan();
    place.measure("checkpoints/a.safetensors");
    place.measure("checkpoints/b.safetensors");
    let old = sha256(&file);
    let verify = || models::verify(&place.workspace, |_| true, &context()).unwrap();
    let verified = verify();
    assert_eq!((verified.verdicts.len(), verified.unmeasured), (2, 1));
    assert!(verified.verdicts.iter().all(models::Verdict::holds));
    File::options().write(true).open(&file).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let verified = verify();
    assert_eq!((verified.verdicts.len(), verified.unmeasured), (2, 1), "only touched");
    assert!(verified.verdicts.iter().all(models::Verdict::holds));
    assert_eq!(place.models().iter().filter(|model| model.sha256.is_some()).count(), 2, "and measured again with that");
    // The scan before takes it for another model: it is the old hash that it is held against.
    fs::write(&file, b"two").unwrap();
    let verified = verify();
    let wrong: Vec<_> = verified.verdicts.iter().filter(|verdict| !verdict.holds()).collect();
    assert_eq!((wrong.len(), wrong[0].expected.as_str()), (1, old.as_str()));
    assert_eq!(wrong[0].found.as_ref().unwrap().as_str(), sha256(&file));
    let now = models::find(&place.workspace, "a.safetensors", &context()).unwrap();
    assert_eq!(now.model.sha256.unwrap().as_str(), sha256(&file));
    assert!(verify().verdicts.iter().all(models::Verdict::holds), "it is told once");
    // A disk that gives other bytes without a trace: the stamp in the index is that of the file.
    fs::write(&file, b"six").unwrap();
    let stamp = Stamp::of(&file.metadata().unwrap());
    let database = rusqlite::Connection::open(place.workspace.cache("models.db")).unwrap();
    database
        .execute(
            "UPDATE model_locations SET mtime_ns = ?1, ctime_ns = ?2 WHERE filename = 'a.safetensors'",
            [stamp.mtime_ns, stamp.ctime_ns],
        )
        .unwrap();
    assert_eq!(verify().verdicts.iter().filter(|verdict| !verdict.holds()).count(), 1);
    fs::remove_file(&file).unwrap();
    let verified = verify();
    assert!(verified.verdicts.iter().any(|verdict| verdict.found.is_err()), "one that cannot be read does not hold");
}

#[test]
fn duplicates_are_told_by_full_hash_and_names_of_one_file_are_none() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"same");
    place.put("more/checkpoints/b.safetensors", b"same");
    place.put_twin("models/loras/one.safetensors", 1);
    place.put_twin("models/loras/other.safetensors", 2);
    fs::hard_link(&file, place.root("models/checkpoints/name.safetensors")).unwrap();
    place.scan();
    assert_eq!(models::duplicates(&place.workspace, &context()).unwrap().len(), 0, "candidates are no duplicates");
    let alike = models::alike(&place.workspace, |_| true, &context()).unwrap();
    assert_eq!(alike.len(), 4);
    let loras = |listed: &models::Listed| listed.paths[0].ends_with("loras/one.safetensors");
    assert_eq!(models::alike(&place.workspace, loras, &context()).unwrap().len(), 2, "the other has another path");
    models::measure(&place.workspace, &alike, &context()).unwrap();
    let found = models::duplicates(&place.workspace, &context()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0.paths.len(), found[0].1), (3, 4), "three names, two files, four bytes too many");
    assert_eq!(models::alike(&place.workspace, |_| true, &context()).unwrap().len(), 0);
}

#[test]
fn gc_shows_what_could_go_and_removes_it_only_when_told_and_never_a_model() {
    let mut place = Place::new();
    let gone = place.put("models/loras/gone.safetensors", b"gone");
    let model = place.put("models/loras/.x.safetensors.0123456789abcdef.safetensors", b"a model");
    let old = place.put("models/loras/.x.safetensors.0123456789abcdef.part", b"12345");
    let young = place.put("more/.y.pt.0123456789abcdef.part", b"123");
    let held = place.put("more/.z.pt.0123456789abcdef.part", b"1");
    let week = SystemTime::now() - Duration::from_secs(8 * 24 * 3600);
    for path in [&old, &held] {
        File::options().write(true).open(path).unwrap().set_modified(week).unwrap();
    }
    let claim = Claim::take(&place.root("more/.z.pt.part.lock"), Terms::default(), |_| {}).unwrap();
    // What a process that was killed left, and one that nobody can tell anything of.
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let gone_process = child.id();
    child.wait().unwrap();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let boot = comfydock_store::claim::boot_id();
    let text = format!("process {gone_process}\nhost {}\nboot {boot}\nclaim 1\nbeat 3\n", host.trim());
    let killed = place.put("more/.k.pt.part.lock", text.as_bytes());
    let foreign = place.put("more/.f.pt.part.lock", text.replace(host.trim(), "elsewhere").as_bytes());
    place.scan();
    place.measure("loras/gone.safetensors");
    let id = place.model().id;
    place.index.add_source(id, &Source::parse("https://example.org/x").unwrap(), "user").unwrap();
    fs::remove_file(&gone).unwrap();
    let found = models::find_waste(&place.workspace, Also::default(), &context()).unwrap();
    assert_eq!((found.orphans.len(), found.kept), (0, 1), "what took hours to find out is not taken unasked");
    let all = Also { known_models: true, ..Also::default() };
    let found = models::find_waste(&place.workspace, all, &context()).unwrap();
    assert_eq!((found.orphans.len(), found.orphans[0].sources, found.parts.len()), (1, 1, 1));
    assert_eq!(found.parts[0].path, old);
    assert!(old.exists(), "finding removes nothing");
    let copy = models::prune(&place.workspace, &found).unwrap();
    assert!(!old.exists() && young.exists() && held.exists() && model.exists());
    assert!(models::find_waste(&place.workspace, Also::default(), &context()).unwrap().is_empty());
    let young = || models::find_waste(&place.workspace, Also { young_parts: true, ..all }, &context()).unwrap();
    assert_eq!(young().parts.len(), 2, "but not the held one");
    drop(claim);
    let found = young();
    assert_eq!(found.parts.len(), 3, "and now that too");
    assert!(found.parts.iter().any(|part| part.path == killed) && found.parts.iter().all(|part| part.path != foreign));
    let kept = rusqlite::Connection::open(copy).unwrap();
    let sources: i64 = kept.query_row("SELECT count(*) FROM model_sources", [], |row| row.get(0)).unwrap();
    assert_eq!(sources, 1, "the copy has what was removed");
}

#[test]
fn the_part_of_a_running_download_is_no_waste_also_if_it_is_begun_after_the_look() {
    let place = Place::new();
    let mut errand = Errand::new();
    errand.wanted.target = place.root("models").join("x.safetensors");
    errand.begun(&errand.bytes[..10]);
    let before =
        models::find_waste(&place.workspace, Also { young_parts: true, ..Also::default() }, &context()).unwrap();
    assert_eq!(before.parts.len(), 1);
    errand.server.fail_once("x", Fault::HoldAfter(32_768));
    let consent = Consent::to(["127.0.0.1".to_owned()]);
    std::thread::scope(|scope| {
        let errand = &errand;
        let download =
            scope.spawn(move || errand.with(&consent, |engine| engine.pace.stall = Duration::from_secs(30)).arrived);
        wait_for("the download", || errand.server.requests("x").first().is_some_and(|request| request.sent >= 32_768));
        let found =
            models::find_waste(&place.workspace, Also { young_parts: true, ..Also::default() }, &context()).unwrap();
        models::prune(&place.workspace, &before).unwrap();
        let left = errand.part().exists();
        errand.server.release();
        assert!(download.join().unwrap().is_ok());
        assert!(found.is_empty() && left, "{found:?}");
    });
}

#[test]
fn a_folder_that_is_away_is_no_waste_and_one_that_was_forgotten_is() {
    let mut place = Place::new();
    place.put("more/checkpoints/a.safetensors", b"1");
    place.scan();
    fs::rename(place.root("more"), place.root("away")).unwrap();
    assert!(models::find_waste(&place.workspace, Also::default(), &context()).unwrap().is_empty());
    fs::rename(place.root("away"), place.root("more")).unwrap();
    let more = place.root("more");
    let what = models::find_forgettable(&place.workspace, more.to_str().unwrap(), &context()).unwrap();
    assert!(matches!(&what, Forgettable::Folder(path) if *path == more));
    assert_eq!(models::forget(&mut place.workspace, &what).unwrap(), None);
    let mut again = Workspace::open(place.workspace.root()).unwrap();
    again.huggingface_cache = None;
    assert_eq!(models::list(&again, &context()).unwrap().len(), 0);
    let waste = models::find_waste(&again, Also::default(), &context()).unwrap();
    assert_eq!(waste.folders, [more.to_string_lossy()]);
    assert!(more.join("checkpoints/a.safetensors").exists());
    // Added again before anything was pruned, nothing has to be sampled.
    again.add_models_folders(std::slice::from_ref(&more)).unwrap();
    again.save().unwrap();
    place.workspace.settings = again.settings;
    assert_eq!(place.scan().measured, 0);
}

#[test]
fn a_model_is_forgotten_with_its_sources_and_found_anew() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"1");
    place.scan();
    place.measure("checkpoints/a.safetensors");
    let id = place.model().id;
    place.index.add_source(id, &Source::parse("https://example.org/wrong").unwrap(), "user").unwrap();
    let what = models::find_forgettable(&place.workspace, "a.safetensors", &context()).unwrap();
    let copy = models::forget(&mut place.workspace, &what).unwrap().unwrap();
    assert!(copy.is_file() && file.is_file());
    assert_eq!(place.models(), []);
    assert_eq!(place.scan().measured, 1);
    assert_eq!((place.model().sha256, place.model().sources.len()), (None, 0));
    let error = models::find_forgettable(&place.workspace, place.root("").to_str().unwrap(), &context()).unwrap_err();
    assert!(error.to_string().contains("none of the workspace's models folders"), "{error}");
}

#[test]
fn a_model_is_found_by_its_hash_without_a_scan_while_its_files_are_what_they_were() {
    let mut place = Place::new();
    let file = place.put("models/checkpoints/a.safetensors", b"1");
    place.scan();
    place.measure("checkpoints/a.safetensors");
    let model = place.model();
    place.put("models/checkpoints/new.safetensors", b"not seen yet");
    for hash in [
        model.sha256.clone().unwrap().to_string(),
        model.quick.short(8).to_owned(),
        format!("sha256:{}", model.sha256.clone().unwrap().short(7)),
    ] {
        let found = models::find(&place.workspace, &hash, &context()).unwrap();
        assert_eq!((found.model, found.paths), (model.clone(), vec![file.clone()]), "{hash}");
    }
    assert_eq!(place.models().len(), 1, "nothing was looked through");
    fs::write(&file, b"22").unwrap();
    assert!(models::find(&place.workspace, model.quick.as_str(), &context()).is_err(), "its file is another one now");
}

#[test]
fn no_word_means_no_model() {
    let mut place = Place::new();
    place.put("models/checkpoints/a.safetensors", b"1");
    place.scan();
    for word in ["", " "] {
        let error = models::find(&place.workspace, word, &context()).unwrap_err().to_string();
        assert!(error.contains("no name"), "{error}");
        assert!(models::find_forgettable(&place.workspace, word, &context()).is_err());
    }
}
