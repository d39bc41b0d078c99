//! A destination that does what networks and servers do wrong, around any other: by a script of faults, each at calls of an operation that
//! are counted from one, or by the dice of a seed. Archives go over a wire of its own, which counts bytes, can be cut, and goes on where it
//! was cut. A fault that was planned and never reached fails its test.
#![allow(dead_code, reason = "each test program uses a part of it")]

mod dice;
mod reading;
mod script;
mod sending;
mod wire;

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use holdfast::destination::{
    Body, Call, Capabilities, Destination, DestinationError, ErrorKind, Key, Listed, Stored,
    Unfinished,
};
use holdfast::model::{Cancel, NoObserver};
use jiff::SignedDuration;

use dice::Dice;
use reading::Reading;
use script::Planned;
pub use script::{Fault, On, hook};
use wire::Wire;

type Result<T> = std::result::Result<T, DestinationError>;

pub struct Faulty {
    inner: Arc<dyn Destination>,
    /// Archives are sent there, whatever the place behind could do.
    remote: bool,
    script: Vec<Arc<Planned>>,
    dice: Option<Mutex<Dice>>,
    calls: Mutex<BTreeMap<On, usize>>,
    wire: Wire,
    read: Arc<AtomicU64>,
}

impl Faulty {
    pub fn over(inner: Arc<dyn Destination>) -> Self {
        Self {
            inner,
            remote: false,
            script: Vec::new(),
            dice: None,
            calls: Mutex::default(),
            wire: Wire::default(),
            read: Arc::default(),
        }
    }

    /// As a place on a network: nothing is written there in place.
    pub fn remote(inner: Arc<dyn Destination>) -> Self {
        let mut faulty = Self::over(inner);
        faulty.remote = true;
        faulty
    }

    /// At these calls of an operation, counted from one.
    pub fn at(mut self, on: On, calls: RangeInclusive<usize>, fault: Fault) -> Self {
        self.script.push(Planned::new(on, calls, fault));
        self
    }

    pub fn always(self, on: On, fault: Fault) -> Self {
        self.at(on, 1..=usize::MAX, fault)
    }

    /// Failures that pass by themselves, not more than three of an operation in a row.
    pub fn by_dice(inner: Arc<dyn Destination>, seed: u64) -> Self {
        let mut faulty = Self::over(inner);
        faulty.dice = Some(Mutex::new(Dice::new(seed)));
        faulty
    }

    pub fn calls(&self, on: On) -> usize {
        self.calls.lock().unwrap().get(&on).copied().unwrap_or(0)
    }

    /// Bytes of archives that went over the wire.
    pub fn sent(&self) -> u64 {
        self.wire.sent()
    }

    /// Bytes that were read.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::SeqCst)
    }

    /// How many parts of archives lie there, of writes that did not end.
    pub fn unfinished(&self) -> usize {
        self.wire.unfinished()
    }

    /// Whatever was not reached need not be.
    pub fn forgive(&self) {
        self.script.iter().for_each(|planned| planned.reach());
    }

    pub fn all_reached(&self) -> bool {
        self.script.iter().all(|p| p.was_reached())
    }

    fn next(&self, on: On) -> Option<Arc<Planned>> {
        let mut calls = self.calls.lock().unwrap();
        let mut counted = |on| {
            let calls = calls.entry(on).or_insert(0);
            *calls += 1;
            *calls
        };
        let (own, any) = (counted(on), counted(On::Any));
        let planned = self.script.iter().find(|p| {
            p.on == on && p.calls.contains(&own) || p.on == On::Any && p.calls.contains(&any)
        });
        let rolled = || {
            let fault = self.dice.as_ref()?.lock().unwrap().roll(on)?;
            Some(Planned::new(on, 0..=0, fault))
        };
        planned.cloned().or_else(rolled)
    }

    /// A call of an operation, with the faults that every operation may have.
    fn around<T>(
        &self,
        on: On,
        call: &Call<'_>,
        act: impl FnOnce(Option<&Arc<Planned>>) -> Result<T>,
    ) -> Result<T> {
        let Some(planned) = self.next(on) else {
            return act(None);
        };
        match &planned.fault {
            Fault::Fails(kind) => {
                planned.reach();
                Err(fault(*kind))
            }
            Fault::Throttles(wait) => {
                planned.reach();
                Err(DestinationError {
                    retry_after: Some(*wait),
                    ..fault(ErrorKind::Throttled)
                })
            }
            Fault::Presents(fingerprint) => {
                planned.reach();
                Err(DestinationError {
                    presented: Some((*fingerprint).to_owned()),
                    ..fault(ErrorKind::Trust)
                })
            }
            Fault::LosesTheAnswer(kind) => {
                act(None)?;
                planned.reach();
                Err(fault(*kind))
            }
            Fault::Hangs => {
                planned.reach();
                Err(stalled(call))
            }
            Fault::Before(hook) => {
                planned.reach();
                hook.act();
                act(None)
            }
            Fault::After(hook) => {
                let done = act(None);
                planned.reach();
                hook.act();
                done
            }
            _ => act(Some(&planned)),
        }
    }
}

fn fault(kind: ErrorKind) -> DestinationError {
    DestinationError::new(kind, "the fault")
}

/// Longer than anybody should let a call hang.
const FOR_EVER: Duration = Duration::from_mins(2);

