//! Every operation of the admin API: the one table.
//!
//! A new operation gets a row here, a handler, and nothing else: the row lets requests reach the handler, asks for the scope, counts the call, and
//! says what it leaves in the audit log. A page of the console that does the same names the row. Tests hold the table to the OpenAPI document in both
//! directions, and to the events that are really left.
//!
//! No row has a class for requests that another site's page makes (CSRF), because there is nothing to tell apart: a caller is known by the bearer
//! token that it sends itself in a header, and by nothing that a browser would add.

use std::num::NonZeroU32;

use http::{Method, Uri};
use vestibule_domain::{
    audit::EventName,
    operator::{
        AdminArea::{self, Accounts, ApiKeys, Audit, Clients, Config, Grants, Keys, Providers, RegistrationTokens, Sessions, Stats},
        AdminScope,
    },
};

use super::BASE;

/// One operation.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) method: Method,
    /// Its address, as metrics and spans name it. What follows a colon in the midst of a part is done to the thing that the part names.
    pub(crate) route: &'static str,
    /// What a caller must be allowed.
    pub(crate) needs: AdminScope,
    pub(crate) does: Does,
    /// How many of a key's requests a minute it counts as.
    pub(crate) cost: NonZeroU32,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Does {
    /// Shows what is there, and leaves no record.
    Reads,
    /// Changes something, leaves one of these events with what changed, and answers `dry_run`.
    Writes(&'static [EventName]),
    /// Changes nothing and leaves one of these events, if any.
    Tries(&'static [EventName]),
}

const ONE: NonZeroU32 = NonZeroU32::MIN;
/// What asks somebody else, or reads without end.
const DEAR: NonZeroU32 = ONE.saturating_add(19);

const fn reads(route: &'static str, area: AdminArea) -> Row {
    Row { method: Method::GET, route, needs: AdminScope::read(area), does: Does::Reads, cost: ONE }
}

const fn writes(method: Method, route: &'static str, area: AdminArea, leaves: &'static [EventName]) -> Row {
    Row { method, route, needs: AdminScope::write(area), does: Does::Writes(leaves), cost: ONE }
}

const fn tries(method: Method, route: &'static str, needs: AdminScope, leaves: &'static [EventName]) -> Row {
    Row { method, route, needs, does: Does::Tries(leaves), cost: DEAR }
}

use EventName as E;

pub(crate) const CLIENTS: &str = "/api/v1/clients";
pub(crate) const CLIENT: &str = "/api/v1/clients/:client_id";
pub(crate) const SECRETS: &str = "/api/v1/clients/:client_id/secrets";
pub(crate) const SECRET: &str = "/api/v1/clients/:client_id/secrets/:secret_id";
pub(crate) const PROVIDERS: &str = "/api/v1/providers";
pub(crate) const PROVIDER: &str = "/api/v1/providers/:provider_id";
pub(crate) const PROVIDER_TEST: &str = "/api/v1/providers/:provider_id:test";
const PROVIDER_TRIAL: &str = "/api/v1/providers/:provider_id/trials/:trial";
pub(crate) const ACCOUNTS: &str = "/api/v1/accounts";
pub(crate) const ACCOUNT: &str = "/api/v1/accounts/:account_id";
pub(crate) const ERASURE: &str = "/api/v1/accounts/:account_id:erase";
const LINKS: &str = "/api/v1/accounts/:account_id/links";
pub(crate) const LINK: &str = "/api/v1/accounts/:account_id/links/:link_id";
const SESSIONS: &str = "/api/v1/accounts/:account_id/sessions";
pub(crate) const SESSION: &str = "/api/v1/accounts/:account_id/sessions/:session_id";
const GRANTS: &str = "/api/v1/accounts/:account_id/grants";
pub(crate) const GRANT: &str = "/api/v1/accounts/:account_id/grants/:grant_id";
const CONSENTS: &str = "/api/v1/accounts/:account_id/consents";
pub(crate) const CONSENT: &str = "/api/v1/accounts/:account_id/consents/:client_id";
pub(crate) const CLIENT_GRANTS: &str = "/api/v1/clients/:client_id/grants";
pub(crate) const ALL_SESSIONS: &str = "/api/v1/sessions";
pub(crate) const ANY_SESSION: &str = "/api/v1/sessions/:session_id";
const ALL_GRANTS: &str = "/api/v1/grants";
const ANY_GRANT: &str = "/api/v1/grants/:grant_id";
pub(crate) const AUDIT_EVENTS: &str = "/api/v1/audit-events";
pub(crate) const AUDIT_EVENT: &str = "/api/v1/audit-events/:event_id";
pub(crate) const AUDIT_EXPORT: &str = "/api/v1/audit-events:export";
pub(crate) const AUDIT_CHAIN: &str = "/api/v1/audit-chain";
pub(crate) const CONFIG: &str = "/api/v1/config";
pub(crate) const CONFIG_CHECK: &str = "/api/v1/config:check";
pub(crate) const CONFIG_RELOAD: &str = "/api/v1/config:reload";
pub(crate) const LOGIN: &str = "/api/v1/logins/:reference";
pub(crate) const KEYS: &str = "/api/v1/keys";
pub(crate) const KEY_ROTATION: &str = "/api/v1/keys:rotate";
pub(crate) const API_KEYS: &str = "/api/v1/api-keys";
pub(crate) const API_KEY: &str = "/api/v1/api-keys/:key_id";
pub(crate) const REGISTRATION_TOKENS: &str = "/api/v1/registration-tokens";
pub(crate) const REGISTRATION_TOKEN: &str = "/api/v1/registration-tokens/:token_id";
pub(crate) const STATS: &str = "/api/v1/stats";

/// How a provider may change by one request.
const PROVIDER_CHANGES: &[E] = &[E::ProviderUpdated, E::ProviderEnabled, E::ProviderDisabled];
const PROVIDER_PUT: &[E] = &[E::ProviderCreated, E::ProviderUpdated, E::ProviderEnabled, E::ProviderDisabled];

pub(crate) const TABLE: &[Row] = &[
    reads(CLIENTS, Clients),
    writes(Method::POST, CLIENTS, Clients, &[E::ClientCreated]),
    reads(CLIENT, Clients),
    writes(Method::PUT, CLIENT, Clients, &[E::ClientCreated, E::ClientUpdated]),
    writes(Method::PATCH, CLIENT, Clients, &[E::ClientUpdated]),
    writes(Method::DELETE, CLIENT, Clients, &[E::ClientDeleted]),
    writes(Method::POST, SECRETS, Clients, &[E::ClientSecretAdded]),
    writes(Method::DELETE, SECRET, Clients, &[E::ClientSecretRevoked]),
    reads(PROVIDERS, Providers),
    reads(PROVIDER, Providers),
    writes(Method::PUT, PROVIDER, Providers, PROVIDER_PUT),
    writes(Method::PATCH, PROVIDER, Providers, PROVIDER_CHANGES),
    writes(Method::DELETE, PROVIDER, Providers, &[E::ProviderDeleted]),
    // It sends what is written to addresses that are written with it.
    tries(Method::POST, PROVIDER_TEST, AdminScope::write(Providers), &[E::ProviderTested]),
    reads(PROVIDER_TRIAL, Providers),
    reads(ACCOUNTS, Accounts),
    reads(ACCOUNT, Accounts),
    writes(Method::PATCH, ACCOUNT, Accounts, &[E::AccountDisabled, E::AccountEnabled, E::SessionEnded]),
    writes(Method::POST, ERASURE, Accounts, &[E::AccountErased, E::SessionEnded]),
    reads(LINKS, Accounts),
    writes(Method::DELETE, LINK, Accounts, &[E::IdentityUnlinked, E::SessionEnded]),
    reads(SESSIONS, Sessions),
    writes(Method::DELETE, SESSION, Sessions, &[E::SessionEnded]),
    reads(GRANTS, Grants),
    writes(Method::DELETE, GRANT, Grants, &[E::GrantRevoked]),
    reads(CONSENTS, Accounts),
    writes(Method::DELETE, CONSENT, Accounts, &[E::ConsentRevoked]),
    reads(ALL_SESSIONS, Sessions),
    reads(ANY_SESSION, Sessions),
    writes(Method::DELETE, ANY_SESSION, Sessions, &[E::SessionEnded]),
    reads(ALL_GRANTS, Grants),
    reads(ANY_GRANT, Grants),
    writes(Method::DELETE, ANY_GRANT, Grants, &[E::GrantRevoked]),
    writes(Method::DELETE, CLIENT_GRANTS, Grants, &[E::GrantRevoked]),
    reads(AUDIT_EVENTS, Audit),
    reads(AUDIT_EVENT, Audit),
    tries(Method::GET, AUDIT_EXPORT, AdminScope::read(Audit), &[E::AuditExported]),
    reads(AUDIT_CHAIN, Audit),
    reads(CONFIG, Config),
    // It reads every file that the configuration names.
    tries(Method::POST, CONFIG_CHECK, AdminScope::read(Config), &[E::ConfigChecked]),
    writes(Method::POST, CONFIG_RELOAD, Config, &[E::ConfigReloaded, E::ConfigReloadFailed]),
    reads(LOGIN, Audit),
    reads(KEYS, Keys),
    writes(Method::POST, KEY_ROTATION, Keys, &[E::KeyRotated]),
    reads(API_KEYS, ApiKeys),
    writes(Method::POST, API_KEYS, ApiKeys, &[E::ApiKeyCreated]),
    reads(API_KEY, ApiKeys),
    writes(Method::PATCH, API_KEY, ApiKeys, &[E::ApiKeyUpdated]),
    writes(Method::DELETE, API_KEY, ApiKeys, &[E::ApiKeyDeleted]),
    reads(REGISTRATION_TOKENS, RegistrationTokens),
    writes(Method::POST, REGISTRATION_TOKENS, RegistrationTokens, &[E::RegistrationTokenCreated]),
    writes(Method::DELETE, REGISTRATION_TOKEN, RegistrationTokens, &[E::RegistrationTokenDeleted]),
    // Thirteen months of every node may be added up for it.
    Row { method: Method::GET, route: STATS, needs: AdminScope::read(Stats), does: Does::Reads, cost: DEAR },
];

/// The row of an operation. What the console does is one of these too, so that it asks for the same and counts the same.
pub(crate) fn row(method: &Method, route: &str) -> &'static Row {
    TABLE.iter().find(|row| row.route == route && row.method == *method).expect("it is in the table")
}

/// What there is besides: the document and the page that shows it. They hold no secret and ask for no key.
const FILES: [&str; 2] = ["/api/v1/openapi.json", "/api/v1/explorer"];

/// What stands at an address.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// Operations.
    Operations(&'static str),
    /// Files.
    File(&'static str),
    /// Nothing.
    Nowhere,
}

impl Place {
    /// The place of a path under [`BASE`].
    pub(crate) fn of(path: &str) -> Self {
        let file = match path {
            "/openapi.json" => Some(FILES[0]),
            _ => path.strip_prefix("/explorer").filter(|rest| rest.is_empty() || rest.rfind('/') == Some(0)).map(|_| FILES[1]),
        };
        let route = || TABLE.iter().map(|row| row.route).find(|route| leads(route, path)).filter(|_| !is_inner(path));
        file.map(Self::File).or_else(|| route().map(Self::Operations)).unwrap_or(Self::Nowhere)
    }

    /// The label of metrics and spans.
    pub(crate) const fn route(self) -> &'static str {
        match self {
            Self::Operations(route) | Self::File(route) => route,
            Self::Nowhere => "/api/v1/unmatched",
        }
    }

    /// What is done here by a method. HEAD is GET without the body (RFC 9110 §9.3.2), where to get something is all that happens.
    pub(crate) fn row(self, method: &Method) -> Option<&'static Row> {
        let is_head = *method == Method::HEAD;
        let asked = if is_head { &Method::GET } else { method };
        TABLE.iter().find(|row| row.route == self.route() && row.method == *asked && (!is_head || row.does == Does::Reads))
    }

    /// Whether the address takes a method.
    pub(crate) fn takes(self, method: &Method) -> bool {
        match self {
            Self::Operations(_) => self.row(method).is_some(),
            Self::File(_) => matches!(*method, Method::GET | Method::HEAD),
            Self::Nowhere => false,
        }
    }

    /// Which methods the address takes, for `Allow`.
    pub(crate) fn allow(self) -> String {
        const ORDER: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
        if let Self::File(_) = self {
            return "GET, HEAD".to_owned();
        }
        let named = ORDER.iter().filter(|method| self.row(method).is_some());
        let has_head = self.row(&Method::HEAD).is_some();
        let names: Vec<_> = named.map(|method| if has_head && *method == Method::GET { "GET, HEAD" } else { method.as_str() }).collect();
        names.join(", ")
    }
}

