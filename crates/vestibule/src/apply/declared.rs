//! What files declare.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    config::schema::provider_secrets,
    document::{self, Format},
    failure::Failure,
};

/// What kind of thing; apps refer to providers, so those are made first and go last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Provider,
    Client,
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Provider, Self::Client];

    /// Its place in the admin API, which is what a list of them is called in files too.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Provider => "providers",
            Self::Client => "clients",
        }
    }

    /// The field that names one.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Provider => "id",
            Self::Client => "client_id",
        }
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Client => "client",
        }
    }
}

/// A thing as a file has it.
#[derive(Clone, Debug)]
pub(super) struct Declared {
    pub(super) kind: Kind,
    pub(super) id: String,
    /// What the admin API is sent.
    pub(super) body: Value,
    /// Where it stands.
    pub(super) file: String,
}

impl Declared {
    /// The same beside what is there. What somebody shut stays so until a file says that it is open: they may have had a reason that no file knows.
    /// Tells whether that is so.
    pub(super) fn beside(&self, present: &Value) -> (Self, bool) {
        let stays_shut = present["disabled"] == Value::Bool(true) && self.body.get("disabled").is_none();
        let mut one = self.clone();
        if stays_shut {
            one.body["disabled"] = true.into();
        }
        (one, stays_shut)
    }
}

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) declared: Vec<Declared>,
    /// In how many files.
    pub(super) files: usize,
}

/// Everything that files and folders declare, in the order in which it can be made.
pub(super) fn declared(paths: &[PathBuf]) -> Result<Found, Failure> {
    let (mut all, mut faults, mut count) = (Vec::<Declared>::new(), Vec::new(), 0);
    for path in paths {
        for file in files(path)? {
            count += 1;
            let text = document::read(&file)?;
            match document::object(&file, &text) {
                Ok(object) => match things(&file, object) {
                    Ok(found) => all.extend(found),
                    Err(fault) => faults.push(format!("{}: {fault}", file.display())),
                },
                Err(error) => faults.push(error.to_string()),
            }
        }
    }
    for (at, one) in all.iter().enumerate() {
        if let Some(other) = all[..at].iter().find(|other| (other.kind, &other.id) == (one.kind, &one.id)) {
            let both =
                if other.file == one.file { format!("twice in {}", one.file) } else { format!("in {} and in {}", other.file, one.file) };
            faults.push(format!("the {} {} is declared {both}", one.kind.name(), one.id));
        }
    }
    all.sort_by_key(|one| one.kind);
    if faults.is_empty() { Ok(Found { declared: all, files: count }) } else { Err(Failure::Plain(faults.join("\n"))) }
}

/// The files of a folder, by name; what is hidden or is no file of ours is passed by, as editors leave such things behind.
fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error| Failure::io(format!("{} can't be read", path.display()), error);
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let hidden = file.file_name().and_then(|name| name.to_str()).is_none_or(|name| name.starts_with('.'));
        if !hidden && file.is_file() && Format::of(&file).is_some() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// A file is one app, called as it is called unless it says otherwise; or lists of things under `clients` and `providers`.
fn things(file: &Path, mut object: Map<String, Value>) -> Result<Vec<Declared>, String> {
    let lists = Kind::ALL.map(|kind| (kind, object.remove(kind.path())));
    if lists.iter().all(|(_, list)| list.is_none()) {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        return Ok(vec![one(file, Kind::Client, object, Some(stem))?]);
    }
    if !object.is_empty() {
        let names: Vec<_> = object.keys().map(String::as_str).collect();
        return Err(format!(
            "has {} beside a list; a file is one client, or lists of clients and providers and nothing else",
            names.join(", ")
        ));
    }
    let mut all = Vec::new();
    for (kind, list) in lists {
        let items = match list {
            None => continue,
            Some(Value::Array(items)) => items,
            Some(_) => return Err(format!("{} must be a list", kind.path())),
        };
        for (at, item) in items.into_iter().enumerate() {
            let place = format!("{}[{at}]", kind.path());
            let Value::Object(fields) = item else { return Err(format!("{place} must have names and values")) };
            all.push(one(file, kind, fields, None).map_err(|fault| format!("{place} {fault}"))?);
        }
    }
    Ok(all)
}

fn one(file: &Path, kind: Kind, mut fields: Map<String, Value>, stem: Option<&str>) -> Result<Declared, String> {
    let id = match (fields.remove(kind.id()), stem) {
        (Some(Value::String(id)), _) => id,
        (Some(_), _) => return Err(format!("has a {} that is no text", kind.id())),
        (None, Some(stem)) => stem.to_owned(),
        (None, None) => return Err(format!("has no {}", kind.id())),
    };
    if id.is_empty() {
        return Err(format!("has an empty {}", kind.id()));
    }
    let body = match kind {
        Kind::Client if fields.contains_key("client_secret") => {
            return Err(format!("{id} has a client_secret; the gateway makes secrets, and --secrets-dir says where they go"));
        }
        Kind::Client => Value::Object(fields),
        Kind::Provider => provider(file, fields)?,
    };
    Ok(Declared { kind, id, body, file: file.display().to_string() })
}

