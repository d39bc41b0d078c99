//! What was there before: consistent copies of databases, plain copies of files, in a private folder. Taken before anything is changed.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::connection::{is_busy, journal_mode, open_live, read_once, without_traces};
use super::error::RestoreError;
use super::place::copy;
use crate::model::{Cancel, Observer, Phase, Progress};
use crate::source::guard;

type Result<T> = std::result::Result<T, RestoreError>;

/// Locks are asked for every millisecond: `SQLite`'s own back-off finds the gaps of a busy writer late.
const TRIES: i32 = 10_000;

/// What became of a live database's pre-image.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PreImage {
    /// The copy is there, in journal mode DELETE. The mode is the live one's: `wal` or `delete`.
    Copied { journal_mode: String },
    /// `SQLite` cannot read it: it is replaced as a file.
    Unusable,
}

/// Whether `SQLite` can read it, and its mode.
pub(super) fn look(live: &Path) -> Result<PreImage> {
    without_traces(live, || {
        let _hold = guard::hold(live).map_err(RestoreError::io(live))?;
        match open(live) {
            Ok(db) => mode(&db, live),
            Err(RestoreError::Sqlite { cause, .. }) if is_unusable(&cause) => {
                Ok(PreImage::Unusable)
            }
            Err(cause) => Err(cause),
        }
    })
}

/// A consistent copy of a live database as `to`, which must not be there. All of it is as of one moment.
pub(super) fn copy_database(
    live: &Path,
    to: &Path,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<PreImage> {
    let copied = without_traces(live, || {
        let _hold = guard::hold(live).map_err(RestoreError::io(live))?;
        copy_pinned(live, to, cancel, observer)
    });
    let found = match copied {
        Err(RestoreError::Sqlite { cause, .. }) if is_unusable(&cause) => PreImage::Unusable,
        other => other?,
    };
    if found == PreImage::Unusable {
        match std::fs::remove_file(to) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(RestoreError::io(to)(cause));
            }
            _ => return Ok(found),
        }
    }
    let copy = Connection::open(to).map_err(RestoreError::sqlite(to))?;
    copy.query_row("PRAGMA journal_mode=DELETE", [], |_| Ok(()))
        .map_err(RestoreError::sqlite(to))?;
    copy.close()
        .map_err(|(_, cause)| RestoreError::sqlite(to)(cause))?;
    File::open(to)
        .and_then(|file| file.sync_all())
        .map_err(RestoreError::io(to))?;
    Ok(found)
}

/// Size and SHA-256 of a database that is one file, without the bytes of its header that say nothing of the content: version numbers of
/// the journal mode, change counter, schema cookie, and who wrote it last. A copy has others there.
pub(super) type Content = (u64, String);

const OF_THE_FILE: [std::ops::Range<usize>; 4] = [18..20, 24..28, 40..44, 92..100];

pub(super) fn content_of(path: &Path) -> Result<Content> {
    let mut file = File::open(path).map_err(RestoreError::io(path))?;
    let mut header = Vec::with_capacity(100);
    (&mut file)
        .take(100)
        .read_to_end(&mut header)
        .map_err(RestoreError::io(path))?;
    for range in OF_THE_FILE {
        if let Some(bytes) = header.get_mut(range) {
            bytes.fill(0);
        }
    }
    let all = header.as_slice().chain(file);
    copy(all, path, std::io::sink(), path, &Cancel::new())
}

fn copy_pinned(
    live: &Path,
    to: &Path,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<PreImage> {
    let source = open(live)?;
    let mode = mode(&source, live)?;
    // Pinned by a read: a backup that is not starts anew at each foreign commit, and never ends under a busy writer.
    source
        .execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")
        .map_err(busy_or(live))?;
    File::create_new(to).map_err(RestoreError::io(to))?;
    let mut copy = Connection::open(to).map_err(RestoreError::sqlite(to))?;
    copy.execute_batch("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF")
        .map_err(RestoreError::sqlite(to))?;
    let backup = Backup::new(&source, &mut copy).map_err(RestoreError::sqlite(to))?;
    loop {
        cancel.check()?;
        match backup.step(2000).map_err(RestoreError::sqlite(live))? {
            StepResult::Done => break,
            StepResult::More => {}
            _ => return Err(in_use(live)),
        }
        observer.progress(&Progress {
            phase: Phase::SavingBefore,
            done_bytes: 0,
            total_bytes: 0,
            what: live.display().to_string(),
        });
    }
    Ok(mode)
}

/// Read-only first; a hot journal, or a log without its index, can only be read by who may write.
fn open(live: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let read_only = Connection::open_with_flags(live, flags).and_then(|mut db| {
        db.busy_handler(Some(wait))?;
        read_once(&db).map(|_| db)
    });
    match read_only {
        Ok(db) => Ok(db),
        Err(cause) if is_unusable(&cause) => Err(RestoreError::sqlite(live)(cause)),
        Err(cause) if is_busy(&cause) => Err(in_use(live)),
        Err(_) => {
            let mut db = open_live(live)?;
            db.busy_handler(Some(wait))
                .map_err(RestoreError::sqlite(live))?;
            read_once(&db).map_err(busy_or(live))?;
            Ok(db)
        }
    }
}

fn mode(db: &Connection, live: &Path) -> Result<PreImage> {
    let mode = journal_mode(db).map_err(busy_or(live))?;
    Ok(PreImage::Copied {
        journal_mode: if mode == "wal" { mode } else { "delete".into() },
    })
}

fn wait(tries: i32) -> bool {
    std::thread::sleep(Duration::from_millis(1));
    tries < TRIES
}

fn busy_or(live: &Path) -> impl FnOnce(rusqlite::Error) -> RestoreError + '_ {
    move |cause| {
        if is_busy(&cause) {
            in_use(live)
        } else {
            RestoreError::sqlite(live)(cause)
        }
    }
}

fn in_use(live: &Path) -> RestoreError {
    RestoreError::InUse {
        path: live.to_path_buf(),
        waited: Duration::from_secs(10),
    }
}

fn is_unusable(cause: &rusqlite::Error) -> bool {
    matches!(
        cause.sqlite_error_code(),
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
    )
}
