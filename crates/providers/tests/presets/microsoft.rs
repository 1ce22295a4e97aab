use serde_json::{Map, Value, json};
use vestibule_domain::{
    entry::RuleKind,
    provider::{Departure, Phase},
};

use crate::{
    bench::{Bench, SECRET, departure, jwk, rule},
    upstream::value,
};

const T1: &str = "1111aaaa-1111-4111-8111-111111111111";
const T2: &str = "22222222-2222-4222-8222-222222222222";
const PERSONAL: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
const OBJECT: &str = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";

async fn at(tenant: &str, mut own: Value) -> Bench {
    own["issuer_template"] = "{base}/login.microsoftonline.com/{tenantid}/v2.0".into();
    own["graph_endpoint"] = "{base}".into();
    let discovery = if tenant == "common" { "discovery".to_owned() } else { format!("discovery_{tenant}") };
    Bench::with("microsoft", &discovery, own, &[("client_secret", SECRET)]).await
}

async fn common(own: Value) -> Bench {
    at("common", own).await
}

fn issuer(bench: &Bench, tenant: &str) -> String {
    format!("{}/login.microsoftonline.com/{tenant}/v2.0", bench.upstream.base())
}

fn of_tenant(claims: &mut Map<String, Value>, bench: &Bench, tenant: &str) {
    claims.insert("iss".into(), issuer(bench, tenant).into());
    claims.insert("tid".into(), tenant.into());
}

#[tokio::test]
async fn microsoft_the_issuer_is_the_tenants_and_the_subject_its_object() {
    let bench = common(json!({})).await;
    let arrival = bench.sign_in().await.unwrap();
    assert_eq!((arrival.issuer, arrival.subject), (issuer(&bench, T1), format!("{T1}:{OBJECT}")));
    let other = bench.sign_in_as("id_token", |claims| of_tenant(claims, &bench, T2)).await.unwrap();
    assert_eq!((other.issuer, other.subject), (issuer(&bench, T2), format!("{T2}:{OBJECT}")));
}

#[tokio::test]
async fn microsoft_a_tenant_that_is_no_guid_or_another_than_the_issuers_is_refused() {
    let bench = common(json!({})).await;
    for tid in
        [json!(T2), json!(T1.to_uppercase()), json!("common"), json!("{tenantid}"), json!(""), json!(null), json!([T1]), json!("../x")]
    {
        let refused = bench.sign_in_as("id_token", |claims| drop(claims.insert("tid".into(), tid.clone()))).await;
        assert_eq!(rule(refused), (Phase::Token, "iss"), "{tid}");
    }
    let refused = bench.sign_in_as("id_token", |claims| of_tenant(claims, &bench, "{tenantid}")).await;
    assert_eq!(rule(refused), (Phase::Token, "iss"));
}

#[tokio::test]
async fn microsoft_without_an_object_there_is_no_subject() {
    let bench = common(json!({})).await;
    for oid in [json!(null), json!(7), json!(""), json!("a:b")] {
        let refused = bench.sign_in_as("id_token", |claims| drop(claims.insert("oid".into(), oid.clone()))).await;
        assert_eq!(rule(refused), (Phase::Token, "sub"), "{oid}");
    }
}

#[tokio::test]
async fn attack_11_microsoft_tenants_are_enforced_from_the_token() {
    let bench = common(json!({"tenants": [T1.to_uppercase()]})).await;
    assert_eq!(bench.judged(&bench.sign_in().await.unwrap()), Ok(()));
    let other = bench.sign_in_as("id_token", |claims| of_tenant(claims, &bench, T2)).await.unwrap();
    assert_eq!(bench.judged(&other).unwrap_err().kind, RuleKind::Tenants);
}

#[tokio::test]
async fn attack_21_microsoft_a_key_of_one_tenant_signs_for_no_other() {
    let bench = common(json!({})).await;
    let key_of = |issuer: String| {
        let mut key = jwk();
        key["issuer"] = issuer.into();
        json!({ "keys": [key] })
    };
    bench.publishes(&key_of(issuer(&bench, T2)));
    assert_eq!(rule(bench.sign_in().await), (Phase::Token, "kid"));
    for own in [T1, "{tenantid}"] {
        let bench = common(json!({})).await;
        bench.publishes(&key_of(issuer(&bench, own)));
        bench.sign_in().await.unwrap();
    }
}

