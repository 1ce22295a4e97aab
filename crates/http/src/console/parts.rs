//! Small things that stand on many pages. Each escapes what it shows by itself, so pages put it in as it is.

use std::borrow::Cow;

use askama::{Template, filters::HtmlSafe};
use vestibule_domain::{ids::ManagerName, time::Timestamp};

/// A moment: how long ago or ahead, and exactly.
#[derive(Clone, Debug, Template)]
#[template(source = "<time datetime=\"{{ exact }}\" title=\"{{ shown }}\">{{ about }}</time>", ext = "html")]
pub(crate) struct When {
    exact: String,
    shown: String,
    about: String,
}

impl HtmlSafe for When {}

impl When {
    pub(crate) fn new(at: Timestamp, now: Timestamp) -> Self {
        let exact = at.to_string();
        let shown = format!("{} UTC", exact.get(..19).unwrap_or(&exact).replace('T', " "));
        let about = if at <= now { format!("{} ago", span(now.since(at))) } else { format!("in {}", span(at.since(now))) };
        let about = if about.starts_with("0 seconds") { "just now".to_owned() } else { about };
        Self { exact, shown, about }
    }
}

/// A span in its largest unit.
fn span(span: std::time::Duration) -> String {
    let seconds = span.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..172_800 => (seconds / 3_600, "hour"),
        172_800..5_184_000 => (seconds / 86_400, "day"),
        5_184_000..63_072_000 => (seconds / 2_592_000, "month"),
        _ => (seconds / 31_536_000, "year"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// A word in a colour that says whether all is well.
#[derive(Clone, Debug, Template)]
#[template(source = "<span class=\"badge {{ mood }}\">{{ text }}</span>", ext = "html")]
pub(crate) struct Badge {
    mood: &'static str,
    text: String,
}

impl HtmlSafe for Badge {}

impl Badge {
    /// All is well.
    pub(crate) fn good(text: impl Into<String>) -> Self {
        Self { mood: "good", text: text.into() }
    }

    /// Something wants to be looked at.
    pub(crate) fn warn(text: impl Into<String>) -> Self {
        Self { mood: "warn", text: text.into() }
    }

    /// Something does not work.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self { mood: "bad", text: text.into() }
    }

    /// A fact.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { mood: "plain", text: text.into() }
    }
}

/// A field of a form.
#[derive(Clone, Debug, Template)]
#[template(path = "console/field.html")]
pub(crate) struct Field {
    name: Cow<'static, str>,
    label: Cow<'static, str>,
    hint: Cow<'static, str>,
    value: String,
    kind: Kind,
    faults: Vec<String>,
    is_optional: bool,
    /// Where `htmx` asks whether what stands in it can be, while it is written.
    check: Option<String>,
}

#[derive(Clone, Debug)]
enum Kind {
    Text,
    Code,
    Lines,
    Json,
    Secret,
    SecretLines,
    Number,
    Choice(Vec<Choice>),
}

#[derive(Clone, Debug)]
struct Choice {
    value: String,
    label: String,
}

impl HtmlSafe for Field {}

impl Field {
    fn new(name: impl Into<Cow<'static, str>>, label: impl Into<Cow<'static, str>>, value: impl Into<String>, kind: Kind) -> Self {
        let (name, label) = (name.into(), label.into());
        Self { name, label, hint: "".into(), value: value.into(), kind, faults: Vec::new(), is_optional: false, check: None }
    }

    /// One line of text.
    pub(crate) fn text(name: &'static str, label: &'static str, value: impl Into<String>) -> Self {
        Self::new(name, label, value, Kind::Text)
    }

    /// One line that is read letter by letter.
    pub(crate) fn code(name: impl Into<Cow<'static, str>>, label: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        Self::new(name, label, value, Kind::Code)
    }

    /// One thing a line.
    pub(crate) fn lines(name: &'static str, label: &'static str, values: &[String]) -> Self {
        Self::new(name, label, values.join("\n"), Kind::Lines)
    }

    /// JSON, with room for it.
    pub(crate) fn json(name: &'static str, label: &'static str, value: impl Into<String>) -> Self {
        Self::new(name, label, value, Kind::Json)
    }

    /// What is never shown again.
    pub(crate) fn secret(name: impl Into<Cow<'static, str>>, label: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, label, "", Kind::Secret)
    }

    /// The same in many lines, as a key is written.
    pub(crate) fn secret_lines(name: impl Into<Cow<'static, str>>, label: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name, label, "", Kind::SecretLines)
    }

    /// A whole number.
    pub(crate) fn number(name: &'static str, label: &'static str, value: impl Into<String>) -> Self {
        Self::new(name, label, value, Kind::Number)
    }

    /// One of a few.
    pub(crate) fn choice<V: Into<String>, L: Into<String>>(
        name: &'static str,
        label: &'static str,
        value: impl Into<String>,
        choices: impl IntoIterator<Item = (V, L)>,
    ) -> Self {
        let choices = choices.into_iter().map(|(value, label)| Choice { value: value.into(), label: label.into() }).collect();
        Self::new(name, label, value, Kind::Choice(choices))
    }

