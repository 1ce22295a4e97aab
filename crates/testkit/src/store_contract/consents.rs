//! What people allowed apps.

use std::{sync::Arc, time::Duration};

use vestibule_domain::{consent::Consent, ports::Store, store::Write};

use super::commit;
use crate::sample::{Sample, scopes};

/// One row for each account, app and host: a later yes takes the place of an earlier one, and of no other.
pub async fn what_a_person_allowed_an_app_is_kept_for_each_host(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (ada, eve) = (sample.account(), sample.account());
    let (app, other) = (sample.client("app"), sample.client("other"));
    let first = sample.consent(&ada, &app);
    let elsewhere = Consent { host: "app.example.org".into(), ..first.clone() };
    let more = Consent { scopes: scopes("openid profile email"), given: sample.now + Duration::from_secs(9), ..first.clone() };
    let (hers, at_other) = (sample.consent(&eve, &app), sample.consent(&ada, &other));
    for consent in [&first, &at_other, &elsewhere, &hers, &more] {
        commit(&store, [Write::PutConsent(consent.clone())]).await;
    }
    assert_eq!(store.consents(&ada.id, &app.id).await, Ok(vec![more.clone(), elsewhere.clone()]));
    let all = [more, elsewhere, at_other];
    assert_eq!(store.consents_of(&ada.id, None, 100).await, Ok(all.to_vec()));
    // A page goes on where the one before it ended, between two hosts of an app too.
    let mut after = None;
    for consent in &all {
        assert_eq!(store.consents_of(&ada.id, after, 1).await, Ok(vec![consent.clone()]));
        after = Some((&consent.client, consent.host.as_str()));
    }
    assert_eq!(store.consents_of(&ada.id, after, 1).await, Ok(vec![]));
    assert_eq!(store.consents_of(&eve.id, None, 100).await, Ok(vec![hers]));
    assert_eq!(store.consents_of(&sample.account().id, None, 100).await, Ok(vec![]));
}

/// Of one account for one app at every host; of everybody for an app.
pub async fn what_was_allowed_is_forgotten_for_one_or_for_all(store: Arc<dyn Store>) {
    let sample = Sample::default();
    let (ada, eve) = (sample.account(), sample.account());
    let (app, other) = (sample.client("app"), sample.client("other"));
    let (hers, at_other) = (sample.consent(&eve, &app), sample.consent(&ada, &other));
    let elsewhere = Consent { host: "app.example.org".into(), ..sample.consent(&ada, &app) };
    let all = [sample.consent(&ada, &app), elsewhere, hers.clone(), at_other.clone()];
    commit(&store, all.into_iter().map(Write::PutConsent)).await;
    commit(&store, [Write::DropConsents { account: ada.id, client: app.id.clone() }]).await;
    assert_eq!(store.consents_of(&ada.id, None, 100).await, Ok(vec![at_other.clone()]));
    assert_eq!(store.consents_of(&eve.id, None, 100).await, Ok(vec![hers]));
    commit(&store, [Write::DropClientConsents { client: app.id.clone() }]).await;
    assert_eq!(store.consents_of(&eve.id, None, 100).await, Ok(vec![]));
    assert_eq!(store.consents_of(&ada.id, None, 100).await, Ok(vec![at_other]));
}
