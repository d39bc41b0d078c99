//! Free space, known before anything is written.

use std::path::Path;

use crate::model::{ComponentKind, ExecutionKind, Instance};
use crate::service::assemble::Survey;
use crate::service::error::at;
use crate::service::{BackupService, Error, Result};
use crate::store::ExecutionFilter;

/// Left over for the journal files and folders of everybody else.
const SLACK: u64 = 16 << 20;

/// An archive of content that nobody has packed yet is taken for no smaller than this part of it. Databases become a tenth and less, logs
/// too; what does not compress at all needs four times as much, and ends late, but cleanly.
const FIRST: u64 = 4;
/// So many of the newest backups are looked through for one that came to an archive.
const LOOKED_AT: u64 = 50;

/// What a backup will need: the workspace holds every database at once, a place what the archive will be. Too little is found out before
/// anything is written; too tight a fit still ends cleanly.
pub(super) struct Needs {
    pub workspace: u64,
    pub archive: u64,
}

pub(super) fn of_backup(
    service: &BackupService,
    instance: &Instance,
    survey: &Survey,
) -> Result<Needs> {
    // Wherever it went, and whether it is still there or not: it tells how this content packs.
    let filter = ExecutionFilter {
        instance_id: Some(instance.id.clone()),
        kind: Some(ExecutionKind::Backup),
        limit: Some(LOOKED_AT),
        ..ExecutionFilter::default()
    };
    let executions = service.store.executions(&filter)?;
    let last = executions
        .iter()
        .find_map(|e| Some((e.size_bytes?, e.compressed_size_bytes?)));
    Ok(Needs {
        workspace: survey.size(Some(ComponentKind::Database)) + SLACK,
        archive: archive(survey.size(None), last),
    })
}

/// `last`: content and archive of the newest one. As much of more or less content.
fn archive(content: u64, last: Option<(u64, u64)>) -> u64 {
    match last {
        Some((before, archive)) if before > 0 => {
            let packed = u128::from(archive) * u128::from(content) / u128::from(before);
            u64::try_from(packed).unwrap_or(u64::MAX)
        }
        _ => content / FIRST,
    }
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

/// Whether its file system is mounted so: then nobody can write there, not only this user.
pub(super) fn is_read_only(path: &Path) -> bool {
    let stat = rustix::fs::statvfs(path);
    stat.is_ok_and(|s| s.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_expected_to_pack_like_the_last_one() {
        let table = [
            (4000, None, 1000),
            (0, None, 0),
            (4000, Some((4000, 3900)), 3900),
            (8000, Some((4000, 200)), 400),
            (1000, Some((4000, 200)), 50),
            (1000, Some((0, 200)), 250),
            (u64::MAX, Some((1, 2)), u64::MAX),
        ];
        for (content, last, expected) in table {
            assert_eq!(archive(content, last), expected, "{content} {last:?}");
        }
    }
}
