//! A gateway's admin API, asked from a command line.
//!
//! The guarded client asks, allowed to reach the one address that the operator named, wherever it is: a gateway may answer on loopback or within their
//! network. What an admin key opens is worth as much as the gateway, so it goes over TLS, or to this very machine.

pub(crate) mod ask;
mod fields;
mod problem;
mod secrets;
mod show;

use std::{
    collections::BTreeSet,
    io::{IsTerminal, Write},
    path::Path,
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Request, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::OnceCell;
use url::{Host, Url};
use vestibule_providers::egress::{AllowedAddress, Egress, EgressError, EgressSetupError};

pub(crate) use self::{
    ask::Ask,
    fields::{assigned, strangers},
    problem::Problem,
    secrets::{Destination, Secrets},
    show::{details, difference, listed, rehearsed},
};
use crate::{
    cli::{Act, At},
    config::meant,
    failure::Failure,
    print, wire,
};

const BASE: &str = "/api/v1";
/// As many as the API gives at once.
const PAGE: &str = "200";
/// How often one question waits for its turn, and for how long.
const MOST_WAITS: u32 = 5;
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// How many pages are looked through for the id that may have been meant.
const MOST_PAGES_FOR_A_SLIP: usize = 3;
/// Nobody has typed a longer key.
const LONGEST_KEY: usize = 4096;

/// The admin API of a gateway.
pub(crate) struct Remote {
    egress: Egress,
    base: Url,
    key: SecretString,
    /// What the gateway says of its API, once it was asked.
    document: OnceCell<Value>,
}

/// What it answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// `null` where there was nothing to say.
    pub(crate) body: Value,
    /// The version of what was read.
    pub(crate) etag: Option<String>,
    next: Option<String>,
}

impl Remote {
    /// The gateway that the command line names.
    pub(crate) fn new(at: &At) -> Result<Self, Failure> {
        let base = base(&at.url)?;
        let host = base.host_str().unwrap_or_default();
        let port = base.port_or_known_default().unwrap_or_default();
        let allowed: AllowedAddress = format!("{host}:{port}").parse().map_err(|_| unusable(&at.url))?;
        let roots = at.ca_file.as_deref().map(|path| read(path, "the certificate authorities")).transpose()?;
        let egress = wire::egress_to(allowed, roots.into_iter().collect()).map_err(|error| match (error, &at.ca_file) {
            (EgressSetupError::Root(_), Some(path)) => Failure::Plain(format!("{} is no PEM file of certificates", path.display())),
            (error, _) => Failure::Plain(error.to_string()),
        })?;
        Ok(Self { egress, base, key: key(&at.key_file)?, document: OnceCell::new() })
    }

    /// Asks; and again after a while, if the gateway had too many questions with this key to look at this one.
    pub(crate) async fn call(&self, ask: Ask<'_>) -> Result<Answer, Failure> {
        for _ in 0..MOST_WAITS {
            let answer = self.ask(ask.clone()).await;
            let wait = match &answer {
                Err(Failure::Problem(problem)) => problem.wait().filter(|wait| *wait <= LONGEST_WAIT),
                _ => None,
            };
            let Some(wait) = wait else { return answer };
            tokio::time::sleep(wait).await;
        }
        self.ask(ask).await
    }

