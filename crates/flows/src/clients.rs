//! The admin API's use cases: registering apps.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::Map;
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Witness},
    change::{self, difference},
    client::{AuthMethod, Client, ClientSecret, KeySource, MOST_SECRETS},
    configuration::SettingFault,
    grant::{Revoked, RevokedBy},
    ids::{ClientId, ManagerName, SecretId},
    managed::{Editor, KeptElsewhere},
    operator::AdminScope,
    ports::Entropy,
    registration::{Draft, FieldFault, facts_with_secrets},
    secret::Purpose,
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
};

use crate::{Gateway, codec, console::CONSOLE_NAME, own_page::OWN_NAME};

/// Why the admin API did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminFault {
    /// No key, or none of ours.
    Unauthorized,
    /// Too many wrong keys from one place; seconds to wait.
    SlowDown(u64),
    /// The key may not do this; the scope that it lacks.
    Forbidden(AdminScope),
    /// The key is used too often; seconds to wait.
    TooMany(u64),
    /// No such client or secret.
    NotFound,
    /// A client of this id is there already.
    Exists,
    /// What was sent breaks rules; all of them at once.
    Invalid(Vec<FieldFault>),
    /// A change without `If-Match` could overwrite somebody's.
    PreconditionRequired,
    /// Somebody changed it meanwhile; the version that is there now.
    PreconditionFailed(Option<i64>),
    /// Two secrets are alive; one must go first.
    TooManySecrets,
    /// A confidential client never has none (revoke the client, or add another first).
    LastSecret,
    /// A client that proves who it is in another way, or not at all, has no secrets.
    NoSecrets,
    /// It stands in a file of the configuration, which is where it is changed.
    ManagedElsewhere(String),
    /// The key is not whole: a character is missing or another.
    Mistyped,
    /// The key has expired.
    KeyExpired(Timestamp),
    /// Another call was made under this name.
    OtherCall,
    /// The same call is under way.
    InProgress,
    /// The same call was begun and cut off: nobody knows whether it was done.
    CutOff,
    /// The configuration can't be used as it is written; what held goes on holding.
    Configuration(Vec<SettingFault>),
    /// A set of files keeps it, which is where it is changed, unless by force.
    Kept(ManagerName),
    /// The database.
    Store(StoreError),
}

impl From<KeptElsewhere> for AdminFault {
    fn from(KeptElsewhere(keeper): KeptElsewhere) -> Self {
        Self::Kept(keeper)
    }
}

impl AdminFault {
    /// One thing that is wrong with what was sent, and where.
    pub(crate) fn at(pointer: &str, message: &(impl ToString + ?Sized)) -> Self {
        Self::Invalid(vec![FieldFault { pointer: pointer.to_owned(), message: message.to_string() }])
    }

    /// What a refused write of `contest` means: somebody changed it meanwhile.
    pub(crate) fn of_write(error: StoreError, contest: Contest) -> Self {
        match error {
            StoreError::Conflict(lost) if lost == contest => Self::PreconditionFailed(None),
            error => Self::Store(error),
        }
    }
}

/// What a change is held to: the version its editor saw, and in whose name they write.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// The version that was seen.
    pub expected: Option<i64>,
    /// Who writes.
    pub editor: Editor,
}

impl Edit {
    /// Whether this editor may shut a thing that `keeper` keeps, or open it: shutting is everybody's who may write at all, and at any time; opening is the
    /// keeper's, as any other change.
    pub(crate) fn may_disable(&self, disabled: bool, keeper: Option<&ManagerName>) -> Result<(), KeptElsewhere> {
        if disabled { Ok(()) } else { self.editor.keeper(keeper).map(drop) }
    }
}

/// The version to hold a write to, if the caller saw the one that is there.
pub fn held(expected: Option<i64>, present: i64) -> Result<i64, AdminFault> {
    match expected {
        None => Err(AdminFault::PreconditionRequired),
        Some(version) if version == present => Ok(version),
        Some(_) => Err(AdminFault::PreconditionFailed(Some(present))),
    }
}

