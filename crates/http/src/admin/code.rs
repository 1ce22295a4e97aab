//! The kinds of problems.

use http::StatusCode;

/// What kind of problem. The names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    InvalidJson,
    InvalidFields,
    InvalidParameter,
    Unauthorized,
    InsufficientScope,
    OtherCall,
    InProgress,
    CutOff,
    NotFound,
    NoSuchAddress,
    MethodNotAllowed,
    ClientExists,
    ChangedMeanwhile,
    TooManySecrets,
    LastSecret,
    PublicClient,
    ManagedElsewhere,
    InvalidConfiguration,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    PreconditionRequired,
    SlowDown,
    Internal,
    Unavailable,
}

impl Code {
    /// Every kind.
    pub(crate) const ALL: [Self; 25] = [
        Self::InvalidJson,
        Self::InvalidFields,
        Self::InvalidParameter,
        Self::Unauthorized,
        Self::InsufficientScope,
        Self::OtherCall,
        Self::InProgress,
        Self::CutOff,
        Self::NotFound,
        Self::NoSuchAddress,
        Self::MethodNotAllowed,
        Self::ClientExists,
        Self::ChangedMeanwhile,
        Self::TooManySecrets,
        Self::LastSecret,
        Self::PublicClient,
        Self::ManagedElsewhere,
        Self::InvalidConfiguration,
        Self::PreconditionFailed,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::PreconditionRequired,
        Self::SlowDown,
        Self::Internal,
        Self::Unavailable,
    ];

    pub(crate) const fn name(self) -> &'static str {
        self.parts().0
    }

    /// Its name, its status and its title.
    pub(crate) const fn parts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::InvalidJson => ("invalid_json", StatusCode::BAD_REQUEST, "The body is not the JSON it should be"),
            Self::InvalidFields => ("invalid_fields", StatusCode::UNPROCESSABLE_ENTITY, "Fields break rules"),
            Self::InvalidParameter => ("invalid_parameter", StatusCode::BAD_REQUEST, "A parameter or header can't be used"),
            Self::Unauthorized => ("unauthorized", StatusCode::UNAUTHORIZED, "No admin key that works"),
            Self::InsufficientScope => ("insufficient_scope", StatusCode::FORBIDDEN, "The key may not do this"),
            Self::OtherCall => ("idempotency_key_reused", StatusCode::UNPROCESSABLE_ENTITY, "The name of another call"),
            Self::InProgress => ("idempotency_key_in_use", StatusCode::CONFLICT, "The same call is under way"),
            Self::CutOff => ("idempotency_outcome_unknown", StatusCode::CONFLICT, "The same call was cut off"),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, "Not there"),
            Self::NoSuchAddress => ("no_such_address", StatusCode::NOT_FOUND, "No such address"),
            Self::MethodNotAllowed => ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "Not with this method"),
            Self::ClientExists => ("client_exists", StatusCode::CONFLICT, "A client of this id is there"),
            Self::ChangedMeanwhile => ("changed_meanwhile", StatusCode::CONFLICT, "Somebody else changed it at the same time"),
            Self::TooManySecrets => ("too_many_secrets", StatusCode::CONFLICT, "Two secrets work already"),
            Self::LastSecret => ("last_secret", StatusCode::CONFLICT, "The last secret that works"),
            Self::PublicClient => ("public_client", StatusCode::CONFLICT, "A public client has no secrets"),
            Self::ManagedElsewhere => ("managed_elsewhere", StatusCode::CONFLICT, "It is changed in the configuration"),
            Self::InvalidConfiguration => {
                ("invalid_configuration", StatusCode::UNPROCESSABLE_ENTITY, "The configuration can't be used as it is written")
            }
            Self::PreconditionFailed => ("precondition_failed", StatusCode::PRECONDITION_FAILED, "Not what the precondition says"),
            Self::TooLarge => ("too_large", StatusCode::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedMediaType => ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is not sent as JSON"),
            Self::PreconditionRequired => ("precondition_required", StatusCode::PRECONDITION_REQUIRED, "If-Match is missing"),
            Self::SlowDown => ("slow_down", StatusCode::TOO_MANY_REQUESTS, "Too often"),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "Something failed here"),
            Self::Unavailable => ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "The database can't be used now"),
        }
    }
}
