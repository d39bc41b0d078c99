//! Claims about the way from nothing to a backup that holds.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use sha2::{Digest, Sha256};

use crate::scratch::{COMPONENTS, DESTINATION, INSTANCE, Scratch, only, strings, text};

#[test]
fn init_makes_keys_once_and_says_the_public_halves() {
    let scratch = Scratch::new();
    let keys = scratch.json(&["init"]);
    assert!(keys["recipient"].as_str().unwrap().starts_with("age1"));
    assert!(keys["verification_key"].as_str().unwrap().starts_with("RW"));
    assert_eq!(scratch.json(&["init"]), keys);
    let said = scratch.run(&["init"]).stdout;
    for key in ["recipient", "verification_key"] {
        assert!(said.contains(keys[key].as_str().unwrap()), "{said}");
    }
}

#[test]
fn the_key_file_and_the_data_folder_are_the_owners_alone() {
    let scratch = Scratch::new();
    scratch.json(&["init"]);
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scratch.data()), 0o700);
    assert_eq!(mode(scratch.data().join("keys.json")), 0o600);
    for file in fs::read_dir(scratch.data()).unwrap() {
        let file = file.unwrap();
        let store = fs::read(file.path()).unwrap_or_default();
        let secret = b"AGE-SECRET-KEY-";
        let found = store.windows(secret.len()).any(|w| w == secret);
        assert_eq!(found, file.file_name() == "keys.json", "{file:?}");
    }
}

#[test]
fn before_init_everything_says_what_to_do() {
    let scratch = Scratch::new();
    let status = scratch.json_with_status(3, &["status"]);
    assert!(format!("{status}").contains("holdfast init"), "{status}");
    scratch.add_sample();
    let error = scratch.error(1, &["backup", INSTANCE, "--to", DESTINATION]);
    assert!(format!("{error}").contains("holdfast init"), "{error}");
    assert!(scratch.stored(DESTINATION).is_empty());
}

#[test]
fn a_scan_shows_every_component_and_who_may_do_what() {
    let scratch = Scratch::with_instance();
    let scan = scratch.json(&["instance", "scan", &text(&scratch.server())]);
    let shown = scratch.json(&["instance", "show", INSTANCE]);
    assert_eq!(
        (&scan["name"], &scan["id"]),
        (&None::<()>.into(), &None::<()>.into())
    );
    assert_eq!(shown["name"], INSTANCE);
    assert_eq!(shown["id"].as_str().unwrap().len(), 8);
    assert_eq!(scan["components"], shown["components"]);
    assert_eq!(shown["settings"]["max_block_ms"], 2000);
    assert_eq!(scan["template"], "tacacs");
    let mut names = strings(&scan["components"], "name");
    names.sort();
    assert_eq!(names, COMPONENTS);
    for component in scan["components"].as_array().unwrap() {
        assert!(component["size_bytes"].as_u64().unwrap() > 0, "{component}");
        let source = &component["sources"][0];
        assert_eq!(source["readable"], true, "{component}");
        assert_eq!(source["writable"], true, "{component}");
        assert!(source["owner"].is_string(), "{component}");
    }
}

#[test]
fn a_backup_is_stored_listed_verified_and_shown() {
    let scratch = Scratch::with_instance();
    let test = scratch.json(&["destination", "test", DESTINATION]);
    assert_eq!(test["ok"], true, "{test}");
    let report = scratch.json(&[
        "backup",
        INSTANCE,
        "--to",
        DESTINATION,
        "--comment",
        "first",
    ]);
    let execution = only(&report["executions"]);
    assert_eq!(execution["status"], "completed", "{report}");
    assert_eq!(execution["destination"], DESTINATION);

    let stored = scratch.stored(DESTINATION);
    assert_eq!(stored.len(), 1, "{stored:?}");
    let bytes = fs::read(&stored[0]).unwrap();
    assert_eq!(execution["sha256"], hex::encode(Sha256::digest(&bytes)));
    assert_eq!(execution["compressed_size_bytes"], bytes.len());
    let name = stored[0].file_name().unwrap().to_str().unwrap();
    assert_eq!(execution["archive"], name);
    assert_eq!(scratch.workspaces(), [""; 0].map(std::path::PathBuf::from));

    let archives = scratch.json(&["archives"]);
    let archive = only(&archives["archives"]);
    assert_eq!(archive["name"], name);
    assert_eq!(archive["instance"], INSTANCE);
    assert_eq!(archive["type"], "manual");
    assert_eq!(archive["encrypted"], true);
    assert_eq!(archive["pinned"], false);
    assert!(archive["verified_at"].is_string(), "{archive}");
    assert!(archive["drilled_at"].is_null(), "{archive}");

    let reference = format!("{DESTINATION}:{name}");
    let shown = scratch.json(&["show", &reference]);
    assert_eq!(shown["archive"], reference);
    assert_eq!(shown["signature"], "this-installation");
    assert_eq!(shown["manifest"]["backup_metadata"]["comment"], "first");
    assert_eq!(shown["manifest"]["backup_metadata"]["sequence"], 1);
    assert!(shown["fetched_bytes"].as_u64().unwrap() > 0);
    let human = scratch.run(&["show", &reference]).stdout;
    assert!(
        human.contains("this installation") && human.contains(" CE"),
        "{human}"
    );
}

