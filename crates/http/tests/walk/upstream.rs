//! Upstream tokens: who may have them, how they stay fresh, and what follows when the provider says no.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use vestibule_domain::{
    provider::{Arrival, Phase, ProviderError, ProviderTerms, ReceivedTokens, Renewed},
    registration::{Draft, UpstreamTokenDraft},
};
use vestibule_testkit::{fake_provider::FakeProvider, rig::RigOptions};

use crate::street::{Answer, App, Browser, Street, grants, plain};

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

async fn street() -> Street {
    street_with(ProviderTerms { keeps_tokens: true, ..ProviderTerms::default() }).await
}

async fn street_with(terms: ProviderTerms) -> Street {
    Street::with(RigOptions { terms: vec![("acme", terms)], ..RigOptions::default() }).await
}

/// An app that may have acme's tokens with these scopes.
async fn trusted(street: &Street, id: &str, scopes: &[&str]) -> App {
    let rule = UpstreamTokenDraft { provider: "acme".into(), scopes: grants(scopes) };
    let grant_types = grants(&["authorization_code", "refresh_token", EXCHANGE]);
    street.app_as(id, Draft { upstream_tokens: vec![rule], grant_types, ..plain() }).await
}

/// Signs ada in; acme gives an access token for an hour and a refresh token.
async fn tokens(street: &Street, app: &App) -> Value {
    let now = street.rig.witness().now;
    let received = ReceivedTokens {
        access_token: Some("upstream-first".to_owned().into()),
        refresh_token: Some("upstream-refresh".to_owned().into()),
        id_token: None,
        expires: Some(now + Duration::from_hours(1)),
        scope: Some("repo read:user".into()),
    };
    street.rig.providers[0].answers_next(Ok(Arrival { tokens: received, ..FakeProvider::arrival("ada", now) }));
    street.tokens(app, "x").await
}

async fn exchanges(street: &Street, app: &App, token: &Value, more: &[(&str, &str)]) -> Answer {
    let mut form = vec![("grant_type", EXCHANGE), ("subject_token", token.as_str().unwrap()), ("subject_token_type", ACCESS_TOKEN)];
    form.extend(more);
    street.asks(app, "/token", &form).await
}

#[tokio::test]
async fn rfc_8693_an_app_gets_the_upstreams_token_under_its_rule_and_every_release_is_recorded() {
    let street = street().await;
    let app = trusted(&street, "app", &["repo", "read:user"]).await;
    let ours = tokens(&street, &app).await;
    let given = exchanges(&street, &app, &ours["access_token"], &[("audience", "acme")]).await;
    assert_eq!(
        given.json(),
        json!({
            "access_token": "upstream-first", "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600,
            "scope": "repo read:user"
        })
    );
    assert_eq!(given.header("cache-control"), "no-store");
    let released = street.rig.events().into_iter().rfind(|event| event.name.as_str() == "vault.token_released").unwrap();
    assert_eq!((released.provider.unwrap().as_str(), released.client.unwrap().as_str()), ("acme", "app"));
    assert_eq!(released.scopes.unwrap().to_string(), "read:user repo");
    assert!(released.account.is_some());
}

#[tokio::test]
async fn rfc_8693_without_a_rule_that_fits_there_is_no_token() {
    let street = street().await;
    let app = trusted(&street, "app", &["repo", "read:user"]).await;
    let narrow = trusted(&street, "narrow", &["read:user"]).await;
    let plain_app = street.app("plain").await;
    let (ours, narrows, plains) = (tokens(&street, &app).await, tokens(&street, &narrow).await, street.tokens(&plain_app, "bob").await);
    for (app, token, more, error) in [
        (&plain_app, &plains["access_token"], vec![("audience", "acme")], "unauthorized_client"),
        (&app, &ours["access_token"], vec![("audience", "other")], "invalid_target"),
        (&app, &ours["access_token"], vec![("audience", "acme"), ("scope", "admin")], "invalid_scope"),
        (&app, &ours["access_token"], vec![("requested_token_type", "urn:x")], "invalid_request"),
        (&narrow, &narrows["access_token"], vec![("audience", "acme")], "invalid_scope"),
        // Another client's token, an ID token, something made up.
        (&narrow, &ours["access_token"], vec![("audience", "acme")], "invalid_request"),
        (&app, &ours["id_token"], vec![("audience", "acme")], "invalid_request"),
        (&app, &json!("made-up"), vec![("audience", "acme")], "invalid_request"),
    ] {
        let refused = exchanges(&street, app, token, &more).await;
        assert_eq!(refused.error(), error, "{} {more:?} {refused:?}", app.id);
        assert!(!refused.body.contains("upstream-"), "{refused:?}");
    }
    assert_eq!(street.count("vault.token_released"), 0);
    assert_eq!((street.count("vault.token_refused"), street.count("token.exchange_failed")), (6, 1));
}

