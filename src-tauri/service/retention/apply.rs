//! What follows from a plan: each archive that goes is deleted alone, recorded before and after. What it cannot delete it leaves, says so, and
//! goes on, unless the place itself fails.

use std::fs::File;

use jiff::Timestamp;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::facts::Planned;
use super::{SHRINK_ACCEPTED, Scope, Shrunk};
use crate::destination::Key;
use crate::model::retention::{KeepReason, Verdict};
use crate::model::{Execution, ExecutionKind, ExecutionStatus, Phase, Problem, Warning};
use crate::service::backup::new_execution;
use crate::service::destinations::{failed, login_name};
use crate::service::error::at;
use crate::service::report::{RetentionFailure, RetentionReport};
use crate::service::run::{make_private, private_file};
use crate::service::{Act, BackupService, Error, Result};

/// One process at a time applies a destination's policy to an instance's archives, or to all of them.
struct Applying {
    files: Vec<File>,
}

impl Drop for Applying {
    fn drop(&mut self) {
        for file in &self.files {
            let _ = flock(file, FlockOperation::Unlock);
        }
    }
}

/// So many refusals one after the other are taken for the place's answer to all.
const REFUSALS: u32 = 2;

/// What became of one archive that was to go.
enum Gone {
    Yes,
    /// It was pinned, or began to be read, since the plan was made.
    Stays(KeepReason),
}

impl BackupService {
    /// `run_id`: of a run that lives as long as this takes.
    pub(super) fn apply_retention_as(
        &self,
        scope: Scope<'_>,
        run_id: &str,
        act: &Act<'_>,
    ) -> Result<RetentionReport> {
        let _lock = self.lock_retention(scope)?;
        let policy = self.store.retention(&scope.config.id)?;
        let plan = self.plan_retention(scope, policy, act)?;
        if scope.shrunk == Shrunk::Accepted {
            self.accept_shrinks(&plan.planned)?;
        }
        let mut report = RetentionReport {
            missing: plan.missing,
            ..RetentionReport::new(&scope.config.name, plan.policy)
        };
        let (mut refused, mut given_up) = (0, None);
        // The oldest first: what an interruption leaves is newer than what it has let go.
        for planned in plan.planned.into_iter().rev() {
            let Planned {
                subject,
                record: Some(record),
                verdict: verdict @ Verdict::Delete(_),
            } = planned
            else {
                report.add(planned.subject, planned.verdict);
                continue;
            };
            act.cancel.check()?;
            if let Some(problem) = &given_up {
                report.failed.push(RetentionFailure {
                    archive: subject.archive,
                    problem: Problem::clone(problem),
                });
                continue;
            }
            act.tell(Phase::Deleting, &subject.archive);
            let done = self.let_go(scope, &record, run_id, act);
            let forbidden = matches!(&done, Err(error) if error.is_forbidden());
            refused = if forbidden { refused + 1 } else { 0 };
            match done {
                Ok(Gone::Yes) => report.add(subject, verdict),
                Ok(Gone::Stays(reason)) => report.add(subject, Verdict::Keep(reason)),
                Err(error) if error.is_cancelled() => return Err(error),
                Err(error) => {
                    let problem = error.problem();
                    if error.is_of_the_whole_place() || refused == REFUSALS {
                        given_up = Some(problem.clone());
                    }
                    report.failed.push(RetentionFailure {
                        archive: subject.archive,
                        problem,
                    });
                }
            }
        }
        report.keep.reverse();
        report.delete.reverse();
        report.foreign.reverse();
        report.failed.reverse();
        Ok(report)
    }

