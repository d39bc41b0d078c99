//! Captures by a user who may read the database and nothing else. Root may everything, so the capture runs in a child of this test
//! program that has given root up.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast::source::database::{CaptureError, Outcome};

use super::take;
use crate::support::sqlite_fixture::{
    beside, digests, folder, is_whole, make, names_in, rows, set_mode,
};
use crate::support::writer::{Writer, let_die};

const SOURCE: &str = "HOLDFAST_TEST_SOURCE";
const OUTPUT: &str = "HOLDFAST_TEST_OUTPUT";
const NOBODY: u32 = 65_534;

/// What the child captured: a copy, or the name of the error.
fn take_as_nobody(source: &Path) -> Result<(tempfile::TempDir, PathBuf), String> {
    let out = folder();
    let copy = out.path().join("copy.db");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "capture::unprivileged::child"])
        .env(SOURCE, source)
        .env(OUTPUT, &copy)
        .env("TMPDIR", "/tmp");
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(out.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().expect("a child");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    if copy.exists() {
        Ok((out, copy))
    } else {
        Err(std::fs::read_to_string(out.path().join("error")).expect("a copy or an error"))
    }
}

/// What the other tests here start as another user; run like any test it has no source, and nothing to do.
#[test]
fn child() {
    let (Some(source), Some(output)) = (std::env::var_os(SOURCE), std::env::var_os(OUTPUT)) else {
        return;
    };
    let taken = take(&[Path::new(&source)]);
    let output = Path::new(&output);
    match &taken.only().outcome {
        Outcome::Database { copy, .. } => {
            std::fs::copy(copy, output).unwrap();
        }
        Outcome::Missing { error } => {
            let name = match error {
                CaptureError::Forbidden(_) => "forbidden",
                _ => "other",
            };
            std::fs::write(output.with_file_name("error"), name).unwrap();
        }
        other => panic!("{other:?}"),
    }
}

/// A database that others may read, in a folder that they may only enter and list.
fn readable(dir: &tempfile::TempDir, mode: &str) -> PathBuf {
    let path = dir.path().join("a.db");
    make(&path, mode, 1000);
    set_mode(&path, 0o644);
    path
}

fn captured_unchanged(dir: &tempfile::TempDir, path: &Path, expected: i64) {
    set_mode(dir.path(), 0o555);
    let before = (digests(path), names_in(dir.path()));
    let (_out, copy) = take_as_nobody(path).expect("a copy");
    assert_eq!((digests(path), names_in(dir.path())), before);
    assert_eq!(rows(&copy), expected);
    assert!(is_whole(&copy));
    set_mode(dir.path(), 0o755);
}

#[test]
fn a_cleanly_closed_database_in_an_unwritable_folder_is_captured() {
    for mode in ["wal", "delete"] {
        let dir = folder();
        let path = readable(&dir, mode);
        captured_unchanged(&dir, &path, 1000);
    }
}

#[test]
fn wal_rows_are_captured_without_any_right_to_write() {
    for remains in ["live", "killed", "no shared memory"] {
        let dir = folder();
        let path = readable(&dir, "wal");
        let writer = if remains == "live" {
            Some(Writer::start("idle", &[&path]))
        } else {
            let_die("die-with-wal", &[&path]);
            None
        };
        if remains == "no shared memory" {
            std::fs::remove_file(beside(&path, "-shm")).unwrap();
        }
        captured_unchanged(&dir, &path, 1050);
        if let Some(writer) = writer {
            assert_eq!(writer.stop().errors, [] as [&str; 0]);
        }
    }
}

#[test]
fn a_hot_journal_in_an_unwritable_folder_is_captured() {
    let dir = folder();
    let path = readable(&dir, "delete");
    let_die("die-in-commit", &[&path]);
    set_mode(&beside(&path, "-journal"), 0o644);
    captured_unchanged(&dir, &path, 1000);
}

#[test]
fn a_full_speed_writer_of_another_user_is_not_disturbed() {
    let dir = folder();
    let path = readable(&dir, "wal");
    let writer = Writer::start("busy", &[&path]);
    for _ in 0..5 {
        let (_out, copy) = take_as_nobody(&path).expect("a copy");
        assert!(is_whole(&copy));
    }
    assert_eq!(writer.stop().errors, [] as [&str; 0]);
}

/// In a folder that everybody may write to, side files of ours would be the service's problem.
#[test]
fn no_side_file_is_made_that_the_owner_could_not_write_to() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs two users");
        return;
    }
    let dir = folder();
    let path = readable(&dir, "wal");
    set_mode(dir.path(), 0o1777);
    let before = dir.path().metadata().unwrap().modified().unwrap();
    let (_out, copy) = take_as_nobody(&path).expect("a copy");
    assert_eq!(rows(&copy), 1000);
    let after = dir.path().metadata().unwrap().modified().unwrap();
    assert_eq!(before, after, "nothing was made or removed in the folder");
}

#[test]
fn a_database_that_may_not_be_read_is_forbidden() {
    let dir = folder();
    let path = readable(&dir, "delete");
    set_mode(&path, 0o000);
    assert_eq!(take_as_nobody(&path).unwrap_err(), "forbidden");
}
