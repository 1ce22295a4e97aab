//! One write, and what it may lose.

use crate::{
    account::{Account, Link, UpstreamTokens},
    api_key::{ApiKey, UsedId},
    audit::{
        chain::{ChainHead, Checkpoint, SealedEvent},
        sink::SinkCursor,
    },
    client::Client,
    code::Code,
    consent::Consent,
    grant::{Grant, RefreshFamily, Revoked},
    ids::{AccountId, ApiKeyId, AttemptId, ClientId, GrantId, LinkId, ProviderId, RegistrationTokenId, SessionId},
    keys::SigningKey,
    login_trace::LoginTrace,
    logout::Participant,
    provider::StoredProvider,
    secret::{Digest, Sealed, SubjectKey},
    self_registration::RegistrationToken,
    session::Session,
    stats::StatsRow,
    ticket::{Ticket, TicketKind},
    time::Timestamp,
    token::TokenId,
};

/// One write. Those that can lose a race say so ([`Write::contest`]); a lost one takes the rest of its `Changes` back, and nothing else.
#[derive(Clone, Debug)]
pub enum Write {
    /// Contested: an attempt is settled once.
    SpendAttempt {
        /// Which.
        id: AttemptId,
        /// When the row may be swept.
        expires: Timestamp,
    },
    /// Contested: what works once, such as the `jti` of a proof, is used up on every node, and after a restart too.
    SpendOnce {
        /// SHA-256 of what is used up, with whatever keeps it apart from other things' names.
        digest: Digest,
        /// When it could not be used any more anyway, and the row may be swept.
        expires: Timestamp,
    },
    /// Contested: makes a ticket, or replaces the one of the expected version.
    PutTicket {
        /// The ticket, with its new version.
        ticket: Ticket,
        /// The version that must be there; none for a new one.
        expected: Option<i64>,
    },
    /// Contested: takes a ticket of that version away, so that it is used once.
    TakeTicket {
        /// Which.
        digest: Digest,
        /// Of what kind.
        kind: TicketKind,
        /// The version that must be there.
        expected: i64,
    },
    /// Makes an account, or replaces it but for `disabled`, which only [`Write::DisableAccount`] changes: a sign-in must not undo that.
    PutAccount(Account),
    /// Sets whether an account is disabled, if there is one.
    DisableAccount {
        /// Which.
        id: AccountId,
        /// Whether it is from now on.
        disabled: bool,
    },
    /// Contested: a link key leads to one account, and no new one to an account that is disabled.
    AddLink(Link),
    /// Contested: replaces what a link's provider says: `profile`, `claims` and `seen`. The link must still be there, lead to the same account, and have
    /// heard nothing later.
    UpdateLink(Link),
    /// Undoes a link. Contested: it must still be there and lead to this account.
    RemoveLink {
        /// Which.
        id: LinkId,
        /// Whose.
        account: AccountId,
        /// Whether another way into the account must be left, whoever else removes one in this moment.
        leaves_another: bool,
    },
    /// Contested: forgets what is known of an account and disables it, once no link leads there any more: whoever adds one meanwhile is first, or too late.
    EmptyAccount {
        /// Which.
        id: AccountId,
        /// When.
        at: Timestamp,
    },
    /// Ends every living session of an account.
    EndAccountSessions {
        /// Whose.
        account: AccountId,
        /// When.
        at: Timestamp,
    },
    /// Ends every living session that came by a link.
    EndLinkSessions {
        /// Which link.
        link: LinkId,
        /// Whose.
        account: AccountId,
        /// When.
        at: Timestamp,
    },
    /// Ends every living grant of an account.
    RevokeAccountGrants {
        /// Whose.
        account: AccountId,
        /// When and why.
        revoked: Revoked,
    },
    /// Ends every living grant that came by a link.
    RevokeLinkGrants {
        /// Which link.
        link: LinkId,
        /// Whose.
        account: AccountId,
        /// When and why.
        revoked: Revoked,
    },
    /// Contested: makes or replaces a provider whose version is the expected one.
    PutProvider {
        /// The provider, with its new version.
        provider: StoredProvider,
        /// The version that must be there; none for a new one.
        expected: Option<i64>,
    },
    /// Contested: deletes a provider of that version.
    DeleteProvider {
        /// Which.
        id: ProviderId,
        /// The version that must be there.
        expected: i64,
    },
    /// Contested: makes or replaces a session, by id. One that has ended is not replaced, so that no sign-in undoes a logout beside it.
    PutSession(Session),
    /// Notes that a session was used. Never moves `last_seen` back.
    TouchSession {
        /// Which.
        id: SessionId,
        /// When.
        at: Timestamp,
    },
    /// Ends a session; one that has ended stays as it is.
    EndSession {
        /// Which.
        id: SessionId,
        /// When.
        at: Timestamp,
    },
    /// Ends every living grant of a session, but those with `offline_access`.
    RevokeSessionGrants {
        /// Which.
        session: SessionId,
        /// When and why.
        revoked: Revoked,
    },
    /// Notes that a client got tokens in a session and is to hear of its end. Noted again, its `expires` only moves on.
    JoinSession(Participant),
    /// Every client that joined a session of this account which has ended is due to be told, if it is not yet. Beside the write that ends the
    /// session, it finds whoever joined before: as with [`Write::RedeemCode`], one of the two is first.
    AnnounceEnds {
        /// Whose sessions.
        account: AccountId,
        /// From when on it is due.
        at: Timestamp,
    },
    /// Contested: takes the right to tell a client, if nobody has tried since; it is due again at `next`.
    TakeDelivery {
        /// Which session ended.
        session: SessionId,
        /// Whom to tell.
        client: ClientId,
        /// How often it must have been tried.
        attempts: u32,
        /// When it is due again, should nothing come of it.
        next: Timestamp,
    },
    /// The client was told, or is given up.
    SettleDelivery {
        /// Which session ended.
        session: SessionId,
        /// Who was to be told.
        client: ClientId,
    },
    /// Keeps what a person allowed an app, in place of what they allowed it before at the same host; nothing of somebody whose account is disabled.
    PutConsent(Consent),
    /// Forgets what a person allowed an app, at every host.
    DropConsents {
        /// Whose.
        account: AccountId,
        /// Which app.
        client: ClientId,
    },
    /// Forgets what a person allowed apps, all of it.
    DropAccountConsents {
        /// Whose.
        account: AccountId,
    },
    /// Forgets what everybody allowed an app.
    DropClientConsents {
        /// Which app.
        client: ClientId,
    },
    /// Makes a code.
    AddCode(Code),
    /// Contested: a code is redeemed once, only while the session it came from is there and has not ended, and only while nobody ended the grant it
    /// would make ([`Write::RevokeAppGrants`], [`Write::RevokeClientGrants`]). Against an
    /// [`Write::EndSession`] at the same time, one is first: either the code is lost, or [`Write::RevokeSessionGrants`] beside the
    /// end finds the grant that is made with the redemption.
    RedeemCode {
        /// Which.
        digest: Digest,
        /// When.
        at: Timestamp,
    },
    /// Makes a grant.
    AddGrant(Grant),
    /// Contested: only from the generation it expects, and only while the grant lives.
    RotateFamily {
        /// Which.
        grant: GrantId,
        /// The generation that must be there.
        from: u32,
        /// What it becomes.
        family: RefreshFamily,
        /// When the access token that goes with it expires.
        access_expires: Timestamp,
    },
    /// Ends a grant; one that has ended stays as it is. A grant not yet there is ended too: its code was replayed faster than redeemed.
    RevokeGrant {
        /// Which.
        id: GrantId,
        /// When and why.
        revoked: Revoked,
    },
    /// Ends every living grant that an account gave a client, and beforehand each that a code of theirs would make: a device's that was let in and has
    /// not asked again is one of those.
    RevokeAppGrants {
        /// Whose.
        account: AccountId,
        /// To which client.
        client: ClientId,
        /// When and why.
        revoked: Revoked,
    },
    /// Ends every living grant of a client, and beforehand each that a code would make.
    RevokeClientGrants {
        /// Which.
        client: ClientId,
        /// When and why.
        revoked: Revoked,
    },
    /// Ends one access token.
    RevokeToken {
        /// Which.
        id: TokenId,
        /// When the row may be swept: when the token would have expired.
        expires: Timestamp,
    },
    /// Keeps an upstream's tokens from a sign-in, whatever was there; there is one set a link. Its version becomes greater than that of what it
    /// replaces.
    PutUpstreamTokens(UpstreamTokens),
    /// Contested: replaces tokens of that version, after a refresh or its failure.
    RenewUpstreamTokens {
        /// The tokens, with their new version.
        tokens: UpstreamTokens,
        /// The version that must be there.
        expected: i64,
    },
    /// Contested: takes the right to refresh tokens of that version, if nobody has it now.
    LeaseUpstreamTokens {
        /// Whose.
        link: LinkId,
        /// The version that must be there.
        expected: i64,
        /// Now.
        at: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// Forgets an upstream's tokens.
    DropUpstreamTokens {
        /// Whose.
        link: LinkId,
    },
    /// Notes that an app asked for them. Never moves back.
    TouchUpstreamTokens {
        /// Whose.
        link: LinkId,
        /// When.
        at: Timestamp,
    },
    /// Contested: makes or replaces a client whose version is the expected one.
    PutClient {
        /// The client, with its new version.
        client: Box<Client>,
        /// The version that must be there; none for a new one.
        expected: Option<i64>,
    },
    /// Contested: deletes a client of that version.
    DeleteClient {
        /// Which.
        id: ClientId,
        /// The version that must be there.
        expected: i64,
    },
    /// Contested: deletes a client that is to be kept until that moment and no longer.
    DropUnusedClient {
        /// Which.
        id: ClientId,
        /// Until when it was kept, as it was read.
        kept_until: Timestamp,
    },
    /// Keeps a client that registered itself until then, at least. Of a client that an operator registered it changes nothing.
    KeepClient {
        /// Which.
        id: ClientId,
        /// Until when.
        until: Timestamp,
    },
    /// Contested: keeps what a client's metadata document said, in place of nothing else than what was read: an operator may have shut the client out
    /// meanwhile, or deleted it, and somebody else may have brought what is said now. An earlier document never takes a later one's place.
    PutDocument {
        /// The client, with its document's version and what an operator said of it as it was read.
        client: Box<Client>,
        /// The version that was read; none if there was none.
        over: Option<i64>,
    },
    /// Contested: makes or replaces a registration token whose version is the expected one.
    PutRegistrationToken {
        /// The token, with its new version.
        token: RegistrationToken,
        /// The version that must be there; none for a new one.
        expected: Option<i64>,
    },
    /// Takes a registration token back.
    DropRegistrationToken {
        /// Which.
        id: RegistrationTokenId,
    },
    /// Contested: makes or replaces a key of the admin API whose version is the expected one.
    PutApiKey {
        /// The key, with its new version.
        key: ApiKey,
        /// The version that must be there; none for a new one.
        expected: Option<i64>,
    },
    /// Contested: deletes a key of the admin API of that version.
    DropApiKey {
        /// Which.
        id: ApiKeyId,
        /// The version that must be there.
        expected: i64,
    },
    /// Notes when something was used last. Never moves back.
    NoteUse {
        /// What.
        id: UsedId,
        /// When.
        at: Timestamp,
    },
    /// Keeps what a node counted in a span of time, in place of what it had counted of it before.
    PutStats(Box<StatsRow>),
    /// Notes that somebody was here on a day, unless they were erased.
    NoteActive {
        /// Who.
        account: AccountId,
        /// When the day began ([`crate::stats::day`]).
        day: Timestamp,
    },
    /// Forgets on which days somebody was here.
    ForgetActivity {
        /// Who.
        account: AccountId,
    },
    /// Contested: a key follows another once.
    AddSigningKey(SigningKey),
    /// Contested: gives a key other dates, if it still has those it had.
    RedateSigningKey {
        /// The key with its new dates.
        key: SigningKey,
        /// When it began to sign, as it was read.
        signed_from: Timestamp,
        /// Until when it signed, as it was read.
        signed_until: Timestamp,
    },
    /// Forgets a key.
    DropSigningKey {
        /// Which.
        kid: String,
    },
    /// Contested: begins the chain of audit events, or moves on from the expected version.
    PutChain {
        /// The head, with its new version.
        head: Box<ChainHead>,
        /// The version that must be there; none for a new one.
        expected: Option<i64>,
    },
    /// Puts an event into the chain, which moves on beside it.
    SealEvent(Box<SealedEvent>),
    /// Keeps a checkpoint.
    AddCheckpoint(Checkpoint),
    /// Keeps what a request decided about a login, in place of what it decided before.
    PutLoginTrace(Box<LoginTrace>),
    /// Forgets what was decided about the logins of a person.
    DropLoginTraces {
        /// Whose.
        account: AccountId,
    },
    /// Contested: begins to note how far a sink has come, or moves on from the expected version.
    PutSinkCursor {
        /// How far it has come, with its new version.
        cursor: Box<SinkCursor>,
        /// The version that must be there; none for a new one.
        expected: Option<i64>,
    },
    /// Keeps a new key of a person's part of the audit log, if there is none. The chain moves on beside it.
    PutSubjectKey {
        /// Whose.
        account: AccountId,
        /// The key.
        key: SubjectKey,
    },
    /// Keeps what is known of a person's ways of signing in, in place of what was, if they have a key. The chain moves on beside it, so of two nodes
    /// that learn something one does, and who is erased meanwhile stays erased.
    PutHabits {
        /// Whose.
        account: AccountId,
        /// What is known, sealed under that key.
        habits: Sealed,
        /// When it may be swept; the key stays.
        until: Timestamp,
    },
    /// Destroys that key, what was sealed under it, and what was known of the person. The chain moves on beside it.
    EraseSubject {
        /// Whose.
        account: AccountId,
        /// What was before is erased, sealed or not.
        at: Timestamp,
    },
}

/// What was lost in a race.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contest {
    /// The attempt is spent.
    Attempt,
    /// It was used before.
    Once,
    /// The ticket has another version, or is gone, or was there before.
    Ticket,
    /// The link exists where it must not, or is gone, or another's, or the last, or has heard something later; or its account is disabled.
    Link,
    /// The session has ended.
    Session,
    /// The code is redeemed, or not there, or its session has ended.
    Code,
    /// The family has moved on, or ended.
    Family,
    /// The client has another version, or is there, or is not.
    Client,
    /// The registration token has another version: it was used, or taken back.
    RegistrationToken,
    /// The key of the admin API has another version.
    ApiKey,
    /// The key has a successor already, or other dates.
    SigningKey,
    /// The provider has another version.
    Provider,
    /// The tokens have moved on, or somebody else is refreshing them.
    UpstreamTokens,
    /// Somebody else tells the client, or has.
    Delivery,
    /// The chain of audit events has moved on.
    Chain,
    /// Somebody else sends a sink its events.
    Sink,
}