#[tokio::test]
async fn a_token_that_runs_out_is_refreshed_once_whoever_asks_at_once() {
    let street = street().await;
    let app = trusted(&street, "app", &["repo", "read:user"]).await;
    let ours = tokens(&street, &app).await;
    street.rig.clock.advance(Duration::from_mins(9));
    let refreshed = street.refreshes(&app, ours["refresh_token"].as_str().unwrap()).await.json();
    street.rig.providers[0].renews_next(Ok(Renewed {
        tokens: ReceivedTokens {
            access_token: Some("upstream-second".to_owned().into()),
            refresh_token: Some("upstream-rotated".to_owned().into()),
            expires: Some(street.rig.witness().now + Duration::from_hours(2)),
            ..ReceivedTokens::default()
        },
        claims: None,
    }));
    // Ours lives ten minutes, acme's one hour: a minute before that hour ends.
    let mut ours = refreshed;
    for _ in 0..6 {
        street.rig.clock.advance(Duration::from_mins(9));
        ours = street.refreshes(&app, ours["refresh_token"].as_str().unwrap()).await.json();
    }
    let all = futures_util::future::join_all((0..20).map(|_| exchanges(&street, &app, &ours["access_token"], &[]))).await;
    for given in all {
        assert_eq!(given.json()["access_token"], "upstream-second", "{given:?}");
    }
    let asked = street.rig.providers[0].refreshed();
    assert_eq!(asked.len(), 1, "one asks for all");
    assert_eq!(street.count("vault.refreshed"), 1);
}

#[tokio::test]
async fn a_token_of_which_nobody_knows_the_scopes_is_not_given_out() {
    let street = street().await;
    let app = trusted(&street, "app", &["repo"]).await;
    let ours = street.tokens(&app, "alice").await;
    assert_eq!(exchanges(&street, &app, &ours["access_token"], &[]).await.error(), "invalid_scope");
}

#[tokio::test]
async fn tokens_that_live_shorter_than_we_look_ahead_are_refreshed_once_for_each_who_asks() {
    let street = street().await;
    let app = trusted(&street, "app", &["repo", "read:user"]).await;
    let ours = tokens(&street, &app).await;
    street.rig.clock.advance(Duration::from_mins(9));
    let mut ours = street.tokens_again(&app, ours).await;
    for _ in 0..6 {
        street.rig.clock.advance(Duration::from_mins(9));
        ours = street.tokens_again(&app, ours).await;
    }
    for (lives, status) in [(30, StatusCode::OK), (0, StatusCode::SERVICE_UNAVAILABLE)] {
        let tokens = ReceivedTokens {
            access_token: Some("short".to_owned().into()),
            expires: Some(street.rig.witness().now + Duration::from_secs(lives)),
            ..ReceivedTokens::default()
        };
        let before = street.rig.providers[0].refreshed().len();
        street.rig.providers[0].renews_next(Ok(Renewed { tokens, claims: None }));
        assert_eq!(exchanges(&street, &app, &ours["access_token"], &[]).await.status, status);
        assert_eq!(street.rig.providers[0].refreshed().len(), before + 1);
    }
}

