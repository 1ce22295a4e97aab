//! What forms of the console say, and what is said after them.

use vestibule_domain::managed::Editor;
use vestibule_flows::{AdminFault, Edit};
use vestibule_protocol::parameters::Parameters;

use crate::visit::Visit;

/// What a form sent. What is empty counts as not said.
pub(crate) struct Sent(Parameters);

impl Sent {
    /// What came; nothing if it can't be read.
    pub(crate) fn of(visit: &Visit) -> Self {
        Self(visit.parameters().unwrap_or_default())
    }

    /// A field, without blanks around it.
    pub(crate) fn text(&self, name: &str) -> String {
        self.0.get(name).unwrap_or_default().trim().to_owned()
    }

    /// A field that may be left out.
    pub(crate) fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// The lines of a field.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let text = self.0.get(name).unwrap_or_default();
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// The boxes of a name that are ticked.
    pub(crate) fn ticked(&mut self, name: &str) -> Vec<String> {
        self.0.take_all(name)
    }

    /// The version that whoever wrote it had before them.
    pub(crate) fn version(&self) -> Option<i64> {
        self.text("version").parse().ok()
    }

    /// What a change is held to: the version that was seen, and whether it is to be made though files keep the thing.
    pub(crate) fn edit(&self) -> Result<Edit, AdminFault> {
        let expected = Some(self.version().ok_or(AdminFault::PreconditionRequired)?);
        Ok(Edit { expected, editor: Editor { manager: None, force: self.is_ticked("force") } })
    }

    /// Whether a box is ticked.
    pub(crate) fn is_ticked(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }
}

/// What was just done, by the word that stands in the address: nobody writes other words onto these pages by a link.
pub(super) fn notice(name: &str) -> Option<&'static str> {
    let notices = [
        ("saved", "Saved."),
        ("deleted", "Deleted."),
        ("disabled", "Disabled. What it had stopped working."),
        ("enabled", "Enabled."),
        ("revoked", "Revoked. It does not work any more."),
        ("forgotten", "Forgotten. They are asked again."),
        ("ended", "Signed out there."),
        ("unlinked", "The link is undone, and what came by it has ended."),
        ("erased", "Erased. What was known of them is gone; the account stays, disabled and with nothing in it."),
        ("rotated", "The next keys were brought forward."),
    ];
    notices.into_iter().find(|(word, _)| *word == name).map(|(_, text)| text)
}
