//! Ownership by `flock`: one lock a run for the run's life, one an instance. A free lock means a dead owner.

use std::path::{Path, PathBuf};

use crate::model::{Cancel, Instance};
use crate::service::{BackupService, Result};

/// A run in progress: its lock is held and its workspace exists until it is dropped.
pub(crate) struct Run {
    pub id: String,
    workspace: PathBuf,
}

impl Run {
    /// `{data}/work/{run_id}`, 0700; removed on drop, and by the next start where this process dies.
    pub fn workspace(&self) -> &Path {
        &self.workspace
    }
}

/// Backups and restores of one instance exclude each other, across processes.
pub(crate) struct InstanceLock(());

impl BackupService {
    pub(crate) fn begin_run(&self) -> Result<Run> {
        todo!()
    }

    /// `Busy` with who holds it and since when, at once: nobody waits unseen. `what`: `backup`, `restore`, …
    pub(crate) fn lock_instance(
        &self,
        _instance: &Instance,
        _what: &str,
        _cancel: &Cancel,
    ) -> Result<InstanceLock> {
        todo!()
    }
}
