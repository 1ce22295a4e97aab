//! What is bound to a key: codes, refresh tokens, and access tokens at userinfo, introspection and token exchange.

use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use vestibule_domain::{registration::Draft, settings::CertificateSettings};
use vestibule_testkit::{
    proof_key::{ProofKey, hash},
    rig::RigOptions,
};

use crate::{
    dpop::{Holder, TOKEN},
    street::{Answer, Browser, Street, VERIFIER, basic, claims, plain},
};

const USERINFO: &str = "https://sso.example.com/userinfo";

impl Holder<'_> {
    async fn signs_in(&self, changed: &[(&str, &str)]) -> String {
        let landed = self.street.arrives_asking(&mut Browser::default(), &self.app, changed, "alice").await;
        landed.parameter("code").unwrap_or_else(|| panic!("{landed:?}"))
    }

    pub(crate) async fn redeems_with(&self, code: &str, proofs: &[&str]) -> Answer {
        let form =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &self.app.redirect_uri), ("code_verifier", VERIFIER)];
        self.street.asks_with(&self.app, "/token", &form, proofs).await
    }

    async fn refreshes_with(&self, tokens: &Value, proofs: &[&str]) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
        self.street.asks_with(&self.app, "/token", &form, proofs).await
    }

    /// Tokens bound to the key.
    async fn tokens(&self) -> Value {
        let answer = self.redeems_with(&self.signs_in(&[]).await, &[&self.proof()]).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    /// A proof for one use of a token at userinfo.
    fn proof_for(&self, key: &ProofKey, method: &str, token: &str) -> String {
        let now = self.street.rig.witness().now;
        let mut claims = key.claims(method, USERINFO, Some(&self.street.gateway().dpop_nonce(now)), now);
        claims["ath"] = hash(token).into();
        key.sign(&claims)
    }
}

async fn shows(street: &Street, scheme: &str, token: &str, proofs: &[&str]) -> Answer {
    let mut request = street.request(Method::GET, "/userinfo").header(header::AUTHORIZATION, format!("{scheme} {token}"));
    for proof in proofs {
        request = request.header("dpop", *proof);
    }
    street.send(request.finish()).await
}

async fn public(street: &Street) -> Holder<'_> {
    Holder::of(street, street.public_app("public").await)
}

#[tokio::test]
async fn rfc_9449_section_7_1_a_bound_token_opens_userinfo_with_its_key_and_with_nothing_less() {
    let street = Street::open().await;
    let holder = Holder::of(&street, street.app("app").await);
    let tokens = holder.tokens().await;
    let token = tokens["access_token"].as_str().unwrap();
    let good = shows(&street, "DPoP", token, &[&holder.proof_for(&holder.key, "GET", token)]).await;
    assert_eq!((good.status, &good.json()["sub"]), (StatusCode::OK, &claims(&tokens["id_token"])["sub"]));
    let lower = shows(&street, "dpop", token, &[&holder.proof_for(&holder.key, "GET", token)]).await;
    assert_eq!(lower.status, StatusCode::OK, "names of schemes have no case");

    let another_token = holder.tokens().await["access_token"].as_str().unwrap().to_owned();
    let (proof, other) = (|| holder.proof_for(&holder.key, "GET", token), ProofKey::default());
    for (what, scheme, proofs, error) in [
        ("no proof", "DPoP", vec![], "invalid_token"),
        ("another key", "DPoP", vec![holder.proof_for(&other, "GET", token)], "invalid_token"),
        ("as a bearer's", "Bearer", vec![], "invalid_token"),
        ("as a bearer's, with a proof", "Bearer", vec![proof()], "invalid_token"),
        ("for another token", "DPoP", vec![holder.proof_for(&holder.key, "GET", &another_token)], "invalid_dpop_proof"),
        ("for another method", "DPoP", vec![holder.proof_for(&holder.key, "POST", token)], "invalid_dpop_proof"),
        ("for the token endpoint", "DPoP", vec![holder.proof()], "invalid_dpop_proof"),
        ("twice", "DPoP", vec![proof(), proof()], "invalid_dpop_proof"),
    ] {
        let proofs: Vec<_> = proofs.iter().map(String::as_str).collect();
        let answer = shows(&street, scheme, token, &proofs).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, error), "{what}");
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("DPoP ") && challenge.contains(&format!("error=\"{error}\"")) && challenge.contains("ES256"),
            "{what}"
        );
    }
}

