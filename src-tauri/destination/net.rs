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

static RUNTIME: Mutex<Weak<Runtime>> = Mutex::new(Weak::new());

/// A share of the runtime. Not for use on its own threads.
#[derive(Clone)]
pub(super) struct Net(Arc<Runtime>);

impl Net {
    pub fn shared() -> Result<Self> {
        let mut shared = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = shared.upgrade() {
            return Ok(Self(runtime));
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("holdfast-net")
            .enable_all()
            .build()
            .map_err(|e| DestinationError::io("no thread can be had for the network", e))?;
        let runtime = Arc::new(runtime);
        *shared = Arc::downgrade(&runtime);
        Ok(Self(runtime))
    }

    /// Waits for it, and drops it as soon as the call should end.
    pub fn run<T>(&self, call: &Call<'_>, work: impl Future<Output = Result<T>>) -> Result<T> {
        call.check()?;
        self.0.block_on(async {
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
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => {
            let detail = format!("{what}: no answer for {} s", limit.as_secs());
            Err(DestinationError::new(ErrorKind::Timeout, detail))
        }
    }
}

/// A stream of blocks as a reader of exactly so many bytes.
pub(super) struct Incoming {
    net: Net,
    blocks: Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>,
    block: Bytes,
    left: u64,
    idle: Duration,
    cancel: Cancel,
    deadline: Option<Instant>,
}

impl Incoming {
    /// `idle`: how long a block may take to come.
    pub fn new(
        net: &Net,
        blocks: impl Stream<Item = Result<Bytes>> + Send + 'static,
        length: u64,
        idle: Duration,
        call: &Call<'_>,
    ) -> Self {
        Self {
            net: net.clone(),
            blocks: Box::pin(blocks),
            block: Bytes::new(),
            left: length,
            idle,
            cancel: call.cancel.clone(),
            deadline: call.deadline,
        }
    }

    fn next_block(&mut self) -> Result<()> {
        let call = Call {
            deadline: self.deadline,
            ..Call::new(&self.cancel, &NoObserver)
        };
        let next = async { self.blocks.next().await.transpose() };
        let block = self
            .net
            .run(&call, within(self.idle, "reading the archive", next))?;
        self.block = block.ok_or_else(|| {
            let detail = format!("the archive ends {} bytes early", self.left);
            DestinationError::new(ErrorKind::Truncated, detail)
        })?;
        if self.block.len() as u64 > self.left {
            let detail = "more bytes came than were asked for";
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        }
        Ok(())
    }
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        while self.block.is_empty() {
            self.next_block()?;
        }
        let read = self.block.len().min(buffer.len());
        let given = self.block.split_to(read);
        buffer[..read].copy_from_slice(&given);
        self.left -= read as u64;
        Ok(read)
    }
}
