//! Claims about archives that were found at a destination: what the list says of them, when they are looked into, and whose they are.

use std::fs;
use std::path::PathBuf;

use holdfast::model::{ArchiveType, Execution};
use holdfast::service::report::{ArchiveRow, CatalogueReport, SignatureVerdict};
use holdfast::service::{ArchiveFilter, ArchiveRef, Error};

use super::fixture::{House, INSTANCE, files_below};
use crate::old_archive::{OldArchive, SERVER_NAME};

const PASSPHRASE: &str = "correct horse";

fn rebuild(house: &House) -> CatalogueReport {
    let report = house.service.rebuild_catalogue("vault", &house.act());
    report.unwrap()
}

fn rows(house: &House) -> Vec<ArchiveRow> {
    house.service.archives(&ArchiveFilter::default()).unwrap()
}

fn record(house: &House, row: &ArchiveRow) -> Execution {
    let all = house.service.history(None).unwrap();
    all.into_iter().find(|e| e.id == row.execution_id).unwrap()
}

/// Puts what the server's own backup would have left into the vault. Returns its file name.
fn leave(house: &House, end: &str, bytes: &[u8]) -> String {
    let kind = if end.starts_with("emergency") {
        "emergency"
    } else {
        "manual"
    };
    let name = format!("backup-{SERVER_NAME}-20240506-070809-{end}");
    let folder = house.path("vault").join(SERVER_NAME).join(kind);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(&name), bytes).unwrap();
    name
}

fn stored(house: &House) -> PathBuf {
    let vault = house.path("vault");
    vault.join(&files_below(&vault)[0])
}

#[test]
fn what_the_servers_own_backup_left_is_listed_as_foreign() {
    let house = House::new();
    house.backup();
    let old = OldArchive::of_server(&house.instance_dir());
    let sealed = leave(&house, "manual.tar.gz.enc", &old.sealed(PASSPHRASE));
    let emergency = leave(&house, "emergency.tar.gz", &old.plain());
    let report = rebuild(&house);
    assert_eq!(
        (report.found, report.added, report.removed, report.foreign),
        (3, 2, 0, 2)
    );
    let rows = rows(&house);
    assert_eq!(rows.len(), 3);
    assert!(!rows[0].foreign, "ours is the newest");
    let row = |name: &str| rows.iter().find(|r| r.name == name).unwrap();
    for (name, kind, encrypted) in [
        (&sealed, ArchiveType::Manual, true),
        (&emergency, ArchiveType::Emergency, false),
    ] {
        let row = row(name);
        assert_eq!(row.instance, SERVER_NAME);
        assert_eq!(
            (row.archive_type, row.encrypted, row.foreign),
            (kind, encrypted, true)
        );
        assert_eq!(row.created_at.to_string(), "2024-05-06T07:08:09Z");
        let record = record(&house, row);
        assert!(record.instance_id.is_none(), "no policy is about it");
        assert!(!record.is_vouched_for());
    }
    let again = rebuild(&house);
    assert_eq!((again.added, again.removed, again.foreign), (0, 0, 2));
}

#[test]
fn it_can_be_named_before_and_after_it_is_in_the_list() {
    let house = House::new();
    let old = OldArchive::of_server(&house.instance_dir());
    let name = leave(&house, "emergency.tar.gz", &old.plain());
    let archive = ArchiveRef(format!("vault:{name}"));
    let by_path = ArchiveRef(format!("vault:{SERVER_NAME}/emergency/{name}"));
    let size = old.plain().len() as u64;
    for _ in 0..2 {
        for archive in [&archive, &by_path] {
            let show = house.service.show(archive, &house.act()).unwrap();
            assert_eq!(show.signature, SignatureVerdict::None);
            assert_eq!(show.claims_broken, [""; 0]);
            // A look at its first bytes, then all of it.
            let looked = show.fetched_bytes - size;
            assert!(looked <= 16 << 10, "{looked}");
        }
        rebuild(&house);
    }
    let verified = house.service.verify(&archive, &house.act()).unwrap();
    assert!(verified.ok, "{:?}", verified.problems);
    assert!(house.service.drill(&archive, &house.act()).unwrap().ok);
    let row = &rows(&house)[0];
    assert!(row.verified_at.is_some() && row.drilled_at.is_some());
    assert!(
        !record(&house, row).is_vouched_for(),
        "checked is not signed"
    );
    let copy = house.path("copy.tar.gz");
    house
        .service
        .download(&archive, &copy, &house.act())
        .unwrap();
    assert!(fs::read(&copy).unwrap() == old.plain());
    house.service.delete(&archive, &name, &house.act()).unwrap();
    assert_eq!(rows(&house).len(), 0);
    assert_eq!(files_below(&house.path("vault")).len(), 0);
}