impl Write {
    /// What this write may lose, if anything.
    pub const fn contest(&self) -> Option<Contest> {
        match self {
            Self::SpendAttempt { .. } => Some(Contest::Attempt),
            Self::SpendOnce { .. } => Some(Contest::Once),
            Self::PutTicket { .. } | Self::TakeTicket { .. } => Some(Contest::Ticket),
            Self::AddLink(_) | Self::UpdateLink(_) | Self::RemoveLink { .. } | Self::EmptyAccount { .. } => Some(Contest::Link),
            Self::PutProvider { .. } | Self::DeleteProvider { .. } => Some(Contest::Provider),
            Self::RenewUpstreamTokens { .. } | Self::LeaseUpstreamTokens { .. } => Some(Contest::UpstreamTokens),
            Self::PutSession(_) => Some(Contest::Session),
            Self::RedeemCode { .. } => Some(Contest::Code),
            Self::RotateFamily { .. } => Some(Contest::Family),
            Self::PutClient { .. } | Self::DeleteClient { .. } | Self::DropUnusedClient { .. } | Self::PutDocument { .. } => {
                Some(Contest::Client)
            }
            Self::PutRegistrationToken { .. } => Some(Contest::RegistrationToken),
            Self::PutApiKey { .. } | Self::DropApiKey { .. } => Some(Contest::ApiKey),
            Self::AddSigningKey(_) | Self::RedateSigningKey { .. } => Some(Contest::SigningKey),
            Self::TakeDelivery { .. } => Some(Contest::Delivery),
            Self::PutChain { .. } => Some(Contest::Chain),
            Self::PutSinkCursor { .. } => Some(Contest::Sink),
            _ => None,
        }
    }
}
