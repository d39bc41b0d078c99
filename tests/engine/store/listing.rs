//! Claims about bringing a listing into the store.

use holdfast::model::{Execution, ExecutionKind, ExecutionStatus};
use holdfast::store::{ExecutionFilter, FoundArchive, Merged, Store};

use super::{at, execution};

const PLACE: &str = "d1";

fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = super::open(&dir);
    (dir, store)
}

fn found(n: u32) -> FoundArchive {
    FoundArchive {
        path: format!("web-0a1b2c3d/manual/{n}"),
        file_name: n.to_string(),
        instance_id: Some("0a1b2c3d".parse().unwrap()),
        created_at: at(n.into()),
        size: 10,
    }
}

fn merge(store: &Store, archives: &[FoundArchive]) -> Merged {
    let mut listing = store.begin_listing(PLACE).unwrap();
    for archive in archives {
        listing.add(archive).unwrap();
    }
    listing.merge("cli", at(9)).unwrap()
}

fn there(store: &Store) -> Vec<Execution> {
    let filter = ExecutionFilter {
        destination_id: Some(PLACE.to_owned()),
        kind: Some(ExecutionKind::Backup),
        archives_only: true,
        ..ExecutionFilter::default()
    };
    store.executions(&filter).unwrap()
}

#[test]
fn a_listing_that_is_not_merged_changes_nothing() {
    let (_dir, store) = open();
    merge(&store, &[found(1)]);
    let mut listing = store.begin_listing(PLACE).unwrap();
    listing.add(&found(2)).unwrap();
    drop(listing);
    assert_eq!(there(&store).len(), 1);
}

#[test]
fn what_comes_twice_and_what_is_impossible_harms_nothing() {
    let (_dir, store) = open();
    let mut huge = found(2);
    huge.size = u64::MAX;
    let merged = merge(&store, &[found(1), found(1), huge.clone(), huge]);
    assert_eq!((merged.added, merged.removed), (2, 0));
    assert_eq!(
        there(&store)[0].compressed_size_bytes,
        Some(i64::MAX.unsigned_abs())
    );
}

#[test]
fn a_second_listing_adds_what_is_new_and_marks_what_is_gone() {
    let (_dir, store) = open();
    merge(&store, &[found(1), found(2)]);
    let before = there(&store);
    let merged = merge(&store, &[found(2), found(3)]);
    assert_eq!((merged.added, merged.removed), (1, 1));
    let names: Vec<_> = there(&store)
        .into_iter()
        .filter_map(|e| e.backup_filename)
        .collect();
    assert_eq!(names, ["3", "2"]);
    assert_eq!(there(&store)[1].id, before[0].id, "a record stays the same");
}

#[test]
fn what_is_recorded_while_the_place_is_listed_is_neither_gone_nor_there_twice() {
    let (_dir, store) = open();
    let mut listing = store.begin_listing(PLACE).unwrap();
    // Another process writes meanwhile. One archive the listing has passed by already, another it comes across.
    for n in [1, 2] {
        let archive = found(n);
        store
            .insert_execution(&Execution {
                destination_id: Some(PLACE.to_owned()),
                backup_filename: Some(archive.file_name),
                backup_path: Some(archive.path),
                status: ExecutionStatus::Completed,
                ..execution(&format!("e{n}"), n.into())
            })
            .unwrap();
    }
    listing.add(&found(2)).unwrap();
    let merged = listing.merge("cli", at(9)).unwrap();
    assert_eq!(merged, Merged::default());
    assert_eq!(there(&store).len(), 2);
}

/// Its archive lies there before its record says so.
#[test]
fn the_archive_of_a_run_that_goes_on_is_left_to_the_run() {
    let (_dir, store) = open();
    store
        .insert_execution(&Execution {
            destination_id: Some(PLACE.to_owned()),
            instance_id: Some("0a1b2c3d".parse().unwrap()),
            backup_filename: None,
            backup_path: None,
            status: ExecutionStatus::Running,
            ..execution("e", 2)
        })
        .unwrap();
    let merged = merge(&store, &[found(1), found(2)]);
    assert_eq!(merged.added, 1, "the older one is no part of the run");
    assert_eq!(there(&store)[0].backup_filename.as_deref(), Some("1"));
}

#[test]
fn another_destination_is_not_touched() {
    let (_dir, store) = open();
    merge(&store, &[found(1)]);
    let mut other = store.begin_listing("d2").unwrap();
    other.add(&found(1)).unwrap();
    assert_eq!(other.merge("cli", at(9)).unwrap().added, 1);
    assert_eq!(merge(&store, &[found(1)]), Merged::default());
}

#[test]
fn the_newest_of_each_instance_is_the_one_to_be_read() {
    let (_dir, store) = open();
    let other = FoundArchive {
        instance_id: Some("ffffffff".parse().unwrap()),
        path: "x-ffffffff/manual/7".to_owned(),
        ..found(7)
    };
    let nobodys = FoundArchive {
        instance_id: None,
        path: "server/manual/8".to_owned(),
        ..found(8)
    };
    let mut listing = store.begin_listing(PLACE).unwrap();
    for archive in [&found(1), &other, &nobodys, &found(5), &found(3)] {
        listing.add(archive).unwrap();
    }
    listing.merge("cli", at(9)).unwrap();
    let newest = listing.newest_unread().unwrap();
    let mut names: Vec<_> = newest
        .iter()
        .map(|unread| {
            store
                .execution(&unread.execution_id)
                .unwrap()
                .unwrap()
                .backup_filename
                .unwrap()
        })
        .collect();
    names.sort();
    assert_eq!(names, ["5", "7"]);
    let counts = listing.counts().unwrap();
    assert_eq!(counts.iter().map(|(_, n)| n).sum::<u64>(), 5);
    assert!(counts.contains(&(None, 1)));
}

/// A place that listed late, a share that was not mounted.
#[test]
fn what_was_away_for_a_while_is_what_it_was() {
    let (_dir, store) = open();
    merge(&store, &[found(1), found(2)]);
    let was = there(&store);
    for archive in &was {
        store.set_pinned(&archive.id, true).unwrap();
    }
    let away = merge(&store, &[]);
    assert_eq!((away.added, away.removed), (0, 2));
    let other_file = FoundArchive {
        size: 11,
        ..found(2)
    };
    let back = merge(&store, &[found(1), other_file]);
    assert_eq!((back.added, back.removed), (2, 0));
    let now = there(&store);
    let named = |name: &str, all: &[Execution]| {
        let mut all = all.iter();
        all.find(|e| e.backup_filename.as_deref() == Some(name))
            .unwrap()
            .clone()
    };
    assert_eq!(named("1", &now).id, named("1", &was).id);
    assert!(named("1", &now).pinned);
    assert_ne!(named("2", &now).id, named("2", &was).id);
    assert!(!named("2", &now).pinned, "another file");
    assert_eq!(merge(&store, &[found(1)]).removed, 1);
}

/// Deleted by somebody after the listing had passed it by.
#[test]
fn what_goes_while_the_place_is_listed_does_not_come_back() {
    let (_dir, store) = open();
    merge(&store, &[found(1)]);
    let mut listing = store.begin_listing(PLACE).unwrap();
    listing.add(&found(1)).unwrap();
    store
        .mark_archive_gone(&there(&store)[0].id, at(5))
        .unwrap();
    assert_eq!(listing.merge("cli", at(9)).unwrap(), Merged::default());
    assert_eq!(there(&store).len(), 0);
}
