//! Schedules that cannot run, or not well: it is said, and nothing else suffers.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use holdfast::jobs::report::JobStatus;
use holdfast::jobs::slot::{Reason, SlotState};
use holdfast::jobs::{CadenceText, NoWatcher, ScheduleChange, Watch, status_without_schedules};
use holdfast::model::schedule::ScheduledAct;
use holdfast::service::report::{State, StatusReason};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use crate::alerts::places::{Answer, Server, Told, notification_service};
use crate::service::fixture::{House, INSTANCE};
use crate::session::in_session;

use super::works::{Works, ago, change, later, open};

#[test]
fn after_the_last_retry_it_has_failed_and_says_so_everywhere() {
    let works = Works::new();
    works.add(ScheduledAct::Backup, &["vault"], &[("retries", "0")]);
    fs::remove_dir(works.house.path("vault")).unwrap();
    works.tick(Timestamp::now());
    let row = works.row();
    assert_eq!(row.status, JobStatus::Failing);
    assert_eq!(
        (row.failure_count, row.last_status),
        (1, Some(SlotState::Failed))
    );
    assert!(row.problem.is_some() && row.last_error.is_some());
    let status = works.scheduler.status(Timestamp::now()).unwrap();
    assert_eq!(status.state, State::Failing, "{status:?}");
    fs::create_dir(works.house.path("vault")).unwrap();
    works.tick(later(1));
    let row = works.row();
    assert_eq!((row.status, row.failure_count), (JobStatus::Idle, 0));
    assert_eq!((row.problem, row.last_error), (None, None));
}

#[test]
fn what_a_schedule_misses_skips_its_slots_with_the_reason_and_never_the_schedule() {
    let works = Works::new();
    works.add(ScheduledAct::Backup, &["vault"], &[]);
    works
        .house
        .service
        .enable_destination("vault", false)
        .unwrap();
    let row = works.row();
    assert_eq!(row.status, JobStatus::Disabled);
    assert_eq!(row.problem.unwrap().code, "schedule_without_destination");
    assert_eq!(row.next_run, None);
    works.tick(ago(3));
    let slot = works.row().slots[0].clone();
    assert_eq!(
        (slot.state, slot.reason),
        (SlotState::Skipped, Some(Reason::Disabled))
    );
    assert_eq!(works.house.service.history(None).unwrap(), []);
    let status = works.scheduler.status(Timestamp::now()).unwrap();
    assert_ne!(status.state, State::Well);
    works
        .house
        .service
        .enable_destination("vault", true)
        .unwrap();
    works.tick(ago(2));
    assert_eq!(works.row().slots[0].state, SlotState::Ran);
    works.house.service.remove_instance(INSTANCE).unwrap();
    assert_eq!(
        works.row().problem.unwrap().code,
        "schedule_without_instance"
    );
    works.tick(ago(1));
    assert_eq!(works.row().slots[0].reason, Some(Reason::Disabled));
}

#[test]
fn a_place_that_is_gone_leaves_the_others_their_archive_and_the_run_partial() {
    let works = Works::new();
    works.house.add_local("second");
    works.add(ScheduledAct::Backup, &["vault", "second"], &[]);
    works.house.service.remove_destination("second").unwrap();
    works.tick(Timestamp::now());
    let slot = works.row().slots[0].clone();
    assert_eq!(slot.state, SlotState::Partial);
    assert_eq!(slot.problem.unwrap().code, "schedule_lacks_destination");
    assert_eq!(works.house.service.history(None).unwrap().len(), 1);
}

