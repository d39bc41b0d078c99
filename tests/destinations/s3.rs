//! Claims about `s3`, beyond the contract.

mod answers;
mod faults;
mod pretender;
mod reads;
mod servers;
mod shop;

mod sweeping;

use std::io::{Read, Write};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use holdfast::destination::retry::Patience;
use holdfast::destination::{
    Body, Call, Destination, DestinationError, ErrorKind, Key, Listed, Stored, Verification,
    open_with,
};
use holdfast::model::{Cancel, DestinationConfig, NoObserver};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::servers::s3::{BASE, secrets};

const FOLDER: &str = "tacacs-0a1b2c3d/manual";
const MIB: usize = 1 << 20;
/// Three parts, the last one small.
const LARGE: usize = 17 * MIB;

/// As long as a test wants to wait between two tries.
const PATIENCE: Patience = Patience {
    first_wait: Duration::from_millis(10),
    longest_wait: Duration::from_millis(50),
    tries: 4,
};

fn opened(config: &DestinationConfig) -> Arc<dyn Destination> {
    open_with(config, &secrets(), PATIENCE).unwrap()
}

fn key(day: u8) -> Key {
    Key::new(&format!(
        "{FOLDER}/backup-tacacs-202611{day:02}-103000-manual.tar.gz.age"
    ))
    .unwrap()
}

/// The name of its object.
fn object(key: &Key) -> String {
    format!("{BASE}/{}", key.as_str())
}

/// A body that does not repeat from part to part.
struct Sample {
    _file: NamedTempFile,
    bytes: Vec<u8>,
    body: Body,
}

impl Sample {
    fn new(length: usize) -> Self {
        let mut bytes = Vec::with_capacity(length + 32);
        let mut block = Sha256::digest(length.to_le_bytes());
        while bytes.len() < length {
            bytes.extend_from_slice(&block);
            block[bytes.len() / 32 % 32] ^= 1;
            block[bytes.len() / 1024 % 32] = block[bytes.len() / 1024 % 32].wrapping_add(7);
        }
        bytes.truncate(length);
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let body = Body {
            path: file.path().to_owned(),
            length: length as u64,
            sha256: hex::encode(Sha256::digest(&bytes)),
            read_back: None,
        };
        Self {
            _file: file,
            bytes,
            body,
        }
    }
}

fn calling<T>(act: impl FnOnce(&Call<'_>) -> T) -> T {
    let cancel = Cancel::new();
    act(&Call::new(&cancel, &NoObserver))
}

fn put(place: &dyn Destination, key: &Key, sample: &Sample) -> Result<Stored, DestinationError> {
    calling(|call| place.put(key, &sample.body, call))
}

fn read(
    place: &dyn Destination,
    key: &Key,
    range: Option<Range<u64>>,
) -> Result<Vec<u8>, DestinationError> {
    let mut bytes = Vec::new();
    calling(|call| {
        let mut reader = place.get(key, range, call)?;
        match reader.read_to_end(&mut bytes) {
            Ok(_) => Ok(()),
            Err(e) => Err(e.downcast::<DestinationError>().unwrap()),
        }
    })?;
    Ok(bytes)
}

fn listed(place: &dyn Destination, prefix: &str) -> Result<Vec<Listed>, DestinationError> {
    let mut found = Vec::new();
    let mut each = |listed| {
        found.push(listed);
        Ok(())
    };
    calling(|call| place.list(prefix, call, &mut each))?;
    Ok(found)
}

fn verified(stored: Result<Stored, DestinationError>) {
    assert_eq!(stored.unwrap().verification, Verification::Verified);
}

#[track_caller]
fn refused<T>(result: Result<T, DestinationError>, kind: ErrorKind) -> String {
    match result.map(drop) {
        Ok(()) => panic!("no error, and not {kind}"),
        Err(e) => {
            assert_eq!(e.kind, kind, "{e}");
            e.detail
        }
    }
}
