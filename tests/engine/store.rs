//! Claims about `store`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

use holdfast::model::{
    Component, ComponentKind, DestinationConfig, DestinationType, Execution, ExecutionKind,
    ExecutionStatus, Instance, InstanceId, InstanceSettings, Template, Warning,
};
use holdfast::store::{ExecutionFilter, FILE_NAME, Signer, Store, StoreError};
use jiff::Timestamp;
use rusqlite::Connection;

use small_disk::{make_read_only, with_small_disk};

#[path = "../support/small_disk.rs"]
mod small_disk;

fn open(dir: &tempfile::TempDir) -> Store {
    Store::open(dir.path()).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn at(second: i64) -> Timestamp {
    Timestamp::new(1_700_000_000 + second, 0).unwrap()
}

fn instance(id: u32, name: &str) -> Instance {
    Instance {
        id: InstanceId::from_random(id),
        name: name.to_owned(),
        path: PathBuf::from("/srv/tacacs"),
        template: Template::Tacacs,
        components: vec![Component {
            name: "devices".to_owned(),
            kind: ComponentKind::Database,
            sources: vec![PathBuf::from("data/devices.db")],
        }],
        settings: InstanceSettings {
            exclude: vec!["*.log".to_owned()],
            ..InstanceSettings::default()
        },
        created_at: at(0),
    }
}

fn destination(id: &str, name: &str) -> DestinationConfig {
    DestinationConfig {
        id: id.to_owned(),
        name: name.to_owned(),
        destination_type: DestinationType::Local,
        enabled: true,
        config: BTreeMap::from([("base_path".to_owned(), "/mnt/backups".to_owned())]),
        created_at: at(0),
        created_by: "ada".to_owned(),
        last_backup_at: Some(at(5)),
        last_backup_status: Some("completed".to_owned()),
    }
}

fn execution(id: &str, second: i64) -> Execution {
    Execution {
        id: id.to_owned(),
        destination_id: Some("d1".to_owned()),
        backup_filename: Some(format!("{id}.tar.gz")),
        backup_path: Some(format!("a-00000001/manual/{id}.tar.gz")),
        triggered_by: "cli".to_owned(),
        started_at: at(second),
        completed_at: Some(at(second + 1)),
        status: ExecutionStatus::Completed,
        size_bytes: Some(10),
        compressed_size_bytes: Some(4),
        files_included: Some(1),
        error_message: None,
        kind: ExecutionKind::Backup,
        run_id: format!("run-{id}"),
        instance_id: Some(InstanceId::from_random(1)),
        archive_sha256: Some("aa".to_owned()),
        manifest_sha256: Some("bb".to_owned()),
        sequence: Some(1),
        verified_at: Some(at(second + 1)),
        drilled_at: None,
        pinned: false,
        comment: Some("before the move".to_owned()),
        warnings: vec![Warning::new("shrank", Some("devices"), "it shrank")],
    }
}

fn ids(store: &Store, filter: &ExecutionFilter) -> Vec<String> {
    let found = store.executions(filter).unwrap();
    found.into_iter().map(|e| e.id).collect()
}

#[test]
fn a_new_store_and_its_side_files_are_private() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("deep/data");
    let store = Store::open(&data).unwrap();
    store.set_setting("a", Some("1")).unwrap();
    assert_eq!(mode(&data), 0o700);
    for side in ["", "-wal", "-shm"] {
        assert_eq!(
            mode(&data.join(format!("{FILE_NAME}{side}"))),
            0o600,
            "{side}"
        );
    }
    let left: Vec<_> = fs::read_dir(&data).unwrap().collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn a_store_that_others_could_read_is_made_private_again() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir));
    let file = dir.path().join(FILE_NAME);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    open(&dir).set_setting("a", Some("1")).unwrap();
    assert_eq!(mode(&file), 0o600);
}

#[test]
fn a_link_in_the_store_s_place_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let elsewhere = dir.path().join("elsewhere.db");
    drop(Connection::open(&elsewhere).unwrap());
    std::os::unix::fs::symlink(&elsewhere, dir.path().join(FILE_NAME)).unwrap();
    assert!(matches!(
        Store::open(dir.path()),
        Err(StoreError::Io { .. })
    ));
}

#[test]
fn a_data_folder_behind_a_link_works() {
    let dir = tempfile::tempdir().unwrap();
    let (real, link) = (dir.path().join("real"), dir.path().join("link"));
    fs::create_dir(&real).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    Store::open(&link)
        .unwrap()
        .set_setting("a", Some("1"))
        .unwrap();
    assert_eq!(
        Store::open(&real).unwrap().setting("a").unwrap().unwrap(),
        "1"
    );
}

