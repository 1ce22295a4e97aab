//! The audit log as operators read it: a page at a time, one event, a copy to take away, and how far its chain has come.

use vestibule_domain::{
    audit::{
        AuditEvent, EventName, Outcome, Witness,
        chain::{ChainHead, Checkpoint, Unsealed},
        form::{Cut, CutShort, Form},
        search::{EventSearch, FoundEvents, names_like},
    },
    ids::{ClientId, EventId, ProviderId},
    registration::FieldFault,
    store::{Changes, StoreError},
    time::Timestamp,
};

use crate::{AdminFault, Gateway, Permitted};

/// How many events are looked at for one page, whether they are among those that are asked for or not: what takes less than a tenth of a second where
/// each has to be fetched by itself.
const LOOK: u64 = 8_000;

/// How many events are read at once for a copy.
const AT_ONCE: u64 = 500;

/// How many events a copy has at most.
const MOST_EXPORTED: u64 = 1_000_000;

/// Which events are asked for, as it was written. Nothing means any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Kinds by their names, as `login.failed`, or by what they are about, as `login.*`.
    pub event: Vec<String>,
    /// The id of an account.
    pub account: Option<String>,
    /// The id of a client.
    pub client: Option<String>,
    /// The name of a provider.
    pub provider: Option<String>,
    /// `success`, `failure` or `denied`.
    pub outcome: Option<String>,
    /// One of the reasons.
    pub reason: Option<String>,
    /// An IP address.
    pub address: Option<String>,
    /// The reference of an error page, or of a line in the log: the id of a trace.
    pub reference: Option<String>,
    /// The id of a login.
    pub login: Option<String>,
    /// The id of a session.
    pub session: Option<String>,
    /// Since when, as RFC 3339 writes it.
    pub from: Option<String>,
    /// Until when, exclusive.
    pub to: Option<String>,
}

impl EventFilter {
    /// What is said, by the names that queries give it.
    pub fn pairs(&self) -> Vec<(&'static str, &str)> {
        let kinds = self.event.iter().map(|event| ("event", event.as_str()));
        let others = [
            ("account", &self.account),
            ("client", &self.client),
            ("provider", &self.provider),
            ("outcome", &self.outcome),
            ("reason", &self.reason),
            ("address", &self.address),
            ("reference", &self.reference),
            ("login", &self.login),
            ("session", &self.session),
            ("from", &self.from),
            ("to", &self.to),
        ];
        kinds.chain(others.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))).collect()
    }

    /// The same as the store is asked, or everything that is wrong with it.
    fn search(&self, after: Option<&str>) -> Result<EventSearch, AdminFault> {
        let mut faults = Faults::default();
        let mut search = EventSearch { look: LOOK, ..EventSearch::default() };
        for pattern in &self.event {
            let names = names_like(pattern);
            faults.note("event", names.is_none(), "must be the name of an event, as login.failed, or what events are about, as login.*");
            search.names.extend(names.unwrap_or_default());
        }
        let read = &mut faults;
        search.after = read.one("after", after, "must be where a page ended: the id of an event", |text| text.parse().ok());
        search.account = read.one("account", self.account.as_deref(), "must be the id of an account", |text| text.parse().ok());
        search.client = read.one("client", self.client.as_deref(), "must be the id of a client", |text| ClientId::parse(text).ok());
        search.provider =
            read.one("provider", self.provider.as_deref(), "must be the name of a provider", |text| ProviderId::parse(text).ok());
        search.outcome = read.one("outcome", self.outcome.as_deref(), "must be success, failure or denied", |text| text.parse().ok());
        search.reason = read.one("reason", self.reason.as_deref(), "must be one of the reasons, as entry_rule", |text| text.parse().ok());
        search.address = read.one("address", self.address.as_deref(), "must be an IP address", |text| text.parse().ok());
        search.address = search.address.map(|address| address.to_canonical());
        search.trace = read.one("reference", self.reference.as_deref(), "must be letters and digits, as an error page shows it", reference);
        search.login = read.one("login", self.login.as_deref(), "must be the id of a login", |text| text.parse().ok());
        search.session = read.one("session", self.session.as_deref(), "must be the id of a session", |text| text.parse().ok());
        let moment = "must be a moment as RFC 3339 writes it, as 2026-11-24T10:00:00Z";
        search.since = read.one("from", self.from.as_deref(), moment, Timestamp::parse);
        search.until = read.one("to", self.to.as_deref(), moment, Timestamp::parse);
        if faults.0.is_empty() { Ok(search) } else { Err(AdminFault::Invalid(faults.0)) }
    }

    /// The same for a record. An address may be a person's, and a record is for ever: of that it is only said that there was one.
    fn told(&self) -> String {
        let told =
            self.pairs().into_iter().map(|(name, value)| if name == "address" { " by address".into() } else { format!(" {name}={value}") });
        told.collect()
    }
}

