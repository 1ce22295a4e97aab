//! Who was here on a day.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "active_people")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) day: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) account: Vec<u8>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
