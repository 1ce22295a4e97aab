//! Refresh families: one good token, a short grace, and an end for copies.

use std::time::Duration;

use http::StatusCode;

use crate::street::{Street, claims};

fn refresh_token(tokens: &serde_json::Value) -> String {
    tokens["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn attack_38_rfc_9700_section_4_14_2_asvs_10_4_5_an_old_token_after_the_grace_ends_the_family_and_its_access_tokens() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let first = street.tokens(&app, "alice").await;
    let second = street.refreshes(&app, &refresh_token(&first)).await.json();
    assert_ne!(refresh_token(&first), refresh_token(&second));
    street.rig.clock.advance(Duration::from_secs(11));
    let reused = street.refreshes(&app, &refresh_token(&first)).await;
    assert_eq!((reused.status, reused.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    assert_eq!(street.refreshes(&app, &refresh_token(&second)).await.error(), "invalid_grant");
    for token in [&first["access_token"], &second["access_token"]] {
        assert!(!street.is_good(token.as_str().unwrap()).await);
    }
    assert_eq!(street.count("token.reuse_detected"), 1);
}

#[tokio::test]
async fn attack_38_within_the_grace_the_previous_token_gives_the_same_successor_and_older_ones_do_not() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let first = street.tokens(&app, "alice").await;
    let second = street.refreshes(&app, &refresh_token(&first)).await.json();
    let repeated = street.refreshes(&app, &refresh_token(&first)).await.json();
    assert_eq!(refresh_token(&second), refresh_token(&repeated), "an app whose answer got lost is not punished");
    assert!(repeated["expires_in"].as_i64() <= second["expires_in"].as_i64());
    street.refreshes(&app, &refresh_token(&second)).await;
    assert_eq!(street.refreshes(&app, &refresh_token(&first)).await.error(), "invalid_grant", "two back is a copy, grace or not");
    assert_eq!(street.count("token.reuse_detected"), 1);
}

#[tokio::test]
async fn attack_38_of_many_parallel_refreshes_all_get_the_same_successor() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let first = refresh_token(&street.tokens(&app, "alice").await);
    let answers = futures_util::future::join_all((0..16).map(|_| street.refreshes(&app, &first))).await;
    let mut successors: Vec<_> = answers.iter().map(|answer| refresh_token(&answer.json())).collect();
    successors.sort();
    successors.dedup();
    assert_eq!(successors.len(), 1);
    assert_eq!(street.count("token.refreshed"), 1, "rotated once");
}

#[tokio::test]
async fn attack_38_oauth_2_1_section_4_3_oauth_2_1_section_4_3_3_another_client_or_wider_scopes_get_nothing() {
    let street = Street::open().await;
    let (app, other) = (street.app("app").await, street.app("other").await);
    let tokens = street.tokens(&app, "alice").await;
    let token = refresh_token(&tokens);
    let stolen = street.refreshes(&other, &token).await;
    assert_eq!((stolen.status, stolen.error().as_str()), (StatusCode::BAD_REQUEST, "invalid_grant"));
    let asks = |scope: &'static str| {
        let (street, app, token) = (&street, &app, &token);
        async move { street.asks(app, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token), ("scope", scope)]).await }
    };
    assert_eq!(asks("openid groups").await.error(), "invalid_scope", "OAuth 2.1 §4.3: only less");
    let less = asks("openid").await.json();
    assert_eq!(less["scope"], "openid");
    assert!(claims(&less["id_token"])["email"].is_null());
    let whole = street.refreshes(&app, &refresh_token(&less)).await.json();
    assert_eq!(whole["scope"], "email offline_access openid profile", "OAuth 2.1 §4.3.3: the token keeps what was granted");
}

