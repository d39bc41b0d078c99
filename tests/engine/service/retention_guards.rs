//! What a policy, or a hand, leaves alone while something else is at it.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Mutex;

use holdfast::destination::ErrorKind;
use holdfast::model::retention::KeepReason;
use holdfast::model::{ExecutionKind, ExecutionStatus, Observer, Phase, Progress};
use holdfast::service::report::RetentionReport;
use holdfast::service::{Accept, Act, ArchiveRef, Error, RestoreRequest, Shrunk};
use rustix::fs::{FlockOperation, flock};

use super::fixture::{House, INSTANCE};
use super::retention::{apply, kept_because, listed, path_of, preview, set, set_at, stored};
use crate::faulty::{Fault, On};

fn lock(path: PathBuf) -> File {
    locked(path, FlockOperation::NonBlockingLockShared)
}

fn locked(path: PathBuf, how: FlockOperation) -> File {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let file = File::create(path).unwrap();
    flock(&file, how).unwrap();
    file
}

/// Applies the policy in the middle of another act, once.
struct Meanwhile<'a> {
    house: &'a House,
    in_phase: Phase,
    report: Mutex<Option<RetentionReport>>,
}

impl Observer for Meanwhile<'_> {
    fn progress(&self, progress: &Progress) {
        let mut report = self.report.lock().unwrap();
        if progress.phase == self.in_phase && report.is_none() {
            *report = Some(apply(self.house));
        }
    }
}

fn restore(archive: &ArchiveRef) -> RestoreRequest {
    RestoreRequest {
        archive: archive.clone(),
        instance: INSTANCE.to_owned(),
        components: vec!["devices".to_owned()],
        confirm: INSTANCE.to_owned(),
        accept: Accept::default(),
    }
}

#[test]
fn the_source_of_a_restore_or_a_check_stays_while_it_goes_on() {
    for in_phase in [Phase::Fetching, Phase::Checking] {
        let house = House::new();
        let source = house.archive();
        house.backup();
        set(&house, &[("keep_last", "1"), ("floor", "1")]);
        let meanwhile = Meanwhile {
            house: &house,
            in_phase,
            report: Mutex::new(None),
        };
        let act = Act {
            observer: &meanwhile,
            ..house.act()
        };
        match in_phase {
            Phase::Fetching => {
                house.service.restore(&restore(&source), &act).unwrap();
            }
            _ => assert!(house.service.drill(&source, &act).unwrap().ok),
        }
        let report = meanwhile.report.lock().unwrap().take().unwrap();
        assert_eq!(
            kept_because(&report),
            [&KeepReason::NewestVerified, &KeepReason::InUse],
            "{in_phase:?}"
        );
        // Nobody reads it any more, and no lock is left over.
        assert_eq!(apply(&house).delete.len(), 1);
        let locks = fs::read_dir(house.path("data/locks/archives")).unwrap();
        assert_eq!(locks.count(), 0);
    }
}

#[test]
fn what_another_process_reads_is_deleted_neither_by_policy_nor_by_hand() {
    let house = House::new();
    let source = house.archive();
    house.backup();
    set(&house, &[("keep_last", "1"), ("floor", "1")]);
    let id = house.service.history(None).unwrap().pop().unwrap().id;
    let reader = lock(house.path(&format!("data/locks/archives/{id}.lock")));
    assert_eq!(kept_because(&preview(&house))[1], &KeepReason::InUse);
    assert_eq!(apply(&house).delete, []);
    let name = source.0.strip_prefix("vault:").unwrap();
    let refused = house.service.delete(&source, name, &house.act());
    assert_eq!(refused.unwrap_err().problem().code, "archive_in_use");
    drop(reader);
    house.service.delete(&source, name, &house.act()).unwrap();
    assert_eq!(stored(&house).len(), 1);
}

#[test]
fn two_never_apply_a_policy_at_once_and_a_backup_does_not_wait_for_it() {
    let house = House::new();
    house.backup();
    set(&house, &[("keep_last", "1"), ("floor", "1")]);
    let id = house.service.destination("vault").unwrap().id;
    let other = locked(
        house.path(&format!("data/locks/retention-{id}.lock")),
        FlockOperation::NonBlockingLockExclusive,
    );
    let busy = house
        .service
        .retention_apply("vault", Shrunk::Stops, &house.act());
    assert!(matches!(busy, Err(Error::RetentionBusy { .. })), "{busy:?}");
    assert_eq!(preview(&house).destination, "vault", "looking is no harm");
    let report = house.backup();
    assert_eq!(report.executions[0].warnings, []);
    assert_eq!(stored(&house).len(), 2);
    drop(other);
    assert_eq!(apply(&house).delete.len(), 1);
}

/// Does something to the archive that is about to go, at the last moment.
struct AtTheLastMoment<F>(F);

impl<F: Fn(&str) + Send + Sync> Observer for AtTheLastMoment<F> {
    fn progress(&self, progress: &Progress) {
        if progress.phase == Phase::Deleting {
            (self.0)(&progress.what);
        }
    }
}

