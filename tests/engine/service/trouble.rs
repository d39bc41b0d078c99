//! Claims about backups where something around them is wrong: a full disk, a lock that does not end, a name that is no text.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use holdfast::model::{DestinationType, ExecutionStatus};
use holdfast::service::{Accept, ArchiveRef, NewDestination, RestoreRequest};
use rusqlite::Connection;

use super::fixture::{House, INSTANCE, count, files_below};
use crate::support::sqlite_fixture::{Small, make};
use crate::support::writer::Writer;

#[test]
fn one_full_destination_takes_the_archive_from_no_other() {
    let house = House::new();
    let Some(small) = small_destination(&house, "1500k") else {
        return;
    };
    // It packed well the last time; what comes in now does not, so that it is found out late.
    house.backup();
    fs::remove_dir_all(house.path("vault")).unwrap();
    fs::create_dir(house.path("vault")).unwrap();
    add_noise(&house, 3);
    let report = house.backup_to(&["full", "vault"]).unwrap();
    let [full, vault] = report.executions.as_slice() else {
        panic!("two destinations, two executions")
    };
    assert_eq!(full.status, ExecutionStatus::Failed, "{full:?}");
    let problem = full.problem.as_ref().unwrap();
    assert_eq!(problem.code, "no_space");
    assert!(
        problem.message.starts_with("Destination full is full"),
        "{problem:?}"
    );
    assert_eq!(vault.status, ExecutionStatus::Completed, "{vault:?}");
    assert_eq!(files_below(&house.path("vault")).len(), 1);
    assert!(files_below(&small.0).is_empty(), "no half archive");

    let alone = house.backup_to(&["full"]).unwrap();
    assert_eq!(alone.executions[0].status, ExecutionStatus::Failed);
    assert!(files_below(&small.0).is_empty());
    assert!(files_below(&house.path("data/work")).is_empty());
}

fn small_destination(house: &House, size: &str) -> Option<Small> {
    let small = Small::mount(house.root.path(), size)?;
    let full = NewDestination {
        name: "full".to_owned(),
        destination_type: DestinationType::Local,
        settings: vec![("base_path".to_owned(), small.0.display().to_string())],
        secrets: Vec::new(),
    };
    house.service.add_destination(&full).unwrap();
    Some(small)
}

/// As many MB as nothing compresses.
fn add_noise(house: &House, megabytes: u32) {
    let db = Connection::open(house.database("devices.db")).unwrap();
    db.execute_batch("CREATE TABLE IF NOT EXISTS noise(b BLOB)")
        .unwrap();
    for _ in 0..megabytes {
        db.execute("INSERT INTO noise VALUES (randomblob(1000000))", [])
            .unwrap();
    }
}

/// Before anything is captured: nothing is as slow as finding it out at the end.
#[test]
fn a_destination_that_is_surely_too_small_is_told_at_once() {
    let house = House::new();
    let Some(small) = small_destination(&house, "1500k") else {
        return;
    };
    add_noise(&house, 8);
    let told_at_once = |what: &str| {
        let report = house.backup_to(&["full"]).unwrap();
        let problem = report.executions[0].problem.clone().unwrap();
        assert_eq!(problem.code, "no_space", "{what}");
        assert!(
            problem.message.contains("are needed"),
            "{what}: {problem:?}"
        );
        assert!(files_below(&small.0).is_empty(), "{what}");
    };
    told_at_once("a quarter of the content is more than there is");
    // It packs like the last one, which went elsewhere, and is gone from there.
    add_noise(&house, 1);
    let archive = house.archive();
    let name = archive.0.trim_start_matches("vault:").to_owned();
    house.service.delete(&archive, &name, &house.act()).unwrap();
    let db = Connection::open(house.database("devices.db")).unwrap();
    db.execute_batch("DELETE FROM noise WHERE rowid > 3; VACUUM")
        .unwrap();
    told_at_once("the last one was as large as its content");
}

#[test]
fn a_lock_that_does_not_end_costs_its_component_and_not_the_run() {
    let house = House::empty();
    fs::create_dir(house.instance_dir()).unwrap();
    let locked = house.instance_dir().join("locked.db");
    make(&locked, "delete", 10);
    make(&house.instance_dir().join("free.db"), "delete", 10);
    house.service.init().unwrap();
    house.add_instance(None).unwrap();
    house.add_local("vault");
    let owner = Writer::start("hold-exclusive", &[&locked]);
    let (done, told) = mpsc::channel();
    // Whoever waits longer than this gets the database after all, and no warning.
    let holder = thread::spawn(move || {
        let _ = told.recv_timeout(Duration::from_mins(2));
        owner.stop()
    });
    let report = house.backup();
    done.send(()).unwrap();
    holder.join().unwrap();
    let done = &report.executions[0];
    assert_eq!(done.status, ExecutionStatus::Partial, "{done:?}");
    let [warning] = done.warnings.as_slice() else {
        panic!("{:?}", done.warnings)
    };
    assert_eq!(warning.component.as_deref(), Some("locked"));
    assert!(warning.message.contains("in use"), "{warning:?}");
}

