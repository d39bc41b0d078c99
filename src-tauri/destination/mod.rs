//! Places that keep archives: one small contract, one file a type, decorators of the same trait. It knows nothing of what the bytes mean.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

use crate::model::{Cancel, DestinationConfig, Observer};

/// A place of archives. Promises (the contract suite holds every type to them): an archive is visible only when complete; what was
/// acknowledged can be read back; a read gives exactly the bytes asked for or an error; nothing leaves the base path; deleting what is
/// gone succeeds; nothing but archives, and a temporary name while one is written, is left there.
pub trait Destination: Send + Sync {
    fn capabilities(&self) -> Capabilities;
    /// Where the archive of this key may be written directly under its temporary name, on this machine, before `put` publishes it.
    /// None where the bytes have to be sent.
    fn staging(&self, key: &Key) -> Result<Option<PathBuf>, DestinationError>;
    /// Writes under a temporary name, verifies, publishes create-only. `Exists` where the name is taken.
    fn put(&self, key: &Key, body: &Body, call: &Call<'_>) -> Result<Stored, DestinationError>;
    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>, DestinationError>;
    /// Every archive below `prefix` (empty: all), in no order, one at a time. Temporary names are not shown.
    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<(), DestinationError>,
    ) -> Result<(), DestinationError>;
    /// None where nothing of this name is there.
    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>, DestinationError>;
    /// Missing is success.
    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<(), DestinationError>;
    /// Removes temporary names of interrupted writes of one's own that are older than `age`. Returns how many.
    fn sweep(&self, age: Duration, call: &Call<'_>) -> Result<u32, DestinationError>;
    fn free_space(&self, call: &Call<'_>) -> Result<Option<u64>, DestinationError>;
}

/// Facts about a type or a place, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Publishing fails where the name is taken, without a race.
    pub atomic_create: bool,
    pub ranges: bool,
    pub free_space: bool,
    pub resume: bool,
    /// Files and folders have modes.
    pub modes: bool,
}

/// `{instance}-{id}/{type}/{file name}`: relative, checked, `/`-separated. No `..`, no empty segment, no control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

impl Key {
    pub fn new(_path: &str) -> Result<Self, DestinationError> {
        todo!()
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The bytes to be stored: a staged file, its length and its digest. It can be opened again at an offset, for retries and resume.
pub struct Body {
    pub path: PathBuf,
    pub length: u64,
    /// Lower-case hex, computed while the file was written.
    pub sha256: String,
}

/// What a call is given besides its arguments.
pub struct Call<'a> {
    pub cancel: &'a Cancel,
    pub observer: &'a dyn Observer,
    pub deadline: Option<std::time::Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub verification: Verification,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// The bytes there are known to have the digest.
    Verified,
    /// Only the size is known.
    Checked,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub key: Key,
    pub size: u64,
    pub modified: Option<Timestamp>,
}

/// A case of the contract, run against the user's own place.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TestCheck {
    pub name: String,
    pub ok: bool,
    pub message: String,
}

#[derive(Debug, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct DestinationError {
    pub kind: ErrorKind,
    /// The fact: what was asked and what came back. No secret.
    pub detail: String,
    #[source]
    pub cause: Option<io::Error>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ErrorKind {
    #[error("authentication")]
    Authentication,
    #[error("trust")]
    Trust,
    #[error("unreachable")]
    Unreachable,
    #[error("timeout")]
    Timeout,
    #[error("space")]
    Space,
    #[error("missing")]
    Missing,
    #[error("exists")]
    Exists,
    #[error("forbidden")]
    Forbidden,
    #[error("throttled")]
    Throttled,
    #[error("truncated")]
    Truncated,
    #[error("protocol")]
    Protocol,
    #[error("config")]
    Config,
    #[error("cancelled")]
    Cancelled,
}

/// Opens the place of a configuration. Secrets by their name (`password`, …).
pub fn open(
    _config: &DestinationConfig,
    _secrets: &BTreeMap<String, SecretString>,
) -> Result<Arc<dyn Destination>, DestinationError> {
    todo!()
}

/// The contract as a check of a user's place: behind "Test destination".
#[must_use]
pub fn test(_destination: &dyn Destination, _call: &Call<'_>) -> Vec<TestCheck> {
    todo!()
}
