//! A body in parts: hashed in a row by one thread, sent by several. It holds no part in memory: a part is read once to be hashed and once
//! more, from the cache, to be sent, and whoever sends it knows before its first byte what the place has to confirm. It knows no protocol.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::{Receiver, SendTimeoutError, Sender, bounded};
use sha2::{Digest, Sha256};

use super::body::{Outgoing, changed, unreadable};
use super::{Body, Call, DestinationError};
use crate::model::{Phase, Progress};

type Result<T> = std::result::Result<T, DestinationError>;

/// How much is read at once to be hashed, and to be sent.
const HASHED: usize = 256 << 10;
const SENT: u64 = 64 << 10;
/// Parts that are hashed and wait for a sender: few, so that they are still in the cache when they are sent.
const AHEAD: usize = 1;
/// Between two looks at whether the call should end.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What a place wants to know of a part beforehand, and can be asked to confirm.
pub(super) trait Sum: Default + Send {
    fn update(&mut self, bytes: &[u8]);
}

/// How a body is to be sent.
pub(super) struct Parts<'a> {
    pub body: &'a Body,
    /// Bytes of every part but the last. An empty body has one part, which is empty.
    pub size: u64,
    /// How many are sent at once.
    pub senders: usize,
    /// The destination's name, for progress.
    pub what: &'a str,
}

/// A part whose bytes are known: to be sent, once, or passed over.
pub(super) struct Part<'a, S> {
    /// From 0.
    pub index: usize,
    pub length: u64,
    pub sum: S,
    offset: u64,
    given: u64,
    shared: &'a Shared<'a>,
    call: &'a Call<'a>,
}

struct Shared<'a> {
    file: File,
    body: &'a Body,
    progress: Mutex<Progress>,
}

impl Parts<'_> {
    /// Gives every part to `each`, on several threads, and every block in its order to `whole`. The last part is given away only when all of
    /// them together are what the body says: whoever has sent every part has sent the archive.
    ///
    /// After a failure that may pass, the parts on their way are still sent, so that they need not be sent again; after any other they are
    /// stopped. The first failure is the one that is told.
    pub fn send<S: Sum>(
        &self,
        call: &Call<'_>,
        whole: &mut dyn FnMut(&[u8]),
        each: &(dyn Fn(&mut Part<'_, S>, &Call<'_>) -> Result<()> + Sync),
    ) -> Result<()> {
        call.check()?;
        let file = File::open(&self.body.path).map_err(|e| unreadable(self.body, e))?;
        let shared = Shared {
            file,
            body: self.body,
            progress: Mutex::new(Progress {
                phase: Phase::Uploading,
                done_bytes: 0,
                total_bytes: self.body.length,
                what: self.what.to_owned(),
            }),
        };
        let cancel = call.cancel.child();
        let stoppable = Call {
            cancel: &cancel,
            ..*call
        };
        let first = First::default();
        let (ready, parts) = bounded(AHEAD);
        thread::scope(|scope| {
            for _ in 0..self.senders {
                let parts = parts.clone();
                scope.spawn(|| send_each(parts, &first, &stoppable, each));
            }
            drop(parts);
            if let Err(error) = self.hash(&shared, &stoppable, &first, whole, &ready) {
                first.fail(error, &stoppable);
            }
            drop(ready);
        });
        match first.error.into_inner() {
            Ok(Some(error)) => Err(error),
            _ => Ok(()),
        }
    }

    fn hash<'s, S: Sum>(
        &self,
        shared: &'s Shared<'s>,
        call: &'s Call<'s>,
        first: &First,
        whole: &mut dyn FnMut(&[u8]),
        ready: &Sender<Part<'s, S>>,
    ) -> Result<()> {
        let unreadable = |e| unreadable(self.body, e);
        let mut digest = Sha256::new();
        let mut buffer = vec![0; HASHED];
        let mut offset = 0;
        for index in 0.. {
            let length = self.size.min(self.body.length - offset);
            let mut sum = S::default();
            let mut hashed = 0;
            while hashed < length {
                call.check()?;
                let left = usize::try_from(length - hashed).unwrap_or(HASHED);
                let block = &mut buffer[..left.min(HASHED)];
                let at = offset + hashed;
                shared.file.read_exact_at(block, at).map_err(unreadable)?;
                digest.update(&*block);
                sum.update(block);
                whole(block);
                hashed += block.len() as u64;
            }
            let is_last = offset + length == self.body.length;
            if is_last {
                let more = shared.file.read_at(&mut [0], self.body.length);
                let found = hex::encode(digest.finalize_reset());
                if more.map_err(unreadable)? != 0 || found != self.body.sha256 {
                    return Err(changed(self.body));
                }
            }
            let part = Part {
                index,
                length,
                sum,
                offset,
                given: 0,
                shared,
                call,
            };
            if hand_over(part, first, call, ready)? == Next::Stop || is_last {
                break;
            }
            offset += length;
        }
        Ok(())
    }
}

