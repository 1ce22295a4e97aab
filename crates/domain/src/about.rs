//! What an app says of itself and nobody checks (RFC 7591 §2, OpenID Connect Dynamic Client Registration 1.0 §2). None of it is ever fetched.

use serde::{Deserialize, Serialize};

use crate::{
    client::{closed_enum, host_of},
    redirect::RegisteredUri,
    registration::FieldFault,
};
use std::{fmt, str::FromStr};

closed_enum! {
    /// What kind of app it is (OpenID Connect Dynamic Client Registration 1.0 §2).
    ApplicationType {
        /// It runs at a server, and is reached by https alone.
        Web = "web",
        /// It runs on people's machines: a loopback address, a private-use scheme, or an https address it has claimed (RFC 8252 §7).
        Native = "native",
    }
}

/// What is said. There is no logo: the page would have to load it from somebody else, or we would.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the names are the specifications'")]
pub struct About {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_type: Option<ApplicationType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    /// Where another party may send people to begin a login there (OpenID Connect Core 1.0 §4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
}

impl About {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Where the house sends people to begin a login there, saying which house it is (OpenID Connect Core 1.0 §4). `login_hint` stays out: who somebody
    /// is, is for the login to say.
    pub fn initiation(&self, issuer: &str) -> Option<String> {
        let mut address = url::Url::parse(self.initiate_login_uri.as_deref()?).ok()?;
        address.query_pairs_mut().append_pair("iss", issuer);
        Some(address.into())
    }

    /// The pages it names, by the names they have in a registration.
    fn pages(&self) -> [(&'static str, Option<&String>); 3] {
        [("client_uri", self.client_uri.as_ref()), ("policy_uri", self.policy_uri.as_ref()), ("tos_uri", self.tos_uri.as_ref())]
    }

    /// Which of its pages lie at another host than all of its redirect addresses (RFC 7591 §5). Whoever registers themselves could otherwise stand
    /// before people with somebody else's terms.
    pub(crate) fn pages_elsewhere(&self, redirect_uris: &[RegisteredUri]) -> Vec<&'static str> {
        let hosts: Vec<_> = redirect_uris.iter().filter(|uri| !uri.is_impersonable()).filter_map(host_of).collect();
        let host = |uri: &String| url::Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
        let foreign = |uri: &String| !host(uri).is_some_and(|host| hosts.contains(&host));
        self.pages().into_iter().filter(|(_, uri)| uri.is_some_and(foreign)).map(|(name, _)| name).collect()
    }
}

/// The same as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of [`About`]")]
pub struct AboutDraft {
    pub application_type: Option<String>,
    pub client_uri: Option<String>,
    pub policy_uri: Option<String>,
    pub tos_uri: Option<String>,
    pub initiate_login_uri: Option<String>,
    pub contacts: Vec<String>,
    pub software_id: Option<String>,
    pub software_version: Option<String>,
}

const MOST_CONTACTS: usize = 10;
const LONGEST_WORD: usize = 200;

impl AboutDraft {
    /// What is said, when it may be; `redirect_uris` are those that were fit to be registered.
    pub(crate) fn check(&self, redirect_uris: &[RegisteredUri], faults: &mut Vec<FieldFault>) -> About {
        let mut add = |pointer: &str, message: &str| faults.push(FieldFault { pointer: pointer.to_owned(), message: message.to_owned() });
        let application_type = self.application_type.as_deref().and_then(|text| {
            let known = text.parse().ok();
            if known.is_none() {
                add("/application_type", "must be one of web, native");
            }
            known
        });
        if application_type == Some(ApplicationType::Web) && redirect_uris.iter().any(RegisteredUri::is_impersonable) {
            let message = "is web, so every one of redirect_uris must begin with https://; an app on people's machines is native";
            add("/application_type", message);
        }
        let mut page = |pointer: &str, text: &Option<String>| {
            let text = text.as_ref()?;
            let fine = text.starts_with("https://") && RegisteredUri::parse(text).is_ok();
            if !fine {
                // Attack 61: what a page links to must not run there.
                add(pointer, "must be a web address that begins with https://, without a fragment");
            }
            fine.then(|| text.clone())
        };
        let (client_uri, policy_uri) = (page("/client_uri", &self.client_uri), page("/policy_uri", &self.policy_uri));
        let (tos_uri, initiate_login_uri) = (page("/tos_uri", &self.tos_uri), page("/initiate_login_uri", &self.initiate_login_uri));
        if self.contacts.len() > MOST_CONTACTS {
            add("/contacts", "has more than 10 entries");
        }
        for (at, _) in self.contacts.iter().enumerate().take(MOST_CONTACTS).filter(|(_, contact)| !is_word(contact)) {
            add(&format!("/contacts/{at}"), WORD);
        }
        for (pointer, word) in [("/software_id", &self.software_id), ("/software_version", &self.software_version)] {
            if word.as_deref().is_some_and(|word| !is_word(word)) {
                add(pointer, WORD);
            }
        }
        About {
            application_type,
            client_uri,
            policy_uri,
            tos_uri,
            initiate_login_uri,
            contacts: self.contacts.clone(),
            software_id: self.software_id.clone(),
            software_version: self.software_version.clone(),
        }
    }
}

