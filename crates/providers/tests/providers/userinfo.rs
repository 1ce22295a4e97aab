use serde_json::json;
use vestibule_domain::provider::Phase;
use vestibule_testkit::issuer::{Answer, Place};

use crate::bench::{Bench, change};

#[tokio::test]
async fn oidc_core_section_5_3_userinfo_fills_what_the_id_token_leaves_out() {
    let bench = Bench::new().await;
    bench.issuer.behaves(|manners| {
        manners.thick_id_token = false;
        change(&mut manners.claims, "name", "from the ID token");
        change(&mut manners.userinfo, "name", "from userinfo");
    });
    let profile = bench.profile().await;
    assert_eq!((profile.name.as_deref(), profile.email.as_deref()), (Some("from the ID token"), Some("person-1@people.example")));
    assert!(profile.email_verified);
    let asked = &bench.issuer.seen_at(Place::Userinfo)[0];
    assert!(asked.target == "/userinfo" && asked.authorization.as_deref().unwrap().starts_with("Bearer access-"));
}

#[tokio::test]
async fn userinfo_is_not_asked_where_it_is_switched_off_or_missing() {
    let off = Bench::with(|settings, _| settings.userinfo = false).await;
    off.sign_in().await.unwrap();
    let missing = Bench::new().await;
    missing.issuer.behaves(|manners| change(&mut manners.discovery, "userinfo_endpoint", json!(null)));
    missing.sign_in().await.unwrap();
    assert_eq!((off.times_asked(Place::Userinfo), missing.times_asked(Place::Userinfo)), (0, 0));
}

#[tokio::test]
async fn attack_24_oidc_core_section_5_3_4_claims_of_another_person_are_refused() {
    let bench = Bench::new().await;
    for sub in [json!("victim"), json!(null), json!(1), json!(["person-1"]), json!("PERSON-1"), json!("person-1 ")] {
        let refused = bench.refused_with(|manners| change(&mut manners.userinfo, "sub", sub.clone())).await;
        assert_eq!(refused, (Phase::Userinfo, "sub"), "{sub}");
    }
}

#[tokio::test]
async fn attack_24_a_token_in_place_of_json_is_refused() {
    let bench = Bench::new().await;
    let body = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJwZXJzb24tMSJ9.".to_owned();
    let signed = |content_type| Answer::Text { status: 200, content_type, body: body.clone() };
    assert_eq!(bench.refused_when(Place::Userinfo, signed("application/jwt")).await, (Phase::Userinfo, "content_type"));
    assert_eq!(bench.refused_when(Place::Userinfo, signed("application/json")).await, (Phase::Userinfo, "json"));
}

#[tokio::test]
async fn attack_82_without_userinfo_nobody_comes_in_by_halves() {
    let bench = Bench::new().await;
    for (answer, expected) in [
        (Answer::html(500), "unreachable"),
        (Answer::Reset, "unreachable"),
        (Answer::Hang, "unreachable"),
        (Answer::error(401, "invalid_token", ""), "status"),
        (Answer::html(200), "content_type"),
        (Answer::Text { status: 200, content_type: "application/json", body: r#"{"sub":"victim","sub":"person-1"}"#.into() }, "json"),
    ] {
        assert_eq!(bench.refused_when(Place::Userinfo, answer.clone()).await, (Phase::Userinfo, expected), "{answer:?}");
    }
}
