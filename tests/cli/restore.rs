//! Claims about what comes back, what asks first, and what can be undone.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use crate::scratch::{
    COMPONENTS, DESTINATION, DEVICES, INSTANCE, Scratch, count, only, strings, text,
};

/// A backup, then half of the devices deleted.
fn damaged() -> (Scratch, String) {
    let scratch = Scratch::with_instance();
    let archive = scratch.back_up();
    scratch.damage();
    assert_eq!(scratch.devices(), DEVICES / 2);
    (scratch, archive)
}

fn restore<'a>(archive: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let start = [
        "restore",
        archive,
        "--instance",
        INSTANCE,
        "--component",
        "devices",
    ];
    [&start, more].concat()
}

#[test]
fn a_plan_says_what_a_restore_would_change_and_changes_nothing() {
    let (scratch, archive) = damaged();
    let plan = [
        "plan",
        &archive,
        "--instance",
        INSTANCE,
        "--component",
        "devices",
    ];
    let value = scratch.json(&plan);
    let component = only(&value["components"]);
    assert_eq!(component["name"], "devices");
    assert_eq!(component["kind"], "database");
    assert_eq!(component["action"], "replace");
    assert_eq!(component["tables"]["devices"]["live"], DEVICES / 2);
    assert_eq!(component["tables"]["devices"]["archive"], DEVICES);
    // What was read with the tail need not be fetched again.
    assert!(value["fetch_bytes"].is_u64(), "{value}");
    assert!(value["space_needed_bytes"].as_u64().unwrap() > 0);
    let human = scratch.run(&plan);
    assert!(human.stdout.contains("+60"), "{human}");
    assert_eq!(scratch.devices(), DEVICES / 2);
}

#[test]
fn a_wrong_or_missing_confirmation_is_refused_with_status_4_and_nothing_changes() {
    let (scratch, archive) = damaged();
    scratch.error(4, &restore(&archive, &["--confirm", "tacacs"]));
    let error = scratch.error(4, &restore(&archive, &[]));
    assert!(format!("{error}").contains(INSTANCE), "{error}");
    assert_eq!(scratch.devices(), DEVICES / 2);
    let history = scratch.json(&["history"]);
    assert_eq!(strings(&history["executions"], "kind"), ["backup"]);
}

#[test]
fn a_restore_brings_back_one_component_and_undo_takes_it_away_again() {
    let (scratch, archive) = damaged();
    let users = "DELETE FROM local_users WHERE id % 2 = 0";
    scratch
        .database("local_auth.db")
        .execute(users, [])
        .unwrap();
    let left = count(&scratch.database("local_auth.db"), "local_users");

    let report = scratch.json(&restore(&archive, &["--confirm", INSTANCE]));
    assert_eq!(only(&report["components"])["name"], "devices");
    assert_eq!(scratch.devices(), DEVICES);
    let now = count(&scratch.database("local_auth.db"), "local_users");
    assert_eq!(now, left, "the other component stayed damaged");
    let safety = report["safety_backup"].as_str().unwrap();
    assert!(Path::new(safety).is_file(), "{report}");
    assert_eq!(scratch.json(&["verify", safety])["ok"], true);

    let execution = report["execution_id"].as_str().unwrap();
    scratch.error(4, &["undo", execution, "--confirm", "other"]);
    assert_eq!(scratch.devices(), DEVICES);
    let undone = scratch.json(&["undo", execution, "--confirm", INSTANCE]);
    assert_eq!(scratch.devices(), DEVICES / 2);
    scratch.error(1, &["undo", execution, "--confirm", INSTANCE]);

    let second = undone["execution_id"].as_str().unwrap();
    scratch.json(&["undo", second, "--confirm", INSTANCE]);
    assert_eq!(scratch.devices(), DEVICES, "an undo can be undone");
}

#[test]
fn a_connection_that_was_open_before_sees_the_restored_rows() {
    let (scratch, archive) = damaged();
    let open = scratch.database("devices.db");
    assert_eq!(count(&open, "devices"), DEVICES / 2);
    scratch.json(&restore(&archive, &["--confirm", INSTANCE]));
    assert_eq!(count(&open, "devices"), DEVICES);
}

