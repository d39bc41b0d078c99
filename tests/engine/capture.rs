//! Claims about `capture`: real files, real SQLite, writers in processes of their own.

mod bounds;
mod copies;
mod errors;
mod examine;
mod guard;
mod handing;
mod moment;
mod moving;
mod scratch;
mod side_files;
mod unprivileged;
mod writers;

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use holdfast::model::{Cancel, NoObserver, Observer, Progress, WhenBusy};
use holdfast::source::database::{
    self, CaptureError, CaptureOptions, CaptureSummary, Captured, DatabaseSource, Outcome,
};

use crate::support::sqlite_fixture::folder;

/// A capture into a folder of its own.
struct Taken {
    captured: Vec<Captured>,
    summary: CaptureSummary,
    scratch: tempfile::TempDir,
}

impl Taken {
    fn only(&self) -> &Captured {
        assert_eq!(self.captured.len(), 1);
        &self.captured[0]
    }

    /// Of a database that was captured.
    fn copy(&self, at: usize) -> &Path {
        copy_of(&self.captured[at])
    }
}

fn options() -> CaptureOptions {
    CaptureOptions {
        max_block: Duration::from_secs(2),
        when_busy: WhenBusy::Fail,
        deadline: Duration::from_secs(20),
        copy_deadline: Duration::from_secs(20),
    }
}

fn sources(paths: &[&Path]) -> Vec<DatabaseSource> {
    paths
        .iter()
        .enumerate()
        .map(|(at, path)| DatabaseSource {
            component: format!("c{at}"),
            path: path.to_path_buf(),
        })
        .collect()
}

fn take(paths: &[&Path]) -> Taken {
    take_with(paths, &options(), &NoObserver)
}

fn take_with(paths: &[&Path], options: &CaptureOptions, observer: &dyn Observer) -> Taken {
    let scratch = folder();
    let mut captured = Vec::new();
    let summary = database::capture(
        &sources(paths),
        scratch.path(),
        options,
        &Cancel::new(),
        observer,
        &mut |one| captured.push(one),
    )
    .expect("a capture");
    assert_eq!(captured.len(), paths.len(), "each source once");
    captured.sort_by_key(|one: &Captured| {
        let at = one
            .source
            .component
            .trim_start_matches('c')
            .parse::<usize>();
        at.expect("a component of ours")
    });
    Taken {
        captured,
        summary,
        scratch,
    }
}

fn copy_of(captured: &Captured) -> &Path {
    match &captured.outcome {
        Outcome::Database { copy, .. } => copy,
        other => panic!("no database: {other:?}"),
    }
}

fn blocked(captured: &Captured) -> Duration {
    match &captured.outcome {
        Outcome::Database { writer_blocked, .. } => *writer_blocked,
        other => panic!("no database: {other:?}"),
    }
}

fn missing(captured: &Captured) -> &CaptureError {
    match &captured.outcome {
        Outcome::Missing { error } => error,
        other => panic!("not missing: {other:?}"),
    }
}

fn codes(captured: &Captured) -> Vec<&str> {
    captured.warnings.iter().map(|w| w.code.as_str()).collect()
}

/// Bytes 18 and 19: the version bytes that say which journal a database uses.
fn version_bytes(path: &Path) -> [u8; 2] {
    let bytes = std::fs::read(path).expect("a copy");
    [bytes[18], bytes[19]]
}

fn in_folder(dir: &tempfile::TempDir, name: &[u8]) -> PathBuf {
    dir.path().join(std::ffi::OsStr::from_bytes(name))
}

/// Does something whenever a capture tells how far it is, which is in the middle of its copying.
struct Meanwhile<F: Fn(&Progress) + Send + Sync>(F);

impl<F: Fn(&Progress) + Send + Sync> Observer for Meanwhile<F> {
    fn progress(&self, progress: &Progress) {
        (self.0)(progress);
    }
}

/// Does something at the first such moment only.
fn once(act: impl Fn() + Send + Sync) -> Meanwhile<impl Fn(&Progress) + Send + Sync> {
    let done = std::sync::Once::new();
    Meanwhile(move |_: &Progress| done.call_once(&act))
}
