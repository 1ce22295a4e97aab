//! `/token`: codes, refresh tokens and clients' own credentials become tokens.

use std::sync::Arc;

use vestibule_domain::{
    account::{Account, Link},
    actors::Actors,
    audit::{self, Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    authorize::is_code_verifier,
    client::{Client, GrantType, SigningAlg},
    code::{Code, CodeFault, Verifier},
    error::{OAuthError, OAuthErrorCode},
    grant::{Grant, Refresh, RefreshFault, Revoked, RevokedBy},
    ids::{AccountId, GrantId, LinkId, ProviderId},
    limits::Limit,
    possession::{Confirmation, ProofFault},
    resource::{self, Resources},
    scope::Scopes,
    store::{Changes, Contest, StoreError, Write},
    time::Timestamp,
    token::{AccessToken, IdToken, Subject, TokenId},
};

use crate::{
    Exchanged, Fault, Gateway, Presented,
    client_auth::unavailable,
    possession::{Shown, lost},
    refresh_token,
};

/// A token request. Empty is absent.
#[derive(Default)]
#[expect(missing_docs, reason = "the names are the specifications'")]
pub struct TokenAsked {
    pub grant_type: Option<String>,
    pub code: Option<String>,
    pub redirect_uri: Option<String>,
    pub code_verifier: Option<String>,
    pub refresh_token: Option<String>,
    pub device_code: Option<String>,
    pub scope: Option<String>,
    pub subject_token: Option<String>,
    pub subject_token_type: Option<String>,
    pub actor_token: Option<String>,
    pub actor_token_type: Option<String>,
    pub requested_token_type: Option<String>,
    pub audience: Option<String>,
    /// As often as it came (RFC 8707 §2).
    pub resources: Vec<String>,
    /// Names of known parameters that came more than once.
    pub repeated: Vec<&'static str>,
}

/// It holds codes and tokens.
impl std::fmt::Debug for TokenAsked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenAsked").field("grant_type", &self.grant_type).finish_non_exhaustive()
    }
}

/// What the token endpoint gives.
#[derive(Debug)]
pub enum Answered {
    /// Tokens of ours.
    Issued(Issued),
    /// A token in exchange for another (RFC 8693).
    Exchanged(Exchanged),
}

/// Tokens for an app.
pub struct Issued {
    /// RFC 9068.
    pub access_token: String,
    /// Whether it is bound to the key of the request's proof.
    pub is_bound_to_key: bool,
    /// For how many seconds it is good.
    pub expires_in: u64,
    /// The next refresh token, if the client has any.
    pub refresh_token: Option<String>,
    /// When `openid` was granted.
    pub id_token: Option<String>,
    /// What was granted.
    pub scopes: Scopes,
}

/// What an access token is good for, and in whose hands.
struct Extent {
    scopes: Scopes,
    audiences: Vec<String>,
    confirmation: Confirmation,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Answers a token request (OAuth 2.1 §3.2).
    pub async fn token(&self, witness: &Witness, presented: &Presented, asked: TokenAsked) -> Result<Answered, OAuthError> {
        if let Some(name) = asked.repeated.first() {
            return Err(OAuthError::invalid_request(format!("{name} came more than once")));
        }
        let grant_type = asked.grant_type.as_deref().ok_or_else(|| OAuthError::invalid_request("grant_type is missing"))?;
        let client = self.authenticate(witness, presented).await?;
        self.admit_client(witness, Limit::Token, &client).await?;
        let grant_type: GrantType = grant_type.parse().map_err(|()| {
            OAuthError::new(
                OAuthErrorCode::UnsupportedGrantType,
                "there are authorization_code, refresh_token, client_credentials, device_code and token exchange",
            )
        })?;
        let failed = match grant_type {
            GrantType::AuthorizationCode | GrantType::DeviceCode => EventName::CodeFailed,
            GrantType::RefreshToken => EventName::TokenRefreshFailed,
            GrantType::ClientCredentials => EventName::ClientCredentialsFailed,
            GrantType::TokenExchange => EventName::TokenExchangeFailed,
        };
        if !client.grant_types.contains(&grant_type) {
            let event = self.token_event(witness, failed, &client, Outcome::Denied);
            self.record_unless_stranger(witness, AuditEvent { reason: Some(Reason::GrantNotAllowed), ..event }, &client).await;
            let why = "this client is not registered for this grant_type";
            return Err(OAuthError::new(OAuthErrorCode::UnauthorizedClient, why));
        }
        let shown = match self.shown_by(&client, presented, witness.now) {
            Ok(shown) => shown,
            Err(fault) => return Err(self.unproven(witness, &client, failed, fault).await),
        };
        let answered = match grant_type {
            GrantType::AuthorizationCode => self.redeem(witness, &client, &asked, &shown).await.map(Answered::Issued),
            GrantType::RefreshToken => self.refresh(witness, &client, &asked, &shown).await.map(Answered::Issued),
            GrantType::ClientCredentials => self.client_credentials(witness, &client, &asked, &shown).await.map(Answered::Issued),
            GrantType::DeviceCode => self.redeem_device(witness, &client, &asked, &shown).await.map(Answered::Issued),
            GrantType::TokenExchange => self.exchange(witness, &client, &asked, &shown).await.map(Answered::Exchanged),
        };
        match answered {
            // Nobody can say whether the first use was the client's own: it is written down, and nothing is ended.
            Err(error) if error == ProofFault::Replayed.to_oauth() => {
                Err(self.unproven(witness, &client, failed, ProofFault::Replayed).await)
            }
            answered => answered,
        }
    }

