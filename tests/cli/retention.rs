//! Claims about policies as scripts and people use them.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::scratch::{DESTINATION, INSTANCE, Scratch, strings};

fn set(scratch: &Scratch, settings: &[&str]) -> Value {
    scratch.json(&[&["retention", "set", DESTINATION], settings].concat())
}

fn archives_of(report: &Value, key: &str) -> Vec<String> {
    strings(&report[key], "archive")
}

#[test]
fn a_policy_is_set_shown_changed_and_removed() {
    let scratch = Scratch::with_instance();
    let show = ["retention", "show", DESTINATION];
    assert_eq!(
        scratch.json(&show),
        json!({"destination": DESTINATION, "policy": null})
    );
    set(&scratch, &["strategy=gfs", "keep_daily=7", "keep_weekly=4"]);
    set(&scratch, &["keep_weekly=", "floor=2"]);
    assert_eq!(
        scratch.json(&show)["policy"],
        json!({
            "strategy": "gfs", "keep_daily": 7, "keep_weekly": null, "keep_monthly": null,
            "keep_yearly": null, "floor": 2
        })
    );
    let told = scratch.run(&show);
    assert!(told.stdout.contains("keep_daily=7"), "{told}");
    assert_eq!(set(&scratch, &["strategy="])["policy"], Value::Null);
}

#[test]
fn what_cannot_be_a_policy_is_a_wrong_command_line() {
    let scratch = Scratch::with_instance();
    for settings in [
        &["keep_lost=7"][..],
        &["strategy=fifo"],
        &["keep_last=0"],
        &["keep_last=seven"],
        &["strategy=gfs", "keep_last=7"],
        &["strategy=hanoi"],
        &["strategy=hanoi", "levels=99"],
        &["floor=2"],
        &["keep_last=7", "floor=0"],
        &["keep_last"],
        &[],
    ] {
        let line = [&["retention", "set", DESTINATION], settings].concat();
        scratch.error(2, &line);
        let preview = ["retention", "preview", DESTINATION];
        if !settings.is_empty() {
            scratch.error(2, &[&preview, settings].concat());
        }
    }
    scratch.error(1, &["retention", "set", "elsewhere", "keep_last=7"]);
    let kept = scratch.json(&["retention", "show", DESTINATION]);
    assert_eq!(kept["policy"], Value::Null);
}

#[test]
fn a_preview_is_what_apply_does() {
    let scratch = Scratch::with_instance();
    let mut made: Vec<String> = (0..4).map(|_| scratch.back_up()).collect();
    made.reverse();
    scratch.json(&["pin", &made[3]]);
    let nothing = scratch.json(&["retention", "preview", DESTINATION]);
    assert_eq!(archives_of(&nothing, "keep"), made);
    assert_eq!(nothing["keep"][0]["reason"], "no_policy");
    set(&scratch, &["strategy=simple", "keep_last=2", "floor=1"]);
    let preview = scratch.json(&["retention", "preview", DESTINATION]);
    assert_eq!(archives_of(&preview, "delete"), [made[2].clone()]);
    let reasons = strings(&preview["keep"], "reason");
    assert_eq!(reasons, ["newest_verified", "last", "pinned"]);
    assert_eq!(preview["keep"][1]["n"], 2);
    assert_eq!(preview["foreign"], json!([]));
    assert_eq!(scratch.stored(DESTINATION).len(), 4);
    let told = scratch.run(&["retention", "preview", DESTINATION]);
    for word in ["would go", "no rule keeps it", "it is pinned", "1 archive"] {
        assert!(told.stdout.contains(word), "{word}: {told}");
    }
    let applied = scratch.json(&["retention", "apply", DESTINATION]);
    assert_eq!(applied, preview);
    assert_eq!(applied["failed"], json!([]));
    assert_eq!(scratch.stored(DESTINATION).len(), 3);
    let again = scratch.json(&["retention", "apply", DESTINATION]);
    assert_eq!(again["delete"], json!([]));
    let history = scratch.json(&["history", "--limit", "1"]);
    let act = &history["executions"][0];
    assert_eq!(act["kind"], "retention");
    assert_eq!(
        format!("{DESTINATION}:{}", act["backup_filename"].as_str().unwrap()),
        made[2]
    );
}

