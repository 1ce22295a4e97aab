//! The `claims` parameter (OpenID Connect Core 1.0 §5.5): claims by name, beside those that scopes let out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    claims::{RESERVED, is_claim_name},
    client::Client,
    ids::AccountId,
    scope::Scopes,
};

/// More claims than there are.
const MOST_NAMES: usize = 50;
const MOST_VALUES: usize = 10;
const LONGEST_VALUE: usize = 256;

/// What a `claims` parameter comes to here. Whether a claim was asked for as essential is not kept: what there is goes out, what there is not is left
/// out, and neither is an error (§5.5.1); `acr` alone is another matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// Claims about the person.
    #[serde(default, skip_serializing_if = "WantedClaims::is_empty")]
    pub wanted: WantedClaims,
    /// Whom the ID token must be about, by the names they have at the client; nobody else gets a code (§3.1.2.2). No names at all is nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Vec<AccountId>>,
    /// How the person should have signed in, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acr: Vec<String>,
    /// Whether no other way will do (§5.5.1.1).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acr_is_essential: bool,
}

/// Claims about a person that were asked for by name, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedClaims {
    /// In the ID token.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub id_token: BTreeSet<String>,
    /// At userinfo.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub userinfo: BTreeSet<String>,
}

impl ClaimsRequest {
    /// Reads the parameter as JSON, or says what is wrong with it. Members that no specification knows are ignored, as are values of claims other than
    /// `acr` and `sub`: the app sees what the claim says.
    pub fn of(value: &Value) -> Result<Self, &'static str> {
        let asked = value.as_object().ok_or("claims must be an object")?;
        let (id_token, userinfo) = (part(asked, "id_token")?, part(asked, "userinfo")?);
        let names = |part: Option<&Map<String, Value>>| part.into_iter().flat_map(Map::keys).cloned().collect::<BTreeSet<_>>();
        let wanted = WantedClaims { id_token: names(id_token), userinfo: names(userinfo) };
        let member = |name| id_token.and_then(|part| part.get(name)).and_then(Value::as_object);
        let subjects = member("sub").and_then(values).map(|names| names.iter().filter_map(|name| name.parse().ok()).collect());
        let acr = member("acr");
        let acr_is_essential = acr.and_then(|acr| acr.get("essential")).is_some_and(|essential| *essential == Value::Bool(true));
        let acr: Vec<String> = acr.and_then(values).unwrap_or_default().into_iter().map(str::to_owned).collect();
        Ok(Self { wanted, subjects, acr_is_essential: acr_is_essential && !acr.is_empty(), acr })
    }

    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What of it a client may have, under our own names for what the client knows by others.
    #[must_use]
    pub fn known_by(self, client: &Client) -> Self {
        let ours =
            |name: String| client.release.rename.iter().find(|(_, theirs)| **theirs == name).map_or(name.clone(), |(ours, _)| ours.clone());
        let map = |names: BTreeSet<String>| names.into_iter().map(ours).collect();
        let wanted = WantedClaims { id_token: map(self.wanted.id_token), userinfo: map(self.wanted.userinfo) };
        Self { wanted: wanted.within(&client.scopes), ..self }
    }

    /// Whether a sign-in of this kind will do.
    pub fn accepts(&self, acr: Option<&str>) -> bool {
        !self.acr_is_essential || self.acr.is_empty() || acr.is_some_and(|acr| self.acr.iter().any(|wanted| wanted == acr))
    }

    /// The kinds of sign-in as `acr_values` lists them, for the provider.
    pub fn acr_values(&self) -> Option<String> {
        let fine: Vec<_> = self.acr.iter().filter(|acr| !acr.is_empty() && !acr.contains(' ')).map(String::as_str).collect();
        (!fine.is_empty()).then(|| fine.join(" "))
    }
}

impl WantedClaims {
    /// Whether nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.id_token.is_empty() && self.userinfo.is_empty()
    }

    /// What is let out by these scopes: to ask by name gets nobody more than they are registered for.
    #[must_use]
    pub fn within(&self, scopes: &Scopes) -> Self {
        let may = |name: &&String| is_claim_name(name) && !RESERVED.contains(&name.as_str()) && scopes.has(scope_of(name));
        let keep = |names: &BTreeSet<String>| names.iter().filter(may).cloned().collect();
        Self { id_token: keep(&self.id_token), userinfo: keep(&self.userinfo) }
    }

    /// The scopes that let these claims out.
    pub fn scopes(&self) -> Scopes {
        self.id_token.iter().chain(&self.userinfo).map(|name| scope_of(name)).collect()
    }
}

