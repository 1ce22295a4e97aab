//! The contract of the [`Store`] port: one suite, run by every adapter under its own name.
//!
//! ```text
//! vestibule_testkit::store_contract!(sqlite, SqliteBench);
//! vestibule_testkit::shared_store_contract!(sqlite_shared, SqliteBench);
//! ```
#![expect(clippy::unwrap_used, reason = "these are tests, in a library so that every adapter can run them")]

use std::sync::Arc;

use async_trait::async_trait;
use vestibule_domain::{
    client::Client,
    code::Code,
    ports::Store,
    store::{Changes, Contest, StoreError, Write},
};

use crate::sample::Sample;

mod access;
mod api_keys;
mod chain;
mod consents;
mod contests;
mod doors;
mod events;
mod life;
mod login_traces;
mod logouts;
mod registrations;
mod rows;
mod shared;
mod sinks;
mod stats;

pub use access::*;
pub use api_keys::*;
pub use chain::*;
pub use consents::*;
pub use contests::*;
pub use doors::*;
pub use events::*;
pub use life::*;
pub use login_traces::*;
pub use logouts::*;
pub use registrations::*;
pub use rows::*;
pub use shared::*;
pub use sinks::*;
pub use stats::*;

/// Where an adapter's stores come from. Each test has one of its own, empty at first.
#[async_trait]
pub trait Bench: Sized + Send + Sync {
    /// Makes it.
    async fn set_up() -> Self;
    /// The store.
    fn store(&self) -> Arc<dyn Store>;
    /// Another store on the same data, as another node or process has it. Asked only by the shared contract.
    async fn another(&self) -> Arc<dyn Store>;
    /// Takes it away.
    async fn tear_down(self);
}

/// Runs one test of the contract.
pub async fn alone<B: Bench, F: Future<Output = ()>>(test: impl FnOnce(Arc<dyn Store>) -> F) {
    let bench = B::set_up().await;
    test(bench.store()).await;
    bench.tear_down().await;
}

/// Runs one test of the shared contract.
pub async fn together<B: Bench, F: Future<Output = ()>>(test: impl FnOnce(Arc<dyn Store>, Arc<dyn Store>) -> F) {
    let bench = B::set_up().await;
    let other = bench.another().await;
    test(bench.store(), other).await;
    bench.tear_down().await;
}

