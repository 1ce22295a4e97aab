//! DPoP proofs at the token endpoint: each of the twelve checks, the nonce, and that a proof works once.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use vestibule_domain::registration::Draft;
use vestibule_testkit::{proof_key::ProofKey, rig::RigOptions};

use crate::street::{Answer, App, Street, claims, grants, plain};

pub(crate) const TOKEN: &str = "https://sso.example.com/token";

/// An app that holds a key and proves it.
pub(crate) struct Holder<'a> {
    pub(crate) street: &'a Street,
    pub(crate) app: App,
    pub(crate) key: ProofKey,
}

impl<'a> Holder<'a> {
    pub(crate) fn of(street: &'a Street, app: App) -> Self {
        Self { street, app, key: ProofKey::default() }
    }

    /// An app that may have tokens for itself.
    async fn for_itself(street: &'a Street) -> Self {
        let draft =
            Draft { grant_types: grants(&["client_credentials"]), redirect_uris: vec![], dpop_bound_access_tokens: true, ..plain() };
        Self::of(street, street.app_as("app", draft).await)
    }

    /// What a good proof says now.
    pub(crate) fn claims(&self) -> Value {
        let now = self.street.rig.witness().now;
        self.key.claims("POST", TOKEN, Some(&self.street.gateway().dpop_nonce(now)), now)
    }

    pub(crate) fn proof(&self) -> String {
        self.key.sign(&self.claims())
    }

    async fn asks_for_itself(&self, proofs: &[&str]) -> Answer {
        self.street.asks_with(&self.app, "/token", &[("grant_type", "client_credentials"), ("scope", "api")], proofs).await
    }

