//! The JSON Schema of every event (JSON Schema 2020-12), made from the same enums as the events. What a kind of event always has is said once, in
//! `always`, and every event that a test causes is held against it.

use serde_json::{Map, Value, json};

use super::{AuditEvent, Binding, EventName, Outcome, Reason, record::record};
use crate::client::{AuthMethod, GrantType};

/// The schema of an export's line that is a record.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    for name in EventName::ALL {
        let one = json!({
            "$ref": "#/$defs/record",
            "properties": { "name": { "const": name }, "code": { "const": name.code() } },
            "required": always(*name),
        });
        definitions.insert(name.to_string(), one);
    }
    let each: Vec<_> = definitions.keys().map(|name| json!({ "$ref": format!("#/$defs/{name}") })).collect();
    definitions.insert("record".into(), any());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "An audit event of Vestibule",
        "oneOf": each,
        "$defs": definitions,
    })
}

/// What is missing in an event that its kind always has.
pub fn missing(event: &AuditEvent) -> Vec<&'static str> {
    let record = record(event);
    always(event.name).iter().copied().filter(|field| !record.contains_key(*field)).collect()
}

/// What events of a kind always have, besides what all have.
fn always(name: EventName) -> &'static [&'static str] {
    use EventName as E;
    match name {
        E::LoginSucceeded => &["account", "provider", "login", "session"],
        E::LoginSilent => &["account", "client", "session"],
        E::LoginProviderSelected => &["client", "provider", "login", "detail"],
        E::UpstreamCallback => &["client", "provider", "login"],
        E::RequestRefused => &["login", "reason"],
        E::UserProvisioned | E::IdentityLinked => &["account", "provider"],
        E::SessionEnded | E::IdentityUnlinked | E::AccountDisabled | E::AccountEnabled | E::AccountErased => &["account"],
        E::ConsentGranted | E::ConsentRevoked => &["account", "client"],
        E::CodeRedeemed | E::TokenRefreshed => &["account", "client", "grant"],
        // A grant is taken back of somebody, or of everybody at once.
        E::GrantRevoked | E::ClientCredentialsGranted | E::ClientCreated | E::ClientUpdated | E::ClientDeleted | E::ClientExpired => {
            &["client"]
        }
        E::TokenIntrospected | E::ClientDocumentChanged => &["client", "detail"],
        E::ProviderCreated
        | E::ProviderUpdated
        | E::ProviderEnabled
        | E::ProviderDisabled
        | E::ProviderDeleted
        | E::ProviderHealthChanged
        | E::ProviderTested => &["provider"],
        E::DetectionNewCountry | E::DetectionNewNetwork | E::DetectionImpossibleTravel | E::DetectionDormantReturn => {
            &["account", "detail"]
        }
        E::DetectionNewProvider => &["account", "provider", "detail"],
        E::DetectionFailureBurst
        | E::DetectionRefreshReuse
        | E::DetectionAdminOffHours
        | E::KeyRotated
        | E::KeyRetired
        | E::ConfigReloaded
        | E::AuditChainBegun
        | E::AuditRetentionPurged
        | E::AuditExported
        | E::AuditSinkMissed => &["detail"],
        _ => &[],
    }
}

/// What any record may have.
fn any() -> Value {
    let (id, text) = (json!({ "type": "string", "format": "uuid" }), json!({ "type": "string", "minLength": 1, "maxLength": 2000 }));
    let digest = json!({ "type": "string", "pattern": "^[0-9a-f]{64}$" });
    let whole = json!({ "type": "integer", "minimum": 0 });
    let actor = |kind: &str| json!({ "properties": { "type": { "const": kind } }, "required": ["type"] });
    let actors = ["anonymous", "account", "client", "admin_key", "system", "operator"].map(actor);
    json!({
        "type": "object",
        "properties": {
            "id": id,
            "time": { "type": "string", "format": "date-time" },
            "name": { "enum": EventName::ALL },
            "code": whole,
            "outcome": { "enum": Outcome::ALL },
            "reason": { "enum": Reason::ALL },
            "actor": { "oneOf": actors },
            "account": id,
            "client": text,
            "provider": text,
            "login": id,
            "session": id,
            "grant": id,
            "grant_type": { "enum": GrantType::ALL },
            "scopes": { "type": ["string", "array"] },
            "auth_method": { "enum": AuthMethod::ALL },
            "bound_to": { "enum": Binding::ALL },
            "acr": { "type": "string", "maxLength": 100 },
            "amr": { "type": "array", "items": { "type": "string", "maxLength": 100 }, "maxItems": 10 },
            "audience": { "type": "array", "items": { "type": "string", "maxLength": 300 }, "maxItems": 10 },
            "acting": { "type": "array", "items": text, "maxItems": 10 },
            "took_ms": whole,
            "detail": text,
            "trial": { "const": true },
            "change": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": { "pointer": { "type": "string" }, "before": true, "after": true },
                    "required": ["pointer"],
                    "additionalProperties": false,
                },
            },
            "source": {
                "type": "object",
                "properties": {
                    "ip": { "type": "string" },
                    "user_agent": { "type": "string", "maxLength": 1000 },
                    "country": { "type": "string", "pattern": "^[A-Z]{2}$" },
                },
                "additionalProperties": false,
            },
            "personal": {
                "type": "object",
                "properties": { "digest": digest, "salt": digest, "redacted": { "const": true } },
                "required": ["digest"],
                "additionalProperties": false,
            },
            "trace_id": text,
            "chain": {
                "type": "object",
                "properties": { "seq": { "type": "integer", "minimum": 1 }, "prev": digest, "hash": digest },
                "required": ["seq", "prev", "hash"],
                "additionalProperties": false,
            },
        },
        "required": ["id", "time", "name", "code", "outcome", "actor"],
        "additionalProperties": false,
    })
}
