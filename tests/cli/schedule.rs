//! `schedule`: what scripts see of it.

use serde_json::Value;

use crate::scratch::{DESTINATION, INSTANCE, Scratch, only, strings};

/// Adds a daily one called `nightly`.
fn add(scratch: &Scratch, rest: &[&str]) -> Value {
    let mut arguments = vec![
        "schedule",
        "add",
        "nightly",
        "--instance",
        INSTANCE,
        "--to",
        DESTINATION,
    ];
    arguments.extend(rest);
    scratch.json(&arguments)
}

const DAILY: [&str; 4] = ["--cron", "0 3 * * *", "--timezone", "Europe/Berlin"];

#[test]
fn a_schedule_is_added_shown_changed_and_removed() {
    let scratch = Scratch::with_instance();
    let added = add(&scratch, &DAILY);
    assert_eq!(added["name"], "nightly");
    assert_eq!(added["cadence"]["expression"], "0 3 * * *");
    assert_eq!(added["timezone"], "Europe/Berlin");
    assert_eq!(added["status"], "idle");
    assert_eq!(added["next"].as_array().unwrap().len(), 5);
    let listed = scratch.json(&["schedule", "list"]);
    assert_eq!(strings(&listed["schedules"], "name"), ["nightly"]);
    let changed = scratch.json(&[
        "schedule",
        "set",
        "nightly",
        "--every",
        "6h",
        "--set",
        "retries=0",
        "--set",
        "grace=1h30m",
        "--set",
        "catch_up=skip",
        "--act",
        "drill",
    ]);
    assert_eq!(changed["cadence"]["every_seconds"], 6 * 3600);
    assert_eq!(
        (&changed["retries"], &changed["grace_seconds"]),
        (&0.into(), &5400.into())
    );
    assert_eq!(
        (&changed["catch_up"], &changed["act"]),
        (&"skip".into(), &"drill".into())
    );
    assert_eq!(changed["destinations"], serde_json::json!([DESTINATION]));
    assert_eq!(
        scratch.json(&["schedule", "pause", "nightly"])["status"],
        "paused"
    );
    assert_eq!(
        scratch.json(&["schedule", "resume", "nightly"])["status"],
        "idle"
    );
    scratch.json(&["schedule", "remove", "nightly"]);
    assert_eq!(
        scratch.json(&["schedule", "list"])["schedules"],
        serde_json::json!([])
    );
    scratch.error(1, &["schedule", "show", "nightly"]);
}

