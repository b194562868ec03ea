use proptest::prelude::*;

use super::*;
use crate::hint::Hint as _;

fn read(text: &str) -> RepositoryUrl {
    RepositoryUrl::parse(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Every spelling of the field notes, and those that forges' pages have.
const SAME: &[&str] = &[
    "https://github.com/U/R",
    "https://github.com/U/R.git",
    "https://github.com/U/R/",
    "https://github.com/U/R.git/",
    "http://github.com/U/R",
    "git://github.com/U/R",
    "git://github.com:9418/U/R.git",
    "https://www.github.com/U/R",
    "https://user:token@github.com/U/R",
    "https://github.com:443/U/R",
    "http://github.com:80/U/R",
    "git@github.com:U/R.git",
    "git@github.com:/U/R",
    "github.com:U/R",
    "ssh://git@github.com/U/R.git",
    "ssh://git@github.com:22/U/R",
    "ssh://git@ssh.github.com:443/U/R",
    "git+https://github.com/U/R",
    "git+ssh://git@github.com/U/R.git",
    "ssh+git://git@github.com/U/R",
    "https://github.com/U/R/tree/main",
    "https://github.com/U/R/tree/main/nodes/x",
    "https://github.com/U/R/blob/main/README.md",
    "https://github.com/U/R/commit/0123456789abcdef0123456789abcdef01234567",
    "https://github.com/U/R/releases/tag/v1.0",
    "https://github.com/U/R/issues/3",
    "https://github.com/U/R.git#frag",
    "https://github.com/U/R?tab=readme",
    "https://github.com/U/R?tab=readme-ov-file#install",
    "https://github.com/U/R@v1",
    "https://github.com/U/R.git@feature/x",
    "git+https://github.com/U/R@v1#egg=x",
    "https://github.com/u/r",
    "HTTPS://GitHub.com/U/R.GIT",
    "https://github.com./U/R",
    "https://github.com//U//R",
    "https://github.com/x/../U/./R",
    "https://github.com/U/%52",
    "  https://github.com/U/R\u{20}",
];

#[test]
fn all_spellings_are_one_repository() {
    for text in SAME {
        assert_eq!(read(text).key(), "github.com/u/r", "{text}");
        assert!(equivalent(text, SAME[0]), "{text}");
    }
    assert_eq!(RepositoryUrl::of_aux_id("U/R").unwrap().key(), "github.com/u/r");
}

#[test]
fn other_hosts_have_one_key_as_well() {
    for (key, spellings) in [
        (
            "gitlab.com/a/b/c",
            &["https://gitlab.com/a/B/c.git", "git@gitlab.com:a/b/C", "https://gitlab.com/a/b/c/-/tree/main"][..],
        ),
        ("gitlab.com/a/b", &["ssh://git@altssh.gitlab.com:443/a/b", "https://gitlab.com/a/b/tree/main/x"]),
        ("bitbucket.org/u/r", &["https://bitbucket.org/U/R/src/main/", "ssh://git@altssh.bitbucket.org:443/u/r.git"]),
        ("huggingface.co/u/r", &["https://hf.co/U/R", "git@hf.co:u/r", "https://huggingface.co/u/r/tree/main"]),
        ("huggingface.co/spaces/u/r", &["https://huggingface.co/spaces/u/R/blob/main/app.py"]),
        (
            "codeberg.org/u/r",
            &["https://codeberg.org/U/R/src/branch/main/x", "https://codeberg.org/u/r/releases/tag/v1"],
        ),
        (
            "git.studio.example/U/R",
            &[
                "https://git.studio.example/U/R.git",
                "git@git.studio.example:U/R",
                "ssh://Git.Studio.Example/U/R",
                "https://git.studio.example/U/R/tree/main",
                "https://git.studio.example/U/R/-/blob/main/x",
            ],
        ),
        (
            "git.studio.example/g/h/R",
            &["https://git.studio.example/g/h/R/-/tree/main/x", "https://git.studio.example/g/h/R.git"],
        ),
        ("host:2222/R", &["ssh://git@host:2222/R.git"]),
        ("[::1]/u/r", &["ssh://git@[::1]/u/r", "git@[::1]:u/r"]),
        ("host/~u/r", &["ssh://host/~u/r", "host:~u/r"]),
        ("gist.github.com/u/0a1b", &["https://gist.github.com/u/0a1b.git"]),
        (
            "/x/R",
            &[
                "/x/R",
                "/x/R/",
                "//x/./R",
                "file:///x/R",
                "file://localhost/x/R/",
                "file:///x/%52",
                "/x/R/.git",
                "/x/R@main",
            ],
        ),
        ("/x/R.git", &["/x/R.git", "file:///x/R.git/"]),
        ("/a b/ü", &["/a b/ü", "file:///a%20b/%C3%BC"]),
    ] {
        for spelling in spellings {
            assert_eq!(read(spelling).key(), key, "{spelling}");
        }
    }
}

#[test]
fn different_repositories_stay_different() {
    for (one, other) in [
        ("https://github.com/U/R", "https://gitlab.com/U/R"),
        ("https://github.com/U/R", "https://github.com/U/R-fork"),
        ("https://github.com/U/R", "https://github.com/V/R"),
        ("https://github.com/U/R", "https://github.com:8443/U/R"),
        ("https://github.com/U/R", "https://gist.github.com/U/R"),
        ("https://github.com/U/R", "https://github.com.evil.example/U/R"),
        ("https://github.com/U/R", "https://github.com@evil.example/U/R"),
        ("https://gitlab.com/a/b/c", "https://gitlab.com/a/b"),
        ("https://gitlab.com/a/b/c", "https://gitlab.com/a/c"),
        ("https://host/U/R", "https://host/u/r"),
        ("ssh://host:2222/R", "ssh://host/R"),
        ("http://host:443/R", "https://host/R"),
        ("/x/R", "/x/r"),
        ("/x/R", "/x/R.git"),
        ("/github.com/u/r", "https://github.com/u/r"),
        ("https://www.studio.example/R", "https://studio.example/R"),
        ("https://host/a%2Fb", "https://host/a/b"),
        ("not a url", "not a url"),
    ] {
        assert!(!equivalent(one, other), "{one} and {other}");
    }
}

#[test]
fn what_git_is_given_and_what_was_asked_for() {
    for (text, fetch, reference) in [
        ("https://github.com/U/R.git/", "https://github.com/U/R.git", None),
        ("https://github.com/U/R/tree/dev/nodes", "https://github.com/U/R", Some("dev")),
        ("https://github.com/U/R/tree/feature%2Fx", "https://github.com/U/R", Some("feature/x")),
        ("https://github.com/U/R/releases/tag/v1.0", "https://github.com/U/R", Some("v1.0")),
        ("https://github.com/U/R/pulls", "https://github.com/U/R", None),
        ("https://github.com/U/R?tab=readme#x", "https://github.com/U/R", None),
        ("https://user:token@github.com/U/R@v1", "https://user:token@github.com/U/R", Some("v1")),
        ("git+https://github.com/U/R@v1#egg=r", "https://github.com/U/R", Some("v1")),
        ("git+ssh://git@github.com/U/R@0a1b2c3", "ssh://git@github.com/U/R", Some("0a1b2c3")),
        ("git@github.com:U/R.git@feature/x", "git@github.com:U/R.git", Some("feature/x")),
        ("git@github.com:/U/R", "git@github.com:/U/R", None),
        ("git@host:U/R@main", "git@host:U/R", Some("main")),
        ("https://gitlab.com/a/b/c/-/tree/v2/x", "https://gitlab.com/a/b/c", Some("v2")),
        ("https://codeberg.org/u/r/src/tag/v3/x", "https://codeberg.org/u/r", Some("v3")),
        ("https://bitbucket.org/u/r/commits/0123456789", "https://bitbucket.org/u/r", Some("0123456789")),
        ("http://127.0.0.1:8080/u/r", "http://127.0.0.1:8080/u/r", None),
        ("file:///x/a%20b@v1", "file:///x/a%20b", Some("v1")),
        ("/x/@scope/R@v1", "/x/@scope/R", Some("v1")),
        ("/x/@scope", "/x/@scope", None),
        ("https://host/@user/R", "https://host/@user/R", None),
    ] {
        let url = read(text);
        assert_eq!((url.fetch_url(), url.requested_ref()), (fetch, reference), "{text}");
    }
}

#[test]
fn the_folder_is_the_repositorys_name() {
    for (text, name) in [
        ("https://github.com/U/ComfyUI-Pack.git/", "ComfyUI-Pack"),
        ("https://github.com/U/ComfyUI-Pack/tree/main/x", "ComfyUI-Pack"),
        ("git@host:ComfyUI-Pack@v1", "ComfyUI-Pack"),
        ("/x/ComfyUI-Pack.git", "ComfyUI-Pack"),
        ("/x/ComfyUI-Pack/.git", "ComfyUI-Pack"),
    ] {
        assert_eq!(read(text).folder_name().unwrap().as_str(), name, "{text}");
    }
    for text in
        ["https://host/x/..git", "https://host/.hidden", "https://host/x.disabled", "/x/a b", "https://host/%2Fx"]
    {
        assert!(read(text).folder_name().is_err(), "{text}");
    }
}

#[test]
fn what_is_refused_says_why() {
    for (text, reason) in [
        ("", "empty"),
        ("   ", "empty"),
        ("-u", "starts with `-`"),
        ("--upload-pack=touch x", "starts with `-`"),
        ("ext::sh -c touch% x", "another program"),
        ("fd::17/foo", "another program"),
        ("EXT::x", "another program"),
        ("git-remote.x+y::z", "another program"),
        ("::x", "another program"),
        ("https://github.com/U/R\n", ""),
        ("https://github.com/U\n/R", "control"),
        ("https://github.com/U/R\u{0}", "control"),
        ("https://github.com/U/%0AR", "control"),
        ("file:///x/%00", "control"),
        ("https://host/%FF", "UTF-8"),
        ("C:\\x\\R", "Windows"),
        ("C:/x/R", "Windows"),
        ("c:R", "Windows"),
        ("\\\\server\\share", "Windows"),
        ("file:///C:/x", "Windows"),
        ("https:\\\\github.com\\U\\R", "backslash"),
        ("ftp://host/R", "not among"),
        ("javascript://x/y", "not among"),
        ("https://", "no host"),
        ("https:///U/R", "no host"),
        ("ssh:///R", "no host"),
        ("ssh://-oProxyCommand=x/R", "no name of a host"),
        ("git@-oProxyCommand=x:R", "no name of a host"),
        ("-oProxyCommand=x:R", "starts with `-`"),
        ("ssh://-l@host/R", "no name of a user"),
        ("host:-x/R", "starts with `-`"),
        ("host:../R", "climbs"),
        ("/x/../R", "climbs"),
        ("ssh://h%20st/R", "host"),
        ("h st:R", "no name of a host"),
        ("https://github.com", "an owner"),
        ("https://github.com/U", "an owner"),
        ("https://github.com/U/.git", "no repository"),
        ("https://host/", "no repository"),
        ("/", "no repository"),
        ("/.git", "no repository"),
        ("file://server/share", "this machine"),
        ("https://github.com/U/R/pull/3", "proposed"),
        ("https://github.com/U/R/nonsense/x", "longer than"),
        ("git@github.com:U/R/x", "longer than"),
        ("https://github.com/U/R@", "nothing follows"),
        ("https://github.com/U/R@-x", "no branch"),
        ("https://github.com/U/R@a..b", "no branch"),
        ("https://github.com/U/R@a b", "no branch"),
        ("https://github.com/U/R@v1/tree/x~1", "no branch"),
        ("https://host/U/R/tree/main@v1", "two references"),
        ("https://host/U/R@v1/tree/main", "two references"),
        ("U/R", "neither"),
        ("name", "neither"),
        ("./R", "relative"),
        ("../R", "relative"),
        ("~/R", "relative"),
    ] {
        match RepositoryUrl::parse(text) {
            Err(error) => assert!(error.to_string().contains(reason), "{text:?}: {error}"),
            Ok(_) => assert_eq!(reason, "", "{text:?} was taken"),
        }
    }
    let hint = |text| RepositoryUrl::parse(text).unwrap_err().hint().unwrap_or_default();
    assert_eq!(hint("hhttps://github.com/U/R"), "did you mean https?");
    assert_eq!(hint("htps://github.com/U/R"), "did you mean https?");
    assert!(hint("github.com/U/R").contains("https://github.com/U/R"));
    assert!(hint("U/R").contains("https://github.com/U/R"));
    assert!(hint("./R").contains("whole path"));
    let shown = RepositoryUrl::parse("https://user:secret@github.com/U").unwrap_err().to_string();
    assert!(!shown.contains("secret"), "{shown}");
    for text in ["", "U", "U/R/x", "../R", "https://x", "U/-R", "U:V/R"] {
        assert!(RepositoryUrl::of_aux_id(text).is_err(), "{text}");
    }
}

#[test]
fn a_submodule_stands_beside_its_repository() {
    for (of, text, expected) in [
        ("https://github.com/U/R.git", "../Lib.git", Ok("https://github.com/U/Lib.git")),
        ("https://github.com/U/R/", "./../Lib", Ok("https://github.com/U/Lib")),
        ("https://host:8443/a/b/R", "../../c/Lib", Ok("https://host:8443/a/c/Lib")),
        ("https://host/a/R", "./Lib", Ok("https://host/a/R/Lib")),
        ("git@host:U/R.git", "../Lib.git", Ok("git@host:U/Lib.git")),
        ("git@[::1]:U/R", "../../Lib", Ok("git@[::1]:Lib")),
        ("ssh://git@host:2222/U/R", "../Lib", Ok("ssh://git@host:2222/U/Lib")),
        ("/x/R", "../Lib", Ok("/x/Lib")),
        ("file:///x/R", "../Lib", Ok("file:///x/Lib")),
        ("/x/R", "file:///y/Lib", Ok("file:///y/Lib")),
        ("https://host/a/R", "https://other/b/Lib", Ok("https://other/b/Lib")),
        ("https://host/a/R", "git@other:b/Lib", Ok("git@other:b/Lib")),
        ("https://host/a/R", "../../../evil.example/Lib", Err("climbs above the server")),
        ("git@host:R", "../../Lib", Err("climbs above the server")),
        ("/R", "../../Lib", Err("climbs above the server")),
        ("https://host/a/R", "../Lib/../../x", Err("climbs")),
        ("https://host/a/R", "/etc/R", Err("a folder of this machine")),
        ("https://host/a/R", "file:///home/me/private", Err("a folder of this machine")),
        ("git@host:a/R", "file://localhost/x/R", Err("a folder of this machine")),
        ("/x/R", "ext::sh -c touch% x", Err("another program")),
        ("/x/R", "-u./payload", Err("starts with `-`")),
        ("https://host/a/R", "ssh://-oProxyCommand=x/R", Err("no name of a host")),
        ("https://host/a/R", "../ext::Lib", Ok("https://host/a/ext::Lib")),
        ("https://host/a/R", "sub/R", Err("neither")),
        ("https://host/a/R", "", Err("empty")),
        ("ext::x", "../R", Err("another program")),
    ] {
        match (RepositoryUrl::of_submodule(text, of), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found.fetch_url(), expected, "{of} {text}"),
            (Err(error), Err(reason)) => assert!(error.to_string().contains(reason), "{of} {text}: {error}"),
            (found, _) => panic!("{of} {text}: {found:?}"),
        }
    }
}

/// Pieces that make nearly-addresses.
const PIECES: &[&str] = &[
    "https://",
    "http://",
    "ssh://",
    "git://",
    "file://",
    "git+",
    "ext::",
    "git@",
    "user:pw@",
    "github.com",
    "gitlab.com",
    "hf.co",
    "host",
    "[::1]",
    "www.",
    ":22",
    ":443",
    ":80",
    ":",
    "/",
    "//",
    "U",
    "R",
    ".git",
    "@",
    "@v1",
    "tree",
    "blob",
    "-",
    "/-/",
    "src",
    "branch",
    "main",
    "..",
    ".",
    "~",
    "%2F",
    "%40",
    "%",
    "#x",
    "?y",
    " ",
    "C:",
    "\\",
    "ü",
    "%C3",
    "A",
];

fn nearly_address() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_breaks_the_reader(text in any::<String>()) {
        let _ = RepositoryUrl::parse(&text);
        let _ = RepositoryUrl::of_aux_id(&text);
    }

    #[test]
    fn what_git_is_given_is_the_same_repository(text in nearly_address()) {
        if let Ok(url) = RepositoryUrl::parse(&text) {
            let again = RepositoryUrl::parse(url.fetch_url());
            prop_assert!(again.is_ok(), "{} -> {}: {}", text, url.fetch_url(), again.unwrap_err());
            let again = again.unwrap();
            prop_assert_eq!(again.key(), url.key(), "{} -> {}", text, url.fetch_url());
            prop_assert_eq!(again.requested_ref(), None);
            prop_assert_eq!(again.fetch_url(), url.fetch_url());
            prop_assert!(!url.fetch_url().starts_with('-'));
            prop_assert!(!url.key().ends_with('/'));
        }
    }

    #[test]
    fn a_reference_comes_back_as_it_was_given(reference in "[a-z0-9][a-z0-9_/-]{0,8}[a-z0-9](\\.[a-z0-9]{1,3})?", at in 0..SAME.len()) {
        prop_assume!(!reference.contains("//"));
        let bare = read(SAME[at]);
        let url = read(&format!("{}@{reference}", bare.fetch_url()));
        prop_assert_eq!(url.requested_ref(), Some(reference.as_str()));
        prop_assert_eq!(url.key(), bare.key());
    }
}
