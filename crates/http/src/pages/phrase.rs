//! Sentences with names in them: the translation says where `{app}` stands, and the name is set apart from it.

use std::fmt;

use askama::filters::{Escaper, Html, HtmlSafe};
use time::{OffsetDateTime, UtcOffset};

use super::texts::Texts;

/// The longest name that is shown, in characters; more says nothing and pushes the page's own words out of sight.
const NAME_LIMIT: usize = 64;

/// A text whose `{slots}` are filled with names strangers chose. Displays as HTML, with each name escaped and inside `<bdi>` so
/// that its writing direction cannot rearrange the sentence around it.
#[derive(Debug)]
pub(super) struct Phrase<'a> {
    text: &'a str,
    slots: Vec<(&'static str, Filling<'a>)>,
}

#[derive(Debug)]
enum Filling<'a> {
    Name(String),
    Words(&'a str),
    Day { machine: String, said: String },
}

impl<'a> Phrase<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, slots: Vec::new() }
    }

    /// Fills `{slot}` with `name`, or with the general `words` when the name is not known. Empty words take one space with them: "the app {app}"
    /// then reads "the app".
    pub(super) fn named(mut self, slot: &'static str, name: Option<&str>, words: &'a str) -> Self {
        let filling = match name.map(str::trim) {
            Some(name) if !name.is_empty() => Filling::Name(visible(name, NAME_LIMIT)),
            _ => Filling::Words(words),
        };
        self.slots.push((slot, filling));
        self
    }

    /// Fills `{date}`, for people and for machines.
    pub(super) fn dated(mut self, at: OffsetDateTime, t: &Texts<'_>) -> Self {
        let date = at.to_offset(UtcOffset::UTC).date();
        self.slots.push(("date", Filling::Day { machine: date.to_string(), said: t.dates.say(date) }));
        self
    }

    /// The same sentence without markup and not escaped, for `<title>`.
    pub(super) fn plain(&self) -> String {
        let mut plain = String::new();
        self.each(|piece| match piece {
            Piece::Text(text) | Piece::Name(text) | Piece::Day { said: text, .. } => plain.push_str(text),
            Piece::Capitalised(first, rest) => plain.extend(first.to_uppercase().chain(rest.chars())),
        });
        plain
    }

    fn each<'b>(&'b self, mut say: impl FnMut(Piece<'b>)) {
        let mut rest = self.text;
        while let Some((before, slot, after)) = rest.split_once('{').and_then(|(before, tail)| {
            let (slot, after) = tail.split_once('}')?;
            Some((before, slot, after))
        }) {
            let starts_sentence = rest.len() == self.text.len() && before.is_empty();
            rest = after;
            match self.slots.iter().find(|(name, _)| *name == slot).map(|(_, filling)| filling) {
                Some(Filling::Words("")) => {
                    let shorter = before.strip_suffix(' ');
                    say(Piece::Text(shorter.unwrap_or(before)));
                    if shorter.is_none() {
                        rest = after.strip_prefix(' ').unwrap_or(after);
                    }
                }
                filling => {
                    say(Piece::Text(before));
                    match filling {
                        Some(Filling::Name(name)) => say(Piece::Name(name)),
                        Some(Filling::Day { machine, said }) => say(Piece::Day { machine, said }),
                        Some(Filling::Words(words)) => match words.chars().next() {
                            Some(first) if starts_sentence => say(Piece::Capitalised(first, &words[first.len_utf8()..])),
                            _ => say(Piece::Text(words)),
                        },
                        None => debug_assert!(false, "no filling for {{{slot}}} in {:?}", self.text),
                    }
                }
            }
        }
        say(Piece::Text(rest));
    }
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
    Capitalised(char, &'a str),
    Day { machine: &'a str, said: &'a str },
}

impl HtmlSafe for Phrase<'_> {}