#[test]
fn the_next_times_are_utc_and_as_many_as_asked_for() {
    let scratch = Scratch::with_instance();
    add(&scratch, &DAILY);
    let next = scratch.json(&["schedule", "next", "nightly", "--count", "3"]);
    let times: Vec<jiff::Timestamp> = next["next"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| t.as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(times.len(), 3);
    let berlin = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    for at in &times {
        assert_eq!(berlin.to_datetime(*at).hour(), 3, "{at}");
    }
    let status = scratch.json_with_status(3, &["status"]);
    assert_eq!(only(&status["instances"])["next_run"], next["next"][0]);
    add_manual(&scratch);
    let none = scratch.json(&["schedule", "next", "by-hand"]);
    assert_eq!(none["next"], serde_json::json!([]));
}

fn add_manual(scratch: &Scratch) {
    scratch.json(&[
        "schedule",
        "add",
        "by-hand",
        "--instance",
        INSTANCE,
        "--to",
        DESTINATION,
        "--manual",
    ]);
}

#[test]
fn a_run_by_hand_answers_like_backup_and_its_archive_is_of_type_scheduled() {
    let scratch = Scratch::with_instance();
    add_manual(&scratch);
    let report = scratch.json(&["schedule", "run", "by-hand"]);
    assert_eq!(report["state"], "ran");
    let execution = only(&report["executions"]);
    assert_eq!(execution["status"], "completed");
    let archives = scratch.json(&["archives"]);
    assert_eq!(strings(&archives["archives"], "type"), ["scheduled"]);
    let history = scratch.json(&["history"]);
    let recorded = only(&history["executions"]);
    assert_eq!(recorded["triggered_by"], "schedule:by-hand");
    assert_eq!(recorded["run_id"], report["run_id"]);
    let sidecar = std::fs::read(scratch.data().join("backup_jobs_meta.json")).unwrap();
    let sidecar: Value = serde_json::from_slice(&sidecar).unwrap();
    assert_eq!(sidecar["jobs"]["by-hand"]["status"], "idle");
    assert!(sidecar["jobs"]["by-hand"]["last_run"].is_string());
    assert_eq!(sidecar["jobs"]["by-hand"]["next_run"], Value::Null);
}

#[test]
fn a_run_that_fails_has_the_status_of_a_backup_that_fails() {
    let scratch = Scratch::with_instance();
    add_manual(&scratch);
    std::fs::remove_dir_all(scratch.place(DESTINATION)).unwrap();
    let report = scratch.json_with_status(1, &["schedule", "run", "by-hand"]);
    assert_eq!(report["state"], "failed");
    assert!(report["problem"]["hint"].is_string());
    let status = scratch.json_with_status(1, &["status"]);
    assert_eq!(status["state"], "failing");
    scratch.json(&["destination", "disable", DESTINATION]);
    let refused = scratch.error(1, &["schedule", "run", "by-hand"]);
    assert_eq!(refused["code"], "schedule_without_destination");
}

#[test]
fn what_cannot_be_a_schedule_is_refused_with_its_reason() {
    let scratch = Scratch::with_instance();
    let with = |rest: &[&str]| {
        let mut arguments = vec![
            "schedule",
            "add",
            "x",
            "--instance",
            INSTANCE,
            "--to",
            DESTINATION,
        ];
        arguments.extend(rest);
        scratch.error(2, &arguments)["code"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    for (rest, code) in [
        (&["--cron", "0 0 31 2 *"][..], "impossible_cron"),
        (&["--cron", "0 0 30 2 *"], "impossible_cron"),
        (&["--cron", "61 * * * *"], "bad_cron"),
        (&["--cron", "* * * *"], "bad_cron"),
        (&["--cron", ""], "bad_cron"),
        (&["--every", "0s"], "bad_duration"),
        (&["--every", ""], "bad_duration"),
        (&["--every", "-6h"], "bad_duration"),
        (&["--every", "10s"], "interval_too_short"),
        (
            &["--cron", "0 3 * * *", "--timezone", "Mars/Olympus"],
            "unknown_zone",
        ),
        (&["--manual", "--set", "retries=many"], "bad_value"),
        (&["--manual", "--set", "grace=soon"], "bad_duration"),
        (&["--manual", "--set", "colour=red"], "unknown"),
        (&["--manual", "--every", "6h"], "usage"),
        (&[], "usage"),
    ] {
        assert_eq!(with(rest), code, "{rest:?}");
    }
    let unknown = |arguments: &[&str]| scratch.error(1, arguments)["code"].clone();
    let add = ["schedule", "add", "x", "--manual", "--instance"];
    assert_eq!(
        unknown(&[&add[..], &["nobody", "--to", DESTINATION]].concat()),
        "unknown"
    );
    assert_eq!(
        unknown(&[&add[..], &[INSTANCE, "--to", "nowhere"]].concat()),
        "unknown"
    );
    assert_eq!(
        scratch.json(&["schedule", "list"])["schedules"],
        serde_json::json!([])
    );
    add_manual(&scratch);
    let again = [
        "schedule",
        "add",
        "by-hand",
        "--manual",
        "--instance",
        INSTANCE,
        "--to",
        DESTINATION,
    ];
    assert_eq!(unknown(&again), "taken");
}

#[test]
fn secret_addresses_are_kept_out_of_sight() {
    let scratch = Scratch::with_instance();
    let mut set = scratch.command(&[
        "--json",
        "settings",
        "set",
        "notify=all",
        "--secret",
        "webhook_url=env:HOOK",
    ]);
    let ran = set
        .env("HOOK", "https://hooks.example/s3cret")
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let shown = scratch.json(&["settings", "show"]);
    assert_eq!(shown["settings"]["webhook_url"], "set");
    for file in [
        "backup_executions.db",
        "backup_executions.db-wal",
        "backup_jobs.db",
    ] {
        let bytes = std::fs::read(scratch.data().join(file)).unwrap_or_default();
        assert!(!bytes.windows(6).any(|w| w == b"s3cret"), "{file}");
    }
    let mut bad = scratch.command(&["--json", "settings", "set", "--secret", "ping_url=env:HOOK"]);
    let ran = bad
        .env("HOOK", "ftp://hooks.example/s3cret")
        .output()
        .unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(!String::from_utf8_lossy(&ran.stdout).contains("s3cret"));
    let plain = scratch.error(
        2,
        &["settings", "set", "ping_url=https://hooks.example/s3cret"],
    );
    assert!(!plain.to_string().contains("s3cret"), "{plain}");
    scratch.json(&["settings", "set", "webhook_url="]);
    let shown = scratch.json(&["settings", "show"]);
    assert_eq!(shown["settings"]["webhook_url"], Value::Null);
}
