//! Who is calling the admin API, and what they may do.

use std::num::NonZeroU32;

use vestibule_domain::{
    api_key::ApiKey,
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    ids::ApiKeyId,
    operator::{AdminScope, AdminScopes, Operator},
    secret::Purpose,
    store::StoreError,
    time::Timestamp,
};

use crate::{
    AdminFault, Desk, Gateway,
    api_keys::{self, Presented},
};

/// What records call the key of the configuration.
const BOOTSTRAP: &str = "bootstrap";

/// An operator who was let do something that takes long: whether they still may is asked again meanwhile.
#[derive(Clone, Debug)]
pub struct Permitted {
    by: CameBy,
    needs: AdminScope,
}

#[derive(Clone, Debug)]
enum CameBy {
    Key(Operator),
    Desk(Desk),
}

impl Permitted {
    /// By a key of the admin API.
    pub fn by_key(operator: &Operator, needs: AdminScope) -> Self {
        Self { by: CameBy::Key(operator.clone()), needs }
    }

    /// At a desk of the console.
    pub fn at_desk(desk: &Desk, needs: AdminScope) -> Self {
        Self { by: CameBy::Desk(desk.clone()), needs }
    }

    pub(crate) fn actor(&self) -> &Actor {
        match &self.by {
            CameBy::Key(operator) => &operator.actor,
            CameBy::Desk(desk) => &desk.operator.actor,
        }
    }
}

/// Who a key is held by.
enum Held {
    By(Operator),
    Expired(ApiKeyId, Timestamp),
    Mistyped,
    ByNobody,
}

/// No client id has a space, so no client shares its count.
const PLACE: &str = " admin";

impl Gateway {
    /// Whoever holds this key. Too many that are none from one address, and the right one has to wait too.
    pub async fn admin(&self, witness: &Witness, key: Option<&str>) -> Result<Operator, AdminFault> {
        let ip = witness.source.ip;
        let Some(key) = key else { return Err(AdminFault::Unauthorized) };
        if let Some(seconds) = self.secret_failures.wait(ip, PLACE, witness.now) {
            return Err(AdminFault::SlowDown(seconds));
        }
        let mistyped = match self.held(witness, key).await.map_err(AdminFault::Store)? {
            Held::By(operator) => {
                self.secret_failures.succeeded(ip, PLACE);
                return Ok(operator);
            }
            Held::Expired(id, at) => {
                let expired = self.event(witness, EventName::AdminAuthFailed, Outcome::Failure, Actor::AdminKey(id.to_string()));
                self.record_failure(witness, AuditEvent { reason: Some(Reason::Expired), ..expired }, Vec::new()).await;
                return Err(AdminFault::KeyExpired(at));
            }
            Held::Mistyped => true,
            Held::ByNobody => false,
        };
        let detail = mistyped.then(|| "a character of the key is wrong".to_owned());
        let event = |name, outcome, reason| AuditEvent {
            reason: Some(reason),
            detail: detail.clone(),
            ..self.event(witness, name, outcome, Actor::Anonymous)
        };
        if self.secret_failures.count(ip, PLACE, witness.now) {
            self.record_failure(witness, event(EventName::AbuseRateLimited, Outcome::Denied, Reason::BadSecret), Vec::new()).await;
        }
        self.record_failure(witness, event(EventName::AdminAuthFailed, Outcome::Failure, Reason::BadSecret), Vec::new()).await;
        Err(if mistyped { AdminFault::Mistyped } else { AdminFault::Unauthorized })
    }

    /// Who holds a key. A slip of the keyboard is told from a key that is none without asking the store; that one expired is told to nobody but who
    /// has it.
    async fn held(&self, witness: &Witness, key: &str) -> Result<Held, StoreError> {
        if self.bootstrap_key.as_ref().is_some_and(|digest| self.sealer.tag_matches(Purpose::AdminKey, key.as_bytes(), digest)) {
            return Ok(Held::By(Operator::unlimited(Actor::AdminKey(BOOTSTRAP.into()))));
        }
        let id = match api_keys::read(key, self.sealer.as_ref()) {
            Presented::Whole(id) => id,
            Presented::Mistyped => return Ok(Held::Mistyped),
            Presented::Foreign => return Ok(Held::ByNobody),
        };
        let known = self.store.api_key(&id).await?;
        let known = known.filter(|known| self.sealer.tag_matches(Purpose::AdminKey, key.as_bytes(), &known.digest));
        Ok(match known {
            None => Held::ByNobody,
            Some(known @ ApiKey { expires: Some(at), .. }) if !known.is_alive(witness.now) => Held::Expired(id, at),
            Some(known) => {
                self.uses.note(known.id, witness.now);
                Held::By(Operator { actor: Actor::AdminKey(known.id.to_string()), scopes: known.scopes, until: known.expires })
            }
        })
    }

    /// Lets an operator do what needs a scope and counts as so many calls, if they have it and do not call too often. That they have not is recorded:
    /// it may be a key in other hands.
    pub async fn permit(&self, witness: &Witness, operator: &Operator, needs: AdminScope, cost: NonZeroU32) -> Result<(), AdminFault> {
        if let Actor::AdminKey(key) = &operator.actor {
            self.admit_key(witness, key, cost).await?;
        }
        self.must(witness, operator, needs).await
    }

    /// That an operator has a scope besides. What they lack is recorded as by [`Gateway::permit`], and nothing is counted.
    pub async fn must(&self, witness: &Witness, operator: &Operator, needs: AdminScope) -> Result<(), AdminFault> {
        let Err(lacks) = operator.must(needs) else { return Ok(()) };
        let event = AuditEvent {
            reason: Some(Reason::Scope),
            detail: Some(format!("needs {lacks}")),
            ..self.event(witness, EventName::AdminAccessDenied, Outcome::Denied, operator.actor.clone())
        };
        self.record_failure(witness, event, Vec::new()).await;
        Err(AdminFault::Forbidden(lacks))
    }

    /// Whether they still may: what they came by is good, and has the scope. Nothing is counted or recorded, and it keeps nobody signed in.
    pub(crate) async fn still_permits(&self, witness: &Witness, permitted: &Permitted) -> Result<bool, StoreError> {
        let scopes = match &permitted.by {
            CameBy::Key(operator) => self.scopes_of_key(witness, operator).await?,
            CameBy::Desk(desk) => self.desk_still(witness, desk).await?.map(|desk| desk.operator.scopes),
        };
        Ok(scopes.is_some_and(|scopes| scopes.cover(permitted.needs)))
    }

    /// What the key of an operator may do now; nothing if it is none any more. That of the configuration holds as long as the configuration does.
    async fn scopes_of_key(&self, witness: &Witness, operator: &Operator) -> Result<Option<AdminScopes>, StoreError> {
        let Actor::AdminKey(name) = &operator.actor else { return Ok(None) };
        if name == BOOTSTRAP {
            return Ok(Some(operator.scopes.clone()));
        }
        let Ok(id) = name.parse::<ApiKeyId>() else { return Ok(None) };
        let key = self.store.api_key(&id).await?;
        Ok(key.filter(|key| key.is_alive(witness.now)).map(|key| key.scopes))
    }
}
