//! Tests of the signer. Signatures are checked here through the published numbers, not through the signer's own keys.

use std::time::Duration;

use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
    },
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::json;
use vestibule_domain::{
    account::{Profile, Released},
    actors::Actors,
    ids::{AccountId, ClientId, GrantId, SessionId},
    keys::{Rotation, Wanted},
    possession::Confirmation,
    scope::Scopes,
    token::{Subject, TokenId},
};
use vestibule_protocol::jwk::{JwkSet, PublicKey};

use super::*;
use crate::{KeySealer, SealingKey, SystemEntropy};

const ISSUER: &str = "https://id.example";
const DAY: Duration = Duration::from_hours(24);

fn start() -> Timestamp {
    Timestamp::from_secs(1_800_000_000)
}

fn sealer() -> Arc<dyn Sealer> {
    Arc::new(KeySealer::new(SealingKey::generate(&SystemEntropy), vec![]))
}

fn signer_of(issuer: &str) -> LocalSigner {
    LocalSigner::new(issuer.to_owned(), sealer())
}

/// A key of `alg` that signs for 90 days from `from`, and is published for 30 more.
fn key(signer: &LocalSigner, alg: SigningAlg, from: Timestamp) -> SigningKey {
    let (kid, sealed) = signer.generate(alg).unwrap();
    Rotation::default().dated(kid, &Wanted { alg, follows: None, signs_from: from }, sealed, from)
}

fn signer_with(algs: &[SigningAlg]) -> (LocalSigner, Vec<SigningKey>) {
    let signer = signer_of(ISSUER);
    let keys: Vec<_> = algs.iter().map(|&alg| key(&signer, alg, start())).collect();
    signer.install(&keys).unwrap();
    (signer, keys)
}

fn access_token() -> AccessToken {
    AccessToken {
        issuer: ISSUER.into(),
        subject: Subject::Account(AccountId::new(&SystemEntropy)),
        audiences: vec![ISSUER.into(), "https://api.example".into()],
        client: ClientId::parse("app").unwrap(),
        scopes: Scopes::parse("openid email").unwrap(),
        id: TokenId { grant: Some(GrantId::new(start(), &SystemEntropy)), random: 7 },
        issued: start(),
        expires: start() + Duration::from_mins(10),
        auth_time: Some(start() - Duration::from_mins(1)),
        confirmation: Confirmation::default(),
        acr: Some("urn:mfa".into()),
        actors: Actors::new(vec![ClientId::parse("acting").unwrap(), ClientId::parse("acted").unwrap()]).unwrap(),
        may_act: Some(ClientId::parse("acting").unwrap()),
    }
}

fn id_token() -> IdToken {
    IdToken {
        issuer: ISSUER.into(),
        subject: AccountId::new(&SystemEntropy),
        client: ClientId::parse("app").unwrap(),
        issued: start(),
        expires: start() + Duration::from_mins(10),
        auth_time: start() - Duration::from_mins(1),
        nonce: Some("n".into()),
        acr: None,
        amr: vec!["pwd".into()],
        session: Some(SessionId::new(start(), &SystemEntropy)),
        access_token_hash: Some([0xff; 16]),
        claims: Released {
            profile: Profile { name: Some("Ada".into()), email: Some("ada@b.example".into()), ..Profile::default() },
            email: true,
            groups: true,
            rename: std::collections::BTreeMap::new(),
        },
    }
}

fn parts(token: &str) -> (serde_json::Value, serde_json::Value) {
    let decode = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let mut parts = token.split('.');
    (decode(parts.next().unwrap()), decode(parts.next().unwrap()))
}

