//! What somebody may have meant.

use super::schema::KEYS;

/// How alike two names must be, from 0 to 1, before one is offered for the other.
const ALIKE: f64 = 0.8;

/// The existing key that an unknown one looks like: one of the same section first, then one of that name anywhere.
pub(crate) fn key_like(unknown: &str) -> Option<&'static str> {
    let (section, name) = unknown.rsplit_once('.').unwrap_or(("", unknown));
    let parts = |key: &'static str| key.rsplit_once('.').unwrap_or(("", key));
    let beside = KEYS.keys().map(String::as_str).filter(|key| parts(key).0 == section);
    nearest(name, beside, |key| parts(key).1).or_else(|| KEYS.keys().map(String::as_str).find(|key| parts(key).1 == name))
}

/// The nearest of some texts, if it is near enough.
pub(crate) fn nearest<'a>(text: &str, all: impl Iterator<Item = &'a str>, name: impl Fn(&'a str) -> &'a str) -> Option<&'a str> {
    let likeness = all.map(|each| (strsim::jaro_winkler(text, name(each)), each));
    likeness.filter(|(alike, _)| *alike >= ALIKE).max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, each)| each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_lead_to_the_key_that_was_meant() {
        for (unknown, meant) in [
            ("listen.adress", "listen.address"),
            ("isuer", "issuer"),
            ("lifetime", "lifetimes"),
            ("lifetimes.acces_token", "lifetimes.access_token"),
            ("trusted_proxies", "listen.trusted_proxies"),
        ] {
            assert_eq!(key_like(unknown), Some(meant), "{unknown}");
        }
        assert_eq!(key_like("listen.zzz"), None);
    }
}
