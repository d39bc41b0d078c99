//! Small files to the disk on several threads: most of their cost is the kernel's, file by file.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::fs::Mode;
use rustix::io::Errno;

use crate::archive::OpenError;
use crate::archive::stream::Shared;

use super::attributes::{Attributes, Faults};
use super::{Folder, NEW_FILE};

/// A file that is to be made.
pub(super) struct Job {
    pub folder: Arc<Folder>,
    pub name: Vec<u8>,
    /// For messages.
    pub entry: String,
    pub attributes: Attributes,
    pub content: Shared,
}

/// Files a hand-over, so that a small file does not cost a change of threads.
const BATCH: usize = 32;

/// Writing threads. The order of files does not matter; that of folders and links is kept by waiting.
pub(super) struct Pool {
    batch: Vec<Job>,
    queue: Option<Sender<Vec<Job>>>,
    threads: Vec<JoinHandle<()>>,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// Batches handed over and not done.
    open: usize,
    failed: Option<OpenError>,
}

impl Pool {
    pub(super) fn start(faults: &Arc<Faults>) -> Self {
        let count = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (sender, queue) = bounded::<Vec<Job>>(count);
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let threads = (0..count)
            .map(|_| {
                let (queue, state, faults) =
                    (queue.clone(), Arc::clone(&state), Arc::clone(faults));
                std::thread::spawn(move || work(&queue, &state, &faults))
            })
            .collect();
        Self {
            batch: Vec::with_capacity(BATCH),
            queue: Some(sender),
            threads,
            state,
        }
    }

    /// An error is that of an earlier file.
    pub(super) fn add(&mut self, job: Job) -> Result<(), OpenError> {
        self.batch.push(job);
        if self.batch.len() >= BATCH {
            self.hand_over()?;
        }
        Ok(())
    }

    /// Until every file is done.
    pub(super) fn wait(&mut self) -> Result<(), OpenError> {
        if !self.batch.is_empty() {
            self.hand_over()?;
        }
        let (state, done) = &*self.state;
        let mut state = state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        while state.open > 0 {
            state = done
                .wait(state)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        state.failed.take().map_or(Ok(()), Err)
    }

    fn hand_over(&mut self) -> Result<(), OpenError> {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        {
            let mut state = self
                .state
                .0
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(error) = state.failed.take() {
                return Err(error);
            }
            state.open += 1;
        }
        if let Some(queue) = &self.queue {
            // The threads live as long as the queue.
            let _ = queue.send(batch);
        }
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn work(queue: &Receiver<Vec<Job>>, state: &(Mutex<State>, Condvar), faults: &Faults) {
    for batch in queue {
        let mut failed = None;
        for job in batch {
            if failed.is_none() {
                failed = write(&job, faults).err();
            }
        }
        let mut now = state
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        now.open -= 1;
        if now.failed.is_none() {
            now.failed = failed;
        }
        state.1.notify_all();
    }
}

fn write(job: &Job, faults: &Faults) -> Result<(), OpenError> {
    let path = || job.folder.path.join(std::ffi::OsStr::from_bytes(&job.name));
    let failed = |errno: Errno| match errno {
        Errno::EXIST => OpenError::Refused {
            entry: Some(job.entry.clone()),
            reason: "something of this name is there already".to_owned(),
            intact_bytes: None,
        },
        other => OpenError::Write {
            path: path(),
            cause: other.into(),
        },
    };
    let fd = rustix::fs::openat(
        &job.folder.fd,
        job.name.as_slice(),
        NEW_FILE,
        Mode::RUSR | Mode::WUSR,
    )
    .map_err(failed)?;
    write_all(&fd, job.content.bytes()).map_err(failed)?;
    job.attributes.set(&fd, &path(), faults);
    Ok(())
}

pub(super) fn write_all(fd: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
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
