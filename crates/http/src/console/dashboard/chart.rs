//! Charts: lines and bars as SVG, with every number in a table beside them.

use std::fmt::Write as _;

use askama::{Template, filters::HtmlSafe};
use vestibule_domain::{
    stats::{Outcomes, Point, Range},
    time::Timestamp,
};

/// The ground that is drawn on; a page stretches it.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;
/// What is left free between two bars, of the width of one.
const GAP: f64 = 0.15;

/// Points that are drawn as one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Group {
    /// When the first of them began.
    pub(super) start: Timestamp,
    pub(super) logins: Outcomes,
    pub(super) silent: Option<u64>,
    pub(super) refreshed: Option<u64>,
    pub(super) not_refreshed: Option<u64>,
    /// The most of them.
    pub(super) sessions: Option<u64>,
    /// The slowest of them, in milliseconds.
    pub(super) token_p99: Option<f64>,
    pub(super) upstream_p95: Option<f64>,
}

/// As many bars as can be told apart on a phone: of a minute, five minutes, half an hour, three hours, twelve hours, a week.
const fn together(range: Range) -> usize {
    match range {
        Range::Hour | Range::Day => 6,
        Range::SixHours => 10,
        Range::Week | Range::Month => 3,
        Range::ThirteenMonths => 7,
    }
}

pub(super) fn grouped(range: Range, points: &[Point]) -> Vec<Group> {
    let sum = |one: Option<u64>, other: Option<u64>| one.map_or(other, |one| Some(one.saturating_add(other.unwrap_or_default())));
    let slower = |one: Option<f64>, other: Option<std::time::Duration>| {
        let other = other.map(|span| span.as_secs_f64() * 1_000.0);
        one.map_or(other, |one| Some(other.map_or(one, |other| one.max(other))))
    };
    let group = |points: &[Point]| {
        let mut group = Group { start: points.first().map_or_else(Timestamp::default, |point| point.start), ..Group::default() };
        for point in points {
            group.logins.add(point.logins);
            group.silent = sum(group.silent, point.silent);
            group.refreshed = sum(group.refreshed, point.refreshed);
            group.not_refreshed = sum(group.not_refreshed, point.not_refreshed);
            group.sessions = group.sessions.max(point.sessions);
            group.token_p99 = slower(group.token_p99, point.token_p99);
            group.upstream_p95 = slower(group.upstream_p95, point.upstream_p95);
        }
        group
    };
    points.chunks(together(range)).map(group).collect()
}

/// A moment of a chart, as exactly as its range needs.
pub(super) fn moment(range: Range, at: Timestamp) -> String {
    let text = at.to_string();
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    match range {
        Range::Hour | Range::SixHours | Range::Day => part(11, 16).to_owned(),
        Range::Week | Range::Month => format!("{} {}", part(5, 10), part(11, 16)),
        Range::ThirteenMonths => part(0, 10).to_owned(),
    }
}

/// One kind of thing that is drawn.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) label: &'static str,
    /// Its colour: a class.
    pub(super) colour: &'static str,
    pub(super) values: Vec<Option<f64>>,
}

/// A chart.
#[derive(Clone, Debug, Template)]
#[template(path = "console/chart.html")]
pub(crate) struct Chart {
    id: &'static str,
    title: &'static str,
    says: String,
    unit: &'static str,
    most: String,
    from: String,
    to: String,
    legend: Vec<(&'static str, &'static str)>,
    /// What is drawn, in the words of SVG, all of it numbers and classes of ours.
    drawn: String,
    rows: Vec<(String, Vec<String>)>,
}

impl HtmlSafe for Chart {}

impl Chart {
    /// Bars that stand on one another.
    pub(super) fn bars(id: &'static str, title: &'static str, unit: &'static str, moments: &[String], series: &[Series]) -> Self {
        let height = |at: usize| series.iter().map(|series| series.values[at].unwrap_or_default()).sum::<f64>();
        let most = (0..moments.len()).map(height).fold(0.0, f64::max);
        let mut drawn = String::new();
        if most > 0.0 {
            let step = WIDTH / count(moments.len());
            for at in 0..moments.len() {
                let mut top = HEIGHT;
                for series in series {
                    let tall = series.values[at].unwrap_or_default() / most * HEIGHT;
                    top -= tall;
                    if tall > 0.0 {
                        let (x, width) = (count(at) * step + step * GAP / 2.0, step * (1.0 - GAP));
                        let _ = write!(
                            drawn,
                            "<rect class=\"{}\" x=\"{x:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{tall:.1}\"/>",
                            series.colour
                        );
                    }
                }
            }
        }
        Self::new(id, title, unit, moments, series, most, drawn)
    }

