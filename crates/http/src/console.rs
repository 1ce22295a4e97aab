//! `/console`: what operators see and do, in a browser. The pages are made here; each asks the use case that the admin API asks, and decides nothing.
//!
//! **How a page is added.** Write a handler `async fn(House, Visit, Desk) -> Response` in a file below `console/`; a [`Desk`] is an operator at work, so
//! whoever gets there is one. It fills a template below `templates/console/` that extends `console/shell.html` and has a field `f: Frame`
//! ([`Frame::new`], with the [`Section`] it belongs to), and answers with [`show`]. Put its address into [`routes`]: `read` for what only looks, `write` for
//! what changes something, each with the operation of the admin API that is the same: what that needs, an operator needs here. A form posts
//! `{{ f.token }}` as `token`, or it is refused before the handler sees it. A new entry of the navigation is a
//! [`Section`]. A page must do its work without JavaScript; what `htmx` adds is comfort. Styles go into `templates/console/console.css`, scripts into
//! `assets`: the policy of these pages runs nothing that stands in the markup.
//!
//! The pages speak English, as the admin API does: they are for operators.

mod api_keys;
mod apps;
mod assets;
mod audit;
mod configuration;
mod dashboard;
mod door;
mod form;
mod frame;
mod keys;
mod logins;
mod overview;
mod parts;
mod people;
mod providers;
mod registration_tokens;
mod sessions;

use std::{num::NonZeroU32, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderValue, Method, StatusCode, header};
use poem::{Response, Route};
use secrecy::SecretString;
use serde::Serialize;
use vestibule_domain::{registration::FieldFault, store::StoreError};
use vestibule_flows::{AdminFault, Desk};

pub(crate) use self::frame::{Frame, Section, show};
use crate::{
    admin::table::{self, Row},
    halt,
    house::House,
    pages::ErrorKind,
    shell::{OwnDoor, Reader, Step},
    visit::{self, Visit},
};

/// Where it lies under the issuer.
const BASE: &str = "/console";

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const BOTH: &[Method] = &[Method::GET, Method::POST];

/// Every page of it.
pub(crate) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{BASE}{path}", house.prefix());
    let parts = [
        apps::routes,
        providers::routes,
        people::routes,
        sessions::routes,
        audit::routes,
        logins::routes,
        keys::routes,
        api_keys::routes,
        registration_tokens::routes,
        configuration::routes,
        dashboard::routes,
    ];
    let routes = parts.into_iter().fold(routes, |routes, of| of(house, routes));
    routes
        .at(under(""), at_desk(house, "/console", GET, None, overview::show_overview))
        .at(under("/sign-in"), open(house, "/console/sign-in", GET, door::sign_in))
        .at(under("/enter"), open(house, "/console/enter", GET, door::enter))
        .at(under("/key"), open(house, "/console/key", BOTH, door::key))
        .at(under("/sign-out"), at_desk(house, "/console/sign-out", POST, None, door::leave))
        .at(
            under("/assets/:file"),
            Step { house: house.clone(), route: "/console/assets", methods: GET, reader: Reader::Program, act: assets::file },
        )
}

/// The same as an operation of the admin API.
#[expect(clippy::unnecessary_wraps, reason = "pages that are like no operation say None in its place")]
fn like(method: &Method, route: &str) -> Option<&'static Row> {
    Some(table::row(method, route))
}

/// A page that only looks.
fn read<F, Fut>(house: &Arc<House>, route: &'static str, same: Option<&'static Row>, act: F) -> Step<impl Act + use<F, Fut>>
where
    F: Fn(Arc<House>, Visit, Desk) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    at_desk(house, route, GET, same, act)
}

/// What a form does.
fn write<F, Fut>(house: &Arc<House>, route: &'static str, same: Option<&'static Row>, act: F) -> Step<impl Act + use<F, Fut>>
where
    F: Fn(Arc<House>, Visit, Desk) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    at_desk(house, route, POST, same, act)
}

