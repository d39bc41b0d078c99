//! `backup_jobs_meta.json`: how schedules fare, for monitoring tools. Made from the job store and never read back; it can always be made
//! again.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use serde::Serialize;

use super::report::{JobStatus, ScheduleRow};
use crate::service::{Result, at, make_private, private_file};

/// The sidecar's file in the data folder.
const FILE_NAME: &str = "backup_jobs_meta.json";

#[derive(Serialize)]
struct Sidecar<'a> {
    jobs: BTreeMap<&'a str, Job<'a>>,
}

#[derive(Serialize)]
struct Job<'a> {
    status: JobStatus,
    failure_count: u32,
    last_run: Option<Timestamp>,
    next_run: Option<Timestamp>,
    last_error: Option<&'a str>,
}

/// Writes what `rows` says, if the file says anything else. `rows` is asked under a lock: who wrote the store last writes here last.
pub fn write(data_dir: &Path, rows: impl FnOnce() -> Result<Vec<ScheduleRow>>) -> Result<()> {
    let locks = data_dir.join("locks");
    make_private(&locks)?;
    let lock_path = locks.join("sidecar.lock");
    let lock = private_file(&lock_path)?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|e| at(&lock_path, e.into()))?;
    let text = text(&rows()?);
    let path = data_dir.join(FILE_NAME);
    if fs::read(&path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    replace(data_dir, &path, &text).map_err(|e| at(&path, e))
}

fn text(rows: &[ScheduleRow]) -> Vec<u8> {
    let jobs = rows.iter().map(|row| {
        let job = Job {
            status: row.status,
            failure_count: row.failure_count,
            last_run: row.last_run,
            next_run: row.next_run,
            last_error: row.last_error.as_deref(),
        };
        (row.name.as_str(), job)
    });
    let sidecar = Sidecar {
        jobs: jobs.collect(),
    };
    // Texts, numbers and times: there is nothing in it that JSON cannot say.
    let mut text = serde_json::to_vec_pretty(&sidecar).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Whole or not at all: a reader comes at any time.
fn replace(data_dir: &Path, path: &Path, text: &[u8]) -> io::Result<()> {
    let mut beside = tempfile::Builder::new()
        .prefix(".jobs-meta-")
        .permissions(Permissions::from_mode(0o600))
        .tempfile_in(data_dir)?;
    beside.write_all(text)?;
    beside.as_file().sync_all()?;
    beside.persist(path).map(drop).map_err(|e| e.error)
}
