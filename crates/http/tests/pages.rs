//! Every hosted page, as it is sent: its markup, its headers, its weight and its colours.

#![expect(clippy::unwrap_used, reason = "in helpers of tests too, a panic is how a test fails")]

#[path = "../examples/pages/samples.rs"]
mod samples;

use std::{collections::HashSet, io::Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use http::HeaderMap;
use scraper::{ElementRef, Html, Selector};
use sha2::{Digest, Sha256};
use url::Url;
use vestibule_http::pages::{
    Appearance, Chooser, ConfirmLogout, EmailForm, ErrorKind, ErrorPage, FormTarget, Href, Look, Page, PostForm, SignedOut,
    texts::{ENGLISH, LANGUAGES},
};

use samples::{AT, BELIEVABLE, REFERENCE, Words, all, branded, choice, kinds};

const CSS: &str = include_str!("../templates/page.css");

/// What a stranger would put into a name, a label or a parameter to break out of text, of an attribute, of the style or of a comment.
const HOSTILE: Words<'_> = Words {
    app: "</title></h1><script>alert(1)</script>",
    providers: ["\"><img src=x onerror=alert(1)>", "' autofocus onfocus='alert(1)", "</style><svg/onload=alert(1)>"],
    person: "<a href=javascript:alert(1)>ada</a>",
    value: "javascript:alert(1)//\"'><script>alert(1)</script><!--\r\nSet-Cookie: a=b\u{202e}",
};

#[tokio::test]
async fn every_page_reads_like_this() {
    let ours = Appearance::default();
    for texts in LANGUAGES.iter().filter(|texts| ["en", "de", "ar"].contains(&texts.lang)) {
        for (name, page) in all(&BELIEVABLE) {
            let (status, headers, html) = sent_as(&*page, &ours.look(texts)).await;
            let own = ["allow", "retry-after"].iter().filter_map(|name| Some(format!("{name}: {}\n", headers.get(*name)?.to_str().ok()?)));
            let name = if texts.lang == "en" { name } else { format!("{}/{name}", texts.lang) };
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(name, format!("{status}\n{}\n{}", own.collect::<String>(), html.replace(CSS, "…")));
            });
        }
    }
}

#[tokio::test]
async fn every_page_speaks_every_language_whole() {
    let ours = Appearance::default();
    for texts in LANGUAGES {
        let mut titles = HashSet::new();
        for (name, page) in all(&BELIEVABLE) {
            let (_, headers, html) = sent_as(&*page, &ours.look(texts)).await;
            let document = Html::parse_document(&html);
            let said: String = one(&document, "body").text().chain(one(&document, "title").text()).collect();
            assert!(!said.contains(['{', '}']), "{} {name}: a slot without a filling: {said}", texts.lang);
            assert!(!said.contains("  ") && !said.contains(" ."), "{} {name}: a gap: {said}", texts.lang);
            assert_eq!(one(&document, "html").attr("lang"), Some(texts.lang), "{name}");
            assert_eq!(one(&document, "html").attr("dir"), Some(texts.dir), "{name}");
            assert_eq!(text(&headers, "content-language"), texts.lang, "{name}");
            titles.insert(one(&document, "title").text().collect::<String>());
        }
        assert!(titles.len() > kinds("").len(), "{}: titles tell the pages apart: {titles:?}", texts.lang);
    }
}

#[tokio::test]
async fn error_pages_read_well_while_neither_app_nor_provider_is_known() {
    let ours = Appearance::default();
    for texts in LANGUAGES {
        for kind in kinds("detail") {
            let html = sent_as(&ErrorPage::new(kind.clone(), REFERENCE, AT), &ours.look(texts)).await.2;
            let document = Html::parse_document(&html);
            for said in select(&document, "h1, main > p").map(|part| part.text().collect::<String>()) {
                assert!(
                    !said.contains(['{', '}']) && !said.contains("  ") && !said.contains(" .") && !said.contains(" ,"),
                    "{}: {said}",
                    texts.lang
                );
                assert!(said.trim() == said && !said.is_empty(), "{} {}: {said:?}", texts.lang, kind.code());
            }
        }
    }
}

