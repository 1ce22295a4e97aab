//! Audit events: what happened, to whom, through whom, and why. Committed with the fact they record.
//! A record never has a token, code, secret, assertion or raw query string in it; the types leave no place for one.

pub mod chain;
pub mod ecs;
pub mod form;
pub mod meaning;
pub mod ocsf;
pub mod personal;
pub mod record;
pub mod schema;
pub mod search;
pub mod sink;
pub mod verify;
mod witness;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{
    change::Change,
    client::{AuthMethod, GrantType, closed_enum},
    ids::{AccountId, ClientId, EventId, GrantId, LoginId, ProviderId, SessionId},
    scope::Scopes,
    time::Timestamp,
};
use std::{fmt, str::FromStr};

pub use self::witness::{Witness, audience, bounded, bounded_to};

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Ordered by time.
    pub id: EventId,
    /// When.
    #[serde(deserialize_with = "record::moment")]
    pub time: Timestamp,
    /// What.
    pub name: EventName,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, when it did not end well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// By whom.
    pub actor: Actor,
    /// Whose account it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
    /// Which app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// Which provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderId>,
    /// Which login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<LoginId>,
    /// Which session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Which grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<GrantId>,
    /// By which grant type, for token events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<GrantType>,
    /// With what scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    /// How the client proved who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_method: Option<AuthMethod>,
    /// To what of the client's the tokens are bound, for token events: without it they are worth nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound_to: Option<Binding>,
    /// In which way the person signed in, as their provider says it (OpenID Connect Core 1.0 §2, `acr`), for logins; bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By what means (`amr`); bounded in number and length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// For whom the tokens are (`aud`), for token events; bounded in number and length.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// Who acts for the person by an exchanged token (RFC 8693 §4.1, `act`): who does now, and then those before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acting: Vec<ClientId>,
    /// How long the step took, in milliseconds, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ms: Option<u64>,
    /// For the operator: which rule, which field. Bounded, printable, never input from a stranger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Whether an operator only tried it, from the console: nobody entered the app. Left out where it is not so, as in every record from before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
    /// What an operator changed: bounded, and never with a secret in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub change: Vec<Change>,
    /// From where.
    #[serde(default)]
    pub source: Source,
    /// What stands for the source in the chain, where the source is a person's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub personal: Option<personal::Personal>,
    /// The trace, which is also the reference on error pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// Its place in the chain, once it has been sealed.
    #[serde(skip)]
    pub link: Option<chain::Link>,
}

/// Where a request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The client's address, as far as trusted proxies vouch for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// Its `User-Agent`, cut to 200 printable characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The country of the address (ISO 3166-1 alpha-2), as far as the operator's database says; for detections alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum Actor {
    /// Somebody in a browser who is not signed in.
    Anonymous,
    /// A person.
    Account(AccountId),
    /// An app.
    Client(ClientId),
    /// A key of the admin API, by its public part; or [`COMMAND_LINE`].
    AdminKey(String),
    /// The house itself.
    System,
    /// A person at work in the operators' console.
    Operator(AccountId),
}

/// Stands in the place of a key for whoever runs a command on the gateway's machine: who can read its configuration needs no key.
pub const COMMAND_LINE: &str = "command-line";

impl Actor {
    /// Whoever runs a command beside the gateway, or without one.
    pub fn command() -> Self {
        Self::AdminKey(COMMAND_LINE.to_owned())
    }

    /// Whether it is an operator, whichever way they came, or the house itself: nobody who comes to an app, and no app.
    pub const fn runs_the_house(&self) -> bool {
        matches!(self, Self::AdminKey(_) | Self::Operator(_) | Self::System)
    }
}

closed_enum! {
    /// What tokens can be bound to.
    Binding {
        /// A key that makes proofs (RFC 9449).
        Key = "key",
        /// A client's certificate (RFC 8705 §3).
        Certificate = "certificate",
    }
}

closed_enum! {
    /// How it ended.
    Outcome {
        /// It was done.
        Success = "success",
        /// It went wrong.
        Failure = "failure",
        /// A rule or the person said no.
        Denied = "denied",
    }
}

