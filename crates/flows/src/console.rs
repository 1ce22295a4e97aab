//! The operators' console: who comes in, who is in, and who goes.
//!
//! An operator signs in as everybody does, through one of the providers of `[console] providers`, and the rules of `[console] operators` say whether they
//! are one; they are asked again with every request. Where there are no operators yet a key opens the console once: whoever can run a command beside the
//! gateway can make one.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use vestibule_domain::{
    account::Account,
    attempt::Errand,
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    authorize::Prompt,
    entry::Denial,
    ids::{AccountId, LinkId, SessionId},
    operator::{AdminScopes, Operator},
    policy::Refusal,
    secret::{Digest, Purpose, Sealed},
    session::Session,
    settings::Settings,
    store::{Changes, Contest, StoreError, Write},
    ticket::{Ticket, TicketKind},
    time::Timestamp,
};

use crate::{Authorized, Gateway, Halt, codec, own_page::OwnClient};

/// The name that attempts of the console go by. No client can be registered under it.
pub(crate) const CONSOLE_NAME: &str = "vestibule.console";

/// How long whoever came by a one-time key stays: no session of theirs can be ended, and no rule about them asked again.
const BY_KEY: Duration = Duration::from_hours(1);

/// How long what was just made waits for the page that shows it.
const SHOWN_WITHIN: Duration = Duration::from_mins(1);

/// How often it is noted that an operator is still there, if the time they may be idle allows it.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// How a key that opens the console once is named in records: by an id of its own, so that two are told apart.
fn one_time(id: &str) -> Actor {
    Actor::AdminKey(format!("one-time:{id}"))
}

/// How often coming in is tried where a page beside it wrote the same.
const TRIES: usize = 3;

/// What stands for the console where an attempt has an app; its rules are those about operators, and its providers those whose word counts for them.
pub(crate) fn client(settings: &Settings) -> OwnClient {
    let (rules, providers) = (settings.console.operators.clone(), settings.console.providers.clone());
    OwnClient::named(CONSOLE_NAME, &settings.url("/console"), rules, providers)
}

/// The cookie of an operator.
#[derive(Clone)]
pub struct ConsoleCookie {
    /// 256 random bits; only the browser has them.
    pub value: String,
    /// How long the browser keeps it.
    pub max_age: Duration,
}

impl std::fmt::Debug for ConsoleCookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConsoleCookie(..)")
    }
}

/// Where somebody stands who wants to come in.
#[derive(Debug)]
pub enum ConsoleEntered {
    /// They are in.
    In(ConsoleCookie),
    /// They sign in first.
    SignIn(Authorized),
    /// They are signed in, and no operator.
    NoOperator,
    /// Nobody is an operator: the configuration has no rules about them.
    NobodyIs,
}

/// An operator at work: who they are, and what their forms carry.
#[derive(Clone, Debug)]
pub struct Desk {
    /// Who they are to records, and what they may do.
    pub operator: Operator,
    /// As they are shown to themselves.
    pub name: String,
    /// What every form carries: bound to the session by its secret digest, so no other site can make one (attack 86).
    pub token: String,
    /// Which ticket it is.
    digest: Digest,
}

/// What the ticket of an operator holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    by: By,
    since: Timestamp,
    seen: Timestamp,
}

/// How somebody came in.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum By {
    /// By a session of theirs; when it ends this ends too.
    Session { id: SessionId, account: AccountId, link: LinkId },
    /// By a one-time key, which may be one for some things only.
    Key { id: String, scopes: AdminScopes },
}

/// A desk, and what it is worked at by.
struct Worked {
    desk: Desk,
    kept: Kept,
    session: Option<Session>,
}

/// What the ticket of a one-time key holds.
#[derive(Serialize, Deserialize)]
struct KeptKey {
    id: String,
    scopes: AdminScopes,
}

impl Gateway {
    /// Makes a key that opens the console once, within `lives`, to whoever may then do what the scopes say. Only now is it seen.
    pub async fn new_console_key(&self, witness: &Witness, lives: Duration, scopes: AdminScopes) -> Result<SecretString, StoreError> {
        let key = codec::random_text(self.entropy.as_ref());
        // Made of other randomness than the key: it stands in records.
        let id: String = codec::random_text(self.entropy.as_ref()).chars().filter(char::is_ascii_alphanumeric).take(8).collect();
        let detail = Some(format!("key {id} for {scopes}"));
        let ticket = Ticket {
            digest: self.sealer.hash(key.as_bytes()),
            kind: TicketKind::ConsoleKey,
            version: 1,
            expires: witness.now + lives,
            body: serde_json::to_string(&KeptKey { id, scopes }).unwrap_or_default(),
        };
        let event = AuditEvent { detail, ..self.event(witness, EventName::ConsoleKeyCreated, Outcome::Success, Actor::System) };
        self.commit(Changes::default().write(Write::PutTicket { ticket, expected: None }).event(event)).await?;
        Ok(key.into())
    }