#[test]
fn a_newer_store_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir));
    let file = dir.path().join(FILE_NAME);
    let raw = Connection::open(&file).unwrap();
    raw.pragma_update(None, "user_version", 4711).unwrap();
    raw.pragma_update(None, "journal_mode", "delete").unwrap();
    drop(raw);
    let before = fs::read(&file).unwrap();
    let refused = Store::open(dir.path()).err().unwrap();
    assert!(
        matches!(refused, StoreError::Newer { found: 4711, .. }),
        "{refused}"
    );
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_file_that_is_no_database_is_named_as_such_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(FILE_NAME);
    let bytes = b"this has been something else all along".repeat(300);
    fs::write(&file, &bytes).unwrap();
    assert!(matches!(
        Store::open(dir.path()),
        Err(StoreError::Corrupt(_))
    ));
    assert_eq!(fs::read(&file).unwrap(), bytes);
}

#[test]
fn the_tables_have_the_columns_that_scripts_rely_on() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(&dir));
    let raw = Connection::open(dir.path().join(FILE_NAME)).unwrap();
    let columns = |table: &str| -> Vec<String> {
        let mut statement = raw
            .prepare(&format!("SELECT name FROM pragma_table_info('{table}')"))
            .unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    };
    insta::assert_snapshot!(columns("backup_executions").join(" "), @"id destination_id backup_filename backup_path triggered_by started_at completed_at status size_bytes compressed_size_bytes files_included error_message kind run_id instance_id archive_sha256 manifest_sha256 sequence verified_at drilled_at pinned comment warnings_json archive_gone_at manifest_json");
    insta::assert_snapshot!(columns("backup_destinations").join(" "), @"id name type enabled config_json retention_days created_at created_by last_backup_at last_backup_status retention_json");
}

#[test]
fn instances_come_back_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let mut a = instance(1, "alpha");
    a.path = PathBuf::from(std::ffi::OsString::from_vec(b"/srv/\xff".to_vec()));
    let b = instance(2, "beta");
    store.insert_instance(&b).unwrap();
    store.insert_instance(&a).unwrap();
    assert_eq!(store.instances().unwrap(), [a.clone(), b.clone()]);
    assert_eq!(store.instance("alpha").unwrap(), Some(a.clone()));
    assert_eq!(store.instance_by_id(&b.id).unwrap(), Some(b.clone()));
    assert_eq!(store.instance("gamma").unwrap(), None);
    a.name = "gamma".to_owned();
    store.update_instance(&a).unwrap();
    assert_eq!(store.instance("gamma").unwrap(), Some(a.clone()));
    store.remove_instance(&a.id).unwrap();
    store.remove_instance(&a.id).unwrap();
    assert_eq!(store.instances().unwrap(), [b]);
}

#[test]
fn a_name_or_an_id_is_given_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    store.insert_instance(&instance(1, "alpha")).unwrap();
    store.insert_instance(&instance(3, "beta")).unwrap();
    for again in [instance(2, "alpha"), instance(1, "other")] {
        assert!(matches!(
            store.insert_instance(&again),
            Err(StoreError::Taken(_))
        ));
    }
    let renamed = instance(3, "alpha");
    assert!(matches!(
        store.update_instance(&renamed),
        Err(StoreError::Taken(_))
    ));
    store.insert_destination(&destination("d1", "nas")).unwrap();
    let again = destination("d2", "nas");
    assert!(
        matches!(store.insert_destination(&again), Err(StoreError::Taken(name)) if name == "nas")
    );
    store.insert_execution(&execution("e1", 0)).unwrap();
    assert!(matches!(
        store.insert_execution(&execution("e1", 9)),
        Err(StoreError::Taken(_))
    ));
}

#[test]
fn a_change_to_what_is_not_there_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let unknown = |r: Result<(), StoreError>| matches!(r, Err(StoreError::Unknown { .. }));
    assert!(unknown(store.update_instance(&instance(1, "alpha"))));
    assert!(unknown(store.update_destination(&destination("d1", "nas"))));
    assert!(unknown(store.update_execution(&execution("e1", 0))));
    assert!(unknown(store.mark_archive_gone("e1", at(0))));
    assert!(unknown(store.set_manifest("run-e1", "{}")));
}

#[test]
fn destinations_come_back_as_they_were_and_an_update_leaves_the_policy_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let mut nas = destination("d1", "nas");
    store.insert_destination(&nas).unwrap();
    let raw = Connection::open(dir.path().join(FILE_NAME)).unwrap();
    raw.execute("UPDATE backup_destinations SET retention_days = 30", [])
        .unwrap();
    nas.enabled = false;
    nas.last_backup_at = None;
    store.update_destination(&nas).unwrap();
    assert_eq!(store.destination("nas").unwrap(), Some(nas.clone()));
    assert_eq!(store.destination_by_id("d1").unwrap(), Some(nas.clone()));
    assert_eq!(store.destinations().unwrap(), [nas]);
    let days: i64 = raw
        .query_row("SELECT retention_days FROM backup_destinations", [], |r| {
            r.get(0)
        })
        .unwrap();
    assert_eq!(days, 30);
    store.remove_destination("d1").unwrap();
    assert_eq!(store.destination("nas").unwrap(), None);
}

