use serde_json::{Value, json};
use vestibule_domain::provider::{Departure, Phase};
use vestibule_providers::preset::preset;

use crate::{
    bench::{Bench, departure, rule, text},
    upstream::value,
};

async fn bench(own: Value) -> Bench {
    let mut settings = json!({
        "authorization_endpoint": "{base}/oauth2/authorize",
        "token_endpoint": "{base}/api/oauth2/token",
        "revocation_endpoint": "{base}/api/oauth2/token/revoke",
        "userinfo_endpoint": "{base}/api/v10/users/@me",
        "lists": [{"endpoint": "{base}/api/v10/users/@me/guilds?limit=200", "claim": "organizations", "item": "{/id}", "scope": "guilds"}]
    });
    settings.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    let bench = Bench::new("discord", settings).await;
    bench.upstream.says(&["token", "me", "guilds"]);
    bench
}

#[tokio::test]
async fn somebody_signs_in() {
    let bench = bench(json!({})).await;
    let arrival = bench.sign_in().await.unwrap();
    assert_eq!((arrival.issuer.as_str(), arrival.subject.as_str()), ("https://discord.com", "80351110224678912"));
    let profile = bench.profile_of(&arrival);
    assert_eq!((profile.name.as_deref(), profile.preferred_username.as_deref()), (Some("Nelly"), Some("nelly")));
    let picture = "https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png";
    assert_eq!(profile.picture.as_deref(), Some(picture));
    assert_eq!((profile.email.as_deref(), profile.email_verified), (Some("nelly@discord.example"), true));
    assert!(bench.upstream.last("POST /api/oauth2/token").header("authorization").unwrap().starts_with("Basic "));
}

#[tokio::test]
async fn verified_is_what_discord_calls_an_address_that_is() {
    let bench = bench(json!({})).await;
    bench.upstream.says(&["me_unverified"]);
    assert!(!bench.profile().await.email_verified);
    bench.upstream.says(&["me_without_email"]);
    let profile = bench.profile().await;
    assert_eq!((profile.email, profile.email_verified, profile.picture), (None, false, None));
    assert_eq!(profile.name.as_deref(), Some("nelly"), "who has no other name is called by the one they sign in with");
}

#[tokio::test]
async fn consent_is_skipped_unless_somebody_should_choose_or_prove_something() {
    let bench = bench(json!({})).await;
    assert_eq!(value(&bench.departs(&departure()).await, "prompt"), Some("none"));
    for wish in [Departure { fresh: true, ..departure() }, Departure { select_account: true, ..departure() }] {
        assert_eq!(value(&bench.departs(&wish).await, "prompt"), Some("consent"));
    }
}

#[tokio::test]
async fn guilds_are_organizations_where_they_are_asked_for() {
    let with = bench(json!({"scopes": ["identify", "email", "guilds"]})).await;
    assert_eq!(with.sign_in().await.unwrap().claims["organizations"], json!(["80351110224678912", "197038439483310086"]));
    let without = bench(json!({})).await;
    assert!(!without.sign_in().await.unwrap().claims.contains_key("organizations"));
    assert!(without.upstream.asked("GET /api/v10/users/@me/guilds").is_empty());
    let list = &preset("discord").unwrap().settings["lists"][0];
    assert_eq!((&list["item"], &list["scope"]), (&json!("{/id}"), &json!("guilds")));
}

#[tokio::test]
async fn tokens_are_renewed_as_a_pair_and_denied_when_they_are_spent() {
    let bench = bench(json!({"keep_tokens": true})).await;
    let arrival = bench.sign_in().await.unwrap();
    bench.upstream.says(&["token_renewed"]);
    let renewed = bench.refresh(&arrival).await.unwrap();
    assert_eq!(text(renewed.tokens.refresh_token.as_ref()), Some("renewed-refresh"));
    bench.upstream.says(&["token_invalid_grant"]);
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "denied"));
}

#[tokio::test]
async fn rfc_7009_section_2_1_tokens_are_given_back() {
    let bench = bench(json!({})).await;
    let tokens = bench.sign_in().await.unwrap().tokens;
    bench.upstream.says(&["revoked"]);
    bench.revoke(&tokens).await.unwrap();
    let asked = bench.upstream.asked("POST /api/oauth2/token/revoke");
    let given: Vec<_> = asked.iter().map(|asked| (asked.field("token_type_hint").unwrap(), asked.field("token").unwrap())).collect();
    assert_eq!(given, [("refresh_token", "D43f5y0ahjqew82jZ4NViEr2YafMKhue"), ("access_token", "6qrZcUqja7812RVdnEKjpzOL4CvHBFG")]);
    assert!(asked.iter().all(|asked| asked.header("authorization").unwrap().starts_with("Basic ")));
}

#[tokio::test]
async fn a_page_of_what_stands_before_it_is_no_person_and_nobodys_mistake() {
    let bench = bench(json!({})).await;
    assert_eq!(bench.stopped_by(&["me_cloudflare"]).await, (Phase::Userinfo, "unreachable"));
}
