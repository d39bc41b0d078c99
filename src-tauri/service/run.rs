//! Ownership by `flock`: one lock a run for the run's life, one an instance. A free lock means a dead owner.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::archive::remove_tree;
use crate::model::{ExecutionStatus, Instance, InstanceId};
use crate::service::error::at;
use crate::service::{Act, BackupService, Error, Result};
use crate::store::ExecutionFilter;

/// A run in progress: its lock is held and its workspace exists until it is dropped.
pub(crate) struct Run {
    pub id: String,
    workspace: PathBuf,
    lock_path: PathBuf,
    lock: File,
    record: RunRecord,
    /// Threads that remove what is no longer needed.
    removals: Mutex<Vec<JoinHandle<()>>>,
}

/// What a run writes into its lock file, so that the next start can tidy up after its death.
#[derive(Debug, Default, Serialize, Deserialize)]
struct RunRecord {
    pid: u32,
    workspace: PathBuf,
    /// Archives being written under their temporary name at a destination.
    staged: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Removed {
    All,
    /// Something is left.
    Some,
}

impl RunRecord {
    /// Everything of the run that may not outlive it. What was published bears another name by then.
    fn remove(&self) -> Removed {
        let gone = |removed: std::io::Result<()>| match removed {
            Err(cause) => cause.kind() == std::io::ErrorKind::NotFound,
            Ok(()) => true,
        };
        let mut clean = gone(remove_tree(&self.workspace));
        for path in &self.staged {
            clean &= gone(fs::remove_file(path));
        }
        if clean { Removed::All } else { Removed::Some }
    }
}

impl Run {
    /// `{data}/work/{run_id}`, 0700; removed on drop, and by the next start where this process dies.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }

    /// A folder of its own in the workspace.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.workspace.join(name);
        make_private(&path)?;
        Ok(path)
    }

    /// Removes a file of the workspace while the run goes on: freeing a gigabyte takes a while. What cannot be removed now goes with the
    /// workspace.
    pub fn discard(&self, path: &Path) {
        let path = path.to_owned();
        let removal = thread::spawn(move || {
            let _ = fs::remove_file(path);
        });
        self.removals().push(removal);
    }

    fn removals(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        // A list of handles is whole whoever panicked.
        self.removals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a file outside the workspace that must go if this process dies.
    pub fn remember_staged(&mut self, path: &Path) -> Result<()> {
        self.record.staged.push(path.to_owned());
        self.write_record()
    }

    fn write_record(&mut self) -> Result<()> {
        let text = serde_json::to_vec(&self.record).map_err(|e| Error::State(e.to_string()))?;
        let io = |e| at(&self.lock_path, e);
        self.lock.set_len(0).map_err(io)?;
        self.lock.rewind().map_err(io)?;
        self.lock.write_all(&text).map_err(io)?;
        self.lock.sync_data().map_err(io)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let removals = std::mem::take(&mut *self.removals());
        for removal in removals {
            // It has no result, and nothing in it panics.
            let _ = removal.join();
        }
        // What cannot be removed now is removed by the next start: the lock file stays as its reminder.
        if self.record.remove() == Removed::All {
            let _ = fs::remove_file(&self.lock_path);
        }
    }
}

/// Backups and restores of one instance exclude each other, across processes.
pub(crate) struct InstanceLock {
    file: File,
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        // An empty lock file names no holder; where it cannot be emptied the text is merely old, the lock is what counts.
        let _ = self.file.set_len(0);
        // Said, not only closed: a child that this process forks just now holds the same lock until it has become its program.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

impl Act<'_> {
    /// The one it was given, else a new one.
    pub(crate) fn run_id(&self) -> String {
        let new = || uuid::Uuid::new_v4().simple().to_string();
        self.run_id.clone().unwrap_or_else(new)
    }
}

impl BackupService {
    pub(crate) fn begin_run(&self, act: &Act<'_>) -> Result<Run> {
        let runs = self.data_dir.join("runs");
        make_private(&runs)?;
        let work = self.work_dir()?;
        make_private(&work)?;
        let id = act.run_id();
        let lock_path = runs.join(format!("{id}.lock"));
        let lock = loop {
            let file = private_file(&lock_path)?;
            flock(&file, FlockOperation::LockExclusive).map_err(|e| at(&lock_path, e.into()))?;
            // A sweep of another process may have removed the file between our opening and locking it.
            if file.metadata().map_err(|e| at(&lock_path, e))?.nlink() > 0 {
                break file;
            }
        };
        let workspace = work.join(&id);
        let mut run = Run {
            record: RunRecord {
                pid: std::process::id(),
                workspace: workspace.clone(),
                staged: Vec::new(),
            },
            id,
            workspace,
            lock_path,
            lock,
            removals: Mutex::default(),
        };
        run.write_record()?;
        make_private(&run.workspace)?;
        Ok(run)
    }

