//! Our own stand-ins are as good as what they stand for only if software that knows the real ones takes them for real: client libraries that are
//! not ours log in through them, and read their errors.

use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_crypto::SystemClock;
use vestibule_testkit::stand_ins::{
    Registration,
    facebook::Facebook,
    github::{AppKind, Github},
    gitlab::Gitlab,
};
use vestibule_tests::{client_library, openid_client};

const ID: &str = "1234567890";
const SECRET: &str = "0123456789abcdef0123456789abcdef";
const CALLBACK: &str = "http://127.0.0.1:9/callback";

fn registration() -> Registration {
    Registration::new(ID, SECRET, CALLBACK)
}

/// `act` of a library, with what both sides know and `more`.
fn request(act: &str, common: &Value, more: &Value) -> Value {
    let mut request = json!({ "act": act, "client_id": ID, "client_secret": SECRET });
    for part in [common, more] {
        request.as_object_mut().expect("an object").extend(part.as_object().expect("an object").clone());
    }
    request
}

async fn passport(facebook: &Facebook, act: &str, callback: &str, more: &Value) -> Value {
    let url = facebook.url();
    let common = json!({ "facebook": url, "graph": url, "version": "v26.0", "callback": callback });
    client_library("passport_facebook.mjs", request(act, &common, more)).await
}

async fn at_facebook(facebook: &Facebook, login: Option<&str>, more: &Value) -> Value {
    let started = passport(facebook, "start", CALLBACK, &json!({})).await;
    let location = started["url"].as_str().unwrap_or_else(|| panic!("{started:#}"));
    let back = facebook.visit(location, login).expect("the dialog leads back");
    passport(facebook, "finish", back.as_str(), more).await
}

#[tokio::test]
async fn passport_logs_in_at_our_facebook_with_its_proof_of_the_secret() {
    let facebook = Facebook::start(registration(), Arc::new(SystemClock)).await;
    let alice = at_facebook(&facebook, Some("alice"), &json!({})).await;
    assert_eq!((&alice["displayName"], &alice["emails"]), (&json!("Alice Archer"), &json!([{"value": "alice@example.com"}])), "{alice:#}");
    let asked = facebook.seen().into_iter().find(|asked| asked.path == "/v26.0/me").expect("the library asked who it is");
    assert!(asked.parameter("appsecret_proof").is_some(), "our Facebook would have refused it without: {asked:?}");

    let pavel = at_facebook(&facebook, Some("pavel"), &json!({})).await;
    assert_eq!((&pavel["displayName"], &pavel["emails"]), (&json!("Pavel Petrov"), &Value::Null), "a telephone number alone: {pavel:#}");
}

#[tokio::test]
async fn passport_reads_the_errors_of_our_facebook() {
    let facebook = Facebook::start(registration(), Arc::new(SystemClock)).await;
    let wrong = at_facebook(&facebook, Some("alice"), &json!({ "client_secret": "another" })).await;
    assert_eq!((&wrong["failed"]["name"], &wrong["failed"]["code"]), (&json!("FacebookTokenError"), &json!(1)), "{wrong:#}");

    let refused = at_facebook(&facebook, None, &json!({})).await;
    assert_eq!(refused["failed"]["message"], "Permissions error", "{refused:#}");

    facebook
        .behaves(|manners| manners.fails_with = Some((4, None, "OAuthException".into(), "(#4) Application request limit reached".into())));
    let limited = at_facebook(&facebook, Some("alice"), &json!({})).await;
    assert_eq!((&limited["failed"]["name"], &limited["failed"]["code"]), (&json!("FacebookGraphAPIError"), &json!(4)), "{limited:#}");
}

/// <https://developers.facebook.com/docs/graph-api/guides/secure-requests>
#[tokio::test]
async fn our_facebook_takes_no_token_without_the_proof_and_none_that_was_taken_back() {
    let facebook = Facebook::start(registration(), Arc::new(SystemClock)).await;
    let token = at_facebook(&facebook, Some("alice"), &json!({})).await["accessToken"].as_str().expect("a token").to_owned();
    let get = async |path: &str| {
        let answer = reqwest::get(format!("{}{path}", facebook.url())).await.expect("it answers");
        let version = answer.headers().get("facebook-api-version").and_then(|version| version.to_str().ok()).map(str::to_owned);
        (answer.status().as_u16(), version, answer.json::<Value>().await.expect("JSON"))
    };
    let (status, version, body) = get(&format!("/v26.0/me?access_token={token}")).await;
    assert_eq!((status, version.as_deref(), &body["error"]["code"]), (400, Some("v26.0"), &json!(100)), "{body:#}");
    let (_, version, _) = get("/v3.2/me").await;
    assert_eq!(version.as_deref(), Some("v24.0"), "a version that is gone is answered by the oldest");

    let debug = format!("/debug_token?input_token={token}&access_token={ID}|{SECRET}");
    let (_, _, body) = get(&debug).await;
    assert_eq!((&body["data"]["is_valid"], &body["data"]["scopes"]), (&json!(true), &json!(["public_profile", "email"])), "{body:#}");
    facebook.forgets_the_app("alice");
    let (_, _, body) = get(&debug).await;
    assert_eq!((&body["data"]["is_valid"], &body["data"]["error"]["subcode"]), (&json!(false), &json!(458)), "{body:#}");
}

