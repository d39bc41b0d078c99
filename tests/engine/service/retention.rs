//! Claims about policies at a real destination: what is shown is what is done, and what is done is told.

use std::fs;
use std::path::PathBuf;

use holdfast::model::retention::{DeleteReason, ForeignReason, KeepReason};
use holdfast::model::{Execution, ExecutionKind, ExecutionStatus, Warning};
use holdfast::service::report::RetentionReport;
use holdfast::service::{ArchiveFilter, ArchiveRef, Error, Shrunk};
use rusqlite::Connection;

use super::fixture::{House, INSTANCE, files_below};

const LAST_TWO: &[(&str, &str)] = &[("keep_last", "2"), ("floor", "1")];

pub fn set(house: &House, settings: &[(&str, &str)]) {
    set_at(house, "vault", settings);
}

pub fn set_at(house: &House, place: &str, settings: &[(&str, &str)]) {
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    let settings: Vec<_> = settings.iter().map(own).collect();
    house.service.set_retention(place, &settings).unwrap();
}

pub fn preview(house: &House) -> RetentionReport {
    house
        .service
        .retention_preview("vault", &[], Shrunk::Stops, &house.act())
        .unwrap()
}

pub fn apply(house: &House) -> RetentionReport {
    house
        .service
        .retention_apply("vault", Shrunk::Stops, &house.act())
        .unwrap()
}

/// File names, newest first.
pub fn listed(house: &House) -> Vec<String> {
    let all = house.service.archives(&ArchiveFilter::default()).unwrap();
    all.into_iter().map(|row| row.name).collect()
}

pub fn stored(house: &House) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    files_below(&house.path("vault")).iter().map(name).collect()
}

pub fn path_of(house: &House, name: &str) -> PathBuf {
    let vault = house.path("vault");
    let all = files_below(&vault);
    vault.join(all.iter().find(|f| f.ends_with(name)).unwrap())
}

pub fn kept_because(report: &RetentionReport) -> Vec<&KeepReason> {
    report.keep.iter().map(|kept| &kept.reason).collect()
}

fn history(house: &House, kind: ExecutionKind) -> Vec<Execution> {
    let mut all = house.service.history(None).unwrap();
    all.retain(|e| e.kind == kind);
    all
}

fn codes(warnings: &[Warning]) -> Vec<&str> {
    warnings.iter().map(|w| w.code.as_str()).collect()
}

#[test]
fn what_a_preview_shows_is_what_happens_and_happens_once() {
    let house = House::new();
    for _ in 0..5 {
        house.backup();
    }
    let names = listed(&house);
    assert_eq!(kept_because(&preview(&house)), [&KeepReason::NoPolicy; 5]);
    set(&house, LAST_TWO);
    house
        .service
        .pin(&ArchiveRef(format!("vault:{}", names[4])), true)
        .unwrap();
    let shown = preview(&house);
    assert_eq!(stored(&house).len(), 5, "a preview deletes nothing");
    assert_eq!(history(&house, ExecutionKind::Retention), []);
    let gone: Vec<&str> = shown
        .delete
        .iter()
        .map(|d| d.subject.archive.as_str())
        .collect();
    assert_eq!(
        gone,
        [format!("vault:{}", names[2]), format!("vault:{}", names[3])]
    );
    assert_eq!(
        kept_because(&shown),
        [
            &KeepReason::NewestVerified,
            &KeepReason::Last { n: 2 },
            &KeepReason::Pinned
        ]
    );
    // What another policy would do is shown, and not kept.
    let other = [("keep_last".to_owned(), "1".to_owned())];
    let other = house
        .service
        .retention_preview("vault", &other, Shrunk::Stops, &house.act());
    assert_eq!(other.unwrap().delete.len(), 3);
    assert_eq!(apply(&house), shown);
    let mut left = [names[0].clone(), names[1].clone(), names[4].clone()];
    left.sort();
    assert_eq!(stored(&house), left);
    assert_eq!(listed(&house).len(), 3);
    let acts = history(&house, ExecutionKind::Retention);
    let mut told: Vec<_> = acts
        .iter()
        .filter_map(|e| e.backup_filename.clone())
        .collect();
    told.sort();
    let mut gone = names[2..4].to_vec();
    gone.sort();
    assert_eq!(told, gone);
    assert!(
        acts.iter().all(|e| e.status == ExecutionStatus::Completed
            && e.triggered_by == "cli"
            && e.compressed_size_bytes.is_some()
            && e.run_id == acts[0].run_id),
        "{acts:?}"
    );
    let again = apply(&house);
    assert_eq!(again.delete, []);
    assert_eq!(history(&house, ExecutionKind::Retention).len(), 2);
}