#[tokio::test]
async fn microsoft_one_tenant_named_by_its_domain_speaks_for_itself_alone() {
    let bench = at("domain", json!({})).await;
    let sign_in = async |tenant: &str| {
        let (parameters, kept) = bench.depart().await.unwrap();
        let mut claims = bench.claims("id_token");
        claims.insert("nonce".into(), value(&parameters, "nonce").unwrap().into());
        of_tenant(&mut claims, &bench, tenant);
        bench.token("token_corp", &claims);
        bench.complete(crate::bench::callback(), kept).await
    };
    assert_eq!(sign_in(T1).await.unwrap().issuer, issuer(&bench, T1));
    assert_eq!(rule(sign_in(T2).await), (Phase::Token, "iss"));
}

#[tokio::test]
async fn microsoft_personal_accounts_are_a_tenant_of_their_own() {
    let arrival = common(json!({})).await.sign_in_as("id_token_personal", |_| {}).await.unwrap();
    assert_eq!(arrival.claims["tid"], PERSONAL);
    let organizations = at("organizations", json!({})).await;
    let (parameters, kept) = organizations.depart().await.unwrap();
    let mut claims = organizations.claims("id_token_personal");
    claims.insert("nonce".into(), value(&parameters, "nonce").unwrap().into());
    organizations.token("token_organizations", &claims);
    assert_eq!(rule(organizations.complete(crate::bench::callback(), kept).await), (Phase::Token, "iss"));
}

#[tokio::test]
async fn attack_07_microsoft_an_address_is_verified_only_by_xms_edov() {
    let bench = common(json!({})).await;
    for (edov, verified) in [
        (json!(true), true),
        (json!("1"), true),
        (json!("true"), true),
        (json!(1), true),
        (json!(null), false),
        (json!(false), false),
        (json!("0"), false),
        (json!("false"), false),
        (json!("yes"), false),
        (json!([true]), false),
    ] {
        let arrival = bench
            .sign_in_as("id_token", |claims| {
                claims.insert("xms_edov".into(), edov.clone());
                // What the tenant's administrator writes here is not Microsoft's word.
                claims.insert("email_verified".into(), true.into());
            })
            .await
            .unwrap();
        let profile = bench.profile_of(&arrival);
        assert_eq!((profile.email.as_deref(), profile.email_verified), (Some("ada@corp.example"), verified), "{edov}");
    }
}

#[tokio::test]
async fn attack_07_microsoft_a_login_name_is_no_address() {
    let bench = common(json!({})).await;
    let arrival = bench
        .sign_in_as("id_token", |claims| {
            claims.remove("email");
            claims.insert("xms_edov".into(), true.into());
        })
        .await
        .unwrap();
    let profile = bench.profile_of(&arrival);
    assert_eq!((profile.email, profile.email_verified, profile.preferred_username.as_deref()), (None, false, Some("ada@corp.example")));
}

#[tokio::test]
async fn microsoft_userinfo_is_no_source_of_identity() {
    let bench = common(json!({})).await;
    bench.sign_in().await.unwrap();
    assert!(bench.upstream.asked("GET /graph.microsoft.com/oidc/userinfo").is_empty());
}

