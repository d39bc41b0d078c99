//! Claims about lists, pins, deletion and the catalogue.

use std::fs;

use holdfast::destination::ErrorKind;
use holdfast::model::ExecutionKind;
use holdfast::service::error::Refusal;
use holdfast::service::report::{State, StatusReason};
use holdfast::service::{ArchiveFilter, ArchiveRef, Error};
use jiff::Timestamp;
use secrecy::SecretString;

use crate::faulty::{Fault, On};

use super::fixture::{House, INSTANCE, files_below};

#[test]
fn losing_the_store_loses_no_backup() {
    let house = House::new();
    house.backup();
    house.backup();
    let before = house.service.archives(&ArchiveFilter::default()).unwrap();
    let data = house.path("data");
    let fresh = House::empty();
    // The same keys, an empty store: as after `key import` and `destination add`.
    fs::copy(data.join("keys.json"), fresh.path("data/keys.json")).unwrap();
    let kit = house.path("kit.txt");
    house.service.export_kit(&kit).unwrap();
    fs::remove_file(fresh.path("data/keys.json")).unwrap();
    fresh.service.import_kit(&kit).unwrap();
    let report = fresh
        .service
        .rebuild_catalogue("vault", &fresh.act())
        .unwrap();
    assert_eq!(
        (report.found, report.added, report.removed, report.foreign),
        (2, 2, 0, 0)
    );
    let after = fresh.service.archives(&ArchiveFilter::default()).unwrap();
    let names = |rows: &[holdfast::service::report::ArchiveRow]| {
        let mut names: Vec<_> = rows
            .iter()
            .map(|r| (r.name.clone(), r.compressed_size_bytes))
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(&after), names(&before));
    let again = fresh
        .service
        .rebuild_catalogue("vault", &fresh.act())
        .unwrap();
    assert_eq!((again.found, again.added, again.removed), (2, 0, 0));
}

/// A manifest is kept once a run: what only claims to be of a run of ours must not get near it.
#[test]
fn an_archive_that_is_not_what_it_claims_joins_no_run_of_ours() {
    let house = House::new();
    house.backup();
    let ours = house.service.history(None).unwrap();
    let vault = house.path("vault");
    let stored = vault.join(&files_below(&vault)[0]);
    let name = stored.file_name().unwrap().to_str().unwrap();
    let other = name.replacen("-20", "-19", 1);
    fs::copy(&stored, stored.with_file_name(other)).unwrap();
    let report = house
        .service
        .rebuild_catalogue("vault", &house.act())
        .unwrap();
    assert_eq!(
        (report.added, report.foreign),
        (1, 0),
        "not looked into yet"
    );
    let copy = house.service.archives(&ArchiveFilter::default()).unwrap();
    let copy = copy.last().unwrap();
    assert!(!copy.foreign);
    let archive = ArchiveRef(format!("vault:{}", copy.name));
    let show = house.service.show(&archive, &house.act()).unwrap();
    assert_eq!(show.claims_broken.len(), 1);
    let all = house.service.history(None).unwrap();
    let of_our_run = all.iter().filter(|e| e.run_id == ours[0].run_id);
    assert_eq!((all.len(), of_our_run.count()), (2, 1));
    let copy = all.iter().find(|e| e.id == copy.execution_id).unwrap();
    assert!(!copy.is_vouched_for());
    assert!(house.service.archives(&ArchiveFilter::default()).unwrap()[1].foreign);
}

#[test]
fn what_went_away_at_the_destination_leaves_the_list_but_not_the_history() {
    let house = House::new();
    house.backup();
    fs::remove_file(
        house
            .path("vault")
            .join(&files_below(&house.path("vault"))[0]),
    )
    .unwrap();
    let report = house
        .service
        .rebuild_catalogue("vault", &house.act())
        .unwrap();
    assert_eq!(report.removed, 1);
    assert!(
        house
            .service
            .archives(&ArchiveFilter::default())
            .unwrap()
            .is_empty()
    );
    assert_eq!(house.service.history(None).unwrap().len(), 1);
}

