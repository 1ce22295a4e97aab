//! The claims we sign and serve. Times are whole seconds since the Unix epoch (RFC 7519 §2, NumericDate).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use vestibule_domain::{
    account::Released,
    possession::{Confirmation, Thumbprint},
};

use crate::acting::{ActorClaim, MayActClaim};

/// The payload of an access token (RFC 9068 §2.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct AccessTokenClaims {
    pub iss: String,
    pub sub: String,
    pub aud: Audience,
    pub exp: i64,
    pub iat: i64,
    pub jti: String,
    pub client_id: String,
    /// Left out when nothing was asked for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActorClaim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_act: Option<MayActClaim>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<ConfirmationClaim>,
}

/// What a token is bound to (RFC 7800 §3.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationClaim {
    /// A key, by its thumbprint (RFC 9449 §6.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jkt: Option<String>,
    /// A certificate, by its SHA-256 (RFC 8705 §3.1).
    #[serde(default, rename = "x5t#S256", skip_serializing_if = "Option::is_none")]
    pub x5t_s256: Option<String>,
}

impl ConfirmationClaim {
    /// The claim of what a token is bound to; what is bound to nothing has none.
    pub fn of(confirmation: &Confirmation) -> Option<Self> {
        let text = |thumbprint: Option<Thumbprint>| thumbprint.map(|Thumbprint(digest)| URL_SAFE_NO_PAD.encode(digest.0));
        let claim = || Self { jkt: text(confirmation.key), x5t_s256: text(confirmation.certificate) };
        (!confirmation.is_empty()).then(claim)
    }

    /// Reads it again. Nothing if it is no claim of ours: a binding that can't be read must not be taken for none.
    pub fn read(&self) -> Option<Confirmation> {
        let thumbprint = |text: &Option<String>| match text {
            Some(text) => Thumbprint::parse(text).map(Some),
            None => Some(None),
        };
        Some(Confirmation { key: thumbprint(&self.jkt)?, certificate: thumbprint(&self.x5t_s256)? })
    }
}

/// The payload of an ID token (OpenID Connect Core 1.0 §2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct IdTokenClaims {
    pub iss: String,
    pub sub: String,
    pub aud: Audience,
    pub exp: i64,
    pub iat: i64,
    pub auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// OpenID Connect Back-Channel Logout 1.0 §2.1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// §3.1.3.6, base64url.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_hash: Option<String>,
    #[serde(flatten)]
    pub person: PersonClaims,
}

/// The payload of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4). There is no `nonce`: that is what tells it from an ID token even
/// where nobody looks at the type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct LogoutTokenClaims {
    pub iss: String,
    pub sub: String,
    pub aud: Audience,
    pub iat: i64,
    pub exp: i64,
    pub jti: String,
    pub events: LogoutEvents,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
}

/// The member of `events` that makes a token a logout token.
pub const LOGOUT_EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// `events` of a logout token: the one event, about which there is nothing more to say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LogoutEvents {
    #[serde(rename = "http://schemas.openid.net/event/backchannel-logout")]
    event: serde_json::Map<String, serde_json::Value>,
}

/// What is read of an ID token of ours that comes back as `id_token_hint`; the rest means nothing then.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct IdTokenHintClaims {
    pub iss: String,
    pub sub: String,
    pub aud: Audience,
    #[serde(default)]
    pub sid: Option<String>,
}

/// The body of a userinfo response (OpenID Connect Core 1.0 §5.3.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct UserinfoClaims {
    pub sub: String,
    #[serde(flatten)]
    pub person: PersonClaims,
}

/// The same as a JWT: whose word it is and for whom (OpenID Connect Core 1.0 §5.3.2). Without `exp` and `nonce`, it is no ID token to anybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct SignedUserinfoClaims<'a> {
    pub iss: &'a str,
    pub aud: &'a str,
    #[serde(flatten)]
    pub userinfo: UserinfoClaims,
}

/// Claims about a person (OpenID Connect Core 1.0 §5.1); the same in the ID token and at userinfo. What is absent is left out, never `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub struct StandardClaims {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// A boolean, never a text: clients in loose languages take `"false"` for true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// An array even when empty: clients that map groups to rights fail on its absence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
}

/// What is said of a person: standard claims and a provider's own, under the names the client knows them by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct PersonClaims(pub serde_json::Map<String, serde_json::Value>);

/// What the domain released, as it is said: nothing is added here, and nothing held back.
impl From<Released> for PersonClaims {
    fn from(released: Released) -> Self {
        let profile = released.profile;
        let standard = StandardClaims {
            name: profile.name,
            given_name: profile.given_name,
            family_name: profile.family_name,
            nickname: profile.nickname,
            preferred_username: profile.preferred_username,
            profile: profile.profile,
            picture: profile.picture,
            website: profile.website,
            locale: profile.locale,
            zoneinfo: profile.zoneinfo,
            email: profile.email,
            email_verified: released.email.then_some(profile.email_verified),
            groups: released.groups.then_some(profile.groups),
        };
        // A record of texts and lists is always an object.
        let mut said = match serde_json::to_value(standard) {
            Ok(serde_json::Value::Object(said)) => said,
            _ => serde_json::Map::new(),
        };
        for (name, value) in profile.custom {
            said.entry(name).or_insert(value);
        }
        for (name, other) in released.rename {
            if let Some(value) = said.remove(&name) {
                said.insert(other, value);
            }
        }
        Self(said)
    }
}

