//! Away to Vestibule: to sign in, or to sign out.

use std::sync::Arc;

use poem::Response;

use super::{
    App,
    exchange::{Exchange, lines_of},
    home::Trouble,
    provider::Provider,
    session::{Departure, Session, SignedIn, Visitor},
};
use crate::{page, random, server::Asked};

/// Sends the browser to the authorization endpoint (OpenID Connect Core 1.0 §3.1.2.1), with PKCE (RFC 7636 §4.3).
pub(super) async fn sign_in(app: &App, visitor: &Visitor, asked: &Asked) -> Result<Response, Trouble> {
    let client = app.client()?;
    let (provider, discovery) = Provider::discover(app, &client.issuer).await?;
    let [state, nonce, verifier] = [(); 3].map(|()| random::secret(app.entropy.as_ref()));
    let (scope, redirect_uri, challenge) = (provider.scope(), app.redirect_uri(), random::challenge(&verifier));
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", &client.client_id),
        ("redirect_uri", &redirect_uri),
        ("scope", &scope),
        ("state", &state),
        ("nonce", &nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    parameters.extend(asked.form.get("prompt").filter(|prompt| ["login", "none"].contains(prompt)).map(|prompt| ("prompt", prompt)));
    let endpoint = provider.authorization_endpoint.as_str();
    let away = page::with_query(endpoint, &parameters);
    let exchange = sent_by_browser(app, "Authorization request", "OpenID Connect Core 1.0 §3.1.2.1", endpoint, &parameters);
    let departure = Departure { state, nonce, verifier, provider: Arc::new(provider) };
    visitor.session(app, |session| {
        session.note(discovery);
        session.note(exchange);
        session.depart(departure);
    });
    Ok(page::see_other(&away))
}

/// Forgets the tokens. Vestibule's own session stays, so the next sign-in may ask nothing.
pub(super) fn sign_out_here(app: &App, visitor: &Visitor) -> Response {
    visitor.session(app, |session| *session = Session::new(app.entropy.as_ref()));
    page::see_other("/")
}

/// Forgets the tokens and sends the browser to end Vestibule's session too (RP-Initiated Logout 1.0 §2).
pub(super) fn sign_out_everywhere(app: &App, visitor: &Visitor) -> Result<Response, Trouble> {
    let SignedIn { provider, id_token, .. } = visitor.signed_in(app)?;
    let client = app.client()?;
    let endpoint = provider.end_session_endpoint.as_ref().ok_or_else(|| Trouble::not_offered("end_session_endpoint"))?;
    let (state, back) = (random::secret(app.entropy.as_ref()), app.post_logout_redirect_uri());
    let parameters =
        [("id_token_hint", id_token.as_str()), ("client_id", &client.client_id), ("post_logout_redirect_uri", &back), ("state", &state)];
    let exchange = sent_by_browser(app, "Logout request", "RP-Initiated Logout 1.0 §2", endpoint, &parameters);
    let away = page::with_query(endpoint, &parameters);
    let mut left = Session::new(app.entropy.as_ref());
    left.leaving = Some(state);
    left.note(exchange);
    visitor.session(app, |session| *session = left);
    Ok(page::see_other(&away))
}

/// A request that goes through the browser's address bar. Its answer arrives at another address of ours, as a request.
fn sent_by_browser(app: &App, title: &'static str, rule: &'static str, endpoint: &str, parameters: &[(&str, &str)]) -> Exchange {
    Exchange {
        title,
        rule,
        at: app.now(),
        sent: format!("GET {endpoint}\n\n{}", lines_of(parameters)),
        received: "Sent through the browser: Vestibule's pages come next, and its answer comes back the same way.".to_owned(),
        is_good: true,
        note: None,
    }
}
