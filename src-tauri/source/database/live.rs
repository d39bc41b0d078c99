//! One read-only connection to a live database: opened under the guard, pinned by a first read, released, and closed so that nothing
//! is left beside the database that was not there before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags};

use super::CaptureError;
use super::header::Mode;
use super::scratch::beside;
use super::subject::{Presence, Subject};
use crate::model::Cancel;
use crate::source::guard::{self, ConnectionHold, FileKey};

/// While it lives the process opens the file in no other way.
pub(super) struct Live {
    // The order of the fields matters: connections are closed before the hold ends.
    connection: Connection,
    sentinel: Option<Connection>,
    pub mode: Mode,
    pub pin: Option<Pin>,
    path: PathBuf,
    left_behind: LeftBehind,
    hold: ConnectionHold,
}

/// A read transaction: everything read from now on is of this moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pin {
    pub began: Instant,
    pub at: Instant,
    pub clock: Timestamp,
}

pub(super) enum OpenError {
    Capture(CaptureError),
    Sqlite(rusqlite::Error),
    /// Another file has taken the name since it was looked at.
    Replaced,
}

/// Whether our reading makes a `-wal` that the last close of a writer would have removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LeftBehind {
    Nothing,
    SideFiles,
    /// An empty `-wal` was there: of a service, or of a reader that died or found no room to tidy up after itself.
    PerhapsAnothers,
}

/// For a lock that is not had at once the side files are somebody's.
const TIDY_PATIENCE: Duration = Duration::from_millis(200);

/// Reads no schema, so that a damaged one stops no copy, and is quick with ten thousand tables.
const FIRST_READ: &str = "PRAGMA schema_version";

impl Live {
    /// Opens and reads once, so that opening costs no time between the pins.
    pub(super) fn open(
        subject: &Subject,
        mode: Mode,
        patience: Duration,
        cancel: &Cancel,
    ) -> Result<Self, OpenError> {
        let hold = hold(&subject.path, patience).map_err(OpenError::Capture)?;
        if hold.key() != subject.key {
            return Err(OpenError::Replaced);
        }
        let mut live = Self {
            connection: open_read_only(&subject.path).map_err(OpenError::Sqlite)?,
            sentinel: None,
            mode,
            pin: None,
            path: subject.path.clone(),
            left_behind: match &subject.stamps.wal {
                _ if mode != Mode::Wal => LeftBehind::Nothing,
                None => LeftBehind::SideFiles,
                Some(wal) if wal.size == 0 => LeftBehind::PerhapsAnothers,
                Some(_) => LeftBehind::Nothing,
            },
            hold,
        };
        let read = live.arm(Instant::now() + patience, cancel);
        if let Err(cause) = read.and_then(|()| live.read()) {
            live.close();
            return Err(OpenError::Sqlite(cause));
        }
        if !live.is_still_there() {
            return Err(OpenError::Replaced);
        }
        adopt_side_files(subject);
        Ok(live)
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the name still means the file that is read here.
    pub(super) fn is_still_there(&self) -> bool {
        fs::metadata(&self.path).is_ok_and(|metadata| self.is_same(&metadata))
    }

    pub(super) fn is_same(&self, metadata: &fs::Metadata) -> bool {
        FileKey::of(metadata) == self.hold.key()
    }

    /// Waits for locks until then, and looks every millisecond: the built-in back-off took up to 1.6 s to find a gap between the
    /// commits of a busy writer. Needed anew for every phase: a budget once used up stays used up.
    pub(super) fn arm(&mut self, until: Instant, cancel: &Cancel) -> rusqlite::Result<()> {
        arm(&mut self.connection, until, cancel)
    }

    /// A read outside any transaction.
    pub(super) fn read(&self) -> rusqlite::Result<()> {
        read(&self.connection)
    }

    pub(super) fn pin(&mut self) -> rusqlite::Result<()> {
        let began = Instant::now();
        self.connection.execute_batch("BEGIN")?;
        if let Err(cause) = read(&self.connection) {
            let _ = self.connection.execute_batch("ROLLBACK");
            return Err(cause);
        }
        self.pin = Some(Pin {
            began,
            at: Instant::now(),
            clock: Timestamp::now(),
        });
        Ok(())
    }

    /// Ends the read transaction; in rollback mode writers go on from here. How long it lasted.
    pub(super) fn release(&mut self) -> Duration {
        let Some(pin) = self.pin.take() else {
            return Duration::ZERO;
        };
        // A read transaction has nothing to lose; closing the connection ends it in any case.
        let _ = self.connection.execute_batch("COMMIT");
        pin.at.elapsed()
    }

    /// A second connection, which sees whether anybody commits.
    pub(super) fn post_sentinel(&mut self) -> rusqlite::Result<()> {
        if self.sentinel.is_none() {
            self.sentinel = Some(open_read_only(&self.path)?);
        }
        Ok(())
    }

    /// A number that changes with every commit of others. None without a sentinel, or where it cannot read.
    pub(super) fn version(&self) -> Option<i64> {
        self.sentinel
            .as_ref()?
            .query_row("PRAGMA data_version", [], |row| row.get(0))
            .ok()
    }

    /// A connection that may lock writers out. None where this user may not write.
    pub(super) fn writer(&self) -> Option<Writer> {
        let hold = guard::hold(&self.path).ok()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags).ok()?;
        connection
            .set_db_config(
                rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
                true,
            )
            .ok()?;
        match connection.is_readonly(rusqlite::MAIN_DB) {
            Ok(false) => Some(Writer {
                connection,
                _hold: hold,
            }),
            _ => None,
        }
    }

