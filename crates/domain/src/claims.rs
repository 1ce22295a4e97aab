//! What an upstream says of a person, and the map that makes a [`Profile`] of it: small, declarative, the same for every provider.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::{account::Profile, client::closed_enum, email::is_one_address};

/// Claims as an upstream said them: hostile in every value, whole in none.
pub type Claims = serde_json::Map<String, Value>;

/// What a JSON pointer (RFC 6901) leads to.
pub fn claim_at<'c>(claims: &'c Claims, pointer: &str) -> Option<&'c Value> {
    let path = pointer.strip_prefix('/')?;
    let (name, below) = path.split_at(path.find('/').unwrap_or(path.len()));
    claims.get(&name.replace("~1", "/").replace("~0", "~"))?.pointer(below)
}

/// No text longer than this is kept, in characters.
pub const LONGEST_TEXT: usize = 512;
/// No more groups are kept; beyond it there are none, because half a list is another list.
pub const MOST_GROUPS: usize = 500;
/// A provider may have so many custom claims.
pub const MOST_CUSTOM: usize = 30;

closed_enum! {
    /// What a claim must be, and what may be made into it.
    Coerce {
        /// A text; anything else is left out.
        Text = "text",
        /// A text, or a number written out: ids that some upstreams send as numbers.
        TextOrNumber = "text_or_number",
        /// `true` or `false`, and nothing that looks like it.
        Bool = "bool",
        /// A boolean, or the texts `true` and `false`, or `1` and `0` as number or text: upstreams that are known to send them so.
        BoolOrText = "bool_or_text",
        /// A number.
        Number = "number",
        /// A list of texts, all of it or nothing.
        Texts = "texts",
        /// A list of texts, or one text with words between spaces or commas.
        TextsOrWords = "texts_or_words",
        /// Whether there is anything: a date of confirmation means confirmed.
        Presence = "presence",
        /// Whatever it is, within bounds; for custom claims.
        Json = "json",
    }
}

/// How one claim is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimRule {
    /// JSON pointers (RFC 6901) into what the upstream says; the first that leads to something of the right type is taken. Empty means the
    /// claim is never made.
    #[serde(default)]
    pub from: Vec<String>,
    /// The type.
    #[serde(default = "text")]
    pub coerce: Coerce,
    /// For lists: put before each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// For lists: only what one of these patterns fits, in which `*` stands for any text. Empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// When the upstream says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

const fn text() -> Coerce {
    Coerce::Text
}

impl ClaimRule {
    /// A rule from pointers and a type alone.
    pub fn new(from: &[&str], coerce: Coerce) -> Self {
        let from = from.iter().map(|pointer| (*pointer).to_owned()).collect();
        Self { from, coerce, prefix: None, only: Vec::new(), default: None }
    }

    /// The claim, and where it came from: a pointer, or nothing for the default.
    fn make(&self, claims: &Claims) -> Option<(Value, Option<&str>)> {
        let found = self.from.iter().find_map(|pointer| Some((self.shaped(claim_at(claims, pointer)?)?, Some(pointer.as_str()))));
        found.or_else(|| self.default.clone().map(|value| (value, None)))
    }

    fn shaped(&self, value: &Value) -> Option<Value> {
        let shaped = coerced(value, self.coerce)?;
        let Value::Array(list) = shaped else { return Some(shaped) };
        if self.coerce == Coerce::Json {
            return Some(Value::Array(list));
        }
        let fits = |text: &str| self.only.is_empty() || self.only.iter().any(|pattern| matches_pattern(pattern, text));
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let kept = list.iter().filter_map(Value::as_str).filter(|text| fits(text));
        Some(kept.map(|text| Value::String(format!("{prefix}{text}"))).collect())
    }
}

