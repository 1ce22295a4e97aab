//! `GET` and `POST /logout` (OpenID Connect RP-Initiated Logout 1.0).

use std::sync::Arc;

use http::{StatusCode, header};
use poem::{IntoResponse, Response};
use url::Url;
use vestibule_domain::error::OAuthError;
use vestibule_flows::{LogoutAsked, LogoutNext, LogoutRest};

use crate::{
    halt,
    house::House,
    oauth,
    pages::{ConfirmLogout, ErrorKind, FormTarget, Frame, Href, Page, SignedOut},
    visit::Visit,
};

const KNOWN: [&str; 7] = ["id_token_hint", "logout_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales", "confirmation"];

pub(crate) async fn logout(house: Arc<House>, visit: Visit) -> Response {
    let mut parameters = match visit.parameters() {
        Ok(parameters) => parameters,
        Err(fault) => return halt::page(&house, &visit, ErrorKind::LogoutInvalid { detail: fault.explanation().to_owned() }),
    };
    // Only our own form carries a confirmation, and only by POST; anything else is asked for by GET, where the session comes along.
    if visit.is_post() && parameters.get("confirmation").is_none() {
        return halt::again_by_get(&house, &visit, "/logout");
    }
    let repeated = parameters.repeated(&KNOWN);
    let mut take = |name| parameters.take(name);
    let asked = LogoutAsked {
        id_token_hint: take("id_token_hint"),
        client_id: take("client_id"),
        post_logout_redirect_uri: take("post_logout_redirect_uri"),
        state: take("state"),
        confirmation: take("confirmation").filter(|_| visit.is_post()),
        repeated,
    };
    let session = house.cookies.session(visit.headers());
    match house.gateway.logout(&visit.witness, &asked, session.as_deref()).await {
        Ok(LogoutNext::Confirm { client_name, confirmation, ends_at }) => {
            let ends_at = ends_at.and_then(|uri| FormTarget::of(&Url::parse(uri.as_str()).ok()?));
            confirm(&house, asked, client_name, confirmation, ends_at).respond(&house.look(&visit, None))
        }
        Ok(LogoutNext::Done { client_name, back, straight, told, upstream }) => {
            let frames: Vec<Frame> = told.iter().filter_map(|app| Frame::of(app.frame.as_deref()?)).collect();
            let told = told.into_iter().map(|app| app.name).collect();
            let mut response = match upstream {
                // The policy of our form knows the app's address alone, so from there the browser is not redirected to another.
                Some(upstream) if frames.is_empty() && !visit.is_post() => halt::see_other(&upstream),
                Some(upstream) => {
                    let page = SignedOut { client_name, back: Href::app(&upstream), goes_on: true, told, frames };
                    page.respond(&house.look(&visit, None))
                }
                None => goes_back(&house, &visit, LogoutRest { client_name, back, straight }, told, frames),
            };
            // Without the cookie nothing was ended, so nothing is dropped (attack 66).
            if session.is_some() {
                response.headers_mut().append(header::SET_COOKIE, house.cookies.drop_session());
            }
            response
        }
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

/// `GET /logout/back`: somebody was signed out at their provider, or would not be.
pub(crate) async fn back(house: Arc<House>, visit: Visit) -> Response {
    let mut parameters = match visit.parameters() {
        Ok(parameters) => parameters,
        Err(fault) => return halt::page(&house, &visit, ErrorKind::LogoutInvalid { detail: fault.explanation().to_owned() }),
    };
    let rest = house.gateway.logout_back(&visit.witness, parameters.take("state").as_deref());
    goes_back(&house, &visit, rest, Vec::new(), Vec::new())
}

/// To the app, or to the page that says it is done. Frames have to be loaded first, so the way back waits for them.
fn goes_back(house: &House, visit: &Visit, rest: LogoutRest, told: Vec<String>, frames: Vec<Frame>) -> Response {
    match rest.back {
        Some(answer) if rest.straight && answer.to.is_web() && frames.is_empty() => halt::see_other(&answer.location),
        back => {
            let goes_on = rest.straight && back.as_ref().is_some_and(|answer| answer.to.is_web());
            let back = back.and_then(|answer| Href::app(&answer.location));
            SignedOut { client_name: rest.client_name, back, goes_on, told, frames }.respond(&house.look(visit, None))
        }
    }
}

/// `POST /callback/{provider}/backchannel-logout`: a provider says that somebody signed out there (OpenID Connect Back-Channel Logout 1.0 §2.5).
pub(crate) async fn from_upstream(house: Arc<House>, visit: Visit) -> Response {
    let provider = visit.request.raw_path_param("provider").unwrap_or_default();
    let taken = async {
        let form = visit.parameters().map_err(|fault| OAuthError::invalid_request(fault.explanation()))?;
        if !form.repeated(&["logout_token"]).is_empty() {
            return Err(OAuthError::invalid_request("logout_token came more than once"));
        }
        house.gateway.upstream_logout(&visit.witness, provider, form.get("logout_token")).await
    };
    match taken.await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => oauth::error(&error, false),
    }
}

fn confirm(
    house: &House,
    asked: LogoutAsked,
    client_name: Option<String>,
    confirmation: String,
    ends_at: Option<FormTarget>,
) -> ConfirmLogout {
    let carried = [
        ("id_token_hint", asked.id_token_hint),
        ("client_id", asked.client_id),
        ("post_logout_redirect_uri", asked.post_logout_redirect_uri),
        ("state", asked.state),
        ("confirmation", Some(confirmation)),
    ];
    ConfirmLogout {
        client_name,
        action: house.href("/logout"),
        fields: carried.into_iter().filter_map(|(name, value)| Some((name, value?))).collect(),
        stay: Some(house.href("/account")),
        ends_at,
    }
}
