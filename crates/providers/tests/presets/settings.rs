//! What operators write, and what is wrong with it.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use serde_json::{Value, json};
use vestibule_domain::{
    ports::{IdentityProvider, ProviderFactory},
    provider::{ButtonWording, EmailTrust},
    registration::FieldFault,
};
use vestibule_providers::{
    factory::ProviderMaker,
    preset::{Protocol, preset, presets},
};

use crate::bench::{SECRET, definition, maker, object, pem};

pub(crate) fn made(name: &str, own: Value) -> Result<Arc<dyn IdentityProvider>, Vec<FieldFault>> {
    with(name, own, &[("client_secret", SECRET)])
}

pub(crate) fn with(name: &str, own: Value, secrets: &[(&str, &str)]) -> Result<Arc<dyn IdentityProvider>, Vec<FieldFault>> {
    // The outgoing client takes a while to make.
    static MAKER: LazyLock<ProviderMaker> = LazyLock::new(|| maker(&[], &Arc::default(), &Arc::default()));
    MAKER.make(&definition(name, own, secrets))
}

fn faults(name: &str, own: Value) -> Vec<(String, String)> {
    let faults = made(name, own).err().unwrap();
    faults.into_iter().map(|fault| (fault.pointer, fault.message)).collect()
}

pub(crate) fn pointers(name: &str, own: Value) -> Vec<String> {
    faults(name, own).into_iter().map(|(pointer, _)| pointer).collect()
}

/// The least an operator has to write.
fn least(name: &str) -> Value {
    match name {
        "oidc" => json!({"issuer": "https://login.corp.example"}),
        "okta" => json!({"domain": "corp.okta.com"}),
        "auth0" => json!({"domain": "corp.eu.auth0.com"}),
        "keycloak" => json!({"host": "sso.corp.example", "realm": "staff"}),
        "cognito" => json!({"region": "eu-west-1", "pool": "eu-west-1_AbCdEfGhI"}),
        _ => json!({}),
    }
}

/// A form that asks for what a card says makes a provider, and asks for nothing that it does not need.
#[test]
fn what_a_card_asks_for_is_what_its_provider_needs() {
    let p256 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let value = |name: &str| match name {
        "team_id" => "TEAM123456",
        "key_id" => "KEY1234567",
        "private_key" => p256.as_str(),
        "client_secret" => SECRET,
        name if name.ends_with("_endpoint") => "https://login.corp.example/somewhere",
        other => panic!("{other}"),
    };
    let cards = maker(&[], &Arc::default(), &Arc::default()).presets();
    assert_eq!(cards.len(), presets().len());
    for card in cards {
        let made = |left_out: &str| {
            let (sealed, open): (Vec<_>, Vec<_>) = card.needs.iter().filter(|need| need.name != left_out).partition(|need| need.is_secret);
            let mut own = object(least(&card.name));
            own.extend(open.iter().map(|need| (need.name.to_owned(), value(need.name).into())));
            let secrets: Vec<_> = sealed.iter().map(|need| (need.name, value(need.name))).collect();
            with(&card.name, own.into(), &secrets)
        };
        assert!(made("").is_ok(), "{}: {:?}", card.name, made("").err());
        for need in &card.needs {
            let faults = made(need.name).err().unwrap_or_else(|| panic!("{} does not need {}", card.name, need.name));
            let at = format!("/{}", need.name);
            assert!(faults.iter().any(|fault| fault.pointer == at && fault.message.starts_with("is missing")), "{}: {faults:?}", card.name);
        }
    }
}

#[test]
fn every_preset_of_an_issuer_works_with_the_least_an_operator_has_to_write() {
    for preset in presets().iter().filter(|preset| preset.protocol == Protocol::Oidc) {
        let p256 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
        let made = match preset.name {
            "apple" => with("apple", json!({"team_id": "TEAM123456", "key_id": "KEY1234567"}), &[("private_key", &p256)]),
            name => made(name, least(name)),
        };
        let provider = made.unwrap_or_else(|faults| panic!("{}: {faults:?}", preset.name));
        let card = provider.card();
        assert_eq!((card.preset.as_str(), card.label.as_str(), card.wording), (preset.name, preset.label(), preset.wording));
        assert_eq!(card.icon.is_none(), preset.name == "oidc");
        assert_ne!(provider.terms().email_trust, EmailTrust::Always, "{}: to trust every address is an operator's to say", preset.name);
        assert!(preset.registration("https://id.example/callback/x").contains("https://id.example/callback/x") || preset.name == "oidc");
    }
}

