//! What happened, and where people are signed in, as operators see it in the console.

use futures_util::StreamExt;
use http::StatusCode;
use scraper::{Html, Selector};
use serde_json::Value;
use vestibule_domain::{
    audit::EventName,
    ports::Clock,
    store::{Changes, Write},
};
use vestibule_testkit::sample::Sample;

use crate::{
    console::{alices, filled, operator, scopes::limited, sends, token},
    street::{Answer, Browser, Street},
};

fn texts(page: &Answer, selector: &str) -> Vec<String> {
    let (document, selector) = (Html::parse_document(&page.body), Selector::parse(selector).unwrap());
    let text =
        |element: scraper::ElementRef<'_>| element.text().collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    document.select(&selector).map(text).collect()
}

fn link(page: &Answer, text: &str) -> String {
    let (document, selector) = (Html::parse_document(&page.body), Selector::parse("main a").unwrap());
    let found = document.select(&selector).find(|link| link.text().collect::<String>().trim() == text);
    found.unwrap_or_else(|| panic!("no link {text}: {page:?}")).attr("href").unwrap().to_owned()
}

/// Alice at work, and Bob, who signed in to an app.
async fn busy() -> (Street, Browser) {
    let street = alices().await;
    let app = street.app("app").await;
    let mut browser = operator(&street).await;
    street.rig.clock.advance(std::time::Duration::from_secs(5));
    street.signs_in(&mut Browser::default(), &app, "bob").await;
    street.rig.clock.advance(std::time::Duration::from_secs(5));
    browser.keep(&street.goes(&mut browser.clone(), "/console").await);
    (street, browser)
}

#[tokio::test]
async fn the_log_is_read_newest_first_and_narrowed_by_what_stands_in_the_address() {
    let (street, mut browser) = busy().await;
    let page = street.goes(&mut browser, "/console/audit").await;
    let newest = texts(&page, "table.events tbody tr td.name a");
    let mut events = street.rig.events();
    events.sort_by_key(|event| std::cmp::Reverse((event.time, event.id)));
    assert_eq!(newest, events.iter().map(|event| event.name.to_string()).collect::<Vec<_>>());
    assert!(texts(&page, "nav[aria-label=Console] a[aria-current]") == ["Audit log"]);

    let bob = events.iter().find(|event| event.name == EventName::CodeRedeemed || event.name == EventName::LoginSucceeded).unwrap();
    let bobs = street.goes(&mut browser, &format!("/console/audit?event=login.*&account={}", bob.account.unwrap())).await;
    assert_eq!(texts(&bobs, "table.events tbody tr").len(), 1, "{bobs:?}");
    assert!(texts(&bobs, "table.events tbody tr")[0].contains("bob"), "by name: {bobs:?}");
    assert!(bobs.body.contains("value=\"login.*\""), "the form says what was asked: {bobs:?}");
    for (query, empty) in [
        ("?event=login.failed", "Nothing of the kind happened, or it is kept no more."),
        ("?address=192.0.2.250", "Nothing of the kind happened, or it is kept no more."),
        ("?from=2020-01-01T00:00&to=2020-01-02T00:00", "Nothing of the kind happened, or it is kept no more."),
    ] {
        let page = street.goes(&mut browser, &format!("/console/audit{query}")).await;
        assert_eq!((page.status, texts(&page, "p.empty")), (StatusCode::OK, vec![empty.to_owned()]), "{query}");
    }
    let refused = street.goes(&mut browser, "/console/audit?event=logout&account=x").await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(texts(&refused, "[role=alert] li").len(), 2, "{refused:?}");

    // Where people, apps and providers are shown, their events are a step away.
    let account = bob.account.unwrap();
    for page in [format!("/console/person/{account}"), "/console/app/app".to_owned(), "/console/provider/acme".to_owned()] {
        let events = link(&street.goes(&mut browser, &page).await, "Events");
        let listed = street.goes(&mut browser, &events).await;
        assert!(listed.status == StatusCode::OK && !texts(&listed, "table.events tbody tr").is_empty(), "{events}: {listed:?}");
    }
}

