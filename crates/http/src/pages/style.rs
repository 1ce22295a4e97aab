//! The one style sheet, inside every page, and the digest that lets it through the content security policy.

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};

/// Everything about how pages look; stands between `<style>` and `</style>` unchanged.
pub(super) const CSS: &str = include_str!("../../templates/page.css");

/// The mark as an icon, so that no browser asks for `/favicon.ico`.
pub(super) const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 40 40'%3E\
%3Cpath fill='%230d5f58' d='M3 39V19a17 17 0 0 1 34 0v20z'/%3E%3Cpath fill='%233f8a82' d='M9.5 39V20a10.5 10.5 0 0 1 21 0v19z'/%3E\
%3Cpath fill='%23ffd27a' d='M15 39V21a5 5 0 0 1 10 0v18z'/%3E%3C/svg%3E";

/// The source expression for [`CSS`] (CSP Level 3 §2.3.1): with it no other style runs, injected or not.
pub(super) static SOURCE: LazyLock<String> = LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(CSS))));
