//! Who is calling the admin API, and what they may do.

use std::num::NonZeroU32;

use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    operator::{AdminScope, Operator},
    secret::Purpose,
};

use crate::{AdminFault, Gateway};

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
        if self.bootstrap_key.as_ref().is_some_and(|digest| self.sealer.tag_matches(Purpose::AdminKey, key.as_bytes(), digest)) {
            self.secret_failures.succeeded(ip, PLACE);
            return Ok(Operator::unlimited(Actor::AdminKey("bootstrap".into())));
        }
        let event = |name, outcome, reason| AuditEvent { reason: Some(reason), ..self.event(witness, name, outcome, Actor::Anonymous) };
        if self.secret_failures.count(ip, PLACE, witness.now) {
            self.record_failure(witness, event(EventName::AbuseRateLimited, Outcome::Denied, Reason::BadSecret), Vec::new()).await;
        }
        self.record_failure(witness, event(EventName::AdminAuthFailed, Outcome::Failure, Reason::BadSecret), Vec::new()).await;
        Err(AdminFault::Unauthorized)
    }

    /// Lets an operator do what needs a scope and counts as so many calls, if they have it and do not call too often. That they have not is recorded:
    /// it may be a key in other hands.
    pub async fn permit(&self, witness: &Witness, operator: &Operator, needs: AdminScope, cost: NonZeroU32) -> Result<(), AdminFault> {
        if let Actor::AdminKey(key) = &operator.actor {
            self.admit_key(witness, key, cost).await?;
        }
        let Err(lacks) = operator.must(needs) else { return Ok(()) };
        let event = AuditEvent {
            reason: Some(Reason::Scope),
            detail: Some(format!("needs {lacks}")),
            ..self.event(witness, EventName::AdminAccessDenied, Outcome::Denied, operator.actor.clone())
        };
        self.record_failure(witness, event, Vec::new()).await;
        Err(AdminFault::Forbidden(lacks))
    }
}