/// The id of a trace has 32 hexadecimal digits (W3C Trace Context §3.2.2.3); what others may have sent instead is looked for too.
fn reference(text: &str) -> Option<String> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then(|| text.to_ascii_lowercase())
}

#[derive(Default)]
struct Faults(Vec<FieldFault>);

impl Faults {
    fn note(&mut self, name: &str, is_wrong: bool, message: &str) {
        if is_wrong {
            self.0.push(FieldFault { pointer: format!("/{name}"), message: message.to_owned() });
        }
    }

    fn one<T>(&mut self, name: &str, text: Option<&str>, message: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let text = text?;
        let value = read(text);
        self.note(name, value.is_none(), message);
        value
    }
}

/// How far the chain of events has come, for whoever is to verify it.
#[derive(Debug)]
pub struct ChainShown {
    /// Its head.
    pub head: ChainHead,
    /// The last checkpoint, if there is one yet.
    pub checkpoint: Option<Checkpoint>,
    /// What is not in it yet.
    pub unsealed: Unsealed,
}

impl Gateway {
    /// A page of events, newest first. It may end before it is full, where much was looked at: then it says how far it came.
    pub async fn audit_events(&self, filter: &EventFilter, after: Option<&str>, limit: u64) -> Result<FoundEvents, AdminFault> {
        let search = EventSearch { limit, ..filter.search(after)? };
        self.store.search_events(&search).await.map_err(AdminFault::Store)
    }

    /// One event.
    pub async fn audit_event(&self, id: &str) -> Result<AuditEvent, AdminFault> {
        let id: EventId = id.parse().map_err(|_| AdminFault::NotFound)?;
        self.store.event(&id).await.map_err(AdminFault::Store)?.ok_or(AdminFault::NotFound)
    }

    /// Begins a copy of events, newest first, with at most so many. That it is taken is recorded before any of it goes out.
    pub async fn export_events(
        &self,
        witness: &Witness,
        permitted: Permitted,
        form: Form,
        filter: &EventFilter,
        (after, most): (Option<&str>, Option<u64>),
    ) -> Result<Export, AdminFault> {
        let mut search = filter.search(after)?;
        // What happens from now on, this very copy among it, would be newer than its first event.
        search.until = Some(search.until.map_or(witness.now, |until| until.min(witness.now)));
        let event = AuditEvent {
            detail: Some(vestibule_domain::audit::bounded_to(&format!("{form}{}", filter.told()), 1_000)),
            ..self.event(witness, EventName::AuditExported, Outcome::Success, permitted.actor().clone())
        };
        self.commit(Changes::default().event(event)).await.map_err(AdminFault::Store)?;
        let left = most.unwrap_or(MOST_EXPORTED).min(MOST_EXPORTED);
        Ok(Export { gateway: self.clone(), witness: witness.clone(), permitted, form, search, left, state: State::Begins })
    }

    /// How far the chain has come; nothing before it has begun.
    pub async fn shown_chain(&self) -> Result<Option<ChainShown>, AdminFault> {
        let Some(head) = self.store.chain().await.map_err(AdminFault::Store)? else { return Ok(None) };
        // The one that covers the last event that is covered.
        let last = self.store.checkpoints(head.signed - 1, 1).await.map_err(AdminFault::Store)?;
        let unsealed = self.store.count_unsealed().await.map_err(AdminFault::Store)?;
        Ok(Some(ChainShown { checkpoint: last.into_iter().next(), head, unsealed }))
    }
}

/// A copy of events on its way out, piece by piece: what was sent is forgotten, and nothing is read before it is wanted.
#[derive(Debug)]
pub struct Export {
    gateway: Gateway,
    witness: Witness,
    permitted: Permitted,
    form: Form,
    search: EventSearch,
    left: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Begins,
    GoesOn,
    Ended,
}

