//! What is done with an app: its secrets, and shutting it out for a while or for good.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use poem::Response;
use vestibule_flows::Desk;

use super::{
    super::{faulty, form::Sent, named, onward, refused, segment},
    onward_with,
};
use crate::{house::House, visit::Visit};

/// One more secret; the others go on working for as long as was chosen, so that the app changes over without an outage.
pub(super) async fn add_secret(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let others = match Sent::of(&visit).text("others").as_str() {
        "hour" => Some(Duration::from_hours(1)),
        "day" => Some(Duration::from_hours(24)),
        "week" => Some(Duration::from_hours(24 * 7)),
        _ => None,
    };
    match house.gateway.add_secret(&visit.witness, &desk.operator.actor, &named(&visit, "app"), None, others).await {
        Ok((client, secret)) => onward_with(&house, &visit, &desk, &client, &secret),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// A secret less, at once.
pub(super) async fn revoke_secret(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let (app, secret) = (named(&visit, "app"), Sent::of(&visit).text("secret"));
    match house.gateway.revoke_secret(&visit.witness, &desk.operator.actor, &app, &secret).await {
        Ok(_) => onward(&house, &format!("/app/{}", segment(&app)), Some("revoked")),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// Takes back everything the app was given, by everybody. It stays registered.
pub(super) async fn revoke_grants(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let app = named(&visit, "app");
    match house.gateway.revoke_grants_of_client(&visit.witness, &desk.operator.actor, &app).await {
        Ok(()) => onward(&house, &format!("/app/{}", segment(&app)), Some("revoked")),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// Shuts an app out, or lets it in again.
pub(super) async fn disable(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let app = named(&visit, "app");
    let sent = Sent::of(&visit);
    let disabled = sent.text("disabled") == "true";
    match house.gateway.disable_client(&visit.witness, &desk.operator.actor, &app, disabled, sent.version()).await {
        Ok(_) => onward(&house, &format!("/app/{}", segment(&app)), Some(if disabled { "disabled" } else { "enabled" })),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// Deletes an app, once its id was typed: what it was given stops working for good.
pub(super) async fn delete(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let app = named(&visit, "app");
    let sent = Sent::of(&visit);
    let deleted = async {
        // By its id: a name may have letters that nobody sees or types.
        if sent.text("name") != app {
            return Ok(false);
        }
        house.gateway.delete_client(&visit.witness, &desk.operator.actor, &app, sent.edit()?).await.map(|()| true)
    };
    match deleted.await {
        Ok(true) => onward(&house, "/apps", Some("deleted")),
        Ok(false) => {
            let text = "Type the client ID of the app exactly as it stands on its page. Nothing was deleted.";
            refused(&house, &visit, &desk, StatusCode::UNPROCESSABLE_ENTITY, "That is another ID", text)
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}
