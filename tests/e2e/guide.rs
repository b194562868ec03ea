//! Guides whose transcripts are what the programs print: every console block of a page is played from its top to its end,
//! and the page must be what came of it.

use std::path::{Path, PathBuf};

use regex::{Captures, Regex};

use crate::support::docker_registry::{Access, Docker, tool};
use crate::support::nodes::{NodePack, code_of};
use crate::support::{Fault, Machine, Said, Studio, project, safetensors, skip, templates, write};

/// How a transcript begins; whose machine it is on follows.
const OPENS: &str = "```console";
/// What stands before a command.
const PROMPT: &str = "$ ";
/// The password of the key that a guide makes.
const PASSWORD: &str = "correct horse";
/// What is different each time and in no command, and what stands for it in guides.
const MASKS: [(&str, &str); 7] = [
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z", "2026-11-29T10:30:00Z"),
    (r"[0-9]{4}-[0-9]{2}-[0-9]{2}", "2026-11-29"),
    (r" in [0-9.]+m?s\b", " in 3ms"),
    (r"\bPython 3\.[0-9]+", "Python 3.11"),
    // How well they pack depends on the paths in them.
    (r"[0-9.]+ kB lock\.tar\.gz", "2.7 kB lock.tar.gz"),
    (r"[0-9.]+ kB workflows\.tar\.gz", "3.3 kB workflows.tar.gz"),
    (r"\b[0-9a-f]{12,64}\b", "…"),
];

/// Where a guide is played: Ann has an environment with work that she has not committed, Bob has nothing, and both have
/// a folder in common.
struct Stage {
    studio: Studio,
    folder: tempfile::TempDir,
    /// What things are called here, and what they are called in guides; what is inside another comes before it.
    names: Vec<(String, String)>,
    /// They live as long as they may be asked.
    _others: (NodePack, Option<Docker>),
}

impl Stage {
    fn new(registry: Option<Docker>) -> Self {
        let (mut studio, pack) = (Studio::new(), NodePack::new());
        studio.share("portrait", &templates::old("default"), 20_000);
        studio.share("upscale", &templates::old("esrgan_example"), 9_000);
        let a = &studio.a;
        a.ok(&["node", "add", &pack.url()]);
        let mine = a.environment("studio").join("ComfyUI/custom_nodes/film-look");
        write(&mine.join("__init__.py"), code_of("FilmLook"));
        // Most of the bundle, so that its size in kB does not depend on what packs otherwise each time.
        write(&mine.join("look.cube"), safetensors::noise(1, 40_200));
        a.ok(&["node", "add", "film-look", "--dev"]);
        let folder = tempfile::Builder::new().prefix("guide-").tempdir().unwrap();
        std::fs::create_dir(folder.path().join("studio")).unwrap();
        std::fs::create_dir(studio.b.home().join("models")).unwrap();
        let path = programs(folder.path());
        for machine in [&mut studio.a, &mut studio.b] {
            machine.set("COSIGN_PASSWORD", PASSWORD);
            machine.set("COMFYDOCK_HOME", machine.workspace());
            machine.set("PATH", path.clone());
        }
        let mut names = vec![
            (folder.path().join("studio").display().to_string(), "/mnt/studio".to_owned()),
            (pack.url(), format!("https://git.studio.example/{}", NodePack::NAME)),
            (format!("http://{}", studio.server.address), "https://files.studio.example".to_owned()),
            (studio.comfyui.url().to_owned(), "https://github.com/comfyanonymous/ComfyUI".to_owned()),
        ];
        for (machine, home) in [(&studio.a, "/home/ann"), (&studio.b, "/home/bob")] {
            names.push((machine.workspace().display().to_string(), format!("{home}/comfydock_workspace")));
            names.push((machine.models().display().to_string(), format!("{home}/models")));
            names.push((machine.home().display().to_string(), home.to_owned()));
        }
        let lock = std::fs::read_to_string(studio.a.environment("studio").join(".cec/uv.lock")).unwrap();
        let after = |mark: &str| lock.split(mark).nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        let host: Vec<&str> = after("url = \"").split('/').take(3).collect();
        names.push((after("registry = \"").to_owned(), "https://packages.example/simple".to_owned()));
        names.push((host.join("/"), "https://files.packages.example".to_owned()));
        names.extend(registry.as_ref().map(|registry| (registry.host(), "localhost:5000".to_owned())));
        Self { studio, folder, names, _others: (pack, registry) }
    }

