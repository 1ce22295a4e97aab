//! Back from Vestibule, with a code or with an error.

use std::time::Duration;

use poem::Response;
use serde_json::Value;
use vestibule_protocol::{parameters::Parameters, responses::TokenResponse};

use super::{
    App, DemoClient,
    exchange::{Call, Exchange, Reply, lines_of},
    home::Trouble,
    id_token::{self, Expected, Nonce},
    provider::Provider,
    session::{Departure, Session, SignedIn, Visitor},
};
use crate::{page, server::Asked};

const ANSWER: &[&str] = &["code", "state", "iss", "error", "error_description"];

/// OpenID Connect Core 1.0 §3.1.2.5 and onwards: whose answer is it, is it good news, what is the code worth.
pub(super) async fn arrive(app: &App, visitor: &mut Visitor, asked: &Asked) -> Result<Response, Trouble> {
    let client = app.client()?;
    let callback = received(app, &asked.query);
    let departure = departure(app, visitor, &asked.query)?;
    if let Err(trouble) = comes_from(&departure.provider, &asked.query) {
        return Err(trouble.with(callback));
    }
    if let Some(error) = asked.query.get("error") {
        return Err(Trouble::told(error, asked.query.get("error_description")).with(callback));
    }
    let code =
        asked.query.get("code").ok_or_else(|| Trouble::new("Nothing came back", "There is neither a code nor an error in the answer."))?;
    let redirect_uri = app.redirect_uri();
    let form =
        vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &redirect_uri), ("code_verifier", &departure.verifier)];
    let call = Call::post("Code for tokens", "RFC 6749 §4.1.3", &departure.provider.token_endpoint, client, form);
    let reply = app.http.send(call, app.now()).await;
    let (signed_in, exchange) = believe(app, client, departure, reply)?;
    // Sign-ins under way in other tabs go on; the form token is made anew with the cookie.
    let fresh = Session::new(app.entropy.as_ref());
    let mut session = visitor.session(app, |session| session.clone()).unwrap_or_else(|| fresh.clone());
    (session.csrf, session.signed_in) = (fresh.csrf, Some(signed_in));
    session.note(callback);
    session.note(exchange);
    visitor.begin(app, session);
    Ok(page::see_other("/"))
}

/// The sign-in that this browser began, and that nobody brought back before (attack 12, attack 14).
fn departure(app: &App, visitor: &Visitor, query: &Parameters) -> Result<Departure, Trouble> {
    if !query.repeated(ANSWER).is_empty() {
        return Err(Trouble::new("That answer is ambiguous", "One of its parameters is there twice."));
    }
    let state = query.get("state").unwrap_or_default();
    visitor.session(app, |session| session.arrive(state)).flatten().ok_or_else(|| {
        Trouble::new(
            "This browser did not begin that sign-in",
            "Or it came back before, or the app was restarted in between. The answer was not used.",
        )
    })
}

/// RFC 9207 §2.4: an answer of another issuer is not for us, and one that hides its issuer isn't either if ours promised to say it.
fn comes_from(provider: &Provider, query: &Parameters) -> Result<(), Trouble> {
    match query.get("iss") {
        Some(iss) if iss == provider.issuer => Ok(()),
        None if !provider.says_iss => Ok(()),
        Some(_) => Err(Trouble::new("That answer is from another issuer", "Its iss is not Vestibule's. The answer was not used.")),
        None => Err(Trouble::new(
            "That answer hides its issuer",
            "Vestibule promises an iss in every answer. This one has none and was not used.",
        )),
    }
}

fn believe(app: &App, client: &DemoClient, departure: Departure, reply: Reply) -> Result<(SignedIn, Exchange), Trouble> {
    let Reply { ok, exchange } = reply;
    let Some(tokens) = ok.and_then(tokens) else {
        return Err(Trouble::new("There are no tokens for this code", "The token endpoint's answer is below.").with(exchange));
    };
    let Some(id_token) = tokens.id_token else {
        return Err(Trouble::new("There is no ID token", "The answer lacks it, so nobody is signed in.").with(exchange));
    };
    let now = app.now();
    let expected = Expected {
        issuer: &departure.provider.issuer,
        client_id: &client.client_id,
        nonce: Nonce::Required(&departure.nonce),
        sub: None,
        access_token: &tokens.access_token,
        now: now.as_secs(),
    };
    let (sub, checks) = id_token::check(&id_token, &expected);
    let Some(sub) = sub else {
        return Err(Trouble::new("The ID token is not good", "At least one check failed, so nobody is signed in.")
            .with(exchange)
            .checked(checks));
    };
    let signed_in = SignedIn {
        provider: departure.provider,
        sub,
        nonce: departure.nonce,
        access_token: tokens.access_token,
        id_token,
        refresh_token: tokens.refresh_token,
        scope: tokens.scope,
        expires: now + Duration::from_secs(tokens.expires_in),
        checks,
    };
    Ok((signed_in, exchange))
}

/// A token response (RFC 6749 §5.1), if it is one that this app can use.
pub(super) fn tokens(answer: Value) -> Option<TokenResponse> {
    serde_json::from_value(answer).ok().filter(|tokens: &TokenResponse| tokens.token_type.eq_ignore_ascii_case("bearer"))
}

/// The answer that came through the browser, as a record.
fn received(app: &App, query: &Parameters) -> Exchange {
    let parameters: Vec<(&str, &str)> = ANSWER.iter().filter_map(|&name| Some((name, query.get(name)?))).collect();
    Exchange {
        title: "Authorization response",
        rule: "OpenID Connect Core 1.0 §3.1.2.5",
        at: app.now(),
        sent: "Nothing: the browser brought this to the app's redirect_uri.".to_owned(),
        received: format!("GET {}\n\n{}", app.redirect_uri(), lines_of(&parameters)),
        is_good: query.get("error").is_none(),
        note: None,
    }
}
