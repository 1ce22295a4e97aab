//! Where a browser comes back to from a trial: a listener on this machine alone, for one sign-in.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use vestibule_protocol::parameters::Parameters;

use crate::dev::local;

/// No browser sends more before its body.
const LONGEST_HEAD: usize = 32 * 1024;
/// No provider posts more.
const LONGEST_BODY: usize = 64 * 1024;
/// How long one request may take; browsers open connections ahead that they never use.
const PATIENCE: Duration = Duration::from_secs(20);

/// The listener.
#[derive(Debug)]
pub(super) struct Callback {
    listener: TcpListener,
    expected: Arc<Expected>,
}

/// What a request must look like to be the one that is waited for.
#[derive(Debug)]
struct Expected {
    host: String,
    path: String,
    state: String,
}

impl Callback {
    /// Listens; port 0 is any that is free. `state` is what the sign-in will come back with.
    pub(super) async fn bind(port: u16, path: String, state: String) -> io::Result<Self> {
        let listener = TcpListener::bind(local(port)).await?;
        let host = listener.local_addr()?.to_string();
        Ok(Self { listener, expected: Arc::new(Expected { host, path, state }) })
    }

    /// Where people are to be sent back to.
    pub(super) fn address(&self) -> String {
        format!("http://{}{}", self.expected.host, self.expected.path)
    }

    /// Waits for the person to come back. Whatever else knocks is answered and forgotten.
    pub(super) async fn wait(&self) -> io::Result<Parameters> {
        let (tell, mut told) = mpsc::channel(1);
        loop {
            tokio::select! {
                Some(parameters) = told.recv() => return Ok(parameters),
                accepted = self.listener.accept() => {
                    let (stream, _) = accepted?;
                    let (expected, tell) = (self.expected.clone(), tell.clone());
                    tokio::spawn(async move {
                        if let Ok(Some(parameters)) = timeout(PATIENCE, answer(stream, &expected)).await {
                            let _ = tell.send(parameters).await;
                        }
                    });
                }
            }
        }
    }
}

/// Answers one request; what it brought, if it is the one.
async fn answer(mut stream: TcpStream, expected: &Expected) -> Option<Parameters> {
    let (head, body) = read(&mut stream).await?;
    let brought = expected.brought(&head, &body);
    let (status, title, text) = match &brought {
        Ok(_) => ("200 OK", "Back in the terminal", "You can close this window. What came of the sign-in is said in the terminal."),
        Err(why) => ("400 Bad Request", "Not the sign-in that is waited for", *why),
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n<p>{text}</p>\n</html>\n"
    );
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\nCache-Control: no-store\r\n\
         Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n\
         X-Content-Type-Options: nosniff\r\n\r\n{page}",
        page.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
    brought.ok()
}

/// Head and body of a request; nothing if it breaks off or is too long.
async fn read(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        let length = stream.read(&mut chunk).await.ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&chunk[..length]);
        if bytes.len() > LONGEST_HEAD {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
    let length = header(&head, "content-length").map_or(Some(0), |text| text.parse().ok()).filter(|length| *length <= LONGEST_BODY)?;
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        let read = stream.read(&mut chunk).await.ok().filter(|length| *length > 0)?;
        body.extend_from_slice(&chunk[..read]);
    }
    body.truncate(length);
    Some((head, body))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

impl Expected {
    fn brought(&self, head: &str, body: &[u8]) -> Result<Parameters, &'static str> {
        let mut line = head.lines().next().unwrap_or_default().split(' ');
        let (method, target) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
        // A page elsewhere whose name leads here too must not speak for the person (attack 44).
        if header(head, "host") != Some(&self.host) {
            return Err("It was called by another name.");
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if path != self.path {
            return Err("There is nothing at this address.");
        }
        let form = match method {
            "GET" => query.as_bytes(),
            "POST" => body,
            _ => return Err("It is neither GET nor POST."),
        };
        let parameters = Parameters::parse(form).map_err(|_| "Its parameters can't be read.")?;
        if parameters.get("state") != Some(&self.state) || !parameters.repeated(&["state"]).is_empty() {
            return Err("It belongs to another sign-in. Open the link from the terminal once more.");
        }
        Ok(parameters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> Expected {
        Expected { host: "127.0.0.1:7".into(), path: "/callback/acme".into(), state: "s".into() }
    }

    fn brought(line: &str, host: &str, body: &str) -> Result<Option<String>, &'static str> {
        let head = format!("{line} HTTP/1.1\r\nHost: {host}");
        expected().brought(&head, body.as_bytes()).map(|mut parameters| parameters.take("code"))
    }

    #[test]
    fn a_sign_in_comes_back_by_get_or_post() {
        assert_eq!(brought("GET /callback/acme?state=s&code=c", "127.0.0.1:7", ""), Ok(Some("c".into())));
        assert_eq!(brought("POST /callback/acme", "127.0.0.1:7", "code=c&state=s"), Ok(Some("c".into())));
    }

    #[test]
    fn attack_01_and_44_what_belongs_to_another_sign_in_or_name_is_not_taken() {
        for (line, host, body) in [
            ("GET /callback/acme?state=t&code=c", "127.0.0.1:7", ""),
            ("GET /callback/acme?state=s&state=s&code=c", "127.0.0.1:7", ""),
            ("GET /callback/acme?code=c", "127.0.0.1:7", ""),
            ("GET /callback/other?state=s&code=c", "127.0.0.1:7", ""),
            ("GET /callback/acme?state=s&code=c", "evil.example:7", ""),
            ("POST /callback/acme?state=s&code=c", "127.0.0.1:7", ""),
            ("PUT /callback/acme?state=s&code=c", "127.0.0.1:7", "state=s"),
        ] {
            assert!(brought(line, host, body).is_err(), "{line} {host} {body}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_says_nothing_holds_nobody_up() {
        let callback = Callback::bind(0, "/callback/acme".into(), "s".into()).await.unwrap();
        let host = callback.expected.host.clone();
        let _silent = TcpStream::connect(&host).await.unwrap();
        let browser = async {
            let mut stream = TcpStream::connect(&host).await.unwrap();
            let request = format!("GET /callback/acme?state=s&code=c HTTP/1.1\r\nHost: {host}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let (parameters, answer) = tokio::join!(callback.wait(), browser);
        assert_eq!(parameters.unwrap().take("code").as_deref(), Some("c"));
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("Back in the terminal"), "{answer}");
    }
}
