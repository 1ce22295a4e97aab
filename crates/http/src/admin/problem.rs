//! What went wrong, as RFC 9457 says it: the one place where an [`AdminFault`] becomes a response.

use std::{borrow::Cow, fmt};

use http::{HeaderName, HeaderValue, StatusCode, header};
use poem::{
    Response,
    error::{MethodNotAllowedError, NotFoundError, ParsePathError, ResponseError},
};
use poem_openapi::{
    Object,
    error::{AuthorizationError, ParseParamError},
    types::ToJSON,
};
use serde_json::Value;
use vestibule_domain::{
    configuration::{SettingFault, SettingOrigin},
    operator::{AdminArea, AdminScope},
    registration::FieldFault,
    store::{Contest, StoreError},
};
use vestibule_flows::AdminFault;

use super::{code::Code, precondition::etag};

pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// An answer other than the one that was wanted (RFC 9457).
#[derive(Object)]
#[oai(rename = "Problem", skip_serializing_if_is_none)]
pub(crate) struct ProblemDocument {
    /// Names the kind of problem: `urn:vestibule:problem:` and the code. Stable; leads nowhere.
    #[oai(rename = "type")]
    kind: String,
    /// The kind of problem in words; the same for every problem of this kind.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// The kind of problem for programs. Stable.
    code: String,
    /// Each place that is wrong, when there are such places.
    #[oai(default, skip_serializing_if_is_empty)]
    errors: Vec<ProblemPlace>,
    /// What to do about it.
    hint: Option<String>,
    /// The reference of this request in logs, traces and audit events.
    trace_id: String,
}

/// One place that is wrong.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
pub(crate) struct ProblemPlace {
    /// Where in the body: a JSON pointer (RFC 6901).
    pointer: Option<String>,
    /// Or which parameter of the query, or which header. Neither for a setting of the configuration, of which `detail` says all.
    parameter: Option<String>,
    /// What is wrong there, and what to write instead.
    detail: String,
}

/// A problem, before it has the reference of its request.
#[derive(Debug)]
pub(crate) struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    hint: Option<Cow<'static, str>>,
    places: Vec<Wrong>,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

