//! The configuration: shown, checked and reloaded.

use http::{Method, StatusCode};
use serde_json::json;
use vestibule_domain::{
    audit::{Actor, EventName, Reason},
    configuration::{ConfigurationChange, SettingChange, SettingFault, SettingOrigin, ShownSetting},
};

use crate::Desk;

fn fault() -> SettingFault {
    let origin = SettingOrigin::Environment { variable: "VESTIBULE__LOG__FILTER".into() };
    SettingFault {
        origin: Some(origin),
        key: "log.filter".into(),
        message: "can't be used".into(),
        add: vec!["[log]".into(), "filter = \"info\"".into()],
    }
}

#[tokio::test]
async fn what_holds_is_shown_with_where_it_comes_from() {
    let desk = Desk::open().await;
    let origin = SettingOrigin::File { file: "v.toml".into(), line: 3, column: 1 };
    let shown = |key: &str, value, origin, at_restart| ShownSetting { key: key.into(), value, origin, at_restart };
    desk.rig.configuration.shows(vec![
        shown("listen.address", "127.0.0.1:80".into(), origin, true),
        shown("login.straight_through", true.into(), SettingOrigin::Default, false),
    ]);
    let in_file = json!({ "from": "file", "file": "v.toml", "line": 3, "column": 1 });
    let shown = desk.get("/config").await.json();
    assert_eq!(
        shown,
        json!({ "items": [
            { "key": "listen.address", "value": "127.0.0.1:80", "origin": in_file, "needs_restart": true },
            { "key": "login.straight_through", "value": true, "origin": { "from": "default" }, "needs_restart": false },
        ] })
    );
    assert_eq!(desk.plain(Method::GET, "/config", &[], "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(desk.plain(Method::POST, "/config:reload", &[], "").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(desk.send(Method::GET, "/config:reload", &[], "").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(desk.send(Method::GET, "/config/reload", &[], "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_check_changes_nothing_and_a_reload_is_recorded_either_way() {
    let desk = Desk::open().await;
    let change = SettingChange { key: "dpop.require_nonce".into(), before: Some(true.into()), after: Some(false.into()) };
    let changed = ConfigurationChange { changes: vec![change], awaiting_restart: vec!["ops.address".into()], warnings: vec![fault()] };
    desk.rig.configuration.says(Ok(changed));
    let recorded = || -> Vec<_> { desk.rig.events().into_iter().filter(|event| event.name.as_str().starts_with("config.")).collect() };
    let checked = desk.send(Method::POST, "/config:check", &[], "").await.json();
    assert_eq!((&checked["ok"], &checked["faults"], &checked["changes"][0]["after"]), (&json!(true), &json!([]), &json!(false)));
    let [told] = recorded().try_into().expect("one check");
    assert_eq!(told.name, EventName::ConfigChecked);

    let reloaded = desk.send(Method::POST, "/config:reload", &[], "").await;
    assert_eq!(reloaded.status, StatusCode::OK);
    let origin = json!({ "from": "environment", "variable": "VESTIBULE__LOG__FILTER" });
    let warning = json!({ "origin": origin, "key": "log.filter", "message": "can't be used", "add": ["[log]", "filter = \"info\""] });
    let change = json!({ "key": "dpop.require_nonce", "before": true, "after": false });
    assert_eq!(reloaded.json(), json!({ "changes": [change], "awaiting_restart": ["ops.address"], "warnings": [warning] }));
    desk.later();
    desk.rig.configuration.says(Err(vec![fault()]));
    let refused = desk.send(Method::POST, "/config:reload", &[], "").await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_configuration".into()));
    let place = json!({ "detail": "VESTIBULE__LOG__FILTER: log.filter can't be used; write: [log] filter = \"info\"" });
    assert_eq!(refused.json()["errors"], json!([place]));
    desk.later();
    let checked = desk.send(Method::POST, "/config:check", &[], "").await.json();
    assert_eq!((&checked["ok"], &checked["faults"][0]["origin"]["variable"]), (&json!(false), &json!("VESTIBULE__LOG__FILTER")));

    let [_, good, bad, checked] = recorded().try_into().expect("two checks and two reloads");
    assert_eq!((checked.name, checked.reason), (EventName::ConfigChecked, Some(Reason::BadConfiguration)));
    assert_eq!((good.name, good.actor), (EventName::ConfigReloaded, Actor::AdminKey("bootstrap".into())));
    assert_eq!(good.detail.as_deref(), Some("waiting for a restart: ops.address; dpop.require_nonce: true → false"));
    assert_eq!((bad.name, bad.reason), (EventName::ConfigReloadFailed, Some(Reason::BadConfiguration)));
    assert_eq!(bad.detail.as_deref(), Some("VESTIBULE__LOG__FILTER: log.filter can't be used"));
}
