//! The admin API, under `/api/v1`: registering apps, setting up providers, looking after accounts.
//!
//! One OpenAPI document says what there is (`operations`), one kind of answer says what went wrong (`problem`). A caller is whoever sends
//! an admin key as a bearer token; cookies and queries are never looked at, so another site's page can't make a browser do anything here.

mod accounts;
mod answers;
mod body;
mod code;
mod document;
mod explorer;
mod json;
mod key;
mod keys;
mod objects;
mod operations;
mod precondition;
mod problem;
mod providers;
mod refused;
mod registration_tokens;
mod rules;
mod text;

use std::sync::Arc;

use http::{HeaderValue, StatusCode, Uri, header};
use poem::{Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Request, Response, endpoint::BoxEndpoint};
use poem_openapi::OpenApiService;
use vestibule_domain::client::Client;

use self::{
    accounts::Accounts, explorer::Explorer, keys::Keys, objects::ClientObject, operations::Operations, problem::Problem,
    providers::Providers, registration_tokens::RegistrationTokens,
};
use crate::{
    house::House,
    shell::{Reader, watched},
    visit::Visit,
};

/// Where the admin API lies under the issuer.
const BASE: &str = "/api/v1";

pub(crate) fn api(house: &Arc<House>) -> impl Endpoint<Output = Response> + use<> {
    let base = format!("{}{BASE}", house.prefix());
    let operations = (
        Operations { house: house.clone(), base: base.clone() },
        Providers { house: house.clone(), base: base.clone() },
        Accounts { house: house.clone(), base: base.clone() },
        Keys { house: house.clone() },
        RegistrationTokens { house: house.clone(), base: base.clone() },
    );
    let service = OpenApiService::new(operations, "Vestibule admin API", "1").description(ABOUT).server(base);
    Api { house: house.clone(), explorer: Explorer::new(&service), operations: service.into_endpoint().boxed() }
}

const ABOUT: &str = "Registers the apps that people sign in to, sets up where they sign in, and looks after their accounts.\n\n\
    Send an admin key as `Authorization: Bearer …`. A change of something that is there needs its `ETag` in `If-Match`, so that two editors \
    never overwrite each other. `PATCH` takes a JSON Merge Patch (RFC 7396). Errors are RFC 9457 problem documents with a stable `code`, and `trace_id` is the reference of the request \
    in logs and audit events.";

struct Api {
    house: Arc<House>,
    explorer: Explorer,
    operations: BoxEndpoint<'static, Response>,
}

impl Endpoint for Api {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let place = Place::of(request.uri().path());
        Ok(watched(&self.house, place.route(), Reader::Admin, request, |visit| self.answer(place, visit)).await)
    }
}

impl Api {
    async fn answer(&self, place: Place, visit: Visit) -> Response {
        let reference = visit.reference().to_owned();
        let mut answer = self.act(place, visit).await.unwrap_or_else(|problem| problem.respond(&reference));
        if answer.status() == StatusCode::UNAUTHORIZED {
            // RFC 9728 §5.1.
            let challenge = format!("Bearer realm=\"vestibule admin API\", resource_metadata=\"{}\"", self.house.resource_metadata(BASE));
            if let Ok(challenge) = HeaderValue::try_from(challenge) {
                answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
            }
        }
        answer
    }

    async fn act(&self, place: Place, visit: Visit) -> Result<Response, Problem> {
        let Visit { witness, mut request, .. } = visit;
        if place == Place::Nowhere {
            return Err(Problem::no_such_address());
        }
        if !place.allow().split(", ").any(|method| method == request.method().as_str()) {
            return Err(Problem::method_not_allowed(place.allow()));
        }
        if place.is_explorer() {
            return self.explorer.respond(&request).ok_or_else(Problem::no_such_address);
        }
        if let Some(inner) = inner_path(request.uri()) {
            *request.uri_mut() = inner;
        }
        request.set_data(witness);
        request.set_data(self.house.clone());
        match self.operations.call(request).await {
            Ok(response) => Ok(response.into_response()),
            Err(error) => Err(Problem::from_library(error)),
        }
    }
}

/// What is done to a thing, as it stands behind the thing's address and a colon.
const ACTS: [&str; 2] = ["test", "rotate"];

/// `…/{id}:test` as the library routes it, `…/{id}/test`, which is no address of its own. No id has a colon.
fn inner_path(uri: &Uri) -> Option<Uri> {
    let (thing, act) = uri.path().rsplit_once(':').filter(|(_, act)| ACTS.contains(act))?;
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{thing}/{act}{query}").parse().ok()
}

/// Every address of the admin API; its pattern is the label of metrics and spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Clients,
    Client,
    Secrets,
    Secret,
    Providers,
    Provider,
    ProviderTest,
    ProviderTrial,
    Accounts,
    Account,
    Links,
    Link,
    Sessions,
    Session,
    Grants,
    Grant,
    Consents,
    Consent,
    Keys,
    KeyRotation,
    RegistrationTokens,
    RegistrationToken,
    Document,
    Explorer,
    ExplorerPart,
    Nowhere,
}

