//! When copies are handed over: as soon as nothing can take them back, and not before.

use std::cell::RefCell;
use std::sync::Mutex;
use std::time::Duration;

use holdfast::model::{Cancel, Observer, Progress, WhenBusy};
use holdfast::source::database::{CaptureOptions, Outcome, capture};

use super::{options, sources};
use crate::support::sqlite_fixture::{folder, is_whole, make};

/// What had been handed over each time that copying told how far it is.
#[derive(Default)]
struct Seen {
    handed: Mutex<Vec<String>>,
    told: Mutex<Vec<(String, Vec<String>)>>,
    pause: Duration,
}

impl Observer for Seen {
    fn progress(&self, progress: &Progress) {
        std::thread::sleep(self.pause);
        let handed = self.handed.lock().unwrap().clone();
        let mut told = self.told.lock().unwrap();
        told.push((progress.what.clone(), handed));
    }
}

fn run(seen: &Seen, options: &CaptureOptions, paths: &[&std::path::Path]) -> Vec<Outcome> {
    let scratch = folder();
    let outcomes = RefCell::new(Vec::new());
    capture(
        &sources(paths),
        scratch.path(),
        options,
        &Cancel::new(),
        seen,
        &mut |one| {
            if let Outcome::Database { copy, .. } = &one.outcome {
                assert!(is_whole(copy), "what is handed over is finished");
            }
            seen.handed.lock().unwrap().push(one.source.component);
            outcomes.borrow_mut().push(one.outcome);
        },
    )
    .expect("a capture");
    outcomes.into_inner()
}

#[test]
fn a_copy_that_is_done_is_handed_over_while_a_larger_one_is_made() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let (large, small) = (dir.path().join("large.db"), dir.path().join("small.db"));
        make(&large, "wal", 3000);
        make(&small, mode, 10);
        let seen = Seen::default();
        run(&seen, &options(), &[&large, &small]);
        let told = seen.told.lock().unwrap();
        let of_large = told.iter().filter(|(what, _)| what == "c0");
        assert!(
            of_large.clone().count() > 0 && of_large.clone().all(|(_, handed)| handed == &["c1"]),
            "{mode}: {told:?}"
        );
    }
}

#[test]
fn nothing_is_handed_over_while_all_of_them_may_have_to_be_taken_again() {
    let dir = folder();
    let path = |name: &str| dir.path().join(name);
    let (small, large, wal) = (path("small.db"), path("large.db"), path("wal.db"));
    make(&small, "delete", 10);
    make(&large, "delete", 30_000);
    make(&wal, "wal", 10);
    let bound = Duration::from_millis(60);
    let seen = Seen {
        pause: bound,
        ..Seen::default()
    };
    let options = CaptureOptions {
        max_block: bound,
        when_busy: WhenBusy::Fail,
        ..options()
    };
    let outcomes = run(&seen, &options, &[&small, &large, &wal]);
    assert_eq!(outcomes.len(), 3, "each once");
    let told = seen.told.lock().unwrap();
    // The first pass ends at the large one, and copies nothing that would only be thrown away.
    let first_wal = told.iter().position(|(what, _)| what == "c2");
    let passes = told[..first_wal.expect("it is copied")]
        .iter()
        .filter(|(what, _)| what == "c0")
        .count();
    assert!(passes >= 2, "{told:?}");
    let (_, handed) = &told[first_wal.unwrap() - 1];
    assert!(handed.is_empty(), "{told:?}");
}
