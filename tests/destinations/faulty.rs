//! A destination that breaks one promise, and remembers whether it got to do so.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast::destination::local::Local;
use holdfast::destination::{
    Body, Call, Capabilities, Destination, DestinationError, ErrorKind, Key, Listed, Stored,
    Unfinished, Verification,
};
use holdfast::model::{Cancel, NoObserver};
use jiff::SignedDuration;
use sha2::{Digest, Sha256};

type Result<T> = std::result::Result<T, DestinationError>;

#[derive(Clone, Debug)]
pub enum Fault {
    Unreachable,
    StoresNothing,
    FlipsABit,
    LosesEmptyArchives,
    ShortRanges,
    ShiftedRanges,
    ListsTwice,
    ListsNothing,
    WrongSizes,
    Overwrites,
    StagesUnderTheFinalName,
    BelievesEveryDigest,
    IgnoresCancel,
    MissingIsForbidden,
    DeleteOfMissingFails,
    DeletesNothing,
    ClockIsAnHourOff,
    ForgetsItsFreeSpace,
    SweepsTheYoung,
    CancelsDuringWrite(Cancel),
}

pub struct Faulty {
    inner: Local,
    fault: Fault,
    reached: AtomicBool,
    lost: Mutex<BTreeSet<Key>>,
}

impl Faulty {
    pub fn new(inner: Local, fault: Fault) -> Self {
        Self {
            inner,
            fault,
            reached: AtomicBool::new(false),
            lost: Mutex::default(),
        }
    }

    pub fn was_reached(&self) -> bool {
        self.reached.load(Ordering::Relaxed)
    }

    fn reach(&self) {
        self.reached.store(true, Ordering::Relaxed);
    }

    fn refused<T>(&self, kind: ErrorKind) -> Result<T> {
        self.reach();
        Err(DestinationError::new(kind, "the fault"))
    }

    /// The claim to have stored it.
    fn claimed(&self) -> Stored {
        self.reach();
        let verification = Verification::Verified;
        Stored { verification }
    }
}

fn rewritten(bytes: &[u8]) -> (tempfile::NamedTempFile, Body) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let body = Body {
        read_back: None,
        path: file.path().to_owned(),
        length: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    };
    (file, body)
}

impl Destination for Faulty {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn staging(&self, key: &Key) -> Result<Option<PathBuf>> {
        let staging = self.inner.staging(key)?;
        if matches!(self.fault, Fault::StagesUnderTheFinalName) {
            self.reach();
            return Ok(staging.map(|path| path.with_file_name(key.file_name())));
        }
        Ok(staging)
    }

    fn attempt(
        &self,
        key: &Key,
        body: &Body,
        _left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        match &self.fault {
            Fault::StoresNothing => Ok(self.claimed()),
            Fault::LosesEmptyArchives if body.length == 0 => {
                self.lost.lock().unwrap().insert(key.clone());
                Ok(self.claimed())
            }
            Fault::FlipsABit => {
                let mut bytes = std::fs::read(&body.path).unwrap();
                if let Some(byte) = bytes.last_mut() {
                    *byte ^= 1;
                }
                self.inner.put(key, &rewritten(&bytes).1, call)?;
                Ok(self.claimed())
            }
            Fault::BelievesEveryDigest => {
                self.reach();
                let (_file, body) = rewritten(&std::fs::read(&body.path).unwrap());
                self.inner.put(key, &body, call)
            }
            Fault::Overwrites => {
                if self.inner.stat(key, call)?.is_some() {
                    self.reach();
                    self.inner.delete(key, call)?;
                }
                self.inner.put(key, body, call)
            }
            Fault::IgnoresCancel => {
                self.reach();
                let cancel = Cancel::new();
                let deaf = Call::new(&cancel, &NoObserver);
                self.inner.put(key, body, &deaf)
            }
            Fault::CancelsDuringWrite(cancel) => {
                let stored = self.inner.put(key, body, call);
                self.reach();
                cancel.cancel();
                stored
            }
            _ => self.inner.put(key, body, call),
        }
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>> {
        let whole = range.is_none();
        match &self.fault {
            Fault::MissingIsForbidden if self.inner.stat(key, call)?.is_none() => {
                self.refused(ErrorKind::Forbidden)
            }
            Fault::ShortRanges if !whole => {
                self.reach();
                let mut bytes = Vec::new();
                let size = self.inner.stat(key, call)?.map_or(0, |l| l.size);
                let range = range.map(|r| r.start.min(size)..r.end.min(size));
                self.inner
                    .get(key, range, call)?
                    .read_to_end(&mut bytes)
                    .unwrap();
                bytes.pop();
                Ok(Box::new(Cursor::new(bytes)))
            }
            Fault::ShiftedRanges if !whole => {
                self.reach();
                let range = range.map(|r| r.start.saturating_sub(1)..r.end.saturating_sub(1));
                self.inner.get(key, range, call)
            }
            _ if self.lost.lock().unwrap().contains(key) => self.refused(ErrorKind::Missing),
            _ => self.inner.get(key, range, call),
        }
    }

    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        match &self.fault {
            Fault::Unreachable => self.refused(ErrorKind::Unreachable),
            Fault::ListsNothing => {
                self.reach();
                Ok(())
            }
            Fault::ListsTwice => self.inner.list(prefix, call, &mut |listed| {
                self.reach();
                each(listed.clone())?;
                each(listed)
            }),
            Fault::WrongSizes => self.inner.list(prefix, call, &mut |listed| {
                self.reach();
                each(Listed {
                    size: listed.size + 1,
                    ..listed
                })
            }),
            _ => self.inner.list(prefix, call, each),
        }
    }

    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>> {
        let mut found = self.inner.stat(key, call)?;
        if let (Fault::ClockIsAnHourOff, Some(listed)) = (&self.fault, &mut found) {
            self.reach();
            let hour = SignedDuration::from_hours(1);
            listed.modified = listed.modified.map(|at| at.checked_sub(hour).unwrap());
        }
        Ok(found)
    }

    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        match &self.fault {
            Fault::DeletesNothing => {
                self.reach();
                Ok(())
            }
            Fault::DeleteOfMissingFails if self.inner.stat(key, call)?.is_none() => {
                self.refused(ErrorKind::Missing)
            }
            _ => self.inner.delete(key, call),
        }
    }

    fn sweep(&self, age: Duration, call: &Call<'_>) -> Result<u32> {
        if matches!(self.fault, Fault::SweepsTheYoung) {
            self.reach();
            return Ok(1);
        }
        self.inner.sweep(age, call)
    }

    fn free_space(&self, call: &Call<'_>) -> Result<Option<u64>> {
        if matches!(self.fault, Fault::ForgetsItsFreeSpace) {
            self.reach();
            return Ok(None);
        }
        self.inner.free_space(call)
    }
}
