//! A record in the Elastic Common Schema (ECS 9.1), for those who collect such. Derived from the record alone; what has no place in the schema lies under
//! `vestibule`.

use serde_json::{Value, json};

use super::{Actor, AuditEvent, EventName, Outcome, record::record};

const VERSION: &str = "9.1.0";

/// The event in that form.
pub fn ecs(event: &AuditEvent) -> Value {
    let (category, kinds) = kind(event.name);
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
    if let Some(user) = user(event) {
        form["user"] = user;
    }
    if let Some(ip) = event.source.ip {
        form["source"] = json!({ "ip": ip, "address": ip });
    }
    if let Some(country) = &event.source.country {
        form["source"]["geo"] = json!({ "country_iso_code": country });
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

/// Who did it, and to whom where that is somebody else.
fn user(event: &AuditEvent) -> Option<Value> {
    let acting = |mut user: Value| {
        if let Some(account) = event.account {
            user["target"] = json!({ "id": account });
        }
        user
    };
    match (&event.actor, event.account) {
        (Actor::AdminKey(key), _) => Some(acting(json!({ "name": key }))),
        (Actor::Operator(operator), _) => Some(acting(json!({ "id": operator }))),
        (Actor::Account(account), None) => Some(json!({ "id": account })),
        (Actor::Account(_) | Actor::Anonymous | Actor::Client(_) | Actor::System, Some(account)) => Some(json!({ "id": account })),
        (Actor::Anonymous | Actor::Client(_) | Actor::System, None) => None,
    }
}

fn is_alert(name: EventName) -> bool {
    kind(name).0.contains(&"threat") && name != EventName::AbuseRateLimited
}

type Words = &'static [&'static str];

/// `event.category` and `event.type`, from the values that the schema allows. Every event has its own place: whoever adds one says here what it is.
const fn kind(name: EventName) -> (Words, Words) {
    use EventName as E;
    match name {
        E::LoginSucceeded => (&["authentication", "session"], &["start"]),
        E::LoginFailed | E::ClientCredentialsGranted | E::ClientCredentialsFailed | E::ClientAuthFailed => {
            (&["authentication"], &["start"])
        }
        E::LoginDeniedByPolicy => (&["authentication"], &["denied"]),
        E::SessionEnded => (&["authentication", "session"], &["end"]),
        E::LogoutDelivered | E::LogoutFailed => (&["session"], &["end"]),
        E::TokenReuseDetected
        | E::DetectionFailureBurst
        | E::DetectionRefreshReuse
        | E::DetectionNewCountry
        | E::DetectionNewNetwork
        | E::DetectionImpossibleTravel
        | E::DetectionNewProvider
        | E::DetectionAdminOffHours
        | E::DetectionDormantReturn => (&["authentication", "threat"], &["indicator"]),
        E::TokenRevoked => (&["authentication"], &["end"]),
        E::LoginStarted
        | E::LoginSilent
        | E::RequestPushed
        | E::RequestRefused
        | E::UpstreamRedirected
        | E::UpstreamCallback
        | E::LoginProviderSelected
        | E::TokenIntrospected
        | E::UpstreamLogoutReceived
        | E::CodeRedeemed
        | E::CodeFailed
        | E::TokenRefreshed
        | E::TokenRefreshFailed
        | E::TokenExchanged
        | E::TokenExchangeFailed
        | E::DeviceStarted
        | E::DeviceApproved
        | E::DeviceDenied => (&["authentication"], &["info"]),
        E::AbuseRateLimited => (&["threat"], &["denied"]),
        E::UserProvisioned => (&["iam"], &["user", "creation"]),
        E::AccountErased => (&["iam"], &["user", "deletion"]),
        E::AccountDisabled | E::AccountEnabled | E::IdentityLinked | E::IdentityUnlinked | E::IdentityLinkRefused => {
            (&["iam"], &["user", "change"])
        }
        E::ConsentGranted => (&["iam"], &["allowed"]),
        E::ConsentDenied => (&["iam"], &["denied"]),
        // What was allowed is so no more.
        E::ConsentRevoked | E::GrantRevoked | E::UpstreamTokenRevoked => (&["iam"], &["deletion"]),
        E::UpstreamTokenReleased => (&["iam"], &["access"]),
        E::UpstreamTokenRefused => (&["iam"], &["access", "denied"]),
        E::UpstreamTokenRefreshed | E::UpstreamNeedsReconnect => (&["iam"], &["info"]),
        E::AdminAuthFailed | E::AdminAccessDenied | E::AdminLogin | E::AdminLogout | E::AdminLoginFailed => {
            (&["iam", "web"], &["admin", "access"])
        }
        E::ProviderHealthChanged => (&["host"], &["info"]),
        E::ClientCreated | E::ProviderCreated | E::RegistrationTokenCreated | E::ApiKeyCreated | E::ConsoleKeyCreated => {
            (&["configuration"], &["creation"])
        }
        E::ClientDeleted | E::ClientExpired | E::ProviderDeleted | E::RegistrationTokenDeleted | E::ApiKeyDeleted => {
            (&["configuration"], &["deletion"])
        }
        E::AuditChainBegun | E::AuditRetentionPurged | E::AuditExported | E::AuditSinkMissed | E::ProviderTested | E::ConfigChecked => {
            (&["configuration"], &["info"])
        }
        E::ClientRegistrationRefused => (&["configuration"], &["denied"]),
        E::ClientUpdated
        | E::ClientSecretAdded
        | E::ClientSecretRevoked
        | E::ClientDocumentChanged
        | E::ApiKeyUpdated
        | E::ProviderUpdated
        | E::ProviderEnabled
        | E::ProviderDisabled
        | E::KeyRotated
        | E::KeyRetired
        | E::ConfigReloaded
        | E::ConfigReloadFailed => (&["configuration"], &["change"]),
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
            let (category, kinds) = kind(*name);
            assert!(category.iter().all(|value| CATEGORIES.contains(value)), "{name}: {category:?}");
            assert!(!kinds.is_empty() && kinds.iter().all(|value| TYPES.contains(value)), "{name}: {kinds:?}");
        }
    }

    #[test]
    fn taking_back_allows_nothing() {
        for name in [EventName::ConsentRevoked, EventName::GrantRevoked, EventName::UpstreamTokenRevoked, EventName::TokenRevoked] {
            assert!(!kind(name).1.contains(&"allowed"), "{name}");
        }
    }

    #[test]
    fn whoever_acts_is_the_user_and_whom_it_is_about_their_target() {
        use crate::{
            audit::{Source, Witness},
            ids::AccountId,
            ports::Entropy,
        };
        struct Zero;
        impl Entropy for Zero {
            fn fill(&self, bytes: &mut [u8]) {
                bytes.fill(0);
            }
        }
        let witness = Witness { now: crate::time::Timestamp::default(), source: Source::default(), trace_id: None };
        let (operator, ada) = (AccountId(uuid::Uuid::from_u128(1)), AccountId(uuid::Uuid::from_u128(2)));
        let by = |actor, account| {
            let event = witness.event(EventName::AccountDisabled, Outcome::Success, actor, &Zero);
            ecs(&AuditEvent { account, ..event })["user"].clone()
        };
        assert_eq!(by(Actor::Operator(operator), Some(ada)), json!({ "id": operator, "target": { "id": ada } }));
        assert_eq!(by(Actor::Operator(operator), None), json!({ "id": operator }));
        assert_eq!(by(Actor::AdminKey("k".into()), Some(ada)), json!({ "name": "k", "target": { "id": ada } }));
        assert_eq!(by(Actor::Account(ada), Some(ada)), json!({ "id": ada }));
        assert_eq!(by(Actor::System, None), Value::Null);
    }
}
