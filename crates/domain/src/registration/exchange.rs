//! What a registration says of tokens that are exchanged (RFC 8693).

use std::collections::BTreeSet;

use super::{Draft, Faults};
use crate::{client::GrantType, ids::ClientId};

impl Draft {
    /// Checks them together; whom `may_act` names.
    pub(super) fn exchange_rules(&self, grants: &BTreeSet<GrantType>, faults: &mut Faults) -> Option<ClientId> {
        let gives_something = !self.upstream_tokens.is_empty() || !self.exchange_audiences.is_empty();
        if gives_something != grants.contains(&GrantType::TokenExchange) {
            let exchange = GrantType::TokenExchange;
            let message = format!(
                "or /exchange_audiences, and the grant type {exchange} go together: it is what an app asks for such tokens with, and it gives \
                 nothing else"
            );
            faults.add("/upstream_tokens", &message);
        }
        faults.audiences("/exchange_audiences", &self.exchange_audiences);
        for (at, audience) in self.exchange_audiences.iter().enumerate() {
            if self.upstream_tokens.iter().any(|rule| rule.provider == *audience) {
                let message = "is the name of a provider in /upstream_tokens; a request for it could mean both";
                faults.add(&format!("/exchange_audiences/{at}"), message);
            }
        }
        let named = self.may_act.as_deref().map(ClientId::parse)?;
        named.map_err(|error| faults.add("/may_act", &format!("must be the client_id of an app: {error}"))).ok()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        client::{GrantType, SigningAlg},
        registration::{Draft, Offered, UpstreamTokenDraft},
        time::Timestamp,
    };

    fn pointers(draft: Draft) -> Vec<String> {
        let draft = Draft { name: "App".into(), redirect_uris: vec!["https://app.example.com/cb".into()], ..draft };
        let providers = [crate::ids::ProviderId::parse("acme").unwrap()].into();
        let offered = Offered { providers, algorithms: vec![SigningAlg::Rs256], ..Offered::default() };
        let checked = draft.check("app", &offered, Timestamp::default());
        checked.err().into_iter().flatten().map(|fault| fault.pointer).collect()
    }

    #[test]
    fn an_exchange_is_off_until_it_is_said_for_what() {
        let exchange = || vec!["authorization_code".to_owned(), GrantType::TokenExchange.to_string()];
        let billing = || vec!["https://billing.example.com".to_owned()];
        assert_eq!(pointers(Draft { grant_types: exchange(), ..Draft::default() }), ["/upstream_tokens"]);
        assert_eq!(pointers(Draft { exchange_audiences: billing(), ..Draft::default() }), ["/upstream_tokens"]);
        assert_eq!(pointers(Draft { grant_types: exchange(), exchange_audiences: billing(), ..Draft::default() }), [""; 0]);
        let acme = UpstreamTokenDraft { provider: "acme".into(), scopes: vec!["repo".into()] };
        let both = Draft { exchange_audiences: vec!["acme".into()], upstream_tokens: vec![acme], ..Draft::default() };
        assert_eq!(pointers(Draft { grant_types: exchange(), ..both }), ["/exchange_audiences/0"]);
    }

    #[test]
    fn every_fault_has_its_place() {
        let bad = Draft {
            grant_types: vec!["authorization_code".into(), GrantType::TokenExchange.to_string()],
            exchange_audiences: vec![String::new(), "a b".into()],
            may_act: Some("not an id".into()),
            ..Draft::default()
        };
        assert_eq!(pointers(bad), ["/exchange_audiences/0", "/exchange_audiences/1", "/may_act"]);
    }
}
