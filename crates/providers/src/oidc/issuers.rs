//! By which names an issuer may speak.

use serde_json::Value;

use crate::line::Object;

/// Where the tenant stands in the template of an issuer that stands for many.
const TENANT: &str = "{tenantid}";
/// The tenant of Microsoft's personal accounts.
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// The names of a configured issuer.
#[derive(Clone, Debug)]
pub(super) struct Issuers {
    /// As configured.
    pub(super) configured: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// It is one, and may have other names for itself.
    One { aliases: Vec<String> },
    /// It stands for many: the `tid` of a token says whose it is (Microsoft Entra).
    Many { template: String },
}

impl Issuers {
    pub(super) fn new(configured: String, aliases: Vec<String>, template: Option<String>) -> Self {
        let kind = template.map_or(Kind::One { aliases }, |template| Kind::Many { template });
        Self { configured, kind }
    }

    /// Whether the metadata found there may name itself so (OpenID Connect Discovery 1.0 §4.3).
    ///
    /// Entra's metadata for everybody names a template. That for one tenant, which may be configured by its domain, names the tenant's issuer.
    pub(super) fn publishes(&self, said: &str) -> bool {
        match &self.kind {
            Kind::One { .. } => self.is_name(said),
            Kind::Many { template } => match self.tenant(&self.configured) {
                Some(_) => said == self.configured,
                None => said == template || self.tenant(said).is_some(),
            },
        }
    }

    /// The issuer of a token, as links record it: exactly one of the names, or of the tenant that its `tid` names. `published` is what the
    /// metadata calls itself; where it names one tenant no other may speak.
    ///
    /// The signature is not checked yet, so the `tid` is believed only as far as it says which issuer must have signed.
    pub(super) fn of_token(&self, claims: &Object, published: &str) -> Option<String> {
        let said = claims.get("iss").and_then(Value::as_str)?;
        match &self.kind {
            Kind::One { .. } => self.is_name(said).then(|| self.configured.clone()),
            Kind::Many { template } => {
                let tenant = claims.get("tid").and_then(Value::as_str).filter(|tid| is_guid(tid))?;
                let made = template.replace(TENANT, tenant);
                (said == made && self.speaks_for(tenant, &made, published)).then_some(made)
            }
        }
    }

    /// Whether links that record this issuer are of people it vouches for now. `published` is what the metadata calls itself.
    pub(super) fn vouches_as(&self, recorded: &str, published: &str) -> bool {
        match &self.kind {
            Kind::One { .. } => self.is_name(recorded),
            Kind::Many { .. } => self.tenant(recorded).is_some_and(|tenant| self.speaks_for(tenant, recorded, published)),
        }
    }

    /// Whether two names are of one issuer.
    pub(super) fn is_same(&self, one: &str, other: &str) -> bool {
        one == other || (self.is_name(one) && self.is_name(other))
    }

    /// Whether it is a name of the one issuer.
    fn is_name(&self, said: &str) -> bool {
        matches!(&self.kind, Kind::One { aliases } if said == self.configured || aliases.iter().any(|alias| alias == said))
    }

    /// Whether metadata that calls itself `published` is this tenant's too, whose issuer is `made`.
    fn speaks_for(&self, tenant: &str, made: &str, published: &str) -> bool {
        // `organizations` leaves personal accounts out; that the token comes from there must not depend on the issuer's page alone.
        let wanted = tenant != PERSONAL || !self.configured.contains("/organizations/");
        let pinned = published == made || matches!(&self.kind, Kind::Many { template } if published == template);
        pinned && wanted
    }

    /// Whether a key that names an issuer may have signed for this one: a key of one tenant signs for no other (attack 21).
    pub(super) fn key_is_for(&self, key_issuer: Option<&str>, issuer: &str) -> bool {
        match (&self.kind, key_issuer) {
            (Kind::Many { template }, Some(named)) => named == template || named == issuer,
            _ => true,
        }
    }

    /// The `iss` of an answer through the browser, under the name that was kept, when it is one of the issuer's (RFC 9207). Metadata
    /// that names one tenant speaks for that one alone.
    pub(super) fn of_answer(&self, said: &str, published: &str) -> Option<&str> {
        let ours = match &self.kind {
            Kind::One { .. } => self.is_name(said),
            Kind::Many { .. } => said == published || self.tenant(said).is_some_and(|tenant| self.speaks_for(tenant, said, published)),
        };
        ours.then_some(self.configured.as_str())
    }

    fn tenant<'s>(&self, issuer: &'s str) -> Option<&'s str> {
        let Kind::Many { template } = &self.kind else { return None };
        let (before, behind) = template.split_once(TENANT)?;
        issuer.strip_prefix(before)?.strip_suffix(behind).filter(|tenant| is_guid(tenant))
    }
}