    /// Records that a proof of possession is missing or does not hold. Having to come again with a nonce is the usual way, and no failure.
    async fn unproven(&self, witness: &Witness, client: &Client, failed: EventName, fault: ProofFault) -> OAuthError {
        if fault != ProofFault::Nonce {
            let event = self.token_event(witness, failed, client, Outcome::Failure);
            let event = AuditEvent { reason: Some(Reason::Proof), detail: Some(fault.explanation().into()), ..event };
            self.record_unless_stranger(witness, event, client).await;
        }
        fault.to_oauth()
    }

    async fn redeem(&self, witness: &Witness, client: &Client, asked: &TokenAsked, shown: &Shown) -> Result<Issued, OAuthError> {
        let text = asked.code.as_deref().ok_or_else(|| OAuthError::invalid_request("code is missing"))?;
        let digest = self.sealer.hash(text.as_bytes());
        let Some(code) = self.store.code(&digest).await.map_err(unavailable)? else {
            let event = self.token_event(witness, EventName::CodeFailed, client, Outcome::Failure);
            self.record_unless_stranger(witness, AuditEvent { reason: Some(Reason::Unknown), ..event }, client).await;
            return Err(OAuthError::invalid_grant("this code is not known"));
        };
        self.redeem_code(witness, client, &code, asked, shown, GrantType::AuthorizationCode).await
    }

    /// From a code that was found, whoever brought it and how, to what it stands for.
    pub(crate) async fn redeem_code(
        &self,
        witness: &Witness,
        client: &Client,
        code: &Code,
        asked: &TokenAsked,
        shown: &Shown,
        grant_type: GrantType,
    ) -> Result<Issued, OAuthError> {
        if let Err(fault) = self.check_code(code, client, asked, shown, witness.now).await.map_err(unavailable)? {
            return Err(self.refuse_code(witness, client, code, fault).await);
        }
        let failed = (EventName::CodeFailed, grant_type);
        let person = self.welcome_account(witness, client, code.account, (&code.provider, code.link), failed).await?;
        let confirmation = shown.confirmation.clone();
        let grant = Grant { confirmation, ..Grant::from_code(code, client, witness.now, &self.settings.lifetimes) };
        let extent = self.extent(client, &grant, None, asked, shown)?;
        let audience = audit::audience(&extent.audiences);
        let event = AuditEvent { grant_type: Some(grant_type), audience, ..self.grant_event(witness, EventName::CodeRedeemed, &grant) };
        let changes = Changes::default()
            .write(Write::RedeemCode { digest: code.digest, at: witness.now })
            .write(Write::AddGrant(grant.clone()))
            .event(AuditEvent { auth_method: Some(client.auth_method), ..event });
        let changes = self.joins(witness, changes, client, code).and(self.keeping(witness, client));
        match self.commit(shown.spent_with(changes)).await {
            Ok(()) => {
                let generation = grant.family.as_ref().map(|family| family.generation);
                self.issue(witness, client, &grant, extent, &person, generation, grant.access_expires)
            }
            Err(StoreError::Conflict(Contest::Code)) => Err(self.overtaken(witness, client, code).await),
            Err(error) => Err(lost(error)),
        }
    }

