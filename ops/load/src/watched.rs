//! What watching costs: the same gateway watched not at all, with audit events, in every way there is, and in between, under the same load in turns. One
//! that is not watched either stands beside the baseline: what differs between those two is chance.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{
    Load, Outcome,
    client::Connection,
    house::{House, Site},
    turns::{self, Named},
};

/// What is measured: what apps do all day, and a login; as tokens are signed where an app asks for nothing else, and with the signature that costs least.
const LINES: [&str; 7] = [
    "client_credentials RS256",
    "client_credentials ES256",
    "introspection",
    "refresh RS256",
    "refresh ES256",
    "login RS256",
    "login ES256",
];
/// How often Prometheus would ask. Much oftener than it does anywhere.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Prints the rows of [`LINES`]. The three that have metrics are asked for them all the time, in turns of the others too: what that takes is in what a
/// request of theirs takes of the processor, and in the speed of all.
pub(crate) async fn run(site: &Site, load: &Load) -> Outcome<()> {
    let collector = collector().await?;
    let metrics = format!("[metrics]\notlp_endpoint = \"{collector}\"\nby_client = true\n");
    let traces = |share: &str| format!("{metrics}[tracing]\notlp_endpoint = \"{collector}\"\nsample_ratio = {share}\n");
    let mut houses = Vec::new();
    for (name, audited, configuration) in [
        ("unwatched", false, String::new()),
        ("unwatched too", false, String::new()),
        ("audit", true, String::new()),
        ("audit, metrics", true, metrics.clone()),
        ("audit, metrics, one trace in ten", true, traces("0.1")),
        ("audit, metrics, every trace", true, traces("1.0")),
    ] {
        let mut house = House::prepare(site, &configuration).await?;
        if !audited {
            house.command(&["migrate"])?;
            house.database.forget_events().await?;
        }
        house.start().await?;
        let asking = (!configuration.is_empty()).then(|| tokio::spawn(ask(house.ops.clone())));
        houses.push((name, house, asking));
    }
    let gateways: Vec<_> = houses.iter().map(|(name, house, _)| Named(name, house)).collect();
    turns::run(&LINES, &gateways, &site.upstream, load).await?;
    for (_, house, asking) in houses {
        if let Some(asking) = asking {
            asking.abort();
        }
        house.leave().await?;
    }
    Ok(())
}

/// Somebody who takes spans and metrics, and throws them away.
async fn collector() -> Outcome<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(take)));
        }
    });
    Ok(address)
}

async fn take(request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    let _ = request.into_body().collect().await;
    Ok(Response::new(Empty::new()))
}

/// Asks for the metrics again and again.
async fn ask(ops: String) {
    let Ok(mut connection) = Connection::open(&ops).await else { return };
    while connection.get("/metrics", &[]).await.is_ok_and(|answer| answer.status == StatusCode::OK) {
        tokio::time::sleep(ASK_EVERY).await;
    }
}
