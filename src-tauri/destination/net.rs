//! The one async runtime, and the way to it from synchronous code. It lives while a network destination is open; then its threads are gone.

use std::future::Future;
use std::io::{self, Read};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::runtime::{Builder, Runtime};

use super::{Call, DestinationError, ErrorKind};
use crate::model::{Cancel, NoObserver};

type Result<T> = std::result::Result<T, DestinationError>;

/// Between two looks at whether a call should end.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const THREADS: usize = 2;
/// So many bytes have to come in the time that a place may be silent, unless fewer are to come: one that gives a byte now and then would
/// hold a call for ever.
const LEAST: u64 = 64 << 10;

static RUNTIME: Mutex<Weak<Threads>> = Mutex::new(Weak::new());

/// A share of the runtime. Not for use on its own threads.
#[derive(Clone)]
pub(super) struct Net(Arc<Threads>);

/// None only while it is dropped.
struct Threads(Option<Runtime>);

impl Drop for Threads {
    /// Without waiting: a name that a dead server of names is asked for keeps its thread for long.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Net {
    pub fn shared() -> Result<Self> {
        let mut shared = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(threads) = shared.upgrade() {
            return Ok(Self(threads));
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("holdfast-net")
            .enable_all()
            .build()
            .map_err(|e| DestinationError::io("no thread can be had for the network", e))?;
        let threads = Arc::new(Threads(Some(runtime)));
        *shared = Arc::downgrade(&threads);
        Ok(Self(threads))
    }

    /// Waits for it, and drops it as soon as the call should end.
    pub fn run<T>(&self, call: &Call<'_>, work: impl Future<Output = Result<T>>) -> Result<T> {
        call.check()?;
        let Some(runtime) = &self.0.0 else {
            let detail = "the network is being left";
            return Err(DestinationError::new(ErrorKind::Cancelled, detail));
        };
        runtime.block_on(async {
            let mut work = pin!(work);
            loop {
                match tokio::time::timeout(LOOK_EVERY, work.as_mut()).await {
                    Ok(done) => return done,
                    Err(_) => call.check()?,
                }
            }
        })
    }
}

/// Fails as `Timeout` where `work` takes longer.
pub(super) async fn within<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    if let Ok(done) = tokio::time::timeout(limit, work).await {
        done
    } else {
        let detail = format!("{what}: no answer for {} s", limit.as_secs());
        Err(DestinationError::new(ErrorKind::Timeout, detail))
    }
}

/// A stream of blocks as a reader: of exactly so many bytes, or of all that come.
pub(super) struct Incoming {
    net: Net,
    blocks: Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>,
    block: Bytes,
    /// None: nobody knows before it ends.
    left: Option<u64>,
    idle: Duration,
    /// For what has come since `LEAST` had come.
    waited: Duration,
    came: u64,
    cancel: Cancel,
    deadline: Option<Instant>,
}

impl Incoming {
    /// `idle`: how long the place may be as good as silent. `length`: None for a stream that ends where it ends.
    pub fn new(
        net: &Net,
        blocks: impl Stream<Item = Result<Bytes>> + Send + 'static,
        length: impl Into<Option<u64>>,
        idle: Duration,
        call: &Call<'_>,
    ) -> Self {
        Self {
            net: net.clone(),
            blocks: Box::pin(blocks),
            block: Bytes::new(),
            left: length.into(),
            idle,
            waited: Duration::ZERO,
            came: 0,
            cancel: call.cancel.clone(),
            deadline: call.deadline,
        }
    }

    /// How many bytes are still to come, where that is known.
    pub fn left(&self) -> Option<u64> {
        self.left
    }

    /// An empty block at the end of a stream of unknown length.
    fn next_block(&mut self) -> Result<Bytes> {
        let call = Call {
            deadline: self.deadline,
            ..Call::new(&self.cancel, &NoObserver)
        };
        loop {
            let began = Instant::now();
            let (limit, idle, came) = (self.idle.saturating_sub(self.waited), self.idle, self.came);
            let next = async {
                match tokio::time::timeout(limit, self.blocks.next()).await {
                    Ok(block) => block.transpose(),
                    Err(_) => Err(too_slow(idle, came)),
                }
            };
            let block = self.net.run(&call, next)?;
            self.waited += began.elapsed();
            self.came += block.as_ref().map_or(0, |block| block.len() as u64);
            if self.came >= LEAST {
                (self.waited, self.came) = (Duration::ZERO, 0);
            }
            match (block, self.left) {
                (Some(block), _) if block.is_empty() => {}
                (Some(block), Some(left)) if block.len() as u64 > left => {
                    let detail = "more bytes came than were asked for";
                    return Err(DestinationError::new(ErrorKind::Protocol, detail));
                }
                (None, Some(left)) => {
                    let detail = format!("it ends {left} bytes early");
                    return Err(DestinationError::new(ErrorKind::Truncated, detail));
                }
                (block, _) => return Ok(block.unwrap_or_default()),
            }
        }
    }
}

fn too_slow(idle: Duration, came: u64) -> DestinationError {
    let seconds = idle.as_secs();
    let detail = match came {
        0 => format!("reading what was asked for: no answer for {seconds} s"),
        came => format!("reading what was asked for: only {came} bytes came in {seconds} s"),
    };
    DestinationError::new(ErrorKind::Timeout, detail)
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == Some(0) || buffer.is_empty() {
            return Ok(0);
        }
        if self.block.is_empty() {
            self.block = self.next_block()?;
        }
        let read = self.block.len().min(buffer.len());
        let given = self.block.split_to(read);
        buffer[..read].copy_from_slice(&given);
        self.left = self.left.map(|left| left - read as u64);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    /// Reads blocks of so many bytes that come at this pace, with the patience of a fifth of a second.
    fn read(length: usize, pause: Duration, blocks: usize, told: bool) -> io::Result<usize> {
        let net = Net::shared().unwrap();
        let cancel = Cancel::new();
        let call = Call::new(&cancel, &NoObserver);
        let coming = stream::iter(0..blocks).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok(Bytes::from(vec![7; length]))
        });
        let whole = told.then_some((length * blocks) as u64);
        let idle = Duration::from_millis(200);
        let mut reader = Incoming::new(&net, coming, whole, idle, &call);
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes)
    }

    #[test]
    fn what_comes_drop_by_drop_is_as_good_as_silent() {
        let pause = Duration::from_millis(20);
        for told in [true, false] {
            let dripping = read(1, pause, 1000, told).unwrap_err();
            assert_eq!(dripping.kind(), io::ErrorKind::TimedOut);
            // A little that ends in time, and much that takes its time.
            assert_eq!(read(1, pause, 4, told).unwrap(), 4);
            let block = 64 << 10;
            assert_eq!(read(block, 4 * pause, 8, told).unwrap(), 8 * block);
        }
    }
}
