//! Apps: which there are, one of them with all that belongs to it, and what is done with it.

mod acts;
mod form;
mod names;
mod snippets;
mod trial;
mod whole;

use std::sync::Arc;

use askama::Template;
use http::{Method, StatusCode};
use poem::{Response, Route};
use secrecy::ExposeSecret;
use vestibule_domain::{
    client::{Client, MOST_SECRETS, Origin},
    entry::EntryDraft,
    operator::AdminArea,
    time::Timestamp,
};
use vestibule_flows::{Desk, NewSecret};

pub(super) use self::names::{AppName, AppNames};
use self::snippets::Shelf;
use super::{
    Frame, Section, faulty,
    form::Sent,
    like, made_for, named, onward_to_show,
    parts::{Badge, Pager, When},
    read, segment, show, shown_once, write,
};
use crate::{
    admin::table::{CLIENT, CLIENT_GRANTS, CLIENTS, SECRET, SECRETS},
    house::House,
    listing,
    pages::visible,
    visit::Visit,
};

pub(super) fn routes(house: &Arc<House>, routes: Route) -> Route {
    let under = |path: &str| format!("{}{}{path}", house.prefix(), super::BASE);
    routes
        .at(under("/apps"), read(house, "/console/apps", like(&Method::GET, CLIENTS), list))
        .at(under("/apps/new"), read(house, "/console/apps/new", like(&Method::POST, CLIENTS), form::new))
        .at(under("/apps/create"), write(house, "/console/apps/create", like(&Method::POST, CLIENTS), form::create))
        .at(under("/apps/check/:field"), write(house, "/console/apps/check/:field", like(&Method::GET, CLIENT), form::check))
        .at(under("/app/:app"), read(house, "/console/app/:app", like(&Method::GET, CLIENT), show_app))
        .at(under("/app/:app/edit"), read(house, "/console/app/:app/edit", like(&Method::PUT, CLIENT), form::edit))
        .at(under("/app/:app/save"), write(house, "/console/app/:app/save", like(&Method::PUT, CLIENT), form::save))
        .at(under("/app/:app/settings"), read(house, "/console/app/:app/settings", like(&Method::GET, CLIENT), whole::show_settings))
        .at(under("/app/:app/settings/save"), write(house, "/console/app/:app/settings/save", like(&Method::PUT, CLIENT), whole::save))
        .at(under("/app/:app/secrets"), write(house, "/console/app/:app/secrets", like(&Method::POST, SECRETS), acts::add_secret))
        .at(
            under("/app/:app/secrets/revoke"),
            write(house, "/console/app/:app/secrets/revoke", like(&Method::DELETE, SECRET), acts::revoke_secret),
        )
        .at(under("/app/:app/revoke"), write(house, "/console/app/:app/revoke", like(&Method::DELETE, CLIENT_GRANTS), acts::revoke_grants))
        .at(under("/app/:app/disable"), write(house, "/console/app/:app/disable", like(&Method::PATCH, CLIENT), acts::disable))
        .at(under("/app/:app/delete"), write(house, "/console/app/:app/delete", like(&Method::DELETE, CLIENT), acts::delete))
        .at(under("/app/:app/try"), read(house, "/console/app/:app/try", like(&Method::GET, CLIENT), trial::show_trial))
        .at(under("/app/:app/try/begin"), read(house, "/console/app/:app/try/begin", like(&Method::GET, CLIENT), trial::begin))
}

