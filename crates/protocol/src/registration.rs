//! Client metadata as apps send or publish it (RFC 7591 §2, Client ID Metadata Document draft §4.1), and the error response of registration.

use serde::Serialize;
use serde_json::{Map, Value};
use vestibule_domain::{
    about::AboutDraft,
    registration::{Draft, FieldFault},
    self_registration::{SAYABLE, SelfDraft},
};

/// Reads what an app says of itself, or names every member that is of another type than it has to be. `null` is how programs write "not given", and
/// what is not understood is ignored (RFC 7591 §2).
pub fn read_metadata(members: Map<String, Value>) -> Result<SelfDraft, Vec<FieldFault>> {
    let mut members = Members { members, faults: Vec::new() };
    members.members.retain(|_, value| !value.is_null());
    let said = members.members.keys().filter(|name| SAYABLE.contains(&name.as_str())).cloned().collect();
    let usual = Draft::default();
    let draft = Draft {
        name: members.text("client_name").unwrap_or_default(),
        about: AboutDraft {
            application_type: members.text("application_type"),
            client_uri: members.text("client_uri"),
            policy_uri: members.text("policy_uri"),
            tos_uri: members.text("tos_uri"),
            initiate_login_uri: members.text("initiate_login_uri"),
            contacts: members.texts("contacts").unwrap_or_default(),
            software_id: members.text("software_id"),
            software_version: members.text("software_version"),
        },
        redirect_uris: members.texts("redirect_uris").unwrap_or_default(),
        post_logout_redirect_uris: members.texts("post_logout_redirect_uris").unwrap_or_default(),
        grant_types: members.texts("grant_types").unwrap_or_default(),
        auth_method: members.text("token_endpoint_auth_method").unwrap_or(usual.auth_method),
        scope: members.text("scope").unwrap_or_default(),
        jwks: members.object("jwks"),
        jwks_uri: members.text("jwks_uri"),
        assertion_alg: members.text("token_endpoint_auth_signing_alg"),
        id_token_alg: members.text("id_token_signed_response_alg").unwrap_or(usual.id_token_alg),
        userinfo_alg: members.text("userinfo_signed_response_alg"),
        request_object_alg: members.text("request_object_signing_alg"),
        require_signed_requests: members.flag("require_signed_request_object"),
        require_pushed_requests: members.flag("require_pushed_authorization_requests"),
        dpop_bound_access_tokens: members.flag("dpop_bound_access_tokens"),
        certificate_bound_access_tokens: members.flag("tls_client_certificate_bound_access_tokens"),
        subject_type: members.text("subject_type").unwrap_or(usual.subject_type),
        ..Draft::default()
    };
    let response_types = members.texts("response_types");
    let has_sector_identifier = members.members.contains_key("sector_identifier_uri");
    if members.faults.is_empty() { Ok(SelfDraft { draft, said, response_types, has_sector_identifier }) } else { Err(members.faults) }
}

struct Members {
    members: Map<String, Value>,
    faults: Vec<FieldFault>,
}

impl Members {
    fn text(&mut self, name: &str) -> Option<String> {
        match self.members.get(name)? {
            Value::String(text) => Some(text.clone()),
            _ => self.fault(name, "must be text in double quotes"),
        }
    }

    fn flag(&mut self, name: &str) -> bool {
        match self.members.get(name) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => self.fault(name, "must be true or false").unwrap_or_default(),
        }
    }

    fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let Value::Array(items) = self.members.get(name)? else {
            return self.fault(name, "must be a list of texts, in '[' and ']'");
        };
        let texts: Option<Vec<_>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        texts.or_else(|| self.fault(name, "must be a list of texts, in '[' and ']'"))
    }

    fn object(&mut self, name: &str) -> Option<Value> {
        match self.members.get(name)? {
            object @ Value::Object(_) => Some(object.clone()),
            _ => self.fault(name, "must be an object, in '{' and '}'"),
        }
    }

    fn fault<T>(&mut self, name: &str, message: &str) -> Option<T> {
        self.faults.push(FieldFault { pointer: format!("/{name}"), message: message.to_owned() });
        None
    }
}

