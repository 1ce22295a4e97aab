//! A record in the Elastic Common Schema (ECS 9.1), for those who collect such. Derived from the record alone; what has no place in the schema lies under
//! `vestibule`.

use serde_json::{Value, json};

use super::{Actor, AuditEvent, EventName, Outcome, record::record};

const VERSION: &str = "9.1.0";

/// The event in that form.
pub fn ecs(event: &AuditEvent) -> Value {
    let (category, kinds) = kind(event.name, event.outcome);
    let mut form = json!({
        "@timestamp": event.time.to_string(),
        "ecs": { "version": VERSION },
        "message": event.name.as_str(),
        "service": { "name": "vestibule", "type": "vestibule" },
        "event": {
            "kind": if is_alert(event.name) { "alert" } else { "event" },
            "category": category,
            "type": kinds,
            "action": event.name.as_str(),
            "code": event.name.code().to_string(),
            "id": event.id,
            "outcome": if event.outcome == Outcome::Success { "success" } else { "failure" },
            "module": "vestibule",
            "dataset": "vestibule.audit",
        },
    });
    if let Some(reason) = event.reason {
        form["event"]["reason"] = json!(reason);
    }
    if let Some(took) = event.took_ms {
        // In nanoseconds.
        form["event"]["duration"] = json!(took.saturating_mul(1_000_000));
    }
    if let Some(link) = event.link {
        form["event"]["sequence"] = json!(link.seq);
        form["event"]["hash"] = json!(link.hash);
    }
    match (&event.actor, event.account) {
        (Actor::AdminKey(key), Some(account)) => form["user"] = json!({ "name": key, "target": { "id": account } }),
        (Actor::AdminKey(key), None) => form["user"] = json!({ "name": key }),
        (_, Some(account)) => form["user"] = json!({ "id": account }),
        _ => {}
    }
    if let Some(ip) = event.source.ip {
        form["source"] = json!({ "ip": ip, "address": ip });
    }
    if let Some(agent) = &event.source.user_agent {
        form["user_agent"] = json!({ "original": agent });
    }
    if let Some(trace) = &event.trace_id {
        form["trace"] = json!({ "id": trace });
    }
    let mut ours = record(event);
    for mapped in ["id", "time", "name", "code", "outcome", "reason", "source", "trace_id", "took_ms"] {
        ours.remove(mapped);
    }
    form["vestibule"] = Value::Object(ours);
    form
}

fn is_alert(name: EventName) -> bool {
    let object = name.as_str().split('.').next().unwrap_or_default();
    name == EventName::TokenReuseDetected || object == "unusual"
}

/// `event.category` and `event.type`, from the values that the schema allows.
fn kind(name: EventName, outcome: Outcome) -> (&'static [&'static str], &'static [&'static str]) {
    let (object, verb) = name.as_str().split_once('.').unwrap_or_default();
    match (object, verb) {
        ("login", "succeeded") => (&["authentication", "session"], &["start"]),
        ("login", "failed") | ("client_credentials", _) | ("client", "auth_failed") => (&["authentication"], &["start"]),
        ("login", "denied_by_policy") => (&["authentication"], &["denied"]),
        ("session", "ended") => (&["authentication", "session"], &["end"]),
        ("logout", _) => (&["session"], &["end"]),
        ("token", "reuse_detected") | ("unusual", _) => (&["authentication", "threat"], &["indicator"]),
        ("login" | "upstream" | "request" | "code" | "device" | "mfa" | "token", _) => (&["authentication"], &["info"]),
        ("abuse", _) => (&["threat"], &["denied"]),
        ("user", "provisioned") => (&["iam"], &["user", "creation"]),
        ("account", "erased") => (&["iam"], &["user", "deletion"]),
        ("account" | "identity", _) => (&["iam"], &["user", "change"]),
        ("consent" | "grant", _) if outcome == Outcome::Success => (&["iam"], &["allowed"]),
        ("consent" | "grant", _) => (&["iam"], &["denied"]),
        ("vault", _) => (&["iam"], &["access"]),
        ("admin", _) => (&["iam", "web"], &["admin", "access"]),
        ("provider", "health_changed") => (&["host"], &["info"]),
        (_, "created") => (&["configuration"], &["creation"]),
        (_, "deleted") => (&["configuration"], &["deletion"]),
        ("audit", _) => (&["configuration"], &["info"]),
        _ => (&["configuration"], &["change"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// <https://www.elastic.co/docs/reference/ecs/ecs-allowed-values-event-category> and its neighbour for types.
    #[test]
    fn only_values_that_the_schema_allows_are_used() {
        const CATEGORIES: [&str; 7] = ["authentication", "configuration", "host", "iam", "session", "threat", "web"];
        const TYPES: [&str; 13] = [
            "access",
            "admin",
            "allowed",
            "change",
            "creation",
            "deletion",
            "denied",
            "end",
            "indicator",
            "info",
            "start",
            "user",
            "error",
        ];
        for name in EventName::ALL {
            for outcome in Outcome::ALL {
                let (category, kinds) = kind(*name, *outcome);
                assert!(category.iter().all(|value| CATEGORIES.contains(value)), "{name}: {category:?}");
                assert!(!kinds.is_empty() && kinds.iter().all(|value| TYPES.contains(value)), "{name}: {kinds:?}");
            }
        }
    }
}