impl Export {
    /// In which form.
    pub const fn form(&self) -> Form {
        self.form
    }

    /// The next piece, which may be empty; nothing at the end. Whatever is missing is said in the last row, as where the house closes meanwhile.
    pub async fn next(&mut self, closing: bool) -> Option<String> {
        match self.state {
            State::Begins => {
                self.state = State::GoesOn;
                Some(self.form.head())
            }
            State::GoesOn => Some(self.lines(closing).await.unwrap_or_else(|why| self.cut(why))),
            State::Ended => None,
        }
    }

    /// The next events, or why there are no more.
    async fn lines(&mut self, closing: bool) -> Result<String, CutShort> {
        if self.left == 0 {
            return Err(CutShort::Limit);
        }
        if closing {
            return Err(CutShort::Closing);
        }
        self.witness.now = self.gateway.clock().now();
        if !self.gateway.still_permits(&self.witness, &self.permitted).await.map_err(unavailable)? {
            return Err(CutShort::NotAllowed);
        }
        self.search.limit = AT_ONCE.min(self.left);
        let found = self.gateway.store.search_events(&self.search).await.map_err(unavailable)?;
        self.left -= found.events.len() as u64;
        match found.rest {
            Some(rest) => self.search.after = Some(rest),
            None => self.state = State::Ended,
        }
        Ok(found.events.iter().map(|event| self.form.line(event)).collect())
    }

    fn cut(&mut self, why: CutShort) -> String {
        self.state = State::Ended;
        self.form.cut(&Cut { at: self.gateway.clock().now(), why, after: self.search.after })
    }
}

#[expect(clippy::needless_pass_by_value, reason = "what is passed to map_err")]
fn unavailable(error: StoreError) -> CutShort {
    tracing::error!(%error, "an export of the audit log ends too soon");
    CutShort::Unavailable
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(set: impl FnOnce(&mut EventFilter)) -> EventFilter {
        let mut filter = EventFilter::default();
        set(&mut filter);
        filter
    }

    #[test]
    fn all_that_is_wrong_with_what_is_asked_is_said_at_once() {
        let wrong = EventFilter {
            event: vec!["login.failed".into(), "logout".into()],
            account: Some("x".into()),
            client: Some("no id".into()),
            provider: Some("NO!".into()),
            outcome: Some("good".into()),
            reason: Some("why".into()),
            address: Some("10.0.0.0/8".into()),
            reference: Some("a b".into()),
            login: Some("x".into()),
            session: Some("x".into()),
            from: Some("yesterday".into()),
            to: Some("2026-11-24".into()),
        };
        let Err(AdminFault::Invalid(faults)) = wrong.search(Some("x")) else { panic!("it can't be asked") };
        let named: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(
            named,
            [
                "/event",
                "/after",
                "/account",
                "/client",
                "/provider",
                "/outcome",
                "/reason",
                "/address",
                "/reference",
                "/login",
                "/session",
                "/from",
                "/to"
            ]
        );
    }

    #[test]
    fn what_is_asked_is_read_as_it_is_meant() {
        let asked = filter(|filter| {
            filter.event = vec!["key.*".into(), "login.failed".into()];
            filter.address = Some("::ffff:192.0.2.1".into());
            filter.reference = Some("4BF92F3577B34DA6A3CE929D0E0E4736".into());
            filter.from = Some("2026-11-24T11:00:00+01:00".into());
        });
        let search = asked.search(None).unwrap();
        assert_eq!(search.names, [EventName::LoginFailed, EventName::KeyRotated, EventName::KeyRetired].into());
        assert_eq!(search.address, "192.0.2.1".parse().ok());
        assert_eq!(search.trace.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(search.since, Timestamp::parse("2026-11-24T10:00:00Z"));
        assert_eq!(EventFilter::default().search(None), Ok(EventSearch { look: LOOK, ..EventSearch::default() }));
    }

    #[test]
    fn an_address_that_was_asked_for_is_in_no_record() {
        let asked = filter(|filter| {
            filter.event = vec!["login.*".into()];
            filter.address = Some("192.0.2.1".into());
        });
        assert_eq!(asked.told(), " event=login.* by address");
    }
}
