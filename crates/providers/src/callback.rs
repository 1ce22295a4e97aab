//! What came back through the browser, before anybody is asked anything.

use vestibule_domain::{
    attempt::Kept,
    provider::{Callback, Phase, ProviderError},
};

use crate::line::{invalid, misconfigured, unreachable};

/// Codes are short; this is longer than any seen.
const LONGEST_CODE: usize = 4096;

/// The code, if the answer is one of the issuer the person was sent to. `says_iss` is what its metadata announces.
pub(crate) fn code(callback: &Callback, kept: &Kept, issuer: &str, says_iss: bool) -> Result<String, ProviderError> {
    let fault = |rule, detail: &str| Err(invalid(Phase::Callback, rule, detail));
    if let Some(name) = callback.repeated.first() {
        return fault("repeated", &format!("{name} came more than once"));
    }
    // Between departure and return the configuration may have been changed to another issuer.
    if kept.issuer != issuer {
        return fault("iss", "the person was sent to another issuer than is configured now");
    }
    // RFC 9207 §2.4, by simple comparison, on refusals too: this is what stops a mix-up before a code goes to the wrong place (attack 2).
    match &callback.iss {
        Some(iss) if iss != issuer => return fault("iss", "the answer is another issuer's"),
        None if says_iss => return fault("iss", "the issuer announces that it names itself in answers, and this one does not"),
        _ => {}
    }
    if let Some(error) = &callback.error {
        return Err(refusal(error));
    }
    match &callback.code {
        Some(code) if !code.is_empty() && code.len() <= LONGEST_CODE => Ok(code.clone()),
        Some(_) => fault("code", "the code has no plausible length"),
        None => fault("code", "neither a code nor an error"),
    }
}

/// RFC 6749 §4.1.2.1 and OpenID Connect Core 1.0 §3.1.2.6. Registered codes are known by our own texts; whatever else was sent is not repeated
/// (attack 25).
fn refusal(error: &str) -> ProviderError {
    match error {
        "access_denied" | "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
            ProviderError::Declined
        }
        "server_error" => unreachable(Phase::Callback, None, "it sent the person back with server_error"),
        "temporarily_unavailable" => unreachable(Phase::Callback, None, "it sent the person back with temporarily_unavailable"),
        "unauthorized_client" => misconfigured(Phase::Callback, "unauthorized_client: the client there may not use the code flow"),
        "unsupported_response_type" => {
            misconfigured(Phase::Callback, "unsupported_response_type: the client there may not use the code flow")
        }
        "invalid_scope" => misconfigured(Phase::Callback, "invalid_scope: the client there may not ask for all configured scopes"),
        "invalid_request" => misconfigured(Phase::Callback, "invalid_request: compare the registration there with the configuration"),
        // GitHub's own.
        "redirect_uri_mismatch" => {
            misconfigured(Phase::Callback, "redirect_uri_mismatch: our callback address is not the one that is registered there")
        }
        "application_suspended" => misconfigured(Phase::Callback, "application_suspended: the provider has suspended our registration"),
        _ => invalid(Phase::Callback, "error", "an error code that is not registered"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://issuer.example";

    fn read(callback: &Callback, says_iss: bool) -> Result<String, ProviderError> {
        let kept = Kept { issuer: ISSUER.into(), pkce_verifier: String::new(), nonce: String::new() };
        code(callback, &kept, ISSUER, says_iss)
    }

    fn rule(answer: Result<String, ProviderError>) -> &'static str {
        match answer {
            Err(ProviderError::Invalid { phase: Phase::Callback, rule, .. }) => rule,
            other => panic!("{other:?}"),
        }
    }

    fn callback(iss: Option<&str>) -> Callback {
        Callback { code: Some("c".into()), iss: iss.map(str::to_owned), ..Callback::default() }
    }

    #[test]
    fn rfc_9207_section_2_4_iss_is_compared_as_text_and_missed_where_it_was_announced() {
        assert_eq!(read(&callback(Some(ISSUER)), true), Ok("c".into()));
        assert_eq!(read(&callback(None), false), Ok("c".into()));
        assert_eq!(rule(read(&callback(None), true)), "iss");
        for other in ["https://issuer.example/", "https://ISSUER.example", "https://other.example", ""] {
            assert_eq!(rule(read(&callback(Some(other)), false)), "iss", "{other}");
        }
    }

    #[test]
    fn attack_02_a_refusal_with_another_issuer_is_not_the_persons() {
        let refused = Callback { code: None, error: Some("access_denied".into()), ..callback(Some("https://other.example")) };
        assert_eq!(rule(read(&refused, false)), "iss");
    }

    #[test]
    fn attack_25_error_codes_become_our_own_words() {
        let with = |error: &str| read(&Callback { code: None, error: Some(error.into()), ..Callback::default() }, false).unwrap_err();
        assert_eq!(with("access_denied"), ProviderError::Declined);
        assert!(matches!(with("server_error"), ProviderError::Unreachable { .. }));
        assert!(matches!(with("invalid_scope"), ProviderError::Misconfigured { .. }));
        for hostile in ["<script>alert(1)</script>", "a\r\nlevel=error", "\u{1b}[31m", "Access_Denied", ""] {
            let error = with(hostile);
            assert!(matches!(error, ProviderError::Invalid { rule: "error", .. }));
            assert!(hostile.is_empty() || !error.to_string().contains(hostile));
        }
    }

    #[test]
    fn attack_47_repeated_and_implausible_parameters_are_refused() {
        assert_eq!(rule(read(&Callback { repeated: vec!["code"], ..callback(None) }, false)), "repeated");
        assert_eq!(rule(read(&Callback::default(), false)), "code");
        for code in [String::new(), "a".repeat(LONGEST_CODE + 1)] {
            assert_eq!(rule(read(&Callback { code: Some(code), ..Callback::default() }, false)), "code");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_return_is_of_the_issuer_or_refused_and_nothing_of_it_is_repeated(
            text in "[a-z \u{1b}<>]{8,60}",
            iss in proptest::option::of("https://issuer[.]example/?|.{0,30}"),
            is_refusal in proptest::bool::ANY,
            says_iss in proptest::bool::ANY,
        ) {
            let error = is_refusal.then(|| text.clone());
            let callback = Callback { code: Some(text.clone()), error, iss: iss.clone(), ..Callback::default() };
            match read(&callback, says_iss) {
                Ok(code) => {
                    proptest::prop_assert!(code == text && !is_refusal);
                    proptest::prop_assert!(iss.map_or(!says_iss, |iss| iss == ISSUER));
                }
                Err(error) => proptest::prop_assert!(!format!("{error:?}").contains(&text), "{error:?}"),
            }
        }
    }
}
