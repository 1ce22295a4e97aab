//! What surrounds every page of the console: the navigation, who is at work, what was just done, and the headers that protect it.

use askama::Template;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use http::{HeaderValue, StatusCode, header};
use poem::Response;
use vestibule_domain::operator::{AdminArea, AdminScope, Operator};
use vestibule_flows::Desk;

use super::{BASE, assets};
use crate::{
    house::House,
    pages::{protect, visible},
    visit::Visit,
};

/// Where a page belongs in the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// The first page.
    Overview,
    /// How often things happen.
    Dashboards,
    /// What people sign in to.
    Apps,
    /// Where people sign in.
    Providers,
    /// Who signs in.
    People,
    /// Where people are signed in.
    Sessions,
    /// What happened.
    Audit,
    /// What happened to one login.
    Logins,
    /// What tokens are signed with.
    Keys,
    /// What opens the admin API.
    ApiKeys,
    /// What lets apps register themselves.
    RegistrationTokens,
    /// What the gateway was told to be.
    Configuration,
    /// Nowhere: a page that says why something was not done.
    None,
}

/// An entry of the navigation.
#[derive(Debug)]
pub(crate) struct Entry {
    section: Section,
    /// What it is called.
    pub(crate) label: &'static str,
    /// Below the console's own address.
    pub(crate) path: &'static str,
    /// What stands before it.
    pub(crate) icon: &'static str,
    /// What an operator may look at who sees it; without one every operator does.
    area: Option<AdminArea>,
}

/// A mark of the navigation, as a path on a ground of 20 by 20.
macro_rules! icon {
    ($path:literal) => {
        concat!("<svg viewBox=\"0 0 20 20\" aria-hidden=\"true\" focusable=\"false\"><path d=\"", $path, "\"/></svg>")
    };
}

/// The navigation, in groups, each with a heading.
const NAVIGATION: &[(&str, &[Entry])] = &[
    (
        "",
        &[
            Entry { section: Section::Overview, label: "Overview", path: "", icon: OVERVIEW, area: None },
            Entry {
                section: Section::Dashboards,
                label: "Dashboards",
                path: "/dashboards",
                icon: DASHBOARDS,
                area: Some(AdminArea::Stats),
            },
            Entry { section: Section::Apps, label: "Apps", path: "/apps", icon: APPS, area: Some(AdminArea::Clients) },
            Entry {
                section: Section::Providers,
                label: "Providers",
                path: "/providers",
                icon: PROVIDERS,
                area: Some(AdminArea::Providers),
            },
            Entry { section: Section::People, label: "People", path: "/people", icon: PEOPLE, area: Some(AdminArea::Accounts) },
            Entry { section: Section::Sessions, label: "Sessions", path: "/sessions", icon: SESSIONS, area: Some(AdminArea::Sessions) },
            Entry { section: Section::Logins, label: "Explain a login", path: "/logins", icon: LOGINS, area: Some(AdminArea::Audit) },
        ],
    ),
    (
        "Security",
        &[
            Entry { section: Section::Audit, label: "Audit log", path: "/audit", icon: AUDIT, area: Some(AdminArea::Audit) },
            Entry { section: Section::Keys, label: "Signing keys", path: "/keys", icon: KEYS, area: Some(AdminArea::Keys) },
            Entry { section: Section::ApiKeys, label: "API keys", path: "/api-keys", icon: API_KEYS, area: Some(AdminArea::ApiKeys) },
            Entry {
                section: Section::RegistrationTokens,
                label: "Registration tokens",
                path: "/registration-tokens",
                icon: TOKENS,
                area: Some(AdminArea::RegistrationTokens),
            },
            Entry {
                section: Section::Configuration,
                label: "Configuration",
                path: "/configuration",
                icon: CONFIGURATION,
                area: Some(AdminArea::Config),
            },
        ],
    ),
];

const OVERVIEW: &str = icon!("M3 9.5 10 3.5l7 6M5 8.5V16h10V8.5");
const DASHBOARDS: &str = icon!("M3.5 3.5v13h13M7 13.5V10M10.5 13.5V6M14 13.5V8.5");
const APPS: &str = icon!("M3.5 3.5h5v5h-5zM11.5 3.5h5v5h-5zM3.5 11.5h5v5h-5zM11.5 11.5h5v5h-5z");
const PROVIDERS: &str = icon!("M11 3.5h5v13h-5M3.5 10h8M8.5 7l3 3-3 3");
const PEOPLE: &str =
    icon!("M7.5 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 16.5c0-2.8 2.2-5 5-5s5 2.2 5 5M13 4a3 3 0 0 1 0 5.5M14.5 12c1.8.7 3 2.4 3 4.5");
const SESSIONS: &str = icon!("M3 4.5h14v9H3zM7 16.5h6M10 13.5v3");
const AUDIT: &str = icon!("M5 3.5h7l3 3v10H5zM12 3.5v3h3M7.5 10h5M7.5 13h5");
const LOGINS: &str = icon!("M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4M7.6 7.6a1.5 1.5 0 1 1 2 1.7c-.4.2-.6.4-.6.9M9 12v.1");
const KEYS: &str = icon!("M12.5 11.5a4 4 0 1 0-3.6-2.3L3.5 14.6v2h2.6v-2h2v-2h2l.8-1.3");
const API_KEYS: &str = icon!("M7 6.5 3.5 10 7 13.5M13 6.5l3.5 3.5-3.5 3.5M11.5 4.5l-3 11");
const TOKENS: &str = icon!("M3.5 7V4.5h13V7a3 3 0 0 0 0 6v2.5h-13V13a3 3 0 0 0 0-6zM10 7.5v5");

