//! Which door a person is led to: the one an app names, the one their address belongs to, the only one, or the page where they choose.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    client::closed_enum,
    email::{EmailAddress, EmailDomain},
    ids::ProviderId,
    provider::{ProviderCard, ProviderTerms},
};

/// A provider somebody could take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What people see.
    pub card: ProviderCard,
    /// Domains whose people sign in there.
    pub domains: Vec<crate::email::DomainPattern>,
    /// Whether it is in trouble now.
    pub in_trouble: bool,
}

impl Offer {
    /// From a provider.
    pub fn new(card: &ProviderCard, terms: &ProviderTerms, in_trouble: bool) -> Self {
        Self { card: card.clone(), domains: terms.domains.clone(), in_trouble }
    }
}

/// What an app said about the door.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// `idp_hint`: a provider by its name here.
    pub provider: Option<&'a str>,
    /// `domain_hint`: a domain.
    pub domain: Option<&'a str>,
    /// `login_hint`: an address, perhaps.
    pub login: Option<&'a str>,
}

closed_enum! {
    /// How a provider came to be the one; the record of a login has it.
    Chosen {
        /// The app named it.
        Hint = "hint",
        /// A domain belongs to it.
        Domain = "domain",
        /// It is the only one.
        Only = "only",
        /// The person picked it.
        Click = "click",
    }
}

/// The door that needs no choosing, if there is one. A provider in trouble is never walked into without being asked, as long as there is another.
pub fn straight(offers: &[Offer], hints: Hints<'_>, straight_through: bool) -> Option<(ProviderId, Chosen)> {
    let usable = |offer: &&Offer| !offer.in_trouble || offers.len() == 1;
    let named = hints.provider.and_then(|name| offers.iter().filter(usable).find(|offer| offer.card.id.as_str() == name));
    if let Some(offer) = named {
        return Some((offer.card.id.clone(), Chosen::Hint));
    }
    let domain = hints.domain.and_then(EmailDomain::parse);
    let domain = domain.or_else(|| Some(EmailAddress::parse(hints.login?)?.domain().clone()));
    if let Some(home) = domain.and_then(|domain| home_of(offers, &domain)).filter(|offer| usable(offer)) {
        return Some((home.card.id.clone(), Chosen::Domain));
    }
    match offers {
        [only] if straight_through => Some((only.card.id.clone(), Chosen::Only)),
        _ => None,
    }
}

/// The provider a domain belongs to. An exact name goes before `*.name`; two that claim it alike are none, so that a choice is the person's.
pub fn home_of<'a>(offers: &'a [Offer], domain: &EmailDomain) -> Option<&'a Offer> {
    use crate::email::DomainPattern;
    let exactly = |offer: &&Offer| offer.domains.iter().any(|pattern| matches!(pattern, DomainPattern::Exactly(name) if name == domain));
    let below = |offer: &&Offer| offer.domains.iter().any(|pattern| domain.is_in(pattern));
    let only = |found: Vec<&'a Offer>| if let [one] = found.as_slice() { Some(*one) } else { None };
    let exact: Vec<_> = offers.iter().filter(exactly).collect();
    if exact.is_empty() { only(offers.iter().filter(below).collect()) } else { only(exact) }
}

/// Offers as they are shown: those in trouble after the others, the order otherwise kept.
pub fn in_order(mut offers: Vec<Offer>) -> Vec<Offer> {
    offers.sort_by_key(|offer| offer.in_trouble);
    offers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{email::DomainPattern, provider::ButtonWording};

    fn offer(id: &str, domains: &[&str], in_trouble: bool) -> Offer {
        let id = ProviderId::parse(id).unwrap();
        let card = ProviderCard { label: id.to_string(), id, wording: ButtonWording::ContinueWith, icon: None, preset: "oidc".into() };
        Offer { card, domains: domains.iter().map(|text| DomainPattern::parse(text).unwrap()).collect(), in_trouble }
    }

    fn led(offers: &[Offer], hints: Hints<'_>) -> Option<String> {
        straight(offers, hints, true).map(|(id, chosen)| format!("{id} {}", chosen.as_str()))
    }

    #[test]
    fn hints_lead_and_what_they_do_not_know_falls_through() {
        let offers = [
            offer("google", &[], false),
            offer("corp", &["corp.example", "*.corp.example"], false),
            offer("eu", &["eu.corp.example"], false),
        ];
        let hint = |provider, domain, login| led(&offers, Hints { provider, domain, login });
        assert_eq!(hint(Some("google"), Some("corp.example"), None).as_deref(), Some("google hint"));
        assert_eq!(hint(Some("nobody"), Some("CORP.example"), None).as_deref(), Some("corp domain"));
        assert_eq!(hint(None, None, Some("ada@x.corp.example")).as_deref(), Some("corp domain"));
        assert_eq!(hint(None, None, Some("ada@eu.corp.example")).as_deref(), Some("eu domain"), "the exact name wins");
        for (provider, domain, login) in
            [(None, None, None), (None, Some("evil.example"), Some("ada")), (Some(""), None, Some("a@corp.example.evil"))]
        {
            assert_eq!(hint(provider, domain, login), None);
        }
    }

    #[test]
    fn nobody_is_walked_into_trouble_while_there_is_another_door() {
        let offers = [offer("google", &[], true), offer("corp", &["corp.example"], true)];
        assert_eq!(led(&offers, Hints { provider: Some("google"), domain: Some("corp.example"), login: None }), None);
        assert_eq!(led(&offers[..1], Hints::default()).as_deref(), Some("google only"));
        let shown: Vec<_> = in_order(vec![offer("a", &[], true), offer("b", &[], false), offer("c", &[], false)]);
        assert_eq!(shown.iter().map(|offer| offer.card.id.as_str()).collect::<Vec<_>>(), ["b", "c", "a"]);
    }

    #[test]
    fn two_that_claim_one_domain_are_the_persons_to_choose_from() {
        let offers = [offer("a", &["corp.example"], false), offer("b", &["corp.example"], false)];
        assert_eq!(led(&offers, Hints { domain: Some("corp.example"), ..Hints::default() }), None);
    }
}
