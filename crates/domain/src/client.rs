//! Client apps as they are registered.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    about::About,
    account::Release,
    certificate::CertificateSubject,
    entry::EntryRules,
    error::{OAuthError, OAuthErrorCode},
    ids::{ClientId, ManagerName, ProviderId, SecretId, SessionId},
    logout::LogoutRegistration,
    profile::Profile,
    redirect::{RedirectUri, RegisteredUri},
    scope::Scopes,
    secret::{Digest, Sealed},
    time::Timestamp,
};

/// A registered client app. `version` grows with every change and is the admin API's ETag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Its `client_id`.
    pub id: ClientId,
    /// Who registered it.
    #[serde(default, skip_serializing_if = "Origin::is_operator")]
    pub origin: Origin,
    /// The set of files that keeps it, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed_by: Option<ManagerName>,
    /// What people are shown.
    pub name: String,
    /// What it says of itself besides.
    #[serde(default, skip_serializing_if = "About::is_empty")]
    pub about: About,
    /// Where codes may be sent.
    pub redirect_uris: Vec<RegisteredUri>,
    /// Where a browser may be sent after logout.
    pub post_logout_redirect_uris: Vec<RegisteredUri>,
    /// What it may ask the token endpoint for.
    pub grant_types: BTreeSet<GrantType>,
    /// How it proves who it is.
    pub auth_method: AuthMethod,
    /// The most it may be given.
    pub scopes: Scopes,
    /// What its own signatures are checked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeySource>,
    /// The only algorithm that its assertions may be signed with, if it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion_alg: Option<SigningAlg>,
    /// By what its certificate is known, if that is how it proves who it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_subject: Option<CertificateSubject>,
    /// How its ID tokens are signed.
    pub id_token_alg: SigningAlg,
    /// How its access tokens are signed.
    pub access_token_alg: SigningAlg,
    /// How userinfo is signed for it; without it, it is plain JSON (OpenID Connect Core 1.0 §5.3.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_alg: Option<SigningAlg>,
    /// How introspection is signed for it when it asks for that; without it, with RS256 (RFC 9701 §6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub introspection_alg: Option<SigningAlg>,
    /// Whether a code needs PKCE. Never false for a public client.
    pub require_pkce: bool,
    /// Whether it must push its authorization requests (RFC 9126 §6).
    #[serde(default)]
    pub require_pushed_requests: bool,
    /// Whether it must sign its authorization requests (RFC 9101 §10.5).
    #[serde(default)]
    pub require_signed_requests: bool,
    /// The only algorithm that its request objects may be signed with, if it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_object_alg: Option<SigningAlg>,
    /// An app of the time before PKCE and OpenID Connect. Never true for a public client.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub legacy_oauth: bool,
    /// Whether it gets tokens only with a DPoP proof (RFC 9449 §5.2).
    #[serde(default)]
    pub dpop_bound_access_tokens: bool,
    /// Whether it gets tokens only over a connection with its certificate, to which they are bound (RFC 8705 §3.4).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub certificate_bound_access_tokens: bool,
    /// The rules it is held to as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Resources its access tokens are for, besides our own userinfo.
    pub audiences: Vec<String>,
    /// Resources that it serves: it may ask about tokens that are for them (RFC 7662 §4).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serves: Vec<String>,
    /// Providers its people may come through, in the order they are shown; empty means every one, in the order of the house.
    pub allowed_providers: Vec<ProviderId>,
    /// Who may enter, besides what each provider's own rules say.
    #[serde(default, skip_serializing_if = "EntryRules::is_empty")]
    pub entry: EntryRules,
    /// Which claims go out.
    #[serde(default)]
    pub release: Release,
    /// What people are called in its tokens (OpenID Connect Core 1.0 §8).
    #[serde(default)]
    pub subject_type: SubjectType,
    /// Upstream access tokens it may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstream_tokens: Vec<UpstreamTokenRule>,
    /// How it hears of the end of sessions.
    #[serde(default)]
    pub logout: LogoutRegistration,
    /// Audiences for which it may exchange access tokens that it was given (RFC 8693).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchange_audiences: Vec<String>,
    /// The only app that may act by its people's access tokens; no one is named by default (RFC 8693 §4.4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_act: Option<ClientId>,
    /// Whether the claims of the granted scopes stand in the ID token too, not just at userinfo.
    pub id_token_claims: bool,
    /// When its people are asked whether it may have what it asks for.
    #[serde(default, skip_serializing_if = "ConsentMode::is_implicit")]
    pub consent: ConsentMode,
    /// A disabled client gets nothing, and what it had stops working.
    pub disabled: bool,
    /// Its secrets; at most [`MOST_SECRETS`] alive.
    pub secrets: Vec<ClientSecret>,
    /// When it was registered.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// Counts changes.
    pub version: i64,
}

