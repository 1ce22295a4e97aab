//! What the admin API does with tokens that let apps register themselves.

pub(crate) mod objects;

use std::sync::Arc;

use poem_openapi::{
    ApiResponse, OpenApi,
    param::{Path, Query},
    payload::Json,
};
use vestibule_domain::operator::Operator;
use vestibule_flows::Gateway;

use self::objects::{NewTokenObject, TokenList, TokenRequest};
use super::{
    answers::{Gone, refusals},
    body::Body,
    key::{Caller, Key},
    operations::{Group, named_in_query, page, usual_page},
    problem::Problem,
    refused::Refused,
};
use crate::house::House;

pub(super) struct RegistrationTokens {
    pub(super) house: Arc<House>,
    /// The path that everything of the admin API lies under.
    pub(super) base: String,
}

#[OpenApi]
impl RegistrationTokens {
    /// List registration tokens
    ///
    /// Those that have not expired, oldest first, a page at a time. What they are is shown to nobody.
    #[oai(path = "/registration-tokens", method = "get", operation_id = "list_registration_tokens", tag = "Group::Registration")]
    async fn list(
        &self,
        _key: Key,
        /// How many at most.
        #[oai(default = "usual_page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u64>,
        /// Only tokens after this id: the last one of the page before.
        after: Query<Option<String>>,
    ) -> Result<Listed, Refused<Listing>> {
        let found = self.gateway().registration_tokens(after.as_deref(), limit.0 + 1).await.map_err(named_in_query)?;
        let (tokens, next) = page(found, limit.0, &format!("{}/registration-tokens", self.base), |token| token.id.to_string());
        Ok(Listed::Page(Json(TokenList::new(&tokens)), next))
    }

    /// Make a registration token
    ///
    /// Whoever holds it may register so many apps at `/register` (RFC 7591), if the configuration lets apps register with a token.
    #[oai(path = "/registration-tokens", method = "post", operation_id = "create_registration_token", tag = "Group::Registration")]
    async fn create(&self, key: Key, body: Body<TokenRequest>) -> Result<Made, Refused<Making>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let TokenRequest { name, expires_in, uses } = body.0;
        let lives = std::time::Duration::from_secs(expires_in);
        let made = gateway.create_registration_token(witness, actor, &name, lives, uses).await.map_err(Problem::from)?;
        let address = format!("{}/registration-tokens/{}", self.base, made.0.id);
        Ok(Made::Made(Json(NewTokenObject::new(&made.0, &made.1)), address))
    }

    /// Take a registration token back
    ///
    /// Nobody registers with it any more; apps that did stay.
    #[oai(
        path = "/registration-tokens/:token_id",
        method = "delete",
        operation_id = "delete_registration_token",
        tag = "Group::Registration"
    )]
    async fn delete(
        &self,
        key: Key,
        /// The token's id.
        token_id: Path<String>,
    ) -> Result<Gone, Refused<Taking>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        gateway.delete_registration_token(witness, actor, &token_id).await.map_err(Problem::from)?;
        Ok(Gone::Gone)
    }
}

impl RegistrationTokens {
    fn gateway(&self) -> &Gateway {
        &self.house.gateway
    }
}

#[derive(ApiResponse)]
enum Listed {
    /// The tokens.
    #[oai(status = 200)]
    Page(
        Json<TokenList>,
        /// `<…>; rel="next"`: where the next ones are. Absent on the last page.
        #[oai(header = "Link")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
enum Made {
    /// The token is made. It is in this answer, and in no other.
    #[oai(status = 201)]
    Made(
        Json<NewTokenObject>,
        /// The token's address, where it is taken back.
        #[oai(header = "Location")]
        String,
    ),
}

refusals! {
    Listing: [
        400 => "`invalid_parameter`: `limit` or `after` can't be used.",
    ];
    Making: [
        400 => "`invalid_json`: the body is not an object in JSON.",
        413 => "`too_large`: the body is larger than 64 KiB.",
        415 => "`unsupported_media_type`: the body is not sent as `application/json`.",
        422 => "`invalid_fields`: a field is missing, out of range or not known.",
    ];
    Taking: [
        404 => "`not_found`: there is no such token.",
    ];
}