    /// The error that one proof gets.
    async fn refused(&self, proof: &str) -> String {
        let answer = self.asks_for_itself(&[proof]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{answer:?}");
        assert!(!answer.body.contains("access_token"));
        answer.error()
    }

    fn header(&self, name: &str, value: Value) -> Value {
        let mut header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": self.key.jwk()});
        header[name] = value;
        header
    }

    fn changed(&self, name: &str, value: Value) -> String {
        let mut claims = self.claims();
        claims[name] = value;
        self.key.sign(&claims)
    }
}

#[tokio::test]
async fn rfc_9449_section_5_rfc_9700_section_2_2_1_a_token_is_bound_to_the_key_of_the_proof() {
    let street = Street::open().await;
    let holder = Holder::for_itself(&street).await;
    let answer = holder.asks_for_itself(&[&holder.proof()]).await;
    let tokens = answer.json();
    assert_eq!((answer.status, &tokens["token_type"]), (StatusCode::OK, &json!("DPoP")));
    assert_eq!(claims(&tokens["access_token"])["cnf"], json!({"jkt": holder.key.thumbprint()}));
    assert!(!answer.header("dpop-nonce").is_empty(), "the next proof has the newest nonce without asking for it");
}

#[tokio::test]
async fn rfc_9449_section_4_3_check_1_there_is_exactly_one_header() {
    let street = Street::open().await;
    let holder = Holder::for_itself(&street).await;
    let answer = holder.asks_for_itself(&[&holder.proof(), &holder.proof()]).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"));
    let (one, other) = (holder.proof(), holder.proof());
    assert_eq!(holder.refused(&format!("{one}, {other}")).await, "invalid_dpop_proof");
}

#[tokio::test]
async fn rfc_9449_section_5_2_asvs_10_4_14_a_client_that_must_prove_gets_nothing_without() {
    let street = Street::open().await;
    let holder = Holder::for_itself(&street).await;
    let answer = holder.asks_for_itself(&[]).await;
    assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"));
    let failed = street.rig.events().into_iter().find(|event| event.name.as_str() == "client_credentials.failed").unwrap();
    assert_eq!(failed.reason.unwrap().as_str(), "proof");
    assert_eq!(holder.refused("").await, "invalid_dpop_proof");
}

#[tokio::test]
async fn rfc_9449_section_4_3_checks_2_to_7_the_proof_is_a_jwt_signed_by_the_public_key_it_brings() {
    let street = Street::open().await;
    let holder = Holder::for_itself(&street).await;
    let other = ProofKey::default();
    let with = |name: &str, value: Value| holder.key.sign_under(&holder.header(name, value), &holder.claims());
    let mut private = holder.key.jwk();
    private["d"] = "AAAA".into();
    for (what, proof) in [
        ("no JWT", "proof".to_owned()),
        ("typ", with("typ", json!("JWT"))),
        ("none", with("alg", json!("none"))),
        ("symmetric", with("alg", json!("HS256"))),
        ("another algorithm", with("alg", json!("ES256"))),
        ("private key", with("jwk", private)),
        ("symmetric key", with("jwk", json!({"kty": "oct", "k": "AAAA"}))),
        ("no key", with("jwk", json!(null))),
        ("another's signature", with("jwk", other.jwk())),
        ("crit", with("crit", json!(["exp"]))),
    ] {
        assert_eq!(holder.refused(&proof).await, "invalid_dpop_proof", "{what}");
    }
    for name in ["jti", "htm", "htu", "iat"] {
        assert_eq!(holder.refused(&holder.changed(name, json!(null))).await, "invalid_dpop_proof", "{name}");
    }
}

#[tokio::test]
async fn rfc_9449_section_4_3_checks_8_9_and_11_the_proof_is_for_this_method_address_and_moment() {
    let street = Street::open().await;
    let holder = Holder::for_itself(&street).await;
    let now = street.rig.witness().now.as_secs();
    for (name, value) in [
        ("htm", json!("GET")),
        ("htm", json!("post")),
        ("htu", json!("https://sso.example.com/userinfo")),
        ("htu", json!("http://sso.example.com/token")),
        ("htu", json!("https://evil.example.com/token")),
        ("htu", json!("/token")),
        ("iat", json!(now - 301)),
        ("iat", json!(now + 61)),
    ] {
        assert_eq!(holder.refused(&holder.changed(name, value.clone())).await, "invalid_dpop_proof", "{name} {value}");
    }
    for (name, value) in [("htu", json!("HTTPS://SSO.example.com:443/token?a=b#c")), ("iat", json!(now - 299)), ("iat", json!(now + 59))] {
        let answer = holder.asks_for_itself(&[&holder.changed(name, value.clone())]).await;
        assert_eq!(answer.status, StatusCode::OK, "{name} {value}");
    }
}

#[tokio::test]
async fn rfc_9449_section_8_a_proof_without_the_nonce_comes_again_with_it() {
    let street = Street::open().await;
    let holder = Holder::for_itself(&street).await;
    let without = || holder.key.claims("POST", TOKEN, None, street.rig.witness().now);
    let asked = holder.asks_for_itself(&[&holder.key.sign(&without())]).await;
    assert_eq!((asked.status, asked.error().as_str()), (StatusCode::BAD_REQUEST, "use_dpop_nonce"));
    assert!(asked.header("cache-control").contains("no-store"));
    let nonce = asked.header("dpop-nonce");
    let mut claims = without();
    claims["nonce"] = nonce.into();
    assert_eq!(holder.asks_for_itself(&[&holder.key.sign(&claims)]).await.status, StatusCode::OK);
    assert_eq!(street.count("client_credentials.failed"), 0, "it is the usual way, and no failure");
}

#[tokio::test]
async fn attack_58_a_nonce_is_ours_and_good_for_five_minutes() {
    let street = Street::open().await;
    let holder = Holder::for_itself(&street).await;
    let first = street.gateway().dpop_nonce(street.rig.witness().now);
    for wrong in
        ["AAAA", "x", &first[..53], &format!("{first}A"), &first.replace(&first[20..21], if &first[20..21] == "A" { "B" } else { "A" })]
    {
        assert_eq!(holder.refused(&holder.changed("nonce", json!(wrong))).await, "use_dpop_nonce", "{wrong}");
    }
    street.rig.clock.advance(Duration::from_secs(150));
    let answer = holder.asks_for_itself(&[&holder.changed("nonce", json!(first))]).await;
    assert_eq!(answer.status, StatusCode::OK, "it is used until the next but one");
    assert_ne!(answer.header("dpop-nonce"), first);
    street.rig.clock.advance(Duration::from_secs(150));
    assert_eq!(holder.refused(&holder.changed("nonce", json!(first))).await, "use_dpop_nonce");
    // A proof that was made beforehand, for a moment in which its maker no longer holds the key, lacks the nonce of that moment.
    let later = street.rig.witness().now + Duration::from_mins(30);
    let beforehand = holder.key.sign(&holder.key.claims("POST", TOKEN, Some(answer.header("dpop-nonce")), later));
    street.rig.clock.advance(Duration::from_mins(30));
    assert_eq!(holder.refused(&beforehand).await, "use_dpop_nonce");
}

#[tokio::test]
async fn attack_58_rfc_9449_section_11_1_a_proof_works_once_also_on_another_node_and_after_a_restart() {
    let street = Street::open().await;
    let holder = Holder::for_itself(&street).await;
    let proof = holder.proof();
    assert_eq!(holder.asks_for_itself(&[&proof]).await.status, StatusCode::OK);
    let again = holder.asks_for_itself(&[&proof]).await;
    assert_eq!((again.status, again.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"));
    let node = street.beside().await;
    let there = node.asks_with(&holder.app, "/token", &[("grant_type", "client_credentials"), ("scope", "api")], &[&proof]).await;
    assert_eq!((there.status, there.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_dpop_proof"));
    assert_eq!((street.count("client_credentials.granted"), street.count("client_credentials.failed")), (1, 2));
    // The name of a proof is its key's: somebody else's `jti` can't be used up.
    let other = ProofKey::default();
    let mut claims = holder.claims();
    claims["jti"] = "the same".into();
    assert_eq!(holder.asks_for_itself(&[&other.sign(&claims)]).await.status, StatusCode::OK);
    assert_eq!(holder.asks_for_itself(&[&holder.key.sign(&claims)]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn attack_58_of_many_uses_of_one_proof_at_once_one_wins() {
    let street = Street::open().await;
    let holder = Holder::for_itself(&street).await;
    let proof = holder.proof();
    let proofs = [proof.as_str()];
    let answers = futures_util::future::join_all((0..16).map(|_| holder.asks_for_itself(&proofs))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
    assert_eq!(street.count("client_credentials.granted"), 1);
}

#[tokio::test]
async fn where_no_nonce_is_demanded_a_proof_without_one_is_good_and_a_wrong_one_is_not() {
    let street = Street::with(RigOptions { dpop_nonce: false, ..RigOptions::default() }).await;
    let holder = Holder::for_itself(&street).await;
    let without = holder.key.sign(&holder.key.claims("POST", TOKEN, None, street.rig.witness().now));
    assert_eq!(holder.asks_for_itself(&[&without]).await.status, StatusCode::OK);
    assert_eq!(holder.refused(&without).await, "invalid_dpop_proof", "once is once");
    assert_eq!(holder.refused(&holder.changed("nonce", json!("wrong"))).await, "use_dpop_nonce");
}