closed_enum! {
    /// What happened. The names are stable; so are the numbers of [`EventName::code`].
    EventName {
        /// An app sent somebody to sign in. Counted and logged, not stored: a stranger can cause it at will.
        LoginStarted = "login.started",
        /// An app pushed what it will ask for, or tried to. Counted and logged, not stored: with the name of a public client anybody can.
        RequestPushed = "request.pushed",
        /// An app sent somebody with a request that nothing can be believed of, so they saw a page: an unknown client, an address that is not its own.
        RequestRefused = "request.refused",
        /// It was settled which provider a login goes to, and how. Counted and logged, not stored, as is all that comes before somebody is back.
        LoginProviderSelected = "login.provider_selected",
        /// The person was sent to a provider. Counted and logged, not stored.
        UpstreamRedirected = "upstream.redirected",
        /// They are back, and what they brought was good or was not. Counted and logged, not stored: how the login ended is.
        UpstreamCallback = "upstream.callback",
        /// Somebody signed in.
        LoginSucceeded = "login.succeeded",
        /// A login ended without one.
        LoginFailed = "login.failed",
        /// A rule refused it.
        LoginDeniedByPolicy = "login.denied_by_policy",
        /// A session answered the app without a sign-in.
        LoginSilent = "login.silent",
        /// A person allowed an app what it asked for.
        ConsentGranted = "consent.granted",
        /// They did not.
        ConsentDenied = "consent.denied",
        /// What was allowed is forgotten: they are asked again.
        ConsentRevoked = "consent.revoked",
        /// An account was made.
        UserProvisioned = "user.provisioned",
        /// An upstream identity was linked to an account.
        IdentityLinked = "identity.linked",
        /// A link was undone.
        IdentityUnlinked = "identity.unlinked",
        /// A link was asked for and not made.
        IdentityLinkRefused = "identity.link_refused",
        /// An account was disabled.
        AccountDisabled = "account.disabled",
        /// An account was enabled again.
        AccountEnabled = "account.enabled",
        /// A code became tokens.
        CodeRedeemed = "code.redeemed",
        /// A code did not.
        CodeFailed = "code.failed",
        /// A refresh token became new ones.
        TokenRefreshed = "token.refreshed",
        /// A refresh token did not.
        TokenRefreshFailed = "token.refresh_failed",
        /// An old refresh token or a spent code came back.
        TokenReuseDetected = "token.reuse_detected",
        /// A token was revoked by its client.
        TokenRevoked = "token.revoked",
        /// A client asked what a token is worth. Counted and logged, not stored: it does so with every call it gets, and strangers cause those.
        TokenIntrospected = "token.introspected",
        /// An app got a token for one that it was given (RFC 8693).
        TokenExchanged = "token.exchanged",
        /// An app did not.
        TokenExchangeFailed = "token.exchange_failed",
        /// A person or an operator took back what an app was given.
        GrantRevoked = "grant.revoked",
        /// An app got a token for itself.
        ClientCredentialsGranted = "client_credentials.granted",
        /// An app did not.
        ClientCredentialsFailed = "client_credentials.failed",
        /// A client could not prove who it is.
        ClientAuthFailed = "client.auth_failed",
        /// Somebody knocked at the admin API with a key that is none.
        AdminAuthFailed = "admin.auth_failed",
        /// An operator's key was used for what it may not do.
        AdminAccessDenied = "admin.access_denied",
        /// An operator came into the console.
        AdminLogin = "admin.login",
        /// An operator left it.
        AdminLogout = "admin.logout",
        /// Somebody wanted to come into the console who is no operator, or by a one-time key that is none, or none any more.
        AdminLoginFailed = "admin.login_failed",
        /// A key was made that opens the console once.
        ConsoleKeyCreated = "console_key.created",
        /// A device asked for a person. Counted and logged, not stored: a stranger can cause it at will.
        DeviceStarted = "device.started",
        /// A person let a device in.
        DeviceApproved = "device.approved",
        /// A person turned a device away.
        DeviceDenied = "device.denied",
        /// A session ended.
        SessionEnded = "session.ended",
        /// A client was told that a session has ended.
        LogoutDelivered = "logout.delivered",
        /// A client could not be told, however often it was tried.
        LogoutFailed = "logout.failed",
        /// A provider said that somebody signed out there.
        UpstreamLogoutReceived = "upstream.logout_received",
        /// Somebody tried too often.
        AbuseRateLimited = "abuse.rate_limited",
        /// A client was registered.
        ClientCreated = "client.created",
        /// A client was changed.
        ClientUpdated = "client.updated",
        /// A client was deleted.
        ClientDeleted = "client.deleted",
        /// A client got a new secret.
        ClientSecretAdded = "client.secret_added",
        /// A client's secret was revoked.
        ClientSecretRevoked = "client.secret_revoked",
        /// An app wanted to register itself, or to change that, and could not.
        ClientRegistrationRefused = "client.registration_refused",
        /// An app that nobody registered by hand is used no more, and forgotten.
        ClientExpired = "client.expired",
        /// An app's own document says something else than when somebody signed in to it last.
        ClientDocumentChanged = "client.document_changed",
        /// An operator made a token that lets apps register themselves.
        RegistrationTokenCreated = "registration_token.created",
        /// An operator took one back.
        RegistrationTokenDeleted = "registration_token.deleted",
        /// A key of the admin API was made.
        ApiKeyCreated = "api_key.created",
        /// A key of the admin API was changed.
        ApiKeyUpdated = "api_key.updated",
        /// A key of the admin API was deleted.
        ApiKeyDeleted = "api_key.deleted",
        /// A provider was made.
        ProviderCreated = "provider.created",
        /// A provider was changed.
        ProviderUpdated = "provider.updated",
        /// A provider was enabled.
        ProviderEnabled = "provider.enabled",
        /// A provider was disabled.
        ProviderDisabled = "provider.disabled",
        /// A provider was deleted.
        ProviderDeleted = "provider.deleted",
        /// A provider came into trouble or out of it.
        ProviderHealthChanged = "provider.health_changed",
        /// An operator tried a provider.
        ProviderTested = "provider.tested",
        /// An app got an upstream's access token.
        UpstreamTokenReleased = "vault.token_released",
        /// An app asked for one and did not get it.
        UpstreamTokenRefused = "vault.token_refused",
        /// An upstream's tokens were refreshed.
        UpstreamTokenRefreshed = "vault.refreshed",
        /// An upstream honours its tokens no more.
        UpstreamNeedsReconnect = "vault.needs_reconnect",
        /// An upstream's tokens were given back.
        UpstreamTokenRevoked = "vault.token_revoked",
        /// A signing key was made.
        KeyRotated = "key.rotated",
        /// A signing key left the JWKS.
        KeyRetired = "key.retired",
        /// The configuration was read again, and holds.
        ConfigReloaded = "config.reloaded",
        /// The configuration was read again and can't be used; the one before holds.
        ConfigReloadFailed = "config.reload_failed",
        /// An operator had the configuration read, to know what a reload would do.
        ConfigChecked = "config.checked",
        /// A person was erased: their profile, the ways they signed in, and what the audit log said of where they were.
        AccountErased = "account.erased",
        /// The chain of audit events was begun.
        AuditChainBegun = "audit.chain_begun",
        /// Events past their time are kept no more.
        AuditRetentionPurged = "audit.retention_purged",
        /// An operator took a copy of events away.
        AuditExported = "audit.exported",
        /// Events are kept no more that somebody was to be sent and could not be.
        AuditSinkMissed = "audit.sink_missed",
        /// Something failed again and again: for one account, from one address or of one client.
        DetectionFailureBurst = "detection.failure_burst",
        /// A refresh token or a code that was used up came back.
        DetectionRefreshReuse = "detection.refresh_reuse",
        /// Somebody is in a country that they were not known in.
        DetectionNewCountry = "detection.new_country",
        /// Somebody signed in from a network that they were not known from.
        DetectionNewNetwork = "detection.new_network",
        /// Somebody is where they can't have come to since they were last seen.
        DetectionImpossibleTravel = "detection.impossible_travel",
        /// Somebody signed in through a provider that they never used.
        DetectionNewProvider = "detection.new_provider",
        /// An operator changed something when operators do not work.
        DetectionAdminOffHours = "detection.admin_off_hours",
        /// Somebody signed in who had not been seen for long.
        DetectionDormantReturn = "detection.dormant_return",
    }
}

