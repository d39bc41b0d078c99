//! Claims about `webdav`, beyond the contract.

mod answers;
mod listings;
mod pretender;
mod reaching;
mod servers;
mod uploads;

use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use holdfast::destination::retry::Patience;
use holdfast::destination::{
    Destination, DestinationError, ErrorKind, Key, Listed, Verification, open, open_with,
};
use holdfast::model::DestinationConfig;

use crate::network::{Sample, bytes, keeps_the_contract, key, with_call};
use crate::servers::webdav::{password, secrets};

const FOLDER: &str = "tacacs-0a1b2c3d/manual";
/// After the first, where nobody waits.
const TRIES: usize = 2;

fn opened(config: &DestinationConfig) -> Arc<dyn Destination> {
    open(config, &secrets()).unwrap()
}

/// With few tries, which follow at once.
fn hurried(config: &DestinationConfig) -> Arc<dyn Destination> {
    let patience = Patience {
        first_wait: Duration::from_millis(10),
        longest_wait: Duration::from_millis(10),
        tries: TRIES,
    };
    open_with(config, &secrets(), patience).unwrap()
}

fn opened_with(
    config: &DestinationConfig,
    secret: &str,
) -> Result<Arc<dyn Destination>, DestinationError> {
    open(config, &password(secret))
}

fn put(place: &dyn Destination, key: &Key, bytes: &[u8]) -> Result<Verification, DestinationError> {
    let sample = Sample::of(bytes);
    with_call(|call| place.put(key, &sample.body, call)).map(|stored| stored.verification)
}

fn read(place: &dyn Destination, key: &Key) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = with_call(|call| place.get(key, None, call)).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

fn read_range(place: &dyn Destination, key: &Key, range: Range<u64>) -> Result<Vec<u8>, ErrorKind> {
    let mut bytes = Vec::new();
    let mut reader = with_call(|call| place.get(key, Some(range), call)).map_err(|e| e.kind)?;
    reader.read_to_end(&mut bytes).unwrap();
    Ok(bytes)
}

fn list(place: &dyn Destination, prefix: &str) -> Result<Vec<Listed>, DestinationError> {
    let mut found = Vec::new();
    with_call(|call| {
        place.list(prefix, call, &mut |listed| {
            found.push(listed);
            Ok(())
        })
    })?;
    Ok(found)
}

fn kind<T>(result: Result<T, DestinationError>) -> ErrorKind {
    result.err().expect("it should have failed").kind
}

/// What is at a place, folders too.
fn everything(base: &Path) -> Vec<String> {
    let below = walkdir::WalkDir::new(base).min_depth(1).sort_by_file_name();
    let shown = |entry: walkdir::DirEntry| {
        let path = entry.path().strip_prefix(base).unwrap();
        path.display().to_string()
    };
    below.into_iter().map(|e| shown(e.unwrap())).collect()
}

fn require_every_promise(config: &DestinationConfig, base: &Path) {
    keeps_the_contract(&*opened(config));
    assert_eq!(everything(base), [""; 0]);
}
