use std::sync::Arc;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use vestibule_domain::{
    client::SigningAlg,
    keys::SigningKey,
    ports::{SignatureChecker, TokenSigner},
    signed::JwtFault,
    time::Timestamp,
};

use super::LocalChecker;
use crate::{KeySealer, LocalSigner, SealingKey, SystemEntropy};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const PAYLOAD: &[u8] = br#"{"iss":"app"}"#;

/// A client's keys of every kind.
fn client() -> (LocalSigner, Value) {
    let sealer = Arc::new(KeySealer::new(SealingKey::generate(&SystemEntropy), Vec::new()));
    let signer = LocalSigner::new("not used".into(), sealer);
    let keys: Vec<_> = SigningAlg::ALL
        .iter()
        .map(|&alg| {
            let (kid, sealed) = signer.generate(alg).unwrap();
            let end = Timestamp::from_secs(1_900_000_000);
            let begin = Timestamp::default();
            SigningKey { kid, alg, sealed, follows: None, created: begin, signs_from: begin, signs_until: end, published_until: end }
        })
        .collect();
    signer.install(&keys).unwrap();
    let jwks = serde_json::from_slice(&signer.jwks(NOW)).unwrap();
    (signer, jwks)
}

fn bytes(jwks: &Value) -> Vec<u8> {
    serde_json::to_vec(jwks).unwrap()
}

/// The same JWT under another header; its signature no longer fits.
fn headed(token: &str, header: &Value) -> String {
    let rest = token.split_once('.').unwrap().1;
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

#[test]
fn what_a_key_of_the_set_signed_is_believed_and_what_another_signed_is_not() {
    let (checker, (signer, jwks), (stranger, _)) = (LocalChecker::default(), client(), client());
    for &alg in SigningAlg::ALL {
        let token = signer.sign_claims(alg, "JWT", PAYLOAD, NOW).unwrap();
        let signed = checker.signed_with(&bytes(&jwks), SigningAlg::ALL, &token).unwrap();
        assert_eq!((signed.alg, signed.typ.as_deref(), &signed.claims["iss"]), (Some(alg), Some("JWT"), &json!("app")));
        let foreign = stranger.sign_claims(alg, "JWT", PAYLOAD, NOW).unwrap();
        assert_eq!(checker.signed_with(&bytes(&jwks), SigningAlg::ALL, &foreign), Err(JwtFault::UnknownKey));
        // The name of a key of ours over somebody else's signature.
        let (header, _) = token.split_once('.').unwrap();
        let (_, rest) = foreign.split_once('.').unwrap();
        assert_eq!(checker.signed_with(&bytes(&jwks), SigningAlg::ALL, &format!("{header}.{rest}")), Err(JwtFault::Signature));
        assert_eq!(checker.signed_with(&bytes(&jwks), &[], &token), Err(JwtFault::Algorithm));
    }
    assert_eq!(checker.claimed_issuer(&signer.sign_claims(SigningAlg::Es256, "JWT", PAYLOAD, NOW).unwrap()).as_deref(), Some("app"));
    assert_eq!(checker.claimed_issuer("app"), None);
}

#[test]
fn attack_18_a_header_never_brings_another_algorithm_than_its_keys() {
    let (checker, (signer, mut jwks)) = (LocalChecker::default(), client());
    let token = signer.sign_claims(SigningAlg::Rs256, "JWT", PAYLOAD, NOW).unwrap();
    let kid = jwks["keys"].as_array().unwrap().iter().find(|key| key["alg"] == "RS256").unwrap()["kid"].clone();
    for alg in ["none", "None", "nOnE"] {
        assert_eq!(
            checker.signed_with(&bytes(&jwks), SigningAlg::ALL, &headed(&token, &json!({"alg": alg, "kid": kid}))),
            Err(JwtFault::Malformed)
        );
    }
    for alg in ["HS256", "RS512", "RS1", "PS256", "ES256", "EdDSA"] {
        let fault = checker.signed_with(&bytes(&jwks), SigningAlg::ALL, &headed(&token, &json!({"alg": alg, "kid": kid})));
        assert_eq!(fault, Err(JwtFault::Algorithm), "{alg}");
    }
    // The public key as the secret of an HMAC.
    let public = bytes(&jwks);
    let key = super::hmac::Key::new(super::hmac::HMAC_SHA256, &public);
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(json!({"alg": "HS256", "kid": kid}).to_string()), URL_SAFE_NO_PAD.encode(PAYLOAD));
    let forged = format!("{input}.{}", URL_SAFE_NO_PAD.encode(super::hmac::sign(&key, input.as_bytes())));
    assert_eq!(checker.signed_with(&public, SigningAlg::ALL, &forged), Err(JwtFault::Algorithm));
    // A key that says what it is for is for nothing else; one that does not is for what it can do.
    for key in jwks["keys"].as_array_mut().unwrap() {
        key.as_object_mut().unwrap().remove("alg");
    }
    assert!(checker.signed_with(&bytes(&jwks), SigningAlg::ALL, &token).is_ok());
}

