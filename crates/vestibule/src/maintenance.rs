//! What the house does by itself, again and again.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tracing::{debug, error, info};
use vestibule_domain::{
    audit::{Source, Witness},
    ids::{ClientId, SinkId},
    ports::Entropy,
};
use vestibule_flows::{Gateway, KeysError, RefreshReport, SinkRound};
use vestibule_http::Standing;
use vestibule_telemetry::Metrics;

use crate::checkpoint_file::CheckpointFile;

const EVERY: Duration = Duration::from_mins(1);
/// In which of these rounds people are counted: that takes a walk over a month.
const COUNT_PEOPLE_EACH: u32 = 10;
/// How often providers are looked at.
const PROBE_EVERY: Duration = Duration::from_mins(1);
/// How often it is looked which upstream tokens want a refresh.
const REFRESH_EVERY: Duration = Duration::from_secs(30);
/// Most refreshes of one round; what is left is due in the next.
const MOST_A_ROUND: u64 = 200;

/// Makes the keys that are due and says so in the metrics. A gateway without keys can't serve, so the first time is waited for.
pub(crate) async fn keep_keys(gateway: &Gateway, metrics: &Metrics) -> Result<(), KeysError> {
    let keys = gateway.keep_keys().await?;
    metrics.set_signing_keys(&keys, gateway.clock().now());
    Ok(())
}

/// Goes round until it is aborted. What fails is tried again a minute later.
pub(crate) async fn maintain(standing: Arc<Standing>, metrics: Arc<Metrics>) {
    let mut minutes = interval(EVERY);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for round in (0..COUNT_PEOPLE_EACH).cycle() {
        minutes.tick().await;
        // Each round goes by the configuration that holds when it begins.
        let gateway = &now(&standing);
        if let Err(error) = keep_keys(gateway, &metrics).await {
            error!(%error, "the signing keys could not be kept; those in use stay");
        }
        if let Err(error) = gateway.write_uses().await {
            error!(%error, "when keys and secrets were used last could not be written; it is tried again");
        }
        if let Err(error) = gateway.forget_old_events().await {
            error!(%error, "old audit events could not be given up");
        }
        match gateway.sweep().await {
            Ok(rows) => debug!(rows, "swept {rows} rows that have expired"),
            Err(error) => error!(%error, "what has expired could not be swept"),
        }
        metrics.count_abandoned(gateway.clock().now() - gateway.settings().lifetimes.attempt);
        match gateway.sessions_alive().await {
            Ok(sessions) => {
                metrics.set_sessions_active(sessions);
                gateway.note_sessions(sessions);
            }
            Err(error) => error!(%error, "the sessions could not be counted"),
        }
        if let Err(error) = gateway.write_statistics(false).await {
            error!(%error, "the statistics could not be written; it is tried again");
        }
        if round == 0 {
            let witness = Witness { now: gateway.clock().now(), source: Source::default(), trace_id: None };
            match gateway.people_here(&witness).await {
                Ok(people) => metrics.set_active_accounts(&people),
                Err(error) => error!(%error, "the people who were here could not be counted"),
            }
        }
    }
}

/// Looks at every provider at once and then about every minute, so that people are not the first to find out. Ends when it is told to.
pub(crate) async fn probe(standing: Arc<Standing>, stop: impl Future<Output = ()> + Send) {
    let round = async {
        loop {
            let gateway = now(&standing);
            if let Err(error) = gateway.probe_providers().await {
                error!(%error, "the providers could not be looked at");
            }
            sleep(about(PROBE_EVERY, gateway.entropy())).await;
        }
    };
    // A look that is cut short leaves nothing behind.
    tokio::select! {
        () = round => {}
        () = stop => {}
    }
}

