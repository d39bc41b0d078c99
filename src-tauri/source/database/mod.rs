//! Captures live databases as of one moment, without writing to them: look, open read-only, pin, copy, release. What a copy holds is
//! told by `examine`. It does not decide what a missing or damaged database means for a run.

mod capture;
mod clone;
mod copy;
mod deliver;
mod error;
mod examine;
mod fault;
mod header;
mod live;
mod moment;
mod pass;
mod progress;
mod raw;
mod scratch;
mod subject;
mod wait;

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::manifest::DatabaseFacts;
use crate::model::{Cancel, CheckLevel, Observer, Warning, WhenBusy};

pub use error::CaptureError;

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
    /// For locks: what is held for longer is in use.
    pub deadline: Duration,
    /// For a copy that does not end: what copying may take at a very slow disk's speed is added to it.
    pub copy_deadline: Duration,
}

/// A private copy, in the scratch folder, in journal mode DELETE, opened by nobody. The receiver deletes it.
#[derive(Debug)]
pub struct Captured {
    pub source: DatabaseSource,
    pub outcome: Outcome,
    /// Zeros where the source could not be looked at.
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
        /// The longest time in one piece.
        writer_blocked: Duration,
    },
    /// Not a database after all (empty, encrypted, foreign): its bytes, with a warning that says which.
    Plain {
        copy: PathBuf,
    },
    /// Too damaged for SQLite to read: its bytes and its side files' (`-wal`, `-journal`), for a later rescue. A side file's copy has a
    /// name that ends like its own.
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
    /// The low 12 bits.
    pub mode: u32,
    pub uid: u64,
    pub gid: u64,
    /// Empty where the number has no name.
    pub user: String,
    pub group: String,
    pub mtime: Timestamp,
}

/// Of the group as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct CaptureSummary {
    pub started_at: Timestamp,
    /// First to last snapshot point.
    pub window: Duration,
    /// All databases show one moment, proven.
    pub exact: bool,
    pub warnings: Vec<Warning>,
}

/// Pins all, copies rollback-mode databases first and releases each at once, then WAL ones. `each` gets every source once, those that are
/// done first at once: others may still be pinned then, so it must not wait for anything (a `-wal` would grow meanwhile).
/// An error is the whole group's (no space, cancelled, no scratch folder). What was delivered by then is the receiver's to delete, no
/// other copy is left.
pub fn capture(
    sources: &[DatabaseSource],
    scratch: &Path,
    options: &CaptureOptions,
    cancel: &Cancel,
    observer: &dyn Observer,
    each: &mut dyn FnMut(Captured),
) -> Result<CaptureSummary, CaptureError> {
    capture::capture(sources, scratch, options, cancel, observer, each)
}

/// How a private copy without side files says that it keeps its transactions: `wal` or `delete`.
pub fn journal_mode_of(copy: &Path) -> std::io::Result<&'static str> {
    examine::mode(copy).map(header::Mode::name)
}

/// Brings such a copy to journal mode DELETE, so that it opens without side files.
pub fn to_rollback_mode(copy: &Path) -> std::io::Result<()> {
    if examine::mode(copy)? == header::Mode::Wal {
        copy::to_rollback_mode(copy)?;
    }
    Ok(())
}

/// Checks, counts and describes a copy, opened `immutable`: it takes no lock and makes no file, so it may run beside other readers.
/// `journal_mode` and `writer_blocked_ms` are the caller's to fill. Damage is a result, not an error.
pub fn examine(
    copy: &Path,
    level: CheckLevel,
    cancel: &Cancel,
) -> Result<(DatabaseFacts, Vec<Warning>), CaptureError> {
    examine::examine(copy, level, cancel)
}
