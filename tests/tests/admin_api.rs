//! The admin API held to its document by software that knows nothing but the document.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::{Value, json};
use vestibule_tests::{ADMIN_KEY, Client, House, HouseOptions, Neighbours, Person, Upstream, binary, openapi_tool, project};

async fn house(extra: &str) -> House {
    let options = HouseOptions { extra: extra.to_owned(), ..HouseOptions::default() };
    House::start_among(options, async |_: &str| (Neighbours::default(), ())).await.0
}

async fn output(mut command: Command) -> (bool, String) {
    let shown = format!("{command:?}");
    let done = tokio::task::spawn_blocking(move || command.output()).await.expect("it does not panic");
    let done = done.unwrap_or_else(|error| panic!("{error}: tests/run installs what this needs: {shown}"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.success(), format!("{}{}", text(&done.stdout), text(&done.stderr)))
}

/// The values of a path's parameters that somebody is behind, by the parameter's name.
type Known = BTreeMap<&'static str, Vec<String>>;

async fn listed(house: &House, path: &str, member: &str) -> Vec<String> {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = client.get(format!("{}/api/v1{path}", house.issuer)).bearer_auth(ADMIN_KEY).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    let items = answer["items"].as_array().unwrap_or_else(|| panic!("{path}: {answer:#}"));
    items.iter().filter_map(|item| Some(item[member].as_str()?.to_owned())).collect()
}

async fn known(house: &House, client: &Client) -> Known {
    let accounts = listed(house, "/accounts", "id").await;
    Known::from([
        ("client_id", vec![client.client_id.clone()]),
        ("provider_id", vec!["acme".to_owned()]),
        ("session_id", listed(house, "/sessions", "id").await),
        ("grant_id", listed(house, "/grants", "id").await),
        ("link_id", listed(house, &format!("/accounts/{}/links", accounts[0]), "id").await),
        ("event_id", listed(house, "/audit-events", "id").await),
        ("reference", listed(house, "/audit-events?event=login.succeeded", "login").await),
        ("account_id", accounts),
    ])
}

/// The tool's configuration: what reads asks about somebody who stays, what changes about others, mostly; sometimes both make something up.
fn configuration(staying: &Known, others: &Known) -> String {
    let dictionaries = |who: &str, known: &Known| {
        let each = known.iter().map(|(name, values)| format!("[dictionaries.{who}_{name}]\nvalues = {values:?}\n"));
        each.collect::<Vec<_>>().concat()
    };
    let parameters = |who: &str, known: &Known| {
        let each = known.keys().map(|name| format!("\"path.{name}\" = {{ dictionary = \"{who}_{name}\", probability = 0.7 }}\n"));
        each.collect::<Vec<_>>().concat()
    };
    [
        dictionaries("others", others),
        dictionaries("staying", staying),
        "[parameters]\n".to_owned(),
        parameters("others", others),
        "[[operations]]\ninclude-method = \"GET\"\n[operations.parameters]\n".to_owned(),
        parameters("staying", staying),
    ]
    .concat()
}

/// A house in which somebody signed in who stays, and others who may go, with the tool's configuration that knows of them.
async fn lived_in(extra: &str) -> (House, Upstream, String) {
    const CALLBACK: &str = "http://127.0.0.1:9/callback";
    let options = HouseOptions { extra: extra.to_owned(), ..HouseOptions::default() };
    let (house, upstream) = House::start_with(options, Upstream::start).await;
    let (app, other_app) = (house.register_app(CALLBACK).await, house.register_app(CALLBACK).await);
    Person::named("steady").gets_tokens(&house, &app, CALLBACK).await;
    let staying = known(&house, &app).await;
    for (name, app) in [("dan", &app), ("eve", &app), ("fred", &other_app)] {
        Person::named(name).gets_tokens(&house, app, CALLBACK).await;
    }
    let mut others = known(&house, &other_app).await;
    for (name, values) in &mut others {
        values.retain(|value| !staying[name].contains(value));
    }
    others.retain(|_, values| !values.is_empty());
    let configuration = configuration(&staying, &others);
    (house, upstream, configuration)
}

/// What was read, by the tool's own record: the paths that a GET found something at.
fn read(folder: &Path) -> BTreeSet<String> {
    let report = std::fs::read_dir(folder).expect("a folder").next().expect("a report").expect("a file").path();
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).expect("text")).expect("JSON");
    let entries = report["log"]["entries"].as_array().expect("a list").iter();
    let found = entries.filter(|entry| entry["request"]["method"] == "GET" && entry["response"]["status"] == 200);
    found.filter_map(|entry| Some(entry["request"]["url"].as_str()?.split_once("/api/v1")?.1.to_owned())).collect()
}

