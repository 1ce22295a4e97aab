//! Values as they look in a house that is in use, for tests to take and change.

use std::{collections::BTreeSet, time::Duration};

use vestibule_domain::{
    about::About,
    account::{Account, Evidence, Link, LinkKey, LinkedBy, Profile, Release, Salt, UpstreamTokens},
    api_key::ApiKey,
    audit::{
        Actor, AuditEvent, EventName, Outcome, Source, Witness,
        chain::{ChainHead, Link as ChainLink, SealedEvent},
        record::chained,
    },
    authorize::{CodeChallenge, Nonce},
    claims::Claims,
    claims_request::WantedClaims,
    client::{AuthMethod, Client, GrantType, Origin, SigningAlg},
    code::Code,
    consent::Consent,
    entry::EntryRules,
    grant::{Grant, Revoked, RevokedBy},
    ids::{AccountId, ApiKeyId, AttemptId, ClientId, EventId, GrantId, LinkId, LoginId, ProviderId, RegistrationTokenId, SessionId},
    keys::SigningKey,
    operator::{AdminArea, AdminScope},
    ports::Entropy,
    possession::{Confirmation, Thumbprint},
    provider::StoredProvider,
    redirect::RegisteredUri,
    resource::Resources,
    scope::Scopes,
    secret::{Digest, PublicKey, Sealed},
    self_registration::RegistrationToken,
    session::Session,
    settings::Lifetimes,
    store::Write,
    time::Timestamp,
    token::TokenId,
};

use crate::clock::SeededEntropy;

/// 2026-11-24T10:00:00Z: when samples are made and where [`crate::clock::StoppedClock`] begins.
pub const NOW: Timestamp = Timestamp::from_secs(1_795_514_400);

/// The address samples' codes are sent to.
pub const REDIRECT_URI: &str = "https://app.example.com/callback";

/// Makes samples; no two have the same id, and every run makes the same.
#[derive(Debug)]
pub struct Sample {
    /// When they are made.
    pub now: Timestamp,
    /// What their ids come from.
    pub entropy: SeededEntropy,
    /// How long they live.
    pub lifetimes: Lifetimes,
}

impl Default for Sample {
    fn default() -> Self {
        Self { now: NOW, entropy: SeededEntropy::default(), lifetimes: Lifetimes::default() }
    }
}

impl Sample {
    /// A confidential client with code and refresh grants, version 1, without secrets.
    pub fn client(&self, id: &str) -> Client {
        Client {
            id: client_id(id),
            origin: Origin::Operator,
            managed_by: None,
            name: format!("The app {id}"),
            about: About::default(),
            redirect_uris: vec![registered(REDIRECT_URI)],
            post_logout_redirect_uris: vec![registered("https://app.example.com/bye")],
            grant_types: BTreeSet::from([GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::ClientCredentials]),
            auth_method: AuthMethod::ClientSecretBasic,
            scopes: scopes("openid profile email groups offline_access"),
            keys: None,
            assertion_alg: None,
            certificate_subject: None,
            id_token_alg: SigningAlg::Rs256,
            access_token_alg: SigningAlg::Rs256,
            userinfo_alg: None,
            introspection_alg: None,
            require_pkce: true,
            legacy_oauth: false,
            require_pushed_requests: false,
            dpop_bound_access_tokens: false,
            certificate_bound_access_tokens: false,
            profile: None,
            require_signed_requests: false,
            request_object_alg: None,
            audiences: Vec::new(),
            serves: Vec::new(),
            allowed_providers: Vec::new(),
            entry: EntryRules::default(),
            release: Release::default(),
            subject_type: vestibule_domain::client::SubjectType::Public,
            upstream_tokens: Vec::new(),
            logout: vestibule_domain::logout::LogoutRegistration::default(),
            exchange_audiences: Vec::new(),
            may_act: None,
            id_token_claims: true,
            consent: vestibule_domain::client::ConsentMode::Implicit,
            disabled: false,
            secrets: Vec::new(),
            created: self.now,
            updated: self.now,
            version: 1,
        }
    }

    /// A client that registered itself, and is forgotten at the end of the day unless it is used.
    pub fn self_registered(&self, id: &str) -> Client {
        let kept_until = self.now + Duration::from_hours(24);
        Client { origin: Origin::Dynamic { token: self.digest(), kept_until }, ..self.client(id) }
    }

    /// A token that lets two apps register themselves, for an hour.
    pub fn registration_token(&self, name: &str) -> RegistrationToken {
        RegistrationToken {
            id: RegistrationTokenId::new(self.now, &self.entropy),
            name: name.into(),
            digest: self.digest(),
            created: self.now,
            expires: self.now + Duration::from_hours(1),
            uses_left: 2,
            version: 1,
        }
    }

