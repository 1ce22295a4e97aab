//! What is measured.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use bytes::Bytes;
use hyper::{StatusCode, header};

use crate::{
    Outcome,
    client::Connection,
    house::{App, CALLBACK, Clients, House},
    measure::{Row, measure, stay_awake},
    upstream::Upstream,
};

/// Every line, the baseline first.
pub(crate) const NAMES: &[&str] = &[
    "livez",
    "discovery",
    "jwks",
    "client_credentials RS256",
    "client_credentials ES256",
    "introspection",
    "userinfo",
    "refresh RS256",
    "refresh ES256",
    "login RS256",
    "login ES256",
];

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

static PEOPLE: AtomicU64 = AtomicU64::new(0);

/// One worker's things.
struct Worker {
    connection: Connection,
    app: App,
    upstream: String,
    token: String,
}

pub(crate) async fn run(
    name: &str,
    house: &House,
    clients: &Clients,
    upstream: &Upstream,
    connections: usize,
    span: Duration,
) -> Outcome<Row> {
    let app = if name.ends_with("RS256") { &clients.rs256 } else { &clients.es256 };
    let worker = async |_| {
        let connection = Connection::open(&house.authority).await?;
        Ok(Worker { connection, app: app.clone(), upstream: upstream.issuer.clone(), token: String::new() })
    };
    let signed_in = async |_| {
        let connection = Connection::open(&house.authority).await?;
        let mut worker = Worker { connection, app: app.clone(), upstream: upstream.issuer.clone(), token: String::new() };
        worker.token = sign_in(&mut worker).await?.json(if name.starts_with("refresh") { "refresh_token" } else { "access_token" })?;
        Ok(worker)
    };
    let awake = house.is_apart().then(|| tokio::spawn(stay_awake()));
    let row = match name.split(' ').next().unwrap_or_default() {
        "livez" => measure(connections, span, worker, async |w: &mut Worker| get(w, "/livez").await).await,
        "discovery" => measure(connections, span, worker, async |w: &mut Worker| get(w, "/.well-known/openid-configuration").await).await,
        "jwks" => measure(connections, span, worker, async |w: &mut Worker| get(w, "/jwks").await).await,
        "client_credentials" => measure(connections, span, worker, client_credentials).await,
        "introspection" => measure(connections, span, signed_in, introspect).await,
        "userinfo" => measure(connections, span, signed_in, userinfo).await,
        "refresh" => measure(connections, span, signed_in, refresh).await,
        _ => measure(connections, span, worker, async |w: &mut Worker| sign_in(w).await.map(drop)).await,
    };
    if let Some(awake) = awake {
        awake.abort();
    }
    row
}

async fn get(worker: &mut Worker, path: &str) -> Outcome<()> {
    worker.connection.get(path, &[]).await?.expect(StatusCode::OK).map(drop)
}

async fn client_credentials(worker: &mut Worker) -> Outcome<()> {
    let form = Bytes::from_static(b"grant_type=client_credentials&scope=api");
    post(worker, "/token", form).await?.expect(StatusCode::OK).map(drop)
}

async fn introspect(worker: &mut Worker) -> Outcome<()> {
    let form = Bytes::from(format!("token={}", worker.token));
    let answer = post(worker, "/introspect", form).await?.expect(StatusCode::OK)?;
    if answer.body.starts_with(b"{\"active\":true") { Ok(()) } else { Err("the token is not active".into()) }
}

async fn userinfo(worker: &mut Worker) -> Outcome<()> {
    let bearer = format!("Bearer {}", worker.token);
    worker.connection.get("/userinfo", &[(header::AUTHORIZATION, &bearer)]).await?.expect(StatusCode::OK).map(drop)
}

async fn refresh(worker: &mut Worker) -> Outcome<()> {
    let form = Bytes::from(format!("grant_type=refresh_token&refresh_token={}", worker.token));
    worker.token = post(worker, "/token", form).await?.expect(StatusCode::OK)?.json("refresh_token")?;
    Ok(())
}

async fn post(worker: &mut Worker, path: &str, form: Bytes) -> Outcome<crate::client::Answer> {
    let basic = worker.app.basic.clone();
    worker.connection.post(path, &[(header::AUTHORIZATION, &basic)], form).await
}

/// A whole login of somebody new: the browser's requests and the app's.
async fn sign_in(worker: &mut Worker) -> Outcome<crate::client::Answer> {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", worker.app.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid profile email"),
            ("state", "0123456789abcdef"),
            ("nonce", "fedcba9876543210"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    let away = worker.connection.get(&format!("/authorize?{query}"), &[]).await?.expect(StatusCode::SEE_OTHER)?;
    let cookies = away.cookies();
    let upstream = away.location()?;
    let sent = |name: &str| upstream.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default();
    let person = PEOPLE.fetch_add(1, Ordering::Relaxed);
    let back = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("code", format!("person-{person}.{}", sent("nonce"))), ("state", sent("state")), ("iss", worker.upstream.clone())])
        .finish();
    let landed =
        worker.connection.get(&format!("/callback/load?{back}"), &[(header::COOKIE, &cookies)]).await?.expect(StatusCode::SEE_OTHER)?;
    let code = landed.location()?.query_pairs().find(|(key, _)| key == "code").map(|(_, value)| value.into_owned());
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "authorization_code"),
            ("code", &code.ok_or("no code came back")?),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ])
        .finish();
    post(worker, "/token", Bytes::from(form)).await?.expect(StatusCode::OK)
}