#[test]
fn a_component_that_the_archive_does_not_have_is_an_error_that_names_it() {
    let (scratch, archive) = damaged();
    let restore = [
        "restore",
        &archive,
        "--instance",
        INSTANCE,
        "--component",
        "billing",
        "--confirm",
        INSTANCE,
    ];
    let error = scratch.run(&[&["--json"], &restore[..]].concat());
    assert!([1, 2].contains(&error.status), "{error}");
    assert!(error.stdout.contains("billing"), "{error}");
    assert_eq!(scratch.devices(), DEVICES / 2);
}

#[test]
fn extract_fills_an_empty_folder_with_all_or_with_one_component() {
    let (scratch, archive) = damaged();
    let all = scratch.path("all");
    let report = scratch.json(&["extract", &archive, "--to", &text(&all)]);
    let files = report["files"].as_array().unwrap().len();
    assert!(files >= COMPONENTS.len(), "{report}");
    for name in [
        "README.txt",
        "config_export.json",
        "manifest.json",
        "manifest.json.minisig",
    ] {
        assert!(all.join(name).is_file(), "{name}");
    }
    let copy = Connection::open(all.join("devices/devices.db")).unwrap();
    assert_eq!(count(&copy, "devices"), DEVICES);

    let one = scratch.path("one");
    let extract = [
        "extract",
        &archive,
        "--to",
        &text(&one),
        "--component",
        "devices",
    ];
    scratch.json(&extract);
    let names: Vec<_> = fs::read_dir(&one)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names, ["devices"]);
    scratch.error(1, &extract);
}

#[test]
fn a_replacement_machine_restores_from_the_kit_and_the_destination() {
    let (old, _) = damaged();
    let kit = text(&old.path("kit.txt"));
    old.json(&["key", "export", "--out", &kit]);
    old.error(1, &["key", "export", "--out", &kit]);

    let new = Scratch::new();
    let imported = new.json(&["key", "import", &kit]);
    assert_eq!(imported["destinations"][0], DESTINATION);
    let rebuilt = new.json(&["catalogue", "rebuild", DESTINATION]);
    assert_eq!(
        (&rebuilt["found"], &rebuilt["added"]),
        (&1.into(), &1.into())
    );
    let archives = new.json(&["archives"]);
    let archive = format!(
        "{DESTINATION}:{}",
        only(&archives["archives"])["name"].as_str().unwrap()
    );
    fs::create_dir(new.server()).unwrap();
    let added = new.run(&[
        "instance",
        "add",
        INSTANCE,
        &text(&new.server()),
        "--from",
        &archive,
    ]);
    assert_eq!(added.status, 0, "{added}");
    assert!(
        added.stdout.contains("Archives bring no commands"),
        "{added}"
    );
    new.json(&[
        "restore",
        &archive,
        "--instance",
        INSTANCE,
        "--confirm",
        INSTANCE,
    ]);
    assert_eq!(new.devices(), DEVICES);
    let ids = |s: &Scratch| s.json(&["instance", "show", INSTANCE])["id"].clone();
    assert_eq!(ids(&new), ids(&old));
}

#[test]
fn a_service_of_which_only_the_empty_folder_is_left_comes_back() {
    let scratch = Scratch::new();
    scratch.json(&["init"]);
    let service = scratch.server();
    fs::create_dir(&service).unwrap();
    fs::write(service.join("notes.txt"), "kept").unwrap();
    let made = Connection::open(service.join("a.db")).unwrap();
    made.execute_batch("CREATE TABLE t(x); INSERT INTO t VALUES (7)")
        .unwrap();
    made.close().unwrap();
    scratch.json(&["instance", "add", INSTANCE, &text(&service)]);
    scratch.add_destination(DESTINATION);
    let archive = scratch.back_up();
    fs::remove_dir_all(&service).unwrap();
    fs::create_dir(&service).unwrap();

    let all = ["restore", &archive, "--instance", INSTANCE];
    scratch.json(&[&all[..], &["--confirm", INSTANCE]].concat());
    assert_eq!(fs::read(service.join("notes.txt")).unwrap(), b"kept");
    let back = Connection::open(service.join("a.db")).unwrap();
    assert_eq!(count(&back, "t"), 1);
}
