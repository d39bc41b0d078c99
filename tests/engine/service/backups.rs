//! Claims about `backup`.

use std::fs;
use std::process::Command;

use holdfast::model::manifest::ComponentStatus;
use holdfast::model::{ExecutionKind, ExecutionStatus};
use holdfast::service::report::State;
use holdfast::service::{ArchiveFilter, Error};
use jiff::Timestamp;

use super::fixture::{House, INSTANCE, digests_below, files_below};

#[test]
fn a_backup_is_one_verified_archive_at_its_place_and_nothing_else_there() {
    let house = House::new();
    let report = house.backup();
    let [done] = report.executions.as_slice() else {
        panic!("one destination, one execution")
    };
    assert_eq!(done.status, ExecutionStatus::Completed, "{done:?}");
    let instance = house.service.instance(INSTANCE).unwrap();
    let name = done.archive.as_deref().unwrap();
    let expected = format!("{INSTANCE}-{}/manual/{name}", instance.id);
    let there: Vec<String> = files_below(&house.path("vault"))
        .iter()
        .map(|p| p.display().to_string())
        .collect();
    assert_eq!(there, [expected]);
    let archives = house.service.archives(&ArchiveFilter::default()).unwrap();
    assert!(archives[0].verified_at.is_some());
    assert!(archives[0].encrypted);
}

