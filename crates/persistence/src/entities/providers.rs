//! Providers made by the admin API.

use sea_orm::entity::prelude::*;
use vestibule_domain::{provider::StoredProvider, secret::Sealed, store::StoreError};

use super::{Row, moment};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "providers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) version: i64,
    pub(crate) disabled: bool,
    pub(crate) secrets: Option<Vec<u8>>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    /// The settings.
    pub(crate) body: String,
    pub(crate) managed_by: Option<String>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<StoredProvider, StoreError> {
        let row = Row { table: "providers", id: self.id.clone() };
        Ok(StoredProvider {
            id: row.word("id", &self.id)?,
            version: self.version,
            disabled: self.disabled,
            managed_by: self.managed_by.as_deref().map(|name| row.word("managed_by", name)).transpose()?,
            settings: row.json("body", &self.body)?,
            secrets: self.secrets.map(Sealed),
            created: moment(self.created),
            updated: moment(self.updated),
        })
    }
}