    fn let_go(
        &self,
        scope: Scope<'_>,
        planned: &Execution,
        run_id: &str,
        act: &Act<'_>,
    ) -> Result<Gone> {
        let Some(_alone) = self.hold_alone(&planned.id)? else {
            return Ok(Gone::Stays(KeepReason::InUse));
        };
        // Read again: whoever pinned it meanwhile is heard.
        let no_archive = || Error::NoArchive {
            execution: planned.id.clone(),
        };
        let record = self.store.execution(&planned.id)?.ok_or_else(no_archive)?;
        if record.pinned {
            return Ok(Gone::Stays(KeepReason::Pinned));
        }
        let id = record.instance_id.as_ref().ok_or_else(no_archive)?;
        let instance = self.store.instance_by_id(id)?.ok_or_else(no_archive)?;
        let path = record.backup_path.as_deref().ok_or_else(no_archive)?;
        let key = Key::new(path).map_err(|e| failed(scope.config, e))?;
        let mut done = Execution {
            backup_filename: record.backup_filename.clone(),
            backup_path: record.backup_path.clone(),
            compressed_size_bytes: record.compressed_size_bytes,
            sequence: record.sequence,
            ..new_execution(
                ExecutionKind::Retention,
                Some(&scope.config.id),
                &instance,
                run_id,
                &act.triggered_by,
            )
        };
        // What cannot be recorded is not deleted.
        self.store.insert_execution(&done)?;
        let deleted = delete_as_recorded(scope, &key, &record, act)
            .and_then(|()| Ok(self.store.mark_archive_gone(&record.id, Timestamp::now())?));
        done.completed_at = Some(Timestamp::now());
        match &deleted {
            Ok(()) => done.status = ExecutionStatus::Completed,
            Err(error) => {
                done.status = if error.is_cancelled() {
                    ExecutionStatus::Cancelled
                } else {
                    ExecutionStatus::Failed
                };
                done.error_message = Some(error.problem().message);
            }
        }
        let recorded = self.store.update_execution(&done);
        deleted?;
        recorded?;
        Ok(Gone::Yes)
    }

    /// Kept beside the warnings, so that the history says who looked, and when.
    fn accept_shrinks(&self, planned: &[Planned]) -> Result<()> {
        let of_records = planned.iter().filter_map(|p| p.record.as_ref());
        let mut instances: Vec<_> = of_records.filter_map(|r| r.instance_id.as_ref()).collect();
        instances.sort_by_key(|id| id.as_str());
        instances.dedup();
        let message = format!(
            "{} looked on {}, and what shrank is as it should be",
            login_name(),
            Timestamp::now().strftime("%Y-%m-%d")
        );
        for id in instances {
            for mut execution in self.not_accepted(id)? {
                let note = Warning::new(SHRINK_ACCEPTED, None, message.clone());
                execution.warnings.push(note);
                self.store.update_execution(&execution)?;
            }
        }
        Ok(())
    }

    fn lock_retention(&self, scope: Scope<'_>) -> Result<Applying> {
        let locks = self.data_dir.join("locks");
        make_private(&locks)?;
        let mut held = Applying { files: Vec::new() };
        let mut take = |name: String, how| {
            let path = locks.join(name);
            let file = private_file(&path)?;
            match flock(&file, how) {
                Ok(()) => held.files.push(file),
                Err(Errno::WOULDBLOCK) => {
                    return Err(Error::RetentionBusy {
                        destination: scope.config.name.clone(),
                    });
                }
                Err(e) => return Err(at(&path, e.into())),
            }
            Ok(())
        };
        let destination = &scope.config.id;
        let alone = FlockOperation::NonBlockingLockExclusive;
        let all = format!("retention-{destination}.lock");
        match scope.instance {
            None => take(all, alone)?,
            Some(instance) => {
                take(all, FlockOperation::NonBlockingLockShared)?;
                take(format!("retention-{destination}-{instance}.lock"), alone)?;
            }
        }
        Ok(held)
    }
}

/// Only the file that the record is of; what is gone already is gone.
fn delete_as_recorded(
    scope: Scope<'_>,
    key: &Key,
    record: &Execution,
    act: &Act<'_>,
) -> Result<()> {
    let there = scope
        .place
        .stat(key, &act.call())
        .map_err(|e| failed(scope.config, e))?;
    if there.is_some_and(|there| Some(there.size) != record.compressed_size_bytes) {
        return Err(Error::ArchiveChanged {
            archive: format!(
                "{}:{}",
                scope.config.name,
                record.backup_filename.as_deref().unwrap_or_default()
            ),
        });
    }
    scope
        .place
        .delete(key, &act.call())
        .map_err(|e| failed(scope.config, e))
}
