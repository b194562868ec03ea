//! Which addresses may be asked for a model (formats.md, Sources).
//!
//! A manifest or a catalog comes from others. Without consent only https URLs on public addresses
//! are opened, and the address is checked after its name was looked up. The hub the user logged in
//! to is consented to by that.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use url::Url;

use super::Error;

/// The hosts a user has consented to, as `host` (any port) or `host:port`.
#[derive(Debug, Clone, Default)]
pub struct Consent {
    hosts: BTreeSet<String>,
}

impl Consent {
    /// Consent to these hosts.
    pub fn to<I: IntoIterator<Item = String>>(hosts: I) -> Self {
        Self {
            hosts: hosts
                .into_iter()
                .map(|host| host.trim().to_ascii_lowercase())
                .filter(|host| !host.is_empty())
                .collect(),
        }
    }

    /// Adds a host.
    pub fn add(&mut self, host: &str) {
        self.hosts.insert(host.to_ascii_lowercase());
    }

    /// Whether the user consented to the URL's host.
    pub fn covers(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let host = host.to_ascii_lowercase();
        self.hosts.contains(&host)
            || url.port_or_known_default().is_some_and(|port| self.hosts.contains(&format!("{host}:{port}")))
    }
}

/// Whether an address is out in the public network.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, third, _] = address.octets();
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_broadcast()
                || address.is_documentation()
                || address.is_multicast()
                || first == 0
                || first >= 240
                || (first == 100 && (64..128).contains(&second))
                || (first == 198 && (second == 18 || second == 19))
                || (first == 192 && second == 0 && third == 0))
        }
        IpAddr::V6(address) => {
            if let Some(mapped) = embedded(address) {
                return is_public(IpAddr::V4(mapped));
            }
            let first = address.segments()[0];
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || (first & 0xfe00) == 0xfc00
                || (first & 0xffc0) == 0xfe80
                || (first == 0x2001 && address.segments()[1] == 0xdb8))
        }
    }
}

/// The IPv4 address inside a mapped, translated (64:ff9b::/96) or 6to4 one.
fn embedded(address: Ipv6Addr) -> Option<std::net::Ipv4Addr> {
    let segments = address.segments();
    let last = |high: u16, low: u16| std::net::Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    address.to_ipv4_mapped().or(match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(last(high, low)),
        [0x2002, high, low, ..] => Some(last(high, low)),
        _ => None,
    })
}

/// Looks the URL's host up and returns the addresses that may be connected to: checked, so that a
/// second look-up cannot give others.
///
/// # Errors
/// [`Error::Guarded`] when neither consent nor publicness allows it.
pub async fn check(url: &Url, consent: &Consent) -> Result<Vec<SocketAddr>, Error> {
    let host =
        url.host_str().ok_or_else(|| Error::Url { text: url.to_string(), reason: "it has no host".to_owned() })?;
    let port = url.port_or_known_default().unwrap_or(443);
    let consented = consent.covers(url);
    if url.scheme() != "https" && !consented {
        return Err(refuse(url, host, "it is not https"));
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let found: Vec<SocketAddr> = tokio::net::lookup_host((bare.as_str(), port))
        .await
        .map_err(|error| Error::Lookup { host: host.to_owned(), reason: error.to_string() })?
        .collect();
    let usable: Vec<SocketAddr> = found.into_iter().filter(|address| consented || is_public(address.ip())).collect();
    if usable.is_empty() {
        return Err(refuse(url, host, "it is not on the public network"));
    }
    Ok(usable)
}

fn refuse(url: &Url, host: &str, why: &str) -> Error {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Error::Guarded {
        message: format!("`{host}{port}` is not asked without your consent: {why}"),
        hint: format!("if you trust it, add --allow-host {host}{port}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "172.32.0.1"] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn consent_is_for_a_host_and_never_for_a_part_of_its_name() {
        let consent = Consent::to(["nas.local".to_owned(), "10.0.0.5:8000".to_owned()]);
        for (url, covered) in [
            ("http://nas.local/x", true),
            ("http://NAS.local:81/x", true),
            ("http://nas.local.evil.example/x", false),
            ("http://evil.example/?nas.local", false),
            ("http://10.0.0.5:8000/x", true),
            ("http://10.0.0.5/x", false),
        ] {
            assert_eq!(consent.covers(&Url::parse(url).unwrap()), covered, "{url}");
        }
    }
}