#[test]
fn a_destination_that_is_not_there_makes_it_partly_done() {
    let scratch = Scratch::with_instance();
    scratch.add_destination("unplugged");
    let to = ["backup", INSTANCE, "--to", "unplugged", "--to", DESTINATION];
    fs::remove_dir(scratch.place("unplugged")).unwrap();
    let report = scratch.json_with_status(3, &to);
    let statuses = strings(&report["executions"], "status");
    assert_eq!(statuses, ["failed", "completed"], "{report}");
    assert_eq!(report["executions"][0]["problem"]["code"], "unreachable");
    assert_eq!(scratch.stored(DESTINATION).len(), 1);
    scratch.json_with_status(1, &to[..4]);
}

#[test]
fn verify_and_drill_prove_it_and_the_list_remembers() {
    let scratch = Scratch::with_instance();
    let archive = scratch.back_up();
    for verb in ["verify", "drill"] {
        let report = scratch.json(&[verb, &archive]);
        assert_eq!(report["archive"], archive);
        assert_eq!(report["ok"], true, "{report}");
        assert_eq!(report["problems"].as_array().unwrap().len(), 0, "{report}");
        assert!(report["fetched_bytes"].as_u64().unwrap() > 0);
    }
    let archives = scratch.json(&["archives"]);
    assert!(only(&archives["archives"])["drilled_at"].is_string());
    assert!(
        scratch.workspaces().is_empty(),
        "the drill's folder is gone"
    );
}

#[test]
fn one_archive_goes_to_several_destinations() {
    let scratch = Scratch::with_instance();
    scratch.add_destination("second");
    let report = scratch.json(&["backup", INSTANCE, "--to", DESTINATION, "--to", "second"]);
    let digests = strings(&report["executions"], "sha256");
    assert_eq!(digests.len(), 2);
    assert_eq!(digests[0], digests[1]);
    assert_eq!(scratch.stored(DESTINATION).len(), 1);
    assert_eq!(scratch.stored("second").len(), 1);
}

#[test]
fn one_of_several_destinations_failing_is_status_3_and_the_other_archive_is_good() {
    let scratch = Scratch::with_instance();
    scratch.add_destination("second");
    fs::remove_dir_all(scratch.place("second")).unwrap();
    // Not a folder any more: not even root can store there.
    fs::write(scratch.place("second"), "in the way").unwrap();
    let backup = ["backup", INSTANCE, "--to", DESTINATION, "--to", "second"];
    let report = scratch.json_with_status(3, &backup);
    let statuses = strings(&report["executions"], "status");
    assert_eq!(statuses, ["completed", "failed"], "{report}");
    assert!(
        report["executions"][1]["problem"]["hint"].is_string(),
        "{report}"
    );
    assert_eq!(scratch.stored(DESTINATION).len(), 1);
    let only_bad = scratch.run(&["--json", "backup", INSTANCE, "--to", "second"]);
    assert_eq!(only_bad.status, 1, "{only_bad}");
}

#[test]
fn a_component_that_is_gone_makes_the_run_partial_and_says_which() {
    let scratch = Scratch::with_instance();
    fs::remove_file(scratch.server().join("data/audit_trail.db")).unwrap();
    let report = scratch.json_with_status(3, &["backup", INSTANCE, "--to", DESTINATION]);
    let execution = only(&report["executions"]);
    assert_eq!(execution["status"], "partial", "{report}");
    assert!(
        format!("{}", execution["warnings"]).contains("audit"),
        "{report}"
    );
    let archives = scratch.json(&["archives"]);
    assert_eq!(only(&archives["archives"])["status"], "partial");
}

#[test]
fn status_tells_before_and_after_a_verified_backup() {
    let scratch = Scratch::with_instance();
    let before = scratch.json_with_status(3, &["status"]);
    assert_eq!(before["state"], "attention", "nothing was backed up yet");
    scratch.back_up();
    let after = scratch.json(&["status"]);
    assert_eq!(after["state"], "well", "{after}");
    assert!(!after["sentence"].as_str().unwrap().is_empty());
    let instance = only(&after["instances"]);
    assert_eq!(instance["name"], INSTANCE);
    assert!(instance["last_verified_at"].is_string(), "{after}");
    assert!(instance["restorable_as_of"].is_string(), "{after}");
}

#[test]
fn history_has_every_act_newest_first_and_a_limit() {
    let scratch = Scratch::with_instance();
    let archive = scratch.back_up();
    scratch.json(&["verify", &archive]);
    scratch.json(&["drill", &archive]);
    let history = scratch.json(&["history"]);
    let kinds = strings(&history["executions"], "kind");
    assert_eq!(kinds, ["drill", "verify", "backup"]);
    for execution in history["executions"].as_array().unwrap() {
        assert_eq!(execution["triggered_by"], "cli");
        assert_eq!(execution["status"], "completed");
        assert!(execution.get("manifest_json").is_none());
    }
    let newest = scratch.json(&["history", "--limit", "1"]);
    assert_eq!(only(&newest["executions"])["kind"], "drill");
}

#[test]
fn settings_of_an_instance_take_hold() {
    let scratch = Scratch::with_instance();
    let set = [
        "instance",
        "set",
        INSTANCE,
        "compression=zstd",
        "encryption=none",
        "exclude=*.tmp",
        "exclude=cache/**",
    ];
    let instance = scratch.json(&set);
    assert_eq!(instance["settings"]["compression"], "zstd");
    let excluded = instance["settings"]["exclude"].as_array().unwrap().len();
    assert_eq!(excluded, 2, "{instance}");
    let archive = scratch.back_up();
    assert!(archive.ends_with(".tar.zst"), "{archive}");
    let bad = ["instance", "set", INSTANCE, "compression=rar"];
    scratch.error(2, &bad);
}
