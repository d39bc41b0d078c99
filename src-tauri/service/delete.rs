//! The verb `delete`: one archive, by hand. What a policy deletes is `retention`'s business.

use jiff::Timestamp;

use crate::model::{ArchiveName, Execution, ExecutionKind, ExecutionStatus, OldName, Warning};
use crate::service::destinations::failed;
use crate::service::error::{Refusal, at};
use crate::service::located::{Located, Place};
use crate::service::report::DeleteReport;
use crate::service::{Act, ArchiveRef, BackupService, Error, Result};
use crate::store::ExecutionFilter;

impl BackupService {
    /// `confirm` must be the archive's file name. One that is pinned, or being read, stays. The last good one of an instance may go; the
    /// refusal without a confirmation, and the report, say that it is.
    pub fn delete(
        &self,
        archive: &ArchiveRef,
        confirm: &str,
        act: &Act<'_>,
    ) -> Result<DeleteReport> {
        let mut located = self.locate(archive, act)?;
        if let Place::File(path) = &located.place {
            if let Some(record) = self.record_of_file(path)? {
                located = self.locate_execution(record, act)?;
            } else if !is_archive(&located.name) {
                return Err(Error::NoArchiveName { path: path.clone() });
            }
        }
        let last_of = self.last_good_of(&located)?;
        if confirm != located.name {
            return Err(Error::Refused(match last_of {
                Some(instance) => Refusal::ConfirmLast {
                    given: confirm.to_owned(),
                    expected: located.name,
                    instance,
                },
                None => Refusal::Confirm {
                    given: confirm.to_owned(),
                    expected: located.name,
                },
            }));
        }
        // Our own hold would keep it from us.
        drop(located.held.take());
        let mut alone = None;
        if let Some(record) = &located.execution {
            let in_use = || Error::ArchiveInUse {
                archive: located.label.clone(),
            };
            alone = Some(self.hold_alone(&record.id)?.ok_or_else(in_use)?);
            // Read again: whoever pinned it meanwhile is heard.
            let record = self.store.execution(&record.id)?;
            let record = record.ok_or_else(|| Error::NotInCatalogue {
                archive: located.label.clone(),
            })?;
            if record.pinned {
                return Err(Error::Pinned {
                    archive: located.label,
                });
            }
            // Written as it is: what could not be recorded afterwards is not deleted.
            self.store.update_execution(&record)?;
        }
        match &located.place {
            Place::Destination {
                config,
                destination,
                key,
            } => {
                destination
                    .delete(key, &act.call())
                    .map_err(|e| failed(config, e))?;
            }
            Place::File(path) => std::fs::remove_file(path).map_err(|e| at(path, e))?,
        }
        if let Some(record) = &located.execution {
            self.store.mark_archive_gone(&record.id, Timestamp::now())?;
        }
        drop(alone);
        Ok(DeleteReport {
            archive: located.label,
            deleted: true,
            warnings: last_of.iter().map(|name| was_last(name)).collect(),
        })
    }

    /// The name of the instance that has no good archive but this one, at any destination.
    fn last_good_of(&self, located: &Located) -> Result<Option<String>> {
        let good =
            |e: &Execution| e.status == ExecutionStatus::Completed && e.verified_at.is_some();
        let Some(record) = located.execution.as_ref().filter(|e| good(e)) else {
            return Ok(None);
        };
        let Some(id) = &record.instance_id else {
            return Ok(None);
        };
        let all = self.store.executions(&ExecutionFilter {
            instance_id: Some(id.clone()),
            kind: Some(ExecutionKind::Backup),
            archives_only: true,
            ..ExecutionFilter::default()
        })?;
        if all.iter().any(|e| e.id != record.id && good(e)) {
            return Ok(None);
        }
        let instance = self.store.instance_by_id(id)?;
        Ok(Some(
            instance.map_or_else(|| id.to_string(), |instance| instance.name),
        ))
    }
}

fn is_archive(name: &str) -> bool {
    name.parse::<ArchiveName>().is_ok() || name.parse::<OldName>().is_ok()
}

fn was_last(instance: &str) -> Warning {
    let message = format!(
        "it was the last good archive of {instance}: until the next backup, nothing of it can be restored"
    );
    Warning::new("last_good_archive", None, message)
}
