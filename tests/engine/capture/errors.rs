//! Each kind of source that is not a healthy database, by what becomes of it; and names that are hard to pass on.

use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use holdfast::model::manifest::CheckResult;
use holdfast::model::{Cancel, CheckLevel, NoObserver};
use holdfast::source::database::{CaptureError, Captured, Outcome, capture, examine};

use super::{codes, copy_of, in_folder, missing, take};
use crate::support::sqlite_fixture::{beside, folder, make, rows};
use crate::support::writer::Writer;

fn plain(captured: &Captured) -> Vec<u8> {
    match &captured.outcome {
        Outcome::Plain { copy } => std::fs::read(copy).unwrap(),
        other => panic!("not plain: {other:?}"),
    }
}

fn damaged(captured: &Captured) -> Vec<Vec<u8>> {
    match &captured.outcome {
        Outcome::Damaged { copies } => copies.iter().map(|c| std::fs::read(c).unwrap()).collect(),
        other => panic!("not damaged: {other:?}"),
    }
}

#[test]
fn what_is_no_database_is_kept_as_its_bytes() {
    let encrypted: Vec<u8> = (0..20_000u32).map(|i| (i * 7919 % 251) as u8).collect();
    for (content, code) in [
        (&encrypted[..], "not_a_database"),
        (b"text\n", "not_a_database"),
        (b"", "empty_database"),
    ] {
        let dir = folder();
        let path = dir.path().join("a.db");
        std::fs::write(&path, content).unwrap();
        let taken = take(&[&path]);
        assert_eq!(plain(taken.only()), content);
        assert_eq!(codes(taken.only()), [code]);
    }
}

#[test]
fn an_encrypted_database_with_a_wal_says_what_is_left_out() {
    let dir = folder();
    let path = dir.path().join("a.db");
    std::fs::write(&path, [7; 5000]).unwrap();
    std::fs::write(beside(&path, "-wal"), [7; 500]).unwrap();
    let taken = take(&[&path]);
    assert_eq!(
        codes(taken.only()),
        ["not_a_database", "side_files_left_out"]
    );
}

#[test]
fn a_database_cut_in_half_is_kept_as_damaged_bytes_with_its_side_files() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 1000);
    let whole = std::fs::read(&path).unwrap();
    let half = &whole[..whole.len() / 2];
    std::fs::write(&path, half).unwrap();
    let taken = take(&[&path]);
    assert!(damaged(taken.only()) == [half]);
    assert_eq!(codes(taken.only()), ["damaged"]);
}

/// The name of each copy tells what it is of: the archive has them side by side.
#[test]
fn the_side_files_of_a_damaged_database_are_told_apart() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 10);
    overwrite(&path, 100, &[0xff; 3000]);
    std::fs::write(beside(&path, "-journal"), [1; 512]).unwrap();
    let taken = take(&[&path, &path]);
    for captured in &taken.captured {
        let Outcome::Damaged { copies } = &captured.outcome else {
            panic!("not damaged: {:?}", captured.outcome);
        };
        let ends: Vec<bool> = copies
            .iter()
            .map(|copy| copy.as_os_str().to_str().unwrap().ends_with("-journal"))
            .collect();
        assert_eq!(ends, [false, true]);
    }
}

#[test]
fn a_database_whose_header_is_broken_is_damaged_not_foreign() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 10);
    // The page size.
    overwrite(&path, 16, &[0x12, 0x34]);
    let bytes = std::fs::read(&path).unwrap();
    let taken = take(&[&path]);
    assert!(damaged(taken.only()) == [bytes]);
}

#[test]
fn damage_that_only_a_check_sees_is_still_a_copy() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 1000);
    overwrite(&path, 40_960, &[0xa5; 8192]);
    let taken = take(&[&path]);
    let (facts, warnings) = examine(taken.copy(0), CheckLevel::Quick, &Cancel::new()).unwrap();
    assert_eq!(facts.check, CheckResult::Damaged);
    assert_eq!(warnings[0].code, "damaged");
}

