//! Archives that are being read, across processes: a shared lock a reader, so that a policy, or a hand, deletes none of them. A free lock
//! means that nobody reads. Who reads what is not kept, and another machine's readers are not seen.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::service::error::at;
use crate::service::run::{make_private, private_file};
use crate::service::{BackupService, Result};
use crate::store::Access;

/// For as long as it lives, the archive stays; or, of `hold_alone`, nobody begins to read it.
pub(crate) struct Held {
    file: File,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        // Whoever waits for the lock of a file that is gone notices, and makes a new one.
        if flock(&self.file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = fs::remove_file(&self.path);
        }
        // Said, not only closed: a child that this process forks just now holds the same lock until it has become its program.
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

impl BackupService {
    /// Waits while it is being deleted. None where that cannot be said, on a read-only data folder for one: that is no reason not to read,
    /// and who cannot record a deletion deletes nothing.
    pub(crate) fn hold(&self, execution_id: &str) -> Option<Held> {
        let path = self.lock_of(execution_id).ok()?;
        lock(&path, FlockOperation::LockShared).ok().flatten()
    }

    /// None while something reads it.
    pub(crate) fn hold_alone(&self, execution_id: &str) -> Result<Option<Held>> {
        let path = self.lock_of(execution_id)?;
        lock(&path, FlockOperation::NonBlockingLockExclusive)
    }

    pub(crate) fn is_held(&self, execution_id: &str) -> Result<bool> {
        let path = self.held_folder().join(format!("{execution_id}.lock"));
        // A data folder that cannot be written is looked at, and nothing is deleted from it.
        let may_be = self.store.access() == Access::Full && path.exists();
        Ok(may_be && self.hold_alone(execution_id)?.is_none())
    }

    fn held_folder(&self) -> PathBuf {
        self.data_dir.join("locks").join("archives")
    }

    fn lock_of(&self, execution_id: &str) -> Result<PathBuf> {
        let folder = self.held_folder();
        make_private(&folder)?;
        Ok(folder.join(format!("{execution_id}.lock")))
    }
}

fn lock(path: &Path, how: FlockOperation) -> Result<Option<Held>> {
    loop {
        let file = private_file(path)?;
        match flock(&file, how) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(None),
            Err(e) => return Err(at(path, e.into())),
        }
        // The one before may have removed the file between our opening and locking it.
        if file.metadata().map_err(|e| at(path, e))?.nlink() > 0 {
            let path = path.to_owned();
            return Ok(Some(Held { file, path }));
        }
    }
}
