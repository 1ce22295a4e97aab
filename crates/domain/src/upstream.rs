//! When an upstream's tokens are refreshed, and what follows from how that went.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{account::UpstreamTokens, client::closed_enum, time::Timestamp};

/// Which tokens want a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokensDue {
    /// Now.
    pub now: Timestamp,
    /// Those that expire before.
    pub expire_before: Timestamp,
    /// Those that an app asked for since.
    pub used_since: Timestamp,
    /// At most so many.
    pub limit: u64,
}

closed_enum! {
    /// How a refresh at an upstream went.
    RefreshOutcome {
        /// New tokens.
        Ok = "ok",
        /// It honours them no more.
        Denied = "upstream_denied",
        /// It does not answer.
        Unreachable = "upstream_unreachable",
    }
}

/// How upstream tokens are kept fresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshRules {
    /// A token is refreshed for whoever asks when it lives shorter than this.
    pub margin: Duration,
    /// Tokens in use are refreshed ahead when they live shorter than this.
    pub ahead: Duration,
    /// For how long after an app asked they count as in use.
    pub in_use: Duration,
    /// How long one node alone may take.
    pub lease: Duration,
    /// After the first failure; doubled with every other.
    pub pause: Duration,
    /// At most.
    pub longest_pause: Duration,
}

impl Default for RefreshRules {
    fn default() -> Self {
        Self {
            margin: Duration::from_mins(1),
            ahead: Duration::from_mins(5),
            in_use: Duration::from_hours(24),
            lease: Duration::from_secs(30),
            pause: Duration::from_secs(5),
            longest_pause: Duration::from_mins(10),
        }
    }
}

/// What is to be done for somebody who asks for an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// It is good.
    Give,
    /// Refresh it first.
    Refresh,
    /// It can't be refreshed now, but is good still.
    GiveStale,
    /// It is not good, and can't be made so now; ask again at that time, if any is known.
    Wait(Option<Timestamp>),
    /// The person has to sign in there again.
    Reconnect,
}

impl UpstreamTokens {
    /// What to do at `now`. `refreshable` tells whether the provider can refresh at all.
    pub fn want(&self, now: Timestamp, rules: &RefreshRules) -> Want {
        let lives = |margin: Duration| self.expires.is_none_or(|expires| now + margin < expires);
        if self.denied.is_some() {
            return Want::Reconnect;
        }
        if lives(rules.margin) {
            return Want::Give;
        }
        let is_good = lives(Duration::ZERO);
        if !self.refreshable {
            return if is_good { Want::Give } else { Want::Reconnect };
        }
        match self.retry_after {
            Some(after) if now < after && is_good => Want::GiveStale,
            Some(after) if now < after => Want::Wait(Some(after)),
            _ => Want::Refresh,
        }
    }

    /// Whether the access token is good.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.denied.is_none() && self.expires.is_none_or(|expires| now < expires)
    }

    /// Whether they have lived at least half their life: those that live shorter than one looks ahead would be refreshed without end.
    pub fn wants_refresh_ahead(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| now.since(self.received) >= expires.since(self.received) / 2)
    }

    /// These tokens after the upstream could not be reached: kept as they are, and tried again later.
    #[must_use]
    pub fn after_failure(&self, now: Timestamp, rules: &RefreshRules) -> Self {
        let pause = rules.pause.saturating_mul(2_u32.saturating_pow(self.failures)).min(rules.longest_pause);
        Self {
            version: self.version + 1,
            failures: self.failures.saturating_add(1),
            retry_after: Some(now + pause),
            leased_until: None,
            ..self.clone()
        }
    }

    /// These tokens after the upstream said no.
    #[must_use]
    pub fn after_denial(&self, now: Timestamp) -> Self {
        Self { version: self.version + 1, denied: Some(now), leased_until: None, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::LinkId, secret::Sealed};

    fn tokens(expires: i64) -> UpstreamTokens {
        UpstreamTokens {
            link: LinkId(uuid::Uuid::nil()),
            sealed: Sealed(Vec::new()),
            version: 1,
            expires: Some(Timestamp::from_secs(expires)),
            received: Timestamp::from_secs(0),
            refreshable: true,
            leased_until: None,
            used: None,
            denied: None,
            failures: 0,
            retry_after: None,
        }
    }

    #[test]
    fn what_lives_long_enough_is_given_and_what_does_not_is_refreshed() {
        let rules = RefreshRules::default();
        let at = Timestamp::from_secs;
        assert_eq!(tokens(1000).want(at(900), &rules), Want::Give);
        assert_eq!(tokens(1000).want(at(950), &rules), Want::Refresh);
        assert_eq!(UpstreamTokens { refreshable: false, ..tokens(1000) }.want(at(950), &rules), Want::Give);
        assert_eq!(UpstreamTokens { refreshable: false, ..tokens(1000) }.want(at(1000), &rules), Want::Reconnect);
        assert_eq!(UpstreamTokens { expires: None, ..tokens(0) }.want(at(9_999_999), &rules), Want::Give);
    }

    #[test]
    fn an_upstream_that_is_down_is_asked_ever_more_rarely_and_one_that_said_no_not_at_all() {
        let rules = RefreshRules::default();
        let at = Timestamp::from_secs;
        let once = tokens(1000).after_failure(at(950), &rules);
        assert_eq!(once.want(at(954), &rules), Want::GiveStale);
        assert_eq!(once.want(at(955), &rules), Want::Refresh);
        let often = (0..20).fold(once, |tokens, _| tokens.after_failure(at(990), &rules));
        assert_eq!(often.want(at(1001), &rules), Want::Wait(Some(at(990 + 600))));
        assert_eq!(often.after_denial(at(999)).want(at(1001), &rules), Want::Reconnect);
    }
}
