//! Claims about restores into a database that another process writes to the whole time.

use std::path::PathBuf;
use std::time::Duration;

use holdfast::model::{NoObserver, Observer, Phase, Progress};
use holdfast::service::restore::database::Patience;
use holdfast::service::restore::error::RestoreError;
use rusqlite::Connection;

use crate::holder::Holder;
use crate::site::{Rows, Site, rows};
use crate::support::writer::Writer;

const MODES: [&str; 2] = ["wal", "delete"];

/// A verdict on what is seen, not on how soon: a lock that a busy machine is slow to give is waited for.
const LONG: Patience = Patience {
    each_try: Duration::from_millis(500),
    pause: Duration::from_millis(200),
    total: Duration::from_mins(2),
};

/// A live database of 2000 `old` rows with a process that commits, and 5000 `new` rows to be restored.
struct Scene {
    dir: tempfile::TempDir,
    site: Site,
    writer: Writer,
    mode: &'static str,
}

impl Scene {
    fn begin(mode: &'static str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut site = Site::at(dir.path());
        let (old, new) = (Rows::few("old", 2000), Rows::few("new", 5000));
        site.database("devices", mode, Some(&old), &new);
        let path = site.live("devices.db");
        let arguments = [
            "timeout=120".as_ref(),
            "pause=0.001".as_ref(),
            path.as_os_str(),
        ];
        let writer = Writer::start("mark", &arguments);
        Self {
            dir,
            site,
            writer,
            mode,
        }
    }

    fn holder(&self) -> Holder {
        Holder::open(&self.site.live("devices.db"))
    }

    fn restore(&self) {
        let grounds = self.site.grounds();
        let wanted = [self.site.wanted_database(&grounds, "devices", self.mode)];
        let (_folder, done) = self.site.restore_with("1", &wanted, LONG, &NoObserver);
        done.unwrap_or_else(|error| panic!("{}: {error:?}", self.mode));
    }

    /// The writer went on over the restore with the handle it had, and the database holds.
    fn end(self) {
        let Self {
            dir,
            site,
            writer,
            mode,
        } = self;
        let path = site.live("devices.db");
        let mine = "SELECT count(*) FROM t WHERE label = 'mine'";
        // Of the rows that it wrote before none is left: these are of after the restore.
        while count(&path, mine) == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let report = writer.stop();
        assert_eq!(report.errors, [] as [&str; 0], "{mode}");
        assert_eq!(report.seen, ["mine", "new"], "{mode}");
        let found = rows(&path);
        assert!(
            found.ends_with(&format!(",new 5000 12502500.0 {mode} ok")),
            "{found}"
        );
        drop(dir);
    }
}

fn count(path: &std::path::Path, query: &str) -> i64 {
    let db = Connection::open(path).unwrap();
    db.busy_timeout(Duration::from_mins(1)).unwrap();
    db.query_row(query, [], |row| row.get(0)).unwrap()
}

const OF_OLD: &str = "SELECT count(*) FROM t WHERE label = 'old'";
const OF_NEW: &str = "SELECT count(*) FROM t WHERE label = 'new'";

#[test]
fn a_writer_that_commits_the_whole_time_goes_on_with_the_restored_rows() {
    for mode in MODES {
        let scene = Scene::begin(mode);
        scene.restore();
        scene.end();
    }
}

#[test]
fn an_idle_handle_beside_a_writer_sees_the_restored_rows() {
    for mode in MODES {
        let scene = Scene::begin(mode);
        let mut idle = scene.holder();
        assert_eq!(idle.ask(OF_OLD), "[(2000,)]");
        scene.restore();
        assert_eq!(
            (idle.ask(OF_OLD), idle.ask(OF_NEW)),
            ("[(0,)]".into(), "[(5000,)]".into())
        );
        scene.end();
    }
}

/// In WAL mode it is not waited for. In rollback mode it is, and nothing has changed until it ends.
#[test]
fn a_long_reader_beside_a_writer_sees_the_old_rows_to_its_end_and_then_the_restored_ones() {
    for mode in MODES {
        let scene = Scene::begin(mode);
        let mut reader = scene.holder();
        reader.ask("BEGIN");
        assert_eq!(reader.ask(OF_OLD), "[(2000,)]");
        let end = |reader: &mut Holder| {
            assert_eq!(reader.ask(OF_OLD), "[(2000,)]", "{mode}");
            reader.ask("COMMIT");
        };
        std::thread::scope(|scope| {
            if mode == "delete" {
                scope.spawn(|| {
                    // Whenever it ends the claims are the same; mostly somebody waits for it by then.
                    std::thread::sleep(Duration::from_millis(300));
                    end(&mut reader);
                });
            }
            scene.restore();
        });
        if mode == "wal" {
            end(&mut reader);
        }
        assert_eq!(
            (reader.ask(OF_OLD), reader.ask(OF_NEW)),
            ("[(0,)]".into(), "[(5000,)]".into()),
            "{mode}"
        );
        scene.end();
    }
}

/// Puts another database in the place of the first, as soon as it is filled.
struct Replaces(PathBuf, PathBuf);

impl Observer for Replaces {
    fn progress(&self, told: &Progress) {
        let filled = told.phase == Phase::Applying && told.what == self.1.to_string_lossy();
        if filled && told.done_bytes > 0 && told.done_bytes == told.total_bytes && self.0.exists() {
            std::fs::rename(&self.0, &self.1).unwrap();
        }
    }
}

#[test]
fn a_file_that_another_program_put_in_the_place_of_a_database_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    for name in ["devices", "users"] {
        site.database(
            name,
            "delete",
            Some(&Rows::few("old", 20)),
            &Rows::few("new", 30),
        );
    }
    let newer = site.live("newer");
    Rows::few("newer", 5).write(&newer, "delete");
    let grounds = site.grounds();
    let wanted = ["devices", "users"].map(|name| site.wanted_database(&grounds, name, "delete"));
    let replaces = Replaces(newer, site.live("devices.db"));
    let (_folder, done) = site.restore_observed("1", &wanted, &replaces);
    let paths = match done {
        Err(RestoreError::Replaced(paths)) => paths,
        other => panic!("it was replaced: {other:?}"),
    };
    assert_eq!(paths, [site.live("devices.db")]);
    assert_eq!(rows(&site.live("devices.db")), "newer 5 15.0 delete ok");
    assert_eq!(rows(&site.live("users.db")), "old 20 210.0 delete ok");
}

#[test]
fn two_names_of_one_database_are_refused_before_anything_changes() {
    let dir = tempfile::tempdir().unwrap();
    let mut site = Site::at(dir.path());
    let new = Rows::few("new", 30);
    site.database("devices", "delete", Some(&Rows::few("old", 20)), &new);
    site.database("users", "delete", None, &new);
    std::fs::hard_link(site.live("devices.db"), site.live("users.db")).unwrap();
    let grounds = site.grounds();
    let wanted = ["devices", "users"].map(|name| site.wanted_database(&grounds, name, "delete"));
    let (_folder, done) = site.restore("1", &wanted);
    assert!(
        matches!(done, Err(RestoreError::SameFile { .. })),
        "{done:?}"
    );
    assert_eq!(rows(&site.live("users.db")), "old 20 210.0 delete ok");
}