/// SQLite reads zeros there, and no check notices.
#[test]
fn a_last_page_that_is_cut_is_a_warning() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let path = dir.path().join("a.db");
        make(&path, mode, 1000);
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len() - 100).unwrap();
        let taken = take(&[&path]);
        assert_eq!(rows(taken.copy(0)), 1000);
        assert_eq!(codes(taken.only()), ["cut_short"], "{mode}");
    }
}

#[test]
fn what_is_not_there_or_no_file_is_missing_with_its_reason() {
    let dir = folder();
    let gone = dir.path().join("gone.db");
    let fifo = dir.path().join("fifo.db");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
    let dangling = dir.path().join("dangling.db");
    std::os::unix::fs::symlink("nowhere", &dangling).unwrap();
    let good = dir.path().join("good.db");
    make(&good, "wal", 5);
    let taken = take(&[&gone, &fifo, dir.path(), &dangling, &good]);
    assert!(matches!(missing(&taken.captured[0]), CaptureError::Missing(p) if *p == gone));
    assert!(matches!(missing(&taken.captured[1]), CaptureError::NotAFile(p) if *p == fifo));
    assert!(matches!(
        missing(&taken.captured[2]),
        CaptureError::NotAFile(_)
    ));
    assert!(matches!(
        missing(&taken.captured[3]),
        CaptureError::Missing(_)
    ));
    assert_eq!(rows(copy_of(&taken.captured[4])), 5);
}

#[test]
fn names_that_are_hard_to_pass_on_are_captured_and_examined() {
    let names: [&[u8]; 8] = [
        b"a b.db",
        b"50%.db",
        b"%41.db",
        b"what?.db",
        b"c#.db",
        b"new\nline.db",
        b"not-utf-8-\xff\xfe.db",
        b"file:x?mode=memory.db",
    ];
    for name in names {
        for mode in ["wal", "delete"] {
            let dir = folder();
            let plain = dir.path().join("plain.db");
            make(&plain, mode, 20);
            let path = in_folder(&dir, name);
            std::fs::rename(&plain, &path).unwrap();
            let scratch = in_folder(&dir, b"scratch %?#\xff");
            std::fs::create_dir(&scratch).unwrap();
            let mut copies = Vec::new();
            capture(
                &super::sources(&[&path]),
                &scratch,
                &super::options(),
                &Cancel::new(),
                &NoObserver,
                &mut |one| copies.push(copy_of(&one).to_path_buf()),
            )
            .unwrap();
            let (facts, _) = examine(&copies[0], CheckLevel::Full, &Cancel::new()).unwrap();
            assert_eq!(facts.tables["t"], Some(20), "{name:?}");
        }
    }
}

#[test]
fn a_link_to_a_live_database_gives_its_wal_rows_too() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "wal", 100);
    let elsewhere = folder();
    let link = elsewhere.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let writer = Writer::start("idle", &[&path]);
    let taken = take(&[&link]);
    assert_eq!(rows(taken.copy(0)), 150);
    writer.stop();
}

#[test]
fn a_file_that_is_named_twice_is_opened_once_and_delivered_twice() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "wal", 100);
    let (link, hard) = (dir.path().join("link"), dir.path().join("0-hard"));
    std::os::unix::fs::symlink(&path, &link).unwrap();
    std::fs::hard_link(&path, &hard).unwrap();
    let writer = Writer::start("idle", &[&path]);
    let taken = take(&[&hard, &path, &link]);
    writer.stop();
    for (at, one) in taken.captured.iter().enumerate() {
        assert_eq!(rows(copy_of(one)), 150, "the name with the -wal was opened");
        assert_eq!(codes(one), ["same_file"][..usize::from(at > 0)]);
    }
    for one in &taken.captured {
        std::fs::remove_file(copy_of(one)).expect("each receiver deletes its own");
    }
}

fn overwrite(path: &Path, at: u64, bytes: &[u8]) {
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(bytes).unwrap();
}
