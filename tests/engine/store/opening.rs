//! Claims about the store's file: private, versioned, and clear about what is wrong with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use holdfast::store::{Access, FILE_NAME, Store, StoreError};
use rusqlite::Connection;

use super::{execution, mode, open, small_disk::make_read_only, small_disk::with_small_disk};

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
fn a_full_disk_is_named_and_what_was_stored_stays() {
    let name = "store::opening::a_full_disk_is_named_and_what_was_stored_stays";
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
    with_small_disk("store::opening::a_read_only_disk_is_named", 1024, |disk| {
        drop(Store::open(disk).unwrap());
        make_read_only(disk);
        let refused = Store::open(disk).err().unwrap();
        assert!(matches!(refused, StoreError::ReadOnly(_)), "{refused:?}");
    });
}

/// Cleanly closed, and with rows that are only in the log, as a process leaves them that was killed.
#[test]
fn a_store_on_a_read_only_disk_can_be_read_and_says_that_it_cannot_be_written() {
    let name = "store::opening::a_store_on_a_read_only_disk_can_be_read_and_says_that_it_cannot_be_written";
    with_small_disk(name, 2048, |disk| {
        let [closed, killed] = ["cl%sed?", "killed"].map(|name| disk.join(name));
        let store = Store::open(&closed).unwrap();
        store.set_setting("a", Some("1")).unwrap();
        fs::create_dir(&killed).unwrap();
        for side in ["", "-wal"] {
            let file = format!("{FILE_NAME}{side}");
            fs::copy(closed.join(&file), killed.join(&file)).unwrap();
        }
        assert!(
            fs::metadata(killed.join(format!("{FILE_NAME}-wal")))
                .unwrap()
                .len()
                > 0
        );
        drop(store);
        make_read_only(disk);
        for folder in [closed, killed] {
            let store = Store::open_for_reading(&folder).unwrap();
            assert_eq!(store.access(), Access::Reading);
            assert_eq!(store.setting("a").unwrap().as_deref(), Some("1"));
            let refused = store.set_setting("a", Some("2")).unwrap_err();
            assert!(matches!(refused, StoreError::ReadOnly(_)), "{refused:?}");
            drop(store);
            let copies = fs::read_dir(std::env::temp_dir()).unwrap();
            let copies = copies.filter(|e| {
                let name = e.as_ref().unwrap().file_name();
                name.to_string_lossy().starts_with("holdfast-store-")
            });
            assert_eq!(copies.count(), 0);
        }
    });
}
