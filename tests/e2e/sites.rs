//! CivitAI and Hugging Face through the program: who is asked, when, and what is noted.

use crate::support::civitai::{self, Civitai};
use crate::support::hugging_face::{self, HuggingFace};
use crate::support::{Machine, STUDIO, Studio, report, safetensors, sha256, templates, write};

/// A stand-in needs no second hash that holds; nothing here asks by it.
fn hashes(bytes: &[u8]) -> (String, String) {
    (sha256(bytes), "0".repeat(64))
}

struct World {
    civitai: Civitai,
    hugging_face: HuggingFace,
    machine: Machine,
}

impl World {
    /// A machine with a measured model that CivitAI has, as the second file of a version.
    fn new() -> Self {
        let civitai = Civitai::start(hashes);
        let hugging_face = HuggingFace::start(sha256);
        let mut machine = Machine::new();
        machine.set("COMFYDOCK_CIVITAI_URL", civitai.site.url(""));
        machine.set("HF_ENDPOINT", hugging_face.site.url(""));
        machine.set("CIVITAI_API_TOKEN", civitai::KEY);
        machine.set("HF_TOKEN", hugging_face::TOKEN);
        let mine = safetensors::model(1, 40_000);
        let files = [
            civitai::file(1, "full.safetensors", &safetensors::model(2, 40_000)),
            civitai::file(2, "x.safetensors", &mine),
        ];
        civitai.publish(25, &files);
        machine.put_model("loras/mine.safetensors", &mine);
        machine.init();
        machine.ok(&["models", "index", "--full"]);
        Self { civitai, hugging_face, machine }
    }

    fn asked(&self) -> usize {
        self.civitai.site.log().len() + self.hugging_face.site.log().len()
    }
}

#[test]
fn outside_sites_are_asked_only_with_consent_which_is_given_once() {
    let world = World::new();
    let find = ["models", "source", "find"];
    // Nobody can answer here, and `--yes` is no answer to this.
    world.machine.run(&find).code(1).says("were not asked").says("--allow-lookup");
    world.machine.run(&[&find[..], &["--yes"]].concat()).code(1).says("were not asked");
    world.machine.run(&[&find[..], &["--no-lookup"]].concat()).code(1);
    assert_eq!(world.asked(), 0);
    world.machine.ok(&["config", "set", "external_lookup", "always"]);
    world.machine.run(&[&find[..], &["--no-lookup"]].concat()).code(1);
    assert_eq!(world.asked(), 0, "the flag wins");
    world.machine.ok(&find).line(&["found", "mine.safetensors", "civitai:25/2", "CivitAI"]);
    assert_eq!(world.asked(), 2);
    world.machine.ok(&["models", "source", "list"]).says("mine.safetensors civitai:25/2");
    world.machine.ok(&["config", "set", "external_lookup", "never"]);
    world.machine.ok(&["models", "source", "remove", "mine.safetensors", "civitai:25/2"]).says("removed");
    world.machine.run(&["models", "source", "remove", "mine.safetensors", "civitai:25/2"]).code(1);
    world.machine.run(&[&find[..], &["--refresh"]].concat()).code(1);
    assert_eq!(world.asked(), 2, "a no holds");
}

#[test]
fn offline_nobody_is_asked_and_kept_answers_serve() {
    let world = World::new();
    world.machine.run(&["models", "source", "find", "--offline", "--allow-lookup"]).code(1).says("--offline");
    assert_eq!(world.asked(), 0);
    world.machine.ok(&["models", "source", "find", "--allow-lookup"]);
    let asked = world.asked();
    world.machine.ok(&["models", "source", "remove", "mine.safetensors", "civitai:25/2"]);
    world.machine.ok(&["models", "source", "find", "--offline"]).says("civitai:25/2");
    assert_eq!(world.asked(), asked);
}

