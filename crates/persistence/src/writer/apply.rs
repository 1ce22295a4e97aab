//! Runs the callers' rows inside the group's transaction.

use std::collections::HashMap;

use uuid::Uuid;
use vestibule_domain::{
    account::Salt,
    ids::{GrantId, SessionId},
    store::Contest,
};

use super::{
    kinds::{Kind, MOST_ROWS},
    steps::{Prepared, Step},
};
use crate::{
    caches::Effect,
    errors::Fault,
    pen::{Connection, Dialect, Value},
};

/// Beyond so many grants, naming each costs more than reading them again.
const MOST_NAMED: usize = 1000;

/// What became of a group.
pub(super) struct Written {
    /// For each caller, what it lost; nothing of it is written then.
    pub(super) lost: Vec<Option<Contest>>,
    pub(super) effects: Vec<Effect>,
    /// What losers thought they knew.
    pub(super) outdated: Vec<Effect>,
}

impl Written {
    fn nothing(callers: &[&Prepared]) -> Self {
        Self { lost: vec![None; callers.len()], effects: Vec::new(), outdated: Vec::new() }
    }

    fn loses(&mut self, at: usize, step: &Step) {
        self.lost[at] = step.kind.contest();
        self.outdated.extend(step.effect.clone());
    }
}

/// Everybody's rows of a kind in one statement: first what is contested, then the rest of those who won.
///
/// A statement only tells how many rows it changed, so who lost is known when all did. When some did, or somebody lost after winning
/// something else, this comes back with nothing and has to be taken back; [`in_turn`] then finds out. That happens in a true race only:
/// who loses against what is committed was mostly told so by a read before.
pub(super) async fn together(connection: &mut Connection, callers: &[&Prepared]) -> Result<Option<Written>, Fault> {
    hold(connection, callers).await?;
    let mut written = Written::nothing(callers);
    let mut won = vec![false; callers.len()];
    let all = callers.iter().enumerate().flat_map(|(at, caller)| caller.contested.iter().map(move |step| (at, step)));
    for mut left in by_kind(all) {
        while let Some((round, later)) = round(left, &written.lost) {
            let changed = change(connection, &round).await?;
            if changed == round.len() {
                for (at, step) in &round {
                    won[*at] = true;
                    written.effects.extend(step.effect.clone());
                }
            } else if changed == 0 && !round.iter().any(|(at, _)| won[*at]) {
                for (at, step) in &round {
                    written.loses(*at, step);
                }
            } else {
                return Ok(None);
            }
            left = later;
        }
    }
    let grants_are_new = rest(connection, callers, &mut written, false).await?;
    Ok(grants_are_new.then_some(written))
}

/// What is contested one caller after the other, and the rest of those who won together.
pub(super) async fn in_turn(connection: &mut Connection, callers: &[&Prepared]) -> Result<Written, Fault> {
    hold(connection, callers).await?;
    let mut written = Written::nothing(callers);
    let mut order: Vec<usize> = (0..callers.len()).filter(|&at| !callers[at].contested.is_empty()).collect();
    // What empties an account goes first: it meets in that row what is not contested (`PutAccount`), so whoever signs in beside it has to lose.
    order.sort_by_key(|&at| {
        let contested = &callers[at].contested;
        (!contested.iter().any(|step| step.kind == Kind::EmptyAccount), contested[0].kind, &contested[0].key)
    });
    for at in order {
        let mut won = Vec::new();
        match contest(connection, callers[at], &mut won).await? {
            Some(lost) => written.loses(at, lost),
            None => written.effects.append(&mut won),
        }
    }
    rest(connection, callers, &mut written, true).await?;
    Ok(written)
}

/// What one caller writes, row by row as it said.
pub(super) async fn in_order(connection: &mut Connection, caller: &Prepared) -> Result<Written, Fault> {
    hold(connection, &[caller]).await?;
    let mut written = Written::nothing(&[caller]);
    if let Some(lost) = contest(connection, caller, &mut written.effects).await? {
        written.effects.clear();
        written.loses(0, lost);
        return Ok(written);
    }
    for step in &caller.rest {
        alone(connection, step, &mut written.effects).await?;
    }
    Ok(written)
}

/// What is not contested, of those who won. New grants come before what ends them, so that a logout beside an exchange finds its grant.
/// `false` if a grant was there before, or its tombstone; unless each is made alone, which sees to that.
async fn rest(connection: &mut Connection, callers: &[&Prepared], written: &mut Written, grants_alone: bool) -> Result<bool, Fault> {
    let all = callers.iter().enumerate().flat_map(|(at, caller)| caller.rest.iter().map(move |step| (at, step)));
    for mut left in by_kind(all) {
        while let Some((round, later)) = round(left, &written.lost) {
            match round[0].1.kind {
                kind if ends_many(kind) => end_many(connection, &round, &mut written.effects).await?,
                Kind::PutAccount => put_accounts(connection, &round, &mut written.effects).await?,
                Kind::AddGrant if grants_alone => {
                    for (_, step) in &round {
                        alone(connection, step, &mut written.effects).await?;
                    }
                }
                kind => {
                    let changed = change(connection, &round).await?;
                    if kind == Kind::AddGrant && changed < round.len() {
                        return Ok(false);
                    }
                    written.effects.extend(round.iter().filter_map(|(_, step)| step.effect.clone()));
                }
            }
            left = later;
        }
    }
    Ok(true)
}