    /// Somebody redeemed the code between our look and our write, which is a replay like any other, or its session ended meanwhile, or what it stands
    /// for was taken back: that alone only the write knows.
    async fn overtaken(&self, witness: &Witness, client: &Client, code: &Code) -> OAuthError {
        let found = match self.store.code(&code.digest).await {
            Ok(Some(now)) if now.redeemed.is_none() => self.store.session_by_id(&code.session).await.map(Some),
            Ok(_) => Ok(None),
            Err(error) => Err(error),
        };
        let fault = match found {
            Ok(Some(session)) if session.as_ref().is_some_and(|session| session.ended.is_none()) => CodeFault::Withdrawn,
            Ok(Some(_)) => CodeFault::SignedOut,
            Ok(None) => CodeFault::Replayed,
            Err(error) => return unavailable(error),
        };
        self.refuse_code(witness, client, code, fault).await
    }

    async fn check_code(
        &self,
        code: &Code,
        client: &Client,
        asked: &TokenAsked,
        shown: &Shown,
        now: Timestamp,
    ) -> Result<Result<(), CodeFault>, StoreError> {
        let verifier = asked
            .code_verifier
            .as_deref()
            .map(|text| Verifier { hashed: self.sealer.hash(text.as_bytes()), is_well_formed: is_code_verifier(text) });
        if let Err(fault) = code.check(&client.id, asked.redirect_uri.as_deref(), verifier.as_ref(), now) {
            return Ok(Err(fault));
        }
        // Any other code, a device's among them, says itself how long it is good.
        if client.is_fapi2() && now >= code.issued + client.code_lifetime(&self.settings.lifetimes) {
            return Ok(Err(CodeFault::Expired));
        }
        if !code.is_for_key(shown.confirmation.key.as_ref()) {
            return Ok(Err(CodeFault::Key));
        }
        let session = self.store.session_by_id(&code.session).await?;
        let stands = session.is_some_and(|session| session.ended.is_none());
        Ok(if stands { Ok(()) } else { Err(CodeFault::SignedOut) })
    }

    /// Records why a code was refused; one that was used before takes along what it issued (RFC 9700 §4.2.4).
    async fn refuse_code(&self, witness: &Witness, client: &Client, code: &Code, fault: CodeFault) -> OAuthError {
        let event = AuditEvent {
            reason: Some(reason_of_code(fault)),
            account: Some(code.account),
            login: Some(code.login),
            grant: Some(code.grant),
            ..self.token_event(witness, EventName::CodeFailed, client, Outcome::Failure)
        };
        if fault == CodeFault::Replayed {
            let event = AuditEvent { name: EventName::TokenReuseDetected, ..event };
            if let Err(error) = self.revoke_grant(code.grant, RevokedBy::CodeReplay, witness.now, event).await {
                return unavailable(error);
            }
        } else {
            self.record_unless_stranger(witness, event, client).await;
        }
        fault.to_oauth()
    }

    async fn refresh(&self, witness: &Witness, client: &Client, asked: &TokenAsked, shown: &Shown) -> Result<Issued, OAuthError> {
        let text = asked.refresh_token.as_deref().ok_or_else(|| OAuthError::invalid_request("refresh_token is missing"))?;
        let Some((id, presented)) = refresh_token::read(text, self.sealer.as_ref()) else {
            let event = self.token_event(witness, EventName::TokenRefreshFailed, client, Outcome::Failure);
            self.record_unless_stranger(witness, AuditEvent { reason: Some(Reason::Unknown), ..event }, client).await;
            return Err(RefreshFault::Unknown.to_oauth());
        };
        // Lost to a parallel refresh, the second look finds the successor, or the end.
        for last_try in [false, true] {
            let grant = self.store.grant(&id).await.map_err(unavailable)?;
            let grant = grant.ok_or_else(|| RefreshFault::Unknown.to_oauth())?;
            // Before anything that ends a grant: whoever has a copy of an old token alone must not be able to.
            if grant.client == client.id && !grant.may_be_refreshed_with(&shown.confirmation, client) {
                return Err(self.refuse_refresh(witness, client, &grant, RefreshFault::Unproven).await);
            }
            let (from, to, family) = match grant.refresh(client, presented, witness.now, &self.settings.lifetimes) {
                Ok(Refresh::Rotate { from, to, family }) => (from, to, family),
                Ok(Refresh::Repeat { generation }) => return self.repeat(witness, client, &grant, generation, asked, shown).await,
                Ok(Refresh::Reused) => return Err(self.reused(witness, &grant).await),
                Err(fault) => return Err(self.refuse_refresh(witness, client, &grant, fault).await),
            };
            let extent = self.extent(client, &grant, asked.scope.as_deref(), asked, shown)?;
            let failed = (EventName::TokenRefreshFailed, GrantType::RefreshToken);
            self.recheck(witness, &grant).await?;
            let person = self.welcome_account(witness, client, grant.account, (&grant.provider, grant.link), failed).await?;
            let access_expires = witness.now + self.settings.lifetimes.access_token;
            let changes = Changes::default().write(Write::RotateFamily { grant: id, from, family, access_expires }).event(AuditEvent {
                grant_type: Some(GrantType::RefreshToken),
                scopes: Some(extent.scopes.clone()),
                audience: audit::audience(&extent.audiences),
                ..self.grant_event(witness, EventName::TokenRefreshed, &grant)
            });
            let changes = changes.and(self.keeping(witness, client));
            return match self.commit(shown.spent_with(changes)).await {
                Ok(()) => self.issue(witness, client, &grant, extent, &person, Some(to), access_expires),
                Err(StoreError::Conflict(Contest::Family)) if !last_try => continue,
                Err(StoreError::Conflict(Contest::Family)) => Err(OAuthError::unavailable()),
                Err(error) => Err(lost(error)),
            };
        }
        Err(OAuthError::unavailable())
    }

