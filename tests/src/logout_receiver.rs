//! An app that is told of logouts: `tests/bench/logout_receiver.mjs`, on npm `jose`.

use serde_json::{Value, json};

use crate::{
    Client, Program, node,
    person::{VERIFIER, plain_client},
};

/// A running app.
#[derive(Debug)]
pub struct LogoutReceiver {
    program: Program,
}

impl LogoutReceiver {
    /// Starts it; it believes tokens of `gateway`, its issuer name.
    pub fn start(gateway: &str) -> Self {
        Self { program: Program::start(node("logout_receiver.mjs", &json!({ "issuer": gateway }))) }
    }

    /// Where it answers.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.program.url)
    }

    /// Tells it who it is.
    pub async fn is(&self, client: &Client) {
        self.post("/client", &json!({ "client_id": client.client_id, "client_secret": client.client_secret, "verifier": VERIFIER })).await;
    }

    /// Answers every logout token with 503 from now on, or no longer.
    pub async fn is_deaf(&self, deaf: bool) {
        self.post(if deaf { "/bench/deaf" } else { "/bench/hears" }, &json!({})).await;
    }

    async fn post(&self, path: &str, body: &Value) {
        let answer = plain_client().post(self.url(path)).json(body).send().await.expect("the app answers");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }

    /// What it has heard so far.
    pub async fn heard(&self) -> Value {
        let answer = plain_client().get(self.url("/bench/heard")).send().await.expect("the app answers");
        answer.json().await.expect("it answers with JSON")
    }

    /// Waits until as many logout tokens as that were believed; what was heard by then.
    pub async fn hears(&self, tokens: usize) -> Value {
        let began = std::time::Instant::now();
        loop {
            let heard = self.heard().await;
            if heard["backchannel"].as_array().is_some_and(|all| all.len() >= tokens) {
                return heard;
            }
            assert!(began.elapsed().as_secs() < 90, "not told: {heard:#}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    }
}
