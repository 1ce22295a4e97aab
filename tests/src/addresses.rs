//! Every address of the house, from where each is written down once.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{House, person::plain_client, project, tracked};

/// All of them, below the issuer: those of the routes, of the console, and of the admin API's document. `evil` stands wherever something can be chosen.
pub async fn addresses(house: &House, evil: &str) -> BTreeSet<String> {
    let routes = source("crates/http/src/routes.rs");
    let mut found: BTreeSet<String> = quoted(&routes).filter(|text| text.starts_with('/')).map(str::to_owned).collect();
    for file in tracked(&["crates/http/src/console.rs", "crates/http/src/console/*.rs"]) {
        found.extend(quoted(&source(&file)).filter(|text| text.starts_with("/console")).map(str::to_owned));
    }
    let document = plain_client().get(format!("{}/api/v1/openapi.json", house.issuer)).send().await.expect("the document is served");
    let document: Value = document.json().await.expect("the document is JSON");
    found.extend(document["paths"].as_object().expect("its paths").keys().map(|path| format!("/api/v1{path}")));
    assert!(found.len() > 80, "the routes have another form than this reads: {found:#?}");
    found.iter().map(|path| filled(path, evil)).collect()
}

fn source(file: &str) -> String {
    std::fs::read_to_string(project().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The texts of a source that could be addresses.
fn quoted(source: &str) -> impl Iterator<Item = &str> {
    let is_address = |text: &&str| text.chars().all(|c| c.is_ascii_alphanumeric() || "/:_-.*".contains(c));
    source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split('"').skip(1).step_by(2))
        .filter(is_address)
}

/// `/register/:client_id`, `/clients/{client_id}` and `/*path` with something in the place of what has a name.
fn filled(path: &str, evil: &str) -> String {
    let part = |part: &str| {
        let (name, act) = part.split_once("}:").map_or((part, String::new()), |(name, act)| (name, format!(":{act}")));
        if name.starts_with([':', '{', '*']) { format!("{evil}{act}") } else { part.to_owned() }
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
