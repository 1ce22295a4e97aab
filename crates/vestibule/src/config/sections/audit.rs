//! The section about the audit log.

use std::time::Duration;

use vestibule_domain::audit::chain::SealRules;

use super::{
    super::{check::Checker, raw::RawAudit},
    DAY, SECOND,
};

pub(crate) fn audit(raw: &RawAudit, check: &mut Checker<'_>) -> SealRules {
    if !(1..=1_000_000).contains(&raw.checkpoint_every) {
        check.fault("audit.checkpoint_every", "must be from 1 to 1000000", &[]);
    }
    if raw.checkpoint_file.as_ref().is_some_and(String::is_empty) {
        check.fault("audit.checkpoint_file", "is empty; name a file, or leave it out", &[]);
    }
    SealRules {
        checkpoint_every: raw.checkpoint_every,
        checkpoint_after: check.span("audit.checkpoint_after", &raw.checkpoint_after, SECOND..=DAY),
        login_traces_keep: check.span("audit.login_traces_keep", &raw.login_traces_keep, Duration::ZERO..=DAY * 3_650),
        keep_for_sinks: check.span("audit.keep_for_sinks", &raw.keep_for_sinks, Duration::ZERO..=DAY * 365),
        keep_for: raw.keep_for.as_ref().map(|text| check.span("audit.keep_for", text, DAY..=DAY * 36_500)),
    }
}
