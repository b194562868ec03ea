//! The stand-in for ComfyUI is the one that was given.

use crate::support::{comfyui, sha256_of};

#[test]
fn the_stand_in_is_unchanged() {
    let digests = [
        ("README.md", "48a5f714ce669a74ac488b0f6a94cab726d2c74d8538a624ab64c593ef27c863"),
        ("loaders.json", "7a72cb1804d45128d746d360739ce703e98e92859cf8935ba27d706e5315bfcd"),
        ("main.py", "5f8b815a06d29e3565c091e702eddf27e983c7e76824e2f17cbffe563f102e02"),
        ("requirements.txt", "99414bf6d3f4090098447e3b25669a1b02be360a3e53728bd052e3af271ce476"),
    ];
    for (name, digest) in digests {
        assert_eq!(sha256_of(&comfyui::fixture().join(name)), digest, "{name}");
    }
    assert_eq!(std::fs::read_dir(comfyui::fixture()).unwrap().count(), digests.len());
}
