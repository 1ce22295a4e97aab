//! When operators work.

use jiff::{
    ZonedDateTime,
    civil::{Time, Weekday},
    tz::TimeZone,
};

use crate::time::Timestamp;

/// Spans of the week, in a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfficeHours {
    spans: Vec<Span>,
    zone: TimeZone,
}

/// The same time on some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    first: Weekday,
    last: Weekday,
    from: u16,
    /// Exclusive.
    until: u16,
}

/// Why hours can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HoursFault {
    /// Not in that form.
    #[error("is no list of hours; write them as \"Mon-Fri 08:00-18:00, Sat 09:00-13:00\"")]
    Form,
    /// It ends before it begins.
    #[error("has hours that end before they begin; write a night as two, as \"Mon-Fri 22:00-24:00, Tue-Sat 00:00-06:00\"")]
    Backwards,
    /// There is no such time zone.
    #[error("is no time zone; write one of the IANA time zone database, as \"Europe/Berlin\"")]
    Zone,
}

const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

impl OfficeHours {
    /// Reads `Mon-Fri 08:00-18:00, Sat 09:00-13:00` and the name of a time zone, as `Europe/Berlin`.
    pub fn parse(hours: &str, zone: &str) -> Result<Self, HoursFault> {
        let spans = hours.split(',').map(|text| span(text.trim())).collect::<Result<_, _>>()?;
        Ok(Self { spans, zone: Self::zone(zone)? })
    }

    /// The time zone of that name.
    pub fn zone(name: &str) -> Result<TimeZone, HoursFault> {
        TimeZone::get(name).map_err(|_| HoursFault::Zone)
    }

    /// Whether a moment is within them.
    pub fn include(&self, at: Timestamp) -> bool {
        let Some(local) = self.at(at) else { return true };
        let minute = minute_of(local.time());
        self.spans.iter().any(|span| span.is_on(local.weekday()) && (span.from..span.until).contains(&minute))
    }

    /// A moment as the clock there shows it.
    pub fn local(&self, at: Timestamp) -> String {
        let Some(local) = self.at(at) else { return at.to_string() };
        let day = DAYS.iter().find(|(_, day)| *day == local.weekday()).map_or("", |(name, _)| name);
        let zone = self.zone.iana_name().unwrap_or("UTC");
        format!("{day} {:02}:{:02} ({zone})", local.hour(), local.minute())
    }

    /// Nothing for a moment that no calendar has.
    fn at(&self, at: Timestamp) -> Option<ZonedDateTime> {
        jiff::Timestamp::from_millisecond(at.as_millis()).ok().map(|moment| moment.to_zoned_datetime(self.zone.clone()))
    }
}

impl Span {
    /// `Fri-Mon` goes over the end of the week.
    fn is_on(self, day: Weekday) -> bool {
        self.first.until(day) <= self.first.until(self.last)
    }
}

fn span(text: &str) -> Result<Span, HoursFault> {
    let (days, times) = text.split_once(' ').ok_or(HoursFault::Form)?;
    let (first, last) = days.split_once('-').unwrap_or((days, days));
    let (from, until) = times.trim().split_once('-').ok_or(HoursFault::Form)?;
    let (from, until) = (minute(from)?, minute(until)?);
    if from >= until {
        return Err(HoursFault::Backwards);
    }
    Ok(Span { first: day(first)?, last: day(last)?, from, until })
}

fn day(text: &str) -> Result<Weekday, HoursFault> {
    DAYS.iter().find(|(name, _)| *name == text).map(|(_, day)| *day).ok_or(HoursFault::Form)
}

/// Of the day; `24:00` is its end.
fn minute(text: &str) -> Result<u16, HoursFault> {
    let two = |text: &str| text.parse::<u16>().ok().filter(|_| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()));
    let (hour, minute) = text.split_once(':').and_then(|(hour, minute)| Some((two(hour)?, two(minute)?))).ok_or(HoursFault::Form)?;
    let all = hour * 60 + minute;
    if minute < 60 && all <= 24 * 60 { Ok(all) } else { Err(HoursFault::Form) }
}

fn minute_of(time: Time) -> u16 {
    let minute = i32::from(time.hour()) * 60 + i32::from(time.minute());
    u16::try_from(minute).unwrap_or_default()
}
