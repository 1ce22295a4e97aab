//! Apps that register themselves (RFC 7591), and look after that (RFC 7592).

use secrecy::{ExposeSecret, SecretString};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    change::{self, difference},
    client::{Client, Origin},
    grant::{Revoked, RevokedBy},
    ids::ClientId,
    registration::{Draft, FieldFault, facts},
    secret::Purpose,
    self_registration::{RegistrationMode, RegistrationToken, SelfDraft, SelfRegistration},
    store::{Changes, Contest, StoreError, Write},
};

use crate::{Gateway, NewSecret, clients::new_client_id, codec};

/// Why an app could not register, or not look after its registration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelfFault {
    /// Nobody may.
    Off,
    /// No token, or one that is not good for this: one answer for all, so that nobody learns which clients exist.
    Unauthorized,
    /// Too often from one place; seconds to wait.
    SlowDown(u64),
    /// There are as many such apps as there may be.
    Full,
    /// What it says breaks rules; all of them at once.
    Invalid(Vec<FieldFault>),
    /// The database.
    Store(StoreError),
}

impl From<StoreError> for SelfFault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A registration that an app just made or changed. Only now are its secrets seen.
#[derive(Debug)]
pub struct SelfRegistered {
    /// The client.
    pub client: Client,
    /// Its secret, if one was made.
    pub secret: Option<NewSecret>,
    /// Opens the registration (RFC 7592 §3).
    pub token: SecretString,
}

/// Who calls for a registration that is there.
#[derive(Debug)]
pub struct Holder<'a> {
    /// The client's id, as it stands in the address.
    pub id: &'a str,
    /// The registration access token, if one came.
    pub token: Option<&'a str>,
}

/// What a replacement says of who it is for (RFC 7592 §2.2).
#[derive(Debug, Default)]
pub struct Repeated {
    /// `client_id`.
    pub client_id: Option<String>,
    /// `client_secret`.
    pub client_secret: Option<SecretString>,
}

/// No client id has a space, so no client shares these counts.
const REGISTERING: &str = " register";
const LOOKING_AFTER: &str = " registration";

/// How often the use of a token is tried that others use at the same time.
const TRIES: usize = 8;

/// How often it is noted that an app is in use.
const NOTED_EVERY: std::time::Duration = std::time::Duration::from_hours(24);

impl Gateway {
    fn rules(&self) -> Result<&SelfRegistration, SelfFault> {
        Some(&self.settings.registration).filter(|rules| rules.mode != RegistrationMode::Off).ok_or(SelfFault::Off)
    }

    /// Registers an app that asks for it (RFC 7591 §3). `token` is the initial access token, if one came.
    pub async fn register_itself(&self, witness: &Witness, token: Option<&str>, asked: SelfDraft) -> Result<SelfRegistered, SelfFault> {
        let rules = self.rules()?;
        if let Some(seconds) = self.registrations.wait(witness.source.ip, REGISTERING, witness.now) {
            return Err(SelfFault::SlowDown(seconds));
        }
        // Whatever it comes to, and before it does: a registration costs a row, a refusal may be a guess, and many may come at once (attacks 61, 84).
        if self.registrations.count(witness.source.ip, REGISTERING, witness.now) {
            let event = self.event(witness, EventName::AbuseRateLimited, Outcome::Denied, Actor::Anonymous);
            self.record_failure(witness, AuditEvent { reason: Some(Reason::ClientRate), ..event }, Vec::new()).await;
        }
        let registered = self.register_within(witness, rules, token, asked).await;
        if let Err(fault) = &registered {
            self.record_refusal(witness, None, fault).await;
        }
        registered
    }

    async fn register_within(
        &self,
        witness: &Witness,
        rules: &SelfRegistration,
        token: Option<&str>,
        asked: SelfDraft,
    ) -> Result<SelfRegistered, SelfFault> {
        let first = self.admission(witness, rules, token).await?;
        let draft = rules.bound(asked).map_err(SelfFault::Invalid)?;
        let mut client = self.settled(witness, &new_client_id(self.entropy.as_ref()), &draft).await?;
        if self.store.count_self_registered().await? >= rules.most_clients {
            return Err(SelfFault::Full);
        }
        let (token, digest) = self.registration_access_token();
        client.origin = Origin::Dynamic { token: digest, kept_until: witness.now + rules.unused };
        client.version = witness.now.as_millis();
        let (secrets, secret) = self.secrets_for(witness, &[], &client);
        client.secrets = secrets;
        self.admit(witness, first, &client).await?;
        Ok(SelfRegistered { client, secret, token })
    }