/// Refreshes upstream tokens in use before anybody has to wait for it. Ends when it is told to, and never in the middle of a refresh: a provider
/// that changes its refresh token with each use would have told us the new one, and nobody would know it.
pub(crate) async fn refresh_ahead(standing: Arc<Standing>, stop: impl Future<Output = ()> + Send) {
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = sleep(about(REFRESH_EVERY, now(&standing).entropy())) => {}
            () = &mut stop => return,
        }
        let gateway = now(&standing);
        let witness = Witness { now: gateway.clock().now(), source: Source::default(), trace_id: None };
        // What was begun is finished even when this is cut short.
        let round = tokio::select! {
            round = gateway.refresh_ahead(&witness, MOST_A_ROUND) => round,
            () = &mut stop => return,
        };
        let all = match round {
            Ok(report) => report,
            Err(error) => {
                error!(%error, "upstream tokens could not be refreshed");
                continue;
            }
        };
        if all != RefreshReport::default() {
            let RefreshReport { refreshed, denied, unreachable } = all;
            info!(
                refreshed,
                denied, unreachable, "refreshed {refreshed} upstream tokens ahead; {denied} were denied, {unreachable} have to wait"
            );
        }
    }
}

/// How often it is looked whether an app is to be told of a logout.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// Most apps that are told at once.
const MOST_TOLD: usize = 256;
/// Most deliveries to one app at once: one that does not answer is not to take up everything.
const MOST_TOLD_OF_ONE: usize = 8;

/// Tells apps of logouts, each for itself, so that who is slow keeps nobody else waiting. Ends when it is told to; what is cut short then is told again
/// by whoever finds it due.
pub(crate) async fn tell_of_logouts(standing: Arc<Standing>, stop: impl Future<Output = ()> + Send) {
    let mut under_way: JoinSet<ClientId> = JoinSet::new();
    let mut of_client: HashMap<ClientId, usize> = HashMap::new();
    let mut seconds = interval(TELL_EVERY);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(stop);
    loop {
        tokio::select! {
            _ = seconds.tick() => {}
            () = &mut stop => return,
        }
        while let Some(ended) = under_way.try_join_next() {
            match ended {
                Ok(client) => drop(of_client.entry(client).and_modify(|count| *count = count.saturating_sub(1))),
                // Whose it was is not known; nobody is to be kept from being told for that.
                Err(_) => of_client.clear(),
            }
        }
        of_client.retain(|_, count| *count > 0);
        let gateway = now(&standing);
        let due = match gateway.logouts_due(MOST_TOLD_OF_ONE as u64, MOST_TOLD as u64).await {
            Ok(due) => due,
            Err(error) => {
                error!(%error, "it could not be read who is to be told of a logout");
                continue;
            }
        };
        for due in due {
            let count = of_client.entry(due.client.clone()).or_default();
            if *count >= MOST_TOLD_OF_ONE || under_way.len() >= MOST_TOLD {
                continue;
            }
            *count += 1;
            let gateway = gateway.clone();
            under_way.spawn(async move {
                if let Err(error) = gateway.deliver_logout(&due).await {
                    error!(%error, client.id = %due.client, "{} could not be told of a logout", due.client);
                }
                due.client
            });
        }
    }
}

/// The gateway as it is now.
fn now(standing: &Standing) -> Gateway {
    standing.house().gateway().clone()
}

/// How often it is looked whether events wait to be put into the chain.
const SEAL_EVERY: Duration = Duration::from_secs(1);
/// In which of these rounds those that wait are counted: what is read every 15 seconds need not be counted every second.
const COUNT_EACH: u32 = 15;

/// Puts committed events into the chain, and every checkpoint into a file besides, if there is one. Ends when it is told to; what is left then waits for
/// the next start, or for another node.
pub(crate) async fn seal_audit(
    standing: Arc<Standing>,
    metrics: Arc<Metrics>,
    file: Option<PathBuf>,
    stop: impl Future<Output = ()> + Send,
) {
    let mut file = file.map(CheckpointFile::new);
    let mut seconds = interval(SEAL_EVERY);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(stop);
    for round in (0..COUNT_EACH).cycle() {
        tokio::select! {
            _ = seconds.tick() => {}
            () = &mut stop => return,
        }
        let gateway = now(&standing);
        let mut is_new = false;
        loop {
            match gateway.seal_audit().await {
                Ok(report) => {
                    is_new |= report.checkpoint.is_some();
                    if !report.more {
                        break;
                    }
                }
                Err(error) => {
                    error!(%error, "audit events could not be sealed; they wait");
                    break;
                }
            }
        }
        if let Some(file) = &mut file {
            file.keep_up(&gateway, is_new).await;
        }
        if round > 0 {
            continue;
        }
        match gateway.unsealed().await {
            Ok(unsealed) => metrics.set_audit_unsealed(unsealed, gateway.clock().now()),
            Err(error) => error!(%error, "the audit events that wait to be sealed could not be counted"),
        }
    }
}