#[test]
fn asvs_10_2_3_presets_ask_who_somebody_is_and_for_nothing_else() {
    // Of OpenID Connect, and what takes their place elsewhere. X shows nobody their own profile without the right to read posts.
    let of_openid = ["openid", "profile", "email", "name", "groups"];
    let of_others = ["identify", "public_profile", "read:user", "user:email", "tweet.read", "users.read", "users.email"];
    let to_come_again = ["offline_access", "offline.access", "refresh_token"];
    for preset in presets() {
        let scopes = |name: &str| -> Vec<String> {
            preset.settings.get(name).map(|list| serde_json::from_value(list.clone()).unwrap()).unwrap_or_default()
        };
        for scope in scopes("scopes") {
            assert!(
                of_openid.iter().chain(&of_others).any(|known| *known == scope),
                "{}: {scope}: what does a sign-in need it for?",
                preset.name
            );
        }
        // Those are asked for only where tokens are kept, which is an operator's to say.
        assert!(scopes("offline_scopes").iter().all(|scope| to_come_again.contains(&scope.as_str())), "{}", preset.name);
        assert!(!preset.settings.contains_key("keep_tokens"), "{}", preset.name);
    }
}

#[test]
fn brands_have_the_words_they_ask_for() {
    for (name, wording) in
        [("google", ButtonWording::SignInWith), ("microsoft", ButtonWording::SignInWith), ("apple", ButtonWording::SignInWith)]
    {
        assert_eq!(preset(name).unwrap().wording, wording, "{name}");
    }
}

#[test]
fn addresses_of_presets_are_made_of_what_operators_say() {
    for (name, own) in [
        ("okta", json!({"domain": "corp.okta.com", "authorization_server": "default"})),
        ("keycloak", json!({"host": "sso.corp.example/auth", "realm": "staff"})),
        (
            "microsoft",
            json!({"tenant": "corp.example", "host": "login.microsoftonline.us", "graph_endpoint": "https://graph.microsoft.us"}),
        ),
        ("gitlab", json!({"host": "git.corp.example"})),
        ("salesforce", json!({"host": "corp.my.salesforce.com"})),
    ] {
        assert!(made(name, own.clone()).is_ok(), "{name} {own}");
    }
    for (name, own, at) in [
        ("okta", json!({}), "/domain"),
        ("okta", json!({"domain": "evil.example/../x"}), "/domain"),
        ("okta", json!({"domain": "corp.okta.com@evil.example"}), "/domain"),
        ("okta", json!({"domain": "corp.okta.com?x"}), "/domain"),
        ("okta", json!({"domain": "corp.okta.com", "authorization_server": "a b"}), "/authorization_server"),
        ("keycloak", json!({"host": "sso.corp.example", "realm": "a//b"}), "/realm"),
        ("gitlab", json!({"host": "127.0.0.1"}), "/issuer"),
        ("gitlab", json!({"host": "169.254.169.254"}), "/issuer"),
    ] {
        assert_eq!(pointers(name, own.clone()), [at], "{name} {own}");
    }
    assert_eq!(pointers("keycloak", json!({})), ["/host", "/realm"]);
    assert!(
        made("keycloak", json!({"issuer": "https://sso.corp.example/realms/staff"})).is_ok(),
        "an address that is whole needs no parts"
    );
}

#[test]
fn every_fault_is_named_at_once_and_where_it_stands() {
    let own = json!({
        "issuer": "https://login.corp.example?x", "client_id": "", "scopes": ["openid", "a b", 7], "offline_scopes": ["a b"], "token_auth": "basic", "pkce": "sometimes",
        "nonce": "maybe", "algorithms": ["RS256", "HS256"], "userinfo": "yes", "subject": "{a}{b}", "prompt": "none",
        "authorization_params": {"state": "x", "resource": 7}, "secret_expires": "soon", "icon": "<svg>", "label": "a\u{1b}[31m",
        "claims": {"sub": {"from": ["/x"]}, "groups": {"from": ["x"], "coerce": "texts"}}, "email_trust": "blindly",
        "entry": {"email_domains": ["corp"]}, "domains": ["corp.example", "x"], "ends_sessions": true, "recheck": "often",
        "token_endpoint": "https://10.0.0.1/token", "userinfo_endpoint": "javascript:alert(1)", "response_mode": "fragment",
        "discovery": "no", "secret": "x", "client_secret": "x",
    });
    let mut at = pointers("oidc", own);
    at.sort();
    let mut expected = [
        "/issuer",
        "/client_id",
        "/scopes/1",
        "/scopes/2",
        "/offline_scopes/0",
        "/token_auth",
        "/pkce",
        "/nonce",
        "/algorithms/1",
        "/userinfo",
        "/subject",
        "/prompt",
        "/authorization_params/state",
        "/authorization_params/resource",
        "/secret_expires",
        "/icon",
        "/label",
        "/claims/sub",
        "/claims/groups/from",
        "/email_trust",
        "/entry/email_domains/0",
        "/domains/1",
        "/ends_sessions",
        "/recheck",
        "/token_endpoint",
        "/userinfo_endpoint",
        "/response_mode",
        "/discovery",
        "/secret",
        "/client_secret",
    ];
    expected.sort_unstable();
    let without_twice = at.iter().zip(at.iter().skip(1)).all(|(one, next)| one != next);
    assert!(without_twice, "{at:?}");
    assert_eq!(at, expected);
}

