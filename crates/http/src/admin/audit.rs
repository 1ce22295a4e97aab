//! What the admin API shows of the audit log: pages of it, one event, a copy to take away, and how far its chain has come.

mod answers;
mod objects;

use std::sync::Arc;

use http::Method;
use poem_openapi::{
    Enum, OpenApi,
    param::{Path, Query},
    payload::Json,
};
use vestibule_domain::audit::form::Form;
use vestibule_flows::{AdminFault, EventFilter, Gateway, Permitted};

pub(crate) use self::answers::{download, examples};
use self::{
    answers::{Copied, Copying, Finding, Found, Listed, Listing, Reading, Standing},
    objects::{ChainObject, EventObject, EventPage},
};
use super::{
    key::{Caller, Key},
    operations::{Group, named_in_query, usual_page},
    problem::Problem,
    refused::Refused,
    table::{self, AUDIT_EXPORT},
};
use crate::house::House;

pub(super) struct Audit {
    pub(super) house: Arc<House>,
    /// The path that everything of the admin API lies under.
    pub(super) base: String,
}

/// The form of a copy.
#[derive(Clone, Copy, Enum)]
#[oai(rename_all = "lowercase")]
enum CopyForm {
    /// One record a line.
    Jsonl,
    /// A table with a heading.
    Csv,
    /// One event of the Open Cybersecurity Schema Framework (OCSF) a line.
    Ocsf,
    /// One event of the Elastic Common Schema (ECS) a line.
    Ecs,
}

impl From<CopyForm> for Form {
    fn from(form: CopyForm) -> Self {
        match form {
            CopyForm::Jsonl => Self::Jsonl,
            CopyForm::Csv => Self::Csv,
            CopyForm::Ocsf => Self::Ocsf,
            CopyForm::Ecs => Self::Ecs,
        }
    }
}

/// What is asked for, by parameters that are named as it is.
macro_rules! asked {
    ($($name:ident),+) => {
        EventFilter { $($name: $name.0),+ }
    };
}

