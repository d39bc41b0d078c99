//! What lies beside a database: rows that are only there, journals of the dead, and that a capture leaves it as it was.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::holder::Holder;

use super::{copy_of, options, take, take_with, version_bytes};
use crate::support::sqlite_fixture::{
    beside, counter, digests, folder, is_whole, make, names_in, rows, set_mode,
};
use crate::support::writer::let_die;

fn database(dir: &tempfile::TempDir, mode: &str) -> PathBuf {
    let path = dir.path().join("a.db");
    make(&path, mode, 1000);
    path
}

#[test]
fn the_rows_of_a_killed_writer_are_captured_from_its_wal() {
    for shared_memory in ["there", "gone"] {
        let dir = folder();
        let path = database(&dir, "wal");
        let_die("die-with-wal", &[&path]);
        if shared_memory == "gone" {
            std::fs::remove_file(beside(&path, "-shm")).unwrap();
        }
        let before = digests(&path);
        assert!(before[1].is_some(), "a -wal was left");
        let taken = take(&[&path]);
        assert_eq!(digests(&path), before, "-shm {shared_memory}");
        assert_eq!(rows(taken.copy(0)), 1050, "-shm {shared_memory}");
        assert!(is_whole(taken.copy(0)));
    }
}

#[test]
fn a_hot_journal_is_rolled_back_in_the_copy_and_stays_at_the_source() {
    let dir = folder();
    let path = database(&dir, "delete");
    let_die("die-in-commit", &[&path]);
    let before = digests(&path);
    assert!(before[2].is_some(), "a -journal was left");
    let taken = take(&[&path]);
    assert_eq!(digests(&path), before);
    let copy = taken.copy(0);
    assert_eq!(version_bytes(copy), [1, 1]);
    assert!(is_whole(copy));
    assert_eq!(rows(copy), 1000);
    assert_eq!(counter(copy), 0, "the commit that never was is undone");
    assert_eq!(names_in(taken.scratch.path()).len(), 1, "no side files");
}

#[test]
fn a_hot_journal_among_others_leaves_the_group_exact() {
    let dir = folder();
    let path = database(&dir, "delete");
    let other = dir.path().join("b.db");
    make(&other, "wal", 10);
    let_die("die-in-commit", &[&path]);
    let taken = take(&[&path, &other]);
    assert!(taken.summary.exact, "nothing moved");
    assert_eq!(counter(copy_of(&taken.captured[0])), 0);
}

#[test]
fn a_cleanly_closed_wal_database_is_left_without_side_files() {
    let dir = folder();
    let path = database(&dir, "wal");
    let second = dir.path().join("b.db");
    make(&second, "wal", 10);
    let before = (names_in(dir.path()), digests(&path), digests(&second));
    // Two of them, so that sentinels are posted too.
    let taken = take(&[&path, &second]);
    assert_eq!(
        (names_in(dir.path()), digests(&path), digests(&second)),
        before
    );
    assert_eq!(rows(taken.copy(0)), 1000);
    assert!(taken.captured.iter().all(|one| one.warnings.is_empty()));
}

#[test]
fn side_files_that_a_capture_makes_belong_to_the_owner_of_the_database() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can give a file away");
        return;
    }
    let dir = folder();
    let path = database(&dir, "wal");
    std::os::unix::fs::chown(&path, Some(65_534), Some(65_533)).unwrap();
    set_mode(&path, 0o640);
    let seen = Mutex::new(Vec::new());
    let look = || {
        for suffix in ["-wal", "-shm"] {
            let m = std::fs::metadata(beside(&path, suffix)).unwrap();
            seen.lock()
                .unwrap()
                .push((m.uid(), m.gid(), m.mode() & 0o777));
        }
    };
    let taken = take_with(&[&path], &options(), &super::once(look));
    assert_eq!(*seen.lock().unwrap(), [(65_534, 65_533, 0o640); 2]);
    assert_eq!(names_in(dir.path()).len(), 1, "they are gone again");
    let stat = &taken.only().stat;
    assert_eq!((stat.uid, stat.gid, stat.mode), (65_534, 65_533, 0o640));
}

#[test]
fn a_fifo_in_the_place_of_a_side_file_is_refused() {
    for suffix in ["-wal", "-shm", "-journal"] {
        let dir = folder();
        let path = database(&dir, "wal");
        let fifo = beside(&path, suffix);
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
        let taken = take(&[&path]);
        assert!(
            matches!(
                super::missing(taken.only()),
                holdfast::source::database::CaptureError::NotAFile(odd) if *odd == fifo
            ),
            "{suffix}"
        );
    }
}

/// A capture that was killed leaves them, as every reader does that cannot write.
#[test]
fn empty_side_files_of_a_reader_that_died_go_with_the_next_capture() {
    let dir = folder();
    let path = database(&dir, "wal");
    let before = (names_in(dir.path()), digests(&path));
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let reader = rusqlite::Connection::open_with_flags(&path, flags).unwrap();
    let count = "SELECT count(*) FROM sqlite_schema";
    reader
        .query_row(count, [], |row| row.get::<_, i64>(0))
        .unwrap();
    drop(reader);
    assert!(
        beside(&path, "-wal").exists(),
        "it takes a reader to see it"
    );
    let taken = take(&[&path]);
    assert_eq!((names_in(dir.path()), digests(&path)), before);
    assert!(taken.only().warnings.is_empty());
}

#[test]
fn the_empty_side_files_of_a_service_stay() {
    let dir = folder();
    let path = database(&dir, "wal");
    let mut service = Holder::open(&path);
    service.ask("SELECT count(*) FROM sqlite_schema");
    let before = names_in(dir.path());
    assert!(beside(&path, "-wal").exists());
    let taken = take(&[&path]);
    assert_eq!(names_in(dir.path()), before);
    assert!(taken.only().warnings.is_empty());
    service.ask("PRAGMA user_version=7");
    let log = beside(&path, "-wal").metadata().unwrap();
    assert!(log.len() > 0, "it writes to the log that it had");
}