#[test]
fn a_good_backup_lets_the_old_ones_go_and_a_partial_one_does_not() {
    let house = House::new();
    set(&house, &[("keep_last", "2"), ("floor", "2")]);
    for _ in 0..3 {
        let report = house.backup();
        assert_eq!(report.executions[0].warnings, []);
    }
    let names = listed(&house);
    assert_eq!(names.len(), 2);
    assert_eq!(stored(&house).len(), 2);
    let act = history(&house, ExecutionKind::Retention).remove(0);
    let backups = history(&house, ExecutionKind::Backup);
    assert_eq!(act.run_id, backups[0].run_id, "it is part of the run");
    for side in ["devices.db", "devices.db-wal", "devices.db-shm"] {
        let _ = fs::remove_file(house.database(side));
    }
    for _ in 0..3 {
        let report = house.backup();
        assert_eq!(report.executions[0].status, ExecutionStatus::Partial);
    }
    assert_eq!(stored(&house).len(), 5);
    assert_eq!(apply(&house).delete, []);
    assert_eq!(
        kept_because(&preview(&house))[..3],
        [&KeepReason::Partial; 3]
    );
}

#[test]
fn a_policy_lies_in_the_store_and_can_be_taken_away() {
    let house = House::new();
    let none = house.service.retention("vault").unwrap();
    assert_eq!(none.policy, None);
    set(&house, &[("keep_days", "30")]);
    let columns = || {
        let store = Connection::open(house.path("data/backup_executions.db")).unwrap();
        let sql = "SELECT retention_json, retention_days FROM backup_destinations";
        store
            .query_row(sql, [], |row| {
                Ok((
                    row.get::<_, Option<String>>(0)?,
                    row.get::<_, Option<u32>>(1)?,
                ))
            })
            .unwrap()
    };
    let (json, days) = columns();
    assert_eq!(days, Some(30));
    let json: serde_json::Value = serde_json::from_str(&json.unwrap()).unwrap();
    assert_eq!(
        (&json["strategy"], &json["floor"]),
        (&"simple".into(), &3.into())
    );
    // Another setting of the destination is not the policy's.
    house.service.enable_destination("vault", false).unwrap();
    assert!(house.service.retention("vault").unwrap().policy.is_some());
    set(&house, &[("strategy", "")]);
    assert_eq!(columns(), (None, None));
    let bad = [("keep_last".to_owned(), "none".to_owned())];
    let error = house.service.set_retention("vault", &bad).unwrap_err();
    assert_eq!(
        (error.exit_status(), &*error.problem().code),
        (2, "bad_policy")
    );
}

/// The catalogue can be wrong about what is there: it must not make the last real ones go.
#[test]
fn what_is_not_there_any_more_counts_for_nothing() {
    let house = House::new();
    for _ in 0..4 {
        house.backup();
    }
    let names = listed(&house);
    fs::remove_file(path_of(&house, &names[0])).unwrap();
    fs::remove_file(path_of(&house, &names[1])).unwrap();
    set(&house, LAST_TWO);
    let report = apply(&house);
    assert_eq!(report.delete, []);
    assert_eq!(report.missing, names[..2]);
    assert_eq!(stored(&house).len(), 2);
}