#[test]
fn checks_by_schedule_find_a_bad_archive() {
    let works = Works::new();
    for (act, name) in [
        (ScheduledAct::Verify, "verify"),
        (ScheduledAct::Drill, "drill"),
    ] {
        let manual = ScheduleChange {
            act: Some(act),
            cadence: Some(CadenceText::Manual),
            ..change(&["vault"], &[])
        };
        works
            .scheduler
            .add(name, &manual, Timestamp::now())
            .unwrap();
    }
    let run = |name: &str| {
        let act = works.house.act();
        works
            .scheduler
            .run_now(name, &act, Timestamp::now())
            .unwrap()
    };
    let nothing = run("drill");
    assert_eq!(nothing.state, SlotState::Failed);
    assert_eq!(nothing.problem.unwrap().code, "nothing_to_check");
    let report = works.house.backup();
    for name in ["verify", "drill"] {
        let good = run(name);
        assert_eq!(
            (good.state, good.checks.len()),
            (SlotState::Ran, 1),
            "{good:?}"
        );
        assert!(good.checks[0].ok);
    }
    let name = report.executions[0].archive.clone().unwrap();
    let path = crate::service::fixture::files_below(&works.house.path("vault"))
        .into_iter()
        .find(|f| f.ends_with(&name))
        .unwrap();
    let path = works.house.path("vault").join(path);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    for name in ["verify", "drill"] {
        let bad = run(name);
        assert_eq!(bad.state, SlotState::Failed, "{bad:?}");
        assert_eq!(bad.problem.unwrap().code, "archive_bad");
    }
    let status = works.scheduler.status(Timestamp::now()).unwrap();
    assert_eq!(status.reason, StatusReason::ScheduleFailed);
    assert_eq!(status.concerned, ["drill", "verify"]);
}

#[test]
fn no_verified_backup_for_days_is_failing_whatever_ran() {
    let works = Works::new();
    works.house.backup();
    let day = |n: i64| Timestamp::now() + SignedDuration::from_hours(24 * n);
    assert_eq!(works.scheduler.status(day(7)).unwrap().state, State::Well);
    let late = works.scheduler.status(day(9)).unwrap();
    assert_eq!(
        (late.state, late.reason),
        (State::Failing, StatusReason::Overdue)
    );
    assert_eq!(late.concerned, [INSTANCE]);
    let change = [("alarm_days".to_owned(), "30".to_owned())];
    works.house.service.set_settings(&change, &[]).unwrap();
    assert_eq!(works.scheduler.status(day(9)).unwrap().state, State::Well);
}

#[test]
fn a_sidecar_that_cannot_be_written_is_a_warning_and_no_failed_run() {
    let works = Works::new();
    let sidecar = works.house.path("data").join("backup_jobs_meta.json");
    fs::create_dir(&sidecar).unwrap();
    works.add(ScheduledAct::Backup, &["vault"], &[]);
    works.tick(Timestamp::now());
    assert_eq!(works.row().slots[0].state, SlotState::Ran);
    let status = works.scheduler.status(Timestamp::now()).unwrap();
    assert!(
        status.warnings.iter().any(|w| w.code == "sidecar"),
        "{status:?}"
    );
    fs::remove_dir(&sidecar).unwrap();
    let status = works.scheduler.status(Timestamp::now()).unwrap();
    assert_eq!(status.warnings, []);
    assert!(sidecar.is_file());
}