    /// A key of the admin API, for an hour.
    pub fn api_key(&self, name: &str) -> ApiKey {
        ApiKey {
            id: ApiKeyId::new(self.now, &self.entropy),
            name: name.into(),
            digest: self.digest(),
            scopes: [AdminScope::All(AdminArea::Clients)].into_iter().collect(),
            made_by: Actor::AdminKey("bootstrap".into()),
            created: self.now,
            updated: self.now,
            expires: Some(self.now + Duration::from_hours(1)),
            version: 1,
        }
    }

    /// A person.
    pub fn account(&self) -> Account {
        Account {
            id: AccountId::new(&self.entropy),
            profile: Profile {
                name: Some("Zoë \"Z\" Ørsted".into()),
                preferred_username: Some("zoe".into()),
                email: Some("zoe@example.com".into()),
                email_verified: true,
                groups: vec!["staff".into(), "døgn".into()],
                ..Profile::default()
            },
            created: self.now,
            updated: self.now,
            disabled: false,
            salt: Salt::new(&self.entropy),
        }
    }

    /// A way into `account`, from `github`.
    pub fn link(&self, account: &Account, subject: &str) -> Link {
        let key = LinkKey { provider: provider_id("github"), issuer: "https://github.com".into(), subject: subject.into() };
        Link {
            id: LinkId::new(self.now, &self.entropy),
            key,
            account: account.id,
            created: self.now,
            evidence: Evidence { by: LinkedBy::FirstSignIn, login: self.login(), session: None, same_email_as: None },
            profile: account.profile.clone(),
            claims: Claims::from_iter([("hd".to_owned(), "example.com".into())]),
            seen: self.now,
        }
    }

    /// A browser that `account` is signed in with.
    pub fn session(&self, account: &Account) -> Session {
        Session {
            id: SessionId::new(self.now, &self.entropy),
            digest: self.digest(),
            account: account.id,
            provider: provider_id("github"),
            link: LinkId::new(self.now, &self.entropy),
            auth_time: self.now,
            acr: Some("urn:example:mfa".into()),
            amr: vec!["pwd".into(), "otp".into()],
            upstream_session: Some("upstream session ä".into()),
            source: Source { ip: "2001:db8::7".parse().ok(), user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)".into()), country: None },
            created: self.now,
            last_seen: self.now,
            ended: None,
        }
    }

    /// What `account` allowed `client`.
    pub fn consent(&self, account: &Account, client: &Client) -> Consent {
        Consent {
            account: account.id,
            client: client.id.clone(),
            host: "app.example.com".into(),
            scopes: scopes("openid profile"),
            given: self.now,
        }
    }

    /// A code that `client` may redeem.
    pub fn code(&self, client: &Client, session: &Session) -> Code {
        Code {
            digest: self.digest(),
            client: client.id.clone(),
            redirect_uri: registered(REDIRECT_URI).exactly(),
            redirect_uri_was_sent: true,
            challenge: Some(CodeChallenge(self.digest())),
            dpop_jkt: Some(Thumbprint(self.digest())),
            nonce: Some(Nonce("n-0S6_WzA2Mj".into())),
            scopes: scopes("openid profile email"),
            claims: WantedClaims { id_token: ["email".to_owned()].into(), ..WantedClaims::default() },
            resources: resources("https://api.example.com/v1"),
            account: session.account,
            session: session.id,
            provider: session.provider.clone(),
            link: session.link,
            auth_time: session.auth_time,
            acr: session.acr.clone(),
            amr: session.amr.clone(),
            login: self.login(),
            grant: GrantId::new(self.now, &self.entropy),
            issued: self.now,
            expires: self.now + self.lifetimes.code,
            redeemed: None,
        }
    }

    /// What redeeming `code` makes; it has a refresh family.
    pub fn grant(&self, code: &Code, client: &Client) -> Grant {
        let confirmation = Confirmation { key: code.dpop_jkt, certificate: Some(Thumbprint(self.digest())) };
        Grant { confirmation, ..Grant::from_code(code, client, self.now, &self.lifetimes) }
    }

    /// A grant of a new session of a new account.
    pub fn any_grant(&self, client: &Client) -> Grant {
        self.grant(&self.code(client, &self.session(&self.account())), client)
    }

