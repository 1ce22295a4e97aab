//! Nodes on one PostgreSQL tell each other what they changed, in the transaction that changed it.
//!
//! A notification is heard after its commit and says only what to read again. While nobody listens the caches are off, so a broken
//! connection costs speed, never truth. A connection that is broken without a word is found by asking it every second.

use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::time::{sleep, timeout};
use uuid::Uuid;
use vestibule_domain::{
    ids::{AccountId, ClientId, GrantId, LinkId, SessionId},
    secret::Digest,
};

use crate::{
    caches::{Caches, Effect},
    errors::Fault,
    pen::Connection,
};

const CHANNEL: &str = "vestibule";

/// PostgreSQL takes payloads below 8,000 bytes.
const MOST_BYTES: usize = 7_900;

/// With [`ANSWER_WITHIN`], how long a node may miss changes without knowing it: two seconds.
const ASK_EVERY: Duration = Duration::from_secs(1);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// Tells every node, this one too, if the transaction commits. This one knows already and pays no heed to its own signature, unless it
/// never learns what became of the commit: then it has another one by now.
pub(crate) async fn tell(connection: &mut Connection, signature: u64, effects: &[Effect]) -> Result<(), Fault> {
    for payload in payloads(signature, effects) {
        connection.keys("SELECT ''::bytea FROM pg_notify($1, $2)", &[&CHANNEL.into(), &payload.into()]).await?;
    }
    Ok(())
}

fn payloads(signature: u64, effects: &[Effect]) -> Vec<String> {
    let mut payloads: Vec<String> = Vec::new();
    for word in effects.iter().filter_map(word) {
        match payloads.last_mut() {
            Some(payload) if payload.len() + 1 + word.len() < MOST_BYTES => {
                payload.push('\n');
                payload.push_str(&word);
            }
            _ => payloads.push(format!("{}\n{word}", signed(signature))),
        }
    }
    payloads
}

fn signed(signature: u64) -> String {
    format!("n{signature:x}")
}

fn hear(payload: &str, caches: &Caches) {
    let (signature, words) = match payload.split_once('\n') {
        Some((signature, words)) if signature.starts_with('n') => (Some(signature), words),
        _ => (None, payload),
    };
    if signature.is_some_and(|signature| signature == signed(caches.signature())) {
        return;
    }
    for word in words.split('\n') {
        match effect(word) {
            Some(effect) => caches.forget(&effect),
            // A newer release may speak of what this one doesn't know.
            None => caches.forget_all(),
        }
    }
}

/// Nothing for a row that is new to the world: nobody keeps that something is not there.
fn word(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Link(_, Some(_)) | Effect::Code(_, Some(_)) | Effect::Grant(_, Some(_)) => return None,
        Effect::Client(id, _) => format!("c{id}"),
        Effect::Account(id, _) => format!("a{}", id.0.simple()),
        Effect::Link(id, None) => format!("l{}", id.0.simple()),
        Effect::Providers => "p".to_owned(),
        Effect::Session(id, _) | Effect::SessionSeen(id, _) => format!("s{}", id.0.simple()),
        Effect::EverySession => "s".to_owned(),
        Effect::Code(digest, None) | Effect::CodeRedeemed(digest, _) => format!("d{}", digest.to_hex()),
        Effect::Grant(id, None) | Effect::GrantRotated(id, ..) => format!("g{}", id.0.simple()),
        Effect::EveryGrant => "g".to_owned(),
        Effect::Token(id) => format!("t{id}"),
    })
}

fn effect(word: &str) -> Option<Effect> {
    let id = || Uuid::try_parse(word.get(1..)?).ok();
    match word.as_bytes().first()? {
        b'c' => ClientId::parse(word.get(1..)?).ok().map(|id| Effect::Client(id, None)),
        b'a' => id().map(|id| Effect::Account(AccountId(id), None)),
        b'l' => id().map(|id| Effect::Link(LinkId(id), None)),
        b'p' => Some(Effect::Providers),
        b's' if word.len() == 1 => Some(Effect::EverySession),
        b's' => id().map(|id| Effect::Session(SessionId(id), None)),
        b'd' => Digest::from_hex(word.get(1..)?).map(|digest| Effect::Code(digest, None)),
        b'g' if word.len() == 1 => Some(Effect::EveryGrant),
        b'g' => id().map(|id| Effect::Grant(GrantId(id), None)),
        b't' => word.get(1..)?.parse().ok().map(Effect::Token),
        _ => None,
    }
}

/// Listens as long as the store lives, and switches the caches on and off with it.
pub(crate) struct Listener {
    pub(crate) pool: PgPool,
    pub(crate) caches: Arc<Caches>,
}

impl Listener {
    /// The first connection, so that a store begins with its caches on.
    pub(crate) async fn begin(&self) -> Result<PgListener, sqlx::Error> {
        let mut connection = PgListener::connect_with(&self.pool).await?;
        // A lost connection must show, so that the caches are off before anything is read that was changed meanwhile.
        connection.eager_reconnect(false);
        connection.listen(CHANNEL).await?;
        self.caches.switch_on();
        Ok(connection)
    }

