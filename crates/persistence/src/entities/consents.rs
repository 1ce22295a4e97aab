//! What people allowed apps.

use sea_orm::entity::prelude::*;
use vestibule_domain::{consent::Consent, ids::AccountId, scope::Scopes, store::StoreError};

use super::{Row, moment, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "consents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) account: Vec<u8>,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) client: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) host: String,
    pub(crate) given: i64,
    pub(crate) scopes: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<Consent, StoreError> {
        let row = Row { table: "consents", id: shown(&self.account) };
        Ok(Consent {
            account: AccountId(row.uuid("account", &self.account)?),
            client: row.word("client", &self.client)?,
            host: self.host,
            scopes: Scopes::parse(&self.scopes).map_err(|_| row.corrupt("scopes"))?,
            given: moment(self.given),
        })
    }
}
