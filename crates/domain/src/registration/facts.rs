//! A client in the words of its registration: what records and rehearsals of a change compare.

use serde_json::{Map, Value, json};

use crate::{
    about::ApplicationType,
    client::{Client, KeySource, SigningAlg},
    ids::ClientId,
};

/// Everything that is registered of a client, by the admin API's names. Its secrets are not part of it.
pub fn facts(client: &Client) -> Map<String, Value> {
    let texts = |list: &[crate::redirect::RegisteredUri]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (jwks, jwks_uri) = match &client.keys {
        Some(KeySource::Registered(jwks)) => (serde_json::from_str(jwks).unwrap_or_default(), Value::Null),
        Some(KeySource::Published(address)) => (Value::Null, json!(address)),
        None => (Value::Null, Value::Null),
    };
    let upstream_tokens: Vec<_> =
        client.upstream_tokens.iter().map(|rule| json!({ "provider": rule.provider.as_str(), "scopes": rule.scopes })).collect();
    let about = &client.about;
    let facts = [
        ("client_id", json!(client.id.as_str())),
        ("client_name", json!(client.name)),
        ("application_type", json!(about.application_type.map(ApplicationType::as_str))),
        ("client_uri", json!(about.client_uri)),
        ("policy_uri", json!(about.policy_uri)),
        ("tos_uri", json!(about.tos_uri)),
        ("initiate_login_uri", json!(about.initiate_login_uri)),
        ("contacts", json!(about.contacts)),
        ("software_id", json!(about.software_id)),
        ("software_version", json!(about.software_version)),
        ("redirect_uris", json!(texts(&client.redirect_uris))),
        ("post_logout_redirect_uris", json!(texts(&client.post_logout_redirect_uris))),
        ("grant_types", json!(client.grant_types)),
        ("token_endpoint_auth_method", json!(client.auth_method.as_str())),
        ("scope", json!(client.scopes.to_string())),
        ("jwks", json!(jwks)),
        ("jwks_uri", json!(jwks_uri)),
        ("token_endpoint_auth_signing_alg", json!(client.assertion_alg.map(SigningAlg::as_str))),
        ("id_token_signed_response_alg", json!(client.id_token_alg.as_str())),
        ("access_token_signed_response_alg", json!(client.access_token_alg.as_str())),
        ("userinfo_signed_response_alg", json!(client.userinfo_alg.map(SigningAlg::as_str))),
        ("introspection_signed_response_alg", json!(client.introspection_alg.map(SigningAlg::as_str))),
        ("require_pkce", json!(client.require_pkce)),
        ("legacy_oauth", json!(client.legacy_oauth)),
        ("require_pushed_authorization_requests", json!(client.require_pushed_requests)),
        ("dpop_bound_access_tokens", json!(client.dpop_bound_access_tokens)),
        ("tls_client_certificate_bound_access_tokens", json!(client.certificate_bound_access_tokens)),
        ("profile", json!(client.profile.map(|profile| profile.to_string()))),
        ("require_signed_request_object", json!(client.require_signed_requests)),
        ("request_object_signing_alg", json!(client.request_object_alg.map(SigningAlg::as_str))),
        ("audiences", json!(client.audiences)),
        ("introspection_audiences", json!(client.serves)),
        ("allowed_providers", json!(client.allowed_providers)),
        ("entry", json!(client.entry)),
        ("release", json!(client.release)),
        ("subject_type", json!(client.subject_type.as_str())),
        ("upstream_tokens", json!(upstream_tokens)),
        ("backchannel_logout_uri", json!(client.logout.backchannel_uri.as_ref().map(ToString::to_string))),
        ("backchannel_logout_session_required", json!(client.logout.backchannel_session_required)),
        ("frontchannel_logout_uri", json!(client.logout.frontchannel_uri.as_ref().map(ToString::to_string))),
        ("frontchannel_logout_session_required", json!(client.logout.frontchannel_session_required)),
        ("exchange_audiences", json!(client.exchange_audiences)),
        ("may_act", json!(client.may_act.as_ref().map(ClientId::as_str))),
        ("id_token_claims", json!(client.id_token_claims)),
        ("consent", json!(client.consent.as_str())),
        ("disabled", json!(client.disabled)),
    ];
    let mut facts: Map<_, _> = facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    // By what its certificate is known: one name of five, as the registration has it.
    if let Some(Value::Object(subject)) = client.certificate_subject.as_ref().and_then(|subject| serde_json::to_value(subject).ok()) {
        facts.extend(subject);
    }
    // What is nothing is not there, as a merge patch has it.
    facts.retain(|_, value| !value.is_null());
    facts
}

/// The same with who keeps it, and its secrets by name: when each stops working, and never what it is.
pub fn facts_with_secrets(client: &Client) -> Map<String, Value> {
    let mut facts = facts(client);
    // Not of the registration, and changed with it.
    if let Some(keeper) = &client.managed_by {
        facts.insert("managed_by".to_owned(), json!(keeper));
    }
    let secret = |secret: &crate::client::ClientSecret| {
        let expires = secret.expires.map(|expires| json!({ "expires_at": expires.to_string() }));
        (secret.id.to_string(), expires.unwrap_or_else(|| json!({})))
    };
    let secrets: Map<_, _> = client.secrets.iter().map(secret).collect();
    facts.insert("secrets".to_owned(), secrets.into());
    facts
}
