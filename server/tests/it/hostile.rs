//! Pushes that nobody makes by accident: each is refused in words, soon, and moves nothing.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Answer, Hub, Repository, read_answer, send, send_raw, text};

/// A refusal that takes longer keeps others waiting.
const SOON: Duration = Duration::from_secs(20);

struct Target {
    hub: Hub,
    ann: Repository,
    token: String,
    url: String,
}

impl Target {
    fn new() -> Self {
        let hub = Hub::with_team();
        let token = hub.token("ann", "push");
        let url = hub.url(&token, "studio/portraits");
        let ann = hub.repository("ann");
        ann.git(&["push", "--quiet", &url, "main"]);
        Self { hub, ann, token, url }
    }

    /// Writes an object whatever it says.
    fn object(&self, kind: &str, content: &[u8]) -> String {
        let mut child = self
            .ann
            .command()
            .args(["hash-object", "-t", kind, "-w", "--stdin", "--literally"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(content).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        text(&output.stdout).trim().to_owned()
    }

    /// A tree of these entries, as they are.
    fn tree(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(format!("{mode} ").as_bytes());
            bytes.extend_from_slice(name);
            bytes.push(0);
            bytes.extend((0..20).map(|at| u8::from_str_radix(&id[at * 2..at * 2 + 2], 16).unwrap()));
        }
        self.object("tree", &bytes)
    }

    /// The environment's own tree with these entries besides.
    fn environment_with(&self, entries: &[(&str, &[u8], &str)]) -> String {
        let [manifest, workflows] =
            ["HEAD:pyproject.toml", "HEAD:workflows"].map(|name| self.ann.git(&["rev-parse", name]));
        let mut all = vec![("100644", &b"pyproject.toml"[..], &*manifest), ("40000", b"workflows", &*workflows)];
        all.extend_from_slice(entries);
        all.sort_by_key(|(mode, name, _)| [*name, if *mode == "40000" { b"/" } else { b"" }].concat());
        self.tree(&all)
    }

    fn commit(&self, tree: &str) -> String {
        self.ann.git(&["commit-tree", tree, "-p", "main", "-m", "hostile"])
    }

    fn refuses(&self, commit: &str, words: &[&str]) {
        let start = Instant::now();
        let said = self.ann.refused(&self.url, &format!("{commit}:refs/heads/main"));
        assert!(words.iter().any(|word| said.contains(word)), "none of {words:?} is in {said}");
        assert!(!said.contains("log says why"), "{said}");
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        self.is_as_before();
    }

    fn is_as_before(&self) {
        let listed = self.ann.git(&["ls-remote", &self.url]);
        let tip = self.ann.tip();
        assert_eq!(listed, format!("{tip}\tHEAD\n{tip}\trefs/heads/main"));
        let objects = self.hub.bare_repositories()[0].join("objects");
        let names = std::fs::read_dir(objects).unwrap().map(|entry| entry.unwrap().file_name());
        assert!(names.map(|name| text(name.as_encoded_bytes())).all(|name| !name.contains("incoming")));
    }

    /// Sends commands with an empty pack, as no git program would.
    fn send(&self, commands: &[String]) -> Answer {
        let checksum = b"\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e";
        self.send_pack(commands, &[&b"PACK\0\0\0\x02\0\0\0\0"[..], checksum].concat())
    }

    fn send_pack(&self, commands: &[String], pack: &[u8]) -> Answer {
        let mut body = Vec::new();
        for (number, command) in commands.iter().enumerate() {
            let features = if number == 0 { "\0 report-status side-band-64k" } else { "" };
            body.extend_from_slice(format!("{:04x}{command}{features}", command.len() + features.len() + 4).as_bytes());
        }
        body.extend_from_slice(b"0000");
        body.extend_from_slice(pack);
        let authorization = format!("Bearer {}", self.token);
        let headers = [("Authorization", &*authorization), ("Content-Type", "application/x-git-receive-pack-request")];
        let path = "/studio/portraits/git-receive-pack";
        read_answer(&mut send_raw(&self.hub.address, "POST", path, &headers, &body, body.len()))
    }
}

#[test]
fn a_million_entries_in_one_folder_or_in_many() {
    let target = Target::new();
    let blob = target.object("blob", b"x");
    let name = |number: u32| format!("{number:07}").into_bytes();
    let flat: Vec<_> = (0..1_000_000).map(name).collect();
    let entries: Vec<_> = flat.iter().map(|name| ("100644", &name[..], &*blob)).collect();
    let flat = target.tree(&entries);
    let limits = ["more than 20000 files and folders", "more than 16777216"];
    target.refuses(&target.commit(&target.environment_with(&[("40000", b"many", &flat)])), &limits);
    let small: Vec<_> = entries[..1_000].to_vec();
    let folder = target.tree(&small);
    let many: Vec<_> = entries[..1_000].iter().map(|(_, name, _)| ("40000", *name, &*folder)).collect();
    let nested = target.tree(&many);
    target.refuses(&target.commit(&target.environment_with(&[("40000", b"many", &nested)])), &limits);
    // A hundred thousand levels would be a stack's end.
    let mut deep = folder;
    for _ in 0..200 {
        deep = target.tree(&[("40000", b"d", &deep)]);
    }
    let deep = target.commit(&target.environment_with(&[("40000", b"deep", &deep)]));
    target.refuses(&deep, &["more than 32 folders inside each other"]);
}

#[test]
fn names_that_would_lead_elsewhere() {
    let target = Target::new();
    let blob = target.object("blob", b"x");
    let folder = target.tree(&[("100644", b"x", &blob)]);
    let names: [&[u8]; 16] = [
        b"..",
        b".",
        b".git",
        b".GIT",
        b"git~1",
        b"a/b",
        b"a\\b",
        b"\xff\xfe",
        b"con",
        b"aux.json",
        b"trailing.",
        b"trailing ",
        b"a:b",
        b"tab\there",
        b"PYPROJECT.toml",
        ".g\u{200c}it".as_bytes(),
    ];
    for name in names {
        for (mode, id) in [("100644", &blob), ("40000", &folder)] {
            let commit = target.commit(&target.environment_with(&[(mode, name, id)]));
            let output = target.ann.try_git(&["push", &target.url, &format!("{commit}:refs/heads/main")]);
            let said = text(&output.stderr);
            assert!(!output.status.success(), "{name:?} was taken: {said}");
            assert!(said.contains("remote: error: ") || said.contains("remote: fatal: fsck error"), "{name:?} {said}");
            assert!(!said.contains("log says why") && !said.contains("could not judge"), "{name:?} {said}");
        }
    }
    target.is_as_before();
}

#[test]
fn broken_objects() {
    let target = Target::new();
    let tree = target.ann.git(&["rev-parse", "HEAD^{tree}"]);
    let blob = target.object("blob", b"x");
    let person = "A <a@example.org> 1700000000 +0000";
    let broken = [
        // No author; a date that is none; a tree that is a blob; two entries of one name; a mode of no kind.
        target.object("commit", format!("tree {tree}\ncommitter {person}\n\nx").as_bytes()),
        target.object("commit", format!("tree {tree}\nauthor A <a> x +0000\ncommitter {person}\n\nx").as_bytes()),
        target.object("commit", format!("tree {blob}\nauthor {person}\ncommitter {person}\n\nx").as_bytes()),
        target.commit(&target.tree(&[("100644", b"a", &blob), ("100644", b"a", &blob)])),
        target.commit(&target.environment_with(&[("160000", b"sub", &"1".repeat(40))])),
    ];
    for commit in &broken {
        let output = target.ann.try_git(&["push", &target.url, &format!("+{commit}:refs/heads/main")]);
        assert!(!output.status.success(), "{commit} was taken");
    }
    target.is_as_before();
    // A pack that ends too early, and one whose checksum is wrong.
    for pack in [&b"PACK\0\0\0\x02\0\0\0\x05"[..], &[&b"PACK\0\0\0\x02\0\0\0\0"[..], &[7; 20]].concat()] {
        let line = format!("{} {} refs/heads/x\0 report-status", "0".repeat(40), "1".repeat(40));
        let body = [format!("{:04x}{line}0000", line.len() + 4).as_bytes(), pack].concat();
        let authorization = format!("Bearer {}", target.token);
        let headers = [("Authorization", &*authorization), ("Content-Type", "application/x-git-receive-pack-request")];
        let path = "/studio/portraits/git-receive-pack";
        let answer = read_answer(&mut send_raw(&target.hub.address, "POST", path, &headers, &body, body.len()));
        assert!(answer.status >= 400 || answer.text().contains("unpack "), "{}", answer.text());
        assert!(!answer.text().contains("unpack ok"), "{}", answer.text());
    }
    target.is_as_before();
}

#[test]
fn references_with_odd_names() {
    let target = Target::new();
    let (none, tip) = ("0".repeat(40), target.ann.tip());
    for name in [
        "refs/heads/../../hooks/pre-receive",
        "refs/heads/a..b",
        "refs/heads/.hidden",
        "refs/heads//double",
        "refs/heads/end/",
        "refs/heads/two words",
        "refs/heads/new\u{7}line",
        "refs/heads/a:b",
        "refs/heads/x.lock",
        "refs/heads/",
        "refs/changes/1",
        "HEAD",
        "main",
        "../outside",
        "/etc/passwd",
        &format!("refs/heads/{}", "long/".repeat(200)),
    ] {
        let answer = target.send(&[format!("{none} {tip} {name}")]);
        let said = answer.text();
        assert!(answer.status != 200 || said.contains("ng ") || said.contains("error"), "{name}: {said}");
        target.is_as_before();
    }
}

#[test]
fn ten_thousand_references_are_too_many_and_a_thousand_are_not() {
    let target = Target::new();
    let (none, tip) = ("0".repeat(40), target.ann.tip());
    let commands =
        |count: u32| -> Vec<String> { (0..count).map(|number| format!("{none} {tip} refs/tags/t{number}")).collect() };
    for count in [1_001, 10_000, 60_000] {
        let start = Instant::now();
        let answer = target.send(&commands(count));
        assert!(answer.text().contains("at most 1000 at a time"), "{count}: {}", answer.text());
        assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
        target.is_as_before();
    }
    let answer = target.send(&commands(1_000));
    assert!(!answer.text().contains("ng ") && !answer.text().contains("error"), "{}", answer.text());
    assert_eq!(target.ann.git(&["ls-remote", "--tags", &target.url]).lines().count(), 1_000);
}

#[test]
fn what_came_along_unseen_is_judged_once_something_names_it() {
    let target = Target::new();
    let ann = &target.ann;
    let base = ann.tip();
    // Put together here, so that nobody takes this file for one that has a key.
    ann.write("notes.txt", ["gl", "pat-", "Zx9Qw8Lk7Jh6Gf5Ds4Aa"].concat());
    let hidden = ann.commit("hidden");
    ann.git(&["switch", "--quiet", "--detach", &base]);
    ann.write("readme.txt", "harmless");
    let harmless = ann.commit("harmless");
    let listed = ann.git(&["rev-list", "--objects", "--no-object-names", &hidden, &harmless, "--not", &base]);
    let mut packing = ann
        .command()
        .args(["pack-objects", "--stdout", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    packing.stdin.take().unwrap().write_all(listed.as_bytes()).unwrap();
    let pack = packing.wait_with_output().unwrap().stdout;
    let none = "0".repeat(40);
    let answer = target.send_pack(&[format!("{none} {harmless} refs/heads/idea")], &pack);
    assert!(answer.text().contains("ok refs/heads/idea"), "{}", answer.text());
    // Both are in the hub's object store now; only what a reference reaches was judged.
    let answer = target.send(&[format!("{none} {hidden} refs/heads/more")]);
    assert!(answer.text().contains("[secret:gitlab-token]"), "{}", answer.text());
    let answer = target.send(&[format!("{none} {harmless} refs/heads/more")]);
    assert!(answer.text().contains("ok refs/heads/more"), "{}", answer.text());
}

#[test]
fn a_reference_is_not_deleted_by_a_lie_about_where_it_was() {
    let target = Target::new();
    target.ann.git(&["push", "--quiet", &target.url, "HEAD:refs/tags/v1", "HEAD:refs/heads/idea"]);
    let before = target.ann.git(&["ls-remote", &target.url]);
    let none = "0".repeat(40);
    // git deletes without a look what is said to have been at no object.
    for old in [none.clone(), "1".repeat(40)] {
        for name in ["refs/tags/v1", "refs/heads/idea", "refs/heads/main"] {
            let answer = target.send(&[format!("{old} {none} {name}")]);
            assert!(answer.text().contains("error: "), "{name} from {old}: {}", answer.text());
            assert!(!answer.text().contains("log says why"), "{}", answer.text());
            assert_eq!(target.ann.git(&["ls-remote", &target.url]), before, "{name} from {old}");
        }
    }
}

#[test]
fn heads_beyond_measure() {
    let hub = Hub::start();
    let long = "x".repeat(100_000);
    let many: String = (0..5000).map(|number| format!("X-{number}: y\r\n")).collect();
    let name = "x".repeat(70_000);
    for (what, head) in [
        ("a long header", format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: {long}\r\n\r\n")),
        ("many headers", format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{many}\r\n")),
        ("a long address", format!("GET /{long} HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("a long name", format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{name}: y\r\n\r\n")),
        ("a long token", format!("GET /api/v1/whoami HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {long}\r\n\r\n")),
        ("two lengths", "POST /api/v1/models/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}".into()),
        (
            "two ways to end",
            "POST /api/v1/models/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n"
                .into(),
        ),
        ("no HTTP at all", "\x16\x03\x01\x02\0\x01\0\x01\x7c\x03\x03\r\n\r\n".into()),
    ] {
        let mut stream = std::net::TcpStream::connect(&hub.address).unwrap();
        stream.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
        // The hub may close before it has taken everything.
        let _ = std::io::Write::write_all(&mut stream, head.as_bytes());
        let mut answer = Vec::new();
        let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
        let answer = text(&answer);
        let refused = ["", "HTTP/1.1 400", "HTTP/1.1 401", "HTTP/1.1 414", "HTTP/1.1 431"];
        assert!(refused.iter().any(|start| answer.get(..12).unwrap_or_default() == *start), "{what}: {answer}");
    }
    assert_eq!(send(&hub.address, "GET", "/healthz", &[], b"").status, 200);
    assert!(hub.peak_memory() < 100_000);
}
