//! What a client does with its tokens.

use std::time::Duration;

use poem::Response;
use serde_json::Value;

use super::{
    App, arrive,
    exchange::{Call, Exchange},
    home::Trouble,
    id_token::{self, Expected, Nonce},
    session::{SignedIn, Visitor},
};
use crate::{page, server::Asked};

/// OpenID Connect Core 1.0 §5.3.
pub(super) async fn userinfo(app: &App, visitor: &Visitor) -> Result<Response, Trouble> {
    let SignedIn { provider, access_token, sub, .. } = visitor.signed_in(app)?;
    let call = Call::get("Userinfo", "OpenID Connect Core 1.0 §5.3.1", &provider.userinfo_endpoint).with_token(&access_token);
    let mut reply = app.http.send(call, app.now()).await;
    reply.exchange.note = reply.ok.map(|claims| {
        // §5.3.4: otherwise the answer is about somebody else.
        reply.exchange.is_good = claims["sub"] == sub;
        if reply.exchange.is_good {
            "Its sub is the ID token's, so the claims may be used."
        } else {
            "Its sub is not the ID token's: the claims must not be used."
        }
    });
    Ok(noted(app, visitor, reply.exchange))
}

/// RFC 6749 §6, OpenID Connect Core 1.0 §12.
pub(super) async fn refresh(app: &App, visitor: &Visitor) -> Result<Response, Trouble> {
    let (client, mut signed_in) = (app.client()?, visitor.signed_in(app)?);
    let Some(token) = signed_in.refresh_token.clone() else { return Err(Trouble::no_refresh_token()) };
    let form = vec![("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    let call = Call::post("Refresh", "RFC 6749 §6", &signed_in.provider.token_endpoint, client, form);
    let mut reply = app.http.send(call, app.now()).await;
    let Some(tokens) = reply.ok.and_then(arrive::tokens) else { return Ok(noted(app, visitor, reply.exchange)) };
    let now = app.now();
    if let Some(id_token) = tokens.id_token {
        let expected = Expected {
            issuer: &signed_in.provider.issuer,
            client_id: &client.client_id,
            nonce: Nonce::SameIfPresent(&signed_in.nonce),
            sub: Some(&signed_in.sub),
            access_token: &tokens.access_token,
            now: now.as_secs(),
        };
        let (sub, checks) = id_token::check(&id_token, &expected);
        if sub.is_none() {
            return Err(Trouble::new("The refreshed ID token is not good", "The tokens of before are kept.")
                .with(reply.exchange)
                .checked(checks));
        }
        (signed_in.id_token, signed_in.checks) = (id_token, checks);
    }
    signed_in.access_token = tokens.access_token;
    signed_in.expires = now + Duration::from_secs(tokens.expires_in);
    if tokens.refresh_token.is_some() {
        signed_in.refresh_token = tokens.refresh_token;
        reply.exchange.note = Some("There is a new refresh token; the one that was sent has done its service.");
    }
    visitor.session(app, |session| session.signed_in = Some(signed_in));
    Ok(noted(app, visitor, reply.exchange))
}

/// RFC 7662.
pub(super) async fn introspect(app: &App, visitor: &Visitor, asked: &Asked) -> Result<Response, Trouble> {
    let signed_in = visitor.signed_in(app)?;
    let endpoint = signed_in.provider.introspection_endpoint.as_ref().ok_or_else(|| Trouble::not_offered("introspection_endpoint"))?;
    let mut exchange = present(app, "Introspection", "RFC 7662 §2.1", endpoint, &signed_in, asked).await?.1;
    if exchange.received.contains("\"active\": false") {
        exchange.note = Some("The token is good for nothing any more. Nobody is told why.");
    }
    Ok(noted(app, visitor, exchange))
}

/// RFC 7009.
pub(super) async fn revoke(app: &App, visitor: &Visitor, asked: &Asked) -> Result<Response, Trouble> {
    let signed_in = visitor.signed_in(app)?;
    let endpoint = signed_in.provider.revocation_endpoint.as_ref().ok_or_else(|| Trouble::not_offered("revocation_endpoint"))?;
    let (ok, mut exchange) = present(app, "Revocation", "RFC 7009 §2.1", endpoint, &signed_in, asked).await?;
    exchange.note =
        ok.map(|_| "Revoked. The app still holds the token: call userinfo, introspect or refresh to see that it no longer works.");
    Ok(noted(app, visitor, exchange))
}

/// Sends the chosen token to an endpoint that says or does something about it.
async fn present(
    app: &App,
    title: &'static str,
    rule: &'static str,
    endpoint: &str,
    signed_in: &SignedIn,
    asked: &Asked,
) -> Result<(Option<Value>, Exchange), Trouble> {
    let (token, hint) = match (asked.form.get("token"), &signed_in.refresh_token) {
        (Some("refresh"), Some(token)) => (token, "refresh_token"),
        (Some("refresh"), None) => return Err(Trouble::no_refresh_token()),
        _ => (&signed_in.access_token, "access_token"),
    };
    let form = vec![("token", token.as_str()), ("token_type_hint", hint)];
    let reply = app.http.send(Call::post(title, rule, endpoint, app.client()?, form), app.now()).await;
    Ok((reply.ok, reply.exchange))
}

/// Back to the page, where the newest exchange stands open.
fn noted(app: &App, visitor: &Visitor, exchange: Exchange) -> Response {
    visitor.session(app, |session| session.note(exchange));
    page::see_other("/#exchanges")
}
