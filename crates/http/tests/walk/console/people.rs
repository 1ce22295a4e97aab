//! People, and what strangers write about themselves.

use http::StatusCode;
use scraper::{Html, Selector};
use serde_json::json;
use vestibule_domain::registration::Draft;
use vestibule_testkit::fake_provider::FakeProvider;

use super::{alices, operator, sends, token};
use crate::street::{Browser, Street, plain};

#[tokio::test]
async fn a_person_is_found_and_what_they_have_is_ended_piece_by_piece() {
    let street = alices().await;
    let app = street.app("app").await;
    let mut bobs = Browser::default();
    let code = street.signs_in(&mut bobs, &app, "bob").await;
    let tokens = street.redeems(&app, &code).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    let bob = street.rig.events().iter().find_map(|event| event.account).unwrap().to_string();
    let mut browser = operator(&street).await;
    for query in [bob.as_str(), "bob%40example.com", "BOB+of"] {
        let found = street.goes(&mut browser, &format!("/console/people?q={query}")).await;
        assert!(
            found.body.contains(&format!("/console/person/{bob}")) && !found.body.contains("alice of Upstream</bdi></a>"),
            "{query}: {found:?}"
        );
    }
    assert!(street.goes(&mut browser, "/console/people?q=carol").await.body.contains("Nobody is found"));

    let at = format!("/console/person/{bob}");
    let page = street.goes(&mut browser, &at).await;
    let revoked = sends(&street, &mut browser, &page, &format!("{at}/revoke"), &[]).await;
    assert_eq!(revoked.header("location"), format!("{at}?notice=revoked"));
    assert!(!street.is_good(access).await);
    let ended = sends(&street, &mut browser, &page, &format!("{at}/end"), &[]).await;
    assert_eq!(ended.header("location"), format!("{at}?notice=ended"));
    let silent = Street::link(&app, &[("prompt", "none")]);
    assert_eq!(street.goes(&mut bobs, &silent).await.parameter("error").as_deref(), Some("login_required"));
    let disabled = sends(&street, &mut browser, &page, &format!("{at}/disable"), &[]).await;
    assert_eq!(disabled.header("location"), format!("{at}?notice=disabled"));
    assert_eq!(street.arrives(&mut Browser::default(), &app, "bob").await.page(), "account_disabled");
    let page = street.goes(&mut browser, &at).await;
    sends(&street, &mut browser, &page, &format!("{at}/disable"), &[]).await;
    let unlinked = sends(&street, &mut browser, &page, &format!("{at}/unlink"), &[]).await;
    assert_eq!(unlinked.header("location"), format!("{at}?notice=unlinked"));
    assert!(street.goes(&mut browser, &at).await.body.contains("nobody comes in by this account"));
    for name in ["grant.revoked", "session.ended", "account.disabled", "account.enabled", "identity.unlinked"] {
        assert_eq!(street.count(name), 1, "{name}");
    }
    // Nobody reaches another's things by naming them (attack 86).
    let carol = street.tokens(&app, "carol").await;
    let carols = street
        .rig
        .events()
        .iter()
        .filter(|event| event.name.as_str() == "code.redeemed")
        .filter_map(|event| event.grant)
        .next_back()
        .unwrap();
    let token = token(&page);
    let other = street.posts(&mut browser, &format!("{at}/revoke"), &[("token", &token), ("grant", &carols.to_string())]).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
    assert!(street.is_good(carol["access_token"].as_str().unwrap()).await);
}