    /// The same successor once more for an app whose answer got lost. Its access token lives no longer than the first answer's.
    async fn repeat(
        &self,
        witness: &Witness,
        client: &Client,
        grant: &Grant,
        generation: u32,
        asked: &TokenAsked,
        shown: &Shown,
    ) -> Result<Issued, OAuthError> {
        let extent = self.extent(client, grant, asked.scope.as_deref(), asked, shown)?;
        let failed = (EventName::TokenRefreshFailed, GrantType::RefreshToken);
        let person = self.welcome_account(witness, client, grant.account, (&grant.provider, grant.link), failed).await?;
        self.spend(shown).await?;
        self.seen(&AuditEvent {
            reason: Some(Reason::Replayed),
            grant_type: Some(GrantType::RefreshToken),
            ..self.grant_event(witness, EventName::TokenRefreshed, grant)
        });
        self.issue(witness, client, grant, extent, &person, Some(generation), grant.access_expires)
    }

    async fn reused(&self, witness: &Witness, grant: &Grant) -> OAuthError {
        let event = AuditEvent {
            outcome: Outcome::Failure,
            reason: Some(Reason::Replayed),
            grant_type: Some(GrantType::RefreshToken),
            ..self.grant_event(witness, EventName::TokenReuseDetected, grant)
        };
        match self.revoke_grant(grant.id, RevokedBy::RefreshReuse, witness.now, event).await {
            Ok(()) => OAuthError::invalid_grant("this refresh token was used before; the whole grant is revoked"),
            Err(error) => unavailable(error),
        }
    }

    async fn refuse_refresh(&self, witness: &Witness, client: &Client, grant: &Grant, fault: RefreshFault) -> OAuthError {
        let reason = match fault {
            RefreshFault::Unknown if grant.client != client.id => Reason::OtherClient,
            RefreshFault::Unknown => Reason::Unknown,
            RefreshFault::Revoked => Reason::Revoked,
            RefreshFault::Expired => Reason::Expired,
            RefreshFault::Unproven => Reason::Proof,
        };
        let event = AuditEvent {
            reason: Some(reason),
            grant: Some(grant.id),
            ..self.token_event(witness, EventName::TokenRefreshFailed, client, Outcome::Failure)
        };
        self.record_unless_stranger(witness, event, client).await;
        fault.to_oauth()
    }

