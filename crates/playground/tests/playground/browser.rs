//! As much of a browser as pages without scripts need: cookies, links, forms. Redirects are handed back to be looked at.

use std::{collections::BTreeMap, sync::Mutex};

use reqwest::{Client, Method, StatusCode, redirect::Policy};
use scraper::{Html, Selector};
use url::Url;

pub(crate) struct Browser {
    http: Client,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// What came back.
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

pub(crate) fn http() -> Client {
    Client::builder().no_proxy().redirect(Policy::none()).build().unwrap()
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { http: http(), cookies: Mutex::default() }
    }

    pub(crate) async fn open(&self, url: &str) -> Page {
        self.send(Method::GET, url, None).await
    }

    pub(crate) async fn post(&self, url: &str, form: &[(&str, &str)]) -> Page {
        self.send(Method::POST, url, Some(form)).await
    }

    /// Presses the button of that label, with everything else its form holds.
    pub(crate) async fn press(&self, page: &Page, label: &str) -> Page {
        let (action, fields) = page.button(label);
        let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.post(page.url.join(&action).unwrap().as_str(), &fields).await
    }

    /// Follows redirects to the page they end at.
    pub(crate) async fn follow(&self, mut page: Page) -> Page {
        for _ in 0..10 {
            let Some(next) = page.location() else { return page };
            page = self.open(next.as_str()).await;
        }
        panic!("redirects without end");
    }

    async fn send(&self, method: Method, url: &str, form: Option<&[(&str, &str)]>) -> Page {
        let cookies = self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut request = self.http.request(method, url).header("cookie", cookies);
        if let Some(form) = form {
            request = request.header("content-type", "application/x-www-form-urlencoded").body(encode(form));
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            self.cookies.lock().unwrap().insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
        }
        let (url, status, headers) = (response.url().clone(), response.status(), response.headers().clone());
        Page { url, status, headers, body: response.text().await.unwrap() }
    }
}

impl Page {
    pub(crate) fn location(&self) -> Option<Url> {
        let location = self.headers.get("location")?.to_str().unwrap();
        assert_eq!(self.status, StatusCode::SEE_OTHER);
        Some(self.url.join(location).unwrap())
    }

    /// A parameter of the address that one is sent to.
    pub(crate) fn sent_with(&self, name: &str) -> Option<String> {
        self.location()?.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Which page it says it is.
    pub(crate) fn name(&self) -> String {
        self.find("main").value().attr("data-page").unwrap().to_owned()
    }

    pub(crate) fn text(&self, selector: &str) -> String {
        self.find(selector).text().collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn find(&self, selector: &str) -> FoundElement {
        let html = Html::parse_document(&self.body);
        let found = html.select(&Selector::parse(selector).unwrap()).next();
        let found = found.unwrap_or_else(|| panic!("no {selector} in {}", self.body));
        FoundElement(Html::parse_fragment(&found.html()), found.value().clone())
    }

    /// Where a button's form goes, and with what.
    fn button(&self, label: &str) -> (String, Vec<(String, String)>) {
        let html = Html::parse_document(&self.body);
        let all = |scope: &scraper::ElementRef<'_>, selector: &str| {
            scope.select(&Selector::parse(selector).unwrap()).map(|found| found.value().clone()).collect::<Vec<_>>()
        };
        for form in html.select(&Selector::parse("form").unwrap()) {
            for button in form.select(&Selector::parse("button").unwrap()) {
                if !button.text().collect::<String>().contains(label) {
                    continue;
                }
                let action = button.value().attr("formaction").or(form.value().attr("action")).unwrap().to_owned();
                let inputs = all(&form, "input:not([type=checkbox]), input[checked]").into_iter().chain([button.value().clone()]);
                let pair = |input: scraper::node::Element| {
                    Some((input.attr("name")?.to_owned(), input.attr("value").unwrap_or_default().to_owned()))
                };
                return (action, inputs.filter_map(pair).collect());
            }
        }
        panic!("no button {label:?} in {}", self.body);
    }
}

pub(crate) struct FoundElement(Html, scraper::node::Element);

impl FoundElement {
    pub(crate) fn value(&self) -> &scraper::node::Element {
        &self.1
    }

    pub(crate) fn text(&self) -> impl Iterator<Item = &str> {
        self.0.root_element().text()
    }
}

pub(crate) fn encode(form: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// What every page of the playground keeps to.
pub(crate) fn assert_is_a_calm_page(page: &Page) {
    let header = |name: &str| page.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("x-frame-options"), "DENY");
    for outside in ["<script", "javascript:", " onclick", "src=", "@import", "url(", " style="] {
        assert!(!page.body.contains(outside), "{outside}");
    }
    assert!(page.body.len() < 64 * 1024, "{}", page.body.len());
    let html = Html::parse_document(&page.body);
    assert_eq!(html.select(&Selector::parse("h1").unwrap()).count(), 1);
    assert_eq!(html.select(&Selector::parse("html[lang]").unwrap()).count(), 1);
    for field in html.select(&Selector::parse("input:not([type=hidden])").unwrap()) {
        let label = format!("label[for={}]", field.value().attr("id").unwrap());
        assert_eq!(html.select(&Selector::parse(&label).unwrap()).count(), 1, "{label}");
    }
}
