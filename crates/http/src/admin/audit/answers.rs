//! How each operation about the audit log answers, and how it may refuse.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{StatusCode, header};
use poem::{Body, IntoResponse, Response};
use poem_openapi::{
    ApiResponse,
    payload::{Binary, Json, Payload},
    registry::{MetaHeader, MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::{Example, ToJSON, Type},
};
use vestibule_domain::{audit::form::Form, time::Timestamp};
use vestibule_flows::Export;

use super::objects::{ChainObject, EventObject, EventPage};
use crate::{admin::answers::refusals, house::House};

#[derive(ApiResponse)]
pub(super) enum Listed {
    /// The events.
    #[oai(status = 200)]
    Page(
        Json<EventPage>,
        /// `<…>; rel="next"`: where the list goes on. Absent when all was looked at.
        #[oai(header = "Link")]
        Option<String>,
    ),
}

#[derive(ApiResponse)]
pub(super) enum Found {
    /// The event.
    #[oai(status = 200)]
    Event(Json<Box<EventObject>>),
}

#[derive(ApiResponse)]
pub(super) enum Standing {
    /// How far it has come.
    #[oai(status = 200)]
    Chain(Json<ChainObject>),
}

const JSONL: &str = "application/jsonl";
const CSV: &str = "text/csv";

/// A copy on its way out.
pub(super) struct Copied {
    pub(super) house: Arc<House>,
    pub(super) export: Export,
    /// When it was asked for.
    pub(super) at: Timestamp,
}

impl IntoResponse for Copied {
    fn into_response(self) -> Response {
        download(self.house, self.export, self.at)
    }
}

impl ApiResponse for Copied {
    fn meta() -> MetaResponses {
        let content = [JSONL, CSV].map(|content_type| MetaMediaType { content_type, schema: Binary::<Body>::schema_ref() });
        let disposition = MetaHeader {
            name: "CONTENT-DISPOSITION".to_owned(),
            description: Some("A name for the file.".to_owned()),
            required: true,
            deprecated: false,
            schema: String::schema_ref(),
        };
        let response = MetaResponse {
            description: "The events, one a line.",
            status: Some(200),
            status_range: None,
            content: content.into(),
            headers: vec![disposition],
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(_: &mut Registry) {}
}

/// What a copy looks like, by its media type.
pub(crate) fn examples() -> [(&'static str, String); 2] {
    let line = EventObject::example().to_json().unwrap_or_default();
    [(JSONL, format!("{line}\n")), (CSV, Form::Csv.head())]
}

/// A copy as a file, sent while it is read. A house that closes waits for its last row and not for the rest.
pub(crate) fn download(house: Arc<House>, export: Export, at: Timestamp) -> Response {
    let form = export.form();
    let pieces = stream::unfold((house, export), async |(house, mut export)| {
        let piece = export.next(house.is_draining()).await?;
        Some((Ok::<_, std::io::Error>(Bytes::from(piece)), (house, export)))
    });
    let day = at.to_string();
    let name = format!("attachment; filename=\"audit-{}.{}\"", day.get(..10).unwrap_or_default(), form.ending());
    Response::builder()
        .status(StatusCode::OK)
        .content_type(form.media_type())
        .header(header::CONTENT_DISPOSITION, name)
        .body(Body::from_bytes_stream(pieces))
}

refusals! {
    Listing: [
        400 => "`invalid_parameter`: `limit`, `after` or what the list is to be narrowed to can't be used.",
    ];
    Finding: [
        404 => "`not_found`: there is no such event, or it is kept no more.",
    ];
    Copying: [
        400 => "`invalid_parameter`: `format`, `max_events`, `after` or what is to be copied can't be used.",
    ];
    Reading: [
        404 => "`not_found`: the chain has not begun; it does a few seconds after the first start.",
    ];
}
