//! Files that people wrote in TOML, JSON or YAML, as one kind of value. What can't be read is told by its place.

use std::{fmt, io::Read, path::Path};

use serde_json::{Map, Value};

use crate::{failure::Failure, table::printable};

/// More than any such file has: an export of a large realm is a few megabytes.
pub(crate) const LARGEST: usize = 16 << 20;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Toml,
    Json,
    Yaml,
}

impl Format {
    /// What a file's ending says.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "toml" => Some(Self::Toml),
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Toml => "TOML",
            Self::Json => "JSON",
            Self::Yaml => "YAML",
        }
    }
}

/// Why a file can't be used, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    file: String,
    /// Line and column, from 1.
    at: Option<(usize, usize)>,
    message: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some((line, column)) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl Unreadable {
    fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { file: path.display().to_string(), at: None, message: message.into() }
    }
}

/// A file's text, as far as any such file goes.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let failed = |error| Failure::io(format!("{} can't be read", path.display()), error);
    let mut text = String::new();
    // One byte more than is allowed, so that a longer file is seen to be longer.
    std::fs::File::open(path).map_err(failed)?.take(LARGEST as u64 + 1).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// One object, in the format that the file's ending names.
pub(crate) fn object(path: &Path, text: &str) -> Result<Map<String, Value>, Unreadable> {
    let format =
        Format::of(path).ok_or_else(|| Unreadable::new(path, "must end in .toml, .json, .yaml or .yml, to say how it is written"))?;
    match value(path, format, text)? {
        Value::Object(members) => Ok(members),
        _ => Err(Unreadable::new(path, "has no names and values at its top")),
    }
}

/// Anything, in this format.
pub(crate) fn value(path: &Path, format: Format, text: &str) -> Result<Value, Unreadable> {
    if text.len() > LARGEST {
        return Err(Unreadable::new(path, format!("is larger than {} MiB", LARGEST >> 20)));
    }
    let read = match format {
        Format::Toml => toml::from_str(text)
            .map_err(|error: toml::de::Error| (error.message().to_owned(), error.span().map(|span| place(text, span.start)))),
        Format::Json => serde_json::from_str(text).map_err(|error| {
            let said = error.to_string();
            // The place stands in front, as everywhere.
            let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
            (said.to_owned(), Some((error.line(), error.column())))
        }),
        Format::Yaml => yaml(text),
    };
    read.map_err(|(message, at)| {
        let wrong = Unreadable::new(path, format!("is no {}: {}", format.name(), printable(&message)));
        // Some parsers count the first place as 0.
        Unreadable { at: at.map(|(line, column)| (line.max(1), column.max(1))), ..wrong }
    })
}

type Misread = (String, Option<(usize, usize)>);

/// YAML as version 1.2 has it: `no` is a text there, and so is a number that begins with 0. The library's own limits hold aliases and nesting.
fn yaml(text: &str) -> Result<Value, Misread> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let at =
            error.location().map(|at| (usize::try_from(at.line()).unwrap_or_default(), usize::try_from(at.column()).unwrap_or_default()));
        let said = error.render();
        let said = said.lines().next().unwrap_or_default();
        let said = said.split_once(": ").filter(|(place, _)| place.starts_with("error")).map_or(said, |(_, said)| said);
        (said.to_owned(), at)
    })
}

/// Line and column of an offset, from 1.
fn place(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(name: &str, text: &str) -> Result<Value, String> {
        object(Path::new(name), text).map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn three_formats_say_the_same() {
        let wanted =
            json!({ "client_id": "app", "redirect_uris": ["https://a.example/cb"], "entry": { "groups": ["a"] }, "disabled": false });
        for (name, text) in [
            ("a.toml", "client_id = \"app\"\nredirect_uris = [\"https://a.example/cb\"]\ndisabled = false\n[entry]\ngroups = [\"a\"]\n"),
            ("a.json", r#"{"client_id":"app","redirect_uris":["https://a.example/cb"],"entry":{"groups":["a"]},"disabled":false}"#),
            ("a.yaml", "client_id: app\nredirect_uris:\n- https://a.example/cb\nentry: {groups: [a]}\ndisabled: false\n"),
        ] {
            assert_eq!(read(name, text), Ok(wanted.clone()), "{name}");
        }
        assert_eq!(read("a.yml", "id: 007\nname: no\nsum: 1_000\n"), Ok(json!({ "id": "007", "name": "no", "sum": "1_000" })));
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_place() {
        let said = |name: &str, text: &str| read(name, text).unwrap_err();
        assert!(said("a.toml", "a = 1\nb = \n").starts_with("a.toml:2:5: is no TOML: "), "{}", said("a.toml", "a = 1\nb = \n"));
        assert!(
            said("a.json", "{\"a\": 1,\n \"b\" 2}").starts_with("a.json:2:6: is no JSON: expected `:`"),
            "{}",
            said("a.json", "{\"a\": 1,\n \"b\" 2}")
        );
        assert!(said("a.yaml", "a: 1\nb: [1, 2\n").starts_with("a.yaml:"), "{}", said("a.yaml", "a: 1\nb: [1, 2\n"));
        assert!(said("a.yaml", "a: 1\na: 2\n").starts_with("a.yaml:2:"), "{}", said("a.yaml", "a: 1\na: 2\n"));
        assert_eq!(said("a.json", "[]"), "a.json: has no names and values at its top");
        assert_eq!(said("a.txt", ""), "a.txt: must end in .toml, .json, .yaml or .yml, to say how it is written");
        assert_eq!(said("a.json", &" ".repeat(LARGEST + 1)), "a.json: is larger than 16 MiB");
    }

    #[test]
    fn hostile_files_end_in_an_error_and_not_in_the_stack_or_the_memory() {
        for (name, text) in [
            ("deep.json", format!("{{\"a\":{}", "[".repeat(100_000))),
            ("deep.yaml", format!("a: {}", "[".repeat(100_000))),
            ("deep.toml", format!("a = {}", "[".repeat(100_000))),
            ("lines.yaml", (0..20_000).map(|n| " ".repeat(n.min(3000)) + "a:\n").collect()),
            ("laughs.yaml", (0..40).map(laugh).collect()),
        ] {
            assert!(read(name, &text).is_err(), "{name}");
        }
    }

    /// A list of nine of the list before it.
    fn laugh(n: usize) -> String {
        let of = if n == 0 { "lol".to_owned() } else { format!("*a{}", n - 1) };
        format!("a{n}: &a{n} [{}]\n", [of.as_str(); 9].join(","))
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}|[ a-z:\\-\\[\\]{}&*\"'\n#|>]{0,120}") {
            for name in ["a.toml", "a.json", "a.yaml"] {
                let _ = read(name, &text);
            }
        }
    }
}