/// `aud`: a text when there is one, an array when there are several (RFC 7519 §4.1.3). Some clients understand only the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct Audience(pub Vec<String>);

impl Audience {
    /// The one audience, if there is exactly one.
    pub fn only(&self) -> Option<&str> {
        match self.0.as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }
}

impl From<&str> for Audience {
    fn from(one: &str) -> Self {
        Self(vec![one.to_owned()])
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Audience {
    fn from(wire: OneOrMany) -> Self {
        match wire {
            OneOrMany::One(one) => Self(vec![one]),
            OneOrMany::Many(many) => Self(many),
        }
    }
}

impl From<Audience> for OneOrMany {
    fn from(Audience(mut audiences): Audience) -> Self {
        match (audiences.len(), audiences.pop()) {
            (1, Some(one)) => Self::One(one),
            (_, last) => Self::Many(audiences.into_iter().chain(last).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use vestibule_domain::account::Profile;

    use super::*;

    #[test]
    fn a_client_hears_a_claim_under_the_name_it_knows() {
        let profile = Profile {
            preferred_username: Some("ada".into()),
            groups: vec!["a".into()],
            custom: [("department".to_owned(), json!("sea"))].into(),
            ..Profile::default()
        };
        let rename = [("groups", "roles"), ("preferred_username", "login"), ("nickname", "nick")];
        let rename = rename.map(|(from, to)| (from.to_owned(), to.to_owned())).into();
        let said = PersonClaims::from(Released { profile, email: false, groups: true, rename });
        assert_eq!(serde_json::to_value(said).unwrap(), json!({"login": "ada", "roles": ["a"], "department": "sea"}));
    }

    #[test]
    fn rfc_7519_section_4_1_3_one_audience_is_a_text_and_several_are_an_array() {
        for (audiences, wire) in [(vec!["a"], json!("a")), (vec!["a", "b", "c"], json!(["a", "b", "c"])), (vec![], json!([]))] {
            let audience = Audience(audiences.into_iter().map(str::to_owned).collect());
            assert_eq!(serde_json::to_value(&audience).unwrap(), wire);
            assert_eq!(serde_json::from_value::<Audience>(wire).unwrap(), audience);
        }
        for bad in [json!(1), json!([1]), json!(null), json!({"a": "b"})] {
            assert!(serde_json::from_value::<Audience>(bad).is_err());
        }
    }

    #[test]
    fn rfc_9068_section_2_2_what_is_absent_is_left_out_of_an_access_token() {
        let mut claims = AccessTokenClaims {
            iss: "https://id.example".into(),
            sub: "client:c".into(),
            aud: "https://id.example".into(),
            exp: 20,
            iat: 10,
            jti: "j".into(),
            client_id: "c".into(),
            scope: String::new(),
            auth_time: None,
            acr: None,
            act: None,
            may_act: None,
            cnf: None,
        };
        let bare =
            json!({"iss":"https://id.example","sub":"client:c","aud":"https://id.example","exp":20,"iat":10,"jti":"j","client_id":"c"});
        assert_eq!(serde_json::to_value(&claims).unwrap(), bare);
        assert_eq!(serde_json::from_value::<AccessTokenClaims>(bare).unwrap(), claims);
        (claims.scope, claims.auth_time, claims.acr) = ("openid".into(), Some(9), Some("urn:mfa".into()));
        let full = serde_json::to_value(&claims).unwrap();
        assert_eq!((&full["scope"], &full["auth_time"], &full["acr"]), (&json!("openid"), &json!(9), &json!("urn:mfa")));
    }

    #[test]
    fn oidc_core_section_5_3_2_absent_claims_are_left_out_and_groups_stay_an_array() {
        let profile = Profile { email: Some("a@b.example".into()), ..Profile::default() };
        let person = PersonClaims::from(Released { profile, email: true, groups: true, ..Released::default() });
        let userinfo = serde_json::to_value(UserinfoClaims { sub: "s".into(), person: person.clone() }).unwrap();
        assert_eq!(userinfo, json!({"sub":"s","email":"a@b.example","email_verified":false,"groups":[]}));
        let id_token = IdTokenClaims {
            iss: "i".into(),
            sub: "s".into(),
            aud: "c".into(),
            exp: 2,
            iat: 1,
            auth_time: 0,
            nonce: None,
            acr: None,
            amr: vec![],
            sid: Some("x".into()),
            at_hash: None,
            person,
        };
        assert_eq!(
            serde_json::to_value(id_token).unwrap(),
            json!({"iss":"i","sub":"s","aud":"c","exp":2,"iat":1,"auth_time":0,"sid":"x","email":"a@b.example","email_verified":false,"groups":[]})
        );
    }
}
