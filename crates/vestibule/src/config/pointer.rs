//! JSON pointers (RFC 6901), in which what checks itself names its faults, and keys as the configuration has them.

use std::fmt::Write;

pub(crate) use vestibule_domain::registration::escaped;

/// The key of what a pointer leads to, below another key: `/entry/emails/0` of `providers[1]` is `providers[1].entry.emails[0]`.
pub(crate) fn key(at: &str, pointer: &str) -> String {
    let mut key = at.to_owned();
    for part in pointer.split('/').skip(1) {
        if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            let _ = write!(key, "[{part}]");
        } else {
            if !key.is_empty() {
                key.push('.');
            }
            key.push_str(&part.replace("~1", "/").replace("~0", "~"));
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_becomes_a_key() {
        assert_eq!(key("providers[1]", "/entry/emails/0"), "providers[1].entry.emails[0]");
        assert_eq!(key("providers[1]", "/entry/claims/~1a~1b~0"), "providers[1].entry.claims./a/b~");
        assert_eq!(key("", "/label"), "label");
        assert_eq!(key("providers[1]", ""), "providers[1]");
        assert_eq!(escaped("/a~"), "~1a~0");
    }
}
