//! Claims about hooks: when each runs, what it is told, and what becomes of the act around one that fails.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use holdfast::keys::Backend;
use holdfast::model::{Cancel, ExecutionStatus, HookKind, Observer, Phase, Progress};
use holdfast::service::report::RestoreReport;
use holdfast::service::{Accept, Act, ArchiveRef, BackupService, Error, RestoreRequest};
use rusqlite::Connection;

use super::fixture::{House, INSTANCE, count, digests_below, files_below};

const SAY: &str = "echo $HOLDFAST_HOOK $HOLDFAST_INSTANCE $HOLDFAST_INSTANCE_DIR ${HOLDFAST_RESULT-none} >> ../said";

fn set(house: &House, key: &str, line: &str) {
    let change = [(key.to_owned(), line.to_owned())];
    house.service.set_instance(INSTANCE, &change).unwrap();
}

fn restore(house: &House, archive: &ArchiveRef, component: &str) -> Result<RestoreReport, Error> {
    let request = RestoreRequest {
        archive: archive.clone(),
        instance: INSTANCE.to_owned(),
        components: vec![component.to_owned()],
        confirm: INSTANCE.to_owned(),
        accept: Accept::default(),
    };
    house.service.restore(&request, &house.act())
}

fn delete_devices(house: &House) {
    Connection::open(house.database("devices.db"))
        .unwrap()
        .execute_batch("DELETE FROM devices")
        .unwrap();
}

fn devices(house: &House) -> i64 {
    count(&house.database("devices.db"), "devices")
}

/// Cancels once a line has made this file.
fn cancel_at(file: &Path, cancel: &Cancel) -> thread::JoinHandle<()> {
    let (file, cancel) = (file.to_owned(), cancel.clone());
    thread::spawn(move || {
        while !file.exists() {
            thread::sleep(Duration::from_millis(5));
        }
        cancel.cancel();
    })
}

#[test]
fn a_before_hook_that_fails_stops_the_run_before_anything_is_captured() {
    let house = House::new();
    set(
        &house,
        "before_hook",
        "echo the queue is not empty >&2; exit 3",
    );
    set(&house, "after_hook", "touch ../after-ran");
    let error = house.backup_to(&["vault"]).unwrap_err();
    let problem = error.problem();
    assert_eq!(problem.code, "before_hook_failed");
    assert!(
        problem.message.contains("the queue is not empty"),
        "{problem:?}"
    );
    assert!(files_below(&house.path("vault")).is_empty());
    assert!(!house.path("after-ran").exists(), "nothing to come after");
    let row = &house.service.history(None).unwrap()[0];
    assert_eq!(row.status, ExecutionStatus::Failed);
    let said = row.error_message.as_deref().unwrap();
    assert!(said.contains("the queue is not empty"), "{said}");
}

#[test]
fn an_after_hook_that_fails_is_a_warning_and_the_archive_is_kept() {
    let house = House::new();
    set(
        &house,
        "after_hook",
        "touch ../after-ran; echo mail is down; exit 1",
    );
    let done = house.backup().executions.remove(0);
    assert!(house.path("after-ran").exists());
    assert_eq!(done.status, ExecutionStatus::Completed);
    let [warning] = done.warnings.as_slice() else {
        panic!("{:?}", done.warnings)
    };
    assert_eq!(warning.code, "after_hook_failed");
    assert!(warning.message.contains("mail is down"), "{warning:?}");
    let archive = ArchiveRef(format!("vault:{}", done.archive.unwrap()));
    assert!(house.service.drill(&archive, &house.act()).unwrap().ok);
}

/// It may have to let a service go on: that it could not is in the history beside what the run failed of.
#[test]
fn an_after_hook_runs_after_a_failed_capture_too_and_its_own_failure_is_not_lost() {
    let house = House::new();
    set(&house, "before_hook", "mkdir ../away && mv * ../away");
    set(&house, "after_hook", &format!("{SAY}; exit 1"));
    let error = house.backup_to(&["vault"]).unwrap_err();
    assert_eq!(error.problem().code, "nothing_read");
    let said = fs::read_to_string(house.path("said")).unwrap();
    assert!(said.ends_with(" failed\n"), "{said}");
    let row = &house.service.history(None).unwrap()[0];
    assert_eq!(row.status, ExecutionStatus::Failed);
    let codes: Vec<&str> = row.warnings.iter().map(|w| w.code.as_str()).collect();
    assert_eq!(codes, ["after_hook_failed"]);
}

