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

/// The id that may have been meant. Those that were made and not thought of begin alike and mean nothing, so that only a slip leads from one to another.
pub(crate) fn meant<'a>(id: &str, known: &[&'a str]) -> Option<&'a str> {
    const SLIP: usize = 2;
    if !is_made(id) {
        return nearest(id, known.iter().copied(), |name| name);
    }
    let slips = known.iter().map(|each| (strsim::osa_distance(id, each), *each)).filter(|(slips, _)| *slips <= SLIP);
    slips.min_by_key(|(slips, _)| *slips).map(|(_, each)| each)
}

/// Whether it looks like the ids that are made here: 36 hexadecimal digits and hyphens.
fn is_made(id: &str) -> bool {
    (34..=38).contains(&id.len()) && id.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_by_its_likeness_and_an_id_by_a_slip_alone() {
        assert_eq!(meant("grafanaa", &["wiki", "grafana"]), Some("grafana"));
        let known = ["019ab55f-7c00-7b21-8c4d-5e6f708192a3", "019ab55f-7c00-7b21-8c4d-0c1d2e3f4a5b"];
        assert_eq!(meant("019ab55f-7c00-7b21-8c4d-0c1d2e3f4a5c", &known), Some(known[1]));
        assert_eq!(meant("019ab55f-7c00-7b21-8c4d-0c1d2e3f4a5", &known), Some(known[1]));
        assert_eq!(meant("019ab55f-7c00-7b21-8c4d-5e6f708fffff", &known), None);
    }

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
