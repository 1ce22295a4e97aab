//! The document that describes the API, and the page that shows it.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Desk, app};

/// What the document owes its readers: every reference leads somewhere, every operation is described and says how it may refuse.
#[tokio::test]
async fn the_document_is_whole() {
    let desk = Desk::open().await;
    let document = &desk.document;
    assert!(document["openapi"].as_str().unwrap().starts_with("3.0"));
    references(document, &mut |to| assert!(document.pointer(to.strip_prefix('#').unwrap()).is_some(), "{to} leads nowhere"));
    let (mut lines, mut ids) = (Vec::new(), BTreeSet::new());
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(operation["summary"].is_string() && operation["tags"].is_array(), "{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()));
            let description = operation["description"].as_str().unwrap();
            assert_eq!(description.matches("Needs the scope `").count(), 1, "{method} {path} is not in the table");
            // A copy of the audit log is read, and recorded.
            assert_eq!(description.contains("Recorded as `"), method != "get" || path == "/audit-events:export", "{method} {path}");
            assert_eq!(operation["security"], json!([{ "AdminKey": [] }]), "{method} {path}");
            let responses = operation["responses"].as_object().unwrap();
            for (status, response) in responses {
                assert!(!response["description"].as_str().unwrap().is_empty(), "{method} {path} {status}");
                let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(problem == "#/components/schemas/Problem", status.as_str() >= "400", "{method} {path} {status}");
                if problem.is_string() {
                    let examples = response["content"]["application/problem+json"]["examples"].as_object().unwrap();
                    assert!(!examples.is_empty(), "{method} {path} {status} has no example");
                    for (code, example) in examples {
                        assert_eq!((&example["value"]["code"], example["value"]["status"].to_string()), (&json!(code), status.clone()));
                    }
                }
            }
            // What is sent and what is answered is shown by an example.
            let good = responses.iter().filter(|(status, _)| status.as_str() < "400").map(|(_, response)| &response["content"]);
            for content in good.chain([&operation["requestBody"]["content"]]).filter_map(Value::as_object).flat_map(|kinds| kinds.values())
            {
                if content["schema"]["format"] == "binary" {
                    assert!(content["example"].is_string(), "{method} {path} has no example");
                    continue;
                }
                let name = content["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
                assert!(!document["components"]["schemas"][name]["example"].is_null(), "{method} {path}: {name} has no example");
            }
            for parameter in operation["parameters"].as_array().unwrap_or(&Vec::new()) {
                assert!(parameter["description"].is_string(), "{method} {path} {parameter}");
            }
            let statuses: Vec<_> = responses.keys().map(String::as_str).collect();
            lines.push(format!("{} {path} → {}", method.to_uppercase(), statuses.join(" ")));
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
    GET /accounts → 200 400 401 403 429 500 503
    GET /accounts/{account_id} → 200 401 403 404 429 500 503
    PATCH /accounts/{account_id} → 200 400 401 403 404 413 415 422 429 500 503
    GET /accounts/{account_id}/consents → 200 400 401 403 404 429 500 503
    DELETE /accounts/{account_id}/consents/{client_id} → 200 204 400 401 403 404 429 500 503
    GET /accounts/{account_id}/grants → 200 400 401 403 404 429 500 503
    DELETE /accounts/{account_id}/grants/{grant_id} → 200 204 400 401 403 404 429 500 503
    GET /accounts/{account_id}/links → 200 401 403 404 429 500 503
    DELETE /accounts/{account_id}/links/{link_id} → 200 204 400 401 403 404 429 500 503
    GET /accounts/{account_id}/sessions → 200 400 401 403 404 429 500 503
    DELETE /accounts/{account_id}/sessions/{session_id} → 200 204 400 401 403 404 429 500 503
    POST /accounts/{account_id}:erase → 200 204 400 401 403 404 409 422 429 500 503
    GET /api-keys → 200 400 401 403 429 500 503
    POST /api-keys → 200 201 400 401 403 409 413 415 422 429 500 503
    DELETE /api-keys/{key_id} → 200 204 400 401 403 404 409 429 500 503
    GET /api-keys/{key_id} → 200 401 403 404 429 500 503
    PATCH /api-keys/{key_id} → 200 400 401 403 404 412 413 415 422 428 429 500 503
    GET /audit-chain → 200 401 403 404 429 500 503
    GET /audit-events → 200 400 401 403 429 500 503
    GET /audit-events/{event_id} → 200 401 403 404 429 500 503
    GET /audit-events:export → 200 400 401 403 429 500 503
    GET /clients → 200 400 401 403 429 500 503
    POST /clients → 200 201 400 401 403 409 413 415 422 429 500 503
    DELETE /clients/{client_id} → 200 204 400 401 403 404 409 412 428 429 500 503
    GET /clients/{client_id} → 200 304 401 403 404 429 500 503
    PATCH /clients/{client_id} → 200 400 401 403 404 409 412 413 415 422 428 429 500 503
    PUT /clients/{client_id} → 200 201 400 401 403 409 412 413 415 422 428 429 500 503
    DELETE /clients/{client_id}/grants → 200 204 400 401 403 404 429 500 503
    POST /clients/{client_id}/secrets → 200 201 400 401 403 404 409 413 415 422 429 500 503
    DELETE /clients/{client_id}/secrets/{secret_id} → 200 204 400 401 403 404 409 429 500 503
    GET /config → 200 401 403 429 500 503
    POST /config:check → 200 400 401 403 409 422 429 500 503
    POST /config:reload → 200 400 401 403 409 422 429 500 503
    GET /grants → 200 400 401 403 429 500 503
    DELETE /grants/{grant_id} → 200 204 400 401 403 404 429 500 503
    GET /grants/{grant_id} → 200 401 403 404 429 500 503
    GET /keys → 200 401 403 429 500 503
    POST /keys:rotate → 200 400 401 403 409 413 415 422 429 500 503
    GET /logins/{reference} → 200 401 403 404 429 500 503
    GET /providers → 200 401 403 429 500 503
    DELETE /providers/{provider_id} → 200 204 400 401 403 404 409 412 428 429 500 503
    GET /providers/{provider_id} → 200 401 403 404 429 500 503
    PATCH /providers/{provider_id} → 200 400 401 403 404 409 412 413 415 422 428 429 500 503
    PUT /providers/{provider_id} → 200 201 400 401 403 409 412 413 415 422 428 429 500 503
    GET /providers/{provider_id}/trials/{trial} → 200 401 403 404 429 500 503
    POST /providers/{provider_id}:test → 200 400 401 403 404 409 413 415 422 429 500 503
    GET /registration-tokens → 200 400 401 403 429 500 503
    POST /registration-tokens → 200 201 400 401 403 409 413 415 422 429 500 503
    DELETE /registration-tokens/{token_id} → 200 204 400 401 403 404 429 500 503
    GET /sessions → 200 400 401 403 429 500 503
    DELETE /sessions/{session_id} → 200 204 400 401 403 404 429 500 503
    GET /sessions/{session_id} → 200 401 403 404 429 500 503
    GET /stats → 200 400 401 403 429 500 503
    ");
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        assert!(schema["description"].is_string(), "{name}");
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            let described = property["description"].is_string() || property["allOf"].is_array() || field == "items";
            assert!(described, "{name}.{field} has no description");
        }
    }
    for name in [
        "Registration",
        "Client",
        "RegisteredClient",
        "ClientPage",
        "SecretRequest",
        "NewSecret",
        "Entry",
        "Release",
        "Provider",
        "ProviderPage",
        "ProviderDraft",
        "ProviderTrial",
        "ProviderTest",
        "ProviderTrialResult",
        "Account",
        "AccountPage",
        "AccountChange",
        "LinkList",
        "SessionList",
        "SigningKey",
        "SigningKeys",
        "KeyRotation",
        "ApiKeyRequest",
        "ApiKeyChange",
        "ApiKey",
        "ApiKeyPage",
        "NewApiKey",
        "DryRun",
        "ConfigurationSettings",
        "ConfigurationChange",
        "CheckedConfiguration",
        "Statistics",
    ] {
        assert!(!document["components"]["schemas"][name]["example"].is_null(), "{name} has no example");
    }
}

