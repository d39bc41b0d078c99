//! What a copy keeps of its source.

use holdfast::model::{Cancel, CheckLevel};
use holdfast::source::database::examine;

use super::{take, version_bytes};
use crate::support::sqlite_fixture::{
    digest, folder, is_whole, make, make_with, names_in, number, rows,
};
use crate::support::writer::{Writer, python};

/// Bytes that may differ: change counter, schema cookie, version-valid-for and library version, and the journal mode's two.
const MAY_DIFFER: [std::ops::Range<usize>; 4] = [18..20, 24..28, 40..44, 92..100];

#[test]
fn page_size_encoding_vacuum_and_header_fields_are_kept_in_both_modes() {
    let layouts = [
        (512, "UTF-8", 0),
        (4096, "UTF-16le", 1),
        (65_536, "UTF-16be", 2),
    ];
    for mode in ["wal", "delete"] {
        for (page_size, encoding, auto_vacuum) in layouts {
            let dir = folder();
            let path = dir.path().join("a.db");
            make_with(
                &path,
                &format!(
                    "PRAGMA page_size={page_size}; PRAGMA encoding='{encoding}'; PRAGMA auto_vacuum={auto_vacuum};
                     PRAGMA journal_mode={mode}; PRAGMA user_version=-5; PRAGMA application_id=77"
                ),
                300,
            );
            let taken = take(&[&path]);
            let copy = taken.copy(0);
            assert!(is_whole(copy));
            let (facts, warnings) = examine(copy, CheckLevel::Full, &Cancel::new()).unwrap();
            assert_eq!(warnings, []);
            assert_eq!(facts.page_size, page_size);
            assert_eq!(facts.encoding, encoding);
            assert_eq!((facts.user_version, facts.application_id), (-5, 77));
            assert_eq!(number(copy, "PRAGMA auto_vacuum"), auto_vacuum);
            let (mut source, mut copy) =
                (std::fs::read(&path).unwrap(), std::fs::read(copy).unwrap());
            for range in MAY_DIFFER {
                source[range.clone()].fill(0);
                copy[range].fill(0);
            }
            assert!(source == copy, "{mode} {page_size}: other bytes differ");
        }
    }
}

#[test]
fn reserved_bytes_of_a_page_are_kept() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 50);
    // The count of reserved bytes takes effect with the next VACUUM; only the shell and the C interface set it.
    let status = std::process::Command::new("sqlite3")
        .arg(&path)
        .args([".filectrl reserve_bytes 8", "VACUUM"])
        .output();
    if !status.is_ok_and(|o| o.status.success()) || std::fs::read(&path).unwrap()[20] != 8 {
        println!("skipped: needs the sqlite3 shell with .filectrl");
        return;
    }
    let taken = take(&[&path]);
    assert_eq!(std::fs::read(taken.copy(0)).unwrap()[20], 8);
    assert!(is_whole(taken.copy(0)));
}

#[test]
fn two_captures_of_the_same_content_are_the_same_bytes() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let path = dir.path().join("a.db");
        make(&path, mode, 2000);
        let first = take(&[&path]);
        let second = take(&[&path]);
        assert_eq!(digest(first.copy(0)), digest(second.copy(0)), "{mode}");
    }
}

#[test]
fn it_does_not_matter_whether_rows_sat_in_the_wal() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "wal", 1000);
    let writer = Writer::start("idle", &[&path]);
    let from_wal = take(&[&path]);
    writer.stop();
    let from_main = take(&[&path]);
    assert_eq!(rows(from_main.copy(0)), 1050);
    assert_eq!(digest(from_wal.copy(0)), digest(from_main.copy(0)));
}

#[test]
fn a_change_of_one_row_changes_one_slice_of_a_copy() {
    const SLICE: usize = 1 << 20;
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "delete", 16_000);
    let before = std::fs::read(take(&[&path]).copy(0)).unwrap();
    python(
        "d = sqlite3.connect(sys.argv[1])\nd.execute('UPDATE t SET v = zeroblob(1000) WHERE id = 9000')\nd.commit()",
        &path,
    );
    let after = std::fs::read(take(&[&path]).copy(0)).unwrap();
    assert_eq!(before.len(), after.len());
    let changed = before
        .chunks(SLICE)
        .zip(after.chunks(SLICE))
        .filter(|(a, b)| a != b)
        .count();
    assert_eq!(changed, 1);
}

#[test]
fn a_copy_is_in_rollback_mode_and_reading_it_leaves_nothing_beside_it() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let path = dir.path().join("a.db");
        make(&path, mode, 100);
        let taken = take(&[&path]);
        let copy = taken.copy(0);
        assert_eq!(version_bytes(copy), [1, 1]);
        assert_eq!(rows(copy), 100);
        examine(copy, CheckLevel::Quick, &Cancel::new()).unwrap();
        assert_eq!(names_in(taken.scratch.path()).len(), 1, "{mode}");
        match &taken.only().outcome {
            holdfast::source::database::Outcome::Database { journal_mode, .. } => {
                assert_eq!(journal_mode, mode);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The page at 1 GiB is never used: it is where locks lie.
#[test]
fn a_database_over_one_gibibyte_is_captured_whole() {
    let dir = folder();
    let path = dir.path().join("a.db");
    make(&path, "wal", 1_250_000);
    assert!(std::fs::metadata(&path).unwrap().len() > 1 << 30);
    let began = std::time::Instant::now();
    let taken = take(&[&path]);
    println!("captured in {:?}", began.elapsed());
    let began = std::time::Instant::now();
    let (facts, warnings) = examine(taken.copy(0), CheckLevel::Quick, &Cancel::new()).unwrap();
    println!("examined in {:?}", began.elapsed());
    assert_eq!(facts.check, holdfast::model::manifest::CheckResult::Ok);
    assert_eq!(facts.tables["t"], Some(1_250_000));
    assert_eq!(warnings, []);
}
