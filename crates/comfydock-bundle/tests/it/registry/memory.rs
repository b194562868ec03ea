//! A large blob takes little memory.

use std::fs;
use std::process::Command;

use comfydock_core::oci::{Descriptor, Digest};
use comfydock_store::hash::Sha256Hasher;

use super::bytes::Noise;
use super::docker::{Access, Docker};
use super::{name, open};

/// Says to this test, started once more by itself, which registry to use.
const VARIABLE: &str = "COMFYDOCK_TEST_REGISTRY";
const SIZE: u64 = 300 * 1024 * 1024;
/// Bytes that the whole process may have in memory at its peak.
const MOST: u64 = 100 * 1024 * 1024;

#[test]
fn three_hundred_megabytes_go_and_come_in_a_hundred() {
    // The peak is the whole process's, so it needs one of its own.
    if let Ok(host) = std::env::var(VARIABLE) {
        return go_and_come(&host);
    }
    let Some(docker) = Docker::start(&Access::Everybody) else { return };
    let me = "registry::memory::three_hundred_megabytes_go_and_come_in_a_hundred";
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args(["--exact", me, "--nocapture"]).env(VARIABLE, docker.host()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

fn go_and_come(host: &str) {
    let mut hasher = Sha256Hasher::default();
    let mut block = vec![0; 1024 * 1024];
    let mut noise = Noise::at(5, 0);
    for _ in 0..SIZE / block.len() as u64 {
        std::io::Read::read_exact(&mut noise, &mut block).unwrap();
        hasher.update(&block);
    }
    let blob = Descriptor::new("x", Digest::from(hasher.finish()), SIZE);
    let source = |at| Ok(Box::new(std::io::Read::take(Noise::at(5, at), SIZE - at)) as Box<dyn std::io::Read + Send>);
    let registry = open(host);
    assert_eq!(registry.push_blob(&name("large"), &blob, &source).unwrap(), SIZE);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("layer");
    registry.pull_blob(&name("large"), &blob, &file).unwrap();
    assert_eq!(fs::metadata(&file).unwrap().len(), SIZE);
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")).unwrap();
    let peak = peak.trim().parse::<u64>().unwrap() * 1024;
    assert!(peak < MOST, "{} MiB at the peak", peak / 1024 / 1024);
}