/// The schema is what is read: every documented field is taken, its defaults are the ones that apply, and its example registers.
#[tokio::test]
async fn the_registration_in_the_document_is_the_one_that_is_read() {
    let desk = Desk::open().await;
    let schema = &desk.document["components"]["schemas"]["Registration"];
    assert_eq!((&schema["additionalProperties"], &schema["required"]), (&json!(false), &json!(["client_name"])));
    let example = &schema["example"];
    let created = desk.create(example.clone()).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    for (field, value) in example.as_object().unwrap() {
        assert_eq!(tokens(&created.json()[field]), tokens(value), "{field}");
    }
    let plain = desk.create(app("plain")).await.json();
    let defaults: serde_json::Map<_, _> = schema["properties"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, property)| !property["default"].is_null())
        .map(|(field, property)| (field.clone(), property["default"].clone()))
        .collect();
    for (field, default) in defaults.iter().filter(|(field, _)| *field != "redirect_uris") {
        assert_eq!(tokens(&plain[field]), tokens(default), "{field}");
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&defaults).unwrap(), @r#"
    {
      "access_token_signed_response_alg": "RS256",
      "allowed_providers": [],
      "audiences": [],
      "backchannel_logout_session_required": false,
      "consent": "implicit",
      "contacts": [],
      "disabled": false,
      "dpop_bound_access_tokens": false,
      "entry": {},
      "exchange_audiences": [],
      "frontchannel_logout_session_required": false,
      "grant_types": [
        "authorization_code",
        "refresh_token"
      ],
      "id_token_claims": true,
      "id_token_signed_response_alg": "RS256",
      "introspection_audiences": [],
      "legacy_oauth": false,
      "post_logout_redirect_uris": [],
      "redirect_uris": [],
      "release": {},
      "require_pkce": true,
      "require_pushed_authorization_requests": false,
      "require_signed_request_object": false,
      "scope": "openid profile email groups offline_access",
      "subject_type": "public",
      "tls_client_certificate_bound_access_tokens": false,
      "token_endpoint_auth_method": "client_secret_basic",
      "upstream_tokens": []
    }
    "#);
    let properties = schema["properties"].as_object().unwrap();
    let without = json!([
        "application_type",
        "backchannel_logout_uri",
        "client_id",
        "client_name",
        "client_uri",
        "frontchannel_logout_uri",
        "initiate_login_uri",
        "introspection_signed_response_alg",
        "jwks",
        "jwks_uri",
        "may_act",
        "policy_uri",
        "profile",
        "request_object_signing_alg",
        "software_id",
        "software_version",
        "tls_client_auth_san_dns",
        "tls_client_auth_san_email",
        "tls_client_auth_san_ip",
        "tls_client_auth_san_uri",
        "tls_client_auth_subject_dn",
        "token_endpoint_auth_signing_alg",
        "tos_uri",
        "userinfo_signed_response_alg"
    ]);
    assert_eq!(json!(properties.keys().filter(|name| !defaults.contains_key(*name)).collect::<Vec<_>>()), without);
    let methods = json!([
        "client_secret_basic",
        "client_secret_post",
        "client_secret_jwt",
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
        "none"
    ]);
    assert_eq!(properties["token_endpoint_auth_method"]["enum"], methods);
}

