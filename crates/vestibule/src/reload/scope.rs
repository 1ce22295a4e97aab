//! Which settings a reload changes, and which only a restart does: the one table.

/// Listeners are bound, the database is open and everything in it is sealed before the first request; the issuer is the name by which every token and
/// every app knows us. What is counted, and where it is sent, is set up once.
const AT_RESTART: [&str; 11] = [
    "issuer",
    "listen.address",
    "listen.max_connections",
    "listen.drain_timeout",
    "listen.tls",
    "listen.client_certificates",
    "ops",
    "store",
    "sealing",
    "tracing",
    "metrics",
];

/// Settings inside a section that otherwise changes at once.
const AT_RESTART_TOO: [&str; 3] = ["log.format", "admin.address", "audit.checkpoint_file"];

/// Whether a reload leaves this setting as it was.
pub(super) fn needs_restart(key: &str) -> bool {
    AT_RESTART.iter().chain(&AT_RESTART_TOO).any(|section| is_within(key, section))
}

fn is_within(key: &str, section: &str) -> bool {
    key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Names in their order, numbers in theirs: `providers[2]` comes before `providers[10]`.
pub(super) fn in_order(key: &str) -> Vec<(String, u64)> {
    let number = |part: &str| part.trim_end_matches(']').parse().unwrap_or_default();
    key.split('.')
        .map(|part| part.split_once('[').map_or_else(|| (part.to_owned(), 0), |(name, at)| (name.to_owned(), number(at))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::KEYS;

    /// What a reload changes. A new setting belongs here, if the code reads it from the settings of the request, or in the table above.
    const AT_ONCE: [&str; 23] = [
        "providers_dir",
        "providers",
        "keys",
        "lifetimes",
        "login",
        "registration",
        "dpop",
        "limits",
        "admin.bootstrap_key",
        "admin.bootstrap_key_file",
        "audit.checkpoint_every",
        "audit.checkpoint_after",
        "audit.keep_for",
        "audit.login_traces_keep",
        "audit.keep_for_sinks",
        "audit.sinks",
        "detections",
        "console",
        "upstream_tokens",
        "egress",
        "branding",
        "log.filter",
        "listen.trusted_proxies",
    ];

    #[test]
    fn of_every_setting_it_is_known_whether_a_reload_changes_it() {
        for (key, kind) in KEYS.iter() {
            if *kind == crate::config::schema::Kind::Section {
                continue;
            }
            let at_once = AT_ONCE.iter().any(|section| is_within(key, section));
            assert!(at_once != needs_restart(key), "{key} must stand in one of the two tables");
        }
    }

    #[test]
    fn a_name_that_begins_like_a_section_is_not_in_it() {
        assert!(needs_restart("ops.address") && needs_restart("issuer"));
        assert!(!needs_restart("opsimath") && !needs_restart("listen.trusted_proxies"));
        let mut keys = ["providers[10].id", "providers[2].id", "log.filter"];
        keys.sort_by_cached_key(|key| in_order(key));
        assert_eq!(keys, ["log.filter", "providers[2].id", "providers[10].id"]);
    }
}
