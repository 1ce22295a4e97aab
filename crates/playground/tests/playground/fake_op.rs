//! As much of Vestibule as the demo app talks to, and able to misbehave. The app takes ID tokens from the token endpoint alone and doesn't
//! check signatures there, so these carry none worth the name.

use std::sync::{Arc, Mutex};

use poem::{
    Endpoint, Request, Response, Server,
    http::{StatusCode, header},
    listener::TcpAcceptor,
};
use serde_json::{Map, Value, json};
use url::Url;
use vestibule_crypto::SystemClock;
use vestibule_domain::ports::Clock;
use vestibule_protocol::jwt::{self, Header};

#[derive(Default)]
pub(crate) struct Mood {
    /// Sent instead of a code.
    pub(crate) error: Option<&'static str>,
    /// Instead of the issuer, in the authorization response; empty for none.
    pub(crate) iss: Option<&'static str>,
    /// Put over the ID token's claims.
    pub(crate) claims: Map<String, Value>,
    /// Instead of the person's, at userinfo.
    pub(crate) userinfo_sub: Option<&'static str>,
    pub(crate) is_revoked: bool,
    nonce: String,
    /// Requests with a body, as they came: path, `Authorization`, body.
    pub(crate) seen: Vec<(String, String, String)>,
}

#[derive(Clone)]
pub(crate) struct FakeOp {
    pub(crate) issuer: String,
    pub(crate) mood: Arc<Mutex<Mood>>,
}

impl FakeOp {
    pub(crate) fn open() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let op = Self { issuer: format!("http://{}", listener.local_addr().unwrap()), mood: Arc::default() };
        tokio::spawn(Server::new_with_acceptor(TcpAcceptor::from_std(listener).unwrap()).run(op.clone()));
        op
    }

    pub(crate) fn set(&self, change: impl FnOnce(&mut Mood)) {
        change(&mut self.mood.lock().unwrap());
    }

    fn discovery(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"), "userinfo_endpoint": at("/userinfo"),
            "introspection_endpoint": at("/introspect"), "revocation_endpoint": at("/revoke"), "end_session_endpoint": at("/logout"),
            "scopes_supported": ["openid", "profile", "email", "offline_access"], "authorization_response_iss_parameter_supported": true,
        })
    }

    fn authorize(&self, query: &Url) -> Response {
        let asked = |name: &str| query.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap_or_default();
        let mut mood = self.mood.lock().unwrap();
        mood.nonce = asked("nonce");
        let mut back = Url::parse(&asked("redirect_uri")).unwrap();
        match mood.error {
            Some(error) => back.query_pairs_mut().append_pair("error", error).append_pair("error_description", "because <b>"),
            None => back.query_pairs_mut().append_pair("code", "c0de"),
        };
        back.query_pairs_mut().append_pair("state", &asked("state"));
        let iss = mood.iss.unwrap_or(&self.issuer);
        if !iss.is_empty() {
            back.query_pairs_mut().append_pair("iss", iss);
        }
        see_other(&back)
    }

    fn tokens(&self, body: &str) -> Value {
        let mood = self.mood.lock().unwrap();
        let now = SystemClock.now().as_secs();
        let mut claims = json!({"iss": self.issuer, "sub": "s-1", "aud": "demo", "exp": now + 300, "iat": now, "name": "Alice <Archer>"});
        let claims = claims.as_object_mut().unwrap();
        let refreshed = body.contains("refresh_token");
        if !refreshed {
            claims.insert("nonce".into(), mood.nonce.clone().into());
        }
        claims.extend(mood.claims.clone());
        let header = Header { alg: "RS256".into(), typ: Some("JWT".into()), kid: Some("k".into()) };
        let id_token = jwt::assemble(jwt::signing_input(&header, &serde_json::to_vec(&claims).unwrap()), b"nothing");
        let generation = if refreshed { "2" } else { "1" };
        json!({"access_token": format!("at-{generation}"), "refresh_token": format!("rt-{generation}"), "id_token": id_token,
            "token_type": "Bearer", "expires_in": 300, "scope": "openid"})
    }
}

impl Endpoint for FakeOp {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let body = request.take_body().into_string().await.unwrap_or_default();
        let path = request.uri().path().to_owned();
        let authorization =
            request.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        if !body.is_empty() {
            self.set(|mood| mood.seen.push((path.clone(), authorization, body.clone())));
        }
        let query = Url::parse(&format!("{}{}", self.issuer, request.uri())).unwrap();
        let is_revoked = self.mood.lock().unwrap().is_revoked;
        Ok(match path.as_str() {
            "/.well-known/openid-configuration" => answer(&self.discovery()),
            "/authorize" => self.authorize(&query),
            "/token" => answer(&self.tokens(&body)),
            "/userinfo" if is_revoked => StatusCode::UNAUTHORIZED.into(),
            "/userinfo" => answer(&json!({"sub": self.mood.lock().unwrap().userinfo_sub.unwrap_or("s-1"), "email": "alice@example.com"})),
            "/introspect" => answer(&json!({"active": !is_revoked})),
            "/revoke" => {
                self.set(|mood| mood.is_revoked = true);
                StatusCode::OK.into()
            }
            "/logout" => {
                let asked = |name: &str| query.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
                assert!(jwt::parse(&asked("id_token_hint")).is_ok());
                let mut back = Url::parse(&asked("post_logout_redirect_uri")).unwrap();
                back.query_pairs_mut().append_pair("state", &asked("state"));
                see_other(&back)
            }
            _ => StatusCode::NOT_FOUND.into(),
        })
    }
}

fn answer(value: &Value) -> Response {
    Response::builder().content_type("application/json").body(value.to_string())
}

fn see_other(url: &Url) -> Response {
    Response::builder().status(StatusCode::SEE_OTHER).header(header::LOCATION, url.as_str()).finish()
}
