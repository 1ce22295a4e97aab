//! A record as an event of the Open Cybersecurity Schema Framework (OCSF 1.7.0), for those who collect such. Derived from the record alone; what has no
//! place in the schema is `unmapped`.

use serde_json::{Map, Value, json};

use super::{Actor, AuditEvent, EventName, Outcome, record::record};

const VERSION: &str = "1.7.0";

/// A class of the schema, and what of it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    class: u32,
    activity: u32,
}

const ACCOUNT_CHANGE: u32 = 3001;
const AUTHENTICATION: u32 = 3002;
const ENTITY_MANAGEMENT: u32 = 3004;
const USER_ACCESS: u32 = 3005;
const DETECTION_FINDING: u32 = 2004;
const API_ACTIVITY: u32 = 6003;
/// In every class: something that has no number of its own. Its name is given.
const OTHER: u32 = 99;

/// The event in that form.
pub fn ocsf(event: &AuditEvent) -> Value {
    let kind = kind(event.name);
    let mut form = json!({
        "activity_id": kind.activity,
        "category_uid": kind.class / 1000,
        "class_uid": kind.class,
        "type_uid": kind.class * 100 + kind.activity,
        "severity_id": severity(event),
        "time": event.time.as_millis(),
        "message": event.name.as_str(),
        "metadata": {
            "version": VERSION,
            "product": { "name": "Vestibule", "vendor_name": "Vestibule" },
            "log_name": "audit",
            "uid": event.id,
            "event_code": event.name.code().to_string(),
        },
        "unmapped": unmapped(event),
    });
    if kind.activity == OTHER {
        form["activity_name"] = json!(event.name.as_str());
    }
    if let Some(login) = event.login {
        form["metadata"]["correlation_uid"] = json!(login);
    }
    if let Some(link) = event.link {
        form["metadata"]["sequence"] = json!(link.seq);
    }
    if kind.class != DETECTION_FINDING {
        form["actor"] = actor(event);
    }
    form["status_id"] = json!(if event.outcome == Outcome::Success { 1 } else { 2 });
    if let Some(reason) = event.reason {
        form["status_detail"] = json!(reason);
    }
    match kind.class {
        AUTHENTICATION => {
            form["user"] = user(event);
            form["service"] = event.client.as_ref().map_or_else(|| json!({ "name": "Vestibule" }), |client| json!({ "uid": client }));
            form["is_remote"] = json!(true);
            if let Some(session) = event.session {
                form["session"] = json!({ "uid": session });
            }
            if event.name == EventName::LoginSilent {
                form["is_new_logon"] = json!(false);
            }
        }
        ACCOUNT_CHANGE => form["user"] = user(event),
        USER_ACCESS => {
            form["user"] = user(event);
            let scopes = event.scopes.as_ref().map(ToString::to_string).unwrap_or_default();
            let privileges: Vec<&str> = scopes.split(' ').filter(|scope| !scope.is_empty()).collect();
            form["privileges"] = if privileges.is_empty() { json!([event.name.as_str()]) } else { json!(privileges) };
        }
        DETECTION_FINDING => form["finding_info"] = json!({ "uid": event.id, "title": event.name.as_str() }),
        API_ACTIVITY => form["api"] = json!({ "operation": event.name.as_str() }),
        _ => form["entity"] = entity(event),
    }
    match event.source.ip {
        Some(ip) if kind.class != DETECTION_FINDING => form["src_endpoint"] = json!({ "ip": ip }),
        None if kind.class == API_ACTIVITY => form["src_endpoint"] = json!({ "name": "unknown" }),
        _ => {}
    }
    if let Some(agent) = event.source.user_agent.as_ref().filter(|_| kind.class != DETECTION_FINDING) {
        form["http_request"] = json!({ "user_agent": agent });
    }
    form
}