#[OpenApi]
impl Audit {
    /// List audit events
    ///
    /// What happened, newest first, a page at a time. What narrows the list narrows it together. A page may have fewer events than `limit`, or none,
    /// where many were looked at that are not asked for; then `looked_back_until` says how far it came, and `Link` leads on. To look at a page leaves no
    /// event.
    ///
    /// An address has no index, because that of a person is sealed for them and can be erased. Fewer events are looked at for a page by `address`:
    /// name what else is known, as `from`.
    #[oai(path = "/audit-events", method = "get", operation_id = "list_audit_events", tag = "Group::Audit")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter that the document describes by itself")]
    async fn list(
        &self,
        _key: Key,
        /// How many at most.
        #[oai(default = "usual_page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u64>,
        /// Only events that are older than the one of this id: where the page before ended, as its `Link` says.
        after: Query<Option<String>>,
        /// Only of this kind, `login.failed`, or of all about one thing, `login.*`. May be repeated: any of them.
        #[oai(default)]
        event: Query<Vec<String>>,
        /// Only about the account of this id.
        account: Query<Option<String>>,
        /// Only about the client of this id.
        client: Query<Option<String>>,
        /// Only about the provider of this id.
        provider: Query<Option<String>>,
        /// Only those that ended so: `success`, `failure` or `denied`.
        outcome: Query<Option<String>>,
        /// Only for this reason, as `entry_rule`.
        reason: Query<Option<String>>,
        /// Only from exactly this IP address.
        address: Query<Option<String>>,
        /// Only of the request with this reference, as its error page shows it: the id of its trace.
        reference: Query<Option<String>>,
        /// Only of the login of this id.
        login: Query<Option<String>>,
        /// Only of the session of this id.
        session: Query<Option<String>>,
        /// Only since this moment, in the form of RFC 3339.
        from: Query<Option<String>>,
        /// Only until this moment, exclusive.
        to: Query<Option<String>>,
    ) -> Result<Listed, Refused<Listing>> {
        let filter = asked!(event, account, client, provider, outcome, reason, address, reference, login, session, from, to);
        let found = self.gateway().audit_events(&filter, after.0.as_deref(), limit.0).await.map_err(named_in_query)?;
        let next = found.rest.map(|rest| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(filter.pairs()).append_pair("limit", &limit.0.to_string()).append_pair("after", &rest.to_string());
            format!("<{}/audit-events?{}>; rel=\"next\"", self.base, query.finish())
        });
        Ok(Listed::Page(Json(EventPage::new(&found, limit.0)), next))
    }

    /// Read an audit event
    #[oai(path = "/audit-events/:event_id", method = "get", operation_id = "read_audit_event", tag = "Group::Audit")]
    async fn read(
        &self,
        _key: Key,
        /// The event's id.
        event_id: Path<String>,
    ) -> Result<Found, Refused<Finding>> {
        let event = self.gateway().audit_event(&event_id).await.map_err(Problem::from)?;
        Ok(Found::Event(Json(Box::new(EventObject::from(&event)))))
    }

    /// Take a copy of audit events
    ///
    /// Sends the events that are asked for, newest first, as they are read. What happens meanwhile is not among them. Where it ends before all of them
    /// are there, the last row says so: `{"cut": {"at", "why", "after"}}`, or in a table a row whose `name` is `cut`, whose `reason` is `why`, and whose
    /// `id` is the event to go on after. `why` is `limit` where it has as many as one may have, or as were asked for; `unavailable` where the database could
    /// not be read any more; `closing` where the gateway stops; `not_allowed` where the key was deleted, expired or lost the scope meanwhile. What ends
    /// without such a row where its connection broke was cut off on the way. That a copy was taken, and of what, is an event itself.
    ///
    /// A copy proves nothing: what can be verified is an export by `vestibule audit export`.
    #[oai(path = "/audit-events/export", method = "get", operation_id = "export_audit_events", tag = "Group::Audit")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter that the document describes by itself")]
    async fn export(
        &self,
        key: Key,
        /// In which form.
        format: Query<CopyForm>,
        /// How many events at most: a million if nothing is said.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
        max_events: Query<Option<u64>>,
        /// Only events that are older than the one of this id: where a copy before was cut.
        after: Query<Option<String>>,
        /// Only of this kind, `login.failed`, or of all about one thing, `login.*`. May be repeated: any of them.
        #[oai(default)]
        event: Query<Vec<String>>,
        /// Only about the account of this id.
        account: Query<Option<String>>,
        /// Only about the client of this id.
        client: Query<Option<String>>,
        /// Only about the provider of this id.
        provider: Query<Option<String>>,
        /// Only those that ended so: `success`, `failure` or `denied`.
        outcome: Query<Option<String>>,
        /// Only for this reason, as `entry_rule`.
        reason: Query<Option<String>>,
        /// Only from exactly this IP address.
        address: Query<Option<String>>,
        /// Only of the request with this reference, as its error page shows it: the id of its trace.
        reference: Query<Option<String>>,
        /// Only of the login of this id.
        login: Query<Option<String>>,
        /// Only of the session of this id.
        session: Query<Option<String>>,
        /// Only since this moment, in the form of RFC 3339.
        from: Query<Option<String>>,
        /// Only until this moment, exclusive.
        to: Query<Option<String>>,
    ) -> Result<Copied, Refused<Copying>> {
        let Caller { gateway, operator, witness } = &key.0;
        let filter = asked!(event, account, client, provider, outcome, reason, address, reference, login, session, from, to);
        let permitted = Permitted::by_key(operator, table::row(&Method::GET, AUDIT_EXPORT).needs);
        let begun = gateway.export_events(witness, permitted, format.0.into(), &filter, (after.0.as_deref(), max_events.0)).await;
        Ok(Copied { house: self.house.clone(), export: begun.map_err(named_in_query)?, at: witness.now })
    }

    /// Read how far the audit log is proven
    ///
    /// What `vestibule audit verify` is to be held against: the public key, the head of the chain, and the last checkpoint. Keep the key, and checkpoints
    /// now and then, where the gateway can't write.
    #[oai(path = "/audit-chain", method = "get", operation_id = "read_audit_chain", tag = "Group::Audit")]
    async fn chain(&self, _key: Key) -> Result<Standing, Refused<Reading>> {
        let shown = self.gateway().shown_chain().await.map_err(Problem::from)?.ok_or(AdminFault::NotFound)?;
        Ok(Standing::Chain(Json(ChainObject::from(&shown))))
    }
}

impl Audit {
    fn gateway(&self) -> &Gateway {
        &self.house.gateway
    }
}
