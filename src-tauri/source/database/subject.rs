//! A source as it is before any connection to it exists: which file, what its header says, what lies beside it.

use std::fs::{self, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::header::{HEADER_BYTES, Header, Mode};
use super::scratch::beside;
use super::{CaptureError, SourceStat};
use crate::model::Cancel;
use crate::source::guard::{self, FileKey, PlainFile, SIDE_SUFFIXES};

/// One file to capture.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub component: String,
    /// Absolute, links resolved.
    pub path: PathBuf,
    pub key: FileKey,
    pub class: Class,
    pub stat: SourceStat,
    pub stamps: Stamps,
    pub shared_memory: Presence,
}

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Empty,
    NotADatabase,
    Database(Mode),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    There,
    Absent,
}

/// When the parts of a database were last changed. Equal before and after means that nothing was written between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamps {
    pub main: Stamp,
    pub wal: Option<Stamp>,
    pub journal: Option<Stamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub key: FileKey,
    pub size: u64,
    // Not the time of the last change of the inode: SQLite, run by root, sets the owner of a journal that it only looks at.
    modified: (i64, i64),
}

impl Subject {
    /// Opens nothing but the file itself, as bytes, and only a regular one: a FIFO would hang.
    pub(super) fn look(
        component: &str,
        path: &Path,
        patience: Duration,
        cancel: &Cancel,
    ) -> Result<Self, CaptureError> {
        let resolved =
            fs::canonicalize(path).map_err(|cause| CaptureError::reading(path, cause))?;
        let metadata =
            fs::metadata(&resolved).map_err(|cause| CaptureError::reading(path, cause))?;
        if !metadata.is_file() {
            return Err(CaptureError::NotAFile(resolved));
        }
        let class = classify(&resolved, patience, cancel)?;
        if matches!(class, Class::Database(_)) {
            refuse_odd_side_files(&resolved)?;
        }
        Ok(Self {
            component: component.to_owned(),
            key: FileKey::of(&metadata),
            class,
            stat: stat_of(&metadata),
            stamps: Stamps::of(&resolved).map_err(|cause| CaptureError::reading(path, cause))?,
            shared_memory: match fs::symlink_metadata(beside(&resolved, "-shm")) {
                Ok(_) => Presence::There,
                Err(_) => Presence::Absent,
            },
            path: resolved,
        })
    }

    /// The most that a copy of it takes.
    pub(super) fn bytes(&self) -> u64 {
        self.stamps.main.size + self.stamps.wal.as_ref().map_or(0, |wal| wal.size)
    }

    /// Whether transactions wait beside it, so that this name of the file is the one to open.
    pub(super) fn has_side_content(&self) -> bool {
        let filled = |stamp: &Option<Stamp>| stamp.as_ref().is_some_and(|s| s.size > 0);
        filled(&self.stamps.wal) || filled(&self.stamps.journal)
    }

    /// Whether reading it through SQLite would make side files that its owner could not write to. SQLite gives them the database's
    /// mode, and its owner only where root does it.
    pub(super) fn would_lock_its_owner_out(&self) -> bool {
        let makes_files = self.class == Class::Database(Mode::Wal)
            && (self.stamps.wal.is_none() || self.shared_memory == Presence::Absent);
        makes_files && !may_own_side_files(&self.stat)
    }
}

impl Stamps {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let side = |suffix| match fs::symlink_metadata(beside(path, suffix)) {
            Ok(metadata) => Ok(Some(Stamp::of(&metadata))),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        };
        Ok(Self {
            main: Stamp::of(&fs::symlink_metadata(path)?),
            wal: side("-wal")?,
            journal: side("-journal")?,
        })
    }
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            key: FileKey::of(metadata),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}

/// Zeros, for what could not be looked at.
pub(super) fn no_stat() -> SourceStat {
    SourceStat {
        mode: 0,
        uid: 0,
        gid: 0,
        user: String::new(),
        group: String::new(),
        mtime: Timestamp::UNIX_EPOCH,
    }
}

/// Opens as bytes; waits while a connection of this process (another run's) has it open.
pub(super) fn open_bytes(
    path: &Path,
    patience: Duration,
    cancel: &Cancel,
) -> Result<PlainFile, CaptureError> {
    let began = Instant::now();
    loop {
        cancel.check()?;
        match guard::open_plain(path) {
            Ok(file) => return Ok(file),
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => {
                if began.elapsed() >= patience {
                    return Err(CaptureError::Busy {
                        path: path.to_owned(),
                        waited: began.elapsed(),
                    });
                }
                thread::sleep(Duration::from_millis(5));
            }
            Err(cause) => return Err(CaptureError::reading(path, cause)),
        }
    }
}

fn classify(path: &Path, patience: Duration, cancel: &Cancel) -> Result<Class, CaptureError> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    open_bytes(path, patience, cancel)?
        .take(HEADER_BYTES as u64)
        .read_to_end(&mut bytes)
        .map_err(|cause| CaptureError::reading(path, cause))?;
    Ok(match Header::parse(&bytes) {
        _ if bytes.is_empty() => Class::Empty,
        Some(header) => Class::Database(header.mode),
        None => Class::NotADatabase,
    })
}

/// SQLite opens what has the name of a side file, and would hang on a FIFO.
fn refuse_odd_side_files(path: &Path) -> Result<(), CaptureError> {
    for suffix in SIDE_SUFFIXES {
        let side = beside(path, suffix);
        match fs::symlink_metadata(&side) {
            Ok(metadata) if !metadata.is_file() => return Err(CaptureError::NotAFile(side)),
            Ok(_) => {}
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(CaptureError::reading(&side, cause)),
        }
    }
    Ok(())
}

fn stat_of(metadata: &Metadata) -> SourceStat {
    let text = |name: &std::ffi::OsStr| name.to_string_lossy().into_owned();
    SourceStat {
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid().into(),
        gid: metadata.gid().into(),
        user: uzers::get_user_by_uid(metadata.uid())
            .map(|user| text(user.name()))
            .unwrap_or_default(),
        group: uzers::get_group_by_gid(metadata.gid())
            .map(|group| text(group.name()))
            .unwrap_or_default(),
        mtime: i32::try_from(metadata.mtime_nsec())
            .ok()
            .and_then(|nanos| Timestamp::new(metadata.mtime(), nanos).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH),
    }
}

fn may_own_side_files(stat: &SourceStat) -> bool {
    let me = rustix::process::geteuid();
    if me.is_root() || u64::from(me.as_raw()) == stat.uid || stat.mode & 0o002 != 0 {
        return true;
    }
    let group_is_mine = || {
        let mine = |gid: rustix::fs::Gid| u64::from(gid.as_raw()) == stat.gid;
        mine(rustix::process::getegid())
            || rustix::process::getgroups().is_ok_and(|all| all.into_iter().any(mine))
    };
    stat.mode & 0o020 != 0 && group_is_mine()
}