/// In the one way Entra writes it: else one tenant could have several issuers.
pub(super) fn is_guid(text: &str) -> bool {
    let fits = |(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const T1: &str = "1111aaaa-1111-4111-8111-111111111111";
    const T2: &str = "22222222-2222-4222-8222-222222222222";
    const TEMPLATE: &str = "https://login.example/{tenantid}/v2.0";

    fn entra(tenant: &str) -> Issuers {
        Issuers::new(format!("https://login.example/{tenant}/v2.0"), Vec::new(), Some(TEMPLATE.into()))
    }

    fn made(tenant: &str) -> String {
        TEMPLATE.replace(TENANT, tenant)
    }

    fn claims(iss: &str, tid: &str) -> Object {
        json!({"iss": iss, "tid": tid}).as_object().unwrap().clone()
    }

    #[test]
    fn microsoft_the_issuer_of_a_token_is_made_of_its_tid_and_compared_exactly() {
        let common = entra("common");
        assert!(common.publishes(TEMPLATE) && !common.publishes("https://login.example/common/v2.0"));
        assert_eq!(common.of_token(&claims(&made(T1), T1), TEMPLATE), Some(made(T1)));
        for (iss, tid) in [
            (made(T2), T1.to_owned()),
            (made("common"), "common".into()),
            (TEMPLATE.into(), TENANT.into()),
            (made(&T1.to_uppercase()), T1.to_uppercase()),
            (made("../x"), "../x".into()),
            (format!("{}/", made(T1)), T1.into()),
            (made(T1), String::new()),
        ] {
            assert_eq!(common.of_token(&claims(&iss, &tid), TEMPLATE), None, "{iss} {tid}");
        }
    }

    #[test]
    fn microsoft_one_tenant_speaks_for_itself_alone() {
        let one = entra(T1);
        assert!(one.publishes(&made(T1)) && !one.publishes(&made(T2)) && !one.publishes(TEMPLATE));
        assert_eq!(one.of_token(&claims(&made(T2), T2), &made(T1)), None);
        // Configured by its domain, its id is what the metadata says.
        let domain = entra("corp.example");
        assert!(domain.publishes(&made(T1)));
        assert_eq!(domain.of_token(&claims(&made(T1), T1), &made(T1)), Some(made(T1)));
        assert_eq!(domain.of_token(&claims(&made(T2), T2), &made(T1)), None);
    }

    #[test]
    fn microsoft_personal_accounts_are_a_tenant_that_organizations_leaves_out() {
        let token = claims(&made(PERSONAL), PERSONAL);
        assert_eq!(entra("common").of_token(&token, TEMPLATE), Some(made(PERSONAL)));
        assert_eq!(entra("consumers").of_token(&token, &made(PERSONAL)), Some(made(PERSONAL)));
        assert_eq!(entra("organizations").of_token(&token, TEMPLATE), None);
    }

    #[test]
    fn attack_02_microsoft_an_answer_is_of_the_tenant_that_the_metadata_names() {
        assert_eq!(entra("common").of_answer(&made(T2), TEMPLATE), Some("https://login.example/common/v2.0"));
        let domain = entra("corp.example");
        assert!(domain.of_answer(&made(T1), &made(T1)).is_some());
        assert_eq!(domain.of_answer(&made(T2), &made(T1)), None);
        assert_eq!(entra(T1).of_answer(TEMPLATE, &made(T1)), None);
    }

    #[test]
    fn attack_01_microsoft_tokens_are_shown_to_the_tenant_they_are_of() {
        let common = entra("common");
        assert!(common.vouches_as(&made(T1), TEMPLATE) && common.vouches_as(&made(PERSONAL), TEMPLATE));
        assert!(!entra("organizations").vouches_as(&made(PERSONAL), TEMPLATE));
        for other in ["https://login.example/common/v2.0", TEMPLATE, "https://other.example", ""] {
            assert!(!common.vouches_as(other, TEMPLATE), "{other}");
        }
        assert!(entra(T1).vouches_as(&made(T1), &made(T1)) && !entra(T1).vouches_as(&made(T2), &made(T1)));
        assert!(!common.is_same(&made(T1), &made(T2)));
    }

    #[test]
    fn attack_21_a_key_of_one_tenant_signs_for_no_other() {
        let common = entra("common");
        assert!(common.key_is_for(Some(&made(T1)), &made(T1)) && common.key_is_for(Some(TEMPLATE), &made(T1)));
        assert!(common.key_is_for(None, &made(T1)));
        assert!(!common.key_is_for(Some(&made(T2)), &made(T1)));
    }

    #[test]
    fn google_and_apple_have_a_second_name_that_links_do_not_know() {
        let google = Issuers::new("https://accounts.google.com".into(), vec!["accounts.google.com".into()], None);
        for said in ["https://accounts.google.com", "accounts.google.com"] {
            assert_eq!(google.of_token(&claims(said, ""), said).as_deref(), Some("https://accounts.google.com"));
            assert_eq!(google.of_answer(said, said), Some("https://accounts.google.com"));
        }
        for other in ["http://accounts.google.com", "https://accounts.google.com/", "accounts.google.com.evil.example"] {
            assert_eq!(google.of_token(&claims(other, ""), ""), None);
            assert!(!google.publishes(other) && google.of_answer(other, other).is_none());
        }
    }
}
