//! A server that says what it was told to say, and remembers what it was asked.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::{net::TcpListener, task::JoinHandle};
use url::form_urlencoded;

/// One recorded answer, as `tests/fixtures` keeps it. `{base}` stands for the address of the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recorded {
    #[expect(dead_code, reason = "for whoever reads the file")]
    about: String,
    /// Method, path, and the query where it matters.
    on: String,
    status: u16,
    headers: Map<String, Value>,
    #[serde(default)]
    body: Option<Value>,
    #[serde(default)]
    text: Option<String>,
}

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Method and path.
    pub(crate) on: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: http::HeaderMap,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        value(&self.form, name)
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        value(&self.query, name)
    }
}

pub(crate) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    found.next().inspect(|_| assert_eq!(found.next(), None, "{name} is there twice"))
}

pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

pub(crate) struct Upstream {
    provider: &'static str,
    desk: Arc<Desk>,
    accepting: JoinHandle<()>,
}

struct Desk {
    address: SocketAddr,
    answers: Mutex<Vec<Recorded>>,
    asked: Mutex<Vec<Asked>>,
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Upstream {
    pub(crate) async fn start(provider: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Arc::new(Desk { address, answers: Mutex::default(), asked: Mutex::default() });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&desk)));
        Self { provider, desk, accepting }
    }

    pub(crate) fn address(&self) -> String {
        self.desk.address.to_string()
    }

    pub(crate) fn base(&self) -> String {
        format!("http://{}", self.desk.address)
    }

    /// From now on it gives these recorded answers; each takes the place of what it said there before.
    pub(crate) fn says(&self, names: &[&str]) {
        for name in names {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(self.provider).join(format!("{name}.json"));
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            self.answers(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
    }

    /// From now on it gives this answer.
    pub(crate) fn answers(&self, answer: Recorded) {
        let mut answers = self.desk.answers.lock().unwrap();
        answers.retain(|old| old.on != answer.on);
        answers.push(answer);
    }

    /// From now on it gives this JSON, or text that is not.
    pub(crate) fn responds(&self, on: &str, status: u16, content_type: &str, text: impl Into<String>) {
        let headers = Map::from_iter([("content-type".to_owned(), Value::from(content_type))]);
        self.answers(Recorded { about: String::new(), on: on.to_owned(), status, headers, body: None, text: Some(text.into()) });
    }

    /// Everything it was asked there, since it started.
    pub(crate) fn asked(&self, on: &str) -> Vec<Asked> {
        self.desk.asked.lock().unwrap().iter().filter(|asked| asked.on == on).cloned().collect()
    }

    /// The last thing it was asked there.
    pub(crate) fn last(&self, on: &str) -> Asked {
        self.asked(on).pop().unwrap_or_else(|| panic!("nobody asked {on}"))
    }

    pub(crate) fn times_asked(&self) -> usize {
        self.desk.asked.lock().unwrap().len()
    }
}

async fn accept(listener: TcpListener, desk: Arc<Desk>) {
    while let Ok((socket, _)) = listener.accept().await {
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let desk = Arc::clone(&desk);
                async move { Ok::<_, Infallible>(desk.answer(request).await) }
            });
            drop(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await);
        });
    }
}

impl Desk {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        let on = format!("{} {}", parts.method, parts.uri.path());
        let query = parts.uri.query().unwrap_or_default();
        let whole = format!("{on}?{query}");
        let asked = Asked { on: on.clone(), query: pairs(query), headers: parts.headers, form: pairs(&body), body };
        self.asked.lock().unwrap().push(asked);
        let answers = self.answers.lock().unwrap();
        let known = |on: &str| answers.iter().find(|answer| answer.on == on).cloned();
        let Some(answer) = known(&whole).or_else(|| known(&on)) else {
            return Response::builder().status(404).body(Full::default()).unwrap();
        };
        self.reply(&answer)
    }

    fn reply(&self, answer: &Recorded) -> Response<Full<Bytes>> {
        let filled = |text: &str| text.replace("{base}", &format!("http://{}", self.address));
        let mut response = Response::builder().status(answer.status);
        for (name, value) in &answer.headers {
            response = response.header(name, filled(value.as_str().unwrap()));
        }
        let text = answer.text.clone().unwrap_or_else(|| answer.body.as_ref().map(Value::to_string).unwrap_or_default());
        response.body(Full::from(filled(&text))).unwrap()
    }
}
