//! Who may be asked for bytes, after names were looked up.

use comfydock_core::hint::Hint as _;
use comfydock_workspace::remote::guard::{Consent, check};
use comfydock_workspace::remote::{Error, block_on};
use url::Url;

fn ask(url: &str, consent: &Consent) -> Result<usize, Error> {
    block_on(check(&Url::parse(url).unwrap(), consent)).map(|addresses| addresses.len())
}

#[test]
fn without_consent_only_https_on_the_public_network() {
    for (url, why) in [
        ("http://1.1.1.1/x", "not https"),
        ("http://127.0.0.1:8000/x", "not https"),
        ("https://127.0.0.1/x", "not on the public network"),
        ("https://localhost/x", "not on the public network"),
        ("https://2130706433/x", "not on the public network"),
        ("https://0x7f.1/x", "not on the public network"),
        ("https://[::1]:8443/x", "not on the public network"),
        ("https://[::ffff:10.0.0.1]/x", "not on the public network"),
        ("https://169.254.169.254/latest/meta-data", "not on the public network"),
    ] {
        let error = ask(url, &Consent::default()).unwrap_err();
        assert!(matches!(error, Error::Guarded { .. }), "{url}: {error}");
        assert!(error.to_string().contains(why), "{url}: {error}");
    }
    assert_eq!(ask("https://1.1.1.1/x", &Consent::default()).unwrap(), 1);
}

#[test]
fn the_hint_is_the_flag_that_consents() {
    let url = "http://127.0.0.1:8000/x";
    let hint = ask(url, &Consent::default()).unwrap_err().hint().unwrap();
    let host = hint.rsplit_once("--allow-host ").unwrap().1;
    assert_eq!(host, "127.0.0.1:8000");
    assert_eq!(ask(url, &Consent::to([host.to_owned()])).unwrap(), 1);
    assert!(ask("http://127.0.0.1:8001/x", &Consent::to([host.to_owned()])).is_err());
    let hint = ask("https://[::1]:8443/x", &Consent::default()).unwrap_err().hint().unwrap();
    let host = hint.rsplit_once("--allow-host ").unwrap().1;
    assert_eq!(ask("https://[::1]:8443/x", &Consent::to([host.to_owned()])).unwrap(), 1);
}

#[test]
fn a_name_that_leads_nowhere_is_named() {
    let error = ask("https://no-such-host.invalid/x", &Consent::default()).unwrap_err();
    assert!(matches!(error, Error::Lookup { .. }), "{error}");
    assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
}