/// What anybody may see: the way in.
fn open<F>(house: &Arc<House>, route: &'static str, methods: &'static [Method], act: F) -> Step<F> {
    Step { house: house.clone(), route, methods, reader: Reader::Person, act }
}

/// What a step of the console does.
trait Act: Fn(Arc<House>, Visit) -> BoxFuture<'static, Response> + Send + Sync + 'static {}
impl<F: Fn(Arc<House>, Visit) -> BoxFuture<'static, Response> + Send + Sync + 'static> Act for F {}

/// What operators do; without a row, what each of them may.
fn at_desk<F, Fut>(
    house: &Arc<House>,
    route: &'static str,
    methods: &'static [Method],
    same: Option<&'static Row>,
    act: F,
) -> Step<impl Act + use<F, Fut>>
where
    F: Fn(Arc<House>, Visit, Desk) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    let by_itself = route == BY_ITSELF;
    let guarded = move |house: Arc<House>, visit: Visit| guarded(house, visit, same, by_itself, act).boxed();
    Step { house: house.clone(), route, methods, reader: Reader::Person, act: guarded }
}

/// What a page that is left open asks for by itself, again and again: nobody is at work for that.
const BY_ITSELF: &str = "/console/events";

/// Nobody gets further who is no operator now, no form that another site made, and nobody who may not do this.
async fn guarded<F, Fut>(house: Arc<House>, visit: Visit, same: Option<&'static Row>, by_itself: bool, act: F) -> Response
where
    F: Fn(Arc<House>, Visit, Desk) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    let cookie = house.cookies.console(visit.headers());
    let desk = if by_itself {
        house.gateway.desk_as_it_is(&visit.witness, cookie.as_deref()).await
    } else {
        house.gateway.desk(&visit.witness, cookie.as_deref()).await
    };
    let desk = match desk {
        Err(error) => return unavailable(&house, &visit, &error),
        // A browser asks no more after this, and goes nowhere.
        Ok(None) if by_itself => return Response::builder().status(StatusCode::NO_CONTENT).finish(),
        Ok(None) => return door::ask(&house, &visit),
        Ok(Some(desk)) => desk,
    };
    if visit.is_post() && visit.parameters().is_err() {
        let text = "It has more fields than are read at once, or what was sent is no form. Nothing was changed. The admin API takes what does not fit here.";
        return refused(&house, &visit, &desk, StatusCode::PAYLOAD_TOO_LARGE, "This form can't be read", text);
    }
    if visit.is_post() && !is_ours(&house, &visit, &desk) {
        // A field that asks from a form of an earlier sign-in: the form goes on with a token of this one. No other site can send the header that says
        // so, or read what comes.
        if wants_part(&visit) && comes_from_us(&house, &visit) {
            return frame::show_part(StatusCode::OK, &parts::RenewedToken { token: &desk.token });
        }
        let path = visit.request.uri().path();
        tracing::warn!(operator = ?desk.operator.actor, path, "a form of the console came from elsewhere, or from another sign-in");
        return refused(&house, &visit, &desk, StatusCode::FORBIDDEN, "This form is not from here", STALE);
    }
    match may(&house, &visit, &desk, same).await {
        Ok(()) => act(house, visit, desk).await,
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// What the admin API asks of whoever does the same; and, since a form is answered by a page that shows what is there, that they may look at it.
async fn may(house: &House, visit: &Visit, desk: &Desk, same: Option<&Row>) -> Result<(), AdminFault> {
    let Some(row) = same else { return Ok(()) };
    let look = row.needs.to_look().map(|needs| (needs, NonZeroU32::MIN));
    for (needs, cost) in [(row.needs, row.cost)].into_iter().chain(look) {
        house.gateway.permit(&visit.witness, &desk.operator, needs, cost).await?;
    }
    Ok(())
}

const STALE: &str = "It was made in another sign-in, or by another site. Nothing was changed. Open the page again and send it from there.";

/// Whether a form was made here, in this sign-in (attack 86).
fn is_ours(house: &House, visit: &Visit, desk: &Desk) -> bool {
    let token = visit.parameters().ok().and_then(|mut parameters| parameters.take("token")).unwrap_or_default();
    comes_from_us(house, visit) && house.gateway.is_form_of(desk, &token)
}

/// What a browser says of where a request came from: if it says anything, it is us.
fn comes_from_us(house: &House, visit: &Visit) -> bool {
    let said = |name: &str| visit.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    match (said("sec-fetch-site"), said("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == house.origin() || is_where_called(visit, origin),
        (None, None) => true,
    }
}

/// Whether an origin is the name that we were called by at the listener of the admin API and the console, which has no name of its own. What a page makes
/// of a name that it rebound to us has neither the cookie of an operator nor the token of a form (attack 44).
fn is_where_called(visit: &Visit, origin: &str) -> bool {
    let host = origin.split_once("://").map(|(_, host)| host);
    visit.request.data::<OwnDoor>().is_some() && host.is_some() && host == visit::called(&visit.request)
}

/// The database can't be used.
fn unavailable(house: &House, visit: &Visit, error: &StoreError) -> Response {
    tracing::error!(%error, "the console can't use the database");
    halt::page(house, visit, ErrorKind::Unavailable)
}

/// A page that says why nothing was done.
fn refused(house: &House, visit: &Visit, desk: &Desk, status: StatusCode, title: &str, text: &str) -> Response {
    frame::sorry(&Frame::new(house, visit, desk, Section::None), status, title, text)
}

/// What went wrong in a use case, where no form of its own says it.
fn faulty(house: &House, visit: &Visit, desk: &Desk, fault: &AdminFault) -> Response {
    let (status, title, text) = match fault {
        AdminFault::Store(error) => return unavailable(house, visit, error),
        AdminFault::Forbidden(lacks) => (
            StatusCode::FORBIDDEN,
            "You may not do this",
            format!("It needs the scope {lacks}, which you do not have. Nothing was changed."),
        ),
        AdminFault::SlowDown(seconds) | AdminFault::TooMany(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, "Too much at once", format!("Nothing was changed. Try again in {seconds} seconds."))
        }
        AdminFault::NotFound => (StatusCode::NOT_FOUND, "It is not there", "Nothing of this name is here, or not any more.".to_owned()),
        AdminFault::PreconditionFailed(_) | AdminFault::PreconditionRequired | AdminFault::Exists => (
            StatusCode::CONFLICT,
            "Somebody changed this meanwhile",
            "Nothing was changed. Look at it as it is now and decide again.".to_owned(),
        ),
        AdminFault::TooManySecrets => {
            (StatusCode::CONFLICT, "There are two secrets already", "Revoke one before you add another.".to_owned())
        }
        AdminFault::LastSecret => (
            StatusCode::CONFLICT,
            "This is the last secret that works",
            "Add another first; without any the app could not sign anybody in.".to_owned(),
        ),
        AdminFault::NoSecrets => {
            (StatusCode::CONFLICT, "This app has no secrets", "It proves who it is in another way, or not at all.".to_owned())
        }
        AdminFault::ManagedElsewhere(file) => {
            (StatusCode::CONFLICT, "This stands in the configuration", format!("It is changed where it stands: in {file}."))
        }
        AdminFault::Kept(keeper) => (StatusCode::CONFLICT, "Files keep this", kept_by(keeper.as_str())),
        AdminFault::Invalid(faults) => {
            let said: Vec<_> = faults.iter().map(said).collect();
            (StatusCode::UNPROCESSABLE_ENTITY, "That can't be", said.join(" "))
        }
        AdminFault::Unauthorized | AdminFault::Mistyped | AdminFault::KeyExpired(_) => (
            StatusCode::FORBIDDEN,
            "You are not in any more",
            "What you came in by is good no longer. Nothing was changed. Sign in again.".to_owned(),
        ),
        AdminFault::OtherCall | AdminFault::InProgress | AdminFault::CutOff => {
            (StatusCode::CONFLICT, "This is being done already", "Nothing was done twice. Look at what came of it first.".to_owned())
        }
        AdminFault::Configuration(faults) => {
            let said: Vec<_> = faults.iter().map(|fault| format!("{} {}.", fault.key, fault.message)).collect();
            (StatusCode::UNPROCESSABLE_ENTITY, "The configuration can't be used", said.join(" "))
        }
    };
    let mut response = refused(house, visit, desk, status, title, &text);
    if let AdminFault::SlowDown(seconds) | AdminFault::TooMany(seconds) = fault {
        response.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
    }
    response
}

/// What whoever changes something here should know of the files that keep it.
fn kept_by(keeper: &str) -> String {
    format!("It is changed in the files of {keeper}, by vestibule apply; what is changed here would be undone by them.")
}

/// What is wrong, with the setting's name before it once: some say it themselves.
fn said(fault: &FieldFault) -> String {
    let name = fault.pointer.trim_start_matches('/');
    if fault.message.starts_with(name) { format!("{}.", fault.message) } else { format!("{name} {}.", fault.message) }
}

/// What stands between an address and one more parameter of its query.
fn joint(address: &str) -> char {
    if address.contains('?') { '&' } else { '?' }
}

/// On to a page of the console, after something was done there.
fn onward(house: &House, path: &str, notice: Option<&str>) -> Response {
    let notice = notice.map(|notice| format!("{}notice={notice}", joint(path))).unwrap_or_default();
    halt::see_other(&format!("{}{BASE}{path}{notice}", house.prefix()))
}

/// How long what is carried to a page may be as a string of JSON, as which it is sealed: encoded it is a third longer, and a browser keeps no cookie of
/// more than 4,096 bytes.
const MOST_CARRIED: usize = 2_400;

/// What a browser carries to a page that shows it once: as long as it is too much for that, it is shortened, if there is anything to shorten.
fn carried<T: Serialize>(mut what: T, mut shorten: impl FnMut(&mut T) -> bool) -> String {
    loop {
        let text = serde_json::to_string(&what).unwrap_or_default();
        let fits = serde_json::to_string(&text).is_ok_and(|sealed| sealed.len() <= MOST_CARRIED);
        if fits || !shorten(&mut what) {
            return text;
        }
    }
}

/// On to a page of the console that shows once what was just made.
fn onward_to_show(house: &House, visit: &Visit, desk: &Desk, path: &str, made: &str) -> Response {
    let (sealed, lives) = house.gateway.to_be_shown(&visit.witness, desk, path, made);
    let mut response = onward(house, path, None);
    response.headers_mut().append(header::SET_COOKIE, house.cookies.set_console_shown(&sealed, lives));
    response
}

/// What was just made for this page, if anything was.
fn made_for(house: &House, visit: &Visit, desk: &Desk, path: &str) -> Option<SecretString> {
    house.gateway.brought_to_show(&visit.witness, desk, path, &house.cookies.console_shown(visit.headers())?)
}

/// A page that showed what was just made: it shows it no second time.
fn shown_once(house: &House, mut response: Response) -> Response {
    response.headers_mut().append(header::SET_COOKIE, house.cookies.drop_console_shown());
    response
}

/// What stands in an address, as it is: ids may be addresses themselves.
fn segment(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
}

/// The part of the address that names something.
fn named(visit: &Visit, part: &str) -> String {
    let raw = visit.request.raw_path_param(part).unwrap_or_default();
    let pair = format!("id={raw}");
    url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, id)| id.into_owned()).unwrap_or_default()
}

/// Whether a request comes from `htmx`, which wants a part of a page.
fn wants_part(visit: &Visit) -> bool {
    visit.headers().get("hx-request").is_some_and(|value| value == "true")
}

/// Tells `htmx` to go to another page as a whole, since it would put the page into a part of this one.
fn leave_part(mut response: Response, location: &str) -> Response {
    response.set_status(StatusCode::NO_CONTENT);
    response.headers_mut().remove(header::LOCATION);
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert("hx-redirect", location);
    }
    response
}

/// Back from a sign-in to an app that an operator tried.
pub(crate) fn tried(house: &House, client: &str) -> Response {
    onward(house, &format!("/app/{}/try", segment(client)), None)
}