    /// The token that lets somebody in, where one is needed (RFC 7591 §3.1).
    async fn admission(
        &self,
        witness: &Witness,
        rules: &SelfRegistration,
        token: Option<&str>,
    ) -> Result<Option<RegistrationToken>, SelfFault> {
        if rules.mode == RegistrationMode::Open {
            return Ok(None);
        }
        let token = token.ok_or(SelfFault::Unauthorized)?;
        let known = self.store.registration_token(&self.sealer.hash(token.as_bytes())).await?;
        known.filter(|known| known.is_good(witness.now)).map(Some).ok_or(SelfFault::Unauthorized)
    }

    /// Writes the client, and that its token was used. Others may use the same token meanwhile; then it is looked at anew.
    async fn admit(&self, witness: &Witness, first: Option<RegistrationToken>, client: &Client) -> Result<(), SelfFault> {
        let event = AuditEvent {
            client: Some(client.id.clone()),
            ..self.event(witness, EventName::ClientCreated, Outcome::Success, Actor::Anonymous)
        };
        let put = Write::PutClient { client: Box::new(client.clone()), expected: None };
        let Some(mut token) = first else {
            let event = AuditEvent { detail: Some("registered itself".into()), ..event };
            return Ok(self.commit(Changes::default().write(put).event(event)).await?);
        };
        for _ in 0..TRIES {
            let event = AuditEvent { detail: Some(format!("registered itself with the token {}", token.id)), ..event.clone() };
            let used = Write::PutRegistrationToken { token: token.used(), expected: Some(token.version) };
            match self.commit(Changes::default().write(used).write(put.clone()).event(event)).await {
                Err(StoreError::Conflict(Contest::RegistrationToken)) => {
                    let again = self.store.registration_token(&token.digest).await?;
                    token = again.filter(|known| known.is_good(witness.now)).ok_or(SelfFault::Unauthorized)?;
                }
                done => return Ok(done?),
            }
        }
        Err(SelfFault::SlowDown(1))
    }

    /// A registration, for whoever holds its token (RFC 7592 §2.1).
    pub async fn own_registration(&self, witness: &Witness, holder: Holder<'_>) -> Result<Client, SelfFault> {
        self.rules()?;
        let ip = witness.source.ip;
        if let Some(seconds) = self.secret_failures.wait(ip, LOOKING_AFTER, witness.now) {
            return Err(SelfFault::SlowDown(seconds));
        }
        let client = match ClientId::parse(holder.id) {
            Ok(id) => self.store.client(&id).await?,
            Err(_) => None,
        };
        let digest = self.sealer.hash(holder.token.unwrap_or_default().as_bytes());
        let is_theirs = |client: &Client| !client.disabled && matches!(&client.origin, Origin::Dynamic { token, .. } if *token == digest);
        if let Some(client) = client.filter(|client| is_theirs(client)) {
            return Ok((*client).clone());
        }
        self.secret_failures.count(ip, LOOKING_AFTER, witness.now);
        self.record_refusal(witness, None, &SelfFault::Unauthorized).await;
        Err(SelfFault::Unauthorized)
    }

    /// Replaces a registration as a whole: what is left out has its default again (RFC 7592 §2.2). The token that opened it works no more;
    /// whoever got hold of it loses it with the next change.
    pub async fn replace_own_registration(
        &self,
        witness: &Witness,
        holder: Holder<'_>,
        repeated: Repeated,
        asked: SelfDraft,
    ) -> Result<SelfRegistered, SelfFault> {
        let present = self.own_registration(witness, holder).await?;
        let replaced = self.replace_within(witness, &present, repeated, asked).await;
        if let Err(fault) = &replaced {
            self.record_refusal(witness, Some(&present), fault).await;
        }
        replaced
    }

    async fn replace_within(
        &self,
        witness: &Witness,
        present: &Client,
        repeated: Repeated,
        asked: SelfDraft,
    ) -> Result<SelfRegistered, SelfFault> {
        self.is_itself(witness, present, &repeated)?;
        // What an operator said stays, and a profile that was demanded is demanded of what comes in its place.
        let draft = Draft {
            profile: present.profile.map(|profile| profile.to_string()),
            ..self.rules()?.bound(asked).map_err(SelfFault::Invalid)?
        };
        let checked = self.settled(witness, present.id.as_str(), &draft).await?.with_operators_word(present);
        let (secrets, new) = self.secrets_for(witness, &present.secrets, &checked);
        let (token, digest) = self.registration_access_token();
        let kept_until = present.origin.kept_until().unwrap_or(witness.now);
        let origin = Origin::Dynamic { token: digest, kept_until };
        let client = Client { origin, secrets, created: present.created, version: present.version + 1, ..checked };
        let event = AuditEvent {
            client: Some(client.id.clone()),
            // By name alone: how much an app says, and how often, is not an operator's doing.
            detail: Some(change::names(&difference(&facts(present), &facts(&client)))),
            ..self.event(witness, EventName::ClientUpdated, Outcome::Success, Actor::Client(client.id.clone()))
        };
        self.commit(
            Changes::default().write(Write::PutClient { client: Box::new(client.clone()), expected: Some(present.version) }).event(event),
        )
        .await?;
        Ok(SelfRegistered { client, secret: new, token })
    }

