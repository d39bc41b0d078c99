//! Free space, known before anything is written.

use std::path::Path;

use crate::model::{ComponentKind, ExecutionKind, Instance};
use crate::service::assemble::Survey;
use crate::service::error::at;
use crate::service::{BackupService, Error, Result};
use crate::store::ExecutionFilter;

/// Left over for the journal files and folders of everybody else.
const SLACK: u64 = 16 << 20;

/// What a backup will need: the workspace holds every database at once, a place what the archive will be: as large as the last one, and
/// where none was yet a twentieth of the content, which archives of this kind do not fall below. Too little is found out before anything
/// is written; too tight a fit still ends cleanly.
pub(super) struct Needs {
    pub workspace: u64,
    pub archive: u64,
}

pub(super) fn of_backup(
    service: &BackupService,
    instance: &Instance,
    survey: &Survey,
) -> Result<Needs> {
    let filter = ExecutionFilter {
        instance_id: Some(instance.id.clone()),
        kind: Some(ExecutionKind::Backup),
        archives_only: true,
        limit: Some(1),
        ..ExecutionFilter::default()
    };
    let last = service
        .store
        .executions(&filter)?
        .first()
        .and_then(|e| e.compressed_size_bytes);
    Ok(Needs {
        workspace: survey.size(Some(ComponentKind::Database)) + SLACK,
        archive: last.unwrap_or(survey.size(None) / 20),
    })
}

/// `NoSpace` where the file system of `path` has less to give to this user.
pub(crate) fn require(path: &Path, needed: u64) -> Result<()> {
    let stat = rustix::fs::statvfs(path).map_err(|e| at(path, e.into()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free < needed {
        return Err(Error::NoSpace {
            path: path.to_owned(),
            needed,
            free,
        });
    }
    Ok(())
}
