//! Captures live databases as of one moment, without writing to them: the capture sequence.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::manifest::DatabaseFacts;
use crate::model::{Cancel, CheckLevel, Observer, Warning, WhenBusy};

/// One database file of an instance.
#[derive(Clone, Debug)]
pub struct DatabaseSource {
    pub component: String,
    /// Absolute.
    pub path: PathBuf,
}

#[derive(Clone, Debug)]
pub struct CaptureOptions {
    /// Longest block of a rollback-mode writer.
    pub max_block: Duration,
    pub when_busy: WhenBusy,
    /// For locks, and for a copy that does not end.
    pub deadline: Duration,
}

/// A private copy, in the scratch folder, in journal mode DELETE, opened by nobody. The receiver deletes it.
#[derive(Debug)]
pub struct Captured {
    pub source: DatabaseSource,
    pub outcome: Outcome,
    pub stat: SourceStat,
    pub captured_at: Timestamp,
    pub warnings: Vec<Warning>,
}

#[derive(Debug)]
pub enum Outcome {
    Database {
        copy: PathBuf,
        /// Of the source: `wal` or `delete`.
        journal_mode: String,
        writer_blocked: Duration,
    },
    /// Not a database after all (empty, encrypted, foreign): its bytes, with a warning that says which.
    Plain {
        copy: PathBuf,
    },
    /// Too damaged for SQLite to read: its bytes and its side files' (`-wal`, `-journal`), for a later rescue.
    Damaged {
        copies: Vec<PathBuf>,
    },
    Missing {
        error: CaptureError,
    },
}

/// Owner and mode of the source file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStat {
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    pub user: String,
    pub group: String,
    pub mtime: Timestamp,
}

/// Of the group as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptureSummary {
    pub started_at: Timestamp,
    pub window: Duration,
    pub exact: bool,
    pub warnings: Vec<Warning>,
}

/// Pins all, copies rollback-mode databases first and releases each at once, then WAL ones. `each` gets every source once, as soon as
/// its copy is whole; it may block (a WAL's pin outlives it, its writers do not wait).
pub fn capture(
    _sources: &[DatabaseSource],
    _scratch: &Path,
    _options: &CaptureOptions,
    _cancel: &Cancel,
    _observer: &dyn Observer,
    _each: &mut dyn FnMut(Captured),
) -> Result<CaptureSummary, CaptureError> {
    todo!()
}

/// Checks, counts and describes a copy, opened `immutable`. `journal_mode` and `writer_blocked_ms` are the caller's to fill.
/// Damage is a result, not an error.
pub fn examine(
    _copy: &Path,
    _level: CheckLevel,
    _cancel: &Cancel,
) -> Result<(DatabaseFacts, Vec<Warning>), CaptureError> {
    todo!()
}

#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    #[error("`{0}` is not there")]
    Missing(PathBuf),
    #[error("`{0}` cannot be read")]
    Forbidden(PathBuf),
    #[error("`{0}` is not a regular file")]
    NotAFile(PathBuf),
    #[error("`{path}` was locked for {waited:?}")]
    Busy { path: PathBuf, waited: Duration },
    #[error("no space in `{0}`")]
    NoSpace(PathBuf),
    #[error("`{path}` changed too often while it was copied")]
    Moving { path: PathBuf },
    #[error("`{path}` cannot be used")]
    Sqlite {
        path: PathBuf,
        #[source]
        cause: rusqlite::Error,
    },
    #[error("`{path}` cannot be used")]
    Io {
        path: PathBuf,
        #[source]
        cause: std::io::Error,
    },
    #[error(transparent)]
    Cancelled(#[from] crate::model::Cancelled),
}
