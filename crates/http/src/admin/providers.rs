//! What the admin API does with providers. Those of the configuration are shown and tested here and changed there.

mod answers;
mod objects;

use std::sync::Arc;

use poem_openapi::{
    OpenApi,
    param::{Header, Path, Query},
    payload::Json,
};
use vestibule_domain::{ids::ProviderId, operator::Operator, registration::FieldFault};
use vestibule_flows::{AdminFault, Edit, Gateway, ManagedBy, ShownProvider};

use self::{
    answers::{Changing, Deleting, Finding, Found, Gone, Listed, Listing, Patched, Put, Putting, Tested, Testing, Trials, Trying},
    objects::{ProviderDraft, ProviderPage, ProviderTrial, TestObject},
};
use super::{
    body::{Body, Patch},
    key::{Caller, Key},
    operations::{Group, editor},
    precondition::{self, Hold, tag, there_already},
    problem::Problem,
    refused::Refused,
};
use crate::house::House;

pub(super) struct Providers {
    pub(super) house: Arc<House>,
    /// The path that everything of the admin API lies under.
    pub(super) base: String,
}

#[OpenApi]
impl Providers {
    /// List providers
    ///
    /// All of them at once, since every node holds them in memory and people choose among them on one page. They come in the order of the house: those of
    /// the configuration as they stand there, then the others by name.
    #[oai(path = "/providers", method = "get", operation_id = "list_providers", tag = "Group::Providers")]
    async fn list(&self, key: Key) -> Result<Listed, Refused<Listing>> {
        let shown = self.gateway().shown_providers(&key.0.witness).await.map_err(Problem::from)?;
        Ok(Listed::All(Json(ProviderPage::from(shown))))
    }

    /// Read a provider
    #[oai(path = "/providers/:provider_id", method = "get", operation_id = "read_provider", tag = "Group::Providers")]
    async fn read(
        &self,
        key: Key,
        /// The provider's id.
        provider_id: Path<String>,
    ) -> Result<Found, Refused<Finding>> {
        let shown = self.gateway().shown_provider(&key.0.witness, &provider_id).await.map_err(Problem::from)?;
        let tag = (shown.managed_by == ManagedBy::Api).then(|| tag(shown.version));
        Ok(Found::Provider(Json(shown.into()), tag))
    }