#[test]
fn what_is_not_the_file_that_was_recorded_is_left_alone_and_counts_for_nothing() {
    let house = House::new();
    for _ in 0..3 {
        house.backup();
    }
    let newest = path_of(&house, &listed(&house)[0]);
    fs::write(&newest, "something else").unwrap();
    let stray = newest.with_file_name(
        newest
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .replacen("-20", "-19", 1),
    );
    fs::copy(&newest, stray).unwrap();
    set(&house, &[("keep_last", "1"), ("floor", "1")]);
    let report = apply(&house);
    let foreign: Vec<_> = report.foreign.iter().map(|f| f.reason).collect();
    assert_eq!(
        foreign,
        [ForeignReason::Changed, ForeignReason::NotInCatalogue]
    );
    assert_eq!(kept_because(&report), [&KeepReason::NewestVerified]);
    assert_eq!(report.delete.len(), 1);
    assert_eq!(stored(&house).len(), 3);
}

#[test]
fn a_damaged_archive_pushes_no_good_one_out_and_goes_in_its_turn() {
    let house = House::new();
    for _ in 0..3 {
        house.backup();
    }
    let newest = path_of(&house, &listed(&house)[0]);
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).unwrap();
    let newest = ArchiveRef(format!("vault:{}", listed(&house)[0]));
    assert!(!house.service.verify(&newest, &house.act()).unwrap().ok);
    set(&house, LAST_TWO);
    let report = apply(&house);
    assert_eq!(report.delete, []);
    assert_eq!(kept_because(&report)[0], &KeepReason::NotVerified);
    house.backup();
    assert_eq!(
        stored(&house).len(),
        3,
        "the second good one is older than it"
    );
    house.backup();
    assert_eq!(stored(&house).len(), 2);
    assert!(!listed(&house).contains(&newest.0["vault:".len()..].to_owned()));
}

#[test]
fn a_loss_stops_everything_until_somebody_looks_and_says_so_at_every_run() {
    let house = House::new();
    set(&house, &[("keep_last", "1"), ("floor", "1")]);
    house.backup();
    Connection::open(house.database("devices.db"))
        .unwrap()
        .execute_batch("DELETE FROM devices WHERE rowid > 3")
        .unwrap();
    let first = house.backup();
    let told = codes(&first.executions[0].warnings).join(" ");
    assert!(told.contains("shrank"), "{told}");
    assert!(told.ends_with("retention_stopped"), "{told}");
    // As small as the one before: the loss is told no more, but nothing goes for all that.
    let second = house.backup();
    assert_eq!(codes(&second.executions[0].warnings), ["retention_stopped"]);
    assert_eq!(stored(&house).len(), 3);
    let accepted = house
        .service
        .retention_preview("vault", &[], Shrunk::Accepted, &house.act())
        .unwrap();
    assert_eq!(accepted.delete.len(), 2);
    assert_eq!(preview(&house).delete, [], "a preview accepts nothing");
    let applied = house
        .service
        .retention_apply("vault", Shrunk::Accepted, &house.act())
        .unwrap();
    assert_eq!(applied, accepted);
    let third = house.backup();
    assert_eq!(third.executions[0].warnings, []);
    assert_eq!(stored(&house).len(), 1);
    let noted = history(&house, ExecutionKind::Backup)
        .iter()
        .filter(|e| codes(&e.warnings).contains(&"shrink_accepted"))
        .count();
    assert_eq!(noted, 1);
}

