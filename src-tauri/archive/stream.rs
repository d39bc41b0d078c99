//! Members back into the uncompressed stream: fetched in order, decompressed and checked on every core, handed on in order. Not one byte of a
//! member is seen before its digest was right.

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};
use sha2::{Digest, Sha256};

use crate::model::{Cancel, Observer, Phase, Progress};

use super::codec::Expand;
use super::{Archive, OpenError, as_usize, names};

type Checked = Result<Vec<u8>, OpenError>;

/// Who watches.
pub(super) struct Watch<'a> {
    pub cancel: &'a Cancel,
    pub observer: &'a dyn Observer,
    pub phase: Phase,
}

/// Runs `consume` over the members of these runs while they are fetched.
pub(super) fn with_members<T>(
    archive: &Archive,
    runs: &[Range<usize>],
    watch: &Watch<'_>,
    consume: impl FnOnce(&mut MemberStream<'_>) -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let (jobs, queue) = bounded(threads);
    let (order, ordered) = bounded(2 * threads + 1);
    let (back, spare) = bounded(2 * threads + 2);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (queue, spare) = (queue.clone(), spare.clone());
            scope.spawn(move || work(archive, &queue, &spare));
        }
        drop(queue);
        scope.spawn(move || fetch(archive, runs, &jobs, &order));
        let at = &archive.table.compressed;
        let mut stream = MemberStream {
            ordered,
            back,
            current: Arc::default(),
            position: 0,
            left: 0,
            done: 0,
            total: runs.iter().map(|run| at[run.end] - at[run.start]).sum(),
            sizes: at,
            next: 0,
            what: String::new(),
            watch,
        };
        consume(&mut stream)
    })
}

struct Job {
    member: usize,
    bytes: Vec<u8>,
    reply: Sender<Checked>,
}

/// Reads the members one after the other; ends when nobody listens any more.
fn fetch(
    archive: &Archive,
    runs: &[Range<usize>],
    jobs: &Sender<Job>,
    order: &Sender<Receiver<Checked>>,
) {
    for run in runs {
        let at = &archive.table.compressed;
        let mut span: Option<Box<dyn Read + Send>> = None;
        for member in run.clone() {
            let (reply, answer) = bounded(1);
            if order.send(answer).is_err() {
                return;
            }
            let begun = match span.take() {
                Some(span) => Ok(span),
                None => archive.content.span(at[run.start], at[run.end]),
            };
            let fetched = begun.and_then(|reader| {
                let reader = span.insert(reader);
                read_member(archive, member, reader)
            });
            match fetched {
                Ok(bytes) => {
                    let job = Job {
                        member,
                        bytes,
                        reply,
                    };
                    if jobs.send(job).is_err() {
                        return;
                    }
                }
                Err(error) => {
                    let _ = reply.send(Err(error));
                    return;
                }
            }
        }
    }
}

/// The compressed bytes of the member that `span` stands before.
pub(super) fn read_member(
    archive: &Archive,
    member: usize,
    span: &mut dyn Read,
) -> Result<Vec<u8>, OpenError> {
    let at = &archive.table.compressed;
    let length = at[member + 1] - at[member];
    // Bounded when the manifest was checked.
    let mut bytes = vec![0; as_usize(length)];
    span.read_exact(&mut bytes)
        .map_err(|error| of_member(archive, member, OpenError::from_io(error)))?;
    Ok(bytes)
}

fn work(archive: &Archive, queue: &Receiver<Job>, spare: &Receiver<Vec<u8>>) {
    let mut expand = Expand::new(archive.compression).map_err(|error| error.to_string());
    for job in queue {
        let buffer = spare.try_recv().unwrap_or_default();
        let checked = match &mut expand {
            Ok(expand) => expand_member(archive, job.member, &job.bytes, expand, buffer),
            Err(reason) => Err(OpenError::Read(io::Error::other(reason.clone()))),
        };
        let _ = job.reply.send(checked);
    }
}

