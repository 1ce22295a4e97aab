//! Links.

use sea_orm::entity::prelude::*;
use vestibule_domain::{
    account::{Link, LinkKey},
    ids::{AccountId, LoginId},
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
    pub(crate) account: Vec<u8>,
    pub(crate) created: i64,
    pub(crate) login: Vec<u8>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// The account names the row in errors: a subject is personal.
    pub(crate) fn into_domain(self) -> Result<Link, StoreError> {
        let row = Row { table: "links", id: format!("account {}", shown(&self.account)) };
        Ok(Link {
            account: AccountId(row.uuid("account", &self.account)?),
            created: moment(self.created),
            login: LoginId(row.uuid("login", &self.login)?),
            key: LinkKey { provider: row.word("provider", &self.provider)?, issuer: self.issuer, subject: self.subject },
        })
    }
}