    /// Closes, and has SQLite remove the side files that only our reading made.
    pub(super) fn close(self) -> Closed {
        let Self {
            connection,
            sentinel,
            path,
            left_behind,
            hold,
            ..
        } = self;
        drop(sentinel);
        drop(connection);
        let closed = match left_behind {
            LeftBehind::Nothing => Closed::Clean,
            LeftBehind::SideFiles => tidy(&path),
            LeftBehind::PerhapsAnothers => {
                // Where a service has it open nothing goes, and what stays was not made here.
                tidy(&path);
                Closed::Clean
            }
        };
        drop(hold);
        closed
    }
}

/// Locks writers out, and writes nothing.
pub(super) struct Writer {
    connection: Connection,
    _hold: ConnectionHold,
}

impl Writer {
    pub(super) fn lock(&mut self, until: Instant, cancel: &Cancel) -> rusqlite::Result<()> {
        arm(&mut self.connection, until, cancel)?;
        self.connection.execute_batch("BEGIN IMMEDIATE")
    }

    pub(super) fn unlock(&self) {
        // Nothing was written; where the lock was not had there is nothing to end.
        let _ = self.connection.execute_batch("ROLLBACK");
    }
}

/// What closing left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    Clean,
    /// An empty `-wal` and a `-shm`, harmless, that this user may not have removed.
    SideFilesLeft,
}

/// Sleeps a millisecond for each call until the time is over.
pub(super) fn arm(
    connection: &mut Connection,
    until: Instant,
    cancel: &Cancel,
) -> rusqlite::Result<()> {
    let cancel = cancel.clone();
    connection.busy_handler(Some(move |_| {
        let go_on = !cancel.is_cancelled() && Instant::now() < until;
        if go_on {
            thread::sleep(Duration::from_millis(1));
        }
        go_on
    }))
}

fn hold(path: &Path, patience: Duration) -> Result<ConnectionHold, CaptureError> {
    guard::hold_for(path, patience).map_err(|cause| match cause.kind() {
        io::ErrorKind::TimedOut => CaptureError::Busy {
            path: path.to_owned(),
            waited: patience,
        },
        _ => CaptureError::reading(path, cause),
    })
}