#[test]
fn each_hook_is_told_what_it_is_for_and_where() {
    let house = House::new();
    for key in ["before_hook", "after_hook", "stop_hook", "start_hook"] {
        set(&house, key, SAY);
    }
    let archive = house.archive();
    delete_devices(&house);
    restore(&house, &archive, "devices").unwrap();
    let dir = house.instance_dir().canonicalize().unwrap();
    let line = |hook: &str, result: &str| format!("{hook} {INSTANCE} {} {result}\n", dir.display());
    let all = [
        ("before", "none"),
        ("after", "ok"),
        ("stop", "none"),
        ("start", "none"),
    ];
    let expected: String = all.map(|(hook, result)| line(hook, result)).concat();
    assert_eq!(fs::read_to_string(house.path("said")).unwrap(), expected);
}

#[test]
fn a_stop_hook_that_fails_keeps_the_restore_from_beginning() {
    let house = House::new();
    let archive = house.archive();
    delete_devices(&house);
    let before = digests_below(&house.instance_dir());
    set(&house, "stop_hook", "echo still busy; exit 3");
    set(&house, "start_hook", "touch ../started");
    let problem = restore(&house, &archive, "devices").unwrap_err().problem();
    assert_eq!(problem.code, "hook_failed");
    assert!(problem.message.contains("still busy"), "{problem:?}");
    assert_eq!(digests_below(&house.instance_dir()), before);
    assert!(house.path("started").exists(), "it may be half stopped");
    assert_eq!(
        house.service.history(None).unwrap()[0].status,
        ExecutionStatus::Failed
    );
}

#[test]
fn a_start_hook_that_fails_leaves_the_restore_and_says_that_the_service_may_not_run() {
    let house = House::new();
    let archive = house.archive();
    delete_devices(&house);
    set(&house, "stop_hook", "true");
    set(&house, "start_hook", "echo no such unit; exit 5");
    let report = restore(&house, &archive, "devices").unwrap();
    let [warning] = report.warnings.as_slice() else {
        panic!("{:?}", report.warnings)
    };
    assert_eq!(warning.code, "start_hook_failed");
    for words in ["the service may not be running", "no such unit"] {
        assert!(warning.message.contains(words), "{warning:?}");
    }
    assert!(devices(&house) > 0);
    let row = &house.service.history(None).unwrap()[0];
    assert_eq!(row.status, ExecutionStatus::Completed);
    assert_eq!(row.warnings, report.warnings);
}

#[test]
fn a_restore_that_failed_and_whose_service_does_not_start_again_says_both() {
    let house = House::new();
    let archive = house.archive();
    delete_devices(&house);
    set(&house, "stop_hook", "echo still busy; exit 3");
    set(&house, "start_hook", "echo no such unit; exit 5");
    let problem = restore(&house, &archive, "devices").unwrap_err().problem();
    assert_eq!(problem.code, "not_started");
    for words in [
        "still busy",
        "the service may not be running",
        "no such unit",
    ] {
        assert!(problem.message.contains(words), "{problem:?}");
    }
    assert_eq!(devices(&house), 0);
    let row = &house.service.history(None).unwrap()[0];
    assert_eq!(row.error_message.as_ref(), Some(&problem.message));
}

#[test]
fn cancelling_while_the_service_stops_starts_it_again_and_changes_nothing() {
    for (start, code) in [("touch ../started", "cancelled"), ("exit 5", "not_started")] {
        let house = House::new();
        let archive = house.archive();
        delete_devices(&house);
        set(&house, "stop_hook", "touch ../stopping; sleep 600");
        set(&house, "start_hook", start);
        let canceller = cancel_at(&house.path("stopping"), &house.cancel);
        let error = restore(&house, &archive, "devices").unwrap_err();
        canceller.join().unwrap();
        assert_eq!(error.problem().code, code);
        assert_eq!(error.exit_status(), 130, "{start}");
        assert_eq!(house.path("started").exists(), code == "cancelled");
        assert_eq!(devices(&house), 0);
        let row = &house.service.history(None).unwrap()[0];
        assert_eq!(row.status, ExecutionStatus::Cancelled, "{start}");
    }
}

