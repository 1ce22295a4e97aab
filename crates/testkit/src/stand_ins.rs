//! Providers that have no stand-in of anybody else's, built from their documentation: [`facebook`], [`gitlab`], and a [`github`] that has teams and
//! GitHub Apps. Each runs on loopback, checks what the real one checks, and answers errors in its words.
//!
//! They show a page with a button for each of their people and one to refuse, as `<form method="post" action="...">`.

pub mod facebook;
pub mod github;
pub mod gitlab;
mod oauth;
mod server;

pub use self::{oauth::Registration, server::Asked};
