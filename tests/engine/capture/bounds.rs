//! How long a rollback-mode writer may be made to wait, and what becomes of a database that takes longer.

use std::path::Path;
use std::time::Duration;

use holdfast::model::{Progress, WhenBusy};
use holdfast::source::database::{CaptureError, CaptureOptions};

use super::{Meanwhile, blocked, copy_of, missing, once, options, take_with};
use crate::support::sqlite_fixture::{Small, counter, folder, is_whole, make, names_in};
use crate::support::writer::{Writer, python};

const BOUND: Duration = Duration::from_millis(60);

/// Every 8 MiB take longer than the bound.
fn slow(_: &Progress) {
    std::thread::sleep(BOUND);
}

fn bounded(when_busy: WhenBusy) -> CaptureOptions {
    CaptureOptions {
        max_block: BOUND,
        when_busy,
        ..options()
    }
}

fn large(path: &Path) {
    make(path, "delete", 30_000);
}

#[test]
fn a_database_that_would_block_for_too_long_is_given_up_and_its_writer_goes_on() {
    let dir = folder();
    let path = dir.path().join("a.db");
    large(&path);
    let writer = Writer::start("busy", &[&path]);
    let taken = take_with(&[&path], &bounded(WhenBusy::Fail), &Meanwhile(slow));
    let then = counter(&path);
    while counter(&path) == then {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(writer.stop().errors, [] as [&str; 0]);
    let error = missing(taken.only());
    assert!(
        matches!(error, CaptureError::Blocking { bound, .. } if *bound == BOUND),
        "{error:?}"
    );
    assert!(names_in(taken.scratch.path()).is_empty(), "no half copy");
}

#[test]
fn a_large_database_is_given_up_in_the_middle_of_its_clone() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 80_000);
    let impatient = CaptureOptions {
        max_block: Duration::from_micros(1),
        ..bounded(WhenBusy::Fail)
    };
    let taken = take_with(&[&path], &impatient, &holdfast::model::NoObserver);
    let error = missing(taken.only());
    assert!(matches!(error, CaptureError::Blocking { .. }), "{error:?}");
    assert!(names_in(taken.scratch.path()).is_empty(), "no half copy");
}

#[test]
fn who_chose_to_wait_gets_one_unbounded_pass_and_its_length() {
    let dir = folder();
    let path = dir.path().join("a.db");
    large(&path);
    let writer = Writer::start("busy", &[&path]);
    let taken = take_with(&[&path], &bounded(WhenBusy::Wait), &Meanwhile(slow));
    assert_eq!(writer.stop().errors, [] as [&str; 0]);
    assert!(is_whole(taken.copy(0)));
    assert!(blocked(taken.only()) > 2 * BOUND);
    assert!(taken.summary.exact, "it is the only one");
}

/// By the writer's own clock. Beside it stand its longest commit with no capture at all, and the wait that the bound is there to spare it.
#[test]
fn the_longest_wait_of_a_writer_by_its_own_clock_is_nearer_to_none_than_to_a_whole_copy() {
    let dir = folder();
    let path = dir.path().join("a.db");
    // A copy takes some ten steps.
    make(&path, "delete", 60_000);
    let longest = |meanwhile: &dyn Fn()| {
        let writer = Writer::start("busy", &["timeout=60".as_ref(), path.as_os_str()]);
        meanwhile();
        let report = writer.stop();
        assert_eq!(report.errors, [] as [&str; 0]);
        Duration::from_secs_f64(report.longest_ms / 1000.0)
    };
    let capture = |when_busy| {
        let very_slow = Meanwhile(|_: &Progress| std::thread::sleep(8 * BOUND));
        take_with(&[&path], &bounded(when_busy), &very_slow)
    };
    let undisturbed = longest(&|| std::thread::sleep(10 * BOUND));
    let spared = longest(&|| {
        let taken = capture(WhenBusy::Fail);
        let error = missing(taken.only());
        assert!(matches!(error, CaptureError::Blocking { .. }), "{error:?}");
    });
    let waited = longest(&|| assert!(is_whole(capture(WhenBusy::Wait).copy(0))));
    assert!(
        spared < undisturbed + waited / 2,
        "{undisturbed:?} without a capture, {spared:?} with the bound, {waited:?} without it"
    );
}

#[test]
fn what_fits_the_bound_is_captured_beside_what_does_not() {
    let dir = folder();
    let (small, big, wal) = (
        dir.path().join("small.db"),
        dir.path().join("big.db"),
        dir.path().join("wal.db"),
    );
    large(&big);
    make(&small, "delete", 10);
    make(&wal, "wal", 10);
    let taken = take_with(
        &[&big, &small, &wal],
        &bounded(WhenBusy::Fail),
        &Meanwhile(slow),
    );
    assert!(matches!(
        missing(&taken.captured[0]),
        CaptureError::Blocking { .. }
    ));
    assert!(is_whole(copy_of(&taken.captured[1])));
    assert!(is_whole(copy_of(&taken.captured[2])));
    assert!(taken.summary.exact, "those that were had show one moment");
}

#[test]
fn a_lock_that_does_not_end_is_reported_as_busy_after_the_deadline() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let (locked, free) = (dir.path().join("locked.db"), dir.path().join("free.db"));
        make(&locked, mode, 10);
        make(&free, mode, 10);
        let owner = Writer::start("exclusive", &[&locked]);
        let patience = CaptureOptions {
            deadline: Duration::from_millis(300),
            ..options()
        };
        let taken = take_with(&[&locked, &free], &patience, &holdfast::model::NoObserver);
        let error = missing(&taken.captured[0]);
        assert!(
            matches!(error, CaptureError::Busy { waited, .. } if *waited == patience.deadline),
            "{mode}: {error:?}"
        );
        assert!(is_whole(copy_of(&taken.captured[1])));
        assert_eq!(owner.stop().errors, [] as [&str; 0]);
    }
}

#[test]
fn a_wal_that_grows_towards_the_end_of_the_disk_ends_its_capture() {
    let dir = folder();
    // Less than the 64 MiB that must stay free.
    let Some(small) = Small::mount(dir.path(), "60M") else {
        return;
    };
    let path = small.0.join("a.db");
    make(&path, "wal", 15_000);
    let grow = || {
        python(
            "d = sqlite3.connect(sys.argv[1])\nd.execute('INSERT INTO t(v) VALUES (zeroblob(1000000))')\nd.commit()",
            &path,
        );
    };
    let taken = take_with(&[&path], &options(), &once(grow));
    let error = missing(taken.only());
    assert!(
        matches!(error, CaptureError::WalGrew { grown, .. } if *grown > 1_000_000),
        "{error:?}"
    );
    assert!(names_in(taken.scratch.path()).is_empty());
}

#[test]
fn a_wal_copy_that_does_not_end_is_stopped_and_said_to_be_unfinished() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "wal", 10_000);
    let stuck = || std::thread::sleep(Duration::from_millis(3500));
    let impatient = CaptureOptions {
        copy_deadline: Duration::from_millis(500),
        ..options()
    };
    let taken = take_with(&[&path], &impatient, &once(stuck));
    let error = missing(taken.only());
    assert!(
        matches!(error, CaptureError::Unfinished { .. }),
        "{error:?}"
    );
}