#[tokio::test]
async fn a_sign_in_without_a_refresh_token_never_puts_back_one_that_was_spent() {
    let street = street().await;
    let app = trusted(&street, "app", &["repo", "read:user"]).await;
    let ours = tokens(&street, &app).await;
    exchanges(&street, &app, &ours["access_token"], &[]).await;
    let renewed = ReceivedTokens {
        access_token: Some("second".to_owned().into()),
        refresh_token: Some("rotated".to_owned().into()),
        expires: Some(street.rig.witness().now + Duration::from_hours(2)),
        ..ReceivedTokens::default()
    };
    street.rig.providers[0].renews_next(Ok(Renewed { tokens: renewed, claims: None }));
    street.rig.clock.advance(Duration::from_mins(57));
    street.gateway().refresh_ahead(&street.rig.witness(), 10).await.unwrap();
    let now = street.rig.witness().now;
    let plain = ReceivedTokens {
        access_token: Some("third".to_owned().into()),
        expires: Some(now + Duration::from_mins(4)),
        scope: Some("repo".into()),
        ..ReceivedTokens::default()
    };
    street.rig.providers[0].answers_next(Ok(Arrival { tokens: plain, ..FakeProvider::arrival("ada", now) }));
    street.tokens(&app, "x").await;
    street.rig.clock.advance(Duration::from_mins(3));
    street.gateway().refresh_ahead(&street.rig.witness(), 10).await.unwrap();
    let used = street.rig.providers[0].refreshed().pop().unwrap().refresh_token.unwrap();
    assert_eq!(secrecy::ExposeSecret::expose_secret(&used), "rotated");
}

#[tokio::test]
async fn a_rotated_refresh_token_is_the_one_used_next_and_one_that_is_not_renewed_is_kept() {
    let street = street().await;
    let app = trusted(&street, "app", &["repo", "read:user"]).await;
    let ours = tokens(&street, &app).await;
    exchanges(&street, &app, &ours["access_token"], &[]).await;
    let renewed = |refresh: Option<&str>, minutes| Renewed {
        tokens: ReceivedTokens {
            access_token: Some(format!("for-{minutes}").into()),
            refresh_token: refresh.map(|text| text.to_owned().into()),
            expires: Some(street.rig.witness().now + Duration::from_mins(minutes)),
            ..ReceivedTokens::default()
        },
        claims: None,
    };
    let used = || {
        street.rig.providers[0]
            .refreshed()
            .last()
            .map(|tokens| secrecy::ExposeSecret::expose_secret(tokens.refresh_token.as_ref().unwrap()).to_owned())
    };
    for (refresh, minutes, next) in
        [(Some("second"), 60, "upstream-refresh"), (None, 60, "second"), (Some("third"), 60, "second"), (None, 60, "third")]
    {
        street.rig.providers[0].renews_next(Ok(renewed(refresh, minutes)));
        street.rig.clock.advance(Duration::from_mins(57));
        let report = street.gateway().refresh_ahead(&street.rig.witness(), 10).await.unwrap();
        assert_eq!((report.refreshed, used().as_deref()), (1, Some(next)));
    }
}

#[tokio::test]
async fn only_what_apps_use_is_refreshed_ahead() {
    let street = street().await;
    let app = trusted(&street, "app", &["repo", "read:user"]).await;
    let ours = tokens(&street, &app).await;
    street.rig.clock.advance(Duration::from_mins(2));
    let used = exchanges(&street, &app, &ours["access_token"], &[]).await;
    assert_eq!(used.status, StatusCode::OK);
    street.rig.clock.advance(Duration::from_mins(50));
    let ahead = async || street.gateway().refresh_ahead(&street.rig.witness(), 10).await.unwrap().refreshed;
    assert_eq!(ahead().await, 0, "not so soon");
    street.rig.clock.advance(Duration::from_mins(5));
    assert_eq!((ahead().await, ahead().await), (1, 0));
    let unused = trusted(&street, "unused", &["repo", "read:user"]).await;
    let mut browser = Browser::default();
    let now = street.rig.witness().now;
    let received = ReceivedTokens {
        access_token: Some("x".to_owned().into()),
        refresh_token: Some("y".to_owned().into()),
        expires: Some(now + Duration::from_mins(3)),
        ..ReceivedTokens::default()
    };
    street.rig.providers[0].answers_next(Ok(Arrival { tokens: received, ..FakeProvider::arrival("bob", now) }));
    street.signs_in(&mut browser, &unused, "x").await;
    assert_eq!(ahead().await, 0, "nobody asked for bob's");
}

