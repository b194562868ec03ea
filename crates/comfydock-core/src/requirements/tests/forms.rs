//! Single lines: which are requirements, and what becomes of them.

use proptest::prelude::*;

use super::*;

/// Requirements, each held against both versions of uv by the workspace's tests
/// (`requirements_and_uv`), which read this list.
pub(super) const TAKEN: &str = include_str!("taken.txt");

/// What is no requirement for uv either.
pub(super) const NOT_TAKEN: &str = include_str!("not_taken.txt");

#[test]
fn what_uv_takes_is_taken_as_it_is_written() {
    for line in TAKEN.lines() {
        assert_eq!(parse(line.as_bytes()).lines, [line], "{:?}", parse(line.as_bytes()).refused);
    }
}

#[test]
fn what_uv_does_not_take_is_refused() {
    for line in NOT_TAKEN.lines() {
        assert!(Requirement::parse(line).is_err(), "{line}");
    }
}

#[test]
fn urls_become_requirements() {
    for (line, expected) in [
        ("git+https://x.org/y.git@main#egg=x&subdirectory=z", "x @ git+https://x.org/y.git@main#subdirectory=z"),
        ("git+https://x.org/y.git#egg=x", "x @ git+https://x.org/y.git"),
        ("git+https://x.org/y.git@1f#egg=x[a,b]==1.0", "x[a,b] @ git+https://x.org/y.git@1f"),
        ("git+ssh://git@x.org/y.git#egg=x", "x @ git+ssh://git@x.org/y.git"),
        ("x @ git+https://x.org/y.git@main#egg=x", "x @ git+https://x.org/y.git@main"),
        ("https://x.org/a_b-1.0-py3-none-any.whl", "a-b @ https://x.org/a_b-1.0-py3-none-any.whl"),
        (
            "https://x.org/a-1.0%2Bcu128-cp311-cp311-linux_x86_64.whl#sha256=00",
            "a @ https://x.org/a-1.0%2Bcu128-cp311-cp311-linux_x86_64.whl#sha256=00 ; \
             python_version == '3.11' and sys_platform == 'linux' and platform_machine == 'x86_64'",
        ),
        (
            "https://x.org/a-1.0-cp39-abi3-win_amd64.whl",
            "a @ https://x.org/a-1.0-cp39-abi3-win_amd64.whl ; \
             python_version >= '3.9' and sys_platform == 'win32' and platform_machine == 'AMD64'",
        ),
        (
            "https://x.org/a-1.0-cp311-cp311-win_amd64.whl ; sys_platform == 'win32'",
            "a @ https://x.org/a-1.0-cp311-cp311-win_amd64.whl ; sys_platform == 'win32'",
        ),
        (
            "https://x.org/a-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
            "a @ https://x.org/a-1.0-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl ; \
             python_version == '3.11' and sys_platform == 'linux' and platform_machine == 'x86_64'",
        ),
        (
            "https://x.org/a-1.0-cp311-cp311-macosx_11_0_universal2.whl",
            "a @ https://x.org/a-1.0-cp311-cp311-macosx_11_0_universal2.whl ; python_version == '3.11' and sys_platform == 'darwin'",
        ),
        ("https://x.org/a-b-1.0.tar.gz", "a-b @ https://x.org/a-b-1.0.tar.gz"),
        ("https://x.org/archive/main.zip#egg=x", "x @ https://x.org/archive/main.zip"),
    ] {
        let found = parse(line.as_bytes());
        assert_eq!(found.lines, [expected], "{:?}", found.refused);
    }
}

#[test]
fn what_cannot_travel_is_refused_with_a_reason() {
    for (line, reason) in [
        ("-e .", "editable"),
        ("-e git+https://x.org/y.git#egg=x", "editable"),
        ("--editable=./x", "editable"),
        (".", "path"),
        ("./x", "path"),
        ("../x", "path"),
        ("/x/y", "path"),
        ("~/x", "path"),
        ("sub/folder", "path"),
        ("C:\\x", "path"),
        ("x-1.0-py3-none-any.whl", "path"),
        ("file:///x", "path"),
        ("x @ file:///x", "path"),
        ("x @ git+file:///x", "path"),
        ("x @ ./x", "no URL"),
        ("-f https://x.org/links", "lists of links"),
        ("--find-links links", "lists of links"),
        ("--trusted-host x.org", "trusted"),
        ("--pre", "pre-releases"),
        ("--no-deps", "no meaning"),
        ("-c constraints.txt", "bind all the others"),
        ("git+https://x.org/y.git", "which package"),
        ("https://x.org/archive/main.zip", "which package"),
        ("hg+https://x.org/y#egg=x", "git+https"),
        ("x @ ftp://x.org/y.whl", "git+https"),
        ("git+https://ann:secret@x.org/y.git#egg=x", "would be committed"),
        ("x @ https://token@x.org/x-1.0-py3-none-any.whl", "would be committed"),
        ("git+https://${TOKEN}@x.org/y.git#egg=x", "variable"),
        ("os", "a part of Python itself"),
        ("asyncio>=3", "a part of Python itself"),
        ("numpy = 1", "no version clause"),
        ("torch >= 2 , cuda", "no version clause"),
        ("caf\u{e9}", "no version clause"),
        ("-r https://x.org/requirements.txt", "of the pack itself"),
        ("-r /etc/passwd", "of the pack itself"),
        ("-r ../other.txt", "leads out"),
        ("-r a/../../other.txt", "leads out"),
        ("-r C:\\x.txt", "of the pack itself"),
        ("-r missing.txt", "no file `missing.txt`"),
    ] {
        let found = parse(line.as_bytes());
        assert!(found.lines.is_empty() && found.indexes.is_empty(), "{line}: {found:?}");
        let [refused] = &found.refused[..] else { panic!("{line}: {found:?}") };
        assert!(refused.reason.contains(reason), "{line}: {}", refused.reason);
        assert!(refused.to_string().contains(&format!("requirements.txt, line 1: `{line}` is left out")), "{refused}");
    }
}

proptest! {
    /// Whatever a file holds, reading ends, and what it gives is written as it was read.
    #[test]
    fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for line in parse(&bytes).lines {
            prop_assert!(Requirement::parse(&line).is_ok(), "{line}");
        }
    }

    #[test]
    fn lines_made_of_the_right_pieces_can_be_read(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("a"), Just("[x"), Just("]"), Just(">="), Just("=="), Just("1.0"), Just(".*"), Just("!"), Just(","), Just(" "),
                Just(";"), Just("'"), Just("python_version"), Just("("), Just(")"), Just("@"), Just("https://x.org/"), Just("#egg="),
                Just("--hash="), Just("-i "), Just("\\"), Just("\n"), Just("\u{e9}"), Just("+"), Just("~="), Just("git+"), Just("- "),
            ],
            0..14,
        )
    ) {
        for line in parse(pieces.concat().as_bytes()).lines {
            let once = Requirement::parse(&line);
            prop_assert!(once.is_ok(), "{line}");
            let once = once.unwrap();
            prop_assert_eq!(Requirement::parse(&once.to_string()).unwrap(), once);
        }
    }
}