/// Who registered a client: whether anybody has looked at it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Origin {
    /// An operator.
    #[default]
    Operator,
    /// The app itself (RFC 7591).
    Dynamic {
        /// SHA-256 of the token that opens its registration (RFC 7592 §3).
        token: Digest,
        /// Until when it was to be kept when it registered; [`Write::KeepClient`](crate::store::Write::KeepClient) moves that on as it is used.
        kept_until: Timestamp,
    },
    /// The document at the address that is its id (Client ID Metadata Document draft), as it was at the last sign-in.
    MetadataDocument {
        /// Until when it was to be kept then.
        kept_until: Timestamp,
    },
}

impl Origin {
    fn is_operator(&self) -> bool {
        *self == Self::Operator
    }

    /// Who it was, by a word that never changes.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Dynamic { .. } => "dynamic",
            Self::MetadataDocument { .. } => "metadata_document",
        }
    }

    /// When a new client of this origin is forgotten unless somebody signs in to it.
    pub const fn kept_until(&self) -> Option<Timestamp> {
        match self {
            Self::Operator => None,
            Self::Dynamic { kept_until, .. } | Self::MetadataDocument { kept_until } => Some(*kept_until),
        }
    }
}

/// That a client may have people's access tokens of one provider, if they were granted these scopes there and nothing else is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpstreamTokenRule {
    /// Which provider's.
    pub provider: ProviderId,
    /// The scopes such a token may have, in the provider's own names. A token that has others is not given out.
    pub scopes: BTreeSet<String>,
}

/// Two may live at once, so that a secret is changed without an outage.
pub const MOST_SECRETS: usize = 2;

/// One secret: 256 random bits, of which only a keyed digest is kept, unless it is the key of an HMAC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientSecret {
    /// Names it.
    pub id: SecretId,
    /// HMAC-SHA-256 under the sealing key.
    pub digest: Digest,
    /// The secret itself, for `client_secret_jwt` alone: an HMAC can't be checked with a digest of its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealed: Option<Sealed>,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops working, if ever.
    pub expires: Option<Timestamp>,
}

impl ClientSecret {
    /// Whether it still works.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl Client {
    /// Whether it can't prove who it is (RFC 6749 §2.1).
    pub fn is_public(&self) -> bool {
        self.auth_method == AuthMethod::None
    }

    /// Whether it is whom a token with these audiences is for, by its name or by a resource that it serves.
    pub fn is_among(&self, audiences: &[String]) -> bool {
        audiences.iter().any(|audience| audience == self.id.as_str() || self.serves.contains(audience))
    }

    /// The algorithms that its assertions may be signed with.
    pub fn assertion_algs(&self) -> &[SigningAlg] {
        self.assertion_alg.as_ref().map_or(self.client_algs(), std::slice::from_ref)
    }

    /// Whether it was there when a token says it was issued, which is in whole seconds (RFC 7519 §4.1.6).
    pub fn existed_at(&self, issued: Timestamp) -> bool {
        self.created.as_secs() <= issued.as_secs()
    }

    /// Whether a code needs PKCE. Without a secret it is all that protects one, whatever the registration says (OAuth 2.1 §4.1.2.1).
    pub fn needs_pkce(&self) -> bool {
        self.is_public() || (self.require_pkce && !self.legacy_oauth)
    }

    /// Whether it may prove who it is in this way: the one it registered. The libraries of old send their secret in whichever way their author
    /// thought of, and their users can't change it; the secret is the same either way.
    pub fn authenticates_by(&self, method: AuthMethod) -> bool {
        let sends_its_secret = |method| matches!(method, AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost);
        self.auth_method == method || (self.legacy_oauth && sends_its_secret(self.auth_method) && sends_its_secret(method))
    }

    /// Whether its people's access tokens open userinfo: with `openid` (OpenID Connect Core 1.0 §5.3), which an app of old has never heard of.
    pub fn may_ask_userinfo(&self, scopes: &Scopes) -> bool {
        scopes.has("openid") || self.legacy_oauth
    }

    /// Whether an operator has looked at it. Whoever registered itself may be anybody: its people are asked before they are sent to a provider, whose
    /// own memory of a consent would otherwise carry them to a stranger unseen (attack 40), and it is told of no error by redirect before (attack 34).
    pub const fn is_vetted(&self) -> bool {
        matches!(self.origin, Origin::Operator)
    }

