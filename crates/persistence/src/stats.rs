//! Reads of what was counted.

use sea_orm::{
    ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, Func},
};
use vestibule_domain::{
    stats::{StatsRow, Step},
    store::StoreError,
    time::Timestamp,
};

use crate::{
    entities::{active_people, moment, stats},
    errors::{Fault, reading},
};

pub(crate) async fn stats(db: &DatabaseConnection, step: Step, since: Timestamp) -> Result<Vec<StatsRow>, StoreError> {
    let rows = rows_since(step, since).all(db).await.map_err(|error| reading::<stats::Entity>(&error, "one of several"))?;
    rows.into_iter().map(stats::Model::into_domain).collect()
}

pub(crate) fn rows_since(step: Step, since: Timestamp) -> Select<stats::Entity> {
    stats::Entity::find()
        .filter(stats::Column::Step.eq(stats::seconds(step)))
        .filter(stats::Column::Start.gte(since.as_millis()))
        .order_by_asc(stats::Column::Start)
        .order_by_asc(stats::Column::Node)
}

pub(crate) async fn people_active(db: &DatabaseConnection, since: Timestamp) -> Result<u64, StoreError> {
    let people: Option<i64> = people_since(since).into_tuple().one(db).await.map_err(|error| Fault::of(&error).to_error())?;
    Ok(people.and_then(|people| u64::try_from(people).ok()).unwrap_or_default())
}

pub(crate) fn people_since(since: Timestamp) -> Select<active_people::Entity> {
    active_people::Entity::find()
        .select_only()
        .expr(Func::count_distinct(Expr::col(active_people::Column::Account)))
        .filter(active_people::Column::Day.gte(since.as_millis()))
}

pub(crate) async fn people_by_day(db: &DatabaseConnection, since: Timestamp) -> Result<Vec<(Timestamp, u64)>, StoreError> {
    let days: Vec<(i64, i64)> = days_since(since).into_tuple().all(db).await.map_err(|error| Fault::of(&error).to_error())?;
    Ok(days.into_iter().map(|(day, people)| (moment(day), u64::try_from(people).unwrap_or_default())).collect())
}

pub(crate) fn days_since(since: Timestamp) -> Select<active_people::Entity> {
    active_people::Entity::find()
        .select_only()
        .column(active_people::Column::Day)
        .expr(active_people::Column::Account.count())
        .filter(active_people::Column::Day.gte(since.as_millis()))
        .group_by(active_people::Column::Day)
        .order_by_asc(active_people::Column::Day)
}
