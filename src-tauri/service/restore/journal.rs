//! The record of a restore under way, in the folder of its pre-images: what to bring about, how far it is, and how to go back. Written
//! whole, flushed and renamed, so that a crash finds either the old or the new one.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::change::Spot;
use super::database::LiveDatabase;
use super::error::RestoreError;
use super::list::Changes;
use crate::model::{ComponentKind, InstanceId};

type Result<T> = std::result::Result<T, RestoreError>;

const FILE: &str = "journal.json";
const LOCK: &str = "lock";
const CREATE_ATTEMPTS: u32 = 10;
const CREATE_PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    pub execution_id: String,
    pub instance_id: InstanceId,
    pub started_at: Timestamp,
    pub stage: Stage,
    pub parts: Vec<Part>,
    /// The line that starts the service again, once its stop hook was asked for.
    pub start_hook: Option<String>,
}

impl Journal {
    /// Of a restore that has changed nothing yet.
    #[must_use]
    pub fn prepared(
        execution_id: &str,
        instance_id: &InstanceId,
        started_at: Timestamp,
        parts: Vec<Part>,
    ) -> Self {
        Self {
            execution_id: execution_id.to_owned(),
            instance_id: instance_id.clone(),
            started_at,
            stage: Stage::Prepared,
            parts,
            start_hook: None,
        }
    }
}

/// How far a restore is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The pre-images are there; nothing is changed.
    Prepared,
    /// Some parts may be changed: a crash takes them back.
    Applying,
    /// All of it is done and checked. The pre-images are kept for an undo.
    Applied,
    /// Taken back after a crash. What the databases had become meanwhile is kept until the next restore.
    TakenBack,
}

/// What happens to one component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub component: String,
    pub kind: ComponentKind,
    pub progress: PartProgress,
    /// Filled in place.
    pub databases: Vec<LiveDatabase>,
    /// Files, and databases that are made or replaced as files.
    pub changes: Changes,
    /// Which of these files are databases.
    pub as_files: Vec<DatabaseFile>,
    /// Nothing of it is there afterwards.
    pub removes: bool,
    /// Programs that use it must be started again.
    pub restart_required: bool,
}

impl Stage {
    /// Nothing is left to be brought to an end.
    #[must_use]
    pub fn is_ended(self) -> bool {
        matches!(self, Self::Applied | Self::TakenBack)
    }
}

impl Part {
    /// It is as it shall be already.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.databases.is_empty() && self.changes.is_empty()
    }
}

/// A database that is made, replaced or removed as a file. Copies are in journal mode DELETE; None where there is no mode to set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFile {
    pub target: Spot,
    pub mode_before: Option<String>,
    pub mode_after: Option<String>,
    /// Size and SHA-256 of the content that comes in, as `pre_image::content_of` has them; of a database only.
    #[serde(default)]
    pub content_after: Option<(u64, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartProgress {
    Untouched,
    Touched,
}

/// A restore's folder, owned by this process until it is dropped.
#[derive(Debug)]
pub struct Folder {
    pub path: PathBuf,
    lock: File,
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Said, not only closed: a child that this process forks just now holds the same lock until it has become its program.
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

impl Folder {
    /// Makes it (0700), empty, and owns it.
    pub fn create(path: &Path) -> Result<Self> {
        // Another process that starts just now may take the new folder for a dead one's and remove it: then once more.
        for _ in 0..CREATE_ATTEMPTS {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(path)
                .map_err(RestoreError::io(path))?;
            if let Some(folder) = Self::lock(path)? {
                return Ok(folder);
            }
            std::thread::sleep(CREATE_PAUSE);
        }
        Err(owned(path))
    }

    /// None where a living process owns it, or where it is gone.
    pub fn lock(path: &Path) -> Result<Option<Self>> {
        let file = path.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&file);
        let lock = match lock {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            lock => lock.map_err(RestoreError::io(&file))?,
        };
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            // The one before removed it between our opening and our locking it.
            Ok(()) if lock.metadata().is_ok_and(|found| found.nlink() == 0) => Ok(None),
            Ok(()) => Ok(Some(Self {
                path: path.to_path_buf(),
                lock,
            })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(cause) => Err(RestoreError::errno(&file)(cause)),
        }
    }

    /// None where the pre-images were never complete.
    pub fn journal(&self) -> Result<Option<Journal>> {
        read(&self.path)
    }

    pub fn write(&self, journal: &Journal) -> Result<()> {
        let path = self.path.join(FILE);
        let new = self.path.join("journal.json.new");
        let json = serde_json::to_vec_pretty(journal).map_err(|e| bad(&path, &e))?;
        let write = || {
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(true)
                .write(true)
                .mode(0o600)
                .open(&new)?;
            file.write_all(&json)?;
            file.sync_all()?;
            std::fs::rename(&new, &path)?;
            File::open(&self.path)?.sync_all()
        };
        write().map_err(RestoreError::io(&path))
    }

    /// The pre-images are needed no more. The journal goes first: without it the rest is only rubbish.
    pub fn remove(self) -> Result<()> {
        self.forget()?;
        std::fs::remove_dir_all(&self.path).map_err(RestoreError::io(&self.path))
    }

    /// Removes the journal: there is nothing to go back to.
    pub(super) fn forget(&self) -> Result<()> {
        match std::fs::remove_file(self.path.join(FILE)) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(RestoreError::io(&self.path)(cause))
            }
            _ => Ok(()),
        }
    }
}

/// Without owning it, for a look.
pub fn read(folder: &Path) -> Result<Option<Journal>> {
    let path = folder.join(FILE);
    match std::fs::read(&path) {
        Ok(json) => serde_json::from_slice(&json)
            .map(Some)
            .map_err(|e| bad(&path, &e)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(RestoreError::io(&path)(cause)),
    }
}

fn bad(path: &Path, cause: &serde_json::Error) -> RestoreError {
    RestoreError::Record {
        path: path.to_path_buf(),
        reason: cause.to_string(),
    }
}

fn owned(path: &Path) -> RestoreError {
    RestoreError::Io {
        path: path.to_path_buf(),
        cause: std::io::ErrorKind::WouldBlock.into(),
    }
}
