//! Moments as they are written on the command line.

use std::{str::FromStr, time::Duration};

use time::{Date, Time, macros::format_description};
use vestibule_domain::time::Timestamp;

use crate::config::parse_span;

/// A point in time, or how long ago it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A point in time.
    At(Timestamp),
    /// So long ago.
    Ago(Duration),
}

impl Moment {
    /// When that is.
    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(span) => now - span,
        }
    }
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(span) = parse_span(text) {
            return Ok(Self::Ago(span));
        }
        let day = || {
            let day = Date::parse(text, format_description!("[year]-[month]-[day]")).ok()?;
            Some(Timestamp::from_secs(day.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp()))
        };
        Timestamp::parse(text).or_else(day).map(Self::At).ok_or("write 2026-11-24, 2026-11-24T10:00:00Z, or how long ago, as 2h")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_days_points_in_time_or_spans() {
        let now = Timestamp::from_secs(1_800_000_000);
        let at = |text: &str| text.parse::<Moment>().unwrap().at(now).to_string();
        assert_eq!(at("2026-11-24"), "2026-11-24T00:00:00Z");
        assert_eq!(at("2026-11-24T10:00:00+01:00"), "2026-11-24T09:00:00Z");
        assert_eq!("2h".parse::<Moment>().unwrap().at(now), now - Duration::from_hours(2));
        for bad in ["", "yesterday", "2026-13-01", "10:00"] {
            assert!(bad.parse::<Moment>().is_err(), "{bad}");
        }
    }
}
