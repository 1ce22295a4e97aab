//! Apps that register themselves, and look after that.

use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use vestibule_domain::{
    client::{Client, ConsentMode},
    ids::ProviderId,
    ports::Store,
    self_registration::{RegistrationMode, SelfRegistration},
    store::{Changes, Write},
};
use vestibule_testkit::rig::{ADMIN_KEY, RigOptions};

use super::street::{Answer, App, Browser, CALLBACK, Street};

async fn street(mode: RegistrationMode) -> Street {
    let registration = SelfRegistration { mode, ..SelfRegistration::default() };
    Street::with(RigOptions { registration, ..RigOptions::default() }).await
}

impl Street {
    async fn json(&self, method: Method, path: &str, token: Option<&str>, body: &Value) -> Answer {
        let mut request = self.request(method, path).content_type("application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.send(request.body(body.to_string())).await
    }

    async fn registers(&self, body: &Value) -> Answer {
        self.json(Method::POST, "/register", None, body).await
    }
}

fn plain() -> Value {
    json!({ "client_name": "The app", "redirect_uris": [CALLBACK] })
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer:#}"))
}

/// What opens a registration, and where it is.
fn held(answer: &Value) -> (String, String) {
    let address = text(answer, "registration_client_uri").strip_prefix("https://sso.example.com").unwrap().to_owned();
    (address, text(answer, "registration_access_token").to_owned())
}

#[tokio::test]
async fn what_is_off_is_neither_there_nor_advertised() {
    let street = Street::open().await;
    assert_eq!(street.registers(&plain()).await.status, StatusCode::NOT_FOUND);
    let discovery = street.goes(&mut Browser::default(), "/.well-known/openid-configuration").await.json();
    assert!(discovery.get("registration_endpoint").is_none());
    let open = self::street(RegistrationMode::Open).await;
    let discovery = open.goes(&mut Browser::default(), "/.well-known/openid-configuration").await.json();
    assert_eq!(discovery["registration_endpoint"], "https://sso.example.com/register", "RFC 7591 section 3");
}

#[tokio::test]
async fn rfc_7591_section_3_2_1_the_answer_has_everything_that_is_registered() {
    let street = street(RegistrationMode::Open).await;
    let answer = street.registers(&plain()).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::CREATED, "no-store"), "{answer:?}");
    let mut body = answer.json();
    for random in ["client_id", "client_secret", "registration_access_token", "registration_client_uri"] {
        assert!(text(&body, random).len() >= 22, "{random}");
        body[random] = "…".into();
    }
    assert_eq!(
        body,
        json!({
            "client_id": "…",
            "client_id_issued_at": 1_795_514_400,
            "client_secret": "…",
            "client_secret_expires_at": 0,
            "registration_access_token": "…",
            "registration_client_uri": "…",
            "client_name": "The app",
            "contacts": [],
            "redirect_uris": [CALLBACK],
            "post_logout_redirect_uris": [],
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "client_secret_basic",
            "scope": "email offline_access openid profile",
            "subject_type": "public",
            "id_token_signed_response_alg": "RS256",
            "require_signed_request_object": false,
            "require_pushed_authorization_requests": false,
            "dpop_bound_access_tokens": false,
            "tls_client_certificate_bound_access_tokens": false,
        })
    );
}

