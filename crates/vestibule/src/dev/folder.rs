//! The data folder of `vestibule dev`.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use secrecy::{ExposeSecret, SecretString};

use vestibule_crypto::SealingKey;

use crate::{
    config::{Sealing, StoreSettings},
    failure::Failure,
};

/// Lies in every folder that was made here, so that none is taken for a real one, and no other folder is written to or emptied.
const MARKER: &str = "made-by-vestibule-dev.txt";
const MARKER_TEXT: &str = "\
Everything here was made by `vestibule dev`, to try things out: a demo app, pretend people, and keys in plain sight.
`vestibule serve` refuses it. `vestibule dev --reset` deletes it.
";
const DATABASE: &str = "vestibule.db";
/// Whatever is made here.
const OURS: [&str; 7] = ["vestibule.db", "vestibule.db-wal", "vestibule.db-shm", "sealing.key", "admin.key", "demo.secret", MARKER];

/// A data folder that is there and ours.
#[derive(Debug)]
pub(super) struct Folder(PathBuf);

/// A secret that the folder keeps.
#[derive(Debug)]
pub(super) struct Kept {
    /// The secret.
    pub(super) secret: SecretString,
    /// Whether it was made just now.
    pub(super) is_new: bool,
}

impl Folder {
    /// Makes the folder, readable by nobody else, or takes one that was made before; `reset` empties it first.
    pub(super) fn open(path: &Path, reset: bool) -> Result<Self, Failure> {
        let failed = |error| Failure::io(format!("the data folder {} can't be used", path.display()), error);
        let ours = is_data_folder(path);
        if let Some(foreign) = OURS.iter().find(|name| !ours && path.join(name).exists()) {
            let what = format!("{} has a {foreign} that `vestibule dev` did not make; name another folder with --data", path.display());
            return Err(Failure::Plain(what));
        }
        if reset && ours {
            for name in OURS {
                match fs::remove_file(path.join(name)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                    _ => {}
                }
            }
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let folder = Self(path.canonicalize().map_err(failed)?);
        if !folder.0.join(MARKER).exists() {
            folder.write(MARKER, &MARKER_TEXT.to_owned().into())?;
        }
        Ok(folder)
    }

    /// Where it is, from the root on.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Its database.
    pub(super) fn store(&self) -> StoreSettings {
        store_in(&self.0)
    }

    /// A secret that is made the first time.
    pub(super) fn keep(&self, name: &str, make: impl FnOnce() -> SecretString) -> Result<Kept, Failure> {
        if let Some(secret) = self.read(name)? {
            return Ok(Kept { secret, is_new: false });
        }
        let secret = make();
        self.write(name, &secret)?;
        Ok(Kept { secret, is_new: true })
    }

    /// A secret, if it is there.
    pub(super) fn read(&self, name: &str) -> Result<Option<SecretString>, Failure> {
        match fs::read_to_string(self.0.join(name)) {
            Ok(text) => Ok(Some(text.trim_end().into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::io(format!("{} can't be read", self.0.join(name).display()), error)),
        }
    }

    /// Writes a file that nobody else can read.
    pub(super) fn write(&self, name: &str, secret: &SecretString) -> Result<(), Failure> {
        let path = self.0.join(name);
        let written = create_private(&path).and_then(|mut file| writeln!(file, "{}", secret.expose_secret().trim_end()));
        written.map_err(|error| Failure::io(format!("{} can't be written", path.display()), error))
    }
}

/// Whether `vestibule dev` made this folder.
pub(crate) fn is_data_folder(path: &Path) -> bool {
    path.join(MARKER).exists()
}

/// The database in such a folder.
pub(crate) fn store_in(folder: &Path) -> StoreSettings {
    StoreSettings { url: format!("sqlite:{}", folder.join(DATABASE).display()).into(), readers: 4 }
}

/// The sealing key of such a folder, if it is there.
pub(crate) fn sealing_in(folder: &Path) -> Option<Sealing> {
    let key = fs::read_to_string(folder.join("sealing.key")).ok()?;
    Some(Sealing { current: SealingKey::parse(key.trim_end()).ok()?, previous: Vec::new() })
}

/// Makes or empties a file that nobody else can read.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn secret(text: &str) -> SecretString {
        text.to_owned().into()
    }

    #[test]
    fn what_is_kept_is_made_once_and_nobody_else_can_read_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("data");
        let folder = Folder::open(&path, false).unwrap();
        assert!(folder.keep("admin.key", || secret("first")).unwrap().is_new);
        let again = Folder::open(&path, false).unwrap().keep("admin.key", || secret("second")).unwrap();
        assert!(!again.is_new && again.secret.expose_secret() == "first");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&path.join("admin.key"))), (0o700, 0o600));
    }

    #[test]
    fn a_reset_deletes_what_was_made_here_and_nothing_else() {
        let place = tempfile::tempdir().unwrap();
        let folder = Folder::open(place.path(), false).unwrap();
        folder.keep("admin.key", || secret("first")).unwrap();
        fs::write(place.path().join("mine.txt"), "mine").unwrap();
        let folder = Folder::open(place.path(), true).unwrap();
        assert!(folder.keep("admin.key", || secret("second")).unwrap().is_new);
        assert!(place.path().join("mine.txt").exists());
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("vestibule.db"), "precious").unwrap();
        for reset in [false, true] {
            let told = Folder::open(place.path(), reset).unwrap_err().to_string();
            assert!(told.contains("vestibule.db") && told.contains("--data"), "{told}");
        }
        assert_eq!(fs::read_to_string(place.path().join("vestibule.db")).unwrap(), "precious");
    }
}