#[test]
fn a_hook_can_be_tried_as_it_would_run() {
    let house = House::new();
    set(&house, "before_hook", "echo no; pwd; exit 3");
    let test = |kind| house.service.test_hook(INSTANCE, kind, &house.act());
    let bad = test(HookKind::Before).unwrap();
    assert_eq!((bad.ok, bad.exit_status), (false, Some(3)));
    let dir = house.instance_dir().canonicalize().unwrap();
    assert_eq!(bad.output, format!("no\n{}\n", dir.display()));
    assert_eq!(bad.problem.unwrap().code, "hook_test_failed");
    set(&house, "after_hook", SAY);
    let good = test(HookKind::After).unwrap();
    assert_eq!(
        (good.ok, good.exit_status, good.problem),
        (true, Some(0), None)
    );
    assert!(good.seconds > 0.0);
    let said = fs::read_to_string(house.path("said")).unwrap();
    assert!(
        said.starts_with("after ") && said.ends_with(" ok\n"),
        "{said}"
    );
    set(&house, "start_hook", "kill -9 $$");
    let killed = test(HookKind::Start).unwrap();
    assert_eq!((killed.ok, killed.exit_status), (false, None));
    set(&house, "stop_hook", "  ");
    let none = test(HookKind::Stop).unwrap_err();
    assert_eq!(none.problem().code, "no_hook");
    assert!(house.service.history(None).unwrap().is_empty());
}

#[test]
fn a_test_that_is_cancelled_is_no_failure_of_the_line() {
    let house = House::new();
    set(
        &house,
        "stop_hook",
        "touch ../begun; sleep 600; touch ../went-on",
    );
    let canceller = cancel_at(&house.path("begun"), &house.cancel);
    let error = house
        .service
        .test_hook(INSTANCE, HookKind::Stop, &house.act())
        .unwrap_err();
    canceller.join().unwrap();
    assert!(error.is_cancelled(), "{error:?}");
    assert!(!house.path("went-on").exists());
}

/// What a test in the middle of a run is told; and what the watcher of that run hears.
struct Tries<'a> {
    data: &'a Path,
    told: Mutex<Vec<(String, String)>>,
}

impl Observer for Tries<'_> {
    fn progress(&self, progress: &Progress) {
        if progress.phase == Phase::RunningHook {
            let other = BackupService::open(self.data, Backend::File).unwrap();
            let error = other
                .test_hook(INSTANCE, HookKind::Start, &Act::quiet())
                .unwrap_err();
            let told = (progress.what.clone(), error.problem().code);
            self.told.lock().unwrap().push(told);
        }
    }
}

#[test]
fn no_service_is_started_by_a_test_in_the_middle_of_a_restore() {
    let house = House::new();
    let archive = house.archive();
    delete_devices(&house);
    set(&house, "stop_hook", "true");
    set(&house, "start_hook", "true");
    let tries = Tries {
        data: &house.path("data"),
        told: Mutex::default(),
    };
    let request = RestoreRequest {
        archive,
        instance: INSTANCE.to_owned(),
        components: Vec::new(),
        confirm: INSTANCE.to_owned(),
        accept: Accept::default(),
    };
    let act = Act {
        observer: &tries,
        ..house.act()
    };
    house.service.restore(&request, &act).unwrap();
    let told = tries.told.into_inner().unwrap();
    let busy = |hook: &str| (hook.to_owned(), "busy".to_owned());
    assert_eq!(told, [busy("stop"), busy("start")]);
}

#[test]
fn lines_of_blanks_stop_no_service() {
    let house = House::new();
    let archive = house.archive();
    fs::write(
        house.instance_dir().join("config/tacacs.conf"),
        "[server]\nport = 1\n",
    )
    .unwrap();
    set(&house, "stop_hook", " \n");
    set(&house, "start_hook", "true");
    let report = restore(&house, &archive, "config").unwrap();
    assert!(report.restart_required, "it runs on the old configuration");
}
