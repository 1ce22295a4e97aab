//! `vestibule import`: apps that are registered elsewhere, registered here.
//!
//! Each format is read into what the admin API takes, and into notes about everything that is not the same afterwards: nothing of a file is passed over in
//! silence. The gateway checks each registration as it checks any other.

mod dex;
mod found;
mod hydra;
mod keycloak;
mod oauth2_proxy;
mod report;

use std::path::Path;

use serde_json::Value;

use self::{
    found::{Contents, Found},
    report::{Outcome, Reported},
};
use crate::{
    cli::{Foreign, ImportOptions},
    document::{self, Format},
    failure::Failure,
    print,
    progress::Progress,
    remote::{Ask, Remote, Secrets, confirm},
};

/// Reads a file, says what becomes of it, and registers what can be registered.
pub(crate) async fn import(options: &ImportOptions) -> Result<(), Failure> {
    let mut contents = read(options.format, &options.file)?;
    if !options.only.is_empty() {
        contents.keep_only(&options.only).map_err(Failure::Plain)?;
    }
    let remote = Remote::new(&options.at)?;
    let mut secrets = Secrets::into(options.secrets_dir.as_deref())?;
    let present = remote.all(Ask::get(&["clients"])).await?;
    let mut reported: Vec<_> = contents.clients.into_iter().map(|found| Reported { outcome: looked_at(&found, &present), found }).collect();
    let ready = reported.iter().filter(|each| each.outcome == Outcome::Ready).count();
    if !options.at.json {
        print::text(&report::text(&reported, &contents.beside, options.dry_run))?;
    }
    let mut done = Ok(());
    if !options.dry_run && ready > 0 {
        let ids = reported.iter().filter(|each| each.outcome == Outcome::Ready).map(|each| each.found.id.as_str());
        secrets.have_room_for(ids)?;
        confirm(&format!("Register {ready} of them?"), options.sure.yes)?;
        done = register(&remote, &mut reported, &mut secrets).await;
    }
    // Secrets that were made are given away even if what came after them failed.
    if options.at.json {
        print::json(&report::json(&reported, &contents.beside, &secrets.shown()))?;
    } else {
        secrets.say()?;
    }
    done?;
    let refused = reported.iter().filter(|each| matches!(each.outcome, Outcome::Refused(_))).count();
    if refused == 0 { Ok(()) } else { Err(Failure::Plain(format!("{refused} of the clients can't be registered as they are"))) }
}

/// What the file has, whatever it is called.
fn read(format: Foreign, path: &Path) -> Result<Contents, Failure> {
    let text = document::read(path)?;
    let written = match format {
        Foreign::Dex => Format::Yaml,
        Foreign::Keycloak | Foreign::Hydra => Format::Json,
        Foreign::Oauth2Proxy => Format::Toml,
    };
    let value = document::value(path, Format::of(path).unwrap_or(written), &text).map_err(|error| Failure::Plain(error.to_string()))?;
    foreign(format, &value).map_err(|wrong| Failure::Plain(format!("{}: {wrong}", path.display())))
}

fn foreign(format: Foreign, value: &Value) -> Result<Contents, String> {
    match format {
        Foreign::Dex => dex::read(value),
        Foreign::Keycloak => keycloak::read(value),
        Foreign::Hydra => hydra::read(value),
        Foreign::Oauth2Proxy => oauth2_proxy::read(value),
    }
}

/// What can be said of one before the gateway is asked to register it.
fn looked_at(found: &Found, present: &[Value]) -> Outcome {
    match &found.passed_over {
        Some(why) => Outcome::PassedOver(why.clone()),
        None if !found.wrong.is_empty() => Outcome::Refused(found.wrong.clone()),
        None if present.iter().any(|client| client["client_id"].as_str() == Some(&found.id)) => Outcome::Exists,
        None => Outcome::Ready,
    }
}

async fn register(remote: &Remote, reported: &mut [Reported], secrets: &mut Secrets) -> Result<(), Failure> {
    let bar = Progress::of(reported.iter().filter(|each| each.outcome == Outcome::Ready).count() as u64, "registering");
    for each in reported.iter_mut().filter(|each| each.outcome == Outcome::Ready) {
        let done = remote.call(put(&each.found, &each.found.registration())).await;
        let made = done.as_ref().ok().and_then(|answer| answer.body["client_secret"].as_str().map(str::to_owned));
        each.outcome = outcome(done.map(|_| Outcome::Registered))?;
        bar.one();
        bar.aside(&report::done(each));
        if let Some(secret) = made {
            secrets.add(&each.found.id, &secret);
        }
    }
    bar.end();
    Ok(())
}

fn put<'a>(found: &'a Found, registration: &'a Value) -> Ask<'a> {
    Ask::put(&["clients", &found.id], registration).if_new()
}