impl EventName {
    /// The stable number of the event. Numbers are never reused; new events get new ones.
    pub const fn code(self) -> i32 {
        match self {
            Self::LoginStarted => 100,
            Self::UpstreamRedirected => 101,
            Self::LoginSucceeded => 102,
            Self::LoginFailed => 103,
            Self::LoginDeniedByPolicy => 104,
            Self::LoginSilent => 105,
            Self::RequestPushed => 106,
            Self::LoginProviderSelected => 107,
            Self::UpstreamCallback => 108,
            Self::RequestRefused => 109,
            Self::ConsentGranted => 110,
            Self::ConsentDenied => 111,
            Self::ConsentRevoked => 112,
            Self::UserProvisioned => 200,
            Self::IdentityLinked => 201,
            Self::IdentityUnlinked => 202,
            Self::IdentityLinkRefused => 203,
            Self::AccountDisabled => 204,
            Self::AccountEnabled => 205,
            Self::CodeRedeemed => 300,
            Self::CodeFailed => 301,
            Self::TokenRefreshed => 302,
            Self::TokenRefreshFailed => 303,
            Self::TokenReuseDetected => 304,
            Self::TokenRevoked => 305,
            Self::ClientCredentialsGranted => 306,
            Self::ClientCredentialsFailed => 307,
            Self::ClientAuthFailed => 308,
            Self::TokenIntrospected => 309,
            Self::DeviceStarted => 320,
            Self::DeviceApproved => 321,
            Self::DeviceDenied => 322,
            Self::TokenExchanged => 330,
            Self::TokenExchangeFailed => 331,
            Self::GrantRevoked => 404,
            Self::SessionEnded => 400,
            Self::LogoutDelivered => 401,
            Self::LogoutFailed => 402,
            Self::UpstreamLogoutReceived => 403,
            Self::AbuseRateLimited => 500,
            Self::ClientCreated => 600,
            Self::ClientUpdated => 601,
            Self::ClientDeleted => 602,
            Self::ClientSecretAdded => 603,
            Self::ClientSecretRevoked => 604,
            Self::ClientRegistrationRefused => 605,
            Self::ClientExpired => 606,
            Self::ClientDocumentChanged => 607,
            Self::RegistrationTokenCreated => 610,
            Self::RegistrationTokenDeleted => 611,
            Self::ProviderCreated => 620,
            Self::ProviderUpdated => 621,
            Self::ProviderEnabled => 622,
            Self::ProviderDisabled => 623,
            Self::ProviderDeleted => 624,
            Self::ProviderHealthChanged => 625,
            Self::ProviderTested => 626,
            Self::ApiKeyCreated => 630,
            Self::ApiKeyUpdated => 631,
            Self::ApiKeyDeleted => 632,
            Self::AdminAuthFailed => 650,
            Self::AdminAccessDenied => 651,
            Self::AdminLogin => 660,
            Self::AdminLogout => 661,
            Self::AdminLoginFailed => 662,
            Self::ConsoleKeyCreated => 663,
            Self::UpstreamTokenReleased => 800,
            Self::UpstreamTokenRefused => 801,
            Self::UpstreamTokenRefreshed => 802,
            Self::UpstreamNeedsReconnect => 803,
            Self::UpstreamTokenRevoked => 804,
            Self::KeyRotated => 700,
            Self::KeyRetired => 701,
            Self::ConfigReloaded => 710,
            Self::ConfigReloadFailed => 711,
            Self::ConfigChecked => 712,
            Self::AccountErased => 720,
            Self::AuditChainBegun => 721,
            Self::AuditRetentionPurged => 722,
            Self::AuditExported => 723,
            Self::AuditSinkMissed => 724,
            Self::DetectionFailureBurst => 900,
            Self::DetectionRefreshReuse => 901,
            Self::DetectionNewCountry => 902,
            Self::DetectionNewNetwork => 903,
            Self::DetectionImpossibleTravel => 904,
            Self::DetectionNewProvider => 905,
            Self::DetectionAdminOffHours => 906,
            Self::DetectionDormantReturn => 907,
        }
    }
}

