//! Claims about bringing components back: into live databases and configuration, all of them or none, and undone again.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::Mutex;

use holdfast::model::instance::ComponentKind;
use holdfast::model::{Observer, Phase, Progress};
use holdfast::service::restore::error::RestoreError;
use holdfast::service::restore::journal::Stage;
use rusqlite::Connection;

use crate::holder::Holder;
use crate::site::{Rows, SHORT, Site, rows};
use crate::support::writer::Writer;

const MODES: [&str; 2] = ["wal", "delete"];

#[test]
fn an_idle_process_sees_the_restored_rows_without_reopening() {
    for mode in MODES {
        let dir = tempfile::tempdir().unwrap();
        let mut site = Site::at(dir.path());
        site.database(
            "devices",
            mode,
            Some(&Rows::few("old", 2000)),
            &Rows::few("new", 5000),
        );
        site.database(
            "users",
            mode,
            Some(&Rows::few("other", 10)),
            &Rows::few("not wanted", 20),
        );
        let before = rows(&site.live("users.db"));
        let mut holder = Holder::open(&site.live("devices.db"));
        assert_eq!(
            holder.ask("SELECT label, count(*) FROM t"),
            "[('old', 2000)]"
        );
        let grounds = site.grounds();
        let (folder, done) = site.restore("1", &[site.wanted_database(&grounds, "devices", mode)]);
        done.unwrap();
        assert_eq!(
            holder.ask("SELECT label, count(*) FROM t"),
            "[('new', 5000)]"
        );
        assert_eq!(holder.ask("INSERT INTO t(label) VALUES ('mine')"), "[]");
        drop(holder);
        assert_eq!(
            rows(&site.live("devices.db")),
            format!("mine 1 5001.0,new 5000 12502500.0 {mode} ok")
        );
        assert_eq!(rows(&site.live("users.db")), before);
        assert_eq!(folder.journal().unwrap().unwrap().stage, Stage::Applied);
    }
}

#[test]
fn a_reader_in_wal_keeps_its_rows_until_it_ends() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    site.database(
        "devices",
        "wal",
        Some(&Rows::few("old", 2000)),
        &Rows::few("new", 5000),
    );
    let mut holder = Holder::open(&site.live("devices.db"));
    holder.ask("BEGIN");
    assert_eq!(holder.ask("SELECT count(*) FROM t"), "[(2000,)]");
    let grounds = site.grounds();
    site.restore("1", &[site.wanted_database(&grounds, "devices", "wal")])
        .1
        .unwrap();
    assert_eq!(holder.ask("SELECT count(*) FROM t"), "[(2000,)]");
    holder.ask("COMMIT");
    assert_eq!(holder.ask("SELECT count(*) FROM t"), "[(5000,)]");
}

#[test]
fn a_reader_of_a_rollback_database_that_does_not_let_go_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    site.database(
        "devices",
        "delete",
        Some(&Rows::few("old", 2000)),
        &Rows::few("new", 5000),
    );
    site.component("config", ComponentKind::Config, &["app.ini"]);
    fs::write(site.live("app.ini"), "old").unwrap();
    let mut holder = Holder::open(&site.live("devices.db"));
    holder.tell("hold SELECT * FROM t");
    let grounds = site.grounds();
    let wanted = [
        site.wanted_config(&grounds, "app.ini", "new"),
        site.wanted_database(&grounds, "devices", "delete"),
    ];
    let (folder, done) = site.restore("1", &wanted);
    assert!(matches!(done, Err(RestoreError::InUse { .. })), "{done:?}");
    assert_eq!(folder.journal().unwrap().unwrap().stage, Stage::Prepared);
    // The lock of the last try is gone: a new reader gets in while the old one reads on.
    let mut other = Holder::open(&site.live("devices.db"));
    assert_eq!(
        other.ask("SELECT label, count(*) FROM t"),
        "[('old', 2000)]"
    );
    holder.tell("release");
    drop((holder, other));
    assert_eq!(
        rows(&site.live("devices.db")),
        "old 2000 2001000.0 delete ok"
    );
    assert_eq!(fs::read_to_string(site.live("app.ini")).unwrap(), "old");
}

#[test]
fn readers_of_a_rollback_database_are_let_in_between_the_tries_of_a_restore() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    site.database(
        "devices",
        "delete",
        Some(&Rows::few("old", 2000)),
        &Rows::few("new", 5000),
    );
    let live = site.live("devices.db");
    let mut stubborn = Holder::open(&live);
    stubborn.tell("hold SELECT * FROM t");
    let reader = Writer::start("poll", &["timeout=0".as_ref(), live.as_os_str()]);
    let grounds = site.grounds();
    let (_folder, done) = site.restore("1", &[site.wanted_database(&grounds, "devices", "delete")]);
    assert!(matches!(done, Err(RestoreError::InUse { .. })), "{done:?}");
    let seen = reader.stop();
    assert!(
        seen.errors.len() > 1,
        "shut out by each try anew, not by one long one: {seen:?}"
    );
    let all = SHORT.total.as_secs_f64() * 1000.0;
    assert!(
        seen.longest_ms < all / 2.0,
        "for no longer than a try: {seen:?}"
    );
}