#[tokio::test]
async fn a_record_says_all_it_has_and_leads_to_what_belongs_to_it() {
    let (street, mut browser) = busy().await;
    let edit = street.goes(&mut browser, "/console/app/app/edit").await;
    let action = "/console/app/app/save";
    let form = filled(&edit, action, &[("name", "<b>Renamed</b>")]);
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(street.posts(&mut browser, action, &form).await.status, StatusCode::SEE_OTHER);
    let list = street.goes(&mut browser, "/console/audit?event=client.updated").await;
    let record = street.goes(&mut browser, &link(&list, "client.updated")).await;
    assert_eq!(texts(&record, "h1"), ["client.updated success"]);
    assert!(texts(&record, "section[aria-labelledby=changes] tbody tr").iter().any(|row| row.contains("<b>Renamed</b>")), "{record:?}");
    assert!(!record.body.contains("<b>Renamed"), "attack 65: what was written is text");
    assert!(texts(&record, "dl.facts dd").iter().any(|fact| fact.contains("alice") && fact.contains("an operator")), "{record:?}");
    let json: Value = serde_json::from_str(&texts(&record, "pre#text")[0]).unwrap();
    assert_eq!(json["name"], "client.updated");

    let list = street.goes(&mut browser, "/console/audit?event=login.succeeded&client=app").await;
    let record = street.goes(&mut browser, &link(&list, "login.succeeded")).await;
    for (text, least) in [
        ("All events of its login", 2),
        ("All with this reference", 1),
        ("All events of its session", 1),
        ("All about this person", 2),
        ("All about this app", 2),
    ] {
        let around = street.goes(&mut browser, &link(&record, text)).await;
        assert!(texts(&around, "table.events tbody tr").len() >= least, "{text}: {around:?}");
    }
    for none in ["x", "00000000-0000-0000-0000-000000000000"] {
        assert_eq!(street.goes(&mut browser, &format!("/console/audit/{none}")).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_copy_is_taken_by_a_form_of_ours_with_what_the_list_is_narrowed_by() {
    let (street, mut browser) = busy().await;
    let page = street.goes(&mut browser, "/console/audit?event=login.*").await;
    let copy = sends(&street, &mut browser, &page, "/console/audit/export", &[("format", "jsonl")]).await;
    assert!(
        copy.header("content-disposition").starts_with("attachment; filename=\"audit-")
            && copy.header("x-content-type-options") == "nosniff"
    );
    let lines: Vec<Value> = copy.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!lines.is_empty() && lines.iter().all(|line| line["name"].as_str().unwrap().starts_with("login.")), "{copy:?}");
    let told = street.rig.events().into_iter().rfind(|event| event.name == EventName::AuditExported).unwrap();
    assert_eq!(told.detail.as_deref(), Some("jsonl event=login.*"));
    // No link and no other site takes one.
    assert_eq!(street.goes(&mut browser, "/console/audit/export").await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(street.posts(&mut browser, "/console/audit/export", &[("format", "csv")]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(street.count("audit.exported"), 1);
}

/// The rows of a copy after its heading, with what happened in between.
async fn copies(street: &Street, browser: &Browser, token: &str, meanwhile: impl AsyncFnOnce()) -> Vec<String> {
    let form = [("token", token), ("format", "csv")];
    let mut pieces = street.opens_by(browser, "/console/audit/export", &form).await.into_body().into_bytes_stream();
    assert!(pieces.next().await.unwrap().unwrap().starts_with(b"id,time,"));
    meanwhile().await;
    let mut rest = String::new();
    while let Some(piece) = pieces.next().await {
        rest.push_str(std::str::from_utf8(&piece.unwrap()).unwrap());
    }
    rest.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn attack_86_a_copy_ends_with_the_desk_it_was_begun_at_and_says_so() {
    let (street, mut browser) = busy().await;
    let page = street.goes(&mut browser, "/console/audit").await;
    let token = token(&page);
    let works_on = async || {
        street.rig.clock.advance(std::time::Duration::from_mins(2));
        street.goes(&mut browser.clone(), "/console").await;
    };
    let whole = copies(&street, &browser, &token, works_on).await;
    assert!(!whole.is_empty() && !whole.concat().contains(",cut,"), "{whole:?}");
    let leaves = async || {
        let left = street.posts(&mut browser.clone(), "/console/sign-out", &[("token", &token)]).await;
        assert_eq!(left.header("location"), "/console/sign-in");
    };
    let cut = copies(&street, &browser, &token, leaves).await;
    assert!(cut.len() == 1 && cut[0].contains(",cut,") && cut[0].contains(",not_allowed,"), "{cut:?}");
}

#[tokio::test]
async fn apps_stand_by_their_names_where_an_operator_may_know_them_and_by_their_ids_where_they_are_gone() {
    let (street, mut browser) = busy().await;
    let shown = async |browser: &mut Browser| {
        let list = street.goes(browser, "/console/audit?event=login.succeeded&client=app").await;
        let record = street.goes(browser, &link(&list, "login.succeeded")).await;
        let said = texts(&record, "dl.facts dd").into_iter().find(|said| said.contains("app")).unwrap();
        (texts(&list, "table.events td[data-label=App]"), said)
    };
    assert_eq!(shown(&mut browser).await, (vec!["The app app".to_owned()], "The app (app)".to_owned()));
    let id_alone = (vec!["app".to_owned()], "app".to_owned());
    assert_eq!(shown(&mut limited(&street, "audit:read").await).await, id_alone);
    let page = street.goes(&mut browser, "/console/app/app").await;
    let deleted = sends(&street, &mut browser, &page, "/console/app/app/delete", &[("name", "app")]).await;
    assert_eq!(deleted.status, StatusCode::SEE_OTHER, "{deleted:?}");
    assert_eq!(shown(&mut browser).await, id_alone);
}

#[tokio::test]
async fn sessions_are_shown_a_page_at_a_time_and_a_persons_own_from_their_page() {
    let (street, mut browser) = busy().await;
    let app = street.app("other").await;
    for person in 0..51 {
        street.signs_in(&mut Browser::default(), &app, &format!("p{person}")).await;
    }
    let rows = |page: &Answer| texts(page, "table.rows tbody tr").len();
    let first = street.goes(&mut browser, "/console/sessions?provider=acme&client=").await;
    let more = link(&first, "More sessions");
    assert_eq!(rows(&first), 50, "{first:?}");
    assert!(more.starts_with("/console/sessions?provider=acme&after="), "{more}");
    let second = street.goes(&mut browser, &more).await;
    assert_eq!((rows(&second), link(&second, "From the beginning")), (3, "/console/sessions?provider=acme".to_owned()));
    let whole = street.goes(&mut browser, "/console/sessions").await;
    assert!(link(&whole, "More sessions").starts_with("/console/sessions?after="));

    let bob = street.rig.events().into_iter().filter(|event| event.name == EventName::LoginSucceeded).nth(1).unwrap().account.unwrap();
    let page = street.goes(&mut browser, &format!("/console/person/{bob}")).await;
    let theirs = street.goes(&mut browser, &link(&page, "Sessions")).await;
    let [row] = texts(&theirs, "table.rows tbody tr").try_into().unwrap();
    assert!(row.contains("bob"), "{row}");
    let mut less = limited(&street, "accounts:read").await;
    let page = street.goes(&mut less, &format!("/console/person/{bob}")).await;
    assert!(page.status == StatusCode::OK && !page.body.contains("/console/sessions"), "nothing leads there: {page:?}");
}

#[tokio::test]
async fn every_browser_that_is_signed_in_is_listed_and_can_be_signed_out() {
    let (street, mut browser) = busy().await;
    let app = street.app("other").await;
    street.tokens(&app, "carol").await;
    let all = street.goes(&mut browser, "/console/sessions").await;
    assert_eq!(texts(&all, "table.rows tbody tr").len(), 3, "{all:?}");
    assert!(texts(&all, "table.rows tbody tr")[0].contains("carol"), "newest first: {all:?}");
    let at_other = street.goes(&mut browser, "/console/sessions?client=other").await;
    let [row] = texts(&at_other, "table.rows tbody tr").try_into().unwrap();
    assert!(row.contains("carol"), "{row}");
    let ended = sends(&street, &mut browser, &at_other, "/console/sessions/end", &[]).await;
    assert_eq!(ended.header("location"), "/console/sessions?client=other&notice=ended");
    let after = street.goes(&mut browser, ended.header("location")).await;
    assert_eq!(texts(&after, "[role=status]"), ["Signed out there."]);
    assert_eq!(texts(&after, "p.empty"), ["No such browser is signed in now."]);
    assert_eq!(texts(&street.goes(&mut browser, "/console/sessions").await, "table.rows tbody tr").len(), 2);
    assert_eq!(street.goes(&mut browser, "/console/sessions?account=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn sessions_of_an_app_go_on_behind_very_many_that_have_ended() {
    let (street, mut browser) = busy().await;
    let app = street.app("other").await;
    street.tokens(&app, "carol").await;
    // Newer ones, of which nothing is left but what the app was given in them.
    let sample = Sample { now: street.rig.clock.now() + std::time::Duration::from_secs(1), ..Sample::default() };
    let (account, client) = (sample.account(), street.gateway().client("other").await.unwrap());
    let given = (0..10_000).map(|_| Write::AddGrant(sample.grant(&sample.code(&client, &sample.session(&account)), &client)));
    street.rig.port().commit(given.fold(Changes::default(), Changes::write)).await.unwrap();
    let first = street.goes(&mut browser, "/console/sessions?client=other").await;
    assert_eq!(texts(&first, "p.empty"), ["Nobody was found yet."]);
    let behind = street.goes(&mut browser, &link(&first, "Look further back")).await;
    let [row] = texts(&behind, "table.rows tbody tr").try_into().unwrap();
    assert!(row.contains("carol") && !behind.body.contains("Look further back"), "{behind:?}");
}

#[tokio::test]
async fn attack_86_who_may_not_read_the_log_or_see_sessions_does_not() {
    let street = alices().await;
    street.app("app").await;
    let event = street.rig.events()[0].id;
    let mut browser = limited(&street, "clients:read").await;
    for path in ["/console/audit".to_owned(), format!("/console/audit/{event}")] {
        let refused = street.goes(&mut browser, &path).await;
        assert!(refused.status == StatusCode::FORBIDDEN && refused.body.contains("scope audit:read,"), "{path}: {refused:?}");
    }
    let refused = street.goes(&mut browser, "/console/sessions").await;
    assert!(refused.status == StatusCode::FORBIDDEN && refused.body.contains("scope sessions:read,"), "{refused:?}");
    let page = street.goes(&mut browser, "/console/app/app").await;
    assert!(!page.body.contains("/console/audit") && !page.body.contains("/console/sessions"), "nothing leads there: {page:?}");

    // Who reads the log and nothing else sees ids, and is led nowhere else.
    let mut browser = limited(&street, "audit:read").await;
    let page = street.goes(&mut browser, "/console/audit?event=admin.login").await;
    let record = street.goes(&mut browser, &link(&page, "admin.login")).await;
    assert!(record.status == StatusCode::OK && !record.body.contains("/console/person/"), "{record:?}");
}

#[tokio::test]
async fn the_page_says_how_far_the_log_is_proven_and_copies_it_in_every_form() {
    let (street, mut browser) = busy().await;
    assert!(texts(&street.goes(&mut browser, "/console/audit").await, "#chain").is_empty(), "there is no chain yet");
    while street.gateway().seal_audit().await.unwrap().more {}
    street.rig.clock.advance(std::time::Duration::from_mins(2));
    while street.gateway().seal_audit().await.unwrap().checkpoint.is_none() {}
    let head = street.gateway().audit_chain().await.unwrap().unwrap();
    let page = street.goes(&mut browser, "/console/audit").await;
    assert_eq!(texts(&page, "#chain-key"), [head.key.to_string()]);
    assert!(page.body.contains(&format!("<dd>Event {} <span class=\"sub mono\">{}</span>", head.seq, head.hash.to_hex())), "{page:?}");
    assert!(page.body.contains(&format!("Covers all up to event {}, signed ", head.signed)), "{page:?}");
    for (format, begins) in [("csv", "id,"), ("jsonl", "{"), ("ocsf", "{"), ("ecs", "{")] {
        assert_eq!(texts(&page, &format!("button[name=format][value={format}]")), [format.to_uppercase()]);
        let copy = sends(&street, &mut browser, &page, "/console/audit/export", &[("format", format)]).await;
        assert!(copy.status == StatusCode::OK && copy.body.starts_with(begins), "{format}: {copy:?}");
    }
}
