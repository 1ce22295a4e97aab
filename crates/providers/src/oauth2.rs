//! Servers that speak OAuth 2.0 (RFC 6749) and tell through an interface of their own who somebody is, not by OpenID Connect.
//!
//! Nothing such a server says is signed. That a person is who it says rests on TLS, on the code that nobody else could have redeemed (RFC 7636),
//! and on the access token coming straight from the token endpoint: a token that was handed in from elsewhere could be anybody's.

pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod client;
pub(crate) mod fault;
pub(crate) mod person;
pub(crate) mod settings;
mod template;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use http::{HeaderMap, Method, StatusCode};
use vestibule_domain::{
    attempt::Kept,
    health::Checked,
    ports::{IdentityProvider, RefreshUpstream, RevokeUpstream},
    provider::{Arrival, Callback, Departure, Known, Phase, ProviderCard, ProviderError, ProviderTerms, ReceivedTokens, Renewed, Sent},
    time::Timestamp,
};

use self::{
    client::AuthClient,
    fault::FindFault,
    person::{Person, Resource, renewed_claims},
    settings::{Endpoints, Ways},
};
use crate::{
    egress::Egress,
    factory::{Common, Tools},
    line::{Line, misconfigured},
    sheet::Sheet,
};

/// One configured server.
struct OAuth2Provider {
    common: Common,
    client: AuthClient,
    resource: Resource,
}

impl fmt::Debug for OAuth2Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2Provider").field("card", &self.common.card).field("issuer", &self.client.ways.issuer).finish_non_exhaustive()
    }
}

/// Makes a provider of settings; what is wrong with them is noted on the sheet.
pub(crate) fn make(sheet: &mut Sheet<'_>, common: Common, tools: &Tools) -> Option<Arc<dyn IdentityProvider>> {
    let (egress, endpoints) = settings::endpoints(sheet, &tools.egress);
    let ways = settings::ways(sheet, &common, endpoints.as_ref().map(|endpoints| &endpoints.token));
    let resource = settings::resource(sheet, &egress, fault::standard);
    let lists = settings::lists(sheet, &egress, &ways.scopes);
    let client = client(&common, tools, egress, endpoints?, ways, fault::standard);
    Some(Arc::new(OAuth2Provider { common, client, resource: Resource { lists, ..resource? } }))
}

/// Our registration there.
pub(crate) fn client(
    common: &Common,
    tools: &Tools,
    egress: Egress,
    endpoints: Endpoints,
    ways: Ways,
    find_fault: FindFault,
) -> AuthClient {
    AuthClient {
        id: common.client_id.clone(),
        secret: common.client_secret.clone(),
        endpoints,
        ways,
        find_fault,
        line: Line { egress, ..tools.line(common.card.id.clone()) },
        entropy: Arc::clone(&tools.entropy),
    }
}

impl OAuth2Provider {
    fn line(&self) -> &Line {
        &self.client.line
    }

    async fn person(&self, tokens: &ReceivedTokens) -> Result<Person, ProviderError> {
        let api = self.resource.api(Phase::Userinfo, self.line(), tokens)?;
        self.resource.person(self.line(), &api).await
    }
}

#[async_trait]
impl IdentityProvider for OAuth2Provider {
    fn card(&self) -> &ProviderCard {
        &self.common.card
    }

    async fn begin(&self, departure: &Departure) -> Result<Sent, ProviderError> {
        Ok(self.client.begin(departure))
    }

    async fn complete(&self, callback: Callback, kept: Kept, now: Timestamp) -> Result<Arrival, ProviderError> {
        let tokens = self.client.redeem(callback, kept, now).await?;
        let person = self.person(&tokens).await?;
        Ok(person.arrived(&self.client.ways.issuer, tokens))
    }

    fn terms(&self) -> &ProviderTerms {
        &self.common.terms
    }

    /// Such a server publishes nothing that could be looked at. That its interface answers a stranger at all, most likely with 401, is what can
    /// be known of it.
    async fn check(&self) -> Result<Checked, ProviderError> {
        let asked = async {
            let request = api::request(Phase::Api, Method::GET, &self.resource.userinfo, HeaderMap::new(), Vec::new())?;
            match self.line().send(Phase::Api, request).await?.status() {
                StatusCode::NOT_FOUND => Err(misconfigured(Phase::Api, "status 404: there is nothing at the configured userinfo_endpoint")),
                status => Ok(status),
            }
        };
        let status = self.line().step(Phase::Api, asked).await?;
        Ok(Checked { facts: vec![("userinfo", format!("answers a stranger with status {}", status.as_u16()))], ..self.common.checked() })
    }

    fn refresh(&self) -> Option<&dyn RefreshUpstream> {
        Some(self)
    }

    fn revocation(&self) -> Option<&dyn RevokeUpstream> {
        self.client.endpoints.revocation.as_ref().map(|_| self as &dyn RevokeUpstream)
    }
}

#[async_trait]
impl RefreshUpstream for OAuth2Provider {
    async fn refresh(&self, tokens: &ReceivedTokens, known: Known<'_>, now: Timestamp) -> Result<Renewed, ProviderError> {
        let tokens = self.client.renew(tokens, &known, now).await?;
        let claims = renewed_claims(self.line(), self.person(&tokens).await, &known)?;
        Ok(Renewed { tokens, claims })
    }
}

#[async_trait]
impl RevokeUpstream for OAuth2Provider {
    async fn revoke(&self, tokens: &ReceivedTokens) -> Result<(), ProviderError> {
        match &self.client.endpoints.revocation {
            Some(endpoint) => self.client.revoke(endpoint, tokens).await,
            None => Ok(()),
        }
    }
}
