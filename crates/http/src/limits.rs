//! Which limit holds at which address: the one table.

use vestibule_domain::limits::Limit;

/// Addresses that anybody can make us work at. What is not here costs a look into memory or needs something that was given before: a session, an attempt,
/// a token or a secret.
const LIMITED: [(&str, Limit); 6] = [
    ("/authorize", Limit::Authorize),
    ("/token", Limit::Token),
    ("/par", Limit::Push),
    ("/device_authorization", Limit::Device),
    ("/console/enter", Limit::Authorize),
    ("/console/key", Limit::Authorize),
];

/// The limit of a route, if it has one.
pub(crate) fn of(route: &str) -> Option<Limit> {
    LIMITED.iter().find(|(limited, _)| *limited == route).map(|(_, limit)| *limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without a limit of requests, each for its reason: documents that are made already, and pages and calls that get nowhere without a cookie, a form of
    /// ours, a bearer token, or a client's secret, whose failures are counted; user codes are counted where they are typed, and
    /// apps that register themselves where they do.
    const UNLIMITED: [&str; 23] = [
        "/console/sign-in",
        "/login",
        "/login/:provider",
        "/callback/:provider",
        "/consent",
        "LOGOUT_NOTICE",
        "/account",
        "/account/again",
        "/account/links",
        "/account/links/remove",
        "/account/sessions/end",
        "/account/apps/revoke",
        "/device",
        "/device/answer",
        "/logout",
        "/logout/back",
        "/userinfo",
        "/revoke",
        "/introspect",
        "/register",
        "/register/:client_id",
        "/jwks",
        "OPENID",
    ];

    #[test]
    fn attack_84_every_address_of_the_house_has_a_limit_or_a_reason_for_none() {
        let named = |source: &str| -> Vec<String> {
            let named = source.lines().filter_map(|line| {
                let (_, rest) = line.split_once(".at(under(")?;
                Some(rest.split_once(')')?.0.trim_matches('"').to_owned())
            });
            named.collect()
        };
        let mut routes = named(include_str!("routes.rs"));
        // Those of the console that anybody may come to; at all others an operator works, or is asked to sign in.
        let console = include_str!("console.rs").lines().filter(|line| line.contains("open(house,")).collect::<Vec<_>>().join("\n");
        routes.extend(named(&console).into_iter().map(|path| format!("/console{path}")));
        for route in &routes {
            assert!(of(route).is_some() != UNLIMITED.contains(&route.as_str()), "{route} must stand in one of the two tables");
        }
        for (route, _) in LIMITED {
            assert!(routes.iter().any(|there| there == route), "{route} is no address of the house");
        }
    }
}