/// A person who saw this version.
impl From<Option<i64>> for Edit {
    fn from(expected: Option<i64>) -> Self {
        Self { expected, editor: Editor::default() }
    }
}

/// A secret that was just made: the only time it is seen.
#[derive(Debug)]
pub struct NewSecret {
    /// Names it.
    pub id: SecretId,
    /// The secret itself: 256 random bits, RFC 3986 unreserved characters only, because clients mis-encode others in HTTP Basic.
    pub secret: SecretString,
    /// When it stops working, if ever.
    pub expires: Option<Timestamp>,
}

impl Gateway {
    /// One client.
    pub async fn client(&self, id: &str) -> Result<Client, AdminFault> {
        let id = ClientId::parse(id).map_err(|_| AdminFault::NotFound)?;
        let client = self.store.client(&id).await.map_err(AdminFault::Store)?.ok_or(AdminFault::NotFound)?;
        Ok((*client).clone())
    }

    /// Clients in the order of their ids, at most `limit` after `after`.
    pub async fn clients(&self, after: Option<&str>, limit: u64) -> Result<Vec<Client>, AdminFault> {
        let after = after.map(ClientId::parse).transpose().map_err(|error| AdminFault::at("/after", &error))?;
        self.store.clients(after.as_ref(), limit).await.map_err(AdminFault::Store)
    }

    /// Clients that have a text in their name, id or redirect addresses, at most `limit`, by their names. No more than the first few thousand are looked
    /// at: apps are counted in hundreds, and who has more knows their ids.
    pub async fn find_clients(&self, text: &str, limit: u64) -> Result<Vec<Client>, AdminFault> {
        const PAGE: u64 = 200;
        const MOST_PAGES: usize = 25;
        let wanted = text.trim().to_lowercase();
        let fits = |client: &Client| {
            let has = |text: &str| text.to_lowercase().contains(&wanted);
            has(&client.name) || has(client.id.as_str()) || client.redirect_uris.iter().any(|uri| has(uri.as_str()))
        };
        let mut found: Vec<Client> = Vec::new();
        let mut after: Option<ClientId> = None;
        for _ in 0..MOST_PAGES {
            let page = self.store.clients(after.as_ref(), PAGE).await.map_err(AdminFault::Store)?;
            after = page.last().filter(|_| page.len() as u64 == PAGE).map(|client| client.id.clone());
            found.extend(page.into_iter().filter(fits));
            if after.is_none() {
                break;
            }
        }
        found.sort_by_key(|client| client.name.to_lowercase());
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }

    /// Everything that is wrong with a registration. Nothing is written.
    pub async fn faults_of_client(&self, witness: &Witness, id: Option<&str>, draft: &Draft) -> Result<Vec<FieldFault>, AdminFault> {
        let made = new_client_id(self.entropy.as_ref());
        let registered = self.registered(witness, id.unwrap_or(&made), draft).await.map_err(AdminFault::Store)?;
        Ok(registered.err().unwrap_or_default())
    }

    /// Registers a client under an id of the caller's or of ours. A confidential one gets its first secret.
    pub async fn create_client(
        &self,
        witness: &Witness,
        actor: &Actor,
        id: Option<&str>,
        draft: &Draft,
    ) -> Result<(Client, Option<NewSecret>), AdminFault> {
        self.create_client_for(witness, actor, id, draft, None).await
    }