#[test]
fn what_a_place_does_not_list_yet_is_not_gone() {
    let house = House::new();
    house.break_place("cloud", |f| f.at(On::List, 1..=2, Fault::ListsNothing));
    house.backup_to(&["cloud"]).unwrap();
    let rebuild = || {
        let report = house.service.rebuild_catalogue("cloud", &house.act());
        let report = report.unwrap();
        (report.found, report.removed)
    };
    assert_eq!(rebuild(), (1, 0), "it is there under its name");
    assert_eq!(
        house
            .service
            .archives(&ArchiveFilter::default())
            .unwrap()
            .len(),
        1
    );
    let cloud = house.path("cloud");
    fs::remove_file(cloud.join(&files_below(&cloud)[0])).unwrap();
    assert_eq!(rebuild(), (0, 1));
}

#[test]
fn delete_asks_for_the_file_name_and_spares_what_is_pinned() {
    let house = House::new();
    let archive = house.archive();
    let name = archive.0.strip_prefix("vault:").unwrap();
    let refused = house
        .service
        .delete(&archive, "yes", &house.act())
        .unwrap_err();
    // It is the only one.
    assert!(matches!(
        refused,
        Error::Refused(Refusal::ConfirmLast { .. })
    ));
    assert_eq!(refused.exit_status(), 4);
    house.service.pin(&archive, true).unwrap();
    assert_eq!(
        house
            .service
            .delete(&archive, name, &house.act())
            .unwrap_err()
            .problem()
            .code,
        "pinned"
    );
    house.service.pin(&archive, false).unwrap();
    house.service.delete(&archive, name, &house.act()).unwrap();
    assert!(files_below(&house.path("vault")).is_empty());
    assert!(
        house
            .service
            .archives(&ArchiveFilter::default())
            .unwrap()
            .is_empty()
    );
}

/// An id of the history may be of any act; the archive is the same, and its pin counts by whatever name it is called.
#[test]
fn the_id_of_a_check_or_a_path_stands_for_the_archive_and_its_record() {
    let house = House::new();
    let archive = house.archive();
    let name = archive.0.strip_prefix("vault:").unwrap();
    house.service.drill(&archive, &house.act()).unwrap();
    let history = house.service.history(None).unwrap();
    let drill = history.iter().find(|e| e.kind == ExecutionKind::Drill);
    let drill = drill.unwrap().clone();
    let by_drill = ArchiveRef(drill.id.clone());
    house.service.show(&by_drill, &house.act()).unwrap();
    assert!(house.service.verify(&by_drill, &house.act()).unwrap().ok);
    let same = house.service.history(None).unwrap();
    let same = same.into_iter().find(|e| e.id == drill.id).unwrap();
    assert_eq!(same, drill, "the history is left alone");
    house.service.pin(&by_drill, true).unwrap();
    let vault = house.path("vault");
    let file = vault.join(&files_below(&vault)[0]);
    let by_path = ArchiveRef(file.to_str().unwrap().to_owned());
    for named in [&archive, &by_drill, &by_path] {
        let refused = house.service.delete(named, name, &house.act());
        assert_eq!(refused.unwrap_err().problem().code, "pinned", "{named:?}");
    }
    house.service.pin(&by_drill, false).unwrap();
    house.service.delete(&by_path, name, &house.act()).unwrap();
    assert_eq!(
        house.service.archives(&ArchiveFilter::default()).unwrap(),
        []
    );
    let gone = house.service.show(&by_drill, &house.act()).unwrap_err();
    assert_eq!(gone.problem().code, "no_archive");
}

#[test]
fn only_archives_are_deleted() {
    let house = House::new();
    let notes = house.path("notes.txt");
    fs::write(&notes, "by hand").unwrap();
    let archive = ArchiveRef(notes.to_str().unwrap().to_owned());
    let refused = house
        .service
        .delete(&archive, "notes.txt", &house.act())
        .unwrap_err();
    assert_eq!(refused.problem().code, "no_archive_name");
    assert!(notes.exists());
}

