//! What the cases share: names of their own, bodies with known bytes, and the memory of what has to be cleared away.

use std::io::{Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use tempfile::{NamedTempFile, TempPath};
use uuid::Uuid;

use super::Failure;
use crate::destination::{Body, Call, Destination, DestinationError, Key, Listed, Stored};
use crate::model::{Cancel, NoObserver};

/// What another test left that is older than this is dead.
const DEAD: SignedDuration = SignedDuration::from_hours(1);
const CLEARING: Duration = Duration::from_mins(1);

pub(super) struct Bench<'a> {
    pub destination: &'a dyn Destination,
    pub call: &'a Call<'a>,
    /// A folder of this test alone: two that run at once do not meet.
    folder: String,
    keys: Vec<Key>,
}

/// A file with known bytes that goes when this does.
pub(super) struct Sample {
    _file: TempPath,
    pub bytes: Vec<u8>,
    pub body: Body,
}

impl<'a> Bench<'a> {
    pub fn new(destination: &'a dyn Destination, call: &'a Call<'a>) -> Self {
        let id = &Uuid::new_v4().simple().to_string()[..8];
        Self {
            destination,
            call,
            folder: format!("{}/contract-{id}/manual", Key::CONTRACT_FOLDER),
            keys: Vec::new(),
        }
    }

    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// A name that was not used before, below the contract's folder.
    pub fn key(&mut self) -> Result<Key, Failure> {
        let n = self.keys.len();
        let name = format!("backup-contract-20000101-0000{n:02}-manual.tar.gz");
        let key = Key::new(&format!("{}/{name}", self.folder))?;
        self.keys.push(key.clone());
        Ok(key)
    }

    pub fn put(&self, key: &Key, sample: &Sample) -> Result<Stored, DestinationError> {
        self.destination.put(key, &sample.body, self.call)
    }

    /// A new archive of this many bytes.
    pub fn stored(&mut self, length: usize) -> Result<(Key, Sample), Failure> {
        let key = self.key()?;
        let sample = Sample::new(length)?;
        self.put(&key, &sample)?;
        Ok((key, sample))
    }

    pub fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Vec<u8>, Failure> {
        let reader = self.destination.get(key, range, self.call);
        let mut bytes = Vec::new();
        reader?
            .read_to_end(&mut bytes)
            .map_err(|e| format!("reading failed: {e}"))?;
        Ok(bytes)
    }

    pub fn listed(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        let mut found = Vec::new();
        let mut each = |listed| {
            found.push(listed);
            Ok(())
        };
        self.destination.list(prefix, self.call, &mut each)?;
        Ok(found)
    }

    pub fn gone(&self, key: &Key) -> Result<bool, Failure> {
        let stat = self.destination.stat(key, self.call);
        Ok(stat?.is_none())
    }

    /// Removes what this test wrote, and what a test that died long ago left. The call may be cancelled already: this still has to be done,
    /// but where nothing was written, nothing is.
    pub fn clear(&mut self) {
        if self.keys.is_empty() {
            return;
        }
        let (cancel, observer) = (Cancel::new(), NoObserver);
        let call = Call {
            deadline: std::time::Instant::now().checked_add(CLEARING),
            patience: self.call.patience,
            ..Call::new(&cancel, &observer)
        };
        let mut dead = Vec::new();
        let oldest = Timestamp::now().checked_sub(DEAD).unwrap_or(Timestamp::MIN);
        let mut each = |listed: Listed| {
            if listed.modified.is_some_and(|at| at < oldest) {
                dead.push(listed.key);
            }
            Ok(())
        };
        // What cannot be cleared is reported by the case that looks for it, or met by the next test.
        let _ = self
            .destination
            .list(Key::CONTRACT_FOLDER, &call, &mut each);
        for key in self.keys.drain(..).chain(dead) {
            let _ = self.destination.delete(&key, &call);
        }
    }

    pub fn forget_all(&mut self) -> Result<(), Failure> {
        for key in &self.keys {
            self.destination.delete(key, self.call)?;
        }
        Ok(())
    }
}

impl Sample {
    pub fn new(length: usize) -> Result<Self, String> {
        let mut file = NamedTempFile::new().map_err(|e| here(&e))?;
        let bytes = noise(length);
        file.write_all(&bytes).map_err(|e| here(&e))?;
        let body = body(file.path().to_owned(), &bytes);
        Ok(Self {
            _file: file.into_temp_path(),
            bytes,
            body,
        })
    }

    /// Written where the place wants it.
    pub fn in_place(path: &Path, length: usize) -> Result<Self, String> {
        let bytes = noise(length);
        let mut file = crate::destination::local::create_staged(path).map_err(|e| here(&e))?;
        // Gone once it is published; else it goes with this.
        let staged = TempPath::try_from_path(path).map_err(|e| here(&e))?;
        file.write_all(&bytes).map_err(|e| here(&e))?;
        Ok(Self {
            _file: staged,
            body: body(path.to_owned(), &bytes),
            bytes,
        })
    }
}

fn here(error: &std::io::Error) -> String {
    format!("on this machine: {error}")
}

fn body(path: PathBuf, bytes: &[u8]) -> Body {
    Body {
        read_back: None,
        path,
        length: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    }
}

/// Bytes that do not repeat and do not compress, the same ones each time (xorshift).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ length as u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
