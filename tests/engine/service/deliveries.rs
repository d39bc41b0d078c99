//! Claims about one archive on its way to several destinations: at once, each with an outcome of its own.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime};

use holdfast::destination::ErrorKind;
use holdfast::model::{Execution, ExecutionStatus, Observer, Phase, Progress};
use holdfast::service::report::BackupReport;
use holdfast::service::{Act, BackupRequest};
use holdfast::store::{ExecutionFilter, Store};
use sha2::{Digest, Sha256};

use super::fixture::{House, INSTANCE, files_below};
use crate::faulty::{Fault, Faulty, On, hook};

/// Longer than anything here takes: who waits so long waits for nothing.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where threads wait for each other.
#[derive(Default)]
struct Meeting {
    here: Mutex<usize>,
    changed: Condvar,
}

impl Meeting {
    /// Returns whether so many came.
    fn of(&self, wanted: usize) -> bool {
        let mut here = self.here.lock().unwrap();
        *here += 1;
        self.changed.notify_all();
        let end = Instant::now() + PATIENCE;
        while *here < wanted && Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            here = self.changed.wait_timeout(here, left).unwrap().0;
        }
        *here >= wanted
    }
}

fn status_of(report: &BackupReport, name: &str) -> ExecutionStatus {
    let mut executions = report.executions.iter();
    executions.find(|e| e.destination == name).unwrap().status
}

fn code_of(report: &BackupReport, name: &str) -> String {
    let mut executions = report.executions.iter();
    let execution = executions.find(|e| e.destination == name).unwrap();
    execution.problem.as_ref().unwrap().code.clone()
}

#[test]
fn destinations_are_sent_to_at_the_same_time() {
    let house = House::new();
    let meeting = Arc::new(Meeting::default());
    let met = Arc::new(Mutex::new(Vec::new()));
    for name in ["cloud", "nas", "office"] {
        let (meeting, met) = (Arc::clone(&meeting), Arc::clone(&met));
        let meets = hook(move || {
            let all = meeting.of(3);
            met.lock().unwrap().push(all);
        });
        house.break_place(name, |f| f.at(On::Put, 1..=1, Fault::Before(meets)));
    }
    let report = house
        .backup_to(&["vault", "cloud", "nas", "office"])
        .unwrap();
    assert_eq!(*met.lock().unwrap(), [true; 3]);
    let digests: Vec<_> = report.executions.iter().map(|e| &e.sha256).collect();
    assert!(digests.iter().all(|d| d.is_some() && *d == digests[0]));
    for name in ["vault", "cloud", "nas", "office"] {
        assert_eq!(status_of(&report, name), ExecutionStatus::Completed);
        assert_eq!(files_below(&house.path(name)).len(), 1);
    }
}

/// An upload may take the night: the copy on the next disk is there, and known, long before.
#[test]
fn the_copy_of_this_machine_does_not_wait_for_the_others() {
    let house = House::new();
    let vault = house.path("vault");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (watched, told) = (vault.clone(), Arc::clone(&seen));
    let waits = hook(move || {
        let end = Instant::now() + PATIENCE;
        let is_archive = |file: &PathBuf| file.extension().is_some_and(|e| e == "age");
        let mut found = Vec::new();
        while found.is_empty() && Instant::now() < end {
            found = files_below(&watched);
            found.retain(is_archive);
        }
        told.lock().unwrap().push(found.len());
    });
    house.break_place("cloud", |f| f.at(On::Put, 1..=1, Fault::Before(waits)));
    let report = house.backup_to(&["vault", "cloud"]).unwrap();
    assert_eq!(*seen.lock().unwrap(), [1]);
    for name in ["vault", "cloud"] {
        assert_eq!(status_of(&report, name), ExecutionStatus::Completed);
        let files = files_below(&house.path(name));
        assert_eq!(files.len(), 1, "{files:?}");
        let one = fs::metadata(house.path(name).join(&files[0])).unwrap();
        assert_eq!(one.nlink(), 1, "no other name of it is left");
    }
}

