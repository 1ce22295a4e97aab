//! Which addresses may be reached.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// IPv4 blocks that are not globally reachable (RFC 6890 and its registry), and those that no upstream lives in.
const SPECIAL_V4: [Ipv4Net; 18] = [
    v4([0, 0, 0, 0], 8),       // this network
    v4([10, 0, 0, 0], 8),      // private
    v4([100, 64, 0, 0], 10),   // carrier-grade NAT
    v4([127, 0, 0, 0], 8),     // loopback
    v4([169, 254, 0, 0], 16),  // link-local, where clouds keep their metadata
    v4([172, 16, 0, 0], 12),   // private
    v4([192, 0, 0, 0], 24),    // protocol assignments
    v4([192, 0, 2, 0], 24),    // documentation
    v4([192, 31, 196, 0], 24), // AS112
    v4([192, 52, 193, 0], 24), // AMT
    v4([192, 88, 99, 0], 24),  // 6to4 relays
    v4([192, 168, 0, 0], 16),  // private
    v4([192, 175, 48, 0], 24), // AS112
    v4([198, 18, 0, 0], 15),   // benchmarks
    v4([198, 51, 100, 0], 24), // documentation
    v4([203, 0, 113, 0], 24),  // documentation
    v4([224, 0, 0, 0], 4),     // multicast
    v4([240, 0, 0, 0], 4),     // reserved, and broadcast
];

/// All of IPv6 that is assigned as global unicast (RFC 4291 §2.4). What lies outside is loopback, link-local, unique local, multicast or nothing.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// Blocks inside [`GLOBAL_V6`] that are not what they seem.
const SPECIAL_V6: [Ipv6Net; 4] = [
    v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), // protocol assignments; Teredo, which carries any IPv4 address, among them
    v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), // 6to4, which carries any IPv4 address
    v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), // documentation
];

/// IPv4 as IPv6 writes it, and as a network without IPv4 reaches it (RFC 6052): the address inside is what counts.
const MAPPED_V4: Ipv6Net = v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96);
const NAT64: Ipv6Net = v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const fn v4(octets: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]), prefix)
}

const fn v6(s: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]), prefix)
}

/// Whether an address belongs to the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|block| block.contains(&address)),
        IpAddr::V6(address) => match carried_v4(address) {
            Some(inner) => is_public(inner.into()),
            None => GLOBAL_V6.contains(&address) && !SPECIAL_V6.iter().any(|block| block.contains(&address)),
        },
    }
}

fn carried_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., a, b, c, d] = address.octets();
    (MAPPED_V4.contains(&address) || NAT64.contains(&address)).then_some(Ipv4Addr::new(a, b, c, d))
}

/// An exception to the rule that only public addresses are reached, by https and at the usual port: a test bench, or an issuer on the premises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedAddress {
    /// One host, by the name or address that stands in the URL, at one port; wherever its name leads.
    Endpoint {
        /// As a URL has it: lower case, IPv6 in brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// A network, at any port. Names that lead there are reached by https; http only works with the address itself in the URL.
    Network(IpNet),
}

/// What is wrong with an entry of the allow-list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is neither host:port, as issuer.internal:8443, nor a network, as 10.1.0.0/16")]
pub struct AllowedAddressError;

impl FromStr for AllowedAddress {
    type Err = AllowedAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(network) = text.parse() {
            return Ok(Self::Network(network));
        }
        let (host, port) = text.rsplit_once(':').ok_or(AllowedAddressError)?;
        let port = port.parse().map_err(|_| AllowedAddressError)?;
        // The same parser that will read the URLs, so that both write a host in the same way.
        let host = Host::parse(host).map_err(|_| AllowedAddressError)?.to_string();
        Ok(Self::Endpoint { host, port })
    }
}

impl fmt::Display for AllowedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Endpoint { host, port } => write!(f, "{host}:{port}"),
            Self::Network(network) => network.fmt(f),
        }
    }
}

impl AllowedAddress {
    /// Whether this entry names where the URL leads, so that neither the address nor the scheme matters.
    pub(super) fn names(&self, url: &Url) -> bool {
        match self {
            Self::Endpoint { host, port } => url.host_str() == Some(host) && url.port_or_known_default() == Some(*port),
            Self::Network(network) => literal(url).is_some_and(|address| network.contains(&address)),
        }
    }

    pub(super) fn is_network(&self) -> bool {
        matches!(self, Self::Network(_))
    }

    pub(super) fn covers(&self, address: IpAddr) -> bool {
        matches!(self, Self::Network(network) if network.contains(&address))
    }
}

/// The address, when the URL's host is one. The parser has turned `2130706433`, `0x7f.1` and `0177.0.0.1` into `127.0.0.1` by now.
pub(super) fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_42_special_addresses_are_not_public() {
        for special in [
            "0.0.0.0",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.170",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(special.parse().unwrap()), "{special}");
        }
        for public in ["8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn an_exception_is_a_host_with_a_port_or_a_network() {
        let endpoint = |host: &str, port| Ok(AllowedAddress::Endpoint { host: host.into(), port });
        assert_eq!("127.0.0.1:80".parse(), endpoint("127.0.0.1", 80));
        assert_eq!("[::1]:8443".parse(), endpoint("[::1]", 8443));
        assert_eq!("Issuer.Internal:443".parse(), endpoint("issuer.internal", 443));
        assert_eq!("10.0.0.0/8".parse(), Ok(AllowedAddress::Network("10.0.0.0/8".parse().unwrap())));
        for bad in ["", "issuer.internal", "issuer.internal:", ":443", "a b:1", "https://a:1", "10.0.0.0/33", "127.0.0.1", "a:65536"] {
            assert_eq!(bad.parse::<AllowedAddress>(), Err(AllowedAddressError), "{bad}");
        }
    }

    #[test]
    fn an_exception_is_for_its_own_port_and_host_alone() {
        let allowed: AllowedAddress = "issuer.internal:443".parse().unwrap();
        let names = |url: &str| allowed.names(&url.parse().unwrap());
        assert!(names("https://ISSUER.internal/x") && names("http://issuer.internal:443/"));
        assert!(!names("https://issuer.internal:8443/") && !names("http://issuer.internal/") && !names("https://issuer.internal./"));
        assert!(!names("https://issuer.internal.evil.example/") && !names("https://evil.example:443/issuer.internal"));
    }
}
