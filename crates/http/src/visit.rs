//! One request, read at the door: who, when, from where, under which reference, and what the form says.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, Method, header};
use poem::{Addr, Request};
use vestibule_domain::audit::{Source, Witness, bounded_to};
use vestibule_protocol::parameters::{ParameterError, Parameters};

use crate::house::House;

/// A request with its body read.
pub(crate) struct Visit {
    pub(crate) witness: Witness,
    pub(crate) request: Request,
    pub(crate) body: Vec<u8>,
}

/// Why the parameters of a request can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormFault {
    /// A POST whose body is not a form.
    ContentType,
    /// Not UTF-8, broken percent-encoding, or too many.
    Malformed(ParameterError),
}

impl FormFault {
    /// For the app's developer.
    pub(crate) fn explanation(self) -> &'static str {
        match self {
            Self::ContentType => "the body must be application/x-www-form-urlencoded",
            Self::Malformed(_) => "the parameters are not a well-formed form in UTF-8, or there are too many",
        }
    }
}

impl Visit {
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    pub(crate) fn is_post(&self) -> bool {
        self.request.method() == Method::POST
    }

    /// The reference that pages show and logs carry.
    pub(crate) fn reference(&self) -> &str {
        self.witness.trace_id.as_deref().unwrap_or_default()
    }

    /// The parameters where they belong: the form of a POST, the query of anything else. Never both (OAuth 2.1 §3.1).
    pub(crate) fn parameters(&self) -> Result<Parameters, FormFault> {
        if !self.is_post() {
            let query = self.request.uri().query().unwrap_or_default();
            return Parameters::parse(query.as_bytes()).map_err(FormFault::Malformed);
        }
        let kind = self.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !self.body.is_empty() && !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(FormFault::ContentType);
        }
        Parameters::parse(&self.body).map_err(FormFault::Malformed)
    }
}

/// What every event of a request shares.
pub(crate) fn witness(house: &House, request: &Request, trace_id: String) -> Witness {
    let user_agent = request.headers().get(header::USER_AGENT).map(|value| bounded_to(&String::from_utf8_lossy(value.as_bytes()), 200));
    let source = Source { ip: client_address(house, request), user_agent, country: None };
    Witness { now: house.gateway.clock().now(), source, trace_id: Some(trace_id) }
}

fn client_address(house: &House, request: &Request) -> Option<IpAddr> {
    let peer = peer(request)?;
    Some(forwarded(peer, request.headers(), |address| house.trusts(address)))
}

/// The peer, or, where the peer is a trusted proxy, the nearest address before it that is not one (attack 45). What a proxy wrote stands at
/// the end of the list; whatever stands before an untrusted address was written by a stranger.
fn forwarded(peer: IpAddr, headers: &HeaderMap, trusts: impl Fn(IpAddr) -> bool) -> IpAddr {
    let said = headers.get_all("x-forwarded-for");
    let hops: Vec<&str> = said.iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).collect();
    let mut address = peer;
    for hop in hops.iter().rev().map(|hop| hop.trim()) {
        if !trusts(address) {
            break;
        }
        let Some(before) = hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|hop| hop.ip())) else { break };
        address = IpAddr::to_canonical(&before);
    }
    address
}

/// The name, and the port if there is one, under which we were called.
pub(crate) fn called(request: &Request) -> Option<&str> {
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    host.or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
}

/// Who is at the other end of the connection.
pub(crate) fn peer(request: &Request) -> Option<IpAddr> {
    match &request.remote_addr().0 {
        Addr::SocketAddr(address) => Some(address.ip().to_canonical()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn attack_45_an_address_is_only_as_good_as_who_says_it() {
        let proxies = ["10.0.0.1", "10.0.0.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let from = |peer: &str, said: &[&str]| {
            let headers: HeaderMap = said
                .iter()
                .map(|text| (header::HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(text).unwrap()))
                .collect();
            forwarded(peer.parse().unwrap(), &headers, |address| proxies.contains(&address)).to_string()
        };
        assert_eq!(from("192.0.2.9", &["198.51.100.1"]), "192.0.2.9", "a stranger's word counts for nothing");
        assert_eq!(from("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(from("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("10.0.0.1", &["203.0.113.5, 198.51.100.1"]), "198.51.100.1", "what stands before was written by a stranger");
        assert_eq!(from("10.0.0.1", &["203.0.113.5, 198.51.100.1, 10.0.0.2"]), "198.51.100.1", "through two proxies");
        assert_eq!(from("10.0.0.1", &["203.0.113.5", "198.51.100.1"]), "198.51.100.1", "two headers are one list");
        assert_eq!(from("10.0.0.1", &["198.51.100.1, junk"]), "10.0.0.1", "nobody is guessed");
        assert_eq!(from("10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1", "one address has one form");
        assert_eq!(from("10.0.0.1", &["198.51.100.1:4711", "[2001:db8::1]:443"]), "2001:db8::1");
    }

    proptest::proptest! {
        #[test]
        fn any_header_leaves_an_address_that_its_writer_did_not_choose(lines in proptest::collection::vec("[ -~]{0,60}|[0-9a-f.:, \\[\\]]{0,60}", 0..4)) {
            let headers: HeaderMap = lines
                .iter()
                .map(|text| (header::HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(text).unwrap()))
                .collect();
            let stranger: IpAddr = "192.0.2.9".parse().unwrap();
            proptest::prop_assert_eq!(forwarded(stranger, &headers, |_| false), stranger);
            // Through one proxy it is the proxy's own line that counts, which is the last.
            let proxy: IpAddr = "10.0.0.1".parse().unwrap();
            let mut behind = headers;
            behind.append("x-forwarded-for", HeaderValue::from_static("198.51.100.1"));
            proptest::prop_assert_eq!(forwarded(proxy, &behind, |address| address == proxy).to_string(), "198.51.100.1");
        }
    }
}