#[derive(PartialEq, Eq)]
enum Next {
    Go,
    Stop,
}

fn hand_over<'s, S>(
    mut part: Part<'s, S>,
    first: &First,
    call: &Call<'_>,
    ready: &Sender<Part<'s, S>>,
) -> Result<Next> {
    loop {
        call.check()?;
        if first.failed.load(Ordering::Relaxed) {
            return Ok(Next::Stop);
        }
        match ready.send_timeout(part, LOOK_EVERY) {
            Ok(()) => return Ok(Next::Go),
            Err(SendTimeoutError::Timeout(back)) => part = back,
            Err(SendTimeoutError::Disconnected(_)) => return Ok(Next::Stop),
        }
    }
}

fn send_each<S>(
    parts: Receiver<Part<'_, S>>,
    first: &First,
    call: &Call<'_>,
    each: &(dyn Fn(&mut Part<'_, S>, &Call<'_>) -> Result<()> + Sync),
) {
    for mut part in parts {
        if first.failed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(error) = each(&mut part, call) {
            first.fail(error, call);
            return;
        }
    }
}

/// The first failure of several threads.
#[derive(Default)]
struct First {
    failed: AtomicBool,
    error: Mutex<Option<DestinationError>>,
}

impl First {
    fn fail(&self, error: DestinationError, call: &Call<'_>) {
        let may_pass = error.kind.may_pass();
        let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(error);
        self.failed.store(true, Ordering::Relaxed);
        if !may_pass {
            call.cancel.cancel();
        }
    }
}

impl<S> Part<'_, S> {
    /// The place has it already.
    pub fn pass_over(&mut self) {
        self.shared.tell(self.length - self.given, self.call);
        self.given = self.length;
    }
}

impl<S> Outgoing for Part<'_, S> {
    fn next_up_to(&mut self, most: u64) -> Result<Option<Bytes>> {
        // Larger ones would come in bursts, however long they wait.
        let smooth = self.call.pace.map_or(u64::MAX, |pace| pace.most().into());
        let length = (self.length - self.given).min(most).min(SENT).min(smooth);
        if length == 0 {
            return Ok(None);
        }
        self.call.check()?;
        let mut block = vec![0; usize::try_from(length).unwrap_or(0)];
        let read = &self.shared.file;
        read.read_exact_at(&mut block, self.offset + self.given)
            .map_err(|e| unreadable(self.shared.body, e))?;
        if let Some(pace) = self.call.pace {
            pace.take(block.len(), self.call)?;
        }
        self.given += length;
        self.shared.tell(length, self.call);
        Ok(Some(block.into()))
    }
}

impl Shared<'_> {
    fn tell(&self, more: u64, call: &Call<'_>) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.done_bytes += more;
        call.observer.progress(&progress);
    }
}
