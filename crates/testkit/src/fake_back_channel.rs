//! Apps that hear of logouts: the fake behind the port.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use vestibule_domain::{
    ports::{BackChannel, Undelivered},
    redirect::RegisteredUri,
};

/// Remembers what was posted where, and answers as it is told: without a word, that all is well.
#[derive(Debug, Default)]
pub struct FakeBackChannel {
    posted: Mutex<Vec<(String, String)>>,
    answers: Mutex<HashMap<String, Answers>>,
}

#[derive(Clone, Copy, Debug)]
enum Answers {
    Never,
    With(&'static str),
}

impl FakeBackChannel {
    /// From now on, whatever is posted there fails; nothing mends it.
    pub fn fails_at(&self, uri: &str, why: Option<&'static str>) {
        match why {
            Some(why) => lock(&self.answers).insert(uri.to_owned(), Answers::With(why)),
            None => lock(&self.answers).remove(uri),
        };
    }

    /// From now on, nobody there ever answers.
    pub fn is_silent_at(&self, uri: &str) {
        lock(&self.answers).insert(uri.to_owned(), Answers::Never);
    }

    /// The logout tokens that were posted to an address so far, those that came to nothing too.
    pub fn posted_to(&self, uri: &str) -> Vec<String> {
        lock(&self.posted).iter().filter(|(to, _)| to == uri).map(|(_, token)| token.clone()).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl BackChannel for FakeBackChannel {
    async fn send(&self, to: &RegisteredUri, logout_token: &str) -> Result<(), Undelivered> {
        lock(&self.posted).push((to.as_str().to_owned(), logout_token.to_owned()));
        let answer = lock(&self.answers).get(to.as_str()).copied();
        match answer {
            None => Ok(()),
            Some(Answers::With(why)) => Err(Undelivered(why.to_owned())),
            Some(Answers::Never) => std::future::pending().await,
        }
    }
}