#[test]
fn a_manifest_is_read_when_its_archive_is_opened_and_not_before() {
    let house = House::new();
    for _ in 0..3 {
        house.backup();
    }
    let kit = house.path("kit.txt");
    house.service.export_kit(&kit).unwrap();
    let fresh = House::empty();
    fresh.service.import_kit(&kit).unwrap();
    let report = fresh
        .service
        .rebuild_catalogue("vault", &fresh.act())
        .unwrap();
    assert_eq!((report.added, report.foreign), (3, 0));
    // By their names: three of one second differ in their suffix.
    let read = |house: &House| -> Vec<Option<u64>> {
        let mut all = house.service.history(None).unwrap();
        all.sort_by_key(|e| {
            let name = e.backup_filename.clone().unwrap();
            (e.started_at, name.len(), name)
        });
        all.iter().map(|e| e.sequence).collect()
    };
    assert_eq!(read(&fresh), [None, None, Some(3)], "the newest alone");
    let rows = fresh.service.archives(&ArchiveFilter::default()).unwrap();
    assert!(rows.iter().all(|r| !r.foreign));
    let first = rows.iter().min_by_key(|r| (r.created_at, r.name.len()));
    let first = first.unwrap();
    let archive = ArchiveRef(format!("vault:{}", first.name));
    fresh.service.verify(&archive, &fresh.act()).unwrap();
    assert_eq!(read(&fresh), [Some(1), None, Some(3)]);
    let record = record(&fresh, first);
    assert!(record.is_vouched_for() && record.verified_at.is_some());
    assert_eq!(record.comment.as_deref(), Some("before the upgrade"));
    // What was read once is not read again.
    let again = fresh
        .service
        .rebuild_catalogue("vault", &fresh.act())
        .unwrap();
    assert_eq!((again.added, again.removed), (0, 0));
}

#[test]
fn archives_of_another_installation_stay_foreign_whatever_is_done_with_them() {
    let stranger = House::new();
    stranger.backup();
    let house = House::new();
    let from = stored(&stranger);
    let path = from.strip_prefix(stranger.path("vault")).unwrap();
    let to = house.path("vault").join(path);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(&from, &to).unwrap();
    house.backup();
    let report = rebuild(&house);
    assert_eq!((report.found, report.added, report.foreign), (2, 1, 1));
    let rows = rows(&house);
    let foreign: Vec<_> = rows.iter().filter(|r| r.foreign).collect();
    assert_eq!(foreign.len(), 1);
    let ours = house.service.instance(INSTANCE).unwrap();
    let record = record(&house, foreign[0]);
    assert_ne!(record.instance_id, Some(ours.id));
    assert!(!record.is_vouched_for());
}

/// A stranger's archive, sealed to us, in the folder of our own instance.
#[test]
fn a_forged_archive_leaves_our_instance_when_it_is_looked_into() {
    let house = House::new();
    house.backup();
    let ours = stored(&house);
    let recipient = house.service.public_keys().unwrap().unwrap().recipient;
    let stranger = House::new();
    stranger.service.add_recipient(&recipient, "them").unwrap();
    stranger.backup();
    let name = ours.file_name().unwrap().to_str().unwrap();
    let forged = name.replacen("-20", "-19", 1);
    fs::copy(stored(&stranger), ours.with_file_name(&forged)).unwrap();
    rebuild(&house);
    let row = |house: &House| rows(house).into_iter().find(|r| r.name == forged).unwrap();
    assert!(!record(&house, &row(&house)).is_vouched_for());
    let archive = ArchiveRef(format!("vault:{forged}"));
    let show = house.service.show(&archive, &house.act()).unwrap();
    assert_eq!(show.signature, SignatureVerdict::Unknown);
    assert!(row(&house).foreign);
    let record = record(&house, &row(&house));
    assert_eq!((record.instance_id, record.sequence), (None, Some(1)));
}

#[test]
fn a_listing_that_breaks_off_removes_nothing() {
    let house = House::new();
    house.backup();
    house.backup();
    fs::rename(house.path("vault"), house.path("unmounted")).unwrap();
    let error = house.service.rebuild_catalogue("vault", &house.act());
    assert!(matches!(error, Err(Error::Destination { .. })));
    assert_eq!(rows(&house).len(), 2);
    fs::rename(house.path("unmounted"), house.path("vault")).unwrap();
    house.cancel.cancel();
    let cancelled = house.service.rebuild_catalogue("vault", &house.act());
    assert!(cancelled.unwrap_err().is_cancelled());
    assert_eq!(rows(&house).len(), 2);
}

#[test]
fn browsing_shows_what_is_there_now() {
    let house = House::new();
    house.backup();
    let known = rows(&house)[0].execution_id.clone();
    let second = stored(&house);
    let copy = second.file_name().unwrap().to_str().unwrap();
    let copy = copy.replacen("-20", "-19", 1);
    fs::copy(&second, second.with_file_name(&copy)).unwrap();
    let old = OldArchive::of_files(&[("devices.db", b"x".to_vec())]);
    let name = leave(&house, "emergency.tar.gz", &old.plain());
    let browsed = house.service.browse("vault", &house.act()).unwrap();
    assert_eq!(browsed.len(), 3);
    let of = |name: &str| browsed.iter().find(|b| b.name == name).unwrap();
    let server = of(&name);
    assert_eq!(server.key, format!("{SERVER_NAME}/emergency/{name}"));
    assert_eq!((server.known.as_deref(), server.foreign), (None, true));
    assert_eq!(server.size, old.plain().len() as u64);
    assert!(server.modified.is_some());
    assert_eq!(
        (of(&copy).known.as_deref(), of(&copy).foreign),
        (None, false)
    );
    let ours = browsed.iter().find(|b| b.known.is_some()).unwrap();
    assert_eq!(
        (ours.known.as_deref(), ours.foreign),
        (Some(&*known), false)
    );
}
