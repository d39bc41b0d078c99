//! Claims about `sample`: the instance that `demo` makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use holdfast::model::Cancel;
use holdfast::service::sample::{SampleError, SampleSize, create, pair_gap, write_forever};
use rusqlite::Connection;
use sha2::{Digest, Sha256};

const DATABASES: [(&str, &str); 6] = [
    ("audit_trail.db", "delete"),
    ("config_overrides.db", "delete"),
    ("devices.db", "wal"),
    ("local_auth.db", "wal"),
    ("metrics_history.db", "delete"),
    ("tacacs_accounting.db", "wal"),
];

fn small() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("tacacs");
    create(&root, SampleSize::SMALL).unwrap();
    (dir, root)
}

fn digest(path: &Path) -> String {
    hex::encode(Sha256::digest(fs::read(path).unwrap()))
}

#[test]
fn a_sample_has_the_real_servers_files_modes_and_rows() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("tacacs");
    let sample = create(&root, SampleSize::SMALL).unwrap();
    assert!(root.join("config/tacacs.conf").is_file());
    assert_eq!(sample.rows["devices.db: devices"], 120);
    assert_eq!(sample.rows["tacacs_accounting.db: accounting_logs"], 3000);
    assert_eq!(sample.rows["config_overrides.db: config_overrides"], 3);
    for (file, mode) in DATABASES {
        let connection = Connection::open(root.join("data").join(file)).unwrap();
        let text = |sql| connection.query_row(sql, [], |row| row.get::<_, String>(0));
        assert_eq!(text("PRAGMA journal_mode").unwrap(), mode, "{file}");
        assert_eq!(text("PRAGMA integrity_check").unwrap(), "ok", "{file}");
        assert!(text("PRAGMA foreign_key_check").is_err(), "{file}");
    }
}

#[test]
fn the_daily_totals_agree_with_the_rows() {
    let (_keep, root) = small();
    let connection = Connection::open(root.join("data/tacacs_accounting.db")).unwrap();
    let sql = "SELECT count(*) FROM (
        SELECT substr(timestamp, 1, 10) AS day, count(*) AS n, count(DISTINCT username) AS users FROM accounting_logs GROUP BY day
        EXCEPT SELECT stat_date, total_records, unique_users FROM mv_daily_stats)";
    let differing: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(differing, 0);
}

#[test]
fn two_samples_of_one_size_are_equal_byte_for_byte() {
    let ((_a, one), (_b, two)) = (small(), small());
    for (file, _) in DATABASES {
        let path = Path::new("data").join(file);
        assert_eq!(digest(&one.join(&path)), digest(&two.join(&path)), "{file}");
    }
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("mine"), "x").unwrap();
    let error = create(dir.path(), SampleSize::SMALL).unwrap_err();
    assert!(matches!(error, SampleError::NotEmpty(_)));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// Returns at once after a minute, so that a writer that writes nothing fails its claim instead of hanging.
fn wait_for_a_new_pair(root: &Path) {
    let connection = Connection::open(root.join("data/audit_trail.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    let sql = "SELECT count(*) FROM audit_log WHERE action = 'pair'";
    let count = || {
        connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let (before, started) = (count(), Instant::now());
    while count() == before && started.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_writer_writes_pairs_until_it_is_stopped_and_goes_on_where_it_was() {
    let (_keep, root) = small();
    let run = || {
        let stop = Cancel::new();
        std::thread::scope(|scope| {
            let writer = scope.spawn(|| write_forever(&root, &stop));
            wait_for_a_new_pair(&root);
            stop.cancel();
            writer.join().unwrap().unwrap()
        })
    };
    let (first, second) = (run(), run());
    assert!(first.pairs > 0 && second.pairs > 0, "{first:?} {second:?}");
    assert_eq!(
        (first.failed, second.failed),
        (0, 0),
        "{first:?} {second:?}"
    );
    let data = root.join("data");
    let (accounting, audit) = (
        data.join("tacacs_accounting.db"),
        data.join("audit_trail.db"),
    );
    assert!(matches!(pair_gap(&accounting, &audit), Ok(0 | 1)));
    let connection = Connection::open(&audit).unwrap();
    let sql = "SELECT count(DISTINCT resource_id) = count(*) FROM audit_log WHERE action = 'pair'";
    assert!(
        connection
            .query_row(sql, [], |row| row.get::<_, bool>(0))
            .unwrap()
    );
}