    fn machine(&self, name: &str) -> &Machine {
        match name {
            "ann" => &self.studio.a,
            "bob" => &self.studio.b,
            _ => panic!("a transcript is on the machine of ann or bob, not of {name:?}"),
        }
    }

    /// Runs a command as a guide has it; `before` is how the one before it ended. Says what it printed as guides have it.
    fn play(&mut self, whose: &str, line: &str, before: i32) -> (String, i32) {
        let here = self.names.iter().fold(line.to_owned(), |line, (here, told)| line.replace(told, here));
        let machine = self.machine(whose);
        let mut command = machine.program(Path::new("bash"));
        // As at a terminal, where both go to the screen in the order in which they are printed.
        command
            .args(["-c", &format!("exec 2>&1; set -o pipefail\n(exit {before})\n{here}")])
            .current_dir(machine.home());
        let said = Said::of(&mut command);
        self.learn();
        (self.shorten(&said.stdout), said.code)
    }

    /// The key that Ann makes has another fingerprint each time; in guides it has the one of the fixtures' key, whole.
    fn learn(&mut self) {
        let files = std::fs::read_dir(self.studio.a.home()).unwrap().flatten().map(|entry| entry.path());
        let Some(made) = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "pub")) else {
            return;
        };
        let fixture = project().join("tests/fixtures/signatures/cosign.pub");
        let [here, told] = [made, fixture].map(|path| {
            let shown = self.studio.a.json(&["key", "show", path.to_str().unwrap()]);
            shown["fingerprint"].as_str().unwrap().trim_start_matches("SHA256:").to_owned()
        });
        if !self.names.contains(&(here.clone(), told.clone())) {
            self.names.push((here, told));
        }
    }

    /// Text as guides have it.
    fn shorten(&self, text: &str) -> String {
        let text = self.names.iter().fold(text.to_owned(), |text, (here, told)| text.replace(here, told));
        let is_told = |found: &str| self.names.iter().any(|(_, told)| told == found);
        let text = MASKS.iter().fold(text, |text, (pattern, told)| {
            let one = |found: &Captures<'_>| if is_told(&found[0]) { found[0].to_owned() } else { (*told).to_owned() };
            Regex::new(pattern).unwrap().replace_all(&text, one).into_owned()
        });
        text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
    }
}

/// Programs that guides mention and that are not everywhere.
const OTHERS: [&str; 3] = ["cosign", "openssl", "skopeo"];

/// PATH with the built `comfydock` in front, and of other programs those that the tests know.
fn programs(folder: &Path) -> std::ffi::OsString {
    let path = crate::support::programs::path();
    let on_path = |name: &str| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    let found = [
        ("comfydock", Some(crate::support::programs::comfydock().to_owned())),
        ("cosign", Some(project().join("target/tools/cosign-3/cosign")).filter(|path| path.exists())),
        ("openssl", on_path("openssl")),
        ("skopeo", tool("COMFYDOCK_SKOPEO", "skopeo")),
    ];
    let bin = folder.join("bin");
    for (name, program) in found.into_iter().filter_map(|(name, program)| Some((name, program?))) {
        write(&bin.join(name), format!("#!/bin/sh\nexec '{}' \"$@\"\n", program.display()));
        std::fs::set_permissions(bin.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path))).unwrap()
}

/// A command, and what the page says it prints.
struct Step {
    command: String,
    shown: String,
}