fn open_read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Nothing waits unless it is armed: others may be held up meanwhile.
    connection.busy_timeout(Duration::ZERO)?;
    Ok(connection)
}

fn read(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row(FIRST_READ, [], |_| Ok(()))
}

/// Side files that this process had to make get the database's group (the mode is SQLite's doing, the owner only root can give).
fn adopt_side_files(subject: &Subject) {
    let Ok(gid) = u32::try_from(subject.stat.gid) else {
        return;
    };
    let made = [
        ("-wal", subject.stamps.wal.is_none()),
        ("-shm", subject.shared_memory == Presence::Absent),
    ];
    for (suffix, ours) in made {
        if ours {
            // Where it fails the group is the folder's, which is the service's own choice of group.
            let _ = std::os::unix::fs::lchown(beside(&subject.path, suffix), None, Some(gid));
        }
    }
}

/// A writable connection that reads and closes last removes them (measured: the database stays as it is). They are never unlinked:
/// somebody may have opened them meanwhile. A `-wal` with content is somebody's, and stays.
fn tidy(path: &Path) -> Closed {
    let wal = beside(path, "-wal");
    let empty = |wal: &Path| fs::symlink_metadata(wal).is_ok_and(|m| m.len() == 0);
    if !empty(&wal) {
        return Closed::Clean;
    }
    // By now the name may mean another file.
    let Ok(_hold) = guard::hold_for(path, TIDY_PATIENCE) else {
        return Closed::SideFilesLeft;
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let Ok(mut connection) = Connection::open_with_flags(path, flags) else {
        return Closed::SideFilesLeft;
    };
    let writable = matches!(connection.is_readonly(rusqlite::MAIN_DB), Ok(false));
    // Also after a cancellation: what was made is removed.
    let until = Instant::now() + TIDY_PATIENCE;
    let read = arm(&mut connection, until, &Cancel::new()).and_then(|()| read(&connection));
    drop(connection);
    match read {
        Ok(()) if writable => Closed::Clean,
        _ => Closed::SideFilesLeft,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_busy(outcome: rusqlite::Result<()>) -> bool {
        outcome.is_err_and(|cause| {
            cause.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
        })
    }

    /// The budget is one for all waits until it is set anew: without that the second phase would not wait at all.
    #[test]
    fn a_phase_waits_although_the_one_before_used_up_its_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let owner = Connection::open(&path).unwrap();
        owner
            .execute_batch("CREATE TABLE t(x); BEGIN EXCLUSIVE")
            .unwrap();
        let cancel = Cancel::new();
        let subject = Subject::look("c", &path, Duration::ZERO, &cancel).unwrap();
        let mut connection = open_read_only(&subject.path).unwrap();
        let phase = |connection: &mut Connection, long| {
            arm(connection, Instant::now() + long, &cancel).and_then(|()| read(connection))
        };
        assert!(is_busy(phase(&mut connection, Duration::from_millis(20))));
        assert!(is_busy(read(&connection)), "its time is over");
        let freed = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(100));
            owner.execute_batch("COMMIT").unwrap();
        });
        phase(&mut connection, Duration::from_secs(20)).expect("it waited");
        freed.join().unwrap();
    }

    #[test]
    fn waiting_for_a_lock_ends_when_cancelled() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let owner = Connection::open(&path).unwrap();
        owner
            .execute_batch("CREATE TABLE t(x); BEGIN EXCLUSIVE")
            .unwrap();
        let cancel = Cancel::new();
        let mut connection = open_read_only(&path).unwrap();
        let later = cancel.clone();
        let cancelled = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(30));
            later.cancel();
        });
        let forever = Instant::now() + Duration::from_hours(1);
        let waited = arm(&mut connection, forever, &cancel).and_then(|()| read(&connection));
        assert!(is_busy(waited));
        cancelled.join().unwrap();
    }
}
