//! Sources that are replaced, removed or broken in the middle of a capture.

use super::{codes, copy_of, once, options, take_with};
use crate::support::sqlite_fixture::{folder, is_whole, make, names_in, rows};

const MANY: u32 = 20_000;

#[test]
fn a_file_that_is_replaced_is_captured_once_more() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let (path, new) = (dir.path().join("a.db"), dir.path().join("new"));
        make(&path, mode, MANY);
        make(&new, mode, 7);
        let replace = || std::fs::rename(&new, &path).unwrap();
        let taken = take_with(&[&path], &options(), &once(replace));
        assert_eq!(rows(taken.copy(0)), 7, "{mode}: the file of that name now");
        assert_eq!(codes(taken.only()), [] as [&str; 0]);
        assert_eq!(names_in(taken.scratch.path()).len(), 1, "no other copy");
    }
}

#[test]
fn a_file_that_is_replaced_beside_others_makes_the_group_inexact() {
    let dir = folder();
    let (path, new) = (dir.path().join("a.db"), dir.path().join("new"));
    let other = dir.path().join("b.db");
    make(&path, "delete", MANY);
    make(&new, "delete", 7);
    make(&other, "delete", MANY);
    let replace = || std::fs::rename(&new, &path).unwrap();
    let taken = take_with(&[&path, &other], &options(), &once(replace));
    assert_eq!(rows(copy_of(&taken.captured[0])), 7);
    assert!(!taken.summary.exact);
}

#[test]
fn a_file_that_keeps_being_replaced_is_kept_with_a_warning() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 10_000);
    let replace = |_: &holdfast::model::Progress| {
        let new = dir.path().join("new");
        std::fs::copy(&path, &new).unwrap();
        std::fs::rename(&new, &path).unwrap();
    };
    // The copy that is read for replacing is another file: the one under capture is never opened plainly here but for its bytes.
    let taken = take_with(&[&path], &options(), &super::Meanwhile(replace));
    assert!(is_whole(taken.copy(0)));
    assert_eq!(codes(taken.only()), ["source_replaced"]);
}

#[test]
fn a_file_that_is_removed_is_kept_as_it_was_with_a_warning() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let path = dir.path().join("a.db");
        make(&path, mode, MANY);
        let remove = || std::fs::remove_file(&path).unwrap();
        let taken = take_with(&[&path], &options(), &once(remove));
        assert_eq!(rows(taken.copy(0)), i64::from(MANY));
        // Side files of a database that is gone cannot be had removed by SQLite, and are never unlinked.
        let left = usize::from(mode == "wal");
        assert_eq!(
            codes(taken.only()),
            ["source_gone", "side_files_left"][..=left]
        );
    }
}

#[test]
fn a_file_that_is_cut_short_under_the_capture_is_found_damaged() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", MANY);
    let cut = || {
        // Not opened here: that would drop the capture's locks.
        let status = std::process::Command::new("truncate")
            .args(["-s", "12M"])
            .arg(&path)
            .status();
        assert!(status.unwrap().success());
    };
    let taken = take_with(&[&path], &options(), &once(cut));
    match &taken.only().outcome {
        holdfast::source::database::Outcome::Damaged { .. } => {}
        holdfast::source::database::Outcome::Database { copy, .. } => {
            let (facts, _) = holdfast::source::database::examine(
                copy,
                holdfast::model::CheckLevel::Quick,
                &holdfast::model::Cancel::new(),
            )
            .unwrap();
            assert_eq!(facts.check, holdfast::model::manifest::CheckResult::Damaged);
        }
        other => panic!("{other:?}"),
    }
}
