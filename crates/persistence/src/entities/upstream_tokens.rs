//! Tokens of upstreams, sealed.

use sea_orm::entity::prelude::*;
use vestibule_domain::{account::UpstreamTokens, ids::LinkId, secret::Sealed, store::StoreError};

use super::{Row, moment, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "upstream_tokens")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) link: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
    pub(crate) version: i64,
    pub(crate) expires: Option<i64>,
    pub(crate) received: i64,
    pub(crate) refreshable: bool,
    pub(crate) leased_until: Option<i64>,
    pub(crate) used: Option<i64>,
    pub(crate) denied: Option<i64>,
    pub(crate) failures: i64,
    pub(crate) retry_after: Option<i64>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<UpstreamTokens, StoreError> {
        let row = Row { table: "upstream_tokens", id: shown(&self.link) };
        Ok(UpstreamTokens {
            link: LinkId(row.uuid("link", &self.link)?),
            sealed: Sealed(self.sealed),
            version: self.version,
            expires: self.expires.map(moment),
            received: moment(self.received),
            refreshable: self.refreshable,
            leased_until: self.leased_until.map(moment),
            used: self.used.map(moment),
            denied: self.denied.map(moment),
            failures: u32::try_from(self.failures).map_err(|_| row.corrupt("failures"))?,
            retry_after: self.retry_after.map(moment),
        })
    }
}
