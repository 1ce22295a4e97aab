//! What is wrong with a body, at its place and in our own words.

use http::{Method, StatusCode};
use serde_json::json;

use super::{Desk, app};

#[tokio::test]
async fn bad_redirect_addresses_are_named_with_what_to_write_instead() {
    let desk = Desk::open().await;
    let table = [
        ("", "is blank; write the whole address, as https://app.example.com/callback"),
        ("/callback", "is not an absolute address; begin it with https://"),
        ("app.example.com/cb", "is not an absolute address; begin it with https://"),
        ("https://app.example.com/cb#top", "has a fragment; leave out '#' and what follows"),
        ("https://*.example.com/cb", "has a wildcard; register each address in full"),
        ("https://me:pw@example.com/cb", "has a user name or password; leave out what stands before '@'"),
        ("http://app.example.com/cb", "uses http, which is only for 127.0.0.1, [::1] and localhost; write https://"),
        ("javascript:alert(1)", "has a scheme that no app can own; use https or a reverse-domain scheme such as com.example.app:/callback"),
        ("myapp:/cb", "has a private-use scheme without a dot; use your domain in reverse, as com.example.app:/callback"),
        ("https://app.example.com/a b", "has a character that does not belong in an address; percent-encode it"),
        ("https://app.example.com/x/../cb", "has '.' or '..' as a path segment; write the path without it"),
        ("https://app.example.com/fine", ""),
        ("https://app.example.com/fine", "is there twice"),
        ("app.immich:///oauth-callback", ""),
    ];
    let uris: Vec<_> = table.iter().map(|(uri, _)| *uri).collect();
    for field in ["redirect_uris", "post_logout_redirect_uris"] {
        let mut body = app("app");
        body[field] = json!(uris);
        let refused = desk.create(body).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_fields"));
        let wanted = table.iter().enumerate().filter(|(_, (_, message))| !message.is_empty());
        let wanted: Vec<_> = wanted.map(|(at, (_, message))| format!("/{field}/{at} {message}")).collect();
        assert_eq!(refused.faults(), wanted);
    }
    assert_eq!(desk.get("/clients/app").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_broken_rule_is_named_at_its_place() {
    let desk = Desk::open().await;
    let refused = desk
        .create(json!({
            "client_id": "has space", "client_name": "", "redirect_uris": [], "grant_types": ["password"],
            "token_endpoint_auth_method": "none", "require_pkce": false, "allowed_providers": ["nobody"],
            "id_token_signed_response_alg": "none", "scope": "a\"b", "audiences": [""],
        }))
        .await;
    let faults = refused.faults();
    assert_eq!(faults[0], "/client_id may only have letters, digits, '-', '.', '_' and '~'");
    assert!(faults.len() > 6, "and the rest beside it: {faults:?}");
    let refused = desk
        .create(json!({
            "client_name": "", "redirect_uris": [], "grant_types": ["authorization_code", "password"],
            "token_endpoint_auth_method": "none", "require_pkce": false, "allowed_providers": ["nobody"],
            "id_token_signed_response_alg": "none", "scope": "a\"b", "audiences": [""],
        }))
        .await;
    insta::assert_snapshot!(refused.shown(), @r#"
    422 Unprocessable Entity
    content-type: application/problem+json
    {
      "code": "invalid_fields",
      "detail": "8 things are wrong with what was sent.",
      "errors": [
        {
          "detail": "must have 1 to 100 printable characters; people see it when they sign in",
          "pointer": "/client_name"
        },
        {
          "detail": "must be one of authorization_code, refresh_token, client_credentials, urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:token-exchange",
          "pointer": "/grant_types/1"
        },
        {
          "detail": "is empty; authorization_code needs at least one address to send codes to",
          "pointer": "/redirect_uris"
        },
        {
          "detail": "must be space-separated tokens of printable ASCII without quotes and backslashes",
          "pointer": "/scope"
        },
        {
          "detail": "must be one of RS256, ES256",
          "pointer": "/id_token_signed_response_alg"
        },
        {
          "detail": "must be true for a public client: without a secret, PKCE is all that protects its codes",
          "pointer": "/require_pkce"
        },
        {
          "detail": "must have 1 to 255 printable ASCII characters, as https://api.example.com",
          "pointer": "/audiences/0"
        },
        {
          "detail": "is not a configured provider; there are: acme, other",
          "pointer": "/allowed_providers/0"
        }
      ],
      "status": 422,
      "title": "Fields break rules",
      "trace_id": "…",
      "type": "urn:vestibule:problem:invalid_fields"
    }
    "#);
    let refused = desk
        .create(json!({ "client_name": 7, "redirect_uris": "https://a.test/", "requirePkce": true, "created_at": "x", "disabled": "no" }))
        .await;
    insta::assert_snapshot!(refused.faults().join("\n"), @r"
    /client_name must be text in double quotes
    /redirect_uris must be a list of texts, in '[' and ']'
    /disabled must be true or false
    /created_at is set by the gateway; leave it out of what you send
    /requirePkce is not a field here; the fields are client_id, client_name, application_type, client_uri, policy_uri, tos_uri, initiate_login_uri, contacts, software_id, software_version, redirect_uris, post_logout_redirect_uris, grant_types, token_endpoint_auth_method, scope, jwks, jwks_uri, token_endpoint_auth_signing_alg, tls_client_auth_subject_dn, tls_client_auth_san_dns, tls_client_auth_san_uri, tls_client_auth_san_ip, tls_client_auth_san_email, id_token_signed_response_alg, access_token_signed_response_alg, userinfo_signed_response_alg, introspection_signed_response_alg, require_pkce, legacy_oauth, require_pushed_authorization_requests, dpop_bound_access_tokens, tls_client_certificate_bound_access_tokens, profile, require_signed_request_object, request_object_signing_alg, audiences, introspection_audiences, allowed_providers, entry, release, subject_type, upstream_tokens, backchannel_logout_uri, backchannel_logout_session_required, frontchannel_logout_uri, frontchannel_logout_session_required, exchange_audiences, may_act, id_token_claims, consent, disabled
    ");
    let refused = desk.add_secret("app", r#"{"expires_in": 59, "others_expire_in": -1, "forever": true}"#).await;
    insta::assert_snapshot!(refused.faults().join("\n"), @r"
    /expires_in must be a whole number from 60 to 315360000
    /others_expire_in must be a whole number from 0 to 315360000
    /forever is not a field here; the fields are expires_in, others_expire_in
    ");
}

#[tokio::test]
async fn what_is_not_json_is_told_where_and_in_our_own_words() {
    let desk = Desk::open().await;
    let broken = desk.send(Method::POST, "/clients", &[], "{\n  \"client_name\": \"App\",\n  \"scope\": }").await;
    insta::assert_snapshot!(broken.shown(), @r#"
    400 Bad Request
    content-type: application/problem+json
    {
      "code": "invalid_json",
      "detail": "line 3, column 12: expected a value",
      "status": 400,
      "title": "The body is not the JSON it should be",
      "trace_id": "…",
      "type": "urn:vestibule:problem:invalid_json"
    }
    "#);
    for (body, detail) in [
        ("[]", "line 1, column 1: expected an object in '{' and '}'"),
        ("{\"client_name\":", "line 1, column 15: expected more; the JSON ends in the middle"),
        ("\u{feff}{}", "line 1, column 1: expected a value"),
    ] {
        assert_eq!(desk.send(Method::POST, "/clients", &[], body).await.json()["detail"], detail, "{body}");
    }
    let empty = desk.send(Method::POST, "/clients", &[("content-type", "application/json")], "").await;
    assert_eq!((empty.status, empty.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_json"));
    let twice = desk.send(Method::POST, "/clients", &[], r#"{"client_name": "A", "client_name": "B"}"#).await;
    assert_eq!(twice.faults(), ["/client_name is there twice"]);
    let large = desk.send(Method::POST, "/clients", &[], format!("{{\"client_name\": \"{}\"}}", "x".repeat(70_000))).await;
    assert_eq!((large.status, large.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    assert_eq!(desk.events(), []);
}

#[tokio::test]
async fn a_body_of_another_kind_is_refused() {
    let desk = Desk::open().await;
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/json; charset=latin1", ""] {
        for path in ["/clients", "/clients/app/secrets"] {
            let refused = desk.send(Method::POST, path, &[("content-type", kind)], "{}").await;
            assert_eq!((refused.status, refused.code().as_str()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type"), "{kind}");
        }
    }
    for kind in ["application/json", "Application/JSON; charset=UTF-8"] {
        assert_eq!(desk.send(Method::POST, "/clients", &[("content-type", kind)], "{}").await.code(), "invalid_fields", "{kind}");
    }
}
