//! Pieces to members on every core, and members to the file in their order. It knows neither tar nor the manifest.

use std::io::{self, Write};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use sha2::{Digest, Sha256};

use crate::model::Compression;
use crate::model::manifest::Members;

use super::codec::Compress;
use super::seal::{Sealed, Written};
use super::{PIECE, as_usize};

/// Compressing threads and one that writes. Memory is bounded by its channels: a few pieces a thread, whatever the data.
pub(super) struct Pipeline<W> {
    /// None once closed.
    ways: Option<Ways>,
    /// The writer alone can answer here, so that its end is an answer too: what still waits in a channel whose receiver is gone is kept.
    members: Receiver<Members>,
    /// Used buffers on their way back.
    spare: Receiver<Vec<u8>>,
    workers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<io::Result<Written<W>>>>,
}

struct Ways {
    jobs: Sender<Job>,
    order: Sender<Ordered>,
}

struct Job {
    piece: Vec<u8>,
    reply: Sender<io::Result<Member>>,
}

struct Member {
    bytes: Vec<u8>,
    uncompressed: u64,
    sha256: String,
}

enum Ordered {
    Member(Receiver<io::Result<Member>>),
    /// Asks for the members so far.
    Members,
    /// Bytes that are no member of the table: the manifest's and the footer.
    Last(Vec<u8>),
}

impl<W: Write + Send + 'static> Pipeline<W> {
    pub(super) fn start(
        out: Box<dyn Sealed<W>>,
        compression: Compression,
        threads: usize,
    ) -> io::Result<Self>
    where
        W: 'static,
    {
        let threads = threads.max(1);
        let (jobs, job_queue) = bounded::<Job>(threads);
        let (order, ordered) = bounded(2 * threads + 1);
        let (back, spare) = bounded(2 * threads + 2);
        let (bytes_back, bytes_spare) = bounded::<Vec<u8>>(2 * threads + 2);
        let mut workers = Vec::with_capacity(threads);
        for _ in 0..threads {
            let mut compress = Compress::new(compression)?;
            let (queue, back, spare) = (job_queue.clone(), back.clone(), bytes_spare.clone());
            workers.push(std::thread::spawn(move || {
                for job in queue {
                    let mut bytes = spare.try_recv().unwrap_or_default();
                    let made = compress.member(&job.piece, &mut bytes);
                    let member = made.map(|()| Member {
                        bytes,
                        uncompressed: job.piece.len() as u64,
                        sha256: hex::encode(Sha256::digest(&job.piece)),
                    });
                    // Whoever is gone needs neither the answer nor the buffer.
                    let _ = job.reply.send(member);
                    let _ = back.try_send(job.piece);
                }
            }));
        }
        let (table, members) = bounded(1);
        let writer = std::thread::spawn(move || write(out, &ordered, &bytes_back, &table));
        Ok(Self {
            ways: Some(Ways { jobs, order }),
            members,
            spare,
            workers,
            writer: Some(writer),
        })
    }

    /// An empty buffer with room for a piece.
    pub(super) fn buffer(&self) -> Vec<u8> {
        match self.spare.try_recv() {
            Ok(mut used) => {
                used.clear();
                used
            }
            Err(_) => Vec::with_capacity(as_usize(PIECE + PIECE / 4)),
        }
    }

    /// Makes a member of a piece. An error is the writer's.
    pub(super) fn piece(&mut self, piece: Vec<u8>) -> io::Result<()> {
        let (reply, answer) = bounded(1);
        let sent = self.ways.as_ref().is_some_and(|ways| {
            ways.order.send(Ordered::Member(answer)).is_ok()
                && ways.jobs.send(Job { piece, reply }).is_ok()
        });
        if sent { Ok(()) } else { Err(self.failure()) }
    }

    /// Waits until all pieces are written.
    pub(super) fn members(&mut self) -> io::Result<Members> {
        let sent = self
            .ways
            .as_ref()
            .is_some_and(|ways| ways.order.send(Ordered::Members).is_ok());
        if !sent {
            return Err(self.failure());
        }
        match self.members.recv() {
            Ok(members) => Ok(members),
            Err(_) => Err(self.failure()),
        }
    }

    /// Writes the last bytes and ends the file.
    pub(super) fn finish(mut self, last: Vec<u8>) -> io::Result<Written<W>> {
        let sent = self
            .ways
            .as_ref()
            .is_some_and(|ways| ways.order.send(Ordered::Last(last)).is_ok());
        if !sent {
            return Err(self.failure());
        }
        self.close()
            .unwrap_or_else(|| Err(io::Error::other("the writing thread is gone")))
    }

    fn close(&mut self) -> Option<io::Result<Written<W>>> {
        self.ways = None;
        for worker in self.workers.drain(..) {
            // A worker that panicked has failed its piece, which the writer reports.
            let _ = worker.join();
        }
        let writer = self.writer.take()?;
        Some(
            writer
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("the writing thread panicked"))),
        )
    }

    /// Why the writer stopped taking pieces.
    fn failure(&mut self) -> io::Error {
        match self.close() {
            Some(Err(error)) => error,
            _ => io::Error::other("the archive was ended before"),
        }
    }
}

/// Nothing of a packer that was given up writes on behind its owner's back.
impl<W> Drop for Pipeline<W> {
    fn drop(&mut self) {
        self.ways = None;
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn write<W>(
    mut out: Box<dyn Sealed<W>>,
    ordered: &Receiver<Ordered>,
    spare: &Sender<Vec<u8>>,
    table: &Sender<Members>,
) -> io::Result<Written<W>> {
    let mut members = Members::default();
    let mut ended = false;
    for next in ordered {
        match next {
            Ordered::Member(answer) => {
                let member = answer
                    .recv()
                    .map_err(|_| io::Error::other("a compressing thread is gone"))??;
                out.write_all(&member.bytes)?;
                members.compressed.push(member.bytes.len() as u64);
                members.uncompressed.push(member.uncompressed);
                members.sha256.push(member.sha256);
                let _ = spare.try_send(member.bytes);
            }
            Ordered::Members => {
                let _ = table.send(std::mem::take(&mut members));
            }
            Ordered::Last(bytes) => {
                out.write_all(&bytes)?;
                ended = true;
            }
        }
    }
    if ended {
        out.finish()
    } else {
        // Sealed or not, an archive without its end must not look whole.
        Err(io::Error::other("the archive was given up"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// A disk that is found to be full once it is told.
    struct Full(mpsc::Receiver<()>);

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            let _ = self.0.recv();
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sealed<io::Sink> for Full {
        fn finish(self: Box<Self>) -> io::Result<Written<io::Sink>> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn a_disk_that_fills_up_while_the_members_are_waited_for_is_told() {
        let (fill, filled) = mpsc::channel();
        let full = Box::new(Full(filled));
        let mut pipeline = Pipeline::start(full, Compression::Gzip, 1).unwrap();
        pipeline.piece(vec![7; 100]).unwrap();
        // The question waits behind the piece that cannot be written.
        let late = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(200));
            drop(fill);
        });
        let error = pipeline.members().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        late.join().unwrap();
    }
}
