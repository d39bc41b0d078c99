//! Captures while another process writes.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::{blocked, options, take, version_bytes};
use crate::support::sqlite_fixture::{
    beside, counter, digests, folder, is_whole, make, number, rows,
};
use crate::support::writer::{Writer, python};

const ROWS: u32 = 40_000;

#[test]
fn a_wal_capture_ends_under_a_full_speed_writer_which_never_waits() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "wal", ROWS);
    let writer = Writer::start("busy", &[&path]);
    let taken = take(&[&path]);
    let report = writer.stop();
    assert!(is_whole(taken.copy(0)));
    assert!(rows(taken.copy(0)) > i64::from(ROWS));
    assert_eq!(blocked(taken.only()), Duration::ZERO);
    assert_eq!(report.errors, [] as [&str; 0]);
    assert!(taken.summary.exact);
}

#[test]
fn a_rollback_capture_ends_under_a_full_speed_writer_within_its_bound() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", ROWS);
    let writer = Writer::start("busy", &[&path]);
    let taken = take(&[&path]);
    let report = writer.stop();
    assert!(is_whole(taken.copy(0)));
    assert!(rows(taken.copy(0)) > i64::from(ROWS));
    assert!(blocked(taken.only()) > Duration::ZERO);
    // One step may end after the bound.
    assert!(blocked(taken.only()) < options().max_block + Duration::from_secs(1));
    assert_eq!(report.errors, [] as [&str; 0]);
}

/// From here on the file is cloned: SQLite's own copy would take a multiple of the time that the writer waits.
const ROWS_OF_A_LARGE_FILE: u32 = 80_000;

#[test]
fn a_large_rollback_database_is_captured_whole_under_a_full_speed_writer() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", ROWS_OF_A_LARGE_FILE);
    let writer = Writer::start("busy", &[&path]);
    let taken = take(&[&path]);
    let report = writer.stop();
    assert!(is_whole(taken.copy(0)));
    assert!(rows(taken.copy(0)) > i64::from(ROWS_OF_A_LARGE_FILE));
    assert!(blocked(taken.only()) > Duration::ZERO);
    assert_eq!(report.errors, [] as [&str; 0]);
}

#[test]
fn what_is_committed_and_checkpointed_during_a_capture_is_not_in_a_large_copy() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "wal", ROWS_OF_A_LARGE_FILE);
    let write = || {
        python(
            "d = sqlite3.connect(sys.argv[1])\n\
             d.execute('UPDATE t SET v = zeroblob(1000)')\n\
             d.execute('INSERT INTO t(v) VALUES (1)')\n\
             d.commit()\n\
             assert d.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone()[0] == 1, 'it was not kept out'",
            &path,
        );
    };
    let taken = super::take_with(&[&path], &options(), &super::once(write));
    let copy = taken.copy(0);
    assert!(is_whole(copy));
    assert_eq!(rows(copy), i64::from(ROWS_OF_A_LARGE_FILE));
    assert_eq!(
        number(copy, "SELECT count(*) FROM t WHERE v = zeroblob(1000)"),
        0
    );
    assert_eq!(rows(&path), i64::from(ROWS_OF_A_LARGE_FILE) + 1);
}

/// The control: what capture does not do. Without a pin every foreign commit sends a stepwise backup back to its start.
#[test]
fn an_unpinned_stepwise_backup_restarts_under_a_writer() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let path = dir.path().join("a.db");
        make(&path, mode, 20_000);
        let writer = Writer::start("busy", &[&path]);
        let source = Connection::open(&path).unwrap();
        let mut copy = Connection::open(dir.path().join("copy.db")).unwrap();
        let backup = Backup::new(&source, &mut copy).unwrap();
        let mut restarts = 0;
        let mut copied = 0;
        for _ in 0..2000 {
            let step = backup.step(100).unwrap();
            let progress = backup.progress();
            let now = progress.pagecount - progress.remaining;
            // Also back at the first step's end: then it began anew right after it.
            if step == StepResult::More && now <= copied {
                restarts += 1;
            }
            copied = now;
            if step == StepResult::Done || restarts > 0 {
                break;
            }
            // Far enough for a restart to show; on a busy machine the writer may need its time for a commit.
            if now > 100 {
                let then = counter(&path);
                while counter(&path) == then {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        }
        assert_eq!(restarts, 1, "{mode}");
        drop(backup);
        writer.kill();
    }
}

#[test]
fn rows_that_are_only_in_the_wal_are_captured_and_the_source_stays_as_it_is() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "wal", 1000);
    let writer = Writer::start("idle", &[&path]);
    assert!(std::fs::metadata(beside(&path, "-wal")).unwrap().len() > 0);
    let before = digests(&path);
    let taken = take(&[&path]);
    assert_eq!(digests(&path), before);
    assert_eq!(rows(taken.copy(0)), 1050);
    assert_eq!(version_bytes(taken.copy(0)), [1, 1]);
    assert_eq!(writer.stop().errors, [] as [&str; 0]);
    assert_eq!(rows(&path), 1050);
}

#[test]
fn a_service_that_stops_during_a_capture_loses_nothing() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "wal", 1000);
    let writer = std::sync::Mutex::new(Some(Writer::start("idle", &[&path])));
    let stop = || {
        writer.lock().unwrap().take().expect("it runs").stop();
    };
    let taken = super::take_with(&[&path], &options(), &super::once(stop));
    assert_eq!(rows(taken.copy(0)), 1050);
    assert_eq!(rows(&path), 1050);
    assert!(is_whole(&path));
}