#[tokio::test]
async fn rfc_9449_section_9_userinfo_asks_for_its_nonce_and_takes_a_proof_once() {
    let street = Street::open().await;
    let holder = Holder::of(&street, street.app("app").await);
    let tokens = holder.tokens().await;
    let token = tokens["access_token"].as_str().unwrap();
    let mut claims = holder.key.claims("GET", USERINFO, None, street.rig.witness().now);
    claims["ath"] = hash(token).into();
    let asked = shows(&street, "DPoP", token, &[&holder.key.sign(&claims)]).await;
    assert_eq!((asked.status, asked.error().as_str()), (StatusCode::UNAUTHORIZED, "use_dpop_nonce"));
    assert!(asked.header("www-authenticate").starts_with("DPoP ") && asked.header("www-authenticate").contains("use_dpop_nonce"));
    claims["nonce"] = asked.header("dpop-nonce").into();
    let proof = holder.key.sign(&claims);
    assert_eq!(shows(&street, "DPoP", token, &[&proof]).await.status, StatusCode::OK);
    assert_eq!(shows(&street, "DPoP", token, &[&proof]).await.error(), "invalid_dpop_proof");
    let node = street.beside().await;
    assert_eq!(shows(&node, "DPoP", token, &[&proof]).await.error(), "invalid_dpop_proof", "another node knows it too");
}

#[tokio::test]
async fn rfc_9449_section_7_2_a_bearers_token_is_none_of_dpop_and_a_request_without_any_learns_both_schemes() {
    let street = Street::open().await;
    let holder = Holder::of(&street, street.app("app").await);
    let tokens = street.tokens(&holder.app, "alice").await;
    assert_eq!((&tokens["token_type"], &claims(&tokens["access_token"])["cnf"]), (&json!("Bearer"), &Value::Null));
    let token = tokens["access_token"].as_str().unwrap();
    let answer = shows(&street, "DPoP", token, &[&holder.proof_for(&holder.key, "GET", token)]).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
    assert!(street.is_good(token).await);
    let bare = street.send(street.request(Method::GET, "/userinfo").finish()).await;
    let schemes: Vec<_> = bare.headers.get_all(header::WWW_AUTHENTICATE).iter().map(|value| value.to_str().unwrap()).collect();
    let metadata = "resource_metadata=\"https://sso.example.com/.well-known/oauth-protected-resource/userinfo\"";
    let expected = ["Bearer realm=\"vestibule\", M", "DPoP realm=\"vestibule\", M, algs=\"ES256 EdDSA Ed25519 PS256 RS256\""];
    assert_eq!(schemes, expected.map(|text| text.replace('M', metadata)));
    assert!(bare.body.is_empty());
}

#[tokio::test]
async fn attack_58_fapi_2_0_section_5_3_4_in_a_form_a_bound_token_is_a_bearers_too() {
    let street = Street::open().await;
    let holder = Holder::of(&street, street.app("app").await);
    let tokens = holder.tokens().await;
    let token = tokens["access_token"].as_str().unwrap();
    let form = crate::street::encode(&[("access_token", token)]);
    let request = street.request(Method::POST, "/userinfo").content_type("application/x-www-form-urlencoded");
    let answer = street.send(request.header("dpop", holder.proof_for(&holder.key, "POST", token)).body(form)).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
}

#[tokio::test]
async fn rfc_9449_section_6_2_introspection_says_what_a_token_is_bound_to() {
    let street = Street::open().await;
    let holder = Holder::of(&street, street.app("app").await);
    let tokens = holder.tokens().await;
    let told = street.asks(&holder.app, "/introspect", &[("token", tokens["access_token"].as_str().unwrap())]).await.json();
    assert_eq!((&told["active"], &told["token_type"]), (&json!(true), &json!("DPoP")));
    assert_eq!(told["cnf"], json!({"jkt": holder.key.thumbprint()}));
}