/// Every test of the contract, in a module of that name.
#[macro_export]
macro_rules! store_contract {
    ($adapter:ident, $bench:ty) => {
        $crate::store_contract! { @tests $adapter, $bench, alone, [
            an_empty_store_has_nothing
            people_are_found_by_how_their_names_begin
            what_is_written_comes_back_as_it_was
            what_is_absent_comes_back_absent
            nothing_at_all_can_be_committed
            clients_are_listed_in_the_order_of_their_ids
            a_session_follows_its_cookie
            a_session_is_touched_forward_and_ends_once
            living_sessions_are_counted
            a_sign_in_leaves_an_account_as_disabled_as_it_is
            upstream_tokens_are_replaced
            signing_keys_are_forgotten_by_name
            every_commit_is_seen_by_the_reads_after_it
            a_read_racing_a_commit_never_brings_the_old_value_back
            a_client_changes_only_from_the_version_that_was_read
            a_link_leads_to_one_account
            an_attempt_is_spent_once
            what_works_once_is_spent_once
            a_ticket_is_made_changed_and_taken_by_one_alone
            a_key_has_one_successor
            a_key_gets_other_dates_from_those_that_were_read
            attack_37_a_code_is_redeemed_once
            attack_37_of_parallel_exchanges_exactly_one_wins
            attack_37_a_code_is_not_redeemed_after_its_session_ended
            attack_37_of_exchanges_and_logouts_at_once_no_grant_is_left
            a_session_that_ended_is_not_replaced
            of_sign_ins_and_logouts_at_once_no_session_is_left
            attack_38_a_family_moves_on_only_from_the_generation_presented
            attack_38_of_parallel_refreshes_exactly_one_wins
            attack_38_a_family_that_ended_does_not_move_on
            of_parallel_settlements_exactly_one_wins
            of_parallel_client_changes_exactly_one_wins
            of_parallel_key_rotations_exactly_one_wins
            a_lost_race_leaves_nothing_of_its_changes
            a_lost_second_contest_takes_the_first_back
            a_lost_race_takes_nothing_of_its_neighbours
            a_failed_write_takes_nothing_of_its_neighbours
            a_code_and_a_grant_are_made_once
            attack_37_a_grant_that_ended_before_it_was_made_is_ended
            attack_37_a_replay_racing_the_redemption_always_ends_the_grant
            a_grant_ends_once
            a_logout_ends_the_grants_of_its_session_but_what_was_left_on
            a_client_s_grants_end_together
            very_many_grants_end_together
            an_access_token_is_revoked_alone
            the_sweep_takes_what_has_expired_and_nothing_else
            the_sweep_leaves_a_family_that_was_used
            the_sweep_takes_a_bounded_number
            events_are_committed_with_their_facts
            events_are_read_oldest_first_in_pages
            events_are_found_by_what_they_are_about
            events_are_looked_for_newest_first
            a_search_goes_on_where_the_page_before_it_ended
            an_event_that_is_sealed_while_it_is_looked_for_is_found_once
            many_events_of_many_callers_are_all_kept
            of_parallel_sealers_exactly_one_wins
            events_are_sealed_in_an_order_of_their_own
            an_event_is_sealed_once
            checkpoints_are_kept_in_order
            what_is_known_of_a_person_goes_with_their_key
            the_sweep_takes_what_is_known_of_who_does_not_come_again
            a_person_s_key_is_kept_until_it_is_destroyed
            what_is_said_of_a_person_stays_closed_without_a_key
            the_sweep_takes_the_events_that_are_kept_no_more
            what_was_decided_about_a_login_is_found_by_it_and_by_its_references
            what_was_decided_is_not_kept_when_the_race_is_lost
            what_was_decided_about_a_person_is_forgotten_with_them
            the_sweep_takes_what_was_decided_when_its_time_is_over
            a_sink_goes_on_from_where_it_was
            of_parallel_senders_exactly_one_wins
            a_link_is_found_by_all_its_names
            an_account_is_emptied_once_no_link_leads_there
            what_a_provider_says_of_a_link_moves_forward
            a_link_is_removed_once_and_its_key_is_free_again
            attack_70_of_the_last_two_ways_in_removed_at_once_one_is_left
            what_came_by_a_link_or_to_an_account_ends_together
            providers_are_one_list_that_changes_with_each
            upstream_tokens_are_renewed_from_the_version_that_was_seen
            of_parallel_leases_exactly_one_wins
            upstream_tokens_that_are_due_are_found
            accounts_are_listed_in_the_order_of_their_ids
            who_joined_a_session_is_due_when_it_ends
            whatever_ends_sessions_makes_their_clients_due
            of_parallel_deliveries_exactly_one_wins
            a_silent_client_does_not_stand_before_the_others
            of_exchanges_and_logouts_at_once_every_client_with_tokens_is_told
            who_joined_a_session_is_forgotten_with_it
            grants_are_listed_by_whose_they_are_and_end_app_by_app
            sessions_are_listed_by_whose_they_are
            sessions_of_an_app_are_looked_for_a_bounded_way_and_go_on
            attack_37_a_code_is_not_redeemed_after_what_it_stands_for_was_taken_back
            attack_37_of_exchanges_and_takings_back_at_once_no_grant_is_left
            sessions_are_found_by_the_provider_s_own_session
            what_a_person_allowed_an_app_is_kept_for_each_host
            what_was_allowed_is_forgotten_for_one_or_for_all
            clients_that_registered_themselves_are_kept_as_long_as_they_are_used
            the_latest_document_of_a_client_is_kept
            api_keys_are_found_listed_changed_and_deleted
            of_parallel_changes_of_an_api_key_exactly_one_wins
            when_something_was_used_last_never_moves_back
            what_nodes_counted_is_kept_span_by_span
            the_sweep_takes_what_was_counted_when_its_time_is_over
            people_are_counted_once_a_day_and_once_in_all
            who_was_erased_was_never_here
            registration_tokens_are_found_listed_and_taken_back
            of_parallel_uses_of_a_registration_token_exactly_one_wins
        ] }
    };
    (@tests $adapter:ident, $bench:ty, $how:ident, [ $($name:ident)* ]) => {
        mod $adapter {
            use super::*;

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    $crate::store_contract::$how::<$bench, _>($crate::store_contract::$name).await;
                }
            )*
        }
    };
}

