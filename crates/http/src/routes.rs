//! Every address of the house. A reader starts here.

use std::sync::Arc;

use http::Method;
use poem::{Endpoint, EndpointExt, Response, Route};

use crate::{
    account, admin, authorize, consent, console, device, discovery, halt,
    house::House,
    introspect, login, logout, ops,
    pages::ErrorKind,
    par, register, revoke,
    shell::{OwnDoor, Reader, Step},
    token, userinfo,
    visit::Visit,
};

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const BOTH: &[Method] = &[Method::GET, Method::POST];
const LOOKED_AFTER: &[Method] = &[Method::GET, Method::PUT, Method::DELETE];
const ANY: &[Method] =
    &[Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE];

const LOGOUT_NOTICE: &str = "/callback/:provider/backchannel-logout";
const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";
const RESOURCE: &str = vestibule_protocol::resource_metadata::WELL_KNOWN;

/// What stands on the main listener.
pub fn routes(house: &Arc<House>) -> impl Endpoint<Output = Response> + use<> {
    let under = |path: &str| format!("{}{path}", house.prefix());
    let mut routes = Route::new()
        .at(under("/authorize"), person(house, "/authorize", BOTH, authorize::authorize))
        .at(under("/login"), person(house, "/login", BOTH, login::find))
        .at(under("/login/:provider"), person(house, "/login/:provider", GET, login::depart))
        .at(under("/callback/:provider"), person(house, "/callback/:provider", BOTH, login::arrive))
        .at(under(LOGOUT_NOTICE), program(house, LOGOUT_NOTICE, POST, logout::from_upstream))
        .at(under("/consent"), person(house, "/consent", BOTH, consent::consent))
        .at(under("/account"), person(house, "/account", GET, account::show))
        .at(under("/account/again"), person(house, "/account/again", GET, account::again))
        .at(under("/account/links"), person(house, "/account/links", POST, account::add))
        .at(under("/account/links/remove"), person(house, "/account/links/remove", POST, account::remove))
        .at(under("/device"), person(house, "/device", BOTH, device::enter))
        .at(under("/device/answer"), person(house, "/device/answer", BOTH, device::answer))
        .at(under("/account/sessions/end"), person(house, "/account/sessions/end", POST, account::end_sessions))
        .at(under("/account/apps/revoke"), person(house, "/account/apps/revoke", POST, account::revoke_app))
        .at(under("/logout"), person(house, "/logout", BOTH, logout::logout))
        .at(under("/logout/back"), person(house, "/logout/back", GET, logout::back))
        .at(under("/par"), program(house, "/par", POST, par::push))
        .at(under("/token"), program(house, "/token", POST, token::token))
        .at(under("/device_authorization"), program(house, "/device_authorization", POST, device::start))
        .at(under("/userinfo"), program(house, "/userinfo", BOTH, userinfo::userinfo))
        .at(under("/revoke"), program(house, "/revoke", POST, revoke::revoke))
        .at(under("/introspect"), program(house, "/introspect", POST, introspect::introspect))
        .at(under("/register"), program(house, "/register", POST, register::register))
        .at(under("/register/:client_id"), program(house, "/register/:client_id", LOOKED_AFTER, register::look_after))
        .at(under("/jwks"), program(house, "/jwks", GET, discovery::keys))
        .at(under(OPENID), program(house, OPENID, GET, discovery::metadata))
        .at("/livez", operator(house, "/livez", ops::livez))
        .at("/readyz", operator(house, "/readyz", ops::readyz))
        .at("/", person(house, "unmatched", ANY, nothing_here))
        .at("/*path", person(house, "unmatched", ANY, nothing_here));
    // RFC 9728 §3 inserts the well-known name before the path of a resource.
    let of_resource = |path: &str| format!("{RESOURCE}{}", under(path));
    routes = routes.at(of_resource("/userinfo"), program(house, RESOURCE, GET, discovery::userinfo_resource));
    if !house.is_admin_apart() {
        routes = with_admin(house, routes);
    }
    // RFC 8414 §3.1 inserts the well-known name before the path of an issuer, OpenID Connect appends it; without a path they agree.
    routes = routes.at(format!("{OAUTH}{}", house.prefix()), program(house, OAUTH, GET, discovery::metadata));
    if !house.prefix().is_empty() {
        routes = routes.at(format!("{OPENID}{}", house.prefix()), program(house, OPENID, GET, discovery::metadata));
    }
    routes
}

/// What stands on the listener of the admin API and the console, where they have one of their own.
pub fn admin_routes(house: &Arc<House>) -> impl Endpoint<Output = Response> + use<> {
    let routes = Route::new()
        .at("/livez", operator(house, "/livez", ops::livez))
        .at("/readyz", operator(house, "/readyz", ops::readyz))
        .at("/", api(house, "unmatched", ANY, no_such_address))
        .at("/*path", api(house, "unmatched", ANY, no_such_address));
    with_admin(house, routes).data(OwnDoor)
}

/// What operators have, on whichever listener it stands.
fn with_admin(house: &Arc<House>, routes: Route) -> Route {
    let base = format!("{}/api/v1", house.prefix());
    let routes = routes.at(format!("{RESOURCE}{base}"), api(house, RESOURCE, GET, discovery::admin_resource));
    console::routes(house, routes.nest(base, admin::api(house)))
}

/// What stands on the operators' listener.
pub fn ops_routes(house: &Arc<House>) -> impl Endpoint<Output = Response> + use<> {
    Route::new()
        .at("/livez", operator(house, "/livez", ops::livez))
        .at("/readyz", operator(house, "/readyz", ops::readyz))
        .at("/metrics", operator(house, "/metrics", ops::metrics))
}

async fn no_such_address(_: Arc<House>, visit: Visit) -> Response {
    admin::no_such_address(visit.reference())
}

async fn nothing_here(house: Arc<House>, visit: Visit) -> Response {
    halt::page(&house, &visit, ErrorKind::NotFound)
}

fn person<F>(house: &Arc<House>, route: &'static str, methods: &'static [Method], act: F) -> Step<F> {
    Step { house: house.clone(), route, methods, reader: Reader::Person, act }
}

fn program<F>(house: &Arc<House>, route: &'static str, methods: &'static [Method], act: F) -> Step<F> {
    Step { house: house.clone(), route, methods, reader: Reader::Program, act }
}

fn api<F>(house: &Arc<House>, route: &'static str, methods: &'static [Method], act: F) -> Step<F> {
    Step { house: house.clone(), route, methods, reader: Reader::Admin, act }
}

fn operator<F>(house: &Arc<House>, route: &'static str, act: F) -> Step<F> {
    Step { house: house.clone(), route, methods: GET, reader: Reader::Operator, act }
}
