//! `vestibule client`, `account` and the rest of what a command line asks of a running gateway, as an operator types it.

use std::process::Command;

use serde_json::{Value, json};
use vestibule_tests::{ADMIN_KEY, Desk, Person, binary, said_in as text};

const CALLBACK: &str = "http://127.0.0.1:9/callback";

/// The words of each line, whatever lies between them.
fn words(text: &str) -> Vec<String> {
    text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[tokio::test]
async fn an_app_is_registered_looked_at_changed_given_secrets_and_deleted() {
    let desk = Desk::open().await;
    let output = desk.run(&["client", "create", "grafana", "--redirect-uri", "https://grafana.example.com/login/generic_oauth"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let made = text(&output.stdout);
    let (first, secret) = made.split_once('\n').expect("two lines");
    assert_eq!((first, secret.trim().len()), ("grafana is registered", 43), "{made}");
    assert_eq!(text(&output.stderr), "the secret of grafana follows; it is shown this once\n");

    let listed = words(&desk.said(&["client", "list"]));
    assert_eq!(listed[0], "ID NAME AUTHENTICATES BY REGISTERED BY KEPT BY DISABLED CHANGED");
    assert!(listed[1].starts_with("grafana grafana client_secret_basic operator - no 20"), "{listed:?}");
    let shown = words(&desk.said(&["client", "show", "grafana"]));
    assert!(shown.contains(&"redirect_uris https://grafana.example.com/login/generic_oauth".to_owned()), "{shown:?}");
    assert!(!shown.iter().any(|line| line.contains(secret.trim())), "no secret is shown twice");

    let update = ["client", "update", "grafana", "--set", "consent=always", "--set", "entry.groups=[\"eng-*\"]", "--unset", "policy_uri"];
    assert_eq!(desk.said(&update), "grafana is changed\n");
    let shown = desk.json(&["client", "show", "grafana"]);
    assert_eq!((&shown["consent"], &shown["entry"]["groups"]), (&json!("always"), &json!(["eng-*"])));
    assert!(text(&desk.run(&update).stderr).contains("was so already"));

    let file = desk.house.folder().join("second.secret");
    let add = ["client", "secret", "add", "grafana", "--others-expire-in", "1h", "--secret-file", file.to_str().expect("a path")];
    assert!(desk.said(&add).starts_with("grafana has the secret "));
    let second = std::fs::read_to_string(&file).expect("the secret");
    assert_eq!(second.len(), 43);
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&file.metadata().expect("a file")) & 0o777, 0o600);
    let client = vestibule_tests::Client { client_id: "grafana".into(), client_secret: second };
    let (status, answer) = desk.house.post_as_named(&client, "/introspect", &[("token", "x")]).await;
    assert_eq!((status.as_u16(), answer), (200, json!({ "active": false })), "the new secret works");
    assert!(desk.refused(&add).contains("second.secret can't be made"), "no file is overwritten, and no secret is made for nowhere");
    let third = desk.house.folder().join("third.secret").display().to_string();
    let third = ["client", "secret", "add", "grafana", "--secret-file", &third];
    assert!(desk.refused(&third).contains("At most two secrets"));
    assert!(!desk.house.folder().join("third.secret").exists());
    let secrets = desk.json(&["client", "show", "grafana"])["secrets"].clone();
    let first = secrets[0]["id"].as_str().expect("an id").to_owned();
    let revoke = ["client", "secret", "revoke", "grafana", &first, "--yes"];
    assert_eq!(desk.said(&revoke), format!("{first} of grafana is revoked\n"));
    assert!(desk.refused(&revoke).contains("has no secret"));
    let last = desk.refused(&["client", "secret", "revoke", "grafana", secrets[1]["id"].as_str().expect("an id"), "--yes"]);
    assert!(last.contains("could not authenticate any more"), "{last}");

    let unasked = desk.refused(&["client", "delete", "grafana"]);
    assert!(unasked.contains("nobody is there to be asked") && unasked.contains("--yes"), "{unasked}");
    assert_eq!(desk.said(&["client", "delete", "grafana", "--yes"]), "grafana is deleted\n");
    assert_eq!(desk.json(&["client", "list"]), json!([]));
}

#[tokio::test]
async fn what_is_wrong_is_said_where_it_stands_and_with_what_was_meant() {
    let desk = Desk::open().await;
    desk.said(&["client", "create", "grafana", "--redirect-uri", "https://grafana.example.com/cb"]);
    assert_eq!(desk.refused(&["client", "show", "grafanaa"]), "error: there is no client grafanaa; did you mean grafana?\n");
    assert_eq!(desk.refused(&["client", "delete", "wiki", "--yes"]), "error: there is no client wiki\n");
    let wrong = desk.refused(&["client", "create", "wiki", "--redirect-uri", "http://wiki.example.com/cb#x", "--set", "consent=perhaps"]);
    assert_eq!(wrong.lines().next(), Some("error: 2 things are wrong with what was sent."), "{wrong}");
    assert!(wrong.contains("  /redirect_uris/0  ") && wrong.contains("  /consent          "), "{wrong}");
    for command in [&["client", "update", "grafana", "--unset", "polcy_uri"][..], &["client", "create", "wiki", "--set", "polcy_uri=x"]] {
        assert_eq!(desk.refused(command), "error: polcy_uri is not a field; did you mean policy_uri?\n");
    }
    let exists = desk.refused(&["client", "create", "grafana", "--redirect-uri", "https://x.example/cb"]);
    assert!(exists.contains("A client is registered under this client_id.\nhint: "), "{exists}");
    let file = desk.file("wiki.toml", "client_name = \"Wiki\"\nredirect_uris = [\n");
    let broken = desk.refused(&["client", "create", "wiki", "--file", &file]);
    assert!(broken.starts_with(&format!("error: {file}:2:")), "{broken}");

    let output = desk.command(&["client", "list"]).env_remove("VESTIBULE_URL").output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(2), "what is missing on the command line");
    assert!(text(&output.stderr).contains("--url <URL>"));
    let output = desk.command(&["client", "list"]).env("VESTIBULE_URL", "http://sso.example.com").output().expect("the binary runs");
    assert!(text(&output.stderr).contains("would show the admin key to everybody"), "{}", text(&output.stderr));
    let output = desk.command(&["client", "list"]).env("VESTIBULE_URL", "http://127.0.0.1:1").output().expect("the binary runs");
    assert!(text(&output.stderr).starts_with("error: http://127.0.0.1:1 can't be reached"), "{}", text(&output.stderr));
    let output = desk.command(&["client", "list"]).env("VESTIBULE_URL", &desk.house.ops).output().expect("the binary runs");
    assert!(text(&output.stderr).contains("does not answer as the admin API of a gateway does"), "{}", text(&output.stderr));
    let key = desk.file("wrong.key", "not-this-one-0123456789-0123456789-0123456789");
    let output = desk.command(&["client", "list"]).env("VESTIBULE_API_KEY_FILE", &key).output().expect("the binary runs");
    let said = text(&output.stderr);
    assert!(said.starts_with("error: ") && !said.contains("not-this-one"), "{said}");
}

