//! What nodes counted, span by span.

use sea_orm::entity::prelude::*;
use vestibule_domain::{
    stats::{StatsRow, Step},
    store::StoreError,
};

use super::{Row, moment, shown};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "stats")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) step: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) start: i64,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) node: Vec<u8>,
    pub(crate) expires: i64,
    pub(crate) body: String,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// How a step is written.
pub(crate) fn seconds(step: Step) -> i64 {
    i64::try_from(step.span().as_secs()).unwrap_or(i64::MAX)
}

impl Model {
    pub(crate) fn into_domain(self) -> Result<StatsRow, StoreError> {
        let row = Row { table: "stats", id: shown(&self.node) };
        Ok(StatsRow {
            node: row.uuid("node", &self.node)?,
            step: row.there("step", Step::of_seconds(self.step))?,
            start: moment(self.start),
            tally: row.json("body", &self.body)?,
        })
    }
}