/// A token with another header and payload, but the signature of `token`.
fn reheaded(token: &str, header: &serde_json::Value) -> String {
    let (_, rest) = token.split_once('.').unwrap();
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

fn published(signer: &LocalSigner, now: Timestamp) -> JwkSet {
    serde_json::from_slice(&signer.jwks(now)).unwrap()
}

fn kids(signer: &LocalSigner, now: Timestamp) -> Vec<String> {
    published(signer, now).keys.into_iter().map(|jwk| jwk.kid).collect()
}

/// Checks a signature as a client would: with the numbers of the key set.
fn checks_out(signer: &LocalSigner, token: &str, now: Timestamp) -> bool {
    let (header, _) = parts(token);
    let (input, signature) = token.rsplit_once('.').unwrap();
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let jwk = published(signer, now).keys.into_iter().find(|jwk| jwk.kid == header["kid"]).unwrap();
    assert_eq!(header["alg"], jwk.alg.as_str());
    let signature = decode(signature);
    match jwk.key {
        PublicKey::Rsa { n, e } => {
            let parameters = if jwk.alg == "PS256" { &RSA_PSS_2048_8192_SHA256 } else { &RSA_PKCS1_2048_8192_SHA256 };
            RsaPublicKeyComponents { n: decode(&n), e: decode(&e) }.verify(parameters, input.as_bytes(), &signature).is_ok()
        }
        PublicKey::Ec { x, y, .. } => {
            let point = [vec![4], decode(&x), decode(&y)].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(input.as_bytes(), &signature).is_ok()
        }
        PublicKey::Okp { x, .. } => UnparsedPublicKey::new(&ED25519, decode(&x)).verify(input.as_bytes(), &signature).is_ok(),
    }
}

#[test]
fn tokens_of_every_algorithm_are_good_for_us_and_for_whoever_reads_the_key_set() {
    let (signer, _) = signer_with(SigningAlg::ALL);
    for &alg in SigningAlg::ALL {
        let (access, id) = (access_token(), id_token());
        let signed = signer.sign_access_token(alg, &access).unwrap();
        assert!(checks_out(&signer, &signed, start()), "{alg}");
        assert_eq!(signer.verify_access_token(&signed, start()).as_deref(), Some(&access), "{alg}");
        let signed = signer.sign_id_token(alg, &id).unwrap();
        assert!(checks_out(&signer, &signed, start()), "{alg}");
        let hint = IdTokenHint { subject: id.subject, client: id.client, session: id.session };
        assert_eq!(signer.verify_id_token_hint(&signed, start() + DAY), Some(hint), "{alg}");
    }
}

#[test]
fn rfc_9068_section_2_the_access_token_on_the_wire() {
    let (signer, keys) = signer_with(&[SigningAlg::Rs256]);
    let token = access_token();
    let (header, claims) = parts(&signer.sign_access_token(SigningAlg::Rs256, &token).unwrap());
    assert_eq!(header, json!({"alg": "RS256", "typ": "at+jwt", "kid": keys[0].kid}));
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER,
            "sub": token.subject.to_claim(),
            "aud": [ISSUER, "https://api.example"],
            "exp": 1_800_000_600,
            "iat": 1_800_000_000,
            "jti": token.id.to_string(),
            "client_id": "app",
            "scope": "email openid",
            "auth_time": 1_799_999_940,
            "acr": "urn:mfa",
            "act": { "sub": "client:acting", "act": { "sub": "client:acted" } },
            "may_act": { "sub": "client:acting" },
        })
    );
}

#[test]
fn oidc_core_section_2_the_id_token_on_the_wire() {
    let (signer, keys) = signer_with(&[SigningAlg::Es256]);
    let token = id_token();
    let (header, claims) = parts(&signer.sign_id_token(SigningAlg::Es256, &token).unwrap());
    assert_eq!(header, json!({"alg": "ES256", "typ": "JWT", "kid": keys[0].kid}));
    assert_eq!(
        claims,
        json!({
            "iss": ISSUER,
            "sub": token.subject.to_string(),
            "aud": "app",
            "exp": 1_800_000_600,
            "iat": 1_800_000_000,
            "auth_time": 1_799_999_940,
            "nonce": "n",
            "amr": ["pwd"],
            "sid": token.session.map(|session| session.to_string()),
            "at_hash": "_____________________w",
            "name": "Ada",
            "email": "ada@b.example",
            "email_verified": false,
            "groups": [],
        })
    );
}

