//! `POST /register`, and `GET`, `PUT`, `DELETE /register/{client_id}`: apps that register themselves (RFC 7591, RFC 7592).

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};
use poem::Response;
use poem_openapi::types::ToJSON;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use vestibule_domain::{
    client::Client,
    error::OAuthError,
    registration::FieldFault,
    self_registration::{SAYABLE, SelfDraft},
};
use vestibule_flows::{Holder, Repeated, SelfFault, SelfRegistered};
use vestibule_protocol::{
    json,
    registration::{RegistrationError, RegistrationErrorCode, read_metadata},
    responses::ErrorResponse,
};

use crate::{admin, house::House, oauth, visit::Visit};

/// Where apps register.
pub(crate) async fn register(house: Arc<House>, visit: Visit) -> Response {
    let result = async {
        let token = bearer(&visit)?;
        let body = Body::read(&visit)?;
        if body.repeats_itself() {
            return Err(Refusal::metadata("client_id and client_secret are given, never taken: leave them out"));
        }
        Ok(house.gateway.register_itself(&visit.witness, token.as_deref(), body.asked()?).await?)
    };
    match result.await {
        Ok(registered) => {
            let secret = registered.secret.as_ref().map(|new| new.secret.expose_secret());
            shown(&house, StatusCode::CREATED, &registered.client, secret, registered.token.expose_secret())
        }
        Err(refusal) => refusal.respond(),
    }
}

/// Where an app looks after its registration.
pub(crate) async fn look_after(house: Arc<House>, visit: Visit) -> Response {
    answer(&house, &visit).await.unwrap_or_else(Refusal::respond)
}

async fn answer(house: &House, visit: &Visit) -> Result<Response, Refusal> {
    let token = bearer(visit)?;
    let id = visit.request.raw_path_param("client_id").unwrap_or_default();
    let holder = Holder { id, token: token.as_deref() };
    let (gateway, witness) = (&house.gateway, &visit.witness);
    match *visit.request.method() {
        Method::PUT => {
            // Who has no token hears nothing of what is wrong with the rest.
            gateway.own_registration(witness, Holder { ..holder }).await?;
            let body = Body::read(visit)?;
            if let Some(name) = NEVER_SENT.iter().find(|name| body.0.contains_key(**name)) {
                return Err(Refusal::metadata(format!("{name} is given, never taken: leave it out (RFC 7592 section 2.2)")));
            }
            let repeated =
                Repeated { client_id: body.text("client_id"), client_secret: body.text("client_secret").map(SecretString::from) };
            let SelfRegistered { client, secret, token } =
                gateway.replace_own_registration(witness, holder, repeated, body.asked()?).await?;
            Ok(shown(house, StatusCode::OK, &client, secret.as_ref().map(|new| new.secret.expose_secret()), token.expose_secret()))
        }
        Method::DELETE => {
            gateway.end_own_registration(witness, holder).await?;
            let mut gone = Response::builder().status(StatusCode::NO_CONTENT).finish();
            gone.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            Ok(gone)
        }
        _ => {
            let client = gateway.own_registration(witness, holder).await?;
            Ok(shown(house, StatusCode::OK, &client, None, token.as_deref().unwrap_or_default()))
        }
    }
}

/// RFC 7592 §2.2.
const NEVER_SENT: [&str; 4] = ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];

/// What an app said, by name.
struct Body(Map<String, Value>);

impl Body {
    fn read(visit: &Visit) -> Result<Self, Refusal> {
        let kind = visit.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
            return Err(Refusal::metadata("the body must be sent as application/json"));
        }
        match json::parse_strict(&visit.body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(Refusal::metadata("the body must be one JSON object")),
            Err(error) => Err(Refusal::metadata(format!("the body can't be read: {error}"))),
        }
    }

    fn repeats_itself(&self) -> bool {
        self.0.contains_key("client_id") || self.0.contains_key("client_secret")
    }

    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).and_then(Value::as_str).map(str::to_owned)
    }

    /// The registration it asks for.
    fn asked(self) -> Result<SelfDraft, Refusal> {
        // A statement that nobody here can check might say something else than the rest (RFC 7591 §2.3).
        if self.0.contains_key("software_statement") {
            let text = "software statements are not supported: nobody's is approved here";
            return Err(Refusal::Told(RegistrationError::new(RegistrationErrorCode::UnapprovedSoftwareStatement, text)));
        }
        read_metadata(self.0).map_err(|faults| Refusal::Fault(SelfFault::Invalid(faults)))
    }
}