#[derive(Debug)]
enum Wrong {
    Field(FieldFault),
    Parameter(&'static str, String),
    /// A setting of the configuration, with where it stands.
    Setting(String),
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), hint: None, places: Vec::new(), header: None }
    }

    pub(crate) fn hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some(Box::new((name, value))), ..self }
    }

    /// RFC 6750 §3: which scope would do.
    fn challenge(self, scope: AdminScope) -> Self {
        let text = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
        self.header(header::WWW_AUTHENTICATE, HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("Bearer")))
    }

    /// The version that is there now goes along.
    pub(crate) fn etag(self, version: i64) -> Self {
        self.header(header::ETAG, etag(version))
    }

    pub(crate) fn invalid(faults: Vec<FieldFault>) -> Self {
        let detail = match faults.len() {
            1 => "One thing is wrong with what was sent.".into(),
            many => format!("{many} things are wrong with what was sent."),
        };
        Self { places: faults.into_iter().map(Wrong::Field).collect(), ..Self::new(Code::InvalidFields, detail) }
    }

    /// What is wrong, a sentence each, for whoever reads no problem documents.
    pub(crate) fn said(&self) -> Vec<String> {
        let said = |wrong: &Wrong| match wrong {
            Wrong::Field(fault) => format!("{} {}.", fault.pointer.trim_start_matches('/'), fault.message),
            Wrong::Parameter(name, message) => format!("{name} {message}."),
            Wrong::Setting(message) => format!("{message}."),
        };
        if self.places.is_empty() { vec![self.detail.clone().into_owned()] } else { self.places.iter().map(said).collect() }
    }

    pub(crate) fn parameter(name: &'static str, message: impl Into<String>) -> Self {
        Self::parameters(vec![(name, message.into())])
    }

    pub(crate) fn parameters(wrong: Vec<(&'static str, String)>) -> Self {
        let mut names: Vec<_> = wrong.iter().map(|(name, _)| *name).collect();
        names.dedup();
        let detail = format!("{} can't be used.", names.join(", "));
        let places = wrong.into_iter().map(|(name, message)| Wrong::Parameter(name, message)).collect();
        Self { places, ..Self::new(Code::InvalidParameter, detail) }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(Code::Unauthorized, "Send an admin key in the Authorization header, as a bearer token.")
    }

    pub(crate) fn no_such_address() -> Self {
        Self::new(Code::NoSuchAddress, "Nothing of the admin API is at this address.").hint("openapi.json lists every address")
    }

    pub(crate) fn method_not_allowed(allow: &str) -> Self {
        let value = HeaderValue::try_from(allow).unwrap_or(HeaderValue::from_static(""));
        Self::new(Code::MethodNotAllowed, format!("This address takes {allow}.")).header(header::ALLOW, value)
    }

    pub(crate) fn too_large() -> Self {
        Self::new(Code::TooLarge, "The body is larger than 64 KiB.")
    }

    pub(crate) fn unsupported_media_type() -> Self {
        Self::new(Code::UnsupportedMediaType, "Send the body as Content-Type: application/json.")
    }

    /// RFC 5789 §3.1.
    pub(crate) fn unsupported_patch() -> Self {
        Self::new(Code::UnsupportedMediaType, "Send the body as Content-Type: application/merge-patch+json.")
            .header(HeaderName::from_static("accept-patch"), HeaderValue::from_static("application/merge-patch+json, application/json"))
    }

    pub(crate) fn changed_meanwhile() -> Self {
        Self::new(Code::ChangedMeanwhile, "Nothing was changed; try again.")
    }

    fn unavailable() -> Self {
        Self::new(Code::Unavailable, "Nothing was changed; try again in a moment.").header(header::RETRY_AFTER, 5.into())
    }

    pub(crate) fn internal() -> Self {
        Self::new(Code::Internal, "The operator's log has more under trace_id.")
    }

    /// What the framework refused before an operation ran. Its own words stay inside.
    pub(crate) fn from_library(error: poem::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(problem) => return problem,
            Err(error) => error,
        };
        if error.is::<AuthorizationError>() {
            Self::unauthorized()
        } else if let Some(error) = error.downcast_ref::<ParseParamError>() {
            let wrong = match error.name {
                "limit" => "must be a whole number from 1 to 200",
                "max_events" => "must be a whole number from 1 to 1000000",
                "format" => "must be jsonl, csv, ocsf or ecs",
                _ => "can't be read",
            };
            Self::parameter(error.name, wrong)
        } else if error.is::<NotFoundError>() || error.is::<MethodNotAllowedError>() || error.is::<ParsePathError>() {
            Self::no_such_address()
        } else {
            tracing::error!(%error, "the admin API failed where it should not");
            Self::internal()
        }
    }

    /// The answer, under the reference of its request.
    pub(crate) fn respond(self, reference: &str) -> Response {
        let document = self.document(reference);
        let (code, status, _) = self.code.parts();
        tracing::info!(code, "the admin API refused");
        let mut response =
            Response::builder().status(status).content_type(MEDIA_TYPE).body(document.to_json().unwrap_or_default().to_string());
        if let Some((name, value)) = self.header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// A problem of this kind, for the document.
    pub(crate) fn example(code: Code) -> Self {
        let fault = |pointer: &str, message: &str| FieldFault { pointer: pointer.to_owned(), message: message.to_owned() };
        match code {
            Code::InvalidJson => Self::new(code, "line 3, column 12: expected a value"),
            Code::InvalidFields => Self::invalid(vec![fault("/redirect_uris/0", "has a fragment; leave out '#' and what follows")]),
            Code::InvalidParameter => Self::parameter("If-Match", "must be one ETag in double quotes, as \"v3\""),
            Code::Unauthorized => Self::unauthorized(),
            Code::InsufficientScope => AdminFault::Forbidden(AdminScope::write(AdminArea::Clients)).into(),
            Code::OtherCall => AdminFault::OtherCall.into(),
            Code::InProgress => AdminFault::InProgress.into(),
            Code::CutOff => AdminFault::CutOff.into(),
            Code::NotFound => AdminFault::NotFound.into(),
            Code::NoSuchAddress => Self::no_such_address(),
            Code::MethodNotAllowed => Self::method_not_allowed("GET, HEAD"),
            Code::ClientExists => AdminFault::Exists.into(),
            Code::ChangedMeanwhile => Self::changed_meanwhile(),
            Code::TooManySecrets => AdminFault::TooManySecrets.into(),
            Code::LastSecret => AdminFault::LastSecret.into(),
            Code::PublicClient => AdminFault::NoSecrets.into(),
            Code::ManagedElsewhere => AdminFault::ManagedElsewhere("/etc/vestibule/providers.d/acme.toml".to_owned()).into(),
            Code::InvalidConfiguration => {
                let origin = SettingOrigin::File { file: "/etc/vestibule/vestibule.toml".to_owned(), line: 7, column: 1 };
                let message = "is not a setting; did you mean log.filter?".to_owned();
                let fault = SettingFault { origin: Some(origin), key: "log.fliter".to_owned(), message, add: Vec::new() };
                AdminFault::Configuration(vec![fault]).into()
            }
            Code::PreconditionFailed => AdminFault::PreconditionFailed(Some(4)).into(),
            Code::TooLarge => Self::too_large(),
            Code::UnsupportedMediaType => Self::unsupported_media_type(),
            Code::PreconditionRequired => AdminFault::PreconditionRequired.into(),
            Code::SlowDown => AdminFault::SlowDown(42).into(),
            Code::Internal => Self::internal(),
            Code::Unavailable => Self::unavailable(),
        }
    }

    /// As JSON, under a made-up reference.
    pub(crate) fn shown(&self) -> Value {
        self.document("4bf92f3577b34da6a3ce929d0e0e4736").to_json().unwrap_or_default()
    }

    fn document(&self, reference: &str) -> ProblemDocument {
        let (code, status, title) = self.code.parts();
        ProblemDocument {
            kind: format!("urn:vestibule:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: self.detail.to_string(),
            code: code.to_owned(),
            errors: self.places.iter().map(Wrong::place).collect(),
            hint: self.hint.as_deref().map(str::to_owned),
            trace_id: reference.to_owned(),
        }
    }
}

impl Wrong {
    fn place(&self) -> ProblemPlace {
        match self {
            Self::Field(fault) => ProblemPlace { pointer: Some(fault.pointer.clone()), parameter: None, detail: fault.message.clone() },
            Self::Setting(message) => ProblemPlace { pointer: None, parameter: None, detail: message.clone() },
            Self::Parameter(name, message) => ProblemPlace { pointer: None, parameter: Some((*name).to_owned()), detail: message.clone() },
        }
    }
}

impl From<AdminFault> for Problem {
    fn from(fault: AdminFault) -> Self {
        match fault {
            AdminFault::Unauthorized => Self::unauthorized(),
            AdminFault::Mistyped => Self::new(Code::Unauthorized, "This key is not whole: a character is missing, too many, or another.")
                .hint("copy all of it again"),
            AdminFault::KeyExpired(at) => Self::new(Code::Unauthorized, format!("This key expired at {at}.")).hint("make another"),
            AdminFault::OtherCall => Self::new(Code::OtherCall, "This Idempotency-Key was sent with another call within the last day.")
                .hint("send each call under a name of its own, and only the same call again under the same name"),
            AdminFault::InProgress => {
                Self::new(Code::InProgress, "A call with this Idempotency-Key is under way; nothing was done a second time.")
                    .hint("send it again in a moment to get its answer")
                    .header(header::RETRY_AFTER, 1.into())
            }
            AdminFault::CutOff => Self::new(
                Code::CutOff,
                "A call with this Idempotency-Key was cut off; whether it was done is not known, and it is not done again.",
            )
            .hint("look at what is there, and send the call under another name if it was not done"),
            AdminFault::SlowDown(seconds) => {
                Self::new(Code::SlowDown, format!("Too many wrong keys came from this address; wait {seconds} seconds before another try."))
                    .header(header::RETRY_AFTER, seconds.into())
            }
            AdminFault::TooMany(seconds) => {
                Self::new(Code::SlowDown, format!("This key is used too often; wait {seconds} seconds before another call."))
                    .hint("limits.admin_per_key in the configuration says how often")
                    .header(header::RETRY_AFTER, seconds.into())
            }
            AdminFault::Forbidden(scope) => {
                Self::new(Code::InsufficientScope, format!("This needs the scope {scope}, which the key does not have."))
                    .hint("use a key that has it, or have an operator who has it give it to this one")
                    .challenge(scope)
            }
            AdminFault::NotFound => Self::new(Code::NotFound, "There is nothing of this id."),
            AdminFault::Exists => Self::new(Code::ClientExists, "A client is registered under this client_id.")
                .hint("change it with PUT and its ETag in If-Match, or leave client_id out to be given one"),
            AdminFault::Invalid(faults) => Self::invalid(faults),
            AdminFault::PreconditionRequired => {
                Self::new(Code::PreconditionRequired, "A change without If-Match could overwrite somebody else's.")
                    .hint("read what is there and send its ETag in If-Match")
            }
            AdminFault::PreconditionFailed(current) => Self::precondition_failed(current),
            AdminFault::TooManySecrets => Self::new(Code::TooManySecrets, "At most two secrets of a client work at once.")
                .hint("revoke one that no app uses any more, or wait until one expires"),
            AdminFault::LastSecret => Self::new(Code::LastSecret, "Without this secret the app could not authenticate any more.")
                .hint("add another secret first; to shut the app out, disable or delete the client"),
            AdminFault::NoSecrets => {
                Self::new(Code::PublicClient, "This client is registered with a token_endpoint_auth_method that needs no secret.")
            }
            AdminFault::ManagedElsewhere(file) => {
                Self::new(Code::ManagedElsewhere, "This provider stands in the configuration; nothing was changed.")
                    .hint(format!("change it in {file}, or choose another id"))
            }
            AdminFault::Configuration(faults) => Self::configuration(&faults),
            AdminFault::Kept(keeper) => Self::new(Code::ManagedElsewhere, format!("The files of {keeper} keep this; nothing was changed."))
                .hint("change it there and run `vestibule apply`, or send force=true to go past them until they are applied again"),
            AdminFault::Store(error) => Self::store(&error),
        }
    }
}

impl Problem {
    fn configuration(faults: &[SettingFault]) -> Self {
        let places = faults.iter().map(|fault| {
            let add = if fault.add.is_empty() { String::new() } else { format!("; write: {}", fault.add.join(" ")) };
            Wrong::Setting(format!("{}{add}", fault.detail()))
        });
        let places = places.collect();
        let problem = Self::new(Code::InvalidConfiguration, "Nothing was changed: what held before goes on holding.");
        Self { places, ..problem.hint("mend what errors names, where it stands, and try again; config:check tells without a try") }
    }

    fn precondition_failed(current: Option<i64>) -> Self {
        match current {
            Some(version) => Self::new(Code::PreconditionFailed, "It is not as the precondition says; the ETag is the present one.")
                .hint("read it again and make the change on what is there now")
                .etag(version),
            None => Self::new(Code::PreconditionFailed, "It is not there.").hint("leave If-Match out to make it"),
        }
    }

    fn store(error: &StoreError) -> Self {
        if *error != StoreError::Rehearsed {
            tracing::error!(%error, "the admin API can't use the database");
        }
        match error {
            StoreError::Unavailable(_) => Self::unavailable(),
            StoreError::Conflict(Contest::Client | Contest::Provider | Contest::Link | Contest::ApiKey) => Self::changed_meanwhile(),
            StoreError::Conflict(_) | StoreError::Corrupt { .. } | StoreError::Rehearsed => Self::internal(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.parts().0, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status(&self) -> StatusCode {
        self.code.parts().1
    }
}