const CONFIGURATION: &str = icon!("M3.5 6h6M13.5 6h3M3.5 14h3M10.5 14h6M11.5 4v4M8.5 12v4");

/// What every page has.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The path of the console, which every address of it begins with.
    pub(crate) base: String,
    /// The path of the house, which everything of ours begins with.
    pub(crate) house: String,
    /// Whose house it is.
    pub(crate) brand: String,
    /// Its mark.
    pub(crate) icon: String,
    /// Its colours.
    pub(crate) accents: String,
    /// Lets our own styles and scripts through the policy, and nothing else; new with every answer.
    pub(crate) nonce: String,
    /// The name of the style sheet.
    pub(crate) style: &'static str,
    /// The name of our script.
    pub(crate) script: &'static str,
    /// The name of `htmx`.
    pub(crate) htmx: &'static str,
    /// The navigation, as far as this operator sees it.
    pub(crate) groups: Vec<(&'static str, Vec<&'static Entry>)>,
    /// Who is at work; nobody on the way in.
    pub(crate) who: Option<String>,
    /// For every form.
    pub(crate) token: String,
    /// What was just done here.
    pub(crate) notice: Option<&'static str>,
    here: Section,
    operator: Option<Operator>,
}

impl Frame {
    /// For an operator at work.
    pub(crate) fn new(house: &House, visit: &Visit, desk: &Desk, here: Section) -> Self {
        let notice = visit.parameters().ok().filter(|_| !visit.is_post()).and_then(|mut parameters| parameters.take("notice"));
        Self {
            groups: seen_by(desk),
            who: Some(visible(&desk.name, 60)),
            token: desk.token.clone(),
            notice: notice.and_then(|name| super::form::notice(&name)),
            here,
            operator: Some(desk.operator.clone()),
            ..Self::outside(house)
        }
    }

    /// For whoever is not in yet.
    pub(crate) fn outside(house: &House) -> Self {
        let mut bytes = [0; 16];
        house.gateway.entropy().fill(&mut bytes);
        let brand = house.brand();
        Self {
            base: format!("{}{BASE}", house.prefix()),
            house: house.prefix().to_owned(),
            brand: brand.name().to_owned(),
            icon: brand.icon().to_owned(),
            accents: brand.accents().to_owned(),
            nonce: STANDARD_NO_PAD.encode(bytes),
            style: &assets::STYLE.name,
            script: &assets::SCRIPT.name,
            htmx: &assets::HTMX.name,
            groups: Vec::new(),
            who: None,
            token: String::new(),
            notice: None,
            here: Section::None,
            operator: None,
        }
    }

    /// Whether this operator may change something in an area: who may not is not offered it. That nobody does who may not is the door's to see.
    pub(crate) fn changes(&self, area: AdminArea) -> bool {
        self.sees(area) && self.operator.as_ref().is_some_and(|operator| operator.must(AdminScope::write(area)).is_ok())
    }

    /// Whether an entry is where the page belongs.
    pub(crate) fn is_here(&self, entry: &Entry) -> bool {
        entry.section == self.here
    }

    /// Whether the operator may look at an area, so that a page leads there.
    pub(crate) fn sees(&self, area: AdminArea) -> bool {
        self.operator.as_ref().is_some_and(|operator| operator.sees(area))
    }
}

fn seen_by(desk: &Desk) -> Vec<(&'static str, Vec<&'static Entry>)> {
    let sees = |entry: &&Entry| entry.area.is_none_or(|area| desk.operator.sees(area));
    let groups = NAVIGATION.iter().map(|(heading, entries)| (*heading, entries.iter().filter(sees).collect::<Vec<_>>()));
    groups.filter(|(_, entries)| !entries.is_empty()).collect()
}

/// A page as it is sent.
pub(crate) fn show(status: StatusCode, frame: &Frame, page: &impl Template) -> Response {
    let mut response = rendered(status, page, &policy(&frame.nonce));
    response.headers_mut().insert(header::CONTENT_LANGUAGE, HeaderValue::from_static("en"));
    response
}

/// A part of a page, for `htmx`: it is put into a page that has a policy.
pub(crate) fn show_part(status: StatusCode, part: &impl Template) -> Response {
    rendered(status, part, "default-src 'none'; frame-ancestors 'none'")
}

/// As every page of ours is protected, but for the referrer: without one, browsers would not say that a form came from here.
fn rendered(status: StatusCode, template: &impl Template, policy: &str) -> Response {
    let Ok(html) = template.render() else {
        tracing::error!("a page of the console could not be rendered");
        return Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).content_type("text/plain; charset=utf-8").body("no page\n");
    };
    let mut response = Response::builder()
        .status(status)
        .content_type("text/html; charset=utf-8")
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .body(html);
    protect(&mut response, "same-origin");
    response
}

/// Only what this answer's nonce names runs or styles; what is fetched, and where forms go, is us.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; \
         object-src 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// Says why nothing was done.
pub(crate) fn sorry(frame: &Frame, status: StatusCode, title: &str, text: &str) -> Response {
    show(status, frame, &Sorry { f: frame, title, text })
}

#[derive(Template)]
#[template(path = "console/sorry.html")]
struct Sorry<'a> {
    f: &'a Frame,
    title: &'a str,
    text: &'a str,
}