#[test]
fn a_rebuild_ends_with_the_place() {
    let house = House::new();
    house.backup();
    let vault = house.path("vault");
    let stored = vault.join(&files_below(&vault)[0]);
    let name = stored.file_name().unwrap();
    let faulty = house.break_place("cloud", |f| {
        f.at(On::Get, 1..=9, Fault::Fails(ErrorKind::Timeout))
    });
    for n in 0..5 {
        let folder = house
            .path("cloud")
            .join(format!("{INSTANCE}-{n:08x}/manual"));
        fs::create_dir_all(&folder).unwrap();
        fs::copy(&stored, folder.join(name)).unwrap();
    }
    let report = house.service.rebuild_catalogue("cloud", &house.act());
    assert_eq!(report.unwrap().added, 5);
    assert_eq!(faulty.calls(On::Get), 1, "one answer for all");
}

#[test]
fn status_goes_from_attention_to_well_to_failing() {
    let standing = |house: &House| {
        let status = house.service.status(Timestamp::now()).unwrap();
        (status.state, status.reason, status.concerned)
    };
    let nobody = Vec::<String>::new;
    let house = House::empty();
    let fresh = (State::Attention, StatusReason::NotSetUp, nobody());
    assert_eq!(standing(&house), fresh);
    house.service.init().unwrap();
    let no_instance = (State::Attention, StatusReason::NoInstance, nobody());
    assert_eq!(standing(&house), no_instance);
    let house = House::new();
    let name = house.service.instances().unwrap()[0].name.clone();
    let concerned = || vec![name.clone()];
    let waiting = (State::Attention, StatusReason::NotVerified, concerned());
    assert_eq!(standing(&house), waiting);
    house.backup();
    let well = house.service.status(Timestamp::now()).unwrap();
    assert_eq!(well.state, State::Well, "{}", well.sentence);
    assert_eq!(
        (well.reason, &well.concerned),
        (StatusReason::Well, &nobody())
    );
    assert!(well.instances[0].restorable_as_of.is_some());
    fs::rename(house.instance_dir(), house.path("elsewhere")).unwrap();
    house.backup_to(&["vault"]).unwrap_err();
    let failing = (State::Failing, StatusReason::BackupFailed, concerned());
    assert_eq!(standing(&house), failing);
}

#[test]
fn a_data_folder_that_others_can_read_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    let open = |warnings: &[holdfast::model::Warning]| {
        warnings.iter().any(|w| w.code == "data_folder_open")
    };
    assert!(!open(
        &house.service.status(Timestamp::now()).unwrap().warnings
    ));
    let data = house.path("data");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    assert!(open(
        &house.service.status(Timestamp::now()).unwrap().warnings
    ));
}

#[test]
fn settings_of_an_instance_are_all_or_nothing() {
    let house = House::new();
    let changes = [
        ("check".to_owned(), "full".to_owned()),
        ("max_block_ms".to_owned(), "soon".to_owned()),
    ];
    let error = house.service.set_instance(INSTANCE, &changes).unwrap_err();
    assert_eq!(error.exit_status(), 2);
    let kept = house.service.instance(INSTANCE).unwrap();
    assert_eq!(kept.settings.check, holdfast::model::CheckLevel::Quick);
}

#[test]
fn settings_are_all_or_nothing_secret_ones_too() {
    let house = House::new();
    let plain = [("theme".to_owned(), "dark".to_owned())];
    let secret = |url: &str| [("webhook_url".to_owned(), SecretString::from(url))];
    for bad in ["ftp://hooks.example/s3cret", "s3cret"] {
        let error = house.service.set_settings(&plain, &secret(bad));
        let problem = error.unwrap_err().problem();
        assert!(!problem.message.contains("s3cret"), "{problem:?}");
        assert_eq!(house.service.settings().unwrap().len(), 0);
    }
    let good = secret("https://hooks.example/s3cret");
    let wrong = [("theme".to_owned(), "loud".to_owned())];
    house.service.set_settings(&wrong, &good).unwrap_err();
    assert_eq!(house.service.settings().unwrap().len(), 0);
    house.service.set_settings(&plain, &good).unwrap();
    let settings = house.service.settings().unwrap();
    assert_eq!(
        (&*settings["theme"], &*settings["webhook_url"]),
        ("dark", "set")
    );
}
