//! How an operation refuses, as a type: so that the document says which statuses it may answer with.

use std::marker::PhantomData;

use poem_openapi::{
    ApiResponse,
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};

use super::problem::{MEDIA_TYPE, Problem, ProblemDocument};

/// How one operation may refuse, for the document: each status with the codes it comes with.
pub(crate) trait Refusals: Send + Sync + 'static {
    const STATUSES: &'static [(u16, &'static str)];
}

/// A problem of one operation.
pub(crate) struct Refused<R>(Problem, PhantomData<fn() -> R>);

impl<R, P: Into<Problem>> From<P> for Refused<R> {
    fn from(problem: P) -> Self {
        Self(problem.into(), PhantomData)
    }
}

impl<R> From<Refused<R>> for poem::Error {
    fn from(refused: Refused<R>) -> Self {
        refused.0.into()
    }
}

/// Every operation may refuse like this.
const EVERYWHERE: [(u16, &str); 5] = [
    (401, "`unauthorized`: no admin key, or none that works."),
    (403, "`insufficient_scope`: the key may not do this; `detail` names the scope it needs."),
    (
        429,
        "`slow_down`: too many wrong keys from one address, or too many calls with one key; `Retry-After` says how many seconds to wait.",
    ),
    (500, "`internal`: something failed here."),
    (503, "`unavailable`: the database can't be used now; nothing was changed."),
];

/// What comes with a status besides the problem.
fn headers(status: u16) -> Vec<MetaHeader> {
    let (name, description) = match status {
        401 => ("WWW-AUTHENTICATE", "How to authenticate: `Bearer`."),
        403 => ("WWW-AUTHENTICATE", "Which scope is needed (RFC 6750 §3)."),
        412 => ("ETAG", "The present version, if it is there."),
        429 | 503 => ("RETRY-AFTER", "Seconds to wait before another try."),
        _ => return Vec::new(),
    };
    let (description, schema) = (Some(description.to_owned()), String::schema_ref());
    vec![MetaHeader { name: name.to_owned(), description, required: false, deprecated: false, schema }]
}

impl<R: Refusals> ApiResponse for Refused<R> {
    fn meta() -> MetaResponses {
        let mut statuses: Vec<_> = R::STATUSES.iter().chain(&EVERYWHERE).copied().collect();
        statuses.sort_by_key(|(status, _)| *status);
        let responses = statuses.into_iter().map(|(status, description)| MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType { content_type: MEDIA_TYPE, schema: ProblemDocument::schema_ref() }],
            headers: headers(status),
        });
        MetaResponses { responses: responses.collect() }
    }

    fn register(registry: &mut Registry) {
        ProblemDocument::register(registry);
    }
}
