//! The safety backup: a sealed archive of what a restore is about to replace, kept on this machine.

use std::path::PathBuf;

use crate::model::Instance;
use crate::service::run::Run;
use crate::service::{Act, BackupService, Result};

impl BackupService {
    /// Captures these components as they are now into `{data}/safety/{instance}-{id}/…`, type `safety`. None where nothing of them exists.
    /// The caller holds the instance's lock. The last three an instance, and all of the last week, are kept.
    pub(crate) fn safety_backup(
        &self,
        _instance: &Instance,
        _components: &[String],
        _run: &Run,
        _act: &Act<'_>,
    ) -> Result<Option<PathBuf>> {
        todo!()
    }
}