/// What two stores on the same data owe each other, in a module of that name.
#[macro_export]
macro_rules! shared_store_contract {
    ($adapter:ident, $bench:ty) => {
        $crate::store_contract! { @tests $adapter, $bench, together, [
            attack_83_a_code_is_redeemed_once_among_nodes
            attack_83_of_parallel_exchanges_on_two_nodes_exactly_one_wins
            attack_83_of_exchanges_and_logouts_on_two_nodes_no_grant_is_left
            attack_83_of_parallel_refreshes_on_two_nodes_exactly_one_wins
            attack_83_who_loses_to_another_node_sees_at_once_what_it_lost_to
            attack_83_a_revocation_on_one_node_reaches_the_other
            attack_83_what_one_node_changes_the_other_reads_anew
            attack_83_links_and_providers_of_one_node_are_the_others
            of_deliveries_on_two_nodes_exactly_one_wins
        ] }
    };
}

/// How many race in a test of a contest.
const RACERS: usize = 32;

pub(crate) fn one(write: Write) -> Changes {
    Changes::default().write(write)
}

pub(crate) async fn commit(store: &Arc<dyn Store>, writes: impl IntoIterator<Item = Write>) {
    store.commit(writes.into_iter().fold(Changes::default(), Changes::write)).await.expect("nothing is contested");
}

/// A code that can be redeemed: its session is there.
pub(crate) async fn redeemable(store: &Arc<dyn Store>, sample: &Sample, client: &Client) -> Code {
    let session = sample.session(&sample.account());
    let code = sample.code(client, &session);
    commit(store, [Write::PutSession(session), Write::AddCode(code.clone())]).await;
    code
}

/// Commits all at once from as many tasks, half of them in each of `stores`; the answers in order.
pub(crate) async fn race(stores: &[&Arc<dyn Store>], all: Vec<Changes>) -> Vec<Result<(), StoreError>> {
    let start = Arc::new(tokio::sync::Barrier::new(all.len()));
    let racers: Vec<_> = all
        .into_iter()
        .zip(stores.iter().cycle())
        .map(|(changes, store)| {
            let (store, start) = (Arc::clone(store), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                store.commit(changes).await
            })
        })
        .collect();
    let mut answers = Vec::with_capacity(racers.len());
    for racer in racers {
        answers.push(racer.await.expect("a racer does not panic"));
    }
    answers
}

/// The place of the one that won; everybody else lost `contest`.
pub(crate) fn only_winner(answers: &[Result<(), StoreError>], contest: Contest) -> usize {
    let winners: Vec<usize> = answers.iter().enumerate().filter(|(_, answer)| answer.is_ok()).map(|(at, _)| at).collect();
    assert_eq!(winners.len(), 1, "exactly one wins: {answers:?}");
    let losers = answers.iter().filter(|answer| **answer == Err(StoreError::Conflict(contest))).count();
    assert_eq!(losers, answers.len() - 1, "everybody else is told that it lost: {answers:?}");
    winners[0]
}
