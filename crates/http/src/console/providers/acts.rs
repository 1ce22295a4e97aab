//! What is done with a provider: tried, shut for a while, deleted.

use std::sync::Arc;

use http::StatusCode;
use poem::Response;
use vestibule_domain::health::Checked;
use vestibule_flows::Desk;

use super::{
    super::{faulty, form::Sent, named, onward, onward_to_show, refused},
    Tested, place_of,
};
use crate::{house::House, pages::visible, visit::Visit};

/// Looks at what it publishes, and makes ready for a sign-in on trial. Changes nothing.
pub(super) async fn test(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let id = named(&visit, "provider");
    let tested = match house.gateway.test_provider(&visit.witness, &desk.operator.actor, &id).await {
        Ok(tested) => tested,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let (failed, checked) = match tested.checked {
        Ok(checked) => (None, checked),
        Err(error) => (Some(visible(&error.to_string(), 500)), Checked::default()),
    };
    let shown = Tested {
        failed,
        facts: checked.facts.into_iter().map(|(name, fact)| (name.to_owned(), visible(&fact, 300))).collect(),
        warnings: checked.warnings.iter().map(|warning| visible(warning, 300)).collect(),
        is_cut: false,
        trial: tested.trial.map(|trial| trial.url),
    };
    onward_to_show(&house, &visit, &desk, &place_of(&id), &shown.carried())
}

/// Nobody comes through it, or they may again.
pub(super) async fn disable(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let id = named(&visit, "provider");
    let sent = Sent::of(&visit);
    let disabled = sent.text("disabled") == "true";
    match house.gateway.disable_provider(&visit.witness, &desk.operator.actor, &id, disabled, sent.version()).await {
        Ok(_) => onward(&house, &place_of(&id), Some(if disabled { "disabled" } else { "enabled" })),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// Deletes it, once its name was typed.
pub(super) async fn delete(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let id = named(&visit, "provider");
    let sent = Sent::of(&visit);
    if sent.text("name") != id {
        let text = "Type the id of the provider exactly as it stands on its page. Nothing was deleted.";
        return refused(&house, &visit, &desk, StatusCode::UNPROCESSABLE_ENTITY, "That is another name", text);
    }
    let deleted = async { house.gateway.delete_provider(&visit.witness, &desk.operator.actor, &id, sent.edit()?).await };
    match deleted.await {
        Ok(()) => onward(&house, "/providers", Some("deleted")),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}
