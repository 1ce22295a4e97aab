//! One kept-alive HTTP/1.1 connection.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Request, StatusCode,
    client::conn::http1::{self, SendRequest},
    header,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Outcome;

/// A connection, and the name it asks for.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Connection {
    pub(crate) async fn open(authority: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(authority).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, authority: authority.to_owned() })
    }

    pub(crate) async fn get(&mut self, path: &str, headers: &[(header::HeaderName, &str)]) -> Outcome<Answer> {
        self.send(Request::get(path), headers, Bytes::new()).await
    }

    pub(crate) async fn post(&mut self, path: &str, headers: &[(header::HeaderName, &str)], form: Bytes) -> Outcome<Answer> {
        self.send(Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded"), headers, form).await
    }

    pub(crate) async fn post_json(&mut self, path: &str, headers: &[(header::HeaderName, &str)], body: Bytes) -> Outcome<Answer> {
        self.send(Request::post(path).header(header::CONTENT_TYPE, "application/json"), headers, body).await
    }

    async fn send(
        &mut self,
        request: hyper::http::request::Builder,
        headers: &[(header::HeaderName, &str)],
        body: Bytes,
    ) -> Outcome<Answer> {
        let mut request = request.header(header::HOST, &self.authority);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        self.sender.ready().await?;
        let (head, body) = self.sender.send_request(request.body(Full::new(body))?).await?.into_parts();
        Ok(Answer { status: head.status, headers: head.headers, body: body.collect().await?.to_bytes() })
    }
}

impl Answer {
    pub(crate) fn expect(self, status: StatusCode) -> Outcome<Self> {
        if self.status == status {
            Ok(self)
        } else {
            Err(format!("{} instead of {status}: {}", self.status, String::from_utf8_lossy(&self.body)).into())
        }
    }

    pub(crate) fn json(&self, name: &str) -> Outcome<String> {
        let body: serde_json::Value = serde_json::from_slice(&self.body)?;
        Ok(body[name].as_str().ok_or_else(|| format!("no {name} in the answer"))?.to_owned())
    }

    pub(crate) fn location(&self) -> Outcome<url::Url> {
        let location = self.headers.get(header::LOCATION).ok_or("no Location in the answer")?;
        Ok(url::Url::parse(location.to_str()?)?)
    }

    /// The cookies it sets, as a browser sends them back.
    pub(crate) fn cookies(&self) -> String {
        let set = self.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        set.filter_map(|value| value.split(';').next()).collect::<Vec<_>>().join("; ")
    }
}