/// The steps of a block.
fn steps(lines: &[&str]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in lines {
        match (line.strip_prefix(PROMPT), steps.last_mut()) {
            (Some(command), _) => steps.push(Step { command: command.to_owned(), shown: String::new() }),
            (None, Some(step)) if step.command.ends_with('\\') => step.command.extend(["\n", line]),
            (None, Some(step)) => step.shown.extend([line, "\n"]),
            (None, None) => panic!("a transcript begins with a command, not with {line:?}"),
        }
    }
    steps
}

/// The page with what was really printed.
fn played(page: &str, stage: &mut Stage) -> String {
    let (mut text, mut lines, mut blocks) = (String::new(), page.lines(), 0);
    while let Some(line) = lines.next() {
        text.extend([line, "\n"]);
        let Some(whose) = line.strip_prefix(OPENS) else { continue };
        blocks += 1;
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let steps = steps(&block);
        let mut code = 0;
        for (at, step) in steps.iter().enumerate() {
            let Step { command, shown } = step;
            let printed = if is_absent(stage, command) {
                shown.clone()
            } else {
                let (printed, ended) = stage.play(whose.trim(), command, code);
                code = ended;
                // Whoever reads the page sees that it failed; whoever writes it meant it to.
                let told = shown.lines().any(|line| line.starts_with("error:"));
                let asked = steps.get(at + 1).is_some_and(|next| next.command == "echo $?");
                assert!(
                    asked || told == (code != 0),
                    "`{command}` ended with {code}:\n{printed}\nthe page up to it:\n{text}"
                );
                printed
            };
            text.extend([PROMPT, command, "\n", &printed]);
        }
        text.push_str("```\n");
    }
    assert!(blocks > 0, "the page has no transcript");
    text
}

/// Whether a command is of a program that is not everywhere.
fn is_absent(stage: &Stage, command: &str) -> bool {
    let program = command.split(' ').next().unwrap_or_default();
    let is_absent = OTHERS.contains(&program) && !stage.folder.path().join("bin").join(program).exists();
    if is_absent {
        skip(&format!("there is no {program}, so `{command}` is not checked"));
    }
    is_absent
}

/// Holds a page to what its commands print, or writes it anew.
fn hold(name: &str, mut stage: Stage) {
    let path: PathBuf = project().join("docs/guide").join(name);
    let page = std::fs::read_to_string(&path).unwrap();
    let text = played(&page, &mut stage);
    if std::env::var_os("COMFYDOCK_UPDATE").is_some() {
        write(&path, &text);
        return;
    }
    let differs = page.lines().zip(text.lines()).find(|(page, printed)| page != printed);
    assert!(
        page == text,
        "docs/guide/{name} is not what its commands print, from {differs:?} on; run the test with COMFYDOCK_UPDATE=1"
    );
}

#[test]
fn every_page_with_transcripts_is_played() {
    let mut found: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(project().join("docs/guide")).unwrap().flatten() {
        let page = std::fs::read_to_string(entry.path()).unwrap();
        if page.lines().any(|line| line.starts_with(&format!("{OPENS} "))) {
            found.push(entry.file_name().into_string().unwrap());
        }
    }
    found.sort();
    assert_eq!(found, ["registries.md", "sharing.md", "signatures.md"], "a page without a test of its own");
}

#[test]
fn sharing_by_file_is_as_the_guide_tells_it() {
    let stage = Stage::new(None);
    // What the guide tells of a download that fails.
    let model = templates::old("esrgan_example").models().remove(0);
    stage.studio.server.fail_once(&model.path(), Fault::Status(410));
    hold("sharing.md", stage);
}

#[test]
fn sharing_through_a_registry_is_as_the_guide_tells_it() {
    let Some(registry) = Docker::start(&Access::Everybody) else { return };
    hold("registries.md", Stage::new(Some(registry)));
}

#[test]
fn signatures_are_as_the_guide_tells_them() {
    hold("signatures.md", Stage::new(None));
}