#[test]
fn the_failure_of_the_last_of_three_leaves_all_three_as_before() {
    for mode in MODES {
        let dir = tempfile::tempdir().unwrap();
        let mut site = Site::at(dir.path());
        site.database(
            "devices",
            mode,
            Some(&Rows::few("old", 2000)),
            &Rows::few("new", 5000),
        );
        site.database(
            "users",
            mode,
            Some(&Rows::few("old", 300)),
            &Rows::few("new", 3),
        );
        site.component("config", ComponentKind::Config, &["app.ini"]);
        fs::write(site.live("app.ini"), "old").unwrap();
        let before = site.picture();
        let grounds = site.grounds();
        let wanted = [
            site.wanted_config(&grounds, "app.ini", "new"),
            site.wanted_database(&grounds, "devices", mode),
            site.wanted_database(&grounds, "users", mode),
        ];
        // The third one's copy goes bad after it was checked.
        let observer = spoil_when_applying(site.unpacked.join("users/users.db"));
        let (folder, done) = site.restore_observed("1", &wanted, &observer);
        assert!(done.is_err());
        assert_eq!(site.picture(), before);
        assert_eq!(folder.journal().unwrap().unwrap().stage, Stage::Prepared);
    }
}

/// Cuts a file in the middle as soon as something is being applied.
fn spoil_when_applying(path: PathBuf) -> impl Observer {
    struct Spoil(PathBuf);
    impl Observer for Spoil {
        fn progress(&self, progress: &Progress) {
            if progress.phase == Phase::Applying && progress.what == "config" {
                fs::write(&self.0, b"no database at all").unwrap();
            }
        }
    }
    Spoil(path)
}

#[test]
fn undo_brings_back_every_row_and_file_and_can_itself_be_undone() {
    for mode in MODES {
        let dir = tempfile::tempdir().unwrap();
        let mut site = Site::at(dir.path());
        site.database(
            "devices",
            mode,
            Some(&Rows::few("old", 2000)),
            &Rows::few("new", 5000),
        );
        site.database("metrics", mode, None, &Rows::few("made", 7));
        site.component(
            "config",
            ComponentKind::Config,
            &["conf/app.ini", "conf/other.ini"],
        );
        fs::create_dir(site.live("conf")).unwrap();
        fs::write(site.live("conf/app.ini"), "old").unwrap();
        fs::set_permissions(site.live("conf/app.ini"), fs::Permissions::from_mode(0o604)).unwrap();
        let before = site.picture();
        let grounds = site.grounds();
        let wanted = [
            site.wanted_database(&grounds, "devices", mode),
            site.wanted_database(&grounds, "metrics", mode),
            site.wanted_config(&grounds, "conf/app.ini", "new"),
        ];
        let (first, done) = site.restore("1", &wanted);
        assert!(done.unwrap().restart_required);
        let after = site.picture();
        assert_eq!(after["conf/app.ini"], "604 new");
        assert_eq!(
            after["metrics.db"],
            format!("640 \"made 7 28.0 {mode} ok\"")
        );
        let second = site.undo(&first, "2");
        assert_eq!(site.picture(), before);
        first.remove().unwrap();
        site.undo(&second, "3");
        assert_eq!(site.picture(), after);
    }
}

#[test]
fn a_missing_database_is_made_beside_a_stale_log_and_holds() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    let path = site.live("devices.db");
    site.database(
        "devices",
        "wal",
        Some(&Rows::few("old", 2000)),
        &Rows::few("new", 50),
    );
    {
        // A log of a writer that was killed, left behind without its database.
        let db = Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA wal_autocheckpoint=0; UPDATE t SET label = 'lost'")
            .unwrap();
        fs::copy(site.live("devices.db-wal"), site.live("kept")).unwrap();
    }
    fs::remove_file(&path).unwrap();
    fs::rename(site.live("kept"), site.live("devices.db-wal")).unwrap();
    let grounds = site.grounds();
    let (folder, done) = site.restore("1", &[site.wanted_database(&grounds, "devices", "wal")]);
    done.unwrap();
    assert_eq!(rows(&path), "new 50 1275.0 wal ok");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    site.undo(&folder, "2");
    assert!(!path.exists());
    assert!(
        site.live("devices.db-wal").exists(),
        "what was there before is there again"
    );
}