#[tokio::test]
async fn attack_64_oauth_2_1_section_7_11_rfc_9700_section_4_16_asvs_3_4_6_no_page_can_be_framed_cached_or_leak_its_address() {
    let houses = [Appearance::default(), branded()];
    let looks = houses.iter().map(|house| house.look(&ENGLISH));
    for (look, (name, page)) in looks.flat_map(|look| all(&BELIEVABLE).into_iter().map(move |sample| (look.clone(), sample))) {
        let (_, headers, html) = sent_as(&*page, &look).await;
        let policy = text(&headers, "content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{name}: {policy}");
        assert!(policy.ends_with("; frame-ancestors 'none'"), "{name}: {policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{name}: {policy}");
        // One page sends itself, by one script that the policy names; no other has any.
        let scripts: Vec<_> = select(&Html::parse_document(&html), "script").map(|script| script.inner_html()).collect();
        let allowed = scripts.iter().map(|script| format!("script-src 'sha256-{}';", STANDARD.encode(Sha256::digest(script))));
        assert_eq!(scripts.len(), usize::from(name == "form-post"), "{name}");
        assert!(allowed.clone().all(|source| policy.contains(&source)), "{name}: {policy}");
        assert_eq!(policy.matches("script").count(), scripts.len(), "{name}: {policy}");
        for (header, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("content-type", "text/html; charset=utf-8"),
            ("content-language", "en"),
        ] {
            assert_eq!(text(&headers, header), value, "{name}: {header}");
        }
        assert!(text(&headers, "permissions-policy").contains("camera=()"), "{name}");

        let style = one(&Html::parse_document(&html), "style").inner_html();
        let digest = format!("style-src 'sha256-{}';", STANDARD.encode(Sha256::digest(style)));
        assert!(policy.contains(&digest), "{name}: the style in the page is not the one the policy lets through");
    }
}

#[tokio::test]
async fn attack_65_hostile_words_stay_words() {
    let honest = all(&BELIEVABLE);
    let hostile = all(&HOSTILE);
    for ((name, honest), (_, hostile)) in honest.iter().zip(&hostile) {
        let (_, _, honest) = sent(&**honest).await;
        let (_, headers, hostile) = sent(&**hostile).await;
        let (honest, hostile) = (Html::parse_document(&honest), Html::parse_document(&hostile));
        assert_eq!(skeleton(&hostile), skeleton(&honest), "{name}: hostile words changed the structure of the page");
        assert_eq!(hostile.errors, honest.errors, "{name}");
        assert!(!headers.contains_key("set-cookie"), "{name}");
        for link in select(&hostile, "[href], [action]") {
            let address = link.attr("href").or(link.attr("action")).unwrap_or_default();
            let ours = ["/", "https://grafana.example.com/", "https://wiki.example.com/", "app.immich:///"];
            let navigates = ours.iter().any(|begins| address.starts_with(begins));
            assert!(navigates || address.starts_with("data:image/svg+xml,"), "{name}: {address}");
        }
    }
    let shown = |name: &str| hostile.iter().find(|(sample, _)| sample == name).unwrap().1.render(&Look::default()).unwrap();
    let mismatch = Html::parse_document(&shown("error-redirect_mismatch"));
    let values: Vec<String> = select(&mismatch, "details dd").map(|value| value.text().collect()).collect();
    let written_out = HOSTILE.value.replace("\r\n", "\\u{d}\\u{a}").replace('\u{202e}', "\\u{202e}");
    assert!(values.contains(&written_out), "the developer sees what came, and nothing invisible: {values:?}");
}

#[tokio::test]
async fn attack_65_names_of_any_length_leave_the_page_readable() {
    let long = "W".repeat(100_000);
    for (name, page) in all(&Words { app: &long, providers: [&long, &long, &long], person: &long, value: "x" }) {
        assert!(sent(&*page).await.2.len() < 24 * 1024, "{name}");
    }
    let page = ErrorPage::new(ErrorKind::RequestInvalid { detail: long.clone() }, long.clone(), AT).app(long.clone()).detail("nonce", long);
    assert!(sent(&page).await.2.len() < 24 * 1024);
}

