//! `vestibule apply` and `vestibule import` at a running gateway: what they say they would do, what they do, and what they leave alone.

use serde_json::{Value, json};
use vestibule_tests::{Desk, project, said_in as text};

const GRAFANA: &str = "client_name = \"Grafana\"\nredirect_uris = [\"https://grafana.example.com/login/generic_oauth\"]\n";
const WIKI: &str = "clients:\n- client_id: wiki\n  client_name: Wiki\n  redirect_uris: [https://wiki.example.com/cb]\n  consent: remembered\n\
                    - client_id: cli\n  client_name: The command line\n  token_endpoint_auth_method: none\n  redirect_uris: [http://127.0.0.1/cb]\n";

/// A plan without what differs from run to run.
fn plan(desk: &Desk, said: &str) -> String {
    said.replace(&desk.house.issuer, "https://sso.example.com").replace(&desk.house.folder().display().to_string(), "")
}

#[tokio::test]
async fn files_are_planned_applied_found_done_changed_and_pruned() {
    let desk = Desk::open().await;
    let folder = desk.house.folder().join("clients.d").display().to_string();
    desk.file("clients.d/grafana.toml", GRAFANA);
    desk.file("clients.d/more.yaml", WIKI);
    let apply = ["apply", "-f", &folder];
    let said = desk.said(&[&apply[..], &["--dry-run"]].concat());
    insta::assert_snapshot!(plan(&desk, &said), @r#"
    https://sso.example.com, in the name of files:

      + client grafana    (/clients.d/grafana.toml)
          client_name    "Grafana"
          redirect_uris  ["https://grafana.example.com/login/generic_oauth"]

      + client wiki    (/clients.d/more.yaml)
          client_name    "Wiki"
          consent        "remembered"
          redirect_uris  ["https://wiki.example.com/cb"]

      + client cli    (/clients.d/more.yaml)
          client_name                 "The command line"
          redirect_uris               ["http://127.0.0.1/cb"]
          token_endpoint_auth_method  "none"

    Plan: 3 to add, 0 to change, 0 to remove.
    "#);
    assert_eq!(desk.json(&["client", "list"]), json!([]), "nothing was done");
    let would = desk.run(&[&apply[..], &["--dry-run", "--detailed-exitcode"]].concat());
    assert_eq!(would.status.code(), Some(3), "{}", text(&would.stderr));
    assert!(desk.refused(&apply).contains("nobody is there to be asked: Do this?"), "nobody said yes");

    let secrets = desk.house.folder().join("secrets");
    let secrets_dir = secrets.display().to_string();
    let done = desk.said(&[&apply[..], &["--yes", "--secrets-dir", &secrets_dir]].concat());
    assert!(done.ends_with("\nDone: 3 added, 0 changed, 0 removed.\n"), "{done}");
    let mut made: Vec<_> = std::fs::read_dir(&secrets)
        .expect("a folder")
        .map(|file| file.expect("a file").file_name().into_string().expect("a name"))
        .collect();
    made.sort();
    assert_eq!(made, ["grafana.secret", "wiki.secret"], "the public client has none");
    let client = vestibule_tests::Client {
        client_id: "grafana".into(),
        client_secret: std::fs::read_to_string(secrets.join("grafana.secret")).expect("a secret"),
    };
    assert!(!done.contains(&client.client_secret) && !done.contains("shown this once"), "a secret that has a file is not shown: {done}");
    assert_eq!(desk.house.post_as_named(&client, "/introspect", &[("token", "x")]).await.0.as_u16(), 200, "the secret works");

    let again = desk.run(&[&apply[..], &["--dry-run", "--detailed-exitcode"]].concat());
    assert_eq!((again.status.code(), text(&again.stdout)), (Some(0), "Nothing to do: all 3 are as the files say.\n".to_owned()));

    desk.file(
        "clients.d/grafana.toml",
        &GRAFANA.replace("generic_oauth\"]", "generic_oauth\", \"https://g2.example.com/cb\"]\nconsent = \"always\""),
    );
    desk.file("clients.d/more.yaml", WIKI.replace("  consent: remembered\n", "").split("- client_id: cli").next().expect("a part"));
    insta::assert_snapshot!(plan(&desk, &desk.said(&[&apply[..], &["--dry-run"]].concat())), @r#"
    https://sso.example.com, in the name of files:

      ~ client grafana    (/clients.d/grafana.toml)
          consent        "implicit" → "always"
          redirect_uris  + "https://g2.example.com/cb"

      ~ client wiki    (/clients.d/more.yaml)
          consent  "remembered" → "implicit"

    In no file any more, and left as they are without --prune: client cli

    Plan: 0 to add, 2 to change, 0 to remove.
    "#);
    insta::assert_snapshot!(plan(&desk, &desk.said(&[&apply[..], &["--dry-run", "--prune"]].concat())), @r#"
    https://sso.example.com, in the name of files:

      ~ client grafana    (/clients.d/grafana.toml)
          consent        "implicit" → "always"
          redirect_uris  + "https://g2.example.com/cb"

      ~ client wiki    (/clients.d/more.yaml)
          consent  "remembered" → "implicit"

      - client cli    (stands in no file any more)

    Plan: 0 to add, 2 to change, 1 to remove.
    "#);
    let done = desk.json(&[&apply[..], &["--yes", "--prune"]].concat());
    assert_eq!((&done["done"], &done["change"], &done["remove"]), (&json!(true), &json!(2), &json!(1)), "{done:#}");
    let ids: Vec<_> = desk.json(&["client", "list"]).as_array().expect("a list").iter().map(|client| client["client_id"].clone()).collect();
    assert_eq!(ids, ["grafana", "wiki"]);
    assert_eq!(desk.json(&["client", "show", "wiki"])["consent"], "implicit", "what a file leaves out takes its default");

    // In trouble somebody shuts it, and no file opens it again by saying nothing of it.
    desk.said(&["client", "update", "wiki", "--set", "disabled=true"]);
    let said = desk.said(&[&apply[..], &["--yes"]].concat());
    assert_eq!(
        said,
        "Disabled by somebody, and left so until a file says disabled = false: client wiki\n\nNothing to do: all 2 are as the files say.\n"
    );
    assert_eq!(desk.json(&["client", "show", "wiki"])["disabled"], true);
    assert!(desk.refused(&["client", "update", "wiki", "--set", "disabled=false"]).contains("files"), "it is theirs to open");
}

#[tokio::test]
async fn what_others_keep_is_left_to_them_and_what_nobody_keeps_is_taken_over() {
    let desk = Desk::open().await;
    let file = desk.file("grafana.toml", GRAFANA);
    let apply = |name: &'static str| ["apply", "-f", &file, "--managed-by", name, "--yes"].map(str::to_owned);
    let run = |arguments: &[String], more: &[&str]| {
        let all: Vec<_> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        desk.run(&all)
    };
    desk.said(&["client", "create", "grafana", "--name", "Grafana", "--redirect-uri", "https://grafana.example.com/login/generic_oauth"]);
    desk.said(&["client", "create", "by-hand", "--redirect-uri", "https://hand.example.com/cb"]);
    let taken = run(&apply("web"), &["--prune"]);
    assert!(text(&taken.stdout).contains("managed_by  \"web\"\n"), "{}{}", text(&taken.stdout), text(&taken.stderr));
    let kept = desk.json(&["client", "show", "grafana"])["managed_by"].clone();
    assert_eq!(kept, "web");
    let other = run(&apply("ops"), &[]);
    assert_eq!(other.status.code(), Some(1));
    assert!(text(&other.stdout).contains("! the files of web keep it; --force takes it over\n"), "{}", text(&other.stdout));
    assert!(run(&apply("ops"), &["--force"]).status.success());
    assert_eq!(desk.json(&["client", "show", "grafana"])["managed_by"], "ops");
    let empty = desk.file("empty.json", "{\"clients\": []}");
    desk.said(&["apply", "-f", &empty, "--managed-by", "web", "--prune", "--yes"]);
    let prune = ["apply", "-f", &empty, "--managed-by", "ops", "--prune", "--yes"];
    // Most of what a set kept does not go by a yes that a script always says, and nothing does where no file was read.
    let most = desk.refused(&prune);
    assert!(most.contains("1 of 1 that ops kept would be removed. Say --removals 1 if it is what you want"), "{most}");
    assert!(desk.refused(&[&prune[..], &["--removals", "2"]].concat()).contains("--removals says 2; nothing was done"));
    std::fs::create_dir(desk.house.folder().join("nothing")).expect("a folder");
    let nothing = desk.house.folder().join("nothing").display().to_string();
    let wrong = desk.refused(&["apply", "-f", &nothing, "--managed-by", "ops", "--prune", "--yes", "--removals", "1"]);
    assert!(wrong.contains("no file was read"), "{wrong}");
    assert_eq!(desk.json(&["client", "list"]).as_array().map(Vec::len), Some(2), "nothing was removed");
    assert!(desk.said(&[&prune[..], &["--removals", "1"]].concat()).contains("- client grafana"));
    let left = desk.json(&["client", "list"]);
    assert_eq!(
        (left.as_array().map(Vec::len), &left[0]["client_id"]),
        (Some(1), &json!("by-hand")),
        "what nobody's files kept is nobody's to prune"
    );
}

#[tokio::test]
async fn what_is_wrong_is_said_before_anything_is_done() {
    let desk = Desk::open().await;
    desk.file("d/a.toml", GRAFANA);
    desk.file("d/b.toml", "client_name = \"B\"\nredirect_uris = [\"https://b.example.com/cb\"]\nredirect_uri = \"x\"\n");
    let folder = desk.house.folder().join("d").display().to_string();
    let output = desk.run(&["apply", "-f", &folder, "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("! redirect_uri is not a field; did you mean redirect_uris?"), "{said}");
    assert_eq!(desk.json(&["client", "list"]), json!([]), "not even what is good");

    desk.file("d/b.toml", "client_name = \"B\"\nredirect_uris = [\"http://b.example.com/cb\"]\n");
    desk.file("d/c.toml", &GRAFANA.replace("Grafana", "C"));
    // What the gateway would refuse is seen in the plan, by its own word.
    let output = desk.run(&["apply", "-f", &folder, "--yes"]);
    let said = text(&output.stdout);
    assert!(output.status.code() == Some(1) && said.contains("      ! /redirect_uris/0 "), "{said}");
    assert_eq!(desk.json(&["client", "list"]), json!([]), "not even what is good");
    desk.file("d/b.toml", "client_name = \"B\"\nredirect_uris = [\"https://b.example.com/cb\"]\n");
    assert!(desk.said(&["apply", "-f", &folder, "--yes"]).contains("Plan: 3 to add, 0 to change, 0 to remove."));
    assert_eq!(desk.said(&["apply", "-f", &folder, "--yes"]), "Nothing to do: all 3 are as the files say.\n");
}

#[tokio::test]
async fn a_provider_of_a_file_is_made_with_its_secret_before_the_app_that_names_it() {
    let desk = Desk::open().await;
    desk.file("d/corp.secret", "given-by-corp\n");
    let provider = "[[providers]]\nid = \"corp\"\npreset = \"oidc\"\nlabel = \"Corp\"\nissuer = \"https://login.corp.example\"\n\
                    client_id = \"vestibule\"\nclient_secret_file = \"corp.secret\"\n";
    let app = "[[clients]]\nclient_id = \"app\"\nclient_name = \"App\"\nredirect_uris = [\"https://app.example.com/cb\"]\nallowed_providers = [\"corp\"]\n";
    let file = desk.file("d/all.toml", &format!("{app}{provider}"));
    let said = desk.said(&["apply", "-f", &file, "--yes"]);
    assert!(said.contains("+ provider corp") && said.contains("client_secret  \"(secret)\"") && !said.contains("given-by-corp"), "{said}");
    let made = desk.json(&["provider", "show", "corp"]);
    assert_eq!((&made["managed_by"], &made["secrets"]), (&json!({ "kind": "apply", "name": "files" }), &json!(["client_secret"])));
    assert!(desk.refused(&["provider", "update", "corp", "--set", "label=X"]).contains("The files of files keep this"));
    assert_eq!(desk.said(&["apply", "-f", &file, "--yes"]), "Nothing to do: all 2 are as the files say.\n");
    desk.file("d/all.toml", &format!("{app}{}", provider.replace("\"Corp\"", "\"The corp\"")));
    assert!(desk.said(&["apply", "-f", &file, "--yes"]).contains("label  \"Corp\" → \"The corp\""));
    // Another secret is seen by the gateway alone, which has the one before.
    desk.file("d/corp.secret", "given-by-corp-anew\n");
    let said = desk.said(&["apply", "-f", &file, "--yes"]);
    assert!(said.contains("client_secret  \"(secret)\" → \"(another secret)\"") && !said.contains("given-by-corp"), "{said}");
    // An app that names a provider which is yet to come is tried without it, and what is wrong with it besides is still seen.
    let other = provider.replace("id = \"corp\"", "id = \"new\"");
    let both = app.replace("[\"corp\"]", "[\"corp\", \"new\"]");
    desk.file("d/all.toml", &format!("{}{provider}{other}", both.replace("\"App\"", "\"Apps\"")));
    let said = desk.said(&["apply", "-f", &file, "--dry-run"]);
    assert!(said.contains("client_name        \"App\" → \"Apps\"") && said.contains("allowed_providers  + \"new\""), "{said}");
    desk.file("d/all.toml", &format!("{}{provider}{other}", both.replace("https://app", "http://app")));
    let said = text(&desk.run(&["apply", "-f", &file, "--dry-run"]).stdout);
    assert!(said.contains("! /redirect_uris/0 ") && !said.contains("! /allowed_providers"), "{said}");
    let empty = desk.file("d/empty.json", "{\"clients\": [], \"providers\": []}");
    let gone = desk.said(&["apply", "-f", &empty, "--prune", "--yes", "--removals", "2"]);
    assert!(gone.find("- client app").zip(gone.find("- provider corp")).is_some_and(|(app, corp)| app < corp), "{gone}");
}

#[tokio::test]
async fn apps_of_other_gateways_are_registered_with_what_carries_over() {
    let desk = Desk::open().await;
    let fixture = |name: &str| project().join("tests/imports").join(name).display().to_string();
    for (format, file, ready, registered) in [
        ("dex", "dex.yaml", 3, &["argo-cd", "argo-cd-cli", "grafana"][..]),
        ("hydra", "hydra.json", 2, &["c2f5b3f0-8c0a-4f52-9e0f-2d8f2c1b7a90", "worker"][..]),
        ("oauth2-proxy", "oauth2-proxy.cfg", 1, &["oauth2-proxy"][..]),
        ("keycloak", "keycloak.json", 2, &["wiki", "mobile"][..]),
    ] {
        let file = fixture(file);
        let tried = desk.run(&["import", format, &file, "--dry-run"]);
        let said = text(&tried.stdout);
        assert!(said.contains(&format!("Import: {ready} to register, 0 there already, ")) && said.contains("Nothing was done."), "{said}");
        let done = desk.run(&["import", format, &file, "--yes", "--json"]);
        let report: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(&done.stderr)));
        let made: Vec<_> =
            report["clients"].as_array().expect("clients").iter().filter(|client| client["outcome"] == "registered").collect();
        assert_eq!(made.iter().map(|client| client["client_id"].as_str().expect("an id")).collect::<Vec<_>>(), registered, "{report:#}");
        for id in registered {
            let client = desk.json(&["client", "show", id]);
            let confidential = client["token_endpoint_auth_method"] != "none";
            assert_eq!(report["secrets"].get(id).is_some(), confidential, "{id}");
        }
        let again = desk.run(&["import", format, &file, "--yes"]);
        assert!(
            text(&again.stdout).contains(&format!("{} is there already, and stays as it is\n", registered[0])),
            "{}",
            text(&again.stdout)
        );
    }
    let mobile = desk.json(&["client", "show", "mobile"]);
    assert_eq!((&mobile["disabled"], &mobile["require_pkce"]), (&json!(true), &json!(true)));
    let wiki = desk.json(&["client", "show", "wiki"]);
    assert_eq!(wiki["redirect_uris"], json!(["https://wiki.example.com/oidc/callback"]), "a pattern is not taken");
}