closed_enum! {
    /// Why it did not end well. Closed: it is a metric label.
    Reason {
        /// The person declined, upstream or here.
        PersonDeclined = "person_declined",
        /// The upstream did not answer.
        UpstreamUnreachable = "upstream_unreachable",
        /// The upstream broke the protocol.
        UpstreamInvalid = "upstream_invalid",
        /// Our registration upstream is wrong.
        UpstreamMisconfigured = "upstream_misconfigured",
        /// The provider's rules refused the identity.
        ProviderRule = "provider_rule",
        /// A rule about who may enter.
        EntryRule = "entry_rule",
        /// A rule asks for a verified address, and there is none.
        EmailNotVerified = "email_not_verified",
        /// The provider is in trouble and is not asked for now.
        BreakerOpen = "breaker_open",
        /// The link exists already, or leads to another account.
        LinkTaken = "link_taken",
        /// The upstream honours its tokens no more.
        UpstreamDenied = "upstream_denied",
        /// The client does not allow the provider.
        ProviderNotAllowed = "provider_not_allowed",
        /// The account is disabled.
        AccountDisabled = "account_disabled",
        /// The client is disabled or gone.
        ClientDisabled = "client_disabled",
        /// No such attempt in this browser.
        AttemptUnknown = "attempt_unknown",
        /// Too late.
        AttemptExpired = "attempt_expired",
        /// The attempt was settled before.
        AttemptSpent = "attempt_spent",
        /// The callback came from another provider (attack 1).
        MixUp = "mix_up",
        /// The upstream sign-in was older than asked.
        StaleSignIn = "stale_sign_in",
        /// The person did not sign in in a way that the app demanded.
        UnmetAcr = "unmet_acr",
        /// Somebody else came back than the request names.
        OtherPerson = "other_person",
        /// The code or token is not known.
        Unknown = "unknown",
        /// Another client's.
        OtherClient = "other_client",
        /// Too late.
        Expired = "expired",
        /// Used before.
        Replayed = "replayed",
        /// Ended before.
        Revoked = "revoked",
        /// The redirect address differs.
        RedirectUri = "redirect_uri",
        /// The redirect address is not one that the client registered.
        RedirectMismatch = "redirect_mismatch",
        /// There is no such client.
        ClientUnknown = "client_unknown",
        /// The request can't be read.
        BadRequest = "bad_request",
        /// PKCE does not hold.
        Verifier = "verifier",
        /// The proof of possession is missing or does not hold.
        Proof = "proof",
        /// More than may be had.
        Scope = "scope",
        /// For a resource that may not be had.
        Resource = "resource",
        /// Somebody would act who may not.
        Actor = "actor",
        /// The wrong secret.
        BadSecret = "bad_secret",
        /// An assertion that does not hold, or that somebody else signed.
        BadAssertion = "bad_assertion",
        /// A certificate that is another's, or that nobody vouches for.
        BadCertificate = "bad_certificate",
        /// The client's keys can't be had.
        KeysUnavailable = "keys_unavailable",
        /// Another method than registered.
        WrongMethod = "wrong_method",
        /// What an app said of itself breaks rules.
        BadMetadata = "bad_metadata",
        /// The configuration is wrong somewhere.
        BadConfiguration = "bad_configuration",
        /// There are as many apps that registered themselves as there may be.
        TooManyClients = "too_many_clients",
        /// Not registered for this grant.
        GrantNotAllowed = "grant_not_allowed",
        /// The person signed out.
        Logout = "logout",
        /// The person signed out at the provider.
        UpstreamLogout = "upstream_logout",
        /// Another person signed in in the same browser.
        Replaced = "replaced",
        /// The way in that it came by was undone.
        Unlinked = "unlinked",
        /// Whom it was for did not take it.
        Undelivered = "undelivered",
        /// The client's rate.
        ClientRate = "client_rate",
        /// Too many authorization requests.
        AuthorizeRate = "authorize_rate",
        /// Too many token requests.
        TokenRate = "token_rate",
        /// Too many pushed requests.
        PushRate = "push_rate",
        /// Too many devices.
        DeviceRate = "device_rate",
        /// Too many sign-ins to one account.
        SignInRate = "sign_in_rate",
        /// Too many calls of the admin API with one key.
        AdminRate = "admin_rate",
        /// Too many user codes that are none.
        UserCodeRate = "user_code_rate",
        /// An event came so often that it is counted and no longer stored.
        EventRate = "event_rate",
        /// Our fault.
        Internal = "internal",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_number_of_its_own() {
        let mut codes: Vec<_> = EventName::ALL.iter().map(|name| name.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), EventName::ALL.len());
    }
}