#[test]
fn rfc_7638_section_3_1_the_kid_is_the_thumbprint() {
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok\
             njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu\
             6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8a\
             wapJzKnqDKgw";
    let example = PublicKey::Rsa { n: n.into(), e: "AQAB".into() };
    assert_eq!(URL_SAFE_NO_PAD.encode(sha256(example.thumbprint_input().as_bytes()).0), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    let (signer, keys) = signer_with(SigningAlg::ALL);
    for (jwk, key) in published(&signer, start()).keys.into_iter().zip(&keys) {
        assert_eq!(jwk.kid, key.kid);
        assert_eq!(URL_SAFE_NO_PAD.encode(sha256(jwk.key.thumbprint_input().as_bytes()).0), jwk.kid);
    }
}

#[test]
fn attack_18_tokens_without_a_signature_are_refused() {
    let (signer, keys) = signer_with(&[SigningAlg::Rs256]);
    let good = signer.sign_access_token(SigningAlg::Rs256, &access_token()).unwrap();
    let (input, signature) = good.rsplit_once('.').unwrap();
    for alg in ["none", "None", "nOnE"] {
        let header = json!({"alg": alg, "typ": "at+jwt", "kid": keys[0].kid});
        let forged = reheaded(&good, &header);
        assert_eq!(signer.verify_access_token(&forged, start()), None, "{alg}");
        assert_eq!(signer.verify_access_token(forged.trim_end_matches(signature), start()), None, "{alg}");
    }
    assert_eq!(signer.verify_access_token(&format!("{input}."), start()), None);
    let zeros = URL_SAFE_NO_PAD.encode([0; 256]);
    assert_eq!(signer.verify_access_token(&format!("{input}.{zeros}"), start()), None);
}

#[test]
fn attack_18_an_es256_signature_of_zeros_is_refused() {
    let (signer, _) = signer_with(&[SigningAlg::Es256]);
    let good = signer.sign_access_token(SigningAlg::Es256, &access_token()).unwrap();
    let (input, _) = good.rsplit_once('.').unwrap();
    assert_eq!(signer.verify_access_token(&format!("{input}.{}", URL_SAFE_NO_PAD.encode([0; 64])), start()), None);
}

#[test]
fn attack_18_a_mac_with_the_public_key_as_secret_is_refused() {
    let (signer, keys) = signer_with(&[SigningAlg::Rs256]);
    let good = signer.sign_access_token(SigningAlg::Rs256, &access_token()).unwrap();
    let jwks = signer.jwks(start());
    let PublicKey::Rsa { n, .. } = published(&signer, start()).keys.remove(0).key else { panic!("an RSA key") };
    for secret in [n.as_bytes(), &URL_SAFE_NO_PAD.decode(&n).unwrap(), &jwks] {
        for alg in ["HS256", "RS256"] {
            let forged = reheaded(&good, &json!({"alg": alg, "typ": "at+jwt", "kid": keys[0].kid}));
            let (input, _) = forged.rsplit_once('.').unwrap();
            let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
            let forged = jwt::assemble(input.to_owned(), mac.as_ref());
            assert_eq!(signer.verify_access_token(&forged, start()), None, "{alg}");
        }
    }
}

/// Signs any header with the real key, as only a bug of ours could.
fn signed_with(signer: &LocalSigner, alg: SigningAlg, header: &serde_json::Value, claims: &serde_json::Value) -> String {
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = signer.ring().signing(alg, start()).unwrap().private.sign(input.as_bytes()).unwrap();
    jwt::assemble(input, &signature)
}

#[test]
fn attack_18_a_header_that_names_another_algorithm_key_or_extension_is_refused_even_with_a_good_signature() {
    let (signer, keys) = signer_with(&[SigningAlg::Rs256, SigningAlg::Ps256, SigningAlg::Es256]);
    let claims = serde_json::to_value(wire::access_token_claims(&access_token())).unwrap();
    let [rs, ps, es] = [&keys[0].kid, &keys[1].kid, &keys[2].kid];
    let verify = |header: serde_json::Value| {
        let token = signed_with(&signer, SigningAlg::Rs256, &header, &claims);
        signer.verify_access_token(&token, start()).is_some()
    };
    assert!(verify(json!({"alg": "RS256", "typ": "at+jwt", "kid": rs})));
    assert!(!verify(json!({"alg": "RS256", "typ": "at+jwt", "kid": ps})));
    assert!(!verify(json!({"alg": "RS256", "typ": "at+jwt", "kid": es})));
    for alg in ["PS256", "ES256", "HS256", "rs256", "RS384", ""] {
        assert!(!verify(json!({"alg": alg, "typ": "at+jwt", "kid": rs})), "{alg}");
    }
    for typ in ["JWT", "at+JWT", "application/at+jwt", "logout+jwt", "at+jwt ", ""] {
        assert!(!verify(json!({"alg": "RS256", "typ": typ, "kid": rs})), "{typ}");
    }
    assert!(!verify(json!({"alg": "RS256", "kid": rs})));
    assert!(!verify(json!({"alg": "RS256", "typ": "at+jwt", "kid": rs, "crit": ["exp"]})));
    assert!(!verify(json!({"alg": "RS256", "typ": "at+jwt", "kid": rs, "b64": false})));
}

#[test]
fn attack_20_a_hostile_or_absent_kid_is_refused() {
    let (signer, _) = signer_with(&[SigningAlg::Rs256]);
    let claims = serde_json::to_value(wire::access_token_claims(&access_token())).unwrap();
    for kid in [json!("../../dev/null"), json!("' OR 1=1 --"), json!(""), json!("a".repeat(1_000_000)), json!(0), json!(null), json!([])] {
        let token = signed_with(&signer, SigningAlg::Rs256, &json!({"alg": "RS256", "typ": "at+jwt", "kid": kid}), &claims);
        assert_eq!(signer.verify_access_token(&token, start()), None);
    }
    let token = signed_with(&signer, SigningAlg::Rs256, &json!({"alg": "RS256", "typ": "at+jwt"}), &claims);
    assert_eq!(signer.verify_access_token(&token, start()), None);
}

#[test]
fn attack_18_a_token_changed_at_any_place_is_refused_also_after_the_good_one_was_seen() {
    let (signer, _) = signer_with(&[SigningAlg::EdDsa]);
    let good = signer.sign_access_token(SigningAlg::EdDsa, &access_token()).unwrap();
    assert!(signer.verify_access_token(&good, start()).is_some());
    for at in 0..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert_eq!(signer.verify_access_token(&String::from_utf8(changed).unwrap(), start()), None, "at {at}");
    }
    for changed in [format!("{good} "), format!("{good}="), format!("{good}."), good[..good.len() - 1].to_owned()] {
        assert_eq!(signer.verify_access_token(&changed, start()), None);
    }
}

