//! Which address does a client have, if there may be a proxy in between? (spec: http.md#client-address)

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

use application::limits::address::ClientAddress;
use ipnet::IpNet;
use poem::http::HeaderMap;

use super::address::Address;

/// What proxies name their clients in.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The word for [`PRIVATE`] in a list.
const PRIVATE_WORD: &str = "private";

/// Addresses that nobody has on the Internet: of this machine, of private networks, and of what providers keep to
/// themselves.
const PRIVATE: [&str; 9] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// The addresses whose connections carry the requests of others. Those over a Unix socket always do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl Default for TrustedProxies {
    fn default() -> Self {
        Self(private().collect())
    }
}

fn private() -> impl Iterator<Item = IpNet> {
    PRIVATE.iter().filter_map(|network| network.parse().ok())
}

impl FromStr for TrustedProxies {
    type Err = &'static str;

    /// Reads a list such as `private,203.0.113.7,2001:db8::/64`, or `none`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str =
            "a comma-separated list of addresses, networks such as 192.0.2.0/24, and private; or none";
        if matches!(text, "" | "none") {
            return Ok(Self(Arc::default()));
        }
        let mut networks = Vec::new();
        for word in text.split(',').map(str::trim) {
            match (word, word.parse::<IpNet>(), word.parse::<IpAddr>()) {
                (PRIVATE_WORD, _, _) => networks.extend(private()),
                (_, Ok(network), _) => networks.push(network),
                (_, Err(_), Ok(address)) => networks.push(address.into()),
                (_, Err(_), Err(_)) => return Err(EXPECTED),
            }
        }
        Ok(Self(networks.into()))
    }
}

impl TrustedProxies {
    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Returns the address whose connections are limited together; `None`: `peer` may have as many as it likes.
    pub(super) fn of_connection(&self, peer: &Address) -> Option<ClientAddress> {
        match peer {
            Address::Network(peer) if !self.trusts(peer.ip()) => Some(peer.ip().into()),
            Address::Network(_) | Address::Unix(_) => None,
        }
    }

    /// Returns the address whose streams are limited together (`peer`, or whom it speaks for); `None`: unknown, or
    /// without a limit. `peer` is `None` on a Unix socket.
    pub(super) fn of_request(&self, peer: Option<SocketAddr>, headers: &HeaderMap) -> Option<ClientAddress> {
        if let Some(peer) = peer
            && !self.trusts(peer.ip())
        {
            return Some(peer.ip().into());
        }
        // Each proxy appends who asked it, so that only what trusted ones wrote is believed.
        let values: Vec<&str> = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
        for value in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            let address = forwarded(value.trim())?;
            if !self.trusts(address) {
                return Some(address.into());
            }
        }
        None
    }
}

/// Some proxies add the port.
fn forwarded(text: &str) -> Option<IpAddr> {
    let address = text.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    address.or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[track_caller]
    fn check_list(text: &str, trusted: &[&str], others: &[&str]) {
        let list: TrustedProxies = text.parse().expect("a list");
        for peer in trusted {
            assert!(list.trusts(address(peer)), "{text} {peer}");
        }
        for peer in others {
            assert!(!list.trusts(address(peer)), "{text} {peer}");
        }
    }

    #[test]
    fn who_speaks_for_others_is_a_list() {
        let private = [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "::ffff:10.0.0.1",
            "fd00::1",
            "fe80::1",
            "100.64.0.1",
        ];
        let public = ["203.0.113.7", "172.32.0.1", "2001:db8::1", "::ffff:203.0.113.7", "100.128.0.1"];
        check_list("private", &private, &public);
        check_list("none", &[], &private);
        check_list("", &[], &private);
        check_list("private, 203.0.113.7", &["203.0.113.7", "127.0.0.1"], &["203.0.113.8"]);
        check_list("2001:db8::/32", &["2001:db8:1::1"], &private);
        assert_eq!(TrustedProxies::default(), "private".parse().expect("a list"));
        for wrong in ["all", "private,", "10.0.0.0/33", "proxy.example", "none,private"] {
            assert!(wrong.parse::<TrustedProxies>().is_err(), "{wrong}");
        }
    }

    /// Checks who counts as the client of a request from `peer` (empty: a Unix socket) with these header fields.
    #[track_caller]
    fn check(peer: &str, forwarded: &[&str], expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).expect("a header value"));
        }
        let peer = (!peer.is_empty()).then(|| SocketAddr::new(address(peer), 1));
        let expected = expected.map(|expected| ClientAddress::from(address(expected)));
        assert_eq!(TrustedProxies::default().of_request(peer, &headers), expected, "{peer:?} {forwarded:?}");
    }

    /// (spec: http.md#client-address)
    #[test]
    fn only_trusted_proxies_are_believed() {
        let client = Some("203.0.113.7");
        check("203.0.113.7", &[], client);
        check("203.0.113.7", &["198.51.100.1"], client);
        check("10.0.0.1", &["203.0.113.7"], client);
        check("", &["203.0.113.7"], client);
        check("10.0.0.1", &["198.51.100.1, 203.0.113.7"], client);
        check("10.0.0.1", &["198.51.100.1", "203.0.113.7, 10.0.0.2"], client);
        check("10.0.0.1", &["203.0.113.7:4711"], client);
        check("10.0.0.1", &["[2001:db8::1]:4711"], Some("2001:db8::1"));
        check("10.0.0.1", &["[2001:db8::1]"], Some("2001:db8::1"));
        check("10.0.0.1", &["2001:db8::1"], Some("2001:db8::1"));
    }

    /// A hall must not be taken for one client.
    #[test]
    fn a_proxy_that_names_nobody_has_no_limit() {
        check("10.0.0.1", &[], None);
        check("", &[], None);
        check("10.0.0.1", &["10.0.0.2"], None);
        check("10.0.0.1", &["unknown"], None);
        check("10.0.0.1", &["203.0.113.7, unknown"], None);
    }

    /// (spec: http.md#client-address)
    #[test]
    fn connections_are_limited_by_who_connects() {
        let proxies = TrustedProxies::default();
        let peer = |text: &str| Address::Network(SocketAddr::new(address(text), 1));
        assert_eq!(proxies.of_connection(&peer("203.0.113.7")), Some(address("203.0.113.7").into()));
        assert_eq!(proxies.of_connection(&peer("10.0.0.1")), None);
        assert_eq!(proxies.of_connection(&Address::Unix(None)), None);
    }
}
