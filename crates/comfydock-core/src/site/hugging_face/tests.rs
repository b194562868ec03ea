use super::*;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

fn from<'table>(table: &'table [(&'table str, &'table str)]) -> impl Fn(&str) -> Option<&'table str> {
    move |name| table.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
}

#[test]
fn the_linked_tag_is_the_files_hash_and_the_plain_one_is_not() {
    let hex = "ab".repeat(32);
    for tag in [format!("\"{hex}\""), format!("W/\"{hex}\""), hex.clone()] {
        let table = [("x-repo-commit", COMMIT), ("x-linked-etag", &tag), ("x-linked-size", "12"), ("etag", "\"cdn\"")];
        let read = resolved(from(&table)).unwrap();
        assert_eq!((read.sha256.unwrap().as_str(), read.size, read.commit.as_str()), (hex.as_str(), Some(12), COMMIT));
    }
    let small = resolved(from(&[("x-repo-commit", COMMIT), ("etag", &format!("\"{hex}\""))])).unwrap();
    assert_eq!((small.sha256, small.size), (None, None));
    assert_eq!(resolved(from(&[("x-linked-etag", &hex)])), None, "nothing to pin it to");
}

#[test]
fn files_of_a_tree_are_read() {
    let hex = "ab".repeat(32);
    let text = format!(
        r#"[{{"type":"directory","path":"d","oid":"x","size":0}},
            {{"type":"file","path":"d/a.safetensors","size":134,"oid":"git","lfs":{{"oid":"{hex}","size":99,"pointerSize":134}},"xetHash":"x"}},
            {{"type":"file","path":"b.json","size":5,"oid":"git"}}]"#
    );
    let read = entries(text.as_bytes()).unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!((read[0].size, read[0].sha256.as_ref().unwrap().as_str()), (Some(99), hex.as_str()));
    assert_eq!((read[1].size, read[1].sha256.as_ref()), (Some(5), None));
    assert!(entries(b"{\"error\":\"x\"}").is_err());
}

#[test]
fn pages() {
    for (link, next) in [
        ("<https://huggingface.co/api/x?cursor=a%3D>; rel=\"next\"", Some("https://huggingface.co/api/x?cursor=a%3D")),
        ("<https://a/>; rel=\"prev\", <https://b/>; rel=\"next\"", Some("https://b/")),
        ("<https://a/>; rel=\"xet-auth\"", None),
        ("", None),
    ] {
        assert_eq!(next_page(link), next, "{link}");
    }
}

#[test]
fn every_refusal_has_its_own_meaning() {
    for (status, table, meaning) in [
        (200, &[][..], None),
        (302, &[], None),
        (
            401,
            &[("x-error-code", "RepoNotFound"), ("x-error-message", "Invalid username or password.")],
            Some(Refusal::Login(Some("Invalid username or password.".to_owned()))),
        ),
        (401, &[("x-error-code", "GatedRepo")], Some(Refusal::Gated)),
        (403, &[("x-error-code", "GatedRepo")], Some(Refusal::Gated)),
        (403, &[], Some(Refusal::Forbidden(None))),
        (404, &[("x-error-code", "EntryNotFound")], Some(Refusal::Missing)),
        (404, &[("x-error-code", "RepoNotFound")], Some(Refusal::Missing)),
        (404, &[("x-error-code", "RevisionNotFound")], Some(Refusal::Missing)),
        (403, &[("x-error-message", "Access to this resource is disabled.")], Some(Refusal::Disabled)),
        (429, &[], Some(Refusal::Busy(Some(7)))),
        (451, &[], Some(Refusal::Region)),
        (502, &[], Some(Refusal::Broken(502))),
    ] {
        assert_eq!(refusal(status, Some(7), from(table)), meaning, "{status} {table:?}");
    }
}