#[test]
fn a_job_store_that_cannot_be_used_is_said_and_stops_nothing_else() {
    type Spoil = fn(&std::path::Path);
    let newer: Spoil = |path| {
        let connection = rusqlite::Connection::open(path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
    };
    let corrupt: Spoil = |path| {
        for side in ["-wal", "-shm"] {
            let _ = fs::remove_file(format!("{}{side}", path.display()));
        }
        fs::write(path, vec![7; 8192]).unwrap();
    };
    for (spoil, code) in [(newer, "job_store_newer"), (corrupt, "job_store_corrupt")] {
        let house = House::new();
        drop(open(&house, Box::new(NoWatcher)).unwrap());
        let path = house.path("data").join("backup_jobs.db");
        spoil(&path);
        let before = fs::read(&path).unwrap();
        let error = open(&house, Box::new(NoWatcher)).err().unwrap();
        assert_eq!(error.problem().code, code);
        assert_eq!(fs::read(&path).unwrap(), before, "it is left alone");
        house.backup();
        let status = status_without_schedules(&house.service, &error, Timestamp::now()).unwrap();
        assert_eq!(
            (status.state, status.reason),
            (State::Failing, StatusReason::SchedulesUnusable)
        );
        assert_eq!(status.problem.unwrap().code, code);
    }
}

#[test]
fn one_process_at_a_time_watches_the_clock() {
    let house = House::new();
    let first = open(&house, Box::new(NoWatcher)).unwrap();
    let second = open(&house, Box::new(NoWatcher)).unwrap();
    assert!(first.take_the_clock().unwrap());
    assert!(first.take_the_clock().unwrap(), "it stays so");
    assert!(!second.take_the_clock().unwrap());
    drop(first);
    assert!(second.take_the_clock().unwrap());
}

#[test]
fn a_job_store_that_is_locked_is_said_and_nothing_is_lost_by_it() {
    let works = Works::new();
    works.add(ScheduledAct::Backup, &["vault"], &[]);
    let path = works.house.path("data").join("backup_jobs.db");
    let other = rusqlite::Connection::open(path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let watch = Watch {
        now: Timestamp::now(),
        since: ago(60),
    };
    let busy = works.scheduler.tick(watch).unwrap_err();
    assert_eq!(busy.problem().code, "job_store_busy");
    assert_eq!(works.row().slots, [], "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    works.tick(watch.now);
    assert_eq!(works.row().slots[0].state, SlotState::Ran);
}

#[test]
fn an_overdue_backup_is_an_alarm_once_and_cleared_by_the_next_one() {
    let server = Server::start([Answer::Status(200)]);
    let works = Works::new();
    let hook = SecretString::from(format!("{}/hook", server.url()));
    let secrets = [("webhook_url".to_owned(), hook)];
    works.house.service.set_settings(&[], &secrets).unwrap();
    // There is no schedule at all: it is the age that counts.
    let day = |n: i64| Timestamp::now() + SignedDuration::from_hours(24 * n);
    works.tick(day(7));
    works.tick(day(9));
    works.tick(day(10));
    works.house.backup();
    works.tick(Timestamp::now());
    works.scheduler.finish_telling();
    let events: Vec<(String, String)> = server
        .heard()
        .iter()
        .map(|request| {
            let news: serde_json::Value = serde_json::from_str(&request.body).unwrap();
            let text = |key: &str| news[key].as_str().unwrap().to_owned();
            (text("event"), text("instance"))
        })
        .collect();
    let expected = ["alarm", "alarm_cleared"].map(|e| (e.to_owned(), INSTANCE.to_owned()));
    assert_eq!(events, expected);
}

#[test]
fn a_keyring_that_gives_no_address_keeps_nobody_else_from_being_told() {
    in_session(
        "jobs::trouble::a_keyring_that_gives_no_address_keeps_nobody_else_from_being_told",
        || {
            let screen = notification_service(&["body"]);
            let works = Works::new();
            let hook = SecretString::from("https://hooks.example/s3cret");
            let secrets = [("webhook_url".to_owned(), hook)];
            works.house.service.set_settings(&[], &secrets).unwrap();
            // What others can read is not taken: as good as locked.
            let keys = works.house.path("data").join("keys.json");
            fs::set_permissions(&keys, fs::Permissions::from_mode(0o644)).unwrap();
            works.tick(Timestamp::now() + SignedDuration::from_hours(24 * 9));
            works.scheduler.finish_telling();
            let told = screen.told();
            assert!(matches!(&told[..], [Told::Notify(alarm)] if alarm.title.contains(INSTANCE)));
            let status = works.scheduler.status(Timestamp::now()).unwrap();
            let codes: Vec<_> = status.warnings.iter().map(|w| w.code.as_str()).collect();
            assert_eq!(codes, ["webhook_undelivered"]);
        },
    );
}