    /// `Busy` with who holds it and since when, at once: nobody waits unseen. `what`: `backup`, `restore`, …
    pub(crate) fn lock_instance(&self, instance: &Instance, what: &str) -> Result<InstanceLock> {
        let locks = self.data_dir.join("locks");
        make_private(&locks)?;
        let path = lock_file(&self.data_dir, &instance.id);
        let mut file = private_file(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                // A holder that has not written its line yet is a holder all the same.
                let _ = file.read_to_string(&mut holder);
                let holder = if holder.is_empty() {
                    "another run".to_owned()
                } else {
                    holder
                };
                return Err(Error::Busy {
                    instance: instance.name.clone(),
                    holder,
                });
            }
            Err(e) => return Err(at(&path, e.into())),
        }
        let line = format!(
            "a {what} of process {} since {:.0}",
            std::process::id(),
            Timestamp::now()
        );
        file.set_len(0).map_err(|e| at(&path, e))?;
        file.write_all(line.as_bytes()).map_err(|e| at(&path, e))?;
        Ok(InstanceLock { file })
    }

    /// Ends the runs whose owner is dead: their rows become `interrupted`, their workspaces and staged archives go.
    pub(crate) fn sweep_dead_runs(&self) -> Result<()> {
        let runs = self.data_dir.join("runs");
        let mut dead = HashSet::new();
        if let Ok(entries) = fs::read_dir(&runs) {
            for entry in entries {
                let path = entry.map_err(|e| at(&runs, e))?.path();
                if sweep_run(&path) == Owner::Dead
                    && let Some(id) = path.file_stem().and_then(|id| id.to_str())
                {
                    dead.insert(id.to_owned());
                }
            }
        }
        let running = ExecutionFilter {
            status: Some(ExecutionStatus::Running),
            ..ExecutionFilter::default()
        };
        for execution in self.store.executions(&running)? {
            if !dead.contains(&execution.run_id)
                && runs.join(format!("{}.lock", execution.run_id)).exists()
            {
                continue;
            }
            // Read again: a run records its end before it lets go of its lock, and may have ended since the list was made.
            if let Some(mut execution) = self.store.execution(&execution.id)?
                && execution.status == ExecutionStatus::Running
            {
                execution.status = ExecutionStatus::Interrupted;
                execution.completed_at = Some(Timestamp::now());
                execution.error_message =
                    Some("the program ended in the middle of this run".to_owned());
                self.store.update_execution(&execution)?;
            }
        }
        Ok(())
    }

    fn work_dir(&self) -> Result<PathBuf> {
        Ok(match self.user_setting("work_dir")? {
            Some(dir) => PathBuf::from(dir).join("holdfast-work"),
            None => self.data_dir.join("work"),
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Dead,
    /// Or ended in its own order meanwhile.
    Alive,
}

/// Removes what a dead run left. A living one holds its lock and is passed over. What cannot be removed now (its disk is read-only, or
/// is not answering) keeps the lock file as its reminder: that is no reason for a start to fail.
fn sweep_run(lock_path: &Path) -> Owner {
    let Ok(mut file) = OpenOptions::new().read(true).write(true).open(lock_path) else {
        return Owner::Alive;
    };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
        || file.metadata().map_or(0, |found| found.nlink()) == 0
    {
        return Owner::Alive;
    }
    let mut text = String::new();
    let read = file.read_to_string(&mut text);
    // A record that was never written whole belongs to a run that had nothing yet.
    let removed = serde_json::from_str(&text).map_or(Removed::All, |r: RunRecord| r.remove());
    if read.is_ok() && removed == Removed::All {
        let _ = fs::remove_file(lock_path);
    }
    Owner::Dead
}

fn lock_file(data_dir: &Path, id: &InstanceId) -> PathBuf {
    data_dir.join("locks").join(format!("{id}.lock"))
}

/// Opened or made, 0600.
pub(crate) fn private_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(|e| at(path, e))
}

/// Makes a folder, and those above it that are missing, 0700.
pub(crate) fn make_private(path: &Path) -> Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| at(path, e))
}