#[tokio::test]
async fn rfc_7591_section_3_2_2_what_is_wrong_is_said_and_not_repeated() {
    let street = street(RegistrationMode::Open).await;
    for (body, error) in [
        (json!({ "redirect_uris": ["https://app.example.com/cb#x"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["https://*.example.com/cb"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["http://app.example.com/cb"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["javascript:alert(1)"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": ["myapp:/cb"] }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        (json!({}), "invalid_redirect_uri"),
        (json!({ "redirect_uris": "https://app.example.com/cb" }), "invalid_redirect_uri"),
        (json!({ "redirect_uris": [CALLBACK], "application_type": "desktop" }), "invalid_client_metadata"),
        (json!({ "redirect_uris": ["http://127.0.0.1/cb"], "application_type": "web" }), "invalid_client_metadata"),
        (json!({ "redirect_uris": [CALLBACK], "grant_types": ["password"] }), "invalid_client_metadata"),
        (json!({ "redirect_uris": [CALLBACK], "grant_types": ["client_credentials"] }), "invalid_client_metadata"),
        (json!({ "redirect_uris": [CALLBACK], "response_types": ["id_token"] }), "invalid_client_metadata"),
        (json!({ "redirect_uris": [CALLBACK], "response_types": "code" }), "invalid_client_metadata"),
        (json!({ "redirect_uris": [CALLBACK], "token_endpoint_auth_method": "psychic" }), "invalid_client_metadata"),
        (json!({ "redirect_uris": [CALLBACK], "sector_identifier_uri": "https://127.0.0.1/" }), "invalid_client_metadata"),
        (json!({ "redirect_uris": [CALLBACK], "initiate_login_uri": "http://app.example.com" }), "invalid_client_metadata"),
        (json!({ "redirect_uris": [CALLBACK], "client_name": "x".repeat(101) }), "invalid_client_metadata"),
        (json!([CALLBACK]), "invalid_client_metadata"),
    ] {
        // Another address each time: refusals count towards the rate as well.
        street.rig.clock.advance(std::time::Duration::from_hours(2));
        let answer = street.registers(&body).await;
        assert_eq!((answer.status, answer.error().as_str()), (StatusCode::BAD_REQUEST, error), "{body}: {answer:?}");
        assert!(!answer.body.contains("example.com") && !answer.body.contains("psychic"), "input is never repeated: {answer:?}");
    }
    let form = street.request(Method::POST, "/register").content_type("application/x-www-form-urlencoded").body("redirect_uris=x");
    assert_eq!(street.send(form).await.error(), "invalid_client_metadata");
    let twice =
        street.request(Method::POST, "/register").content_type("application/json").body(r#"{"redirect_uris":[],"redirect_uris":["x"]}"#);
    assert_eq!(street.send(twice).await.error(), "invalid_client_metadata");
    assert_eq!(street.rig.store.count_self_registered().await, Ok(0));
}

/// Whoever signed it, nobody here believes them: what they vouch for is neither taken nor passed over.
#[tokio::test]
async fn attack_61_rfc_7591_section_3_2_2_a_software_statement_is_refused_whatever_it_says() {
    let street = street(RegistrationMode::Open).await;
    for statement in [json!("e30.e30."), json!("eyJhbGciOiJub25lIn0.eyJjbGllbnRfbmFtZSI6IkJhbmsifQ."), json!("x"), json!({}), json!(1)] {
        let mut body = plain();
        body["software_statement"] = statement;
        let answer = street.registers(&body).await;
        assert_eq!(
            (answer.status, answer.error().as_str()),
            (StatusCode::BAD_REQUEST, "unapproved_software_statement"),
            "{body}: {answer:?}"
        );
    }
    assert_eq!(street.rig.store.count_self_registered().await, Ok(0));
}

#[tokio::test]
async fn rfc_7591_section_2_what_is_not_understood_is_ignored_and_null_is_nothing() {
    let street = street(RegistrationMode::Open).await;
    let body = json!({
        "client_name": "The app", "redirect_uris": [CALLBACK], "logo_uri": "https://127.0.0.1/logo", "client_name#de": "Die App", "x": { "y": 1 },
        "policy_uri": null, "audiences": ["https://payroll.example"], "allowed_providers": ["other"], "entry": { "emails": ["x@y"] },
        "require_pkce": false, "upstream_tokens": [{ "provider": "acme", "scopes": ["all"] }], "disabled": false, "id_token_claims": false,
    });
    let answer = street.registers(&body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let client = street.gateway().client(text(&answer.json(), "client_id")).await.unwrap();
    assert!(client.audiences.is_empty() && client.allowed_providers.is_empty() && client.require_pkce && client.id_token_claims);
    assert!(answer.json().get("logo_uri").is_none(), "nobody fetches a logo (attack 42)");
}

#[tokio::test]
async fn attack_61_rfc_7591_section_2_ids_and_secrets_are_given_and_never_taken() {
    let street = street(RegistrationMode::Open).await;
    street.app("bank").await;
    for mine in [json!({ "client_id": "bank" }), json!({ "client_secret": "chosen" }), json!({ "client_id": "https://app.example.com/c" })]
    {
        let mut body = plain();
        body.as_object_mut().unwrap().extend(mine.as_object().unwrap().clone());
        assert_eq!(street.registers(&body).await.error(), "invalid_client_metadata", "{body}");
    }
    assert_eq!(street.gateway().client("bank").await.unwrap().name, "The app");
}

#[tokio::test]
async fn attack_61_pages_at_another_host_or_that_run_are_refused() {
    let street = street(RegistrationMode::Open).await;
    for (name, uri) in [
        ("client_uri", "javascript:alert(1)"),
        ("policy_uri", "data:text/html,<script>"),
        ("tos_uri", "https://bank.example/terms"),
        ("client_uri", "http://app.example.com/"),
        ("initiate_login_uri", "javascript:alert(1)"),
    ] {
        let mut body = plain();
        body[name] = uri.into();
        assert_eq!(street.registers(&body).await.error(), "invalid_client_metadata", "{name} {uri}");
    }
    let native =
        json!({ "redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none", "client_uri": "https://bank.example" });
    let answer = street.registers(&native).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert!(answer.json().get("client_uri").is_none(), "no host stands behind it, so it is left out: {answer:?}");
}

#[tokio::test]
async fn attack_61_attack_84_asvs_10_4_7_a_flood_of_registrations_ends_at_the_rate_of_its_address_and_at_the_number_of_the_house() {
    let street = street(RegistrationMode::Open).await;
    for _ in 0..20 {
        assert_eq!(street.registers(&plain()).await.status, StatusCode::CREATED);
    }
    let refused = street.registers(&plain()).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 3000);
    assert_eq!(street.count("abuse.rate_limited"), 1);

    let registration = SelfRegistration { mode: RegistrationMode::Open, most_clients: 2, ..SelfRegistration::default() };
    let small = Street::with(RigOptions { registration, ..RigOptions::default() }).await;
    for _ in 0..2 {
        assert_eq!(small.registers(&plain()).await.status, StatusCode::CREATED);
    }
    assert_eq!(small.registers(&plain()).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(small.count("client.registration_refused"), 1);
    // And they go by themselves.
    small.rig.clock.advance(std::time::Duration::from_hours(24 * 31));
    small.gateway().sweep().await.unwrap();
    assert_eq!(small.rig.store.count_self_registered().await, Ok(0));
    assert_eq!(small.count("client.expired"), 2, "and that they went is on record");
    assert_eq!(small.registers(&plain()).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn attack_61_huge_metadata_is_refused() {
    let street = street(RegistrationMode::Open).await;
    let many: Vec<_> = (0..51).map(|at| format!("https://app.example.com/{at}")).collect();
    assert_eq!(street.registers(&json!({ "redirect_uris": many })).await.error(), "invalid_redirect_uri");
    let huge = json!({ "redirect_uris": [CALLBACK], "client_name": "x".repeat(70_000) });
    assert_eq!(street.registers(&huge).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let deep = format!("{{\"redirect_uris\":{}{}}}", "[".repeat(100), "]".repeat(100));
    let deep = street.request(Method::POST, "/register").content_type("application/json").body(deep);
    assert_eq!(street.send(deep).await.error(), "invalid_client_metadata");
}

#[tokio::test]
async fn rfc_7591_section_3_1_where_it_is_closed_a_token_of_an_operator_opens_it_so_often() {
    let street = street(RegistrationMode::Token).await;
    let made = street
        .json(Method::POST, "/api/v1/registration-tokens", Some(ADMIN_KEY), &json!({ "name": "ci", "uses": 2, "expires_in": 3600 }))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let token = text(&made.json(), "token").to_owned();
    for wrong in [None, Some("wrong"), Some(ADMIN_KEY)] {
        let refused = street.json(Method::POST, "/register", wrong, &plain()).await;
        assert_eq!((refused.status, refused.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"));
        assert!(refused.header("www-authenticate").starts_with("Bearer "));
    }
    for _ in 0..2 {
        assert_eq!(street.json(Method::POST, "/register", Some(&token), &plain()).await.status, StatusCode::CREATED);
    }
    assert_eq!(street.json(Method::POST, "/register", Some(&token), &plain()).await.status, StatusCode::UNAUTHORIZED, "used up");
    let listed = street.json(Method::GET, "/api/v1/registration-tokens", Some(ADMIN_KEY), &Value::Null).await;
    assert_eq!(listed.json()["items"][0]["uses_left"], 0);
    assert!(!listed.body.contains(&token), "it is shown once");

    let made = street
        .json(Method::POST, "/api/v1/registration-tokens", Some(ADMIN_KEY), &json!({ "name": "late", "expires_in": 60 }))
        .await
        .json();
    street.rig.clock.advance(std::time::Duration::from_mins(1));
    assert_eq!(
        street.json(Method::POST, "/register", Some(text(&made, "token")), &plain()).await.status,
        StatusCode::UNAUTHORIZED,
        "expired"
    );
    let made = street.json(Method::POST, "/api/v1/registration-tokens", Some(ADMIN_KEY), &json!({ "name": "gone" })).await.json();
    let address = format!("/api/v1/registration-tokens/{}", text(&made, "id"));
    assert_eq!(street.json(Method::DELETE, &address, Some(ADMIN_KEY), &Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(street.json(Method::DELETE, &address, Some(ADMIN_KEY), &Value::Null).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        street.json(Method::POST, "/register", Some(text(&made, "token")), &plain()).await.status,
        StatusCode::UNAUTHORIZED,
        "taken back"
    );
    assert_eq!((street.count("registration_token.created"), street.count("registration_token.deleted")), (3, 1));
}

#[tokio::test]
async fn rfc_7592_section_2_1_a_registration_is_read_with_its_own_token() {
    let street = street(RegistrationMode::Open).await;
    let mine = street.registers(&plain()).await.json();
    let (address, token) = held(&mine);
    let read = street.json(Method::GET, &address, Some(&token), &Value::Null).await;
    assert_eq!((read.status, read.header("cache-control")), (StatusCode::OK, "no-store"));
    let mut shown = mine.clone();
    shown.as_object_mut().unwrap().remove("client_secret");
    assert_eq!(read.json(), shown, "everything but the secret, of which only a digest is kept");
    assert_eq!(street.json(Method::POST, &address, Some(&token), &plain()).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

/// One answer for no token, a wrong one, another client's, and clients that are not there or not theirs to look after; and nothing comes of it.
#[tokio::test]
async fn attack_61_rfc_7592_section_2_1_nobody_looks_after_a_registration_by_another_token_than_its_own() {
    let street = street(RegistrationMode::Open).await;
    let mine = street.registers(&plain()).await.json();
    let other = street.registers(&plain()).await.json();
    let (address, token) = held(&mine);
    street.app("operators").await;
    for (path, token) in [
        (address.as_str(), None),
        (&address, Some("wrong")),
        (&address, Some(&*held(&other).1)),
        ("/register/nobody", Some(&*token)),
        ("/register/operators", Some(&*token)),
        ("/register/%00", Some(&*token)),
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let refused = street.json(method, path, token, &plain()).await;
            assert_eq!((refused.status, refused.error().as_str()), (StatusCode::UNAUTHORIZED, "invalid_token"), "{path}");
        }
        street.rig.clock.advance(std::time::Duration::from_mins(2));
    }
    street.rig.clock.advance(std::time::Duration::from_hours(1));
    for (address, token) in [held(&mine), held(&other)] {
        let read = street.json(Method::GET, &address, Some(&token), &Value::Null).await;
        assert_eq!((read.status, text(&read.json(), "client_name")), (StatusCode::OK, "The app"));
    }
}

#[tokio::test]
async fn rfc_7592_section_2_2_a_replacement_replaces_everything_and_the_token_too() {
    let street = street(RegistrationMode::Open).await;
    let mut body = plain();
    body["contacts"] = json!(["ops@example.com"]);
    let mine = street.registers(&body).await.json();
    let (address, token) = held(&mine);
    let put = |body: Value| {
        let (street, address, token) = (&street, address.clone(), token.clone());
        async move { street.json(Method::PUT, &address, Some(&token), &body).await }
    };
    let id = text(&mine, "client_id");
    let named = |more: Value| {
        let mut body = json!({ "client_id": id, "client_name": "New", "redirect_uris": ["https://app.example.com/new"] });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for wrong in [
        plain(),
        named(json!({ "client_id": "other" })),
        named(json!({ "client_secret": "chosen" })),
        named(json!({ "registration_access_token": token })),
        named(json!({ "registration_client_uri": "https://x" })),
        named(json!({ "client_secret_expires_at": 0 })),
        named(json!({ "client_id_issued_at": 0 })),
        named(json!({ "redirect_uris": ["javascript:alert(1)"] })),
    ] {
        assert_eq!(put(wrong.clone()).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let replaced = put(named(json!({ "client_secret": mine["client_secret"] }))).await;
    assert_eq!(replaced.status, StatusCode::OK, "{replaced:?}");
    let now = replaced.json();
    assert_eq!((text(&now, "client_name"), &now["redirect_uris"]), ("New", &json!(["https://app.example.com/new"])));
    assert_eq!(now["contacts"], json!([]), "what is left out is gone");
    assert!(now.get("client_secret").is_none(), "the secret stays, and is not shown again");
    assert_ne!(held(&now).1, token);
    assert_eq!(put(named(json!({}))).await.status, StatusCode::UNAUTHORIZED, "the token before works no more");
    let public = named(json!({ "token_endpoint_auth_method": "none" }));
    let public = street.json(Method::PUT, &address, Some(&held(&now).1), &public).await.json();
    assert!(public.get("client_secret_expires_at").is_none());
    let again = named(json!({ "token_endpoint_auth_method": "client_secret_post" }));
    let again = street.json(Method::PUT, &address, Some(&held(&public).1), &again).await.json();
    assert_ne!(again["client_secret"], mine["client_secret"], "one that had none gets a new one");
    assert!(again["client_secret"].is_string());
}

#[tokio::test]
async fn rfc_7592_section_2_2_what_an_operator_said_of_an_app_stands_when_it_replaces_the_rest() {
    let street = street(RegistrationMode::Open).await;
    let mine = street.registers(&plain()).await.json();
    let (address, token) = held(&mine);
    let present = street.gateway().client(text(&mine, "client_id")).await.unwrap();
    let told = Client {
        allowed_providers: vec![ProviderId::parse("acme").unwrap()],
        consent: ConsentMode::Always,
        id_token_claims: !present.id_token_claims,
        version: present.version + 1,
        ..present.clone()
    };
    let write = Write::PutClient { client: Box::new(told.clone()), expected: Some(present.version) };
    street.rig.port().commit(Changes::default().write(write)).await.unwrap();
    let body = json!({ "client_id": mine["client_id"], "client_name": "New", "redirect_uris": [CALLBACK] });
    assert_eq!(street.json(Method::PUT, &address, Some(&token), &body).await.status, StatusCode::OK);
    let now = street.gateway().client(text(&mine, "client_id")).await.unwrap();
    assert_eq!((now.name.as_str(), now.consent, now.id_token_claims), ("New", told.consent, told.id_token_claims));
    assert_eq!(now.allowed_providers, told.allowed_providers);
}

#[tokio::test]
async fn rfc_7592_section_2_3_what_is_deleted_is_gone_and_its_tokens_die() {
    let street = street(RegistrationMode::Open).await;
    let mut body = plain();
    body["grant_types"] = json!(["authorization_code", "refresh_token"]);
    let mine = street.registers(&body).await.json();
    let (address, token) = held(&mine);
    let app = App { id: text(&mine, "client_id").into(), secret: Some(text(&mine, "client_secret").into()), redirect_uri: CALLBACK.into() };
    let code = street.signs_in_to_a_stranger(&mut Browser::default(), &app, "alice").await;
    let tokens = street.redeems(&app, &code).await.json();
    assert!(street.is_good(text(&tokens, "access_token")).await);
    let gone = street.json(Method::DELETE, &address, Some(&token), &Value::Null).await;
    assert_eq!((gone.status, gone.body.as_str()), (StatusCode::NO_CONTENT, ""));
    assert!(!street.is_good(text(&tokens, "access_token")).await);
    assert_eq!(street.refreshes(&app, text(&tokens, "refresh_token")).await.error(), "invalid_client");
    assert_eq!(street.json(Method::GET, &address, Some(&token), &Value::Null).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!((street.count("client.created"), street.count("client.deleted")), (1, 1));
}

#[tokio::test]
async fn an_app_that_is_used_is_kept() {
    let street = street(RegistrationMode::Open).await;
    let mut body = plain();
    body["grant_types"] = json!(["authorization_code", "refresh_token"]);
    let mine = street.registers(&body).await.json();
    let app = App { id: text(&mine, "client_id").into(), secret: Some(text(&mine, "client_secret").into()), redirect_uri: CALLBACK.into() };
    street.rig.clock.advance(std::time::Duration::from_hours(24 * 20));
    let code = street.signs_in_to_a_stranger(&mut Browser::default(), &app, "alice").await;
    let tokens = street.redeems(&app, &code).await.json();
    street.rig.clock.advance(std::time::Duration::from_hours(24 * 20));
    street.gateway().sweep().await.unwrap();
    let refreshed = street.refreshes(&app, text(&tokens, "refresh_token")).await;
    assert_eq!(refreshed.status, StatusCode::OK, "{refreshed:?}");
    street.rig.clock.advance(std::time::Duration::from_hours(24 * 32));
    street.gateway().sweep().await.unwrap();
    assert_eq!(street.refreshes(&app, "x").await.error(), "invalid_client", "nobody used it for a month, and a day to be sure");
}
