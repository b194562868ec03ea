//! What uv 0.9.18 and 0.13.8 said when each of these failures was brought about; only paths were
//! changed.

use super::*;

const SAID: &str = include_str!("said.txt");

fn package(name: &str) -> String {
    name.to_owned()
}

fn wish(whose: Whose, requirement: &str) -> Wish {
    Wish { whose, requirement: requirement.to_owned() }
}

fn group(name: &str) -> Whose {
    Whose::Group(name.to_owned())
}

/// What each of the texts means.
fn expected(what: &str, version: &str) -> Failure {
    let conflict = |wishes: Vec<Wish>| Failure::DependencyConflict { wishes };
    match what {
        "conflict of two packs" => {
            conflict(vec![wish(group("node-beta-pack"), "sixlib>=1.17"), wish(group("node-alpha"), "sixlib==1.16.0")])
        }
        "conflict with core" => {
            conflict(vec![wish(Whose::Core, "sixlib==1.16.0"), wish(group("node-beta-pack"), "sixlib>=1.17")])
        }
        "conflict through another package" => conflict(vec![
            wish(
                Whose::Package(if version == "0.9.18" { "xformers==0.32" } else { "xformers<=0.32" }.to_owned()),
                "torch==2.8.0",
            ),
            wish(group("node-x"), "xformers==0.32"),
            wish(group("node-x"), "torch==2.8.0"),
            wish(Whose::Core, "torch==2.9.0"),
        ]),
        "conflict within a pack" => {
            conflict(vec![wish(group("node-x"), "sixlib==1.16.0"), wish(group("node-x"), "sixlib>=1.17")])
        }
        "no such version" => conflict(vec![wish(group("node-x"), "sixlib>=3")]),
        "unknown in links" => Failure::UnknownPackage { name: package("nobodymadethis") },
        "unknown in index" => Failure::UnknownPackage { name: package("a-package-that-nobody-ever-made-1f3a") },
        // Until 0.9 uv does not say that the date is the reason, and names the missing wheels.
        "newer than the date" if version == "0.9.18" => Failure::BuildRefused { name: package("six") },
        "newer than the date" => Failure::NewerThanDate { name: package("six") },
        "source only" => Failure::BuildRefused { name: package("sdonly") },
        "git source" => Failure::BuildRefused { name: package("x") },
        "locked without a wheel" => Failure::BuildRefused { name: package("winonly") },
        "another platform" => Failure::PlatformWheel { name: package("winonly") },
        "locked for another platform" => Failure::PlatformWheel { name: String::new() },
        "requirement that cannot be read" | "group name that cannot be read" => Failure::InternalManifest,
        "declared conflict" => Failure::GroupConflict,
        "python shim" | "python missing" => Failure::PythonMissing,
        "connection refused" | "host unknown" | "git host unreachable" | "wheel unreachable" => Failure::Network,
        "offline" => Failure::NotCached { name: package("sixlib-never") },
        "build failed" => Failure::BuildFailed { name: package("sdbad") },
        "hash" => Failure::HashMismatch { name: package("sixlib") },
        "stale lock" => Failure::LockStale,
        "disk full" => Failure::DiskFull,
        other => panic!("nothing is expected of `{other}`"),
    }
}

#[test]
fn every_class_is_known_in_both_layouts() {
    let mut seen = 0;
    for section in SAID.split("=== ").filter(|section| !section.trim().is_empty()) {
        let (head, text) = section.split_once('\n').unwrap();
        let (what, version) = head.split_once(" | ").unwrap();
        assert_eq!(Failure::read(text), expected(what, version), "{head}\n{text}");
        seen += 1;
    }
    assert_eq!(seen, 53);
}

#[test]
fn anything_else_is_other() {
    for text in ["", "error: something new", "× ╰─▶"] {
        assert_eq!(Failure::read(text), Failure::Other);
    }
}