#[test]
fn a_page_that_somebody_notes_is_pinned_by_a_look_up() {
    let world = World::new();
    let mine = safetensors::model(1, 40_000);
    world.civitai.publish(25, &[civitai::file(1, "full.safetensors", b"another")]);
    let commit = world.hugging_face.commit("studio/loras", &[("mine.safetensors", &mine)]);
    let page = "https://huggingface.co/studio/loras/blob/main/mine.safetensors";
    world.machine.ok(&["models", "source", "add", "mine.safetensors", page]);
    let pinned = format!("hf:studio/loras@{commit}/mine.safetensors");
    world.machine.ok(&["models", "source", "find", "mine.safetensors", "--allow-lookup"]).line(&[
        "found",
        &pinned,
        "Hugging Face",
    ]);
    world.machine.ok(&["models", "source", "list"]).says(&pinned);
    world
        .machine
        .run(&["models", "source", "add", "mine.safetensors", "civitai:25"])
        .code(1)
        .says("civitai:<version id>/<file id>");
    for asked in world.civitai.site.log().iter().chain(&world.civitai.storage.site.log()) {
        assert!(!format!("{asked:?}").contains(hugging_face::TOKEN));
    }
    for asked in world.hugging_face.site.log() {
        assert!(!format!("{asked:?}").contains(civitai::KEY));
    }
}

#[test]
fn what_a_sidecar_says_of_the_very_file_asks_nobody() {
    let world = World::new();
    let sidecar = |hash: &str| {
        let files =
            serde_json::json!([{ "id": 2, "name": "x.safetensors", "hashes": { "SHA256": hash.to_uppercase() } }]);
        serde_json::json!({ "id": 25, "modelId": 250, "files": files }).to_string()
    };
    let path = "loras/mine.civitai.info";
    world.machine.put_model(path, sidecar(&sha256(b"another")).as_bytes());
    world.machine.ok(&["models", "index"]);
    world.machine.run(&["models", "source", "find", "--no-lookup"]).code(1).line(&["unknown", "mine.safetensors"]);
    world.machine.put_model(path, sidecar(&sha256(&safetensors::model(1, 40_000))).as_bytes());
    world.machine.ok(&["models", "index"]);
    world.machine.ok(&["models", "source", "find", "--no-lookup"]).line(&["found", "civitai:25/2", "this machine"]);
    assert_eq!(world.asked(), 0);
}

/// An environment on the hub whose one model nobody names a source for, and its bytes.
fn sourceless(studio: &Studio) -> (String, Vec<u8>) {
    let template = templates::old("default");
    let model = studio.share("portrait", &template, 50_000).remove(0);
    write(&studio.a.workflow("studio", "portrait"), template.text.replace("\"models\":", "\"no_models\":"));
    studio.send("A portrait").line(&["warning", "nobody can download", &model.name]);
    (model.name.clone(), std::fs::read(studio.a.models().join(model.path())).unwrap())
}

/// The sites, and a studio whose B knows them, with tokens for both.
fn studio() -> (Civitai, HuggingFace, Studio) {
    let (civitai, hugging_face) = (Civitai::start(hashes), HuggingFace::start(sha256));
    let mut b = Machine::new();
    b.set("COMFYDOCK_CIVITAI_URL", civitai.site.url(""));
    b.set("HF_ENDPOINT", hugging_face.site.url(""));
    b.set("CIVITAI_API_TOKEN", civitai::KEY);
    b.set("HF_TOKEN", hugging_face::TOKEN);
    // The storages stand for public hosts, which need no consent.
    b.set("COMFYDOCK_ALLOW_HOSTS", format!("{},{}", civitai.storage.site.address, hugging_face.storage.site.address));
    (civitai, hugging_face, Studio::with(b))
}

#[test]
fn a_model_whose_source_is_gone_is_looked_for_elsewhere() {
    let (civitai, _hugging_face, studio) = studio();
    let (name, bytes) = sourceless(&studio);
    studio.a.ok(&["models", "source", "add", &name, &studio.server.url("gone.safetensors")]);
    studio.send("A source that is gone");
    civitai.publish(70, &[civitai::file(4, "full.safetensors", &bytes)]);
    let models = studio.b.models();
    let clone =
        ["clone", STUDIO, "--yes", "--models-dir", models.to_str().unwrap(), "--allow-host", &studio.server.address];
    studio.b.run(&[&clone[..], &["--name", "first"]].concat()).code(1).line(&["missing", &name]);
    assert!(civitai.site.log().is_empty());
    studio.b.ok(&[&clone[..], &["--allow-lookup"]].concat()).line(&["downloaded", &name]);
    report::assert_same(&studio.a, &studio.b);
}

