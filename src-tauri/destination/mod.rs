//! Places that keep archives: one small contract, one file a type, decorators of the same trait. It knows nothing of what the bytes mean.

mod ahead;
mod azure;
mod body;
pub mod contract;
mod error;
mod folders;
mod ftp;
mod http;
mod key;
pub mod local;
mod net;
mod pages;
mod parts;
mod range;
mod read_back;
pub mod retry;
mod s3;
mod settings;
mod sftp;
mod temporary;
pub mod throttle;
pub mod time;
mod tls;
mod webdav;

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use secrecy::SecretString;

use crate::model::{Cancel, DestinationConfig, DestinationType, NoObserver, Observer};

pub use contract::{Tested, test};
pub use error::{DestinationError, Ends, ErrorKind};
pub use key::Key;
use retry::{Patience, Retry};
use settings::Settings;
use throttle::{Pace, Throttle};

/// A place of archives. Promises (the contract suite holds every type to them): an archive is visible only when complete; what was
/// acknowledged can be read back; a read gives exactly the bytes asked for or an error; nothing leaves the base path; deleting what is
/// gone succeeds; nothing but archives, and a temporary name while one is written, is left there.
///
/// A place that cannot be reached (a disk that is not mounted, too) is an error of every call: never an empty list, never a `None`.
pub trait Destination: Send + Sync {
    fn capabilities(&self) -> Capabilities;
    /// Where the archive of this key may be written directly under its temporary name, on this machine, before `put` publishes it.
    /// None where the bytes have to be sent. Its folder exists then, the file does not: make it with `local::create_staged`.
    fn staging(&self, key: &Key) -> Result<Option<PathBuf>, DestinationError>;
    /// Writes under a temporary name, verifies, publishes create-only. `Exists` where the name is taken: a staged body then stays, so
    /// that it can be put under the next name. After any other failure nothing is left, a staged body included.
    fn put(&self, key: &Key, body: &Body, call: &Call<'_>) -> Result<Stored, DestinationError> {
        let mut left = None;
        let stored = self.attempt(key, body, &mut left, call);
        if let Some(left) = left {
            self.clear_away(key, &left, call);
        }
        stored
    }
    /// One try to `put`. Where it fails in a way that may pass by itself (`ErrorKind::may_pass`), what has arrived may stay there, and
    /// `left` then says what it is: the next try with it goes on from there, `discard` removes it. After a success, and after any other
    /// failure, `left` is None.
    fn attempt(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored, DestinationError>;
    /// Removes what a try has left. Gone already is success.
    fn discard(
        &self,
        _key: &Key,
        _left: &Unfinished,
        _call: &Call<'_>,
    ) -> Result<(), DestinationError> {
        Ok(())
    }
    /// `Truncated` for a range past the end; a reader that ends early fails with `UnexpectedEof`.
    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>, DestinationError>;
    /// Every archive below the folder `prefix` (empty: all), in no order, one at a time. What has no archive's name or lies where no
    /// archive lies is not shown, nor are temporary names and the contract's own folder, unless it is the prefix.
    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<(), DestinationError>,
    ) -> Result<(), DestinationError>;
    /// None where nothing of this name is there.
    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>, DestinationError>;
    /// Missing is success. Folders stay, except those of `Key::CONTRACT_FOLDER`, which go when they are empty.
    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<(), DestinationError>;
    /// Removes temporary names of interrupted writes of one's own that are older than `age`. Returns how many.
    fn sweep(&self, age: Duration, call: &Call<'_>) -> Result<u32, DestinationError>;
    fn free_space(&self, call: &Call<'_>) -> Result<Option<u64>, DestinationError>;

    /// Best effort, with no more patience than the call it belongs to, and also where that was cancelled: what cannot be removed now is the
    /// sweep's.
    fn clear_away(&self, key: &Key, left: &Unfinished, call: &Call<'_>) {
        let cancel = Cancel::new();
        let call = Call {
            deadline: Instant::now().checked_add(CLEARING),
            patience: call.patience,
            ..Call::new(&cancel, &NoObserver)
        };
        let _ = self.discard(key, left, &call);
    }
}

/// How long the removal of something unfinished may take.
const CLEARING: Duration = Duration::from_secs(30);

/// What an interrupted try left at a place: a temporary name, the id of an upload. Only the type that made it understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished(pub String);

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
    /// What is sent, credentials too, can be read on the way.
    pub in_clear: bool,
}

/// The bytes to be stored: a staged file, its length and its digest. It can be opened again at an offset, for retries and resume.
pub struct Body {
    pub path: PathBuf,
    pub length: u64,
    /// Lower-case hex, computed while the file was written.
    pub sha256: String,
    /// Of what was read back from where it lies, while it was written there: a place that it is staged at need not read it again.
    pub read_back: Option<String>,
}

/// What a call is given besides its arguments.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    pub cancel: &'a Cancel,
    pub observer: &'a dyn Observer,
    pub deadline: Option<Instant>,
    /// How fast a body may be sent, and read back.
    pub pace: Option<&'a Pace>,
    /// How often what fails is tried again. None: as the place is used to.
    pub patience: Option<Patience>,
}

impl<'a> Call<'a> {
    /// Without a deadline, at full speed.
    #[must_use]
    pub fn new(cancel: &'a Cancel, observer: &'a dyn Observer) -> Self {
        Self {
            cancel,
            observer,
            deadline: None,
            pace: None,
            patience: None,
        }
    }

    /// For loops: `Cancelled` or `Timeout` once the call should end.
    pub fn check(&self) -> Result<(), DestinationError> {
        if self.cancel.is_cancelled() {
            return Err(DestinationError::new(ErrorKind::Cancelled, "cancelled"));
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(DestinationError::new(
                ErrorKind::Timeout,
                "the time for it is over",
            )),
            _ => Ok(()),
        }
    }
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

/// What opens the place of a configuration: `open`, but for tests.
pub type Open = dyn Fn(
        &DestinationConfig,
        &BTreeMap<String, SecretString>,
    ) -> Result<Arc<dyn Destination>, DestinationError>
    + Send
    + Sync;

/// Opens the place of a configuration, with its retries and its bandwidth limit. It connects to nothing yet. Secrets by their name
/// (`password`, …).
pub fn open(
    config: &DestinationConfig,
    secrets: &BTreeMap<String, SecretString>,
) -> Result<Arc<dyn Destination>, DestinationError> {
    open_with(config, secrets, Patience::default())
}

/// The same, with retries of one's own.
pub fn open_with(
    config: &DestinationConfig,
    secrets: &BTreeMap<String, SecretString>,
    patience: Patience,
) -> Result<Arc<dyn Destination>, DestinationError> {
    let settings = Settings::new(config, secrets);
    let place: Arc<dyn Destination> = match config.destination_type {
        DestinationType::Local => Arc::new(local::Local::open(config)?),
        DestinationType::Sftp => sftp::open(&settings)?,
        DestinationType::Ftp => ftp::open(&settings)?,
        DestinationType::S3 => s3::open(&settings)?,
        DestinationType::Azure => azure::open(&settings)?,
        DestinationType::Webdav => webdav::open(&settings)?,
    };
    let place: Arc<dyn Destination> = match settings.bandwidth_limit()? {
        Some(limit) => Arc::new(Throttle::new(place, Pace::new(limit))),
        None => place,
    };
    Ok(Arc::new(Retry::new(place, patience)))
}
