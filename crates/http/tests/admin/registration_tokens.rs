//! Tokens that let apps register themselves, as operators see them.

use http::{Method, StatusCode};
use serde_json::json;

use super::Desk;

#[tokio::test]
async fn registration_tokens_are_listed_a_page_at_a_time() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c", "d", "e"] {
        let made = desk.send(Method::POST, "/registration-tokens", &[], json!({ "name": name }).to_string()).await;
        ids.push(made.json()["id"].as_str().unwrap().to_owned());
        desk.later();
    }
    assert_eq!(desk.walk("/registration-tokens", "id").await, (ids.clone(), 3));
    for wrong in ["after=x", "limit=0", "limit=201"] {
        let refused = desk.get(&format!("/registration-tokens?{wrong}")).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::BAD_REQUEST, "invalid_parameter"), "{wrong}: {}", refused.body);
    }
    // The next page is found although the last one of the page before is gone.
    assert_eq!(desk.delete(&format!("/registration-tokens/{}", ids[1]), None).await.status, StatusCode::NO_CONTENT);
    let rest = desk.get(&format!("/registration-tokens?after={}", ids[1])).await.json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 3);
}
