//! Authorization codes.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use vestibule_domain::{
    authorize::{CodeChallenge, Nonce},
    claims_request::WantedClaims,
    code::Code,
    ids::{AccountId, ClientId, GrantId, LinkId, LoginId, ProviderId, SessionId},
    possession::Thumbprint,
    redirect::RedirectUri,
    resource::Resources,
    scope::Scopes,
    store::StoreError,
    time::Timestamp,
};

use super::{Row, moment, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "codes")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) digest: Vec<u8>,
    pub(crate) grant_id: Vec<u8>,
    pub(crate) session: Vec<u8>,
    pub(crate) expires: i64,
    pub(crate) redeemed: Option<i64>,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a code only carries.
#[derive(Serialize, Deserialize)]
pub(crate) struct Body {
    client: ClientId,
    redirect_uri: RedirectUri,
    redirect_uri_was_sent: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    challenge: Option<CodeChallenge>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<Nonce>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dpop_jkt: Option<Thumbprint>,
    scopes: Scopes,
    #[serde(default, skip_serializing_if = "WantedClaims::is_empty")]
    claims: WantedClaims,
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    resources: Resources,
    account: AccountId,
    provider: ProviderId,
    link: LinkId,
    auth_time: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    login: LoginId,
    issued: Timestamp,
}

impl From<Code> for Body {
    fn from(code: Code) -> Self {
        Self {
            client: code.client,
            redirect_uri: code.redirect_uri,
            redirect_uri_was_sent: code.redirect_uri_was_sent,
            challenge: code.challenge,
            nonce: code.nonce,
            dpop_jkt: code.dpop_jkt,
            scopes: code.scopes,
            claims: code.claims,
            resources: code.resources,
            account: code.account,
            provider: code.provider,
            link: code.link,
            auth_time: code.auth_time,
            acr: code.acr,
            amr: code.amr,
            login: code.login,
            issued: code.issued,
        }
    }
}

impl Model {
    /// The grant names the row in errors: whoever reads them should not learn a code's digest.
    pub(crate) fn into_domain(self) -> Result<Code, StoreError> {
        let row = Row { table: "codes", id: format!("grant {}", shown(&self.grant_id)) };
        let body: Body = row.json("body", &self.body)?;
        Ok(Code {
            digest: row.digest("digest", &self.digest)?,
            client: body.client,
            redirect_uri: body.redirect_uri,
            redirect_uri_was_sent: body.redirect_uri_was_sent,
            challenge: body.challenge,
            nonce: body.nonce,
            dpop_jkt: body.dpop_jkt,
            scopes: body.scopes,
            claims: body.claims,
            resources: body.resources,
            account: body.account,
            session: SessionId(row.uuid("session", &self.session)?),
            provider: body.provider,
            link: body.link,
            auth_time: body.auth_time,
            acr: body.acr,
            amr: body.amr,
            login: body.login,
            grant: GrantId(row.uuid("grant_id", &self.grant_id)?),
            issued: body.issued,
            expires: moment(self.expires),
            redeemed: self.redeemed.map(moment),
        })
    }
}