impl Place {
    fn of(path: &str) -> Self {
        let segments: Vec<_> = path.trim_start_matches('/').split('/').collect();
        match segments.as_slice() {
            ["clients"] => Self::Clients,
            ["clients", _] => Self::Client,
            ["clients", _, "secrets"] => Self::Secrets,
            ["clients", _, "secrets", _] => Self::Secret,
            ["providers"] => Self::Providers,
            ["providers", id] => match id.split_once(':') {
                None => Self::Provider,
                Some((_, "test")) => Self::ProviderTest,
                Some(_) => Self::Nowhere,
            },
            ["providers", _, "trials", _] => Self::ProviderTrial,
            ["accounts"] => Self::Accounts,
            ["accounts", _] => Self::Account,
            ["accounts", _, "links"] => Self::Links,
            ["accounts", _, "links", _] => Self::Link,
            ["accounts", _, "sessions"] => Self::Sessions,
            ["accounts", _, "sessions", _] => Self::Session,
            ["accounts", _, "grants"] => Self::Grants,
            ["accounts", _, "grants", _] => Self::Grant,
            ["accounts", _, "consents"] => Self::Consents,
            ["accounts", _, "consents", _] => Self::Consent,
            ["keys"] => Self::Keys,
            ["keys:rotate"] => Self::KeyRotation,
            ["registration-tokens"] => Self::RegistrationTokens,
            ["registration-tokens", _] => Self::RegistrationToken,
            ["openapi.json"] => Self::Document,
            ["explorer"] => Self::Explorer,
            ["explorer", _] => Self::ExplorerPart,
            _ => Self::Nowhere,
        }
    }

    const fn route(self) -> &'static str {
        match self {
            Self::Clients => "/api/v1/clients",
            Self::Client => "/api/v1/clients/:client_id",
            Self::Secrets => "/api/v1/clients/:client_id/secrets",
            Self::Secret => "/api/v1/clients/:client_id/secrets/:secret_id",
            Self::Providers => "/api/v1/providers",
            Self::Provider => "/api/v1/providers/:provider_id",
            Self::ProviderTest => "/api/v1/providers/:provider_id:test",
            Self::ProviderTrial => "/api/v1/providers/:provider_id/trials/:trial",
            Self::Accounts => "/api/v1/accounts",
            Self::Account => "/api/v1/accounts/:account_id",
            Self::Links => "/api/v1/accounts/:account_id/links",
            Self::Link => "/api/v1/accounts/:account_id/links/:link_id",
            Self::Sessions => "/api/v1/accounts/:account_id/sessions",
            Self::Session => "/api/v1/accounts/:account_id/sessions/:session_id",
            Self::Grants => "/api/v1/accounts/:account_id/grants",
            Self::Grant => "/api/v1/accounts/:account_id/grants/:grant_id",
            Self::Consents => "/api/v1/accounts/:account_id/consents",
            Self::Consent => "/api/v1/accounts/:account_id/consents/:client_id",
            Self::Keys => "/api/v1/keys",
            Self::KeyRotation => "/api/v1/keys:rotate",
            Self::RegistrationTokens => "/api/v1/registration-tokens",
            Self::RegistrationToken => "/api/v1/registration-tokens/:token_id",
            Self::Document => "/api/v1/openapi.json",
            Self::Explorer | Self::ExplorerPart => "/api/v1/explorer",
            Self::Nowhere => "/api/v1/unmatched",
        }
    }

    const fn allow(self) -> &'static str {
        match self {
            Self::Clients | Self::RegistrationTokens => "GET, HEAD, POST",
            Self::Client | Self::Provider => "GET, HEAD, PUT, PATCH, DELETE",
            Self::Account => "GET, HEAD, PATCH",
            Self::Secrets | Self::ProviderTest | Self::KeyRotation => "POST",
            Self::Secret | Self::Link | Self::Session | Self::Grant | Self::Consent | Self::RegistrationToken => "DELETE",
            Self::Providers
            | Self::ProviderTrial
            | Self::Accounts
            | Self::Links
            | Self::Sessions
            | Self::Grants
            | Self::Consents
            | Self::Keys
            | Self::Document
            | Self::Explorer
            | Self::ExplorerPart => "GET, HEAD",
            Self::Nowhere => "",
        }
    }

    const fn is_explorer(self) -> bool {
        matches!(self, Self::Document | Self::Explorer | Self::ExplorerPart)
    }
}

/// A client, by the names that it was registered with.
pub(crate) fn shown_client(client: &Client) -> ClientObject {
    client.into()
}

/// What a caller hears when a handler panicked.
pub(crate) fn last_resort(reference: &str) -> Response {
    Problem::internal().respond(reference)
}
