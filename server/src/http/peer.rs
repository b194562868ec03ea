//! Where a request comes from, proxies that are believed looked through.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::HeaderMap;

/// The other end, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer {
    /// The address of the client.
    pub(super) address: IpAddr,
    /// Whether the client speaks TLS, with a proxy in front of the hub.
    pub(super) is_encrypted: bool,
}

impl Peer {
    /// Reads it. Headers say nothing unless the connection comes from a trusted proxy; then the
    /// client is the right-most address that is no such proxy: what stands left of it, anybody can
    /// write there.
    pub(super) fn find(connection: Option<SocketAddr>, headers: &HeaderMap, trusted: &[IpAddr]) -> Self {
        let direct = connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip().to_canonical());
        let is_trusted = |address: IpAddr| trusted.iter().any(|proxy| proxy.to_canonical() == address);
        if !is_trusted(direct) {
            return Self { address: direct, is_encrypted: false };
        }
        let lines: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().map(|line| line.to_str().unwrap_or_default()).collect();
        let mut address = direct;
        for hop in lines.join(",").rsplit(',') {
            let Some(found) = read_hop(hop.trim()) else { break };
            address = found;
            if !is_trusted(found) {
                break;
            }
        }
        let is_encrypted = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
        Self { address, is_encrypted }
    }
}

/// A proxy of this machine or network that speaks of a client and is not believed: most likely one that
/// `access.trusted_proxies` should name.
pub(super) fn unnamed_proxy(connection: Option<SocketAddr>, headers: &HeaderMap, trusted: &[IpAddr]) -> Option<IpAddr> {
    let direct = connection?.ip().to_canonical();
    let is_near = match direct {
        IpAddr::V4(address) => address.is_loopback() || address.is_private(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    };
    let is_trusted = trusted.iter().any(|proxy| proxy.to_canonical() == direct);
    (is_near && !is_trusted && headers.contains_key("x-forwarded-for")).then_some(direct)
}

/// An address as proxies write it, with or without a port.
fn read_hop(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']');
    let address: Option<IpAddr> = text.parse().ok().or_else(|| bare()?.parse().ok());
    address
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_proxy_nearby_that_is_not_named_is_noticed() {
        let headers =
            HeaderMap::from_iter([("x-forwarded-for".parse().unwrap(), HeaderValue::from_static("203.0.113.9"))]);
        let trusted = ["10.0.0.1".parse().unwrap()];
        let find = |connection: &str, headers: &HeaderMap| unnamed_proxy(connection.parse().ok(), headers, &trusted);
        for near in ["127.0.0.1:1", "10.0.0.2:1", "[::1]:1", "[fd00::2]:1"] {
            assert_eq!(find(near, &headers), Some(near.parse::<SocketAddr>().unwrap().ip()), "{near}");
            assert_eq!(find(near, &HeaderMap::new()), None, "{near}");
        }
        // One that is named; and the world, where anybody writes such headers.
        assert_eq!((find("10.0.0.1:1", &headers), find("203.0.113.9:1", &headers)), (None, None));
    }

    #[test]
    fn only_trusted_proxies_say_where_a_request_comes_from() {
        let trusted: Vec<IpAddr> = vec!["10.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        for (connection, forwarded, expected) in [
            ("192.0.2.7:1", vec!["203.0.113.9"], "192.0.2.7"),
            ("10.0.0.1:1", vec![], "10.0.0.1"),
            ("10.0.0.1:1", vec!["203.0.113.9"], "203.0.113.9"),
            ("[::ffff:10.0.0.1]:1", vec!["203.0.113.9"], "203.0.113.9"),
            ("[::1]:1", vec!["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.1:1", vec!["1.2.3.4, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1:1", vec!["1.2.3.4", "203.0.113.9:4711, 10.0.0.1"], "203.0.113.9"),
            ("10.0.0.1:1", vec!["1.2.3.4, nonsense"], "10.0.0.1"),
            ("10.0.0.1:1", vec!["1.2.3.4, nonsense, 10.0.0.1"], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in &forwarded {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            let peer = Peer::find(Some(connection.parse().unwrap()), &headers, &trusted);
            assert_eq!(peer.address, expected.parse::<IpAddr>().unwrap(), "{connection} {forwarded:?}");
        }
    }

    #[test]
    fn tls_in_front_of_the_hub_is_believed_of_trusted_proxies_only() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-proto", "https".parse().unwrap());
        let peer = |from: &str| Peer::find(Some(from.parse().unwrap()), &headers, &["10.0.0.1".parse().unwrap()]);
        assert!(peer("10.0.0.1:1").is_encrypted);
        assert!(!peer("10.0.0.2:1").is_encrypted);
    }
}