#[test]
fn attack_55_an_id_token_is_no_access_token_and_the_other_way_round() {
    let (signer, _) = signer_with(&[SigningAlg::Rs256]);
    let id = signer.sign_id_token(SigningAlg::Rs256, &id_token()).unwrap();
    let access = signer.sign_access_token(SigningAlg::Rs256, &access_token()).unwrap();
    assert_eq!(signer.verify_access_token(&id, start()), None);
    assert_eq!(signer.verify_id_token_hint(&access, start()), None);
    // Nor are the two taken for one another once the right reader has seen them.
    assert!(signer.verify_access_token(&access, start()).is_some() && signer.verify_id_token_hint(&id, start()).is_some());
    assert_eq!(signer.verify_access_token(&id, start()), None);
    assert_eq!(signer.verify_id_token_hint(&access, start()), None);
}

#[test]
fn attack_55_other_things_we_sign_are_neither_even_with_the_same_claims() {
    let (signer, _) = signer_with(&[SigningAlg::Rs256]);
    let access = json(&wire::access_token_claims(&access_token())).unwrap();
    let id = json(&wire::id_token_claims(&id_token())).unwrap();
    for typ in ["logout+jwt", "secevent+jwt", "token-introspection+jwt", "dpop+jwt"] {
        for claims in [&access, &id] {
            let token = signer.sign_claims(SigningAlg::Rs256, typ, claims, start()).unwrap();
            assert_eq!(signer.verify_access_token(&token, start()), None, "{typ}");
            assert_eq!(signer.verify_id_token_hint(&token, start()), None, "{typ}");
        }
    }
}

