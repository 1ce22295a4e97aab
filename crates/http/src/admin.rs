//! The admin API, under `/api/v1`: registering apps, setting up providers, looking after accounts.
//!
//! One OpenAPI document says what there is (`operations`), one kind of answer says what went wrong (`problem`). A caller is whoever sends
//! an admin key as a bearer token; cookies and queries are never looked at, so another site's page can't make a browser do anything here.

mod access;
mod accounts;
mod answers;
pub(crate) mod api_keys;
pub(crate) mod audit;
mod body;
mod code;
mod configuration;
mod document;
mod dry_run;
mod explorer;
mod json;
mod key;
mod keys;
mod logins;
mod objects;
mod operations;
mod precondition;
mod problem;
mod providers;
mod refused;
pub(crate) mod registration_tokens;
mod repeats;
mod rules;
mod stats;
pub(crate) mod table;
mod text;
mod unseen;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use poem::{Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Request, Response, endpoint::BoxEndpoint};
use poem_openapi::{OpenApiService, types::ToJSON};
use serde_json::{Map, Value};
use vestibule_domain::{audit::Witness, client::Client, registration::Draft};

use self::{
    access::Access,
    accounts::Accounts,
    api_keys::ApiKeys,
    audit::Audit,
    configuration::Configuration,
    explorer::Explorer,
    key::Caller,
    keys::Keys,
    logins::Logins,
    objects::{ClientObject, Registration},
    operations::Operations,
    problem::Problem,
    providers::Providers,
    registration_tokens::RegistrationTokens,
    stats::Stats,
    table::{Place, Row},
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
        ApiKeys { house: house.clone(), base: base.clone() },
        Access { house: house.clone(), base: base.clone() },
        Audit { house: house.clone(), base: base.clone() },
        Configuration { house: house.clone() },
        Logins { house: house.clone() },
        Stats { house: house.clone() },
    );
    let service = OpenApiService::new(operations, "Vestibule admin API", "1").description(ABOUT).server(base);
    Api { house: house.clone(), explorer: Explorer::new(&service), operations: Arc::new(service.into_endpoint().boxed()) }
}

const ABOUT: &str = "Registers the apps that people sign in to, sets up where they sign in, looks after their accounts, and shows what happened.\n\n\
    Send an admin key as `Authorization: Bearer …`. A change of something that is there needs its `ETag` in `If-Match`, so that two editors \
    never overwrite each other. `PATCH` takes a JSON Merge Patch (RFC 7396). With `?dry_run=true` a change is checked, answered with what would be \
    another, and not made. A `POST` with an `Idempotency-Key` is done once, however often it is sent within a day. Errors are RFC 9457 problem \
    documents with a stable `code`, and `trace_id` is the reference of the request in logs and audit events.";

struct Api {
    house: Arc<House>,
    explorer: Explorer,
    operations: Arc<BoxEndpoint<'static, Response>>,
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
        let Visit { witness, request, .. } = visit;
        let row = match place {
            Place::Nowhere => return Err(Problem::no_such_address()),
            Place::File(_) | Place::Operations(_) if !place.takes(request.method()) => {
                return Err(Problem::method_not_allowed(&place.allow()));
            }
            Place::File(_) => return self.explorer.respond(&request).ok_or_else(Problem::no_such_address),
            Place::Operations(_) => place.row(request.method()).ok_or_else(Problem::no_such_address)?,
        };
        let mut caller = self.caller(&witness, row, request.headers()).await?;
        let operations = self.operations.clone();
        if dry_run::is_asked(row, request.uri().query())? {
            // What would be another is shown beside what is there.
            if let Some(to_look) = row.needs.to_look() {
                caller.gateway.must(&witness, &caller.operator, to_look).await?;
            }
            let (gateway, rehearsed) = caller.gateway.rehearsing();
            caller.gateway = gateway;
            let answer = operate(&operations, row, caller, request).await;
            return dry_run::answered(answer, &rehearsed);
        }
        let Some(name) = repeats::name(&request)? else { return operate(&operations, row, caller, request).await };
        let call = repeats::Call { gateway: self.house.gateway.clone(), witness, operator: caller.operator.clone() };
        call.answered(&name, request, move |request| async move { operate(&operations, row, caller, request).await }).await
    }

    /// Who is calling, if they may do this. Nothing else of the request is looked at before.
    async fn caller(&self, witness: &Witness, row: &Row, headers: &HeaderMap) -> Result<Caller, Problem> {
        let gateway = &self.house.gateway;
        let operator = gateway.admin(witness, key::bearer(headers)).await?;
        gateway.permit(witness, &operator, row.needs, row.cost).await?;
        Ok(Caller { gateway: gateway.clone(), operator, witness: witness.clone() })
    }
}

/// Lets the library find the operation. Who may change what is there and not look at it is not shown it by the answer either.
async fn operate(
    operations: &BoxEndpoint<'static, Response>,
    row: &Row,
    caller: Caller,
    mut request: Request,
) -> Result<Response, Problem> {
    if let Some(inner) = table::inner(row.route, request.uri()) {
        *request.uri_mut() = inner;
    }
    let sees = row.needs.to_look().is_none_or(|to_look| caller.operator.scopes.cover(to_look));
    request.set_data(caller);
    match operations.call(request).await {
        Ok(response) if sees => Ok(response.into_response()),
        Ok(response) => unseen::without_what_is_there(response.into_response()).await,
        Err(error) => Err(Problem::from_library(error)),
    }
}

/// A client, by the names that it was registered with.
pub(crate) fn shown_client(client: &Client) -> ClientObject {
    client.into()
}

/// What a caller hears where nothing is.
pub(crate) fn no_such_address(reference: &str) -> Response {
    Problem::no_such_address().respond(reference)
}

/// What a caller hears when a handler panicked.
pub(crate) fn last_resort(reference: &str) -> Response {
    Problem::internal().respond(reference)
}

/// A client as it would be registered again.
pub(crate) fn draft_of(client: &Client) -> Draft {
    Registration::from(client).split().1
}

/// The same as it is written.
pub(crate) fn registration_text(client: &Client) -> String {
    serde_json::to_string_pretty(&Registration::from(client).to_json().unwrap_or_default()).unwrap_or_default()
}

/// Reads an object that was written somewhere else than in a body, by the same rules: no name twice, and where it goes wrong is said.
pub(crate) fn read_object(text: &str) -> Result<Map<String, Value>, Vec<String>> {
    body::read_object(text).map_err(|problem| problem.said())
}

/// Reads what was written of a client of this id, or says what is wrong with it.
pub(crate) fn read_registration(id: &str, text: &str) -> Result<Draft, Vec<String>> {
    let (named, draft) = body::read_text::<Registration>(text).map_err(|problem| problem.said())?.split();
    if named.is_some_and(|named| named != id) {
        return Err(vec!["client_id is another than this app's; leave it out.".to_owned()]);
    }
    Ok(draft)
}
