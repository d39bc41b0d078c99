//! Claims about executions and manifests.

use holdfast::model::{Execution, ExecutionKind, ExecutionStatus, InstanceId, Warning};
use holdfast::store::{ExecutionFilter, FILE_NAME, StoreError};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{at, execution, ids, open};

#[test]
fn executions_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let mut full = execution("e1", 0);
    let bare = Execution {
        destination_id: None,
        backup_filename: None,
        backup_path: None,
        completed_at: None,
        status: ExecutionStatus::Running,
        size_bytes: None,
        compressed_size_bytes: None,
        files_included: None,
        kind: ExecutionKind::Restore,
        instance_id: None,
        archive_sha256: None,
        manifest_sha256: None,
        sequence: None,
        verified_at: None,
        comment: None,
        warnings: Vec::new(),
        ..execution("e2", 1)
    };
    store.insert_execution(&full).unwrap();
    store.insert_execution(&bare).unwrap();
    assert_eq!(store.execution("e1").unwrap(), Some(full.clone()));
    assert_eq!(store.execution("e2").unwrap(), Some(bare));
    assert_eq!(store.execution("e3").unwrap(), None);
    full.status = ExecutionStatus::Partial;
    store.update_execution(&full).unwrap();
    assert_eq!(store.execution("e1").unwrap(), Some(full));
}

#[test]
fn a_row_that_was_read_before_it_was_pinned_leaves_the_pin_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let read = execution("e1", 0);
    store.insert_execution(&read).unwrap();
    for pinned in [true, false] {
        store.set_pinned("e1", pinned).unwrap();
        store.update_execution(&read).unwrap();
        assert_eq!(store.execution("e1").unwrap().unwrap().pinned, pinned);
    }
    store.mark_archive_gone("e1", Timestamp::now()).unwrap();
    let gone = store.set_pinned("e1", true);
    assert!(matches!(gone, Err(StoreError::Unknown { .. })));
}

#[test]
fn history_is_newest_first_to_the_nanosecond() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let fractions = [0, 5, 50_000_000, 500_000_000, 999_999_999];
    for (n, nanos) in fractions.into_iter().enumerate() {
        let started_at = Timestamp::new(1_700_000_000, nanos).unwrap();
        store
            .insert_execution(&Execution {
                started_at,
                ..execution(&format!("e{n}"), 0)
            })
            .unwrap();
    }
    let all = ExecutionFilter::default();
    assert_eq!(ids(&store, &all), ["e4", "e3", "e2", "e1", "e0"]);
    assert_eq!(
        ids(
            &store,
            &ExecutionFilter {
                limit: Some(2),
                ..all
            }
        ),
        ["e4", "e3"]
    );
}

#[test]
fn filters_narrow_the_history() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let other = Some(InstanceId::from_random(2));
    let rows = [
        execution("e1", 1),
        Execution {
            instance_id: other.clone(),
            ..execution("e2", 2)
        },
        Execution {
            destination_id: Some("d2".to_owned()),
            ..execution("e3", 3)
        },
        Execution {
            kind: ExecutionKind::Drill,
            ..execution("e4", 4)
        },
        Execution {
            status: ExecutionStatus::Failed,
            ..execution("e5", 5)
        },
        Execution {
            backup_filename: None,
            ..execution("e6", 6)
        },
        Execution {
            status: ExecutionStatus::Partial,
            ..execution("e7", 7)
        },
        execution("e8", 8),
    ];
    for row in &rows {
        store.insert_execution(row).unwrap();
    }
    store.mark_archive_gone("e8", at(9)).unwrap();
    let all = ExecutionFilter::default;
    assert_eq!(
        ids(
            &store,
            &ExecutionFilter {
                instance_id: other,
                ..all()
            }
        ),
        ["e2"]
    );
    assert_eq!(
        ids(
            &store,
            &ExecutionFilter {
                destination_id: Some("d2".into()),
                ..all()
            }
        ),
        ["e3"]
    );
    assert_eq!(
        ids(
            &store,
            &ExecutionFilter {
                run_id: Some("run-e5".into()),
                ..all()
            }
        ),
        ["e5"]
    );
    assert_eq!(
        ids(
            &store,
            &ExecutionFilter {
                kind: Some(ExecutionKind::Drill),
                ..all()
            }
        ),
        ["e4"]
    );
    let archives = ExecutionFilter {
        archives_only: true,
        ..all()
    };
    assert_eq!(ids(&store, &archives), ["e7", "e3", "e2", "e1"]);
    assert!(store.execution("e8").unwrap().is_some(), "the record stays");
}

#[test]
fn a_manifest_is_kept_once_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    for (id, second) in [("e1", 1), ("e2", 2), ("e3", 3)] {
        let run_id = "r".to_owned();
        store
            .insert_execution(&Execution {
                run_id,
                ..execution(id, second)
            })
            .unwrap();
    }
    assert_eq!(store.manifest("r").unwrap(), None);
    store.set_manifest("r", "{\"a\":1}").unwrap();
    store
        .update_execution(&Execution {
            run_id: "r".to_owned(),
            ..execution("e1", 1)
        })
        .unwrap();
    store.set_manifest("r", "{\"a\":2}").unwrap();
    assert_eq!(store.manifest("r").unwrap().unwrap(), "{\"a\":2}");
    let raw = Connection::open(dir.path().join(FILE_NAME)).unwrap();
    let kept: i64 = raw
        .query_row(
            "SELECT count(manifest_json) FROM backup_executions",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!(kept, 1);
}

#[test]
fn a_row_that_cannot_be_read_is_named_with_its_table_and_column() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.insert_execution(&execution("e1", 0)).unwrap();
    let raw = Connection::open(dir.path().join(FILE_NAME)).unwrap();
    for (column, junk) in [
        ("status", "'dancing'"),
        ("size_bytes", "-1"),
        ("warnings_json", "'{'"),
        ("started_at", "'soon'"),
    ] {
        raw.execute(
            &format!("UPDATE backup_executions SET {column} = {junk}"),
            [],
        )
        .unwrap();
        let error = store.execution("e1").unwrap_err();
        let StoreError::Row { table, reason } = error else {
            panic!("{column}: {error}")
        };
        assert_eq!(table, "backup_executions");
        assert!(reason.starts_with(column), "{reason}");
        store.update_execution(&execution("e1", 0)).unwrap();
    }
}

#[test]
fn a_warning_is_found_by_its_code_wherever_the_archive_went() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let warned = |id: &str, second, code: &str| Execution {
        warnings: vec![
            Warning::new("first", None, "shrank"),
            Warning::new(code, None, "x"),
        ],
        ..execution(id, second)
    };
    store.insert_execution(&warned("e1", 0, "shrank")).unwrap();
    store.insert_execution(&warned("e2", 1, "other")).unwrap();
    store.insert_execution(&warned("e3", 2, "shrank")).unwrap();
    let elsewhere = Execution {
        instance_id: Some(InstanceId::from_random(2)),
        ..warned("e4", 3, "shrank")
    };
    store.insert_execution(&elsewhere).unwrap();
    store.mark_archive_gone("e1", at(9)).unwrap();
    let found = store.warned(&InstanceId::from_random(1), "shrank").unwrap();
    let ids: Vec<_> = found.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids, ["e3", "e1"]);
}
