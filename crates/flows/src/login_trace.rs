//! What was decided about logins: kept beside what it led to, and told to whoever asks about a reference.

use vestibule_domain::{
    audit::{AuditEvent, Witness},
    ids::LoginId,
    login_trace::{Decisions, End, Explanation, LoginTrace},
    ports::Store,
    session::Session,
    store::{EventQuery, StoreError, Write},
};

use crate::{AdminFault, Gateway};

/// Most events of one login that are told: what an app does with its grant for months is told in the audit log.
const MOST_EVENTS: u64 = 200;

impl Gateway {
    /// What happened to the login of a reference, which is the one on a page, or of an id.
    pub async fn explain_login(&self, reference: &str) -> Result<Explanation, AdminFault> {
        explain_login(self.store.as_ref(), reference).await.map_err(AdminFault::Store)?.ok_or(AdminFault::NotFound)
    }

    /// What a request decided about a login, to be kept with what it led to; nothing where traces are not kept.
    pub(crate) fn trace_of(&self, witness: &Witness, login: LoginId, decisions: Decisions) -> Option<Write> {
        let keep = self.settings.audit.login_traces_keep;
        let reference = witness.trace_id.clone().unwrap_or_default();
        let expires = witness.now + keep;
        let trace = || LoginTrace { login, reference, at: witness.now, expires, decisions: decisions.within_bounds() };
        (!keep.is_zero()).then(|| Write::PutLoginTrace(Box::new(trace())))
    }
}

/// The end of a request that its event tells of.
pub(crate) fn end_of(event: &AuditEvent) -> End {
    End {
        event: event.name,
        outcome: event.outcome,
        reason: event.reason,
        detail: event.detail.clone(),
        asks_consent: false,
        session: event.session,
    }
}

/// What is known from the session that a request comes with.
pub(crate) fn of_session(decisions: &mut Decisions, session: &Session) {
    decisions.account = Some(session.account);
    let provider = session.provider.clone();
    decisions.door = Some(vestibule_domain::login_trace::Door { provider, how: None, away_ms: None });
}

/// What happened to a login, from what is kept of it; nothing if nothing is.
pub async fn explain_login(store: &dyn Store, reference: &str) -> Result<Option<Explanation>, StoreError> {
    let reference = reference.trim().to_ascii_lowercase();
    // With hyphens it is a login's: a UUID without them looks like a trace's.
    let of_reference = if reference.contains('-') { None } else { store.login_of_reference(&reference).await? };
    let Some(login) = of_reference.or_else(|| reference.parse::<LoginId>().ok()) else { return Ok(None) };
    let traces = store.login_traces(&login).await?;
    let events = store.events(&EventQuery { login: Some(login), limit: MOST_EVENTS, ..EventQuery::default() }).await?;
    if traces.is_empty() && events.is_empty() {
        return Ok(None);
    }
    Ok(Some(Explanation::new(Some(&reference), Some(login), &traces, &events)))
}