/// Waits for the call to end.
fn stalled(call: &Call<'_>) -> DestinationError {
    let end = Instant::now() + FOR_EVER;
    while Instant::now() < end {
        match call.check() {
            Ok(()) => thread::sleep(Duration::from_millis(1)),
            Err(error) => return error,
        }
    }
    panic!("nobody ended a call that hangs");
}

impl Drop for Faulty {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        for planned in &self.script {
            let reached = planned.was_reached();
            assert!(reached, "{:?} was never reached", planned.fault);
        }
    }
}

impl Destination for Faulty {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            resume: true,
            ..self.inner.capabilities()
        }
    }

    fn staging(&self, key: &Key) -> Result<Option<PathBuf>> {
        let cancel = Cancel::new();
        self.around(On::Staging, &Call::new(&cancel, &NoObserver), |planned| {
            if self.remote {
                return Ok(None);
            }
            let staging = self.inner.staging(key)?;
            Ok(match planned {
                Some(planned) if matches!(planned.fault, Fault::StagesUnderTheFinalName) => {
                    planned.reach();
                    staging.map(|path| path.with_file_name(key.file_name()))
                }
                _ => staging,
            })
        })
    }

    fn attempt(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        self.around(On::Put, call, |planned| match planned {
            Some(planned) => self.send(planned, key, body, left, call),
            None => self.pass(key, body, left, call),
        })
    }

    fn discard(&self, key: &Key, left: &Unfinished, call: &Call<'_>) -> Result<()> {
        self.around(On::Discard, call, |_| {
            self.wire.forget(left);
            self.inner.discard(key, left, call)
        })
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>> {
        self.around(On::Get, call, |planned| {
            if let Some(planned) = planned {
                if let Fault::MissingIs(kind) = planned.fault
                    && self.inner.stat(key, call)?.is_none()
                {
                    planned.reach();
                    return Err(fault(kind));
                }
                if let (Fault::Shifted, Some(range)) = (&planned.fault, &range) {
                    planned.reach();
                    let shifted = range.start.saturating_sub(1)..range.end.saturating_sub(1);
                    return self.inner.get(key, Some(shifted), call);
                }
            }
            // Some faults are of parts of archives only.
            let reached = planned.filter(|planned| match planned.fault {
                Fault::EndsEarly(_) | Fault::Shifted => range.is_some(),
                Fault::MissingIs(_) => false,
                _ => true,
            });
            let length = match &range {
                Some(range) => range.end.saturating_sub(range.start),
                None => self.inner.stat(key, call)?.map_or(0, |found| found.size),
            };
            Ok(Box::new(Reading::new(
                self.inner.get(key, range, call)?,
                reached.cloned(),
                length,
                Arc::clone(&self.read),
                call,
            )) as _)
        })
    }

    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        self.around(On::List, call, |planned| {
            let Some(planned) = planned else {
                return self.inner.list(prefix, call, each);
            };
            planned.reach();
            let mut named = 0;
            match &planned.fault {
                Fault::ListsNothing => return Ok(()),
                Fault::ListsMany(names) => {
                    return (0..*names).try_for_each(|n| {
                        let name = "backup-many-20000101-000000-manual.tar.gz";
                        let key = Key::new(&format!("many-{n:08x}/manual/{name}"))?;
                        let modified = None;
                        each(Listed {
                            key,
                            size: 1,
                            modified,
                        })
                    });
                }
                Fault::ListsOnly(0, kind) => return Err(fault(*kind)),
                _ => {}
            }
            self.inner.list(prefix, call, &mut |mut listed| {
                match &planned.fault {
                    Fault::ListsTwice => each(listed.clone())?,
                    Fault::WrongSizes => listed.size += 1,
                    Fault::AnHourOff => off(&mut listed),
                    _ => {}
                }
                each(listed)?;
                named += 1;
                match &planned.fault {
                    Fault::ListsOnly(most, kind) if named >= *most => Err(fault(*kind)),
                    _ => Ok(()),
                }
            })
        })
    }

    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>> {
        self.around(On::Stat, call, |planned| {
            let mut found = self.inner.stat(key, call)?;
            if let (Some(planned), Some(listed)) = (planned, &mut found) {
                planned.reach();
                off(listed);
            }
            Ok(found)
        })
    }

    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        self.around(On::Delete, call, |planned| {
            match planned.map(|planned| (planned, &planned.fault)) {
                Some((planned, Fault::DeletesNothing)) => {
                    planned.reach();
                    return Ok(());
                }
                Some((planned, Fault::MissingIs(kind)))
                    if self.inner.stat(key, call)?.is_none() =>
                {
                    planned.reach();
                    return Err(fault(*kind));
                }
                _ => {}
            }
            self.inner.delete(key, call)
        })
    }

    fn sweep(&self, age: Duration, call: &Call<'_>) -> Result<u32> {
        self.around(On::Sweep, call, |planned| match planned {
            Some(planned) => {
                planned.reach();
                Ok(1)
            }
            None => self.inner.sweep(age, call),
        })
    }

    fn free_space(&self, call: &Call<'_>) -> Result<Option<u64>> {
        self.around(On::FreeSpace, call, |planned| match planned {
            Some(planned) => {
                planned.reach();
                Ok(None)
            }
            None => self.inner.free_space(call),
        })
    }
}

fn off(listed: &mut Listed) {
    let hour = SignedDuration::from_hours(1);
    listed.modified = listed.modified.map(|at| at.checked_sub(hour).unwrap());
}
