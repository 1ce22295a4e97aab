//! What stands in the tokens we sign. The wire form is the `crypto` and `protocol` crates' business.

use crate::{
    account::Released,
    actors::Actors,
    ids::{AccountId, ClientId, GrantId, SessionId},
    possession::Confirmation,
    scope::Scopes,
    time::Timestamp,
};

/// An access token (RFC 9068).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// Our issuer.
    pub issuer: String,
    /// The account, or the client itself for `client_credentials`.
    pub subject: Subject,
    /// Whom it is for.
    pub audiences: Vec<String>,
    /// Who got it.
    pub client: ClientId,
    /// What it allows.
    pub scopes: Scopes,
    /// Its name; says from which grant it is.
    pub id: TokenId,
    /// When it was made.
    pub issued: Timestamp,
    /// When it stops working.
    pub expires: Timestamp,
    /// When the person proved who they are.
    pub auth_time: Option<Timestamp>,
    /// As the upstream said it.
    pub acr: Option<String>,
    /// Who acts by it for its person, when it was exchanged (RFC 8693 §4.1).
    pub actors: Actors,
    /// The only one who may act by it, if somebody is named (RFC 8693 §4.4).
    pub may_act: Option<ClientId>,
    /// What whoever uses it must show.
    pub confirmation: Confirmation,
}

impl AccessToken {
    /// Whether who exchanges it shows what they must (RFC 8693 leaves it open). Its own holder shows what it is bound to, as everywhere. An app that was
    /// given it can't, for the key is its sender's; but it must bind the new token to something of its own, or the exchange would turn what was
    /// bound into a bearer's.
    pub fn may_be_exchanged_by(&self, client: &ClientId, shown: &Confirmation) -> bool {
        if self.client == *client { self.confirmation.is_met_by(shown) } else { self.confirmation.is_kept_by(shown) }
    }
}

/// Whom an access token speaks for. The two can't be mistaken: a client's `sub` begins with `client:`, an account's never does (attack 56).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A person, as the client knows them ([`Account::name_at`](crate::account::Account::name_at)).
    Account(AccountId),
    /// The app itself.
    Client(ClientId),
}

impl Subject {
    /// The `sub` claim.
    pub fn to_claim(&self) -> String {
        match self {
            Self::Account(id) => id.to_string(),
            Self::Client(id) => format!("client:{id}"),
        }
    }

    /// Reads a `sub` claim of ours.
    pub fn from_claim(text: &str) -> Option<Self> {
        match text.strip_prefix("client:") {
            Some(id) => ClientId::parse(id).ok().map(Self::Client),
            None => text.parse().ok().map(Self::Account),
        }
    }
}

/// The `jti` of an access token: the grant it came from, if any, and 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenId {
    /// Absent for `client_credentials`.
    pub grant: Option<GrantId>,
    /// Tells tokens of one grant apart.
    pub random: u128,
}

impl std::fmt::Display for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.grant {
            Some(grant) => write!(f, "{}.{:032x}", grant.0.simple(), self.random),
            None => write!(f, "{:032x}", self.random),
        }
    }
}

impl std::str::FromStr for TokenId {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (grant, random) = match text.split_once('.') {
            Some((grant, random)) => (Some(grant.parse().map_err(|_| ())?), random),
            None => (None, text),
        };
        let whole = random.len() == 32 && random.bytes().all(|b| b.is_ascii_hexdigit());
        let random = u128::from_str_radix(random, 16).map_err(|_| ())?;
        if whole { Ok(Self { grant, random }) } else { Err(()) }
    }
}

/// An ID token (OpenID Connect Core 1.0 §2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdToken {
    /// Our issuer.
    pub issuer: String,
    /// What the client knows the person as.
    pub subject: AccountId,
    /// The one client it is for.
    pub client: ClientId,
    /// When it was made.
    pub issued: Timestamp,
    /// When it stops being good.
    pub expires: Timestamp,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// Echoed from the request.
    pub nonce: Option<String>,
    /// As the upstream said it.
    pub acr: Option<String>,
    /// As the upstream said it.
    pub amr: Vec<String>,
    /// The session; left out for a pairwise client, whose sectors could compare it.
    pub session: Option<SessionId>,
    /// Binds the access token (§3.1.3.6); the left half of its SHA-256.
    pub access_token_hash: Option<[u8; 16]>,
    /// Claims about the person.
    pub claims: Released,
}

/// A logout token (OpenID Connect Back-Channel Logout 1.0 §2.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoutToken {
    /// Our issuer.
    pub issuer: String,
    /// What the client knows the person as.
    pub subject: AccountId,
    /// The one client it is for.
    pub client: ClientId,
    /// When it was made.
    pub issued: Timestamp,
    /// When it stops being good.
    pub expires: Timestamp,
    /// Its name: 128 random bits, by which a client knows one that came before.
    pub id: u128,
    /// The session; left out for a pairwise client, as in [`IdToken`].
    pub session: Option<SessionId>,
}

/// What an `id_token_hint` of ours says, whatever its age (RP-Initiated Logout 1.0 §2 accepts expired ones).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdTokenHint {
    /// Whose, as the client knows them.
    pub subject: AccountId,
    /// For whom it was.
    pub client: ClientId,
    /// In which session, if it says.
    pub session: Option<SessionId>,
}
/// What goes out as a JWT besides tokens. Each has a type that keeps it from passing for a token, or for the other (RFC 8725 §3.11, attack 55).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedAnswer {
    /// RFC 9701.
    Introspection,
    /// OpenID Connect Core 1.0 §5.3.2.
    Userinfo,
}