#[test]
fn an_outcome_is_recorded_while_another_place_is_still_sent_to() {
    let house = House::new();
    let data = house.path("data");
    let id = |name: &str| house.service.destination(name).unwrap().id;
    house.break_place("nas", |f| f);
    house.break_place("full", |f| {
        f.always(On::Put, Fault::CutsAt(100, ErrorKind::Space))
    });
    let (nas, full) = (id("nas"), id("full"));
    let seen = Arc::new(Mutex::new(None));
    let sees = Arc::clone(&seen);
    let waits = hook(move || {
        let store = Store::open(&data).unwrap();
        let ended = |e: &&Execution| e.status != ExecutionStatus::Running;
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let all = store.executions(&ExecutionFilter::default()).unwrap();
            let ended: Vec<_> = all.iter().filter(ended).collect();
            if ended.len() == 3 {
                let of = |id: &str| {
                    let found = ended
                        .iter()
                        .find(|e| e.destination_id.as_deref() == Some(id));
                    found.map(|e| e.status)
                };
                let manifest = store.manifest(&all[0].run_id).unwrap().is_some();
                *sees.lock().unwrap() = Some((of(&nas), of(&full), manifest));
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    house.break_place("slow", |f| f.at(On::Put, 1..=1, Fault::Before(waits)));
    let report = house.backup_to(&["slow", "vault", "nas", "full"]).unwrap();
    let (completed, failed) = (ExecutionStatus::Completed, ExecutionStatus::Failed);
    assert_eq!(
        *seen.lock().unwrap(),
        Some((Some(completed), Some(failed), true))
    );
    assert_eq!(status_of(&report, "slow"), completed);
    // And what was recorded first stayed so.
    let history = house.service.history(None).unwrap();
    let count = |status| history.iter().filter(|e| e.status == status).count();
    assert_eq!((count(completed), count(failed)), (3, 1));
    let nas = house.service.destination("nas").unwrap();
    assert_eq!(nas.last_backup_status.as_deref(), Some("completed"));
}

#[test]
fn whatever_is_wrong_with_one_the_others_get_the_archive() {
    let faults = [
        (Fault::Fails(ErrorKind::Unreachable), "unreachable"),
        (Fault::Fails(ErrorKind::Authentication), "authentication"),
        (Fault::Presents("SHA256:abc"), "trust"),
        (Fault::CutsAt(1000, ErrorKind::Space), "no_space"),
        (Fault::CutsAt(1000, ErrorKind::Forbidden), "forbidden"),
        (Fault::CutsAndKeeps(1000, ErrorKind::Timeout), "timeout"),
        (Fault::Fails(ErrorKind::Exists), "exists"),
        (Fault::LosesTheAnswer(ErrorKind::Protocol), "protocol"),
    ];
    let house = House::new();
    for (fault, code) in faults {
        let broken = house.break_place("cloud", |f| f.always(On::Put, fault.clone()));
        house.break_place("nas", |f| f);
        let report = house.backup_to(&["cloud", "nas", "vault"]).unwrap();
        assert_eq!(status_of(&report, "cloud"), ExecutionStatus::Failed);
        assert_eq!(code_of(&report, "cloud"), code, "{fault:?}");
        assert_eq!(status_of(&report, "nas"), ExecutionStatus::Completed);
        assert_eq!(status_of(&report, "vault"), ExecutionStatus::Completed);
        assert_eq!(broken.unfinished(), 0, "{fault:?}");
    }
    // Where only the answer was lost there is an archive that nobody knows of.
    assert_eq!(files_below(&house.path("cloud")).len(), 1);
    assert!(files_below(&house.path("data/work")).is_empty());
}

#[test]
fn cancelling_stops_every_delivery_and_nothing_is_left() {
    let house = House::new();
    let meeting = Arc::new(Meeting::default());
    let (met, cancel) = (Arc::clone(&meeting), house.cancel.clone());
    let stalls = |f: Faulty| f.always(On::Put, Fault::StallsAt(1000));
    let clouds = [
        house.break_place("cloud", stalls),
        house.break_place("nas", stalls),
    ];
    let cancels = hook(move || {
        met.of(1);
        cancel.cancel();
    });
    house.break_place("office", |f| f.at(On::Put, 1..=1, Fault::Before(cancels)));
    let report = house
        .backup_to(&["cloud", "nas", "office"])
        .map(|report| report.executions.len());
    assert!(report.is_err_and(|e| e.is_cancelled()));
    let history = house.service.history(None).unwrap();
    assert_eq!(history.len(), 3);
    for execution in &history {
        assert_eq!(execution.status, ExecutionStatus::Cancelled);
    }
    for name in ["cloud", "nas", "office", "data/work"] {
        assert!(files_below(&house.path(name)).is_empty(), "{name}");
    }
    assert!(clouds.iter().all(|cloud| cloud.unfinished() == 0));
}

#[test]
fn what_is_there_when_a_run_is_cancelled_stays() {
    let house = House::new();
    let (store, cancel) = (house.path("data"), house.cancel.clone());
    let cancels = hook(move || {
        let store = Store::open(&store).unwrap();
        let end = Instant::now() + PATIENCE;
        let done = |e: &Execution| e.status == ExecutionStatus::Completed;
        let all = || store.executions(&ExecutionFilter::default()).unwrap();
        while !all().iter().any(done) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        cancel.cancel();
    });
    house.break_place("cloud", |f| f.at(On::Put, 1..=1, Fault::Before(cancels)));
    let report = house.backup_to(&["vault", "cloud"]).unwrap();
    assert_eq!(status_of(&report, "vault"), ExecutionStatus::Completed);
    assert_eq!(status_of(&report, "cloud"), ExecutionStatus::Cancelled);
    assert_eq!(files_below(&house.path("vault")).len(), 1);
    assert_eq!(files_below(&house.path("cloud")).len(), 0);
}

#[test]
fn a_run_may_be_cancelled_at_any_call_to_a_destination() {
    let house = House::new();
    let calls = {
        let counting = house.break_place("cloud", |f| f);
        house.backup_to(&["cloud", "vault"]).unwrap();
        counting.calls(On::Any)
    };
    assert!(calls >= 4, "{calls}");
    for n in 1..=calls {
        for name in ["vault", "cloud"] {
            fs::remove_dir_all(house.path(name)).unwrap();
            fs::create_dir(house.path(name)).unwrap();
        }
        let house_cancel = holdfast::model::Cancel::new();
        let cancels = house_cancel.clone();
        house.break_place("cloud", |f| {
            f.at(
                On::Any,
                n..=n,
                Fault::Before(hook(move || cancels.cancel())),
            )
        });
        let act = Act {
            cancel: &house_cancel,
            ..house.act()
        };
        let request = BackupRequest {
            to: vec!["cloud".to_owned(), "vault".to_owned()],
            ..House::request()
        };
        let done = house.service.backup(&request, &act);
        assert!(done.is_err_and(|e| e.is_cancelled()), "call {n}");
        for name in ["vault", "cloud", "data/work"] {
            assert!(files_below(&house.path(name)).is_empty(), "call {n}");
        }
    }
    let history = house.service.history(None).unwrap();
    let running = |e: &Execution| e.status == ExecutionStatus::Running;
    assert!(!history.iter().any(running));
}

#[test]
fn a_place_that_does_not_answer_before_the_run_is_asked_once() {
    let house = House::new();
    let silent = house.break_place("cloud", |f| {
        f.always(On::Sweep, Fault::Fails(ErrorKind::Timeout))
    });
    let report = house.backup_to(&["cloud", "vault"]).unwrap();
    assert_eq!(status_of(&report, "cloud"), ExecutionStatus::Completed);
    assert_eq!(silent.calls(On::Sweep), 1);
    assert_eq!(silent.calls(On::FreeSpace) + silent.calls(On::Stat), 0);
}

/// Whatever it says to what is nice to know: the archive is what counts.
#[test]
fn a_place_that_only_takes_archives_gets_one() {
    for kind in [ErrorKind::Forbidden, ErrorKind::Protocol] {
        let house = House::new();
        house.break_place("cloud", |f| {
            f.always(On::Sweep, Fault::Fails(kind))
                .always(On::FreeSpace, Fault::Fails(kind))
                .always(On::Stat, Fault::Fails(kind))
        });
        let report = house.backup_to(&["cloud"]).unwrap();
        assert_eq!(status_of(&report, "cloud"), ExecutionStatus::Completed);
    }
}

#[test]
fn what_an_interrupted_write_of_ours_left_is_swept_before_the_next_backup() {
    let house = House::new();
    let name = |destination: &str, n: u8| {
        let id = house.service.destination(destination).unwrap().id;
        let owner = hex::encode(&Sha256::digest(id.as_bytes())[..6]);
        format!(".holdfast-{owner}-{}.upload", hex::encode([n; 16]))
    };
    house.add_local("other");
    house.backup();
    let archive = &files_below(&house.path("vault"))[0];
    let folder = house.path("vault").join(archive.parent().unwrap());
    let days = |n: u64| SystemTime::now() - Duration::from_hours(24 * n);
    let leave = |name: &str, at: SystemTime| {
        let path = folder.join(name);
        let file = File::create(&path).unwrap();
        file.set_modified(at).unwrap();
        path
    };
    let dead = leave(&name("vault", 1), days(2));
    let young = leave(&name("vault", 2), days(0));
    let of_another = leave(&name("other", 3), days(2));
    house.backup();
    assert!(!dead.exists());
    assert!(young.exists() && of_another.exists());
}

#[derive(Default)]
struct Told(Mutex<Vec<Progress>>);

impl Observer for Told {
    fn progress(&self, progress: &Progress) {
        self.0.lock().unwrap().push(progress.clone());
    }
}

#[test]
fn deliveries_at_the_same_time_are_one_progress() {
    let house = House::new();
    let meeting = Arc::new(Meeting::default());
    for name in ["cloud", "nas"] {
        let meeting = Arc::clone(&meeting);
        let meets = hook(move || assert!(meeting.of(2)));
        house.break_place(name, |f| f.at(On::Put, 1..=1, Fault::Before(meets)));
    }
    let told = Told::default();
    let act = Act {
        observer: &told,
        ..house.act()
    };
    let request = BackupRequest {
        to: vec!["cloud".to_owned(), "nas".to_owned()],
        ..House::request()
    };
    let report = house.service.backup(&request, &act).unwrap();
    let size = report.executions[0].compressed_size_bytes.unwrap();
    let told = told.0.lock().unwrap();
    let uploading: Vec<_> = told
        .iter()
        .filter(|p| p.phase == Phase::Uploading)
        .collect();
    assert_eq!(uploading[0].what, "cloud, nas");
    let mut before = 0;
    for progress in &uploading {
        assert_eq!(progress.total_bytes, 2 * size);
        assert!(progress.done_bytes >= before, "{progress:?}");
        before = progress.done_bytes;
    }
    assert!(before > size);
    let last = told.iter().rposition(|p| p.phase == Phase::Uploading);
    let done = told.iter().position(|p| p.phase == Phase::Done);
    assert!(last < done, "nothing is told after the end");
    assert_eq!(INSTANCE, told.last().unwrap().what);
}