#[tokio::test]
async fn people_their_sessions_grants_and_links_are_listed_and_ended() {
    let desk = Desk::open().await;
    let client = desk.house.register_app(CALLBACK).await;
    Person::named("alice").gets_tokens(&desk.house, &client, CALLBACK).await;
    let accounts = desk.json(&["account", "list"]);
    let id = accounts[0]["id"].as_str().expect("an id").to_owned();
    let shown = desk.said(&["account", "show", &id]);
    assert!(shown.contains("Ways in") && shown.contains("acme") && shown.contains("alice@example.com"), "{shown}");
    let mut wrong = id.clone();
    wrong.replace_range(0..1, if id.starts_with('0') { "1" } else { "0" });
    assert!(desk.refused(&["account", "show", &wrong]).contains(&format!("did you mean {id}?")));

    let grants = desk.json(&["grant", "list", "--account", &id]);
    assert_eq!(grants[0]["client_id"], client.client_id.as_str(), "{grants:#}");
    let grant = grants[0]["id"].as_str().expect("an id");
    assert_eq!(desk.json(&["grant", "list"]), grants, "everybody's are hers");
    assert_eq!(desk.json(&["grant", "show", grant]), grants[0]);
    assert!(desk.refused(&["grant", "revoke", &id, "--yes"]).contains(&format!("there is no grant {id}")));
    assert_eq!(desk.said(&["grant", "revoke", grant, "--yes"]), format!("{grant} is revoked\n"));
    assert_eq!(desk.json(&["grant", "list", "--account", &id]), json!([]));
    assert_eq!(desk.json(&["consent", "list", "--account", &id]), json!([]));
    let forget = ["consent", "forget", "wiki", "--account", &id, "--yes"];
    assert_eq!(desk.refused(&forget), "error: there is no consent of this account to wiki\n");
    let sessions = desk.json(&["session", "list", "--account", &id]);
    let session = sessions[0]["id"].as_str().expect("an id");
    assert_eq!(desk.json(&["session", "show", session])["id"], session);
    assert!(desk.said(&["session", "show", session]).contains("account  "), "a field a line");
    let listed = desk.said(&["session", "list"]);
    assert!(listed.contains("ACCOUNT") && listed.contains(session) && listed.contains(&id), "{listed}");
    let wrong = format!("f{}", &session[1..]);
    assert!(desk.refused(&["session", "end", &wrong, "--yes"]).contains(&format!("did you mean {session}?")));
    assert_eq!(desk.said(&["session", "end", session, "--yes"]), format!("{session} is ended\n"));
    assert_eq!(desk.json(&["session", "list", "--account", &id]), json!([]));

    assert_eq!(desk.said(&["account", "disable", &id, "--yes"]), format!("{id} is turned away\n"));
    assert_eq!(desk.json(&["account", "show", &id])["disabled"], true);
    assert_eq!(desk.said(&["account", "enable", &id]), format!("{id} is let in again\n"));
    let link = desk.json(&["account", "show", &id])["links"][0]["id"].as_str().expect("a link").to_owned();
    assert_eq!(desk.said(&["account", "unlink", &id, &link, "--yes"]), format!("{link} is undone\n"));
    assert_eq!(desk.json(&["account", "show", &id])["links"], json!([]));
}

