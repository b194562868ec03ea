//! Three workflows and six models from A to B; then a changed workflow, a node pack and another
//! ComfyUI.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::support::comfyui;
use crate::support::nodes::NodePack;
use crate::support::templates::{self, Template};
use crate::support::{Fault, Machine, STUDIO, Said, Studio, git, report, safetensors, sha256_of, tree, write};

const SIZE: usize = 3_000_000;
const CLIP: &str = "text_encoders/clip_l.safetensors";
const T5: &str = "text_encoders/t5xxl_fp16.safetensors";
const VAE: &str = "vae/ae.safetensors";
const UNET: &str = "diffusion_models/flux1-krea-dev_fp8_scaled.safetensors";
const CHECKPOINT: &str = "checkpoints/DreamShaper_8_pruned.safetensors";
const WRONG: &str = "a-wrong/DreamShaper_8_pruned.safetensors";
const UPSCALER: &str = "upscale_models/RealESRGAN_x4plus.safetensors";

fn nas(machine: &Machine) -> PathBuf {
    machine.root().join("nas")
}

/// A pushes three workflows with six models: subgraphs and a loader of two; two loaders; one loader.
fn send() -> Studio {
    let studio = Studio::new();
    let Studio { server, a, b, .. } = &studio;
    let templates = [
        templates::current("flux1_krea_dev"),
        templates::old("esrgan_example"),
        templates::old("hiresfix_latent_workflow"),
    ];
    let named: BTreeSet<String> = templates.iter().flat_map(Template::models).map(|model| model.path()).collect();
    assert_eq!(named, [CLIP, T5, VAE, UNET, CHECKPOINT, UPSCALER].map(str::to_owned).into());
    for template in &templates {
        studio.share(&template.name, template, SIZE);
    }
    // What the user says comes before what the template says, and this will serve something else.
    server.put(WRONG, safetensors::model(99, SIZE));
    a.ok(&["models", "source", "add", "DreamShaper_8_pruned.safetensors", &server.url(WRONG)]);
    studio.send("Three workflows").never_says("warning");

    let copy = |path: &str, to: &str| write(&nas(b).join(to), std::fs::read(a.models().join(path)).unwrap());
    copy(CLIP, "clip/flux/clip_large.safetensors");
    copy(VAE, "checkpoints/flux-vae.safetensors");
    server.fail_once(UNET, Fault::CutAfter(1_600_000));
    server.fail(UPSCALER, Fault::Status(404));
    studio
}

fn clone(b: &Machine, more: &[&str]) -> Said {
    let (models, nas) = (b.models(), nas(b));
    let folders = ["--models-dir", models.to_str().unwrap(), "--models-dir", nas.to_str().unwrap()];
    b.run(&[&["clone", STUDIO, "--yes"], &folders[..], more].concat())
}

/// What a start on B finds is what A has, but for one model.
fn assert_arrived(a: &Machine, b: &Machine, missing: Option<&str>) {
    let (on_a, on_b) = (report::start(a, "studio"), report::start(b, "studio"));
    for (name, loaded) in on_a.workflows() {
        for model in loaded {
            let folder = model.place.rsplit_once('/').unwrap().1;
            let file = a.models().join(folder).join(&model.value);
            assert_eq!(model.sha256, Some(sha256_of(&file)), "{name}: {}", file.display());
        }
    }
    let gone = missing.map(|path| sha256_of(&a.models().join(path)));
    let expected: Vec<_> = on_a
        .digests()
        .into_iter()
        .map(|(place, sha256)| (place, sha256.filter(|found| Some(found) != gone.as_ref())))
        .collect();
    assert_eq!(on_b.digests(), expected);
}