/// Whether a route leads to a path, part by part.
fn leads(route: &str, path: &str) -> bool {
    let Some(route) = route.strip_prefix(BASE) else { return false };
    let (mut parts, mut segments) = (route.split('/'), path.split('/'));
    loop {
        match (parts.next(), segments.next()) {
            (None, None) => return true,
            (Some(part), Some(segment)) if fits(part, segment) => {}
            _ => return false,
        }
    }
}

fn fits(part: &str, segment: &str) -> bool {
    let Some(name) = part.strip_prefix(':') else { return part == segment };
    match name.split_once(':') {
        Some((_, act)) => {
            segment.strip_suffix(act).and_then(|rest| rest.strip_suffix(':')).is_some_and(|id| !id.is_empty() && !id.contains(':'))
        }
        // The id of a client may be an address; no other id has a colon.
        None => !segment.is_empty() && (name == "client_id" || !segment.contains(':')),
    }
}

/// What is done to a thing, as it stands behind the thing's address and a colon; the library's routes have no word for that, and a slash instead.
pub(crate) fn act(route: &str) -> Option<(&str, &str)> {
    route.rsplit_once(':').filter(|(thing, _)| !thing.ends_with('/'))
}

/// Whether a path is the library's for what is done to a list: where things of the list have addresses, it would lead there too.
fn is_inner(path: &str) -> bool {
    let Some((thing, last)) = path.rsplit_once('/') else { return false };
    TABLE.iter().filter_map(|row| act(row.route)).any(|(of, act)| act == last && of.strip_prefix(BASE) == Some(thing))
}

