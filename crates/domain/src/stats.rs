//! How often things happen: counted in spans of time, kept for a while, and added up for whoever looks.
//!
//! What is counted here has no person in it, and every name in it is that of something an operator set up: a provider or an app, at most a hundred of
//! each. Who was here on a day is kept apart, because it can be erased.

mod histogram;
mod report;
mod tally;

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::{
    histogram::Histogram,
    report::{AppLine, Funnel, Only, People, Point, ProviderLine, Report},
    tally::{FailedLogin, OfClient, OfProvider, Outcomes, Tally},
};
use crate::{client::closed_enum, time::Timestamp};

/// Whose rows were made up, so that a gateway to be tried has something to show. Nobody counts under it.
pub const MADE_UP: Uuid = Uuid::nil();

const DAY: Duration = Duration::from_hours(24);

/// How long it is kept who was here on a day: as long as the longest span in which people are counted, and the day it began in.
pub const PEOPLE_KEPT: Duration = Duration::from_hours(24 * 31);

/// How finely something is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Kept for six hours.
    TenSeconds,
    /// Kept for a week.
    Minute,
    /// Kept for thirteen months.
    Hour,
}

impl Step {
    /// From the finest on.
    pub const ALL: [Self; 3] = [Self::TenSeconds, Self::Minute, Self::Hour];

    /// The span of one.
    pub const fn span(self) -> Duration {
        match self {
            Self::TenSeconds => Duration::from_secs(10),
            Self::Minute => Duration::from_mins(1),
            Self::Hour => Duration::from_hours(1),
        }
    }

    /// How long one is kept after it ended.
    pub const fn kept(self) -> Duration {
        match self {
            Self::TenSeconds => Duration::from_hours(6),
            Self::Minute => Duration::from_hours(24 * 7),
            Self::Hour => Duration::from_hours(24 * 396),
        }
    }

    /// When the one began that a moment lies in.
    pub fn start(self, at: Timestamp) -> Timestamp {
        aligned(at, self.span())
    }

    /// The one of this span in seconds.
    pub fn of_seconds(seconds: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|step| i64::try_from(step.span().as_secs()) == Ok(seconds))
    }
}

/// The last whole number of such spans since the epoch that is not after `at`.
fn aligned(at: Timestamp, span: Duration) -> Timestamp {
    let span = i64::try_from(span.as_millis()).unwrap_or(i64::MAX).max(1);
    Timestamp::from_millis(at.as_millis().div_euclid(span) * span)
}

/// The day of a moment, in UTC: when it began.
pub fn day(at: Timestamp) -> Timestamp {
    aligned(at, DAY)
}

/// What one node counted in one span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsRow {
    /// Which node, by the name it has while it runs.
    pub node: Uuid,
    /// How finely.
    pub step: Step,
    /// When the span began.
    pub start: Timestamp,
    /// What it counted.
    pub tally: Tally,
}

impl StatsRow {
    /// When it may be swept.
    pub fn expires(&self) -> Timestamp {
        self.start + self.step.span() + self.step.kept()
    }
}

closed_enum! {
    /// How far back somebody looks.
    Range {
        /// The last hour, by ten seconds.
        Hour = "1h",
        /// Six hours, by half minutes.
        SixHours = "6h",
        /// A day, by five minutes.
        Day = "24h",
        /// A week, by hours.
        Week = "7d",
        /// Thirty days, by four hours.
        Month = "30d",
        /// Thirteen months, by days.
        ThirteenMonths = "13mo",
    }
}

impl Range {
    /// How far that is.
    pub const fn span(self) -> Duration {
        match self {
            Self::Hour => Duration::from_hours(1),
            Self::SixHours => Duration::from_hours(6),
            Self::Day => DAY,
            Self::Week => Duration::from_hours(24 * 7),
            Self::Month => Duration::from_hours(24 * 30),
            Self::ThirteenMonths => Duration::from_hours(24 * 396),
        }
    }

    /// Which rows it is put together from.
    pub const fn step(self) -> Step {
        match self {
            Self::Hour | Self::SixHours => Step::TenSeconds,
            Self::Day => Step::Minute,
            Self::Week | Self::Month | Self::ThirteenMonths => Step::Hour,
        }
    }

    /// How much time one point of it stands for: a whole number of steps.
    pub const fn point(self) -> Duration {
        match self {
            Self::Hour => Duration::from_secs(10),
            Self::SixHours => Duration::from_secs(30),
            Self::Day => Duration::from_mins(5),
            Self::Week => Duration::from_hours(1),
            Self::Month => Duration::from_hours(4),
            Self::ThirteenMonths => DAY,
        }
    }

    /// The point that a moment lies in.
    pub fn point_of(self, at: Timestamp) -> Timestamp {
        aligned(at, self.point())
    }

    /// The first point of what is looked at now; the last one has just begun.
    pub fn since(self, now: Timestamp) -> Timestamp {
        self.point_of(now) + self.point() - self.span()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_begin_at_whole_numbers_of_themselves() {
        let at = Timestamp::from_secs(1_795_514_467);
        assert_eq!(Step::TenSeconds.start(at), Timestamp::from_secs(1_795_514_460));
        assert_eq!(Step::Minute.start(at), Timestamp::from_secs(1_795_514_460));
        assert_eq!(Step::Hour.start(at), Timestamp::from_secs(1_795_514_400));
        assert_eq!(day(at), Timestamp::from_secs(1_795_478_400));
        assert_eq!(day(day(at)), day(at));
    }

    #[test]
    fn every_range_is_whole_points_of_whole_steps_that_are_kept_so_long() {
        for range in Range::ALL {
            assert_eq!(range.span().as_secs() % range.point().as_secs(), 0, "{range}");
            assert_eq!(range.point().as_secs() % range.step().span().as_secs(), 0, "{range}");
            assert!(range.step().kept() >= range.span(), "{range}");
            assert!(range.span().as_secs() / range.point().as_secs() <= 720, "{range}");
            let now = Timestamp::from_secs(1_795_514_467);
            assert_eq!(range.point_of(now).since(range.since(now)) + range.point(), range.span(), "{range}");
        }
    }
}