#[test]
fn a_jwt_without_a_name_of_a_key_is_tried_with_those_that_fit() {
    let checker = LocalChecker::default();
    let pair = || EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let jwk = |pair: &EcdsaKeyPair| {
        let point = pair.public_key().as_ref();
        json!({"kty": "EC", "crv": "P-256", "x": URL_SAFE_NO_PAD.encode(&point[1..33]), "y": URL_SAFE_NO_PAD.encode(&point[33..])})
    };
    let unnamed = |pair: &EcdsaKeyPair| {
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#), URL_SAFE_NO_PAD.encode(PAYLOAD));
        let signature = pair.sign(&SystemRandom::new(), input.as_bytes()).unwrap();
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let (old, new, stranger) = (pair(), pair(), pair());
    let jwks = bytes(&json!({"keys": [jwk(&old), jwk(&new)]}));
    for pair in [&old, &new] {
        assert!(checker.signed_with(&jwks, SigningAlg::ALL, &unnamed(pair)).is_ok());
    }
    assert_eq!(checker.signed_with(&jwks, SigningAlg::ALL, &unnamed(&stranger)), Err(JwtFault::UnknownKey), "it may be a newer key");
}

#[test]
fn rfc_7518_section_3_2_an_hmac_is_checked_with_the_whole_secret() {
    let checker = LocalChecker::default();
    let token = |secret: &[u8], alg: &str| {
        let key = super::hmac::Key::new(super::hmac::HMAC_SHA256, secret);
        let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(json!({ "alg": alg }).to_string()), URL_SAFE_NO_PAD.encode(PAYLOAD));
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(super::hmac::sign(&key, input.as_bytes())))
    };
    let secret = b"a secret of 256 random bits, base64url.....";
    let signed = checker.signed_with_secret(secret, &token(secret, "HS256")).unwrap();
    assert_eq!((signed.alg, &signed.claims["iss"]), (None, &json!("app")));
    assert_eq!(checker.signed_with_secret(secret, &token(&secret[..42], "HS256")), Err(JwtFault::Signature));
    assert_eq!(checker.signed_with_secret(secret, &token(secret, "HS384")), Err(JwtFault::Algorithm));
    assert_eq!(checker.signed_with_secret(secret, &token(secret, "RS256")), Err(JwtFault::Algorithm));
    let short = token(secret, "HS256");
    assert!(checker.signed_with_secret(secret, &short[..short.len() - 12]).is_err(), "a part of the tag is no tag");
}

#[test]
fn a_point_that_is_not_on_the_curve_is_no_key() {
    let checker = LocalChecker::default();
    let one = URL_SAFE_NO_PAD.encode([1; 32]);
    let bad = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": one, "y": one}]});
    assert!(checker.fault_of_keys(&bytes(&bad)).unwrap().contains("curve"));
    let (_, jwks) = client();
    assert_eq!(checker.fault_of_keys(&bytes(&jwks)), None);
    assert!(checker.fault_of_keys(b"{}").is_some());
}

#[test]
fn rfc_8705_section_2_2_2_certificates_stand_with_their_keys() {
    let (_, mut jwks) = client();
    jwks["keys"][0]["x5c"] = json!(["AQID"]);
    let found = LocalChecker::default().certificates_in(&bytes(&jwks)).unwrap();
    assert_eq!(found, [super::sha256(&[1, 2, 3])]);
    assert_eq!(LocalChecker::default().certificates_in(b"{}"), Err(JwtFault::NoKeys));
}
