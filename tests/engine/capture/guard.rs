//! Plain opens and connections keep each other out, so that no lock of a capture is dropped.

use std::io::{ErrorKind, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast::source::guard::{hold, hold_for, open_plain};

use super::{once, options, take_with};
use crate::support::sqlite_fixture::{beside, folder, make, rows};
use crate::support::writer::Writer;

#[test]
fn a_file_that_a_connection_holds_is_not_opened_plainly_by_any_name() {
    let dir = folder();
    let path = dir.path().join("a.db");
    let other = dir.path().join("b");
    make(&path, "delete", 1);
    std::fs::hard_link(&path, &other).unwrap();
    let held = hold(&path).unwrap();
    let second = hold(&other).unwrap();
    assert_eq!(open_plain(&path).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert_eq!(
        open_plain(&other).unwrap_err().kind(),
        ErrorKind::WouldBlock
    );
    drop(held);
    assert_eq!(open_plain(&path).unwrap_err().kind(), ErrorKind::WouldBlock);
    drop(second);
    let mut bytes = Vec::new();
    open_plain(&path).unwrap().read_to_end(&mut bytes).unwrap();
    assert!(bytes.starts_with(b"SQLite format 3"));
}

#[test]
fn the_side_files_of_a_held_database_are_not_opened_plainly() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "wal", 1);
    let writer = Writer::start("idle", &[&path]);
    let held = hold(&path).unwrap();
    for suffix in ["-wal", "-shm"] {
        let refused = open_plain(&beside(&path, suffix)).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::WouldBlock, "{suffix}");
    }
    drop(held);
    open_plain(&beside(&path, "-shm")).unwrap();
    writer.stop();
}

#[test]
fn a_connection_waits_until_plain_files_are_closed() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 1);
    let plain = open_plain(&path).unwrap();
    let refused = hold_for(&path, Duration::from_millis(20)).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::TimedOut);
    let closed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let held = hold(&path).unwrap();
            assert!(closed.load(Ordering::SeqCst), "held while it was open");
            drop(held);
        });
        std::thread::sleep(Duration::from_millis(50));
        closed.store(true, Ordering::SeqCst);
        drop(plain);
        waiting.join().unwrap();
    });
}

#[test]
fn only_regular_files_are_opened_and_no_link_is_followed() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 1);
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    for odd in [dir.path(), &link] {
        assert_eq!(open_plain(odd).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

#[test]
fn a_database_is_not_opened_plainly_while_it_is_captured() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let path = dir.path().join("a.db");
        make(&path, mode, 100);
        let seen = Mutex::new(None);
        let look = || *seen.lock().unwrap() = Some(open_plain(&path).map(|_| ()));
        let taken = take_with(&[&path], &options(), &once(look));
        assert_eq!(rows(taken.copy(0)), 100);
        let during = seen.into_inner().unwrap().expect("it was tried");
        assert_eq!(during.unwrap_err().kind(), ErrorKind::WouldBlock, "{mode}");
        open_plain(&path).expect("it opens once the capture is over");
    }
}

/// Why the guard exists, and that its look at a held file (an `O_PATH` descriptor) is harmless.
#[test]
fn a_refused_open_drops_no_lock_and_an_ordinary_one_would() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 1);
    let held = hold(&path).unwrap();
    let pinned = rusqlite::Connection::open(&path).unwrap();
    pinned
        .execute_batch("BEGIN; SELECT * FROM counter")
        .unwrap();
    let commits = || {
        let writer = Writer::start("pairs", &["timeout=0.2".as_ref(), path.as_os_str()]);
        std::thread::sleep(Duration::from_millis(700));
        writer.stop().commits
    };
    drop(open_plain(&path).unwrap_err());
    assert_eq!(commits(), 0, "the pin holds");
    drop(std::fs::File::open(&path).unwrap());
    assert!(commits() > 0, "an ordinary open and close dropped the lock");
    drop(pinned);
    drop(held);
}
