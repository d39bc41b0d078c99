//! `keys.json` in the data folder: for machines without a keyring. Private or refused; replaced whole or not at all.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize};

use super::{KeyError, SecretStore};

const FILE_NAME: &str = "keys.json";
const LOCK_NAME: &str = "keys.lock";
const VERSION: u32 = 1;
/// Far above any sum of keys and passwords: what is larger is not this file.
const LARGEST: u64 = 16 << 20;

pub(super) struct KeyFile {
    data_dir: PathBuf,
}

/// What is in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    secrets: BTreeMap<String, Hidden>,
}

/// The same, to be written.
#[derive(Serialize)]
struct Document<'c> {
    version: u32,
    secrets: BTreeMap<&'c str, &'c str>,
}

struct Hidden(SecretString);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(SecretString::from(text)))
    }
}

impl KeyFile {
    pub fn new(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
        }
    }

    fn read(&self) -> io::Result<Content> {
        let nofollow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let path = self.data_dir.join(FILE_NAME);
        let mut file = match OpenOptions::new()
            .read(true)
            .custom_flags(nofollow)
            .open(path)
        {
            Ok(file) => file,
            // A data folder without the file has no secrets; one that is gone tells nothing.
            Err(e) if e.kind() == io::ErrorKind::NotFound && self.data_dir.is_dir() => {
                return Ok(Content {
                    version: VERSION,
                    secrets: BTreeMap::new(),
                });
            }
            Err(e) => return Err(e),
        };
        require_private(&file)?;
        let size = file.metadata()?.len();
        let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0)));
        file.read_to_end(&mut text)?;
        // serde's own message may quote what it met.
        let content: Content = serde_json::from_slice(&text).map_err(|e| {
            let (line, column) = (e.line(), e.column());
            invalid(format!(
                "`{FILE_NAME}` is damaged at line {line}, column {column}"
            ))
        })?;
        if content.version != VERSION {
            let found = content.version;
            return Err(invalid(format!("`{FILE_NAME}` is of version {found}")));
        }
        Ok(content)
    }

    /// Reads, changes and replaces it, while no other process does.
    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Hidden>)) -> io::Result<()> {
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.data_dir.join(LOCK_NAME))?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive)?;
        let mut content = self.read()?;
        change(&mut content.secrets);
        self.replace(&content)
    }

    fn replace(&self, content: &Content) -> io::Result<()> {
        let secrets = content.secrets.iter();
        let document = Document {
            version: content.version,
            secrets: secrets
                .map(|(name, secret)| (name.as_str(), secret.0.expose_secret()))
                .collect(),
        };
        let mut text = Zeroizing::new(Vec::new());
        serde_json::to_writer_pretty(&mut *text, &document)?;
        let mut file = tempfile::Builder::new()
            .prefix(".keys-")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(&self.data_dir)?;
        file.write_all(&text)?;
        file.as_file().sync_all()?;
        file.persist(self.data_dir.join(FILE_NAME))
            .map_err(|e| e.error)?;
        File::open(&self.data_dir)?.sync_all()
    }
}

impl SecretStore for KeyFile {
    fn get(&self, name: &str) -> Result<Option<SecretString>, KeyError> {
        let mut content = self.read().map_err(KeyError::File)?;
        Ok(content.secrets.remove(name).map(|secret| secret.0))
    }

    fn set(&self, name: &str, secret: &SecretString) -> Result<(), KeyError> {
        self.change(|secrets| {
            secrets.insert(name.to_owned(), Hidden(secret.clone()));
        })
        .map_err(KeyError::File)
    }

    fn delete(&self, name: &str) -> Result<(), KeyError> {
        self.change(|secrets| {
            secrets.remove(name);
        })
        .map_err(KeyError::File)
    }
}

/// A key file that others can read has perhaps been read: that is for its owner to know, not to be mended in silence.
fn require_private(file: &File) -> io::Result<()> {
    let found = file.metadata()?;
    let refused = |reason: String| {
        let text = format!("`{FILE_NAME}` {reason}");
        Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
    };
    if !found.is_file() {
        return refused("is no regular file".to_owned());
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return refused(format!("belongs to the user {}", found.uid()));
    }
    if found.mode() & 0o077 != 0 {
        return refused(format!(
            "is open to others (mode {:04o}): `chmod 600` it",
            found.mode() & 0o7777
        ));
    }
    if found.len() > LARGEST {
        return refused(format!("has {} bytes", found.len()));
    }
    Ok(())
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}
