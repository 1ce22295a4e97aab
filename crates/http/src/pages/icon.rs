//! The marks of providers, inside the page: nothing is loaded for them, and nobody learns who is about to sign in where.

/// Every mark there is, by name. In black and white they take the colour of the text around them.
const MARKS: [(&str, &str); 15] = [
    ("apple", include_str!("../../templates/icons/apple.svg")),
    ("auth0", include_str!("../../templates/icons/auth0.svg")),
    ("cognito", include_str!("../../templates/icons/cognito.svg")),
    ("discord", include_str!("../../templates/icons/discord.svg")),
    ("facebook", include_str!("../../templates/icons/facebook.svg")),
    ("github", include_str!("../../templates/icons/github.svg")),
    ("gitlab", include_str!("../../templates/icons/gitlab.svg")),
    ("google", include_str!("../../templates/icons/google.svg")),
    ("keycloak", include_str!("../../templates/icons/keycloak.svg")),
    ("linkedin", include_str!("../../templates/icons/linkedin.svg")),
    ("microsoft", include_str!("../../templates/icons/microsoft.svg")),
    ("okta", include_str!("../../templates/icons/okta.svg")),
    ("salesforce", include_str!("../../templates/icons/salesforce.svg")),
    ("slack", include_str!("../../templates/icons/slack.svg")),
    ("x", include_str!("../../templates/icons/x.svg")),
];

const KEY: &str = include_str!("../../templates/icons/key.svg");

/// Names of the marks, for settings to choose from.
pub fn icons() -> impl Iterator<Item = &'static str> {
    MARKS.iter().map(|(name, _)| *name)
}

/// The mark of this name, or the key that stands for any provider.
pub(crate) fn svg(name: Option<&str>) -> &'static str {
    let mark = MARKS.iter().find(|(known, _)| Some(*known) == name);
    mark.map_or(KEY, |(_, svg)| svg).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_only_decorate_and_load_nothing() {
        for name in icons().map(Some).chain([None, Some("../../etc/passwd"), Some("")]) {
            let svg = svg(name);
            assert!(svg.starts_with("<svg class=\"") && svg.ends_with("</svg>"), "{name:?}");
            assert!(svg.contains("aria-hidden=\"true\" focusable=\"false\""), "{name:?}");
            assert!(!["href", "style=", "url(", "<script", "<image", " on"].iter().any(|part| svg.contains(part)), "{name:?}");
            assert!(svg.len() < 1200, "{name:?}: {} bytes", svg.len());
        }
    }

    #[test]
    fn a_provider_without_a_mark_has_a_key() {
        assert_eq!(svg(None), svg(Some("nobody")));
        assert_ne!(svg(None), svg(Some("google")));
    }
}