/// How often it is looked whether a sink has had all that was sealed.
const SEND_EVERY: Duration = Duration::from_secs(1);
/// How often it is counted how far sinks are behind: not with every look, because it reads of each.
const COUNT_LAG_EVERY: u64 = 10;
/// How long a stop waits for what is being handed over. What is cut short is handed over again after the next start.
const LAST_BATCH: Duration = Duration::from_secs(3);

/// Sends sealed events on to the sinks of the configuration, each for itself, so that one that is slow or dead holds up no other. Ends when it is told to.
pub(crate) async fn send_audit_on(standing: Arc<Standing>, stop: impl Future<Output = ()> + Send) {
    let mut rounds: JoinSet<(SinkId, bool)> = JoinSet::new();
    let mut under_way: BTreeSet<SinkId> = BTreeSet::new();
    let mut seconds = interval(SEND_EVERY);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut looks: u64 = 0;
    tokio::pin!(stop);
    loop {
        let only = tokio::select! {
            _ = seconds.tick() => None,
            Some(ended) = rounds.join_next(), if !rounds.is_empty() => {
                let Ok((sink, more)) = ended else {
                    // Which it was is not known; each is looked at again with the next second, and the lease keeps two rounds with one apart.
                    under_way.clear();
                    continue;
                };
                under_way.remove(&sink);
                if !more {
                    continue;
                }
                Some(sink)
            }
            () = &mut stop => break,
        };
        // Each round goes by the configuration that holds when it begins.
        let gateway = now(&standing);
        for sink in gateway.sinks().iter().filter(|sink| only.as_ref().is_none_or(|only| *only == sink.rules.id)) {
            if !under_way.insert(sink.rules.id.clone()) {
                continue;
            }
            let (gateway, sink) = (gateway.clone(), sink.clone());
            rounds.spawn(async move {
                let id = sink.rules.id.clone();
                let round = gateway.send_on(&sink).await;
                if let Err(error) = &round {
                    error!(%error, sink.id = %id, "audit events could not be read for {id}, or how far it has come could not be written; they wait");
                }
                (id, round == Ok(SinkRound::More))
            });
        }
        if only.is_none() {
            if looks.is_multiple_of(COUNT_LAG_EVERY)
                && let Err(error) = gateway.count_sink_lag().await
            {
                error!(%error, "how far the sinks of audit events are behind could not be read");
            }
            looks += 1;
        }
    }
    let _ = timeout(LAST_BATCH, async { while rounds.join_next().await.is_some() {} }).await;
    rounds.shutdown().await;
    if let Err(error) = now(&standing).let_go_of_sinks().await {
        error!(%error, "the sinks of audit events could not be let go of; another node takes them up a little later");
    }
}

/// A span that is up to a tenth shorter or longer, so that nodes that were started together do not all knock at once.
fn about(span: Duration, entropy: &dyn Entropy) -> Duration {
    let mut byte = [0; 1];
    entropy.fill(&mut byte);
    span * 9 / 10 + span / 5 * u32::from(byte[0]) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn about_a_minute_is_within_a_tenth_of_it() {
        let about = |byte| about(Duration::from_mins(1), &Fixed(byte));
        assert_eq!((about(0), about(255)), (Duration::from_secs(54), Duration::from_secs(66)));
        assert!((Duration::from_secs(59)..Duration::from_secs(61)).contains(&about(127)));
    }
}
