use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::provider::EmailTrust;

const NOW: Timestamp = Timestamp::from_secs(1_795_514_400);

fn asked() -> AskedFor {
    AskedFor {
        client: ClientId::parse("grafana").unwrap(),
        errand: ErrandKind::SignIn,
        began: NOW,
        returns_to: "https://grafana.example/cb".into(),
        scopes: Scopes::parse("openid groups").unwrap(),
        prompt: vec![Prompt::Login],
        max_age: Some(300),
        acr: None,
        acr_is_essential: false,
        claims: Vec::new(),
        resources: Vec::new(),
        idp_hint: None,
        domain_hint: None,
        login_hint: true,
        expects_somebody: false,
        pkce: true,
        dpop: false,
        pushed: false,
    }
}

fn denied() -> Decisions {
    let nobody = Uuid::nil();
    Decisions {
        asked: Some(asked()),
        refused: None,
        door: Some(Door { provider: ProviderId::parse("google").unwrap(), how: Some(Chosen::Domain), away_ms: Some(12_345) }),
        requests: vec![UpstreamRequest { phase: Phase::Token, status: Some(200), took_ms: 184 }],
        came: Some(CameIn {
            issuer: "https://accounts.google.com".into(),
            claims: vec![Seen { claim: "email".into(), kind: "a text of 16 characters".into() }],
            became: vec![Became { claim: "email".into(), from: Some("/email".into()), kind: "a text of 16 characters".into() }],
            unused: vec!["locale".into()],
            email: Believed { trust: EmailTrust::Claim, verified: true, why: "the provider says that it is verified".into() },
            acr: None,
            amr: Vec::new(),
            auth_time: None,
        }),
        rules: vec![Verdict { rule: "client.enabled".into(), met: true }, Verdict { rule: "client.groups".into(), met: false }],
        led: Some(Led { to: Destined::Known, by: LinkedBy::FirstSignIn, link: LinkId(nobody), since: NOW, same_email_as: None }),
        account: Some(AccountId(nobody)),
        end: Some(End {
            event: EventName::LoginDeniedByPolicy,
            outcome: Outcome::Denied,
            reason: Some(Reason::EntryRule),
            detail: Some("client.groups".into()),
            asks_consent: false,
            session: None,
        }),
        given: None,
        cut: false,
    }
}

fn trace(reference: &str, decisions: Decisions) -> LoginTrace {
    LoginTrace { login: LoginId(Uuid::nil()), reference: reference.into(), at: NOW, expires: NOW, decisions }
}

#[test]
fn of_a_value_only_its_kind_is_kept() {
    for (name, value, kind) in [
        ("name", json!("Ada"), "a text of 3 characters"),
        ("x", json!("é"), "a text of 1 character"),
        ("id", json!(4711), "a number"),
        ("is_admin", json!(true), "yes or no"),
        ("email_verified", json!(false), "no"),
        ("groups", json!(["staff", "ops"]), "a list of 2 entries"),
        ("groups", json!(["staff"]), "a list of 1 entry"),
        ("address", json!({"street": "Main"}), "an object of 1 member"),
        ("phone", json!(null), "nothing"),
    ] {
        assert_eq!(kind_of(name, &value), kind, "{name}");
    }
}

#[test]
fn what_is_kept_reads_back_as_it_was_and_is_never_too_large() {
    let whole = denied().within_bounds();
    assert_eq!(whole, denied(), "what fits stays as it is");
    let text = serde_json::to_string(&whole).unwrap();
    assert_eq!(serde_json::from_str::<Decisions>(&text).unwrap(), whole);
    let mut large = denied();
    let came = large.came.as_mut().unwrap();
    came.claims = (0..60).map(|at| Seen { claim: format!("{at}{}", "x".repeat(98)), kind: "a text of 3 characters".into() }).collect();
    came.unused = (0..60).map(|at| format!("{at}{}", "y".repeat(98))).collect();
    came.became = (0..60).map(|at| Became { claim: format!("{at}{}", "z".repeat(98)), from: None, kind: "a number".into() }).collect();
    let bounded = large.clone().within_bounds();
    assert!(bounded.cut && serde_json::to_vec(&bounded).unwrap().len() <= MOST_BYTES);
    assert_eq!((&bounded.rules, &bounded.end), (&large.rules, &large.end), "why it came so is never left out");
    large.asked.as_mut().unwrap().returns_to = "x".repeat(MOST_BYTES);
    let least = large.clone().within_bounds();
    assert!(least.cut && serde_json::to_vec(&least).unwrap().len() <= MOST_BYTES);
    assert_eq!((least.asked, least.end), (None, large.end));
}

