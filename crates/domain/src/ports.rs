//! The ports: what the core needs from outside, each named by a noun of the field.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    account::{Account, Link, LinkKey, UpstreamTokens},
    api_key::{ApiKey, UsedId},
    attempt::Kept,
    audit::{
        AuditEvent,
        chain::{ChainHead, Checkpoint, Kept as KeptLink, Unsealed},
        personal::Subject,
        search::{EventSearch, FoundEvents},
        sink::{Batch, NotTaken, SinkCursor, SinkLag},
    },
    claims::Claims,
    client::{Client, GrantType, SigningAlg},
    client_document::{DocumentFault, FetchedDocument},
    code::Code,
    configuration::{ConfigurationChange, SettingFault, ShownSetting},
    consent::Consent,
    detection::Place,
    email::EmailAddress,
    error::OAuthErrorCode,
    grant::Grant,
    health::{BreakerState, Checked},
    ids::{AccountId, ApiKeyId, ClientId, EventId, GrantId, LinkId, LoginId, ProviderId, RegistrationTokenId, SessionId, SinkId},
    keys::SigningKey,
    login_trace::LoginTrace,
    logout::DueLogout,
    possession::{Proof, ProofFault},
    provider::{
        Arrival, Callback, Definition, Departure, Known, LogoutNotice, Phase, PresetCard, ProviderCard, ProviderError, ProviderTerms,
        ReceivedTokens, Renewed, Sent, StoredProvider,
    },
    redirect::RegisteredUri,
    registration::FieldFault,
    secret::{Digest, PublicKey, Purpose, Sealed, Signature, SubjectKey},
    self_registration::RegistrationToken,
    session::Session,
    signed::{JwtFault, SignedJwt},
    stats::{StatsRow, Step},
    store::{Changes, EventQuery, FoundSessions, GrantQuery, SessionQuery, StoreError},
    ticket::{Ticket, TicketKind},
    time::Timestamp,
    token::{AccessToken, IdToken, IdTokenHint, LogoutToken, SignedAnswer, TokenId},
    upstream::{RefreshOutcome, TokensDue},
};

/// What time it is.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// Randomness fit for secrets.
pub trait Entropy: Send + Sync {
    /// Fills `bytes`. A source that fails must abort the process rather than return.
    fn fill(&self, bytes: &mut [u8]);
}

/// Sealing, digests and MACs under the key from outside the database.
pub trait Sealer: Send + Sync {
    /// Encrypts and authenticates. `context` must be the same to open it: what is sealed for one row can't be moved to another.
    fn seal(&self, purpose: Purpose, context: &[u8], plain: &[u8]) -> Sealed;
    /// Opens what was sealed under the present key or a previous one; nothing if it was made for another purpose or context, or by somebody else.
    fn open(&self, purpose: Purpose, context: &[u8], sealed: &Sealed) -> Option<Vec<u8>>;
    /// Encrypts and authenticates for one person: both the sealing key and theirs are needed to open it, so it is gone with theirs.
    fn seal_for(&self, subject: &SubjectKey, context: &[u8], plain: &[u8]) -> Sealed;
    /// Opens what was sealed for one person.
    fn open_for(&self, subject: &SubjectKey, context: &[u8], sealed: &Sealed) -> Option<Vec<u8>>;
    /// SHA-256, for what has full entropy.
    fn hash(&self, data: &[u8]) -> Digest;
    /// HMAC-SHA-256 under the present key.
    fn tag(&self, purpose: Purpose, data: &[u8]) -> Digest;
    /// Whether `tag` is the HMAC of `data` under the present key or a previous one; in constant time.
    fn tag_matches(&self, purpose: Purpose, data: &[u8], tag: &Digest) -> bool;
}