#[test]
fn tokens_of_another_issuer_are_refused_although_the_key_is_the_same() {
    let (signer, keys) = signer_with(&[SigningAlg::Es256]);
    let other = LocalSigner::new("https://id.example/".into(), Arc::clone(&signer.sealer));
    other.install(&keys).unwrap();
    let access = signer.sign_access_token(SigningAlg::Es256, &access_token()).unwrap();
    let id = signer.sign_id_token(SigningAlg::Es256, &id_token()).unwrap();
    assert_eq!(other.verify_access_token(&access, start()), None);
    assert_eq!(other.verify_id_token_hint(&id, start()), None);
}

#[test]
fn a_signed_payload_that_is_no_token_of_ours_is_refused() {
    let (signer, _) = signer_with(&[SigningAlg::EdDsa]);
    let good = serde_json::to_value(wire::access_token_claims(&access_token())).unwrap();
    let verify = |claims: &serde_json::Value| {
        let token = signer.sign_claims(SigningAlg::EdDsa, ACCESS_TOKEN, claims.to_string().as_bytes(), start()).unwrap();
        signer.verify_access_token(&token, start()).is_some()
    };
    assert!(verify(&good));
    for (name, value) in [
        ("sub", json!(1)),
        ("sub", json!("not an account")),
        ("sub", json!("client:a b")),
        ("aud", json!(null)),
        ("exp", json!("1800000600")),
        ("exp", json!(1e300)),
        ("jti", json!("x")),
        ("client_id", json!("a:b")),
        ("scope", json!(["openid"])),
        ("iss", json!(null)),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert!(!verify(&bad), "{bad}");
    }
    for name in ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(name);
        assert!(!verify(&bad), "without {name}");
    }
}

#[test]
fn attack_80_the_next_key_stands_in_the_key_set_before_it_signs_and_the_last_one_stays_after() {
    let signer = signer_of(ISSUER);
    let now = key(&signer, SigningAlg::Rs256, start());
    let next = SigningKey { created: start() + DAY * 83, ..key(&signer, SigningAlg::Rs256, now.signs_until) };
    signer.install(&[now.clone(), next.clone()]).unwrap();
    let kid_at = |at: Timestamp| {
        let token = signer.sign_claims(SigningAlg::Rs256, "JWT", b"{}", at).unwrap();
        parts(&token).0["kid"].as_str().unwrap().to_owned()
    };
    let ms = Duration::from_millis(1);
    assert_eq!((kid_at(start() + DAY * 84), kids(&signer, start() + DAY * 84)), (now.kid.clone(), vec![now.kid.clone(), next.kid.clone()]));
    assert_eq!(kid_at(now.signs_until - ms), now.kid);
    assert_eq!((kid_at(now.signs_until), kids(&signer, now.signs_until)), (next.kid.clone(), vec![next.kid.clone(), now.kid.clone()]));
    assert_eq!(kids(&signer, now.published_until - ms), [next.kid.clone(), now.kid]);
    assert_eq!(kids(&signer, now.published_until), [next.kid]);
    assert_eq!(kids(&signer, next.published_until), [""; 0]);
}

#[test]
fn in_a_gap_between_two_keys_the_key_set_is_made_anew() {
    let signer = signer_of(ISSUER);
    let first = key(&signer, SigningAlg::Es256, start());
    let second = key(&signer, SigningAlg::Es256, first.signs_until + DAY);
    signer.install(&[first.clone(), second.clone()]).unwrap();
    assert_eq!(kids(&signer, start()), [first.kid.clone(), second.kid.clone()]);
    assert_eq!(kids(&signer, first.signs_until), [second.kid, first.kid]);
    assert_eq!(signer.algorithms(first.signs_until), []);
}

