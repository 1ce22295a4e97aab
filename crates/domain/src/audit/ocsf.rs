//! A record as an event of the Open Cybersecurity Schema Framework (OCSF 1.7.0), for those who collect such. Derived from the record alone; what has no
//! place in the schema is `unmapped`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Actor, AuditEvent, EventName, Outcome, record::record};

const VERSION: &str = "1.7.0";

/// A class of the schema, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    DetectionFinding = 2004,
    AccountChange = 3001,
    Authentication = 3002,
    EntityManagement = 3004,
    UserAccess = 3005,
    ApiActivity = 6003,
}

/// A class, and what of it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kind {
    class: Class,
    activity: u32,
}

/// In every class: something that has no number of its own. Its name is given.
const OTHER: u32 = 99;

/// The event in that form.
pub fn ocsf(event: &AuditEvent) -> Value {
    let kind = kind(event.name);
    let class = kind.class as u32;
    let mut form = json!({
        "activity_id": kind.activity,
        "category_uid": class / 1000,
        "class_uid": class,
        "type_uid": class * 100 + kind.activity,
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
    if kind.class != Class::DetectionFinding {
        form["actor"] = actor(event);
    }
    form["status_id"] = json!(if event.outcome == Outcome::Success { 1 } else { 2 });
    if let Some(reason) = event.reason {
        form["status_detail"] = json!(reason);
    }
    match kind.class {
        Class::Authentication => {
            form["user"] = user(event);
            form["service"] = event.client.as_ref().map_or_else(|| json!({ "name": "Vestibule" }), |client| json!({ "uid": client }));
            form["is_remote"] = json!(true);
            if let Some(session) = event.session {
                form["session"] = json!({ "uid": session });
            }
            let factors = factors(&event.amr);
            if !factors.is_empty() {
                form["auth_factors"] = json!(factors);
            }
            if event.amr.iter().any(|means| means == "mfa") {
                form["is_mfa"] = json!(true);
            }
            if event.name == EventName::LoginSilent {
                form["is_new_logon"] = json!(false);
            }
        }
        Class::AccountChange => form["user"] = user(event),
        Class::UserAccess => {
            form["user"] = user(event);
            let scopes = event.scopes.as_ref().map(ToString::to_string).unwrap_or_default();
            let privileges: Vec<&str> = scopes.split(' ').filter(|scope| !scope.is_empty()).collect();
            form["privileges"] = if privileges.is_empty() { json!([event.name.as_str()]) } else { json!(privileges) };
        }
        Class::DetectionFinding => {
            form["finding_info"] = json!({ "uid": event.id, "title": event.name.as_str() });
            if let Some(detail) = &event.detail {
                form["finding_info"]["desc"] = json!(detail);
            }
            form["evidences"] = json!([evidence(event)]);
        }
        Class::ApiActivity => form["api"] = json!({ "operation": event.name.as_str() }),
        Class::EntityManagement => form["entity"] = entity(event),
    }
    match event.source.ip {
        Some(ip) if kind.class != Class::DetectionFinding => form["src_endpoint"] = json!({ "ip": ip }),
        None if kind.class == Class::ApiActivity => form["src_endpoint"] = json!({ "name": "unknown" }),
        _ => {}
    }
    if let Some(agent) = event.source.user_agent.as_ref().filter(|_| kind.class != Class::DetectionFinding) {
        form["http_request"] = json!({ "user_agent": agent });
    }
    form
}

/// What kind of event it is. Every event has its own place: whoever adds one says here what it is.
const fn kind(name: EventName) -> Kind {
    use Class::{AccountChange, ApiActivity, Authentication, DetectionFinding, EntityManagement, UserAccess};
    use EventName as E;
    let (class, activity) = match name {
        E::LoginSucceeded
        | E::LoginFailed
        | E::LoginDeniedByPolicy
        | E::LoginSilent
        | E::ClientCredentialsGranted
        | E::ClientCredentialsFailed
        | E::ClientAuthFailed => (Authentication, 1),
        E::SessionEnded | E::LogoutDelivered | E::LogoutFailed | E::UpstreamLogoutReceived => (Authentication, 2),
        E::CodeRedeemed
        | E::CodeFailed
        | E::DeviceStarted
        | E::DeviceApproved
        | E::DeviceDenied
        | E::TokenExchanged
        | E::TokenExchangeFailed => (Authentication, 4),
        E::TokenRefreshed | E::TokenRefreshFailed | E::UpstreamTokenRefreshed => (Authentication, 5),
        E::LoginStarted | E::LoginProviderSelected | E::RequestPushed | E::RequestRefused | E::UpstreamRedirected | E::UpstreamCallback => {
            (Authentication, 6)
        }
        E::TokenRevoked | E::TokenIntrospected => (Authentication, OTHER),
        E::TokenReuseDetected
        | E::AbuseRateLimited
        | E::DetectionFailureBurst
        | E::DetectionRefreshReuse
        | E::DetectionNewCountry
        | E::DetectionNewNetwork
        | E::DetectionImpossibleTravel
        | E::DetectionNewProvider
        | E::DetectionAdminOffHours
        | E::DetectionDormantReturn => (DetectionFinding, 1),
        E::UserProvisioned => (AccountChange, 1),
        E::AccountEnabled => (AccountChange, 2),
        E::AccountDisabled => (AccountChange, 5),
        E::AccountErased => (AccountChange, 6),
        E::IdentityLinked | E::IdentityUnlinked | E::IdentityLinkRefused => (AccountChange, OTHER),
        E::ConsentGranted | E::UpstreamTokenReleased => (UserAccess, 1),
        E::ConsentDenied | E::ConsentRevoked | E::GrantRevoked | E::UpstreamTokenRevoked => (UserAccess, 2),
        E::UpstreamTokenRefused | E::UpstreamNeedsReconnect => (UserAccess, OTHER),
        E::AdminAuthFailed | E::AdminAccessDenied | E::AdminLogin | E::AdminLogout | E::AdminLoginFailed => (ApiActivity, OTHER),
        E::ClientCreated | E::ProviderCreated | E::RegistrationTokenCreated | E::ApiKeyCreated | E::ConsoleKeyCreated => {
            (EntityManagement, 1)
        }
        E::ClientUpdated | E::ClientSecretAdded | E::ClientSecretRevoked | E::ProviderUpdated | E::ApiKeyUpdated => (EntityManagement, 3),
        E::ClientDeleted | E::ProviderDeleted | E::RegistrationTokenDeleted | E::ApiKeyDeleted => (EntityManagement, 4),
        E::ProviderEnabled => (EntityManagement, 8),
        E::ProviderDisabled => (EntityManagement, 9),
        E::KeyRotated => (EntityManagement, 10),
        E::KeyRetired => (EntityManagement, 11),
        E::ClientRegistrationRefused
        | E::ClientExpired
        | E::ClientDocumentChanged
        | E::ProviderHealthChanged
        | E::ProviderTested
        | E::ConfigReloaded
        | E::ConfigReloadFailed
        | E::ConfigChecked
        | E::AuditChainBegun
        | E::AuditRetentionPurged
        | E::AuditExported
        | E::AuditSinkMissed => (EntityManagement, OTHER),
    };
    Kind { class, activity }
}

/// By what somebody proved who they are: of the names for it (RFC 8176 §2), those that the schema has a number for, each once.
fn factors(amr: &[String]) -> Vec<Value> {
    let numbers = amr.iter().filter_map(|means| {
        Some(match means.as_str() {
            "sms" => 1,
            "kba" => 2,
            "tel" => 3,
            "face" | "fpt" | "iris" | "retina" | "vbm" => 4,
            "hwk" => 6,
            "otp" => 7,
            "pwd" => 11,
            _ => return None,
        })
    });
    numbers.collect::<BTreeSet<u32>>().into_iter().map(|number| json!({ "factor_type_id": number })).collect()
}

/// 1 informational, 2 low, 3 medium, 4 high.
fn severity(event: &AuditEvent) -> u32 {
    match (event.name, event.outcome) {
        (EventName::TokenReuseDetected, _) => 4,
        (name, _) if kind(name).class == Class::DetectionFinding => 3,
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

/// What a finding was found in: the class itself has no place for who it was and from where.
fn evidence(event: &AuditEvent) -> Value {
    let mut evidence = json!({ "actor": actor(event) });
    if let Some(ip) = event.source.ip {
        evidence["src_endpoint"] = json!({ "ip": ip });
        if let Some(country) = &event.source.country {
            evidence["src_endpoint"]["location"] = json!({ "country": country });
        }
    }
    evidence
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
    fn no_event_is_taken_for_a_sign_in_that_is_none() {
        assert_eq!(kind(EventName::LoginSucceeded), Kind { class: Class::Authentication, activity: 1 });
        assert_eq!(kind(EventName::LoginStarted), Kind { class: Class::Authentication, activity: 6 });
        assert_eq!(kind(EventName::ProviderDisabled), Kind { class: Class::EntityManagement, activity: 9 });
        assert_eq!(kind(EventName::TokenReuseDetected).class, Class::DetectionFinding);
        assert_eq!(kind(EventName::DetectionNewCountry), Kind { class: Class::DetectionFinding, activity: 1 });
    }

    #[test]
    fn what_somebody_proved_who_they_are_by_has_the_numbers_of_the_schema() {
        let of = |amr: &[&str]| factors(&amr.iter().map(|means| (*means).to_owned()).collect::<Vec<_>>());
        let numbered = |number: u32| json!({ "factor_type_id": number });
        assert_eq!(of(&["pwd", "otp", "mfa"]), [numbered(7), numbered(11)]);
        assert_eq!(of(&["face", "fpt"]), [numbered(4)], "each once");
        assert!(of(&["mfa", "our-own-word"]).is_empty());
    }
}