/// Signing and checking our own tokens.
pub trait TokenSigner: Send + Sync {
    /// A new private key and its thumbprint.
    fn generate(&self, alg: SigningAlg) -> Result<(String, Sealed), SignerError>;
    /// Replaces the keys in use. All or nothing.
    fn install(&self, keys: &[SigningKey]) -> Result<(), SignerError>;
    /// Signs with the key of `alg` that signs at `token.issued`.
    fn sign_access_token(&self, alg: SigningAlg, token: &AccessToken) -> Result<String, SignerError>;
    /// Signs with the key of `alg` that signs at `token.issued`.
    fn sign_id_token(&self, alg: SigningAlg, token: &IdToken) -> Result<String, SignerError>;
    /// Signs with the key of `alg` that signs at `token.issued`.
    fn sign_logout_token(&self, alg: SigningAlg, token: &LogoutToken) -> Result<String, SignerError>;
    /// Signs an answer of ours, whose claims are a JSON object that names issuer and audience, with the key of `alg` that signs at `now`.
    fn sign_answer(&self, alg: SigningAlg, answer: SignedAnswer, claims: &[u8], now: Timestamp) -> Result<String, SignerError>;
    /// An access token that a published key of ours signed. Type and signature are checked; its times and whether its grant lives are not.
    fn verify_access_token(&self, token: &str, now: Timestamp) -> Option<Arc<AccessToken>>;
    /// An ID token of ours, whatever its age.
    fn verify_id_token_hint(&self, token: &str, now: Timestamp) -> Option<IdTokenHint>;
    /// The public keys, as RFC 7517 JSON, RSA first; made when keys or dates change, not on each call.
    fn jwks(&self, now: Timestamp) -> Arc<[u8]>;
    /// Algorithms that have a signing key now, RS256 first.
    fn algorithms(&self, now: Timestamp) -> Vec<SigningAlg>;
}

/// Why a token was not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// No key of this algorithm signs now.
    #[error("there is no signing key for {0}")]
    NoKey(SigningAlg),
    /// A stored key can't be opened or read: most likely the sealing key is another one.
    #[error("the signing key {0} can't be opened; is this the sealing key it was stored with?")]
    Unreadable(String),
    /// The library refused.
    #[error("signing failed")]
    Failed,
}

/// Vouching for the audit log with Ed25519 (RFC 8032), and checking that; neither needs anything but what is given.
pub trait Notary: Send + Sync {
    /// SHA-256.
    fn hash(&self, data: &[u8]) -> Digest;
    /// A new key: its public half, and the private one (PKCS#8), to be sealed.
    fn generate(&self) -> Result<(PublicKey, Vec<u8>), SignerError>;
    /// A signature.
    fn vouch(&self, private_key: &[u8], message: &[u8]) -> Result<Signature, SignerError>;
    /// Whether the holder of this key signed that.
    fn vouched_for(&self, key: &PublicKey, message: &[u8], signature: &Signature) -> bool;
}

/// Checking what others signed with keys of their own.
pub trait SignatureChecker: Send + Sync {
    /// What is wrong with a key set that somebody wants to register, for them to read.
    fn fault_of_keys(&self, jwks: &[u8]) -> Option<String>;
    /// The JWT, if a key of this set signed it with one of these algorithms. What its header says of algorithms and keys only chooses among them.
    fn signed_with(&self, jwks: &[u8], algs: &[SigningAlg], jwt: &str) -> Result<SignedJwt, JwtFault>;
    /// The JWT, if it has an HMAC-SHA-256 (`HS256`) under this secret.
    fn signed_with_secret(&self, secret: &[u8], jwt: &str) -> Result<SignedJwt, JwtFault>;
    /// Whom a JWT claims to be from: its `iss`. Nothing about that is true yet.
    fn claimed_issuer(&self, jwt: &str) -> Option<String>;
    /// SHA-256 of the certificates that stand in a key set, each with its key (RFC 7517 §4.7).
    fn certificates_in(&self, jwks: &[u8]) -> Result<Vec<Digest>, JwtFault>;
}