    /// A line for each series, with a gap where nothing was counted.
    pub(super) fn lines(id: &'static str, title: &'static str, unit: &'static str, moments: &[String], series: &[Series]) -> Self {
        let most = series.iter().flat_map(|series| &series.values).flatten().copied().fold(0.0, f64::max);
        let mut drawn = String::new();
        let step = WIDTH / count(moments.len());
        for series in series {
            let mut path = String::new();
            let mut goes_on = false;
            for (at, value) in series.values.iter().enumerate() {
                let Some(value) = value else {
                    goes_on = false;
                    continue;
                };
                let (x, y) = (count(at) * step + step / 2.0, HEIGHT - if most > 0.0 { value / most * HEIGHT } else { 0.0 });
                // A point alone is seen too.
                let _ = if goes_on { write!(path, "L{x:.1} {y:.1}") } else { write!(path, "M{x:.1} {y:.1}h.1") };
                goes_on = true;
            }
            if !path.is_empty() {
                let _ = write!(drawn, "<path class=\"line {}\" d=\"{path}\"/>", series.colour);
            }
        }
        Self::new(id, title, unit, moments, series, most, drawn)
    }

    fn new(
        id: &'static str,
        title: &'static str,
        unit: &'static str,
        moments: &[String],
        series: &[Series],
        most: f64,
        drawn: String,
    ) -> Self {
        let row = |at: usize| (moments[at].clone(), series.iter().map(|series| shown(series.values[at])).collect());
        let has_some = |at: &usize| series.iter().any(|series| series.values[*at].is_some_and(|value| value > 0.0));
        let rows: Vec<_> = (0..moments.len()).filter(has_some).map(row).collect();
        let says = format!("{title}, at most {}{unit} at a time. The table below has every number.", shown(Some(most)));
        Self {
            id,
            title,
            says,
            unit,
            most: shown(Some(most)),
            from: moments.first().cloned().unwrap_or_default(),
            to: moments.last().cloned().unwrap_or_default(),
            legend: series.iter().map(|series| (series.label, series.colour)).collect(),
            drawn,
            rows,
        }
    }
}

/// A number as it is read: whole, or to a tenth where it is small and not.
pub(super) fn shown(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value.fract() == 0.0 || value >= 100.0 => format!("{value:.0}"),
        Some(value) => format!("{value:.1}"),
    }
}

/// Small enough that nothing is lost.
#[expect(clippy::cast_precision_loss, reason = "counts beyond 2^53 are drawn no worse for it")]
pub(super) fn count(count: impl TryInto<u64>) -> f64 {
    count.try_into().map_or(0.0, |count| count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(label: &'static str, values: &[Option<f64>]) -> Series {
        Series { label, colour: "good", values: values.to_vec() }
    }

    fn moments() -> Vec<String> {
        ["10:00", "10:01", "10:02"].map(str::to_owned).to_vec()
    }

    #[test]
    fn bars_stand_on_one_another_and_the_highest_fills_the_ground() {
        let (one, other) = (series("a", &[Some(3.0), None, Some(1.0)]), series("b", &[Some(1.0), Some(0.0), None]));
        let chart = Chart::bars("c", "Things", "", &moments(), &[one, other]);
        assert_eq!(chart.most, "4");
        assert_eq!(chart.drawn.matches("<rect").count(), 3);
        assert!(chart.drawn.contains("y=\"30.0\" width=\"170.0\" height=\"90.0\""), "{}", chart.drawn);
        assert!(chart.drawn.contains("y=\"0.0\" width=\"170.0\" height=\"30.0\""), "{}", chart.drawn);
        assert_eq!(chart.rows.len(), 2, "where there is nothing, there is no row");
    }

    #[test]
    fn a_line_has_a_gap_where_nothing_was_counted() {
        let chart = Chart::lines("c", "Speed", " ms", &moments(), &[series("a", &[Some(2.5), None, Some(5.0)])]);
        assert!(chart.drawn.contains("M100.0 60.0h.1M500.0 0.0h.1"), "{}", chart.drawn);
        let nothing = Chart::lines("c", "Speed", " ms", &moments(), &[series("a", &[None, None, None])]);
        assert!(nothing.drawn.is_empty() && nothing.rows.is_empty());
    }

    #[test]
    fn numbers_are_read_whole_or_to_a_tenth() {
        assert_eq!([None, Some(0.0), Some(7.0), Some(7.25), Some(712.4)].map(shown), ["–", "0", "7", "7.2", "712"]);
    }

    #[test]
    fn every_range_is_drawn_with_as_many_bars_as_can_be_told_apart() {
        for range in Range::ALL {
            let points = usize::try_from(range.span().as_secs() / range.point().as_secs()).unwrap();
            assert!((40..=72).contains(&points.div_ceil(together(*range))), "{range}");
        }
    }
}