#[test]
fn a_database_whose_name_is_not_utf8_passes_its_drill_and_comes_back() {
    let house = House::empty();
    fs::create_dir(house.instance_dir()).unwrap();
    let odd = house
        .instance_dir()
        .join(OsStr::from_bytes(b"d\xff\xfe.db"));
    make(&odd, "wal", 10);
    let rows = count(&odd, "t");
    house.service.init().unwrap();
    house.add_instance(None).unwrap();
    house.add_local("vault");
    let archive = house.archive();
    let drill = house.service.drill(&archive, &house.act()).unwrap();
    assert!(drill.ok, "{drill:?}");
    let restore = || {
        let request = RestoreRequest {
            archive: archive.clone(),
            instance: INSTANCE.to_owned(),
            components: Vec::new(),
            confirm: INSTANCE.to_owned(),
            accept: Accept::default(),
        };
        house.service.restore(&request, &house.act()).unwrap();
        assert_eq!(count(&odd, "t"), rows);
        assert_eq!(
            files_below(&house.instance_dir()).len(),
            1,
            "no other name was made"
        );
    };
    Connection::open(&odd)
        .unwrap()
        .execute_batch("DELETE FROM t")
        .unwrap();
    restore();
    fs::remove_file(&odd).unwrap();
    restore();
}

/// What its side files hold lies beside it in the archive, under a name of its own.
#[test]
fn a_damaged_database_with_a_side_file_costs_no_other_its_backup() {
    let house = House::empty();
    fs::create_dir(house.instance_dir()).unwrap();
    let [good, bad] = ["good.db", "bad.db"].map(|name| house.instance_dir().join(name));
    make(&good, "delete", 10);
    make(&bad, "delete", 10);
    let mut bytes = fs::read(&bad).unwrap();
    bytes[100..3000].fill(0xff);
    fs::write(&bad, &bytes).unwrap();
    fs::write(house.instance_dir().join("bad.db-journal"), [1; 512]).unwrap();
    house.service.init().unwrap();
    house.add_instance(None).unwrap();
    house.add_local("vault");
    let report = house.backup();
    assert_eq!(report.executions[0].status, ExecutionStatus::Partial);
    let name = report.executions[0].archive.clone().unwrap();
    let archive = ArchiveRef(format!("vault:{name}"));
    let out = house.path("out");
    house
        .service
        .extract(&archive, &out, &[], &house.act())
        .unwrap();
    assert_eq!(count(&out.join("good/good.db"), "t"), count(&good, "t"));
    assert!(fs::read(out.join("bad/bad.db")).unwrap() == bytes);
    let journal = fs::read(out.join("bad/bad.db-journal")).unwrap();
    assert!(journal == [1; 512]);
}

#[test]
fn a_file_that_no_archive_can_hold_is_named_and_costs_no_other_its_backup() {
    let house = House::empty();
    fs::create_dir(house.instance_dir()).unwrap();
    make(&house.instance_dir().join("a.db"), "delete", 10);
    fs::write(house.instance_dir().join("note"), "kept").unwrap();
    // As `tar x` of an archive of ours leaves it: the name is the archive's own there.
    fs::write(house.instance_dir().join(".index.jsonl"), "{}\n").unwrap();
    house.service.init().unwrap();
    house.add_instance(None).unwrap();
    house.add_local("vault");
    let report = house.backup();
    let done = &report.executions[0];
    assert_eq!(done.status, ExecutionStatus::Partial);
    let warnings: Vec<_> = done.warnings.iter().map(|w| w.message.as_str()).collect();
    assert!(
        warnings.len() == 1 && warnings[0].contains(".index.jsonl"),
        "{warnings:?}"
    );
    let archive = ArchiveRef(format!("vault:{}", done.archive.clone().unwrap()));
    assert!(house.service.drill(&archive, &house.act()).unwrap().ok);
    let out = house.path("out");
    let parts = ["files".to_owned()];
    house
        .service
        .extract(&archive, &out, &parts, &house.act())
        .unwrap();
    assert_eq!(files_below(&out), [PathBuf::from("files/note")]);
}