    /// The same, with what an operator said of it before: an app that may say what it is says nothing of who may enter, nor of what is released.
    #[must_use]
    pub fn with_operators_word(self, before: &Self) -> Self {
        let before = before.clone();
        Self {
            managed_by: before.managed_by,
            disabled: before.disabled,
            allowed_providers: before.allowed_providers,
            entry: before.entry,
            release: before.release,
            id_token_claims: before.id_token_claims,
            consent: before.consent,
            profile: before.profile,
            legacy_oauth: before.legacy_oauth,
            serves: before.serves,
            exchange_audiences: before.exchange_audiences,
            may_act: before.may_act,
            upstream_tokens: before.upstream_tokens,
            logout: before.logout,
            ..self
        }
    }

    /// The algorithms that its request objects may be signed with.
    pub fn request_object_algs(&self) -> &[SigningAlg] {
        self.request_object_alg.as_ref().map_or(self.client_algs(), std::slice::from_ref)
    }

    /// What its names for people are shared with: the host of its addresses (OpenID Connect Core 1.0 §8.1). Nothing for a public subject type.
    pub fn sector(&self) -> Option<String> {
        let pairwise = self.subject_type == SubjectType::Pairwise;
        pairwise.then(|| self.redirect_uris.first().and_then(host_of).unwrap_or_else(|| self.id.to_string()))
    }

    /// What a session is called in its tokens, if it may know: a name that is the same at every client would let two sectors compare notes.
    pub fn session_name(&self, session: SessionId) -> Option<SessionId> {
        (self.subject_type == SubjectType::Public).then_some(session)
    }

    /// What the signed-out page loads for it, with `iss` and `sid` together or neither (OpenID Connect Front-Channel Logout 1.0 §2).
    pub fn logout_frame(&self, issuer: &str, session: SessionId) -> Option<String> {
        let uri = self.logout.frontchannel_uri.as_ref()?.exactly();
        Some(match self.session_name(session) {
            Some(session) => uri.with(&[("iss", issuer), ("sid", &session.to_string())]),
            None => uri.as_str().to_owned(),
        })
    }

    /// The request's redirect address, when it is one of this client's. Left out, it must be the only one (OAuth 2.1 §2.3.2).
    pub fn redirect_uri(&self, asked: Option<&str>) -> Option<RedirectUri> {
        match (asked, self.redirect_uris.as_slice()) {
            (Some(asked), registered) => registered.iter().find_map(|uri| uri.admits(asked)),
            (None, [only]) => Some(only.exactly()),
            (None, _) => None,
        }
    }

    /// What an app that people sign in to may have: what it asks, within what it is registered for (RFC 6749 §3.3).
    pub fn scopes_asked(&self, asked: Option<&str>) -> Result<Scopes, OAuthError> {
        let invalid = |why| OAuthError::new(OAuthErrorCode::InvalidScope, why);
        let asked = Scopes::parse(asked.unwrap_or_default()).map_err(|_| invalid("scope has a character that is not allowed"))?;
        if asked.within(&self.scopes) { Ok(asked) } else { Err(invalid("scope asks for more than this client is registered for")) }
    }

    /// What an app may have for itself: what it asks, or all it is registered for, but nothing about people (OAuth 2.1 §4.2).
    pub fn own_scopes(&self, asked: Option<&str>) -> Result<Scopes, OAuthError> {
        let invalid = |why| OAuthError::new(OAuthErrorCode::InvalidScope, why);
        let own = self.scopes.without(&ABOUT_PEOPLE);
        let Some(asked) = asked else { return Ok(own) };
        let asked = Scopes::parse(asked).map_err(|_| invalid("scope has a character that is not allowed"))?;
        match asked.within(&own) {
            true => Ok(asked),
            false if asked.within(&self.scopes) => Err(invalid("scope asks for claims about a person, and client_credentials has none")),
            false => Err(invalid("scope asks for more than this client is registered for")),
        }
    }

    /// Whether a code sent there could be received and redeemed by another app on the device, so that a person must act each time (RFC 8252 §8.6). At
    /// a private-use scheme there are installed apps alone, and a secret that every copy of one has proves nothing (§8.5). At a loopback address
    /// there may be a server that keeps its secret.
    pub fn is_impersonable_at(&self, uri: &RedirectUri) -> bool {
        let could_be_another =
            |registered: &RegisteredUri| registered.is_private_use() || (self.is_public() && registered.is_impersonable());
        self.redirect_uris.iter().any(|registered| could_be_another(registered) && registered.admits(uri.as_str()).is_some())
    }