#[test]
fn a_secret_among_the_settings_of_a_destination_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let mut nas = destination("d1", "nas");
    nas.config
        .insert("password".to_owned(), "hunter2".to_owned());
    let refused = store.insert_destination(&nas).unwrap_err();
    assert!(matches!(&refused, StoreError::Secret(name) if name == "password"));
    assert!(!format!("{refused} {refused:?}").contains("hunter2"));
    assert_eq!(store.destinations().unwrap(), []);
}

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
    full.pinned = true;
    store.update_execution(&full).unwrap();
    assert_eq!(store.execution("e1").unwrap(), Some(full));
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
fn no_two_backups_get_the_same_number() {
    let dir = tempfile::tempdir().unwrap();
    let id = InstanceId::from_random(7);
    let stores = [open(&dir), open(&dir)];
    let mut numbers: Vec<u64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|n| {
                let (store, id) = (&stores[n % 2], &id);
                scope.spawn(move || {
                    (0..25)
                        .map(|_| store.next_sequence(id).unwrap())
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect()
    });
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=100).collect::<Vec<_>>());
}

#[test]
fn a_sequence_outlives_its_instance_and_never_counts_down() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let a = instance(1, "alpha");
    store.insert_instance(&a).unwrap();
    assert_eq!(store.next_sequence(&a.id).unwrap(), 1);
    store.raise_sequence(&a.id, 40).unwrap();
    store.raise_sequence(&a.id, 7).unwrap();
    store.remove_instance(&a.id).unwrap();
    assert_eq!(store.next_sequence(&a.id).unwrap(), 41);
    assert!(matches!(
        store.raise_sequence(&a.id, u64::MAX),
        Err(StoreError::Row { .. })
    ));
    assert_eq!(store.next_sequence(&a.id).unwrap(), 42);
}

#[test]
fn a_setting_that_is_made_once_is_the_same_for_all_who_start_together() {
    let dir = tempfile::tempdir().unwrap();
    let barrier = Barrier::new(6);
    let seen: Vec<String> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|n| {
                let (dir, barrier) = (&dir, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    // Each its own store, so that the making of the file races too.
                    open(dir)
                        .setting_or_insert("scope", &format!("s{n}"))
                        .unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert!(seen.iter().all(|s| *s == seen[0]), "{seen:?}");
    assert_eq!(
        open(&dir).setting("scope").unwrap().as_ref(),
        Some(&seen[0])
    );
}

#[test]
fn settings_are_set_replaced_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    assert_eq!(store.setting("language").unwrap(), None);
    store.set_setting("language", Some("de")).unwrap();
    store.set_setting("language", Some("en")).unwrap();
    assert_eq!(open(&dir).setting("language").unwrap().unwrap(), "en");
    store.set_setting("language", None).unwrap();
    store.set_setting("language", None).unwrap();
    assert_eq!(store.setting("language").unwrap(), None);
}

#[test]
fn a_known_key_id_is_never_given_another_key() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let signer = Signer {
        key_id: "0123456789ABCDEF".to_owned(),
        verification_key: "RWQ1".to_owned(),
        name: "old server".to_owned(),
    };
    store.add_signer(&signer).unwrap();
    let forged = Signer {
        verification_key: "RWQ2".to_owned(),
        ..signer.clone()
    };
    assert!(matches!(
        store.add_signer(&forged),
        Err(StoreError::Taken(_))
    ));
    assert_eq!(store.signers().unwrap(), std::slice::from_ref(&signer));
    store.remove_signer(&signer.key_id).unwrap();
    assert_eq!(store.signers().unwrap(), []);
}

#[test]
fn a_full_disk_is_named_and_what_was_stored_stays() {
    let name = "store::a_full_disk_is_named_and_what_was_stored_stays";
    with_small_disk(name, 1024, |disk| {
        let store = Store::open(disk).unwrap();
        store.insert_execution(&execution("e1", 0)).unwrap();
        let filler = disk.join("filler");
        assert!(fs::write(&filler, vec![0; 2 << 20]).is_err());
        let large = "x".repeat(200_000);
        let refused = store.set_manifest("run-e1", &large).unwrap_err();
        assert!(matches!(refused, StoreError::NoSpace(_)), "{refused:?}");
        assert_eq!(store.manifest("run-e1").unwrap(), None);
        assert_eq!(store.execution("e1").unwrap(), Some(execution("e1", 0)));
        fs::remove_file(&filler).unwrap();
        store.set_manifest("run-e1", &large).unwrap();
        assert_eq!(store.manifest("run-e1").unwrap(), Some(large));
    });
}

#[test]
fn a_read_only_disk_is_named() {
    with_small_disk("store::a_read_only_disk_is_named", 1024, |disk| {
        drop(Store::open(disk).unwrap());
        make_read_only(disk);
        let refused = Store::open(disk).err().unwrap();
        assert!(matches!(refused, StoreError::ReadOnly(_)), "{refused:?}");
    });
}