#[tokio::test]
async fn what_an_app_was_given_is_revoked_and_a_person_is_erased_from_afar() {
    let desk = Desk::open().await;
    let client = desk.house.register_app(CALLBACK).await;
    Person::named("alice").gets_tokens(&desk.house, &client, CALLBACK).await;
    let revoke = ["client", "revoke-grants", client.client_id.as_str()];
    assert!(desk.refused(&revoke).contains("nobody is there to be asked"));
    assert!(desk.said(&[&revoke[..], &["--dry-run"]].concat()).contains("grant.revoked"));
    assert_eq!(desk.json(&["grant", "list"]).as_array().map(Vec::len), Some(1), "to try it revokes nothing");
    assert_eq!(desk.json(&[&revoke[..], &["--yes"]].concat()), json!({ "revoked": client.client_id }));
    assert_eq!(desk.json(&["grant", "list"]), json!([]));
    assert!(desk.refused(&["client", "revoke-grants", "none", "--yes"]).contains("there is no client none"));

    let id = desk.json(&["account", "list"])[0]["id"].as_str().expect("an id").to_owned();
    let erase = ["account", "erase", &id];
    assert!(desk.refused(&erase).contains("There is no way back"));
    let would = desk.said(&[&erase[..], &["--dry-run"]].concat());
    assert!(would.contains("- /profile") && would.contains("account.erased"), "{would}");
    assert_eq!(desk.said(&[&erase[..], &["--yes"]].concat()), format!("erased {id}; its id stays, disabled, and means nobody else\n"));
    let gone = desk.json(&["account", "show", &id]);
    assert_eq!((&gone["disabled"], &gone["links"]), (&json!(true), &json!([])));
    let event = desk.json(&["audit", "list", "--event", "account.erased"])[0].clone();
    let event_id = event["id"].as_str().expect("an id");
    assert_eq!(desk.json(&["audit", "show", event_id])["name"], "account.erased");
    assert!(desk.said(&["audit", "show", event_id]).contains("account.erased"));
    assert!(desk.refused(&["audit", "show", &id]).contains("there is no event"));
}

