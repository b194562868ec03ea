//! The guide for operators does what it says.

use std::path::Path;

use crate::support::{Hub, text};

const GUIDE: &str = include_str!("../../../docs/guide/hosting.md");
/// What stands above the blocks that are run.
const MARK: &str = "<!-- run by server/tests/it/hosting.rs -->\n```bash\n";

#[test]
fn the_commands_of_the_guide_work() {
    let hub = Hub::start();
    // The guide's folder is the serving hub's.
    let place = hub.scratch("srv");
    std::fs::create_dir_all(place.join("backups")).unwrap();
    let blocks: Vec<&str> = GUIDE.split(MARK).skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 5, "the guide has other blocks than it had");
    let script = blocks.concat().replace("/srv/", &format!("{}/", place.display()));
    let script = script.replace("/var/lib/comfydock-hub", hub.data().to_str().unwrap());
    let program = Path::new(env!("CARGO_BIN_EXE_comfydock-hub")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let output = std::process::Command::new("bash")
        .args(["-euxo", "pipefail", "-c", &script])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap())
        .env_clear()
        .env("PATH", path)
        .output()
        .unwrap();
    let (said, complaints) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{complaints}");
    assert_eq!(said.lines().filter(|line| line.starts_with("cdk_")).count(), 2, "{said}");
    assert!(said.contains("backed up 0 environments") && said.contains("restored 0 environments"), "{said}");
    assert!(said.contains("olga") && said.contains("at_once = 32"), "{said}");
    assert!(!said.contains("problem  "), "{said}");
    assert!(!place.join("backups/drill").exists() && !hub.data().join("admin-token").exists());
}

#[test]
fn the_files_for_other_programs_are_taken_by_them() {
    // Where there is no such program, nothing is shown and that is said.
    let check = |program: &str, arguments: &[&str]| match std::process::Command::new(program)
        .args(arguments)
        .env("HUB_NAME", "hub.example")
        .output()
    {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => println!("SKIPPED: no {program} here"),
        output => {
            let output = output.unwrap();
            assert!(output.status.success(), "{program} {arguments:?}: {}", text(&output.stderr));
        }
    };
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("deploy");
    check("caddy", &["validate", "--adapter", "caddyfile", "--config", deploy.join("Caddyfile").to_str().unwrap()]);
    check("docker-compose", &["-f", deploy.join("compose.yaml").to_str().unwrap(), "config", "--quiet"]);
    // Here the program lies elsewhere.
    let unit = std::fs::read_to_string(deploy.join("comfydock-hub.service")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("comfydock-hub.service");
    std::fs::write(&copy, unit.replace("/usr/local/bin/comfydock-hub", env!("CARGO_BIN_EXE_comfydock-hub"))).unwrap();
    check("systemd-analyze", &["verify", copy.to_str().unwrap()]);
}