#[tokio::test]
async fn attack_32_a_page_about_a_wrong_address_links_to_none() {
    let href = || Href::app("https://evil.example/cb").unwrap();
    for kind in kinds("https://evil.example/cb") {
        let distrusted = matches!(kind, ErrorKind::ClientUnknown | ErrorKind::RedirectMismatch { .. });
        let page = ErrorPage::new(kind, REFERENCE, AT).back(href());
        let (_, headers, html) = sent(&page).await;
        assert!(!headers.contains_key("location") && !headers.contains_key("refresh"));
        assert_eq!(select(&Html::parse_document(&html), "a").count(), usize::from(!distrusted), "{:?}", page.kind());
    }
}

#[tokio::test]
async fn every_page_is_well_formed_and_needs_nothing_else() {
    for (name, page) in all(&BELIEVABLE) {
        let html = sent(&*page).await.2;
        let document = Html::parse_document(&html);
        assert!(document.errors.is_empty(), "{name}: {:?}", document.errors);
        // Only what tells apps of a logout is framed (OpenID Connect Front-Channel Logout 1.0 §3).
        let frames = if name == "signed-out-told" { 2 } else { 0 };
        assert_eq!(select(&document, "iframe[sandbox][hidden]").count(), frames, "{name}");
        assert_eq!(
            select(&document, "script[src], iframe:not([hidden]), object, embed, img, base, link:not([rel=icon]), style:not(head style)")
                .count(),
            0,
            "{name}"
        );
        for element in select(&document, "*") {
            for (attribute, _) in element.value().attrs() {
                assert!(attribute != "style" && attribute != "target" && !attribute.starts_with("on"), "{name}: {attribute}");
            }
        }
    }
}

#[tokio::test]
async fn wcag_every_page_has_its_landmarks_language_and_names() {
    let mut titles = HashSet::new();
    for (name, page) in all(&BELIEVABLE) {
        let document = Html::parse_document(&sent(&*page).await.2);
        assert_eq!(one(&document, "html").attr("lang"), Some("en"), "{name}");
        assert_eq!(one(&document, "html").attr("dir"), Some("ltr"), "{name}");
        assert!(!one(&document, "main h1").text().collect::<String>().trim().is_empty(), "{name}");
        assert_eq!(select(&document, "h1").count(), 1, "{name}");
        assert_eq!(select(&document, "body > div > header").count(), 1, "{name}");
        let viewport = one(&document, "meta[name=viewport]").attr("content").unwrap();
        assert!(!viewport.contains("maximum-scale") && !viewport.contains("user-scalable"), "{name}: zooming stays possible");
        titles.insert(one(&document, "title").text().collect::<String>());
        for control in select(&document, "a, button, summary") {
            assert!(!control.text().collect::<String>().trim().is_empty(), "{name}: a control without a name");
        }
        for picture in select(&document, "svg") {
            assert_eq!(picture.attr("aria-hidden"), Some("true"), "{name}: pictures here only decorate");
        }
    }
    assert!(titles.len() > kinds("").len(), "titles tell the pages apart: {titles:?}");
}

#[tokio::test]
async fn every_page_fits_into_the_first_round_trip() {
    let theirs = branded();
    for texts in LANGUAGES {
        for (name, page) in all(&BELIEVABLE) {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
            gzip.write_all(sent_as(&*page, &theirs.look(texts)).await.2.as_bytes()).unwrap();
            let size = gzip.finish().unwrap().len();
            assert!(size <= 14 * 1024, "{} {name}: {size} bytes compressed", texts.lang);
        }
    }
    assert_eq!(select(&Html::parse_document(&named("chooser-nine")), "main a.button svg").count(), 9, "nine providers are among them");
}

#[tokio::test]
async fn every_button_of_a_chooser_has_the_same_shape() {
    for name in ["chooser", "chooser-one", "chooser-nine", "chooser-trouble", "chooser-long"] {
        let document = Html::parse_document(&named(name));
        for button in select(&document, ".choices a") {
            assert_eq!(button.attr("class"), Some("button"), "{name}: one size, and none stands out");
            let children: Vec<_> = button.child_elements().map(|child| child.attr("class").unwrap_or_default().to_owned()).collect();
            assert!(matches!(children[0].as_str(), "icon" | "key") && children[1] == "grow", "{name}: {children:?}");
        }
    }
    let document = Html::parse_document(&named("chooser-nine"));
    let says = |id: &str| one(&document, &format!("a[data-provider={id}] .grow")).text().collect::<String>();
    assert_eq!(says("google"), "Sign in with Google");
    assert_eq!(says("facebook"), "Continue with Facebook");
}