#[test]
fn one_that_cannot_be_deleted_keeps_no_other_from_it_and_is_told() {
    let house = House::new();
    for _ in 0..4 {
        house.backup();
    }
    set(&house, &[("keep_last", "1"), ("floor", "1")]);
    let names = listed(&house);
    let act = Act {
        observer: &AtTheLastMoment(|archive: &str| {
            if archive.ends_with(&names[2]) {
                fs::write(path_of(&house, &names[2]), "another one").unwrap();
            }
        }),
        ..house.act()
    };
    let report = house
        .service
        .retention_apply("vault", Shrunk::Stops, &act)
        .unwrap();
    assert_eq!(report.delete.len(), 2);
    assert_eq!(report.failed.len(), 1);
    assert_eq!(report.failed[0].archive, format!("vault:{}", names[2]));
    assert_eq!(report.failed[0].problem.code, "archive_changed");
    assert_eq!(stored(&house).len(), 2);
    let mut acts = house.service.history(None).unwrap();
    acts.retain(|e| e.kind == ExecutionKind::Retention);
    let failed: Vec<_> = acts
        .iter()
        .filter(|e| e.status == ExecutionStatus::Failed)
        .collect();
    assert_eq!((acts.len(), failed.len()), (3, 1));
    assert_eq!(failed[0].backup_filename.as_ref(), Some(&names[2]));
    assert!(failed[0].error_message.is_some());
    assert!(listed(&house).contains(&names[2]), "it is still there");
}

/// Of a place that is gone, or that forbids, one or two answers are enough; a refusal of one archive is none of the others'.
#[test]
fn what_would_fail_in_the_same_way_is_not_tried() {
    for (kind, tried) in [
        (ErrorKind::Unreachable, 1),
        (ErrorKind::Authentication, 1),
        (ErrorKind::Forbidden, 2),
        (ErrorKind::Protocol, 4),
    ] {
        let house = House::new();
        house.break_place("cloud", |f| f.at(On::Delete, 1..=99, Fault::Fails(kind)));
        for _ in 0..5 {
            house.backup_to(&["cloud"]).unwrap();
        }
        set_at(&house, "cloud", &[("keep_last", "1"), ("floor", "1")]);
        let report = house
            .service
            .retention_apply("cloud", Shrunk::Stops, &house.act())
            .unwrap();
        assert_eq!((report.keep.len(), report.failed.len()), (1, 4), "{kind}");
        let acts = house.service.history(None).unwrap();
        let acts = acts.iter().filter(|e| e.kind == ExecutionKind::Retention);
        assert_eq!(acts.count(), tried, "{kind}");
    }
}

#[test]
fn one_instance_does_not_wait_for_another() {
    let house = House::new();
    house.backup();
    set(&house, &[("keep_last", "1"), ("floor", "1")]);
    let place = house.service.destination("vault").unwrap().id;
    let locks = house.path("data/locks");
    let other = lock(locks.join(format!("retention-{place}-ffffffff.lock")));
    house.backup();
    assert_eq!(stored(&house).len(), 1);
    drop(other);
    let id = house.service.instance(INSTANCE).unwrap().id;
    let same = lock(locks.join(format!("retention-{place}-{id}.lock")));
    house.backup();
    assert_eq!(stored(&house).len(), 2, "the next one does it");
    drop(same);
    house.backup();
    assert_eq!(stored(&house).len(), 1);
}

#[test]
fn a_pin_at_the_last_moment_is_heard() {
    let house = House::new();
    for _ in 0..3 {
        house.backup();
    }
    set(&house, &[("keep_last", "1"), ("floor", "1")]);
    let oldest = format!("vault:{}", listed(&house)[2]);
    let act = Act {
        observer: &AtTheLastMoment(|archive: &str| {
            if archive == oldest {
                let archive = ArchiveRef(archive.to_owned());
                house.service.pin(&archive, true).unwrap();
            }
        }),
        ..house.act()
    };
    let report = house
        .service
        .retention_apply("vault", Shrunk::Stops, &act)
        .unwrap();
    assert_eq!(
        kept_because(&report),
        [&KeepReason::NewestVerified, &KeepReason::Pinned]
    );
    assert_eq!(report.delete.len(), 1);
}

#[test]
fn a_stop_leaves_the_newer_ones_and_what_is_gone_is_recorded() {
    let house = House::new();
    for _ in 0..4 {
        house.backup();
    }
    set(&house, &[("keep_last", "1"), ("floor", "1")]);
    let names = listed(&house);
    let act = Act {
        observer: &AtTheLastMoment(|archive: &str| {
            if archive.ends_with(&names[2]) {
                house.cancel.cancel();
            }
        }),
        ..house.act()
    };
    let error = house
        .service
        .retention_apply("vault", Shrunk::Stops, &act)
        .unwrap_err();
    assert!(error.is_cancelled(), "{error:?}");
    assert_eq!(listed(&house), names[..3]);
    assert_eq!(stored(&house).len(), 3);
}

#[test]
fn the_last_good_one_may_go_by_hand_and_both_the_question_and_the_answer_say_what_it_is() {
    let house = House::new();
    house.add_local("second");
    house.backup_to(&["vault", "second"]).unwrap();
    let delete = |destination: &str, confirm: bool| {
        let name = &listed(&house)[0];
        let archive = ArchiveRef(format!("{destination}:{name}"));
        let confirm = if confirm { name } else { "" };
        house.service.delete(&archive, confirm, &house.act())
    };
    let question = |destination: &str| {
        let error = delete(destination, false).unwrap_err();
        assert_eq!(error.exit_status(), 4);
        error.problem().message
    };
    assert!(!question("vault").contains("last good archive"));
    assert_eq!(delete("vault", true).unwrap().warnings, []);
    assert!(question("second").contains("last good archive"));
    let report = delete("second", true).unwrap();
    assert_eq!(report.warnings[0].code, "last_good_archive");
    assert!(listed(&house).is_empty());
}