#[test]
fn a_slip_of_the_pen_is_answered_with_what_was_meant() {
    let of = |own: Value| faults("google", own).pop().unwrap();
    assert_eq!(of(json!({"client_idd": "x"})).1, "is not a setting of the preset google; did you mean client_id?");
    assert_eq!(of(json!({"hosted_domain": ["x"]})).1, "is not a setting of the preset google; did you mean hosted_domains?");
    assert_eq!(of(json!({"zzz": 1})).1, "is not a setting of the preset google");
    assert_eq!(of(json!({"a/b": 1})).0, "/a~1b");
    assert!(of(json!({"client_secret": "x"})).1.starts_with("is a secret"));
    assert_eq!(of(json!({"tenants": ["x"]})).0, "/tenants", "Microsoft's");
    let unknown = with("google", json!({}), &[("client_secret", SECRET), ("client_secrets", "x")]).err().unwrap().pop().unwrap();
    assert_eq!(unknown.message, "is not a setting of the preset google; did you mean client_secret?");
    let preset = made("gogle", json!({})).err().unwrap().pop().unwrap();
    assert!(preset.pointer == "/preset" && preset.message.contains("google"), "{preset:?}");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let issuer = |mut own: Value| {
        own["issuer"] = "https://login.corp.example".into();
        own
    };
    assert_eq!(pointers("oidc", issuer(json!({"token_auth": "none"}))), ["/token_auth"]);
    assert_eq!(pointers("oidc", issuer(json!({"links_by_email": true}))), ["/links_by_email"]);
    assert_eq!(pointers("oidc", issuer(json!({"recheck": "5m"}))), ["/recheck"]);
    assert_eq!(pointers("oidc", issuer(json!({"discovery": false}))), ["/authorization_endpoint", "/token_endpoint", "/jwks_uri"]);
    assert_eq!(pointers("oidc", issuer(json!({"algorithms": []}))), ["/algorithms"]);
    assert_eq!(pointers("oidc", issuer(json!({"key_id": "k"}))), ["/private_key"]);
    assert_eq!(pointers("slack", json!({"teams": []})), ["/teams"]);
    let none = with("oidc", issuer(json!({})), &[]).err().unwrap();
    assert_eq!(none.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), ["/client_secret"]);
    let public = with("oidc", issuer(json!({"token_auth": "none", "pkce": "never"})), &[]).err().unwrap();
    assert_eq!(public[0].pointer, "/pkce");
    let bad_key = with("oidc", issuer(json!({"token_auth": "private_key_jwt"})), &[("private_key", "x")]).err().unwrap();
    assert!(bad_key[0].pointer == "/private_key" && !bad_key[0].message.contains('x'.to_string().repeat(2).as_str()));
}

#[test]
fn google_groups_need_a_key_file_and_administrators() {
    let with_key = |own: Value, key: &str| {
        let made = with("google", own, &[("client_secret", SECRET), ("service_account_key", key)]);
        made.err().map(|faults| faults.into_iter().map(|fault| fault.pointer).collect::<Vec<_>>()).unwrap_or_default()
    };
    let file = |uri: &str| json!({"client_email": "x@y.iam.gserviceaccount.com", "private_key": pem(), "token_uri": uri}).to_string();
    let admins = json!({"admin_emails": {"corp.example": "it@corp.example"}});
    assert_eq!(with_key(admins.clone(), &file("https://oauth2.googleapis.com/token")), Vec::<String>::new());
    assert_eq!(with_key(admins.clone(), &file("https://10.0.0.1/token")), ["/service_account_key"]);
    assert_eq!(with_key(admins.clone(), "{}"), ["/service_account_key"]);
    assert_eq!(with_key(json!({}), &file("https://oauth2.googleapis.com/token")), ["/admin_emails"]);
    assert_eq!(with_key(json!({"admin_emails": {"corp": "x"}}), "{}"), ["/admin_emails/corp", "/admin_emails", "/service_account_key"]);
    assert_eq!(pointers("google", admins), ["/service_account_key"]);
}

