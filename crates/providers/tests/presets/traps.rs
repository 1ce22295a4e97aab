//! Settings that would take something from the protocol, trust whom nobody should, or do nothing at all: each is a fault where it stands.

use serde_json::{Value, json};

use crate::{
    bench::SECRET,
    settings::{made, pointers, with},
};

const T1: &str = "1111aaaa-1111-4111-8111-111111111111";

fn oidc(mut own: Value) -> Vec<String> {
    own["issuer"] = "https://login.corp.example".into();
    made("oidc", own.clone()).err().map(|_| pointers("oidc", own)).unwrap_or_default()
}

fn microsoft(own: &Value) -> Vec<String> {
    made("microsoft", own.clone()).err().map(|_| pointers("microsoft", own.clone())).unwrap_or_default()
}

fn oauth2(mut own: Value) -> Vec<String> {
    for (name, path) in [("authorization_endpoint", "authorize"), ("token_endpoint", "token"), ("userinfo_endpoint", "me")] {
        own[name] = format!("https://forge.example/{path}").into();
    }
    made("oauth2", own.clone()).err().map(|_| pointers("oauth2", own)).unwrap_or_default()
}

#[test]
fn attack_16_no_setting_takes_a_parameter_of_the_protocol_away_or_its_place() {
    for ours in
        ["state", "nonce", "code_challenge", "code_challenge_method", "redirect_uri", "request", "request_uri", "response_type", "scope"]
    {
        assert_eq!(oidc(json!({"unsupported_params": ["prompt", ours]})), ["/unsupported_params/1"], "{ours}");
        assert_eq!(oidc(json!({"domain_hint_param": ours})), ["/domain_hint_param"], "{ours}");
        for table in ["offline_params", "authorization_params"] {
            assert_eq!(oidc(json!({table: {ours: "x"}})), [format!("/{table}/{ours}")]);
        }
        for table in ["authorization_params", "fresh_params", "select_account_params"] {
            assert_eq!(oauth2(json!({table: {ours: "x"}})), [format!("/{table}/{ours}")]);
        }
        for setting in ["login_hint_param", "ui_locales_param"] {
            assert_eq!(oauth2(json!({setting: ours})), [format!("/{setting}")], "{ours}");
        }
    }
    assert_eq!(oidc(json!({"domain_hint_param": "login_hint"})), ["/domain_hint_param"]);
    assert_eq!(oidc(json!({"authorization_params": {"prompt": "none"}})), ["/authorization_params/prompt"]);
    assert_eq!(oauth2(json!({"login_hint_param": "prompt"})), ["/login_hint_param"]);
    let fine = json!({
        "domain_hint_param": "hd", "unsupported_params": ["hd", "acr_values", "login_hint", "max_age", "prompt", "ui_locales"],
        "offline_params": {"access_type": "offline", "prompt": "consent"}, "authorization_params": {"resource": "x"},
    });
    assert_eq!(oidc(fine), Vec::<String>::new());
    assert_eq!(oauth2(json!({"fresh_params": {"prompt": "login"}, "login_hint_param": "login_hint"})), Vec::<String>::new());
}

#[test]
fn attack_11_names_of_groups_are_no_rights_where_anybodys_tenant_may_sign_in() {
    for tenant in ["common", "organizations"] {
        assert_eq!(microsoft(&json!({"tenant": tenant, "groups": "names"})), ["/groups"], "{tenant}");
        assert_eq!(microsoft(&json!({"tenant": tenant, "groups": "names", "tenants": [T1]})), Vec::<String>::new());
        assert_eq!(microsoft(&json!({"tenant": tenant, "groups": "names", "entry": {"tenants": [T1]}})), Vec::<String>::new());
        assert_eq!(microsoft(&json!({"tenant": tenant})), Vec::<String>::new());
    }
    for tenant in [T1, "corp.example"] {
        assert_eq!(microsoft(&json!({"tenant": tenant, "groups": "names"})), Vec::<String>::new(), "{tenant}");
    }
}