    async fn client_credentials(
        &self,
        witness: &Witness,
        client: &Client,
        asked: &TokenAsked,
        shown: &Shown,
    ) -> Result<Issued, OAuthError> {
        let extent = client.own_scopes(asked.scope.as_deref()).map_err(|error| (error, Reason::Scope)).and_then(|scopes| {
            let audiences = resource::audience(client, &Resources::default(), &asked.resources, &scopes, &self.settings.issuer);
            audiences
                .map(|audiences| Extent { scopes, audiences, confirmation: shown.confirmation.clone() })
                .map_err(|error| (error, Reason::Resource))
        });
        let extent = match extent {
            Ok(extent) => extent,
            Err((error, reason)) => {
                let event = self.token_event(witness, EventName::ClientCredentialsFailed, client, Outcome::Failure);
                self.record_failure(witness, AuditEvent { reason: Some(reason), ..event }, Vec::new()).await;
                return Err(error);
            }
        };
        let changes = Changes::default().event(AuditEvent {
            scopes: Some(extent.scopes.clone()),
            audience: audit::audience(&extent.audiences),
            grant_type: Some(GrantType::ClientCredentials),
            ..self.token_event(witness, EventName::ClientCredentialsGranted, client, Outcome::Success)
        });
        let changes = changes.and(self.keeping(witness, client));
        self.commit(shown.spent_with(changes)).await.map_err(lost)?;
        let lifetime = self.settings.lifetimes.access_token;
        let token = AccessToken {
            subject: Subject::Client(client.id.clone()),
            auth_time: None,
            acr: None,
            ..self.access_token(witness, client, None, &extent, witness.now + lifetime)
        };
        let access_token = self.signer.sign_access_token(client.access_token_alg, &token).map_err(|error| unsigned(&error))?;
        let is_bound_to_key = extent.confirmation.key.is_some();
        let expires_in = lifetime.as_secs();
        Ok(Issued { access_token, is_bound_to_key, expires_in, refresh_token: None, id_token: None, scopes: extent.scopes })
    }

    /// What a token of a grant is good for, when this is asked. Before anything is spent: an app that asked for too much asks again.
    fn extent(&self, client: &Client, grant: &Grant, scope: Option<&str>, asked: &TokenAsked, shown: &Shown) -> Result<Extent, OAuthError> {
        let scopes = grant.narrowed(client, scope)?;
        let audiences = resource::audience(client, &grant.resources, &asked.resources, &scopes, &self.settings.issuer)?;
        Ok(Extent { scopes, audiences, confirmation: shown.confirmation.clone() })
    }

    #[expect(clippy::too_many_arguments, reason = "what the answer of every grant is made from, each used once")]
    fn issue(
        &self,
        witness: &Witness,
        client: &Client,
        grant: &Grant,
        extent: Extent,
        (account, link): &(Arc<Account>, Arc<Link>),
        generation: Option<u32>,
        expires: Timestamp,
    ) -> Result<Issued, OAuthError> {
        let token = AccessToken {
            auth_time: Some(grant.auth_time),
            acr: grant.acr.clone(),
            ..self.access_token(witness, client, Some((grant, account)), &extent, expires)
        };
        let access_token = self.signer.sign_access_token(client.access_token_alg, &token).map_err(|error| unsigned(&error))?;
        let scopes = extent.scopes;
        let id_token = if scopes.has("openid") {
            let token = self.id_token(witness, client, grant, &scopes, (account, link), &access_token);
            Some(self.signer.sign_id_token(client.id_token_alg, &token).map_err(|error| unsigned(&error))?)
        } else {
            None
        };
        let refresh_token = generation.map(|generation| refresh_token::write(grant.id, generation, self.sealer.as_ref()));
        let (expires_in, is_bound_to_key) = (expires.since(witness.now).as_secs(), token.confirmation.key.is_some());
        Ok(Issued { access_token, is_bound_to_key, expires_in, refresh_token, id_token, scopes })
    }

    fn access_token(
        &self,
        witness: &Witness,
        client: &Client,
        of: Option<(&Grant, &Account)>,
        extent: &Extent,
        expires: Timestamp,
    ) -> AccessToken {
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        let subject = match of {
            Some((_, account)) => Subject::Account(account.name_at(client, self.sealer.as_ref())),
            None => Subject::Client(client.id.clone()),
        };
        AccessToken {
            issuer: self.settings.issuer.clone(),
            subject,
            audiences: extent.audiences.clone(),
            client: client.id.clone(),
            scopes: extent.scopes.clone(),
            id: TokenId { grant: of.map(|(grant, _)| grant.id), random: u128::from_be_bytes(random) },
            issued: witness.now,
            expires,
            auth_time: None,
            acr: None,
            actors: Actors::default(),
            // Nobody acts for an app, so only its people's tokens say who may.
            may_act: of.and_then(|_| client.may_act.clone()),
            confirmation: extent.confirmation.clone(),
        }
    }

