//! Copies a pinned database page by page into the scratch folder, within bounds.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::CaptureError;
use super::clone::{self, Cloned};
use super::header::{HEADER_BYTES, Header, Mode, ROLLBACK_VERSIONS, VERSIONS_OFFSET};
use super::live::Live;
use super::pass::Context;
use super::scratch::{ScratchFile, beside, free_bytes};

/// How long it may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bound {
    /// Writers wait meanwhile, and may be made to wait no longer than this after the pin.
    Writers(Duration),
    /// Writers wait meanwhile, and somebody chose that they do.
    Unbounded,
    /// Nobody waits, but the `-wal` grows and must leave room.
    Wal,
}

pub(super) enum CopyError {
    /// The bound on waiting writers was reached.
    Blocking,
    Sqlite(rusqlite::Error),
    Capture(CaptureError),
}

impl From<CaptureError> for CopyError {
    fn from(error: CaptureError) -> Self {
        Self::Capture(error)
    }
}

/// Between two looks at the bounds; 2000 pages of the usual size.
const STEP_BYTES: u32 = 8 << 20;
/// A copy that is slower than this, in bytes a second, is held to be stuck once its deadline is over too.
const SLOWEST: u64 = 4 << 20;
/// Free bytes that a growing `-wal` must leave, at least and at most.
const WAL_RESERVE: (u64, u64) = (64 << 20, 1 << 30);

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Copied {
    /// What the source's header said; the copy's says rollback mode now.
    pub mode: Mode,
    pub length: Length,
}

/// Whether the file holds all the pages that it says it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Whole,
    /// The missing bytes are zeros in the copy, which no check may notice.
    CutShort,
}

pub(super) fn copy(
    live: &Live,
    component: &str,
    target: &ScratchFile,
    bound: Bound,
    context: &Context<'_>,
) -> Result<Copied, CopyError> {
    let mut limits = Limits::new(live, bound, context);
    let length = match clone::clone(live, component, target, &mut limits, context)? {
        Cloned::Yes => Length::Whole,
        Cloned::No => by_pages(live, component, target, limits, context)?,
    };
    let mode = to_rollback_mode(target.path())
        .map_err(|cause| CaptureError::writing(context.scratch.dir(), cause))?;
    Ok(Copied { mode, length })
}

/// By SQLite's backup. Never `run_to_completion`: it knows no bound and waits for ever on a lock.
pub(super) fn by_pages(
    live: &Live,
    component: &str,
    target: &ScratchFile,
    mut limits: Limits,
    context: &Context<'_>,
) -> Result<Length, CopyError> {
    let mut destination = Connection::open(target.path()).map_err(CopyError::Sqlite)?;
    // Nobody needs half a copy, so nothing is spent on surviving a crash.
    destination
        .execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")
        .map_err(CopyError::Sqlite)?;
    let page_size: u32 = live
        .connection()
        .query_row("PRAGMA page_size", [], |row| row.get(0))
        .map_err(CopyError::Sqlite)?;
    let pages = i32::try_from(STEP_BYTES / page_size.max(512)).unwrap_or(1);
    let backup = Backup::new(live.connection(), &mut destination).map_err(CopyError::Sqlite)?;
    let mut left: Option<i32> = None;
    loop {
        context.cancel.check().map_err(CaptureError::from)?;
        let step = backup.step(pages).map_err(CopyError::Sqlite)?;
        let progress = backup.progress();
        let copied = left.unwrap_or(progress.pagecount) - progress.remaining;
        left = Some(progress.remaining);
        context.tally.add(
            component,
            u64::try_from(copied).unwrap_or(0) * u64::from(page_size),
        );
        match step {
            StepResult::Done => return Ok(whole(live, progress.pagecount, page_size)),
            StepResult::More => limits.progressed(),
            // The pin is a lock that nobody can take away, so this is the scratch file's; it is waited for all the same.
            _ => thread::sleep(Duration::from_millis(1)),
        }
        let total = u64::try_from(progress.pagecount).unwrap_or(0) * u64::from(page_size);
        limits.check(live, total)?;
    }
}

/// How far a copy may go on.
pub(super) struct Limits {
    bound: Bound,
    patience: Duration,
    began: Instant,
    last_progress: Instant,
    pinned: Instant,
    wal_at_first: u64,
}

impl Limits {
    pub(super) fn new(live: &Live, bound: Bound, context: &Context<'_>) -> Self {
        let now = Instant::now();
        Self {
            bound,
            patience: context.options.copy_deadline,
            began: now,
            last_progress: now,
            pinned: live.pin.map_or(now, |pin| pin.at),
            wal_at_first: wal_bytes(live.path()),
        }
    }

    pub(super) fn progressed(&mut self) {
        self.last_progress = Instant::now();
    }

    pub(super) fn check(&self, live: &Live, total: u64) -> Result<(), CopyError> {
        if self.last_progress.elapsed() > self.patience {
            return Err(CopyError::Capture(CaptureError::Busy {
                path: live.path().to_owned(),
                waited: self.last_progress.elapsed(),
            }));
        }
        match self.bound {
            Bound::Writers(longest) if self.pinned.elapsed() >= longest => Err(CopyError::Blocking),
            Bound::Writers(_) | Bound::Unbounded => Ok(()),
            Bound::Wal => self.check_wal(live, total).map_err(CopyError::Capture),
        }
    }

    fn check_wal(&self, live: &Live, total: u64) -> Result<(), CaptureError> {
        let path = live.path().to_owned();
        let allowed = self.patience + Duration::from_secs(total / SLOWEST);
        if self.began.elapsed() > allowed {
            return Err(CaptureError::Unfinished {
                path,
                waited: self.began.elapsed(),
            });
        }
        let grown = wal_bytes(live.path()).saturating_sub(self.wal_at_first);
        let reserve = grown.clamp(WAL_RESERVE.0, WAL_RESERVE.1);
        match path.parent().map(free_bytes) {
            Some(Ok(free)) if grown > 0 && free < reserve => {
                Err(CaptureError::WalGrew { path, grown, free })
            }
            _ => Ok(()),
        }
    }
}

/// Nobody writes to a pinned rollback-mode file, so its size is that of the pages copied. In WAL mode the same holds while no page waits
/// in the `-wal`.
fn whole(live: &Live, pages: i32, page_size: u32) -> Length {
    let expected = u64::try_from(pages).unwrap_or(0) * u64::from(page_size);
    let waiting = live.mode == Mode::Wal && wal_bytes(live.path()) > 0;
    match fs::metadata(live.path()) {
        Ok(metadata) if !waiting && live.is_same(&metadata) && metadata.len() < expected => {
            Length::CutShort
        }
        _ => Length::Whole,
    }
}

pub(super) fn wal_bytes(path: &Path) -> u64 {
    fs::symlink_metadata(beside(path, "-wal")).map_or(0, |metadata| metadata.len())
}

/// The two version bytes are all that tells the modes apart once no `-wal` is beside the file. So it opens without side files, and two
/// captures of the same content stay equal.
pub(super) fn to_rollback_mode(copy: &Path) -> std::io::Result<Mode> {
    let mut file = fs::OpenOptions::new().read(true).write(true).open(copy)?;
    let mut bytes = [0u8; HEADER_BYTES];
    std::io::Read::read_exact(&mut file, &mut bytes)?;
    let mode = Header::parse(&bytes).map_or(Mode::Rollback, |header| header.mode);
    if mode == Mode::Wal {
        file.seek(SeekFrom::Start(VERSIONS_OFFSET))?;
        file.write_all(&ROLLBACK_VERSIONS)?;
    }
    Ok(mode)
}