    /// The same for a set of files that keeps it from then on.
    pub async fn create_client_for(
        &self,
        witness: &Witness,
        actor: &Actor,
        id: Option<&str>,
        draft: &Draft,
        keeper: Option<ManagerName>,
    ) -> Result<(Client, Option<NewSecret>), AdminFault> {
        let made = new_client_id(self.entropy.as_ref());
        let id = id.unwrap_or(&made);
        if [OWN_NAME, CONSOLE_NAME].contains(&id) {
            return Err(AdminFault::Exists);
        }
        let registered = self.registered(witness, id, draft).await.map_err(AdminFault::Store)?;
        let mut client = registered.map_err(AdminFault::Invalid)?;
        // Asked here too, for whoever only tries it; that nobody else is faster is the write's to say.
        if self.client(id).await.is_ok() {
            return Err(AdminFault::Exists);
        }
        // Counted from when it is made, so that a version seen of a client of this id that was deleted never names this one.
        client.version = witness.now.as_millis();
        client.managed_by = keeper;
        let (secrets, secret) = self.secrets_for(witness, &[], &client);
        client.secrets = secrets;
        self.put_client(witness, actor, EventName::ClientCreated, client.clone(), None, None).await.map_err(|fault| match fault {
            AdminFault::PreconditionFailed(_) => AdminFault::Exists,
            other => other,
        })?;
        Ok((client, secret))
    }

    /// Replaces a client's registration, or makes it under this id; its secrets stay. `edit` has the version the caller saw.
    pub async fn replace_client(
        &self,
        witness: &Witness,
        actor: &Actor,
        id: &str,
        draft: &Draft,
        edit: impl Into<Edit> + Send,
    ) -> Result<(Client, Option<NewSecret>), AdminFault> {
        let Edit { expected, editor } = edit.into();
        let present = match self.client(id).await {
            Ok(present) => present,
            Err(AdminFault::NotFound) if expected.is_none() => {
                return self.create_client_for(witness, actor, Some(id), draft, editor.manager).await;
            }
            Err(AdminFault::NotFound) => return Err(AdminFault::PreconditionFailed(None)),
            Err(fault) => return Err(fault),
        };
        let managed_by = editor.keeper(present.managed_by.as_ref())?;
        let expected = held(expected, present.version)?;
        let registered = self.registered(witness, present.id.as_str(), draft).await.map_err(AdminFault::Store)?;
        let checked = registered.map_err(AdminFault::Invalid)?;
        let (secrets, new) = self.secrets_for(witness, &present.secrets, &checked);
        let client =
            Client { managed_by, origin: present.origin.clone(), secrets, created: present.created, version: expected + 1, ..checked };
        // What is so already is no change, and leaves no record of one.
        if (Client { version: present.version, updated: present.updated, ..client.clone() }) == present {
            return Ok((present, None));
        }
        self.put_client(witness, actor, EventName::ClientUpdated, client.clone(), Some(&present), None).await?;
        Ok((client, new))
    }

    /// Shuts a client out, or lets it in again. Nothing else of it is looked at, only whether the caller saw it as it is: what makes a registration invalid
    /// by today's rules is no reason to leave an app open. What files keep anybody may shut; to let it in again is theirs.
    pub async fn disable_client(
        &self,
        witness: &Witness,
        actor: &Actor,
        id: &str,
        disabled: bool,
        edit: impl Into<Edit> + Send,
    ) -> Result<Client, AdminFault> {
        let edit = edit.into();
        let present = self.client(id).await?;
        let expected = held(edit.expected, present.version)?;
        if present.disabled == disabled {
            return Ok(present);
        }
        edit.may_disable(disabled, present.managed_by.as_ref())?;
        let client = Client { disabled, updated: witness.now, version: expected + 1, ..present.clone() };
        self.put_client(witness, actor, EventName::ClientUpdated, client.clone(), Some(&present), None).await?;
        Ok(client)
    }

    /// Deletes a client; whatever it was given stops working.
    pub async fn delete_client(&self, witness: &Witness, actor: &Actor, id: &str, edit: impl Into<Edit> + Send) -> Result<(), AdminFault> {
        let Edit { expected, editor } = edit.into();
        let present = self.client(id).await?;
        editor.keeper(present.managed_by.as_ref())?;
        let expected = held(expected, present.version)?;
        let revoked = Revoked { at: witness.now, by: RevokedBy::Admin };
        let changes = Changes::default()
            .write(Write::DeleteClient { id: present.id.clone(), expected })
            .write(Write::RevokeClientGrants { client: present.id.clone(), revoked })
            .write(Write::DropClientConsents { client: present.id.clone() })
            .event(AuditEvent {
                change: difference(&facts_with_secrets(&present), &Map::new()),
                ..self.client_event(witness, actor, EventName::ClientDeleted, &present)
            });
        self.commit(changes).await.map_err(|error| AdminFault::of_write(error, Contest::Client))
    }