    fn id_token(
        &self,
        witness: &Witness,
        client: &Client,
        grant: &Grant,
        scopes: &Scopes,
        (account, link): (&Account, &Link),
        access_token: &str,
    ) -> IdToken {
        let mut access_token_hash = [0; 16];
        access_token_hash.copy_from_slice(&self.sealer.hash(access_token.as_bytes()).0[..16]);
        // What was asked for by name is said here even where what comes by scope is not.
        let (nothing, asked) = (Scopes::default(), grant.claims_for(client, scopes).id_token);
        let said = if client.id_token_claims { scopes } else { &nothing };
        IdToken {
            issuer: self.settings.issuer.clone(),
            subject: account.name_at(client, self.sealer.as_ref()),
            client: client.id.clone(),
            issued: witness.now,
            expires: witness.now + self.settings.lifetimes.id_token,
            auth_time: grant.auth_time,
            nonce: grant.nonce.clone().map(|nonce| nonce.0),
            acr: grant.acr.clone(),
            amr: grant.amr.clone(),
            session: client.session_name(grant.session),
            // Ed25519 hashes with SHA-512 where the others use SHA-256; the claim is optional in the code flow, so it is left out there.
            access_token_hash: (client.id_token_alg != SigningAlg::EdDsa).then_some(access_token_hash),
            // What the person came by was judged, so that is what is told: not what another way in said of them meanwhile.
            claims: link.profile.released(said, &asked, &client.release),
        }
    }

    /// The account behind a grant, if it is still welcome at the client.
    async fn welcome_account(
        &self,
        witness: &Witness,
        client: &Client,
        id: AccountId,
        (provider, link): (&ProviderId, LinkId),
        (failed, grant_type): (EventName, GrantType),
    ) -> Result<(Arc<Account>, Arc<Link>), OAuthError> {
        let fault = match self.standing(client, &id, &link).await.map_err(unavailable)? {
            Ok(standing) => return Ok(standing),
            Err(refusal) => Fault::from(refusal),
        };
        let event = AuditEvent {
            provider: Some(provider.clone()),
            reason: Some(fault.reason()),
            detail: fault.detail(),
            account: Some(id),
            grant_type: Some(grant_type),
            ..self.token_event(witness, failed, client, Outcome::Denied)
        };
        self.record_failure(witness, event, Vec::new()).await;
        Err(OAuthError::invalid_grant("the account is not allowed here any more"))
    }

    /// Ends a grant and records why.
    pub(crate) async fn revoke_grant(&self, id: GrantId, by: RevokedBy, now: Timestamp, event: AuditEvent) -> Result<(), StoreError> {
        self.commit(Changes::default().write(Write::RevokeGrant { id, revoked: Revoked { at: now, by } }).event(event)).await
    }

    pub(crate) fn token_event(&self, witness: &Witness, name: EventName, client: &Client, outcome: Outcome) -> AuditEvent {
        AuditEvent {
            client: Some(client.id.clone()),
            auth_method: Some(client.auth_method),
            ..self.event(witness, name, outcome, Actor::Client(client.id.clone()))
        }
    }

    pub(crate) fn grant_event(&self, witness: &Witness, name: EventName, grant: &Grant) -> AuditEvent {
        AuditEvent {
            account: Some(grant.account),
            client: Some(grant.client.clone()),
            provider: Some(grant.provider.clone()),
            login: Some(grant.login),
            session: Some(grant.session),
            grant: Some(grant.id),
            scopes: Some(grant.scopes.clone()),
            bound_to: grant.confirmation.binding(),
            ..self.event(witness, name, Outcome::Success, Actor::Client(grant.client.clone()))
        }
    }

    /// A public client's requests can come from anybody, so their failures are only counted.
    pub(crate) async fn record_unless_stranger(&self, witness: &Witness, event: AuditEvent, client: &Client) {
        if client.is_public() { self.seen(&event) } else { self.record_failure(witness, event, Vec::new()).await }
    }
}

fn reason_of_code(fault: CodeFault) -> Reason {
    match fault {
        CodeFault::Replayed => Reason::Replayed,
        CodeFault::OtherClient => Reason::OtherClient,
        CodeFault::Expired => Reason::Expired,
        CodeFault::RedirectUri => Reason::RedirectUri,
        CodeFault::Verifier => Reason::Verifier,
        CodeFault::Key => Reason::Proof,
        CodeFault::SignedOut => Reason::Logout,
        CodeFault::Withdrawn => Reason::Revoked,
    }
}

/// The app's algorithm has no key, or the library failed: the operator's to mend.
pub(crate) fn unsigned(error: &vestibule_domain::ports::SignerError) -> OAuthError {
    tracing::error!(%error, "a token could not be signed");
    OAuthError::server_error()
}
