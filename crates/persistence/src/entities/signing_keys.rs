//! Signing keys, sealed.

use sea_orm::entity::prelude::*;
use vestibule_domain::{keys::SigningKey, secret::Sealed, store::StoreError};

use super::{Row, moment};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) kid: String,
    pub(crate) alg: String,
    pub(crate) sealed: Vec<u8>,
    pub(crate) follows: String,
    pub(crate) created: i64,
    pub(crate) signs_from: i64,
    pub(crate) signs_until: i64,
    pub(crate) published_until: i64,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<SigningKey, StoreError> {
        let row = Row { table: "signing_keys", id: self.kid.clone() };
        Ok(SigningKey {
            kid: self.kid,
            alg: row.word("alg", &self.alg)?,
            sealed: Sealed(self.sealed),
            follows: Some(self.follows).filter(|kid| !kid.is_empty()),
            created: moment(self.created),
            signs_from: moment(self.signs_from),
            signs_until: moment(self.signs_until),
            published_until: moment(self.published_until),
        })
    }
}