/// schemathesis asks whatever the document allows, and much that it does not, of a house in which people are at home: no answer is a server's error,
/// none is undocumented in its status, type or form, and nothing is let in without a key or with a wrong one.
#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    // No limit, or the tool would see nothing else.
    let (house, _upstream, configuration) = lived_in("[limits]\nadmin_per_key = 0\n").await;
    // What it notes of its runs goes into the folder that it is started in.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schemathesis.toml"), configuration).unwrap();
    let mut command = openapi_tool("schemathesis");
    command
        .current_dir(folder.path())
        .args(["run", &format!("{}/api/v1/openapi.json", house.issuer), "--url", &format!("{}/api/v1", house.issuer)])
        .args(["-H", &format!("Authorization: Bearer {ADMIN_KEY}"), "--seed", "20261126", "--generation-deterministic"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,\
             ignored_auth",
        ])
        .args(["--report", "har", "--report-dir", "report"])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "15",
            "--workers",
            // Several trip over CPython's parser, which counts its depth for all threads together.
            "1",
            "--no-color",
            "--suppress-health-check",
            "all",
        ]);
    let (well, text) = output(command).await;
    assert!(well, "{text}");
    let read = read(&folder.path().join("report"));
    for path in ["/accounts/", "/sessions/", "/grants/", "/logins/", "/audit-events/", "/clients/", "/providers/"] {
        assert!(read.iter().any(|found| found.starts_with(path)), "nothing was found at {path}: {read:#?}");
    }
}

/// An app is registered, gets another secret beside its first, and is deleted, by a client that was generated.
#[tokio::test]
async fn a_generated_client_registers_an_app_changes_its_secret_and_deletes_it() {
    let house = house("").await;
    let folder = tempfile::tempdir().unwrap();
    let mut command = openapi_tool("python");
    command.arg(project().join("tests/bench/openapi_client.py")).arg(folder.path()).args([
        &format!("{}/api/v1/openapi.json", house.issuer),
        &format!("{}/api/v1", house.issuer),
        ADMIN_KEY,
    ]);
    let (well, text) = output(command).await;
    assert!(well, "{text}");
    let mut told: Value = serde_json::from_str(text.lines().last().unwrap_or_default()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let secrets = told["secrets"].take();
    let ends: Vec<_> = secrets.as_array().unwrap().iter().map(|secret| secret[1].as_bool().unwrap()).collect();
    assert_eq!(ends, [true, false], "the first has an end, the new one has none");
    assert_eq!(
        told,
        json!({
            "warnings": 0,
            "created": [201, "RegisteredClient", "made", true],
            "rotated": [201, "NewSecret", true],
            "secrets": null,
            "deleted": 204,
            "gone": [404, "Problem", "not_found"],
        })
    );
}

/// Where it has a listener of its own, the main one knows nothing of it.
#[tokio::test]
async fn on_a_listener_of_its_own_it_answers_there_and_nowhere_else() {
    let port = vestibule_tests::free_port();
    let options = HouseOptions { admin: format!("address = \"127.0.0.1:{port}\""), ..HouseOptions::default() };
    let house = House::start_among(options, async |_: &str| (Neighbours::default(), ())).await.0;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let status = async |url: String| {
        let asked = client.get(&url).bearer_auth(ADMIN_KEY).send().await.unwrap();
        (asked.status().as_u16(), asked.text().await.unwrap())
    };
    let (there, elsewhere) =
        (status(format!("http://127.0.0.1:{port}/api/v1/clients")).await, status(format!("{}/api/v1/clients", house.issuer)).await);
    assert_eq!((there.0, elsewhere.0), (200, 404), "{} {}", there.1, elsewhere.1);
    assert_eq!(status(format!("{}/api/v1/openapi.json", house.issuer)).await.0, 404);
    assert_eq!(status(format!("http://localhost:{port}/api/v1/openapi.json")).await.0, 200, "under whatever name");
    let (code, problem) = status(format!("http://127.0.0.1:{port}/authorize")).await;
    assert_eq!((code, problem.contains("no_such_address")), (404, true), "{problem}");
    assert_eq!(status(format!("{}/console/sign-in", house.issuer)).await.0, 404);
    assert_eq!(status(format!("http://localhost:{port}/console/sign-in")).await.0, 200, "the console is there too");
    assert_eq!(status(format!("{}/.well-known/openid-configuration", house.issuer)).await.0, 200);
}

/// Under whatever name the console is called there: its forms are its own, and a key for a few scopes opens no more than they say.
#[tokio::test]
async fn on_a_listener_of_its_own_the_console_opens_to_a_key_for_a_few_scopes() {
    let port = vestibule_tests::free_port();
    let options = HouseOptions { admin: format!("address = \"127.0.0.1:{port}\""), ..HouseOptions::default() };
    let house = House::start_among(options, async |_: &str| (Neighbours::default(), ())).await.0;
    let mut command = Command::new(binary());
    command.args(["console-key", "--scope", "clients:read", "--scope", "keys:read", "--config"]).arg(house.folder().join("vestibule.toml"));
    let (well, link) = output(command).await;
    assert!(well, "{link}");
    let key = link.lines().find_map(|line| line.split_once("/console/key?key=")).unwrap_or_else(|| panic!("{link}")).1.to_owned();
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let door = format!("http://localhost:{port}");
    let enter = async |origin: &str| {
        client.post(format!("{door}/console/key")).header("origin", origin).form(&[("key", &key)]).send().await.unwrap()
    };
    assert_eq!(enter("http://elsewhere.example").await.status(), 403);
    let opened = enter(&door).await;
    assert_eq!(opened.status(), 303);
    let cookie = opened.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let page = async |path: &str| {
        let shown = client.get(format!("{door}/console{path}")).header("cookie", &cookie).send().await.unwrap();
        (shown.status().as_u16(), shown.text().await.unwrap())
    };
    assert_eq!((page("/apps").await.0, page("/keys").await.0), (200, 200));
    let (status, text) = page("/providers").await;
    assert!(status == 403 && text.contains("It needs the scope providers:read, which you do not have."), "{status} {text}");
}