#[tokio::test]
async fn a_provider_in_trouble_is_marked_and_stays_a_link() {
    let document = Html::parse_document(&named("chooser-trouble"));
    let marked: Vec<_> = select(&document, "a[href]:has(.trouble)").filter_map(|a| a.attr("data-provider")).collect();
    assert_eq!(marked, ["partner"]);
    let badges: Vec<String> = select(&document, "a[data-provider=partner] .badge").map(|badge| badge.text().collect()).collect();
    assert_eq!(badges, ["Having problems right now", "Last used"]);
}

#[tokio::test]
async fn attack_66_an_address_is_posted_to_us_and_the_answer_tells_nothing_of_anybody() {
    let page = |unknown| Chooser {
        client_name: Some("Grafana".to_owned()),
        returns_to: None,
        choices: vec![choice("acme", "Acme")],
        last_used: None,
        email: Some(EmailForm {
            form: PostForm { action: Href::local("/login").unwrap(), fields: vec![("attempt", "01JDF3M8".to_owned())] },
            unknown,
        }),
    };
    let (_, headers, asked) = sent(&page(false)).await;
    assert!(text(&headers, "content-security-policy").contains("; form-action 'self'; "));
    let document = Html::parse_document(&asked);
    assert_eq!((one(&document, "form").attr("method"), one(&document, "form").attr("action")), (Some("post"), Some("/login")));
    assert_eq!(one(&document, "input[name=email]").attr("autocomplete"), Some("email"));
    assert_eq!(one(&document, "label").attr("for"), one(&document, "input[name=email]").attr("id"));
    assert_eq!(one(&document, "input[type=hidden]").attr("value"), Some("01JDF3M8"));

    let again = sent(&page(true)).await.2;
    let notice = "<p class=\"notice\" role=\"status\">Choose how to continue.</p>";
    let lead = "<p class=\"lead\">Choose how to continue to <bdi class=\"name\">Grafana</bdi>.</p>";
    assert_eq!(again.replace(notice, lead), asked, "an unknown domain changes one sentence, which names nobody");
}

#[tokio::test]
async fn attack_66_ways_to_sign_in_change_by_posted_forms_with_a_token_and_never_by_a_link() {
    let document = Html::parse_document(&named("account"));
    let links: Vec<_> = select(&document, "main a").map(|link| link.attr("href").unwrap()).collect();
    let app = "https://wiki.example.com/login?iss=https%3A%2F%2Fsso.example.com";
    assert_eq!(links, [app, "/logout"], "links lead to apps, and to the question whether to sign out; nowhere else in the house");
    for form in select(&document, "form") {
        assert_eq!(form.attr("method"), Some("post"));
        assert!(form.attr("action").unwrap().starts_with("/account/"));
        let fields = Selector::parse("input[type=hidden][name=csrf]").unwrap();
        assert_eq!(form.select(&fields).count(), 1);
    }
    assert_eq!(select(&document, "details form").count(), 8, "each is asked for once more before it goes");
    assert_eq!(select(&document, ".choices form").count(), 2);

    let only = Html::parse_document(&named("account-one"));
    assert_eq!((select(&only, "details").count(), select(&only, ".only").count()), (0, 1), "the last way in stays");
    let stale = Html::parse_document(&named("account-stale"));
    assert_eq!((select(&stale, "form").count(), select(&stale, "main a.solid").count()), (0, 1), "first the person signs in again");
}

