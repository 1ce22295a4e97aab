//! Which language a request wants: lookup as RFC 4647 §3.4 has it, over the languages there are.

use super::{LANGUAGES, Texts};

/// More of a list than anybody means is not read.
const LONGEST_LIST: usize = 512;
const MOST_RANGES: usize = 20;
/// RFC 5646 §4.4.1 asks for 35 at least; private extensions beyond it name nothing of ours.
const LONGEST_TAG: usize = 35;

/// Ranges that lead to a language under another tag: without a region or a script, or by one that is written the same way.
const OTHER_NAMES: [(&str, &str); 9] = [
    ("pt", "pt-BR"),
    ("zh", "zh-CN"),
    ("zh-hans", "zh-CN"),
    ("zh-sg", "zh-CN"),
    ("zh-my", "zh-CN"),
    ("zh-hant", "zh-TW"),
    ("zh-hk", "zh-TW"),
    ("zh-mo", "zh-TW"),
    ("yue", "zh-TW"),
];

/// The first of tags between spaces, most wanted first, that there is (`ui_locales`).
pub(super) fn by_list(list: &str) -> Option<&'static Texts<'static>> {
    bounded(list).split(' ').filter(|tag| !tag.is_empty()).take(MOST_RANGES).find_map(by_tag)
}

/// What a browser accepts, by weight and then by order (RFC 9110 §12.4.2). A weight of nought refuses, and `*` asks for nothing in particular.
pub(super) fn by_header(header: &str) -> Option<&'static Texts<'static>> {
    let mut ranges: Vec<_> = bounded(header).split(',').take(MOST_RANGES).filter_map(weighed).filter(|(_, weight)| *weight > 0).collect();
    ranges.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    ranges.into_iter().find_map(|(tag, _)| by_tag(tag))
}

/// The language of one tag, cut short from its end until there is one.
pub(super) fn by_tag(tag: &str) -> Option<&'static Texts<'static>> {
    let is_tag = tag.len() <= LONGEST_TAG && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let mut rest = Some(tag).filter(|_| is_tag);
    while let Some(range) = rest {
        let found = called(range);
        if found.is_some() {
            return found;
        }
        rest = range.rsplit_once('-').map(|(shorter, _)| shorter);
    }
    None
}

fn called(range: &str) -> Option<&'static Texts<'static>> {
    let other = OTHER_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(range));
    let tag = other.map_or(range, |(_, tag)| tag);
    LANGUAGES.iter().copied().find(|texts| texts.lang.eq_ignore_ascii_case(tag))
}

/// A range and its weight in thousandths; nothing for what is not well-formed.
fn weighed(range: &str) -> Option<(&str, u16)> {
    let mut parts = range.split(';').map(str::trim);
    let tag = parts.next()?;
    let weight = match parts.next() {
        None => 1000,
        Some(weight) => thousandths(weight.strip_prefix("q=").or_else(|| weight.strip_prefix("Q="))?)?,
    };
    Some((tag, weight))
}

/// `0`, `1`, and up to three digits behind a point.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let part = format!("{part:0<3}").parse::<u16>().ok().filter(|_| digits)?;
    match whole {
        "0" => Some(part),
        "1" if part == 0 => Some(1000),
        _ => None,
    }
}

/// The start of a text, cut where a character begins.
fn bounded(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_LIST)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lang(ui_locales: Option<&str>, cookie: Option<&str>, accept: Option<&str>) -> &'static str {
        Texts::for_request(ui_locales, cookie, accept).lang
    }

    #[test]
    fn rfc_4647_section_3_4_a_range_is_cut_short_until_there_is_a_language() {
        for (tag, found) in [
            ("de", Some("de")),
            ("de-AT-1996", Some("de")),
            ("DE-x-private", Some("de")),
            ("pt", Some("pt-BR")),
            ("pt-PT", Some("pt-BR")),
            ("zh", Some("zh-CN")),
            ("zh-Hant", Some("zh-TW")),
            ("zh-Hant-HK", Some("zh-TW")),
            ("zh-hans-TW", Some("zh-CN")),
            ("zh-TW", Some("zh-TW")),
            ("zh_TW", None),
            ("zh-HK", Some("zh-TW")),
            ("zh-US", Some("zh-CN")),
            ("ar-EG", Some("ar")),
            ("nl", None),
            ("nl-de", None),
            ("d", None),
            ("*", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(by_tag(tag).map(|texts| texts.lang), found, "{tag}");
        }
    }

    #[test]
    fn what_the_app_asks_comes_first_then_the_cookie_then_the_browser_then_english() {
        assert_eq!(lang(Some("nl fr-CA de"), Some("ja"), Some("es")), "fr");
        assert_eq!(lang(Some("nl"), Some("ja"), Some("es")), "ja");
        assert_eq!(lang(None, Some("xx"), Some("es")), "es");
        assert_eq!(lang(None, None, Some("nl")), "en");
        assert_eq!(lang(None, None, None), "en");
    }

    #[test]
    fn rfc_9110_section_12_5_4_weights_decide_and_nought_refuses() {
        for (header, found) in [
            ("de-CH, fr;q=0.9, en;q=0.8", "de"),
            ("fr;q=0.4, de;q=0.5", "de"),
            ("fr;q=0.5, de;q=0.5", "fr"),
            ("nl, ko ; q=0.7 , en;q=0.1", "ko"),
            ("de;q=0, fr;q=0.001", "fr"),
            ("de;q=0", "en"),
            ("*", "en"),
            ("*, ja;q=0.1", "ja"),
            ("de;q=1.001, fr;q=0.1", "fr"),
            ("de;q=0.1234, fr;q=0.1", "fr"),
            ("de;q=x, fr;q=.5, es;q=0.", "en"),
            ("de;level=1, pt", "pt-BR"),
        ] {
            assert_eq!(lang(None, None, Some(header)), found, "{header}");
        }
    }

    #[test]
    fn attack_84_a_list_without_end_is_read_to_a_bound() {
        assert_eq!(lang(Some(&format!("{}de", "x ".repeat(10_000))), None, None), "en");
        assert_eq!(lang(None, None, Some(&format!("{}de", "x,".repeat(10_000)))), "en");
        assert_eq!(lang(Some(&format!("de{}", "-x".repeat(10_000))), None, None), "en");
        assert_eq!(lang(None, None, Some(&"語".repeat(1_000))), "en");
    }

    proptest! {
        #[test]
        fn any_input_leads_to_a_language(
            ui_locales in proptest::option::of("\\PC{0,60}"), cookie in proptest::option::of("\\PC{0,20}"), accept in proptest::option::of("[a-zA-Z0-9;,=.*\\- ]{0,80}|\\PC{0,600}"),
        ) {
            let found = Texts::for_request(ui_locales.as_deref(), cookie.as_deref(), accept.as_deref());
            prop_assert!(LANGUAGES.iter().any(|texts| std::ptr::eq(*texts, found)));
        }

        #[test]
        fn the_heaviest_language_there_is_wins(weights in proptest::collection::vec((0_usize..10, 1_u16..=1000), 1..12)) {
            let header: Vec<_> = weights.iter().map(|(at, weight)| {
                let weight = if *weight == 1000 { "1".to_owned() } else { format!("0.{weight:03}") };
                format!("{};q={weight}", LANGUAGES[*at].lang)
            }).collect();
            let heaviest = weights.iter().map(|(_, weight)| *weight).max().unwrap();
            let first = weights.iter().find(|(_, weight)| *weight == heaviest).unwrap();
            prop_assert_eq!(lang(None, None, Some(&header.join(", "))), LANGUAGES[first.0].lang);
        }
    }
}