    /// Whether what it is given can be renewed by a refresh token.
    pub fn refreshes(&self) -> bool {
        self.grant_types.contains(&GrantType::RefreshToken)
    }
}

/// Where a client's public keys are. One place, and not two that could differ (RFC 7591 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeySource {
    /// In its registration: a key set as JSON text (RFC 7517 §5).
    #[serde(rename = "jwks")]
    Registered(String),
    /// At an address of its own, which can change them without asking anybody.
    #[serde(rename = "jwks_uri")]
    Published(String),
}

/// Scopes that say something about a person; an app alone has none.
const ABOUT_PEOPLE: [&str; 5] = ["openid", "profile", "email", "groups", "offline_access"];

macro_rules! closed_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text).ok_or(())
            }
        }
    };
}
pub(crate) use closed_enum;

closed_enum! {
    /// What the token endpoint gives tokens for.
    GrantType {
        /// RFC 6749 §4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 §6.
        RefreshToken = "refresh_token",
        /// RFC 6749 §4.4.
        ClientCredentials = "client_credentials",
        /// RFC 8628.
        DeviceCode = "urn:ietf:params:oauth:grant-type:device_code",
        /// RFC 8693, for an upstream's access token or another one of ours.
        TokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange",
    }
}

/// The host of a registered address; nothing for a private-use scheme.
pub(crate) fn host_of(uri: &RegisteredUri) -> Option<String> {
    let url = url::Url::parse(uri.as_str()).ok()?;
    // Nobody answers for the host of any other scheme: whoever likes writes another's there.
    url.host_str().filter(|_| matches!(url.scheme(), "https" | "http")).map(str::to_owned)
}

closed_enum! {
    /// What people are called in a client's tokens (OpenID Connect Core 1.0 §8).
    SubjectType {
        /// The same at every public client.
        Public = "public",
        /// Another at every sector, so that clients can't compare notes.
        Pairwise = "pairwise",
    }
}

#[expect(clippy::derivable_impls, reason = "the enum is made by a macro that has no place for the attribute")]
impl Default for SubjectType {
    fn default() -> Self {
        Self::Public
    }
}

closed_enum! {
    /// When an app's people are asked whether it may have what it asks for. `prompt=consent` asks in any case.
    ConsentMode {
        /// Never: the operator who registered the app said yes for everybody.
        Implicit = "implicit",
        /// Once for each account, host of return and set of scopes.
        Remembered = "remembered",
        /// Every time.
        Always = "always",
    }
}

impl ConsentMode {
    /// Whether it is the usual one.
    pub fn is_implicit(&self) -> bool {
        *self == Self::Implicit
    }
}

#[expect(clippy::derivable_impls, reason = "the enum is made by a macro that has no place for the attribute")]
impl Default for ConsentMode {
    fn default() -> Self {
        Self::Implicit
    }
}

closed_enum! {
    /// How a client proves who it is (OpenID Connect Core 1.0 §9).
    AuthMethod {
        /// HTTP Basic.
        ClientSecretBasic = "client_secret_basic",
        /// In the form body.
        ClientSecretPost = "client_secret_post",
        /// A JWT with an HMAC under the secret (RFC 7523 §2.2).
        ClientSecretJwt = "client_secret_jwt",
        /// A JWT signed by a key of the client's (RFC 7523 §2.2).
        PrivateKeyJwt = "private_key_jwt",
        /// A certificate that an authority vouches for (RFC 8705 §2.1).
        TlsClientAuth = "tls_client_auth",
        /// A certificate that the client registered (RFC 8705 §2.2).
        SelfSignedTlsClientAuth = "self_signed_tls_client_auth",
        /// A public client.
        None = "none",
    }
}

impl AuthMethod {
    /// Whether the client is given secrets for it.
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt)
    }

    /// Whether what it presents is a JWT.
    pub const fn is_assertion(self) -> bool {
        matches!(self, Self::ClientSecretJwt | Self::PrivateKeyJwt)
    }

    /// Whether what it presents is the certificate of its connection.
    pub const fn is_certificate(self) -> bool {
        matches!(self, Self::TlsClientAuth | Self::SelfSignedTlsClientAuth)
    }
}

closed_enum! {
    /// How tokens are signed (RFC 7518 §3.1, RFC 8037).
    SigningAlg {
        /// RSA PKCS#1 v1.5 with SHA-256; every client understands it.
        Rs256 = "RS256",
        /// RSA-PSS with SHA-256.
        Ps256 = "PS256",
        /// ECDSA on P-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}