    /// Adds a secret. The others may be given an end, so that a change of secret has the overlap the caller chose.
    pub async fn add_secret(
        &self,
        witness: &Witness,
        actor: &Actor,
        id: &str,
        lives: Option<Duration>,
        others_live: Option<Duration>,
    ) -> Result<(Client, NewSecret), AdminFault> {
        let present = self.client(id).await?;
        if !present.auth_method.has_secret() {
            return Err(AdminFault::NoSecrets);
        }
        let mut secrets: Vec<ClientSecret> = present.secrets.iter().filter(|secret| secret.is_alive(witness.now)).cloned().collect();
        if secrets.len() >= MOST_SECRETS {
            return Err(AdminFault::TooManySecrets);
        }
        if let Some(left) = others_live {
            let end = witness.now + left;
            for secret in &mut secrets {
                secret.expires = Some(secret.expires.map_or(end, |expires| expires.min(end)));
            }
        }
        let (kept, new) = self.new_secret(witness, &present, lives);
        secrets.push(kept);
        let client = Client { secrets, updated: witness.now, version: present.version + 1, ..present.clone() };
        let detail = Some(format!("secret {}", new.id));
        self.put_client(witness, actor, EventName::ClientSecretAdded, client.clone(), Some(&present), detail).await?;
        Ok((client, new))
    }

    /// Revokes a secret at once, unless it is the last that works.
    pub async fn revoke_secret(&self, witness: &Witness, actor: &Actor, id: &str, secret: &str) -> Result<Client, AdminFault> {
        let present = self.client(id).await?;
        let secret: SecretId = secret.parse().map_err(|_| AdminFault::NotFound)?;
        let (gone, left): (Vec<_>, Vec<_>) = present.secrets.iter().cloned().partition(|kept| kept.id == secret);
        if gone.is_empty() {
            return Err(AdminFault::NotFound);
        }
        if !left.iter().any(|kept| kept.is_alive(witness.now)) {
            return Err(AdminFault::LastSecret);
        }
        let client = Client { secrets: left, updated: witness.now, version: present.version + 1, ..present.clone() };
        let detail = Some(format!("secret {secret}"));
        self.put_client(witness, actor, EventName::ClientSecretRevoked, client.clone(), Some(&present), detail).await?;
        Ok(client)
    }

    /// The client that a draft makes, or everything that is wrong with it at once; what only adapters can tell about its keys included.
    pub(crate) async fn registered(
        &self,
        witness: &Witness,
        id: &str,
        draft: &Draft,
    ) -> Result<Result<Client, Vec<FieldFault>>, StoreError> {
        let checked = draft.check(id, &self.offered(witness).await?, witness.now);
        let about_keys = draft.jwks.as_ref().and_then(|jwks| self.checker.fault_of_keys(jwks.to_string().as_bytes()));
        let about_keys = about_keys.map(|message| FieldFault { pointer: "/jwks".into(), message });
        let about_address = match &checked {
            Ok(Client { keys: Some(KeySource::Published(address)), .. }) if !self.client_keys.permits(address) => Some(FieldFault {
                pointer: "/jwks_uri".into(),
                message: "is not reached: it must be https, at port 443 and on the public internet, unless egress.allow says otherwise"
                    .into(),
            }),
            _ => None,
        };
        let others: Vec<_> = about_keys.into_iter().chain(about_address).collect();
        Ok(match checked {
            Ok(client) if others.is_empty() => Ok(client),
            Ok(_) => Err(others),
            Err(faults) => Err(faults.into_iter().chain(others).collect()),
        })
    }

