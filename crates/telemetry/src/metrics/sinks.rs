//! What is counted of the places that audit events are sent on to.

use vestibule_domain::{
    audit::sink::{SinkLag, SinkTrouble},
    ids::SinkId,
    time::Timestamp,
};

use super::{
    instruments::{Counts, Levels, Maker},
    labels::{Names, SinkLabel, SinkResultLabels},
    seconds,
};

pub(super) struct OfSinks {
    names: Names<SinkId>,
    lag_events: Levels<SinkLabel>,
    lag_seconds: Levels<SinkLabel>,
    deliveries: Counts<SinkResultLabels>,
    missed: Counts<SinkLabel>,
}

impl OfSinks {
    pub(super) fn new(make: &mut Maker) -> Self {
        Self {
            names: Names::new(),
            lag_events: make.levels("vestibule_audit_sink_lag_events", "Sealed audit events that a sink has not had"),
            lag_seconds: make.levels("vestibule_audit_sink_lag_seconds", "How old the oldest of them is; 0 if there is none"),
            deliveries: make.counts("vestibule_audit_sink_deliveries", "Batches of audit events handed to a sink, by what came of it"),
            missed: make.counts("vestibule_audit_sink_missed_events", "Audit events that are kept no more and that a sink has not had"),
        }
    }

    pub(super) fn tried(&self, sink: &SinkId, result: &'static str) {
        self.introduce(sink);
        self.deliveries.one(&SinkResultLabels { sink: self.names.label(sink), result });
    }

    pub(super) fn missed(&self, sink: &SinkId, events: u64) {
        self.introduce(sink);
        self.missed.add(&SinkLabel { sink: self.names.label(sink) }, events);
    }

    pub(super) fn lag(&self, lags: &[(SinkId, SinkLag)], now: Timestamp) {
        for gone in self.names.all().into_iter().filter(|(id, _)| lags.iter().all(|(sink, _)| sink != id)) {
            let label = SinkLabel { sink: gone.1 };
            self.lag_events.remove(&label);
            self.lag_seconds.remove(&label);
        }
        for (sink, lag) in lags {
            self.introduce(sink);
            let Some(name) = self.names.own_label(sink) else { continue };
            let label = SinkLabel { sink: name };
            self.lag_events.set(&label, i64::try_from(lag.events).unwrap_or(i64::MAX));
            self.lag_seconds.set(&label, seconds(lag.waited(now)));
        }
    }

    /// A counter that first appears with its first increase hides that increase from `rate()`.
    fn introduce(&self, sink: &SinkId) {
        let Some(name) = self.names.introduce(sink) else { return };
        for result in SinkTrouble::ALL.iter().map(|trouble| trouble.as_str()).chain(["ok"]) {
            self.deliveries.add(&SinkResultLabels { sink: name.clone(), result }, 0);
        }
        self.missed.add(&SinkLabel { sink: name }, 0);
    }
}
