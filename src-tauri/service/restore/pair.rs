//! A live database and the copy that comes in, both open: what is read of them, and what is set and checked afterwards. How long a lock is
//! tried for, and what is written when, is decided in `database`.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::change::Direction;
use super::connection::{is_busy, journal_mode, open_copy, open_live};
use super::database::{Bring, LiveDatabase, in_use};
use super::error::RestoreError;
use crate::model::Warning;
use crate::source::guard;

type Result<T> = std::result::Result<T, RestoreError>;

/// Up to here a restored database is checked page by page; beyond, its schema alone.
const SMALL: u64 = 64 * 1024 * 1024;

/// A live database and the copy that comes in, both open.
pub(super) struct Pair {
    pub path: PathBuf,
    pub copy_path: PathBuf,
    pub copy: Connection,
    pub live: Connection,
    pub wal: bool,
    journal_mode: String,
    /// Only asked whether the lock can be had.
    pub lock_only: bool,
    /// What was read over this handle before is in another text encoding now.
    pub stale: bool,
    /// Of the copy, in bytes.
    pub size: u64,
    inode: (u64, u64),
    // Dropped after the connections: fields are dropped in order.
    _hold: guard::ConnectionHold,
}

pub(super) fn open_pairs(group: &[LiveDatabase], how: &Bring<'_>) -> Result<Vec<Pair>> {
    let open = |database: &LiveDatabase| {
        let path = database.target.0.clone();
        let hold = guard::hold(&path).map_err(RestoreError::io(&path))?;
        let inode = inode(&path)?;
        let mut live = open_live(&path)?;
        wait_to_read(&mut live, how).map_err(RestoreError::sqlite(&path))?;
        let mode = journal_mode(&live).map_err(busy_or(&path, how))?;
        let copy_path = match how.direction {
            Direction::Forward => &database.after,
            Direction::Back => &database.before,
        };
        let size = std::fs::metadata(&copy_path.0).map_err(RestoreError::io(&copy_path.0))?;
        Ok(Pair {
            size: size.len(),
            copy: open_copy(&copy_path.0)?,
            copy_path: copy_path.0.clone(),
            live,
            wal: mode == "wal",
            journal_mode: database.journal_mode.clone(),
            lock_only: false,
            stale: false,
            inode,
            path,
            _hold: hold,
        })
    };
    group.iter().map(open).collect()
}

impl Pair {
    pub(super) fn text_encodings_differ(&self) -> Result<bool> {
        let of = |db: &Connection| db.query_row("PRAGMA encoding", [], |r| r.get::<_, String>(0));
        let live = of(&self.live).map_err(RestoreError::sqlite(&self.path))?;
        let copy = of(&self.copy).map_err(RestoreError::sqlite(&self.copy_path))?;
        Ok(live != copy)
    }

    /// The write lock, and gives it back.
    pub(super) fn lock(&self) -> Result<()> {
        match self.live.execute_batch("BEGIN EXCLUSIVE; ROLLBACK") {
            Ok(()) => Ok(()),
            Err(cause) if is_busy(&cause) => Err(in_use(&self.path, Duration::ZERO)),
            Err(cause) => Err(RestoreError::sqlite(&self.path)(cause)),
        }
    }

    /// After the last page: the journal mode of before, and a short log.
    pub(super) fn settle(&self) -> Result<Mode> {
        let _ = self.live.busy_timeout(Duration::from_millis(500));
        let mode = set_mode(&self.live, &self.journal_mode);
        // A reader that still holds the old snapshot keeps the log long; that is no failure.
        let _ = self
            .live
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        if self.is_replaced()? {
            Err(RestoreError::Replaced(vec![self.path.clone()]))
        } else {
            Ok(mode)
        }
    }

    /// Whether its name means another file than the one that is open here.
    pub(super) fn is_replaced(&self) -> Result<bool> {
        Ok(inode(&self.path)? != self.inode)
    }