#[test]
fn attack_07_no_address_is_verified_without_saying_that_it_is_insecure() {
    let of = |rule: Value| oidc(json!({"claims": {"email_verified": rule}}));
    assert_eq!(of(json!({"from": ["/verified"], "coerce": "bool", "default": true})), ["/claims/email_verified/default"]);
    assert_eq!(of(json!({"from": ["/email"], "coerce": "presence"})), ["/claims/email_verified/from"]);
    assert_eq!(of(json!({"from": ["/confirmed_at"], "coerce": "presence"})), Vec::<String>::new());
    let mail = json!({"email": {"from": ["/mail"]}, "email_verified": {"from": ["/mail"], "coerce": "presence"}});
    assert_eq!(oidc(json!({ "claims": mail })), ["/claims/email_verified/from"]);
    assert_eq!(microsoft(&json!({"email_trust": "always"})), ["/email_trust"]);
    assert_eq!(microsoft(&json!({"email_trust": "always", "tenant": T1})), Vec::<String>::new());
    assert_eq!(pointers("facebook", json!({"email_trust": "always"})), ["/email_trust"]);
}

#[test]
fn attack_10_nobody_is_known_by_a_name_or_an_address() {
    for name in ["email", "preferred_username", "upn", "login", "username", "name"] {
        assert_eq!(oidc(json!({"subject": name})), ["/subject"], "{name}");
        assert_eq!(oidc(json!({"subject": format!("{{sub}}:{{{name}}}")})), ["/subject"], "{name}");
        assert_eq!(oauth2(json!({"subject": format!("/person/{name}")})), ["/subject"], "{name}");
    }
    assert_eq!(oidc(json!({"subject": "employee"})), Vec::<String>::new());
    assert_eq!(oauth2(json!({"subject": "/email/id"})), Vec::<String>::new());
}

#[test]
fn what_would_do_nothing_is_said() {
    assert_eq!(pointers("facebook", json!({"lists": []})), ["/lists"]);
    assert_eq!(oidc(json!({"speciality": "microsoft"})), ["/graph_endpoint"]);
    assert_eq!(oidc(json!({"error_codes": {"gone": "invalid_grant", "x": "y"}})), ["/error_codes/x"]);
    assert_eq!(oidc(json!({"error_codes": {"busy": "server_error"}})), Vec::<String>::new());
    assert_eq!(microsoft(&json!({"issuer_aliases": ["https://old.example"]})), ["/issuer_aliases"]);
    assert_eq!(
        microsoft(&json!({"tenants": [T1.to_uppercase(), "corp.example"], "entry": {"tenants": ["x"]}})),
        ["/tenants/1", "/entry/tenants/0"]
    );
    let organizations = |scopes: Value| {
        let own = json!({"scopes": scopes, "entry": {"organizations": ["acme"]}});
        made("github", own.clone()).err().map(|_| pointers("github", own)).unwrap_or_default()
    };
    for none in [json!(["read:user", "user:email"]), json!([])] {
        assert_eq!(organizations(none), ["/entry/organizations"]);
    }
    for some in ["read:org", "write:org", "admin:org"] {
        assert_eq!(organizations(json!([some])), Vec::<String>::new(), "{some}");
    }
    let p256 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap().serialize_pem();
    let apple = json!({"issuer": "https://login.corp.example", "token_auth": "apple", "key_id": "KEY1234567"});
    let faults = with("oidc", apple, &[("private_key", &p256)]).err().unwrap();
    assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), ["/token_auth"]);
    let file =
        json!({"client_email": "x@y.example", "private_key": crate::bench::pem(), "token_uri": "https://oauth2.googleapis.com/token"});
    let own = json!({"issuer": "https://login.corp.example", "speciality": "google", "admin_emails": {"corp.example": "it@corp.example"}});
    let faults = with("oidc", own, &[("client_secret", SECRET), ("service_account_key", &file.to_string())]).err().unwrap();
    assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), ["/directory_endpoint"]);
}

#[test]
fn what_can_never_work_is_said() {
    let set = |mut own: Value| {
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            own[name] = format!("https://login.corp.example/{name}").into();
        }
        own["discovery"] = false.into();
        own
    };
    assert_eq!(oidc(set(json!({"pkce": "required"}))), ["/pkce"]);
    assert_eq!(oidc(set(json!({}))), Vec::<String>::new());
    assert_eq!(microsoft(&set(json!({}))), ["/discovery"]);
    for secretless in ["github", "facebook"] {
        let faults = with(secretless, json!({"token_auth": "none"}), &[]).err().unwrap();
        assert!(faults.iter().any(|fault| fault.pointer == "/token_auth"), "{faults:?}");
    }
    for forgetful in ["discord", "x", "github"] {
        let faults = with(forgetful, json!({}), &[]).err().unwrap();
        assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), ["/client_secret"], "{forgetful}");
    }
}
