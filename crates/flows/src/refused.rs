//! Requests to sign in that are believed in nothing, so that no app hears of them: what they named is kept for whoever is asked about the reference on
//! the page. Mostly an app is registered with another address than it sends.

use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, Outcome, Reason, Witness},
    authorize::{Asked, PageFault},
    client::Client,
    client_document::DocumentFault,
    ids::LoginId,
    login_trace::{Decisions, Refused},
};

use crate::{Fault, Gateway, Halt, login_trace::end_of};

/// What a request names, before anything of it is believed.
pub(crate) struct Named {
    client: Option<String>,
    address: Option<String>,
}

impl Named {
    pub(crate) fn by(asked: &Asked) -> Self {
        Self { client: asked.client_id.clone(), address: asked.redirect_uri.clone() }
    }
}

impl Gateway {
    /// The same end, written down if it is one on a page that no app hears of: within the budget of what strangers cause (attack 84).
    pub(crate) async fn refused(&self, witness: &Witness, named: &Named, client: Option<&Client>, halt: Halt) -> Halt {
        // A pushed request that is gone has its record already.
        if let Fault::Request(fault) = &halt.fault
            && *fault != PageFault::PushedGone
        {
            self.record_refused(witness, named, client, fault).await;
        }
        halt
    }

    async fn record_refused(&self, witness: &Witness, named: &Named, client: Option<&Client>, fault: &PageFault) {
        let login = LoginId::new(witness.now, self.entropy.as_ref());
        let reason = match (fault, client) {
            // There is one; the page does not say so (attack 85).
            (PageFault::ClientUnknown, Some(_)) => Reason::ClientDisabled,
            _ => reason_of(fault),
        };
        let event = AuditEvent {
            reason: Some(reason),
            client: client.map(|client| client.id.clone()),
            login: Some(login),
            detail: detail_of(fault),
            ..self.event(witness, EventName::RequestRefused, Outcome::Failure, Actor::Anonymous)
        };
        let refused = Refused::new(named.client.as_deref(), named.address.as_deref(), client, fault);
        let decided = Decisions { refused: Some(refused), end: Some(end_of(&event)), ..Decisions::default() };
        self.record_traced_failure(witness, event, Vec::new(), self.trace_of(witness, login, decided)).await;
    }
}

pub(crate) fn reason_of(fault: &PageFault) -> Reason {
    match fault {
        PageFault::ClientUnknown => Reason::ClientUnknown,
        PageFault::ClientDocument(DocumentFault::Busy) => Reason::ClientRate,
        PageFault::ClientDocument(_) => Reason::BadMetadata,
        PageFault::RedirectMismatch { .. } => Reason::RedirectMismatch,
        PageFault::Repeated(_) | PageFault::Invalid(_) => Reason::BadRequest,
        PageFault::PushedGone => Reason::Unknown,
    }
}

/// Nothing in it was written by a stranger: what they sent is in the trace alone.
fn detail_of(fault: &PageFault) -> Option<String> {
    match fault {
        PageFault::RedirectMismatch { received: None, .. } => Some("redirect_uri is missing".to_owned()),
        PageFault::RedirectMismatch { differs, .. } => differs.map(|part| format!("first difference: {part}")),
        PageFault::ClientDocument(fault) => Some(fault.to_string()),
        PageFault::Repeated(name) => Some(format!("{name} came more than once")),
        PageFault::Invalid(error) => Some(error.to_string()),
        PageFault::ClientUnknown | PageFault::PushedGone => None,
    }
}
