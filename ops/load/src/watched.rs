//! What watching costs: the same gateway twice, one of them watched in every way there is, under the same load in turns.

use std::{convert::Infallible, path::Path, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::{
    Load, Outcome,
    client::Connection,
    house::House,
    turns::{self, Two},
    upstream::Upstream,
};

/// What is measured: what apps do all day, and a login.
const LINES: [&str; 4] = ["client_credentials ES256", "introspection", "refresh ES256", "login ES256"];
/// How often Prometheus would ask. Much oftener than it does anywhere.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Prints a line for each of [`LINES`].
pub(crate) async fn run(binary: &Path, upstream: &Upstream, load: &Load, sample_ratio: f64) -> Outcome<()> {
    let collector = collector().await?;
    let watching = format!(
        "[tracing]\notlp_endpoint = \"{collector}\"\nsample_ratio = {sample_ratio:?}\n[metrics]\notlp_endpoint = \"{collector}\"\nby_client = true\n"
    );
    let mut plain = House::prepare(binary, upstream, "")?;
    let mut watched = House::prepare(binary, upstream, &watching)?;
    plain.start().await?;
    watched.start().await?;
    let asking = tokio::spawn(ask(watched.ops.clone()));
    turns::run(&LINES, Two { names: ["unwatched", "watched"], houses: [&plain, &watched] }, upstream, load).await?;
    asking.abort();
    plain.stop().await?;
    watched.stop().await
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
