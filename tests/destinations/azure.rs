//! Claims about `azure`, beyond the contract: on Azurite, and on a service in memory that lies, cuts and refuses.

mod container;
mod faults;
mod hostile;
mod pretender;
mod reads;
mod refusals;
mod servers;

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use holdfast::destination::retry::Patience;
use holdfast::destination::{
    Destination, DestinationError, ErrorKind, Key, Stored, Verification, open_with,
};
use holdfast::model::DestinationConfig;
use secrecy::SecretString;

use crate::network::{Sample, key, with_call};
use crate::servers::azurite::secrets;
use pretender::Pretender;

type Result<T> = std::result::Result<T, DestinationError>;

/// Several blocks, the last one smaller.
const LARGE: usize = (20 << 20) + 1;

/// Asked again without long waits.
fn opened_with(
    config: &DestinationConfig,
    secrets: &BTreeMap<String, SecretString>,
    tries: usize,
) -> Arc<dyn Destination> {
    let patience = Patience {
        first_wait: Duration::from_millis(10),
        longest_wait: Duration::from_millis(50),
        tries,
    };
    open_with(config, secrets, patience).unwrap()
}

fn place(service: &Pretender) -> Arc<dyn Destination> {
    opened_with(&service.config(&[]), &secrets(), 4)
}

fn put(place: &dyn Destination, key: &Key, sample: &Sample) -> Result<Stored> {
    with_call(|call| place.put(key, &sample.body, call))
}

fn read(place: &dyn Destination, key: &Key, range: Option<Range<u64>>) -> Result<Vec<u8>> {
    let mut reader = with_call(|call| place.get(key, range, call))?;
    let mut bytes = Vec::new();
    reader
        .read_to_end(&mut bytes)
        .map_err(|e| DestinationError::from_read("reading", e))?;
    Ok(bytes)
}

fn listed(place: &dyn Destination, prefix: &str) -> Result<Vec<(String, u64)>> {
    let mut names = Vec::new();
    with_call(|call| {
        place.list(prefix, call, &mut |listed| {
            names.push((listed.key.as_str().to_owned(), listed.size));
            Ok(())
        })
    })?;
    Ok(names)
}

#[track_caller]
fn verified(stored: Result<Stored>) {
    assert_eq!(stored.unwrap().verification, Verification::Verified);
}

/// Returns the detail.
#[track_caller]
fn refused<T>(result: Result<T>, kind: ErrorKind) -> String {
    let error = result.err().expect("it should have failed");
    assert_eq!(error.kind, kind, "{error}");
    error.detail
}
