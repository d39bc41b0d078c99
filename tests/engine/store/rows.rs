//! Claims about instances, destinations, settings, signers and sequences.

use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::sync::Barrier;
use std::thread;

use holdfast::model::InstanceId;
use holdfast::model::RetentionPolicy;
use holdfast::model::retention::RetentionStrategy;
use holdfast::store::{FILE_NAME, Signer, StoreError};
use rusqlite::Connection;

use super::{at, destination, execution, instance, open};

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
fn a_policy_is_a_destinations_and_survives_its_other_changes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir);
    let mut nas = destination("d1", "nas");
    store.insert_destination(&nas).unwrap();
    assert_eq!(store.retention("d1").unwrap(), None);
    let policy = RetentionPolicy {
        strategy: RetentionStrategy::Simple {
            keep_last: Some(7),
            keep_days: Some(30),
        },
        floor: 2,
    };
    store.set_retention("d1", Some(&policy)).unwrap();
    nas.enabled = false;
    store.update_destination(&nas).unwrap();
    assert_eq!(store.retention("d1").unwrap(), Some(policy));
    store.set_retention("d1", None).unwrap();
    assert_eq!(store.retention("d1").unwrap(), None);
    for unknown in [
        store.set_retention("d2", None).unwrap_err(),
        store.retention("d2").unwrap_err(),
    ] {
        assert!(matches!(unknown, StoreError::Unknown { .. }), "{unknown:?}");
    }
}
