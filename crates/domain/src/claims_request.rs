//! The `claims` parameter (OpenID Connect Core 1.0 §5.5): claims by name, beside those that scopes let out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    claims::{RESERVED, is_claim_name},
    client::Client,
    ids::AccountId,
    scope::Scopes,
};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openid_core_section_5_5_1_1_only_an_essential_acr_with_values_can_be_missed() {
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
}
