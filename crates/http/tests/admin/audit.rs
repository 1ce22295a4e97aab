//! The audit log as operators read it: pages, one event, copies, and how far it is proven.

use std::time::Duration;

use futures_util::StreamExt;
use http::{Method, StatusCode};
use poem::{Endpoint, Request};
use serde_json::{Value, json};
use vestibule_domain::{
    audit::{Actor, AuditEvent, EventName, record::record},
    ids::{AccountId, GrantId},
    ports::Store,
    store::Changes,
};
use vestibule_testkit::{rig::ADMIN_KEY, sample::Sample};

use super::{Desk, app};

impl Desk {
    /// What somebody who signed in and an operator who worked leave.
    async fn busy() -> (Self, String) {
        let desk = Self::open().await;
        let (account, ..) = desk.somebody().await;
        desk.later();
        desk.browser().signs_in("other", "eve").await;
        desk.later();
        desk.create(app("one")).await;
        desk.later();
        let etag = desk.get("/clients/one").await.header("etag").to_owned();
        desk.change(Method::PATCH, "/clients/one", Some(&etag), json!({ "client_name": "Two" })).await;
        desk.later();
        (desk, account)
    }

    async fn names(&self, query: &str) -> Vec<String> {
        let list = self.get(&format!("/audit-events{query}")).await;
        assert_eq!(list.status, StatusCode::OK, "{query}: {}", list.body);
        list.json()["items"].as_array().unwrap().iter().map(|event| event["name"].as_str().unwrap().to_owned()).collect()
    }

    /// The rows of a copy after its heading, with what happened in between.
    async fn copies(&self, key: &str, meanwhile: impl AsyncFnOnce()) -> Vec<String> {
        let uri = "https://sso.example.com/api/v1/audit-events:export?format=csv".parse().unwrap();
        let request = Request::builder().uri(uri).header("host", "sso.example.com").header("authorization", format!("Bearer {key}"));
        let response = self.api.get_response(request.finish()).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut pieces = response.into_body().into_bytes_stream();
        assert!(pieces.next().await.unwrap().unwrap().starts_with(b"id,time,"));
        meanwhile().await;
        let mut rest = String::new();
        while let Some(piece) = pieces.next().await {
            rest.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
        }
        rest.lines().map(str::to_owned).collect()
    }

    fn newest_first(&self) -> Vec<AuditEvent> {
        let mut events = self.rig.events();
        events.sort_by_key(|event| std::cmp::Reverse((event.time, event.id)));
        events
    }
}

#[tokio::test]
async fn what_is_listed_is_what_the_records_say_newest_first() {
    let (desk, account) = Desk::busy().await;
    // They came from somewhere; requests of tests come from nowhere.
    let (id, sample): (AccountId, _) = (account.parse().unwrap(), Sample::default());
    let somewhere =
        sample.later(&sample.event(EventName::TokenRefreshed, &sample.account(), &sample.client("web")), Duration::from_hours(1));
    let somewhere =
        AuditEvent { actor: Actor::Account(id), account: Some(id), grant: Some(GrantId::new(sample.now, &sample.entropy)), ..somewhere };
    desk.rig.store.commit(Changes::default().event(somewhere.clone())).await.unwrap();
    while desk.gateway.seal_audit().await.unwrap().more {}
    desk.later();
    let listed = desk.get("/audit-events?limit=200").await.json();
    let events = desk.gateway.audit_events(&vestibule_flows::EventFilter::default(), None, 200).await.unwrap().events;
    let records: Vec<Value> = events.iter().map(|event| Value::Object(record(event))).collect();
    assert_eq!(listed, json!({ "items": records }), "word by word the records, and all of them were looked at");
    assert!(records.iter().any(|record| record["chain"]["seq"].is_number() && record["personal"]["salt"].is_string()));
    assert_eq!(
        events.iter().map(|event| event.id).collect::<Vec<_>>(),
        desk.newest_first().iter().map(|event| event.id).collect::<Vec<_>>()
    );
    for event in &events {
        assert_eq!(desk.get(&format!("/audit-events/{}", event.id)).await.json(), Value::Object(record(event)));
    }
    let by_address = desk.get(&format!("/audit-events?address={}", somewhere.source.ip.unwrap())).await.json();
    assert_eq!(by_address["items"][0]["id"], somewhere.id.to_string(), "what is sealed for a person is opened to be looked at");
    let changed = desk.get("/audit-events?event=client.updated").await.json()["items"][0].clone();
    assert_eq!(changed["change"], json!([{ "pointer": "/client_name", "before": "App", "after": "Two" }]));

    // Who was erased is in the log as an id; from where they came is not.
    desk.send(Method::POST, &format!("/accounts/{account}:erase"), &[], "").await;
    let by_address = desk.get(&format!("/audit-events?address={}", somewhere.source.ip.unwrap())).await.json();
    assert_eq!(by_address, json!({ "items": [] }), "nor are they found by it");
    let of_them = desk.get(&format!("/audit-events/{}", somewhere.id)).await.json();
    assert_eq!((&of_them["source"], &of_them["personal"]["redacted"]), (&json!({}), &json!(true)));
}

