//! What a request named that was believed in nothing: there is no such client, or the address is none of the client's.

use serde::{Deserialize, Serialize};

use super::{LONGEST_ADDRESS, address};
use crate::{audit::bounded, authorize::PageFault, client::Client, ids::ClientId, redirect};

/// How many registered addresses are told, those first that are most like the one that was sent.
const MOST_REGISTERED: usize = 10;
/// No client's name that was sent is told at greater length, in characters.
const LONGEST_NAME: usize = 100;

/// What it named, as far as that may be kept, and what is registered instead. A stranger wrote it: it is for the operator who is asked about the
/// reference on the page, and stands nowhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refused {
    /// The `client_id` that was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// The client of that name, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// What people know it as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The `redirect_uri` that was sent, without its query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The first part in which it differs from the registered address nearest to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differs: Option<String>,
    /// The addresses of the client, where it is about them: some of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub registered: Vec<String>,
    /// How many more there are.
    pub more: usize,
}

impl Refused {
    /// Of a request that named this client and this address.
    pub fn new(named: Option<&str>, sent: Option<&str>, client: Option<&Client>, fault: &PageFault) -> Self {
        let known = Self {
            named: named.map(|name| readable(name, LONGEST_NAME)),
            client: client.map(|client| client.id.clone()),
            client_name: client.map(|client| bounded(&client.name)),
            address: sent.map(|sent| readable(sent, LONGEST_ADDRESS)),
            ..Self::default()
        };
        let (Some(client), PageFault::RedirectMismatch { received, differs }) = (client, fault) else { return known };
        let nearest = redirect::nearest_first(&client.redirect_uris, received.as_deref().unwrap_or_default());
        Self {
            address: received.as_deref().map(|received| readable(received, LONGEST_ADDRESS)),
            differs: differs.map(str::to_owned),
            more: nearest.len().saturating_sub(MOST_REGISTERED),
            registered: nearest.into_iter().take(MOST_REGISTERED).map(|uri| address(uri.as_str())).collect(),
            ..known
        }
    }
}

/// What a stranger sent as an address or a name: without what comes after `?` or `#`, and before `@` in the authority, for there are secrets; every
/// character that could pass for another, or for none, is spelled out.
fn readable(text: &str, most: usize) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let (told, rest) = text.split_at(end);
    // As browsers read it: after the scheme any number of slashes, whichever way they lean, leads to the authority.
    let slash = |c: char| matches!(c, '/' | '\\');
    let lead = told.find(slash).filter(|at| told[..*at].is_empty() || told[..*at].ends_with(':'));
    let start = lead.map_or(0, |at| told[at..].find(|c| !slash(c)).map_or(told.len(), |rest| at + rest));
    let (scheme, after) = told.split_at(start);
    let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
    let (user, host) = authority.split_at(authority.rfind('@').unwrap_or_default());
    let hidden = if user.is_empty() { "" } else { "..." };
    let mut shown = String::new();
    for c in [scheme, hidden, host, path].into_iter().flat_map(str::chars) {
        if shown.len() >= most {
            return shown + "...";
        }
        if c.is_ascii_graphic() { shown.push(c) } else { shown.extend(c.escape_unicode()) }
    }
    match rest.chars().next() {
        Some(mark) => format!("{shown}{mark}..."),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_78_of_an_address_that_was_sent_nothing_is_kept_where_secrets_are() {
        for (sent, kept) in [
            ("https://app.example.com/cb", "https://app.example.com/cb"),
            ("https://app.example.com/cb?code=s3cret", "https://app.example.com/cb?..."),
            ("https://app.example.com/cb#access_token=s3cret", "https://app.example.com/cb#..."),
            ("https://ada:s3cret@app.example.com/cb", "https://...@app.example.com/cb"),
            ("https://ada:s3@cret@app.example.com/cb", "https://...@app.example.com/cb"),
            ("https:/ada:s3cret@app.example.com/cb", "https:/...@app.example.com/cb"),
            ("https:///ada:s3cret@app.example.com/cb", "https:///...@app.example.com/cb"),
            ("https:\\\\ada:s3cret@app.example.com/cb", "https:\\\\...@app.example.com/cb"),
            ("//ada:s3cret@app.example.com/cb", "//...@app.example.com/cb"),
            ("ada:s3cret@app.example.com", "...@app.example.com"),
            ("https://social.example/@ada/cb", "https://social.example/@ada/cb"),
            ("com.example.app:/cb", "com.example.app:/cb"),
            ("?s3cret", "?..."),
            ("", ""),
        ] {
            assert_eq!(readable(sent, LONGEST_ADDRESS), kept, "{sent}");
        }
    }

    #[test]
    fn attack_65_what_was_sent_is_visible_and_has_an_end() {
        assert_eq!(
            readable("https://\u{430}pp.example/\u{202e}\r\n\u{1b}[2J x", 300),
            "https://\\u{430}pp.example/\\u{202e}\\u{d}\\u{a}\\u{1b}[2J\\u{20}x"
        );
        for long in ["a".repeat(5_000), "\u{202e}".repeat(5_000), format!("https://{}@x", "b".repeat(5_000))] {
            assert!(readable(&long, 100).len() <= 115, "{}", readable(&long, 100));
        }
    }
}
