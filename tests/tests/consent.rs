//! The question whether an app may have what it asks for, and answers in a form, in a browser: light, dark, narrow, and without JavaScript.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use vestibule_tests::{Client, House, Person, Upstream, browser, screenshots};

/// An app that says what it was sent: the method, and the parameters wherever they came.
async fn app() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
    let address = listener.local_addr().expect("a bound listener has an address");
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 16 * 1024];
                let mut read = 0;
                // A browser sends the head of a form first and its body right after.
                while let Ok(more) = connection.read(&mut request[read..]).await {
                    read += more;
                    let text = String::from_utf8_lossy(&request[..read]).into_owned();
                    let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| head.starts_with("GET ") || !body.is_empty());
                    if whole || more == 0 {
                        let shown = text.replace('&', " ").replace('<', "");
                        let page = format!("<!doctype html><html lang=en><title>App</title><pre>{shown}</pre>");
                        let head =
                            format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close", page.len());
                        let _ = connection.write_all(format!("{head}\r\n\r\n{page}").as_bytes()).await;
                        return;
                    }
                }
            });
        }
    });
    format!("http://{address}/callback")
}

async fn asking(house: &House, callback: &str) -> Client {
    let app = json!({ "client_name": "Field Notes", "redirect_uris": [callback], "consent": "remembered",
        "scope": "openid profile email groups offline_access notes:write" });
    house.register(app).await
}

/// From the app's link to the first page of ours that is not the provider's.
fn signs_in(house: &House, client: &Client, callback: &str, extra: &[(&str, &str)]) -> Vec<Value> {
    let mut url = Person::authorize_url(house, client, callback, extra);
    let scope = "openid profile email groups offline_access notes:write";
    let pairs: Vec<_> = url.query_pairs().into_owned().filter(|(name, _)| name != "scope").collect();
    url.query_pairs_mut().clear().extend_pairs(pairs).append_pair("scope", scope);
    vec![
        json!({ "goto": url }),
        json!({ "click": "button[value=alice]", "optional": true }),
        json!({ "click": "#allow", "optional": true }),
    ]
}

#[tokio::test]
async fn a_person_reads_the_question_and_answers_it_in_every_screen() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let callback = app().await;
    let client = asking(&house, &callback).await;
    for (name, scheme, width, javascript) in
        [("light", "light", 1280, true), ("dark", "dark", 1280, true), ("narrow", "light", 390, false), ("narrow-dark", "dark", 390, true)]
    {
        let mut steps = signs_in(&house, &client, &callback, &[("prompt", "consent")]);
        steps.extend([
            json!({ "expect": "main[data-page=consent] h1", "text": "Field Notes" }),
            json!({ "expect": ".asks", "text": "notes:write" }),
            json!({ "screenshot": screenshots().join(format!("consent-{name}.png")) }),
            json!({ "click": "button[value=deny]" }),
            json!({ "expect": "pre", "text": "error=access_denied" }),
        ]);
        steps.extend(signs_in(&house, &client, &callback, &[("prompt", "consent")]));
        steps.extend([json!({ "click": "button[value=allow]" }), json!({ "expect": "pre", "text": "GET /callback?code=" })]);
        // Remembered: now straight through.
        steps.extend(signs_in(&house, &client, &callback, &[]));
        steps.push(json!({ "expect": "pre", "text": "GET /callback?code=" }));
        let seen = browser(json!({ "scheme": scheme, "width": width, "javascript": javascript }), json!(steps)).await;
        assert_eq!(house.complaints(&seen), [""; 0], "{name}");
    }
}

#[tokio::test]
async fn form_post_section_2_the_browser_posts_the_answer_with_and_without_javascript() {
    let (house, _upstream) = House::start(Upstream::start).await;
    let callback = app().await;
    let client = asking(&house, &callback).await;
    for javascript in [true, false] {
        let mut steps = signs_in(&house, &client, &callback, &[("response_mode", "form_post"), ("prompt", "consent")]);
        steps.push(json!({ "click": "button[value=allow]" }));
        if !javascript {
            steps.push(json!({ "expect": "main[data-page=form-post] h1", "text": "Field Notes" }));
            steps.push(json!({ "screenshot": screenshots().join("form-post.png") }));
            steps.push(json!({ "click": "button" }));
        }
        steps
            .extend(["POST /callback", "code=", "state=state-of-the-app", "iss=http"].map(|text| json!({ "expect": "pre", "text": text })));
        let seen = browser(json!({ "javascript": javascript }), json!(steps)).await;
        assert_eq!(house.complaints(&seen), [""; 0], "javascript: {javascript}");
    }
}
