use vestibule_domain::{
    audit::{Actor, Source, Witness},
    change::Change,
    client::SigningAlg,
    ids::{LoginId, SessionId},
    ports::Entropy,
    secret::Sealed,
};

use super::*;

struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

fn provider(id: &str) -> ProviderId {
    ProviderId::parse(id).unwrap()
}

fn metrics() -> Metrics {
    let metrics = Metrics::new(Build { version: "1.2.3", revision: "abc" });
    for id in ["github", "corp"] {
        metrics.provider_health(&provider(id), BreakerState::Closed);
    }
    metrics
}

fn event(name: EventName, outcome: Outcome) -> AuditEvent {
    let witness = Witness { now: Timestamp::from_secs(1_800_000_000), source: Source::default(), trace_id: None };
    witness.event(name, outcome, Actor::Anonymous, &Zeros)
}

/// The value of a series, which must be there exactly once.
#[track_caller]
fn value(metrics: &Metrics, series: &str) -> String {
    let text = metrics.render();
    let mut found = text.lines().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    let value = found.next().unwrap_or_else(|| panic!("{series} is not in:\n{text}"));
    assert_eq!(found.next(), None);
    value.to_owned()
}

fn series(metrics: &Metrics) -> usize {
    metrics.render().lines().filter(|line| !line.starts_with('#')).count()
}

#[test]
fn requests_are_counted_by_route_and_status() {
    let metrics = metrics();
    metrics.answered(&Answered { method: "POST", route: "/token", status: 200, took: Duration::from_millis(40) });
    let labels = r#"http_request_method="POST",http_route="/token",http_response_status_code="200""#;
    assert_eq!(value(&metrics, &format!("http_server_request_duration_seconds_count{{{labels}}}")), "1");
    assert_eq!(value(&metrics, &format!("http_server_request_duration_seconds_bucket{{le=\"0.025\",{labels}}}")), "0");
    assert_eq!(value(&metrics, &format!("http_server_request_duration_seconds_bucket{{le=\"0.05\",{labels}}}")), "1");
    let active = metrics.request_begins();
    assert_eq!(value(&metrics, "http_server_active_requests"), "1");
    drop(active);
    assert_eq!(value(&metrics, "http_server_active_requests"), "0");
}