    /// Those of its secrets that a client as it is now can use, and a new one if it needs one and none of them works.
    pub(crate) fn secrets_for(
        &self,
        witness: &Witness,
        present: &[ClientSecret],
        client: &Client,
    ) -> (Vec<ClientSecret>, Option<NewSecret>) {
        let mut secrets = fitting(present, client.auth_method);
        if !client.auth_method.has_secret() || secrets.iter().any(|secret| secret.is_alive(witness.now)) {
            return (secrets, None);
        }
        let (kept, new) = self.new_secret(witness, client, None);
        secrets.push(kept);
        (secrets, Some(new))
    }

    /// A secret, and what is kept of it: a digest, and the secret itself, sealed, only where it is the key of an HMAC.
    fn new_secret(&self, witness: &Witness, client: &Client, lives: Option<Duration>) -> (ClientSecret, NewSecret) {
        let secret = codec::random_text(self.entropy.as_ref());
        let id = SecretId::new(witness.now, self.entropy.as_ref());
        let expires = lives.map(|lives| witness.now + lives);
        let digest = self.sealer.tag(Purpose::ClientSecret, secret.as_bytes());
        let sealed = (client.auth_method == AuthMethod::ClientSecretJwt)
            .then(|| self.sealer.seal(Purpose::ClientSecret, &place_of_secret(&client.id, id), secret.as_bytes()));
        (ClientSecret { id, digest, sealed, created: witness.now, expires }, NewSecret { id, secret: secret.into(), expires })
    }

    /// The secret itself, where it was kept.
    pub(crate) fn open_secret(&self, client: &ClientId, kept: &ClientSecret) -> Option<SecretString> {
        let plain = self.sealer.open(Purpose::ClientSecret, &place_of_secret(client, kept.id), kept.sealed.as_ref()?)?;
        String::from_utf8(plain).ok().map(SecretString::from)
    }

    async fn put_client(
        &self,
        witness: &Witness,
        actor: &Actor,
        name: EventName,
        client: Client,
        present: Option<&Client>,
        detail: Option<String>,
    ) -> Result<(), AdminFault> {
        let change = difference(&present.map(facts_with_secrets).unwrap_or_default(), &facts_with_secrets(&client));
        let detail = detail.or_else(|| present.map(|_| change::names(&change)));
        let event = AuditEvent { detail, change, ..self.client_event(witness, actor, name, &client) };
        let expected = present.map(|present| present.version);
        let changes = Changes::default().write(Write::PutClient { client: Box::new(client), expected }).event(event);
        self.commit(changes).await.map_err(|error| AdminFault::of_write(error, Contest::Client))
    }

    fn client_event(&self, witness: &Witness, actor: &Actor, name: EventName, client: &Client) -> AuditEvent {
        AuditEvent { client: Some(client.id.clone()), ..self.event(witness, name, Outcome::Success, actor.clone()) }
    }
}

/// What a sealed secret is bound to, so that none can be moved to another client's row.
fn place_of_secret(client: &ClientId, secret: SecretId) -> Vec<u8> {
    format!("{client}\n{secret}").into_bytes()
}

/// The secrets that go on working when a client proves who it is by this method. An HMAC needs those that were kept for one; any other method gets
/// rid of what it does not need.
fn fitting(secrets: &[ClientSecret], method: AuthMethod) -> Vec<ClientSecret> {
    let digest_only = |secret: &ClientSecret| ClientSecret { sealed: None, ..secret.clone() };
    match method {
        AuthMethod::ClientSecretJwt => secrets.iter().filter(|secret| secret.sealed.is_some()).cloned().collect(),
        method if method.has_secret() => secrets.iter().map(digest_only).collect(),
        _ => Vec::new(),
    }
}

/// A client id that nobody chose: 132 random bits.
pub(crate) fn new_client_id(entropy: &dyn Entropy) -> String {
    let made = codec::random_text(entropy);
    made.get(..22).unwrap_or(&made).to_owned()
}
