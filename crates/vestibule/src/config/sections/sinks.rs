//! The sections about places that audit events are sent on to.

use std::{path::PathBuf, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};
use vestibule_domain::{
    audit::{
        record::RecordForm,
        sink::{SinkEvents, SinkKind, SinkRules, SinkStart},
    },
    ids::SinkId,
};
use vestibule_providers::sinks::{
    file::FileOptions,
    syslog::Transport,
    webhook::{WebhookSecret, WebhookSecretError},
};

use super::{
    super::{
        SinkConfig, SinkTarget,
        check::{Checker, shown},
        raw::RawSink,
        units,
    },
    DAY, MINUTE, SECOND,
};

/// More places are a slip: each is asked of the database once a second.
const MOST: usize = 20;

/// Every sink that is good; what is wrong with the others is noted.
pub(crate) fn sinks(raw: &[RawSink], check: &mut Checker<'_>) -> Vec<SinkConfig> {
    if raw.len() > MOST {
        check.fault(&format!("audit.sinks[{MOST}]"), format!("is one too many: there may be {MOST}"), &[]);
    }
    let mut found: Vec<SinkConfig> = Vec::new();
    for (number, raw) in raw.iter().enumerate() {
        let at = format!("audit.sinks[{number}]");
        let Some(sink) = Section { at: &at, raw, check }.sink() else { continue };
        if let Some(other) = found.iter().find(|other| other.rules.id == sink.rules.id) {
            let place = check.place(&format!("{}.id", other.at));
            check.fault(&format!("{at}.id"), format!("{} is another sink's too, at {place}", sink.rules.id), &[]);
        }
        found.push(sink);
    }
    found
}

struct Section<'a, 'c, 'o> {
    at: &'a str,
    raw: &'a RawSink,
    check: &'c mut Checker<'o>,
}

