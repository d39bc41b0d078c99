//! What is asked of every type that lies on a network, and bodies to ask it with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::ops::Range;
use std::sync::Arc;

use holdfast::destination::{
    Body, Call, Destination, DestinationError, ErrorKind, Key, Stored, Verification, open, test,
};
use holdfast::model::{Cancel, DestinationConfig, NoObserver, Observer, Progress};
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::servers::Place;

type Result<T> = std::result::Result<T, DestinationError>;

/// A base path that has to be quoted wherever it goes.
pub const ODD_BASE: &str = "b ä%20+#&/in it";

pub fn with_call<T>(act: impl FnOnce(&Call<'_>) -> T) -> T {
    let cancel = Cancel::new();
    act(&Call::new(&cancel, &NoObserver))
}

pub fn keeps_the_contract(place: &dyn Destination) {
    let checks = with_call(|call| test(place, call)).checks;
    let failed = checks.iter().filter(|check| !check.ok);
    let failed: BTreeSet<_> = failed.map(|check| check.name.as_str()).collect();
    assert_eq!(failed, BTreeSet::new(), "{checks:#?}");
}

/// How a place fails at being listed.
pub fn failure(
    config: &DestinationConfig,
    secrets: &BTreeMap<String, SecretString>,
) -> DestinationError {
    let listed = open(config, secrets)
        .and_then(|place| with_call(|call| place.list("", call, &mut |_| Ok(()))));
    listed.expect_err("it should have failed")
}

pub fn opened(
    config: &DestinationConfig,
    secrets: &BTreeMap<String, SecretString>,
) -> Arc<dyn Destination> {
    open(config, secrets).unwrap()
}

pub fn key(second: u32) -> Key {
    let name = format!("backup-tacacs-20260101-0000{second:02}-manual.tar.gz.age");
    Key::new(&format!("tacacs-0a1b2c3d/manual/{name}")).unwrap()
}

/// Bytes that do not repeat (xorshift).
pub fn bytes(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
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

/// A file of known bytes.
pub struct Sample {
    _file: tempfile::NamedTempFile,
    pub body: Body,
}

impl Sample {
    pub fn new(length: usize) -> Self {
        Self::of(&bytes(length))
    }

    pub fn of(bytes: &[u8]) -> Self {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let body = Body {
            read_back: None,
            path: file.path().to_owned(),
            length: bytes.len() as u64,
            sha256: hex::encode(Sha256::digest(bytes)),
        };
        Self { _file: file, body }
    }

    pub fn bytes(&self) -> Vec<u8> {
        fs::read(&self.body.path).unwrap()
    }

    pub fn is_at(&self, place: &dyn Destination, key: &Key) -> bool {
        let mut reader = with_call(|call| place.get(key, None, call)).unwrap();
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        hex::encode(Sha256::digest(&bytes)) == self.body.sha256
    }
}

pub fn put(place: &dyn Destination, key: &Key, sample: &Sample) -> Result<Stored> {
    with_call(|call| place.put(key, &sample.body, call))
}

pub fn read(place: &dyn Destination, key: &Key, range: Option<Range<u64>>) -> Result<Vec<u8>> {
    let mut reader = with_call(|call| place.get(key, range, call))?;
    let mut bytes = Vec::new();
    reader
        .read_to_end(&mut bytes)
        .map_err(|e| DestinationError::from_read("reading", e))?;
    Ok(bytes)
}

#[track_caller]
pub fn verified(stored: Result<Stored>) {
    assert_eq!(stored.unwrap().verification, Verification::Verified);
}

/// Returns the detail.
#[track_caller]
pub fn refused<T>(result: Result<T>, kind: ErrorKind) -> String {
    let error = result.err().expect("it should have failed");
    assert_eq!(error.kind, kind, "{error}");
    error.detail
}

/// The same of a place that is given piece by piece.
pub fn fails(place: &Place) -> DestinationError {
    let listed = place
        .open()
        .and_then(|place| with_call(|call| place.list("", call, &mut |_| Ok(()))));
    listed.expect_err("it should have failed")
}

/// The fingerprint that was presented.
pub fn is_not_trusted(place: &Place) -> String {
    let error = fails(place);
    assert_eq!(error.kind, ErrorKind::Trust, "{error}");
    error.presented.expect("a fingerprint")
}

/// Cancels when so many bytes have passed.
pub struct Canceller(pub Cancel, pub u64);

impl Observer for Canceller {
    fn progress(&self, progress: &Progress) {
        if progress.done_bytes >= self.1 {
            self.0.cancel();
        }
    }
}
