//! The scratch folder: no room, cancelled, and nothing half-done left there.

use std::path::Path;

use holdfast::model::{Cancel, NoObserver, Observer};
use holdfast::source::database::{CaptureError, capture};

use super::{once, options, sources, take};
use crate::support::sqlite_fixture::{
    Small, beside, digest, digests, folder, make, names_in, rows,
};

fn fails(path: &Path, scratch: &Path, cancel: &Cancel, observer: &dyn Observer) -> CaptureError {
    let mut delivered = 0;
    let before = digests(path);
    let error = capture(
        &sources(&[path]),
        scratch,
        &options(),
        cancel,
        observer,
        &mut |_| delivered += 1,
    )
    .expect_err("no capture");
    assert_eq!(delivered, 0);
    assert_eq!(digests(path), before, "the source is untouched");
    error
}

#[test]
fn a_scratch_folder_without_room_is_refused_before_anything_is_copied() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 4000);
    let Some(small) = Small::mount(dir.path(), "2M") else {
        return;
    };
    let error = fails(&path, &small.0, &Cancel::new(), &NoObserver);
    assert!(matches!(error, CaptureError::NoSpace(at) if at == small.0));
    assert!(names_in(&small.0).is_empty());
}

#[test]
fn a_disk_that_fills_up_meanwhile_ends_the_capture_without_half_a_copy() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let path = dir.path().join("a.db");
        make(&path, mode, 30_000);
        let Some(small) = Small::mount(dir.path(), "48M") else {
            return;
        };
        let filler = small.0.join("filler");
        let fill = || std::fs::write(&filler, vec![1; 32 << 20]).unwrap();
        let error = fails(&path, &small.0, &Cancel::new(), &once(fill));
        assert!(matches!(error, CaptureError::NoSpace(at) if at == small.0));
        assert_eq!(names_in(&small.0), ["filler"], "{mode}");
    }
}

#[test]
fn a_full_disk_is_told_for_plain_bytes_too() {
    let dir = folder();
    let path = dir.path().join("a.db");
    std::fs::write(&path, vec![3; 30 << 20]).unwrap();
    let Some(small) = Small::mount(dir.path(), "40M") else {
        return;
    };
    let filler = small.0.join("filler");
    let fill = || std::fs::write(&filler, vec![1; 20 << 20]).unwrap();
    let error = fails(&path, &small.0, &Cancel::new(), &once(fill));
    assert!(matches!(error, CaptureError::NoSpace(_)));
    assert_eq!(names_in(&small.0), ["filler"]);
}

/// Where the service's own disk is full the index of a log cannot be made, and a backup is wanted more than ever.
#[test]
fn a_database_on_a_full_disk_is_captured() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let Some(small) = Small::mount(dir.path(), "20M") else {
            return;
        };
        let path = small.0.join("a.db");
        make(&path, mode, 2000);
        std::fs::write(small.0.join("filler"), vec![1; 32 << 20]).unwrap_err();
        let before = digest(&path);
        let taken = take(&[&path]);
        assert_eq!(rows(taken.copy(0)), 2000, "{mode}");
        assert_eq!(digest(&path), before, "{mode}");
        // What SQLite could not make it cannot take away: an empty log at most, which the next one to open it does away with.
        let log = std::fs::metadata(beside(&path, "-wal"));
        assert_eq!(log.map_or(0, |log| log.len()), 0, "{mode}");
    }
}

#[test]
fn a_cancelled_capture_leaves_nothing() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let path = dir.path().join("a.db");
        make(&path, mode, 30_000);
        let scratch = folder();
        let cancel = Cancel::new();
        let error = fails(&path, scratch.path(), &cancel, &once(|| cancel.cancel()));
        assert!(matches!(error, CaptureError::Cancelled(_)));
        assert!(names_in(scratch.path()).is_empty());
        assert_eq!(names_in(dir.path()), ["a.db"], "{mode}: nothing beside it");
    }
}

#[test]
fn a_scratch_folder_that_is_not_there_is_an_error() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 10);
    let nowhere = dir.path().join("nowhere");
    let error = fails(&path, &nowhere, &Cancel::new(), &NoObserver);
    assert!(matches!(error, CaptureError::Io { path, .. } if path == nowhere));
}

#[test]
fn copies_are_for_their_owner_alone_and_earlier_ones_stay() {
    use std::os::unix::fs::MetadataExt;
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "wal", 10);
    let scratch = folder();
    for round in 1..=2 {
        capture(
            &sources(&[&path]),
            scratch.path(),
            &options(),
            &Cancel::new(),
            &NoObserver,
            &mut |one| {
                let mode = super::copy_of(&one).metadata().unwrap().mode();
                assert_eq!(mode & 0o777, 0o600);
            },
        )
        .unwrap();
        assert_eq!(names_in(scratch.path()).len(), round);
    }
}