#[test]
fn a_damaged_live_database_is_replaced_and_kept_for_the_undo() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    let path = site.live("devices.db");
    site.database("devices", "delete", None, &Rows::few("new", 50));
    fs::write(
        &path,
        "not a database, but somebody's last hope".repeat(100),
    )
    .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
    let grounds = site.grounds();
    let (folder, done) = site.restore("1", &[site.wanted_database(&grounds, "devices", "wal")]);
    assert!(done.unwrap().restart_required);
    assert_eq!(rows(&path), "new 50 1275.0 wal ok");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o660);
    site.undo(&folder, "2");
    assert!(
        fs::read_to_string(&path)
            .unwrap()
            .starts_with("not a database")
    );
}

#[test]
fn another_page_size_fits_where_it_can_and_is_refused_where_rows_would_get_new_numbers() {
    for (mode, page_size) in [
        ("delete", 8192),
        ("delete", 1024),
        ("wal", 8192),
        ("wal", 1024),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut site = Site::at(dir.path());
        let new = Rows {
            page_size,
            ..Rows::few("new", 5000)
        };
        site.database("devices", mode, Some(&Rows::few("old", 2000)), &new);
        let mut holder = Holder::open(&site.live("devices.db"));
        let grounds = site.grounds();
        let (folder, done) = site.restore("1", &[site.wanted_database(&grounds, "devices", mode)]);
        done.unwrap();
        assert_eq!(
            holder.ask("SELECT label, count(*) FROM t"),
            "[('new', 5000)]"
        );
        drop(holder);
        assert_eq!(
            rows(&site.live("devices.db")),
            format!("new 5000 12502500.0 {mode} ok")
        );
        // Back again, nobody has it open.
        site.undo(&folder, "2");
        assert_eq!(
            rows(&site.live("devices.db")),
            format!("old 2000 2001000.0 {mode} ok")
        );

        if mode == "wal" {
            let copy = site.unpacked.join("devices/devices.db");
            let db = Connection::open(copy).unwrap();
            db.execute_batch(
                "CREATE TABLE loose(a INTEGER PRIMARY KEY DESC); CREATE TABLE other(a TEXT)",
            )
            .unwrap();
            drop(db);
            let holder = Holder::open(&site.live("devices.db"));
            let (_folder, done) =
                site.restore("3", &[site.wanted_database(&grounds, "devices", mode)]);
            assert!(
                matches!(done, Err(RestoreError::PageSize { live: 4096, .. })),
                "{done:?}"
            );
            drop(holder);
            assert_eq!(rows(&site.live("devices.db")), "old 2000 2001000.0 wal ok");
        }
    }
}

/// With pages of another size it had to leave WAL, and somebody has begun to read before it could go back.
#[test]
fn a_wal_that_could_not_be_set_again_is_a_warning_of_the_restore() {
    struct ReadsAsSoonAsItIsThere(PathBuf, Mutex<Option<Holder>>);
    impl Observer for ReadsAsSoonAsItIsThere {
        fn progress(&self, told: &Progress) {
            let here = told.phase == Phase::Applying && told.what == self.0.to_string_lossy();
            if here && told.done_bytes == told.total_bytes {
                let mut reader = Holder::open(&self.0);
                reader.ask("BEGIN");
                assert_eq!(reader.ask("SELECT count(*) FROM t"), "[(5000,)]");
                *self.1.lock().unwrap() = Some(reader);
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    let new = Rows {
        page_size: 8192,
        ..Rows::few("new", 5000)
    };
    site.database("devices", "wal", Some(&Rows::few("old", 2000)), &new);
    let path = site.live("devices.db");
    let grounds = site.grounds();
    let wanted = [site.wanted_database(&grounds, "devices", "wal")];
    let reader = ReadsAsSoonAsItIsThere(path.clone(), Mutex::default());
    let (_folder, done) = site.restore_observed("1", &wanted, &reader);
    let codes: Vec<String> = done.unwrap().warnings.into_iter().map(|w| w.code).collect();
    assert_eq!(codes, ["journal_mode_not_set"]);
    assert!(reader.1.lock().unwrap().take().is_some());
    assert_eq!(rows(&path), "new 5000 12502500.0 delete ok");
}

#[test]
fn another_text_encoding_asks_for_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    site.database(
        "devices",
        "wal",
        Some(&Rows::few("old", 20)),
        &Rows::few("x", 1),
    );
    let copy = site.unpacked.join("devices/devices.db");
    fs::remove_file(&copy).unwrap();
    let db = Connection::open(&copy).unwrap();
    db.execute_batch("PRAGMA encoding='UTF-16le'; CREATE TABLE t(id INTEGER PRIMARY KEY, label TEXT); INSERT INTO t VALUES(1,'wide')").unwrap();
    drop(db);
    let grounds = site.grounds();
    let (_folder, done) = site.restore("1", &[site.wanted_database(&grounds, "devices", "wal")]);
    let done = done.unwrap();
    assert!(done.restart_required);
    assert_eq!(done.warnings[0].code, "encoding_differs");
    assert_eq!(rows(&site.live("devices.db")), "wide 1 1.0 wal ok");
}
