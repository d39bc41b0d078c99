//! Claims about the day when this program is not there: stock tools and the recovery kit.

use std::fs;
use std::process::Command;

use rusqlite::Connection;

use crate::scratch::{COMPONENTS, DESTINATION, DEVICES, INSTANCE, Scratch, count, text};

/// A shell line that must succeed, with every part of its pipes.
#[track_caller]
fn shell(line: &str, folder: &std::path::Path) -> String {
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", line])
        .current_dir(folder)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn age_tar_and_minisign_alone_bring_everything_back() {
    let scratch = Scratch::with_instance();
    let verification_key = scratch.json(&["init"])["verification_key"].clone();
    let verification_key = verification_key.as_str().unwrap();
    scratch.back_up();
    let kit = text(&scratch.path("kit.txt"));
    scratch.json(&["key", "export", "--out", &kit]);
    let archive = text(&scratch.stored(DESTINATION)[0]);
    let folder = scratch.path("by-hand");
    fs::create_dir(&folder).unwrap();

    shell(&format!("age -d -i '{kit}' '{archive}' | tar xz"), &folder);
    let checked = shell(
        &format!("minisign -Vm manifest.json -P '{verification_key}'"),
        &folder,
    );
    assert!(checked.contains("holdfast 2 instance="), "{checked}");
    for component in COMPONENTS {
        assert!(folder.join(component).is_dir(), "{component}");
    }
    let devices = Connection::open(folder.join("devices/devices.db")).unwrap();
    assert_eq!(count(&devices, "devices"), DEVICES);
    for database in shell("find . -name '*.db'", &folder).lines() {
        let checks =
            format!("sqlite3 '{database}' 'PRAGMA integrity_check; PRAGMA foreign_key_check'");
        assert_eq!(shell(&checks, &folder), "ok\n", "{database}");
    }
}

#[test]
fn the_fast_variant_and_the_plain_one_open_too() {
    let scratch = Scratch::with_instance();
    scratch.json(&["instance", "set", INSTANCE, "compression=zstd"]);
    scratch.json(&["backup", INSTANCE, "--to", DESTINATION, "--no-encrypt"]);
    let archive = text(&scratch.stored(DESTINATION)[0]);
    assert!(archive.ends_with(".tar.zst"), "{archive}");
    let folder = scratch.path("by-hand");
    fs::create_dir(&folder).unwrap();
    shell(&format!("tar xf '{archive}' --zstd"), &folder);
    assert!(folder.join("manifest.json").is_file());
}
