//! What is done with a provider: tried, shut for a while, deleted.

use std::sync::Arc;

use http::StatusCode;
use poem::Response;
use vestibule_flows::Desk;

use super::{
    super::{faulty, form::Sent, named, onward, refused, segment},
    Tested, page,
};
use crate::{house::House, pages::visible, visit::Visit};

/// Looks at what it publishes, and makes ready for a sign-in on trial. Changes nothing.
pub(super) async fn test(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let id = named(&visit, "provider");
    let tried = async {
        let tested = house.gateway.test_provider(&visit.witness, &desk.operator.actor, &id).await?;
        Ok((tested, house.gateway.shown_provider(&visit.witness, &id).await?))
    };
    match tried.await {
        Ok((tested, provider)) => {
            let trial = tested.trial.map(|trial| trial.url);
            let shown = match tested.checked {
                Ok(checked) => {
                    let facts = checked.facts.into_iter().map(|(name, fact)| (name, visible(&fact, 300))).collect();
                    let warnings = checked.warnings.iter().map(|warning| visible(warning, 300)).collect();
                    Tested { failed: None, facts, warnings, trial }
                }
                Err(error) => Tested { failed: Some(visible(&error.to_string(), 500)), facts: Vec::new(), warnings: Vec::new(), trial },
            };
            page(&house, &visit, &desk, &provider, Some(shown))
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// Nobody comes through it, or they may again.
pub(super) async fn disable(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let id = named(&visit, "provider");
    let sent = Sent::of(&visit);
    let disabled = sent.text("disabled") == "true";
    match house.gateway.disable_provider(&visit.witness, &desk.operator.actor, &id, disabled, sent.version()).await {
        Ok(_) => onward(&house, &format!("/provider/{}", segment(&id)), Some(if disabled { "disabled" } else { "enabled" })),
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
