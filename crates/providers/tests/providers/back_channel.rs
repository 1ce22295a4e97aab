//! Logout tokens on their way to addresses that apps chose.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use tokio::net::TcpListener;
use vestibule_domain::{
    ports::{BackChannel, Undelivered},
    redirect::RegisteredUri,
};
use vestibule_providers::{
    backchannel::GuardedBackChannel,
    egress::{EgressError, EgressOptions, Lookup},
};
use vestibule_testkit::{
    clock::StoppedClock,
    issuer::{Answer, Issuer, Place},
};

use crate::{
    bench::egress,
    egress::{Always, Rebinding, knocks},
};

const TOKEN: &str = "header.claims.signature";

fn uri(address: &str) -> RegisteredUri {
    RegisteredUri::parse(address).unwrap()
}

fn undelivered(error: EgressError) -> Result<(), Undelivered> {
    Err(Undelivered(error.to_string()))
}

/// A channel that finds every name where this lookup says.
fn finding(lookup: Arc<dyn Lookup>, allow: &str) -> GuardedBackChannel {
    let allow = vec![allow.parse().unwrap()];
    let timeout = Duration::from_millis(300);
    let options = EgressOptions { allow, timeout, lookup, ..EgressOptions::default() };
    GuardedBackChannel::new(vestibule_providers::egress::Egress::new(options).unwrap())
}

/// An app on loopback: the stand-in of an issuer will do, for it notes what is posted to it.
async fn app() -> (Issuer, GuardedBackChannel, RegisteredUri) {
    let server = Issuer::start(Arc::new(StoppedClock::default())).await;
    let channel = GuardedBackChannel::new(egress(&[&server.host_and_port()]));
    let address = uri(&format!("{}/token", server.url()));
    (server, channel, address)
}

#[tokio::test]
async fn back_channel_logout_section_2_5_a_logout_token_is_posted_as_a_form_and_200_takes_it() {
    let (server, channel, address) = app().await;
    for (status, expected) in [
        (200, Ok(())),
        (204, Ok(())),
        (202, Err(Undelivered("it answered with status 202".into()))),
        (400, Err(Undelivered("it answered with status 400".into()))),
        (500, Err(Undelivered("it answered with status 500".into()))),
    ] {
        let answer = Answer::Text { status, content_type: "text/html", body: "<script>of the app</script>".into() };
        server.behaves(|manners| drop(manners.answers.insert(Place::Token, answer)));
        assert_eq!(channel.send(&address, TOKEN).await, expected, "{status}");
    }
    for seen in server.seen() {
        assert_eq!(seen.form, [("logout_token".to_owned(), TOKEN.to_owned())]);
        assert!(seen.headers.contains(&("content-type".into(), "application/x-www-form-urlencoded".into())), "{seen:?}");
        assert!(seen.authorization.is_none() && seen.headers.iter().all(|(name, _)| name != "cookie"), "{seen:?}");
    }
}

#[tokio::test]
async fn attack_42_no_logout_token_goes_to_an_address_inside_and_one_error_says_so() {
    let channel = GuardedBackChannel::new(egress(&[]));
    for address in [
        "https://127.0.0.1/out",
        "https://[::1]/out",
        "https://[::ffff:127.0.0.1]/out",
        "https://0.0.0.0/out",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/out",
        "https://[fd00:ec2::254]/out",
        "https://10.0.0.1:8443/out",
        "https://2130706433/out",
        "https://0x7f.0.0.1/out",
        "https://0177.1/out",
        "https://app.example.com:6379/out",
        "http://127.0.0.1:6379/out",
    ] {
        assert_eq!(channel.send(&uri(address), TOKEN).await, undelivered(EgressError::Blocked), "{address}");
    }
    for address in ["http://app.example.com/out", "file:///etc/passwd", "gopher:out", "https://user:secret@8.8.8.8/out"] {
        assert!(RegisteredUri::parse(address).is_err(), "it is not even registered: {address}");
    }
}

#[tokio::test]
async fn attack_42_a_logout_token_follows_no_redirect() {
    let (server, channel, address) = app().await;
    let inside = Issuer::start(Arc::new(StoppedClock::default())).await;
    for target in [format!("{}/token", inside.url()), format!("{}/jwks", server.url()), "https://169.254.169.254/".to_owned()] {
        server.behaves(|manners| drop(manners.answers.insert(Place::Token, Answer::Redirect(target.clone()))));
        assert_eq!(channel.send(&address, TOKEN).await, undelivered(EgressError::Redirect(307)), "{target}");
    }
    assert!(inside.seen().is_empty() && server.seen().iter().all(|seen| seen.place == Some(Place::Token)), "nobody was asked but the app");
}

#[tokio::test]
async fn attack_43_an_app_s_name_that_leads_inside_or_turns_there_is_not_connected_to() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = uri(&format!("https://rebound.example:{}/out", listener.local_addr().unwrap().port()));
    // A network that an operator allowed opens the odd port, and the resolver sees to where the name leads.
    let inside = finding(Arc::new(Always(Ipv4Addr::LOCALHOST.into())), "192.0.2.0/24");
    assert_eq!(inside.send(&address, TOKEN).await, undelivered(EgressError::Blocked));
    // Allowed when it was asked for first, and inside from then on: each delivery looks at what it is about to connect to.
    let turning = Arc::new(Rebinding::default());
    let channel = finding(Arc::clone(&turning) as Arc<dyn Lookup>, "127.0.0.2/32");
    let first = channel.send(&address, TOKEN).await;
    assert!(first.is_err() && first != undelivered(EgressError::Blocked), "nobody listens there: {first:?}");
    for _ in 0..3 {
        assert_eq!(channel.send(&address, TOKEN).await, undelivered(EgressError::Blocked));
    }
    assert!(turning.times_asked() >= 4 && !knocks(&listener).await);
}
