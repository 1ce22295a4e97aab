//! Who keeps a thing: a set of files, or nobody in particular.
//!
//! What stands in files is changed there. An editor that did not know would see their change undone the next time the files are applied, so they are
//! told, and go past it only by saying so.

use crate::ids::ManagerName;

/// In whose name a change is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Editor {
    /// The set of files that says so; nothing for a person.
    pub manager: Option<ManagerName>,
    /// Whether it is to be done whoever keeps the thing.
    pub force: bool,
}

/// Another keeps it: who.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptElsewhere(pub ManagerName);

impl Editor {
    /// Who keeps a thing after this editor changed it, if they may. A set of files takes over what nobody kept; a person who goes past the files leaves
    /// it to them.
    pub fn keeper(&self, present: Option<&ManagerName>) -> Result<Option<ManagerName>, KeptElsewhere> {
        match (present, &self.manager) {
            (Some(keeper), editor) if editor.as_ref() != Some(keeper) && !self.force => Err(KeptElsewhere(keeper.clone())),
            (keeper, editor) => Ok(editor.as_ref().or(keeper).cloned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_keep_is_changed_by_them_or_by_force() {
        let name = |text: &str| ManagerName::parse(text).ok();
        let kept = |present: &str, by: &str, force: bool| {
            let editor = Editor { manager: name(by), force };
            editor.keeper(name(present).as_ref()).map(|keeper| keeper.map(|keeper| keeper.to_string()).unwrap_or_default())
        };
        let elsewhere = || Err(KeptElsewhere(ManagerName::parse("web").unwrap()));
        for (present, by, force, keeper) in [
            ("", "", false, Ok("")),
            ("", "web", false, Ok("web")),
            ("web", "web", false, Ok("web")),
            ("web", "", false, elsewhere()),
            ("web", "ops", false, elsewhere()),
            ("web", "", true, Ok("web")),
            ("web", "ops", true, Ok("ops")),
        ] {
            assert_eq!(kept(present, by, force), keeper.map(str::to_owned), "{present:?} by {by:?}, force {force}");
        }
    }
}