fn coerced(value: &Value, to: Coerce) -> Option<Value> {
    let printable = |text: &&str| is_printable(text);
    match (to, value) {
        (_, Value::Null) => None,
        (Coerce::Presence, Value::Bool(false)) => Some(Value::Bool(false)),
        (Coerce::Presence, Value::String(text)) => Some(Value::Bool(!text.is_empty())),
        (Coerce::Presence, _) => Some(Value::Bool(true)),
        (Coerce::Text | Coerce::TextOrNumber, Value::String(text)) => Some(text.as_str()).filter(printable).map(Value::from),
        (Coerce::TextOrNumber, Value::Number(number)) if number.is_i64() || number.is_u64() => Some(Value::String(number.to_string())),
        (Coerce::Bool | Coerce::BoolOrText, Value::Bool(_)) | (Coerce::Number, Value::Number(_)) => Some(value.clone()),
        (Coerce::BoolOrText, Value::String(text)) => match text.as_str() {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        (Coerce::BoolOrText, Value::Number(number)) => match number.as_u64() {
            Some(bit @ (0 | 1)) => Some(Value::Bool(bit == 1)),
            _ => None,
        },
        (Coerce::Texts | Coerce::TextsOrWords, Value::Array(list)) => {
            let all = list.len() <= MOST_GROUPS && list.iter().all(|value| value.as_str().is_some_and(is_printable));
            all.then(|| value.clone())
        }
        (Coerce::TextsOrWords, Value::String(text)) => {
            let words: Vec<_> = text.split([' ', ',']).filter(|word| !word.is_empty()).map(Value::from).collect();
            (words.len() <= MOST_GROUPS && is_printable(text)).then_some(Value::Array(words))
        }
        (Coerce::Json, _) => (value.to_string().len() <= LONGEST_TEXT * 8).then(|| value.clone()),
        _ => None,
    }
}

/// A short text without control characters.
pub fn is_printable(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= LONGEST_TEXT && !text.chars().any(char::is_control)
}

/// Whether a text fits a pattern in which `*` stands for any text. Everything else stands for itself, case included.
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let mut pieces: Vec<_> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}

/// The claims of a profile that a map can make; any other name is a custom claim.
pub const STANDARD: [&str; 13] = [
    "name",
    "given_name",
    "family_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "locale",
    "zoneinfo",
    "email",
    "email_verified",
    "groups",
];

/// Names that a token has for itself (RFC 7519 §4.1, RFC 9068 §2.2, OpenID Connect Core 1.0 §2 and its logouts); no map and no rename may take one.
pub const RESERVED: [&str; 26] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "azp",
    "at_hash",
    "c_hash",
    "s_hash",
    "sid",
    "events",
    "client_id",
    "scope",
    "cnf",
    "act",
    "may_act",
    "token_type",
    "active",
    "username",
    "token_use",
];

/// From upstream claims to a profile. A claim the map does not name is made as OpenID Connect has it (Core 1.0 §5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimMap(pub BTreeMap<String, ClaimRule>);

/// What a map made, and of what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// The profile. Whether its e-mail may be believed is the provider's [`EmailTrust`](crate::provider::EmailTrust), not the map's, to say.
    pub profile: Profile,
    /// For the operator: each claim, and the pointer it came from; nothing for a default.
    pub sources: BTreeMap<String, Option<String>>,
}

impl ClaimMap {
    /// The rule for a claim.
    pub fn rule(&self, name: &str) -> Option<ClaimRule> {
        self.0.get(name).cloned().or_else(|| {
            let pointer = format!("/{name}");
            let coerce = match name {
                "email_verified" => Coerce::Bool,
                "groups" => Coerce::Texts,
                _ => Coerce::Text,
            };
            STANDARD.contains(&name).then(|| ClaimRule::new(&[&pointer], coerce))
        })
    }

    /// The map with another's rules over its own.
    #[must_use]
    pub fn under(mut self, over: &Self) -> Self {
        self.0.extend(over.0.iter().map(|(name, rule)| (name.clone(), rule.clone())));
        self
    }

