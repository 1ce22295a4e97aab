//! Secrets that were just made, until they are given away: into files for their owner alone, or on standard output.

use std::{
    fs::File,
    io::Write,
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use crate::{
    cli::{Act, SecretTo},
    failure::Failure,
    print,
    table::table,
};

/// What is to be given away.
#[derive(Debug)]
pub(crate) struct Secrets {
    folder: Option<PathBuf>,
    made: Vec<(String, SecretString)>,
    written: usize,
}

impl Secrets {
    /// Into the files of a folder, which is made for its owner alone, or on standard output.
    pub(crate) fn into(folder: Option<&Path>) -> Result<Self, Failure> {
        if let Some(folder) = folder.filter(|folder| !folder.exists()) {
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder).map_err(|error| Failure::io(format!("{} can't be made", folder.display()), error))?;
        }
        Ok(Self { folder: folder.map(Path::to_owned), made: Vec::new(), written: 0 })
    }

    /// Refuses before anything is done what could not be written afterwards.
    pub(crate) fn have_room_for<'a>(&self, ids: impl Iterator<Item = &'a str>) -> Result<(), Failure> {
        for path in ids.filter_map(|id| self.file(id)) {
            if path.exists() {
                return Err(Failure::Plain(format!("{} is there already, and no secret is overwritten; move it away", path.display())));
            }
        }
        Ok(())
    }

    /// One more. A file is written at once: whatever ends the command later, this secret is not lost. One that can't be written is shown instead.
    pub(crate) fn add(&mut self, id: &str, secret: &str) {
        match self.file(id).map(|path| Reserved::at(&path)?.fill(secret)) {
            Some(Ok(())) => self.written += 1,
            Some(Err(failure)) => {
                eprintln!("{failure}; the secret of {id} is shown instead");
                self.made.push((id.to_owned(), secret.to_owned().into()));
            }
            None => self.made.push((id.to_owned(), secret.to_owned().into())),
        }
    }

    /// Those that no file has, for an answer in JSON.
    pub(crate) fn shown(&self) -> Map<String, Value> {
        self.made.iter().map(|(id, secret)| (id.clone(), secret.expose_secret().into())).collect()
    }

    /// Says them, or where they are.
    pub(crate) fn say(&self) -> Result<(), Failure> {
        if let Some(folder) = self.folder.as_ref().filter(|_| self.written > 0) {
            eprintln!("the new secrets are in {}, a file each; they are nowhere else", folder.display());
        }
        if self.made.is_empty() {
            return Ok(());
        }
        let rows: Vec<_> = self.made.iter().map(|(id, secret)| vec![id.clone(), secret.expose_secret().to_owned()]).collect();
        print::text(&format!("\nNew secrets, shown this once:\n{}", table(&[], &rows)))
    }

    fn file(&self, id: &str) -> Option<PathBuf> {
        // An id may have dots, and no slash.
        self.folder.as_ref().map(|folder| folder.join(format!("{id}.secret")))
    }
}

/// A file that waits for a secret. It is made before the gateway is asked for one, so that none is made that could not be written; if none comes, it goes.
#[derive(Debug)]
pub(crate) struct Reserved {
    path: PathBuf,
    file: Option<File>,
}

impl Reserved {
    fn at(path: &Path) -> Result<Self, Failure> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| Failure::io(format!("{} can't be made", path.display()), error))?;
        Ok(Self { path: path.to_owned(), file: Some(file) })
    }

    fn fill(mut self, secret: &str) -> Result<(), Failure> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        let written = file.write_all(secret.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(|error| Failure::io(format!("{} can't be written", self.path.display()), error))
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Where the one secret of a command goes.
#[derive(Debug)]
pub(crate) struct Destination(Option<Reserved>);

impl Destination {
    /// As the command line says. What is only tried makes no secret.
    pub(crate) fn of(to: &SecretTo, act: &Act) -> Result<Self, Failure> {
        let file = to.secret_file.as_deref().filter(|_| !act.dry_run);
        Ok(Self(file.map(Reserved::at).transpose()?))
    }

    /// Says what was done, and gives away the secret that the answer has under this name, if it has one: into its file, in an answer in JSON, or on
    /// standard output as a line of its own.
    pub(crate) fn say(self, mut answer: Value, name: &str, what: &str, done: &str, as_json: bool) -> Result<(), Failure> {
        let secret = answer.as_object_mut().and_then(|members| members.remove(name));
        let left = secret.as_ref().and_then(Value::as_str).and_then(|secret| self.filled(secret, what));
        if as_json {
            if let Some(secret) = left {
                answer[name] = secret.into();
            }
            return print::json(&answer);
        }
        print::text(&format!("{done}\n"))?;
        left.map_or(Ok(()), |secret| {
            eprintln!("{what} follows; it is shown this once");
            print::text(&format!("{secret}\n"))
        })
    }

    /// Writes the file, if there is to be one; the secret comes back where it has to be shown.
    fn filled<'a>(self, secret: &'a str, what: &str) -> Option<&'a str> {
        let Some(reserved) = self.0 else { return Some(secret) };
        let path = reserved.path.clone();
        match reserved.fill(secret) {
            Ok(()) => {
                eprintln!("{what} is in {}; it is nowhere else", path.display());
                None
            }
            Err(failure) => {
                eprintln!("{failure}; it is shown instead");
                Some(secret)
            }
        }
    }
}
