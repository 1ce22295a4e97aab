//! What every section's check leans on: faults are gathered, not thrown, so that one look shows all of them.

use std::{fs, net::SocketAddr, ops::RangeInclusive, str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use vestibule_crypto::{SealingKey, SystemEntropy};

use super::{
    Files,
    fault::{Fault, Faults, Origin},
    hint,
    layers::Origins,
    units,
};

/// Gathers faults.
#[derive(Debug)]
pub(super) struct Checker<'a> {
    origins: &'a Origins,
    files: Files,
    faults: Vec<Fault>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(origins: &'a Origins, files: Files) -> Self {
        Self { origins, files, faults: Vec::new() }
    }

    /// One for a part whose faults are its own.
    pub(super) fn apart(&self) -> Self {
        Self::new(self.origins, self.files)
    }

    /// What was gathered.
    pub(super) fn into_faults(self) -> Faults {
        Faults(self.faults)
    }

    /// Adds what was found wrong elsewhere.
    pub(super) fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Where a value stands.
    pub(super) fn origin(&self, key: &str) -> Option<Origin> {
        self.origins.near(key)
    }

    /// The same, for a sentence.
    pub(super) fn place(&self, key: &str) -> String {
        self.origins.near(key).map(|origin| origin.to_string()).unwrap_or_default()
    }

    /// What was found, when there are no faults.
    pub(super) fn conclude<T>(self, found: Option<T>) -> Result<T, Faults> {
        match found {
            Some(found) if self.faults.is_empty() => Ok(found),
            _ => Err(Faults(self.faults)),
        }
    }

    /// Something is wrong with a value. `add` are the lines that mend it.
    pub(super) fn fault(&mut self, key: &str, message: impl Into<String>, add: &[&str]) {
        let origin = self.origins.near(key);
        let add = add.iter().map(|line| (*line).to_owned()).collect();
        self.faults.push(Fault { origin, key: key.to_owned(), message: message.into(), add });
    }

    /// A span within bounds.
    pub(super) fn span(&mut self, key: &str, text: &str, bounds: RangeInclusive<Duration>) -> Duration {
        let span = units::parse_span(text);
        match span {
            None => self.fault(key, format!("{} {}", shown(text), units::SPAN_FORM), &[]),
            Some(span) if !bounds.contains(&span) => {
                let (least, most) = (units::show_span(*bounds.start()), units::show_span(*bounds.end()));
                self.fault(key, format!("is {}, and must be from {least} to {most}", units::show_span(span)), &[]);
            }
            Some(_) => {}
        }
        span.unwrap_or_default()
    }

    /// What a text is parsed to; `form` says how it should look.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &str, text: &str, form: &str) -> Option<T> {
        let value = text.parse().ok();
        if value.is_none() {
            self.fault(key, format!("{} {form}", shown(text)), &[]);
        }
        value
    }

    /// An address to listen at.
    pub(super) fn address(&mut self, key: &str, text: &str) -> Option<SocketAddr> {
        self.parsed(key, text, "is not an address and a port, as 127.0.0.1:8000 or [::1]:8000")
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&mut self, key: &str, text: &str, all: &[(&'static str, T)]) -> Option<T> {
        let found = all.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<_> = all.iter().map(|(word, _)| *word).collect();
            let meant = hint::nearest(text, words.iter().copied(), |word| word).map(|word| format!("; did you mean {word}?"));
            self.fault(key, format!("{} is none of {}{}", shown(text), words.join(", "), meant.unwrap_or_default()), &[]);
        }
        found
    }

    /// A secret that is given as it is or as the path of a file. Both at once is a fault, unless a higher layer overrules a lower one.
    pub(super) fn secret(&mut self, key: &str, text: Option<&SecretString>, path: Option<&String>) -> Option<SecretString> {
        let file_key = format!("{key}_file");
        let (own, file) = (self.origins.layer(key), self.origins.layer(&file_key));
        let secret = match (text, path) {
            (Some(_), Some(_)) if own == file => {
                let (one, other) = (self.origins.of(key), self.origins.of(&file_key));
                self.fault(key, format!("is set twice, at {one} and by {file_key} at {other}; keep one of them"), &[]);
                return None;
            }
            (Some(_), Some(path)) if file > own => self.read_secret(&file_key, path)?,
            (None, Some(path)) => self.read_secret(&file_key, path)?,
            (Some(text), _) => text.clone(),
            (None, None) => return None,
        };
        if secret.expose_secret().trim().is_empty() {
            self.fault(key, "is blank", &[]);
            return None;
        }
        Some(secret)
    }

    /// A file with a secret, without the new line that editors end files with. A stand-in takes its place when files are not to be read.
    pub(super) fn read_secret(&mut self, key: &str, path: &str) -> Option<SecretString> {
        if self.files == Files::TakenOnTrust {
            return Some(SealingKey::generate(&SystemEntropy).to_text());
        }
        match fs::read_to_string(path) {
            Ok(text) => Some(text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text)).into()),
            Err(error) => {
                self.fault(key, format!("names {path}, which can't be read: {error}"), &[]);
                None
            }
        }
    }

    /// A file that is no secret.
    pub(super) fn read_file(&mut self, key: &str, path: &str) -> Option<Vec<u8>> {
        if self.files == Files::TakenOnTrust {
            return Some(Vec::new());
        }
        let read = fs::read(path);
        if let Err(error) = &read {
            self.fault(key, format!("names {path}, which can't be read: {error}"), &[]);
        }
        read.ok()
    }

    /// Whether what a file holds is known.
    pub(super) fn reads_files(&self) -> bool {
        self.files == Files::Read
    }
}

/// A value in a message: short, and without what a terminal would act on.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(80).collect();
    format!("{cut:?}")
}
