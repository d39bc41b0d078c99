//! The bytes of an archive at its place, by ranges: counted, and hashed as they pass where that is asked for. It knows nothing of what
//! the bytes mean.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use crate::archive::RangeRead;
use crate::destination::{Call, Destination, DestinationError, ErrorKind, Key};
use crate::model::{Cancel, NoObserver};

/// An archive at a destination: one `get` a range. What fails there is an `AtPlace`, at once or in the middle.
pub(super) struct Remote {
    /// The destination's.
    pub name: String,
    pub destination: Arc<dyn Destination>,
    pub key: Key,
    pub size: u64,
    pub cancel: Cancel,
}

impl RangeRead for Remote {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_range(&self, start: u64, length: u64) -> io::Result<Box<dyn Read + Send>> {
        let call = Call::new(&self.cancel, &NoObserver);
        self.destination
            .get(&self.key, Some(start..start.saturating_add(length)), &call)
            .map(|inner| {
                let (name, cancel) = (self.name.clone(), self.cancel.clone());
                Box::new(Named {
                    inner,
                    name,
                    cancel,
                }) as _
            })
            .map_err(|cause| AtPlace::wrap(&self.name, cause))
    }
}

/// What failed at a destination while an archive was read, on its way through readers that know no destinations.
#[derive(Debug, thiserror::Error)]
#[error("destination `{name}`")]
pub(super) struct AtPlace {
    pub name: String,
    #[source]
    pub cause: DestinationError,
}

impl AtPlace {
    fn wrap(name: &str, cause: DestinationError) -> io::Error {
        let name = name.to_owned();
        io::Error::other(Self { name, cause })
    }

    /// Takes it out again. An error of another kind comes back.
    pub fn of_read(error: io::Error) -> io::Result<Self> {
        error.downcast()
    }
}

struct Named {
    inner: Box<dyn Read + Send>,
    name: String,
    cancel: Cancel,
}

impl Read for Named {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let cause = match error.downcast::<DestinationError>() {
                _ if self.cancel.is_cancelled() => {
                    DestinationError::new(ErrorKind::Cancelled, "cancelled")
                }
                Ok(told) => told,
                Err(error) => DestinationError::io("the archive cannot be read", error),
            };
            AtPlace::wrap(&self.name, cause)
        })
    }
}

/// Counts what is read.
pub(super) struct Counting {
    pub inner: Box<dyn RangeRead>,
    pub fetched: Arc<AtomicU64>,
}

impl RangeRead for Counting {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn read_range(&self, start: u64, length: u64) -> io::Result<Box<dyn Read + Send>> {
        let fetched = Arc::clone(&self.fetched);
        Ok(Box::new(Tapped {
            inner: self.inner.read_range(start, length)?,
            tap: move |bytes: &[u8]| {
                fetched.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            },
        }))
    }
}

/// The SHA-256 of the whole file out of ranges that are read for another reason: bytes that go on where the hashed ones end count, and
/// what nobody has read by the end is read then. Read from front to back, nothing is read twice for it.
pub(super) struct Hashing {
    inner: Arc<dyn RangeRead>,
    hashed: Arc<Mutex<Hashed>>,
}

#[derive(Default)]
struct Hashed {
    sha256: Sha256,
    up_to: u64,
}

impl Hashing {
    pub fn new(inner: Arc<dyn RangeRead>) -> Self {
        Self {
            inner,
            hashed: Arc::default(),
        }
    }

    /// Reads what is left, looks at `cancel` meanwhile. Lower-case hex.
    pub fn finish(&self, cancel: &Cancel) -> io::Result<String> {
        let (start, size) = (self.hashed().up_to, self.inner.size());
        let mut rest = self.read_range(start, size.saturating_sub(start))?;
        let mut buffer = vec![0; 256 << 10];
        while rest.read(&mut buffer)? > 0 {
            cancel.check().map_err(io::Error::other)?;
        }
        Ok(hex::encode(self.hashed().sha256.clone().finalize()))
    }

    fn hashed(&self) -> MutexGuard<'_, Hashed> {
        lock(&self.hashed)
    }
}

impl RangeRead for Hashing {
    fn size(&self) -> u64 {
        self.inner.size()
    }

    fn read_range(&self, start: u64, length: u64) -> io::Result<Box<dyn Read + Send>> {
        let hashed = Arc::clone(&self.hashed);
        let mut at = start;
        Ok(Box::new(Tapped {
            inner: self.inner.read_range(start, length)?,
            tap: move |bytes: &[u8]| {
                lock(&hashed).take(at, bytes);
                at += bytes.len() as u64;
            },
        }))
    }
}

impl Hashed {
    fn take(&mut self, at: u64, bytes: &[u8]) {
        let known = self
            .up_to
            .checked_sub(at)
            .and_then(|n| usize::try_from(n).ok());
        if let Some(new) = known.and_then(|known| bytes.get(known..)) {
            self.sha256.update(new);
            self.up_to += new.len() as u64;
        }
    }
}

/// A panic leaves a whole hash: it is fed by single calls.
fn lock(hashed: &Mutex<Hashed>) -> MutexGuard<'_, Hashed> {
    hashed.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows what is read to somebody else too.
struct Tapped<F> {
    inner: Box<dyn Read + Send>,
    tap: F,
}

impl<F: FnMut(&[u8])> Read for Tapped<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        (self.tap)(buffer.get(..n).unwrap_or_default());
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bytes(Vec<u8>);

    impl RangeRead for Bytes {
        fn size(&self) -> u64 {
            self.0.len() as u64
        }

        fn read_range(&self, start: u64, length: u64) -> io::Result<Box<dyn Read + Send>> {
            let all = self.0.iter().copied();
            let (skip, take) = (
                usize::try_from(start).unwrap(),
                usize::try_from(length).unwrap(),
            );
            Ok(Box::new(io::Cursor::new(
                all.skip(skip).take(take).collect::<Vec<u8>>(),
            )))
        }
    }

    #[test]
    fn the_hash_is_the_files_whatever_ranges_were_read_before() {
        let bytes: Vec<u8> = (0..10_000u32).map(|n| (n * 7919 % 251) as u8).collect();
        let expected = hex::encode(Sha256::digest(&bytes));
        let orders: [&[(u64, u64)]; 5] = [
            &[],
            &[(0, 10_000)],
            &[(9_000, 1_000), (0, 500), (100, 700), (800, 8_200)],
            &[(5_000, 5_000), (0, 10), (20, 10)],
            &[(0, 6_000), (0, 3_000), (3_000, 7_000)],
        ];
        for order in orders {
            let hashing = Hashing::new(Arc::new(Bytes(bytes.clone())));
            for (start, length) in order {
                let mut range = hashing.read_range(*start, *length).unwrap();
                io::copy(&mut range, &mut io::sink()).unwrap();
            }
            assert_eq!(
                hashing.finish(&Cancel::new()).unwrap(),
                expected,
                "{order:?}"
            );
        }
    }
}
