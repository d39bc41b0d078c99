//! Schedules that run, by the real service.

use std::fs;
use std::sync::{Arc, Barrier};

use holdfast::jobs::report::JobStatus;
use holdfast::jobs::slot::{How, Reason, SlotState};
use holdfast::jobs::store::JobStore;
use holdfast::jobs::{CadenceText, NoWatcher, RunInfo, ScheduleChange, Watch, Watcher, Watching};
use holdfast::model::schedule::{Schedule, ScheduledAct, Slots};
use holdfast::model::{ArchiveType, Cancel, ExecutionKind, ExecutionStatus};
use holdfast::service::{Accept, ArchiveFilter, BackupRequest, NewInstance};
use jiff::{SignedDuration, Timestamp};

use crate::service::fixture::{House, INSTANCE};

use super::works::{Works, ago, change, later, open};

#[test]
fn a_slot_that_is_due_is_backed_up_under_the_run_id_of_its_claim() {
    let works = Works::new();
    works.add(ScheduledAct::Backup, &["vault"], &[]);
    let now = Timestamp::now();
    works.tick(now);
    let row = works.row();
    let slot = &row.slots[0];
    assert_eq!(
        (slot.state, slot.how),
        (SlotState::Ran, How::OnTime),
        "{slot:?}"
    );
    assert_eq!(row.slots[1].reason, Some(Reason::Covered));
    let history = works.house.service.history(None).unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(Some(&history[0].run_id), slot.run_id.as_ref());
    assert_eq!(history[0].triggered_by, "schedule:often");
    let archives = works
        .house
        .service
        .archives(&ArchiveFilter::default())
        .unwrap();
    assert!(archives[0].name.contains("-scheduled."), "{archives:?}");
    // And again the same: it is decided.
    works.tick(now);
    assert_eq!(works.house.service.history(None).unwrap(), history);
    let sidecar = fs::read(works.house.path("data").join("backup_jobs_meta.json")).unwrap();
    let sidecar: serde_json::Value = serde_json::from_slice(&sidecar).unwrap();
    assert_eq!(sidecar["jobs"]["often"]["status"], "idle");
    assert_eq!(sidecar["jobs"]["often"]["failure_count"], 0);
    assert!(sidecar["jobs"]["often"]["next_run"].is_string());
}

#[test]
fn only_the_place_that_failed_is_tried_again() {
    let works = Works::new();
    let second = works.house.add_local("second");
    works.add(ScheduledAct::Backup, &["vault", "second"], &[]);
    fs::remove_dir(&second).unwrap();
    let begun = Timestamp::now();
    works.tick(begun);
    let row = works.row();
    assert_eq!(row.status, JobStatus::Retrying);
    let slot = row.slots[0].clone();
    assert_eq!(slot.state, SlotState::Retrying);
    assert!(slot.next_try_at.is_some_and(|at| at > begun), "{slot:?}");
    fs::create_dir(&second).unwrap();
    // Of the same minute, so that no newer slot takes over.
    works
        .scheduler
        .set("often", &daily_from(slot.slot), Timestamp::now())
        .unwrap();
    works.tick(later(2));
    let again = works
        .row()
        .slots
        .into_iter()
        .find(|s| s.slot == slot.slot)
        .unwrap();
    assert_eq!(
        (again.state, again.attempt),
        (SlotState::Ran, 2),
        "{again:?}"
    );
    assert_ne!(again.run_id, slot.run_id);
    let at = |name: &str| {
        let filter = ArchiveFilter {
            destination: Some(name.to_owned()),
            instance: None,
        };
        works.house.service.archives(&filter).unwrap().len()
    };
    assert_eq!((at("vault"), at("second")), (1, 1));
}

/// Other times, none of them soon.
fn daily_from(slot: Timestamp) -> ScheduleChange {
    let yesterday = slot.to_zoned_datetime(jiff::tz::TimeZone::UTC) - SignedDuration::from_mins(30);
    ScheduleChange {
        cadence: Some(CadenceText::Cron(format!(
            "{} {} * * *",
            yesterday.minute(),
            yesterday.hour()
        ))),
        ..ScheduleChange::default()
    }
}

#[test]
fn a_catch_up_waits_for_its_place_without_a_trace_in_the_history() {
    let works = Works::new();
    works.add(ScheduledAct::Backup, &["vault"], &[("settle", "0")]);
    fs::remove_dir(works.house.path("vault")).unwrap();
    let now = Timestamp::now();
    works.scheduler.tick(Watch { now, since: now }).unwrap();
    works.scheduler.wait_until_idle();
    let slot = works.row().slots[0].clone();
    assert_eq!(
        (slot.state, slot.reason),
        (SlotState::Waiting, Some(Reason::Destination))
    );
    assert_eq!(works.row().status, JobStatus::Waiting);
    assert_eq!(works.house.service.history(None).unwrap(), []);
    fs::create_dir(works.house.path("vault")).unwrap();
    works
        .scheduler
        .set("often", &daily_from(slot.slot), Timestamp::now())
        .unwrap();
    let now = later(2);
    works
        .scheduler
        .tick(Watch {
            now,
            since: slot.slot,
        })
        .unwrap();
    works.scheduler.wait_until_idle();
    let caught_up = works.row().slots.into_iter().find(|s| s.slot == slot.slot);
    assert_eq!(caught_up.unwrap().state, SlotState::CaughtUp);
}