#[test]
fn terms_are_what_was_written() {
    let own = json!({
        "issuer": "https://login.corp.example", "domains": ["corp.example"], "links_by_email": true, "keep_tokens": true, "ends_sessions": true,
        "recheck": "15m", "entry": {"groups": ["eng-*"]}, "claims": {"department": {"from": ["/dept"]}}, "email_trust": "never",
    });
    let provider = made("oidc", own).unwrap();
    let terms = provider.terms();
    assert!(terms.links_by_email && terms.keeps_tokens && terms.ends_sessions);
    assert_eq!(terms.recheck, Some(std::time::Duration::from_mins(15)));
    assert_eq!((terms.domains.len(), terms.entry.groups.as_slice(), terms.email_trust), (1, &["eng-*".to_owned()][..], EmailTrust::Never));
    assert!(terms.claims.rule("department").is_some());
}

#[test]
fn what_is_null_was_not_said_and_takes_nothing_from_a_preset() {
    let provider = made("microsoft", json!({"claims": null, "subject": null, "label": null})).unwrap();
    assert_eq!(provider.card().label, "Microsoft");
    let claims = json!({"email": "victim@corp.example", "email_verified": true});
    assert!(!provider.terms().profile_of(claims.as_object().unwrap()).profile.email_verified, "only xms_edov counts");
}

#[test]
fn a_claim_of_an_operators_takes_the_place_of_the_presets_and_leaves_the_others() {
    let provider = made(
        "cognito",
        json!({
            "region": "eu-west-1", "pool": "eu-west-1_A", "claims": {"groups": {"from": ["/custom:teams"], "coerce": "texts_or_words"}}
        }),
    )
    .unwrap();
    let claims = json!({"email": "a@b.example", "email_verified": "true", "custom:teams": "a,b", "cognito:groups": ["c"]});
    let profile = provider.terms().profile_of(claims.as_object().unwrap()).profile;
    assert!(profile.email_verified && profile.groups == ["a", "b"]);
}

/// Names that mean something, and what nobody should write there.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,30}".prop_map(Value::from),
        proptest::collection::vec("[a-z{}:/.*]{0,12}", 0..4).prop_map(Value::from),
        proptest::collection::btree_map("[a-z/~]{0,8}", "[a-z{}/]{0,8}", 0..3).prop_map(|table| json!(table)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_written_is_a_provider_or_a_list_of_faults(
        name in proptest::sample::select(presets().iter().map(|preset| preset.name).collect::<Vec<_>>()),
        own in proptest::collection::btree_map(
            proptest::sample::select(vec![
                "issuer", "scopes", "subject", "claims", "entry", "domains", "tenant", "host", "realm", "domain", "token_auth", "algorithms", "prompt",
                "admin_emails", "groups", "authorization_params", "error_codes", "discovery", "token_endpoint", "secret_expires", "recheck", "teams",
                "issuer_template", "x", "api_version", "lists", "made", "label", "icon", "client_id",
            ]),
            anything(),
            0..6,
        ),
    ) {
        if let Err(faults) = made(name, json!(own)) {
            prop_assert!(!faults.is_empty());
            prop_assert!(faults.iter().all(|fault| fault.pointer.starts_with('/') && !fault.message.is_empty()));
        }
    }
}

#[test]
fn only_what_says_where_requests_go_asks_for_secrets_anew() {
    let maker = maker(&[], &Arc::default(), &Arc::default());
    let before = object(json!({"preset": "oidc", "issuer": "https://a.example", "label": "A"}));
    let after = |value: Value| {
        let mut after = before.clone();
        after.extend(object(value));
        after
    };
    for stays in [json!({}), json!({"label": "B"}), json!({"scopes": ["openid"]}), json!({"entry": {"groups": ["x"]}})] {
        assert!(!maker.leads_elsewhere(&before, &after(stays.clone())), "{stays}");
    }
    for moves in [
        json!({"issuer": "https://b.example"}),
        json!({"token_endpoint": "https://b.example/token"}),
        json!({"preset": "oauth2"}),
        json!({"host": "b.example"}),
        json!({"a_setting_of_tomorrow": true}),
    ] {
        assert!(maker.leads_elsewhere(&before, &after(moves.clone())), "{moves}");
    }
}