#[tokio::test]
async fn attack_65_what_strangers_call_themselves_is_text_in_the_console() {
    const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>";
    let street = alices().await;
    let mut browser = operator(&street).await;
    street.app_as("app", Draft { name: HOSTILE.into(), ..plain() }).await;
    let mut stranger = FakeProvider::arrival("stranger", street.rig.witness().now);
    for claim in ["name", "email"] {
        stranger.claims.insert(claim.into(), HOSTILE.into());
    }
    stranger.claims.insert("groups".into(), json!([HOSTILE]));
    street.rig.providers[0].answers_next(Ok(stranger));
    let app = street.app("other").await;
    let code = street.signs_in(&mut Browser::default(), &app, "x").await;
    street.redeems(&app, &code).await;
    let person = street.rig.events().iter().filter_map(|event| event.account).next_back().unwrap();
    let form =
        [("id", "evil"), ("preset", "fake"), ("label", HOSTILE), ("issuer", HOSTILE), ("client_id", HOSTILE), ("client_secret", "s")];
    let page = street.goes(&mut browser, "/console/providers/new/fake").await;
    let made = sends(&street, &mut browser, &page, "/console/providers/create", &form).await;
    assert_eq!(made.header("location"), "/console/provider/evil?notice=saved", "{made:?}");
    let pages = [
        "/console".to_owned(),
        "/console/apps".to_owned(),
        "/console/apps?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "/console/apps?notice=%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "/console/people".to_owned(),
        "/console/people?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        format!("/console/person/{person}"),
        "/console/providers".to_owned(),
        "/console/provider/evil".to_owned(),
        "/console/provider/evil/edit".to_owned(),
        "/console/app/app".to_owned(),
        "/console/app/app/edit".to_owned(),
        "/console/app/app/settings".to_owned(),
        "/console/app/app/try".to_owned(),
        "/console/app/%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E".to_owned(),
    ];
    for path in pages {
        let page = street.goes(&mut browser, &path).await;
        assert!(page.body.contains("</html>"), "{path}: {page:?}");
        let document = Html::parse_document(&page.body);
        let scripts: Vec<_> = document.select(&Selector::parse("script").unwrap()).collect();
        assert!(scripts.iter().all(|script| script.attr("src").is_some() && script.text().next().is_none()), "{path}: {page:?}");
        assert_eq!((scripts.len(), document.select(&Selector::parse("img, [onerror]").unwrap()).count()), (2, 0), "{path}: {page:?}");
    }
}

#[tokio::test]
async fn a_person_is_erased_after_a_page_that_says_what_goes() {
    let street = alices().await;
    let app = street.app("app").await;
    let mut bobs = Browser::default();
    let code = street.signs_in(&mut bobs, &app, "bob").await;
    street.redeems(&app, &code).await;
    let bob = street.rig.events().iter().find_map(|event| event.account).unwrap().to_string();
    let mut browser = operator(&street).await;
    let at = format!("/console/person/{bob}");
    let page = street.goes(&mut browser, &at).await;
    assert!(page.body.contains(&format!("href=\"{at}/erase\"")), "{page:?}");

    let asked = street.goes(&mut browser, &format!("{at}/erase")).await;
    assert_eq!(asked.status, StatusCode::OK, "{asked:?}");
    for said in ["<dt>What is known of them</dt>", "<dt>Ways in</dt><dd>1</dd>", "<dt>Browsers that are signed in</dt><dd>1</dd>"] {
        assert!(asked.body.contains(said), "{said}: {asked:?}");
    }
    assert!(!asked.body.contains("bob@example.com"), "the names of what goes, and not what it says: {asked:?}");
    assert_eq!(street.count("account.erased"), 0, "to ask erases nobody");
    assert_eq!(street.goes(&mut browser, &format!("{at}/erase/now")).await.status, StatusCode::METHOD_NOT_ALLOWED);

    let erased = sends(&street, &mut browser, &asked, &format!("{at}/erase/now"), &[]).await;
    assert_eq!(erased.header("location"), format!("{at}?notice=erased"), "{erased:?}");
    let page = street.goes(&mut browser, &format!("{at}?notice=erased")).await;
    assert!(page.body.contains("nobody comes in by this account") && page.body.contains("Nameless"), "{page:?}");
    assert_eq!(street.count("account.erased"), 1);
    assert_eq!(street.goes(&mut browser, "/console/person/none/erase").await.status, StatusCode::NOT_FOUND);
}
