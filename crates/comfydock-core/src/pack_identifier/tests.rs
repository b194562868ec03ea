use super::*;

fn registry(text: &str) -> (String, Option<String>) {
    match Identifier::parse(text) {
        Ok(Identifier::Registry { id, version }) => (id.to_string(), version.map(|version| version.to_string())),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn ids_of_the_registry() {
    for (text, id, version) in [
        ("comfyui-impact-pack", "comfyui-impact-pack", None),
        ("ComfyUI-WanVideoWrapper", "ComfyUI-WanVideoWrapper", None),
        (" rgthree-comfy ", "rgthree-comfy", None),
        ("x@8.8.1", "x", Some("8.8.1")),
        ("x@2.5", "x", Some("2.5.0")),
        ("x@2", "x", Some("2.0.0")),
        ("x@v1.2.3", "x", Some("1.2.3")),
        ("rgthree-comfy@1.0.2608210019", "rgthree-comfy", Some("1.0.2608210019")),
        ("x@latest", "x", None),
        ("x@Latest", "x", None),
        ("was_node.suite@01.2.3", "was_node.suite", Some("1.2.3")),
    ] {
        assert_eq!(registry(text), (id.to_owned(), version.map(str::to_owned)), "{text}");
    }
    let [one, other] = ["ComfyUI-X", "comfyui-x"].map(|text| RegistryId::parse(text).unwrap());
    assert_eq!(one, other);
    assert_eq!(one.key(), "comfyui-x");
    assert_eq!(one.to_string(), "ComfyUI-X", "it is shown as it was written");
    assert_eq!(one.cmp(&other), std::cmp::Ordering::Equal);
}

#[test]
fn repositories() {
    for (text, key, reference) in [
        ("https://github.com/U/R", "github.com/u/r", None),
        ("https://github.com/U/R@v1.2", "github.com/u/r", Some("v1.2")),
        ("git@github.com:U/R.git@feature/x", "github.com/u/r", Some("feature/x")),
        ("github.com:U/R", "github.com/u/r", None),
        ("/srv/git/R", "/srv/git/R", None),
        ("file:///srv/git/R@main", "/srv/git/R", Some("main")),
    ] {
        let Ok(Identifier::Repository { url, reference: found }) = Identifier::parse(text) else { panic!("{text}") };
        assert_eq!((url.key(), found.as_deref()), (key, reference), "{text}");
    }
}

#[test]
fn what_names_no_pack_says_what_was_meant() {
    for (text, message, hint) in [
        ("", "it is empty", ""),
        ("-x", "starts with `-`", ""),
        ("--help", "starts with `-`", ""),
        ("..", "relative path", "whole path"),
        ("./pack", "relative path", "whole path"),
        ("~/pack", "relative path", "whole path"),
        ("U/R", "neither a scheme", "https://github.com/U/R"),
        ("github.com/U/R", "neither a scheme", "https://github.com/U/R"),
        ("hhttps://github.com/U/R", "hhttps", "did you mean https?"),
        ("ext::sh -c x", "another program", ""),
        ("C:\\pack", "path of Windows", ""),
        ("a\\b", "backslash", ""),
        ("näme", "only letters", ""),
        ("x.disabled", "ComfyUI skips", ""),
        ("con", "Windows keeps", ""),
        ("x==1.2.3", "only letters", "did you mean x@1.2.3?"),
        ("x>=1.2", "only letters", "x@1.2.3"),
        ("@1.2.3", "it is empty", ""),
        ("x@", "three numbers", "x@1.2.3"),
        ("x@main", "three numbers", "git URL"),
        ("x@1.2.3.4", "three numbers", ""),
        ("x@1.2.3-beta", "three numbers", ""),
        ("x@99999999999999999999", "three numbers", ""),
        ("x@+1.2.3", "three numbers", ""),
        ("x@nightly", "released versions only", "git repository"),
        ("x@unknown", "released versions only", "git repository"),
    ] {
        let error = Identifier::parse(text).unwrap_err();
        assert!(error.to_string().contains(message), "{text}: {error}");
        let found = error.hint().unwrap_or_default();
        assert!(found.contains(hint), "{text}: {found}");
    }
}

#[test]
fn versions_have_an_order() {
    let mut versions: Vec<Version> =
        ["1.10.0", "1.9.9", "1.0.2608210019", "0.9", "2"].iter().filter_map(|text| Version::parse(text)).collect();
    versions.sort();
    let sorted: Vec<String> = versions.iter().map(ToString::to_string).collect();
    assert_eq!(sorted, ["0.9.0", "1.0.2608210019", "1.9.9", "1.10.0", "2.0.0"]);
}

#[test]
fn a_folder_is_named_with_or_without_the_one_above() {
    for text in ["pack", "pack/", "custom_nodes/pack", "./custom_nodes/pack/"] {
        assert_eq!(directory(text).unwrap().as_str(), "pack", "{text}");
    }
    for text in ["", "..", "a/b", "/srv/pack"] {
        assert!(directory(text).is_err(), "{text}");
    }
}
