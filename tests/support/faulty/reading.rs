//! A reader that counts, and breaks as it was told to.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use holdfast::destination::Call;
use holdfast::model::{Cancel, NoObserver};

use super::{Fault, Planned, fault, stalled};

/// Of whom reads byte by byte.
const PATIENCE: u64 = 10_000;

pub struct Reading {
    inner: Box<dyn Read + Send>,
    planned: Option<Arc<Planned>>,
    /// What it should give.
    length: u64,
    given: u64,
    count: Arc<AtomicU64>,
    cancel: Cancel,
    deadline: Option<Instant>,
}

impl Reading {
    pub fn new(
        inner: Box<dyn Read + Send>,
        planned: Option<Arc<Planned>>,
        length: u64,
        count: Arc<AtomicU64>,
        call: &Call<'_>,
    ) -> Self {
        let reading = Self {
            inner,
            planned,
            length,
            given: 0,
            count,
            cancel: call.cancel.clone(),
            deadline: call.deadline,
        };
        // Others are where they break.
        if reading.end() == u64::MAX {
            reading.reach();
        }
        reading
    }

    fn reach(&self) {
        if let Some(planned) = &self.planned {
            planned.reach();
        }
    }

    fn fault(&self) -> Option<&Fault> {
        self.planned.as_ref().map(|planned| &planned.fault)
    }

    /// Up to where it goes well.
    fn end(&self) -> u64 {
        match self.fault() {
            Some(Fault::EndsEarly(early)) => self.length.saturating_sub(*early),
            Some(Fault::BreaksAt(at, _) | Fault::Stops(at)) => *at,
            _ => u64::MAX,
        }
    }
}

impl Read for Reading {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end() - self.given).unwrap_or(usize::MAX);
        if left == 0 {
            self.reach();
            return match self.fault() {
                Some(Fault::BreaksAt(_, kind)) => Err(fault(*kind).into()),
                Some(Fault::Stops(_)) => {
                    let call = Call {
                        deadline: self.deadline,
                        ..Call::new(&self.cancel, &NoObserver)
                    };
                    Err(stalled(&call).into())
                }
                _ => Ok(0),
            };
        }
        let most = match self.fault() {
            Some(Fault::ByteByByte) if self.given < PATIENCE => 1,
            _ => left,
        };
        let most = most.min(buffer.len());
        let read = self.inner.read(&mut buffer[..most])?;
        self.given += read as u64;
        self.count.fetch_add(read as u64, Ordering::SeqCst);
        Ok(read)
    }
}
