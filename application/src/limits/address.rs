//! Which addresses count as one client? (spec: http.md#fair-shares)

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The address of a client, as far as it is told apart from others: an IPv4 address, or the first 64 bits of an IPv6
/// address, because every host may choose the other half freely.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

/// The bits of an IPv6 address that name a network.
const NETWORK_BITS: u128 = !(u64::MAX as u128);

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK_BITS)),
            address @ IpAddr::V4(_) => address,
        })
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(formatter),
            IpAddr::V6(network) => write!(formatter, "{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: &str) {
        let address: IpAddr = address.parse().expect("an address");
        assert_eq!(ClientAddress::from(address).to_string(), expected);
    }

    #[test]
    fn a_host_cannot_have_many_addresses_by_choosing_them() {
        check("203.0.113.7", "203.0.113.7");
        check("::ffff:203.0.113.7", "203.0.113.7");
        check("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64");
        check("2001:db8:1:2::", "2001:db8:1:2::/64");
        check("2001:db8:1:3::", "2001:db8:1:3::/64");
    }
}
