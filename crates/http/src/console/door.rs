//! The way into the console, and out of it.

use std::sync::Arc;

use askama::Template;
use http::{HeaderValue, StatusCode, header};
use poem::Response;
use vestibule_flows::{ConsoleEntered, Desk};

use super::{BASE, Frame, comes_from_us, frame, leave_part, onward, parts::Faults, show, unavailable, wants_part};
use crate::{
    authorize, halt,
    house::House,
    shell::OwnDoor,
    visit::{self, Visit},
};

/// The most bytes of the address that somebody wanted to see; a longer one is not worth a header.
const LONGEST_PAGE: usize = 300;

/// Sends whoever is not in to where they come in; they see the page they wanted afterwards. A form that somebody is writing stays where it is.
pub(super) fn ask(house: &House, visit: &Visit) -> Response {
    let location = format!("{}{BASE}/sign-in", house.prefix());
    let mut response = halt::see_other(&location);
    if wants_part(visit) && visit.is_post() {
        return out_meanwhile();
    }
    if wants_part(visit) {
        return leave_part(response, &location);
    }
    let wanted = visit.request.uri().path_and_query().filter(|_| !visit.is_post()).map(|wanted| super::segment(wanted.as_str()));
    // Any site can make any browser come here: what it keeps then is little, for proxies take request headers of 8 KB (attack 63).
    if let Some(wanted) = wanted.filter(|wanted| wanted.len() <= LONGEST_PAGE) {
        response.headers_mut().append(header::SET_COOKIE, house.cookies.set_console_page(&wanted));
    }
    response
}

/// What a field of a form says whose operator is out.
fn out_meanwhile() -> Response {
    let said = "You are signed out. Sign in again in another tab and go on writing here: nothing of the form is lost.".to_owned();
    let mut response = frame::show_part(StatusCode::UNAUTHORIZED, &Faults { faults: vec![said] });
    // RFC 9110 §15.5.2 wants a scheme named; no browser asks for anything by this one.
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Cookie"));
    response
}

/// How one comes in.
pub(super) async fn sign_in(house: Arc<House>, visit: Visit) -> Response {
    let operators = house.gateway.settings().console.has_operators();
    let frame = Frame::outside(&house);
    let elsewhere = (operators && !leads_back(&house, &visit)).then(|| house.gateway.settings().url(BASE));
    show(StatusCode::OK, &frame, &SignIn { f: &frame, operators, refused: false, elsewhere })
}

/// Whether who is sent to a provider from here comes back here: they come back under the issuer's own name.
pub(super) fn leads_back(house: &House, visit: &Visit) -> bool {
    let by_our_name = || visit::called(&visit.request).is_some_and(|host| house.is_called(host));
    let by_proxy = || visit::peer(&visit.request).is_some_and(|peer| house.trusts(peer));
    visit.request.data::<OwnDoor>().is_none() || by_our_name() || by_proxy()
}

/// Comes in by the session of this browser, or signs in first. A link that another site opens lets in nobody who is not an operator anyway.
pub(super) async fn enter(house: Arc<House>, visit: Visit) -> Response {
    let again = visit.parameters().is_ok_and(|parameters| parameters.get("again") == Some("1"));
    let session = house.cookies.session(visit.headers());
    let before = house.cookies.console(visit.headers());
    let is_in = house.gateway.desk(&visit.witness, before.as_deref()).await;
    if matches!(is_in, Ok(Some(_))) && !again {
        return onward(&house, "", None);
    }
    match house.gateway.enter_console(&visit.witness, session.as_deref(), before.as_deref(), again).await {
        Ok(ConsoleEntered::In(cookie)) => came_in(&house, &visit, house.cookies.set_console(&cookie)),
        Ok(ConsoleEntered::SignIn(_)) if !leads_back(&house, &visit) => onward(&house, "/sign-in", None),
        Ok(ConsoleEntered::SignIn(authorized)) => authorize::respond(&house, &visit, authorized, false),
        Ok(ConsoleEntered::NoOperator) => {
            let frame = Frame::outside(&house);
            show(StatusCode::FORBIDDEN, &frame, &SignIn { f: &frame, operators: true, refused: true, elsewhere: None })
        }
        Ok(ConsoleEntered::NobodyIs) => onward(&house, "/sign-in", None),
        Err(end) => halt::respond(&house, &visit, &end, None),
    }
}

/// A key that opens the console once. Looking at the link, as a chat program does that makes a preview of it, does not use it.
pub(super) async fn key(house: Arc<House>, visit: Visit) -> Response {
    let key = visit.parameters().ok().and_then(|mut parameters| parameters.take("key")).unwrap_or_default();
    let frame = Frame::outside(&house);
    if !visit.is_post() {
        return match house.gateway.is_console_key(&visit.witness, &key).await {
            Ok(true) => {
                let mut response = show(StatusCode::OK, &frame, &OneTimeKey { f: &frame, key: &key });
                // The key stands in this page's address, which is not told once more; that a form came from here still is.
                response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
                response
            }
            Ok(false) => show(StatusCode::GONE, &frame, &KeyGone { f: &frame }),
            Err(error) => unavailable(&house, &visit, &error),
        };
    }
    // Nobody is signed in to a console of somebody else's by a form on another site (attack 66).
    if !comes_from_us(&house, &visit) {
        return frame::sorry(&frame, StatusCode::FORBIDDEN, "This form is not from here", super::STALE);
    }
    let before = house.cookies.console(visit.headers());
    match house.gateway.enter_console_by_key(&visit.witness, &key, before.as_deref()).await {
        Ok(Some(cookie)) => came_in(&house, &visit, house.cookies.set_console(&cookie)),
        Ok(None) => show(StatusCode::GONE, &frame, &KeyGone { f: &frame }),
        Err(error) => unavailable(&house, &visit, &error),
    }
}

/// Out of the console. The person stays signed in to their apps.
pub(super) async fn leave(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    if let Err(error) = house.gateway.leave_console(&visit.witness, &desk).await {
        return unavailable(&house, &visit, &error);
    }
    let mut response = onward(&house, "/sign-in", None);
    response.headers_mut().append(header::SET_COOKIE, house.cookies.drop_console());
    response
}

/// On to the page that was wanted, if it is one of the console.
fn came_in(house: &House, visit: &Visit, cookie: http::HeaderValue) -> Response {
    let kept = house.cookies.console_page(visit.headers()).map(|page| format!("id={page}"));
    let page = kept.as_ref().and_then(|kept| url::form_urlencoded::parse(kept.as_bytes()).next()).map(|(_, page)| page.into_owned());
    let inside = format!("{}{BASE}", house.prefix());
    let is_inside = |page: &String| {
        let rest = page.strip_prefix(&inside);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?'])) && crate::pages::Href::local(page).is_some()
    };
    let mut response = halt::see_other(&page.filter(is_inside).unwrap_or(inside));
    for cookie in [cookie, house.cookies.drop_console_page()] {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignIn<'a> {
    f: &'a Frame,
    /// Whether anybody is an operator by who they are.
    operators: bool,
    /// Whether somebody signed in who is none.
    refused: bool,
    /// Where they sign in by who they are, if not here.
    elsewhere: Option<String>,
}

#[derive(Template)]
#[template(path = "console/key.html")]
struct OneTimeKey<'a> {
    f: &'a Frame,
    key: &'a str,
}

#[derive(Template)]
#[template(path = "console/key_gone.html")]
struct KeyGone<'a> {
    f: &'a Frame,
}
