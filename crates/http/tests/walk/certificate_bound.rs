//! Tokens that are bound to the certificate of their client (RFC 8705 §3), and who may not use them.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::SecretString;
use serde_json::json;
use vestibule_domain::{
    certificate::{ClientCertificate, DistinguishedName},
    error::{OAuthError, OAuthErrorCode},
    possession::Thumbprint,
    registration::Draft,
    secret::Digest,
    settings::CertificateSettings,
};
use vestibule_flows::{Answered, BearerFault, Issued, Presented, Scheme, TokenAsked, TokenShown};
use vestibule_testkit::rig::RigOptions;

use crate::street::{App, Browser, CALLBACK, Street, VERIFIER, claims, plain};

fn certificate(number: u8) -> Arc<ClientCertificate> {
    Arc::new(ClientCertificate {
        thumbprint: Digest([number; 32]),
        trusted: false,
        subject: "CN=app".parse::<DistinguishedName>().unwrap(),
        dns: Vec::new(),
        uris: Vec::new(),
        ips: Vec::new(),
        emails: Vec::new(),
    })
}

async fn bound() -> (Street, App) {
    let client_certificates = CertificateSettings { reach_us: true, ..CertificateSettings::default() };
    let street = Street::with(RigOptions { client_certificates, ..RigOptions::default() }).await;
    let app = street.app_as("app", Draft { certificate_bound_access_tokens: true, ..plain() }).await;
    (street, app)
}

async fn asks(street: &Street, app: &App, shown: Option<u8>, asked: TokenAsked) -> Result<Issued, OAuthError> {
    let presented = Presented {
        basic: Some((app.id.clone(), SecretString::from(app.secret.clone().unwrap()))),
        client_id: None,
        client_secret: None,
        assertion_type: None,
        assertion: None,
        certificate: shown.map(certificate),
        proofs: Vec::new(),
        endpoint: "https://sso.example.com/token".into(),
    };
    match street.gateway().token(&street.rig.witness(), &presented, asked).await? {
        Answered::Issued(issued) => Ok(issued),
        Answered::Exchanged(_) => unreachable!("nothing was exchanged"),
    }
}

async fn redeems(street: &Street, app: &App, shown: Option<u8>) -> Result<Issued, OAuthError> {
    let code = street.signs_in(&mut Browser::default(), app, "alice").await;
    let asked = TokenAsked {
        grant_type: Some("authorization_code".into()),
        code: Some(code),
        redirect_uri: Some(CALLBACK.into()),
        code_verifier: Some(VERIFIER.into()),
        ..TokenAsked::default()
    };
    asks(street, app, shown, asked).await
}

async fn opens(street: &Street, token: &str, certificate: Option<u8>, scheme: Scheme) -> bool {
    let certificate = certificate.map(|number| Thumbprint(Digest([number; 32])));
    let shown = TokenShown { text: token.into(), scheme, proofs: Vec::new(), certificate, method: "GET".into(), endpoint: String::new() };
    match street.gateway().userinfo(&street.rig.witness(), &shown).await {
        Ok(_) => true,
        Err(BearerFault::Invalid) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn rfc_8705_section_3_a_token_is_bound_to_the_certificate_and_no_other_opens_anything_with_it() {
    let (street, app) = bound().await;
    let issued = redeems(&street, &app, Some(7)).await.unwrap();
    let token = issued.access_token;
    let thumbprint = URL_SAFE_NO_PAD.encode([7; 32]);
    assert_eq!(claims(&json!(token))["cnf"], json!({ "x5t#S256": thumbprint }));
    assert!(opens(&street, &token, Some(7), Scheme::Bearer).await);
    assert!(!opens(&street, &token, Some(8), Scheme::Bearer).await && !opens(&street, &token, None, Scheme::Bearer).await);
    assert!(!opens(&street, &token, Some(7), Scheme::Form).await, "RFC 6750 §2.2: only in the header");
    let seen = street.asks(&app, "/introspect", &[("token", &token)]).await.json();
    assert_eq!((&seen["active"], &seen["cnf"]["x5t#S256"], &seen["token_type"]), (&json!(true), &json!(thumbprint), &json!("Bearer")));
}

#[tokio::test]
async fn rfc_8705_section_3_without_a_certificate_there_is_no_token() {
    let (street, app) = bound().await;
    assert_eq!(redeems(&street, &app, None).await.unwrap_err().code, OAuthErrorCode::InvalidRequest);
    let issued = redeems(&street, &app, Some(7)).await.unwrap();
    let refreshing =
        || TokenAsked { grant_type: Some("refresh_token".into()), refresh_token: issued.refresh_token.clone(), ..TokenAsked::default() };
    assert_eq!(asks(&street, &app, None, refreshing()).await.unwrap_err().code, OAuthErrorCode::InvalidRequest);
    let renewed = asks(&street, &app, Some(9), refreshing()).await.unwrap();
    assert!(opens(&street, &renewed.access_token, Some(9), Scheme::Bearer).await, "a certificate is replaced now and then");
    assert!(!opens(&street, &renewed.access_token, Some(7), Scheme::Bearer).await);
}

#[tokio::test]
async fn rfc_8705_section_3_where_no_certificate_reaches_us_no_client_can_be_bound_to_one() {
    let street = Street::open().await;
    let draft = Draft { certificate_bound_access_tokens: true, ..plain() };
    let faults = draft.check("app", &vestibule_domain::registration::Offered::default(), street.rig.witness().now).unwrap_err();
    assert!(faults.iter().any(|fault| fault.pointer == "/tls_client_certificate_bound_access_tokens"), "{faults:?}");
}
