//! Claims about restores that die in the middle: whatever the moment, the next start finds all of it old or all of it new.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use holdfast::model::instance::ComponentKind;
use holdfast::model::{Cancel, NoObserver, Observer, Progress};
use holdfast::service::restore::apply::recover;
use holdfast::service::restore::journal::{Folder, Journal, PartProgress, Stage};
use holdfast::service::restore::prepare::prepare;
use holdfast::source::files::WalkRules;

use crate::holder::Holder;
use crate::site::{Rows, SHORT, Site, rows};

/// Dies at the nth thing it is told.
struct DiesAt {
    left: AtomicU32,
}

impl Observer for DiesAt {
    fn progress(&self, _: &Progress) {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            std::process::abort();
        }
    }
}

/// Tells a child its folder, journal mode and end, a line each.
const JOB: &str = "HOLDFAST_TEST_RESTORE";

/// What the tests below start as another process; run like any test it has no job, and nothing to do.
#[test]
fn child() {
    let Ok(job) = std::env::var(JOB) else {
        return;
    };
    let [base, mode, dies_at] = job.split('\n').collect::<Vec<_>>()[..] else {
        panic!("a job has three lines: {job}");
    };
    match dies_at.parse().unwrap() {
        0 => restore(Path::new(base), mode, &NoObserver),
        n => restore(
            Path::new(base),
            mode,
            &DiesAt {
                left: AtomicU32::new(n),
            },
        ),
    }
}

fn restore(base: &Path, mode: &str, observer: &dyn Observer) {
    let site = described(base);
    let rules = no_rules();
    let grounds = site.grounds();
    let wanted = [
        site.wanted_config(&grounds, "app.ini", "new"),
        site.wanted_tree(&grounds, "www", &rules),
        site.wanted_database(&grounds, "devices", mode),
        site.wanted_database(&grounds, "users", mode),
        site.wanted_database(&grounds, "metrics", mode),
    ];
    site.restore_observed("1", &wanted, observer).1.unwrap();
}

fn no_rules() -> WalkRules {
    WalkRules {
        exclude: Vec::new(),
        skip: Vec::new(),
    }
}

fn described(base: &Path) -> Site {
    let mut site = Site::at(base);
    for name in ["devices", "users", "metrics"] {
        site.component(name, ComponentKind::Database, &[&format!("{name}.db")]);
    }
    site.component("config", ComponentKind::Config, &["app.ini"]);
    site.component("www", ComponentKind::Files, &["www"]);
    site
}

/// `devices` is large, `users` small, `metrics` is not there yet.
fn plant(base: &Path, mode: &str, count: u32) -> Site {
    let site = described(base);
    fs::create_dir_all(site.live("www/sub")).unwrap();
    fs::write(site.live("www/sub/page"), "new").unwrap();
    fs::write(site.live("www/added"), "new").unwrap();
    site.archive_tree("www", &no_rules());
    fs::write(site.live("www/sub/page"), "old").unwrap();
    fs::remove_file(site.live("www/added")).unwrap();
    fs::write(site.live("www/goes"), "old").unwrap();
    fs::write(site.live("app.ini"), "old").unwrap();
    let big = |label, rows| Rows {
        ballast: 3000,
        ..Rows::few(label, rows)
    };
    for name in ["devices", "users", "metrics"] {
        fs::create_dir_all(site.unpacked.join(name)).unwrap();
    }
    let archived = |name: &str| site.unpacked.join(format!("{name}/{name}.db"));
    big("old", count).write(&site.live("devices.db"), mode);
    big("new", count + count / 2).write(&archived("devices"), "delete");
    Rows::few("old", 10).write(&site.live("users.db"), mode);
    Rows::few("new", 20).write(&archived("users"), "delete");
    Rows::few("new", 5).write(&archived("metrics"), "delete");
    site
}

