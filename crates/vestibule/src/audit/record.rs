//! Events as records for programs.

use std::io::{self, Write};

use vestibule_domain::audit::{AuditEvent, form::Form};

/// Writes records one after the other.
pub(crate) struct Writer<W> {
    form: Form,
    out: W,
    begun: bool,
}

impl<W: Write> Writer<W> {
    pub(crate) const fn new(form: Form, out: W) -> Self {
        Self { form, out, begun: false }
    }

    pub(crate) fn write(&mut self, event: &AuditEvent) -> io::Result<()> {
        self.begin()?;
        self.out.write_all(self.form.line(event).as_bytes())
    }

    /// Writes what is still held back.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.begin()?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn begin(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            self.out.write_all(self.form.head().as_bytes())?;
        }
        Ok(())
    }
}

/// The event as one line of JSON, its one text (RFC 8785).
pub(crate) fn json_line(event: &AuditEvent) -> String {
    Form::Jsonl.line(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_without_events_has_its_heading() {
        let written = |form| String::from_utf8(Writer::new(form, Vec::new()).finish().unwrap()).unwrap();
        assert_eq!(written(Form::Csv), Form::Csv.head());
        assert_eq!(written(Form::Jsonl), "");
    }
}
