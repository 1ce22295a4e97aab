//! What goes with time.

use std::collections::HashMap;

use vestibule_domain::{ids::SessionId, time::Timestamp};

use super::{DAY, Joined, Tables};

impl Tables {
    fn sweep_registrations(&mut self, now: Timestamp) -> usize {
        let before = self.registration_tokens.len();
        self.registration_tokens.retain(|_, token| token.expires >= now);
        let tokens = before - self.registration_tokens.len();
        let before = self.api_keys.len();
        self.api_keys.retain(|_, key| key.expires.is_none_or(|expires| expires >= now - DAY * 30));
        let keys = before - self.api_keys.len();
        let before = self.last_uses.len();
        self.last_uses.retain(|_, used| *used >= now - DAY * 400);
        tokens + keys + before - self.last_uses.len()
    }

    pub(super) fn sweep(&mut self, now: Timestamp, sessions_before: Timestamp, most: usize) -> usize {
        // What is spent is of one kind, whatever it was.
        let attempts = take_away(&mut self.spent_attempts, most, |expires| *expires < now);
        attempts
            + take_away(&mut self.spent_once, most - attempts, |expires| *expires < now)
            + take_away(&mut self.tickets, most, |ticket| ticket.expires < now)
            + take_away(&mut self.codes, most, |code| code.expires < now - DAY)
            + take_away(&mut self.grants, most, |grant| grant.expires() < now)
            + take_away(&mut self.tombstones, most, |revoked| revoked.at + DAY < now)
            + take_away(&mut self.revoked_tokens, most, |expires| *expires < now)
            + self.sweep_registrations(now)
            + self.stats.sweep(now)
            + take_away(&mut self.sessions, most, |session| match session.ended {
                Some(ended) => ended < now - DAY,
                None => session.last_seen < sessions_before,
            })
            + self.sweep_session_clients(now, most)
            + self.sweep_login_traces(now, most)
            + self.sweep_habits(now, most)
            + self.sweep_events(most)
    }

    fn sweep_habits(&mut self, now: Timestamp, most: usize) -> usize {
        let old: Vec<_> = self.habits_until.iter().filter(|(_, until)| **until < now).map(|(account, _)| *account).take(most).collect();
        for account in &old {
            self.habits_until.remove(account);
            if let Some(subject) = self.subjects.get_mut(account) {
                subject.habits = None;
            }
        }
        old.len()
    }

    fn sweep_events(&mut self, most: usize) -> usize {
        let base = self.chain.as_ref().map_or(0, |head| head.base);
        let old = self.events.iter().filter(|(_, event)| event.link.is_some_and(|link| link.seq <= base));
        let old: Vec<_> = old.map(|(key, _)| *key).take(most).collect();
        for key in &old {
            self.events.remove(key);
            self.personal.remove(&key.1);
        }
        let before = self.checkpoints.len();
        self.checkpoints.retain(|seq, _| *seq >= base);
        old.len() + before - self.checkpoints.len()
    }

    fn sweep_session_clients(&mut self, now: Timestamp, most: usize) -> usize {
        let forgotten =
            |(session, joined): (&SessionId, &Joined)| joined.due.is_none() && joined.expires < now && !self.sessions.contains_key(session);
        let all = self.session_clients.iter().filter(|((session, _), joined)| forgotten((session, joined)));
        let keys: Vec<_> = all.map(|(key, _)| key.clone()).take(most).collect();
        for key in &keys {
            self.session_clients.remove(key);
        }
        keys.len()
    }
}

fn take_away<K: std::hash::Hash + Eq + Clone, V>(table: &mut HashMap<K, V>, most: usize, dead: impl Fn(&V) -> bool) -> usize {
    let keys: Vec<K> = table.iter().filter(|(_, row)| dead(row)).map(|(key, _)| key.clone()).take(most).collect();
    for key in &keys {
        table.remove(key);
    }
    keys.len()
}
