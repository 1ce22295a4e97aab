//! The admin API: registering apps, under `/api/v1`.
//!
//! One OpenAPI document says what there is (`operations`), one kind of answer says what went wrong (`problem`). A caller is whoever sends
//! an admin key as a bearer token; cookies and queries are never looked at, so another site's page can't make a browser do anything here.

mod answers;
mod body;
mod code;
mod document;
mod explorer;
mod key;
mod objects;
mod operations;
mod precondition;
mod problem;
mod refused;
mod text;

use std::sync::Arc;

use poem::{Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Request, Response, endpoint::BoxEndpoint};
use poem_openapi::OpenApiService;

use self::{explorer::Explorer, operations::Operations, problem::Problem};
use crate::{
    house::House,
    shell::{Reader, watched},
    visit::Visit,
};

/// Where the admin API lies under the issuer.
const BASE: &str = "/api/v1";

pub(crate) fn api(house: &Arc<House>) -> impl Endpoint<Output = Response> + use<> {
    let base = format!("{}{BASE}", house.prefix());
    let operations = Operations { house: house.clone(), base: base.clone() };
    let service = OpenApiService::new(operations, "Vestibule admin API", "1").description(ABOUT).server(base);
    Api { house: house.clone(), explorer: Explorer::new(&service), operations: service.into_endpoint().boxed() }
}

const ABOUT: &str = "Registers the apps that people sign in to.\n\n\
    Send an admin key as `Authorization: Bearer …`. A change of something that is there needs its `ETag` in `If-Match`, so that two editors \
    never overwrite each other. Errors are RFC 9457 problem documents with a stable `code`, and `trace_id` is the reference of the request \
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
        self.act(place, visit).await.unwrap_or_else(|problem| problem.respond(&reference))
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
        request.set_data(witness);
        request.set_data(self.house.clone());
        match self.operations.call(request).await {
            Ok(response) => Ok(response.into_response()),
            Err(error) => Err(Problem::from_library(error)),
        }
    }
}

/// Every address of the admin API; its pattern is the label of metrics and spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Clients,
    Client,
    Secrets,
    Secret,
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
            Self::Document => "/api/v1/openapi.json",
            Self::Explorer | Self::ExplorerPart => "/api/v1/explorer",
            Self::Nowhere => "/api/v1/unmatched",
        }
    }

    const fn allow(self) -> &'static str {
        match self {
            Self::Clients => "GET, HEAD, POST",
            Self::Client => "GET, HEAD, PUT, DELETE",
            Self::Secrets => "POST",
            Self::Secret => "DELETE",
            Self::Document | Self::Explorer | Self::ExplorerPart => "GET, HEAD",
            Self::Nowhere => "",
        }
    }

    const fn is_explorer(self) -> bool {
        matches!(self, Self::Document | Self::Explorer | Self::ExplorerPart)
    }
}

/// What a caller hears when a handler panicked.
pub(crate) fn last_resort(reference: &str) -> Response {
    Problem::internal().respond(reference)
}
