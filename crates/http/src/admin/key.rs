//! Who is calling.

use http::{HeaderMap, header};
use poem::Request;
use poem_openapi::{SecurityScheme, auth::Bearer};
use vestibule_domain::{audit::Witness, operator::Operator};
use vestibule_flows::Gateway;

use super::problem::Problem;

// Attack 86: a query is logged on the way, and any page makes a browser send a cookie.
/// An admin key in the `Authorization` header. It is not looked for anywhere else.
#[derive(SecurityScheme)]
#[oai(rename = "AdminKey", ty = "bearer", checker = "caller")]
pub(crate) struct Key(pub(crate) Caller);

/// Whoever holds an admin key that works and may do what the operation does, and the circumstances of the request.
#[derive(Clone)]
pub(crate) struct Caller {
    /// What the operation acts by: the gateway, or one that only tries what would be done.
    pub(crate) gateway: Gateway,
    pub(crate) operator: Operator,
    pub(crate) witness: Witness,
}

/// The one bearer token of a request. A proxy may look at one of two keys and we at the other.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (only, None) = (all.next()?, all.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}

/// They were looked at before the request came here.
#[expect(clippy::unused_async, reason = "the library awaits it")]
async fn caller(request: &Request, _: Bearer) -> poem::Result<Caller> {
    request.data::<Caller>().cloned().ok_or_else(|| Problem::internal().into())
}