#[test]
fn what_can_be_had_arrives_and_what_cannot_is_named() {
    let Studio { server, a, b, .. } = &send();
    let said = clone(b, &[]).code(1);
    let said = said.line(&["missing", "RealESRGAN_x4plus.safetensors", "esrgan_example", "404"]);
    let said = said.line(&["ready", "flux1_krea_dev"]).line(&["ready", "hiresfix_latent_workflow"]);
    said.line(&["not ready", "esrgan_example", "RealESRGAN_x4plus.safetensors"])
        .says("comfydock models download --missing");
    assert_arrived(a, b, Some(UPSCALER));

    // Resumed, not restarted.
    let [cut, rest] = server.requests(UNET).try_into().unwrap();
    assert_eq!((cut.status, cut.headers.get("range")), (200, None));
    assert_eq!(rest.status, 206);
    let begun: usize =
        rest.headers["range"].strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse().unwrap();
    assert!(begun > 1_000_000 && rest.sent == SIZE - begun, "{rest:?}");
    // The first source was asked, and what it served was thrown away.
    let [wrong] = server.requests(WRONG).try_into().unwrap();
    let [right] = server.requests(CHECKPOINT).try_into().unwrap();
    assert_eq!((wrong.status, wrong.sent), (200, SIZE));
    assert_eq!((right.status, right.headers.get("range"), right.sent), (200, None, SIZE));
    // What B had was not downloaded; the file in another category's folder is the same file.
    assert!(server.requests(CLIP).is_empty() && server.requests(VAE).is_empty());
    assert_eq!(sha256_of(&b.models().join(VAE)), sha256_of(&a.models().join(VAE)));
    let inode = |path: PathBuf| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    assert_eq!(inode(b.models().join(VAE)), inode(nas(b).join("checkpoints/flux-vae.safetensors")));
    assert!(!b.models().join("text_encoders/clip_l.safetensors").exists());
    assert!(!b.models().join(UPSCALER).exists());

    // Nothing half-finished lies about, and the rest comes later.
    let parts = tree::tree(&b.models(), &|_| false);
    assert!(parts.keys().all(|name| !name.ends_with(".part")), "{parts:?}");
    b.run(&["models", "download", "--missing"]).code(1).line(&[
        "missing",
        "RealESRGAN_x4plus.safetensors",
        "esrgan_example",
    ]);
    b.ok(&["models", "download", "--missing", "--allow-issues"]);
    server.mend(UPSCALER);
    b.ok(&["models", "download", "--missing"]).line(&["downloaded", "RealESRGAN_x4plus.safetensors"]);
    assert_arrived(a, b, None);
    assert_eq!(server.requests(UNET).len(), 2);
}

#[test]
fn a_pull_brings_exactly_what_changed() {
    let studio = send();
    let Studio { comfyui, a, b, server, .. } = &studio;
    server.mend(UPSCALER);
    clone(b, &["--allow-issues"]).ok();
    let live = b.environment("studio").join("ComfyUI/user/default/workflows");
    let facts = |name: &str| {
        let path = live.join(format!("{name}.json"));
        (std::fs::read(&path).unwrap(), path.metadata().unwrap().modified().unwrap())
    };
    let untouched = ["flux1_krea_dev", "hiresfix_latent_workflow"];
    let before = untouched.map(facts);
    let models_before = tree::tree(&b.models(), &|_| false);

    let changed = a.workflow("studio", "esrgan_example");
    let text = std::fs::read_to_string(&changed).unwrap();
    let dawn = text.replace("A rainy city street at night", "A dry city street at dawn");
    assert_ne!(text, dawn);
    write(&changed, &dawn);
    let pack = NodePack::new();
    a.ok(&["node", "add", &pack.url()]);
    move_comfyui(a, &comfyui.new);
    studio.send("Dawn, six, 0.3.65");

    // Code from a new place is not taken without consent.
    b.run(&["pull"]).code(1).says(&pack.url()).says("--accept-origins");
    let said = b.ok(&["pull", "--yes"]).says("now at v3");
    said.line(&["ComfyUI", comfyui::NEW]).line(&["node pack", NodePack::NAME]).line(&["workflow esrgan_example"]);

    assert_eq!(before, untouched.map(facts));
    assert_eq!(tree::tree(&b.models(), &|_| false), models_before);
    assert_eq!(std::fs::read_to_string(live.join("esrgan_example.json")).unwrap(), dawn);
    let there = b.environment("studio").join("ComfyUI");
    assert_eq!(git::git(&there, &["rev-parse", "HEAD"]), comfyui.new);
    assert_eq!(git::git(&there, &["status", "--porcelain"]), "");
    assert!(there.join("comfyui_version.py").exists() && !there.join("only_in_old.txt").exists());
    assert_eq!(git::git(&there.join("custom_nodes").join(NodePack::NAME), &["rev-parse", "HEAD"]), pack.commit);
    assert_eq!(report::start(b, "studio").nodes(), [NodePack::NAME]);
    assert_arrived(a, b, None);
    b.ok(&["pull", "--yes"]).says("already up to date");
}

/// What `comfyui update` will do: another commit, and the manifest says so.
pub(crate) fn move_comfyui(machine: &Machine, commit: &str) {
    let environment = machine.environment("studio");
    let here = environment.join("ComfyUI");
    git::git(&here, &["fetch", "--quiet", "--tags", "origin"]);
    git::git(&here, &["checkout", "--quiet", "--detach", comfyui::NEW]);
    let path = environment.join(".cec/pyproject.toml");
    let mut manifest = toml_edit(&std::fs::read_to_string(&path).unwrap(), "comfyui_version", comfyui::NEW);
    manifest = toml_edit(&manifest, "comfyui_commit", commit);
    write(&path, manifest);
}

fn toml_edit(text: &str, key: &str, value: &str) -> String {
    let start = format!("{key} = ");
    let lines = text
        .lines()
        .map(|line| if line.starts_with(&start) { format!("{start}\"{value}\"\n") } else { format!("{line}\n") });
    let edited: String = lines.collect();
    assert_ne!(edited, text);
    edited
}
