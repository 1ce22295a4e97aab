//! Clients held to the FAPI 2.0 Security Profile, and what the profile refuses.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use vestibule_domain::{
    client::SigningAlg,
    ports::Clock,
    registration::{Draft, Offered},
};
use vestibule_testkit::{issuer::IssuerKeys, proof_key::ProofKey};

use crate::{
    assertions::{draft, honest},
    dpop::TOKEN,
    par::{form, goes_on, link},
    street::{Answer, App, Browser, CALLBACK, Street, VERIFIER, claims, encode, grants},
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A bank's app: it signs with a key of its own and binds its tokens to another.
struct Bank {
    street: Street,
    app: App,
    keys: IssuerKeys,
    key: ProofKey,
}

fn fapi2(keys: &IssuerKeys) -> Draft {
    Draft {
        profile: Some("fapi2".into()),
        dpop_bound_access_tokens: true,
        id_token_alg: "ES256".into(),
        access_token_alg: "ES256".into(),
        ..draft("private_key_jwt", Some(keys))
    }
}

impl Bank {
    async fn open() -> Self {
        let (street, keys) = (Street::open().await, IssuerKeys::new(SigningAlg::Es256));
        let app = street.app_as("bank", fapi2(&keys)).await;
        Self { street, app, keys, key: ProofKey::default() }
    }

    async fn posts(&self, path: &str, assertion: &Value, more: &[(&str, &str)], proof: Option<&str>) -> Answer {
        let assertion = self.keys.jwt("JWT", assertion);
        let form = [&[("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion), ("client_id", "bank")], more].concat();
        let mut request = self.street.request(Method::POST, path).content_type("application/x-www-form-urlencoded");
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        self.street.send(request.body(encode(&form))).await
    }

    async fn asks(&self, path: &str, more: &[(&str, &str)]) -> Answer {
        let proof = self.proof("POST", &format!("https://sso.example.com{path}"));
        self.posts(path, &honest(&self.street, "bank"), more, Some(&proof)).await
    }

    fn proof(&self, method: &str, address: &str) -> String {
        let now = self.street.rig.clock.now();
        self.key.sign(&self.key.claims(method, address, Some(&self.street.gateway().dpop_nonce(now)), now))
    }

    /// From the push to the code.
    async fn signs_in(&self) -> String {
        self.signs_in_asking(&[]).await
    }

    async fn signs_in_asking(&self, changed: &[(&str, &str)]) -> String {
        let pushed = self.asks("/par", &form(changed)).await;
        assert_eq!(pushed.status, StatusCode::CREATED, "{pushed:?}");
        let mut browser = Browser::default();
        let page = self.street.goes(&mut browser, &link(&self.app, pushed.json()["request_uri"].as_str().unwrap())).await;
        let landed = goes_on(&self.street, &mut browser, &page, "alice").await;
        assert_eq!(landed.parameter("iss").as_deref(), Some("https://sso.example.com"), "§5.3.2.2");
        landed.parameter("code").unwrap()
    }

    async fn redeems(&self, code: &str) -> Answer {
        let form = [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
        self.asks("/token", &form).await
    }
}

#[tokio::test]
async fn fapi_2_0_section_5_3_2_the_whole_way_and_a_refresh_token_that_does_not_rotate() {
    let bank = Bank::open().await;
    let tokens = bank.redeems(&bank.signs_in().await).await.json();
    assert_eq!(tokens["token_type"], "DPoP", "{tokens}");
    assert_eq!(claims(&tokens["access_token"])["cnf"]["jkt"], bank.key.thumbprint());
    let refresh = tokens["refresh_token"].as_str().unwrap();
    for _ in 0..3 {
        bank.street.rig.clock.advance(Duration::from_mins(1));
        let again = bank.asks("/token", &[("grant_type", "refresh_token"), ("refresh_token", refresh)]).await;
        assert_eq!((again.status, &again.json()["refresh_token"]), (StatusCode::OK, &json!(refresh)), "{again:?}");
    }
    let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let bare = bank.posts("/token", &honest(&bank.street, "bank"), &form, None).await;
    assert_eq!(bare.error(), "invalid_dpop_proof", "§5.3.2.1: sender-constrained or nothing");
    let userinfo = bank.street.userinfo(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(userinfo.status, StatusCode::UNAUTHORIZED, "as a bearer's it is worth nothing");
}

#[tokio::test]
async fn fapi_2_0_section_5_3_2_2_a_request_must_be_pushed_and_name_its_address() {
    let bank = Bank::open().await;
    let open = Street::link(&bank.app, &[]);
    let answer = bank.street.goes(&mut Browser::default(), &open).await;
    assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{answer:?}");
    for (what, changed) in
        [("redirect_uri", ("redirect_uri", "")), ("PKCE", ("code_challenge", "")), ("plain", ("code_challenge_method", "plain"))]
    {
        let refused = bank.asks("/par", &form(&[changed])).await;
        assert_eq!((refused.status, refused.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_request"), "{what}");
    }
    let oauth = bank.asks("/par", &form(&[("scope", "api"), ("redirect_uri", "")])).await;
    assert_eq!(oauth.status, StatusCode::BAD_REQUEST, "without openid too");
}

#[tokio::test]
async fn fapi_2_0_section_5_3_2_1_an_assertion_is_for_the_issuer_alone() {
    let bank = Bank::open().await;
    for aud in [json!(TOKEN), json!("https://sso.example.com/par"), json!(["https://sso.example.com"])] {
        let mut assertion = honest(&bank.street, "bank");
        assertion["aud"] = aud.clone();
        let refused = bank.posts("/par", &assertion, &form(&[]), None).await;
        assert_eq!((refused.status, refused.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_client"), "{aud}");
    }
}

#[tokio::test]
async fn fapi_2_0_section_5_3_2_1_a_code_is_good_for_a_minute_and_once() {
    let bank = Bank::open().await;
    let late = bank.signs_in().await;
    bank.street.rig.clock.advance(Duration::from_mins(1));
    assert_eq!(bank.redeems(&late).await.error(), "invalid_grant");
    let code = bank.signs_in().await;
    let tokens = bank.redeems(&code).await.json();
    assert_eq!(bank.redeems(&code).await.error(), "invalid_grant");
    let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    assert_eq!(bank.asks("/token", &refresh).await.error(), "invalid_grant", "what the code gave is taken back");
}

#[tokio::test]
async fn fapi_2_0_section_5_3_2_3_an_id_token_says_who_it_is_and_any_nonce_comes_back_whole() {
    let bank = Bank::open().await;
    for nonce in ["n".repeat(64), "n".repeat(512)] {
        let code = bank.signs_in_asking(&[("nonce", &nonce)]).await;
        let tokens = bank.redeems(&code).await.json();
        let said = claims(&tokens["id_token"]);
        assert_eq!((&said["nonce"], &said["aud"]), (&json!(nonce), &json!("bank")));
        assert_eq!((&said["sub"], &said["iss"]), (&claims(&tokens["access_token"])["sub"], &json!("https://sso.example.com")));
    }
}

#[tokio::test]
async fn fapi_2_0_section_5_4_rs256_signs_nothing() {
    let (street, keys) = (Street::open().await, IssuerKeys::new(SigningAlg::Rs256));
    let app = street.app_as("bank", fapi2(&keys)).await;
    let bank = Bank { street, app, keys, key: ProofKey::default() };
    assert_eq!(bank.asks("/par", &form(&[])).await.error(), "invalid_client");
}

#[tokio::test]
async fn fapi_2_0_a_registration_that_gives_something_up_is_refused_with_every_reason() {
    let street = Street::open().await;
    let keys = IssuerKeys::new(SigningAlg::Es256);
    let faults = |draft: Draft| {
        let offered = Offered { algorithms: vec![SigningAlg::Es256, SigningAlg::Rs256], ..Offered::default() };
        let checked = draft.check("bank", &offered, street.rig.clock.now());
        checked.err().unwrap_or_default().into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()
    };
    assert_eq!(faults(fapi2(&keys)), [""; 0]);
    assert_eq!(faults(Draft { profile: Some("fapi1".into()), ..fapi2(&keys) }), ["/profile"]);
    let careless = Draft {
        auth_method: "client_secret_basic".into(),
        jwks: None,
        dpop_bound_access_tokens: false,
        legacy_oauth: true,
        require_pkce: false,
        redirect_uris: vec!["http://127.0.0.1/cb".into()],
        grant_types: grants(&["authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange"]),
        id_token_alg: "RS256".into(),
        request_object_alg: Some("RS256".into()),
        ..fapi2(&keys)
    };
    let expected = [
        "/token_endpoint_auth_method",
        "/profile",
        "/legacy_oauth",
        "/require_pkce",
        "/redirect_uris/0",
        "/grant_types",
        "/id_token_signed_response_alg",
        "/request_object_signing_alg",
    ];
    let found = faults(careless);
    assert!(expected.iter().all(|pointer| found.iter().any(|fault| fault == pointer)), "{found:?}");
}
