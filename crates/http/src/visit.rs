//! One request, read at the door: who, when, from where, under which reference, and what the form says.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, Method, header};
use poem::{Addr, Request};
use vestibule_domain::audit::{Source, Witness};
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
    let user_agent = request.headers().get(header::USER_AGENT).map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes());
        text.chars().filter(|c| !c.is_control()).take(200).collect()
    });
    let source = Source { ip: client_address(house, request), user_agent };
    Witness { now: house.gateway.clock().now(), source, trace_id: Some(trace_id) }
}

/// The peer, or, where the peer is a trusted proxy, the nearest address before it that is not one (attack 45).
fn client_address(house: &House, request: &Request) -> Option<IpAddr> {
    let mut address = peer(request)?;
    if !house.trusts(address) {
        return Some(address);
    }
    let said = request.headers().get_all("x-forwarded-for");
    let hops: Vec<&str> = said.iter().filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).collect();
    for hop in hops.iter().rev() {
        let hop = hop.trim();
        let Some(before) = hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|hop| hop.ip())) else { break };
        address = before;
        if !house.trusts(address) {
            break;
        }
    }
    Some(address)
}

/// Who is at the other end of the connection.
pub(crate) fn peer(request: &Request) -> Option<IpAddr> {
    match &request.remote_addr().0 {
        Addr::SocketAddr(address) => Some(address.ip().to_canonical()),
        _ => None,
    }
}
