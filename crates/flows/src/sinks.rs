//! Sending sealed audit events on to the sinks of the configuration: in the order of the chain, each at least once, off every request's path.

use std::{fmt, sync::Arc};

use vestibule_domain::{
    audit::{
        Actor, AuditEvent, EventName, Outcome, Reason, Witness,
        sink::{Batch, NotTaken, SinkCursor, SinkLag, SinkRules, SinkStart, SinkTrouble},
    },
    ports::AuditSink,
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
};

use crate::Gateway;

/// Events that are read at once to find some that a sink is to have.
const PAGE: u64 = 500;
/// Pages that are read in one round.
const PAGES: usize = 20;

/// A place that audit events are sent on to, and how.
#[derive(Clone)]
pub struct Sink {
    /// What is sent to it.
    pub rules: SinkRules,
    /// The way there.
    pub target: Arc<dyn AuditSink>,
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sink").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// What one round with a sink came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SinkRound {
    /// It has more events than before, and there may be more for it.
    More,
    /// There is nothing for it now.
    Nothing,
    /// Another node sends, or it is not time for the next try.
    Later,
    /// It did not take what there was.
    Failed(SinkTrouble),
}

/// How it stands with a sink.
#[derive(Clone, Debug)]
pub struct SinkState {
    /// Its rules.
    pub rules: SinkRules,
    /// How far it has come; none before it was looked at first.
    pub cursor: Option<SinkCursor>,
    /// How far it is behind.
    pub lag: SinkLag,
}

impl Gateway {
    /// The sinks of the configuration.
    pub fn sinks(&self) -> &[Sink] {
        &self.sinks
    }

    /// Hands a sink what comes next. Every node may try: one of them does it, and the others leave it alone until that one is gone.
    pub async fn send_on(&self, sink: &Sink) -> Result<SinkRound, StoreError> {
        match self.send_next(sink).await {
            Err(StoreError::Conflict(Contest::Sink)) => Ok(SinkRound::Later),
            round => round,
        }
    }

    async fn send_next(&self, sink: &Sink) -> Result<SinkRound, StoreError> {
        let rules = &sink.rules;
        let now = self.clock().now();
        let Some(mut cursor) = self.store.sink_cursors().await?.into_iter().find(|cursor| cursor.sink == rules.id) else {
            return self.begin_sink(rules, now).await;
        };
        if !cursor.is_for(self.node, now) || !cursor.is_due(now) {
            return Ok(SinkRound::Later);
        }
        let (events, seq) = self.next_for(rules, &cursor).await?;
        // Read after the events: what was given up before they were read, it says.
        let Some(head) = self.store.chain().await? else { return Ok(SinkRound::Nothing) };
        if cursor.seq < head.base {
            return self.miss(&cursor, head.base).await;
        }
        let passes = events.is_empty() && seq > cursor.seq;
        if !cursor.is_held(rules, self.node, now) || passes {
            let expected = cursor.version;
            cursor = cursor.kept_by(rules, self.node, now);
            if passes {
                cursor = cursor.passed(seq);
            }
            self.put_cursor(cursor.clone(), Some(expected)).await?;
        }
        if events.is_empty() {
            return Ok(if passes { SinkRound::More } else { SinkRound::Nothing });
        }
        let batch = Batch { chain: head.chain, events, form: rules.form, now };
        let delivered = tokio::time::timeout(rules.timeout, sink.target.deliver(&batch)).await.unwrap_or_else(|_| Err(too_slow(rules)));
        let (now, expected) = (self.clock().now(), cursor.version);
        let next = cursor.kept_by(rules, self.node, now);
        let id = &rules.id;
        match delivered {
            Ok(()) => {
                self.put_cursor(next.delivered(seq, now), Some(expected)).await?;
                if let Some(trouble) = cursor.trouble {
                    let after = now.since(trouble.since).as_secs();
                    tracing::info!(sink.id = %id, after, "{id} takes audit events again, after {after} seconds");
                }
                self.observer.sink_tried(id, "ok");
                Ok(SinkRound::More)
            }
            Err(NotTaken { trouble, why }) => {
                self.put_cursor(next.failed(trouble, now, self.entropy()), Some(expected)).await?;
                let (first, last) = batch.span();
                tracing::warn!(sink.id = %id, trouble = %trouble, first, last, "{id} did not take audit events, which are sent again: {why}");
                self.observer.sink_tried(id, trouble.as_str());
                Ok(SinkRound::Failed(trouble))
            }
        }
    }

    /// A sink that was never looked at before.
    async fn begin_sink(&self, rules: &SinkRules, now: Timestamp) -> Result<SinkRound, StoreError> {
        let Some(head) = self.store.chain().await? else { return Ok(SinkRound::Nothing) };
        let seq = match rules.start {
            SinkStart::Now => head.seq,
            SinkStart::Beginning => head.base,
        };
        self.put_cursor(SinkCursor::begun(rules.id.clone(), seq, now), None).await?;
        Ok(SinkRound::More)
    }

