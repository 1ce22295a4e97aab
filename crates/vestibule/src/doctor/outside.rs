//! What others see of us: the issuer under its own name, its certificate, and what time it is elsewhere.

use http::{Request, header};
use vestibule_domain::time::Timestamp;
use vestibule_flows::Gateway;
use vestibule_providers::egress::{Egress, PeerCertificate};

use super::{
    PATIENCE,
    finding::{self, Finding},
};
use crate::{config::Config, wire};

/// The discovery document and the keys, as they came, or why they did not.
pub(super) type Seen = Result<[Vec<u8>; 2], String>;

/// A document of ours, as whoever asks for it under our name gets it.
struct Fetched {
    body: Vec<u8>,
    /// When its certificate ends, if it came with one.
    certificate_ends: Option<Timestamp>,
    dated: Option<Dated>,
}

/// What time it was there, and here when the question went and when the answer was there.
#[derive(Clone, Copy)]
struct Dated {
    there: Timestamp,
    asked: Timestamp,
    answered: Timestamp,
}

/// Asks for our own documents by our own name; tells of the certificate and of the clock besides.
pub(super) async fn look(config: &Config) -> (Seen, Option<Finding>, Option<Finding>) {
    let egress = match wire::egress_to_ourselves(config, PATIENCE) {
        Ok(egress) => egress,
        Err(faults) => return (Err(faults.to_string()), None, None),
    };
    let addresses = ["/.well-known/openid-configuration", "/jwks"].map(|path| config.settings.url(path));
    let [discovery, keys] = &addresses;
    let (discovery, keys) = tokio::join!(fetch(&egress, discovery), fetch(&egress, keys));
    let (discovery, keys) = match (discovery, keys) {
        (Ok(discovery), Ok(keys)) => (discovery, keys),
        (Err(error), _) | (_, Err(error)) => return (Err(error), None, None),
    };
    let now = wire::clock().now();
    let certificate = discovery.certificate_ends.map(|ends| {
        finding::ends("certificate", "that of the issuer", ends, now, "renew it; `systemctl reload vestibule` reads it again if it is ours")
    });
    (Ok([discovery.body, keys.body]), certificate, discovery.dated.map(clock))
}

async fn fetch(egress: &Egress, address: &str) -> Result<Fetched, String> {
    let request = Request::get(address)
        .header(header::ACCEPT, "application/json")
        .body(Vec::new())
        .map_err(|_| format!("{address} is no address"))?;
    let asked = wire::clock().now();
    let answer = egress.send(request).await.map_err(|error| format!("{address}: {error}"))?;
    if answer.status() != http::StatusCode::OK {
        return Err(format!("{address} answers {}", answer.status().as_u16()));
    }
    let answered = wire::clock().now();
    let there = answer.headers().get(header::DATE).and_then(|date| date.to_str().ok()).and_then(moment);
    let certificate = answer.extensions().get::<PeerCertificate>();
    Ok(Fetched {
        certificate_ends: certificate.and_then(|certificate| vestibule_protocol::certificate::expiry(&certificate.0)),
        dated: there.map(|there| Dated { there, asked, answered }),
        body: answer.into_body(),
    })
}

/// A date as HTTP writes it (RFC 9110 §5.6.7).
fn moment(date: &str) -> Option<Timestamp> {
    let date = time::OffsetDateTime::parse(date, &time::format_description::well_known::Rfc2822).ok()?;
    Some(Timestamp::from_secs(date.unix_timestamp()))
}

/// Tokens and proofs are good for seconds and minutes: who is off by more is refused, or refuses.
///
/// The answer was dated somewhere on the way: what differs from the middle of it by no more than half of what it took is nobody's fault.
fn clock(dated: Dated) -> Finding {
    let Dated { there, asked, answered } = dated;
    let half = answered.since(asked) / 2;
    let off = (there.as_secs() - (asked + half).as_secs()).unsigned_abs().saturating_sub(half.as_secs());
    let (what, advice) = ("clock", "keep the clock by NTP: `timedatectl` says whether it is");
    match off {
        0..=5 => Finding::ok(what, "agrees with the Date of the answer"),
        6..=30 => Finding::warn(what, format!("is {off} seconds off the Date of the answer"), advice),
        _ => Finding::fail(what, format!("is {off} seconds off the Date of the answer"), advice),
    }
}

/// Whether what others see is what this configuration and this database would say.
pub(super) fn as_served(config: &Config, seen: Seen, gateway: Option<&Gateway>) -> Vec<Finding> {
    let (what, issuer) = ("issuer", &config.settings.issuer);
    let [discovery, keys] = match seen {
        Ok(seen) => seen,
        Err(error) => {
            let advice = format!("start the gateway, and look at the name, the proxy and the certificate of {issuer}, as apps reach it");
            return vec![Finding::fail(what, error, advice)];
        }
    };
    let Some(gateway) = gateway else {
        return vec![Finding::ok(what, format!("{issuer} answers; without the database it is not known whether as it should"))];
    };
    let ours = vestibule_http::documents(gateway, gateway.clock().now());
    let mut findings = Vec::new();
    if discovery == ours.discovery {
        findings.push(Finding::ok(what, format!("{issuer} answers, and its discovery is the one of this configuration")));
    } else {
        let advice = "somebody else answers under this name, a cache keeps an old one, or the configuration was changed and not reloaded";
        let same_name = serde_json::from_slice::<serde_json::Value>(&discovery).is_ok_and(|seen| seen["issuer"] == issuer.as_str());
        let found = if same_name {
            "answers with another discovery document than this configuration's"
        } else {
            "answers with a document that is not of this issuer"
        };
        findings.push(Finding::fail(what, format!("{issuer} {found}"), advice));
    }
    if keys != ours.keys {
        let advice =
            "a key is new for a minute on every node and for five in caches; if it stays so, another gateway answers under this name";
        findings.push(Finding::warn(what, format!("{issuer} publishes other keys than this database has"), advice));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_answer_is_no_wrong_clock() {
        let at = Timestamp::from_secs;
        let found = |there: i64, took: i64| clock(Dated { there: at(1_000 + there), asked: at(1_000), answered: at(1_000 + took) }).state;
        for (there, took, good) in
            [(0, 0, true), (0, 60, true), (60, 60, true), (30, 60, true), (5, 0, true), (40, 0, false), (-40, 60, false)]
        {
            let is_good = matches!(found(there, took), finding::State::Ok);
            assert_eq!(is_good, good, "{there} s later there, {took} s on the way");
        }
    }

    #[test]
    fn a_date_is_read_as_http_writes_it() {
        assert_eq!(moment("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Timestamp::from_secs(784_111_777)));
        assert_eq!(moment("yesterday"), None);
    }
}
