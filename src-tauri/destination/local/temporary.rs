//! The files of archives while they are written: a lock says that the writer lives.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags};

use super::folder::{FILE_MODE, Folder};
use crate::destination::DestinationError;

/// Makes the file of a `staging` path: new, 0600, open for reading and writing, and locked for as long as it is open, so that nobody's
/// sweep takes it away however long the writing lasts.
pub fn create_staged(path: &Path) -> io::Result<File> {
    let nofollow = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(FILE_MODE)
        .custom_flags(nofollow)
        .open(path)?;
    lock(&file);
    Ok(file)
}

/// Best effort: where a file system has no locks, age alone protects the file.
pub(super) fn lock(file: &File) {
    let _ = rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive);
}

/// Whether no living process writes it.
pub(super) fn is_abandoned(file: &File) -> bool {
    match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Err(rustix::io::Errno::WOULDBLOCK) => false,
        // Locked now, or no locks here.
        _ => true,
    }
}

/// A temporary file that goes when this does, unless it was staged by others or published.
pub(super) struct Temporary<'f> {
    folder: &'f Folder,
    name: String,
    pub file: File,
    fate: Fate,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Remove,
    Keep,
}

impl<'f> Temporary<'f> {
    pub fn new(folder: &'f Folder, name: String, file: File) -> Self {
        lock(&file);
        Self {
            folder,
            name,
            file,
            fate: Fate::Remove,
        }
    }

    /// It stays when this goes.
    pub fn staged(folder: &'f Folder, name: String, file: File) -> Self {
        let mut staged = Self::new(folder, name, file);
        staged.fate = Fate::Keep;
        staged
    }

    pub fn publish(mut self, name: &str) -> Result<(), DestinationError> {
        self.folder.publish(&self.name, name)?;
        self.folder.sync().inspect_err(|_| {
            // Not acknowledged, so not left there either, but as what it was before.
            if self.folder.publish(name, &self.name).is_err() {
                let _ = self.folder.unlink(name);
            }
        })?;
        self.fate = Fate::Keep;
        Ok(())
    }
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if self.fate == Fate::Remove {
            // What cannot be removed now is the sweep's.
            let _ = self.folder.unlink(&self.name);
        }
    }
}