/// The address as the library routes it, which is none of ours.
pub(crate) fn inner(route: &str, uri: &Uri) -> Option<Uri> {
    act(route)?;
    let (thing, act) = uri.path().rsplit_once(':')?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{thing}/{act}{query}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_its_route_and_nowhere_else() {
        for (path, route) in [
            ("/clients", CLIENTS),
            ("/clients/a", CLIENT),
            ("/clients/https:%2F%2Fapp.example%2Fid", CLIENT),
            ("/clients/a/secrets/b", SECRET),
            ("/providers/a:test", PROVIDER_TEST),
            ("/keys:rotate", KEY_ROTATION),
            ("/audit-events:export", AUDIT_EXPORT),
            ("/audit-events/export:", "/api/v1/unmatched"),
            ("/openapi.json", "/api/v1/openapi.json"),
            ("/explorer/x", "/api/v1/explorer"),
        ] {
            assert_eq!(Place::of(path).route(), route, "{path}");
        }
        for path in [
            "",
            "/",
            "/clients/",
            "/keys:",
            "/keys/rotate",
            "/audit-events/export",
            "/providers/:test",
            "/providers/a:try",
            "/providers/a:b:test",
            "/explorer/x/y",
        ] {
            assert!(matches!(Place::of(path), Place::Nowhere), "{path}");
        }
    }

    #[test]
    fn what_is_done_to_a_thing_has_an_inner_address() {
        let inner = |route, path: &str| inner(route, &path.parse().unwrap()).map(|uri| uri.to_string());
        assert_eq!(inner(PROVIDER_TEST, "/providers/a:test?x=1").as_deref(), Some("/providers/a/test?x=1"));
        assert_eq!(inner(KEY_ROTATION, "/keys:rotate").as_deref(), Some("/keys/rotate"));
        assert_eq!(inner(CLIENT, "/clients/https:x"), None);
    }

    #[test]
    fn attack_86_every_write_needs_a_scope_that_writes_and_every_read_one_that_reads() {
        for row in TABLE {
            let ends = match row.does {
                Does::Reads => ":read",
                Does::Writes(leaves) => {
                    assert!(!leaves.is_empty(), "{} {} leaves nothing", row.method, row.route);
                    ":write"
                }
                Does::Tries(_) => continue,
            };
            assert!(row.needs.to_string().ends_with(ends), "{} {}", row.method, row.route);
            assert_eq!(row.does == Does::Reads, row.method == Method::GET, "{} {}", row.method, row.route);
        }
    }
}
