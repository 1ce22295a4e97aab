//! Everything that can be said of an app, in the words of the admin API.

use std::sync::Arc;

use askama::Template;
use http::StatusCode;
use poem::Response;
use vestibule_domain::client::Client;
use vestibule_flows::{AdminFault, Desk};

use super::{
    super::{
        Frame, Section, faulty,
        form::Sent,
        named, onward,
        parts::{Field, Kept},
        said, show,
    },
    onward_with, place_of,
};
use crate::{admin, house::House, pages::visible, visit::Visit};

/// All of it, to be read and changed.
pub(super) async fn show_settings(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    match house.gateway.client(&named(&visit, "app")).await {
        Ok(client) => {
            let text = admin::registration_text(&client);
            let written = Written { text, version: client.version, ..Written::default() };
            respond(&house, &visit, &desk, StatusCode::OK, &client, written)
        }
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

/// Replaces all of it.
pub(super) async fn save(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let app = named(&visit, "app");
    let present = match house.gateway.client(&app).await {
        Ok(present) => present,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    let sent = Sent::of(&visit);
    let text = sent.text("settings");
    let edit = match sent.edit() {
        Ok(edit) => edit,
        Err(fault) => return faulty(&house, &visit, &desk, &fault),
    };
    // Still of the version that was seen, unless whoever wrote it is shown what came between.
    let (seen, is_forced) = (edit.expected.unwrap_or_default(), edit.editor.force);
    let again = |status, faults: Vec<String>, is_late| {
        let version = if is_late { present.version } else { seen };
        respond(&house, &visit, &desk, status, &present, Written { text: text.clone(), version, is_forced, faults, is_late })
    };
    let draft = match admin::read_registration(&app, &text) {
        Ok(draft) => draft,
        Err(faults) => return again(StatusCode::UNPROCESSABLE_ENTITY, faults, false),
    };
    match house.gateway.replace_client(&visit.witness, &desk.operator.actor, &app, &draft, edit).await {
        Ok((client, Some(secret))) => onward_with(&house, &visit, &desk, &client, &secret),
        Ok((_, None)) => onward(&house, &place_of(&app), Some("saved")),
        Err(AdminFault::Kept(_)) => again(StatusCode::CONFLICT, Vec::new(), false),
        Err(AdminFault::Invalid(faults)) => again(StatusCode::UNPROCESSABLE_ENTITY, faults.iter().map(said).collect(), false),
        Err(AdminFault::PreconditionFailed(_)) => again(StatusCode::CONFLICT, Vec::new(), true),
        Err(fault) => faulty(&house, &visit, &desk, &fault),
    }
}

#[derive(Default)]
struct Written {
    text: String,
    /// The version that it was made of.
    version: i64,
    /// Whether it is to be saved though files keep the app.
    is_forced: bool,
    faults: Vec<String>,
    /// Whether somebody else changed the app while this operator wrote.
    is_late: bool,
}

fn respond(house: &House, visit: &Visit, desk: &Desk, status: StatusCode, client: &Client, written: Written) -> Response {
    let frame = Frame::new(house, visit, desk, Section::Apps);
    let view = Page {
        f: &frame,
        name: visible(&client.name, 100),
        at: format!("{}{}", frame.base, place_of(client.id.as_str())),
        version: written.version,
        kept: client.managed_by.as_ref().map(|keeper| Kept::new(keeper, written.is_forced)),
        theirs: written.is_late.then(|| admin::registration_text(client)),
        field: Field::json("settings", "Settings", written.text).wrong(written.faults),
    };
    show(status, &frame, &view)
}

#[derive(Template)]
#[template(path = "console/app_settings.html")]
struct Page<'a> {
    f: &'a Frame,
    name: String,
    at: String,
    version: i64,
    kept: Option<Kept>,
    /// What somebody else made of it meanwhile.
    theirs: Option<String>,
    field: Field,
}