#[tokio::test]
async fn what_is_read_beside_a_gateway_is_read_from_afar_too() {
    let desk = Desk::open().await;
    let issuer = desk.house.issuer.clone();
    let from_afar = |arguments: &[&str]| desk.json(&[arguments, &["--url", &issuer]].concat());
    let beside = |arguments: &[&str]| -> Value {
        let said = desk.house.command(&[arguments, &["--json"]].concat());
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    };
    assert_eq!(from_afar(&["keys", "list"]), beside(&["keys", "list"]));
    let rotate = ["keys", "rotate", "--alg", "RS256", "--url", &issuer];
    assert!(desk.said(&[&rotate[..], &["--dry-run"]].concat()).contains("key.rotated"));
    assert!(!desk.said(&["keys", "list", "--url", &issuer]).contains(" next "), "to try it rotates nothing");
    let rotated = desk.said(&rotate);
    assert!(rotated.contains("SIGNS FROM") && rotated.contains(" next "), "{rotated}");
    assert_eq!(from_afar(&["keys", "list"]), beside(&["keys", "list"]));

    let providers = from_afar(&["provider", "list"]);
    assert_eq!((&providers[0]["id"], &providers[0]["managed_by"]["kind"]), (&json!("acme"), &json!("file")), "{providers:#}");
    let listed = desk.said(&["provider", "list", "--url", &issuer]);
    assert!(listed.contains("HEALTH") && listed.contains("/callback/acme"), "{listed}");
    let tested = desk.said(&["provider", "test", "acme", "--url", &issuer]);
    assert!(tested.starts_with("Documents\n") && tested.contains("Open this in your browser"), "{tested}");
    let tested = from_afar(&["provider", "test", "acme", "--no-login"]);
    assert_eq!((&tested["ok"], &tested["sign_in"]), (&json!(true), &Value::Null));
    assert!(desk.refused(&["provider", "test", "acmee", "--url", &issuer]).contains("did you mean acme?"));
    let unfit = desk.run(&["provider", "test", "acme", "--url", &issuer, "--port", "4000"]);
    assert_eq!(unfit.status.code(), Some(2), "{}", text(&unfit.stderr));

    let chain = desk.json(&["audit", "chain"]);
    let key = beside(&["audit", "key"]);
    assert!(chain["key"] == key["key"] && key["key"].is_string(), "{chain:#} {key:#}");
    let unnamed = desk.command(&["keys", "list", "--url", &issuer]).env_remove("VESTIBULE_API_KEY_FILE").output().expect("the binary runs");
    assert!(text(&unnamed.stderr).contains("--url needs --key-file"), "{}", text(&unnamed.stderr));
    assert_eq!(desk.run(&["keys", "list"]).status.code(), Some(2), "VESTIBULE_URL alone sends nobody away");
}