/// With one contest, losing it means that nothing was written. With more, the earlier ones have to be taken back, so those callers, and
/// only those, pay for a savepoint. Returns the row that was lost, if one was.
async fn contest<'a>(connection: &mut Connection, caller: &'a Prepared, effects: &mut Vec<Effect>) -> Result<Option<&'a Step>, Fault> {
    if caller.contested.len() < 2 {
        return contest_each(connection, caller, effects).await;
    }
    connection.run("SAVEPOINT contest").await?;
    let lost = contest_each(connection, caller, effects).await?;
    if lost.is_some() {
        connection.run("ROLLBACK TO SAVEPOINT contest").await?;
    }
    connection.run("RELEASE SAVEPOINT contest").await?;
    Ok(lost)
}

async fn contest_each<'a>(connection: &mut Connection, caller: &'a Prepared, effects: &mut Vec<Effect>) -> Result<Option<&'a Step>, Fault> {
    for step in &caller.contested {
        if alone(connection, step, effects).await? == 0 {
            return Ok(Some(step));
        }
    }
    Ok(None)
}

/// How many rows it changed.
async fn alone(connection: &mut Connection, step: &Step, effects: &mut Vec<Effect>) -> Result<usize, Fault> {
    let row = [(0, step)];
    match step.kind {
        kind if ends_many(kind) => end_many(connection, &row, effects).await.map(|()| 1),
        Kind::PutAccount => put_accounts(connection, &row, effects).await.map(|()| 1),
        Kind::AddGrant => {
            let (sql, values) = Kind::FillGrant.statement(connection.dialect(), &[&step.values]);
            let revoked_at = connection.number(sql, &values).await?.ok_or(Fault::Refused("the grant is there already"))?;
            let effect = match &step.effect {
                // A tombstone was there: what lies in the row is not what was given.
                Some(Effect::Grant(id, _)) if revoked_at.is_some() => Some(Effect::Grant(*id, None)),
                effect => effect.clone(),
            };
            effects.extend(effect);
            Ok(1)
        }
        _ => {
            let changed = change(connection, &row).await?;
            effects.extend(step.effect.clone().filter(|_| changed > 0));
            Ok(changed)
        }
    }
}

type Row<'a> = (usize, &'a Step);

/// The rows of each kind, kinds in their order, rows in the order of their keys. Those of one key stay in order.
fn by_kind<'a>(rows: impl Iterator<Item = Row<'a>>) -> Vec<Vec<Row<'a>>> {
    let mut rows: Vec<Row<'a>> = rows.collect();
    rows.sort_by(|(_, a), (_, b)| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
    rows.chunk_by(|(_, a), (_, b)| a.kind == b.kind).map(<[_]>::to_vec).collect()
}