/// The scope that lets a claim out (§5.4).
fn scope_of(name: &str) -> &'static str {
    match name {
        "email" | "email_verified" => "email",
        "groups" => "groups",
        _ => "profile",
    }
}

/// One of the two lists, each member of it well formed (§5.5.1).
fn part<'a>(asked: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>, &'static str> {
    let part = match asked.get(name) {
        None | Some(Value::Null) => return Ok(None),
        Some(part) => part.as_object().ok_or("claims.id_token and claims.userinfo must be objects")?,
    };
    if part.len() > MOST_NAMES {
        return Err("claims asks for more than 50 claims at once");
    }
    for (name, how) in part {
        let Some(how) = how.as_object() else {
            if how.is_null() && is_claim_name(name) {
                continue;
            }
            return Err("each claim in claims must be null or an object");
        };
        let fine = is_claim_name(name)
            && how.get("essential").is_none_or(Value::is_boolean)
            && how.get("values").is_none_or(|values| values.as_array().is_some_and(|values| (1..=MOST_VALUES).contains(&values.len())));
        // Only for these two are values looked at.
        let texts = !matches!(name.as_str(), "sub" | "acr") || values(how).is_none_or(|texts| texts.len() == count(how));
        if !fine || !texts {
            return Err("a claim in claims has a malformed name, essential, value or values");
        }
    }
    Ok(Some(part))
}

/// `value` and `values`, those that are texts of a sensible length; nothing if neither is there.
fn values(how: &Map<String, Value>) -> Option<Vec<&str>> {
    let all = how.get("value").into_iter().chain(how.get("values").and_then(Value::as_array).into_iter().flatten());
    let texts = all.filter_map(Value::as_str).filter(|text| (1..=LONGEST_VALUE).contains(&text.len())).collect();
    (count(how) > 0).then_some(texts)
}

fn count(how: &Map<String, Value>) -> usize {
    usize::from(how.contains_key("value")) + how.get("values").and_then(Value::as_array).map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn oidc_core_section_5_5_1_1_only_an_essential_acr_with_values_can_be_missed() {
        let acr = |acr: &[&str], acr_is_essential| ClaimsRequest {
            acr: acr.iter().map(|text| (*text).to_owned()).collect(),
            acr_is_essential,
            ..ClaimsRequest::default()
        };
        assert!(acr(&["urn:mfa"], false).accepts(None));
        assert!(acr(&[], true).accepts(None));
        assert!(acr(&["urn:mfa", "urn:key"], true).accepts(Some("urn:key")));
        assert!(!acr(&["urn:mfa"], true).accepts(Some("urn:pwd")) && !acr(&["urn:mfa"], true).accepts(None));
        assert_eq!(acr(&["urn:mfa", "with space", "urn:key"], true).acr_values().as_deref(), Some("urn:mfa urn:key"));
    }

    #[test]
    fn nobody_gets_more_by_name_than_by_scope() {
        let names = ["email", "groups", "name", "sub", "department", ""].map(str::to_owned);
        let wanted = WantedClaims { id_token: names.clone().into(), userinfo: names.into() };
        let kept = wanted.within(&Scopes::parse("openid email").unwrap());
        assert_eq!(kept.id_token, ["email".to_owned()].into());
        assert_eq!(wanted.within(&Scopes::parse("profile").unwrap()).userinfo, ["department".to_owned(), "name".to_owned()].into());
        assert_eq!(kept.scopes().to_string(), "email");
    }

    proptest! {
        #[test]
        fn what_is_read_is_bounded(names in vec("[a-z_#:/. \"]{0,120}", 0..80), values in vec(".{0,300}", 0..14), essential in any::<bool>()) {
            let part: Map<String, Value> = names.iter().map(|name| (name.clone(), serde_json::json!({"essential": essential, "values": values}))).collect();
            let acr = serde_json::json!({"essential": essential, "values": values});
            let asked = serde_json::json!({"userinfo": part, "id_token": {"acr": acr, "sub": acr}});
            if let Ok(read) = ClaimsRequest::of(&asked) {
                prop_assert!(read.wanted.userinfo.len() <= MOST_NAMES && read.acr.len() <= MOST_VALUES);
                prop_assert!(read.acr.iter().all(|value| value.len() <= LONGEST_VALUE));
                prop_assert!(read.wanted.userinfo.iter().all(|name| is_claim_name(name)));
            }
        }
    }
}
