//! The board again and again, as server-sent events (HTML Living Standard §9.2), to whoever keeps the page open.

use std::{sync::Arc, time::Duration};

use futures_util::stream::unfold;
use http::{HeaderValue, StatusCode, header};
use poem::{
    IntoResponse, Response,
    web::sse::{Event, SSE},
};
use tokio::{sync::OwnedSemaphorePermit, time::sleep};
use vestibule_domain::{audit::Witness, operator::AdminArea};
use vestibule_flows::Desk;

use super::{Asked, Board, not_asked};
use crate::{house::House, visit::Visit};

/// What is counted is counted in such steps.
const EVERY: Duration = Duration::from_secs(10);
/// How soon it is noticed that the house closes: it waits for whoever is inside.
const LOOKS_UP: Duration = Duration::from_secs(1);
/// How many boards a stream sends before it ends. The browser comes again by itself, and is received by whatever configuration holds then.
const BOARDS: u32 = 30;

/// One that is open.
struct Stream {
    house: Arc<House>,
    witness: Witness,
    cookie: Option<String>,
    asked: Asked,
    path: &'static str,
    sent: u32,
    _seat: OwnedSemaphorePermit,
}

pub(super) async fn events(house: Arc<House>, visit: Visit, desk: Desk) -> Response {
    let asked = match Asked::of(&visit) {
        Ok(asked) => asked,
        Err(text) => return not_asked(&house, &visit, &desk, &text),
    };
    let Ok(seat) = house.streams.clone().try_acquire_owned() else {
        return Response::builder()
            .status(StatusCode::SERVICE_UNAVAILABLE)
            .header(header::RETRY_AFTER, "60")
            .content_type("text/plain; charset=utf-8")
            .body("as many dashboards are open as may be at once\n");
    };
    let from_overview = visit.parameters().ok().and_then(|mut sent| sent.take("of")).as_deref() == Some("overview");
    let cookie = house.cookies.console(visit.headers());
    let path = if from_overview { "" } else { "/dashboards" };
    let stream = Stream { house, witness: visit.witness.clone(), cookie, asked, path, sent: 0, _seat: seat };
    let mut response = SSE::new(unfold(stream, Stream::next)).into_response();
    // Proxies that would keep it until it is full are told not to.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Stream {
    /// The next board; the end, when nobody may look any more, the house closes, or there were enough.
    async fn next(mut self) -> Option<(Event, Self)> {
        if self.sent >= BOARDS {
            return None;
        }
        if self.sent > 0 {
            let mut waited = Duration::ZERO;
            while waited < EVERY {
                sleep(LOOKS_UP).await;
                waited += LOOKS_UP;
                if self.house.is_draining() {
                    return None;
                }
            }
        }
        self.sent += 1;
        self.witness.now = self.house.gateway.clock().now();
        // A page that is left open is not somebody at work: it does not keep them signed in.
        let desk = self.house.gateway.desk_as_it_is(&self.witness, self.cookie.as_deref()).await.ok().flatten()?;
        if !desk.operator.sees(AdminArea::Stats) {
            return None;
        }
        let board = Board::of(&self.house, &self.witness, &desk.operator, self.asked.clone(), self.path).await;
        match board {
            Ok(board) => Some((Event::message(board.to_string()).event_type("board"), self)),
            Err(fault) => {
                tracing::warn!(?fault, "a dashboard that somebody looks at can't be renewed");
                None
            }
        }
    }
}