#[tokio::test]
async fn events_are_found_by_what_is_asked_a_page_at_a_time() {
    let (desk, account) = Desk::busy().await;
    let succeeded = desk.rig.events().into_iter().find(|event| event.name == EventName::LoginSucceeded).unwrap();
    assert_eq!(desk.names("?event=client.*").await, ["client.updated", "client.created", "client.created"]);
    assert_eq!(desk.names("?event=client.created&event=login.succeeded&client=web").await.len(), 3);
    assert_eq!(desk.names(&format!("?account={account}&event=login.succeeded")).await, ["login.succeeded"]);
    assert_eq!(desk.names("?provider=other&event=login.*").await, ["login.succeeded"]);
    assert_eq!(desk.names("?outcome=failure").await, Vec::<String>::new());
    assert_eq!(desk.names("?reason=entry_rule").await, Vec::<String>::new());
    assert!(desk.names(&format!("?login={}", succeeded.login.unwrap())).await.len() > 1);
    assert!(desk.names(&format!("?session={}&event=login.succeeded", succeeded.session.unwrap())).await.len() == 1);
    let reference = succeeded.trace_id.clone().unwrap();
    let by_reference = desk.names(&format!("?reference={reference}")).await;
    assert!(by_reference.contains(&"login.succeeded".to_owned()), "{by_reference:?}");
    assert_eq!(desk.names(&format!("?reference={}", reference.to_uppercase())).await, by_reference);
    assert_eq!(desk.names(&format!("?from={}&to={0}", succeeded.time)).await, Vec::<String>::new());
    assert!(desk.names(&format!("?from={}", succeeded.time)).await.len() > 3);

    let ids = desk.newest_first().iter().map(|event| event.id.to_string()).collect::<Vec<_>>();
    let pages = ids.len().div_ceil(2);
    assert_eq!(desk.walk("/audit-events", "id").await, (ids, pages));
    let first = desk.get("/audit-events?event=client.*&limit=1").await;
    let next = first.header("link").strip_prefix("</api/v1").and_then(|rest| rest.strip_suffix(">; rel=\"next\"")).unwrap().to_owned();
    assert!(next.starts_with("/audit-events?event=client.*&limit=1&after="), "{next}");
    assert_eq!(desk.get(&next).await.json()["items"][0]["name"], "client.created");

    let refused = desk.get("/audit-events?event=logout&account=x&address=10.0.0.0/8&from=yesterday&after=x").await;
    assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_parameter".into()));
    let named: Vec<_> =
        refused.json()["errors"].as_array().unwrap().iter().map(|error| error["parameter"].as_str().unwrap().to_owned()).collect();
    assert_eq!(named, ["event", "after", "account", "address", "from"], "all at once");
    for path in ["/audit-events/x", "/audit-events/00000000-0000-0000-0000-000000000000", "/audit-events/export", "/audit-events:erase"] {
        assert_eq!(desk.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(desk.send(Method::DELETE, &format!("/audit-events/{}", succeeded.id), &[], "").await.status, StatusCode::METHOD_NOT_ALLOWED);
    let before = desk.rig.events().len();
    desk.names("").await;
    assert_eq!(desk.rig.events().len(), before, "to look leaves nothing");
}

#[tokio::test]
async fn a_copy_has_what_is_asked_says_where_it_was_cut_and_is_an_event_itself() {
    let (desk, _) = Desk::busy().await;
    let events = desk.newest_first();
    let copy = desk.get("/audit-events:export?format=jsonl").await;
    assert_eq!((copy.status, copy.header("content-type")), (StatusCode::OK, "application/jsonl"));
    assert_eq!(copy.header("content-disposition"), "attachment; filename=\"audit-2026-11-24.jsonl\"");
    let lines: Vec<Value> = copy.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, events.iter().map(|event| Value::Object(record(event))).collect::<Vec<_>>());
    let told = desk.rig.events().into_iter().rfind(|event| event.name == EventName::AuditExported).unwrap();
    assert_eq!((told.actor, told.detail.as_deref()), (Actor::AdminKey("bootstrap".into()), Some("jsonl")));

    desk.later();
    let table = desk.get("/audit-events:export?format=csv&event=client.*&max_events=2&address=192.0.2.200").await;
    assert_eq!(table.body.lines().count(), 1, "nobody came from there: {}", table.body);
    let told = desk.rig.events().into_iter().rfind(|event| event.name == EventName::AuditExported).unwrap();
    assert_eq!(told.detail.as_deref(), Some("csv event=client.* by address"), "an address of somebody's is in no record for ever");
    let table = desk.get("/audit-events:export?format=csv&event=client.*&max_events=2").await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8; header=present");
    let rows: Vec<_> = table.body.lines().collect();
    assert_eq!(rows.len(), 4, "{}", table.body);
    let cut: Vec<_> = rows[3].split(',').collect();
    assert_eq!((cut[2], cut[5]), ("cut", "limit"));
    let rest = desk.get(&format!("/audit-events:export?format=jsonl&event=client.*&after={}", cut[0])).await;
    assert_eq!(rest.body.lines().count(), 1, "the rest is where it was cut: {}", rest.body);
    for (form, field) in [("ocsf", "class_uid"), ("ecs", "@timestamp")] {
        let copy = desk.get(&format!("/audit-events:export?format={form}&max_events=1")).await;
        let lines: Vec<Value> = copy.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(!lines[0][field].is_null() && lines[1]["cut"]["why"] == "limit", "{}", copy.body);
    }
    let before = desk.rig.events().len();
    for query in ["", "?format=xml", "?format=csv&max_events=0", "?format=csv&event=x", "?format=csv&dry_run=true"] {
        let refused = desk.get(&format!("/audit-events:export{query}")).await;
        assert_eq!((refused.status, refused.code()), (StatusCode::BAD_REQUEST, "invalid_parameter".into()), "{query}");
    }
    assert_eq!(desk.rig.events().len(), before, "what was refused is no copy");
}

#[tokio::test]
async fn attack_86_a_copy_ends_with_what_it_was_begun_by_and_with_the_house_and_says_so() {
    let (desk, _) = Desk::busy().await;
    let (key, id) = desk.key(&["audit:read"]).await;
    desk.later();
    for key in [ADMIN_KEY, key.as_str()] {
        let copied = desk.copies(key, async || {}).await;
        assert!(copied.len() > 3 && !copied.concat().contains(",cut,"), "{copied:?}");
    }
    let cut = |rows: Vec<String>| {
        let [row]: [String; 1] = rows.try_into().unwrap();
        let cells: Vec<_> = row.split(',').map(str::to_owned).collect();
        assert_eq!(cells[2], "cut", "{row}");
        cells[5].clone()
    };
    let path = format!("/api-keys/{id}");
    let narrowed = async || {
        let narrow = json!({ "scopes": ["clients:read"] });
        assert_eq!(desk.change(Method::PATCH, &path, Some("\"v1\""), narrow).await.status, StatusCode::OK);
    };
    assert_eq!(cut(desk.copies(&key, narrowed).await), "not_allowed");

    let (key, id) = desk.key(&["audit:read"]).await;
    let deleted = async || assert_eq!(desk.delete(&format!("/api-keys/{id}"), None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(cut(desk.copies(&key, deleted).await), "not_allowed");

    let short = json!({ "name": "short", "scopes": ["audit:read"], "expires_in": 60 });
    let made = desk.send(Method::POST, "/api-keys", &[], short.to_string()).await.json();
    let expired = async || desk.rig.clock.advance(Duration::from_mins(1));
    assert_eq!(cut(desk.copies(made["key"].as_str().unwrap(), expired).await), "not_allowed");

    assert_eq!(cut(desk.copies(ADMIN_KEY, async || desk.house.set_draining()).await), "closing");
}

#[tokio::test]
async fn whoever_verifies_the_log_finds_what_it_is_held_against() {
    let (desk, _) = Desk::busy().await;
    assert_eq!(desk.get("/audit-chain").await.status, StatusCode::NOT_FOUND);
    while desk.gateway.seal_audit().await.unwrap().more {}
    desk.rig.clock.advance(Duration::from_mins(2));
    while desk.gateway.seal_audit().await.unwrap().checkpoint.is_none() {}
    let chain = desk.get("/audit-chain").await.json();
    let head = desk.gateway.audit_chain().await.unwrap().unwrap();
    assert_eq!((&chain["key"], &chain["seq"], &chain["kept_after"]), (&json!(head.key.to_string()), &json!(head.seq), &json!(0)));
    assert_eq!((&chain["checkpoint"]["seq"], &chain["checkpoint"]["key"]), (&json!(head.signed), &chain["key"]));
    assert_eq!(chain["checkpoint"]["hash"], chain["hash"], "it covers all of it");
    assert_eq!(chain["unsealed"], 0);
    desk.create(app("late")).await;
    let chain = desk.get("/audit-chain").await.json();
    assert_eq!(chain["unsealed"], 1);
    assert!(chain["unsealed_since"].is_string());
}

#[tokio::test]
async fn attack_86_only_who_may_read_the_log_does() {
    let (desk, _) = Desk::busy().await;
    let key = async |scope: &str| {
        let made = desk.send(Method::POST, "/api-keys", &[], json!({ "name": scope, "scopes": [scope] }).to_string()).await;
        format!("Bearer {}", made.json()["key"].as_str().unwrap())
    };
    let (reader, other) = (key("audit:read").await, key("clients:*").await);
    let event = desk.rig.events()[0].id;
    for path in ["/audit-events".to_owned(), format!("/audit-events/{event}"), "/audit-events:export?format=csv".into()] {
        let as_reader = desk.plain(Method::GET, &path, &[("authorization", &reader)], "").await;
        assert_eq!(as_reader.status, StatusCode::OK, "{path}");
        let as_other = desk.plain(Method::GET, &path, &[("authorization", &other)], "").await;
        assert_eq!((as_other.status, as_other.code()), (StatusCode::FORBIDDEN, "insufficient_scope".into()), "{path}");
        assert_eq!(desk.plain(Method::GET, &path, &[("cookie", "__Host-console=x")], "").await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}
