//! Links.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use vestibule_domain::{
    account::{Evidence, Link, LinkKey, Profile},
    claims::Claims,
    ids::{AccountId, LinkId},
    store::StoreError,
};

use super::{Row, moment, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "links")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) provider: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) issuer: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) subject: String,
    pub(crate) id: Vec<u8>,
    pub(crate) account: Vec<u8>,
    pub(crate) created: i64,
    pub(crate) seen: i64,
    /// The address the provider vouches for, as rules compare it.
    pub(crate) email: Option<String>,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// What a link only carries.
#[derive(Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) evidence: Evidence,
    #[serde(default)]
    pub(crate) profile: Profile,
    #[serde(default, skip_serializing_if = "Claims::is_empty")]
    pub(crate) claims: Claims,
}

impl Model {
    /// The account names the row in errors: a subject is personal.
    pub(crate) fn into_domain(self) -> Result<Link, StoreError> {
        let row = Row { table: "links", id: format!("account {}", shown(&self.account)) };
        let Body { evidence, profile, claims } = row.json("body", &self.body)?;
        Ok(Link {
            id: LinkId(row.uuid("id", &self.id)?),
            account: AccountId(row.uuid("account", &self.account)?),
            created: moment(self.created),
            seen: moment(self.seen),
            key: LinkKey { provider: row.word("provider", &self.provider)?, issuer: self.issuer, subject: self.subject },
            evidence,
            profile,
            claims,
        })
    }
}