/// The configuration where it is written, and the house that lives by it.
#[async_trait]
pub trait Configuration: Send + Sync {
    /// What holds, and where each value comes from.
    async fn shown(&self) -> Vec<ShownSetting>;
    /// What reading it again would change. Changes nothing.
    async fn check(&self) -> Result<ConfigurationChange, Vec<SettingFault>>;
    /// Reads it again and lives by it, whole or not at all: what is wrong changes nothing.
    async fn reload(&self) -> Result<ConfigurationChange, Vec<SettingFault>>;
}

/// The key sets that clients publish at addresses of their own, fetched and kept for a while.
#[async_trait]
pub trait ClientKeys: Send + Sync {
    /// Whether an address may be asked at all, as far as its text tells.
    fn permits(&self, jwks_uri: &str) -> bool;
    /// What is there, fetched when it is missing or old. The same `Arc` until it is fetched again.
    async fn keys(&self, jwks_uri: &str) -> Result<Arc<Vec<u8>>, KeysUnavailable>;
    /// The newest, because something was signed with a key that is not in what was there. Fetched at most once a minute for each address.
    async fn renewed_keys(&self, jwks_uri: &str) -> Result<Arc<Vec<u8>>, KeysUnavailable>;
}

/// A client's keys can't be had; the log says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client's keys can't be had")]
pub struct KeysUnavailable;

/// Reading what proves that somebody holds a key.
pub trait ProofReader: Send + Sync {
    /// A DPoP proof whose signature is good (RFC 9449 §4.3, 2 to 7). Whether it is for the request it came with is not looked at.
    fn read(&self, proof: &str) -> Result<Proof, ProofFault>;
}

/// A place people can sign in: one per configured upstream.
#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// What people and operators see of it.
    fn card(&self) -> &ProviderCard;
    /// Where to send the person, and what to keep until they return.
    async fn begin(&self, departure: &Departure) -> Result<Sent, ProviderError>;
    /// Turns what came back, with what was kept, into a verified upstream identity and its tokens.
    async fn complete(&self, callback: Callback, kept: Kept, now: Timestamp) -> Result<Arrival, ProviderError>;
    /// The rules about it, which the core decides by.
    fn terms(&self) -> &ProviderTerms;
    /// Whether what the provider publishes can be had and is good: its metadata and keys, where it has some. Changes nothing.
    async fn check(&self) -> Result<Checked, ProviderError>;
    /// New tokens for old ones; absent when it gives no refresh tokens.
    fn refresh(&self) -> Option<&dyn RefreshUpstream> {
        None
    }
    /// Hearing of people who signed out there; absent when the provider has no such thing.
    fn logout(&self) -> Option<&dyn UpstreamLogout> {
        None
    }
    /// Signing people out there too; absent when the provider has no such thing, or is not to be asked.
    fn sign_out(&self) -> Option<&dyn SignOutUpstream> {
        None
    }
    /// Giving tokens back; absent when the provider has no such thing.
    fn revocation(&self) -> Option<&dyn RevokeUpstream> {
        None
    }
}

