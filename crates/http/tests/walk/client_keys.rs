//! Where clients' keys come from: their registration, or an address of theirs.

use http::StatusCode;
use vestibule_domain::{audit::Actor, client::SigningAlg, registration::Draft};
use vestibule_flows::AdminFault;
use vestibule_testkit::issuer::IssuerKeys;

use crate::{
    assertions::{asks_for_a_token, draft, honest},
    street::Street,
};

const ADDRESS: &str = "https://app.example.com/jwks";

fn bytes(keys: &IssuerKeys) -> Vec<u8> {
    keys.jwks().to_string().into_bytes()
}

#[tokio::test]
async fn oidc_core_section_10_1_1_a_client_rotates_its_published_keys_without_asking_anybody() {
    let (street, old, new) = (Street::open().await, IssuerKeys::new(SigningAlg::Es256), IssuerKeys::new(SigningAlg::Rs256));
    street.app_as("app", Draft { jwks_uri: Some(ADDRESS.into()), ..draft("private_key_jwt", None) }).await;
    street.rig.client_keys.publish(ADDRESS, Some(bytes(&old)));
    for _ in 0..3 {
        assert_eq!(asks_for_a_token(&street, &old.jwt("JWT", &honest(&street, "app"))).await.status, StatusCode::OK);
    }
    assert_eq!(street.rig.client_keys.fetched(), 1, "kept, not fetched for each request");
    street.rig.client_keys.publish(ADDRESS, Some(bytes(&new)));
    assert_eq!(asks_for_a_token(&street, &new.jwt("JWT", &honest(&street, "app"))).await.status, StatusCode::OK);
    assert_eq!(asks_for_a_token(&street, &old.jwt("JWT", &honest(&street, "app"))).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn keys_that_cant_be_had_are_no_proof_and_the_log_says_why() {
    let (street, keys) = (Street::open().await, IssuerKeys::new(SigningAlg::Es256));
    street.app_as("app", Draft { jwks_uri: Some(ADDRESS.into()), ..draft("private_key_jwt", None) }).await;
    let answer = asks_for_a_token(&street, &keys.jwt("JWT", &honest(&street, "app"))).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"));
    let failed = street.rig.events().into_iter().rfind(|event| event.name.as_str() == "client.auth_failed").unwrap();
    assert_eq!(failed.reason.unwrap().as_str(), "keys_unavailable");
}

#[tokio::test]
async fn registered_keys_are_rotated_by_replacing_them_and_bad_ones_are_refused_at_once() {
    let (street, old, new) = (Street::open().await, IssuerKeys::new(SigningAlg::Es256), IssuerKeys::new(SigningAlg::Es256));
    let (client, _) = street.rig.register(street.gateway(), "app", draft("private_key_jwt", Some(&old))).await;
    let actor = Actor::AdminKey("test".into());
    let replace = |draft: Draft, version| {
        let street = &street;
        let actor = &actor;
        async move { street.gateway().replace_client(&street.rig.witness(), actor, "app", &draft, Some(version)).await }
    };
    let mut private = old.jwks();
    private["keys"][0]["d"] = "AA".into();
    for (jwks, uri) in
        [(Some(private), None), (Some(serde_json::json!({"keys": []})), None), (None, Some("http://127.0.0.1/jwks".to_owned()))]
    {
        let pointer = if uri.is_some() { "/jwks_uri" } else { "/jwks" };
        let bad = Draft { jwks, jwks_uri: uri, name: String::new(), ..draft("private_key_jwt", None) };
        let Err(AdminFault::Invalid(faults)) = replace(bad.clone(), client.version).await else { panic!("{bad:?}") };
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert!(pointers.contains(&"/client_name"), "every fault at once");
        assert!(pointers.contains(&pointer) || pointer == "/jwks_uri", "{pointers:?}");
        let Err(AdminFault::Invalid(faults)) = replace(Draft { name: "App".into(), ..bad }, client.version).await else { panic!() };
        assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), [pointer]);
    }
    replace(draft("private_key_jwt", Some(&new)), client.version).await.unwrap();
    assert_eq!(asks_for_a_token(&street, &old.jwt("JWT", &honest(&street, "app"))).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(asks_for_a_token(&street, &new.jwt("JWT", &honest(&street, "app"))).await.status, StatusCode::OK);
    let changed = street.rig.events().into_iter().rfind(|event| event.name.as_str() == "client.updated").unwrap();
    assert!(changed.detail.unwrap().contains("jwks"));
}
