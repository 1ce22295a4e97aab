//! The configuration in the console: shown, checked and reloaded.

use http::StatusCode;
use vestibule_domain::configuration::{ConfigurationChange, SettingChange, SettingFault, SettingOrigin, ShownSetting};

use super::{alices, makes, operator, scopes::limited, sends};

const AT: &str = "/console/configuration";

fn in_file() -> SettingOrigin {
    SettingOrigin::File { file: "/etc/vestibule.toml".into(), line: 3, column: 1 }
}

#[tokio::test]
async fn what_holds_is_shown_with_where_it_comes_from_and_what_waits() {
    let street = alices().await;
    let shown = |key: &str, value, origin, at_restart| ShownSetting { key: key.into(), value, origin, at_restart };
    street.rig.configuration.shows(vec![
        shown("listen.address", "127.0.0.1:80".into(), in_file(), true),
        shown("sealing.key", "(secret)".into(), SettingOrigin::Environment { variable: "VESTIBULE__SEALING__KEY".into() }, true),
        shown("login.straight_through", true.into(), SettingOrigin::Default, false),
        shown("branding.name", "<script>alert(1)</script>".into(), SettingOrigin::Default, false),
    ]);
    let mut browser = operator(&street).await;
    let page = street.goes(&mut browser, AT).await;
    assert!(page.status == StatusCode::OK && page.body.contains("aria-current=\"page\""), "{page:?}");
    for said in ["127.0.0.1:80", "/etc/vestibule.toml:3:1", "VESTIBULE__SEALING__KEY", "(secret)", "built in"] {
        assert!(page.body.contains(said), "{said}: {page:?}");
    }
    assert_eq!(page.body.matches("Changes with a restart only").count(), 2, "{page:?}");
    assert!(!page.body.contains("<script>alert"), "{page:?}");
}

#[tokio::test]
async fn it_is_checked_and_reloaded_and_said_what_came_of_it() {
    let street = alices().await;
    let mut browser = operator(&street).await;
    let change = SettingChange { key: "lifetimes.access_token".into(), before: Some("10m".into()), after: Some("5m".into()) };
    let changed = ConfigurationChange { changes: vec![change], awaiting_restart: vec!["ops.address".into()], warnings: Vec::new() };
    street.rig.configuration.says(Ok(changed));
    let page = street.goes(&mut browser, AT).await;
    let checked = makes(&street, &mut browser, &page, "/console/configuration/check", &[]).await;
    assert!(checked.body.contains("A reload would change:") && checked.body.contains("lifetimes.access_token"), "{checked:?}");
    assert!(checked.body.contains("ops.address") && checked.body.contains("→ &#34;5m&#34;"), "{checked:?}");
    assert_eq!((street.rig.configuration.reloads(), street.count("config.checked")), (0, 1));
    assert!(!street.goes(&mut browser, AT).await.body.contains("A reload would change:"), "it is said once");

    let reloaded = makes(&street, &mut browser, &page, "/console/configuration/reload", &[]).await;
    assert!(reloaded.body.contains("What is written holds now") && reloaded.body.contains("&#34;10m&#34;"), "{reloaded:?}");
    assert_eq!((street.rig.configuration.reloads(), street.count("config.reloaded")), (1, 1));

    let add = vec!["[log]".into(), "filter = \"info\"".into()];
    let fault = SettingFault { origin: Some(in_file()), key: "log.filter".into(), message: "can't be used".into(), add };
    street.rig.configuration.says(Err(vec![fault]));
    for act in ["check", "reload"] {
        let refused = makes(&street, &mut browser, &page, &format!("/console/configuration/{act}"), &[]).await;
        assert!(refused.body.contains("/etc/vestibule.toml:3:1: log.filter can&#39;t be used"), "{act}: {refused:?}");
        assert!(refused.body.contains("filter = &#34;info&#34;") && !refused.body.contains("Nothing.</p>"), "{act}: {refused:?}");
    }
    assert_eq!(street.count("config.reload_failed"), 1);
}

#[tokio::test]
async fn attack_86_who_may_look_at_the_configuration_checks_it_and_does_not_reload_it() {
    let street = alices().await;
    let mut browser = limited(&street, "config:read").await;
    let page = street.goes(&mut browser, AT).await;
    assert!(page.body.contains("/console/configuration/check") && !page.body.contains("/console/configuration/reload"), "{page:?}");
    let checked = makes(&street, &mut browser, &page, "/console/configuration/check", &[]).await;
    assert!(checked.body.contains("Nothing.</p>"), "{checked:?}");
    let token = super::token(&page);
    let refused = street.posts(&mut browser, "/console/configuration/reload", &[("token", &token)]).await;
    assert!(refused.status == StatusCode::FORBIDDEN && refused.body.contains("config:write"), "{refused:?}");
    assert_eq!(street.rig.configuration.reloads(), 0);

    // And who may not look at it does neither.
    let mut browser = limited(&street, "clients:*").await;
    assert_eq!(street.goes(&mut browser, AT).await.status, StatusCode::FORBIDDEN);
    let refused = sends(&street, &mut browser, &page, "/console/configuration/check", &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
