//! Tickets.

use sea_orm::entity::prelude::*;
use vestibule_domain::{store::StoreError, ticket::Ticket};

use super::{Row, moment};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tickets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) digest: Vec<u8>,
    pub(crate) kind: String,
    pub(crate) version: i64,
    pub(crate) expires: i64,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    pub(crate) fn into_domain(self) -> Result<Ticket, StoreError> {
        let row = Row { table: "tickets", id: "one of several".to_owned() };
        Ok(Ticket {
            digest: row.digest("digest", &self.digest)?,
            kind: row.word("kind", &self.kind)?,
            version: self.version,
            expires: moment(self.expires),
            body: self.body,
        })
    }
}
