//! The admin API held to its document by software that knows nothing but the document.

use std::process::Command;

use serde_json::{Value, json};
use vestibule_tests::{ADMIN_KEY, House, HouseOptions, Neighbours, binary, openapi_tool, project};

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

/// schemathesis asks whatever the document allows, and much that it does not: no answer is a server's error, none is undocumented in its status, type
/// or form, and nothing is let in without a key.
#[tokio::test]
async fn every_answer_is_as_the_document_says() {
    // No limit, or the tool would see nothing else.
    let house = house("[limits]\nadmin_per_key = 0\n").await;
    // What it notes of its runs goes into the folder that it is started in.
    let folder = tempfile::tempdir().unwrap();
    let mut command = openapi_tool("schemathesis");
    command
        .current_dir(folder.path())
        .args(["run", &format!("{}/api/v1/openapi.json", house.issuer), "--url", &format!("{}/api/v1", house.issuer)])
        .args(["-H", &format!("Authorization: Bearer {ADMIN_KEY}"), "--seed", "20261126", "--generation-deterministic"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance",
        ])
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