    /// Whether a key would open the console now. It is not used by asking.
    pub async fn is_console_key(&self, witness: &Witness, key: &str) -> Result<bool, StoreError> {
        Ok(self.console_key(witness, key).await?.is_some())
    }

    /// Comes in by a key, which is used up; nothing if it is none, or none any more. `before` is the console's cookie that the browser has, whose desk ends.
    pub async fn enter_console_by_key(
        &self,
        witness: &Witness,
        key: &str,
        before: Option<&str>,
    ) -> Result<Option<ConsoleCookie>, StoreError> {
        for _ in 0..TRIES {
            let Some(ticket) = self.console_key(witness, key).await? else { break };
            let Ok(KeptKey { id, scopes }) = serde_json::from_str(&ticket.body) else { break };
            let taken = Write::TakeTicket { digest: ticket.digest, kind: ticket.kind, expected: ticket.version };
            let event = self.event(witness, EventName::AdminLogin, Outcome::Success, one_time(&id));
            let changes = Changes::default().write(taken).event(event);
            match self.new_desk(witness, By::Key { id, scopes }, witness.now, before, changes).await {
                Ok(cookie) => return Ok(Some(cookie)),
                // Somebody else was faster with it, or the desk before was used beside this.
                Err(StoreError::Conflict(Contest::Ticket)) => {}
                Err(error) => return Err(error),
            }
        }
        let failed = self.event(witness, EventName::AdminLoginFailed, Outcome::Failure, Actor::Anonymous);
        self.record_failure(witness, AuditEvent { reason: Some(Reason::Unknown), ..failed }, Vec::new()).await;
        Ok(None)
    }

    /// Comes in by the session of this browser, if its person is an operator who signed in lately; otherwise they sign in first. `again` makes them do
    /// that in any case, as whoever they choose. `before` is the console's cookie that the browser has, whose desk ends.
    pub async fn enter_console(
        &self,
        witness: &Witness,
        session_cookie: Option<&str>,
        before: Option<&str>,
        again: bool,
    ) -> Result<ConsoleEntered, Halt> {
        if !self.settings.console.has_operators() {
            return Ok(ConsoleEntered::NobodyIs);
        }
        let session = if again { None } else { self.session_of(witness, session_cookie).await? };
        let prompt = match session {
            Some(session) if witness.now.since(session.auth_time) <= self.settings.console.session => {
                match self.standing(&self.console.client, &session.account, &session.link).await? {
                    Ok(_) => return Ok(ConsoleEntered::In(self.desk_of(witness, &session, before).await?)),
                    Err(Refusal::Rule(denial)) => {
                        self.no_operator_came(witness, &session, denial).await;
                        return Ok(ConsoleEntered::NoOperator);
                    }
                    // Whatever else is wrong with them is said where they sign in.
                    Err(_) => None,
                }
            }
            Some(_) => Some(Prompt::Login),
            None if again => Some(Prompt::SelectAccount),
            None => None,
        };
        let attempt = self.new_attempt(witness, self.console.request(prompt)?, Errand::Console);
        self.begin(witness, &self.console.client.clone(), attempt).await.map(ConsoleEntered::SignIn)
    }

    /// Who works by this cookie. Whoever has been taken off the rules, turned away or signed out is nobody at once.
    pub async fn desk(&self, witness: &Witness, cookie: Option<&str>) -> Result<Option<Desk>, StoreError> {
        self.desk_by(witness, cookie, true).await
    }

    /// The same, where nobody does anything: it does not keep them signed in.
    pub async fn desk_as_it_is(&self, witness: &Witness, cookie: Option<&str>) -> Result<Option<Desk>, StoreError> {
        self.desk_by(witness, cookie, false).await
    }

    /// The same desk as it stands now; nothing if nobody may work at it any more. It keeps nobody signed in either.
    pub(crate) async fn desk_still(&self, witness: &Witness, desk: &Desk) -> Result<Option<Desk>, StoreError> {
        let Some(ticket) = self.living_ticket(witness, TicketKind::ConsoleSession, &desk.digest).await? else { return Ok(None) };
        Ok(self.worked_at(witness, &ticket).await?.map(|worked| worked.desk))
    }