impl Section<'_, '_, '_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.at)
    }

    fn fault(&mut self, name: &str, message: impl Into<String>, add: &[&str]) {
        let key = self.key(name);
        self.check.fault(&key, message, add);
    }

    fn sink(mut self) -> Option<SinkConfig> {
        let (raw, at) = (self.raw, self.at.to_owned());
        let id = self.id();
        let kind: Option<SinkKind> = match &raw.kind {
            None => {
                self.fault("kind", "is missing", &["[[audit.sinks]]", "kind = \"syslog\""]);
                None
            }
            Some(kind) => self.word("kind", kind, SinkKind::ALL, SinkKind::as_str),
        };
        let form =
            raw.format.as_ref().map_or(Some(RecordForm::Json), |text| self.word("format", text, RecordForm::ALL, RecordForm::as_str));
        let start = raw.start.as_ref().map_or(Some(SinkStart::Now), |text| self.word("start", text, SinkStart::ALL, SinkStart::as_str));
        let events = self.events();
        let most = raw.batch.unwrap_or(100);
        if !(1..=1_000).contains(&most) {
            self.fault("batch", "must be from 1 to 1000", &[]);
        }
        let timeout = self.span("timeout", raw.timeout.as_deref(), SECOND, MINUTE * 5).unwrap_or(SECOND * 10);
        let kind = kind?;
        self.refuse_others(kind);
        let target = match kind {
            SinkKind::File => self.file(),
            SinkKind::Syslog => self.syslog(),
            SinkKind::Webhook => self.webhook(),
            SinkKind::Otlp => self.url().map(|url| SinkTarget::Otlp { url, private: raw.allow_private.unwrap_or(false) }),
        };
        Some(SinkConfig {
            at,
            rules: SinkRules { id: id?, kind, form: form?, events: events?, start: start?, most, timeout },
            target: target?,
        })
    }

    fn id(&mut self) -> Option<SinkId> {
        let Some(text) = &self.raw.id else {
            self.fault("id", "is missing", &["[[audit.sinks]]", "id = \"siem\""]);
            return None;
        };
        SinkId::parse(text).inspect_err(|error| self.fault("id", error.to_string(), &[])).ok()
    }

    fn word<T: Copy>(&mut self, name: &str, text: &str, all: &[T], of: fn(T) -> &'static str) -> Option<T> {
        let all: Vec<_> = all.iter().map(|value| (of(*value), *value)).collect();
        let key = self.key(name);
        self.check.one_of(&key, text, &all)
    }

    fn span(&mut self, name: &str, text: Option<&str>, least: Duration, most: Duration) -> Option<Duration> {
        let key = self.key(name);
        text.map(|text| self.check.span(&key, text, least..=most))
    }

    fn events(&mut self) -> Option<SinkEvents> {
        let all = ["*".to_owned()];
        let patterns = self.raw.events.as_deref().unwrap_or(&all);
        match SinkEvents::parse(patterns) {
            Ok(filter) if filter.is_empty() => {
                self.fault("events", "is empty, so that nothing would be sent; name some, or leave it out for all", &[]);
                None
            }
            Ok(filter) => Some(filter),
            Err(pattern) => {
                let message = format!("{} means no event; docs/audit/events.schema.json has their names", shown(pattern));
                self.fault("events", message, &["events = [\"login.*\", \"key.rotated\"]"]);
                None
            }
        }
    }

    /// What belongs to another kind of sink would do nothing here.
    fn refuse_others(&mut self, kind: SinkKind) {
        use SinkKind::{File, Otlp, Syslog, Webhook};
        let raw = self.raw;
        let all: [(&str, bool, &[SinkKind]); 10] = [
            ("path", raw.path.is_some(), &[File]),
            ("rotate_size", raw.rotate_size.is_some(), &[File]),
            ("rotate_after", raw.rotate_after.is_some(), &[File]),
            ("fsync", raw.fsync.is_some(), &[File]),
            ("address", raw.address.is_some(), &[Syslog]),
            ("transport", raw.transport.is_some(), &[Syslog]),
            ("url", raw.url.is_some(), &[Webhook, Otlp]),
            ("secrets", !raw.secrets.is_empty(), &[Webhook]),
            ("secret_files", raw.secret_files.is_some(), &[Webhook]),
            ("allow_private", raw.allow_private.is_some(), &[Webhook, Otlp]),
        ];
        for (name, is_set, kinds) in all {
            if is_set && !kinds.contains(&kind) {
                self.fault(name, format!("does nothing for a sink of kind {kind}; leave it out"), &[]);
            }
        }
    }

    fn file(&mut self) -> Option<SinkTarget> {
        let raw = self.raw;
        let rotate_after = self.span("rotate_after", raw.rotate_after.as_deref(), MINUTE, DAY * 365);
        let size = raw.rotate_size.as_ref().map(|text| (text, units::parse_size(text)));
        match size {
            Some((text, None)) => self.fault("rotate_size", format!("{} {}", shown(text), units::SIZE_FORM), &[]),
            Some((_, Some(size))) if size < 1 << 10 => self.fault("rotate_size", "must be at least 1KiB", &[]),
            _ => {}
        }
        let Some(path) = raw.path.as_ref().filter(|path| !path.is_empty()) else {
            self.fault("path", "is missing: it is the file that events are written to", &["path = \"/var/log/vestibule/audit.jsonl\""]);
            return None;
        };
        let rotate_size = size.and_then(|(_, size)| u64::try_from(size?).ok());
        Some(SinkTarget::File(FileOptions { path: PathBuf::from(path), rotate_size, rotate_after, fsync: raw.fsync.unwrap_or(true) }))
    }

    fn syslog(&mut self) -> Option<SinkTarget> {
        const TRANSPORTS: [(&str, Transport); 3] = [("udp", Transport::Udp), ("tcp", Transport::Tcp), ("tls", Transport::Tls)];
        let raw = self.raw;
        let key = self.key("transport");
        let transport = raw.transport.as_ref().map_or(Some(Transport::Tls), |text| self.check.one_of(&key, text, &TRANSPORTS));
        let Some(address) = &raw.address else {
            self.fault("address", "is missing: it is the log server", &["address = \"logs.example.com:6514\""]);
            return None;
        };
        // Read as the part of a web address that it is alike.
        let url = Url::parse(&format!("syslog://{address}")).ok();
        let url = url.filter(|url| url.path().is_empty() && url.query().is_none() && url.fragment().is_none() && url.username().is_empty());
        let host = url.as_ref().and_then(|url| Host::parse(url.host_str()?).ok());
        let Some(host) = host else {
            self.fault("address", format!("{} is no host and port, as logs.example.com:6514", shown(address)), &[]);
            return None;
        };
        let host = match host {
            Host::Domain(name) => name,
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        };
        let transport = transport?;
        let port = url.and_then(|url| url.port()).unwrap_or_else(|| transport.usual_port());
        Some(SinkTarget::Syslog { host, port, transport })
    }

    fn webhook(&mut self) -> Option<SinkTarget> {
        const LINES: [&str; 2] = [
            "(umask 077; (printf whsec_; openssl rand -base64 32) > /etc/vestibule/siem.secret)",
            "secret_files = [\"/etc/vestibule/siem.secret\"]",
        ];
        let raw = self.raw;
        let url = self.url();
        let mut secrets = raw.secrets.clone();
        // On another machine nothing can be said of what they hold.
        let paths = raw.secret_files.as_deref().filter(|_| self.check.reads_files()).unwrap_or_default();
        for path in paths {
            let key = self.key("secret_files");
            secrets.extend(self.check.read_secret(&key, path));
        }
        if raw.secrets.is_empty() && raw.secret_files.as_ref().is_none_or(Vec::is_empty) {
            self.fault("secret_files", "is missing: without a secret the receiver could not tell our posts from anybody's", &LINES);
        }
        let named_alone = raw.secrets.len();
        let bad: Vec<(usize, WebhookSecretError)> =
            secrets.iter().enumerate().filter_map(|(at, secret)| Some((at, parse(secret).err()?))).collect();
        for (at, error) in bad {
            let (name, number) = if at < named_alone { ("secrets", at) } else { ("secret_files", at - named_alone) };
            self.fault(name, format!("has something that can't be used, at place {}: it {error}", number + 1), &LINES);
        }
        Some(SinkTarget::Webhook { url: url?, secrets, private: raw.allow_private.unwrap_or(false) })
    }

    fn url(&mut self) -> Option<Url> {
        let raw = self.raw;
        let Some(text) = &raw.url else {
            self.fault("url", "is missing: it is where events are posted", &["url = \"https://siem.example.com/vestibule\""]);
            return None;
        };
        // The address is not repeated: there may be a password in it.
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        match &url {
            None => self.fault("url", "is not an address that begins with https://", &[]),
            Some(url) if !url.username().is_empty() || url.password().is_some() => {
                self.fault("url", "has a user or a password in it, which the configuration does not keep secret", &[]);
            }
            Some(url) if url.scheme() == "http" && raw.allow_private != Some(true) => {
                self.fault(
                    "url",
                    "is http, so that whoever listens on the way reads along; write https, or allow it",
                    &["allow_private = true"],
                );
            }
            Some(_) => {}
        }
        url
    }
}

fn parse(secret: &SecretString) -> Result<WebhookSecret, WebhookSecretError> {
    WebhookSecret::parse(secret.expose_secret())
}