#[test]
fn logins_are_counted_by_how_they_ended() {
    let metrics = metrics();
    let github = Some(provider("github"));
    metrics.observed(&AuditEvent {
        provider: github.clone(),
        took_ms: Some(4000),
        session: Some(SessionId::new(Timestamp::from_secs(1), &Zeros)),
        ..event(EventName::LoginSucceeded, Outcome::Success)
    });
    metrics.observed(&AuditEvent {
        provider: github,
        reason: Some(Reason::UpstreamUnreachable),
        ..event(EventName::LoginFailed, Outcome::Failure)
    });
    metrics.observed(&AuditEvent { reason: Some(Reason::AttemptExpired), ..event(EventName::LoginFailed, Outcome::Failure) });
    assert_eq!(value(&metrics, r#"vestibule_login_total{provider="github",outcome="success",reason=""}"#), "1");
    assert_eq!(value(&metrics, r#"vestibule_login_total{provider="github",outcome="failed",reason="upstream_unreachable"}"#), "1");
    assert_eq!(value(&metrics, r#"vestibule_login_total{provider="none",outcome="failed",reason="attempt_expired"}"#), "1");
    assert_eq!(value(&metrics, r#"vestibule_login_total{provider="corp",outcome="success",reason=""}"#), "0");
    assert_eq!(value(&metrics, r#"vestibule_login_duration_seconds_sum{provider="github",phase="total"}"#), "4.0");
    assert_eq!(value(&metrics, "vestibule_sessions_created_total"), "1");
}

#[test]
fn a_refresh_is_counted_once_by_what_became_of_it() {
    let metrics = metrics();
    let refresh = |name, reason| AuditEvent { reason, grant_type: Some(GrantType::RefreshToken), ..event(name, Outcome::Success) };
    metrics.observed(&refresh(EventName::TokenRefreshed, None));
    metrics.observed(&refresh(EventName::TokenRefreshed, Some(Reason::Replayed)));
    metrics.observed(&refresh(EventName::TokenRefreshFailed, Some(Reason::Expired)));
    metrics.observed(&refresh(EventName::TokenReuseDetected, Some(Reason::Replayed)));
    let spent_code =
        AuditEvent { grant_type: Some(GrantType::AuthorizationCode), ..event(EventName::TokenReuseDetected, Outcome::Failure) };
    metrics.observed(&spent_code);
    for result in ["ok", "replayed", "expired", "reused"] {
        assert_eq!(value(&metrics, &format!("vestibule_refresh_total{{result=\"{result}\"}}")), "1", "{result}");
    }
    assert_eq!(value(&metrics, r#"vestibule_tokens_issued_total{grant="refresh_token"}"#), "2");
}

#[test]
fn a_refresh_at_a_provider_is_counted_when_it_failed() {
    let metrics = metrics();
    assert_eq!(value(&metrics, r#"vestibule_refresh_total{result="upstream_denied"}"#), "0");
    for outcome in RefreshOutcome::ALL {
        metrics.upstream_refreshed(&provider("corp"), *outcome);
    }
    for (result, expected) in [("ok", "0"), ("upstream_denied", "1"), ("upstream_unreachable", "1")] {
        assert_eq!(value(&metrics, &format!("vestibule_refresh_total{{result=\"{result}\"}}")), expected, "{result}");
    }
}

#[test]
fn a_providers_breaker_and_the_end_of_its_secret_are_said() {
    let metrics = metrics();
    let corp = provider("corp");
    let breaker = r#"vestibule_upstream_breaker_state{provider="corp"}"#;
    assert_eq!(value(&metrics, breaker), "0");
    for (state, said) in [(BreakerState::Open, "2"), (BreakerState::HalfOpen, "1"), (BreakerState::Closed, "0")] {
        metrics.provider_health(&corp, state);
        assert_eq!(value(&metrics, breaker), said);
    }
    metrics.provider_secret_expires(&corp, Some(Timestamp::from_secs(1_800_000_000)));
    assert_eq!(value(&metrics, r#"vestibule_upstream_secret_expiry_timestamp_seconds{provider="corp"}"#), "1800000000");
    metrics.provider_secret_expires(&corp, None);
    assert!(!metrics.render().contains("vestibule_upstream_secret_expiry_timestamp_seconds{"), "what is not known is not said");
}

#[test]
fn a_provider_that_appears_later_has_series_of_its_own_and_the_hundred_and_first_has_none() {
    let metrics = metrics();
    let late = provider("late");
    let login = || AuditEvent { provider: Some(late.clone()), ..event(EventName::LoginSucceeded, Outcome::Success) };
    metrics.observed(&login());
    metrics.provider_health(&late, BreakerState::Closed);
    assert_eq!(value(&metrics, r#"vestibule_login_total{provider="late",outcome="success",reason=""}"#), "0", "its series begins at zero");
    metrics.observed(&login());
    assert_eq!(value(&metrics, r#"vestibule_login_total{provider="late",outcome="success",reason=""}"#), "1");
    assert_eq!(value(&metrics, r#"vestibule_login_total{provider="other",outcome="success",reason=""}"#), "1");

    (0..labels::MOST_NAMES * 2).for_each(|number| metrics.provider_health(&provider(&format!("made{number}")), BreakerState::Open));
    let text = metrics.render();
    let own = text.lines().filter(|line| line.starts_with("vestibule_upstream_breaker_state{")).count();
    assert_eq!(own, labels::MOST_NAMES);
    let beyond = provider("made199");
    metrics.provider_secret_expires(&beyond, Some(Timestamp::from_secs(1)));
    metrics.upstream_called(&beyond, Phase::Token, "ok", Duration::ZERO);
    assert_eq!(value(&metrics, r#"vestibule_upstream_requests_total{provider="other",phase="token",result="ok"}"#), "1");
    assert!(!metrics.render().contains("made199"));
}

#[test]
fn the_rest_is_counted_where_it_belongs() {
    let metrics = metrics();
    metrics.observed(&event(EventName::CodeRedeemed, Outcome::Success));
    metrics.observed(&event(EventName::ClientCredentialsGranted, Outcome::Success));
    metrics.observed(&AuditEvent { reason: Some(Reason::Logout), ..event(EventName::SessionEnded, Outcome::Success) });
    metrics.observed(&AuditEvent { reason: Some(Reason::ClientRate), ..event(EventName::AbuseRateLimited, Outcome::Denied) });
    metrics.upstream_called(&provider("corp"), Phase::Token, "ok", Duration::from_millis(300));
    metrics.token_refused(Some(GrantType::AuthorizationCode), OAuthErrorCode::InvalidGrant);
    metrics.committed(16, 3, Duration::from_micros(900));
    metrics.set_sessions_active(7);
    metrics.set_active_accounts(&People { day: 3, week: 20, month: 50, days: Vec::new(), made_up: false });
    for (series, expected) in [
        (r#"vestibule_tokens_issued_total{grant="authorization_code"}"#, "1"),
        (r#"vestibule_tokens_issued_total{grant="client_credentials"}"#, "1"),
        (r#"vestibule_logout_total{kind="user"}"#, "1"),
        (r#"vestibule_rate_limited_total{limit="client"}"#, "1"),
        (r#"vestibule_rate_limited_total{limit="events"}"#, "0"),
        (r#"vestibule_rate_limited_total{limit="other"}"#, "0"),
        (r#"vestibule_upstream_requests_total{provider="corp",phase="token",result="ok"}"#, "1"),
        (r#"http_client_request_duration_seconds_count{provider="corp",phase="token"}"#, "1"),
        (r#"vestibule_token_errors_total{grant="authorization_code",error="invalid_grant"}"#, "1"),
        ("db_commit_batch_size_sum", "16.0"),
        ("db_commits_waiting", "3"),
        (r#"db_client_operation_duration_seconds_count{operation="commit"}"#, "1"),
        ("vestibule_sessions_active", "7"),
        (r#"vestibule_active_accounts{window="day"}"#, "3"),
        (r#"vestibule_active_accounts{window="month"}"#, "50"),
        (r#"vestibule_build_info{version="1.2.3",revision="abc"}"#, "1"),
    ] {
        assert_eq!(value(&metrics, series), expected, "{series}");
    }
    assert!(metrics.render().ends_with("# EOF\n"));
}

#[test]
fn the_oldest_key_that_signs_says_the_age() {
    let day = Duration::from_hours(24);
    let start = Timestamp::from_secs(1_800_000_000);
    let key = |from: Timestamp| SigningKey {
        kid: "k".into(),
        alg: SigningAlg::Rs256,
        sealed: Sealed(vec![]),
        follows: None,
        created: from,
        signs_from: from,
        signs_until: from + day * 90,
        published_until: from + day * 120,
    };
    let metrics = metrics();
    metrics.set_signing_keys(&[key(start), key(start + day * 3), key(start + day * 90)], start + day * 10);
    assert_eq!(value(&metrics, "vestibule_signing_key_period_seconds"), (86_400 * 90).to_string());
    assert_eq!(value(&metrics, "vestibule_signing_key_age_seconds"), (86_400 * 10).to_string());
    assert_eq!(value(&metrics, "vestibule_signing_key_next_rotation_timestamp_seconds"), (1_800_000_000 + 86_400 * 90).to_string());
}

#[test]
fn attack_87_no_stranger_can_make_the_number_of_series_grow() {
    let metrics = Metrics::by_client(Build { version: "1.2.3", revision: "abc" });
    let everything = |round: usize| {
        // What a stranger can choose: by way of a path or a sealed cookie perhaps the name of a provider, and that of a client.
        let stranger = provider(&format!("p{round}"));
        for phase in Phase::ALL {
            metrics.upstream_called(&stranger, *phase, "ok", Duration::ZERO);
            metrics.upstream_called(&stranger, *phase, format!("r{round}").leak(), Duration::ZERO);
        }
        for name in EventName::ALL {
            for reason in Reason::ALL {
                for outcome in Outcome::ALL {
                    metrics.observed(&AuditEvent {
                        provider: Some(stranger.clone()),
                        client: Some(ClientId::parse(format!("c{round}")).unwrap()),
                        reason: Some(*reason),
                        took_ms: Some(u64::MAX),
                        detail: Some("\"}\n evil 1".into()),
                        actor: Actor::AdminKey(format!("\"\n{round}")),
                        grant_type: Some(GrantType::RefreshToken),
                        ..event(*name, *outcome)
                    });
                }
            }
        }
        metrics.provider_secret_expires(&stranger, Some(Timestamp::from_secs(1)));
        for outcome in RefreshOutcome::ALL {
            metrics.upstream_refreshed(&stranger, *outcome);
        }
        for error in OAuthErrorCode::ALL {
            metrics.token_refused(None, *error);
        }
    };
    // A client that got something exists; so many of them have names of their own, and no more.
    (0..=labels::MOST_NAMES).for_each(everything);
    let before = series(&metrics);
    (labels::MOST_NAMES + 1..labels::MOST_NAMES + 50).for_each(everything);
    assert_eq!(series(&metrics), before);
    assert!(!metrics.render().contains("evil"));
    assert!(before < 2000, "{before} series");
}

#[test]
fn who_went_to_a_provider_and_did_not_come_back_is_abandoned() {
    let metrics = metrics();
    let start = Timestamp::from_secs(1_800_000_000);
    let (lost, back) = (LoginId::new(start, &Zeros), LoginId::new(start + Duration::from_secs(1), &Zeros));
    let abandoned = r#"vestibule_login_total{provider="corp",outcome="abandoned",reason=""}"#;
    assert_eq!(value(&metrics, abandoned), "0");
    metrics.departed(&provider("corp"), lost);
    metrics.departed(&provider("corp"), back);
    assert_eq!(value(&metrics, r#"vestibule_login_departures_total{provider="corp"}"#), "2");
    metrics.returned(&provider("corp"), back, Duration::from_secs(20));
    metrics.count_abandoned(start + Duration::from_mins(15));
    assert_eq!(value(&metrics, abandoned), "1");
    assert_eq!(value(&metrics, r#"vestibule_login_duration_seconds_sum{provider="corp",phase="provider"}"#), "20.0");
}

#[test]
fn what_operators_change_is_counted_and_what_happens_by_itself_is_not() {
    let metrics = metrics();
    let key = || Actor::AdminKey("ops".into());
    metrics.sealed(&AuditEvent { actor: key(), ..event(EventName::ProviderUpdated, Outcome::Success) });
    // Seen by the node where it happened, and counted where it is sealed alone.
    metrics.observed(&AuditEvent { actor: key(), ..event(EventName::ProviderUpdated, Outcome::Success) });
    metrics.sealed(&AuditEvent { actor: Actor::command(), ..event(EventName::KeyRotated, Outcome::Success) });
    metrics.sealed(&AuditEvent { actor: Actor::System, ..event(EventName::KeyRotated, Outcome::Success) });
    metrics.sealed(&AuditEvent { actor: key(), ..event(EventName::ClientUpdated, Outcome::Denied) });
    // A person in the console is an operator too; on their own page they are not.
    let person = vestibule_domain::ids::AccountId::new(&Zeros);
    let revoked = |actor| AuditEvent { actor, ..event(EventName::GrantRevoked, Outcome::Success) };
    metrics.sealed(&revoked(Actor::Operator(person)));
    metrics.sealed(&revoked(Actor::Account(person)));
    let ended = |actor| AuditEvent { actor, reason: Some(Reason::Logout), ..event(EventName::SessionEnded, Outcome::Success) };
    metrics.observed(&ended(Actor::Operator(person)));
    metrics.sealed(&ended(Actor::Operator(person)));
    // What ends with an account that they disable, or with a way into it, is no change of its own.
    for reason in [Reason::AccountDisabled, Reason::Unlinked] {
        let event = AuditEvent { reason: Some(reason), ..ended(Actor::Operator(person)) };
        metrics.observed(&event);
        metrics.sealed(&event);
    }
    for (object, changes) in [("provider", "1"), ("signing_key", "1"), ("client", "0"), ("access", "2")] {
        assert_eq!(value(&metrics, &format!("vestibule_admin_changes_total{{object=\"{object}\"}}")), changes, "{object}");
    }
    for kind in ["admin", "account_disabled", "unlinked"] {
        assert_eq!(value(&metrics, &format!("vestibule_logout_total{{kind=\"{kind}\"}}")), "1", "{kind}");
    }
}

#[test]
fn a_configuration_that_is_read_again_is_a_change_of_what_it_changes() {
    let read = |pointers: &[&str]| {
        let change = pointers.iter().map(|pointer| Change { pointer: (*pointer).into(), before: None, after: Some("x".into()) }).collect();
        AuditEvent { actor: Actor::System, change, ..event(EventName::ConfigReloaded, Outcome::Success) }
    };
    for (pointers, object) in [
        (&["/log.filter", "/providers.acme.issuer"][..], "provider"),
        (&["/log.filter", ""], "provider"),
        (&["/keys.algorithms", "/log.filter"], "signing_key"),
        (&["/admin.bootstrap_key"], "api_key"),
        (&["/log.filter"], "configuration"),
    ] {
        let metrics = metrics();
        metrics.sealed(&read(pointers));
        for other in labels::CHANGED {
            let expected = if other == object { "1" } else { "0" };
            let series = format!("vestibule_admin_changes_total{{object=\"{other}\"}}");
            assert_eq!(value(&metrics, &series), expected, "{pointers:?}: {other}");
        }
    }
    let metrics = metrics();
    metrics.sealed(&read(&[]));
    metrics.sealed(&AuditEvent { outcome: Outcome::Failure, ..read(&["/providers.acme.issuer"]) });
    assert!(labels::CHANGED.iter().all(|object| value(&metrics, &format!("vestibule_admin_changes_total{{object=\"{object}\"}}")) == "0"));
}

#[test]
fn clients_are_counted_by_name_where_that_is_wanted_and_only_those_that_exist() {
    let client = |id: &str, outcome| AuditEvent { client: Some(ClientId::parse(id).unwrap()), ..event(EventName::LoginSucceeded, outcome) };
    let plain = metrics();
    plain.observed(&client("app", Outcome::Success));
    assert!(!plain.render().contains("client="));
    let metrics = Metrics::by_client(Build { version: "1.2.3", revision: "abc" });
    metrics.client_served(&ClientId::parse("app").unwrap());
    metrics.observed(&client("nobody", Outcome::Failure));
    metrics.observed(&client("app", Outcome::Success));
    // An app that registered itself is never introduced: there would soon be no label left for those of the house.
    metrics.observed(&client("registered-itself", Outcome::Success));
    // What an operator only tries is nobody's coming to the app.
    metrics.observed(&AuditEvent { trial: true, ..client("app", Outcome::Success) });
    metrics.observed(&AuditEvent { name: EventName::LoginDeniedByPolicy, trial: true, ..client("app", Outcome::Denied) });
    assert_eq!(value(&metrics, r#"vestibule_client_logins_total{client="app",outcome="success"}"#), "1");
    assert_eq!(value(&metrics, r#"vestibule_client_logins_total{client="other",outcome="success"}"#), "1");
    assert_eq!(value(&metrics, r#"vestibule_client_logins_total{client="other",outcome="failed"}"#), "1");
    for number in 0..labels::MOST_NAMES * 2 {
        metrics.client_served(&ClientId::parse(format!("app{number}")).unwrap());
        metrics.observed(&client(&format!("app{number}"), Outcome::Success));
    }
    let text = metrics.render();
    let named = text.lines().filter(|line| line.starts_with("vestibule_client_logins_total{") && !line.contains("\"other\"")).count();
    assert_eq!(named, labels::MOST_NAMES);
}

#[test]
fn what_is_unusual_is_counted_by_what_it_is_and_by_nobody() {
    let metrics = metrics();
    let before = series(&metrics);
    for detection in Detection::ALL {
        metrics.observed(&AuditEvent {
            account: Some(vestibule_domain::ids::AccountId::new(&Zeros)),
            provider: Some(provider("github")),
            detail: Some("a stranger's \"words\"".into()),
            ..event(detection.event(), Outcome::Success)
        });
        assert_eq!(value(&metrics, &format!("vestibule_detections_total{{detection=\"{detection}\"}}")), "1");
    }
    assert_eq!(series(&metrics), before, "each was there before, at nought");
}