    async fn desk_by(&self, witness: &Witness, cookie: Option<&str>, is_used: bool) -> Result<Option<Desk>, StoreError> {
        let Some(ticket) = self.desk_ticket(witness, cookie).await? else { return Ok(None) };
        let Some(Worked { desk, kept, session }) = self.worked_at(witness, &ticket).await? else { return Ok(None) };
        // Whoever works here uses the session that they came by; without it they would be out while they work.
        let session = session.filter(|session| session.wants_touch(witness.now));
        // Four times within the time they may be idle: a use that is not noted must not count as none.
        let is_due = session.is_some() || witness.now.since(kept.seen) >= TOUCH_EVERY.min(self.settings.console.idle / 4);
        if is_used && is_due {
            let used = session.map(|session| Write::TouchSession { id: session.id, at: witness.now });
            self.touch_desk(witness, ticket, kept, used).await?;
        }
        Ok(Some(desk))
    }

    /// Who works by a ticket, if they may.
    async fn worked_at(&self, witness: &Witness, ticket: &Ticket) -> Result<Option<Worked>, StoreError> {
        let digest = ticket.digest;
        let Ok(kept) = serde_json::from_str::<Kept>(&ticket.body) else { return Ok(None) };
        let (operator, name, session) = match &kept.by {
            By::Key { id, scopes } => {
                let until = kept.since + self.settings.console.session.min(BY_KEY);
                let operator = Operator { actor: one_time(id), scopes: scopes.clone(), until: Some(until) };
                (operator, format!("One-time key {id}"), None)
            }
            By::Session { id, account, link } => match self.operator_still(witness, *id, account, link).await? {
                Some((session, account)) => (Operator::unlimited(Actor::Operator(account.id)), called(&account), Some(session)),
                None => return Ok(None),
            },
        };
        let token = self.sealer.tag(Purpose::ConsoleForm, &digest.0).to_hex();
        Ok(Some(Worked { desk: Desk { operator, name, token, digest }, kept, session }))
    }

    /// Whether a form was made for this desk.
    pub fn is_form_of(&self, desk: &Desk, token: &str) -> bool {
        Digest::from_hex(token).is_some_and(|tag| self.sealer.tag_matches(Purpose::ConsoleForm, &desk.digest.0, &tag))
    }

    /// What an operator is to see once, as their browser carries it to the page that shows it, and for how long: sealed for their desk and that page. A
    /// secret that stood in the answer to a form would be made again whenever that answer is loaded once more.
    pub fn to_be_shown(&self, witness: &Witness, desk: &Desk, page: &str, what: &str) -> (String, Duration) {
        let plain = serde_json::to_vec(&(witness.now + SHOWN_WITHIN, what)).unwrap_or_default();
        (codec::encode(&self.sealer.seal(Purpose::ConsoleShown, &shown_on(desk, page), &plain).0), SHOWN_WITHIN)
    }

    /// What a browser brings to be shown on a page; nothing if it is for another page or desk, or too old.
    pub fn brought_to_show(&self, witness: &Witness, desk: &Desk, page: &str, brought: &str) -> Option<SecretString> {
        let plain = self.sealer.open(Purpose::ConsoleShown, &shown_on(desk, page), &Sealed(codec::decode(brought)?))?;
        let (until, what): (Timestamp, String) = serde_json::from_slice(&plain).ok()?;
        (witness.now < until).then(|| what.into())
    }

