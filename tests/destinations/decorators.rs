//! Claims about what stands around every type: retries and the pace. Nothing here waits: the clock is the test's.

use std::io::Read;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use holdfast::destination::retry::{Patience, Retry};
use holdfast::destination::throttle::{Pace, Throttle};
use holdfast::destination::time::Time;
use holdfast::destination::{
    Body, Call, Destination, DestinationError, ErrorKind, Key, Listed, Stored, Verification,
};
use holdfast::model::{Cancel, NoObserver, Observer, Progress};
use sha2::{Digest, Sha256};

use crate::faulty::{Fault, Faulty, On};
use crate::local::Place;

mod pace;
mod reads;
mod retries;

/// Goes on when somebody waits, and remembers how long.
#[derive(Debug, Default)]
struct Clock {
    now: Mutex<Duration>,
    waits: AtomicUsize,
    /// Cancelled at the n-th wait.
    cancel: Option<(usize, Cancel)>,
}

impl Time for Clock {
    fn now(&self) -> Duration {
        *self.now.lock().unwrap()
    }

    fn wait(&self, time: Duration) {
        assert!(!time.is_zero(), "a wait for nothing");
        *self.now.lock().unwrap() += time;
        let waits = self.waits.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some((at, cancel)) = &self.cancel
            && waits == *at
        {
            cancel.cancel();
        }
    }
}

/// An archive to be stored.
struct Archive {
    _file: tempfile::NamedTempFile,
    bytes: Vec<u8>,
    body: Body,
}

impl Archive {
    fn new(length: usize) -> Self {
        Self::of(
            (0..length)
                .map(|n| (n * 7919 % 251).to_le_bytes()[0])
                .collect(),
        )
    }

    fn of(bytes: Vec<u8>) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        let body = Body {
            path: file.path().to_owned(),
            length: bytes.len() as u64,
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

fn key() -> Key {
    named(0)
}

fn named(second: u32) -> Key {
    let name = format!("backup-tacacs-20260101-0000{second:02}-manual.tar.gz.age");
    Key::new(&format!("tacacs-0a1b2c3d/manual/{name}")).unwrap()
}

/// A place with faults, as everybody else sees it.
struct Behind {
    place: Place,
    faulty: Arc<Faulty>,
    clock: Arc<Clock>,
    retry: Retry,
    cancel: Cancel,
}

const TRIES: usize = 3;
const FIRST_WAIT: Duration = Duration::from_secs(1);

impl Behind {
    fn new(faults: impl FnOnce(Faulty) -> Faulty) -> Self {
        Self::with(Clock::default(), faults)
    }

    fn with(clock: Clock, faults: impl FnOnce(Faulty) -> Faulty) -> Self {
        let place = Place::new();
        let faulty = Arc::new(faults(Faulty::over(Arc::new(place.open()))));
        let clock = Arc::new(clock);
        let patience = Patience {
            first_wait: FIRST_WAIT,
            longest_wait: Duration::from_secs(20),
            tries: TRIES,
        };
        let inner = Arc::clone(&faulty) as Arc<dyn Destination>;
        Self {
            retry: Retry::timed(inner, patience, Arc::clone(&clock) as _),
            place,
            faulty,
            clock,
            cancel: Cancel::new(),
        }
    }

    fn call(&self) -> Call<'_> {
        Call::new(&self.cancel, &NoObserver)
    }

    fn put(&self, archive: &Archive) -> Result<Stored, DestinationError> {
        self.retry.put(&key(), &archive.body, &self.call())
    }

    fn kind_of_put(&self, archive: &Archive) -> ErrorKind {
        self.put(archive).unwrap_err().kind
    }

    /// What is there, past all faults.
    fn there(&self) -> Option<Vec<u8>> {
        std::fs::read(self.place.base().join(key().as_str())).ok()
    }

    fn put_there(&self, archive: &Archive, key: &Key) {
        let call = self.call();
        self.place.open().put(key, &archive.body, &call).unwrap();
    }

    fn waited(&self) -> Duration {
        self.clock.now()
    }
}

fn read(reader: std::io::Result<Vec<u8>>) -> Result<Vec<u8>, ErrorKind> {
    reader.map_err(|e| DestinationError::of_read(&e).unwrap().kind)
}

fn read_all(behind: &Behind, range: Option<std::ops::Range<u64>>) -> Result<Vec<u8>, ErrorKind> {
    let mut reader = behind
        .retry
        .get(&key(), range, &behind.call())
        .map_err(|e| e.kind)?;
    let mut bytes = Vec::new();
    read(reader.read_to_end(&mut bytes).map(|_| bytes))
}
