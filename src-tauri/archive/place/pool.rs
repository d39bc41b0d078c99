//! Content to the disk on several threads: most of its cost is the kernel's, file by file. Each folder has its thread, which keeps order.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::fs::Mode;
use rustix::io::Errno;

use crate::archive::stream::Shared;
use crate::archive::{OpenError, PIECE};

use super::attributes::{Attributes, Faults};
use super::{Folder, NEW_FILE, OpenFile, write_error};

pub(super) enum Job {
    /// A file at once.
    Whole(NewFile),
    /// The next bytes of a file.
    More {
        file: Arc<OpenFile>,
        content: Shared,
    },
    /// Its content is complete.
    End(Arc<OpenFile>),
}

/// A file that is to be made.
pub(super) struct NewFile {
    pub folder: Arc<Folder>,
    pub name: Vec<u8>,
    /// For messages.
    pub entry: String,
    pub attributes: Attributes,
    pub content: Shared,
}

/// Files a hand-over, so that a small file does not cost a change of threads.
const BATCH: usize = 128;
/// Hand-overs that may wait for a thread: enough for the next folder's thread to begin while one still fills its own. Each holds little
/// more than a piece of content.
const WAITING: usize = 8;
/// Bytes of content that may wait in all lanes together: a disk that is slower than the reader must not fill the memory.
const WAITING_BYTES: u64 = 4 * PIECE;

/// Writing threads, a lane each. What is in one lane is done in order.
pub(super) struct Pool {
    lanes: Vec<Lane>,
    next: usize,
    threads: Vec<JoinHandle<()>>,
    state: Arc<(Mutex<State>, Condvar)>,
}

struct Lane {
    batch: Vec<Job>,
    bytes: u64,
    queue: Sender<Batch>,
}

struct Batch {
    jobs: Vec<Job>,
    bytes: u64,
}

#[derive(Default)]
struct State {
    /// Batches handed over and not done.
    open: usize,
    /// Of their content.
    bytes: u64,
    failed: Option<OpenError>,
}

impl Pool {
    pub(super) fn start(faults: &Arc<Faults>) -> Self {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let (mut lanes, mut threads) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let (sender, queue) = bounded::<Batch>(WAITING);
            let (state, faults) = (Arc::clone(&state), Arc::clone(faults));
            threads.push(std::thread::spawn(move || work(&queue, &state, &faults)));
            lanes.push(Lane {
                batch: Vec::new(),
                bytes: 0,
                queue: sender,
            });
        }
        Self {
            lanes,
            next: 0,
            threads,
            state,
        }
    }

    /// For a new folder.
    pub(super) fn next_lane(&mut self) -> usize {
        self.next = (self.next + 1) % self.lanes.len();
        self.next
    }

    /// An error is that of an earlier file.
    pub(super) fn add(&mut self, lane: usize, job: Job) -> Result<(), OpenError> {
        let to = &mut self.lanes[lane];
        to.bytes += match &job {
            Job::Whole(NewFile { content, .. }) | Job::More { content, .. } => {
                content.bytes().len() as u64
            }
            Job::End(_) => 0,
        };
        to.batch.push(job);
        if to.batch.len() >= BATCH || to.bytes >= PIECE {
            self.hand_over(lane)?;
        }
        Ok(())
    }

    /// Until every file is done.
    pub(super) fn wait(&mut self) -> Result<(), OpenError> {
        for lane in 0..self.lanes.len() {
            self.hand_over(lane)?;
        }
        self.idle().failed.take().map_or(Ok(()), Err)
    }

    /// Until nothing is at work any more; what was not handed over is dropped.
    pub(super) fn give_up(&mut self) {
        for lane in &mut self.lanes {
            lane.batch.clear();
        }
        drop(self.idle());
    }

    fn idle(&self) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state.0);
        while state.open > 0 {
            state = wait(&self.state.1, state);
        }
        state
    }

    fn hand_over(&mut self, lane: usize) -> Result<(), OpenError> {
        let lane = &mut self.lanes[lane];
        if lane.batch.is_empty() {
            return Ok(());
        }
        let batch = Batch {
            jobs: std::mem::take(&mut lane.batch),
            bytes: std::mem::take(&mut lane.bytes),
        };
        {
            let mut state = lock(&self.state.0);
            while state.open > 0 && state.bytes + batch.bytes > WAITING_BYTES {
                state = wait(&self.state.1, state);
            }
            if let Some(error) = state.failed.take() {
                return Err(error);
            }
            state.open += 1;
            state.bytes += batch.bytes;
        }
        // The threads live as long as the queue.
        let _ = lane.queue.send(batch);
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.lanes.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// The state is whole at every moment, so a thread that panicked has not spoiled it.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wait<'s>(changed: &Condvar, state: MutexGuard<'s, State>) -> MutexGuard<'s, State> {
    changed.wait(state).unwrap_or_else(PoisonError::into_inner)
}

fn work(queue: &Receiver<Batch>, state: &(Mutex<State>, Condvar), faults: &Faults) {
    for batch in queue {
        let mut failed = None;
        for job in batch.jobs {
            if failed.is_none() {
                failed = act(&job, faults).err();
            }
        }
        let mut now = lock(&state.0);
        now.open -= 1;
        now.bytes -= batch.bytes;
        if now.failed.is_none() {
            now.failed = failed;
        }
        drop(now);
        state.1.notify_all();
    }
}

fn act(job: &Job, faults: &Faults) -> Result<(), OpenError> {
    match job {
        Job::Whole(file) => write_file(file, faults),
        Job::More { file, content } => {
            write_all(&file.fd, content.bytes()).map_err(|errno| write_error(&file.path, errno))
        }
        Job::End(file) => {
            file.attributes.set(&file.fd, &file.path, faults);
            Ok(())
        }
    }
}

fn write_file(file: &NewFile, faults: &Faults) -> Result<(), OpenError> {
    let path = || {
        let name = std::ffi::OsStr::from_bytes(&file.name);
        file.folder.path.join(name)
    };
    let failed = |errno: Errno| match errno {
        Errno::EXIST => OpenError::refused_entry(
            file.entry.as_bytes(),
            "something of this name is there already",
        ),
        other => write_error(&path(), other),
    };
    let fd = rustix::fs::openat(
        &file.folder.fd,
        file.name.as_slice(),
        NEW_FILE,
        Mode::RUSR | Mode::WUSR,
    )
    .map_err(failed)?;
    write_all(&fd, file.content.bytes()).map_err(failed)?;
    file.attributes.set(&fd, &path(), faults);
    Ok(())
}

fn write_all(fd: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(fd.as_fd(), bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