/// A provider as the configuration has one: settings, and secrets by the files that they stand in, beside this one unless their paths are whole.
fn provider(file: &Path, mut settings: Map<String, Value>) -> Result<Value, String> {
    let disabled = settings.remove("disabled");
    let named: Vec<_> =
        settings.iter().filter_map(|(name, value)| Some((name.strip_suffix("_file")?.to_owned(), value.as_str()?.to_owned()))).collect();
    for (name, path) in named {
        settings.remove(&format!("{name}_file"));
        // A file that is read by a slip in a name would be sent as a setting that is shown.
        if provider_secrets().all(|secret| secret != name) {
            let known: Vec<_> = provider_secrets().map(|secret| format!("{secret}_file")).collect();
            return Err(format!("has {name}_file, and no setting {name} is read from a file; those are {}", known.join(", ")));
        }
        let path = file.parent().unwrap_or(Path::new("")).join(path);
        let text = document::read(&path).map_err(|failure| failure.to_string().trim_start_matches("error: ").to_owned())?;
        settings.insert(name, text.trim().into());
    }
    let mut body = json!({ "settings": settings });
    if let Some(disabled) = disabled {
        body["disabled"] = disabled;
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn ids(files: &[(&str, &str)]) -> Result<Vec<String>, String> {
        let folder = folder(files);
        let path = folder.path().display().to_string();
        let found = declared(&[folder.path().to_owned()]).map_err(|failure| failure.to_string().replace(&path, ""))?;
        Ok(found.declared.into_iter().map(|one| one.id).collect())
    }

    #[test]
    fn a_file_is_one_app_or_a_list_of_them() {
        let found = ids(&[
            ("b.toml", "client_name = \"B\"\n"),
            ("a.yaml", "client_id: other\nclient_name: A\n"),
            (
                "c.json",
                r#"{"clients":[{"client_id":"c1","client_name":"1"},{"client_id":"c2"}], "providers":[{"id":"acme","preset":"oidc"}]}"#,
            ),
            (".hidden.toml", "x ="),
            ("notes.txt", "hello"),
            ("d.toml~", "x ="),
        ]);
        assert_eq!(found, Ok(["acme", "other", "b", "c1", "c2"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let said = ids(&[
            ("a.toml", "x = \n"),
            ("b.toml", "client_name = \"B\"\n"),
            ("c.yaml", "client_id: b\n"),
            ("d.json", r#"{"clients":[{}, 3]}"#),
            ("e.json", r#"{"clients":[], "client_name": "x"}"#),
            ("f.toml", "client_secret = \"hunter2\"\n"),
        ])
        .unwrap_err();
        assert!(said.starts_with("error: /a.toml:1:5: is no TOML: "), "{said}");
        for line in [
            "/d.json: clients[0] has no client_id",
            "/e.json: has client_name beside a list; a file is one client, or lists of clients and providers and nothing else",
            "/f.toml: f has a client_secret; the gateway makes secrets, and --secrets-dir says where they go",
            "the client b is declared in /b.toml and in /c.yaml",
        ] {
            assert!(said.lines().any(|said| said == line), "{line}: {said}");
        }
        assert!(!said.contains("hunter2"));
    }

    #[test]
    fn what_somebody_shut_is_open_again_when_a_file_says_so_and_not_before() {
        let beside = |body: Value, shut: bool| {
            let one = Declared { kind: Kind::Client, id: "app".into(), body, file: String::new() };
            let (one, stays_shut) = one.beside(&json!({ "disabled": shut }));
            (one.body.get("disabled").cloned(), stays_shut)
        };
        assert_eq!(beside(json!({}), true), (Some(json!(true)), true));
        assert_eq!(beside(json!({ "disabled": false }), true), (Some(json!(false)), false));
        assert_eq!(beside(json!({ "disabled": true }), true), (Some(json!(true)), false));
        assert_eq!(beside(json!({}), false), (None, false));
    }

    #[test]
    fn a_provider_is_as_the_configuration_has_it_with_its_secret_in_a_file() {
        let files = [
            ("p.toml", "[[providers]]\nid = \"acme\"\npreset = \"oidc\"\nclient_secret_file = \"acme.secret\"\n"),
            ("acme.secret", "given-by-acme\n"),
        ];
        let folder = folder(&files);
        let found = declared(&[folder.path().to_owned()]).unwrap();
        assert_eq!(found.files, 1);
        assert_eq!(found.declared[0].body, json!({ "settings": { "preset": "oidc", "client_secret": "given-by-acme" } }));
    }

    #[test]
    fn a_file_that_no_secret_is_read_from_is_not_read() {
        let said = ids(&[
            ("p.toml", "[[providers]]\nid = \"acme\"\npreset = \"oidc\"\nclient_secrets_file = \"acme.secret\"\n"),
            ("acme.secret", "given-by-acme\n"),
        ]);
        let said = said.unwrap_err();
        assert!(
            said.contains("has client_secrets_file, and no setting client_secrets is read from a file; those are client_secret_file, "),
            "{said}"
        );
        assert!(!said.contains("given-by-acme"));
    }
}
