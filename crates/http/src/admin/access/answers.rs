//! How each operation about sessions and grants answers, and how it may refuse.

use poem_openapi::{ApiResponse, payload::Json};

use super::objects::{GrantList, GrantObject, SessionList, SessionObject};
pub(super) use crate::admin::answers::Gone;
use crate::admin::answers::refusals;

#[derive(ApiResponse)]
pub(in crate::admin) enum Sessions {
    /// The sessions.
    #[oai(status = 200)]
    Page(
        Json<SessionList>,
        /// `<…>; rel="next"`: where the next ones are, if there are any. Absent only when all of them were looked at.
        #[oai(header = "Link")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
pub(in crate::admin) enum Grants {
    /// The grants.
    #[oai(status = 200)]
    Page(
        Json<GrantList>,
        /// `<…>; rel="next"`: where the next ones are. Absent on the last page.
        #[oai(header = "Link")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
pub(super) enum FoundSession {
    /// The session.
    #[oai(status = 200)]
    Session(Json<SessionObject>),
}

#[derive(ApiResponse)]
pub(super) enum FoundGrant {
    /// The grant.
    #[oai(status = 200)]
    Grant(Json<GrantObject>),
}

refusals! {
    Listing: [
        400 => "`invalid_parameter`: `limit`, `after` or what it is to be of can't be used.",
    ];
    Ending: [
        404 => "`not_found`: nothing of this id lives.",
    ];
    EndingAll: [
        404 => "`not_found`: there is no such client.",
    ];
}