impl fmt::Display for Phrase<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut outcome = Ok(());
        self.each(|piece| {
            outcome = outcome.and_then(|()| match piece {
                Piece::Text(text) => Html.write_escaped_str(&mut *f, text),
                Piece::Name(name) => {
                    f.write_str("<bdi class=\"name\">")?;
                    Html.write_escaped_str(&mut *f, name)?;
                    f.write_str("</bdi>")
                }
                Piece::Capitalised(first, rest) => {
                    first.to_uppercase().try_for_each(|c| Html.write_escaped_char(&mut *f, c))?;
                    Html.write_escaped_str(&mut *f, rest)
                }
                Piece::Day { machine, said } => {
                    write!(f, "<time datetime=\"{machine}\">")?;
                    Html.write_escaped_str(&mut *f, said)?;
                    f.write_str("</time>")
                }
            });
        });
        outcome
    }
}

/// What a stranger sent, made safe to read: control characters and the invisible ones that reorder or hide text are written
/// out as `\u{…}`, and what is longer than `limit` characters ends in `…`.
pub(crate) fn visible(text: &str, limit: usize) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == limit {
            shown.push('…');
            break;
        }
        if is_visible(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
}

/// The same of a text of several lines, line by line.
pub(crate) fn visible_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| visible(line, 2_000)).collect();
    lines.join("\n")
}

/// Whether nothing in a text controls or hides what stands around it.
pub(super) fn is_plain(text: &str) -> bool {
    text.chars().all(is_visible)
}

fn is_visible(c: char) -> bool {
    !c.is_control() && !is_invisible(c)
}

/// Bidirectional controls, zero-width characters, tags and line separators (Unicode UAX #9, UTR #36 §2.3): an attacker uses
/// them to make one address read like another. Joiners (U+200C, U+200D) stay: Persian, Indic scripts and emoji need them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::texts::ENGLISH;

    #[test]
    fn names_are_set_apart_and_escaped() {
        let phrase = Phrase::new("Back to {app}").named("app", Some("<Acme> & \"Co\""), "the app");
        assert_eq!(phrase.to_string(), "Back to <bdi class=\"name\">&#60;Acme&#62; &#38; &#34;Co&#34;</bdi>");
        assert_eq!(phrase.plain(), "Back to <Acme> & \"Co\"");
    }

    #[test]
    fn a_name_cannot_open_a_slot_of_its_own() {
        let phrase = Phrase::new("{app} and {provider}").named("app", Some("{provider}"), "").named("provider", Some("Acme"), "");
        assert_eq!(phrase.plain(), "{provider} and Acme");
    }

    #[test]
    fn an_unknown_name_reads_as_words_and_starts_a_sentence_with_a_capital() {
        let phrase = |text| Phrase::new(text).named("app", None, "the app").to_string();
        assert_eq!(phrase("{app} asks"), "The app asks");
        assert_eq!(phrase("Back to {app}"), "Back to the app");
        assert_eq!(Phrase::new("Back to {app}").named("app", Some("  "), "the app").plain(), "Back to the app");
    }

    #[test]
    fn empty_words_leave_no_gap() {
        let phrase = |text| Phrase::new(text).named("app", None, "").to_string();
        assert_eq!(phrase("Zurück zur App {app}"), "Zurück zur App");
        assert_eq!(phrase("Die App {app} fragt"), "Die App fragt");
        assert_eq!(phrase("{app} 앱으로"), "앱으로");
        assert_eq!(phrase("bei der App {app}."), "bei der App.");
    }

    #[test]
    fn a_date_is_for_people_and_for_machines() {
        let phrase = Phrase::new("Added on {date}.").dated(time::macros::datetime!(2026-11-24 23:30 -3), &ENGLISH);
        assert_eq!(phrase.to_string(), "Added on <time datetime=\"2026-11-25\">25 November 2026</time>.");
        assert_eq!(phrase.plain(), "Added on 25 November 2026.");
    }

    #[test]
    fn what_reorders_or_hides_text_is_written_out() {
        assert_eq!(visible("a\u{202e}b\u{0}c\r\n", 100), "a\\u{202e}b\\u{0}c\\u{d}\\u{a}");
        assert_eq!(visible("abcdef", 3), "abc…");
        assert_eq!(visible("日本語", 3), "日本語");
    }
}
