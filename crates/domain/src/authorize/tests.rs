//! What is asked for is judged step by step.

use proptest::prelude::*;

use super::*;
use crate::{
    client::SigningAlg,
    registration::{Draft, Offered},
    time::Timestamp,
};

const CALLBACK: &str = "https://app.example.com/cb";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn client() -> Client {
    let draft = Draft { name: "App".into(), redirect_uris: vec![CALLBACK.into()], scope: "openid email".into(), ..Draft::default() };
    let offered = Offered { algorithms: vec![SigningAlg::Rs256], ..Offered::default() };
    draft.check("app", &offered, Timestamp::default()).unwrap()
}

/// A good request, with parameters replaced or, by an empty text, left out.
fn asked(changed: &[(&str, &str)]) -> Asked {
    let usual = [
        ("client_id", "app"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let said = |name: &str| changed.iter().chain(&usual).find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
    Asked::read(|name| said(name).filter(|text| !text.is_empty()))
}

#[test]
fn rfc_7636_section_4_1_a_verifier_has_43_to_128_unreserved_characters() {
    for (verifier, fine) in [
        ("a".repeat(42), false),
        ("a".repeat(43), true),
        ("a".repeat(128), true),
        ("a".repeat(129), false),
        ("Az09-._~".repeat(6), true),
        (format!("{}+", "a".repeat(43)), false),
        (format!("{}=", "a".repeat(43)), false),
        (format!("{} ", "a".repeat(43)), false),
        ("\u{e9}".repeat(43), false),
    ] {
        assert_eq!(is_code_verifier(&verifier), fine, "{verifier}");
    }
}

#[test]
fn oidc_core_section_3_1_2_1_prompts_and_ages_are_read_whole_or_refused() {
    let read = |name: &str, text: &str| asked(&[(name, text)]).check(&client());
    for (text, prompts) in [
        ("login", vec![Prompt::Login]),
        ("consent login", vec![Prompt::Login, Prompt::Consent]),
        ("login  login", vec![Prompt::Login]),
        ("none", vec![Prompt::None]),
    ] {
        assert_eq!(read("prompt", text).unwrap().prompt, BTreeSet::from_iter(prompts), "{text}");
    }
    for text in ["none login", "Login", "login,consent", "login\tconsent", "create"] {
        assert!(
            matches!(read("prompt", text), Err(Rejection::Redirect { error, .. }) if error.code == OAuthErrorCode::InvalidRequest),
            "{text}"
        );
    }
    assert_eq!(read("max_age", "0").unwrap().max_age, Some(Duration::ZERO), "which is not the same as none");
    for text in ["-1", "1.5", "1e3", " 1", "0x10", "99999999999999999999999"] {
        assert!(matches!(read("max_age", text), Err(Rejection::Redirect { .. })), "{text}");
    }
}

proptest! {
    #[test]
    fn any_request_is_within_the_registration_or_rejected_and_leads_nowhere_else(
        text in ".{0,60}",
        word in "(none|login|consent|select_account|openid|email|admin|code|token|S256|plain|query|form_post| |-1|0|18446744073709551616){0,4}",
        at in 0_usize..21,
        repeats in proptest::bool::weighted(0.1),
    ) {
        const NAMES: [&str; 21] = [
            "client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt", "max_age", "login_hint",
            "domain_hint", "idp_hint", "id_token_hint", "acr_values", "ui_locales", "code_challenge", "code_challenge_method", "dpop_jkt",
            "request", "request_uri", "registration",
        ];
        let client = client();
        for text in [&text, &word] {
            let mut asked = asked(&[(NAMES[at], text)]);
            if repeats {
                asked.repeated.push(NAMES[at]);
            }
            let is_ours = asked.client_id();
            match asked.check(&client) {
                Ok(request) => {
                    prop_assert!(request.fits(&client) && !repeats);
                    prop_assert!(!request.prompt.contains(&Prompt::None) || request.prompt.len() == 1);
                    prop_assert_eq!(request.redirect_uri.as_str(), CALLBACK);
                }
                Err(Rejection::Redirect { to, error, .. }) => {
                    prop_assert_eq!(to.as_str(), CALLBACK);
                    prop_assert!(error.description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
                }
                Err(Rejection::Page(_)) => prop_assert!(is_ours.is_err() || at < 2 || NAMES[at] == "scope"),
            }
        }
    }

    #[test]
    fn any_text_is_a_verifier_or_none(text in ".{0,140}", near in "[A-Za-z0-9._~-]{40,131}") {
        prop_assert_eq!(is_code_verifier(&near), (43..=128).contains(&near.len()));
        prop_assert!(!is_code_verifier(&text) || text.is_ascii());
    }
}