    /// RFC 7592 §2.2: the id must be its own, and a secret can't be chosen.
    fn is_itself(&self, witness: &Witness, present: &Client, repeated: &Repeated) -> Result<(), SelfFault> {
        let fault = |pointer: &str, message: &str| {
            Err(SelfFault::Invalid(vec![FieldFault { pointer: pointer.to_owned(), message: message.to_owned() }]))
        };
        match repeated.client_id.as_deref() {
            Some(id) if id == present.id.as_str() => {}
            Some(_) => return fault("/client_id", "is another client's"),
            None => return fault("/client_id", "is missing; it must be the client's own (RFC 7592 section 2.2)"),
        }
        let Some(secret) = &repeated.client_secret else { return Ok(()) };
        let secret = secret.expose_secret().as_bytes();
        let alive = present.secrets.iter().filter(|kept| kept.is_alive(witness.now));
        if alive.filter(|kept| self.sealer.tag_matches(Purpose::ClientSecret, secret, &kept.digest)).count() == 0 {
            return fault("/client_secret", "is not the client's; secrets are made here");
        }
        Ok(())
    }

    /// Ends a registration; whatever it was given stops working (RFC 7592 §2.3).
    pub async fn end_own_registration(&self, witness: &Witness, holder: Holder<'_>) -> Result<(), SelfFault> {
        let present = self.own_registration(witness, holder).await?;
        let revoked = Revoked { at: witness.now, by: RevokedBy::Client };
        let event = self.event(witness, EventName::ClientDeleted, Outcome::Success, Actor::Client(present.id.clone()));
        let changes = Changes::default()
            .write(Write::DeleteClient { id: present.id.clone(), expected: present.version })
            .write(Write::RevokeClientGrants { client: present.id.clone(), revoked })
            .write(Write::DropClientConsents { client: present.id.clone() })
            .event(AuditEvent { client: Some(present.id), ..event });
        Ok(self.commit(changes).await?)
    }

    async fn settled(&self, witness: &Witness, id: &str, draft: &Draft) -> Result<Client, SelfFault> {
        let client = self.registered(witness, id, draft).await?.map_err(SelfFault::Invalid)?;
        SelfRegistration::settle(client).map_err(SelfFault::Invalid)
    }

    /// 256 random bits, of which only the digest is kept.
    fn registration_access_token(&self) -> (SecretString, vestibule_domain::secret::Digest) {
        let token = codec::random_text(self.entropy.as_ref());
        let digest = self.sealer.hash(token.as_bytes());
        (token.into(), digest)
    }

    async fn record_refusal(&self, witness: &Witness, client: Option<&Client>, fault: &SelfFault) {
        let (reason, outcome) = match fault {
            SelfFault::Unauthorized => (Reason::BadSecret, Outcome::Failure),
            SelfFault::Full => (Reason::TooManyClients, Outcome::Denied),
            SelfFault::Invalid(_) => (Reason::BadMetadata, Outcome::Failure),
            SelfFault::Off | SelfFault::SlowDown(_) => return,
            SelfFault::Store(_) => (Reason::Internal, Outcome::Failure),
        };
        let event = self.event(witness, EventName::ClientRegistrationRefused, outcome, Actor::Anonymous);
        let client = client.map(|client| client.id.clone());
        self.record_failure(witness, AuditEvent { reason: Some(reason), client, ..event }, Vec::new()).await;
    }

    /// What keeps a client that registered itself, because somebody uses it; nothing for others, or if that was written today already.
    pub(crate) fn keeping(&self, witness: &Witness, client: &Client) -> Option<Write> {
        client.origin.kept_until()?;
        // As long as anything it was given may be used, and until it is noted again.
        let until = witness.now + self.settings.registration.unused.max(self.settings.lifetimes.refresh_idle) + NOTED_EVERY;
        self.kept_today.first(&client.id, witness.now).then(|| Write::KeepClient { id: client.id.clone(), until })
    }
}