#[test]
fn a_file_on_hugging_face_comes_from_its_commit_and_the_token_stays_there() {
    let (civitai, hugging_face, studio) = studio();
    let (name, bytes) = sourceless(&studio);
    let commit = hugging_face.commit("studio/own", &[("d/model.safetensors", &bytes)]);
    hugging_face.make_private("studio/own");
    // The branch has moved on since.
    hugging_face.commit("studio/own", &[("d/model.safetensors", b"newer")]);
    let page = format!("https://huggingface.co/studio/own/blob/{commit}/d/model.safetensors?download=true");
    studio
        .a
        .ok(&["models", "source", "add", &name, &page])
        .says(&format!("hf:studio/own@{commit}/d/model.safetensors"));
    studio.send("A source");
    studio.clone().ok().line(&["downloaded", &name]);
    report::assert_same(&studio.a, &studio.b);
    let source = format!("hf:studio/own@{commit}/d/model.safetensors");
    let recorded = || std::fs::read_to_string(studio.b.environment("studio").join(".cec/pyproject.toml")).unwrap();
    assert!(recorded().contains(&source));
    studio.b.ok(&["models", "source", "remove", &name, &source]).says("`comfydock commit` records it");
    assert!(!recorded().contains(&source));
    studio.b.ok(&["commit", "--yes"]).says("committed");
    assert!(!recorded().contains(&source), "not from the index either");
    assert!(hugging_face.site.log().iter().all(|asked| asked.header("authorization").is_some()));
    let stored = hugging_face.storage.site.log();
    assert!(!stored.is_empty() && stored.iter().all(|asked| asked.header("authorization").is_none()));
    assert!(civitai.site.log().is_empty(), "nobody else was asked");
    let leaks = std::process::Command::new("grep")
        .args(["-rlE", "civitai-key-of|hf-token-of"])
        .arg(studio.b.root())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&leaks.stdout), "", "no file of the machine holds a token");
}

#[test]
fn a_share_is_a_folder_that_each_machine_maps_for_itself() {
    let (_civitai, _hugging_face, studio) = studio();
    let (name, bytes) = sourceless(&studio);
    studio.a.ok(&["models", "source", "add", &name, "share:nas/checkpoints/shared.safetensors"]);
    studio.a.run(&["models", "source", "add", &name, "share:nas/../x"]).code(1).says("share:<name>/<path");
    studio.send("A share").never_says("nobody can download");
    studio.clone().code(1).line(&["missing", &name, "config set shares.nas"]);
    let folder = studio.b.root().join("mnt");
    write(&folder.join("checkpoints/shared.safetensors"), b"another file of that name");
    studio.b.ok(&["config", "set", "shares.nas", folder.to_str().unwrap()]);
    studio.b.run(&["models", "download", "--missing"]).code(1).line(&["missing", &name]);
    write(&folder.join("checkpoints/shared.safetensors"), &bytes);
    studio.b.ok(&["models", "download", "--missing"]).line(&["downloaded", &name]);
    report::assert_same(&studio.a, &studio.b);
}

#[test]
fn a_model_that_nobody_names_a_source_for_comes_from_civitai_by_its_hash() {
    let (civitai, hugging_face, studio) = studio();
    let (name, bytes) = sourceless(&studio);
    let files = [civitai::file(3, "pruned.safetensors", b"another"), civitai::file(4, "full.safetensors", &bytes)];
    civitai.publish(70, &files);
    civitai.bar(70, civitai::Bar::Login);

    let models = studio.b.models();
    let clone = ["clone", STUDIO, "--yes", "--models-dir", models.to_str().unwrap()];
    studio.b.run(&[&clone[..], &["--name", "first"]].concat()).code(1).says("were not asked").line(&[
        "missing",
        &name,
        "nobody says",
    ]);
    assert!(civitai.site.log().is_empty() && hugging_face.site.log().is_empty());

    civitai.bar(70, civitai::Bar::Archived);
    studio.b.run(&[&clone[..], &["--allow-lookup"]].concat()).code(1).line(&[&name, "archived on CivitAI"]);
    civitai.bar(70, civitai::Bar::Login);
    let again = ["models", "download", "--missing", "--env", "studio", "--allow-lookup", "--refresh"];
    studio.b.ok(&again).line(&["downloaded", &name]);
    report::assert_same(&studio.a, &studio.b);
    studio.b.ok(&["models", "source", "list", &name]).says("civitai:70/4");
    let downloads: Vec<_> =
        civitai.site.log().into_iter().filter(|asked| asked.path().contains("/download/")).collect();
    assert!(downloads.iter().all(|asked| asked.target == "/api/download/models/70?fileId=4"), "{downloads:?}");
    assert!(downloads.iter().all(|asked| asked.header("authorization").is_some()), "the site gets the key");
    let stored = civitai.storage.site.log();
    assert!(!stored.is_empty());
    for asked in stored.iter().chain(&hugging_face.site.log()) {
        assert!(!format!("{asked:?}").contains(civitai::KEY), "and nobody else: {asked:?}");
    }
}

