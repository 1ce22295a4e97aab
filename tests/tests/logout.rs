//! Logout from outside: apps that hear of it on npm `jose`, a browser that loads frames, and a crash in between.

use serde_json::{Value, json};
use vestibule_tests::{Client, House, HouseOptions, LogoutReceiver, Neighbours, Person, Upstream, browser};

/// A house whose guard lets an app of this machine be told, the app, and its registration.
async fn start() -> (House, LogoutReceiver, Upstream, Client) {
    start_with("").await
}

/// The same, with more said of the provider.
async fn start_with(more: &str) -> (House, LogoutReceiver, Upstream, Client) {
    let (house, (receiver, upstream)) = House::start_among(HouseOptions::default(), async |gateway: &str| {
        let (receiver, upstream) = (LogoutReceiver::start(gateway), Upstream::start(gateway));
        (Neighbours::default().with(&upstream.section("acme", more), &[upstream.issuer(), &receiver.url("")]), (receiver, upstream))
    })
    .await;
    let client = house.register(registration(&receiver, &json!({ "backchannel_logout_uri": receiver.url("/backchannel") }))).await;
    receiver.is(&client).await;
    (house, receiver, upstream, client)
}

fn registration(receiver: &LogoutReceiver, more: &Value) -> Value {
    let mut registration = json!({
        "client_name": "The receiver",
        "redirect_uris": [receiver.url("/cb")],
        "post_logout_redirect_uris": [receiver.url("/bye")],
    });
    registration.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    registration
}

/// Signs out by the app's link.
async fn signs_out(house: &House, person: &Person, id_token: &Value) {
    let hint = id_token.as_str().expect("an ID token");
    let answer = person.http().get(format!("{}/logout?id_token_hint={hint}", house.issuer)).send().await.expect("the gateway answers");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn back_channel_logout_a_library_believes_our_logout_token() {
    let (house, receiver, _upstream, client) = start().await;
    let alice = Person::named("alice");
    let tokens = alice.gets_tokens(&house, &client, &receiver.url("/cb")).await;
    signs_out(&house, &alice, &tokens["id_token"]).await;
    let heard = receiver.hears(1).await;
    let claims = Person::claims(tokens["id_token"].as_str().expect("an ID token"));
    assert_eq!(heard["refused"], json!([]), "{heard:#}");
    assert_eq!((&heard["backchannel"][0]["sub"], &heard["backchannel"][0]["sid"]), (&claims["sub"], &claims["sid"]));
    let delivered = || house.audit().iter().filter(|event| event["name"] == "logout.delivered").count();
    while delivered() == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(house.metrics().await.contains("vestibule_logout_deliveries_total{result=\"delivered\"} 1"));
}

#[tokio::test]
async fn back_channel_logout_after_kill_9_between_logout_and_delivery_the_app_is_told() {
    let (mut house, receiver, _upstream, client) = start().await;
    let alice = Person::named("alice");
    let tokens = alice.gets_tokens(&house, &client, &receiver.url("/cb")).await;
    receiver.is_deaf(true).await;
    signs_out(&house, &alice, &tokens["id_token"]).await;
    house.kill();
    receiver.is_deaf(false).await;
    assert_eq!(receiver.heard().await["backchannel"], json!([]), "nobody could have told it");
    house.resume().await;
    let heard = receiver.hears(1).await;
    let claims = Person::claims(tokens["id_token"].as_str().expect("an ID token"));
    assert_eq!(heard["backchannel"][0]["sid"], claims["sid"], "{heard:#}");
}

#[tokio::test]
async fn front_channel_logout_chromium_loads_the_frames_and_comes_back_without_a_script() {
    let (house, receiver, _upstream, _) = start().await;
    let client = house.register(registration(&receiver, &json!({ "frontchannel_logout_uri": receiver.url("/front?x=1") }))).await;
    receiver.is(&client).await;
    let link = Person::authorize_url(&house, &client, &receiver.url("/cb"), &[]);
    let seen = browser(
        json!({ "javascript": false }),
        json!([
            { "goto": link.as_str() },
            { "click": "button[value=alice]" },
            { "click": "#allow", "optional": true },
            { "click": "#out" },
            { "expect": "main[data-page=signed-out] .told", "text": "The receiver" },
            { "expect": "h1:has-text('Bye')" },
        ]),
    )
    .await;
    let refused = |line: &Value| line.as_str().is_some_and(|line| line.contains("Content Security Policy") || line.contains("frame"));
    assert!(!seen["console"].as_array().expect("a list").iter().any(refused), "the policy lets the frame load: {seen:#}");
    let heard = receiver.heard().await;
    let [framed] = heard["front"].as_array().expect("a list").as_slice() else { panic!("{heard:#}") };
    assert_eq!((&framed["x"], &framed["iss"]), (&json!("1"), &json!(house.issuer)));
    assert!(framed["sid"].is_string());
}

#[tokio::test]
async fn back_channel_logout_an_issuer_that_is_not_ours_signs_its_people_out_here_and_apps_hear_of_it() {
    let (house, receiver, upstream, client) = start().await;
    let (alice, bob) = (Person::named("alice"), Person::named("bob"));
    let tokens = alice.gets_tokens(&house, &client, &receiver.url("/cb")).await;
    bob.gets_tokens(&house, &client, &receiver.url("/cb")).await;
    alice.signs_out_at(upstream.issuer()).await;
    let heard = receiver.hears(1).await;
    let claims = Person::claims(tokens["id_token"].as_str().expect("an ID token"));
    assert_eq!(heard["backchannel"][0]["sid"], claims["sid"], "{heard:#}");
    let silent = |person: Person| {
        let link = Person::authorize_url(&house, &client, &receiver.url("/cb"), &[("prompt", "none")]);
        let back = receiver.url("/cb");
        async move { person.walks(link, &back).await }
    };
    assert_eq!(silent(alice).await.parameter("error").as_deref(), Some("login_required"));
    assert!(silent(bob).await.parameter("code").is_some(), "nobody else is signed out");
    let received: Vec<Value> = house.audit().into_iter().filter(|event| event["name"] == "upstream.logout_received").collect();
    assert_eq!((received.len(), &received[0]["outcome"]), (1, &json!("success")), "{received:#?}");
}

#[tokio::test]
async fn rp_initiated_logout_as_a_providers_client_an_issuer_that_is_not_ours_signs_the_person_out_and_sends_them_on() {
    let (house, receiver, upstream, client) = start_with("sign_out = true").await;
    let link = Person::authorize_url(&house, &client, &receiver.url("/cb"), &[]);
    let seen = browser(
        json!({ "javascript": false }),
        json!([
            { "goto": link.as_str() },
            { "click": "button[value=alice]" },
            { "click": "#allow", "optional": true },
            { "click": "#out" },
            { "click": "button[name=logout][value=yes]" },
            { "expect": "h1:has-text('Bye')" },
            // Both sessions are over: the issuer asks who it is.
            { "goto": link.as_str() },
            { "expect": "button[value=alice]" },
        ]),
    )
    .await;
    let visited: Vec<_> = seen["visited"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(visited.iter().any(|address| address.starts_with(upstream.issuer())), "{visited:?}");
}
