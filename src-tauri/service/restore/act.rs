//! The verb `restore`: everything is fetched and checked, what is there is kept twice, then the restore is carried out.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::apply::{Applied, apply};
use super::database::Patience;
use super::error::RestoreError;
use super::from_archive::{Unpacked, check, chosen, desired, unusable};
use super::journal::{Folder, Journal, Part, Stage};
use super::owners::Owners;
use super::prepare::{Desired, Wanted, prepare};
use super::recover::{recover_instance, sweep};
use super::target::Grounds;
use super::tree::{Extent, Trust};
use crate::archive::UnpackPolicy;
use crate::model::manifest::ComponentEntry;
use crate::model::{
    Cancel, ComponentKind, Execution, ExecutionKind, ExecutionStatus, HookKind, Instance, Manifest,
    Phase, Warning,
};
use crate::service::backup::new_execution;
use crate::service::error::{Refusal, was_cancelled};
use crate::service::opened::Opened;
use crate::service::report::{RestoreReport, RestoredComponent};
use crate::service::run::Run;
use crate::service::{Act, BackupService, Error, RestoreRequest, Result, hooks, space};
use crate::source::files::WalkRules;

/// Left over for journals, lists and folders.
const SLACK: u64 = 16 << 20;

impl BackupService {
    /// All the chosen components, or none of them. What was there is kept in a safety backup and, for `undo`, in pre-images.
    pub fn restore(&self, request: &RestoreRequest, act: &Act<'_>) -> Result<RestoreReport> {
        confirmed(&request.confirm, &request.instance)?;
        let instance = self.instance(&request.instance)?;
        let mut opened = self.open_archive(&request.archive, act)?;
        opened.aim_at(&instance);
        opened.require_trust(Some(&instance), &request.accept)?;
        let _lock = self.lock_instance(&instance, "restore")?;
        recover_instance(&self.data_dir, &self.store, &instance.id)?;
        let manifest = &opened.archive.manifest;
        let components = chosen(manifest, &request.components)?;
        let run = self.begin_run(act)?;
        let mut execution = new_execution(
            ExecutionKind::Restore,
            None,
            &instance,
            &run.id,
            &act.triggered_by,
        );
        execution.backup_filename = Some(opened.located.name.clone());
        execution.backup_path = Some(opened.located.label.clone());
        execution.manifest_sha256 = Some(opened.archive.manifest_sha256.clone());
        execution.sequence = Some(manifest.backup_metadata.sequence);
        let mut left_out = left_out(manifest, &request.components);
        left_out.extend(
            components
                .iter()
                .filter(|c| c.kind == ComponentKind::Files && Extent::of(c) == Extent::WithHoles)
                .map(|c| Warning::new("tree_with_holes", Some(&c.name), with_holes(&c.name))),
        );
        let prepared = |run: &Run, folder: &Folder, act: &Act<'_>| {
            self.fetch_and_prepare(&opened, &components, &instance, run, folder, act)
        };
        let mut report = self.carry_out(&instance, execution, &run, act, prepared)?;
        report.fetched_bytes = opened.fetched_bytes();
        report.warnings.splice(0..0, left_out);
        Ok(report)
    }

    /// The part that `restore` and `undo` share: record, safety backup, pre-images, hooks, the act itself, and the record's end.
    pub(super) fn carry_out(
        &self,
        instance: &Instance,
        mut execution: Execution,
        run: &Run,
        act: &Act<'_>,
        prepare: impl FnOnce(&Run, &Folder, &Act<'_>) -> Result<Prepared>,
    ) -> Result<RestoreReport> {
        self.store.insert_execution(&execution)?;
        let done = self.carry_out_recorded(instance, &execution, run, act, prepare);
        execution.completed_at = Some(Timestamp::now());
        match &done {
            Ok(report) => {
                execution.status = ExecutionStatus::Completed;
                execution.warnings.clone_from(&report.warnings);
                execution.files_included = u64::try_from(report.components.len()).ok();
            }
            Err(error) => {
                execution.status = if error.is_cancelled() {
                    ExecutionStatus::Cancelled
                } else {
                    ExecutionStatus::Failed
                };
                execution.error_message = Some(error.problem().message);
            }
        }
        let recorded = self.store.update_execution(&execution);
        let report = done?;
        recorded?;
        // What is older cannot be undone any more; what cannot be removed now is removed by the next restore.
        let _ = sweep(&self.data_dir, &instance.id, &execution.id);
        act.tell(Phase::Done, &instance.name);
        Ok(report)
    }

    fn carry_out_recorded(
        &self,
        instance: &Instance,
        execution: &Execution,
        run: &Run,
        act: &Act<'_>,
        prepare: impl FnOnce(&Run, &Folder, &Act<'_>) -> Result<Prepared>,
    ) -> Result<RestoreReport> {
        let folder = Folder::create(&folder_of(&self.data_dir, &execution.id))?;
        let done = prepare(run, &folder, act).and_then(|prepared| {
            let mut journal = Journal::prepared(
                &execution.id,
                &instance.id,
                execution.started_at,
                prepared.parts,
            );
            let applied = apply_with_hooks(instance, &folder, &mut journal, act)?;
            Ok((prepared.safety_backup, prepared.warnings, journal, applied))
        });
        let (safety_backup, mut warnings, journal, applied) = match done {
            Ok(done) => done,
            Err(error) => {
                // Kept only where the way back is not finished.
                if matches!(&error, Error::Restore(cause) if cause.is_half_done()) {
                    return Err(error);
                }
                // The error that led here is the one to tell. What cannot be removed now goes with the next start.
                let _ = folder.remove();
                return Err(match error {
                    // That the service may stand still is told with it.
                    Error::Restore(RestoreError::NotStarted { .. }) => error,
                    error => was_cancelled(error, act.cancel),
                });
            }
        };
        warnings.extend(applied.warnings);
        Ok(RestoreReport {
            execution_id: execution.id.clone(),
            safety_backup,
            components: journal
                .parts
                .iter()
                .map(|p| status_of(p, execution.kind))
                .collect(),
            restart_required: applied.restart_required,
            fetched_bytes: 0,
            warnings,
        })
    }

    fn fetch_and_prepare(
        &self,
        opened: &Opened,
        components: &[&ComponentEntry],
        instance: &Instance,
        run: &Run,
        folder: &Folder,
        act: &Act<'_>,
    ) -> Result<Prepared> {
        let manifest = &opened.archive.manifest;
        let names: Vec<String> = components.iter().map(|c| c.name.clone()).collect();
        space::require(run.workspace(), content_bytes(manifest, &names) + SLACK)?;
        // An empty machine: the folder that the instance names is part of what is made.
        std::fs::create_dir_all(&instance.path).map_err(RestoreError::io(&instance.path))?;
        let (fetched, mut warnings) = fetch(opened, &names, run, act)?;
        let grounds = Grounds::new(instance, &self.data_dir)?;
        let rules = self.tree_rules(instance)?;
        let from = Unpacked {
            manifest,
            dir: &fetched.dir,
            indexes: &fetched.indexes,
            trust: trust_in(opened),
            rules: &rules,
        };
        let wanted = desired(&from, components, &grounds, &Owners::default())?;
        act.tell(Phase::Checking, &instance.name);
        check(&wanted, manifest, &fetched.dir, act.cancel)?;
        // Beside the live files, and for what is kept of them.
        space::require(&instance.path, content_bytes(manifest, &names) + SLACK)?;
        space::require(&self.data_dir, live_bytes(&wanted) + SLACK)?;
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
        let safety_backup = self.safety_backup(instance, &names, run, &safety)?;
        let parts = prepare(&wanted, folder, act.cancel, act.observer)?;
        warnings.dedup();
        Ok(Prepared {
            parts,
            safety_backup,
            warnings,
        })
    }

    /// What is no part of this instance's trees.
    pub(super) fn tree_rules(&self, instance: &Instance) -> Result<WalkRules> {
        let root = instance
            .path
            .canonicalize()
            .unwrap_or_else(|_| instance.path.clone());
        let mut skip = self.own_folders()?;
        for component in &instance.components {
            if component.kind != ComponentKind::Files {
                skip.extend(component.sources.iter().map(|s| root.join(s)));
            }
        }
        Ok(WalkRules {
            exclude: instance.settings.exclude.clone(),
            skip,
        })
    }
}

/// The components' content in the workspace, every hash checked.
pub(super) fn fetch(
    opened: &Opened,
    names: &[String],
    run: &Run,
    act: &Act<'_>,
) -> Result<(Fetched, Vec<Warning>)> {
    let (dir, indexes) = (run.folder("unpacked")?, run.folder("indexes")?);
    let policy = UnpackPolicy {
        trusted: trust_in(opened) == Trust::Trusted,
        // The lists carry the owners; until then it is nobody else's.
        owners: false,
        with_metadata: false,
    };
    let unpacked = opened
        .archive
        .unpack_with_indexes(names, &dir, &policy, &indexes, act.cancel, act.observer)
        .map_err(|e| was_cancelled(e.into(), act.cancel))?;
    opened.settle_copies(&dir, names)?;
    let warn = |message: String| Warning::new("unpacked", None, message);
    Ok((
        Fetched { dir, indexes },
        unpacked.warnings.into_iter().map(warn).collect(),
    ))
}

fn apply_with_hooks(
    instance: &Instance,
    folder: &Folder,
    journal: &mut Journal,
    act: &Act<'_>,
) -> Result<Applied> {
    if journal.parts.iter().all(Part::is_nothing) {
        journal.stage = Stage::Applied;
        folder.write(journal)?;
        return Ok(Applied::default());
    }
    let lines = &instance.settings.hooks;
    let (stop, start) = (lines.line(HookKind::Stop), lines.line(HookKind::Start));
    if !stop.is_empty() {
        journal.start_hook = Some(start.to_owned());
    }
    folder.write(journal)?;
    hooks::announce(instance, HookKind::Stop, act);
    let stopped = hooks::run(instance, HookKind::Stop, None, act.cancel).map_err(|cause| {
        RestoreError::Hook {
            which: "stop",
            outcome: cause.to_string(),
        }
    });
    let applied = stopped.and_then(|_| {
        apply(
            folder,
            journal,
            Patience::default(),
            act.cancel,
            act.observer,
        )
    });
    // Also after a failure: what was stopped is started again.
    hooks::announce(instance, HookKind::Start, act);
    let started = hooks::run(instance, HookKind::Start, None, &Cancel::new());
    let applied = match (applied, started) {
        (Ok(mut applied), Err(cause)) => {
            let message = format!(
                "the restore is done, but the start hook failed, so the service may not be running: {cause}"
            );
            let warning = Warning::new("start_hook_failed", None, message);
            applied.warnings.push(warning);
            applied
        }
        // A service that was stopped and started has nothing stale open.
        (Ok(mut applied), Ok(_)) => {
            applied.restart_required &= stop.is_empty() || start.is_empty();
            applied
        }
        (Err(first), Ok(_)) => return Err(first.into()),
        (Err(first), Err(cause)) => {
            let first = first.or_cancelled(act.cancel);
            return Err(RestoreError::NotStarted {
                first: Box::new(first),
                outcome: cause.to_string(),
            }
            .into());
        }
    };
    // Everything is done: where this cannot be written any more, the next start runs the start hook once more.
    if journal.start_hook.take().is_some() {
        let _ = folder.write(journal);
    }
    Ok(applied)
}

/// Where components were unpacked, and where the indexes of their trees are.
pub(super) struct Fetched {
    pub dir: PathBuf,
    pub indexes: PathBuf,
}

/// What is about to be carried out.
pub(super) struct Prepared {
    pub parts: Vec<Part>,
    pub safety_backup: Option<PathBuf>,
    pub warnings: Vec<Warning>,
}

pub(super) fn confirmed(given: &str, expected: &str) -> Result<()> {
    if given == expected {
        return Ok(());
    }
    Err(Error::Refused(Refusal::Confirm {
        given: given.to_owned(),
        expected: expected.to_owned(),
    }))
}

pub(super) fn folder_of(data_dir: &Path, execution_id: &str) -> PathBuf {
    data_dir.join("preimages").join(execution_id)
}

pub(super) fn trust_in(opened: &Opened) -> Trust {
    if opened.trusted() && opened.broken.is_empty() {
        Trust::Trusted
    } else {
        Trust::Untrusted
    }
}

/// Bytes of content of these components.
pub(super) fn content_bytes(manifest: &Manifest, names: &[String]) -> u64 {
    let single = manifest.contents.iter();
    let single = single.filter(|e| names.contains(&e.component));
    let trees = manifest.components.iter();
    let trees = trees.filter(|c| names.contains(&c.name));
    let trees = trees.filter_map(|c| c.counts).map(|c| c.size_bytes);
    single
        .map(|e| e.size_bytes)
        .chain(trees)
        .fold(0, u64::saturating_add)
}

/// Of the live databases and single files that are kept before they are replaced.
fn live_bytes(desired: &[Desired<'_>]) -> u64 {
    let spots = desired
        .iter()
        .flat_map(|d| &d.wanted)
        .filter_map(|w| match w {
            Wanted::Database { spot, .. }
            | Wanted::Plain { spot, .. }
            | Wanted::File { spot, .. } => Some(spot),
            Wanted::Tree(_) => None,
        });
    spots
        .filter_map(|spot| std::fs::metadata(spot.path()).ok())
        .fold(0, |sum, found| sum.saturating_add(found.len()))
}

/// What a tree that could not be read whole is not: a mirror.
pub(super) fn with_holes(component: &str) -> String {
    format!(
        "not all of `{component}` could be read when it was backed up: what the archive does not have stays as it is"
    )
}

/// Told where a whole archive is restored: what of it is not there to be restored.
fn left_out(manifest: &Manifest, named: &[String]) -> Vec<Warning> {
    if !named.is_empty() {
        return Vec::new();
    }
    let unusable = manifest
        .components
        .iter()
        .filter_map(|c| Some((c, unusable(c)?)));
    unusable
        .map(|(c, status)| {
            let what = format!("`{}` is {status} in the archive and stays as it is", c.name);
            Warning::new("component_left_out", Some(&c.name), what)
        })
        .collect()
}

fn status_of(part: &Part, kind: ExecutionKind) -> RestoredComponent {
    let removed = kind == ExecutionKind::Undo && part.removes;
    let status = match part {
        part if part.is_nothing() => "unchanged",
        _ if removed => "removed",
        _ => "restored",
    };
    RestoredComponent {
        name: part.component.clone(),
        status: status.to_owned(),
    }
}