    /// Replace or make a provider
    ///
    /// Replaces all settings of the provider, or makes it under this id. What is left out takes its default, but a secret that is left out stays;
    /// `null` takes it away. It works at once, on every node.
    #[oai(path = "/providers/:provider_id", method = "put", operation_id = "put_provider", tag = "Group::Providers")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter that the document describes by itself")]
    async fn put(
        &self,
        key: Key,
        /// The provider's id: part of its callback address, 1 to 60 letters, digits, `-`, `.`, `_` and `~`.
        provider_id: Path<String>,
        /// The version that is to be replaced: the `ETag` of the provider as it was read. Needed if the provider is there.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        /// `*`: make the provider, but never replace one.
        #[oai(name = "If-None-Match")]
        if_none_match: Header<Option<String>>,
        /// The set of files in whose name this is written, as `vestibule apply` does: it keeps the provider from then on.
        managed_by: Query<Option<String>>,
        /// Whether to go past the set of files that keeps the provider.
        #[oai(default)]
        force: Query<bool>,
        body: Body<ProviderDraft>,
    ) -> Result<Put, Refused<Putting>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let hold = Hold::read(if_match.as_deref(), if_none_match.as_deref())?;
        must_be_an_id(&provider_id)?;
        let expected = match hold {
            Hold::New | Hold::Free => None,
            Hold::Version(version) => Some(version),
        };
        let edit = Edit { expected, editor: editor(managed_by.0, force.0)? };
        match gateway.put_provider(witness, actor, &provider_id, body.0.into(), edit).await {
            Ok(shown) if expected.is_none() => {
                let (address, tag) = (format!("{}/providers/{}", self.base, shown.id), tag(shown.version));
                Ok(Put::Created(Json(shown.into()), address, tag))
            }
            Ok(shown) => {
                let tag = tag(shown.version);
                Ok(Put::Replaced(Json(shown.into()), tag))
            }
            Err(AdminFault::PreconditionRequired) if hold == Hold::New => Err(self.is_there(&key.0, &provider_id).await.into()),
            Err(fault) => Err(self.as_it_is_now(&key.0, &provider_id, fault).await.into()),
        }
    }

    /// Change a provider
    ///
    /// A JSON Merge Patch (RFC 7396): what it names is replaced, what it says `null` to is taken away, secrets too, the rest stays. To shut a
    /// provider for a while, send `{"disabled": true}` alone: that is done whatever else is wrong with it by now, and whoever
    /// keeps it.
    #[oai(path = "/providers/:provider_id", method = "patch", operation_id = "patch_provider", tag = "Group::Providers")]
    async fn patch(
        &self,
        key: Key,
        /// The provider's id.
        provider_id: Path<String>,
        /// The version that is to be changed: the `ETag` of the provider as it was read. Needed.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        /// Whether to go past the set of files that keeps the provider.
        #[oai(default)]
        force: Query<bool>,
        body: Patch<ProviderDraft>,
    ) -> Result<Patched, Refused<Changing>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let expected = precondition::version(if_match.as_deref())?;
        let present = gateway.shown_provider(witness, &provider_id).await.map_err(Problem::from)?;
        must_be_ours(&present)?;
        let expected = precondition::held(expected, present.version)?;
        let edit = Edit { expected: Some(expected), editor: editor(None, force.0)? };
        if let Some(disabled) = body.only_flag("disabled") {
            return match gateway.disable_provider(witness, actor, &provider_id, disabled, edit).await {
                Ok(shown) => {
                    let tag = tag(shown.version);
                    Ok(Patched::Changed(Json(shown.into()), tag))
                }
                Err(fault) => Err(self.as_it_is_now(&key.0, &provider_id, fault).await.into()),
            };
        }
        let mut draft = body.of(ProviderDraft::base_of(&present))?;
        // The merge found no secret to take away: what is there is not shown.
        for name in present.secrets.iter().filter(|name| body.takes_away("settings", name)) {
            draft.take_away(name);
        }
        match gateway.put_provider(witness, actor, &provider_id, draft.into(), edit).await {
            Ok(shown) => {
                let tag = tag(shown.version);
                Ok(Patched::Changed(Json(shown.into()), tag))
            }
            Err(fault) => Err(self.as_it_is_now(&key.0, &provider_id, fault).await.into()),
        }
    }

    /// Delete a provider
    ///
    /// Nobody comes in by it any more, and what was given to those who did stops working. Their accounts stay, with the other ways into them.
    #[oai(path = "/providers/:provider_id", method = "delete", operation_id = "delete_provider", tag = "Group::Providers")]
    async fn delete(
        &self,
        key: Key,
        /// The provider's id.
        provider_id: Path<String>,
        /// The version that is to be deleted: the `ETag` of the provider as it was read. Needed.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        /// The set of files in whose name it is deleted.
        managed_by: Query<Option<String>>,
        /// Whether to go past the set of files that keeps the provider.
        #[oai(default)]
        force: Query<bool>,
    ) -> Result<Gone, Refused<Deleting>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let edit = Edit { expected: precondition::version(if_match.as_deref())?, editor: editor(managed_by.0, force.0)? };
        match gateway.delete_provider(witness, actor, &provider_id, edit).await {
            Ok(()) => Ok(Gone::Gone),
            Err(fault) => Err(self.as_it_is_now(&key.0, &provider_id, fault).await.into()),
        }
    }

    /// Test a provider
    ///
    /// Looks at what the provider publishes, its metadata and its keys, now and whatever its health. If they can be used, `sign_in` has an address to
    /// open in a browser: a real sign-in at the provider, at the end of which stands what would come of it, and nobody is signed in here. With
    /// `settings` in the body, a provider of those settings is tested instead of the one that is there, with the secrets that are there where none
    /// are given; the id may be a new one.
    #[oai(path = "/providers/:provider_id/test", method = "post", operation_id = "test_provider", tag = "Group::Providers")]
    async fn test(
        &self,
        key: Key,
        /// The provider's id.
        provider_id: Path<String>,
        body: Body<ProviderTrial>,
    ) -> Result<Tested, Refused<Testing>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let tested = match body.0.settings {
            None => gateway.test_provider(witness, actor, &provider_id).await,
            Some(settings) => {
                must_be_an_id(&provider_id)?;
                gateway.test_draft(witness, actor, &provider_id, settings.0).await
            }
        };
        let tested = tested.map_err(within_settings)?;
        Ok(Tested::Done(Json(TestObject::from(tested))))
    }

    /// Read what came of a trial
    ///
    /// Of the sign-in that a test of the provider made ready, for ten minutes. It has the claims of whoever signed in, as they are.
    #[oai(path = "/providers/:provider_id/trials/:trial", method = "get", operation_id = "read_trial", tag = "Group::Providers")]
    async fn trial(
        &self,
        key: Key,
        /// The provider's id.
        provider_id: Path<String>,
        /// The trial's name.
        trial: Path<String>,
    ) -> Result<Trials, Refused<Trying>> {
        let outcome = self.gateway().trial(&key.0.witness, &provider_id, &trial).await.map_err(Problem::from)?;
        Ok(Trials::Trial(Json(outcome.into())))
    }
}

impl Providers {
    fn gateway(&self) -> &Gateway {
        &self.house.gateway
    }

    /// A precondition that failed, with the version that is there now.
    async fn as_it_is_now(&self, caller: &Caller, id: &str, fault: AdminFault) -> Problem {
        if fault != AdminFault::PreconditionFailed(None) {
            return within_settings(fault);
        }
        let now = self.gateway().shown_provider(&caller.witness, id).await.ok().map(|shown| shown.version);
        AdminFault::PreconditionFailed(now).into()
    }

    async fn is_there(&self, caller: &Caller, id: &str) -> Problem {
        match self.gateway().shown_provider(&caller.witness, id).await {
            Ok(shown) => there_already(shown.version),
            Err(fault) => fault.into(),
        }
    }
}

fn must_be_an_id(id: &str) -> Result<(), Problem> {
    let fault = |error: vestibule_domain::ids::NameError| FieldFault { pointer: "/id".to_owned(), message: error.to_string() };
    ProviderId::parse(id).map(drop).map_err(|error| Problem::invalid(vec![fault(error)]))
}

fn must_be_ours(present: &ShownProvider) -> Result<(), Problem> {
    match &present.managed_by {
        ManagedBy::File(file) => Err(AdminFault::ManagedElsewhere(file.clone()).into()),
        ManagedBy::Api => Ok(()),
    }
}

/// Whoever makes providers knows the settings and nothing of what they were sent in.
fn within_settings(fault: AdminFault) -> Problem {
    match fault {
        AdminFault::Invalid(faults) => Problem::invalid(faults.into_iter().map(objects::of_settings).collect()),
        fault => fault.into(),
    }
}