#[test]
fn attack_80_a_retiring_key_verifies_until_it_is_withdrawn_and_not_a_moment_longer() {
    let (signer, keys) = signer_with(&[SigningAlg::Rs256]);
    let token = AccessToken { expires: keys[0].published_until + DAY, ..access_token() };
    let access = signer.sign_access_token(SigningAlg::Rs256, &token).unwrap();
    let id = signer.sign_id_token(SigningAlg::Rs256, &id_token()).unwrap();
    let last = keys[0].published_until - Duration::from_millis(1);
    // Twice, so that the second answer comes from memory.
    for _ in 0..2 {
        assert!(signer.verify_access_token(&access, last).is_some());
    }
    assert!(signer.verify_id_token_hint(&id, last).is_some());
    assert_eq!(signer.verify_access_token(&access, keys[0].published_until), None);
    assert_eq!(signer.verify_id_token_hint(&id, keys[0].published_until), None);
}

#[test]
fn attack_80_a_removed_key_stops_at_once_even_for_tokens_that_were_seen() {
    let (signer, keys) = signer_with(&[SigningAlg::Rs256, SigningAlg::Es256]);
    let access = signer.sign_access_token(SigningAlg::Es256, &access_token()).unwrap();
    let id = signer.sign_id_token(SigningAlg::Es256, &id_token()).unwrap();
    assert!(signer.verify_access_token(&access, start()).is_some());
    let before = signer.ring();
    signer.install(&keys[..1]).unwrap();
    assert_eq!(signer.verify_access_token(&access, start()), None);
    assert_eq!(signer.verify_id_token_hint(&id, start()), None);
    assert_eq!(kids(&signer, start()), [keys[0].kid.clone()]);
    assert_eq!(signer.sign_access_token(SigningAlg::Es256, &access_token()), Err(SignerError::NoKey(SigningAlg::Es256)));
    // A check that began before the change ends after it: what it remembers must not come back.
    let (key, claims) = verified(&before, &access, ACCESS_TOKEN, start()).unwrap();
    before.remember(sha256(access.as_bytes()), key, &wire::access_token(claims, ISSUER).unwrap());
    assert_eq!(signer.verify_access_token(&access, start()), None);
}

#[test]
fn a_seen_token_is_remembered_until_it_expires_and_no_longer() {
    let (signer, _) = signer_with(&[SigningAlg::Rs256]);
    let token = access_token();
    let access = signer.sign_access_token(SigningAlg::Rs256, &token).unwrap();
    let first = signer.verify_access_token(&access, start()).unwrap();
    let again = signer.verify_access_token(&access, token.expires - Duration::from_millis(1)).unwrap();
    assert!(Arc::ptr_eq(&first, &again));
    // Whether an expired token is of use is for the caller to say; it is checked anew.
    let expired = signer.verify_access_token(&access, token.expires).unwrap();
    assert!(!Arc::ptr_eq(&first, &expired));
    assert_eq!(first, expired);
}

#[test]
fn installing_the_same_keys_again_changes_nothing_and_other_dates_do() {
    let (signer, mut keys) = signer_with(&[SigningAlg::Rs256, SigningAlg::Es256]);
    let before = signer.ring();
    keys.reverse();
    signer.install(&keys).unwrap();
    assert!(Arc::ptr_eq(&before, &signer.ring()));
    keys[0].published_until = start();
    signer.install(&keys).unwrap();
    assert_eq!(kids(&signer, start()), [keys[1].kid.clone()]);
}

