//! Which of somebody's addresses GitHub vouches for.

use serde_json::Value;
use vestibule_domain::claims::Claims;

/// The primary address, if it is verified; else another that is. Not one that GitHub hands out itself so that people need not show theirs:
/// nobody reads what is sent there.
pub(super) fn vouched(emails: &[Value]) -> Option<String> {
    let is = |email: &Value, name: &str| email.get(name) == Some(&Value::Bool(true));
    let verified = || {
        let verified = emails.iter().filter(|email| is(email, "verified"));
        verified.filter_map(|email| Some((email, email.get("email")?.as_str()?))).filter(|(_, address)| !is_handed_out(address))
    };
    let primary = verified().find(|(email, _)| is(email, "primary"));
    primary.or_else(|| verified().next()).map(|(_, address)| address.to_owned())
}

fn is_handed_out(address: &str) -> bool {
    address.split_once('@').is_some_and(|(_, domain)| domain.to_ascii_lowercase().starts_with("users.noreply."))
}

/// Puts the address in the place of the one that the profile shows, which is only what somebody chose to show.
pub(super) fn put(claims: &mut Claims, vouched: Option<String>) {
    claims.remove("email");
    claims.remove("email_verified");
    if let Some(address) = vouched {
        claims.insert("email".to_owned(), address.into());
        claims.insert("email_verified".to_owned(), true.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn chosen(emails: &Value) -> Option<String> {
        vouched(emails.as_array().unwrap())
    }

    #[test]
    fn the_primary_address_is_taken_when_it_is_verified_and_another_when_not() {
        let email = |address: &str, primary: bool, verified: bool| json!({"email": address, "primary": primary, "verified": verified});
        let (old, new) = (email("old@a.example", false, true), email("new@a.example", true, true));
        assert_eq!(chosen(&json!([old, new])).as_deref(), Some("new@a.example"));
        let unverified = email("new@a.example", true, false);
        assert_eq!(chosen(&json!([unverified, old])).as_deref(), Some("old@a.example"));
        assert_eq!(chosen(&json!([unverified, email("1+a@users.noreply.github.com", false, true)])), None);
        assert_eq!(chosen(&json!([])), None);
    }

    #[test]
    fn attack_07_only_true_is_verified() {
        for verified in [json!("true"), json!(1), json!(null), json!("yes"), json!([true])] {
            assert_eq!(chosen(&json!([{"email": "victim@corp.example", "primary": true, "verified": verified}])), None, "{verified}");
        }
        assert_eq!(chosen(&json!([{"email": ["victim@corp.example"], "primary": true, "verified": true}, "x", null, 7])), None);
    }

    #[test]
    fn what_a_profile_shows_is_never_what_is_vouched_for() {
        let Value::Object(mut claims) = json!({"email": "shown@corp.example", "email_verified": true}) else { unreachable!() };
        put(&mut claims, None);
        assert!(claims.is_empty());
    }
}