#[tokio::test]
async fn rfc_9449_section_5_a_public_clients_refresh_token_is_bound_to_its_key() {
    let street = Street::open().await;
    let holder = public(&street).await;
    let tokens = holder.tokens().await;
    let now = street.rig.witness().now;
    let other = ProofKey::default();
    let theirs = other.sign(&other.claims("POST", TOKEN, Some(&street.gateway().dpop_nonce(now)), now));
    for proofs in [vec![], vec![theirs.as_str()]] {
        let stolen = holder.refreshes_with(&tokens, &proofs).await;
        assert_eq!((stolen.status, stolen.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    }
    let next = holder.refreshes_with(&tokens, &[&holder.proof()]).await.json();
    assert_eq!(claims(&next["access_token"])["cnf"]["jkt"], holder.key.thumbprint());
    street.rig.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(holder.refreshes_with(&tokens, &[]).await.error(), "invalid_grant");
    assert_eq!(street.count("token.reuse_detected"), 0, "an old token without its key ends nobody's grant");
    assert_eq!(holder.refreshes_with(&next, &[&holder.proof()]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn attack_36_what_was_bound_is_never_turned_into_a_bearers() {
    let street = Street::open().await;
    let holder = Holder::of(&street, street.app("app").await);
    let tokens = holder.tokens().await;
    assert_eq!(holder.refreshes_with(&tokens, &[]).await.error(), "invalid_grant", "the header was taken away");
    // A confidential client is known by more than its key, and may change that (§5).
    let other = Holder::of(&street, holder.app.clone());
    let next = other.refreshes_with(&tokens, &[&other.proof()]).await.json();
    assert_eq!(claims(&next["access_token"])["cnf"]["jkt"], other.key.thumbprint());
}

#[tokio::test]
async fn rfc_9449_section_5_a_public_client_gets_no_unbound_refresh_token_beside_a_bound_access_token() {
    let street = Street::open().await;
    let holder = public(&street).await;
    let unbound = street.tokens(&holder.app, "alice").await;
    assert_eq!(holder.refreshes_with(&unbound, &[&holder.proof()]).await.error(), "invalid_grant");
    assert_eq!(holder.refreshes_with(&unbound, &[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rfc_9449_section_10_dpop_jkt_binds_the_code_to_the_key() {
    let street = Street::open().await;
    let holder = public(&street).await;
    let thumbprint = holder.key.thumbprint();
    let code = holder.signs_in(&[("dpop_jkt", &thumbprint)]).await;
    let now = street.rig.witness().now;
    let other = ProofKey::default();
    let theirs = other.sign(&other.claims("POST", TOKEN, Some(&street.gateway().dpop_nonce(now)), now));
    for proofs in [vec![], vec![theirs.as_str()]] {
        let stolen = holder.redeems_with(&code, &proofs).await;
        assert_eq!((stolen.status, stolen.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"), "even with the verifier");
    }
    let answer = holder.redeems_with(&code, &[&holder.proof()]).await;
    assert_eq!((answer.status, &answer.json()["token_type"]), (StatusCode::OK, &json!("DPoP")));
}

#[tokio::test]
async fn rfc_9449_section_10_a_dpop_jkt_that_is_none_is_said_at_once() {
    let street = Street::open().await;
    let app = street.app("app").await;
    for wrong in ["short", &"A".repeat(44), &"*".repeat(43), &format!("{}B", "A".repeat(42))] {
        let answer = street.goes(&mut Browser::default(), &Street::link(&app, &[("dpop_jkt", wrong)])).await;
        assert_eq!(answer.parameter("error").as_deref(), Some("invalid_request"), "{wrong}");
    }
    let twice = format!("{}&dpop_jkt=a&dpop_jkt=b", Street::link(&app, &[]));
    assert_eq!(street.goes(&mut Browser::default(), &twice).await.parameter("error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn attack_58_a_replayed_proof_spends_no_code() {
    let street = Street::open().await;
    let holder = public(&street).await;
    let proof = holder.proof();
    let first = holder.signs_in(&[]).await;
    assert_eq!(holder.redeems_with(&first, &[&proof]).await.status, StatusCode::OK);
    let second = holder.signs_in(&[]).await;
    assert_eq!(holder.redeems_with(&second, &[&proof]).await.error(), "invalid_dpop_proof");
    assert_eq!(holder.redeems_with(&second, &[&holder.proof()]).await.status, StatusCode::OK, "the code is the client's still");
}

#[tokio::test]
async fn rfc_9449_section_5_2_a_client_that_must_prove_can_neither_redeem_nor_refresh_without() {
    let street = Street::open().await;
    let holder = Holder::of(&street, street.app_as("bound", Draft { dpop_bound_access_tokens: true, ..plain() }).await);
    let code = holder.signs_in(&[]).await;
    assert_eq!(holder.redeems_with(&code, &[]).await.error(), "invalid_dpop_proof");
    let tokens = holder.redeems_with(&code, &[&holder.proof()]).await.json();
    assert_eq!(holder.refreshes_with(&tokens, &[]).await.error(), "invalid_dpop_proof");
    assert_eq!(holder.refreshes_with(&tokens, &[&holder.proof()]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rfc_9449_section_5_an_app_whose_answer_got_lost_asks_again_with_a_new_proof() {
    let street = Street::open().await;
    let holder = public(&street).await;
    let tokens = holder.tokens().await;
    let proof = holder.proof();
    let first = holder.refreshes_with(&tokens, &[&proof]).await.json();
    assert_eq!(holder.refreshes_with(&tokens, &[&proof]).await.error(), "invalid_dpop_proof", "once is once, in the grace too");
    let again = holder.refreshes_with(&tokens, &[&holder.proof()]).await.json();
    assert_eq!(first["refresh_token"], again["refresh_token"]);
}

#[tokio::test]
async fn rfc_9449_section_10_1_a_proof_at_the_push_binds_the_code_to_its_key() {
    let street = Street::open().await;
    let holder = public(&street).await;
    let thumbprint = holder.key.thumbprint();
    let proof =
        |nonce: Option<&str>| holder.key.sign(&holder.key.claims("POST", "https://sso.example.com/par", nonce, street.rig.witness().now));
    let link = Street::link(&holder.app, &[("client_id", "")]);
    let form: Vec<_> = url::form_urlencoded::parse(link.split_once('?').unwrap().1.as_bytes()).into_owned().collect();
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let with_jkt = |jkt| [form.as_slice(), &[("dpop_jkt", jkt)]].concat();

    let asked = street.asks_with(&holder.app, "/par", &form, &[&proof(None)]).await;
    assert_eq!((asked.status, asked.error().as_str()), (StatusCode::BAD_REQUEST, "use_dpop_nonce"));
    let nonce = asked.header("dpop-nonce");
    let other = ProofKey::default().thumbprint();
    let refused = street.asks_with(&holder.app, "/par", &with_jkt(&other), &[&proof(Some(nonce))]).await;
    assert_eq!(refused.error(), "invalid_dpop_proof", "two keys for one code");
    let used = proof(Some(nonce));
    let pushed = street.asks_with(&holder.app, "/par", &with_jkt(&thumbprint), &[&used]).await;
    assert_eq!(pushed.status, StatusCode::CREATED, "{pushed:?}");
    assert_eq!(street.asks_with(&holder.app, "/par", &form, &[&used]).await.error(), "invalid_dpop_proof", "once is once");

    let pushed = street.asks_with(&holder.app, "/par", &form, &[&proof(Some(nonce))]).await.json();
    let mut browser = Browser::default();
    let query = [("client_id", holder.app.id.as_str()), ("request_uri", pushed["request_uri"].as_str().unwrap())];
    let page = street.goes(&mut browser, &format!("/authorize?{}", crate::street::encode(&query))).await;
    let attempt = page.between("?attempt=", "\"").to_owned();
    street.goes(&mut browser, &format!("/login/acme?attempt={attempt}")).await;
    let landed = street.goes(&mut browser, &format!("/callback/acme?code=alice&state={attempt}")).await;
    let code = landed.parameter("code").unwrap();
    assert_eq!(holder.redeems_with(&code, &[]).await.error(), "invalid_grant", "the header was taken away");
    assert_eq!(holder.redeems_with(&code, &[&holder.proof()]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rfc_8705_section_5_a_proof_names_the_address_that_was_called_and_no_other() {
    let host = Some("mtls.example.com".to_owned());
    let client_certificates = CertificateSettings { reach_us: true, host, ..CertificateSettings::default() };
    let street = Street::with(RigOptions { client_certificates, ..RigOptions::default() }).await;
    let holder = Holder::of(&street, street.app("app").await);
    let now = street.rig.witness().now;
    let asks = async |host: &str, named: &str| {
        let claims = holder.key.claims("POST", named, Some(&street.gateway().dpop_nonce(now)), now);
        let basic = basic(&holder.app.id, holder.app.secret.as_deref().unwrap());
        let request = poem::Request::builder().method(Method::POST).uri("/token".parse().unwrap()).header(header::HOST, host);
        let request = request.content_type("application/x-www-form-urlencoded").header(header::AUTHORIZATION, basic);
        let request = request.header("dpop", holder.key.sign(&claims));
        street.send(request.body("grant_type=client_credentials&scope=api")).await
    };
    let alias = "https://mtls.example.com/token";
    assert_eq!(asks("mtls.example.com", alias).await.status, StatusCode::OK);
    assert_eq!(asks("sso.example.com", TOKEN).await.status, StatusCode::OK);
    for (host, named) in [("mtls.example.com", TOKEN), ("sso.example.com", alias)] {
        assert_eq!(asks(host, named).await.error(), "invalid_dpop_proof", "{host}: {named}");
    }
}
