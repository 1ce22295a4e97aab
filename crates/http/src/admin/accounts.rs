//! What the admin API does with accounts: who they are, the ways they come in by, and turning them away.

mod answers;
mod objects;

use std::sync::Arc;

use poem_openapi::{
    OpenApi,
    param::{Path, Query},
    payload::Json,
};
use serde_json::json;
use vestibule_domain::{consent::Consent, operator::Operator};
use vestibule_flows::{AccessFilter, AccessPage, Gateway};

pub(super) use self::objects::{EXAMPLE_ID, EXAMPLE_LINK, EXAMPLE_TIME};
use self::{
    answers::{Changing, Consents, Ending, Finding, Forgetting, Found, Gone, Links, Listed, Listing, ListingOf, Revoking, Unlinking},
    objects::{AccountChange, AccountPage, ConsentList, LinkList},
};
use super::{
    access::{GrantList, Grants, SessionList, Sessions},
    body::Patch,
    key::{Caller, Key},
    operations::{Group, named_in_query, next, page, usual_page},
    problem::Problem,
    refused::Refused,
};
use crate::house::House;

pub(super) struct Accounts {
    pub(super) house: Arc<House>,
    /// The path that everything of the admin API lies under.
    pub(super) base: String,
}

#[OpenApi]
impl Accounts {
    /// List accounts
    ///
    /// Accounts in the order of their ids, a page at a time.
    #[oai(path = "/accounts", method = "get", operation_id = "list_accounts", tag = "Group::Accounts")]
    async fn list(
        &self,
        _key: Key,
        /// How many at most.
        #[oai(default = "usual_page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u64>,
        /// Only accounts after this id: the last one of the page before.
        after: Query<Option<String>>,
    ) -> Result<Listed, Refused<Listing>> {
        let found = self.gateway().accounts(after.as_deref(), limit.0 + 1).await.map_err(named_in_query)?;
        let (accounts, next) = page(found, limit.0, &format!("{}/accounts", self.base), |account| account.id.to_string());
        Ok(Listed::Page(Json(AccountPage::new(accounts)), next))
    }

    /// Read an account
    #[oai(path = "/accounts/:account_id", method = "get", operation_id = "read_account", tag = "Group::Accounts")]
    async fn read(
        &self,
        _key: Key,
        /// The account's id.
        account_id: Path<String>,
    ) -> Result<Found, Refused<Finding>> {
        let account = self.gateway().account(&account_id).await.map_err(Problem::from)?;
        Ok(Found::Account(Json(account.into())))
    }

