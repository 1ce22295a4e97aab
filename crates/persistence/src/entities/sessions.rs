//! Sessions.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use vestibule_domain::{
    audit::Source,
    ids::{AccountId, LinkId, SessionId},
    session::Session,
    store::StoreError,
};

use super::{Row, moment, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sessions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Vec<u8>,
    pub(crate) digest: Vec<u8>,
    pub(crate) account: Vec<u8>,
    pub(crate) provider: String,
    pub(crate) link: Vec<u8>,
    pub(crate) auth_time: i64,
    pub(crate) created: i64,
    pub(crate) last_seen: i64,
    pub(crate) ended: Option<i64>,
    pub(crate) upstream_session: Option<String>,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a session only carries.
#[derive(Serialize, Deserialize)]
pub(crate) struct Body {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) amr: Vec<String>,
    #[serde(default)]
    pub(crate) source: Source,
}

impl Model {
    pub(crate) fn into_domain(self) -> Result<Session, StoreError> {
        let row = Row { table: "sessions", id: shown(&self.id) };
        let Body { acr, amr, source } = row.json("body", &self.body)?;
        Ok(Session {
            id: SessionId(row.uuid("id", &self.id)?),
            digest: row.digest("digest", &self.digest)?,
            account: AccountId(row.uuid("account", &self.account)?),
            provider: row.word("provider", &self.provider)?,
            link: LinkId(row.uuid("link", &self.link)?),
            auth_time: moment(self.auth_time),
            acr,
            amr,
            upstream_session: self.upstream_session,
            source,
            created: moment(self.created),
            last_seen: moment(self.last_seen),
            ended: self.ended.map(moment),
        })
    }
}