    async fn ask(&self, ask: Ask<'_>) -> Result<Answer, Failure> {
        let mut url = self.base.clone();
        ask.address(&mut url);
        let (method, body, mut headers) = ask.into_parts();
        let bearer = HeaderValue::try_from(format!("Bearer {}", self.key.expose_secret()));
        let mut bearer = bearer.map_err(|_| Failure::Plain("the admin key has characters that no key has".into()))?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url.as_str().parse().map_err(|_| unusable(&url))?;
        *request.headers_mut() = headers;
        let answer = self.egress.send(request).await.map_err(|error| self.unreached(error))?;
        let (parts, body) = answer.into_parts();
        let body: Option<Value> = if body.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&body).ok() };
        match body {
            Some(body) if parts.status.is_success() => {
                Ok(Answer { body, etag: text(&parts.headers, header::ETAG.as_str()), next: next(&parts.headers) })
            }
            Some(Value::Object(document)) if document.contains_key("code") => {
                Err(Problem::read(parts.status, &document, text(&parts.headers, header::RETRY_AFTER.as_str()).as_deref()).into())
            }
            _ => Err(Failure::Plain(format!(
                "{} does not answer as the admin API of a gateway does (status {}); give --url the gateway's own address",
                self.shown(),
                parts.status.as_u16()
            ))),
        }
    }

    /// Does it, or only lets the gateway say what it would change: then that is shown, and nothing comes back.
    pub(crate) async fn act(&self, ask: Ask<'_>, act: &Act) -> Result<Option<Answer>, Failure> {
        if !act.dry_run {
            return self.call(ask).await.map(Some);
        }
        self.can_rehearse().await?;
        let would = self.call(ask.query("dry_run", Some("true"))).await?.body;
        if act.at.json {
            print::json(&would)?;
        } else {
            print::text(&rehearsed(&would))?;
        }
        Ok(None)
    }

    /// Refuses where the gateway can't try a change without making it: one that does not know the word would do it.
    pub(crate) async fn can_rehearse(&self) -> Result<(), Failure> {
        if self.document().await?.pointer("/components/schemas/DryRun").is_none() {
            return Err(Failure::Plain(format!("{} can't try a change without making it; it is another version", self.shown())));
        }
        Ok(())
    }

    async fn document(&self) -> Result<&Value, Failure> {
        self.document.get_or_try_init(async || Ok(self.call(Ask::get(&["openapi.json"])).await?.body)).await
    }

    /// One page of a list, and where the next one begins.
    pub(crate) async fn page(&self, ask: Ask<'_>, after: Option<&str>) -> Result<(Vec<Value>, Option<String>), Failure> {
        let Answer { body, next, .. } = self.call(ask.query("after", after)).await?;
        // A gateway that leads round in circles is left.
        Ok((items(body), next.filter(|next| after != Some(next.as_str()))))
    }

    /// All of a list, page after page.
    pub(crate) async fn all(&self, ask: Ask<'_>) -> Result<Vec<Value>, Failure> {
        self.pages(ask, usize::MAX).await
    }

    /// The first pages of a list.
    async fn pages(&self, ask: Ask<'_>, most: usize) -> Result<Vec<Value>, Failure> {
        let mut found = Vec::new();
        let mut after = None;
        for _ in 0..most {
            let (page, next) = self.page(ask.clone().query("limit", Some(PAGE)), after.as_deref()).await?;
            found.extend(page);
            after = next;
            if after.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// The names of the fields that a thing has by the gateway's own OpenAPI document.
    pub(crate) async fn fields(&self, schema: &str) -> Result<BTreeSet<String>, Failure> {
        let document = self.document().await?;
        let fields = document.pointer(&format!("/components/schemas/{schema}/properties")).and_then(Value::as_object);
        let fields =
            fields.ok_or_else(|| Failure::Plain(format!("{} does not say what an app is; is it another version?", self.shown())))?;
        Ok(fields.keys().cloned().collect())
    }

    /// A list that comes whole.
    pub(crate) async fn whole(&self, ask: Ask<'_>) -> Result<Vec<Value>, Failure> {
        Ok(items(self.call(ask).await?.body))
    }

    /// The same failure, with the id that may have been meant where there is nothing of this one.
    pub(crate) async fn meant(&self, failure: Failure, what: &str, id: &str, list: Ask<'_>, name: &str) -> Failure {
        let Failure::Problem(problem) = &failure else { return failure };
        if !problem.is("not_found") {
            return failure;
        }
        // Only the beginning is looked through: nobody waits for a hundred thousand accounts to be told of a slip.
        let known = self.pages(list, MOST_PAGES_FOR_A_SLIP).await.unwrap_or_default();
        let names: Vec<_> = known.iter().filter_map(|each| each[name].as_str()).collect();
        let near = meant(id, &names).map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        Failure::Plain(crate::table::printable(&format!("there is no {what} {id}{near}")))
    }

    /// Where it is, for messages.
    pub(crate) fn shown(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    fn unreached(&self, error: EgressError) -> Failure {
        let what = match error {
            EgressError::Redirect(status) => format!("answers with a redirect ({status}); give --url the address it leads to"),
            EgressError::Connect => {
                "can't be reached: no connection, or no certificate that is trusted; --ca-file adds an authority of your own".into()
            }
            error => format!("can't be reached: {error}"),
        };
        Failure::Plain(format!("{} {what}", self.shown()))
    }
}

/// The address without what may follow the gateway's own.
fn base(url: &Url) -> Result<Url, Failure> {
    let mut base = url.clone();
    if url.host().is_none() || !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(unusable(url));
    }
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => {
            return Err(Failure::Plain(format!(
                "{url} would show the admin key to everybody on the way; use https, or http on this machine alone"
            )));
        }
        _ => return Err(unusable(url)),
    }
    let path = url.path().trim_end_matches('/');
    base.set_path(path.strip_suffix(BASE).unwrap_or(path));
    Ok(base)
}