/// A process of its own, so that the file locks of `SQLite` are another's.
fn spawn(base: &Path, mode: &str, dies_at: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["restore_crash::child", "--exact", "--quiet"])
        .env(JOB, format!("{}\n{mode}\n{dies_at}", base.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What a start does, twice, because it may die too.
fn recovered(site: &Site) {
    for _ in 0..2 {
        let path = site.folder("1");
        if path.exists() {
            let folder = Folder::lock(&path).unwrap().expect("its owner is dead");
            recover(&folder, SHORT).unwrap();
        }
    }
}

#[test]
fn death_at_any_step_is_finished_or_taken_back() {
    for mode in ["wal", "delete"] {
        let (mut old, mut new) = (0, 0);
        for step in 1.. {
            let dir = tempfile::tempdir().unwrap();
            let site = plant(dir.path(), mode, 40);
            let before = site.picture();
            let ended = spawn(&site_base(dir.path()), mode, step).wait().unwrap();
            recovered(&site);
            let after = site.picture();
            if after == before {
                old += 1;
            } else {
                assert_eq!(after["app.ini"], "644 new", "step {step}: {after:?}");
                assert_eq!(after["www/sub/page"], "644 new");
                assert!(!after.contains_key("www/goes"));
                for name in ["devices", "users", "metrics"] {
                    let rows = &after[&format!("{name}.db")];
                    assert!(
                        rows.contains("new") && !rows.contains("old"),
                        "step {step}: {rows}"
                    );
                    assert!(rows.contains(&format!("{mode} ok")), "step {step}: {rows}");
                }
                new += 1;
            }
            if ended.success() {
                break;
            }
        }
        // The last is the one that was not killed; the steps before it are worth their name.
        assert!(old > 15 && new >= 2, "{mode}: {old} old, {new} new");
    }
}

fn site_base(dir: &Path) -> std::path::PathBuf {
    dir.canonicalize().unwrap()
}

#[test]
fn kill_at_any_moment_leaves_all_old_or_all_new() {
    const KILLS: u32 = 50;
    for mode in ["wal", "delete"] {
        let dir = tempfile::tempdir().unwrap();
        plant(dir.path(), mode, 800);
        let started = Instant::now();
        assert!(
            spawn(&site_base(dir.path()), mode, 0)
                .wait()
                .unwrap()
                .success()
        );
        let whole = started.elapsed();
        let (mut old, mut new) = (0, 0);
        for n in 0..KILLS {
            let dir = tempfile::tempdir().unwrap();
            let site = plant(dir.path(), mode, 800);
            let mut holder = (n % 2 == 0).then(|| Holder::open(&site.live("devices.db")));
            let mut child = spawn(&site_base(dir.path()), mode, 0);
            // From nothing to a little more than the whole run, the later half more densely: that is where it changes things.
            std::thread::sleep(whole.mul_f64(0.2 + 0.9 * f64::from(n) / f64::from(KILLS)));
            child.kill().unwrap();
            child.wait().unwrap();
            recovered(&site);
            let seen = holder
                .as_mut()
                .map(|h| h.ask("SELECT label, count(*) FROM t GROUP BY label"));
            drop(holder);
            let devices = rows(&site.live("devices.db"));
            let users = rows(&site.live("users.db"));
            let config = fs::read_to_string(site.live("app.ini")).unwrap();
            let state = (
                devices.starts_with("new 1200 "),
                users.starts_with("new 20 "),
                config == "new",
            );
            let expected = match state {
                (true, true, true) => {
                    new += 1;
                    "[('new', 1200)]"
                }
                (false, false, false) => {
                    old += 1;
                    assert!(devices.starts_with("old 800 ") && users.starts_with("old 10 "));
                    "[('old', 800)]"
                }
                mixed => panic!("mixed: {mixed:?} {devices} {users} {config}"),
            };
            assert!(devices.ends_with(&format!("{mode} ok")), "{devices}");
            assert!(seen.is_none_or(|seen| seen == expected));
            assert_eq!(site.live("metrics.db").exists(), state.0);
        }
        println!("{mode}: {old} old, {new} new of {KILLS}, a run takes {whole:?}");
        assert!(old > 0, "no kill came early enough to be one");
        assert!(whole > Duration::ZERO);
    }
}

#[test]
fn what_a_service_wrote_between_a_crash_and_the_next_start_is_kept() {
    for (touched_only, kept) in [(true, 0), (false, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let mut site = Site::at(dir.path());
        let (old, new) = (Rows::few("old", 10), Rows::few("new", 20));
        site.database("devices", "wal", Some(&old), &new);
        let grounds = site.grounds();
        let folder = Folder::create(&site.folder("1")).unwrap();
        let wanted = [site.wanted_database(&grounds, "devices", "wal")];
        let mut parts = prepare(&wanted, &folder, &Cancel::new(), &NoObserver).unwrap();
        parts[0].progress = PartProgress::Touched;
        let time = jiff::Timestamp::UNIX_EPOCH;
        let mut journal = Journal::prepared("1", &site.instance.id, time, parts);
        journal.stage = Stage::Applying;
        // As a kill right here leaves it.
        folder.write(&journal).unwrap();
        if !touched_only {
            rusqlite::Connection::open(site.live("devices.db"))
                .unwrap()
                .execute_batch("INSERT INTO t(label) VALUES ('later')")
                .unwrap();
        }
        recover(&folder, SHORT).unwrap();
        assert_eq!(rows(&site.live("devices.db")), "old 10 55.0 wal ok");
        let found = folder.path.join("found");
        let copies = fs::read_dir(&found).map_or(0, Iterator::count);
        assert_eq!(copies, kept);
        if kept > 0 {
            let copy = rows(&found.join("0-devices.db"));
            assert!(copy.starts_with("later 1 11.0,old 10"), "{copy}");
        }
    }
}

/// Somebody who cleans up after the crash must not block the way back, nor every restore after it.
#[test]
fn a_database_that_is_gone_since_the_crash_comes_back_unless_its_disk_may_be() {
    for mode in ["wal", "delete"] {
        let dir = tempfile::tempdir().unwrap();
        let mut site = Site::at(dir.path());
        site.database(
            "devices",
            mode,
            Some(&Rows::few("old", 10)),
            &Rows::few("new", 20),
        );
        let wanted = [site.wanted_database(&site.grounds(), "devices", mode)];
        let (folder, done) = site.restore("1", &wanted);
        done.unwrap();
        let mut journal = folder.journal().unwrap().unwrap();
        journal.stage = Stage::Applying;
        folder.write(&journal).unwrap();
        let live = site.live("devices.db");
        fs::remove_file(&live).unwrap();
        fs::write(site.live("devices.db-wal"), "of no use any more").unwrap();

        let refused = recover(&folder, SHORT).unwrap_err().to_string();
        assert!(refused.contains("mount its disk"), "{refused}");
        assert!(!live.exists());
        assert!(!folder.journal().unwrap().unwrap().stage.is_ended());

        fs::write(site.live("app.ini"), "there again").unwrap();
        recover(&folder, SHORT).unwrap();
        assert_eq!(rows(&live), format!("old 10 55.0 {mode} ok"));
    }
}

/// Somebody deleted it as a broken one. Its log, of another database by then, must not come near the one that is made again.
#[test]
fn a_half_restored_database_that_was_deleted_comes_back_from_its_pre_image() {
    for mode in ["wal", "delete"] {
        let dir = tempfile::tempdir().unwrap();
        let mut site = Site::at(dir.path());
        let (old, new) = (Rows::few("old", 10), Rows::few("new", 20));
        site.database("devices", mode, Some(&old), &new);
        let path = site.live("devices.db");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let grounds = site.grounds();
        let (folder, done) = site.restore("1", &[site.wanted_database(&grounds, "devices", mode)]);
        done.unwrap();
        let mut journal = folder.journal().unwrap().unwrap();
        // As a kill between the last page and the record of it leaves it.
        journal.stage = Stage::Applying;
        folder.write(&journal).unwrap();
        fs::remove_file(&path).unwrap();
        let log = site.live("devices.db-wal");
        fs::write(&log, "a log").unwrap();
        fs::write(site.live("app.ini"), "the disk is there").unwrap();
        recover(&folder, SHORT).unwrap();
        assert_eq!(rows(&path), format!("old 10 55.0 {mode} ok"));
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        let aside = folder.path.join("aside/0-devices.db-wal");
        assert_eq!(fs::read_to_string(aside).unwrap(), "a log");
    }
}

/// As above, of a database that the restore made: the way back removes it.
#[test]
fn what_a_service_wrote_into_a_database_that_a_dead_restore_made_is_kept() {
    for mode in ["wal", "delete"] {
        for (written, kept) in [(false, 0), (true, 1)] {
            let dir = tempfile::tempdir().unwrap();
            let mut site = Site::at(dir.path());
            site.database("devices", mode, None, &Rows::few("new", 20));
            let grounds = site.grounds();
            let wanted = [site.wanted_database(&grounds, "devices", mode)];
            let (folder, done) = site.restore("1", &wanted);
            done.unwrap();
            let mut journal = folder.journal().unwrap().unwrap();
            // As a kill between the last change and the record of it leaves it.
            journal.stage = Stage::Applying;
            folder.write(&journal).unwrap();
            if written {
                rusqlite::Connection::open(site.live("devices.db"))
                    .unwrap()
                    .execute_batch("INSERT INTO t(label) VALUES ('later')")
                    .unwrap();
            }
            recover(&folder, SHORT).unwrap();
            assert!(!site.live("devices.db").exists());
            let found = folder.path.join("found");
            assert_eq!(
                fs::read_dir(&found).map_or(0, Iterator::count),
                kept,
                "{mode}"
            );
            if written {
                let copy = rows(&found.join("0-devices.db"));
                assert!(copy.starts_with("later 1 21.0,new 20"), "{copy}");
            }
        }
    }
}