/// What the gateway says of one client is its outcome; that it can't be asked at all is a failure.
fn outcome(answer: Result<Outcome, Failure>) -> Result<Outcome, Failure> {
    match answer {
        Err(Failure::Problem(problem)) if problem.is("precondition_failed") || problem.is("client_exists") => Ok(Outcome::Exists),
        Err(Failure::Problem(problem)) if problem.is("invalid_fields") => Ok(Outcome::Refused(problem.sentences())),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The report of a file as if the gateway took everything in it.
    fn report(format: Foreign, file: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/imports").join(file);
        let contents = read(format, &path).unwrap();
        let outcome = |found: &Found| match (&found.passed_over, found.wrong.is_empty()) {
            (Some(why), _) => Outcome::PassedOver(why.clone()),
            (None, true) => Outcome::Ready,
            (None, false) => Outcome::Refused(found.wrong.clone()),
        };
        let reported: Vec<_> = contents.clients.into_iter().map(|found| Reported { outcome: outcome(&found), found }).collect();
        report::text(&reported, &contents.beside, true)
    }

    fn registered(format: Foreign, value: &Value) -> Value {
        let contents = foreign(format, value).unwrap();
        contents.clients.iter().map(Found::registration).collect()
    }

    #[test]
    fn nothing_of_a_file_is_passed_over_in_silence() {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("../../../tests/imports");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| {
            insta::assert_snapshot!("dex", report(Foreign::Dex, "dex.yaml"));
            insta::assert_snapshot!("keycloak", report(Foreign::Keycloak, "keycloak.json"));
            insta::assert_snapshot!("hydra", report(Foreign::Hydra, "hydra.json"));
            insta::assert_snapshot!("oauth2-proxy", report(Foreign::Oauth2Proxy, "oauth2-proxy.cfg"));
        });
    }

    #[test]
    fn a_secret_of_another_program_goes_nowhere() {
        for (format, file) in [
            (Foreign::Dex, json!({ "staticClients": [{ "id": "a", "secret": "hunter2hunter2" }] })),
            (
                Foreign::Keycloak,
                json!({ "clientId": "a", "secret": "hunter2hunter2", "attributes": { "client.secret.rotated": "hunter2hunter2" } }),
            ),
            (Foreign::Hydra, json!({ "client_id": "a", "client_secret": "hunter2hunter2" })),
            (Foreign::Oauth2Proxy, json!({ "client_id": "a", "client_secret": "hunter2hunter2", "cookie_secret": "hunter2hunter2" })),
        ] {
            let contents = foreign(format, &file).unwrap();
            assert!(!format!("{contents:?}").contains("hunter2"), "{format:?}: {contents:?}");
        }
    }

    #[test]
    fn what_is_of_another_kind_is_named_by_its_place() {
        let wrong = |format, value| {
            foreign(format, &value).map(|contents| contents.clients.into_iter().flat_map(|found| found.wrong).collect::<Vec<_>>())
        };
        assert_eq!(
            wrong(Foreign::Dex, json!([])).unwrap_err(),
            "has no names and values at its top; a configuration of Dex begins with `issuer:`"
        );
        assert_eq!(wrong(Foreign::Dex, json!({ "staticClients": [3] })).unwrap_err(), "staticClients[0] must have names and values");
        assert_eq!(
            wrong(Foreign::Dex, json!({ "staticClients": [{ "id": 7, "redirectURIs": [1], "public": "yes" }] })),
            Ok(["id must be text", "redirectURIs must be a list of texts", "public must be true or false", "id is missing"]
                .map(str::to_owned)
                .into())
        );
        assert_eq!(
            wrong(Foreign::Keycloak, json!({ "realm": "x" })).unwrap_err(),
            "has neither clients nor a clientId; export the realm with its clients, or one client"
        );
        assert_eq!(
            wrong(Foreign::Keycloak, json!({ "clientId": "a", "attributes": [], "redirectUris": ["https://a.example/cb"] })),
            Ok(vec!["attributes must have names and values".to_owned()])
        );
        assert_eq!(wrong(Foreign::Hydra, json!("x")).unwrap_err(), "is no client of Hydra, and no list of them");
        assert_eq!(
            wrong(Foreign::Hydra, json!([{ "client_name": "x", "grant_types": ["client_credentials"] }])),
            Ok(vec!["client_id is missing".to_owned()])
        );
        assert!(wrong(Foreign::Oauth2Proxy, json!({})).is_err());
    }

    #[test]
    fn patterns_and_relative_addresses_become_whole_ones_or_something_to_do() {
        let client = json!({ "clientId": "a", "rootUrl": "https://a.example/x/", "redirectUris": ["/cb", "*", "https://a.example/*", "https://b.example/cb"] });
        assert_eq!(registered(Foreign::Keycloak, &client)[0]["redirect_uris"], json!(["https://a.example/x/cb", "https://b.example/cb"]));
        let rootless = json!({ "clientId": "a", "redirectUris": ["/cb"] });
        assert_eq!(registered(Foreign::Keycloak, &rootless)[0].get("redirect_uris"), None);
    }

    fn anything() -> impl Strategy<Value = Value> {
        let name = prop::sample::select(vec![
            "clients",
            "items",
            "staticClients",
            "id",
            "clientId",
            "client_id",
            "secret",
            "redirectURIs",
            "redirectUris",
            "redirect_uris",
            "public",
            "publicClient",
            "attributes",
            "protocol",
            "rootUrl",
            "scope",
            "grant_types",
            "defaultClientScopes",
            "protocolMappers",
            "jwks",
            "name",
            "post.logout.redirect.uris",
            "clientAuthenticatorType",
            "redirect_url",
            "code_challenge_method",
        ]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            prop::sample::select(vec!["https://a.example/*", "/cb", "+", "S256", "client-jwt", "openid-connect", "openid offline"])
                .prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..6)
                    .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(value in anything()) {
            for format in [Foreign::Dex, Foreign::Keycloak, Foreign::Hydra, Foreign::Oauth2Proxy] {
                if let Ok(contents) = foreign(format, &value) {
                    let reported: Vec<_> = contents.clients.into_iter().map(|found| Reported { found, outcome: Outcome::Ready }).collect();
                    report::text(&reported, &contents.beside, true);
                    report::json(&reported, &contents.beside, &serde_json::Map::new());
                }
            }
        }
    }
}
