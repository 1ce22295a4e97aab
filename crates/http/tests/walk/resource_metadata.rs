//! What our own resources say of themselves (RFC 9728), and where discovery lies for an issuer with a path (RFC 8414).

use http::StatusCode;
use serde_json::json;
use vestibule_domain::registration::Draft;
use vestibule_testkit::rig::RigOptions;

use super::street::{Browser, Street, plain};

async fn at(issuer: &str) -> Street {
    Street::with(RigOptions { issuer: issuer.into(), ..RigOptions::default() }).await
}

#[tokio::test]
async fn rfc_9728_section_3_rfc_9728_section_3_3_rfc_9728_section_5_1_a_resource_s_metadata_lies_before_its_path() {
    for (issuer, prefix) in [("https://sso.example.com", ""), ("https://sso.example.com/tenant", "/tenant")] {
        let street = at(issuer).await;
        let path = format!("/.well-known/oauth-protected-resource{prefix}/userinfo");
        let metadata = street.goes(&mut Browser::default(), &path).await;
        assert_eq!((metadata.status, metadata.header("access-control-allow-origin")), (StatusCode::OK, "*"));
        assert_eq!(
            metadata.json(),
            json!({
                "resource": format!("{issuer}/userinfo"),
                "authorization_servers": [issuer],
                "scopes_supported": ["openid", "profile", "email", "groups", "offline_access"],
                "bearer_methods_supported": ["header", "body"],
                "resource_name": "Userinfo",
            })
        );
        let admin = street.goes(&mut Browser::default(), &format!("/.well-known/oauth-protected-resource{prefix}/api/v1")).await.json();
        assert_eq!(admin["resource"], format!("{issuer}/api/v1"));
        assert!(admin.get("authorization_servers").is_none(), "keys open it, and no token of ours");
        // Section 5.1.
        let refused = street.goes(&mut Browser::default(), &format!("{prefix}/userinfo")).await;
        let challenge = format!("resource_metadata=\"https://sso.example.com{path}\"");
        assert!(refused.status == StatusCode::UNAUTHORIZED && refused.header("www-authenticate").contains(&challenge), "{refused:?}");
        let refused = street.goes(&mut Browser::default(), &format!("{prefix}/api/v1/clients")).await;
        let challenge = challenge.replace("/userinfo", "/api/v1");
        assert!(refused.status == StatusCode::UNAUTHORIZED && refused.header("www-authenticate").contains(&challenge), "{refused:?}");
    }
}

#[tokio::test]
async fn rfc_9728_section_2_a_token_for_the_userinfo_s_own_address_opens_it() {
    let street = Street::open().await;
    let resource = "https://sso.example.com/userinfo";
    let app = street.app_as("app", Draft { audiences: vec![resource.into()], ..plain() }).await;
    let mut browser = Browser::default();
    let landed = street.arrives_asking(&mut browser, &app, &[("resource", resource)], "alice").await;
    let tokens = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    assert_eq!(super::street::claims(&tokens["access_token"])["aud"], resource);
    assert!(street.is_good(tokens["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn rfc_8414_section_3_1_mcp_authorization_an_issuer_with_a_path_is_discovered_at_all_three_addresses() {
    let street = at("https://sso.example.com/tenant").await;
    let mut seen = Vec::new();
    for path in [
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration/tenant",
        "/tenant/.well-known/openid-configuration",
    ] {
        let metadata = street.goes(&mut Browser::default(), path).await;
        assert_eq!((metadata.status, &metadata.json()["issuer"]), (StatusCode::OK, &json!("https://sso.example.com/tenant")), "{path}");
        assert_eq!(metadata.json()["code_challenge_methods_supported"], json!(["S256"]));
        seen.push(metadata.body);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "the same document at each");
}