#[test]
fn a_backup_applies_it_by_itself_and_a_schedule_can() {
    let scratch = Scratch::with_instance();
    set(&scratch, &["keep_last=2", "floor=1"]);
    for _ in 0..4 {
        scratch.back_up();
    }
    assert_eq!(scratch.stored(DESTINATION).len(), 2);
    set(&scratch, &["keep_last=1"]);
    scratch.json(&[
        "schedule",
        "add",
        "thin",
        "--instance",
        INSTANCE,
        "--to",
        DESTINATION,
        "--manual",
        "--act",
        "retention",
    ]);
    let told = scratch.run(&["schedule", "run", "thin"]);
    assert_eq!(told.status, 0, "{told}");
    assert!(told.stdout.contains("DELETED"), "{told}");
    assert_eq!(scratch.stored(DESTINATION).len(), 1);
    let report = scratch.json(&["schedule", "run", "thin"]);
    assert_eq!(report["retention"][0]["delete"], json!([]));
}

#[test]
fn a_loss_is_accepted_by_its_flag_alone() {
    let scratch = Scratch::with_instance();
    set(&scratch, &["keep_last=1", "floor=1"]);
    scratch.back_up();
    scratch
        .database("devices.db")
        .execute("DELETE FROM devices WHERE rowid > 3", [])
        .unwrap();
    let report = scratch.json(&["backup", INSTANCE, "--to", DESTINATION]);
    let codes = strings(&report["executions"][0]["warnings"], "code");
    assert_eq!(codes.last().unwrap(), "retention_stopped", "{report}");
    let stopped = scratch.json(&["retention", "apply", DESTINATION]);
    assert_eq!(
        strings(&stopped["keep"], "reason"),
        ["newest_verified", "shrunk"]
    );
    let accepted = scratch.json(&["retention", "apply", DESTINATION, "--despite-shrink"]);
    assert_eq!(archives_of(&accepted, "delete").len(), 1);
    assert_eq!(scratch.stored(DESTINATION).len(), 1);
}

#[test]
fn deleting_the_last_good_one_says_that_it_is() {
    let scratch = Scratch::with_instance();
    let archive = scratch.back_up();
    let name = archive.split_once(':').unwrap().1;
    let error = scratch.error(4, &["delete", &archive]);
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("last good archive"), "{message}");
    let report = scratch.json(&["delete", &archive, "--confirm", name]);
    assert_eq!(report["archive"], archive);
    assert_eq!(report["warnings"][0]["code"], "last_good_archive");
}

#[test]
fn one_that_cannot_be_recorded_is_not_deleted_and_the_status_says_that_something_is_left() {
    let scratch = Scratch::with_instance();
    let made: Vec<String> = (0..4).map(|_| scratch.back_up()).collect();
    set(&scratch, &["keep_last=1", "floor=1"]);
    let store = Connection::open(scratch.data().join("backup_executions.db")).unwrap();
    let name = made[1].split_once(':').unwrap().1;
    store
        .execute_batch(&format!(
            "CREATE TRIGGER no BEFORE INSERT ON backup_executions
            WHEN new.kind = 'retention' AND new.backup_filename = '{name}'
            BEGIN SELECT RAISE(ABORT, 'no'); END"
        ))
        .unwrap();
    let line = ["retention", "apply", DESTINATION];
    let report = scratch.json_with_status(3, &line);
    assert_eq!(
        archives_of(&report, "delete"),
        [made[2].clone(), made[0].clone()]
    );
    assert_eq!(archives_of(&report, "failed"), [made[1].clone()]);
    assert!(report["failed"][0]["problem"]["message"].is_string());
    assert_eq!(scratch.stored(DESTINATION).len(), 2);
    let told = scratch.run(&line);
    assert_eq!(told.status, 3, "{told}");
    assert!(told.stdout.contains("NOT DELETED"), "{told}");
}