impl From<&About> for AboutDraft {
    fn from(about: &About) -> Self {
        let About { application_type, client_uri, policy_uri, tos_uri, initiate_login_uri, contacts, software_id, software_version } =
            about.clone();
        let application_type = application_type.map(|kind| kind.to_string());
        Self { application_type, client_uri, policy_uri, tos_uri, initiate_login_uri, contacts, software_id, software_version }
    }
}

const WORD: &str = "must have 1 to 200 printable characters";

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= LONGEST_WORD && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(draft: &AboutDraft, redirect_uris: &[&str]) -> Result<About, Vec<String>> {
        let uris: Vec<_> = redirect_uris.iter().map(|uri| RegisteredUri::parse(uri).unwrap()).collect();
        let mut faults = Vec::new();
        let about = draft.check(&uris, &mut faults);
        if faults.is_empty() { Ok(about) } else { Err(faults.into_iter().map(|fault| fault.pointer).collect()) }
    }

    fn page(uri: &str) -> AboutDraft {
        let uri = Some(uri.to_owned());
        AboutDraft {
            client_uri: uri.clone(),
            policy_uri: uri.clone(),
            tos_uri: uri.clone(),
            initiate_login_uri: uri,
            ..AboutDraft::default()
        }
    }

    #[test]
    fn oidc_core_section_4_a_login_there_begins_with_who_sends() {
        let begin = |uri: &str| page(uri).check(&[], &mut Vec::new()).initiation("https://sso.example.com");
        assert_eq!(begin("https://app.example.com/in").unwrap(), "https://app.example.com/in?iss=https%3A%2F%2Fsso.example.com");
        assert_eq!(begin("https://app.example.com/in?a=b").unwrap(), "https://app.example.com/in?a=b&iss=https%3A%2F%2Fsso.example.com");
        assert_eq!(About::default().initiation("https://sso.example.com"), None);
    }

    #[test]
    fn attack_61_what_an_app_says_of_itself_never_runs_on_our_page() {
        for bad in [
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "http://app.example.com",
            "//app.example.com",
            "",
            "https://a b",
            "https://u@app.example.com",
            "vbscript:x",
            "https:app.example.com",
            " https://app.example.com",
            "https://app.example.com/\"><script>",
        ] {
            let all = ["/client_uri", "/policy_uri", "/tos_uri", "/initiate_login_uri"];
            assert_eq!(checked(&page(bad), &[]), Err(all.map(str::to_owned).to_vec()), "{bad}");
        }
        assert!(checked(&page("https://app.example.com/about?x=1"), &[]).is_ok());
    }

    #[test]
    fn oidc_registration_section_2_a_web_app_is_reached_by_https_alone() {
        let kind = |kind: &str| AboutDraft { application_type: Some(kind.into()), ..AboutDraft::default() };
        for native in ["http://127.0.0.1/cb", "http://[::1]:80/cb", "http://localhost:7000/cb", "com.example.app:/cb"] {
            assert_eq!(checked(&kind("web"), &["https://a.example/cb", native]), Err(vec!["/application_type".into()]), "{native}");
            assert!(checked(&kind("native"), &[native, "https://a.example/claimed"]).is_ok(), "RFC 8252 section 7.2");
        }
        assert!(checked(&kind("web"), &["https://a.example/cb"]).is_ok());
        assert_eq!(checked(&kind("desktop"), &[]), Err(vec!["/application_type".into()]));
    }

    #[test]
    fn words_are_bounded_and_printable() {
        let bad = AboutDraft { contacts: vec!["a@b".into(), "x\ny".into()], software_id: Some("i".repeat(201)), ..AboutDraft::default() };
        assert_eq!(checked(&bad, &[]), Err(vec!["/contacts/1".into(), "/software_id".into()]));
        let many = AboutDraft { contacts: vec!["a@b".into(); 11], ..AboutDraft::default() };
        assert_eq!(checked(&many, &[]), Err(vec!["/contacts".into()]));
    }

    #[test]
    fn rfc_7591_section_5_pages_of_another_host_are_named() {
        let about = checked(&page("https://bank.example/terms"), &[]).unwrap();
        let at = |uris: &[&str]| about.pages_elsewhere(&uris.iter().map(|uri| RegisteredUri::parse(uri).unwrap()).collect::<Vec<_>>());
        assert_eq!(at(&["https://bank.example/cb"]), Vec::<&str>::new());
        assert_eq!(at(&["https://evil.example/cb"]), ["client_uri", "policy_uri", "tos_uri"]);
        assert_eq!(at(&["http://127.0.0.1/cb"]), ["client_uri", "policy_uri", "tos_uri"], "no host stands behind it");
    }
}