#[test]
fn a_rebuilt_catalogue_counts_as_good_what_was_verified_and_no_other_installations_archives() {
    let house = House::new();
    for _ in 0..3 {
        house.backup();
    }
    let kit = house.path("kit.txt");
    house.service.export_kit(&kit).unwrap();
    let fresh = House::empty();
    fresh.service.import_kit(&kit).unwrap();
    let rebuild = || {
        fresh
            .service
            .rebuild_catalogue("vault", &fresh.act())
            .unwrap()
    };
    rebuild();
    let one = [
        ("keep_last".to_owned(), "1".to_owned()),
        ("floor".to_owned(), "1".to_owned()),
    ];
    fresh.service.set_retention("vault", &one).unwrap();
    let reasons = |report: &RetentionReport| {
        let reasons = report.foreign.iter().map(|f| f.reason);
        reasons.collect::<Vec<_>>()
    };
    // The instance is not here yet.
    assert_eq!(reasons(&apply(&fresh)), [ForeignReason::OtherInstance; 3]);
    let any = format!("vault:{}", listed(&fresh)[0]);
    fs::create_dir_all(fresh.instance_dir()).unwrap();
    fresh.add_instance(Some(&any)).unwrap();
    // The newest was read when the catalogue was made, and that of the instance; the rest is nobody's until it is.
    let unread = reasons(&apply(&fresh));
    assert!(!unread.is_empty());
    assert!(unread.iter().all(|r| *r == ForeignReason::Unread));
    for name in listed(&fresh) {
        let archive = ArchiveRef(format!("vault:{name}"));
        fresh.service.show(&archive, &fresh.act()).unwrap();
    }
    let unverified = apply(&fresh);
    assert_eq!(kept_because(&unverified), [&KeepReason::NotVerified; 3]);
    // Newest first also where they are of one second.
    let kept = unverified.keep.iter();
    let names: Vec<String> = kept.map(|k| k.subject.archive.clone()).collect();
    let verify = |name: &String| {
        let report = fresh
            .service
            .verify(&ArchiveRef(name.clone()), &fresh.act());
        assert!(report.unwrap().ok);
    };
    verify(&names[1]);
    let report = preview(&fresh);
    assert_eq!(
        kept_because(&report),
        [&KeepReason::NotVerified, &KeepReason::NewestVerified]
    );
    assert_eq!(report.delete[0].reason, DeleteReason::NotVerified);
    verify(&names[0]);
    verify(&names[2]);
    // One's own with the signers that are known; without them nobody has vouched for what is read anew.
    assert_eq!(preview(&fresh).delete.len(), 2);
}

/// Whole, readable, in the right folder, and verified: by a stranger all the same.
#[test]
fn an_archive_that_a_stranger_signed_is_never_ours() {
    let house = House::new();
    house.backup();
    let id = house.service.instance(INSTANCE).unwrap().id;
    let stranger = House::new();
    let open = [("encryption".to_owned(), "none".to_owned())];
    stranger.service.set_instance(INSTANCE, &open).unwrap();
    stranger.backup();
    let theirs = stranger.path("vault");
    let file = files_below(&theirs).remove(0);
    let folder = house.path("vault").join(format!("{INSTANCE}-{id}/manual"));
    let name = file.file_name().unwrap().to_str().unwrap();
    // Later than any of ours.
    let later = name.replacen("-20", "-29", 1);
    fs::copy(theirs.join(&file), folder.join(&later)).unwrap();
    house
        .service
        .rebuild_catalogue("vault", &house.act())
        .unwrap();
    let archive = ArchiveRef(format!("vault:{later}"));
    let checked = house.service.verify(&archive, &house.act()).unwrap();
    assert!(checked.ok, "{checked:?}");
    set(&house, &[("keep_last", "1"), ("floor", "1")]);
    house.backup();
    let report = apply(&house);
    assert_eq!(report.foreign[0].reason, ForeignReason::UnknownSigner);
    assert_eq!(kept_because(&report), [&KeepReason::NewestVerified]);
    assert!(stored(&house).contains(&later));
    // And its time, a thousand years on, makes no doubt of ours.
    assert_eq!(stored(&house).len(), 2);
}

#[test]
fn the_policy_of_a_place_that_is_gone_is_a_warning_and_the_backup_stays_good() {
    let house = House::new();
    house.add_local("second");
    set(&house, LAST_TWO);
    house.backup();
    let store = Connection::open(house.path("data/backup_executions.db")).unwrap();
    store
        .execute_batch("UPDATE backup_destinations SET retention_json = '{\"strategy\":\"later\"}' WHERE name = 'vault'")
        .unwrap();
    let report = house.backup_to(&["vault", "second"]).unwrap();
    assert!(
        report
            .executions
            .iter()
            .all(|e| e.status == ExecutionStatus::Completed)
    );
    assert_eq!(codes(&report.executions[0].warnings), ["retention_failed"]);
    assert_eq!(report.executions[1].warnings, []);
    let error = house
        .service
        .retention_apply("vault", Shrunk::Stops, &house.act());
    assert!(matches!(error, Err(Error::Store(_))), "{error:?}");
    assert_eq!(stored(&house).len(), 2);
}
