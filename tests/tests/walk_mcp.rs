//! The authorization of MCP (revision 2026-07-28) with an MCP client and server that are not ours: npm `@modelcontextprotocol/sdk`. The client knows
//! the server's address and nothing else; it is turned away, discovers, makes itself known, and calls a tool in the end.

use serde_json::{Value, json};
use vestibule_tests::{ADMIN_KEY, House, HouseOptions, Neighbours, Person, Program, Upstream, client_library, free_port, node};

const CALLBACK: &str = "https://app.example.com/cb";

struct Mcp {
    house: House,
    _upstream: Upstream,
    server: Program,
    document: String,
}

/// A gateway that apps may come to by themselves, and an MCP server that trusts it.
async fn mcp(registration: &str) -> Mcp {
    let (port, document_port) = (free_port(), free_port());
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate can be made");
    let folder = tempfile::tempdir().expect("a folder for the root");
    let root = folder.path().join("root.pem");
    std::fs::write(&root, certificate.cert.pem()).expect("the root can be written");
    let extra =
        format!("[registration]\nscopes = [\"openid\", \"profile\"]\naudiences = [\"http://127.0.0.1:{port}/mcp\"]\n{registration}\n");
    let options = HouseOptions { extra, ..HouseOptions::default() };
    let (house, upstream) = House::start_among(options, async |gateway: &str| {
        let upstream = Upstream::start(gateway);
        let addresses = [upstream.issuer().to_owned(), format!("http://localhost:{document_port}")];
        let neighbours = Neighbours::default().with(&upstream.section("acme", ""), &addresses.each_ref().map(String::as_str));
        (neighbours.reached(&format!("extra_roots_file = {:?}", root.display().to_string())), upstream)
    })
    .await;
    let server = Program::start(node(
        "mcp.mjs",
        &json!({
            "act": "serve", "issuer": house.issuer, "port": port, "document_port": document_port, "redirect_uri": CALLBACK,
            "certificate": certificate.cert.pem(), "key": certificate.signing_key.serialize_pem(),
        }),
    ));
    Mcp { house, _upstream: upstream, server, document: format!("https://localhost:{document_port}/client.json") }
}

async fn agent(more: Value) -> Value {
    client_library("mcp.mjs", more).await
}

/// From the server's address to an answer of its tool.
async fn calls_a_tool(mcp: &Mcp, document: Option<&str>) -> Value {
    let started = agent(json!({ "act": "start", "server": mcp.server.url, "redirect_uri": CALLBACK, "document": document })).await;
    let url: url::Url = started["url"].as_str().unwrap_or_else(|| panic!("{started:#}")).parse().expect("an address");
    let asked: std::collections::BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(asked.get("resource"), Some(&mcp.server.url), "RFC 8707: {url}");
    let landed = Person::named("alice").walks(url, CALLBACK).await;
    assert_eq!(landed.parameter("iss").as_deref(), Some(mcp.house.issuer.as_str()), "RFC 9207");
    let finish = json!({
        "act": "finish", "server": mcp.server.url, "redirect_uri": CALLBACK, "document": document, "kept": started, "code": landed.code(),
    });
    let finished = agent(finish).await;
    assert_eq!((&finished["outcome"], &finished["refreshed"]), (&json!("AUTHORIZED"), &json!(true)), "{finished:#}");
    for answer in ["first", "second"] {
        assert_eq!(finished[answer]["aud"], json!(mcp.server.url), "the token is for this server alone: {finished:#}");
        assert_eq!(finished[answer]["scope"], "openid profile");
    }
    finished
}

#[tokio::test]
async fn an_mcp_client_that_is_known_by_its_metadata_document_calls_a_tool() {
    let mcp = mcp("metadata_documents = true").await;
    let finished = calls_a_tool(&mcp, Some(&mcp.document)).await;
    assert_eq!(finished["first"]["client_id"], json!(mcp.document));
    let issued = mcp.house.audit().into_iter().filter(|event| event["client"] == json!(mcp.document)).count();
    assert!(issued >= 2, "what it did is in the audit log under its address");
}

#[tokio::test]
async fn an_mcp_client_that_registers_itself_calls_a_tool() {
    let mcp = mcp("mode = \"open\"").await;
    let finished = calls_a_tool(&mcp, None).await;
    let id = finished["kept"]["client"]["client_id"].as_str().expect("a client id");
    assert_eq!(finished["first"]["client_id"], json!(id));
    let shown = reqwest::Client::builder().no_proxy().build().expect("a client can be made");
    let shown = shown.get(format!("{}/api/v1/clients/{id}", mcp.house.issuer)).bearer_auth(ADMIN_KEY).send().await.expect("an answer");
    let shown: Value = shown.json().await.expect("JSON");
    assert_eq!((&shown["registered_by"], &shown["token_endpoint_auth_method"]), (&json!("dynamic"), &json!("none")), "{shown:#}");
}