#[test]
fn a_run_whose_process_died_is_interrupted_and_made_again_once() {
    let works = Works::new();
    works.add(ScheduledAct::Backup, &["vault"], &[("settle", "10m")]);
    let store = JobStore::open(&works.house.path("data")).unwrap();
    let now = Timestamp::now();
    // Waits for the machine to come to rest: nobody but this test takes it on.
    let rests = Watch { now, since: now };
    works.scheduler.tick(rests).unwrap();
    // As a process does that dies at once.
    let open = store.open_slots(None).unwrap().remove(0);
    store.begin(&open, "0123", "dead", now).unwrap().unwrap();
    let other_times = daily_from(open.slot);
    works.scheduler.set("often", &other_times, now).unwrap();
    works.scheduler.tick(rests).unwrap();
    works.scheduler.wait_until_idle();
    let of_it = || {
        let mut all = works.row().slots.into_iter();
        all.find(|s| s.slot == open.slot).unwrap()
    };
    let slot = of_it();
    assert_eq!(
        (slot.state, slot.reason),
        (SlotState::Retrying, Some(Reason::Interrupted))
    );
    assert_eq!(slot.problem.unwrap().code, "interrupted");
    let since = ago(60);
    works.scheduler.tick(Watch { now, since }).unwrap();
    works.scheduler.wait_until_idle();
    let slot = of_it();
    assert_eq!(
        (slot.state, slot.attempt),
        (SlotState::CaughtUp, 2),
        "{slot:?}"
    );
}

#[test]
fn what_runs_when_the_program_ends_is_run_again_and_what_somebody_cancels_is_not() {
    for (leaves, state) in [(true, SlotState::Retrying), (false, SlotState::Cancelled)] {
        let house = House::new();
        let begun = Arc::new(Barrier::new(2));
        let watcher = Cancelling(Arc::clone(&begun));
        let scheduler = open(&house, Box::new(watcher)).unwrap();
        let works = Works { house, scheduler };
        works.add(ScheduledAct::Backup, &["vault"], &[]);
        let watch = Watch {
            now: Timestamp::now(),
            since: ago(60),
        };
        works.scheduler.tick(watch).unwrap();
        begun.wait();
        if leaves {
            works.scheduler.leave();
        }
        begun.wait();
        works.scheduler.wait_until_idle();
        let slot = works.row().slots[0].clone();
        assert_eq!(slot.state, state, "{slot:?}");
    }
}

/// Waits for the test when a run begins, and once more; then the run finds itself cancelled.
struct Cancelling(Arc<Barrier>);

impl Watcher for Cancelling {
    fn begins(&self, run: &RunInfo) -> Watching {
        self.0.wait();
        self.0.wait();
        let cancel = Cancel::new();
        cancel.cancel();
        Watching {
            cancel,
            ..NoWatcher.begins(run)
        }
    }

    fn ended(&self, _: &Schedule, _: &holdfast::jobs::slot::SlotRecord) {}

    fn changed(&self) {}
}

#[test]
fn a_run_by_hand_is_one_of_its_own() {
    let works = Works::new();
    let daily = ScheduleChange {
        cadence: Some(CadenceText::Cron("0 3 * * *".to_owned())),
        ..change(&["vault"], &[])
    };
    let row = works
        .scheduler
        .add("daily", &daily, Timestamp::now())
        .unwrap();
    let act = works.house.act();
    let report = works
        .scheduler
        .run_now("daily", &act, Timestamp::now())
        .unwrap();
    assert_eq!(report.state, SlotState::Ran);
    assert_eq!(report.executions[0].status, ExecutionStatus::Completed);
    let after = works
        .scheduler
        .schedule("daily", 10, Timestamp::now())
        .unwrap();
    assert_eq!(after.next, row.next, "no regular slot is moved");
    assert_eq!(after.slots[0].how, How::ByHand);
    assert_eq!(after.slots[0].run_id, Some(report.run_id));
}