#[tokio::test]
async fn an_operators_name_words_and_links_stand_on_every_page() {
    let theirs = branded();
    for (name, page) in all(&BELIEVABLE) {
        let document = Html::parse_document(&sent_as(&*page, &theirs.look(&ENGLISH)).await.2);
        assert_eq!(one(&document, "header").text().collect::<String>(), "Corp ID", "{name}");
        assert_eq!(one(&document, "footer p").text().collect::<String>(), "Run by Corp IT, room 4.12.", "{name}");
        let links: Vec<_> = select(&document, "footer a").filter_map(|a| a.attr("href")).collect();
        assert_eq!(links, ["mailto:help@corp.example", "https://corp.example/privacy"], "{name}");
        if name.starts_with("chooser") {
            assert_eq!(one(&document, "h1").text().collect::<String>(), "Welcome to Corp");
        }
    }
    assert_eq!(select(&Html::parse_document(&named("chooser")), "footer").count(), 0, "without links and words there is no footer");
}

#[tokio::test]
async fn error_pages_carry_code_reference_and_time_and_every_kind_its_own_words() {
    let (mut codes, mut words) = (HashSet::new(), HashSet::new());
    for kind in kinds("detail") {
        let said = ENGLISH.errors.of(&kind);
        assert!(codes.insert(kind.code()), "{}", kind.code());
        assert!(words.insert((said.title, said.why)), "{}", kind.code());
        assert!(kind.status().is_client_error() || kind.status().is_server_error());
        let page = ErrorPage::new(kind.clone(), REFERENCE, AT);
        let (status, _, html) = sent(&page).await;
        let document = Html::parse_document(&html);
        assert_eq!(status, kind.status());
        assert_eq!(one(&document, "main").attr("data-code"), Some(kind.code()));
        assert_eq!(one(&document, ".reference").inner_html(), REFERENCE);
        assert_eq!(one(&document, "time").attr("datetime"), Some("2026-11-24T09:41:07Z"));
        assert_eq!(one(&document, "details").attr("open"), None, "what is for developers is closed at first");
        assert!(!one(&document, "main").html().contains('{'), "{}: a slot without a filling", kind.code());
    }
}

#[tokio::test]
async fn attack_66_the_question_before_signing_out_posts_to_us_alone_and_may_end_at_the_app() {
    let page = |ends_at| ConfirmLogout {
        client_name: Some("Grafana".to_owned()),
        action: Href::local("/logout").unwrap(),
        fields: vec![("csrf", "k3v9Qm".to_owned())],
        stay: None,
        ends_at,
    };
    let app = FormTarget::of(&Url::parse("https://grafana.example.com:8443/signed-out?a=b").unwrap());
    let (_, headers, html) = sent(&page(app)).await;
    assert!(text(&headers, "content-security-policy").contains("; form-action 'self' https://grafana.example.com:8443; "));
    let document = Html::parse_document(&html);
    assert_eq!((one(&document, "form").attr("method"), one(&document, "form").attr("action")), (Some("post"), Some("/logout")));
    assert_eq!(one(&document, "input[type=hidden][name=csrf]").attr("value"), Some("k3v9Qm"));

    let (_, headers, _) = sent(&page(None)).await;
    assert!(text(&headers, "content-security-policy").contains("; form-action 'self'; "));
    let (_, headers, _) = sent(&SignedOut { client_name: None, back: None, goes_on: false, told: Vec::new(), frames: Vec::new() }).await;
    assert!(text(&headers, "content-security-policy").contains("; form-action 'none'; "));
}

#[tokio::test]
async fn the_badge_marks_the_provider_used_last_and_no_other() {
    let chooser = |last_used: Option<&str>| Chooser {
        client_name: Some("Grafana".to_owned()),
        returns_to: Some("grafana.example.com".to_owned()),
        choices: vec![choice("acme", "ACME"), choice("zeta", "ZETA")],
        last_used: last_used.map(str::to_owned),
        email: None,
    };
    let badges = async |last_used| {
        let document = Html::parse_document(&sent(&chooser(last_used)).await.2);
        let marked: Vec<String> = select(&document, "a:has(.badge)").filter_map(|a| a.attr("data-provider").map(str::to_owned)).collect();
        let order: Vec<String> = select(&document, "a").filter_map(|a| a.attr("href").map(str::to_owned)).collect();
        assert_eq!(
            order,
            ["/login/acme?attempt=01JDF3M8", "/login/zeta?attempt=01JDF3M8"],
            "the order is the caller's, whatever was used last"
        );
        marked
    };
    assert_eq!(badges(Some("zeta")).await, ["zeta"]);
    assert!(badges(Some("gone")).await.is_empty());
    assert!(badges(None).await.is_empty());
}

