use proptest::prelude::*;

use super::super::challenges;

/// `scheme name=value …` of each challenge.
fn shown(header: &str) -> Vec<String> {
    let one = |challenge: &super::super::Challenge| {
        let parameters = challenge.parameters.iter().map(|(name, value)| format!(" {name}={value}"));
        challenge.scheme.clone() + &parameters.collect::<String>()
    };
    challenges(header).iter().map(one).collect()
}

#[test]
fn what_registries_send() {
    for (header, read) in [
        (r#"Basic realm="basic-realm""#, &["basic realm=basic-realm"][..]),
        (
            r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:a/b:pull,push""#,
            &["bearer realm=https://ghcr.io/token scope=repository:a/b:pull,push service=ghcr.io"],
        ),
        (
            r#"Bearer realm="https://x/t?a=1,2" , service = "x" ,error="insufficient_scope", Basic realm="say \"x, y\"""#,
            &["bearer error=insufficient_scope realm=https://x/t?a=1,2 service=x", r#"basic realm=say "x, y""#],
        ),
        ("Negotiate, Basic realm=x", &["negotiate", "basic realm=x"]),
        ("Negotiate oYIBAAA=, BASIC Realm=x", &["negotiate", "basic realm=x"]),
        ("Basic realm=a, realm=b", &["basic realm=a"]),
        (",, Basic , ,", &["basic"]),
        ("Bearer", &["bearer"]),
        ("Bearer realm=\"never ends", &["bearer"]),
        ("realm=\"x\"", &[]),
        ("\"x\"", &[]),
        ("Basic/1 x", &[]),
        ("", &[]),
    ] {
        assert_eq!(shown(header), read, "{header}");
    }
}

proptest! {
    #[test]
    fn any_header_can_be_read(header in "\\PC{0,80}", odd in "(Basic|Bearer|[a=\", \\\\/]){0,30}") {
        for text in [header, odd] {
            for challenge in challenges(&text) {
                prop_assert!(!challenge.scheme.is_empty());
            }
        }
    }

    #[test]
    fn what_is_quoted_comes_back(
        offers in proptest::collection::vec(
            ("[A-Za-z][a-z]{0,6}", proptest::collection::btree_map("[a-z]{1,6}", "[ -~é]{0,20}", 1..4)), 1..4),
    ) {
        let quoted = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"");
        let one = |(scheme, parameters): &(String, std::collections::BTreeMap<String, String>)| {
            let all: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}=\"{}\"", quoted(value))).collect();
            format!("{scheme} {}", all.join(", "))
        };
        let header = offers.iter().map(one).collect::<Vec<_>>().join(", ");
        let read: Vec<_> = challenges(&header).into_iter().map(|challenge| (challenge.scheme, challenge.parameters)).collect();
        let meant: Vec<_> = offers.into_iter().map(|(scheme, parameters)| (scheme.to_ascii_lowercase(), parameters)).collect();
        prop_assert_eq!(read, meant);
    }
}