#[tokio::test]
async fn microsoft_groups_that_did_not_fit_are_asked_of_graph_and_not_where_the_token_points() {
    let bench = common(json!({})).await;
    bench.upstream.says(&["member_objects"]);
    let arrival = bench.sign_in_as("id_token_overage", |_| {}).await.unwrap();
    let ids = ["bbbbbbbb-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"];
    assert_eq!(bench.profile_of(&arrival).groups, ids);
    assert!(!arrival.claims.contains_key("_claim_sources"));
    let asked = bench.upstream.last("POST /v1.0/me/getMemberObjects");
    assert_eq!((asked.body.as_str(), asked.header("authorization")), (r#"{"securityEnabledOnly":false}"#, Some("Bearer access-1")));
    let few = common(json!({})).await;
    let arrival = few.sign_in_as("id_token", |claims| drop(claims.insert("groups".into(), json!(ids)))).await.unwrap();
    assert_eq!(few.profile_of(&arrival).groups, ids);
    assert!(few.upstream.asked("POST /v1.0/me/getMemberObjects").is_empty());
}

#[tokio::test]
async fn microsoft_names_of_groups_are_asked_for_by_their_ids() {
    let bench = common(json!({"groups": "names", "security_groups_only": true, "tenants": [T1]})).await;
    bench.upstream.says(&["member_objects", "by_ids"]);
    let arrival = bench.sign_in_as("id_token_overage", |_| {}).await.unwrap();
    assert_eq!(
        bench.profile_of(&arrival).groups,
        ["Engineering", "bbbbbbbb-0000-4000-8000-000000000002"],
        "an id without a name stays one"
    );
    let asked = bench.upstream.last("POST /v1.0/directoryObjects/getByIds");
    assert!(asked.body.contains(r#""types":["group"]"#) && asked.body.contains("bbbbbbbb-0000-4000-8000-000000000001"));
    assert_eq!(bench.upstream.last("POST /v1.0/me/getMemberObjects").body, r#"{"securityEnabledOnly":true}"#);
}

#[tokio::test]
async fn microsoft_groups_that_graph_does_not_tell_are_not_taken_for_none() {
    let bench = common(json!({})).await;
    bench.upstream.says(&["member_objects_forbidden"]);
    assert_eq!(rule(bench.sign_in_as("id_token_overage", |_| {}).await), (Phase::Api, "misconfigured"));
    let off = common(json!({"groups": "off"})).await;
    let arrival = off.sign_in_as("id_token_overage", |claims| drop(claims.insert("groups".into(), json!(["x"])))).await.unwrap();
    assert!(off.profile_of(&arrival).groups.is_empty());
}

#[tokio::test]
async fn microsoft_more_groups_than_are_kept_are_not_said_and_a_list_that_is_none_is_refused() {
    const MEMBER_OF: &str = "POST /v1.0/me/getMemberObjects";
    let id = |at: usize| format!("bbbbbbbb-0000-4000-8000-{at:012}");
    for (count, said) in [(500, Some(500)), (501, None)] {
        let bench = common(json!({})).await;
        let ids: Vec<_> = (0..count).map(id).collect();
        bench.upstream.responds(MEMBER_OF, 200, "application/json", json!({ "value": ids }).to_string());
        let arrival = bench.sign_in_as("id_token_overage", |_| {}).await.unwrap();
        assert_eq!(arrival.claims.get("groups").and_then(Value::as_array).map(Vec::len), said);
    }
    for none in [json!({}), json!({"value": "x"}), json!({"value": {}}), json!({"value": [id(1), 7]})] {
        let bench = common(json!({})).await;
        bench.upstream.responds(MEMBER_OF, 200, "application/json", none.to_string());
        assert_eq!(rule(bench.sign_in_as("id_token_overage", |_| {}).await), (Phase::Api, "groups"), "{none}");
    }
}

#[tokio::test]
async fn attack_02_microsoft_an_answer_of_another_tenant_is_not_this_ones() {
    for (tenant, expected) in [(T1, None), (T2, Some((Phase::Callback, "iss")))] {
        let bench = at("domain", json!({})).await;
        let (parameters, kept) = bench.depart().await.unwrap();
        let mut claims = bench.claims("id_token");
        claims.insert("nonce".into(), value(&parameters, "nonce").unwrap().into());
        of_tenant(&mut claims, &bench, T1);
        bench.token("token_corp", &claims);
        let callback = vestibule_domain::provider::Callback { iss: Some(issuer(&bench, tenant)), ..crate::bench::callback() };
        assert_eq!(bench.complete(callback, kept).await.err().map(|error| rule::<()>(Err(error))), expected, "{tenant}");
    }
}

#[tokio::test]
async fn microsoft_a_domain_hint_is_passed_on_and_a_refresh_token_asked_for_by_scope() {
    let bench = common(json!({"keep_tokens": true})).await;
    let parameters = bench.departs(&Departure { domain_hint: Some("corp.example".into()), ..departure() }).await;
    assert_eq!(value(&parameters, "domain_hint"), Some("corp.example"));
    assert_eq!((value(&parameters, "scope"), value(&parameters, "prompt")), (Some("openid profile email offline_access"), None));
}

#[tokio::test]
async fn attack_28_microsoft_who_must_come_in_person_is_denied() {
    let bench = common(json!({"keep_tokens": true})).await;
    let mut arrival = bench.sign_in().await.unwrap();
    arrival.tokens.refresh_token = Some("r".to_owned().into());
    bench.upstream.says(&["token_interaction"]);
    assert_eq!(rule(bench.refresh(&arrival).await), (Phase::Refresh, "denied"));
}