#[test]
fn a_schedule_thins_out_the_archives_of_its_instance_alone() {
    let works = Works::new();
    let house = &works.house;
    let other = NewInstance {
        name: "other".to_owned(),
        path: house.instance_dir(),
        template: None,
        from: None,
        exclude: Vec::new(),
    };
    house
        .service
        .add_instance(&other, &Accept::default(), &house.act())
        .unwrap();
    for instance in [INSTANCE, "other", INSTANCE, "other", INSTANCE] {
        let request = BackupRequest {
            instance: instance.to_owned(),
            to: vec!["vault".to_owned()],
            comment: String::new(),
            encrypt: false,
            archive_type: ArchiveType::Manual,
        };
        house.service.backup(&request, &house.act()).unwrap();
    }
    let policy = [("keep_last", "1"), ("floor", "1")].map(|(k, v)| (k.to_owned(), v.to_owned()));
    let left = |instance: &str| {
        let filter = ArchiveFilter {
            destination: None,
            instance: Some(instance.to_owned()),
        };
        house.service.archives(&filter).unwrap().len()
    };
    let manual = ScheduleChange {
        act: Some(ScheduledAct::Retention),
        cadence: Some(CadenceText::Manual),
        ..change(&["vault"], &[])
    };
    works
        .scheduler
        .add("thin", &manual, Timestamp::now())
        .unwrap();
    let run = || {
        works
            .scheduler
            .run_now("thin", &house.act(), Timestamp::now())
            .unwrap()
    };
    let without = run();
    assert_eq!(without.state, SlotState::Ran);
    assert_eq!((left(INSTANCE), left("other")), (3, 2), "no policy");
    house.service.set_retention("vault", &policy).unwrap();
    let report = run();
    assert_eq!(report.state, SlotState::Ran, "{report:?}");
    assert_eq!(report.retention[0].delete.len(), 2);
    assert_eq!(report.retention[0].keep.len(), 1);
    assert_eq!((left(INSTANCE), left("other")), (1, 2));
    let history = house.service.history(Some(2)).unwrap();
    for act in history {
        assert_eq!(act.kind, ExecutionKind::Retention);
        assert_eq!(act.triggered_by, "schedule:thin");
        assert_eq!(act.run_id, report.run_id);
    }
    fs::remove_dir_all(house.path("vault")).unwrap();
    let failed = run();
    assert_eq!(failed.state, SlotState::Failed, "{failed:?}");
}

/// Twice an hour, as somebody's own program would have it.
struct Tides;

impl Slots for Tides {
    fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let seconds = after.as_second().div_euclid(1800) * 1800 + 1800;
        Timestamp::from_second(seconds).ok()
    }
}

#[test]
fn a_cadence_of_ones_own_is_due_where_it_is_known_and_waits_where_it_is_not() {
    let house = House::new();
    let then = ago(45);
    {
        let scheduler = open(&house, Box::new(NoWatcher)).unwrap();
        let row = scheduler.add_job(
            "tides",
            &change(&["vault"], &[]),
            "tides",
            Arc::new(Tides),
            then,
        );
        assert_eq!(row.unwrap().next.len(), 5);
    }
    let scheduler = open(&house, Box::new(NoWatcher)).unwrap();
    let row = |now| scheduler.schedule("tides", 10, now).unwrap();
    let now = Timestamp::now();
    assert_eq!(row(now).status, JobStatus::Disabled);
    assert_eq!(row(now).problem.unwrap().code, "unknown_cadence");
    let watch = Watch {
        now,
        since: ago(60),
    };
    scheduler.tick(watch).unwrap();
    assert_eq!(row(now).slots, []);
    scheduler
        .add_job(
            "tides",
            &change(&["vault"], &[]),
            "tides",
            Arc::new(Tides),
            now,
        )
        .unwrap();
    scheduler.tick(watch).unwrap();
    scheduler.wait_until_idle();
    let slot = row(now).slots[0].clone();
    assert!(slot.state.is_success(), "{slot:?}");
    assert_eq!(slot.slot.as_second() % 1800, 0);
}

#[test]
fn pausing_skips_with_that_reason_and_other_times_have_no_past() {
    let works = Works::new();
    works.add(ScheduledAct::Backup, &["vault"], &[]);
    let paused = works.scheduler.pause("often", ago(5)).unwrap();
    assert_eq!((paused.status, paused.next_run), (JobStatus::Paused, None));
    works.tick(Timestamp::now());
    assert_eq!(works.house.service.history(None).unwrap(), []);
    let resumed = works.scheduler.resume("often", Timestamp::now()).unwrap();
    let reasons: Vec<_> = resumed.slots.iter().map(|s| (s.reason, s.count)).collect();
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert_eq!(reasons[0].0, Some(Reason::Paused));
    assert_eq!(reasons[1].0, Some(Reason::Missed));
    assert_eq!(reasons[0].1 + reasons[1].1, 10);
    let altered = ScheduleChange {
        cadence: Some(CadenceText::Cron("*/2 * * * *".to_owned())),
        ..ScheduleChange::default()
    };
    let altered = works.scheduler.set("often", &altered, later(3)).unwrap();
    assert_eq!(altered.slots[0].reason, Some(Reason::Changed));
}