/// A provider whose tokens can be refreshed.
#[async_trait]
pub trait RefreshUpstream: Send + Sync {
    /// New tokens, and what the provider says of the person now. [`ProviderError::Denied`] when it honours the old ones no more.
    async fn refresh(&self, tokens: &ReceivedTokens, known: Known<'_>, now: Timestamp) -> Result<Renewed, ProviderError>;
}

/// A provider that takes tokens back (RFC 7009, or what it has instead).
#[async_trait]
pub trait RevokeUpstream: Send + Sync {
    /// Gives them back. Tokens it does not know are no error.
    async fn revoke(&self, tokens: &ReceivedTokens) -> Result<(), ProviderError>;
}

/// A provider that tells of people who signed out there.
#[async_trait]
pub trait UpstreamLogout: Send + Sync {
    /// What a logout token of it says. Whether it came before is the caller's to know.
    async fn read(&self, logout_token: &str, now: Timestamp) -> Result<LogoutNotice, ProviderError>;
}

/// A provider where people can be signed out by way of their browser (OpenID Connect RP-Initiated Logout 1.0).
#[async_trait]
pub trait SignOutUpstream: Send + Sync {
    /// Where to send the person, who comes back to `back` with `state`; nothing if the provider names no such address.
    async fn leave(&self, back: &str, state: &str) -> Result<Option<String>, ProviderError>;
}

/// Makes providers of what operators wrote.
pub trait ProviderFactory: Send + Sync {
    /// The provider, or everything that is wrong with its definition at once. Nothing is asked of it yet.
    fn make(&self, definition: &Definition) -> Result<Arc<dyn IdentityProvider>, Vec<FieldFault>>;
    /// Whether secrets might be sent elsewhere after this change of settings: then they are to be written anew, by somebody who has them.
    fn leads_elsewhere(&self, before: &Claims, after: &Claims) -> bool;
    /// What definitions may start from, in the order of their names.
    fn presets(&self) -> Vec<PresetCard>;
    /// Which settings are secrets: they are never stored with the others, and never shown.
    fn secret_settings(&self) -> &'static [&'static str];
}

/// The way to apps that are told of the end of a session.
#[async_trait]
pub trait BackChannel: Send + Sync {
    /// Posts a logout token (OpenID Connect Back-Channel Logout 1.0 §2.5). Done when the app says that it has ended its session, or had none.
    async fn send(&self, to: &RegisteredUri, logout_token: &str) -> Result<(), Undelivered>;
}

/// Why an app was not told; in words for its operator, none of them the app's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undelivered(pub String);

/// A place that audit events are sent on to.
#[async_trait]
pub trait AuditSink: Send + Sync {
    /// Hands over a batch, in its order. Done when the other side has it, as far as its protocol says so; what is handed over again because
    /// nobody knows whether it was is the other side's to recognise, by the events' numbers.
    async fn deliver(&self, batch: &Batch) -> Result<(), NotTaken>;
}

/// Where documents of clients come from (Client ID Metadata Document draft §4).
#[async_trait]
pub trait ClientDocuments: Send + Sync {
    /// Fetches and reads the document of a client, if its id is the address of one. Follows no redirect, reaches no address that is not public, and
    /// reads no more than a few kilobytes.
    async fn fetch(&self, id: &ClientId) -> Result<FetchedDocument, DocumentFault>;
}