fn unusable(url: &Url) -> Failure {
    Failure::Plain(format!("{url} is no address of a gateway; write it as https://sso.example.com"))
}

fn key(path: &Path) -> Result<SecretString, Failure> {
    let bytes = read(path, "the admin key")?;
    let text = String::from_utf8(bytes).ok().map(|text| text.trim().to_owned());
    let usable = text.filter(|text| (1..=LONGEST_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()));
    usable.map(Into::into).ok_or_else(|| Failure::Plain(format!("{} has no admin key: it must be one line", path.display())))
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::io(format!("{}, with {what}, can't be read", path.display()), error))
}

fn items(body: Value) -> Vec<Value> {
    match body {
        Value::Object(mut page) => match page.remove("items") {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// Where the next page begins. Only that is taken from the link: the key goes nowhere but where the operator said.
fn next(headers: &HeaderMap) -> Option<String> {
    let link = text(headers, header::LINK.as_str())?;
    let (address, _) = link.strip_prefix('<')?.split_once(">; rel=\"next\"")?;
    let (_, query) = address.split_once('?')?;
    url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "after").map(|(_, value)| value.into_owned())
}

/// What was read a moment before is not there any more as it was.
pub(crate) fn raced(failure: Failure) -> Failure {
    match failure {
        Failure::Problem(problem) if problem.is("precondition_failed") => {
            Failure::Plain("somebody changed it in the same moment and nothing was done; look at it and decide again".into())
        }
        failure => failure,
    }
}

/// Asks on the terminal. Where nobody can answer, nothing is done.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let answer = asked(&format!("{question} [y/N] "), || format!("{question} Say --yes if it is what you want"))?;
    if matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes") { Ok(()) } else { Err(nothing_done()) }
}

/// Asks for a number where a yes would come too easily. Where nobody can answer it has to be said beforehand.
pub(crate) fn confirm_count(what: &str, count: usize) -> Result<(), Failure> {
    let answer = asked(&format!("{what} Type the number to do it: "), || format!("{what} Say --removals {count} if it is what you want"))?;
    if answer == count.to_string() { Ok(()) } else { Err(nothing_done()) }
}

fn asked(question: &str, else_say: impl Fn() -> String) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Plain(format!("nobody is there to be asked: {}; nothing was done", else_say())));
    }
    eprint!("{question}");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(|error| Failure::io("no answer can be read", error))?;
    Ok(answer.trim().to_owned())
}

fn nothing_done() -> Failure {
    Failure::Plain("nothing was done".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn based(text: &str) -> Option<String> {
        base(&text.parse().unwrap()).ok().map(|url| url.to_string())
    }

    #[test]
    fn a_key_goes_over_tls_or_stays_on_this_machine() {
        for (given, used) in [
            ("https://sso.example.com", Some("https://sso.example.com/")),
            ("https://example.com/auth/", Some("https://example.com/auth")),
            ("https://sso.example.com/api/v1/", Some("https://sso.example.com/")),
            ("http://127.0.0.1:8000", Some("http://127.0.0.1:8000/")),
            ("http://[::1]:8000", Some("http://[::1]:8000/")),
            ("http://localhost:8000", Some("http://localhost:8000/")),
            ("http://sso.example.com", None),
            ("http://10.0.0.1", None),
            ("http://localhost.example.com", None),
            ("https://key@sso.example.com", None),
            ("https://sso.example.com/?key=x", None),
            ("ftp://sso.example.com", None),
        ] {
            assert_eq!(based(given).as_deref(), used, "{given}");
        }
    }

    #[test]
    fn only_the_place_in_the_list_is_taken_from_a_link() {
        let mut headers = HeaderMap::new();
        assert_eq!(next(&headers), None);
        headers.insert(header::LINK, "<https://elsewhere.example/x?limit=200&after=a%2Fb>; rel=\"next\"".parse().unwrap());
        assert_eq!(next(&headers).as_deref(), Some("a/b"));
    }
}
