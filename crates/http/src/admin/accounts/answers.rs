//! How each operation about accounts answers, and how it may refuse.

use poem_openapi::{ApiResponse, payload::Json};

use super::objects::{AccountObject, AccountPage, ConsentList, LinkList};
pub(super) use crate::admin::answers::Gone;
use crate::admin::answers::refusals;

#[derive(ApiResponse)]
pub(super) enum Listed {
    /// The accounts.
    #[oai(status = 200)]
    Page(
        Json<AccountPage>,
        /// `<…>; rel="next"`: where the next ones are. Absent on the last page.
        #[oai(header = "Link")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
pub(super) enum Found {
    /// The account.
    #[oai(status = 200)]
    Account(Json<AccountObject>),
}

#[derive(ApiResponse)]
pub(super) enum Links {
    /// The links.
    #[oai(status = 200)]
    All(Json<LinkList>),
}

#[derive(ApiResponse)]
pub(super) enum Consents {
    /// What was allowed.
    #[oai(status = 200)]
    Page(
        Json<ConsentList>,
        /// `<…>; rel="next"`: where the next ones are. Absent on the last page.
        #[oai(header = "Link")]
        Option<String>,
    ),
}

refusals! {
    Listing: [
        400 => "`invalid_parameter`: `limit` or `after` can't be used.",
    ];
    ListingOf: [
        400 => "`invalid_parameter`: `limit` or `after` can't be used.",
        404 => "`not_found`: there is no such account.",
    ];
    Finding: [
        404 => "`not_found`: there is no such account.",
    ];
    Changing: [
        400 => "`invalid_json`: the body is not an object in JSON.",
        404 => "`not_found`: there is no such account.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/merge-patch+json` or `application/json`.",
        422 => "`invalid_fields`: the body has other fields than `disabled`, or another value than true or false.",
    ];
    Forgetting: [
        404 => "`not_found`: there is no such account, or it allowed no such client anything.",
    ];
    Ending: [
        404 => "`not_found`: there is no such account, or no such living session of it.",
    ];
    Revoking: [
        404 => "`not_found`: there is no such account, or no such living grant of it.",
    ];
    Unlinking: [
        404 => "`not_found`: there is no such account, or no such link of it.",
    ];
}