/// The list, or what a search finds in it.
async fn list(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let sent = Sent::of(&visit);
    let (query, after) = (sent.text("q"), sent.optional("after"));
    let found = if query.is_empty() {
        house.gateway.clients(after.as_deref(), listing::USUAL + 1).await
    } else {
        house.gateway.find_clients(&query, listing::USUAL).await
    };
    let (apps, last) = match found {
        Ok(apps) => listing::page(apps, listing::USUAL, |client| client.id.to_string()),
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let rows = apps.iter().map(|client| Listed::new(client, visit.witness.now)).collect();
    let frame = Frame::new(&house, &visit, &desk, Section::Apps);
    let pager = Pager::new(format!("{}/apps", frame.base), "apps", last, after.is_none());
    show(StatusCode::OK, &frame, &List { f: &frame, query, rows, pager })
}

/// One app.
async fn show_app(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match house.gateway.client(&named(&visit, "app")).await {
        Ok(client) => page(&house, &visit, &desk, &client),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// Where the page of an app is, below the console's address.
fn place_of(app: &str) -> String {
    format!("/app/{}", segment(app))
}

/// On to the page of an app, which shows a secret that was just made this once.
fn onward_with(house: &House, visit: &Visit, desk: &Desk, client: &Client, new: &NewSecret) -> Response {
    let made = format!("{} {}", new.id, new.secret.expose_secret());
    onward_to_show(house, visit, desk, &place_of(client.id.as_str()), &made)
}

/// The page of an app; with a secret that was just made, which is seen this once.
fn page(house: &House, visit: &Visit, desk: &Desk, client: &Client) -> Response {
    let now = visit.witness.now;
    let frame = Frame::new(house, visit, desk, Section::Apps);
    let place = place_of(client.id.as_str());
    let made = made_for(house, visit, desk, &place);
    let new = made.as_ref().and_then(|made| made.expose_secret().split_once(' '));
    let secrets: Vec<_> = client.secrets.iter().map(|secret| Secret::new(secret, now, new.map(|(id, _)| id))).collect();
    let living = client.secrets.iter().filter(|secret| secret.is_alive(now)).count();
    let view = App {
        f: &frame,
        name: visible(&client.name, 100),
        id: client.id.to_string(),
        at: format!("{}{place}", frame.base),
        badges: badges(client),
        facts: facts(client),
        keeper: client.managed_by.as_ref().map(ToString::to_string),
        secret: new.map(|(_, secret)| secret.to_owned()),
        secrets,
        has_secrets: client.auth_method.has_secret(),
        may_add: living < MOST_SECRETS,
        may_revoke: living > 1,
        may_try: !client.redirect_uris.is_empty(),
        has_document: has_document(client),
        disabled: client.disabled,
        version: client.version,
        snippets: snippets::for_app(house.gateway.settings(), client, new.map(|(_, secret)| secret)),
    };
    let response = show(StatusCode::OK, &frame, &view);
    if new.is_some() { shown_once(house, response) } else { response }
}

/// Whether what an app is stands in a document of its own, at the address that is its id.
fn has_document(client: &Client) -> bool {
    matches!(client.origin, Origin::MetadataDocument { .. })
}

fn badges(client: &Client) -> Vec<Badge> {
    let mut badges = Vec::new();
    if client.disabled {
        badges.push(Badge::bad("Disabled"));
    }
    if !client.is_vetted() {
        badges.push(Badge::warn(if has_document(client) { "Known by its document" } else { "Registered itself" }));
    }
    if client.legacy_oauth {
        badges.push(Badge::warn("OAuth of the old tutorials"));
    }
    if let Some(keeper) = &client.managed_by {
        badges.push(Badge::plain(format!("Kept by files: {keeper}")));
    }
    badges
}

/// What a list shows of one.
struct Listed {
    name: String,
    id: String,
    segment: String,
    place: String,
    badges: Vec<Badge>,
    created: When,
}

impl Listed {
    fn new(client: &Client, now: Timestamp) -> Self {
        let place = client.redirect_uris.first().map(|uri| uri.exactly().shown_host()).unwrap_or_default();
        Self {
            name: visible(&client.name, 100),
            id: client.id.to_string(),
            segment: segment(client.id.as_str()),
            place,
            badges: badges(client),
            created: When::new(client.created, now),
        }
    }
}

/// A secret, without what it is.
struct Secret {
    id: String,
    created: When,
    expires: Option<When>,
    state: Badge,
    is_new: bool,
    is_alive: bool,
}

impl Secret {
    fn new(secret: &vestibule_domain::client::ClientSecret, now: Timestamp, new: Option<&str>) -> Self {
        let id = secret.id.to_string();
        let is_alive = secret.is_alive(now);
        Self {
            created: When::new(secret.created, now),
            expires: secret.expires.map(|expires| When::new(expires, now)),
            state: match (is_alive, secret.expires) {
                (false, _) => Badge::bad("Expired"),
                (true, Some(_)) => Badge::warn("Ends"),
                (true, None) => Badge::good("Works"),
            },
            is_new: new == Some(id.as_str()),
            is_alive,
            id,
        }
    }
}

/// What is said of an app, a line each.
fn facts(client: &Client) -> Vec<(&'static str, Vec<String>)> {
    let texts = |list: &[vestibule_domain::redirect::RegisteredUri]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let grants: Vec<_> = client.grant_types.iter().map(|grant| grant.as_str().to_owned()).collect();
    let entry = rules(&EntryDraft::from(&client.entry));
    let everybody = || vec!["Everybody whom the provider lets in".to_owned()];
    let mut facts = vec![
        ("Redirect addresses", texts(&client.redirect_uris)),
        ("After sign-out", texts(&client.post_logout_redirect_uris)),
        ("Proves who it is by", vec![client.auth_method.as_str().to_owned()]),
        ("Grants", vec![grants.join(", ")]),
        ("Scopes", vec![client.scopes.to_string()]),
        (
            "Providers",
            vec![if client.allowed_providers.is_empty() {
                "All".to_owned()
            } else {
                client.allowed_providers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            }],
        ),
        ("Who may enter", if entry.is_empty() { everybody() } else { entry }),
        ("PKCE", vec![if client.require_pkce && !client.legacy_oauth { "Required" } else { "Not required" }.to_owned()]),
        ("Consent", vec![client.consent.as_str().to_owned()]),
        ("Changed", vec![format!("{} UTC", client.updated.to_string().get(..16).unwrap_or_default().replace('T', " "))]),
    ];
    if let Some(uri) = &client.logout.backchannel_uri {
        facts.insert(2, ("Told of sign-outs at", vec![uri.to_string()]));
    }
    if let Some(keeper) = &client.managed_by {
        facts.insert(0, ("Kept by the files of", vec![keeper.to_string()]));
    }
    facts.retain(|(_, said)| said.iter().any(|text| !text.is_empty()));
    facts
}

/// Rules about who may enter, a line each.
fn rules(rules: &EntryDraft) -> Vec<String> {
    let lists = [
        ("E-mail domains", &rules.email_domains),
        ("E-mail addresses", &rules.emails),
        ("Groups", &rules.groups),
        ("Organizations", &rules.organizations),
        ("Workspace domains", &rules.hosted_domains),
        ("Tenants", &rules.tenants),
    ];
    let of_claims = rules.claims.iter().map(|(pointer, wanted)| format!("{pointer}: {}", wanted.join(", ")));
    let lists = lists.iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| format!("{name}: {}", list.join(", ")));
    lists.chain(of_claims).collect()
}

#[derive(Template)]
#[template(path = "console/apps.html")]
struct List<'a> {
    f: &'a Frame,
    query: String,
    rows: Vec<Listed>,
    pager: Pager,
}

#[derive(Template)]
#[template(path = "console/app.html")]
struct App<'a> {
    f: &'a Frame,
    name: String,
    id: String,
    /// Its address in the console.
    at: String,
    badges: Vec<Badge>,
    facts: Vec<(&'static str, Vec<String>)>,
    /// Whose files keep it.
    keeper: Option<String>,
    /// One that was just made.
    secret: Option<String>,
    secrets: Vec<Secret>,
    has_secrets: bool,
    may_add: bool,
    may_revoke: bool,
    may_try: bool,
    /// Whether what it is is said in a document of its own, and not here.
    has_document: bool,
    disabled: bool,
    version: i64,
    snippets: Vec<Shelf>,
}
