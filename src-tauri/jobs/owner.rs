//! Who runs a claimed slot: a lock file a process, held for as long as it lives. A free lock, or none, means that the owner is dead.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::service::{Result, at, make_private, private_file};

pub struct Owner {
    pub id: String,
    path: PathBuf,
    _lock: File,
}

impl Owner {
    pub fn new(data_dir: &Path) -> Result<Self> {
        let locks = data_dir.join("locks");
        make_private(&locks)?;
        sweep(&locks);
        let id = uuid::Uuid::new_v4().simple().to_string();
        let path = path_of(&locks, &id);
        let lock = loop {
            let lock = private_file(&path)?;
            flock(&lock, FlockOperation::LockExclusive).map_err(|e| at(&path, e.into()))?;
            // A sweep of another process may have removed the file between our opening and locking it.
            if lock.metadata().map_err(|e| at(&path, e))?.nlink() > 0 {
                break lock;
            }
        };
        Ok(Self {
            id,
            path,
            _lock: lock,
        })
    }
}

/// Removes what dead owners left. What cannot be looked at stays: it is a few empty files.
fn sweep(locks: &Path) {
    let entries = fs::read_dir(locks).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        if name.to_string_lossy().starts_with("runner-")
            && let Ok(lock) = File::options().read(true).write(true).open(entry.path())
            && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        // What stays is taken for a dead owner's, as it is one.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether the owner of this id lives. What a dead one left is removed.
pub fn is_alive(data_dir: &Path, id: &str) -> Result<bool> {
    let path = path_of(&data_dir.join("locks"), id);
    let lock = match File::options().read(true).write(true).open(&path) {
        Ok(lock) => lock,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(at(&path, e)),
    };
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            let _ = fs::remove_file(&path);
            Ok(false)
        }
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
        Err(e) => Err(at(&path, e.into())),
    }
}

/// The one that watches the clock for a data folder. None: another process does.
pub fn lock_scheduler(data_dir: &Path) -> Result<Option<File>> {
    let locks = data_dir.join("locks");
    make_private(&locks)?;
    let path = locks.join("scheduler.lock");
    let lock = private_file(&path)?;
    match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {
            // For people who look for the process; a lock without it is a lock all the same.
            let _ = fs::write(&path, format!("{}\n", std::process::id()));
            Ok(Some(lock))
        }
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(e) => Err(at(&path, e.into())),
    }
}

/// The process that watches the clock, as far as it said so.
#[must_use]
pub fn scheduler_process(data_dir: &Path) -> Option<String> {
    let text = fs::read_to_string(data_dir.join("locks/scheduler.lock")).ok()?;
    Some(text.trim().to_owned()).filter(|pid| !pid.is_empty())
}

fn path_of(locks: &Path, id: &str) -> PathBuf {
    locks.join(format!("runner-{id}.lock"))
}