#[test]
fn attack_82_one_unreadable_key_installs_none_and_leaves_what_was_there() {
    let (signer, keys) = signer_with(&[SigningAlg::Rs256]);
    let good = key(&signer, SigningAlg::Es256, start());
    let foreign = key(&signer_of(ISSUER), SigningAlg::Es256, start());
    let renamed = SigningKey { kid: keys[0].kid.clone(), ..good.clone() };
    let other_alg = SigningKey { alg: SigningAlg::EdDsa, ..good.clone() };
    let garbage = SigningKey { sealed: signer.sealer.seal(Purpose::SigningKey, good.kid.as_bytes(), b"no key"), ..good.clone() };
    let swapped = SigningKey { sealed: signer.sealer.seal(Purpose::SigningKey, b"x", &pkcs8()), kid: "x".into(), ..good.clone() };
    for bad in [foreign, renamed, other_alg, garbage, swapped] {
        assert_eq!(signer.install(&[good.clone(), bad.clone()]), Err(SignerError::Unreadable(bad.kid)));
        assert_eq!(kids(&signer, start()), [keys[0].kid.clone()]);
    }
}

fn pkcs8() -> Vec<u8> {
    PrivateKey::generate(SigningAlg::Es256).unwrap().to_pkcs8().unwrap().to_vec()
}

#[test]
fn rsa_comes_first_in_the_key_set_and_rs256_first_of_the_algorithms() {
    let (signer, keys) = signer_with(&[SigningAlg::EdDsa, SigningAlg::Es256, SigningAlg::Ps256, SigningAlg::Rs256]);
    let algs: Vec<_> = published(&signer, start()).keys.into_iter().map(|jwk| jwk.alg).collect();
    assert_eq!(algs, ["RS256", "PS256", "ES256", "EdDSA"]);
    assert_eq!(signer.algorithms(start()), SigningAlg::ALL);
    assert_eq!(signer.algorithms(keys[0].signs_until), []);
    assert_eq!(signer.algorithms(start() - Duration::from_millis(1)), []);
}

#[test]
fn the_key_set_is_made_once_and_has_no_private_number() {
    let (signer, _) = signer_with(SigningAlg::ALL);
    let (first, again) = (signer.jwks(start()), signer.jwks(start() + DAY));
    assert!(Arc::ptr_eq(&first, &again));
    let set: serde_json::Value = serde_json::from_slice(&first).unwrap();
    for jwk in set["keys"].as_array().unwrap() {
        for name in jwk.as_object().unwrap().keys() {
            assert!(["kty", "n", "e", "crv", "x", "y", "kid", "use", "alg"].contains(&name.as_str()), "{name}");
        }
    }
}

#[test]
fn without_keys_nothing_is_signed_and_nothing_believed() {
    let signer = signer_of(ISSUER);
    assert_eq!(signer.sign_access_token(SigningAlg::Rs256, &access_token()), Err(SignerError::NoKey(SigningAlg::Rs256)));
    assert_eq!(&signer.jwks(start())[..], br#"{"keys":[]}"#);
    assert_eq!(signer.algorithms(start()), []);
}

#[test]
fn attack_78_debug_shows_names_of_keys_alone() {
    let (signer, keys) = signer_with(&[SigningAlg::Es256]);
    let shown = format!("{signer:?}");
    assert_eq!(shown, format!("LocalSigner {{ issuer: \"{ISSUER}\", keys: [(Es256, \"{}\")], .. }}", keys[0].kid));
}

proptest! {
    #[test]
    fn any_text_is_refused(text in ".{0,300}", parts in vec("[A-Za-z0-9_-]{0,90}", 3)) {
        let (signer, _) = signer_with(&[SigningAlg::EdDsa]);
        for token in [text, parts.join(".")] {
            prop_assert_eq!(signer.verify_access_token(&token, start()), None);
            prop_assert_eq!(signer.verify_id_token_hint(&token, start()), None);
        }
    }

    #[test]
    fn a_good_token_with_anything_put_in_its_place_is_refused(at: Index, put in "[A-Za-z0-9_.=\u{e4}-]{0,6}", cut in 0..4_usize) {
        let (signer, _) = signer_with(&[SigningAlg::EdDsa]);
        let good = signer.sign_access_token(SigningAlg::EdDsa, &access_token()).unwrap();
        let at = at.index(good.len());
        let changed = format!("{}{put}{}", &good[..at], &good[(at + cut).min(good.len())..]);
        prop_assert_eq!(signer.verify_access_token(&changed, start()).is_some(), changed == good);
    }
}
