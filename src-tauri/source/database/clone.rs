//! Copies the file of a large database whose bytes stand still under the pin: the kernel moves them several times faster than SQLite does
//! page by page, so that writers of a rollback-mode database wait for that much less. It is done by a child process: an open and close of
//! the file in this one would drop the locks that make the bytes stand still.
//!
//! They stand still in rollback mode, where nobody may write while somebody reads; and in WAL mode while the `-wal` is empty: then the pin
//! reads the database file alone, and no checkpoint may write to it (it needs the lock that this reader has).

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::CaptureError;
use super::copy::{CopyError, Limits, wal_bytes};
use super::live::Live;
use super::pass::Context;
use super::scratch::ScratchFile;

/// Below this SQLite's own copy takes a tenth of a second: not worth a process.
const LARGE: u64 = 64 << 20;
/// Between two looks at the child.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What SQLite's backup leaves in the header of a copy, whatever the source's says, so that both ways give the same bytes: change counter,
/// schema cookie and version-valid-for 1 (24, 40, 92), the number of pages (28), the library that wrote it (96).
const COUNTERS: [u64; 3] = [24, 40, 92];
const PAGES_OFFSET: u64 = 28;
const LIBRARY_OFFSET: u64 = 96;

/// Whether the copy is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cloned {
    Yes,
    /// SQLite has to copy it. The target is empty.
    No,
}

pub(super) fn clone(
    live: &Live,
    component: &str,
    target: &ScratchFile,
    limits: &mut Limits,
    context: &Context<'_>,
) -> Result<Cloned, CopyError> {
    let number = |pragma: &str| {
        let query = format!("PRAGMA {pragma}");
        live.connection()
            .query_row(&query, [], |row| row.get::<_, u32>(0))
            .map_err(CopyError::Sqlite)
    };
    let pages = number("page_count")?;
    let length = u64::from(pages) * u64::from(number("page_size")?);
    if length < LARGE || !stands_still(live)? || length_of(live.path()) != Some(length) {
        return Ok(Cloned::No);
    }
    let Some(child) = start(live.path(), target.path()) else {
        return Ok(Cloned::No);
    };
    let mut child = Reaped(child);
    let mut told = 0;
    let ended = loop {
        let ended = child.0.try_wait().ok().flatten();
        let there = length_of(target.path()).unwrap_or(0).min(length);
        if there > told {
            context.tally.add(component, there - told);
            limits.progressed();
            told = there;
        }
        if ended.is_some() {
            break ended;
        }
        context.cancel.check().map_err(CaptureError::from)?;
        limits.check(live, length)?;
        std::thread::sleep(LOOK_EVERY);
    };
    // The child opened whatever the name meant by then; what is pinned is the file of before.
    let whole = ended.is_some_and(|status| ExitStatus::success(&status))
        && length_of(target.path()) == Some(length)
        && live.is_still_there();
    let wrote = if whole {
        finish(target.path(), pages)
    } else {
        // Whatever was in the way (no room, no right, another file), SQLite copies what is pinned, or says what it met.
        empty(target.path())
    };
    wrote.map_err(|cause| CaptureError::writing(context.scratch.dir(), cause))?;
    Ok(if whole { Cloned::Yes } else { Cloned::No })
}

/// `cat` because it moves bytes without looking at them (since coreutils 9.1 within the kernel, by reference where the file system can), and
/// writes to a file that is open already: one that is opened anew and cut to nothing, as `cp` does, ext4 writes out to the disk when it is
/// closed, although nobody needs this copy there.
fn start(source: &Path, target: &Path) -> Option<Child> {
    let output = OpenOptions::new().write(true).open(target).ok()?;
    Command::new("cat")
        .arg("--")
        .arg(source)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()
        .ok()
}

/// Asked under the pin, and of the connection: the mode may have changed since the header was looked at. In WAL mode it is the size of the
/// `-wal` that tells: were there frames that this reader needs, nobody could have emptied it.
fn stands_still(live: &Live) -> Result<bool, CopyError> {
    let mode: String = live
        .connection()
        .query_row("PRAGMA journal_mode", [], |row| row.get(0))
        .map_err(CopyError::Sqlite)?;
    Ok(mode != "wal" || wal_bytes(live.path()) == 0)
}

fn length_of(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().map(|metadata| metadata.len())
}

fn empty(copy: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).open(copy)?.set_len(0)
}

fn finish(copy: &Path, pages: u32) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(copy)?;
    for offset in COUNTERS {
        file.write_all_at(&1u32.to_be_bytes(), offset)?;
    }
    file.write_all_at(&pages.to_be_bytes(), PAGES_OFFSET)?;
    file.seek(SeekFrom::Start(LIBRARY_OFFSET))?;
    file.write_all(&rusqlite::version_number().to_be_bytes())
}

