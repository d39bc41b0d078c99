//! The verb `undo`: the newest restore of an instance is taken back, as a restore of its own that can be undone in turn.

use super::act::{Prepared, confirmed, folder_of};
use super::error::RestoreError;
use super::journal::{Folder, Stage, read};
use super::prepare::prepare_undo;
use super::recover::recover_instance;
use crate::model::{ExecutionKind, ExecutionStatus, Phase};
use crate::service::backup::new_execution;
use crate::service::report::RestoreReport;
use crate::service::{Act, BackupService, Error, Result};

impl BackupService {
    /// `execution_id`: of a restore or an undo, the newest of its instance that was not undone yet.
    pub fn undo(&self, execution_id: &str, confirm: &str, act: &Act<'_>) -> Result<RestoreReport> {
        let unknown = || Error::Unknown {
            what: "execution",
            name: execution_id.to_owned(),
        };
        let execution = self.store.execution(execution_id)?.ok_or_else(unknown)?;
        let not_undoable = |reason| {
            Error::Restore(RestoreError::NotUndoable {
                execution: execution_id.to_owned(),
                reason,
            })
        };
        if !matches!(execution.kind, ExecutionKind::Restore | ExecutionKind::Undo) {
            return Err(not_undoable("it is no restore"));
        }
        let id = execution.instance_id.as_ref().ok_or_else(unknown)?;
        let instance = self
            .store
            .instance_by_id(id)?
            .ok_or_else(|| not_undoable("its instance is not known any more"))?;
        confirmed(confirm, &instance.name)?;
        if execution.status != ExecutionStatus::Completed {
            return Err(not_undoable("it changed nothing"));
        }
        let _lock = self.lock_instance(&instance, "undo")?;
        recover_instance(&self.data_dir, &self.store, &instance.id)?;
        let path = folder_of(&self.data_dir, &execution.id);
        let gone = "it was undone already, or a later one took its place";
        let done = if path.is_dir() {
            read(&path)?.filter(|j| j.stage == Stage::Applied)
        } else {
            None
        };
        let done = done.ok_or_else(|| not_undoable(gone))?;
        let run = self.begin_run(act)?;
        let mut new = new_execution(
            ExecutionKind::Undo,
            None,
            &instance,
            &run.id,
            &act.triggered_by,
        );
        new.backup_path = Some(execution.id.clone());
        self.carry_out(&instance, new, &run, act, |run, folder, act| {
            let names: Vec<String> = done.parts.iter().map(|p| p.component.clone()).collect();
            let safety = Act {
                run_id: None,
                passphrase: None,
                cancel: act.cancel,
                observer: act.observer,
                triggered_by: format!(
                    "restore:{}",
                    folder.path.file_name().unwrap_or_default().display()
                ),
            };
            act.tell(Phase::SavingBefore, &instance.name);
            let safety_backup = self.safety_backup(&instance, &names, run, &safety)?;
            // Its bytes are needed until the end; the sweep after it takes them away.
            let _kept =
                Folder::lock(&path)?.ok_or_else(|| not_undoable("it is being worked on"))?;
            let parts = prepare_undo(&done.parts, folder, act.cancel, act.observer)?;
            Ok(Prepared {
                parts,
                safety_backup,
                warnings: Vec::new(),
            })
        })
    }
}