#[test]
fn a_denied_login_says_at_a_glance_what_happened_and_what_helps() {
    let told = Explanation::new(Some("a"), Some(LoginId(Uuid::nil())), &[trace("a", denied())], &[]);
    assert_eq!(
        told.summary,
        "Nobody was signed in to grafana through google: a rule about who may enter does not let them in (entry_rule). Here: client.groups."
    );
    let text = told.text();
    for line in [
        " ! Which rules were asked\n     client.enabled  met\n     client.groups   not met\n",
        "     why       the domain of the address belongs to it\n",
        "     token  status 200 in 184 ms\n",
        "     away for  12 s\n",
        "     email        a text of 16 characters, from /email\n",
    ] {
        assert!(text.contains(line), "{line:?}: {text}");
    }
    assert!(!text.contains("What the app was given"), "{text}");
}

#[test]
fn of_several_requests_the_one_that_was_asked_about_is_told_first() {
    let mut well = denied();
    well.end = Some(End {
        event: EventName::LoginSucceeded,
        outcome: Outcome::Success,
        reason: None,
        detail: None,
        asks_consent: false,
        session: None,
    });
    let both = [trace("a", denied()), trace("b", well)];
    let told = |asked| Explanation::new(Some(asked), None, &both, &[]);
    assert!(told("a").summary.starts_with("Nobody was signed in") && told("a").helps.is_some());
    assert_eq!((told("b").summary.as_str(), told("b").helps), ("Somebody signed in to grafana through google.", None));
    assert!(told("other").summary.starts_with("Somebody"), "otherwise the last counts");
    let back: Explanation = serde_json::from_value(serde_json::to_value(told("a")).unwrap()).unwrap();
    assert_eq!(back, told("a"));
}

#[test]
fn attack_65_nothing_that_came_in_moves_a_cursor() {
    let mut hostile = denied();
    hostile.end.as_mut().unwrap().detail = Some("a\u{1b}[2J\rb".into());
    let told = Explanation::new(None, None, &[trace("a", hostile)], &[]);
    assert!(told.text().chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn a_wrong_address_is_told_beside_those_that_are_registered() {
    let refused = Refused {
        named: Some("grafana".into()),
        client: Some(ClientId::parse("grafana").unwrap()),
        client_name: Some("Grafana".into()),
        address: Some("https://grafana.example/cb/?...".into()),
        differs: Some("path".into()),
        registered: vec!["https://grafana.example/cb".into()],
        more: 2,
    };
    let end = End {
        event: EventName::RequestRefused,
        outcome: Outcome::Failure,
        reason: Some(Reason::RedirectMismatch),
        detail: Some("first difference: path".into()),
        asks_consent: false,
        session: None,
    };
    let decisions = Decisions { refused: Some(refused), end: Some(end), ..Decisions::default() };
    let kept = serde_json::to_string(&decisions).unwrap();
    assert_eq!(serde_json::from_str::<Decisions>(&kept).unwrap(), decisions);
    let told = Explanation::new(Some("00ff"), None, &[trace("00ff", decisions)], &[]);
    let begins = "No sign-in was begun to grafana: the redirect_uri of the request is not one that the app registered (redirect_mismatch).";
    assert!(told.summary.starts_with(begins) && told.helps.is_some(), "{told:?}");
    assert_eq!(told.chapters[0].client_id.as_deref(), Some("grafana"));
    let facts: Vec<_> = told.chapters[0].steps[0].facts.iter().map(|fact| (fact.name.as_str(), fact.value.as_str())).collect();
    assert_eq!(
        facts,
        [
            ("app", "grafana"),
            ("known as", "Grafana"),
            ("client_id sent", "grafana"),
            ("redirect_uri sent", "https://grafana.example/cb/?..."),
            ("first difference", "path"),
            ("registered", "https://grafana.example/cb"),
            ("registered", "and 2 more"),
        ]
    );
}