/// A world whose storages stand for public hosts.
fn open_world() -> World {
    let mut world = World::new();
    let storages = [&world.civitai.storage.site.address, &world.hugging_face.storage.site.address];
    world.machine.set("COMFYDOCK_ALLOW_HOSTS", storages.map(String::as_str).join(","));
    world
}

#[test]
fn a_new_model_is_looked_for_like_those_of_an_environment() {
    let world = open_world();
    let (civitai, machine) = (&world.civitai, &world.machine);
    let new = safetensors::model(7, 50_000);
    let hash = sha256(&new);
    let files = [
        civitai::file(6, "full.safetensors", &safetensors::model(8, 50_000)),
        civitai::file(7, "new.safetensors", &new),
    ];
    civitai.publish(26, &files);
    let get =
        |word: &str, more: &[&str]| machine.run(&[&["models", "download", word, "--category", "loras"], more].concat());
    // What is here asks nobody.
    let mine = sha256(&safetensors::model(1, 40_000));
    machine.ok(&["models", "download", &mine]).line(&["here", "loras/mine.safetensors"]);
    assert_eq!(world.asked(), 0);
    get(&hash, &[]).code(1).says("nobody says where").says("--allow-lookup");
    get(&hash, &["--no-lookup"]).code(1).says("nobody says where").says("--allow-lookup");
    assert_eq!(world.asked(), 0);
    get(&"ab".repeat(32), &["--allow-lookup"]).code(1).says("neither this machine nor CivitAI and Hugging Face say");
    let loras = machine.models().join("loras");
    get(&hash, &["--allow-lookup"])
        .code(0)
        .line(&["downloaded", "loras/new.safetensors"])
        .never_says("nobody had said");
    machine.ok(&["models", "source", "list", "new.safetensors"]).says("civitai:26/7");
    // What the site's scan found is said before it comes.
    let bad = safetensors::model(9, 30_000);
    let dangerous =
        civitai::CivitaiFile { scanned: civitai::Scanned::Dangerous, ..civitai::file(12, "bad.safetensors", &bad) };
    civitai.publish(31, &[dangerous]);
    get(&sha256(&bad), &["--allow-lookup"])
        .code(0)
        .says("bad.safetensors: a scan of CivitAI found something dangerous in it");
    // By the download URL of the version, whose first file is another one.
    std::fs::remove_file(loras.join("new.safetensors")).unwrap();
    let url = "https://civitai.com/api/download/models/26";
    get(url, &["--sha256", &hash, "--allow-lookup"]).code(0).line(&["downloaded", "loras/new.safetensors"]);
    // By its page.
    std::fs::remove_file(loras.join("new.safetensors")).unwrap();
    let page = "https://civitai.com/models/260/a-model?modelVersionId=26";
    let asked = world.asked();
    get(page, &[]).code(1).says("this is a page, not a file").says("use the download link, or add --allow-lookup");
    assert_eq!(world.asked(), asked);
    get(page, &["--allow-lookup"]).code(1).says("several files").says("civitai:26/7 new.safetensors");
    let named = get(page, &["--allow-lookup", "--filename", "new.safetensors"]).code(0);
    named.line(&["downloaded", "loras/new.safetensors"]);
    let downloads = civitai.site.log().into_iter().filter(|asked| asked.path().contains("/download/models/26"));
    for asked in downloads {
        assert_eq!(asked.target, "/api/download/models/26?fileId=7");
    }
}