/// Where everything lives that outlasts a request. Reads may come from a cache that every commit keeps true.
#[async_trait]
pub trait Store: Send + Sync {
    /// All of it, or none. Returns when it is durable. A write that lost a race comes back as [`StoreError::Conflict`] naming it.
    async fn commit(&self, changes: Changes) -> Result<(), StoreError>;
    /// One client.
    async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError>;
    /// Clients in the order of their ids, after `after`.
    async fn clients(&self, after: Option<&ClientId>, limit: u64) -> Result<Vec<Client>, StoreError>;
    /// How many clients registered themselves and are kept only as long as they are used.
    async fn count_self_registered(&self) -> Result<u64, StoreError>;
    /// Clients that were to be kept until a moment before now, and that moment; the earliest first.
    async fn unused_clients(&self, now: Timestamp, limit: u64) -> Result<Vec<(ClientId, Timestamp)>, StoreError>;
    /// The registration token of this digest, good or not, until it is swept.
    async fn registration_token(&self, digest: &Digest) -> Result<Option<RegistrationToken>, StoreError>;
    /// One registration token by its id.
    async fn registration_token_by_id(&self, id: &RegistrationTokenId) -> Result<Option<RegistrationToken>, StoreError>;
    /// Registration tokens in the order of their ids, which is that of their making, after `after`.
    async fn registration_tokens(&self, after: Option<&RegistrationTokenId>, limit: u64) -> Result<Vec<RegistrationToken>, StoreError>;
    /// One key of the admin API, good or not. Never from a cache: one that was deleted works nowhere.
    async fn api_key(&self, id: &ApiKeyId) -> Result<Option<ApiKey>, StoreError>;
    /// Keys of the admin API in the order of their ids, which is that of their making, after `after`.
    async fn api_keys(&self, after: Option<&ApiKeyId>, limit: u64) -> Result<Vec<ApiKey>, StoreError>;
    /// When these were used last, those that were in the last 400 days.
    async fn last_uses(&self, ids: &[UsedId]) -> Result<BTreeMap<UsedId, Timestamp>, StoreError>;
    /// What all nodes counted by this step in spans that began since, in the order of their beginnings.
    async fn stats(&self, step: Step, since: Timestamp) -> Result<Vec<StatsRow>, StoreError>;
    /// How many different people were here on that day or later.
    async fn people_active(&self, since: Timestamp) -> Result<u64, StoreError>;
    /// How many people were here on each day on which anybody was, that day or later, in their order.
    async fn people_by_day(&self, since: Timestamp) -> Result<Vec<(Timestamp, u64)>, StoreError>;
    /// One account.
    async fn account(&self, id: &AccountId) -> Result<Option<Arc<Account>>, StoreError>;
    /// Accounts in the order of their ids, after `after`.
    async fn accounts(&self, after: Option<&AccountId>, limit: u64) -> Result<Vec<Account>, StoreError>;
    /// Accounts whose names begin like this, ASCII letters large or small, in the order of their names.
    async fn accounts_named(&self, beginning: &str, limit: u64) -> Result<Vec<Account>, StoreError>;
    /// Where an upstream identity leads.
    async fn link(&self, key: &LinkKey) -> Result<Option<Arc<Link>>, StoreError>;
    /// A link by its id.
    async fn link_by_id(&self, id: &LinkId) -> Result<Option<Arc<Link>>, StoreError>;
    /// All ways into an account, oldest first.
    async fn links_of(&self, account: &AccountId) -> Result<Vec<Link>, StoreError>;
    /// Links whose provider vouches for this very address, oldest first, at most a few: more than one account is a reason not to choose.
    async fn links_by_verified_email(&self, email: &EmailAddress) -> Result<Vec<Link>, StoreError>;
    /// Every provider that was made by the admin API. The same `Arc` until one of them changes, on this node or another.
    async fn providers(&self) -> Result<Arc<[StoredProvider]>, StoreError>;
    /// Sessions that were not ended, newest first, and how far it came.
    async fn sessions(&self, query: &SessionQuery) -> Result<FoundSessions, StoreError>;
    /// Living sessions that began in a session of a provider's, by what the provider calls it.
    async fn sessions_by_upstream(&self, provider: &ProviderId, session: &str) -> Result<Vec<Session>, StoreError>;
    /// The session of a cookie, by the digest of its value; ended ones too.
    async fn session(&self, digest: &Digest) -> Result<Option<Arc<Session>>, StoreError>;
    /// A session by its `sid`.
    async fn session_by_id(&self, id: &SessionId) -> Result<Option<Session>, StoreError>;
    /// The clients that joined a session and have not been told of its end, in the order of their ids.
    async fn clients_in(&self, session: &SessionId) -> Result<Vec<ClientId>, StoreError>;
    /// Clients that are due to be told of the end of a session, at most `each` of one client, those first that have waited longest.
    async fn logouts_due(&self, now: Timestamp, each: u64, limit: u64) -> Result<Vec<DueLogout>, StoreError>;
    /// What a person allowed an app, in the order of hosts.
    async fn consents(&self, account: &AccountId, client: &ClientId) -> Result<Vec<Consent>, StoreError>;
    /// What a person allowed apps, in the order of their ids and then of hosts, after `after`.
    async fn consents_of(&self, account: &AccountId, after: Option<(&ClientId, &str)>, limit: u64) -> Result<Vec<Consent>, StoreError>;
    /// A code, spent or not, until it is swept.
    async fn code(&self, digest: &Digest) -> Result<Option<Code>, StoreError>;
    /// A grant, living or not, until it is swept.
    async fn grant(&self, id: &GrantId) -> Result<Option<Arc<Grant>>, StoreError>;
    /// Living grants, newest first.
    async fn grants(&self, query: &GrantQuery) -> Result<Vec<Grant>, StoreError>;
    /// Whether this one access token was revoked.
    async fn is_token_revoked(&self, id: &TokenId) -> Result<bool, StoreError>;
    /// An upstream's tokens.
    async fn upstream_tokens(&self, link: &LinkId) -> Result<Option<UpstreamTokens>, StoreError>;
    /// Tokens in use since `used_since` that can be refreshed and expire before `expire_before`, those first that expire first. What is denied,
    /// leased or waiting for its next try at `now` is left out.
    async fn upstream_tokens_due(&self, due: &TokensDue) -> Result<Vec<LinkId>, StoreError>;
    /// A ticket of that kind, past its time or not, until it is taken or swept.
    async fn ticket(&self, kind: TicketKind, digest: &Digest) -> Result<Option<Ticket>, StoreError>;
    /// Every signing key.
    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError>;
    /// Audit events, oldest first.
    async fn events(&self, query: &EventQuery) -> Result<Vec<AuditEvent>, StoreError>;
    /// A page of the audit events that are looked for, newest first.
    async fn search_events(&self, search: &EventSearch) -> Result<FoundEvents, StoreError>;
    /// One audit event.
    async fn event(&self, id: &EventId) -> Result<Option<AuditEvent>, StoreError>;
    /// What was decided about a login, oldest first, as far as it is kept.
    async fn login_traces(&self, login: &LoginId) -> Result<Vec<LoginTrace>, StoreError>;
    /// The login about which the request of this reference decided something, as far as that is kept.
    async fn login_of_reference(&self, reference: &str) -> Result<Option<LoginId>, StoreError>;
    /// Events that are not in the chain yet, oldest first, as they were committed.
    async fn unsealed(&self, limit: u64) -> Result<Vec<AuditEvent>, StoreError>;
    /// How many these are.
    async fn count_unsealed(&self) -> Result<Unsealed, StoreError>;
    /// Events in the order of the chain, after a place in it, each with its own. None is missing between two of them.
    async fn sequenced(&self, after: i64, limit: u64) -> Result<Vec<(i64, AuditEvent)>, StoreError>;
    /// The links after a place in the chain, as they lie, to be checked.
    async fn chain_links(&self, after: i64, limit: u64) -> Result<Vec<KeptLink>, StoreError>;
    /// How far the chain has come, if it has begun.
    async fn chain(&self) -> Result<Option<ChainHead>, StoreError>;
    /// The checkpoints that cover more than a place in the chain, in their order.
    async fn checkpoints(&self, after: i64, limit: u64) -> Result<Vec<Checkpoint>, StoreError>;
    /// The last checkpoint made before a moment that covers nothing after a place in the chain.
    async fn checkpoint_before(&self, moment: Timestamp, most: i64) -> Result<Option<Checkpoint>, StoreError>;
    /// How far each sink has come that ever was, in the order of their names. Never from a cache.
    async fn sink_cursors(&self) -> Result<Vec<SinkCursor>, StoreError>;
    /// The keys of these people's part of the audit log, of at most a few hundred; those of whom nothing is known are left out.
    async fn subjects(&self, accounts: &[AccountId]) -> Result<Vec<Subject>, StoreError>;
    /// How many sessions are alive, for a gauge; `seen_since` is where the idle limit lies.
    async fn count_sessions(&self, seen_since: Timestamp) -> Result<u64, StoreError>;
    /// Deletes what has expired, at most `most` rows of each kind: what was spent, tickets, codes (kept a day after expiry, so that a late replay still
    /// revokes), grants, revoked tokens, registration tokens, keys of the admin API (a month after they expired), when something was used last (400 days
    /// after it was), traces of logins, sessions a day after their end or after `sessions_before`, statistics, who was here on days that are counted no
    /// more, what is known of people's ways past its moment ([`Write::PutHabits`](crate::store::Write::PutHabits)), and audit events that are kept no
    /// more ([`ChainHead::base`]). Returns how many rows went.
    async fn sweep(&self, now: Timestamp, sessions_before: Timestamp, most: u64) -> Result<u64, StoreError>;
    /// Whether it answers, and what was asked to be written is not stuck.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Where addresses are in the world, as far as the operator has that.
pub trait Atlas: Send + Sync {
    /// Where an address is; nothing if it is not known. Asked in the course of other work: it must not wait for anything.
    fn place(&self, ip: IpAddr) -> Option<Place>;
}

/// A request that was answered. Nothing in it was written by who asked, so all of it may be a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// One of the methods of HTTP, or `other`.
    pub method: &'static str,
    /// The pattern that matched, never the path that was asked for.
    pub route: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// From the head of the request to the head of the answer.
    pub took: Duration,
}