/// The token of the request: an initial access token, or the registration's own. In the header alone.
fn bearer(visit: &Visit) -> Result<Option<String>, Refusal> {
    oauth::header_bearer(visit).map_err(|_| Refusal::Fault(SelfFault::Unauthorized))
}

/// RFC 7591 §3.2.1: everything that is registered, what was left to us included.
fn shown(house: &House, status: StatusCode, client: &Client, secret: Option<&str>, token: &str) -> Response {
    let registered = admin::shown_client(client).to_json().unwrap_or_default();
    let mut answer: Map<String, Value> = match registered {
        Value::Object(members) => members.into_iter().filter(|(name, _)| SAYABLE.contains(&name.as_str())).collect(),
        _ => Map::new(),
    };
    let address = house.gateway.settings().url(&format!("/register/{}", client.id));
    let given = [
        ("client_id", json!(client.id.as_str())),
        ("client_id_issued_at", json!(client.created.as_secs())),
        ("response_types", json!(["code"])),
        ("registration_client_uri", json!(address)),
        ("registration_access_token", json!(token)),
    ];
    answer.extend(given.map(|(name, value)| (name.to_owned(), value)));
    if let Some(secret) = secret {
        answer.insert("client_secret".into(), json!(secret));
    }
    if client.auth_method.has_secret() {
        let expires = client.secrets.iter().filter_map(|secret| secret.expires).max().map_or(0, vestibule_domain::time::Timestamp::as_secs);
        answer.insert("client_secret_expires_at".into(), json!(expires));
    }
    oauth::json(status, &answer)
}

/// Why there is no registration in the answer.
enum Refusal {
    Told(RegistrationError),
    Fault(SelfFault),
}

impl From<SelfFault> for Refusal {
    fn from(fault: SelfFault) -> Self {
        Self::Fault(fault)
    }
}

impl Refusal {
    fn metadata(text: impl Into<String>) -> Self {
        Self::Told(RegistrationError::new(RegistrationErrorCode::InvalidClientMetadata, text))
    }

    fn respond(self) -> Response {
        match self {
            Self::Told(error) => refused(&error),
            Self::Fault(SelfFault::Invalid(faults)) => refused(&of_faults(&faults)),
            Self::Fault(SelfFault::Off) => {
                let text = "apps can't register themselves here";
                oauth::json(StatusCode::NOT_FOUND, &ErrorResponse { error: "not_found".into(), error_description: Some(text.into()) })
            }
            Self::Fault(SelfFault::Unauthorized) => unauthorized(),
            Self::Fault(SelfFault::SlowDown(seconds)) => oauth::error(&OAuthError::slow_down(seconds), false),
            Self::Fault(SelfFault::Full) => oauth::error(&OAuthError::unavailable(), false),
            Self::Fault(SelfFault::Store(error)) => {
                tracing::error!(%error, "the database can't be used");
                oauth::error(&OAuthError::unavailable(), false)
            }
        }
    }
}

fn refused(error: &RegistrationError) -> Response {
    oauth::json(StatusCode::BAD_REQUEST, error)
}

/// RFC 7592 §2: one answer for a wrong token, another client's and no client at all.
fn unauthorized() -> Response {
    let text = "the token is missing, or not good for this";
    let body = ErrorResponse { error: "invalid_token".into(), error_description: Some(text.into()) };
    let mut response = oauth::json(StatusCode::UNAUTHORIZED, &body);
    let challenge = HeaderValue::from_static("Bearer realm=\"vestibule registration\", error=\"invalid_token\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// RFC 7591 §3.2.2 has one code for addresses and one for everything else; the text names every place.
fn of_faults(faults: &[FieldFault]) -> RegistrationError {
    let is_address = |fault: &FieldFault| fault.pointer.starts_with("/redirect_uris");
    let code = if faults.iter().any(is_address) {
        RegistrationErrorCode::InvalidRedirectUri
    } else {
        RegistrationErrorCode::InvalidClientMetadata
    };
    let texts: Vec<_> = faults.iter().map(|fault| format!("{} {}", fault.pointer.trim_start_matches('/'), fault.message)).collect();
    RegistrationError::new(code, texts.join("; "))
}