    /// Goes on after what was given up while nobody looked after the sink: it was out of the configuration, or began at that moment.
    async fn miss(&self, cursor: &SinkCursor, last: i64) -> Result<SinkRound, StoreError> {
        self.commit(self.misses(&self.own_witness(), Changes::default(), cursor, last)).await?;
        self.observer.sink_missed(&cursor.sink, u64::try_from(last - cursor.seq).unwrap_or_default());
        Ok(SinkRound::More)
    }

    /// The next events for a sink, and up to which event it has everything with them.
    async fn next_for(&self, rules: &SinkRules, cursor: &SinkCursor) -> Result<(Vec<AuditEvent>, i64), StoreError> {
        let most = cursor.most(rules);
        // Nothing is read in vain where everything is wanted.
        let at_once = if rules.events.wants_all() { most } else { PAGE };
        let (mut found, mut seq) = (Vec::new(), cursor.seq);
        for _ in 0..PAGES {
            let page = self.store.sequenced(seq, at_once).await?;
            let is_last = (page.len() as u64) < at_once;
            for (place, event) in page {
                seq = place;
                if rules.events.wants(event.name) {
                    found.push(event);
                    if found.len() as u64 == most {
                        return Ok((found, seq));
                    }
                }
            }
            if is_last || !found.is_empty() {
                break;
            }
        }
        Ok((found, seq))
    }

    /// Lets go of what this node sends, because it stops: another need not wait until it is given up.
    pub async fn let_go_of_sinks(&self) -> Result<(), StoreError> {
        let now = self.clock().now();
        let kept = self.cursors_of_sinks().await?.into_iter().filter(|cursor| cursor.keeper == self.node && cursor.kept_until > now);
        for cursor in kept {
            let expected = Some(cursor.version);
            match self.put_cursor(SinkCursor { version: cursor.version + 1, kept_until: now, ..cursor }, expected).await {
                Ok(()) | Err(StoreError::Conflict(Contest::Sink)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn put_cursor(&self, cursor: SinkCursor, expected: Option<i64>) -> Result<(), StoreError> {
        self.store.commit(Changes::default().write(Write::PutSinkCursor { cursor: Box::new(cursor), expected })).await
    }

    /// How far the sinks of the configuration have come that were looked at.
    pub(crate) async fn cursors_of_sinks(&self) -> Result<Vec<SinkCursor>, StoreError> {
        if self.sinks.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.store.sink_cursors().await?;
        Ok(all.into_iter().filter(|cursor| self.sinks.iter().any(|sink| sink.rules.id == cursor.sink)).collect())
    }

    /// Adds that a sink will never have what is kept no more. Whoever is sending it some of that meanwhile loses.
    pub(crate) fn misses(&self, witness: &Witness, changes: Changes, cursor: &SinkCursor, last: i64) -> Changes {
        let detail = format!("{} has not had events {} to {last}, which are kept no more", cursor.sink, cursor.seq + 1);
        let event = AuditEvent {
            reason: Some(Reason::Undelivered),
            detail: Some(detail),
            ..self.event(witness, EventName::AuditSinkMissed, Outcome::Failure, Actor::System)
        };
        let next = SinkCursor { version: cursor.version + 1, ..cursor.clone() }.passed(last);
        changes.write(Write::PutSinkCursor { cursor: Box::new(next), expected: Some(cursor.version) }).event(event)
    }

    /// How it stands with each sink of the configuration, in its order.
    pub async fn sink_states(&self) -> Result<Vec<SinkState>, StoreError> {
        if self.sinks.is_empty() {
            return Ok(Vec::new());
        }
        let end = self.store.chain().await?.map_or(0, |head| head.seq);
        let cursors = self.store.sink_cursors().await?;
        let mut states = Vec::with_capacity(self.sinks.len());
        for Sink { rules, .. } in self.sinks() {
            let cursor = cursors.iter().find(|cursor| cursor.sink == rules.id).cloned();
            let mut lag = SinkLag::default();
            if let Some(cursor) = cursor.as_ref().filter(|cursor| cursor.seq < end) {
                lag.events = u64::try_from(end - cursor.seq).unwrap_or_default();
                lag.oldest = self.store.sequenced(cursor.seq, 1).await?.first().map(|(_, event)| event.time);
            }
            states.push(SinkState { rules: rules.clone(), cursor, lag });
        }
        Ok(states)
    }

    /// Tells who counts how far each sink is behind.
    pub async fn count_sink_lag(&self) -> Result<(), StoreError> {
        let lags: Vec<_> = self.sink_states().await?.into_iter().map(|state| (state.rules.id, state.lag)).collect();
        self.observer.sinks_lag(&lags, self.clock().now());
        Ok(())
    }
}

fn too_slow(rules: &SinkRules) -> NotTaken {
    NotTaken { trouble: SinkTrouble::Timeout, why: format!("it took longer than {} seconds", rules.timeout.as_secs_f32()) }
}
