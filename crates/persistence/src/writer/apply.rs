//! Runs the callers' statements inside the group's transaction.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Statement, TransactionTrait};
use uuid::Uuid;
use vestibule_domain::{ids::GrantId, store::Contest};

use super::steps::{Prepared, Step, Then};
use crate::{caches::Effect, events};

/// Beyond so many grants, naming each costs more than reading them again.
const MOST_NAMED: usize = 1000;

/// What became of a group.
pub(super) struct Written {
    /// For each caller, what it lost; nothing of it is written then.
    pub(super) lost: Vec<Option<Contest>>,
    pub(super) effects: Vec<Effect>,
}

/// First everybody's contested writes, then the rest of those who won, then their events. Each part goes through the rows in one
/// order, so that the transactions of several writers don't wait for each other in a circle.
pub(super) async fn apply(transaction: &DatabaseTransaction, callers: &[&Prepared]) -> Result<Written, DbErr> {
    let mut written = Written { lost: vec![None; callers.len()], effects: Vec::new() };
    let mut order: Vec<usize> = (0..callers.len()).filter(|&at| !callers[at].contested.is_empty()).collect();
    order.sort_by(|&a, &b| callers[a].contested[0].0.cmp(&callers[b].contested[0].0));
    for at in order {
        let mut won = Vec::new();
        written.lost[at] = contest(transaction, callers[at], &mut won).await?;
        if written.lost[at].is_none() {
            written.effects.append(&mut won);
        }
    }
    let winners = || callers.iter().zip(&written.lost).filter(|(_, lost)| lost.is_none()).map(|(caller, _)| *caller);
    let mut rest: Vec<_> = winners().flat_map(|caller| &caller.rest).collect();
    let records: Vec<_> = winners().flat_map(|caller| &caller.events).collect();
    // Stable: two writes of one caller to one row stay in order.
    rest.sort_by(|(a, _), (b, _)| a.cmp(b));
    for (_, step) in rest {
        run(transaction, step, &mut written.effects).await?;
    }
    events::insert(transaction, &records).await?;
    Ok(written)
}

/// With one contest, losing it means that nothing was written. With more, the earlier ones have to be taken back, so those callers, and
/// only those, pay for a savepoint.
async fn contest(transaction: &DatabaseTransaction, caller: &Prepared, effects: &mut Vec<Effect>) -> Result<Option<Contest>, DbErr> {
    if caller.contested.len() < 2 {
        return contest_each(transaction, caller, effects).await;
    }
    let savepoint = transaction.begin().await?;
    let lost = contest_each(&savepoint, caller, effects).await?;
    if lost.is_some() {
        savepoint.rollback().await?;
    } else {
        savepoint.commit().await?;
    }
    Ok(lost)
}

async fn contest_each(transaction: &DatabaseTransaction, caller: &Prepared, effects: &mut Vec<Effect>) -> Result<Option<Contest>, DbErr> {
    for (_, contest, step) in &caller.contested {
        if run(transaction, step, effects).await? == 0 {
            return Ok(Some(*contest));
        }
    }
    Ok(None)
}

/// How many rows it changed.
async fn run(transaction: &DatabaseTransaction, step: &Step, effects: &mut Vec<Effect>) -> Result<u64, DbErr> {
    let statement = Statement::from_sql_and_values(transaction.get_database_backend(), step.sql, step.values.iter().cloned());
    match &step.then {
        Then::Nothing => Ok(transaction.execute_raw(statement).await?.rows_affected()),
        Then::Effect(effect) => {
            let rows = transaction.execute_raw(statement).await?.rows_affected();
            if rows > 0 {
                effects.push(effect.clone());
            }
            Ok(rows)
        }
        Then::GrantMade(grant) => {
            let row = transaction.query_one_raw(statement).await?.ok_or(DbErr::RecordNotInserted)?;
            let alive = row.try_get_by_index::<Option<i64>>(0)?.is_none();
            effects.push(Effect::Grant(grant.id, alive.then(|| grant.clone())));
            Ok(1)
        }
        Then::GrantsEnded => {
            let rows = transaction.query_all_raw(statement).await?;
            if rows.len() > MOST_NAMED {
                effects.push(Effect::EveryGrant);
                return Ok(rows.len() as u64);
            }
            for row in &rows {
                let id: Vec<u8> = row.try_get_by_index(0)?;
                // An id that is none is in no cache.
                effects.extend(Uuid::from_slice(&id).ok().map(|id| Effect::Grant(GrantId(id), None)));
            }
            Ok(rows.len() as u64)
        }
    }
}