/// What kind of error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationErrorCode {
    /// An address can't be registered.
    InvalidRedirectUri,
    /// Anything else that is said can't.
    InvalidClientMetadata,
    /// Whoever made the software statement is not approved.
    UnapprovedSoftwareStatement,
}

/// An error for the app's developer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RegistrationError {
    error: RegistrationErrorCode,
    error_description: String,
}

/// Enough for every fault of a usual mistake.
const LONGEST: usize = 1000;

impl RegistrationError {
    /// With a text, of which only the characters stay that may stand in a description (RFC 6749 §5.2).
    pub fn new(error: RegistrationErrorCode, text: impl Into<String>) -> Self {
        let plain = |c: char| match c {
            '"' => '\'',
            '\\' => '/',
            ' '..='~' => c,
            _ => '?',
        };
        Self { error, error_description: text.into().chars().map(plain).take(LONGEST).collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;
    use vestibule_domain::{client::SigningAlg, registration::Offered, self_registration::SelfRegistration, time::Timestamp};

    use super::*;

    #[test]
    fn rfc_7591_section_3_2_2_an_error_response() {
        let error = RegistrationError::new(RegistrationErrorCode::InvalidRedirectUri, "redirect_uris/0 has a fragment");
        let text = serde_json::to_string(&error).unwrap();
        assert_eq!(text, r#"{"error":"invalid_redirect_uri","error_description":"redirect_uris/0 has a fragment"}"#);
    }

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn rfc_7591_section_2_what_is_not_understood_is_ignored_and_null_is_nothing() {
        let asked = read_metadata(object(&json!({
            "client_name": "App", "client_name#de": "Die App", "redirect_uris": ["https://a.example/cb"], "policy_uri": null, "logo_uri": 7,
            "require_pkce": false, "audiences": ["x"], "response_types": ["code"],
        })))
        .unwrap();
        assert_eq!((asked.draft.name.as_str(), asked.draft.require_pkce, asked.draft.audiences.len()), ("App", true, 0));
        assert_eq!(asked.said.iter().map(String::as_str).collect::<Vec<_>>(), ["client_name", "redirect_uris"]);
    }

    #[test]
    fn attack_61_members_of_another_type_are_all_named() {
        let wrong =
            json!({ "client_name": ["a"], "redirect_uris": "https://a.example", "contacts": [1], "scope": {}, "response_types": "code" });
        let faults = read_metadata(object(&wrong)).unwrap_err();
        let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(pointers, ["/client_name", "/contacts", "/redirect_uris", "/scope", "/response_types"]);
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,40}".prop_map(Value::from)
        ];
        leaf.prop_recursive(2, 12, 4, |inner| proptest::collection::vec(inner, 0..4).prop_map(Value::Array))
    }

    proptest! {
        #[test]
        fn any_metadata_is_read_and_judged_without_a_panic(
            members in proptest::collection::btree_map(
                prop_oneof![proptest::sample::select(SAYABLE).prop_map(str::to_owned), "[a-z_]{0,12}"], values(), 0..12),
        ) {
            let rules = SelfRegistration { metadata_documents: true, ..SelfRegistration::default() };
            let offered = Offered { algorithms: vec![SigningAlg::Rs256], ..Offered::default() };
            if let Ok(asked) = read_metadata(members.into_iter().collect())
                && let Ok(draft) = rules.bound(asked)
                && let Ok(client) = draft.check("app", &offered, Timestamp::default())
            {
                prop_assert!(client.scopes.within(&rules.scopes) && client.require_pkce && client.audiences.is_empty());
                prop_assert!(client.grant_types.is_subset(&rules.grant_types) && client.upstream_tokens.is_empty());
                for uri in &client.redirect_uris {
                    prop_assert!(!uri.as_str().starts_with("javascript:") && !uri.as_str().contains('#'));
                }
            }
        }

        #[test]
        fn any_text_becomes_one_that_may_be_sent(text in ".{0,1200}") {
            let error = RegistrationError::new(RegistrationErrorCode::InvalidClientMetadata, text);
            prop_assert!(error.error_description.len() <= LONGEST);
            prop_assert!(error.error_description.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
        }
    }
}
