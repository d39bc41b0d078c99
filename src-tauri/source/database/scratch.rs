//! The private folder that copies go to: fresh names, room, and nothing half-done left behind.

use std::cell::Cell;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::CaptureError;
use crate::source::guard::SIDE_SUFFIXES;

pub(super) struct Scratch {
    dir: PathBuf,
    next: Cell<u32>,
}

/// A file of ours in the scratch folder. Dropped, it is removed with whatever SQLite left beside it; kept, it is the receiver's.
#[derive(Debug)]
pub(super) struct ScratchFile {
    path: PathBuf,
    fate: Fate,
}

#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Removed,
    Kept,
}

impl Scratch {
    /// `NoSpace` where fewer than `needed` bytes are free.
    pub(super) fn with_room(dir: &Path, needed: u64) -> Result<Self, CaptureError> {
        if free_bytes(dir).map_err(|cause| CaptureError::writing(dir, cause))? < needed {
            return Err(CaptureError::NoSpace(dir.to_owned()));
        }
        Ok(Self {
            dir: dir.to_owned(),
            next: Cell::new(0),
        })
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// A new, empty file, readable by its owner alone.
    pub(super) fn create(&self) -> Result<ScratchFile, CaptureError> {
        self.create_as("")
    }

    /// One whose name ends like a side file's, so that its receiver knows what it is of. It lies beside no copy of a database.
    pub(super) fn create_as(&self, suffix: &str) -> Result<ScratchFile, CaptureError> {
        loop {
            let name = format!("capture-{:05}.db{suffix}", self.next.get());
            let path = self.dir.join(name);
            self.next.set(self.next.get() + 1);
            match create_new(&path) {
                Ok(_) => {
                    return Ok(ScratchFile {
                        path,
                        fate: Fate::Removed,
                    });
                }
                // Of an earlier capture into the same folder.
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(CaptureError::writing(&self.dir, cause)),
            }
        }
    }

    /// The same content under a name of its own, so that each receiver may delete its copy.
    pub(super) fn twin(&self, file: &Path) -> Result<ScratchFile, CaptureError> {
        let name = file.as_os_str().as_bytes();
        let suffix = SIDE_SUFFIXES
            .into_iter()
            .find(|s| name.ends_with(s.as_bytes()));
        let twin = self.create_as(suffix.unwrap_or_default())?;
        let linked = fs::remove_file(&twin.path).and_then(|()| fs::hard_link(file, &twin.path));
        match linked {
            Ok(()) => Ok(twin),
            // A file system without hard links.
            Err(_) => match fs::copy(file, &twin.path) {
                Ok(_) => Ok(twin),
                Err(cause) => Err(CaptureError::writing(&self.dir, cause)),
            },
        }
    }
}

impl ScratchFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A file of this name and a suffix, made beside it: SQLite finds a database's side files so.
    pub(super) fn create_beside(&self, suffix: &str) -> io::Result<File> {
        create_new(&beside(&self.path, suffix))
    }

    pub(super) fn keep(mut self) -> PathBuf {
        self.fate = Fate::Kept;
        std::mem::take(&mut self.path)
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        if self.fate == Fate::Removed {
            // The workspace is swept as a whole later; here only room is given back early.
            let _ = fs::remove_file(&self.path);
            for suffix in SIDE_SUFFIXES {
                let _ = fs::remove_file(beside(&self.path, suffix));
            }
        }
    }
}

/// A path with something appended to its last name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

/// What this user may still write there.
pub(super) fn free_bytes(dir: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(dir)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}
