//! What is made of the commands' own definition: completions and the manual.

use std::collections::BTreeSet;
use std::process::Command;

use crate::reference::commands;
use crate::support::programs::succeed;
use crate::support::{Machine, write};

#[test]
fn bash_completes_commands_and_flags() {
    let machine = Machine::new();
    let script = machine.root().join("comfydock.bash");
    write(&script, machine.ok(&["completion", "bash"]).stdout);
    succeed(Command::new("bash").arg("-n").arg(&script));
    let complete = |words: &[&str]| {
        let code = format!(
            "source '{}'; COMP_WORDS=({}); COMP_CWORD={}; \
             _comfydock comfydock '{}' '{}'; echo \"${{COMPREPLY[@]}}\"",
            script.display(),
            words.join(" "),
            words.len() - 1,
            words[words.len() - 1],
            words[words.len() - 2],
        );
        let output = succeed(Command::new("bash").args(["--norc", "-c", &code]));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(complete(&["comfydock", "doc"]), "doctor");
    assert_eq!(complete(&["comfydock", "models", "so"]), "source");
    assert_eq!(complete(&["comfydock", "gc", "--old"]), "--older-than");
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let said = machine.ok(&["completion", shell]).stdout;
        assert!(said.contains("doctor") && said.contains("older-than"), "{shell}: {said}");
    }
    machine.run(&["completion", "cmd"]).code(2);
}

/// Every command with those above it, by `--help`.
fn all(machine: &Machine, words: &[&str], found: &mut BTreeSet<String>) {
    found.insert(format!("{}.1", ["comfydock"].iter().chain(words).copied().collect::<Vec<_>>().join("-")));
    for below in commands(&machine.ok(&[words, &["--help"]].concat()).stdout) {
        all(machine, &[words, &[below.as_str()]].concat(), found);
    }
}

#[test]
fn the_manual_has_a_page_for_every_command() {
    let machine = Machine::new();
    let folder = machine.root().join("man/man1");
    machine.ok(&["man", folder.to_str().unwrap()]).says("wrote");
    let mut expected = BTreeSet::new();
    all(&machine, &[], &mut expected);
    let entries = std::fs::read_dir(&folder).unwrap().flatten();
    let written: BTreeSet<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(written, expected);
    for name in &written {
        let page = std::fs::read_to_string(folder.join(name)).unwrap();
        let title = format!(".TH {} 1", name.trim_end_matches(".1"));
        assert!(page.contains(&title) && page.contains(".SH SYNOPSIS") && page.contains(".SH DESCRIPTION"), "{page}");
    }
    let page = std::fs::read_to_string(folder.join("comfydock-gc.1")).unwrap();
    assert!(page.contains("older\\-than") && page.contains("comfydock gc"), "{page}");
    assert_eq!(machine.ok(&["man"]).stdout, std::fs::read_to_string(folder.join("comfydock.1")).unwrap());
}
