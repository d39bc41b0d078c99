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
    cancel: Cancel,
    deadline: Option<Instant>,
}

impl Incoming {
    /// `idle`: how long a block may take to come. `length`: None for a stream that ends where it ends.
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
            let next = async { self.blocks.next().await.transpose() };
            let next = within(self.idle, "reading what was asked for", next);
            match (self.net.run(&call, next)?, self.left) {
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
