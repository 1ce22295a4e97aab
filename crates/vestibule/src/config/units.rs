//! Spans of time and sizes, as people write them.

use std::time::Duration;

/// What a text that is neither is told.
pub(crate) const SPAN_FORM: &str = "is not a span of time; write a whole number and ms, s, m, h or d, as \"15m\"";
/// What a text that is no size is told.
pub(crate) const SIZE_FORM: &str = "is not a size; write a whole number and B, KiB or MiB, as \"256KiB\"";

/// Reads `15m`, `8h` or `90d`.
pub(crate) fn parse_span(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let millis_each = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(Duration::from_millis(number * millis_each))
}

/// Writes what [`parse_span`] reads, in the largest unit that leaves a whole number.
pub(crate) fn show_span(span: Duration) -> String {
    let millis = span.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
    let fitting = units.into_iter().find(|(_, each)| millis >= *each && millis.is_multiple_of(*each));
    fitting.map_or_else(|| format!("{millis}ms"), |(unit, each)| format!("{}{unit}", millis / each))
}

/// Reads `256KiB` or `1MiB`, in bytes.
pub(crate) fn parse_size(text: &str) -> Option<usize> {
    let (number, unit) = split(text)?;
    let each = match unit {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        _ => return None,
    };
    usize::try_from(number * each).ok()
}

/// A number of at most nine digits, so that no unit makes it overflow, and what follows it.
fn split(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    (1..=9).contains(&digits).then(|| number.parse().ok()).flatten().map(|number| (number, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written_alike() {
        for text in ["250ms", "1s", "90s", "15m", "8h", "90d", "36h"] {
            assert_eq!(show_span(parse_span(text).unwrap()), text);
        }
        assert_eq!(show_span(parse_span("120s").unwrap()), "2m");
        assert_eq!(show_span(Duration::ZERO), "0ms");
    }

    #[test]
    fn what_is_no_span_is_not_guessed_at() {
        for text in ["", "15", "m", "1.5h", "-1s", "1 h", "1h30m", "1w", "9999999999d", "１s", "15M"] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read() {
        assert_eq!(parse_size("1B"), Some(1));
        assert_eq!(parse_size("256KiB"), Some(262_144));
        assert_eq!(parse_size("2MiB"), Some(2_097_152));
        for text in ["256", "256KB", "1GiB", "KiB", "-1B"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