#[tokio::test]
async fn openid_client_logs_in_at_our_gitlab_refreshes_and_revokes() {
    let gitlab = Gitlab::start(registration(), Arc::new(SystemClock)).await;
    let at = async |act: &str, more: Value| openid_client(request(act, &json!({ "issuer": gitlab.url() }), &more)).await;

    let started = at("start", json!({ "redirect_uri": CALLBACK, "scope": "openid profile email" })).await;
    let back = gitlab.visit(started["url"].as_str().unwrap_or_else(|| panic!("{started:#}")), Some("alice")).expect("it leads back");
    let finish = json!({ "callback": back.as_str(), "kept": started["kept"] });
    let tokens = at("finish", finish.clone()).await;
    assert_eq!(tokens["claims"]["groups"], Value::Null, "the ID token has no groups of that name: {tokens:#}");
    assert_eq!(tokens["claims"]["groups_direct"], json!(["acme", "acme/platform", "friends"]));
    let again = at("finish", finish).await;
    assert_eq!(again["failed"]["error"], "invalid_grant", "a code works once: {again:#}");

    let userinfo = at("userinfo", json!({ "access_token": tokens["access_token"], "sub": "7" })).await;
    assert_eq!(userinfo["groups"], json!(["acme", "acme/platform", "friends"]), "{userinfo:#}");
    assert_eq!(userinfo["https://gitlab.org/claims/groups/owner"], json!(["acme"]));

    let renewed = at("refresh", json!({ "refresh_token": tokens["refresh_token"] })).await;
    assert_ne!(renewed["refresh_token"], tokens["refresh_token"], "{renewed:#}");
    let reused = at("refresh", json!({ "refresh_token": tokens["refresh_token"] })).await;
    assert_eq!(reused["failed"]["error"], "invalid_grant", "{reused:#}");
    let old = at("userinfo", json!({ "access_token": tokens["access_token"], "sub": "7" })).await;
    assert!(old["failed"].is_object(), "a refresh makes the old access token worthless too: {old:#}");

    let revoked = at("revoke", json!({ "token": renewed["refresh_token"] })).await;
    assert_eq!(revoked["revoked"], true, "{revoked:#}");
    let dead = at("userinfo", json!({ "access_token": renewed["access_token"], "sub": "7" })).await;
    assert!(dead["failed"].is_object(), "{dead:#}");
}

async fn octokit(github: &Github, act: &str, more: &Value) -> Value {
    client_library("octokit_login.mjs", request(act, &json!({ "api": github.api() }), more)).await
}

async fn at_github(github: &Github, scopes: &[&str], client_type: &str) -> Value {
    let kind = json!({ "client_type": client_type });
    let mut asked = json!({ "state": "s", "scopes": scopes, "redirect_uri": CALLBACK });
    asked.as_object_mut().expect("an object").extend(kind.as_object().expect("an object").clone());
    let started = octokit(github, "start", &asked).await;
    let back = github.visit(started["url"].as_str().unwrap_or_else(|| panic!("{started:#}")), Some("alice")).expect("it leads back");
    let code = back.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
    octokit(github, "finish", &json!({ "client_type": client_type, "code": code, "redirect_uri": CALLBACK })).await
}

#[tokio::test]
async fn octokit_logs_in_at_our_github_and_reads_every_page() {
    let github = Github::start(registration(), AppKind::OauthApp, Arc::new(SystemClock)).await;
    let found = at_github(&github, &["user:email", "read:org"], "oauth-app").await;
    assert_eq!((&found["user"]["id"], &found["user"]["email"]), (&json!(583_231), &Value::Null), "{found:#}");
    assert_eq!(found["emails"].as_array().map(Vec::len), Some(3), "{found:#}");
    let orgs: Vec<_> = found["orgs"].as_array().into_iter().flatten().map(|org| &org["login"]).collect();
    assert_eq!(orgs, ["acme", "friends", "zoo"], "more than one page");
    let teams: Vec<_> =
        found["teams"].as_array().into_iter().flatten().map(|team| (&team["organization"]["login"], &team["slug"])).collect();
    assert_eq!(teams.len(), 3, "{teams:?}");

    let token = &found["authentication"]["token"];
    assert_eq!(octokit(&github, "revoke", &json!({ "token": token })).await, json!({ "status": 204 }));
    assert_eq!(octokit(&github, "revoke", &json!({ "token": token })).await["failed"]["status"], 404);

    let poor = at_github(&github, &[], "oauth-app").await;
    assert_eq!(poor["failed"]["status"], 404, "addresses want their scope: {poor:#}");
    let wrong = octokit(&github, "finish", &json!({ "code": "made-up", "redirect_uri": CALLBACK })).await;
    let message = wrong["failed"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("bad_verification_code"), "an error with status 200: {wrong:#}");
}

#[tokio::test]
async fn octokit_refreshes_the_tokens_of_a_github_app() {
    let github = Github::start(registration(), AppKind::GithubApp, Arc::new(SystemClock)).await;
    let found = at_github(&github, &[], "github-app").await;
    let old = found["authentication"]["refreshToken"].clone();
    assert!(old.is_string(), "{found:#}");
    let renewed = octokit(&github, "refresh", &json!({ "token": old })).await;
    assert_ne!(renewed["refreshToken"], old, "{renewed:#}");
    let reused = octokit(&github, "refresh", &json!({ "token": old })).await;
    assert!(reused["failed"]["message"].as_str().is_some_and(|message| message.contains("bad_refresh_token")), "{reused:#}");
}