#[tokio::test]
async fn the_explorer_comes_whole_from_this_house_under_a_strict_policy() {
    let desk = Desk::open().await;
    let page = desk.plain(Method::GET, "/explorer", &[], "").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    insta::assert_snapshot!(page.header("content-security-policy"), @"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    assert!(
        !page.body.contains("http:") && !page.body.contains("https:") && !page.body.contains("<script>") && !page.body.contains("style=")
    );
    for (part, kind, least) in [
        ("swagger-ui.js", "text/javascript; charset=utf-8", 1_000_000),
        ("swagger-ui.css", "text/css; charset=utf-8", 100_000),
        ("start.js", "text/javascript; charset=utf-8", 100),
    ] {
        assert!(page.body.contains(&format!("\"explorer/{part}\"")));
        let file = desk.plain(Method::GET, &format!("/explorer/{part}"), &[], "").await;
        assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, kind), "{part}");
        assert!(file.body.len() > least && file.header("x-content-type-options") == "nosniff", "{part}");
        let again = desk.plain(Method::GET, &format!("/explorer/{part}"), &[("if-none-match", file.header("etag"))], "").await;
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{part}");
    }
}

/// The order of scopes says nothing.
fn tokens(value: &Value) -> Value {
    let mut tokens: Vec<_> = value.as_str().map(|text| text.split(' ').collect()).unwrap_or_default();
    tokens.sort_unstable();
    if tokens.is_empty() { value.clone() } else { tokens.into() }
}

fn references(value: &Value, found: &mut impl FnMut(&str)) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(to)) = members.get("$ref") {
                found(to);
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}
