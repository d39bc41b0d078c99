//! Claims about bad input: a clear error, the right status, nothing half-done.

use std::fs;
use std::path::PathBuf;

use crate::scratch::{DESTINATION, INSTANCE, Scratch, text};

#[test]
fn a_data_folder_that_cannot_be_made_is_a_clear_error() {
    let scratch = Scratch::new();
    let file = scratch.path("file");
    fs::write(&file, "").unwrap();
    // No right of root's makes a folder there.
    for folder in [file.join("data"), PathBuf::from("/proc/holdfast-data")] {
        let folder = text(&folder);
        let error = scratch.error(1, &["--data-dir", &folder, "init"]);
        assert!(format!("{error}").contains(&folder), "{error}");
    }
}

#[test]
fn a_folder_with_nothing_to_back_up_is_no_instance() {
    let scratch = Scratch::new();
    scratch.json(&["init"]);
    let empty = scratch.path("empty");
    fs::create_dir(&empty).unwrap();
    for folder in [text(&empty), text(&scratch.path("missing"))] {
        scratch.error(1, &["instance", "scan", &folder]);
        scratch.error(1, &["instance", "add", "x", &folder]);
    }
    let list = scratch.json(&["instance", "list"]);
    assert_eq!(list["instances"].as_array().unwrap().len(), 0);
}

#[test]
fn names_that_could_leave_their_place_are_refused() {
    let scratch = Scratch::with_instance();
    let server = text(&scratch.server());
    let long = "a".repeat(300);
    for name in ["../up", "a/b", "a\nb", "", "ä", "a b", long.as_str()] {
        scratch.error(2, &["instance", "add", name, &server]);
    }
    assert_eq!(
        scratch
            .run(&["--json", "instance", "add", INSTANCE, &server])
            .status,
        1
    );
    let list = scratch.json(&["instance", "list"]);
    assert_eq!(list["instances"].as_array().unwrap().len(), 1);
}

#[test]
fn what_is_unknown_is_named() {
    let scratch = Scratch::with_instance();
    let unknown: [&[&str]; 5] = [
        &["instance", "show", "nobody"],
        &["destination", "show", "nobody"],
        &["backup", "nobody", "--to", DESTINATION],
        &["backup", INSTANCE, "--to", "nobody"],
        &["show", "nobody:backup-x-20260101-000000-manual.tar.gz"],
    ];
    for arguments in unknown {
        let error = scratch.error(1, arguments);
        assert!(
            format!("{error}").contains("nobody"),
            "{arguments:?}: {error}"
        );
    }
}

#[test]
fn a_changed_byte_is_found_and_nothing_of_it_is_restored() {
    let scratch = Scratch::with_instance();
    let archive = scratch.back_up();
    scratch.damage();
    let path = &scratch.stored(DESTINATION)[0];
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
    let report = scratch.json_with_status(1, &["verify", &archive]);
    assert_eq!(report["ok"], false, "{report}");
    assert!(
        !report["problems"].as_array().unwrap().is_empty(),
        "{report}"
    );
    let before = scratch.devices();
    scratch.error(
        1,
        &[
            "restore",
            &archive,
            "--instance",
            INSTANCE,
            "--confirm",
            INSTANCE,
        ],
    );
    assert_eq!(scratch.devices(), before);
    assert!(scratch.workspaces().is_empty());
}

#[test]
fn an_archive_of_a_stranger_asks_before_it_changes_anything() {
    let stranger = Scratch::with_instance();
    stranger.json(&["instance", "set", INSTANCE, "encryption=none"]);
    stranger.back_up();
    let path = text(&stranger.stored(DESTINATION)[0]);

    let scratch = Scratch::with_instance();
    scratch.damage();
    let shown = scratch.json(&["show", &path]);
    assert_eq!(shown["signature"], "unknown");
    let key_id = shown["key_id"].as_str().unwrap();
    let restore = [
        "restore",
        &path,
        "--instance",
        INSTANCE,
        "--component",
        "devices",
        "--confirm",
        INSTANCE,
    ];
    let error = scratch.error(4, &restore);
    assert!(format!("{error}").contains(key_id), "{error}");
    // It is another instance's as well.
    scratch.error(4, &[&restore[..], &["--accept-signer", key_id]].concat());
    scratch.error(
        4,
        &[&restore[..], &["--accept-unsigned", "--accept-mismatch"]].concat(),
    );
    assert_eq!(scratch.devices(), crate::scratch::DEVICES / 2);
    scratch.json(
        &[
            &restore[..],
            &["--accept-signer", key_id, "--accept-mismatch"],
        ]
        .concat(),
    );
    assert_eq!(scratch.devices(), crate::scratch::DEVICES);
}

#[test]
fn an_archive_that_no_key_here_opens_says_so() {
    let stranger = Scratch::with_instance();
    stranger.back_up();
    let path = text(&stranger.stored(DESTINATION)[0]);
    let scratch = Scratch::new();
    scratch.json(&["init"]);
    scratch.error(1, &["show", &path]);
    scratch.error(1, &["extract", &path, "--to", &text(&scratch.path("out"))]);
}

#[test]
fn a_hook_inherits_neither_a_passphrase_nor_anothers_result() {
    let scratch = Scratch::with_instance();
    let seen = scratch.path("seen");
    let hook = format!("before_hook=env > {}", text(&seen));
    scratch.json(&["instance", "set", INSTANCE, &hook]);
    let ran = scratch
        .command(&["--json", "backup", INSTANCE, "--to", DESTINATION])
        .env("HOLDFAST_PASSPHRASE", "correct horse")
        .env("HOLDFAST_ADMIN_PASSPHRASE", "battery staple")
        .env("HOLDFAST_RESULT", "failed")
        .output()
        .unwrap();
    assert!(ran.status.success());
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(seen.contains("HOLDFAST_DATA_DIR"), "{seen}");
    assert!(!seen.contains("PASSPHRASE"), "{seen}");
    assert!(!seen.contains("HOLDFAST_RESULT"), "{seen}");
}