/// Decompresses into `out` and checks the digest.
pub(super) fn expand_member(
    archive: &Archive,
    member: usize,
    bytes: &[u8],
    expand: &mut Expand,
    mut out: Vec<u8>,
) -> Checked {
    let at = &archive.table.uncompressed;
    out.resize(as_usize(at[member + 1] - at[member]), 0);
    let wrong = |reason| of_member(archive, member, OpenError::refused(reason));
    expand.member(bytes, &mut out).map_err(wrong)?;
    if Sha256::digest(&out)[..] != archive.table.sha256[member] {
        return Err(wrong("its SHA-256 is not the one listed".to_owned()));
    }
    Ok(out)
}

/// Names the member, and what of the manifest begins in it.
fn of_member(archive: &Archive, member: usize, error: OpenError) -> OpenError {
    let OpenError::Refused { reason, .. } = error else {
        return error;
    };
    let at = &archive.table.uncompressed;
    let (start, end) = (at[member], at[member + 1]);
    let touched = archive.manifest.contents.iter().filter(|entry| {
        entry.tar_offset < end && entry.tar_offset.saturating_add(entry.size_bytes) >= start
    });
    let names: Vec<String> = touched
        .take(3)
        .map(|entry| names::show(entry.file.as_bytes()))
        .collect();
    let within = if names.is_empty() {
        String::new()
    } else {
        format!(" ({})", names.join(", "))
    };
    OpenError::Refused {
        entry: Some(format!("member {member}{within}")),
        reason,
        intact_bytes: Some(
            archive
                .content
                .file_position(archive.table.compressed[member]),
        ),
    }
}

/// The uncompressed stream of one run after the other.
pub(super) struct MemberStream<'a> {
    ordered: Receiver<Receiver<Checked>>,
    back: Sender<Vec<u8>>,
    current: Arc<Vec<u8>>,
    position: usize,
    /// Members of this run that have not come yet.
    left: usize,
    done: u64,
    total: u64,
    sizes: &'a [u64],
    next: usize,
    what: String,
    watch: &'a Watch<'a>,
}

impl MemberStream<'_> {
    /// The stream goes on with this run, the next of those it was made for.
    pub(super) fn begin(&mut self, run: &Range<usize>) {
        self.left = run.len();
        self.next = run.start;
        self.position = self.current.len();
    }

    /// What is worked on, for the observer.
    pub(super) fn working_on(&mut self, what: &str) {
        what.clone_into(&mut self.what);
    }

    /// The next `length` bytes as a part of the member that holds them, where one does. They are not consumed.
    pub(super) fn shared(&self, length: usize) -> Option<Shared> {
        let end = self.position.checked_add(length)?;
        (end <= self.current.len()).then(|| Shared {
            member: Arc::clone(&self.current),
            range: self.position..end,
        })
    }

    fn advance(&mut self) -> Result<(), OpenError> {
        self.watch.cancel.check()?;
        let gone = || OpenError::Read(io::Error::other("the reading thread is gone"));
        let member = self
            .ordered
            .recv()
            .map_err(|_| gone())?
            .recv()
            .map_err(|_| gone())??;
        self.left -= 1;
        self.done += self.sizes[self.next + 1] - self.sizes[self.next];
        self.next += 1;
        let used = std::mem::replace(&mut self.current, Arc::new(member));
        self.position = 0;
        // Somebody may still be writing it out; then it is freed later.
        if let Ok(used) = Arc::try_unwrap(used) {
            let _ = self.back.try_send(used);
        }
        self.watch.observer.progress(&Progress {
            phase: self.watch.phase,
            done_bytes: self.done,
            total_bytes: self.total,
            what: self.what.clone(),
        });
        Ok(())
    }
}

impl BufRead for MemberStream<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.position == self.current.len() && self.left > 0 {
            self.advance().map_err(OpenError::into_io)?;
        }
        Ok(&self.current[self.position..])
    }

    fn consume(&mut self, count: usize) {
        self.position += count;
    }
}

impl Read for MemberStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

/// Bytes of a member that outlive the stream's passing on.
pub(super) struct Shared {
    member: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Shared {
    /// Bytes that are no member's.
    pub(super) fn copy_of(bytes: &[u8]) -> Self {
        Self {
            member: Arc::new(bytes.to_vec()),
            range: 0..bytes.len(),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.member[self.range.clone()]
    }
}