    /// What stands below its name.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    /// It may be left empty.
    #[must_use]
    pub(crate) fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }

    /// What is wrong with what stands in it.
    #[must_use]
    pub(crate) fn wrong(self, faults: Vec<String>) -> Self {
        Self { faults, ..self }
    }

    /// Asked about at this address while it is written.
    #[must_use]
    pub(crate) fn checked_at(self, address: String) -> Self {
        Self { check: Some(address), ..self }
    }

    fn is_code(&self) -> bool {
        matches!(self.kind, Kind::Code)
    }

    /// As many as its lines, within reason.
    fn rows(&self) -> usize {
        self.value.lines().count().clamp(5, 40) + 1
    }

    fn described(&self) -> String {
        let hint = if self.hint.is_empty() { String::new() } else { format!("{}-hint ", self.name) };
        format!("{hint}{}-fault", self.name)
    }
}

/// A box to tick.
#[derive(Clone, Debug, Template)]
#[template(
    source = "<label class=\"box\"><input type=\"checkbox\" name=\"{{ name }}\" value=\"{{ value }}\"{% if is_ticked %} checked{% endif %}><span>{{ label }}{% if !hint.is_empty() %}<span class=\"hint\">{{ hint }}</span>{% endif %}</span></label>",
    ext = "html"
)]
pub(crate) struct Tick {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) label: String,
    pub(crate) hint: &'static str,
    pub(crate) is_ticked: bool,
}

impl HtmlSafe for Tick {}

/// What whoever edits something should know that files keep, and the box by which they go past them.
#[derive(Debug, Template)]
#[template(path = "console/kept.html")]
pub(crate) struct Kept {
    said: String,
    tick: Tick,
}

impl HtmlSafe for Kept {}

impl Kept {
    /// By the files of this name; ticked where it was ticked before.
    pub(crate) fn new(keeper: &ManagerName, is_ticked: bool) -> Self {
        let tick = Tick { name: "force", value: "true".into(), label: "Change it here all the same".into(), hint: "", is_ticked };
        Self { said: super::kept_by(keeper.as_str()), tick }
    }
}

/// What is wrong with one field, said while it is written.
#[derive(Debug, Template)]
#[template(source = "{% for fault in faults %}{{ fault }} {% endfor %}", ext = "html")]
pub(crate) struct Faults {
    pub(crate) faults: Vec<String>,
}

/// What every form carries. `htmx` puts a new one in the place of one from an earlier sign-in.
#[derive(Debug, Template)]
#[template(source = "<input type=\"hidden\" name=\"token\" id=\"form-token\" value=\"{{ token }}\" hx-swap-oob=\"true\">", ext = "html")]
pub(crate) struct RenewedToken<'a> {
    pub(crate) token: &'a str,
}

/// The way through a list that is longer than a page.
#[derive(Debug, Template)]
#[template(path = "console/pager.html")]
pub(crate) struct Pager {
    /// The address of the list, with what it is narrowed by.
    at: String,
    joint: char,
    /// What stands in it.
    what: &'static str,
    /// After which the next page begins, as it stands in an address; nothing on the last one.
    after: Option<String>,
    is_first: bool,
    is_short: bool,
}

impl HtmlSafe for Pager {}

impl Pager {
    /// For a page that ends with `last`, if there are more.
    pub(crate) fn new(at: String, what: &'static str, last: Option<String>, is_first: bool) -> Self {
        Self { joint: super::joint(&at), at, what, after: last.map(|last| super::segment(&last)), is_first, is_short: false }
    }

    /// Whether the page has fewer than have room, since no more were looked at.
    pub(crate) fn short(self, is_short: bool) -> Self {
        Self { is_short, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn spans_are_said_in_their_largest_unit() {
        let now = Timestamp::from_secs(1_795_514_400);
        let about = |at| When::new(at, now).about;
        assert_eq!(about(now), "just now");
        assert_eq!(about(now - Duration::from_secs(1)), "1 second ago");
        assert_eq!(about(now - Duration::from_mins(59)), "59 minutes ago");
        assert_eq!(about(now + Duration::from_hours(47)), "in 47 hours");
        assert_eq!(about(now + Duration::from_hours(24 * 89)), "in 2 months");
        assert_eq!(
            When::new(now, now).to_string(),
            "<time datetime=\"2026-11-24T10:00:00Z\" title=\"2026-11-24 10:00:00 UTC\">just now</time>"
        );
    }

    #[test]
    fn the_next_page_of_a_list_that_is_narrowed_is_narrowed_too() {
        let more = |at: &str| Pager::new(at.to_owned(), "sessions", Some("a b".to_owned()), true).to_string();
        assert!(more("/sessions").contains("href=\"/sessions?after=a+b\""));
        assert!(more("/sessions?client=x").contains("href=\"/sessions?client=x&#38;after=a+b\""));
    }

    #[test]
    fn attack_65_parts_escape_what_they_show() {
        assert_eq!(Badge::plain("<b>").to_string(), "<span class=\"badge plain\">&#60;b&#62;</span>");
    }
}
