//! The section about unusual activity.

use std::{sync::Arc, time::Duration};

use vestibule_domain::detection::{Detection, DetectionRules, HoursFault, OfficeHours};

use super::{
    super::{check::Checker, raw::RawDetections},
    DAY, HOUR, MINUTE,
};
use crate::atlas::MaxMindAtlas;

/// More failures than that are never counted together.
const MOST_FAILURES: u32 = 1_000;

pub(crate) fn detections(raw: &RawDetections, check: &mut Checker<'_>) -> DetectionRules {
    let all: Vec<_> = Detection::ALL.iter().map(|detection| (detection.as_str(), *detection)).collect();
    let off = raw.off.iter().filter_map(|name| check.one_of("detections.off", name, &all)).collect();
    for (name, most) in [
        ("failures_per_account", raw.failures_per_account),
        ("failures_per_address", raw.failures_per_address),
        ("failures_per_client", raw.failures_per_client),
    ] {
        if most > MOST_FAILURES {
            check.fault(&format!("detections.{name}"), format!("must be from 0 to {MOST_FAILURES}"), &[]);
        }
    }
    if !(1..=1_000).contains(&raw.learn_sign_ins) {
        check.fault("detections.learn_sign_ins", "must be from 1 to 1000", &[]);
    }
    if !(100..=100_000).contains(&raw.travel_speed) {
        check.fault("detections.travel_speed", "must be from 100 to 100000", &[]);
    }
    let mut span = |name: &str, text: &str, least: Duration, most| check.span(&format!("detections.{name}"), text, least..=most);
    let cool_down = span("cool_down", &raw.cool_down, MINUTE, DAY * 365);
    let failures_within = span("failures_within", &raw.failures_within, MINUTE, HOUR);
    let remember_for = span("remember_for", &raw.remember_for, DAY, DAY * 3_650);
    let dormant_after = span("dormant_after", &raw.dormant_after, DAY, DAY * 3_650);
    DetectionRules {
        enabled: raw.enabled,
        off,
        cool_down,
        failures_within,
        failures_per_account: raw.failures_per_account,
        failures_per_address: raw.failures_per_address,
        failures_per_client: raw.failures_per_client,
        learn_sign_ins: raw.learn_sign_ins,
        remember_for,
        dormant_after,
        travel_speed: raw.travel_speed,
        admin_hours: admin_hours(raw, check),
        admin_keys_at_any_hour: raw.admin_keys_at_any_hour.clone(),
    }
}

fn admin_hours(raw: &RawDetections, check: &mut Checker<'_>) -> Option<OfficeHours> {
    if let Err(fault) = OfficeHours::zone(&raw.time_zone) {
        check.fault("detections.time_zone", fault.to_string(), &["[detections]", "time_zone = \"Europe/Berlin\""]);
    }
    match OfficeHours::parse(raw.admin_hours.as_deref()?, &raw.time_zone) {
        Ok(hours) => Some(hours),
        // That is said already.
        Err(HoursFault::Zone) => None,
        Err(fault) => {
            check.fault("detections.admin_hours", fault.to_string(), &[]);
            None
        }
    }
}

/// The database of places, if there is one.
pub(crate) fn atlas(raw: &RawDetections, check: &mut Checker<'_>) -> Option<Arc<MaxMindAtlas>> {
    const KEY: &str = "detections.geoip_file";
    let path = raw.geoip_file.as_deref()?;
    let bytes = check.read_file(KEY, path).filter(|_| check.reads_files())?;
    match MaxMindAtlas::read(bytes) {
        Ok(atlas) => Some(Arc::new(atlas)),
        Err(fault) => {
            check.fault(KEY, format!("names {path}, {fault}"), &[]);
            None
        }
    }
}
