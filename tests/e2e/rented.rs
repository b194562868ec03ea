//! The rented GPU: an empty home, no terminal, a hub and a token in the environment, and a models
//! folder on another file system.

use std::os::unix::fs::MetadataExt as _;

use crate::support::programs::{bare, comfydock, path, uv};
use crate::support::{STUDIO, Said, Studio, report, skip, templates, tree, write};

#[test]
fn one_line_makes_a_complete_environment() {
    let studio = Studio::new();
    let Studio { a, hub, server, .. } = &studio;
    let needed = studio.share("upscale", &templates::old("esrgan_example"), 300_000);
    studio.send("Upscaling");

    let rented = tempfile::tempdir().unwrap();
    let home = rented.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let device = |path: &std::path::Path| path.metadata().map(|about| about.dev()).ok();
    let elsewhere = ["/dev/shm", "/run", "/mnt"].into_iter().map(std::path::Path::new);
    let usable = |folder: &&std::path::Path| device(folder).is_some_and(|other| Some(other) != device(&home));
    let Some(models) = elsewhere.filter(usable).find_map(|folder| tempfile::tempdir_in(folder).ok()) else {
        return skip("there is no second file system for the models folder");
    };
    // A file that is there, but not where ComfyUI looks for it.
    let upscaler = needed.iter().find(|model| model.category == "upscale_models").unwrap();
    write(
        &models.path().join("downloads").join(&upscaler.name),
        std::fs::read(a.models().join(upscaler.path())).unwrap(),
    );
    let programs = rented.path().join("bin");
    std::fs::create_dir(&programs).unwrap();
    std::os::unix::fs::symlink(uv(), programs.join("uv")).unwrap();

    let token = hub.token("bob", "read");
    let mut search = programs.into_os_string();
    search.push(":");
    search.push(path());
    let line = |arguments: &[&str]| {
        let mut command = bare(comfydock());
        command.env("HOME", &home).env("PATH", &search).env("COMFYDOCK_HUB", hub.url()).env("COMFYDOCK_TOKEN", &token);
        command.env("COMFYDOCK_ALLOW_HOSTS", &server.address);
        command.args(arguments).current_dir(rented.path()).stdin(std::process::Stdio::null());
        command
    };
    let said = Said::of(&mut line(&["clone", STUDIO, "--models-dir", models.path().to_str().unwrap(), "--yes"])).ok();
    said.line(&["ready", "upscale"]).never_says("missing").never_says(&token);

    let file = rented.path().join("report.json");
    Said::of(line(&["run", "--quick-test-for-ci", "--cpu"]).env("COMFYUI_REPORT", &file)).ok();
    assert_eq!(report::read(&file).digests(), report::start(a, "studio").digests());
    assert!(server.requests(&upscaler.path()).is_empty());
    // The token came by the environment and stays there.
    for folder in [home.as_path(), models.path()] {
        assert_eq!(tree::files_with(folder, &token), Vec::<std::path::PathBuf>::new());
    }
}