/// A child that does not outlive the look at it.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // Both fail where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;
    use std::time::Instant;

    use super::super::copy;
    use super::super::header::Mode;
    use super::super::progress::Tally;
    use super::super::scratch::Scratch;
    use super::super::subject::Subject;
    use super::super::{CaptureOptions, copy::Bound};
    use super::*;
    use crate::model::{Cancel, NoObserver, WhenBusy};

    fn large(path: &Path, pragmas: &str) {
        let db = Connection::open(path).unwrap();
        db.execute_batch(&format!(
            "{pragmas}; CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB);
             WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < 70)
             INSERT INTO t SELECT i, randomblob(1000000) FROM r;
             CREATE INDEX i ON t(id); DELETE FROM t WHERE id = 7; PRAGMA wal_checkpoint(TRUNCATE)"
        ))
        .unwrap();
    }

    /// Opens and pins it, and gives both ways their turn: what the clone said, the clone, SQLite's copy.
    fn both_ways(dir: &Path, mode: Mode, pinned: impl FnOnce()) -> (Cloned, Vec<u8>, Vec<u8>) {
        let options = CaptureOptions {
            max_block: Duration::from_mins(1),
            when_busy: WhenBusy::Fail,
            deadline: Duration::from_secs(10),
            copy_deadline: Duration::from_secs(10),
        };
        let cancel = Cancel::new();
        let context = Context {
            scratch: Scratch::with_room(dir, 0).unwrap(),
            options: &options,
            cancel: &cancel,
            tally: Tally::new(&NoObserver, 0),
        };
        let path = dir.join("a.db");
        let subject = Subject::look("c", &path, options.deadline, &cancel).unwrap();
        let Ok(mut live) = Live::open(&subject, mode, options.deadline, &cancel) else {
            panic!("it opens");
        };
        live.arm(Instant::now() + options.deadline, &cancel)
            .unwrap();
        live.pin().unwrap();
        pinned();
        let (one, two) = (
            context.scratch.create().unwrap(),
            context.scratch.create().unwrap(),
        );
        let mut limits = Limits::new(&live, Bound::Unbounded, &context);
        let Ok(cloned) = clone(&live, "c", &one, &mut limits, &context) else {
            panic!("no error");
        };
        assert!(copy::by_pages(&live, "c", &two, limits, &context).is_ok());
        live.close();
        (
            cloned,
            fs::read(one.path()).unwrap(),
            fs::read(two.path()).unwrap(),
        )
    }

    #[test]
    fn a_clone_has_the_bytes_that_sqlites_own_copy_has() {
        for (mode, pragmas) in [
            (
                Mode::Rollback,
                "PRAGMA page_size=1024; PRAGMA user_version=9",
            ),
            (Mode::Wal, "PRAGMA journal_mode=WAL"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            large(&dir.path().join("a.db"), pragmas);
            let (cloned, one, two) = both_ways(dir.path(), mode, || {});
            assert_eq!(cloned, Cloned::Yes);
            assert!(one == two, "{mode:?}: other bytes");
        }
    }

    #[test]
    fn nothing_is_cloned_while_rows_wait_in_the_wal() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        large(&path, "PRAGMA journal_mode=WAL");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("DELETE FROM t WHERE id = 8").unwrap();
        let (cloned, one, two) = both_ways(dir.path(), Mode::Wal, || {});
        assert_eq!((cloned, one.len()), (Cloned::No, 0));
        assert!(two.len() as u64 > LARGE);
    }

    /// As its header said when it was looked at; it was put into WAL mode and written to before it was pinned.
    #[test]
    fn nothing_is_cloned_of_a_database_that_went_into_wal_mode_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        large(&path, "PRAGMA journal_mode=WAL");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("DELETE FROM t WHERE id = 8").unwrap();
        let (cloned, ..) = both_ways(dir.path(), Mode::Rollback, || {});
        assert_eq!(cloned, Cloned::No);
    }

    #[test]
    fn another_file_that_took_the_name_after_the_pin_is_not_cloned() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a.db"), dir.path().join("b.db"));
        large(&path, "PRAGMA user_version=1");
        large(&other, "PRAGMA user_version=2");
        let replace = || fs::rename(&other, &path).unwrap();
        let (cloned, one, two) = both_ways(dir.path(), Mode::Rollback, replace);
        assert_eq!((cloned, one.len()), (Cloned::No, 0));
        assert_eq!(two[60..64], [0, 0, 0, 1], "what was pinned");
    }
}