/// What kind of event it is. Those that have no class of their own are changes of something the house keeps.
fn kind(name: EventName) -> Kind {
    let (object, verb) = name.as_str().split_once('.').unwrap_or_default();
    let of = |class, activity| Kind { class, activity };
    match (object, verb) {
        ("login", "succeeded" | "failed" | "denied_by_policy" | "silent") | ("client_credentials", _) | ("client", "auth_failed") => {
            of(AUTHENTICATION, 1)
        }
        ("session", "ended") | ("logout", _) | ("upstream", "logout_received") => of(AUTHENTICATION, 2),
        ("code" | "device", _) | ("token", "exchanged" | "exchange_failed") => of(AUTHENTICATION, 4),
        ("token", "refreshed" | "refresh_failed") | ("vault", "refreshed") => of(AUTHENTICATION, 5),
        ("login" | "upstream" | "request", _) => of(AUTHENTICATION, 6),
        ("token", "reuse_detected") | ("abuse" | "unusual", _) => of(DETECTION_FINDING, 1),
        ("token" | "mfa", _) => of(AUTHENTICATION, OTHER),
        ("user", "provisioned") => of(ACCOUNT_CHANGE, 1),
        ("account", "enabled") => of(ACCOUNT_CHANGE, 2),
        ("account", "disabled") => of(ACCOUNT_CHANGE, 5),
        ("account", "erased") => of(ACCOUNT_CHANGE, 6),
        ("account" | "identity", _) => of(ACCOUNT_CHANGE, OTHER),
        ("consent", "granted") | ("vault", "token_released") => of(USER_ACCESS, 1),
        ("consent" | "grant", _) | ("vault", "token_revoked") => of(USER_ACCESS, 2),
        ("vault", _) => of(USER_ACCESS, OTHER),
        ("admin", _) => of(API_ACTIVITY, OTHER),
        (_, "created") => of(ENTITY_MANAGEMENT, 1),
        (_, "updated" | "secret_added" | "secret_revoked") => of(ENTITY_MANAGEMENT, 3),
        (_, "deleted") => of(ENTITY_MANAGEMENT, 4),
        (_, "enabled") => of(ENTITY_MANAGEMENT, 8),
        (_, "disabled") => of(ENTITY_MANAGEMENT, 9),
        (_, "rotated") => of(ENTITY_MANAGEMENT, 10),
        (_, "retired") => of(ENTITY_MANAGEMENT, 11),
        _ => of(ENTITY_MANAGEMENT, OTHER),
    }
}

/// 1 informational, 2 low, 3 medium, 4 high.
fn severity(event: &AuditEvent) -> u32 {
    match (event.name, event.outcome) {
        (EventName::TokenReuseDetected, _) => 4,
        (name, _) if kind(name).class == DETECTION_FINDING => 3,
        (_, Outcome::Success) => 1,
        _ => 2,
    }
}

/// About whom it is. An app that acts for itself is a user of a kind of its own.
fn user(event: &AuditEvent) -> Value {
    match (event.account, &event.client) {
        (Some(account), _) => json!({ "uid": account, "type_id": 1 }),
        (None, Some(client)) => json!({ "uid": client, "type_id": 4 }),
        (None, None) => json!({ "type_id": 0, "name": "unknown" }),
    }
}

fn actor(event: &AuditEvent) -> Value {
    let mut actor = match &event.actor {
        Actor::Account(account) => json!({ "user": { "uid": account, "type_id": 1 } }),
        Actor::AdminKey(key) => json!({ "user": { "uid": key, "type_id": 2 } }),
        Actor::Operator(account) => json!({ "user": { "uid": account, "type_id": 2 } }),
        Actor::Client(client) => json!({ "app_uid": client }),
        Actor::System => json!({ "app_name": "Vestibule" }),
        Actor::Anonymous => json!({ "user": { "type_id": 0, "name": "unknown" } }),
    };
    if let Some(provider) = &event.provider {
        actor["idp"] = json!({ "uid": provider, "name": provider });
    }
    actor
}

fn entity(event: &AuditEvent) -> Value {
    let object = event.name.as_str().split('.').next().unwrap_or_default();
    let uid = match object {
        "client" => event.client.as_ref().map(ToString::to_string),
        "provider" => event.provider.as_ref().map(ToString::to_string),
        _ => None,
    };
    match uid {
        Some(uid) => json!({ "uid": uid, "type": object }),
        None => json!({ "name": object, "type": object }),
    }
}

/// What the schema has no place for, under our own names.
fn unmapped(event: &AuditEvent) -> Map<String, Value> {
    const MAPPED: [&str; 9] = ["id", "time", "outcome", "reason", "actor", "account", "login", "session", "source"];
    let mut record = record(event);
    record.retain(|name, _| !MAPPED.contains(&name.as_str()));
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_class_and_none_is_taken_for_a_sign_in_that_is_none() {
        for name in EventName::ALL {
            let kind = kind(*name);
            let known = [ACCOUNT_CHANGE, AUTHENTICATION, ENTITY_MANAGEMENT, USER_ACCESS, DETECTION_FINDING, API_ACTIVITY];
            assert!(known.contains(&kind.class), "{name}");
        }
        assert_eq!(kind(EventName::LoginSucceeded), Kind { class: AUTHENTICATION, activity: 1 });
        assert_eq!(kind(EventName::LoginStarted), Kind { class: AUTHENTICATION, activity: 6 });
        assert_eq!(kind(EventName::ProviderDisabled), Kind { class: ENTITY_MANAGEMENT, activity: 9 });
        assert_eq!(kind(EventName::TokenReuseDetected).class, DETECTION_FINDING);
    }
}
