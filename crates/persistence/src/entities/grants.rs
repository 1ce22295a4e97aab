//! Grants and their refresh families. A row without a body is a tombstone: a grant that was ended before it was made.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use vestibule_domain::{
    authorize::Nonce,
    claims_request::WantedClaims,
    grant::{Grant, RefreshFamily, Revoked},
    ids::{AccountId, GrantId, LinkId, LoginId, ProviderId, SessionId},
    possession::Confirmation,
    resource::Resources,
    scope::Scopes,
    store::StoreError,
    time::Timestamp,
};

use super::{Row, moment, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "grants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Vec<u8>,
    pub(crate) client: Option<String>,
    pub(crate) account: Option<Vec<u8>>,
    pub(crate) session: Option<Vec<u8>>,
    pub(crate) link: Option<Vec<u8>>,
    pub(crate) issued: Option<i64>,
    pub(crate) access_expires: Option<i64>,
    pub(crate) generation: Option<i64>,
    pub(crate) rotated: Option<i64>,
    pub(crate) idle_expires: Option<i64>,
    pub(crate) absolute_expires: Option<i64>,
    pub(crate) revoked_at: Option<i64>,
    pub(crate) revoked_by: Option<String>,
    pub(crate) body: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a grant only carries.
#[derive(Serialize, Deserialize)]
pub(crate) struct Body {
    login: LoginId,
    provider: ProviderId,
    scopes: Scopes,
    #[serde(default, skip_serializing_if = "WantedClaims::is_empty")]
    claims: WantedClaims,
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    resources: Resources,
    auth_time: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nonce: Option<Nonce>,
    #[serde(default, skip_serializing_if = "Confirmation::is_empty")]
    confirmation: Confirmation,
}

impl From<&Grant> for Body {
    fn from(grant: &Grant) -> Self {
        Self {
            login: grant.login,
            provider: grant.provider.clone(),
            scopes: grant.scopes.clone(),
            claims: grant.claims.clone(),
            resources: grant.resources.clone(),
            auth_time: grant.auth_time,
            acr: grant.acr.clone(),
            amr: grant.amr.clone(),
            nonce: grant.nonce.clone(),
            confirmation: grant.confirmation.clone(),
        }
    }
}

impl Model {
    /// Nothing for a tombstone.
    pub(crate) fn into_domain(self) -> Result<Option<Grant>, StoreError> {
        let row = Row { table: "grants", id: shown(&self.id) };
        let Some(body) = &self.body else {
            return Ok(None);
        };
        let body: Body = row.json("body", body)?;
        Ok(Some(Grant {
            id: GrantId(row.uuid("id", &self.id)?),
            client: row.word("client", row.there("client", self.client.as_deref())?)?,
            account: AccountId(row.uuid("account", row.there("account", self.account.as_deref())?)?),
            session: SessionId(row.uuid("session", row.there("session", self.session.as_deref())?)?),
            login: body.login,
            provider: body.provider,
            link: LinkId(row.uuid("link", row.there("link", self.link.as_deref())?)?),
            scopes: body.scopes,
            claims: body.claims,
            resources: body.resources,
            auth_time: body.auth_time,
            acr: body.acr,
            amr: body.amr,
            nonce: body.nonce,
            confirmation: body.confirmation,
            issued: moment(row.there("issued", self.issued)?),
            access_expires: moment(row.there("access_expires", self.access_expires)?),
            family: self.family(&row)?,
            revoked: self.revoked(&row)?,
        }))
    }

    fn family(&self, row: &Row) -> Result<Option<RefreshFamily>, StoreError> {
        let Some(generation) = self.generation else {
            return Ok(None);
        };
        Ok(Some(RefreshFamily {
            generation: u32::try_from(generation).map_err(|_| row.corrupt("generation"))?,
            rotated: moment(row.there("rotated", self.rotated)?),
            idle_expires: moment(row.there("idle_expires", self.idle_expires)?),
            absolute_expires: moment(row.there("absolute_expires", self.absolute_expires)?),
        }))
    }

    fn revoked(&self, row: &Row) -> Result<Option<Revoked>, StoreError> {
        let Some(at) = self.revoked_at else {
            return Ok(None);
        };
        let by = row.word("revoked_by", row.there("revoked_by", self.revoked_by.as_deref())?)?;
        Ok(Some(Revoked { at: moment(at), by }))
    }
}
