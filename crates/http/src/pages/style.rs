//! The one style sheet, inside every page, and the digest that lets it through the content security policy.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

use super::brand::Accents;

/// How pages look, before an operator's colours.
const CSS: &str = include_str!("../../templates/page.css");

/// The accent of [`CSS`] on light ground.
const ACCENT: &str = "#0d5f58";

/// Everything about how the pages of a brand look.
#[derive(Clone, Debug)]
pub(super) struct Style {
    css: String,
    accents: String,
    source: String,
    icon: String,
}

impl Style {
    /// The style sheet, with a brand's accents if it has its own.
    pub(super) fn new(accents: Option<Accents>) -> Self {
        let own = accents.map(Accents::css).unwrap_or_default();
        let css = format!("{CSS}{own}");
        let source = source_of(&css);
        let accent = accents.map_or_else(|| ACCENT.to_owned(), |accents| accents.light().to_string());
        Self { css, accents: own, source, icon: icon(&accent) }
    }

    /// Stands between `<style>` and `</style>` unchanged.
    pub(super) fn css(&self) -> &str {
        &self.css
    }

    /// A brand's accents alone, for a page with a style sheet of its own; nothing if it has ours.
    pub(super) fn accents(&self) -> &str {
        &self.accents
    }

    /// The source expression for it (CSP Level 3 §2.3.1): with it no other style runs, injected or not.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The mark as an icon, so that no browser asks for `/favicon.ico`.
    pub(super) fn icon(&self) -> &str {
        &self.icon
    }
}

/// The source expression for a style or a script that stands in the page (CSP Level 3 §2.3.1).
pub(super) fn source_of(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

fn icon(accent: &str) -> String {
    let colour = accent.trim_start_matches('#');
    format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40'%3E\
         %3Cpath fill='%23{colour}' d='M3 39V19a17 17 0 0 1 34 0v20z'/%3E\
         %3Cpath fill='%23fff' fill-opacity='.22' d='M9.5 39V20a10.5 10.5 0 0 1 21 0v19z'/%3E\
         %3Cpath fill='%23ffd27a' d='M15 39V21a5 5 0 0 1 10 0v18z'/%3E%3C/svg%3E"
    )
}
