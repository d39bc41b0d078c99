//! The archive's file as it is fetched: its head and tail are kept, spans between them are streamed, one request each. Bytes only.

use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{KIB, OpenError, RangeRead, as_usize};

/// Enough for an age header of a hundred recipients.
const HEAD: u64 = 16 * KIB;
/// The footer, the manifest of an archive of some gigabytes, and age's last chunk.
const TAIL: u64 = 256 * KIB;
/// Up to here one request for everything is cheaper than two.
const WHOLE: u64 = 512 * KIB;

/// A file of which head and tail are at hand.
pub(super) struct Fetched {
    source: Arc<dyn RangeRead>,
    pub size: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
    tail_start: u64,
}

impl Fetched {
    pub(super) fn new(source: Arc<dyn RangeRead>) -> Result<Self, OpenError> {
        let size = source.size();
        let (head, tail) = if size <= WHOLE {
            (Vec::new(), fetch(&*source, 0, size)?)
        } else {
            (
                fetch(&*source, 0, HEAD)?,
                fetch(&*source, size - TAIL, TAIL)?,
            )
        };
        Ok(Self {
            tail_start: size - tail.len() as u64,
            source,
            size,
            head,
            tail,
        })
    }

    /// The first bytes, as many as are at hand.
    pub(super) fn head(&self) -> &[u8] {
        if self.tail_start == 0 {
            &self.tail
        } else {
            &self.head
        }
    }

    /// Keeps a longer head.
    pub(super) fn widen_head(&mut self, length: u64) -> Result<(), OpenError> {
        if length > self.head.len() as u64 && self.tail_start > 0 {
            self.head = fetch(&*self.source, 0, length.min(self.size))?;
        }
        Ok(())
    }

    /// What of a span has to be fetched.
    pub(super) fn missing(&self, start: u64, end: u64) -> u64 {
        let start = start.max(self.head.len() as u64);
        end.min(self.tail_start).saturating_sub(start)
    }
}

fn fetch(source: &dyn RangeRead, start: u64, length: u64) -> Result<Vec<u8>, OpenError> {
    if length == 0 {
        return Ok(Vec::new());
    }
    // Heads and tails are small; nothing larger is asked for here.
    let mut bytes = vec![0; as_usize(length)];
    source
        .read_range(start, length)
        .and_then(|mut reader| reader.read_exact(&mut bytes))
        .map_err(OpenError::Read)?;
    Ok(bytes)
}

/// Reads the file up to `limit`. What is not at hand is fetched by one request from where the reader stands to the limit, and streamed.
pub(super) struct Window {
    file: Arc<Fetched>,
    position: u64,
    limit: u64,
    stream: Option<Stream>,
    /// The farthest that was read: how far a header goes.
    reached: Arc<AtomicU64>,
}

struct Stream {
    reader: Box<dyn Read + Send>,
    position: u64,
    end: u64,
}

impl Window {
    pub(super) fn new(file: Arc<Fetched>, limit: u64) -> Self {
        Self {
            limit: limit.min(file.size),
            file,
            position: 0,
            stream: None,
            reached: Arc::default(),
        }
    }

    pub(super) fn reached(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.reached)
    }

    fn read_some(&mut self, buffer: &mut [u8]) -> Result<usize, OpenError> {
        let at_hand = if self.position >= self.file.tail_start {
            let at = usize::try_from(self.position - self.file.tail_start).unwrap_or(usize::MAX);
            self.file.tail.get(at..)
        } else {
            usize::try_from(self.position)
                .ok()
                .and_then(|at| self.file.head.get(at..))
        };
        if let Some(mut bytes) = at_hand.filter(|bytes| !bytes.is_empty()) {
            return bytes.read(buffer).map_err(OpenError::Read);
        }
        if self.position >= self.file.size {
            return Ok(0);
        }
        if self.position >= self.limit {
            return Err(OpenError::refused(format!(
                "what is read ends at byte {}, not where it was said to",
                self.limit
            )));
        }
        let position = self.position;
        if self
            .stream
            .as_ref()
            .is_none_or(|s| s.position != position || s.end == position)
        {
            let end = self.limit.min(self.file.tail_start);
            let reader = self
                .file
                .source
                .read_range(position, end - position)
                .map_err(OpenError::Read)?;
            self.stream = Some(Stream {
                reader,
                position,
                end,
            });
        }
        let Some(stream) = &mut self.stream else {
            return Ok(0);
        };
        let left = usize::try_from(stream.end - position).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        let read = stream
            .reader
            .read(&mut buffer[..length])
            .map_err(OpenError::Read)?;
        if read == 0 && length > 0 {
            let cause = io::Error::new(io::ErrorKind::UnexpectedEof, "a range came short");
            return Err(OpenError::Read(cause));
        }
        stream.position += read as u64;
        Ok(read)
    }
}

impl Read for Window {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.read_some(buffer).map_err(OpenError::into_io)?;
        self.position += read as u64;
        self.reached.fetch_max(self.position, Ordering::Relaxed);
        Ok(read)
    }
}

impl Seek for Window {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.file.size.checked_add_signed(by),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