    pub(crate) async fn run(self, first: PgListener) {
        let mut connection = Some(first);
        while !self.pool.is_closed() {
            if let Some(connection) = connection.take() {
                self.listen(connection).await;
                self.caches.switch_off();
                tracing::warn!("changes of other nodes are not heard; reading without caches");
            }
            match timeout(ANSWER_WITHIN * 5, self.begin()).await {
                Ok(Ok(again)) => {
                    tracing::info!("changes of other nodes are heard again");
                    connection = Some(again);
                }
                _ => sleep(ASK_EVERY).await,
            }
        }
    }

    /// Until the connection is lost.
    async fn listen(&self, mut connection: PgListener) {
        loop {
            match timeout(ASK_EVERY, connection.try_recv()).await {
                Ok(Ok(Some(heard))) => hear(heard.payload(), &self.caches),
                Ok(Ok(None) | Err(_)) => return,
                // Nothing heard for a while: because nothing was said?
                Err(_) => {
                    let asked = timeout(ANSWER_WITHIN, sqlx::query("SELECT 1").execute(&mut connection)).await;
                    if !matches!(asked, Ok(Ok(_))) {
                        return;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use vestibule_domain::{time::Timestamp, token::TokenId};

    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        let id = Uuid::from_u128(7);
        let effects = [
            Effect::Client(ClientId::parse("my-app").unwrap(), None),
            Effect::Account(AccountId(id), None),
            Effect::Session(SessionId(id), None),
            Effect::EverySession,
            Effect::Link(LinkId(id), None),
            Effect::Providers,
            Effect::Code(Digest([7; 32]), None),
            Effect::Grant(GrantId(id), None),
            Effect::EveryGrant,
            Effect::Token(TokenId { grant: Some(GrantId(id)), random: 5 }),
            Effect::Token(TokenId { grant: None, random: 5 }),
        ];
        for said in &effects {
            assert_eq!(format!("{:?}", effect(&word(said).unwrap()).unwrap()), format!("{said:?}"));
        }
        let code = |redeemed| word(&redeemed);
        assert_eq!(code(Effect::CodeRedeemed(Digest([7; 32]), Timestamp::default())), code(Effect::Code(Digest([7; 32]), None)));
        assert!(effect("zunknown").is_none());
        assert!(effect("").is_none());
    }

    #[test]
    fn much_news_is_said_in_pieces_the_database_takes() {
        let effects: Vec<Effect> = (0..1000).map(|at| Effect::Grant(GrantId(Uuid::from_u128(at)), None)).collect();
        let said = payloads(u64::MAX, &effects);
        assert!(said.iter().all(|payload| payload.len() < 8_000 && payload.starts_with("nffffffffffffffff\n")));
        assert_eq!(said.iter().map(|payload| payload.split('\n').count() - 1).sum::<usize>(), 1000);
        assert!(payloads(1, &[]).is_empty());
    }

    #[tokio::test]
    async fn what_is_heard_is_forgotten_and_what_is_not_understood_drops_everything() {
        let caches = Caches::new(1 << 20);
        let (token, other) = (TokenId { grant: None, random: 1 }, TokenId { grant: None, random: 2 });
        let keep = || async { caches.tokens.read(&token, async { Ok(Some(false)) }).await };
        keep().await.unwrap();
        hear(&format!("t{other}"), &caches);
        assert_eq!(caches.tokens.get(&token), Some(false));
        hear(&format!("t{other}\nt{token}"), &caches);
        assert_eq!(caches.tokens.get(&token), None);
        keep().await.unwrap();
        hear("z", &caches);
        assert_eq!(caches.tokens.get(&token), None);
    }

    #[tokio::test]
    async fn a_node_pays_no_heed_to_itself_unless_it_does_not_know_what_became_of_a_commit() {
        let caches = Caches::new(1 << 20);
        let token = TokenId { grant: None, random: 1 };
        let keep = || async { caches.tokens.read(&token, async { Ok(Some(false)) }).await };
        let said = || payloads(caches.signature(), &[Effect::Token(token)]).remove(0);
        keep().await.unwrap();
        let own = said();
        hear(&own, &caches);
        assert_eq!(caches.tokens.get(&token), Some(false), "it knows already");
        hear(&payloads(caches.signature() + 1, &[Effect::Token(token)]).remove(0), &caches);
        assert_eq!(caches.tokens.get(&token), None, "another node said so");

        caches.doubt([Effect::Token(token)].into_iter());
        keep().await.unwrap();
        hear(&own, &caches);
        assert_eq!(caches.tokens.get(&token), None, "it was committed after all");
        keep().await.unwrap();
        hear(&said(), &caches);
        assert_eq!(caches.tokens.get(&token), Some(false));
    }
}