#[test]
fn what_stands_in_the_way_of_a_download_is_said_with_and_without_a_key() {
    let mut world = open_world();
    world.hugging_face.commit("o/r", &[("x.safetensors", &safetensors::model(5, 40_000))]);
    world.civitai.publish(30, &[civitai::file(3, "x.safetensors", &safetensors::model(5, 40_000))]);
    let own = "if you have the file elsewhere, put it into a models folder";
    let early = format!("it is in early access on CivitAI until 2030-01-01T00:00:00.000Z; {own} (HTTP status 403)");
    let disabled = format!("its owner on CivitAI lets nobody download it; {own} (HTTP status 401)");
    let archived = format!("it was archived on CivitAI; {own} (HTTP status 410)");
    let login = "CivitAI gives it only to who is logged in (The creator of this asset requires you to be logged in to \
                 download it); set CIVITAI_API_TOKEN to a key of your account there (HTTP status 401)";
    let get = ["models", "download", "civitai:30/3", "--category", "loras", "--filename", "x.safetensors"];
    let place = world.machine.models().join("loras/x.safetensors");
    for key in [true, false] {
        if !key {
            world.machine.set("CIVITAI_API_TOKEN", "");
        }
        for (bar, words) in [
            (civitai::Bar::Login, (!key).then_some(login)),
            (civitai::Bar::Disabled, Some(disabled.as_str())),
            (civitai::Bar::EarlyAccess, Some(early.as_str())),
            (civitai::Bar::Archived, Some(archived.as_str())),
            (civitai::Bar::Null, None),
        ] {
            world.civitai.bar(30, bar);
            match words {
                Some(words) => {
                    _ = world.machine.run(&get).code(1).line(&["missing", &format!("civitai:30/3: {words}")])
                }
                None => {
                    world.machine.ok(&get);
                    std::fs::remove_file(&place).unwrap();
                }
            }
        }
    }
    world.hugging_face.gate("o/r");
    let url = "https://huggingface.co/o/r/resolve/main/x.safetensors";
    let get = ["models", "download", url, "--category", "loras"];
    world.machine.set("HF_TOKEN", "of-somebody-who-accepted-nothing");
    let gated = "Hugging Face gives it only to who has accepted its terms; accept the terms on the repository's page and \
                 set HF_TOKEN";
    world.machine.run(&get).code(1).says(&format!("{gated} (HTTP status 403)"));
    world.machine.set("HF_TOKEN", "");
    world.machine.run(&get).code(1).says(&format!("{gated} (HTTP status 401)"));
}

#[test]
fn the_sites_tokens_are_found_where_their_own_tools_keep_them() {
    for name in ["CIVITAI_API_TOKEN", "CIVITAI_TOKEN", "CIVITAI_API_KEY"] {
        let mut world = open_world();
        world.civitai.bar(25, civitai::Bar::Login);
        world.machine.set("CIVITAI_API_TOKEN", "");
        world.machine.set(name, civitai::KEY);
        world.machine.ok(&["models", "download", "civitai:25/1", "--category", "vae", "--filename", "x.safetensors"]);
    }
    let mut world = open_world();
    world.hugging_face.commit("o/r", &[("x.safetensors", &safetensors::model(5, 40_000))]);
    world.hugging_face.gate("o/r");
    world.machine.set("HF_TOKEN", "");
    let get = ["models", "download", "https://huggingface.co/o/r/resolve/main/x.safetensors", "--category", "loras"];
    let place = world.machine.models().join("loras/x.safetensors");
    let folder = world.machine.root().join("token-files");
    let token = format!("{}\n", hugging_face::TOKEN);
    world.machine.run(&get).code(1).says("has accepted its terms");
    for (name, value, file) in [
        ("HUGGING_FACE_HUB_TOKEN", hugging_face::TOKEN.into(), None),
        ("HF_TOKEN_PATH", folder.join("a").into_os_string(), Some(folder.join("a"))),
        ("HF_HOME", folder.join("home").into_os_string(), Some(folder.join("home/token"))),
        ("XDG_CACHE_HOME", folder.join("cache").into_os_string(), Some(folder.join("cache/huggingface/token"))),
        ("XDG_CACHE_HOME", "".into(), Some(world.machine.home().join(".cache/huggingface/token"))),
    ] {
        if let Some(file) = file {
            write(&file, &token);
        }
        world.machine.set(name, value);
        world.machine.ok(&get);
        std::fs::remove_file(&place).unwrap();
        world.machine.set("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
        world.machine.run(&get).code(1).says("has accepted its terms");
        world.machine.set("HF_HUB_DISABLE_IMPLICIT_TOKEN", "");
        world.machine.set(name, "");
    }
    let asked = world.asked();
    world.machine.set("HF_HUB_OFFLINE", "1");
    world.machine.run(&get).code(1).says("HF_HUB_OFFLINE is set");
    assert_eq!(world.asked(), asked);
}
