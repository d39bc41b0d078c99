//! Databases to test with, and looks at them. A file is hashed as plain bytes here, so never while this process has it open by SQLite.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::{Connection, OpenFlags};
use sha2::{Digest, Sha256};

/// A folder that goes with the value; others may enter it.
pub fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    set_mode(dir.path(), 0o755);
    dir
}

/// `journal_mode`: `wal` or `delete`. Tables `t(id, v)` with rows of 1 kB, and `counter(n)` with 0. Cleanly closed.
pub fn make(path: &Path, journal_mode: &str, rows: u32) {
    make_with(path, &format!("PRAGMA journal_mode={journal_mode}"), rows);
}

/// `pragmas` come before the first write.
pub fn make_with(path: &Path, pragmas: &str, rows: u32) {
    let db = Connection::open(path).expect("a new database");
    db.execute_batch(pragmas).expect("pragmas");
    db.execute_batch(&format!(
        "PRAGMA synchronous=OFF;
         BEGIN;
         CREATE TABLE t(id INTEGER PRIMARY KEY, v BLOB);
         CREATE TABLE counter(n INTEGER);
         INSERT INTO counter VALUES (0);
         WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < {rows})
         INSERT INTO t(v) SELECT randomblob(1000) FROM r;
         COMMIT;"
    ))
    .expect("a filled database");
}

pub fn rows(path: &Path) -> i64 {
    number(path, "SELECT count(*) FROM t")
}

pub fn counter(path: &Path) -> i64 {
    number(path, "SELECT n FROM counter")
}

/// Opens read-only and asks.
pub fn number(path: &Path, sql: &str) -> i64 {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("it opens");
    db.query_row(sql, [], |row| row.get(0)).expect(sql)
}

pub fn is_whole(path: &Path) -> bool {
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("it opens");
    let said: String = db
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("a check");
    said == "ok"
}

pub fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// None where there is no such file.
pub fn digest(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    Some(hex::encode(Sha256::digest(bytes)))
}

/// Of the database, its `-wal` and its `-journal`.
pub fn digests(path: &Path) -> [Option<String>; 3] {
    ["", "-wal", "-journal"].map(|suffix| digest(&beside(path, suffix)))
}

pub fn names_in(dir: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    names
}

pub fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}

/// A small file system. It goes with the value.
pub struct Small(pub PathBuf);

impl Small {
    /// None where this user may not mount.
    pub fn mount(dir: &Path, size: &str) -> Option<Self> {
        let at = dir.join("small");
        std::fs::create_dir(&at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"])
            .arg(&at)
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            Some(Self(at))
        } else {
            println!("skipped: needs the right to mount");
            None
        }
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
