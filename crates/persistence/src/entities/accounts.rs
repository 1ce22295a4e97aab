//! Accounts. The body is the profile.

use sea_orm::entity::prelude::*;
use vestibule_domain::{
    account::{Account, Salt},
    ids::AccountId,
    store::StoreError,
};

use super::{Row, moment, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "accounts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: Vec<u8>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) disabled: bool,
    pub(crate) salt: Vec<u8>,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<Account, StoreError> {
        let row = Row { table: "accounts", id: shown(&self.id) };
        Ok(Account {
            id: AccountId(row.uuid("id", &self.id)?),
            profile: row.json("body", &self.body)?,
            created: moment(self.created),
            updated: moment(self.updated),
            disabled: self.disabled,
            salt: Salt(self.salt.as_slice().try_into().map_err(|_| row.corrupt("salt"))?),
        })
    }
}