    /// Leaves the console.
    pub async fn leave_console(&self, witness: &Witness, desk: &Desk) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let Some(ticket) = self.store.ticket(TicketKind::ConsoleSession, &desk.digest).await? else { return Ok(()) };
            let taken = Write::TakeTicket { digest: ticket.digest, kind: ticket.kind, expected: ticket.version };
            let event = self.event(witness, EventName::AdminLogout, Outcome::Success, desk.operator.actor.clone());
            match self.commit(Changes::default().write(taken).event(event)).await {
                // A page beside this one noted that the operator is there.
                Err(StoreError::Conflict(Contest::Ticket)) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict(Contest::Ticket))
    }

    /// The session that somebody is in the console by, and its account, if they may be there still.
    async fn operator_still(
        &self,
        witness: &Witness,
        session: SessionId,
        account: &AccountId,
        link: &LinkId,
    ) -> Result<Option<(Session, Account)>, StoreError> {
        let session = self.store.session_by_id(&session).await?;
        let session = session.filter(|session| session.account == *account && session.is_alive(witness.now, &self.settings.lifetimes));
        let Some(session) = session.filter(|_| self.settings.console.has_operators()) else { return Ok(None) };
        let standing = self.standing(&self.console.client, account, link).await?;
        Ok(standing.ok().map(|(account, _)| (session, (*account).clone())))
    }

    /// Somebody who is signed in and no operator wanted to come in.
    async fn no_operator_came(&self, witness: &Witness, session: &Session, denial: Denial) {
        let event = AuditEvent {
            reason: Some(Reason::EntryRule),
            account: Some(session.account),
            provider: Some(session.provider.clone()),
            session: Some(session.id),
            detail: Some(denial.to_string()),
            ..self.event(witness, EventName::AdminLoginFailed, Outcome::Denied, Actor::Account(session.account))
        };
        self.record_failure(witness, event, Vec::new()).await;
    }

    async fn desk_of(&self, witness: &Witness, session: &Session, before: Option<&str>) -> Result<ConsoleCookie, StoreError> {
        let event = || AuditEvent {
            account: Some(session.account),
            provider: Some(session.provider.clone()),
            session: Some(session.id),
            ..self.event(witness, EventName::AdminLogin, Outcome::Success, Actor::Operator(session.account))
        };
        for _ in 0..TRIES {
            let by = By::Session { id: session.id, account: session.account, link: session.link };
            match self.new_desk(witness, by, session.auth_time, before, Changes::default().event(event())).await {
                // The desk before was used beside this.
                Err(StoreError::Conflict(Contest::Ticket)) => {}
                done => return done,
            }
        }
        Err(StoreError::Conflict(Contest::Ticket))
    }

    /// A desk under a new name (attack 62), in place of the one that this browser had. What is as old as `since` counts for how long it may be used: what
    /// the provider said of somebody at their sign-in is believed no longer than that.
    async fn new_desk(
        &self,
        witness: &Witness,
        by: By,
        since: Timestamp,
        before: Option<&str>,
        mut changes: Changes,
    ) -> Result<ConsoleCookie, StoreError> {
        if let Some(ticket) = self.desk_ticket(witness, before).await? {
            changes = changes.write(Write::TakeTicket { digest: ticket.digest, kind: ticket.kind, expected: ticket.version });
        }
        let value = codec::random_text(self.entropy.as_ref());
        let ticket = Ticket {
            digest: self.sealer.hash(value.as_bytes()),
            kind: TicketKind::ConsoleSession,
            version: 1,
            expires: self.desk_ends(witness, &by, since),
            body: body(&Kept { by, since, seen: witness.now }),
        };
        self.commit(changes.write(Write::PutTicket { ticket, expected: None })).await?;
        Ok(ConsoleCookie { value, max_age: self.settings.console.session })
    }

    /// When a desk ends that is not used from now on.
    fn desk_ends(&self, witness: &Witness, by: &By, since: Timestamp) -> Timestamp {
        let settings = &self.settings.console;
        let most = match by {
            By::Session { .. } => settings.session,
            By::Key { .. } => settings.session.min(BY_KEY),
        };
        (since + most).min(witness.now + settings.idle)
    }

    /// Notes that somebody is there; of two pages that do so at once one is enough.
    async fn touch_desk(&self, witness: &Witness, ticket: Ticket, kept: Kept, session: Option<Write>) -> Result<(), StoreError> {
        let expected = Some(ticket.version);
        let ticket = Ticket {
            version: ticket.version + 1,
            expires: self.desk_ends(witness, &kept.by, kept.since),
            body: body(&Kept { seen: witness.now, ..kept }),
            ..ticket
        };
        let changes = session.into_iter().fold(Changes::default(), Changes::write);
        match self.commit(changes.write(Write::PutTicket { ticket, expected })).await {
            Ok(()) | Err(StoreError::Conflict(Contest::Ticket)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn console_key(&self, witness: &Witness, key: &str) -> Result<Option<Ticket>, StoreError> {
        if key.len() != 43 {
            return Ok(None);
        }
        self.living_ticket(witness, TicketKind::ConsoleKey, &self.sealer.hash(key.as_bytes())).await
    }

    /// The ticket of a desk, by the cookie.
    async fn desk_ticket(&self, witness: &Witness, cookie: Option<&str>) -> Result<Option<Ticket>, StoreError> {
        let Some(cookie) = cookie.filter(|cookie| cookie.len() == 43) else { return Ok(None) };
        self.living_ticket(witness, TicketKind::ConsoleSession, &self.sealer.hash(cookie.as_bytes())).await
    }

    async fn living_ticket(&self, witness: &Witness, kind: TicketKind, digest: &Digest) -> Result<Option<Ticket>, StoreError> {
        Ok(self.store.ticket(kind, digest).await?.filter(|ticket| witness.now < ticket.expires))
    }
}

/// What ties something to a desk and a page.
fn shown_on(desk: &Desk, page: &str) -> Vec<u8> {
    [desk.digest.0.as_slice(), page.as_bytes()].concat()
}

/// What somebody is called where little room is.
fn called(account: &Account) -> String {
    let profile = &account.profile;
    let name = profile.name.clone().or_else(|| profile.email.clone()).or_else(|| profile.preferred_username.clone());
    name.unwrap_or_else(|| account.id.to_string())
}

fn body(kept: &Kept) -> String {
    serde_json::to_string(kept).unwrap_or_default()
}