    /// What is wrong with it: each name and what to write instead.
    pub fn faults(&self) -> Vec<(String, String)> {
        let mut faults = Vec::new();
        let custom = self.0.keys().filter(|name| !STANDARD.contains(&name.as_str())).count();
        if custom > MOST_CUSTOM {
            faults.push((String::new(), format!("has more than {MOST_CUSTOM} custom claims")));
        }
        for (name, rule) in &self.0 {
            if RESERVED.contains(&name.as_str()) {
                faults.push((name.clone(), "is a name that tokens have for themselves; choose another".into()));
            } else if !is_claim_name(name) {
                faults.push((name.clone(), "must have 1 to 100 printable ASCII characters without spaces".into()));
            }
            if rule.from.iter().any(|pointer| !pointer.starts_with('/')) {
                faults.push((format!("{name}/from"), "is not a JSON pointer: write \"/department\", or \"/realm_access/roles\"".into()));
            }
            if name == "email_verified" {
                faults.extend(self.vouching_faults(rule));
            }
            let wanted = match name.as_str() {
                "email_verified" => &[Coerce::Bool, Coerce::BoolOrText, Coerce::Presence][..],
                "groups" => &[Coerce::Texts, Coerce::TextsOrWords],
                standard if STANDARD.contains(&standard) => &[Coerce::Text, Coerce::TextOrNumber],
                _ => Coerce::ALL,
            };
            if !wanted.contains(&rule.coerce) {
                let wanted: Vec<_> = wanted.iter().map(|coerce| coerce.as_str()).collect();
                faults.push((format!("{name}/coerce"), format!("can't make this claim; write one of {}", wanted.join(", "))));
            }
        }
        faults
    }

    /// What would make addresses verified that nobody vouches for (attack 7). Trust in every address is `email_trust` to say, in so many words.
    fn vouching_faults(&self, rule: &ClaimRule) -> Vec<(String, String)> {
        let address = self.rule("email").map(|email| email.from).unwrap_or_default();
        let mut faults = Vec::new();
        if rule.default.is_some() {
            faults.push((
                "email_verified/default".into(),
                "would vouch for addresses of which the provider says nothing; leave it out".into(),
            ));
        }
        if rule.coerce == Coerce::Presence && rule.from.iter().any(|pointer| pointer == "/email" || address.contains(pointer)) {
            faults.push(("email_verified/from".into(), "is the address itself, whose being there says nothing of whose it is".into()));
        }
        faults
    }

    /// Makes a profile. A claim of the wrong type, too long, or with control characters is left out as if it had not been said (attack 23).
    pub fn apply(&self, claims: &Claims) -> Mapped {
        let mut mapped = Mapped::default();
        let mut make = |name: &str| {
            let rule = self.rule(name)?;
            let (value, from) = rule.make(claims)?;
            mapped.sources.insert(name.to_owned(), from.map(str::to_owned));
            Some(value)
        };
        let mut text = |name| match make(name)? {
            Value::String(text) => Some(text),
            _ => None,
        };
        let web = |text: &String| is_web_address(text);
        let email = text("email").filter(|text| is_one_address(text));
        let mut profile = Profile {
            name: text("name"),
            given_name: text("given_name"),
            family_name: text("family_name"),
            nickname: text("nickname"),
            preferred_username: text("preferred_username"),
            profile: text("profile").filter(web),
            picture: text("picture").filter(web),
            website: text("website").filter(web),
            locale: text("locale"),
            zoneinfo: text("zoneinfo"),
            email_verified: false,
            email,
            groups: Vec::new(),
            custom: BTreeMap::new(),
        };
        profile.email_verified = profile.email.is_some() && make("email_verified") == Some(Value::Bool(true));
        if let Some(Value::Array(groups)) = make("groups") {
            profile.groups = groups.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        }
        for name in self.0.keys().filter(|name| !STANDARD.contains(&name.as_str())) {
            if let Some(value) = make(name) {
                profile.custom.insert(name.clone(), value);
            }
        }
        mapped.sources.retain(|name, _| profile.says(name));
        Mapped { profile, ..mapped }
    }
}

/// Whether a name can be a claim's.
pub fn is_claim_name(name: &str) -> bool {
    (1..=100).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A web address: pages may link to it or load it, and a `javascript:` address would then run there (attack 65).
fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}

/// Claims by which providers say whether an address is verified.
pub(crate) const VOUCHES: [&str; 3] = ["email_verified", "verified_email", "xms_edov"];