#[tokio::test]
async fn attack_38_asvs_10_4_8_a_family_dies_of_disuse_and_of_age_and_with_its_account() {
    const DAY: Duration = Duration::from_hours(24);
    let street = Street::open().await;
    let app = street.app("app").await;
    let unused = street.tokens(&app, "alice").await;
    street.rig.clock.advance(DAY * 30);
    assert_eq!(street.refreshes(&app, &refresh_token(&unused)).await.error(), "invalid_grant", "idle");

    let mut token = refresh_token(&street.tokens(&app, "bob").await);
    for _ in 0..4 {
        street.rig.clock.advance(DAY * 20);
        street.gateway().keep_keys().await.unwrap();
        token = refresh_token(&street.refreshes(&app, &token).await.json());
    }
    street.rig.clock.advance(DAY * 11);
    assert_eq!(street.refreshes(&app, &token).await.error(), "invalid_grant", "ASVS 10.4.8: absolute");

    let tokens = street.tokens(&app, "carol").await;
    let id: vestibule_domain::ids::AccountId = claims(&tokens["id_token"])["sub"].as_str().unwrap().parse().unwrap();
    let disable = vestibule_domain::store::Write::DisableAccount { id, disabled: true };
    let changes = vestibule_domain::store::Changes::default().write(disable);
    street.rig.port().commit(changes).await.unwrap();
    assert_eq!(street.refreshes(&app, &refresh_token(&tokens)).await.error(), "invalid_grant");
    assert!(!street.is_good(tokens["access_token"].as_str().unwrap()).await);
    let landed = street.arrives(&mut crate::street::Browser::default(), &app, "carol").await;
    assert_eq!((landed.status, landed.page()), (StatusCode::FORBIDDEN, "account_disabled"));
}

#[tokio::test]
async fn oidc_core_section_12_2_a_refreshed_id_token_keeps_who_and_when() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let first = street.tokens(&app, "alice").await;
    street.rig.clock.advance(Duration::from_mins(5));
    let second = street.refreshes(&app, &refresh_token(&first)).await.json();
    let (before, after) = (claims(&first["id_token"]), claims(&second["id_token"]));
    for name in ["iss", "sub", "aud", "auth_time", "nonce", "sid"] {
        assert_eq!(before[name], after[name], "{name}");
    }
    assert!(after["iat"].as_i64() > before["iat"].as_i64());
}

#[tokio::test]
async fn a_token_that_is_none_of_ours_is_refused_whatever_it_looks_like() {
    let street = Street::open().await;
    let app = street.app("app").await;
    let good = refresh_token(&street.tokens(&app, "alice").await);
    for at in [0, 20, 40, 69] {
        let mut tampered = good.clone().into_bytes();
        tampered[at] = if tampered[at] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(tampered).unwrap();
        assert_eq!(street.refreshes(&app, &tampered).await.error(), "invalid_grant", "byte {at}");
    }
    for text in ["x", &"A".repeat(70), &good[1..], &format!("{good}A")] {
        assert_eq!(street.refreshes(&app, text).await.error(), "invalid_grant");
    }
    assert_eq!(street.refreshes(&app, &good).await.status, StatusCode::OK);
}

/// Replaces a client's registration as an operator would.
async fn changes(street: &Street, id: &str, draft: vestibule_domain::registration::Draft) {
    let actor = vestibule_domain::audit::Actor::AdminKey("test".into());
    let version = street.gateway().client(id).await.unwrap().version;
    street.gateway().replace_client(&street.rig.witness(), &actor, id, &draft, Some(version)).await.unwrap();
}

#[tokio::test]
async fn a_provider_or_scope_that_is_taken_from_a_client_is_gone_at_its_next_use() {
    use vestibule_domain::registration::Draft;
    let street = Street::open().await;
    let app = street.app("app").await;
    let tokens = street.tokens(&app, "alice").await;
    let code = street.signs_in(&mut crate::street::Browser::default(), &app, "bob").await;
    let narrow = Draft { scope: "openid profile".into(), ..crate::street::plain() };
    changes(&street, "app", narrow.clone()).await;
    let less = street.refreshes(&app, &refresh_token(&tokens)).await.json();
    assert_eq!(less["scope"], "openid profile");
    changes(&street, "app", Draft { allowed_providers: vec!["other".into()], ..narrow }).await;
    assert_eq!(street.refreshes(&app, &refresh_token(&less)).await.error(), "invalid_grant");
    assert_eq!(street.redeems(&app, &code).await.error(), "invalid_grant");
    assert!(!street.is_good(less["access_token"].as_str().unwrap()).await);
    let seen = street.asks(&app, "/introspect", &[("token", less["refresh_token"].as_str().unwrap())]).await;
    assert_eq!(seen.body, "{\"active\":false}");
}
