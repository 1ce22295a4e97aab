//! Parameters of the authorization request, and which of them settings may name.

use std::collections::BTreeMap;

use crate::sheet::{Sheet, escaped};

/// What no setting may name: it is the protocol's, and on it security rests (RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 9101 §5, OpenID Connect Core 1.0
/// §3.1.2.1).
const OURS: [&str; 12] = [
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// What stands for a wish of the core's, an app's or an operator's, each of which has a way of its own to be said.
pub(crate) const WISHES: [&str; 5] = ["acr_values", "login_hint", "max_age", "prompt", "ui_locales"];

/// A table of parameters. Those of the protocol are faults in it, and so are wishes that are not `allowed` there.
pub(crate) fn table(sheet: &mut Sheet<'_>, setting: &str, allowed: &[&str]) -> BTreeMap<String, String> {
    let table = sheet.table(setting);
    for name in table.keys().filter(|name| is_taken(name, allowed)) {
        sheet.fault(&format!("{setting}/{}", escaped(name)), "is set by the protocol, and has a setting of its own if it can be chosen");
    }
    table
}

/// The name of a parameter. It may be `own`, the one that the specification has for it.
pub(crate) fn name(sheet: &mut Sheet<'_>, setting: &str, own: Option<&str>) -> Option<String> {
    let name = sheet.text(setting)?;
    if is_taken(&name, own.as_slice()) {
        sheet.fault(setting, "is a parameter that the protocol has for something else");
        return None;
    }
    Some(name)
}

/// Names of parameters that are left out because the provider refuses them. Only wishes can be; `also` is a wish with another name.
pub(crate) fn left_out(sheet: &mut Sheet<'_>, setting: &str, also: Option<&str>) -> Vec<String> {
    let names = sheet.texts(setting);
    for (at, name) in names.iter().enumerate().filter(|(_, name)| !WISHES.contains(&name.as_str()) && also != Some(name.as_str())) {
        let message = format!("can't leave out {name}: it is for {}", WISHES.join(", "));
        sheet.fault(&format!("{setting}/{at}"), message);
    }
    names
}

fn is_taken(name: &str, allowed: &[&str]) -> bool {
    OURS.contains(&name) || (WISHES.contains(&name) && !allowed.contains(&name))
}
