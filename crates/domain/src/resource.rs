//! Resource indicators (RFC 8707): for whom an access token is asked, and for whom it is in the end.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    client::Client,
    error::{OAuthError, OAuthErrorCode},
    scope::Scopes,
};

/// Resources that were asked for, each one that the client is registered for. Empty means that none was named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resources(BTreeSet<String>);

impl Resources {
    /// Reads what a request names (§2: absolute URIs without a fragment), within what the client is registered for. They are compared character by
    /// character: what two texts mean alike to us they need not mean to the resource.
    pub fn parse(asked: &[String], client: &Client) -> Result<Self, OAuthError> {
        for text in asked {
            if !is_resource(text) {
                return Err(invalid("resource must be an absolute URI without a fragment"));
            }
            if !client.audiences.contains(text) {
                let none = "resource names a resource, and this client is registered for none (audiences)";
                let other = "resource is none of those this client is registered for (audiences); they are compared character by character";
                return Err(invalid(if client.audiences.is_empty() { none } else { other }));
            }
        }
        Ok(Self(asked.iter().cloned().collect()))
    }

    /// Whether none was named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// Whom an access token is for (§2.2, RFC 9068 §3): what this request names, within what was granted; else all that was granted; and where nobody
/// ever named a resource, all that the client is registered for.
///
/// A token for a named resource is for that resource alone. Our own userinfo is not added: a resource that is given such a token could ask there
/// who the person is.
pub fn audience(client: &Client, granted: &Resources, asked: &[String], scopes: &Scopes, issuer: &str) -> Result<Vec<String>, OAuthError> {
    let asked = Resources::parse(asked, client)?;
    if !asked.is_empty() {
        let granted = granted.is_empty() || asked.0.is_subset(&granted.0);
        return granted.then(|| asked.0.into_iter().collect()).ok_or_else(|| invalid("resource asks for more than was granted"));
    }
    if !granted.is_empty() {
        // What was taken from the client's registration since is taken from what was granted, too.
        let still: Vec<_> = granted.iter().filter(|one| client.audiences.iter().any(|known| known == one)).map(str::to_owned).collect();
        return Some(still)
            .filter(|still| !still.is_empty())
            .ok_or_else(|| invalid("this client is not registered for the resource any more"));
    }
    // Our own userinfo is a resource too; a client with resources of its own gets a token for both when people are concerned.
    let mut all = client.audiences.clone();
    if (all.is_empty() || client.may_ask_userinfo(scopes)) && !all.iter().any(|one| one == issuer) {
        all.push(issuer.to_owned());
    }
    Ok(all)
}

fn is_resource(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, 0x21..=0x7e) && b != b'#') && Url::parse(text).is_ok()
}

fn invalid(why: &'static str) -> OAuthError {
    OAuthError::new(OAuthErrorCode::InvalidTarget, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        registration::{Draft, Offered},
        time::Timestamp,
    };

    const API: &str = "https://api.example.com/v1?tenant=a";
    const OTHER: &str = "urn:example:other";
    const ISSUER: &str = "https://sso.example.com";

    fn client(audiences: &[&str]) -> Client {
        let draft = Draft {
            name: "App".into(),
            redirect_uris: vec!["https://app.example.com/cb".into()],
            audiences: audiences.iter().map(|one| (*one).to_owned()).collect(),
            ..Draft::default()
        };
        let offered = Offered { algorithms: vec![crate::client::SigningAlg::Rs256], ..Offered::default() };
        draft.check("app", &offered, Timestamp::default()).unwrap()
    }

    fn asked(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|one| (*one).to_owned()).collect()
    }

    fn target(texts: &[&str], client: &Client) -> Result<Resources, OAuthErrorCode> {
        Resources::parse(&asked(texts), client).map_err(|error| error.code)
    }

    #[test]
    fn rfc_8707_section_2_a_resource_is_an_absolute_uri_without_a_fragment_and_one_of_the_clients() {
        let app = client(&[API, OTHER, "resource-server"]);
        assert_eq!(target(&[API, OTHER, API], &app).unwrap().iter().collect::<Vec<_>>(), [API, OTHER]);
        assert!(target(&[], &app).unwrap().is_empty());
        for bad in [
            "",
            " ",
            "/v1",
            "//api.example.com/v1",
            "api.example.com",
            "resource-server",
            "https://api.example.com/v1?tenant=a#",
            "https://api.example.com/v1?tenant=a#x",
            " https://api.example.com/v1?tenant=a",
            "https://api.example.com/v1?tenant=a\n",
            "https://API.example.com/v1?tenant=a",
            "https://api.example.com/v1?tenant=b",
            "https://api.example.com/v1?tenant=a&x=y",
            "https://api.example.com:443/v1?tenant=a",
            "https://api.example.com/./v1?tenant=a",
            "https://api.example.com/",
            "https://api.example.com.evil.test/v1?tenant=a",
        ] {
            assert_eq!(target(&[API, bad], &app), Err(OAuthErrorCode::InvalidTarget), "{bad:?}");
        }
        assert_eq!(target(&[API], &client(&[])), Err(OAuthErrorCode::InvalidTarget));
    }

    #[test]
    fn rfc_8707_section_2_2_a_token_is_for_what_is_asked_within_what_was_granted() {
        let app = client(&[API, OTHER]);
        let openid = Scopes::parse("openid").unwrap();
        let both = target(&[API, OTHER], &app).unwrap();
        let one = target(&[API], &app).unwrap();
        let of = |granted: &Resources, texts: &[&str]| audience(&app, granted, &asked(texts), &openid, ISSUER).map_err(|error| error.code);
        assert_eq!(of(&both, &[OTHER]), Ok(vec![OTHER.into()]));
        assert_eq!(of(&both, &[]), Ok(vec![API.into(), OTHER.into()]));
        assert_eq!(of(&one, &[]), Ok(vec![API.into()]), "userinfo is not added");
        assert_eq!(of(&one, &[OTHER]), Err(OAuthErrorCode::InvalidTarget));
        assert_eq!(of(&Resources::default(), &[OTHER]), Ok(vec![OTHER.into()]));
        assert_eq!(of(&Resources::default(), &[]), Ok(vec![API.into(), OTHER.into(), ISSUER.into()]));
        assert_eq!(of(&Resources::default(), &[ISSUER]), Err(OAuthErrorCode::InvalidTarget));
        let narrower = client(&[OTHER]);
        assert_eq!(audience(&narrower, &both, &[], &openid, ISSUER).unwrap(), [OTHER], "what was taken from the client since");
        assert_eq!(audience(&narrower, &one, &[], &openid, ISSUER).unwrap_err().code, OAuthErrorCode::InvalidTarget);
        let own = client(&[ISSUER, API]);
        assert_eq!(audience(&own, &Resources::default(), &[], &openid, ISSUER).unwrap(), [ISSUER, API], "once");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_refused_unless_it_is_registered_letter_by_letter(text in ".{0,300}", uri in "[a-z]{1,6}:[!-~]{0,40}") {
            let app = client(&[API, OTHER]);
            for text in [text, uri] {
                proptest::prop_assert_eq!(Resources::parse(std::slice::from_ref(&text), &app).is_ok(), text == API || text == OTHER);
                if !text.contains('#') && Url::parse(&text).is_ok() && text.bytes().all(|b| matches!(b, 0x21..=0x7e)) {
                    let known = Client { audiences: vec![text.clone()], ..app.clone() };
                    proptest::prop_assert!(Resources::parse(&[text], &known).is_ok());
                }
            }
        }
    }
}
