//! What the admin API does with the configuration: showing what holds, checking what is written, living by it.

mod objects;

use std::sync::Arc;

use poem_openapi::{ApiResponse, OpenApi, payload::Json};
use vestibule_domain::operator::Operator;

use self::objects::{CheckedObject, DifferenceObject, SettingList};
use super::{
    answers::refusals,
    key::{Caller, Key},
    operations::Group,
    problem::Problem,
    refused::Refused,
};
use crate::house::House;

pub(super) struct Configuration {
    pub(super) house: Arc<House>,
}

#[OpenApi]
impl Configuration {
    /// Show the configuration
    ///
    /// Every setting that is set, and where its value comes from; secrets are hidden. It is what holds: what was written since and not reloaded is not
    /// in it, and neither is what waits for a restart.
    #[oai(path = "/config", method = "get", operation_id = "show_config", tag = "Group::Configuration")]
    async fn show(&self, _key: Key) -> Result<Shown, Refused<Showing>> {
        Ok(Shown::All(Json(SettingList::new(self.house.gateway.configuration().await))))
    }

    /// Check the configuration
    ///
    /// Reads what is written now, as `vestibule config check` does, and says what is wrong with it or what a reload would change. Changes nothing.
    #[oai(path = "/config/check", method = "post", operation_id = "check_config", tag = "Group::Configuration")]
    async fn check(&self, key: Key) -> Result<Checked, Refused<Checking>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        Ok(Checked::Told(Json(CheckedObject::new(gateway.check_configuration(witness, actor).await))))
    }

    /// Reload the configuration
    ///
    /// What is written now holds from the next request on, on this node; what is under way ends by what it began with. All of it or nothing: if anything
    /// is wrong, nothing changes. Settings that only a restart changes are named and stay as they were. The same as a SIGHUP.
    #[oai(path = "/config/reload", method = "post", operation_id = "reload_config", tag = "Group::Configuration")]
    async fn reload(&self, key: Key) -> Result<Reloaded, Refused<Reloading>> {
        let Caller { gateway, operator: Operator { actor, .. }, witness } = &key.0;
        let change = gateway.reload_configuration(witness, actor).await.map_err(Problem::from)?;
        Ok(Reloaded::Changed(Json(DifferenceObject::new(change))))
    }
}

#[derive(ApiResponse)]
enum Shown {
    /// The settings.
    #[oai(status = 200)]
    All(Json<SettingList>),
}

#[derive(ApiResponse)]
enum Checked {
    /// What was found. That it is wrong is an answer too: look at `ok`.
    #[oai(status = 200)]
    Told(Json<CheckedObject>),
}

#[derive(ApiResponse)]
enum Reloaded {
    /// It holds. What changed, and what waits for a restart.
    #[oai(status = 200)]
    Changed(Json<DifferenceObject>),
}

refusals! {
    Showing: [];
    Checking: [];
    Reloading: [
        422 => "`invalid_configuration`: what is written can't be used; `errors` names every fault, and nothing was changed.",
    ];
}
