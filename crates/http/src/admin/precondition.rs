//! `If-Match` and `If-None-Match`: changes are held to the version that their author saw (RFC 9110 §13.1).

use http::HeaderValue;

use super::{code::Code, problem::Problem};

/// The strong entity tag of a version.
pub(crate) fn tag(version: i64) -> String {
    format!("\"v{version}\"")
}

/// The same as the value of a header.
pub(crate) fn etag(version: i64) -> HeaderValue {
    HeaderValue::try_from(tag(version)).unwrap_or(HeaderValue::from_static("\"\""))
}

/// The version that a change begins with, when it is the one that its author saw.
pub(crate) fn held(expected: Option<i64>, present: i64) -> Result<i64, Problem> {
    Ok(vestibule_flows::held(expected, present)?)
}

/// Versions begin at one: what a tag that is none of ours stands for, so that it never matches.
const NO_VERSION: i64 = 0;

/// What a change is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// Nothing was said.
    Free,
    /// There must be none.
    New,
    /// The version that must be there.
    Version(i64),
}

impl Hold {
    /// Reads both headers of a change.
    pub(crate) fn read(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Self, Problem> {
        match (version(if_match)?, if_none_match.map(str::trim)) {
            (None, None) => Ok(Self::Free),
            (Some(version), None) => Ok(Self::Version(version)),
            (None, Some("*")) => Ok(Self::New),
            (None, Some(_)) => Err(Problem::parameter("If-None-Match", "must be * here: make it only if it is not there")),
            (Some(_), Some(_)) => Err(Problem::parameter("If-None-Match", "contradicts If-Match; send one of them")),
        }
    }
}

/// The version that `If-Match` names, if it was sent.
pub(crate) fn version(if_match: Option<&str>) -> Result<Option<i64>, Problem> {
    let Some(text) = if_match.map(str::trim) else { return Ok(None) };
    if text == "*" {
        // It would match whatever somebody else has just written, which is what the header is there to prevent.
        return Err(Problem::parameter("If-Match", "must name the version you saw; * names none").hint("send the ETag of what you read"));
    }
    let (weak, opaque) = text.strip_prefix("W/").map_or((false, text), |rest| (true, rest));
    let tag = opaque.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|tag| !tag.contains('"'));
    let Some(tag) = tag else {
        return Err(Problem::parameter("If-Match", "must be one ETag in double quotes, as \"v3\"").hint("send the ETag of what you read"));
    };
    let named = tag.strip_prefix('v').filter(|digits| !digits.starts_with(['0', '+', '-'])).and_then(|digits| digits.parse().ok());
    // A weak tag never matches in a comparison that a change depends on (RFC 9110 §13.1.1).
    Ok(Some(if weak { NO_VERSION } else { named.unwrap_or(NO_VERSION) }))
}

/// Whether a reader has this version already (RFC 9110 §13.1.2; the comparison is weak).
pub(crate) fn is_known(if_none_match: Option<&str>, version: i64) -> bool {
    let current = etag(version);
    let tags = if_none_match.into_iter().flat_map(|text| text.split(','));
    tags.map(str::trim).any(|tag| tag == "*" || current == tag.strip_prefix("W/").unwrap_or(tag))
}

/// It must not be there, and is.
pub(crate) fn there_already(version: i64) -> Problem {
    Problem::new(Code::PreconditionFailed, "It is there, and If-None-Match asked for nothing to be.").etag(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_9110_section_13_1_1_only_a_strong_tag_of_ours_names_a_version() {
        for (text, names) in [
            (None, Some(None)),
            (Some("\"v3\""), Some(Some(3))),
            (Some(" \"v3\" "), Some(Some(3))),
            (Some("W/\"v3\""), Some(Some(NO_VERSION))),
            (Some("\"v03\""), Some(Some(NO_VERSION))),
            (Some("\"v+3\""), Some(Some(NO_VERSION))),
            (Some("\"v-3\""), Some(Some(NO_VERSION))),
            (Some("\"x\""), Some(Some(NO_VERSION))),
            (Some("\"v99999999999999999999\""), Some(Some(NO_VERSION))),
            (Some("*"), None),
            (Some("v3"), None),
            (Some("\"v3"), None),
            (Some("\"v3\", \"v4\""), None),
            (Some(""), None),
        ] {
            assert_eq!(version(text).ok(), names, "{text:?}");
        }
    }

    #[test]
    fn rfc_9110_section_13_1_2_a_reader_may_name_many_tags() {
        for (text, known) in [
            (None, false),
            (Some("\"v3\""), true),
            (Some("W/\"v3\""), true),
            (Some("\"v1\", \"v3\""), true),
            (Some("*"), true),
            (Some("\"v33\""), false),
            (Some("v3"), false),
        ] {
            assert_eq!(is_known(text, 3), known, "{text:?}");
        }
    }

    #[test]
    fn a_change_says_one_thing() {
        assert_eq!(Hold::read(None, None).ok(), Some(Hold::Free));
        assert_eq!(Hold::read(None, Some("*")).ok(), Some(Hold::New));
        assert_eq!(Hold::read(Some("\"v2\""), None).ok(), Some(Hold::Version(2)));
        assert!(Hold::read(Some("\"v2\""), Some("*")).is_err());
        assert!(Hold::read(None, Some("\"v2\"")).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_names_one_version_or_none(text in ".{0,40}", number in proptest::prelude::any::<i64>()) {
            if let Ok(Some(named)) = version(Some(text.as_str())) {
                proptest::prop_assert!(named == NO_VERSION || tag(named) == text.trim());
            }
            let _ = is_known(Some(text.as_str()), number);
            let own = tag(number);
            let named = version(Some(own.as_str())).ok().flatten();
            proptest::prop_assert_eq!(named, Some(if number > 0 { number } else { NO_VERSION }));
        }
    }
}