    /// What the application's own collations, functions and modules prevent from being checked is not held against it.
    pub(super) fn check(&mut self, how: &Bring<'_>) -> Result<()> {
        wait_to_read(&mut self.live, how).map_err(RestoreError::sqlite(&self.path))?;
        let failed = |finding: String| RestoreError::Check {
            path: self.path.clone(),
            finding,
        };
        let facts = "SELECT (SELECT user_version FROM pragma_user_version), \
                     (SELECT count(*) FROM sqlite_schema), \
                     (SELECT group_concat(coalesce(sql, name), char(10)) FROM (SELECT sql, name FROM sqlite_schema ORDER BY name, type))";
        let of = |db: &Connection| {
            db.query_row(facts, [], |r| {
                Ok((
                    r.get::<_, i64>(0)?,
                    r.get::<_, i64>(1)?,
                    r.get::<_, Option<String>>(2)?,
                ))
            })
        };
        let live = of(&self.live).map_err(busy_or(&self.path, how))?;
        let copy = of(&self.copy).map_err(RestoreError::sqlite(&self.copy_path))?;
        if live != copy {
            return Err(failed("its schema is not the archive's".to_owned()));
        }
        let small = std::fs::metadata(&self.copy_path).is_ok_and(|m| m.len() <= SMALL);
        if small
            && let Ok(finding) = self
                .live
                .query_row("PRAGMA quick_check(1)", [], |r| r.get::<_, String>(0))
            && finding != "ok"
        {
            return Err(failed(finding));
        }
        Ok(())
    }
}

/// What became of a journal mode that had to be set again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Kept,
    Lost,
}

/// Only WAL has to be set again: every other mode is a connection's own. Where somebody holds the file it stays as it is; the service
/// sets its mode when it opens it.
pub(super) fn set_mode(live: &Connection, mode: &str) -> Mode {
    if mode != "wal" {
        return Mode::Kept;
    }
    let set = live.query_row("PRAGMA journal_mode=WAL", [], |r| r.get::<_, String>(0));
    if set.is_ok_and(|now| now == "wal") {
        Mode::Kept
    } else {
        Mode::Lost
    }
}

/// The restored rows are there; only the service's readers and writers wait for each other until the mode is set.
pub(super) fn mode_lost(path: &Path) -> Warning {
    let what = format!(
        "`{}` was in WAL mode and is in rollback mode now, because it was in use when the mode was to be set again: a service that asks for \
         WAL when it opens it sets it, `PRAGMA journal_mode=WAL` does it by hand",
        path.display()
    );
    Warning::new("journal_mode_not_set", None, what)
}

/// Who waits to read holds nothing that others wait for, so a read may wait for as long as all tries take. Asked every millisecond:
/// `SQLite`'s own back-off finds the gaps of a busy writer late.
fn wait_to_read(live: &mut Connection, how: &Bring<'_>) -> rusqlite::Result<()> {
    let (until, cancel) = (Instant::now() + how.patience.total, how.cancel.clone());
    live.busy_handler(Some(move |_| {
        let go_on = !cancel.is_cancelled() && Instant::now() < until;
        if go_on {
            std::thread::sleep(Duration::from_millis(1));
        }
        go_on
    }))
}

fn busy_or<'a>(
    path: &'a Path,
    how: &'a Bring<'_>,
) -> impl FnOnce(rusqlite::Error) -> RestoreError + 'a {
    move |cause| match how.cancel.check() {
        Err(cancelled) => cancelled.into(),
        Ok(()) if is_busy(&cause) => in_use(path, how.patience.total),
        Ok(()) => RestoreError::sqlite(path)(cause),
    }
}

fn inode(path: &Path) -> Result<(u64, u64)> {
    let stat = std::fs::metadata(path).map_err(RestoreError::io(path))?;
    Ok((stat.dev(), stat.ino()))
}
