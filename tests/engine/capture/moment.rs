//! Several databases as of one moment.

use std::path::{Path, PathBuf};
use std::time::Duration;

use holdfast::model::NoObserver;
use holdfast::source::database::{CaptureError, CaptureOptions};

use super::{copy_of, missing, options, take, take_with};
use crate::support::sqlite_fixture::{counter, folder, make};
use crate::support::writer::Writer;

const ROUNDS: usize = 25;
/// Without sentinels and freeze one in some tens of captures of this group is torn, so it takes many to notice.
const MANY_ROUNDS: usize = 200;

fn group(dir: &Path, modes: &[&str]) -> Vec<PathBuf> {
    modes
        .iter()
        .enumerate()
        .map(|(at, mode)| {
            let path = dir.join(format!("{at}.db"));
            make(&path, mode, 100);
            path
        })
        .collect()
}

fn counters(paths: &[PathBuf]) -> (Vec<i64>, bool) {
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let taken = take(&paths);
    let seen = (0..paths.len()).map(|at| counter(taken.copy(at)));
    (seen.collect(), taken.summary.exact)
}

/// The writer goes through the files in order, so at any one moment the first is ahead of the last by one at most.
#[test]
fn an_exact_capture_never_tears_what_was_written_in_order() {
    for (modes, rounds) in [
        (&["wal"; 6][..], MANY_ROUNDS),
        (&["wal"; 2], ROUNDS),
        (&["delete"; 3], ROUNDS),
        (&["delete", "wal", "wal"], ROUNDS),
        (&["wal", "delete", "wal", "delete"], ROUNDS),
    ] {
        let dir = folder();
        let paths = group(dir.path(), modes);
        let writer = Writer::start("pairs", &paths);
        let mut exact_rounds = 0;
        for _ in 0..rounds {
            let (seen, exact) = counters(&paths);
            if !exact {
                continue;
            }
            exact_rounds += 1;
            assert!(seen.is_sorted_by(|a, b| a >= b), "{modes:?}: {seen:?}");
            assert!(seen[0] - seen[seen.len() - 1] <= 1, "{modes:?}: {seen:?}");
        }
        assert_eq!(writer.stop().errors, [] as [&str; 0], "{modes:?}");
        assert!(exact_rounds * 2 > rounds, "{modes:?}: {exact_rounds} exact");
    }
}

/// In WAL mode SQLite commits such a transaction file by file, for every reader, so there the moment may lie between two of them.
#[test]
fn an_exact_capture_never_tears_a_transaction_over_several_files() {
    for (mode, apart) in [("delete", 0), ("wal", 1)] {
        let dir = folder();
        let paths = group(dir.path(), &[mode; 3]);
        let writer = Writer::start("together", &paths);
        let mut exact_rounds = 0;
        for _ in 0..ROUNDS {
            let (seen, exact) = counters(&paths);
            if exact {
                exact_rounds += 1;
                let (least, most) = (seen.iter().min(), seen.iter().max());
                assert!(most.unwrap() - least.unwrap() <= apart, "{mode}: {seen:?}");
            }
        }
        assert_eq!(writer.stop().errors, [] as [&str; 0], "{mode}");
        assert!(exact_rounds * 2 > ROUNDS, "{mode}: {exact_rounds} exact");
    }
}

/// Who holds the lock that is waited for may itself wait for one that the capture holds.
#[test]
fn no_lock_is_held_for_long_while_another_is_waited_for() {
    let dir = folder();
    let paths = group(dir.path(), &["delete"; 2]);
    let holder = Writer::start("hold-exclusive", &paths[1..]);
    let writer = Writer::start("pairs", &["timeout=1".as_ref(), paths[0].as_os_str()]);
    let patience = CaptureOptions {
        deadline: Duration::from_secs(3),
        ..options()
    };
    let taken = take_with(&[&paths[0], &paths[1]], &patience, &NoObserver);
    let report = writer.stop();
    assert_eq!(report.errors, [] as [&str; 0]);
    assert!(report.commits > 0);
    assert!(matches!(
        missing(&taken.captured[1]),
        CaptureError::Busy { .. }
    ));
    assert!(counter(copy_of(&taken.captured[0])) >= 0);
    holder.stop();
}
