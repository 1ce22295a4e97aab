//! Every knob of the generic preset.

use std::time::Duration;

use serde_json::{Value, json};
use vestibule_domain::{
    ports::Clock,
    provider::{Callback, Departure, Phase},
};

use crate::{
    bench::{Bench, SECRET, callback, departure, pem, read, rule},
    upstream::value,
};

const TOKEN: &str = "POST /issuer.example/t/token";

async fn with(own: Value) -> Bench {
    let bench = Bench::new("oidc", own).await;
    bench.upstream.says(&["userinfo"]);
    bench
}

async fn refused(bench: &Bench, name: &str, value: Value) -> (Phase, &'static str) {
    rule(bench.sign_in_as("id_token", |claims| drop(claims.insert(name.to_owned(), value))).await)
}

#[tokio::test]
async fn attack_26_security_topics_update_an_assertion_is_for_the_issuer_whatever_its_endpoints_are() {
    let honest = with(json!({})).await;
    let elsewhere = format!("{}/issuer.example/t/token", honest.upstream.base());
    let secrets = [("private_key", pem())];
    let secrets = secrets.each_ref().map(|(name, secret)| (*name, secret.as_str()));
    let bench = Bench::with("oidc", "discovery", json!({"token_auth": "private_key_jwt", "key_id": "our-key"}), &secrets).await;
    bench.upstream.says(&["userinfo"]);
    bench.sign_in().await.unwrap();
    let asked = bench.upstream.last(TOKEN);
    assert_eq!(asked.field("client_assertion_type"), Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    assert_eq!((asked.field("client_id"), asked.field("client_secret"), asked.header("authorization")), (Some("vestibule"), None, None));
    let (header, claims) = read(asked.field("client_assertion").unwrap());
    let now = bench.clock.now().as_secs();
    assert_eq!(header, json!({"alg": "RS256", "kid": "our-key", "typ": "JWT"}));
    assert_eq!(claims["aud"], json!(format!("{}/issuer.example/t", bench.upstream.base())));
    assert_ne!(claims["aud"], json!(elsewhere));
    assert_eq!((&claims["iss"], &claims["sub"], &claims["exp"]), (&json!("vestibule"), &json!("vestibule"), &json!(now + 300)));
    let first = claims["jti"].clone();
    bench.sign_in().await.unwrap();
    let (_, claims) = read(bench.upstream.last(TOKEN).field("client_assertion").unwrap());
    assert_ne!(claims["jti"], first);
}

#[tokio::test]
async fn rfc_6749_section_2_3_1_each_way_to_prove_who_we_are() {
    let basic = with(json!({})).await;
    basic.sign_in().await.unwrap();
    let asked = basic.upstream.last(TOKEN);
    assert!(asked.header("authorization").unwrap().starts_with("Basic ") && asked.field("client_secret").is_none());
    let post = with(json!({"token_auth": "client_secret_post"})).await;
    post.sign_in().await.unwrap();
    assert_eq!(post.upstream.last(TOKEN).field("client_secret"), Some(SECRET));
    let public = Bench::with("oidc", "discovery", json!({"token_auth": "none"}), &[]).await;
    public.upstream.says(&["userinfo"]);
    public.sign_in().await.unwrap();
    let asked = public.upstream.last(TOKEN);
    assert_eq!((asked.field("client_id"), asked.field("client_secret"), asked.header("authorization")), (Some("vestibule"), None, None));
}

#[tokio::test]
async fn attack_17_required_pkce_is_missed_where_it_is_not_announced() {
    with(json!({"pkce": "required"})).await.sign_in().await.unwrap();
    for methods in [json!(null), json!(["plain"]), json!([]), json!("S256")] {
        let bench = with(json!({"pkce": "required"})).await;
        let mut metadata = crate::bench::fixture("oidc", "discovery", &bench.upstream.base());
        metadata["body"]["code_challenge_methods_supported"] = methods.clone();
        bench.upstream.answers(serde_json::from_value(metadata).unwrap());
        assert_eq!(rule(bench.sign_in().await), (Phase::Discovery, "misconfigured"), "{methods}");
    }
    let never = with(json!({"pkce": "never"})).await;
    assert_eq!(value(&never.departs(&departure()).await, "code_challenge"), None);
    never.sign_in().await.unwrap();
    assert_eq!(never.upstream.last(TOKEN).field("code_verifier"), None);
}

#[tokio::test]
async fn attack_15_a_nonce_that_is_optional_may_be_missing_and_never_be_another() {
    let bench = with(json!({"nonce": "optional"})).await;
    bench.sign_in_as("id_token", |claims| drop(claims.remove("nonce"))).await.unwrap();
    for other in [json!("another"), json!(""), json!(7)] {
        assert_eq!(refused(&bench, "nonce", other).await, (Phase::Token, "nonce"));
    }
    let none = with(json!({"nonce": "unsupported"})).await;
    none.sign_in_as("id_token", |claims| drop(claims.insert("nonce".into(), "".into()))).await.unwrap();
    assert_eq!(refused(&none, "nonce", json!("another")).await, (Phase::Token, "nonce"));
}

#[tokio::test]
async fn attack_23_audiences_of_ours_are_those_that_were_configured() {
    let bench = with(json!({"audiences": ["vestibule-mobile"]})).await;
    let sign_in = async |aud: &Value, azp: &Value| {
        bench
            .sign_in_as("id_token", |claims| {
                claims.insert("aud".into(), aud.clone());
                claims.remove("azp");
                claims.extend(azp.as_str().map(|azp| ("azp".to_owned(), azp.into())));
            })
            .await
    };
    for (aud, azp) in [
        (json!("vestibule"), json!("vestibule-mobile")),
        (json!(["vestibule", "vestibule-mobile"]), json!(null)),
        (json!("vestibule-mobile"), json!("vestibule")),
        (json!(["vestibule", "another"]), json!("vestibule")),
    ] {
        sign_in(&aud, &azp).await.unwrap();
    }
    // A token that another client of ours got is its own: whoever runs that client could sign in here as its people.
    for (aud, azp, expected) in [
        (json!("vestibule-mobile"), json!(null), "aud"),
        (json!(["vestibule-mobile"]), json!("vestibule-mobile"), "aud"),
        (json!("vestibule"), json!("another"), "azp"),
    ] {
        assert_eq!(rule(sign_in(&aud, &azp).await), (Phase::Token, expected), "{aud} {azp}");
    }
    for other in [json!("another"), json!(["vestibule", "another"]), json!([]), json!(["vestibule", 7]), json!({"vestibule": 1})] {
        assert_eq!(refused(&bench, "aud", other.clone()).await, (Phase::Token, "aud"), "{other}");
    }
}

#[tokio::test]
async fn an_alias_of_the_issuer_is_the_same_issuer_in_tokens_and_answers() {
    let bench = with(json!({"issuer_aliases": ["https://old.issuer.example"]})).await;
    let (parameters, kept) = bench.depart().await.unwrap();
    let mut claims = bench.claims("id_token");
    claims.insert("nonce".into(), value(&parameters, "nonce").unwrap().into());
    claims.insert("iss".into(), "https://old.issuer.example".into());
    bench.token("token", &claims);
    let arrival = bench.complete(Callback { iss: Some("https://old.issuer.example".into()), ..callback() }, kept).await.unwrap();
    assert_eq!(arrival.issuer, format!("{}/issuer.example/t", bench.upstream.base()));
    let (_, kept) = bench.depart().await.unwrap();
    let other = Callback { iss: Some("https://older.issuer.example".into()), ..callback() };
    assert_eq!(rule(bench.complete(other, kept).await), (Phase::Callback, "iss"));
}

#[tokio::test]
async fn endpoints_that_are_set_are_used_and_without_discovery_nothing_else_is() {
    let own = json!({
        "discovery": false,
        "authorization_endpoint": "{base}/issuer.example/t/authorize?p=1",
        "token_endpoint": "{base}/issuer.example/t/token",
        "jwks_uri": "{base}/issuer.example/t/jwks",
        "userinfo_endpoint": "{base}/issuer.example/t/userinfo",
    });
    let bench = with(own).await;
    let arrival = bench.sign_in().await.unwrap();
    assert_eq!(arrival.claims["groups"], json!(["eng"]));
    assert_eq!(value(&bench.departs(&departure()).await, "p"), Some("1"));
    assert!(bench.upstream.asked("GET /issuer.example/t/.well-known/openid-configuration").is_empty());
    assert_eq!(bench.upstream.times_asked(), 3);
}

#[tokio::test]
async fn what_an_operator_wants_asked_is_asked_and_nothing_twice() {
    let own = json!({
        "prompt": "consent", "acr_values": "urn:mfa", "authorization_params": {"resource": "https://api.example", "tag": "a&b"},
        "response_mode": "form_post", "scopes": ["openid", "email", "email"], "keep_tokens": true, "domain_hint_param": "realm",
    });
    let bench = with(own).await;
    let parameters = bench.departs(&Departure { fresh: true, domain_hint: Some("corp.example".into()), ..departure() }).await;
    for (name, expected) in [
        ("prompt", "login consent"),
        ("acr_values", "urn:mfa"),
        ("resource", "https://api.example"),
        ("tag", "a&b"),
        ("response_mode", "form_post"),
        ("scope", "openid email offline_access"),
        ("realm", "corp.example"),
    ] {
        assert_eq!(value(&parameters, name), Some(expected), "{name}");
    }
    let app = bench.departs(&Departure { acr_values: Some("urn:app".into()), ..departure() }).await;
    assert_eq!(value(&app, "acr_values"), Some("urn:app"), "an app that asks goes first");
}

#[tokio::test]
async fn asvs_10_2_3_nothing_is_asked_for_that_a_sign_in_does_not_need_and_no_app_adds_to_it() {
    let asks_for = async |own: Value, departure: &Departure| {
        let parameters = with(own).await.departs(departure).await;
        value(&parameters, "scope").unwrap().to_owned()
    };
    assert_eq!(asks_for(json!({}), &departure()).await, "openid profile email");
    assert_eq!(asks_for(json!({"scopes": []}), &departure()).await, "openid", "and less, where an operator says less");
    assert_eq!(asks_for(json!({"keep_tokens": true}), &departure()).await, "openid profile email offline_access");
    // All that an app can wish for.
    let wishes = Departure {
        fresh: true,
        select_account: true,
        max_age: Some(Duration::from_mins(1)),
        login_hint: Some("alice scope=admin".into()),
        acr_values: Some("urn:mfa&scope=admin".into()),
        ui_locales: Some("de".into()),
        ..departure()
    };
    assert_eq!(asks_for(json!({}), &wishes).await, "openid profile email");
    let plain = with(json!({})).await.departs(&departure()).await;
    let mut names: Vec<_> = plain.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let needed = ["client_id", "code_challenge", "code_challenge_method", "nonce", "redirect_uri", "response_type", "scope", "state"];
    assert_eq!(names, needed, "nor is there any other parameter");
}

#[tokio::test]
async fn a_subject_is_the_claim_that_was_named_and_comes_from_the_token_alone() {
    let bench = with(json!({"subject": "employee"})).await;
    assert_eq!(bench.sign_in().await.unwrap().subject, "E-7");
    let said = json!({"sub": "person-1", "employee": "E-1"}).to_string();
    bench.upstream.responds("GET /issuer.example/t/userinfo", 200, "application/json", said);
    assert_eq!(refused(&bench, "employee", json!(null)).await, (Phase::Token, "sub"));
}

#[tokio::test]
async fn attack_24_userinfo_is_about_the_same_person_or_refused() {
    let bench = with(json!({})).await;
    bench.upstream.says(&["userinfo_other"]);
    assert_eq!(rule(bench.sign_in().await), (Phase::Userinfo, "sub"));
    let off = with(json!({"userinfo": false})).await;
    off.upstream.says(&["userinfo_other"]);
    off.sign_in().await.unwrap();
}

#[tokio::test]
async fn attack_18_only_algorithms_that_were_listed_are_accepted() {
    with(json!({"algorithms": ["RS256"]})).await.sign_in().await.unwrap();
    let bench = with(json!({"algorithms": ["ES256", "PS256"]})).await;
    assert_eq!(rule(bench.sign_in().await), (Phase::Token, "alg"));
    let warned = bench.provider.check().await.unwrap().warnings;
    assert!(warned.iter().any(|warning| warning.contains("none of the allowed algorithms")), "{warned:?}");
}

#[tokio::test]
async fn attack_30_claims_beyond_measure_are_refused() {
    let bench = with(json!({})).await;
    let said = json!({"sub": "person-1", "bulk": "x".repeat(65 * 1024)}).to_string();
    bench.upstream.responds("GET /issuer.example/t/userinfo", 200, "application/json", said);
    assert_eq!(rule(bench.sign_in().await), (Phase::Userinfo, "too_large"));
}

#[tokio::test]
async fn attack_07_what_the_claim_map_makes_is_up_to_the_trust_in_it() {
    for (trust, verified) in [("claim", true), ("never", false), ("always", true)] {
        let bench = with(json!({"email_trust": trust})).await;
        assert_eq!(bench.profile().await.email_verified, verified, "{trust}");
        let unsaid = bench.sign_in_as("id_token", |claims| drop(claims.remove("email_verified"))).await.unwrap();
        assert_eq!(bench.profile_of(&unsaid).email_verified, trust == "always", "{trust}");
    }
}

#[tokio::test]
async fn a_check_tells_what_an_operator_wants_to_know() {
    let bench = with(json!({"secret_expires": "2027-01-31", "label": "Acme", "icon": "acme"})).await;
    let checked = bench.provider.check().await.unwrap();
    let fact = |name| checked.facts.iter().find(|(fact, _)| *fact == name).map(|(_, value)| value.as_str());
    assert_eq!((fact("keys"), fact("token_endpoint")), (Some("1"), Some("127.0.0.1")));
    assert!(fact("issuer").unwrap().ends_with("/issuer.example/t") && fact("algorithms").unwrap().starts_with("RS256"));
    assert_eq!((checked.secret_expires.unwrap().to_string().as_str(), fact("secret_expires")), ("2027-01-31T00:00:00Z", None));
    assert_eq!(checked.warnings, Vec::<String>::new());
    assert_eq!((bench.provider.card().label.as_str(), bench.provider.card().icon.as_deref()), ("Acme", Some("acme")));
}

#[tokio::test]
async fn a_check_says_what_keeps_everybody_out_and_what_is_tied_loosely() {
    let metadata = |bench: &Bench, methods: Value| {
        let mut metadata = crate::bench::fixture("oidc", "discovery", &bench.upstream.base());
        metadata["body"]["code_challenge_methods_supported"] = methods;
        bench.upstream.answers(serde_json::from_value(metadata).unwrap());
    };
    let strict = with(json!({"pkce": "required"})).await;
    metadata(&strict, json!(["plain"]));
    assert_eq!(rule(strict.provider.check().await), (Phase::Discovery, "misconfigured"));
    for (nonce, warned) in [("required", 0), ("optional", 1), ("unsupported", 1)] {
        let loose = with(json!({"pkce": "never", "nonce": nonce})).await;
        assert_eq!(loose.provider.check().await.unwrap().warnings.len(), warned, "{nonce}");
    }
}

#[tokio::test]
async fn rfc_6749_section_5_1_a_scope_that_is_not_said_is_the_one_that_was_asked_for() {
    let bench = with(json!({"keep_tokens": true})).await;
    let (parameters, kept) = bench.depart().await.unwrap();
    let mut claims = bench.claims("id_token");
    claims.insert("nonce".into(), value(&parameters, "nonce").unwrap().into());
    let id_token = crate::bench::signed(&Value::Object(claims));
    let mut said = json!({"access_token": "access-1", "token_type": "Bearer", "id_token": id_token});
    bench.upstream.responds(TOKEN, 200, "application/json", said.to_string());
    let silent = bench.complete(callback(), kept.clone()).await.unwrap();
    assert_eq!(silent.tokens.scope.as_deref(), Some("openid profile email offline_access"));
    for unreadable in [json!(7), json!(""), json!("a\nb"), json!(["openid"])] {
        said["scope"] = unreadable.clone();
        bench.upstream.responds(TOKEN, 200, "application/json", said.to_string());
        assert_eq!(bench.complete(callback(), kept.clone()).await.unwrap().tokens.scope, None, "{unreadable}");
    }
}

#[tokio::test]
async fn attack_04_endpoints_on_foreign_hosts_are_flagged_unless_they_are_known() {
    let at = async |own: Value| {
        let bench = with(own).await;
        let mut metadata = crate::bench::fixture("oidc", "discovery", &bench.upstream.base());
        metadata["body"]["token_endpoint"] = "https://tokens.evil.example/token".into();
        bench.upstream.answers(serde_json::from_value(metadata).unwrap());
        bench.provider.check().await.unwrap().warnings
    };
    let warned = at(json!({})).await;
    assert!(warned.len() == 1 && warned[0].contains("token_endpoint is on tokens.evil.example"), "{warned:?}");
    assert_eq!(at(json!({"endpoint_hosts": ["*.evil.example"]})).await, Vec::<String>::new());
    let set = json!({"token_endpoint": "{base}/issuer.example/t/token"});
    assert_eq!(at(set).await, Vec::<String>::new());
}
