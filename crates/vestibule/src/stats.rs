//! `vestibule stats`: how often things happen, asked of a running gateway.

use serde_json::Value;

use crate::{
    cli::StatsOptions,
    failure::Failure,
    print,
    remote::{Ask, Remote, listed},
    table::table,
};

const PROVIDERS: [(&str, &str); 9] = [
    ("PROVIDER", "/provider"),
    ("WORKED %", "/success_percent"),
    ("SIGNED IN", "/logins/succeeded"),
    ("REFUSED", "/logins/denied"),
    ("FAILED", "/logins/failed"),
    ("SENT", "/sent"),
    ("BACK", "/returned"),
    ("P50 MS", "/p50_ms"),
    ("P95 MS", "/p95_ms"),
];

const APPS: [(&str, &str); 7] = [
    ("APP", "/client_id"),
    ("SIGNED IN", "/logins/succeeded"),
    ("BY A SESSION", "/silent_logins"),
    ("REFUSED", "/logins/denied"),
    ("FAILED", "/logins/failed"),
    ("REFRESHES", "/refreshes_ok"),
    ("FAILED REFRESHES", "/refreshes_failed"),
];

const REASONS: [(&str, &str); 2] = [("REASON", "/reason"), ("HOW OFTEN", "/count")];

const FAILURES: [(&str, &str); 5] =
    [("WHEN", "/time"), ("WHY", "/reason"), ("APP", "/client_id"), ("PROVIDER", "/provider"), ("REFERENCE", "/reference")];

/// Shows them.
pub(crate) async fn stats(options: &StatsOptions) -> Result<(), Failure> {
    let ask = Ask::get(&["stats"])
        .query("range", Some(options.range.as_str()))
        .query("provider", options.provider.as_ref().map(AsRef::as_ref))
        .query("client", options.client.as_ref().map(AsRef::as_ref));
    let told = Remote::new(&options.at)?.call(ask).await?.body;
    if options.at.json { print::json(&told) } else { print::text(&text(&told)) }
}

fn text(told: &Value) -> String {
    let mut parts = vec![summary(told)];
    for (columns, name) in [
        (PROVIDERS.as_slice(), "providers"),
        (APPS.as_slice(), "clients"),
        (REASONS.as_slice(), "reasons"),
        (FAILURES.as_slice(), "failures"),
    ] {
        let rows = told[name].as_array().map(Vec::as_slice).unwrap_or_default();
        if !rows.is_empty() {
            parts.push(listed(columns, rows));
        }
    }
    if told["made_up"] == true {
        parts.push("Some of these numbers were made up by `vestibule dev`.\n".to_owned());
    }
    parts.join("\n")
}

/// What is looked at first; what is not counted is left out.
fn summary(told: &Value) -> String {
    let number = |pointer: &str| told.pointer(pointer).filter(|value| value.is_number()).map(ToString::to_string);
    let count = |pointer: &str| number(pointer).unwrap_or_else(|| "0".to_owned());
    let mut rows = vec![vec!["Since".to_owned(), told["since"].as_str().unwrap_or_default().to_owned()]];
    let mut row = |name: &str, value: Option<String>| rows.extend(value.map(|value| vec![name.to_owned(), value]));
    row("Sign-ins that worked", number("/success_percent").map(|share| format!("{share} %")));
    row("Signed in", number("/logins/succeeded"));
    row("Refused", number("/logins/denied"));
    row("Failed", number("/logins/failed"));
    row("Let in by a session", number("/silent_logins"));
    row("Browsers signed in", number("/sessions_active"));
    row(
        "People",
        number("/people/day").map(|day| format!("{day} today, {} in 7 days, {} in 30", count("/people/week"), count("/people/month"))),
    );
    row("Token endpoint, p99", number("/token_endpoint/p99_ms").map(|span| format!("{span} ms")));
    row("Refreshes", number("/refreshes_ok").map(|ok| format!("{ok}, and {} that failed", count("/refreshes_failed"))));
    row("Told to slow down", number("/rate_limited"));
    table(&[], &rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn what_was_counted_is_said_and_what_is_not_counted_is_left_out() {
        let told = json!({
            "since": "2026-11-24T10:00:00Z", "success_percent": 90.0, "logins": { "succeeded": 9, "denied": 2, "failed": 1 },
            "silent_logins": null, "people": { "day": 3, "week": 4, "month": 5 }, "refreshes_ok": 7, "refreshes_failed": 1,
            "providers": [{ "provider": "acme", "success_percent": 90.0, "logins": { "succeeded": 9, "denied": 2, "failed": 1 }, "sent": 13,
                "returned": 12, "p50_ms": 80.5, "p95_ms": null }],
            "clients": [], "reasons": [{ "reason": "person_declined", "count": 2 }], "failures": [], "made_up": true,
        });
        assert_eq!(
            lines(&text(&told)),
            [
                "Since 2026-11-24T10:00:00Z",
                "Sign-ins that worked 90.0 %",
                "Signed in 9",
                "Refused 2",
                "Failed 1",
                "People 3 today, 4 in 7 days, 5 in 30",
                "Refreshes 7, and 1 that failed",
                "",
                "PROVIDER WORKED % SIGNED IN REFUSED FAILED SENT BACK P50 MS P95 MS",
                "acme 90.0 9 2 1 13 12 80.5 -",
                "",
                "REASON HOW OFTEN",
                "person_declined 2",
                "",
                "Some of these numbers were made up by `vestibule dev`.",
            ]
        );
    }
}