/// Who counts what happens: the one place from which metrics, statistics and log lines come. Called after the commit, within the span of the request
/// it belongs to; must not block. What has a body here need not concern everybody who looks on.
pub trait Observer: Send + Sync {
    /// An event was committed, or seen if it is one that is not stored.
    fn observed(&self, event: &AuditEvent);
    /// An event of an operator or of the house itself was put into the chain. Told once for all nodes, and of what a command wrote beside them too.
    fn sealed(&self, _event: &AuditEvent) {}
    /// A step with an upstream ended; `result` is `ok` or the kind of error.
    fn upstream_called(&self, provider: &ProviderId, phase: Phase, result: &'static str, took: Duration);
    /// A provider's breaker is in this state now. Called on every change, and once for each provider that is new.
    fn provider_health(&self, provider: &ProviderId, state: BreakerState);
    /// When a provider's secret or certificate expires, where that is known.
    fn provider_secret_expires(&self, provider: &ProviderId, expires: Option<Timestamp>);
    /// A client that an operator registered sent somebody to sign in, was let into a session, or proved who it is. Said of no app that registered itself: those have no end.
    fn client_served(&self, _client: &ClientId) {}
    /// An upstream's tokens were refreshed, or not.
    fn upstream_refreshed(&self, provider: &ProviderId, result: RefreshOutcome);
    /// Somebody was sent to a provider with this login, and had not just been sent to the same one with it.
    fn departed(&self, _provider: &ProviderId, _login: LoginId) {}
    /// A request to a provider was answered with this status, or was not answered at all.
    fn upstream_answered(&self, _provider: &ProviderId, _phase: Phase, _status: Option<u16>, _took: Duration) {}
    /// They are back, whatever they bring. Called once for each login that comes back.
    fn returned(&self, _provider: &ProviderId, _login: LoginId, _away: Duration) {}
    /// A request was answered.
    fn answered(&self, _answered: &Answered) {}
    /// A batch of audit events was handed to a sink; `result` is `ok` or the kind of trouble.
    fn sink_tried(&self, _sink: &SinkId, _result: &'static str) {}
    /// How far each sink of the configuration is behind. Who is not named is no sink any more.
    fn sinks_lag(&self, _lags: &[(SinkId, SinkLag)], _now: Timestamp) {}
    /// Events are kept no more that a sink has not had.
    fn sink_missed(&self, _sink: &SinkId, _events: u64) {}
    /// The token endpoint refused. `grant` is absent when the request named none of ours.
    fn token_refused(&self, _grant: Option<GrantType>, _error: OAuthErrorCode) {}
}
