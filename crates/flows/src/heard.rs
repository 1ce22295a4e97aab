//! What requests a provider was asked within one step of a login: for its trace. The adapters tell the observer of each request, and the observer tells
//! this; whoever listens on the same task hears of it, and nobody else.

use std::{cell::RefCell, time::Duration};

use vestibule_domain::{login_trace::UpstreamRequest, provider::Phase};

/// More requests than any step makes of a provider.
const MOST: usize = 40;

tokio::task_local! {
    static HEARD: RefCell<Vec<UpstreamRequest>>;
}

/// Does something, and what was asked of a provider meanwhile.
pub(crate) async fn listening<T>(work: impl Future<Output = T>) -> (T, Vec<UpstreamRequest>) {
    HEARD
        .scope(RefCell::default(), async {
            let done = work.await;
            (done, HEARD.with(RefCell::take))
        })
        .await
}

/// For an [`Observer`](vestibule_domain::ports::Observer) that is told of a request: the login that it was made for hears of it.
pub fn note_upstream_request(phase: Phase, status: Option<u16>, took: Duration) {
    let request = UpstreamRequest { phase, status, took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) };
    // Outside a login nobody listens.
    let _ = HEARD.try_with(|heard| {
        let mut heard = heard.borrow_mut();
        if heard.len() < MOST {
            heard.push(request);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_listens_hears_of_its_own_requests_and_of_no_others() {
        let took = Duration::from_millis(7);
        note_upstream_request(Phase::Token, None, took);
        let one = listening(async {
            note_upstream_request(Phase::Token, Some(200), took);
            tokio::task::yield_now().await;
            note_upstream_request(Phase::Userinfo, None, took);
        });
        let other = listening(async {
            tokio::task::yield_now().await;
            note_upstream_request(Phase::Keys, Some(500), took);
        });
        let (((), one), ((), other)) = tokio::join!(one, other);
        let said = |heard: Vec<UpstreamRequest>| heard.into_iter().map(|one| (one.phase, one.status, one.took_ms)).collect::<Vec<_>>();
        assert_eq!(said(one), [(Phase::Token, Some(200), 7), (Phase::Userinfo, None, 7)]);
        assert_eq!(said(other), [(Phase::Keys, Some(500), 7)]);
    }
}
