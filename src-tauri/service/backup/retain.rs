//! What follows from a good backup for the older ones: the policy of each destination that has got it.

use super::target::Target;
use crate::model::{ExecutionStatus, Instance};
use crate::service::run::Run;
use crate::service::{Act, BackupService, Result};

impl BackupService {
    /// What could not be done is a warning at that destination. An error: it could not be written down.
    pub(super) fn retain_after(
        &self,
        targets: &mut [Target],
        instance: &Instance,
        run: &Run,
        act: &Act<'_>,
    ) -> Result<()> {
        for target in targets {
            let Ok(place) = &target.place else { continue };
            if target.execution.status != ExecutionStatus::Completed {
                continue;
            }
            let warnings = self.retention_after(&target.config, &**place, instance, &run.id, act);
            // Read again: it may have been pinned meanwhile.
            if !warnings.is_empty()
                && let Some(mut record) = self.store.execution(&target.execution.id)?
            {
                record.warnings.extend(warnings);
                self.store.update_execution(&record)?;
                target.execution = record;
            }
        }
        Ok(())
    }
}