    /// Disable or enable an account
    ///
    /// A JSON Merge Patch (RFC 7396) of the one thing that can be changed: `disabled`. To disable an account ends its sessions and everything that
    /// was given in them, at once and on every node; what was ended stays so when the account is enabled again. No `If-Match` is needed: there is
    /// nothing to overwrite.
    #[oai(path = "/accounts/:account_id", method = "patch", operation_id = "patch_account", tag = "Group::Accounts")]
    async fn patch(
        &self,
        key: Key,
        /// The account's id.
        account_id: Path<String>,
        body: Patch<AccountChange>,
    ) -> Result<Found, Refused<Changing>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let present = gateway.account(&account_id).await.map_err(Problem::from)?;
        let change = body.of(json!({ "disabled": present.disabled }))?;
        let disabled = change.disabled.unwrap_or(present.disabled);
        let account = gateway.disable_account(witness, actor, &account_id, disabled).await.map_err(Problem::from)?;
        Ok(Found::Account(Json(account.into())))
    }

    /// Erase a person
    ///
    /// At their request: their profile, the ways they came in by, tokens of providers, what they allowed apps, and in the audit log from where they did
    /// what are gone. Their sessions and grants end, and their apps are told. The account's id stays, disabled, so that it never means anybody
    /// else; whoever comes by one of the ways again is somebody new. The audit log stays provable. There is no way back.
    #[oai(path = "/accounts/:account_id/erase", method = "post", operation_id = "erase_account", tag = "Group::Accounts")]
    async fn erase(
        &self,
        key: Key,
        /// The account's id.
        account_id: Path<String>,
    ) -> Result<Gone, Refused<Finding>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        gateway.erase_account(witness, actor, &account_id).await.map_err(Problem::from)?;
        Ok(Gone::Gone)
    }

    /// List the ways into an account
    ///
    /// Its links to identities at providers, oldest first, all at once: a person adds one way in after another by signing in there, and has a few. No more
    /// than the oldest 100 are shown.
    #[oai(path = "/accounts/:account_id/links", method = "get", operation_id = "list_links", tag = "Group::Accounts")]
    async fn links(
        &self,
        _key: Key,
        /// The account's id.
        account_id: Path<String>,
    ) -> Result<Links, Refused<Finding>> {
        let links = self.gateway().links(&account_id).await.map_err(Problem::from)?;
        Ok(Links::All(Json(LinkList::new(links))))
    }

    /// Undo a way into an account
    ///
    /// Sessions that came by it end, what was given in them stops working, and the provider's tokens are forgotten and given back to it. The last one
    /// may be undone too: whoever comes by it again is somebody new.
    #[oai(path = "/accounts/:account_id/links/:link_id", method = "delete", operation_id = "undo_link", tag = "Group::Accounts")]
    async fn undo_link(
        &self,
        key: Key,
        /// The account's id.
        account_id: Path<String>,
        /// The link's id.
        link_id: Path<String>,
    ) -> Result<Gone, Refused<Unlinking>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        gateway.undo_link(witness, actor, &account_id, &link_id).await.map_err(Problem::from)?;
        Ok(Gone::Gone)
    }

    /// List an account's sessions
    ///
    /// The browsers that are signed in, newest first, a page at a time.
    #[oai(path = "/accounts/:account_id/sessions", method = "get", operation_id = "list_sessions", tag = "Group::Accounts")]
    async fn sessions(
        &self,
        key: Key,
        /// The account's id.
        account_id: Path<String>,
        /// How many at most.
        #[oai(default = "usual_page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u64>,
        /// Only sessions after this id: the last one of the page before.
        after: Query<Option<String>>,
    ) -> Result<Sessions, Refused<ListingOf>> {
        let account = self.gateway().account(&account_id).await.map_err(Problem::from)?.id.to_string();
        let filter = AccessFilter { account: Some(&account), ..AccessFilter::default() };
        let asked = AccessPage { after: after.0.as_deref(), limit: limit.0 };
        let found = self.gateway().sessions(&key.0.witness, filter, asked).await.map_err(named_in_query)?;
        let address = format!("{}/accounts/{account}/sessions", self.base);
        let next = found.rest.map(|rest| next(&address, limit.0, &rest.to_string()));
        Ok(Sessions::Page(Json(SessionList::new(&found.sessions, &self.gateway().settings().lifetimes)), next))
    }

    /// List what an account allowed apps
    ///
    /// What its person said yes to on the page of consent, by app and by the host their answers went to, a page at a time.
    #[oai(path = "/accounts/:account_id/consents", method = "get", operation_id = "list_consents", tag = "Group::Accounts")]
    async fn consents(
        &self,
        _key: Key,
        /// The account's id.
        account_id: Path<String>,
        /// How many at most.
        #[oai(default = "usual_page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u64>,
        /// Only what comes after this place: the `client_id` of the last one of the page before, a space and its `host`.
        after: Query<Option<String>>,
    ) -> Result<Consents, Refused<ListingOf>> {
        let found = self.gateway().consents(&account_id, after.as_deref(), limit.0 + 1).await.map_err(named_in_query)?;
        let address = format!("{}/accounts/{}/consents", self.base, *account_id);
        let (consents, next) = page(found, limit.0, &address, Consent::place);
        Ok(Consents::Page(Json(ConsentList::new(consents)), next))
    }

    /// Forget what an account allowed an app
    ///
    /// At every host. Its person is asked again when they sign in to it, if its `consent` says so; what the app was given already stays until it
    /// expires or is ended.
    #[oai(path = "/accounts/:account_id/consents/:client_id", method = "delete", operation_id = "forget_consents", tag = "Group::Accounts")]
    async fn forget_consents(
        &self,
        key: Key,
        /// The account's id.
        account_id: Path<String>,
        /// The client's id.
        client_id: Path<String>,
    ) -> Result<Gone, Refused<Forgetting>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        gateway.forget_consents(witness, actor, &account_id, &client_id).await.map_err(Problem::from)?;
        Ok(Gone::Gone)
    }

    /// End a session
    ///
    /// Signs a browser out. What was given in it without `offline_access` stops working, and its apps are told. One that nobody used for so long that it
    /// is listed no more is ended too, as long as it is kept.
    #[oai(path = "/accounts/:account_id/sessions/:session_id", method = "delete", operation_id = "end_session", tag = "Group::Accounts")]
    async fn end_session(
        &self,
        key: Key,
        /// The account's id.
        account_id: Path<String>,
        /// The session's id.
        session_id: Path<String>,
    ) -> Result<Gone, Refused<Ending>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        gateway.end_session_of_id(witness, actor, Some(&account_id), &session_id).await.map_err(Problem::from)?;
        Ok(Gone::Gone)
    }

    /// List what apps were given
    ///
    /// An account's grants from which tokens are good now or can be got, newest first, a page at a time.
    #[oai(path = "/accounts/:account_id/grants", method = "get", operation_id = "list_grants", tag = "Group::Accounts")]
    async fn grants(
        &self,
        key: Key,
        /// The account's id.
        account_id: Path<String>,
        /// How many at most.
        #[oai(default = "usual_page", validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<u64>,
        /// Only grants after this id: the last one of the page before.
        after: Query<Option<String>>,
    ) -> Result<Grants, Refused<ListingOf>> {
        let account = self.gateway().account(&account_id).await.map_err(Problem::from)?.id.to_string();
        let filter = AccessFilter { account: Some(&account), ..AccessFilter::default() };
        let asked = AccessPage { after: after.0.as_deref(), limit: limit.0 + 1 };
        let found = self.gateway().grants(&key.0.witness, filter, asked).await.map_err(named_in_query)?;
        let address = format!("{}/accounts/{account}/grants", self.base);
        let (grants, next) = page(found, limit.0, &address, |grant| grant.id.to_string());
        Ok(Grants::Page(Json(GrantList::new(&grants)), next))
    }

    /// Take back what an app was given
    ///
    /// Every token of the grant stops working. The session it began in goes on.
    #[oai(path = "/accounts/:account_id/grants/:grant_id", method = "delete", operation_id = "revoke_grant", tag = "Group::Accounts")]
    async fn revoke_grant(
        &self,
        key: Key,
        /// The account's id.
        account_id: Path<String>,
        /// The grant's id.
        grant_id: Path<String>,
    ) -> Result<Gone, Refused<Revoking>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        gateway.revoke_grant_of_id(witness, actor, Some(&account_id), &grant_id).await.map_err(Problem::from)?;
        Ok(Gone::Gone)
    }
}

impl Accounts {
    fn gateway(&self) -> &Gateway {
        &self.house.gateway
    }
}