#[tokio::test]
async fn an_upstream_that_is_down_keeps_everything_and_one_that_says_no_asks_for_a_new_sign_in() {
    let street = street().await;
    let app = trusted(&street, "app", &["repo", "read:user"]).await;
    let ours = tokens(&street, &app).await;
    let refresh = async |token: &Value| street.refreshes(&app, token["refresh_token"].as_str().unwrap()).await.json();
    let mut ours = refresh(&ours).await;
    for _ in 0..7 {
        street.rig.clock.advance(Duration::from_mins(8) + Duration::from_secs(35));
        ours = refresh(&ours).await;
    }
    // Past the hour: the token is no good any more, and acme is down.
    let down = || Err(ProviderError::Unreachable { phase: Phase::Refresh, status: Some(503), detail: "down".into() });
    street.rig.providers[0].renews_next(down());
    let waits = exchanges(&street, &app, &ours["access_token"], &[]).await;
    assert_eq!((waits.status, waits.error().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable"));
    let again = exchanges(&street, &app, &ours["access_token"], &[]).await;
    assert_eq!(again.error(), "temporarily_unavailable", "not asked again at once");
    assert_eq!(street.rig.providers[0].refreshed().len(), 1);
    street.rig.clock.advance(Duration::from_secs(6));
    let back = exchanges(&street, &app, &ours["access_token"], &[]).await;
    assert_eq!(back.status, StatusCode::OK, "{back:?}");
    // An hour later acme says no.
    for _ in 0..7 {
        street.rig.clock.advance(Duration::from_mins(9));
        ours = refresh(&ours).await;
    }
    street.rig.providers[0].renews_next(Err(ProviderError::Denied { phase: Phase::Refresh, detail: "revoked".into() }));
    let denied = exchanges(&street, &app, &ours["access_token"], &[]).await;
    assert_eq!(denied.error(), "invalid_grant");
    assert_eq!(street.count("vault.needs_reconnect"), 1);
    assert!(street.is_good(ours["access_token"].as_str().unwrap()).await, "the session is left alone unless an operator wants otherwise");
    // Signing in there again mends it.
    let ours = tokens(&street, &app).await;
    assert_eq!(exchanges(&street, &app, &ours["access_token"], &[]).await.json()["access_token"], "upstream-first");
}

#[tokio::test]
async fn attack_28_who_is_gone_upstream_is_gone_here_at_the_next_check() {
    let terms =
        ProviderTerms { keeps_tokens: true, ends_sessions: true, recheck: Some(Duration::from_mins(15)), ..ProviderTerms::default() };
    let street = street_with(terms).await;
    let app = trusted(&street, "app", &["repo", "read:user"]).await;
    let ours = tokens(&street, &app).await;
    street.rig.clock.advance(Duration::from_mins(9));
    let ours = street.refreshes(&app, ours["refresh_token"].as_str().unwrap()).await.json();
    assert!(street.rig.providers[0].refreshed().is_empty(), "asked lately enough");
    street.rig.clock.advance(Duration::from_mins(7));
    street.rig.providers[0].renews_next(Err(ProviderError::Denied { phase: Phase::Refresh, detail: "gone".into() }));
    assert_eq!(street.refreshes(&app, ours["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
    assert!(!street.is_good(ours["access_token"].as_str().unwrap()).await);
    assert_eq!((street.count("session.ended"), street.count("vault.needs_reconnect")), (1, 1));
    let ended = street.rig.events().into_iter().find(|event| event.name.as_str() == "session.ended").unwrap();
    assert_eq!((ended.session.is_some(), ended.reason.unwrap().as_str()), (true, "upstream_denied"));
}

#[tokio::test]
async fn groups_that_change_upstream_count_at_the_next_refresh() {
    let terms = ProviderTerms { keeps_tokens: true, recheck: Some(Duration::from_mins(15)), ..ProviderTerms::default() };
    let street = street_with(terms).await;
    let entry = serde_json::from_value(json!({"groups": ["eng"]})).unwrap();
    let app = street.app_as("app", Draft { entry, ..plain() }).await;
    let said = |groups: Value| serde_json::from_value(json!({"email": "a@b.example", "email_verified": true, "groups": groups})).unwrap();
    let now = street.rig.witness().now;
    let received = ReceivedTokens {
        access_token: Some("x".to_owned().into()),
        refresh_token: Some("y".to_owned().into()),
        expires: Some(now + Duration::from_hours(1)),
        ..ReceivedTokens::default()
    };
    let arrival = Arrival { claims: said(json!(["eng", "ops"])), tokens: received, ..FakeProvider::arrival("ada", now) };
    street.rig.providers[0].answers_next(Ok(arrival));
    let landed = street.arrives_asking(&mut Browser::default(), &app, &[("scope", "openid groups offline_access")], "x").await;
    let ours = street.redeems(&app, &landed.parameter("code").unwrap()).await.json();
    let renews = |groups: Value| {
        let tokens = ReceivedTokens { access_token: Some("z".to_owned().into()), ..ReceivedTokens::default() };
        street.rig.providers[0].renews_next(Ok(Renewed { tokens, claims: Some(said(groups)) }));
    };
    street.rig.clock.advance(Duration::from_mins(16));
    renews(json!(["eng"]));
    let ours = street.refreshes(&app, ours["refresh_token"].as_str().unwrap()).await.json();
    assert_eq!(crate::street::claims(&ours["id_token"])["groups"], json!(["eng"]));
    street.rig.clock.advance(Duration::from_mins(16));
    renews(json!(["sales"]));
    assert_eq!(street.refreshes(&app, ours["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
}

/// Two hours at a provider that rotates its refresh tokens, fails for a while, recovers, and at last says no.
#[tokio::test]
async fn refreshes_under_an_upstream_that_rotates_fails_and_recovers() {
    let street = street().await;
    let app = trusted(&street, "app", &["repo", "read:user"]).await;
    let mut ours = tokens(&street, &app).await;
    exchanges(&street, &app, &ours["access_token"], &[]).await;
    let acme = &street.rig.providers[0];
    let renewed = |number: u32| {
        let tokens = ReceivedTokens {
            access_token: Some(format!("upstream-{number}").into()),
            refresh_token: Some(format!("refresh-{number}").into()),
            expires: Some(street.rig.witness().now + Duration::from_mins(22)),
            ..ReceivedTokens::default()
        };
        Ok(Renewed { tokens, claims: None })
    };
    let down = || Err(ProviderError::Unreachable { phase: Phase::Refresh, status: Some(503), detail: "down".into() });
    let mut lines = vec!["minute | round | asked with | what an app gets".to_owned()];
    for minute in (55..=130).step_by(5) {
        street.rig.clock.advance(Duration::from_mins(if minute == 55 { 55 } else { 5 }));
        match minute {
            60 => acme.renews_next(renewed(1)),
            80 => acme.renews_next(renewed(2)),
            100 | 105 => acme.renews_next(down()),
            110 => acme.renews_next(renewed(3)),
            130 => acme.renews_next(Err(ProviderError::Denied { phase: Phase::Refresh, detail: "revoked".into() })),
            _ => {}
        }
        let before = acme.refreshed().len();
        let report = street.gateway().refresh_ahead(&street.rig.witness(), 10).await.unwrap();
        let with = acme
            .refreshed()
            .get(before)
            .map_or("-".to_owned(), |tokens| secrecy::ExposeSecret::expose_secret(tokens.refresh_token.as_ref().unwrap()).to_owned());
        let round = match (report.refreshed, report.unreachable, report.denied) {
            (1, 0, 0) => "refreshed",
            (0, 1, 0) => "unreachable",
            (0, 0, 1) => "denied",
            _ => "nothing due",
        };
        // Ours is short-lived: a new one for each look.
        ours = street.tokens_again(&app, ours).await;
        let got = exchanges(&street, &app, &ours["access_token"], &[]).await;
        let got = got.json()["access_token"].as_str().map_or_else(|| got.error(), str::to_owned);
        lines.push(format!("{minute} | {round} | {with} | {got}"));
        acme.forget_renewals();
    }
    assert_eq!(
        lines.join("\n"),
        "minute | round | asked with | what an app gets\n\
         55 | nothing due | - | upstream-first\n\
         60 | refreshed | upstream-refresh | upstream-1\n\
         65 | nothing due | - | upstream-1\n\
         70 | nothing due | - | upstream-1\n\
         75 | nothing due | - | upstream-1\n\
         80 | refreshed | refresh-1 | upstream-2\n\
         85 | nothing due | - | upstream-2\n\
         90 | nothing due | - | upstream-2\n\
         95 | nothing due | - | upstream-2\n\
         100 | unreachable | refresh-2 | upstream-2\n\
         105 | unreachable | refresh-2 | temporarily_unavailable\n\
         110 | refreshed | refresh-2 | upstream-3\n\
         115 | nothing due | - | upstream-3\n\
         120 | nothing due | - | upstream-3\n\
         125 | nothing due | - | upstream-3\n\
         130 | denied | refresh-3 | invalid_grant"
    );
}
