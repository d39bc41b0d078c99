//! Copies of files as bytes: what is no database, what SQLite cannot read any more, and what SQLite may only recover where it may write,
//! which is in the scratch folder. It takes no lock, so it looks whether anything changed meanwhile. No connection to these files may be
//! held by the caller.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::CaptureError;
use super::copy::Length;
use super::fault::Fault;
use super::header::Mode;
use super::live;
use super::pass::{Change, Content, Context};
use super::scratch::{ScratchFile, beside};
use super::subject::{Class, Stamps, Subject, open_bytes};

const TRIES: u32 = 3;
/// Longer than the tick of any kernel's file times: a write after the first look cannot get the time that was seen then.
const TICK: Duration = Duration::from_millis(12);
const BUFFER: usize = 1 << 20;

/// The bytes of a file that is no database. One that keeps changing is copied all the same, and said to be `Moving`.
pub(super) fn plain(subject: &Subject, context: &Context<'_>) -> Result<Content, CaptureError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let copy = context.scratch.create()?;
        let change = watched(&subject.path, || {
            copy_bytes(subject, &subject.path, copy.path(), context)
        })?;
        if change == Change::Still || tries == TRIES {
            return Ok(Content::Plain { copy, change });
        }
    }
}

/// Main file and side files for a later rescue, as they are.
pub(super) fn rescue(subject: &Subject, context: &Context<'_>) -> Result<Content, CaptureError> {
    let mut copies = Vec::new();
    for suffix in ["", "-wal", "-journal"] {
        let path = beside(&subject.path, suffix);
        if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.len() > 0) {
            let copy = context.scratch.create_as(suffix)?;
            copy_bytes(subject, &path, copy.path(), context)?;
            copies.push(copy);
        }
    }
    Ok(Content::Damaged { copies })
}

/// A database whose recovery needs the right to write (a hot journal, a `-wal` without its `-shm`): its files are copied and SQLite
/// recovers the copies. Also told is whether anything changed since the subject was looked at.
pub(super) fn recover(
    subject: &Subject,
    context: &Context<'_>,
) -> Result<(Content, Change), CaptureError> {
    for _ in 0..TRIES {
        context.cancel.check()?;
        let copy = context.scratch.create()?;
        let before = stamps(&subject.path)?;
        let change = watched(&subject.path, || {
            copy_bytes(subject, &subject.path, copy.path(), context)?;
            for suffix in ["-wal", "-journal"] {
                let side = beside(&subject.path, suffix);
                if fs::symlink_metadata(&side).is_ok() {
                    drop(
                        copy.create_beside(suffix)
                            .map_err(|cause| CaptureError::writing(context.scratch.dir(), cause))?,
                    );
                    copy_bytes(subject, &side, &beside(copy.path(), suffix), context)?;
                }
            }
            Ok(())
        });
        match change {
            Ok(Change::Still) => {}
            Ok(Change::Moving) => continue,
            // A side file went while it was copied.
            Err(CaptureError::Missing(_)) if fs::symlink_metadata(&subject.path).is_ok() => {
                continue;
            }
            Err(error) => return Err(error),
        }
        let since_the_look = if before == subject.stamps {
            Change::Still
        } else {
            Change::Moving
        };
        return match settle(&copy, context) {
            Ok(()) => {
                let mode = match subject.class {
                    Class::Database(mode) => mode,
                    Class::Empty | Class::NotADatabase => Mode::Rollback,
                };
                let length = Length::Whole;
                Ok((Content::Database { copy, mode, length }, since_the_look))
            }
            Err(cause) => match Fault::of(&cause) {
                Fault::Damaged | Fault::NotADatabase => {
                    drop(copy);
                    Ok((rescue(subject, context)?, since_the_look))
                }
                Fault::NoSpace => Err(CaptureError::NoSpace(context.scratch.dir().to_owned())),
                _ => Err(CaptureError::sqlite(&subject.path, cause)),
            },
        };
    }
    Err(CaptureError::Moving {
        path: subject.path.clone(),
    })
}

/// Has SQLite roll back or merge what lies beside the copy, and leaves one file in rollback mode.
fn settle(copy: &ScratchFile, context: &Context<'_>) -> rusqlite::Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(copy.path(), flags)?;
    let patience = Instant::now() + context.options.deadline;
    live::arm(&mut connection, patience, context.cancel)?;
    connection.execute_batch("PRAGMA synchronous=OFF")?;
    connection.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
    connection.query_row("PRAGMA journal_mode=DELETE", [], |_| Ok(()))?;
    connection.close().map_err(|(_, cause)| cause)
}

/// Runs a copy and says whether any part of the database changed from before it to after it.
fn watched(
    path: &Path,
    copy: impl FnOnce() -> Result<(), CaptureError>,
) -> Result<Change, CaptureError> {
    let before = stamps(path)?;
    thread::sleep(TICK);
    copy()?;
    Ok(if stamps(path)? == before {
        Change::Still
    } else {
        Change::Moving
    })
}

fn stamps(path: &Path) -> Result<Stamps, CaptureError> {
    Stamps::of(path).map_err(|cause| CaptureError::reading(path, cause))
}

fn copy_bytes(
    subject: &Subject,
    from: &Path,
    to: &Path,
    context: &Context<'_>,
) -> Result<(), CaptureError> {
    let writing = |cause: io::Error| CaptureError::writing(context.scratch.dir(), cause);
    let source = open_bytes(from, context.options.deadline, context.cancel)?;
    let size = source
        .metadata()
        .map_err(|cause| CaptureError::reading(from, cause))?
        .len();
    // One that grows without end must not be followed.
    let mut source = source.take(size);
    let mut target = OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(to)
        .map_err(writing)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        context.cancel.check()?;
        match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                target.write_all(&buffer[..read]).map_err(writing)?;
                context.tally.add(&subject.component, read as u64);
            }
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(CaptureError::reading(from, cause)),
        }
    }
}
