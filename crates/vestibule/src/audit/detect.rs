//! `vestibule audit detect`: what was recorded, looked at by the rules about unusual activity as they are written now. Changes nothing.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
    sync::Arc,
};

use serde::Serialize;
use vestibule_domain::{
    audit::AuditEvent,
    detection::{Detection, DetectionRules, Detector, Habits, Target, visitor},
    ids::{AccountId, EventId},
    ports::{Atlas, Store},
    store::EventQuery,
    time::Timestamp,
};

use super::PAGE;
use crate::{cli::DetectOptions, config::Config, failure::Failure, print, progress::Progress, table::table, wire};

/// Says what would have been raised.
pub(crate) async fn detect(options: &DetectOptions) -> Result<(), Failure> {
    let config = Config::load(Some(&options.of.config))?;
    let since = options.since.at(wire::clock().now());
    let store = wire::open_to_read(&config.store, Some(&config.sealing)).await?;
    // Rules can be tried before they are turned on.
    let rules = DetectionRules { enabled: true, ..config.settings.detections.clone() };
    let report = replay(&store, rules, wire::atlas(&config), since).await;
    store.close().await;
    let report = report?;
    if options.of.json { print::json(&report) } else { print::text(&report.text()) }
}

/// What would have been raised, and what was.
#[derive(Debug, Serialize)]
struct Report {
    since: String,
    /// How many events there are since.
    events: u64,
    /// Of how many of all it can't be read from where they came: their people are erased.
    erased: u64,
    found: Vec<Found>,
    /// By detection: how many would have been raised, and how many were.
    counts: BTreeMap<&'static str, Count>,
}

#[derive(Debug, Serialize)]
struct Found {
    time: String,
    detection: Detection,
    of: String,
    evidence: String,
    /// What it was found in.
    event: EventId,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Count {
    found: u64,
    recorded: u64,
}

/// Goes through all events, because habits come from those before; what is found since then counts.
async fn replay(store: &dyn Store, rules: DetectionRules, atlas: Option<Arc<dyn Atlas>>, since: Timestamp) -> Result<Report, Failure> {
    let progress = Progress::counting("looking at events");
    let mut replay = Replay { rules, atlas, detector: Detector::default(), habits: HashMap::new(), said: HashMap::new() };
    let counts = Detection::ALL.iter().map(|detection| (detection.as_str(), Count::default())).collect();
    let mut report = Report { since: since.to_string(), events: 0, erased: 0, found: Vec::new(), counts };
    let mut query = EventQuery { limit: PAGE, ..EventQuery::default() };
    loop {
        let page = store.events(&query).await?;
        for event in &page {
            progress.one();
            let counts = event.time >= since;
            report.events += u64::from(counts);
            if let Some(recorded) = Detection::recorded_by(event.name) {
                if counts {
                    report.counts.entry(recorded.as_str()).or_default().recorded += 1;
                }
                continue;
            }
            if event.personal.as_ref().is_some_and(|personal| personal.redacted) {
                report.erased += 1;
                continue;
            }
            let found = replay.look(event);
            if counts {
                for found in &found {
                    report.counts.entry(found.detection.as_str()).or_default().found += 1;
                }
                report.found.extend(found);
            }
        }
        match page.last() {
            Some(last) if page.len() as u64 == PAGE => query.after = Some(last.id),
            _ => break,
        }
    }
    progress.end();
    Ok(report)
}

/// What is known by then.
struct Replay {
    rules: DetectionRules,
    atlas: Option<Arc<dyn Atlas>>,
    detector: Detector,
    habits: HashMap<AccountId, Habits>,
    said: HashMap<(Detection, Target), Timestamp>,
}

impl Replay {
    /// What an event shows, but for what was said lately.
    fn look(&mut self, event: &AuditEvent) -> Vec<Found> {
        let place = event.source.ip.zip(self.atlas.as_ref()).and_then(|(ip, atlas)| atlas.place(ip));
        let habits = visitor(event).map(|account| self.habits.entry(account).or_default());
        let found = self.detector.look(&self.rules, event, place.as_ref(), habits);
        let mut fresh = Vec::new();
        for finding in found {
            let of = finding.target.to_string();
            let name = (finding.detection, finding.target);
            let is_fresh = self.said.get(&name).is_none_or(|said| event.time.since(*said) >= self.rules.cool_down);
            if is_fresh {
                self.said.insert(name, event.time);
                let (time, evidence) = (event.time.to_string(), finding.evidence);
                fresh.push(Found { time, detection: finding.detection, of, evidence, event: event.id });
            }
        }
        fresh
    }
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        if !self.found.is_empty() {
            let row = |found: &Found| vec![found.time.clone(), found.detection.to_string(), found.of.clone(), found.evidence.clone()];
            text.push_str(&table(&["TIME", "DETECTION", "OF", "WHY"], &self.found.iter().map(row).collect::<Vec<_>>()));
            text.push('\n');
        }
        let row = |(name, count): (&&str, &Count)| vec![(*name).to_owned(), count.found.to_string(), count.recorded.to_string()];
        text.push_str(&table(&["DETECTION", "WOULD BE RAISED", "WAS RAISED"], &self.counts.iter().map(row).collect::<Vec<_>>()));
        let _ = writeln!(text, "\n{} events since {}; nothing was changed", self.events, self.since);
        if self.erased > 0 {
            let _ = writeln!(text, "{} events say no more from where they came, and could not be looked at", self.erased);
        }
        text
    }
}

#[cfg(test)]
mod tests;