/// The claims of the ID token, and of userinfo those that the ID token does not have.
///
/// An address and whether it is verified are one statement: they are never put together from two places, or a verified address of one account
/// would vouch for an unverified one of another (attack 7).
#[must_use]
pub fn merged(mut id_token: Claims, mut userinfo: Claims) -> Claims {
    if !id_token.contains_key("email") {
        id_token.retain(|name, _| !VOUCHES.contains(&name.as_str()));
    } else if id_token.get("email") != userinfo.get("email") {
        userinfo.retain(|name, _| !VOUCHES.contains(&name.as_str()));
    }
    for (name, value) in userinfo {
        id_token.entry(name).or_insert(value);
    }
    id_token
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Claims {
        let Value::Object(object) = value else { unreachable!() };
        object
    }

    fn profile(value: Value) -> Profile {
        ClaimMap::default().apply(&object(value)).profile
    }

    fn map(rules: Value) -> ClaimMap {
        serde_json::from_value(rules).unwrap()
    }

    #[test]
    fn attack_07_only_true_is_verified() {
        for claimed in [json!("true"), json!("1"), json!(1), json!(false), json!(null), json!([true]), json!({"value": true})] {
            let profile = profile(json!({"email": "a@b.example", "email_verified": claimed}));
            assert!(!profile.email_verified && profile.email.is_some(), "{claimed}");
        }
        assert!(!profile(json!({"email": "a@b.example"})).email_verified);
        assert!(!profile(json!({"email_verified": true})).email_verified);
        assert!(profile(json!({"email": "a@b.example", "email_verified": true})).email_verified);
    }

    #[test]
    fn attack_07_an_address_is_not_verified_by_a_statement_about_another() {
        let id_token = object(json!({"email": "victim@corp.example"}));
        let userinfo = |email: &str| object(json!({"email": email, "email_verified": true, "name": "N"}));
        let claims = merged(id_token.clone(), userinfo("attacker@evil.example"));
        assert_eq!((&claims["email"], claims.get("email_verified"), &claims["name"]), (&json!("victim@corp.example"), None, &json!("N")));
        let is_verified = |claims: Claims| ClaimMap::default().apply(&claims).profile.email_verified;
        assert!(is_verified(merged(id_token.clone(), userinfo("victim@corp.example"))));
        assert!(is_verified(merged(Claims::new(), userinfo("victim@corp.example"))));
        let denied = object(json!({"email": "victim@corp.example", "email_verified": false}));
        assert!(!is_verified(merged(denied, userinfo("victim@corp.example"))));
        let orphan = object(json!({"email_verified": true}));
        assert!(!is_verified(merged(orphan, object(json!({"email": "victim@corp.example"})))));
    }

    #[test]
    fn attack_23_claims_of_another_type_are_left_out() {
        let said = profile(json!({
            "name": 7, "nickname": ["a"], "email": ["a@b.example"], "groups": "admins", "locale": null, "zoneinfo": {"a": "b"},
            "given_name": "a\r\nb", "family_name": "\u{1b}[31m", "preferred_username": "x".repeat(513),
            "profile": "javascript:alert(1)", "picture": "data:text/html,x", "website": "https://a.example/"
        }));
        assert_eq!(said, Profile { website: Some("https://a.example/".into()), ..Profile::default() });
    }

    #[test]
    fn attack_09_what_is_not_one_address_is_none() {
        for bad in ["a", "@b.example", "a@", "a@b@c", "a b@c.example", "a@b.example ", "a@b.example\n", ""] {
            assert_eq!(profile(json!({"email": bad})).email, None, "{bad:?}");
        }
    }

    #[test]
    fn groups_are_taken_whole_or_not_at_all() {
        let groups = |value: Value| profile(json!({ "groups": value })).groups;
        assert_eq!(groups(json!(["a", "b"])), ["a", "b"]);
        assert_eq!(groups(json!(vec!["g"; MOST_GROUPS])).len(), MOST_GROUPS);
        for bad in [json!(["a", 1]), json!(["a", "b\n"]), json!(vec!["g"; MOST_GROUPS + 1]), json!({"a": 1})] {
            assert!(groups(bad).is_empty());
        }
    }

    #[test]
    fn a_map_takes_the_first_pointer_that_fits_and_says_which() {
        let map = map(json!({
            "email": {"from": ["/mail", "/userPrincipalName"]},
            "email_verified": {"from": ["/xms_edov"], "coerce": "bool_or_text"},
            "preferred_username": {"from": ["/id"], "coerce": "text_or_number"},
            "groups": {"from": ["/realm_access/roles"], "coerce": "texts", "prefix": "kc:", "only": ["eng-*", "*-admin"]},
            "department": {"from": ["/dept"], "default": "none"},
            "nickname": {"from": []}
        }));
        assert_eq!(map.faults(), []);
        let mapped = map.apply(&object(json!({
            "mail": 7, "userPrincipalName": "ada@corp.example", "xms_edov": "1", "id": 583_231, "nickname": "never",
            "realm_access": {"roles": ["eng-core", "sales", "db-admin"]}
        })));
        let profile = &mapped.profile;
        assert_eq!(profile.email.as_deref(), Some("ada@corp.example"));
        assert!(profile.email_verified);
        assert_eq!(profile.preferred_username.as_deref(), Some("583231"));
        assert_eq!(profile.groups, ["kc:eng-core", "kc:db-admin"]);
        assert_eq!(profile.custom["department"], json!("none"));
        assert_eq!(profile.nickname, None);
        assert_eq!(mapped.sources["email"].as_deref(), Some("/userPrincipalName"));
        assert_eq!(mapped.sources["department"], None);
    }

    #[test]
    fn a_map_may_not_make_what_a_token_says_for_itself() {
        let faults = map(json!({
            "sub": {"from": ["/id"]}, "a b": {"from": ["/x"]}, "dept": {"from": ["dept"]}, "groups": {"from": ["/g"], "coerce": "bool"}
        }))
        .faults();
        let at: Vec<_> = faults.iter().map(|(at, _)| at.as_str()).collect();
        assert_eq!(at, ["a b", "dept/from", "groups/coerce", "sub"]);
    }

    #[test]
    fn rfc_6901_a_pointer_leads_where_it_says() {
        let claims = object(json!({"a/b": {"c~d": [1, {"e": 2}]}, "": 3, "x": 4}));
        for (pointer, value) in [("/a~1b/c~0d/1/e", json!(2)), ("/", json!(3)), ("/x", json!(4)), ("/a~1b/c~0d/0", json!(1))] {
            assert_eq!(claim_at(&claims, pointer), Some(&value), "{pointer}");
        }
        for nowhere in ["", "x", "/y", "/x/y", "/a~1b/c~0d/2", "/a~1b/c~0d/01"] {
            assert_eq!(claim_at(&claims, nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn patterns_stand_for_what_they_say() {
        for (pattern, text, fits) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("a*b", "ab", true),
            ("a*b", "aXXb", true),
            ("a*b", "a", false),
            ("ab*ba", "aba", false),
            ("*x*", "axb", true),
            ("", "", true),
            ("A*", "ab", false),
        ] {
            assert_eq!(matches_pattern(pattern, text), fits, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn no_upstream_makes_a_map_panic(key in "[a-z_]{1,12}", text in ".{0,600}", number in any::<i64>(), list in proptest::collection::vec(".{0,20}", 0..20)) {
            let claims = object(json!({key.clone(): text, "groups": list, "email": text, "id": number, "deep": {"a": [1, {"b": text}]}}));
            let all = ClaimRule::new(&["/deep/a/1/b", "/id", "/email"], Coerce::Json);
            let mapped = ClaimMap([("x".to_owned(), all)].into()).apply(&claims);
            prop_assert!(mapped.profile.groups.len() <= MOST_GROUPS);
        }

        #[test]
        fn a_pattern_of_stars_and_text_never_panics(pattern in "[a*]{0,8}", text in "[ab]{0,8}") {
            let _ = matches_pattern(&pattern, &text);
        }
    }
}
