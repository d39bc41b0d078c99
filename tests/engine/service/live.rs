//! Claims about backing up a service at work: processes of its own write the whole time, stock tools open what comes out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast::model::ExecutionStatus;

use super::fixture::{House, files_below};
use crate::support::sqlite_fixture::{beside, counter, digests, make, rows};
use crate::support::writer::Writer;

const ROUNDS: usize = 4;

/// What `age`, `tar`, `minisign` and `sqlite3` make of the newest archive.
fn unpack(house: &House, kit: &Path, round: usize) -> PathBuf {
    let keys = house.service.public_keys().unwrap().unwrap();
    let vault = house.path("vault");
    let archive = vault.join(files_below(&vault).last().unwrap());
    let out = house.path(&format!("out-{round}"));
    fs::create_dir(&out).unwrap();
    let script = "set -eo pipefail; age -d -i \"$1\" \"$2\" | tar xz -C \"$3\"; cd \"$3\"; \
                  minisign -Q -V -P \"$4\" -m manifest.json >&2; \
                  for db in */*.db; do sqlite3 \"$db\" 'pragma integrity_check; pragma foreign_key_check'; done";
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
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "ok\n".repeat(7));
    out
}

/// Where `auto` put a database in the archive: each is a component of its own, called like its file.
fn unpacked(out: &Path, name: &str) -> PathBuf {
    let found = files_below(out)
        .into_iter()
        .find(|file| file.file_name().is_some_and(|n| n == name));
    out.join(found.unwrap_or_else(|| panic!("{name} is in the archive")))
}

#[test]
fn a_service_that_writes_the_whole_time_is_backed_up_untorn_and_sees_no_error() {
    let house = House::empty();
    let data = house.instance_dir().join("data");
    fs::create_dir_all(&data).unwrap();
    let file = |name: &str| data.join(name);
    let in_order = ["1-wal.db", "2-wal.db", "3-delete.db", "4-delete.db"];
    for name in in_order {
        let mode = name[2..].trim_end_matches(".db");
        make(&file(name), mode, 50);
    }
    make(&file("busy-wal.db"), "wal", 20_000);
    make(&file("busy-delete.db"), "delete", 20_000);
    make(&file("held.db"), "wal", 1000);
    fs::write(house.instance_dir().join("service.ini"), "[a]\nb = c\n").unwrap();
    house.service.init().unwrap();
    house.add_instance(None).unwrap();
    house.add_local("vault");
    let kit = house.path("kit.txt");
    house.service.export_kit(&kit).unwrap();

    // Each with a busy timeout of 5 s, as most have.
    let writers = [
        Writer::start("pairs", &in_order.map(file)),
        Writer::start("busy", &[file("busy-wal.db")]),
        Writer::start("busy", &[file("busy-delete.db")]),
        Writer::start("idle", &[file("held.db")]),
    ];
    let log = beside(&file("held.db"), "-wal");
    assert!(
        fs::metadata(log).unwrap().len() > 0,
        "rows wait in the -wal"
    );
    let held = digests(&file("held.db"));
    let mut exact_rounds = 0;
    for round in 0..ROUNDS {
        let report = house.backup();
        assert_eq!(report.executions[0].status, ExecutionStatus::Completed);
        assert_eq!(digests(&file("held.db")), held, "a backup writes nothing");
        let out = unpack(&house, &kit, round);
        assert_eq!(rows(&unpacked(&out, "held.db")), 1050);
        assert!(rows(&unpacked(&out, "busy-wal.db")) > 20_000);
        assert!(rows(&unpacked(&out, "busy-delete.db")) > 20_000);
        let manifest = fs::read(out.join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        if manifest["capture"]["exact"] == true {
            exact_rounds += 1;
            let seen = in_order.map(|name| counter(&unpacked(&out, name)));
            assert!(seen.is_sorted_by(|a, b| a >= b), "{seen:?}");
            assert!(seen[0] - seen[3] <= 1, "{seen:?}");
        }
    }
    assert!(exact_rounds > 0, "no capture was exact");
    for writer in writers {
        assert_eq!(writer.stop().errors, [] as [&str; 0]);
    }
}
