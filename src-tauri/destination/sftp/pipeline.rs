//! Many requests under way at once, so that a distant server is as fast as a near one. It judges no content.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::{FuturesOrdered, FuturesUnordered, Stream, StreamExt, unfold};
use tokio::sync::watch;

use super::super::body::{Outgoing, Sending};
use super::super::{DestinationError, ErrorKind};
use super::connection::{Connection, Opened};

type Result<T> = std::result::Result<T, DestinationError>;

const FIRST: u64 = 1 << 20;
const LEAST: u64 = 256 << 10;
/// What a fast line over an ocean holds; more would only lie in memory. OpenSSH lets 2 MiB towards it be under way, whatever is sent.
const MOST_READ: u64 = 8 << 20;
const MOST_WRITTEN: u64 = 4 << 20;
/// An answer that took no longer says that more can be under way.
const QUICK: Duration = Duration::from_millis(500);
/// A line that is this far behind gets less, so that whatever else is asked on it, a clean-up say, is answered in time.
const SLOW: Duration = Duration::from_secs(2);

/// How many bytes may be under way: it follows how fast they are answered.
struct Window {
    allowed: u64,
    most: u64,
    under_way: u64,
}

impl Window {
    fn up_to(most: u64) -> Self {
        Self {
            allowed: FIRST,
            most,
            under_way: 0,
        }
    }

    fn has_room(&self) -> bool {
        self.under_way < self.allowed
    }

    fn asked(&mut self, length: u64) {
        self.under_way += length;
    }

    fn answered(&mut self, length: u64, after: Duration) {
        self.under_way = self.under_way.saturating_sub(length);
        if after < QUICK {
            self.allowed = (self.allowed + length).min(self.most);
        } else if after > SLOW {
            self.allowed = self.allowed.saturating_sub(length).max(LEAST);
        }
    }
}

/// Writes what is left of a body to where it belongs. `arrived` follows how much of it is there without a gap.
pub(super) async fn write(
    connection: &Connection,
    file: &Opened,
    body: &mut Sending<'_>,
    arrived: &watch::Sender<u64>,
) -> Result<()> {
    let mut window = Window::up_to(MOST_WRITTEN);
    let mut under_way = FuturesUnordered::new();
    let mut done = Done::from(body.sent());
    loop {
        let answer = if window.has_room()
            && let offset = body.sent()
            && let Some(block) = body.next_up_to(connection.write_size)?
        {
            let length = block.len() as u64;
            window.asked(length);
            done.asked(offset, length);
            let asked = Instant::now();
            let request = connection.sftp.write(file.handle(), offset, block.into());
            let request = connection.ask_at_leisure(WRITING, request);
            under_way.push(async move {
                let answer = request.await;
                (offset, length, asked.elapsed(), answer)
            });
            // A first look sends it: in order, and before the next block is read.
            under_way.next().now_or_never().flatten()
        } else {
            let waiting = async { Ok(under_way.next().await) };
            match connection.patiently(WRITING, waiting).await? {
                None => return Ok(()),
                answer => answer,
            }
        };
        if let Some((offset, length, after, answer)) = answer {
            answer?;
            window.answered(length, after);
            arrived.send_replace(done.answered(offset));
        }
    }
}

const WRITING: &str = "writing the archive";
const READING: &str = "reading the archive";

/// Blocks that are under way, in order: what lies before the first of them has arrived.
struct Done {
    blocks: VecDeque<(u64, bool)>,
    sent: u64,
}

impl Done {
    fn from(start: u64) -> Self {
        Self {
            blocks: VecDeque::new(),
            sent: start,
        }
    }

    fn asked(&mut self, offset: u64, length: u64) {
        self.blocks.push_back((offset, false));
        self.sent = offset + length;
    }

    /// How much is there without a gap.
    fn answered(&mut self, offset: u64) -> u64 {
        if let Some(block) = self.blocks.iter_mut().find(|block| block.0 == offset) {
            block.1 = true;
        }
        while self.blocks.front().is_some_and(|block| block.1) {
            self.blocks.pop_front();
        }
        self.blocks.front().map_or(self.sent, |block| block.0)
    }
}

type Block = Pin<Box<dyn Future<Output = (Duration, Result<Bytes>)> + Send>>;

/// Reads of one open file, block by block.
pub(super) struct Reads {
    connection: Arc<Connection>,
    file: Arc<Opened>,
    next: u64,
    end: u64,
    window: Window,
    under_way: FuturesOrdered<Block>,
}

impl Reads {
    pub fn new(connection: &Arc<Connection>, file: Arc<Opened>, start: u64) -> Self {
        Self {
            connection: Arc::clone(connection),
            file,
            next: start,
            end: start,
            window: Window::up_to(MOST_READ),
            under_way: FuturesOrdered::new(),
        }
    }

    /// At the pace of an upload.
    pub fn beside_writes(mut self) -> Self {
        self.window.most = MOST_WRITTEN;
        self
    }

    /// Up to there may be read.
    pub fn extend_to(&mut self, end: u64) {
        self.end = end;
    }

    /// None once all that may be read was read.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        while self.next < self.end && self.window.has_room() {
            let length = (self.end - self.next).min(self.connection.read_size);
            self.window.asked(length);
            self.under_way.push_back(self.block(self.next, length));
            self.next += length;
        }
        let waiting = async { Ok(self.under_way.next().await) };
        let Some((after, block)) = self.connection.patiently(READING, waiting).await? else {
            return Ok(None);
        };
        let block = block?;
        self.window.answered(block.len() as u64, after);
        Ok(Some(block))
    }

    /// A server may answer with less than was asked for, but for the end of the file.
    fn block(&self, offset: u64, length: u64) -> Block {
        let (connection, file) = (Arc::clone(&self.connection), Arc::clone(&self.file));
        Box::pin(async move {
            let asked = Instant::now();
            let mut read = Vec::new();
            while (read.len() as u64) < length {
                let have = read.len() as u64;
                let rest = u32::try_from(length - have).unwrap_or(u32::MAX);
                let request = connection.sftp.read(file.handle(), offset + have, rest);
                let mut data = match connection.ask_at_leisure(READING, request).await {
                    Ok(answer) => answer.data,
                    Err(e) => return (asked.elapsed(), Err(e)),
                };
                if data.is_empty() || data.len() as u64 > length - have {
                    return (asked.elapsed(), Err(odd(data.len(), rest)));
                }
                if read.is_empty() {
                    read = data;
                } else {
                    read.append(&mut data);
                }
            }
            (asked.elapsed(), Ok(read.into()))
        })
    }

    /// All of them, one after the other; none after a failure.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        unfold(Some(self), |reads| async move {
            let mut reads = reads?;
            match reads.next().await {
                Ok(None) => None,
                Ok(Some(block)) => Some((Ok(block), Some(reads))),
                Err(e) => Some((Err(e), None)),
            }
        })
    }
}

fn odd(came: usize, asked: u32) -> DestinationError {
    let detail = format!("{READING}: {came} bytes came where {asked} were asked for");
    DestinationError::new(ErrorKind::Protocol, detail)
}