#[tokio::test]
async fn the_configuration_is_shown_checked_and_reloaded_from_afar() {
    let desk = Desk::open().await;
    let issuer = desk.house.issuer.clone();
    let shown = desk.json(&["config", "show", "--url", &issuer]);
    let first = shown.as_array().expect("a list").iter().find(|each| each["key"] == "issuer").expect("the issuer");
    assert_eq!((&first["value"], &first["origin"]["from"]), (&json!(issuer), &json!("file")));
    let told = desk.said(&["config", "show", "--url", &issuer]);
    assert!(told.contains(&format!("issuer = \"{issuer}\"")) && told.contains("vestibule.toml:1:"), "{told}");
    assert!(desk.said(&["config", "check", "--url", &issuer]).ends_with("a reload would change:\n  nothing\n"));

    let file = desk.house.folder().join("vestibule.toml");
    let before = std::fs::read_to_string(&file).expect("the configuration");
    std::fs::write(&file, format!("{before}\n[dpop]\nrequire_nonce = false\n")).expect("it is written");
    let would = desk.said(&["config", "reload", "--dry-run"]);
    assert!(would.contains("dpop.require_nonce") && would.contains("Nothing was done."), "{would}");
    let reloaded = desk.said(&["config", "reload"]);
    assert!(reloaded.starts_with("It holds; changed:\n  dpop.require_nonce  ") && reloaded.contains("true → false"), "{reloaded}");
    assert_eq!(desk.json(&["config", "reload"])["changes"], json!([]));

    std::fs::write(&file, format!("{before}\n[dpop]\nrequire_nonse = false\n")).expect("it is written");
    let refused = desk.refused(&["config", "check", "--url", &issuer]);
    assert!(refused.contains("vestibule.toml:") && refused.contains("require_nonce"), "{refused}");
    assert!(desk.refused(&["config", "reload"]).contains("require_nonse"));
    let output = desk.run(&["config", "check", "--url", &issuer, "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let checked: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(checked["ok"], false, "{checked:#}");
    assert_eq!(desk.run(&["config", "check"]).status.code(), Some(2), "a file or a gateway");
}

#[tokio::test]
async fn registration_tokens_are_made_listed_and_taken_back() {
    let desk = Desk::open().await;
    let made = desk.json(&["registration-tokens", "create", "the build farm", "--expires-in", "1d", "--uses", "3"]);
    let (id, token) = (made["id"].as_str().expect("an id"), made["token"].as_str().expect("a token"));
    let listed = desk.said(&["registration-tokens", "list"]);
    assert!(listed.contains("the build farm  3 ") && !listed.contains(token), "{listed}");
    assert_eq!(desk.said(&["registration-tokens", "delete", id, "--yes"]), format!("{id} is taken back\n"));
    assert_eq!(desk.json(&["registration-tokens", "list"]), json!([]));
}

#[tokio::test]
async fn keys_are_made_used_listed_and_deleted() {
    let desk = Desk::open().await;
    let file = desk.house.folder().join("reader.key").display().to_string();
    let create = ["api-keys", "create", "a reader", "--scope", "clients:read", "--expires-in", "1d", "--secret-file", &file];
    let would = desk.said(&[&create[..], &["--dry-run"]].concat());
    assert!(would.contains("+ /name") && would.contains("api_key.created") && !std::path::Path::new(&file).exists(), "{would}");
    assert!(desk.said(&create).starts_with("the key "));
    let keys = desk.json(&["api-keys", "list"]);
    let id = keys[0]["id"].as_str().expect("an id");
    assert_eq!(
        (keys.as_array().map(Vec::len), &keys[0]["name"], &keys[0]["scopes"]),
        (Some(1), &json!("a reader"), &json!(["clients:read"]))
    );
    let with_it = |arguments: &[&str]| desk.command(arguments).env("VESTIBULE_API_KEY_FILE", &file).output().expect("the binary runs");
    assert!(with_it(&["client", "list"]).status.success());
    let refused = text(&with_it(&["client", "create", "x", "--redirect-uri", "https://x.example/cb"]).stderr);
    assert!(refused.contains("clients:write"), "{refused}");
    let refused = desk.refused(&["api-keys", "create", "x", "--scope", "client:read"]);
    assert!(refused.contains("/scopes/0"), "{refused}");
    assert!(desk.said(&["api-keys", "show", id]).contains("a reader"));
    assert_eq!(desk.said(&["api-keys", "update", id, "--name", "a writer", "--scope", "clients:*"]), format!("{id} is changed\n"));
    let changed = desk.json(&["api-keys", "show", id]);
    assert_eq!((&changed["name"], &changed["scopes"]), (&json!("a writer"), &json!(["clients:*"])));
    assert!(desk.refused(&["api-keys", "update", id]).contains("--name or --scope"));
    assert!(desk.refused(&["api-keys", "update", id, "--scope", "client:read"]).contains("/scopes/0"));
    assert_eq!(desk.said(&["api-keys", "delete", id, "--yes"]), format!("{id} is deleted\n"));
    assert!(!with_it(&["client", "list"]).status.success());
    assert!(desk.refused(&["api-keys", "show", id]).contains("there is no key"));
}

#[tokio::test]
async fn a_change_can_be_tried() {
    let desk = Desk::open().await;
    let create = ["client", "create", "wiki", "--redirect-uri", "https://wiki.example.com/cb"];
    let would = desk.said(&[&create[..], &["--dry-run"]].concat());
    assert!(would.contains("  + /client_id ") && would.ends_with("It would be recorded as client.created. Nothing was done.\n"), "{would}");
    assert_eq!(desk.json(&["client", "list"]), json!([]));
    desk.said(&create);
    let would = desk.said(&["client", "update", "wiki", "--set", "consent=always", "--dry-run"]);
    assert_eq!(would, "  ~ /consent  \"implicit\" → \"always\"\n\nIt would be recorded as client.updated. Nothing was done.\n");
    let would = desk.json(&["client", "update", "wiki", "--set", "consent=always", "--dry-run"]);
    assert_eq!(would["changes"], json!([{ "pointer": "/consent", "before": "implicit", "after": "always" }]));
    assert!(desk.refused(&["client", "update", "wiki", "--set", "consent=perhaps", "--dry-run"]).contains("/consent"));
    assert!(desk.said(&["client", "delete", "wiki", "--dry-run"]).contains("client.deleted"), "nobody is asked");
    assert_eq!(desk.json(&["client", "show", "wiki"])["consent"], "implicit");
}

#[tokio::test]
async fn what_files_keep_is_changed_by_others_only_by_force() {
    let desk = Desk::open().await;
    let url = format!("{}/api/v1/clients/wiki?managed_by=web", desk.house.issuer);
    let body = json!({ "client_name": "Wiki", "redirect_uris": ["https://wiki.example.com/cb"] });
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let made = http.put(&url).bearer_auth(ADMIN_KEY).json(&body).send().await.expect("an answer");
    assert_eq!(made.status().as_u16(), 201);
    assert!(words(&desk.said(&["client", "list"]))[1].starts_with("wiki Wiki client_secret_basic operator web no"));
    for command in [&["client", "update", "wiki", "--set", "client_name=W"][..], &["client", "delete", "wiki", "--yes"]] {
        let refused = desk.refused(command);
        assert!(refused.starts_with("error: The files of web keep this; nothing was changed.\nhint: "), "{refused}");
    }
    assert_eq!(desk.json(&["client", "show", "wiki"])["client_name"], "Wiki");
    desk.said(&["client", "update", "wiki", "--set", "client_name=W", "--force"]);
    let shown = desk.json(&["client", "show", "wiki"]);
    assert_eq!((&shown["client_name"], &shown["managed_by"]), (&json!("W"), &json!("web")), "the files have it still");
    desk.said(&["client", "secret", "add", "wiki"]);
    desk.said(&["client", "delete", "wiki", "--yes", "--force"]);
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let help = |arguments: &[&str]| text(&Command::new(binary()).args(arguments).output().expect("the binary runs").stdout);
    let listed = help(&["--help"]);
    let (_, commands) = listed.split_once("Commands:\n").expect("commands");
    let names: Vec<_> =
        commands.lines().take_while(|line| line.starts_with("  ")).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 15 && names.contains(&"completions") && names.contains(&"man"), "{names:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = help(&["completions", shell]);
        for name in &names {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    help(&["man", "--dir", folder.path().to_str().expect("a path")]);
    for name in names.iter().filter(|name| **name != "help") {
        assert!(folder.path().join(format!("vestibule-{name}.1")).exists(), "{name}");
    }
    assert!(folder.path().join("vestibule-client-secret-add.1").exists());
    assert!(help(&["man"]).contains(".TH vestibule 1"));
    let script = folder.path().join("vestibule.bash");
    std::fs::write(&script, help(&["completions", "bash"])).expect("a file");
    let tried = format!(
        "source {} && COMP_WORDS=(vestibule client s) COMP_CWORD=2 && _vestibule vestibule s client && echo \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    let output = Command::new("bash").args(["-c", &tried]).output().expect("bash runs");
    assert_eq!(text(&output.stdout), "show secret\n", "{}", text(&output.stderr));
}

#[tokio::test]
async fn what_happened_is_listed_from_afar_newest_first_and_narrowed() {
    let desk = Desk::open().await;
    for id in ["one", "two", "three"] {
        assert!(desk.run(&["client", "create", id, "--redirect-uri", CALLBACK]).status.success());
    }
    desk.said(&["client", "delete", "two", "--yes"]);
    let listed = desk.said(&["audit", "list", "--event", "client.*"]);
    let told: Vec<_> = listed.lines().collect();
    assert_eq!(told.len(), 4, "{listed}");
    assert!(told[0].contains("client.deleted") && told[0].contains("client=two") && told[0].contains("by=admin:"), "{listed}");
    assert!(told[3].contains("client.created") && told[3].contains("client=one"), "{listed}");
    assert_eq!(desk.said(&["audit", "list", "--event", "client.*", "-n", "1"]), format!("{}\n", told[0]));
    let narrowed =
        desk.json(&["audit", "list", "--event", "client.created", "--event", "client.deleted", "--client", "two", "--since", "1h"]);
    let narrowed: Vec<_> = narrowed.as_array().expect("a list").iter().map(|event| event["name"].clone()).collect();
    assert_eq!(narrowed, ["client.deleted", "client.created"]);
    let reference = desk.json(&["audit", "list", "--event", "client.deleted"])[0]["trace_id"].as_str().expect("a reference").to_owned();
    assert!(desk.said(&["audit", "list", "--reference", &reference]).contains("client.deleted"));
    assert_eq!(desk.said(&["audit", "list", "--outcome", "denied", "--reason", "entry_rule", "--until", "1d"]), "");
    let wrong = desk.refused(&["audit", "list", "--event", "client", "--address", "here"]);
    assert!(wrong.contains("login.*") && wrong.contains("must be an IP address"), "{wrong}");
    let slips = desk.refused(&["audit", "list", "--event", "login.suceeded", "--reason", "entry_rul"]);
    assert!(
        slips.contains("\n--event login.suceeded: did you mean login.succeeded?\n--reason entry_rul: did you mean entry_rule?"),
        "{slips}"
    );
}

#[tokio::test]
async fn a_login_is_explained_alike_by_a_running_gateway_and_by_its_database() {
    let desk = Desk::open().await;
    let app = desk.house.register_app(CALLBACK).await;
    let landed = Person::named("alice").signs_in(&desk.house, &app, CALLBACK).await;
    desk.house.post_as_named(&app, "/token", &[("grant_type", "authorization_code"), ("code", &landed.code())]).await;
    let found = desk.house.audit().into_iter().rfind(|event| event["name"] == "login.succeeded").expect("a login");
    let reference = found["trace_id"].as_str().expect("a reference");
    let issuer = desk.house.issuer.clone();
    let remote = desk.json(&["explain", reference, "--url", &issuer]);
    let local: serde_json::Value = serde_json::from_str(&desk.house.command(&["explain", reference, "--json"])).expect("JSON");
    assert_eq!(remote, local);
    assert_eq!(desk.said(&["explain", reference, "--url", &issuer]), desk.house.command(&["explain", reference]));
    let steps = remote["chapters"][0]["steps"].as_array().expect("steps");
    let names: Vec<_> = steps.iter().map(|step| step["step"].as_str().unwrap_or_default()).collect();
    assert_eq!(names, ["asked", "provider", "upstream", "claims", "profile", "rules", "account", "verdict", "given"], "{remote:#}");
    let upstream = steps[2]["facts"].to_string();
    assert!(upstream.contains("\"token\"") && upstream.contains("status 200 in "), "{upstream}");
    assert!(remote["summary"].as_str().is_some_and(|summary| summary.contains("But then")), "its code was not redeemed: {remote:#}");
    for private in ["alice", "Alice", &app.client_secret, &landed.code(), "state-of-the-app", "nonce-of-the-app"] {
        assert!(!remote.to_string().contains(private), "{private}: {remote:#}");
    }
    let refused = desk.refused(&["explain", "0af7651916cd43dd8448eb211c80319c", "--url", &issuer]);
    assert!(refused.contains("knows of no login of the reference"), "{refused}");
}