#[test]
fn stock_tools_open_the_archive_and_its_signature_holds() {
    let house = House::new();
    let keys = house.service.public_keys().unwrap().unwrap();
    house.backup();
    let kit = house.path("kit.txt");
    house.service.export_kit(&kit).unwrap();
    let archive = house
        .path("vault")
        .join(&files_below(&house.path("vault"))[0]);
    let out = house.path("out");
    fs::create_dir(&out).unwrap();
    let script = "set -eo pipefail; age -d -i \"$1\" \"$2\" | tar xz -C \"$3\"; cd \"$3\"; minisign -V -P \"$4\" -m manifest.json; \
                  for db in */*.db; do sqlite3 \"$db\" 'pragma integrity_check'; sqlite3 \"$db\" 'pragma foreign_key_check'; done";
    let ran = Command::new("bash")
        .args(["-c", script, "-"])
        .args([
            kit.as_os_str(),
            archive.as_os_str(),
            out.as_os_str(),
            keys.verification_key.as_ref(),
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        ran.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert_eq!(
        text.lines().filter(|l| *l == "ok").count(),
        6,
        "six databases, all in order: {text}"
    );
    assert_eq!(
        fs::read(out.join("config/tacacs.conf")).unwrap(),
        fs::read(house.instance_dir().join("config/tacacs.conf")).unwrap()
    );
}

#[test]
fn a_backup_changes_nothing_in_the_instance() {
    let house = House::new();
    let before = digests_below(&house.instance_dir());
    house.backup();
    assert_eq!(digests_below(&house.instance_dir()), before);
}

#[test]
fn nothing_is_left_in_the_workspace() {
    let house = House::new();
    house.backup();
    let data = house.path("data");
    let left: Vec<_> = files_below(&data)
        .into_iter()
        .filter(|p| p.starts_with("work") || p.starts_with("runs"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn one_build_goes_to_every_destination_with_an_outcome_of_its_own() {
    let house = House::new();
    house.add_local("second");
    house.add_local("unplugged");
    fs::remove_dir(house.path("unplugged")).unwrap();
    let report = house.backup_to(&["vault", "unplugged", "second"]).unwrap();
    let status = |name: &str| {
        report
            .executions
            .iter()
            .find(|e| e.destination == name)
            .unwrap()
    };
    assert_eq!(status("vault").status, ExecutionStatus::Completed);
    assert_eq!(status("second").status, ExecutionStatus::Completed);
    assert_eq!(status("unplugged").status, ExecutionStatus::Failed);
    assert!(status("unplugged").problem.is_some());
    assert_eq!(status("vault").sha256, status("second").sha256);
}

#[test]
fn a_disabled_destination_takes_no_archive_and_says_so() {
    let house = House::new();
    house.service.enable_destination("vault", false).unwrap();
    let report = house.backup();
    assert_eq!(report.executions[0].status, ExecutionStatus::Failed);
    assert_eq!(
        report.executions[0].problem.as_ref().unwrap().code,
        "destination_disabled"
    );
    assert!(files_below(&house.path("vault")).is_empty());
}

#[test]
fn a_component_that_went_away_makes_the_run_partial_and_the_archive_says_so() {
    let house = House::new();
    fs::remove_file(house.database("devices.db")).unwrap();
    for side in ["devices.db-wal", "devices.db-shm"] {
        let _ = fs::remove_file(house.database(side));
    }
    let archive = house.archive();
    let shown = house.service.show(&archive, &house.act()).unwrap();
    let devices = shown
        .manifest
        .components
        .iter()
        .find(|c| c.name == "devices")
        .unwrap();
    assert_eq!(devices.status, ComponentStatus::Missing);
    let history = house.service.history(None).unwrap();
    assert_eq!(history[0].status, ExecutionStatus::Partial);
    assert!(
        history[0]
            .warnings
            .iter()
            .any(|w| w.component.as_deref() == Some("devices")),
        "{:?}",
        history[0].warnings
    );
}

#[test]
fn a_table_that_lost_nine_tenths_is_a_warning() {
    let house = House::new();
    house.backup();
    let devices = rusqlite::Connection::open(house.database("devices.db")).unwrap();
    devices
        .execute("DELETE FROM devices WHERE id > 5", [])
        .unwrap();
    let report = house.backup();
    let warning = report.executions[0]
        .warnings
        .iter()
        .find(|w| w.code == "shrank")
        .unwrap_or_else(|| panic!("{:?}", report.executions));
    assert_eq!(warning.component.as_deref(), Some("devices"));
}

#[test]
fn a_cancelled_backup_leaves_nothing_and_is_recorded_as_cancelled() {
    let house = House::new();
    house.cancel.cancel();
    let error = house.backup_to(&["vault"]).unwrap_err();
    assert!(error.is_cancelled(), "{error:?}");
    assert!(files_below(&house.path("vault")).is_empty());
    let history = house.service.history(None).unwrap();
    assert_eq!(history[0].kind, ExecutionKind::Backup);
    assert_eq!(history[0].status, ExecutionStatus::Cancelled);
}

#[test]
fn a_cancelled_backup_takes_nothing_from_the_one_before() {
    let house = House::new();
    house.backup();
    house.cancel.cancel();
    assert!(house.backup_to(&["vault"]).is_err());
    assert_eq!(
        house.service.status(Timestamp::now()).unwrap().state,
        State::Well
    );
}

#[test]
fn an_instance_that_is_gone_fails_the_run_with_its_reason_in_the_history() {
    let house = House::new();
    fs::rename(house.instance_dir(), house.path("elsewhere")).unwrap();
    let error = house.backup_to(&["vault"]).unwrap_err();
    assert_eq!(error.problem().code, "folder_missing");
    let history = house.service.history(None).unwrap();
    assert_eq!(history[0].status, ExecutionStatus::Failed);
    assert!(
        history[0]
            .error_message
            .as_deref()
            .unwrap()
            .contains("is not there")
    );
}

#[test]
fn a_second_run_of_the_same_instance_is_told_who_holds_it() {
    let house = House::new();
    let stage = house.path("data/locks");
    house.backup();
    let instance = house.service.instance(INSTANCE).unwrap();
    let lock = fs::OpenOptions::new()
        .write(true)
        .open(stage.join(format!("{}.lock", instance.id)))
        .unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    fs::write(
        stage.join(format!("{}.lock", instance.id)),
        "a backup of process 7",
    )
    .unwrap();
    match house.backup_to(&["vault"]).unwrap_err() {
        Error::Busy { holder, .. } => assert_eq!(holder, "a backup of process 7"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_whose_process_died_is_interrupted_at_the_next_start_and_its_remains_go() {
    let house = House::new();
    house.backup();
    let data = house.path("data");
    let workspace = data.join("work/dead");
    fs::create_dir_all(&workspace).unwrap();
    fs::write(workspace.join("copy"), "rest").unwrap();
    let staged = house.path("vault/half");
    fs::write(&staged, "half an archive").unwrap();
    let record = serde_json::json!({"pid": 1, "workspace": workspace, "staged": [staged]});
    fs::create_dir_all(data.join("runs")).unwrap();
    fs::write(data.join("runs/dead.lock"), record.to_string()).unwrap();
    let store = holdfast::store::Store::open(&data).unwrap();
    let mut row = house.service.history(None).unwrap().remove(0);
    row.id = "row".to_owned();
    row.run_id = "dead".to_owned();
    row.status = ExecutionStatus::Running;
    row.backup_path = None;
    store.insert_execution(&row).unwrap();
    let again =
        holdfast::service::BackupService::open(&data, holdfast::keys::Backend::File).unwrap();
    let row = again
        .history(None)
        .unwrap()
        .into_iter()
        .find(|e| e.id == "row")
        .unwrap();
    assert_eq!(row.status, ExecutionStatus::Interrupted);
    assert!(!workspace.exists());
    assert!(!staged.exists());
}

#[test]
fn two_backups_in_one_second_get_names_of_their_own() {
    let house = House::new();
    let names: Vec<_> = (0..3)
        .map(|_| house.backup().executions[0].archive.clone().unwrap())
        .collect();
    assert_eq!(files_below(&house.path("vault")).len(), 3);
    assert!(
        names[0] != names[1] && names[1] != names[2] && names[0] != names[2],
        "{names:?}"
    );
}