#[test]
fn wcag_1_4_3_text_has_contrast_in_both_themes() {
    let (light, rest) = CSS.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let dark = rest.split_once("@media").unwrap().0;
    let page = Chooser { client_name: None, returns_to: None, choices: Vec::new(), last_used: None, email: None };
    let html = page.render(&branded().look(&ENGLISH)).unwrap();
    let brand = html.split_once(CSS).unwrap().1.split_once("</style>").unwrap().0;
    let (brand_light, brand_dark) = brand.split_once("@media (prefers-color-scheme: dark)").unwrap();
    // What stands first is found first: a brand's colours, then ours.
    let branded = [format!("{brand_light}{light}"), format!("{brand_dark}{dark}")];
    for (theme, css) in [("light", light), ("dark", dark), ("branded light", &branded[0]), ("branded dark", &branded[1])] {
        let luminance = |name: &str| luminance(css, name);
        let contrast = |a: &str, b: &str| {
            let (a, b) = (luminance(a), luminance(b));
            (a.max(b) + 0.05) / (a.min(b) + 0.05)
        };
        let text = [
            ("ink", "card"),
            ("ink", "tint"),
            ("ink", "well"),
            ("quiet", "card"),
            ("quiet", "well"),
            ("accent", "tint"),
            ("accent", "card"),
            ("warn", "warn-tint"),
            ("on-accent", "accent"),
            ("on-accent", "accent-strong"),
        ];
        for (ink, paper) in text {
            assert!(contrast(ink, paper) >= 4.5, "{theme}: {ink} on {paper} is {:.2}", contrast(ink, paper));
        }
        // WCAG 1.4.11 and 2.4.13: edges of controls, pictures and the focus ring.
        for (shape, paper) in [("edge", "card"), ("accent", "card"), ("accent", "ground")] {
            assert!(contrast(shape, paper) >= 3.0, "{theme}: {shape} on {paper} is {:.2}", contrast(shape, paper));
        }
    }
}

/// Relative luminance (WCAG 2.2) of the custom property `--name`.
fn luminance(css: &str, name: &str) -> f64 {
    let hex = css.split_once(&format!("--{name}: #")).unwrap_or_else(|| panic!("no colour {name}")).1;
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

/// A sample as it is in English.
fn named(name: &str) -> String {
    let found = all(&BELIEVABLE).into_iter().find(|(sample, _)| sample == name);
    found.unwrap_or_else(|| panic!("no sample {name}")).1.render(&Look::default()).unwrap()
}

async fn sent(page: &dyn Page) -> (http::StatusCode, HeaderMap, String) {
    sent_as(page, &Look::default()).await
}

async fn sent_as(page: &dyn Page, look: &Look<'_>) -> (http::StatusCode, HeaderMap, String) {
    let response = page.respond(look);
    let (status, headers) = (response.status(), response.headers().clone());
    (status, headers, response.into_body().into_string().await.unwrap())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
    headers[name].to_str().unwrap()
}

fn select<'a>(document: &'a Html, selector: &str) -> impl Iterator<Item = ElementRef<'a>> {
    let selector = Selector::parse(selector).unwrap();
    document.select(&selector).collect::<Vec<_>>().into_iter()
}

fn one<'a>(document: &'a Html, selector: &str) -> ElementRef<'a> {
    let mut found = select(document, selector);
    let first = found.next().unwrap_or_else(|| panic!("no {selector}"));
    assert!(found.next().is_none(), "more than one {selector}");
    first
}

/// The page without its words: every element with the names of its attributes, in order.
fn skeleton(document: &Html) -> Vec<(String, Vec<String>)> {
    let attributes = |element: &ElementRef<'_>| {
        let mut names: Vec<String> = element.value().attrs().map(|(name, _)| name.to_owned()).collect();
        names.sort();
        names
    };
    select(document, "*").map(|element| (element.value().name().to_owned(), attributes(&element))).collect()
}