/// What goes into the next statement, and what comes later: no statement has two rows of one key. Nothing when nothing is left.
fn round<'a>(rows: Vec<Row<'a>>, lost: &[Option<Contest>]) -> Option<(Vec<Row<'a>>, Vec<Row<'a>>)> {
    let (mut now, mut later) = (Vec::<Row<'a>>::with_capacity(rows.len()), Vec::new());
    for row in rows.into_iter().filter(|(at, _)| lost[*at].is_none()) {
        let full = now.len() == MOST_ROWS;
        match now.last_mut().filter(|before| before.1.key == row.1.key) {
            Some(before) if row.1.kind.last_wins() => *before = row,
            None if !full => now.push(row),
            _ => later.push(row),
        }
    }
    (!now.is_empty()).then_some((now, later))
}

/// How many rows were changed.
async fn change(connection: &mut Connection, rows: &[Row<'_>]) -> Result<usize, Fault> {
    let (sql, values) = statement(connection.dialect(), rows);
    let changed = if rows[0].1.kind.is_planned_each_time() {
        connection.execute_planned_anew(sql, &values).await?
    } else {
        connection.execute(sql, &values).await?
    };
    Ok(usize::try_from(changed).unwrap_or(usize::MAX))
}

/// Whether a row of this kind ends rows that it does not name.
const fn ends_many(kind: Kind) -> bool {
    ends_sessions(kind)
        || matches!(
            kind,
            Kind::RevokeSessionGrants
                | Kind::RevokeClientGrants
                | Kind::RevokeAccountGrants
                | Kind::RevokeAppGrants
                | Kind::RevokeLinkGrants
                | Kind::WithdrawAppCodes
                | Kind::WithdrawClientCodes
        )
}

const fn ends_sessions(kind: Kind) -> bool {
    matches!(kind, Kind::EndAccountSessions | Kind::EndLinkSessions)
}

async fn end_many(connection: &mut Connection, rows: &[Row<'_>], effects: &mut Vec<Effect>) -> Result<(), Fault> {
    let (sql, values) = statement(connection.dialect(), rows);
    let ended = connection.keys(sql, &values).await?;
    let sessions = ends_sessions(rows[0].1.kind);
    if ended.len() > MOST_NAMED {
        effects.push(if sessions { Effect::EverySession } else { Effect::EveryGrant });
        return Ok(());
    }
    // An id that is none is in no cache.
    let ids = ended.iter().filter_map(|id| Uuid::from_slice(id).ok());
    effects.extend(ids.map(|id| if sessions { Effect::Session(SessionId(id), None) } else { Effect::Grant(GrantId(id), None) }));
    Ok(())
}

/// What a sign-in leaves as it lies is what the row says.
async fn put_accounts(connection: &mut Connection, rows: &[Row<'_>], effects: &mut Vec<Effect>) -> Result<(), Fault> {
    let (sql, values) = statement(connection.dialect(), rows);
    let put = connection.rows(sql, &values).await?;
    let lies: HashMap<&[u8], (bool, &[u8])> =
        put.iter().map(|(id, disabled, salt)| (id.as_slice(), (*disabled, salt.as_slice()))).collect();
    effects.extend(rows.iter().filter_map(|(_, step)| match &step.effect {
        Some(Effect::Account(id, Some(account))) => {
            let row = lies.get(step.key.as_slice()).and_then(|(disabled, salt)| Some((*disabled, Salt((*salt).try_into().ok()?))));
            Some(Effect::Account(
                *id,
                row.map(|(disabled, salt)| account.with(|account| (account.disabled, account.salt) = (disabled, salt))),
            ))
        }
        effect => effect.clone(),
    }));
    Ok(())
}

fn statement<'a>(dialect: Dialect, rows: &[Row<'a>]) -> (&'static str, Vec<&'a Value>) {
    let values: Vec<&'a [Value]> = rows.iter().map(|(_, step)| step.values.as_slice()).collect();
    rows[0].1.kind.statement(dialect, &values)
}

/// Takes hold of what somebody else could change between a look of ours and the commit. SQLite has one writer at a time anyway.
async fn hold(connection: &mut Connection, callers: &[&Prepared]) -> Result<(), Fault> {
    if connection.dialect() == Dialect::Sqlite {
        return Ok(());
    }
    hold_accounts(connection, callers).await?;
    hold_sessions(connection, callers).await
}

/// Takes hold of the accounts that lose or get a way in, or a consent, each in its turn: two callers who each leave the other's way in would leave none,
/// and whoever empties an account must see what was added to it. Before anything else that is a person's: a sign-in writes their link before their
/// account, and who turns them out their account before their sessions, so without this they would wait for each other in a circle.
async fn hold_accounts(connection: &mut Connection, callers: &[&Prepared]) -> Result<(), Fault> {
    let steps = callers.iter().flat_map(|caller| caller.contested.iter().chain(&caller.rest));
    let mut accounts: Vec<[Value; 1]> = steps
        .filter_map(|step| match step.kind {
            Kind::RemoveLink | Kind::RemoveSpareLink => Some([step.values[1].clone()]),
            Kind::AddLink | Kind::UpdateLink => Some([step.values[4].clone()]),
            Kind::EmptyAccount | Kind::PutConsent | Kind::DisableAccount => Some([step.values[0].clone()]),
            _ => None,
        })
        .collect();
    accounts.sort_unstable();
    accounts.dedup();
    for rows in accounts.chunks(MOST_ROWS) {
        let rows: Vec<&[Value]> = rows.iter().map(<[Value; 1]>::as_slice).collect();
        let (sql, values) = Kind::HoldAccounts.statement(connection.dialect(), &rows);
        connection.keys(sql, &values).await?;
    }
    Ok(())
}

/// Takes hold of the sessions whose codes are redeemed, and of those that are written, each in its turn: a sign-out beside this waits until
/// the grants of this transaction can be seen, or else has ended the session before this looks.
async fn hold_sessions(connection: &mut Connection, callers: &[&Prepared]) -> Result<(), Fault> {
    let nothing = Value::Bytes(None);
    let steps = || callers.iter().flat_map(|caller| caller.contested.iter().chain(&caller.rest));
    if !steps().any(|step| step.kind == Kind::RedeemCode) {
        return Ok(());
    }
    let rows: Vec<[Value; 2]> = steps()
        .filter_map(|step| match step.kind {
            Kind::PutSession | Kind::TouchSession | Kind::EndSession => Some([step.values[0].clone(), nothing.clone()]),
            Kind::RedeemCode => Some([nothing.clone(), step.values[0].clone()]),
            _ => None,
        })
        .collect();
    for rows in rows.chunks(MOST_ROWS) {
        let rows: Vec<&[Value]> = rows.iter().map(<[Value; 2]>::as_slice).collect();
        let (sql, values) = Kind::HoldSessions.statement(connection.dialect(), &rows);
        connection.keys(sql, &values).await?;
    }
    Ok(())
}