    /// An event that names an account, a client and a login.
    pub fn event(&self, name: EventName, account: &Account, client: &Client) -> AuditEvent {
        let source = Source { ip: "2001:db8::7".parse().ok(), user_agent: Some("Mozilla/5.0 (X11; Linux x86_64)".into()), country: None };
        let witness = Witness { now: self.now, source, trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()) };
        AuditEvent {
            account: Some(account.id),
            client: Some(client.id.clone()),
            login: Some(self.login()),
            provider: Some(provider_id("github")),
            scopes: Some(scopes("openid profile")),
            ..witness.event(name, Outcome::Success, Actor::Account(account.id), &self.entropy)
        }
    }

    /// The same event as `event`, at another moment and with an id to match.
    pub fn later(&self, event: &AuditEvent, by: Duration) -> AuditEvent {
        let time = event.time + by;
        AuditEvent { id: EventId::new(time, &self.entropy), time, ..event.clone() }
    }

    /// A chain that has just begun.
    pub fn chain_head(&self) -> ChainHead {
        ChainHead {
            chain: uuid::Uuid::from_bytes([7; 16]),
            version: 1,
            seq: 0,
            hash: self.digest(),
            signed: 0,
            unsigned_since: None,
            base: 0,
            keeper: uuid::Uuid::from_bytes([8; 16]),
            kept_until: self.now,
            key: PublicKey([9; 32]),
            private_key: self.sealed(),
        }
    }

    /// A place in it. Nothing was hashed for that: stores take any digests.
    pub fn chain_link(&self, seq: i64) -> ChainLink {
        ChainLink { seq, prev: self.digest(), hash: self.digest() }
    }

    /// A key that signs from now on.
    pub fn signing_key(&self, kid: &str, follows: Option<&str>) -> SigningKey {
        const DAY: Duration = Duration::from_hours(24);
        SigningKey {
            kid: kid.into(),
            alg: SigningAlg::Rs256,
            sealed: self.sealed(),
            follows: follows.map(str::to_owned),
            created: self.now,
            signs_from: self.now,
            signs_until: self.now + DAY * 90,
            published_until: self.now + DAY * 120,
        }
    }

    /// What an upstream gave for `link`.
    pub fn upstream_tokens(&self, link: &Link) -> UpstreamTokens {
        UpstreamTokens {
            link: link.id,
            sealed: self.sealed(),
            version: 1,
            expires: Some(self.now + Duration::from_hours(1)),
            received: self.now,
            refreshable: true,
            leased_until: None,
            used: None,
            denied: None,
            failures: 0,
            retry_after: None,
        }
    }

    /// A provider made by the admin API, version 1.
    pub fn provider(&self, id: &str) -> StoredProvider {
        let settings = Claims::from_iter([("preset".to_owned(), "oidc".into()), ("label".to_owned(), format!("The house {id}").into())]);
        StoredProvider {
            id: provider_id(id),
            version: 1,
            disabled: false,
            managed_by: None,
            settings,
            secrets: Some(self.sealed()),
            created: self.now,
            updated: self.now,
        }
    }

    /// The name of an access token.
    pub fn token(&self, grant: Option<GrantId>) -> TokenId {
        TokenId { grant, random: u128::from_be_bytes(self.bytes()) }
    }

    /// An attempt's id.
    pub fn attempt(&self) -> AttemptId {
        AttemptId::new(&self.entropy)
    }

    /// A login's id.
    pub fn login(&self) -> LoginId {
        LoginId::new(self.now, &self.entropy)
    }

    /// The digest of something.
    pub fn digest(&self) -> Digest {
        Digest(self.bytes())
    }

    /// An end, now.
    pub fn revoked(&self, by: RevokedBy) -> Revoked {
        Revoked { at: self.now, by }
    }

    fn sealed(&self) -> Sealed {
        Sealed(self.bytes::<48>().to_vec())
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.entropy.fill(&mut bytes);
        bytes
    }
}

/// Puts an event into the chain.
pub fn sealing(event: &AuditEvent, link: ChainLink, personal: Option<Sealed>) -> Write {
    Write::SealEvent(Box::new(SealedEvent { id: event.id, time: event.time, link, record: chained(event), personal }))
}

/// A `client_id`.
///
/// # Panics
/// When it is none.
pub fn client_id(text: &str) -> ClientId {
    ClientId::parse(text).expect("a client_id")
}

/// A provider's name.
///
/// # Panics
/// When it is none.
pub fn provider_id(text: &str) -> ProviderId {
    ProviderId::parse(text).expect("a provider's name")
}

/// A registered address.
///
/// # Panics
/// When it can't be registered.
pub fn registered(text: &str) -> RegisteredUri {
    RegisteredUri::parse(text).expect("an address that can be registered")
}

/// A resource that an app asked for.
///
/// # Panics
/// When the text is no resource.
pub fn resources(text: &str) -> Resources {
    let client = Client { audiences: vec![text.to_owned()], ..Sample::default().client("app") };
    Resources::parse(&client.audiences, &client).expect("a resource")
}

/// A set of scopes.
///
/// # Panics
/// When the text is no list of scopes.
pub fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).expect("scopes")
}
