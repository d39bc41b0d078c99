//! The verb `backup`: one archive, built once, to every destination asked for, each with an outcome of its own.

use std::path::PathBuf;
use std::thread;

use jiff::Timestamp;

use crate::archive::Seal;
use crate::destination::Body;
use crate::keys;
use crate::model::{
    ArchiveName, Cancel, DestinationConfig, DestinationType, Encryption, Execution, ExecutionKind,
    ExecutionStatus, HookKind, Instance, Phase, Progress, Warning,
};
use crate::service::assemble::{Assembled, Assembly, Label, Survey, assemble};
use crate::service::report::BackupReport;
use crate::service::run::Run;
use crate::service::{Act, BackupRequest, BackupService, Error, Result, hooks, shrink, space};

mod deliver;
mod retain;
mod stage;
mod target;
mod together;

use deliver::Delivery;
use stage::stage;
use target::{Target, free_name, key_of};

impl BackupService {
    /// An error is a run that never came to an archive (it is in the history all the same, once instance and destinations were known);
    /// what happened at each destination is in the report.
    pub fn backup(&self, request: &BackupRequest, act: &Act<'_>) -> Result<BackupReport> {
        let instance = self.instance(&request.instance)?;
        let mut configs = Vec::new();
        for name in &request.to {
            if !configs.iter().any(|c: &DestinationConfig| c.name == *name) {
                configs.push(self.destination(name)?);
            }
        }
        if configs.is_empty() {
            return Err(Error::BadValue {
                what: "list of destinations",
                value: String::new(),
                reason: "a backup needs at least one".to_owned(),
            });
        }
        let lock = self.lock_instance(&instance, "backup")?;
        let mut run = self.begin_run(act)?;
        let mut targets = self.targets(configs, &instance, &run, request, act);
        let begun = targets
            .iter()
            .try_for_each(|target| self.store.insert_execution(&target.execution));
        let done = begun
            .map_err(Error::from)
            .and_then(|()| self.back_up(&instance, request, &mut run, &mut targets, act));
        if let Err(error) = &done {
            for target in &mut targets {
                if target.execution.status == ExecutionStatus::Running {
                    target.fail(error);
                }
            }
        }
        // Each is recorded, whatever became of the record before it: none stays `running`.
        let mut recorded = Ok(());
        for target in targets.iter_mut().filter(|target| !target.recorded) {
            recorded = recorded.and(self.record(target));
        }
        done?;
        recorded?;
        // What follows is not about the instance: nobody waits for it.
        drop(lock);
        self.retain_after(&mut targets, &instance, &run, act)?;
        Ok(BackupReport {
            run_id: run.id.clone(),
            executions: targets.iter().map(Target::report).collect(),
        })
    }

    fn targets(
        &self,
        configs: Vec<DestinationConfig>,
        instance: &Instance,
        run: &Run,
        request: &BackupRequest,
        act: &Act<'_>,
    ) -> Vec<Target> {
        let mut targets = Vec::new();
        for config in configs {
            let place = if config.enabled {
                self.open_destination(&config)
            } else {
                Err(Error::Disabled {
                    destination: config.name.clone(),
                })
            };
            let execution = Execution {
                comment: (!request.comment.is_empty()).then(|| request.comment.clone()),
                ..new_execution(
                    ExecutionKind::Backup,
                    Some(&config.id),
                    instance,
                    &run.id,
                    &act.triggered_by,
                )
            };
            targets.push(Target {
                config,
                execution,
                place,
                silent: false,
                recorded: false,
            });
        }
        targets
    }

    fn back_up(
        &self,
        instance: &Instance,
        request: &BackupRequest,
        run: &mut Run,
        targets: &mut [Target],
        act: &Act<'_>,
    ) -> Result<()> {
        act.tell(Phase::Preparing, &instance.name);
        let signing_key = keys::signing_key(&*self.secrets, &self.require_keys()?)?;
        let encrypt = request.encrypt && instance.settings.encryption == Encryption::Recipients;
        let wanted = ArchiveName {
            instance: instance.name.clone(),
            created_at: whole_seconds(Timestamp::now()),
            archive_type: request.archive_type,
            suffix: None,
            compression: instance.settings.compression,
            encrypted: encrypt,
        };
        let survey = Survey::take(self, instance, None)?;
        let needs = space::of_backup(self, instance, &survey)?;
        space::require(run.workspace(), needs.workspace)?;
        thread::scope(|scope| {
            for target in targets.iter_mut() {
                scope.spawn(|| target.prepare(needs.archive, act));
            }
        });
        let name = free_name(targets, instance, wanted, act);
        if none_is_left(targets) {
            return Ok(());
        }
        let label = Label {
            name,
            sequence: self.store.next_sequence(&instance.id)?,
            comment: request.comment.clone(),
            triggered_by: act.triggered_by.clone(),
        };
        let mut survey = Some(survey);
        // Where the place that it is staged at fails, the next one gets it: one full disk is no reason for no backup at the others.
        let mut told = Vec::new();
        let (mut staged, mut assembled) = loop {
            let (file, staged) = stage(targets, instance, &label, run)?;
            let assembly = Assembly {
                instance,
                survey: survey
                    .take()
                    .map_or_else(|| Survey::take(self, instance, None), Ok)?,
                own_folders: &self.own_folders()?,
                label: &label,
                seal: self.seal(encrypt)?,
                signing_key: &signing_key,
            };
            let capture = || assemble(assembly, file, run, act);
            match between_hooks(instance, act, &mut told, capture) {
                Ok(done) => break (staged, done),
                Err(error) => {
                    // A service that an after hook should have let go on may stand still: the history says so, whatever the run failed of.
                    for target in targets.iter_mut() {
                        target.execution.warnings.clone_from(&told);
                    }
                    staged.blame(error, targets, run.workspace())?;
                }
            }
            if none_is_left(targets) {
                return Ok(());
            }
        };
        assembled.warnings.extend(told);
        let shrunk = shrink::compared_with_last(self, instance, &assembled.packed.manifest)?;
        assembled.warnings.extend(shrunk);
        let body = Body {
            path: staged.path.clone(),
            length: assembled.packed.size,
            sha256: assembled.packed.sha256.clone(),
            read_back: staged.read_back(assembled.packed.size),
        };
        let second = staged.second_name(targets, &key_of(instance, &label.name)?, run)?;
        let for_others = second.as_ref().map(|second| Body {
            path: second.path.clone(),
            sha256: body.sha256.clone(),
            read_back: None,
            ..body
        });
        let delivery = Delivery {
            service: self,
            run_id: &run.id,
            instance,
            name: &label.name,
            body: &body,
            for_others: for_others.as_ref(),
            assembled: &assembled,
            act,
        };
        let delivered = delivery.to_all(targets, staged.at);
        drop((staged, second));
        let delivered = delivered?;
        act.cancel.check().or(if delivered {
            Ok(())
        } else {
            Err(crate::model::Cancelled)
        })?;
        act.tell(Phase::Done, &instance.name);
        Ok(())
    }

    fn seal(&self, encrypt: bool) -> Result<Seal> {
        Ok(if encrypt {
            Seal::Recipients(self.age_recipients()?)
        } else {
            Seal::None
        })
    }

    /// What became of one destination.
    fn record(&self, target: &mut Target) -> Result<()> {
        let ended = &mut target.execution.completed_at;
        ended.get_or_insert_with(Timestamp::now);
        self.store.update_execution(&target.execution)?;
        target.recorded = true;
        self.remember_last(target)
    }

    fn remember_last(&self, target: &Target) -> Result<()> {
        // The row may have been changed or removed while the run went on.
        if let Some(mut config) = self.store.destination_by_id(&target.config.id)? {
            config.last_backup_at = target.execution.completed_at;
            let status = serde_json::to_value(target.execution.status)
                .map_err(|e| Error::State(e.to_string()))?;
            config.last_backup_status = status.as_str().map(str::to_owned);
            self.store.update_destination(&config)?;
        }
        Ok(())
    }

    /// What belongs to Holdfast and is never part of an instance: the data folder first, then its local destinations.
    pub(crate) fn own_folders(&self) -> Result<Vec<PathBuf>> {
        let mut folders = vec![self.data_dir.clone()];
        let all = self.store.destinations()?;
        let local = DestinationType::Local;
        for config in all.iter().filter(|d| d.destination_type == local) {
            folders.extend(config.config.get("base_path").map(PathBuf::from));
        }
        Ok(folders)
    }
}

impl Act<'_> {
    pub(crate) fn tell(&self, phase: Phase, what: &str) {
        self.observer.progress(&Progress {
            phase,
            done_bytes: 0,
            total_bytes: 0,
            what: what.to_owned(),
        });
    }
}

/// A record of an act that begins now.
pub(crate) fn new_execution(
    kind: ExecutionKind,
    destination_id: Option<&str>,
    instance: &Instance,
    run_id: &str,
    triggered_by: &str,
) -> Execution {
    Execution {
        id: uuid::Uuid::new_v4().simple().to_string(),
        destination_id: destination_id.map(str::to_owned),
        backup_filename: None,
        backup_path: None,
        triggered_by: triggered_by.to_owned(),
        started_at: Timestamp::now(),
        completed_at: None,
        status: ExecutionStatus::Running,
        size_bytes: None,
        compressed_size_bytes: None,
        files_included: None,
        error_message: None,
        kind,
        run_id: run_id.to_owned(),
        instance_id: Some(instance.id.clone()),
        archive_sha256: None,
        manifest_sha256: None,
        sequence: None,
        verified_at: None,
        drilled_at: None,
        pinned: false,
        comment: None,
        warnings: Vec::new(),
    }
}

/// Then each has its own reason; nobody is made to wait for an archive that no place takes.
fn none_is_left(targets: &mut [Target]) -> bool {
    let none = targets.iter().all(|target| target.place.is_err());
    if none {
        targets.iter_mut().for_each(Target::fail_with_place);
    }
    none
}

/// Around what is captured: a before hook that fails is a run that does not begin, an after hook runs however the capture ended (it may
/// have to let a service go on) and is a warning where it fails.
fn between_hooks(
    instance: &Instance,
    act: &Act<'_>,
    told: &mut Vec<Warning>,
    capture: impl FnOnce() -> Result<Assembled>,
) -> Result<Assembled> {
    hooks::announce(instance, HookKind::Before, act);
    hooks::run(instance, HookKind::Before, None, act.cancel)
        .map_err(|cause| Error::BeforeHook { cause })?;
    let captured = capture();
    let outcome = if captured.is_ok() {
        hooks::Outcome::Ok
    } else {
        hooks::Outcome::Failed
    };
    hooks::announce(instance, HookKind::After, act);
    let after = hooks::run(instance, HookKind::After, Some(outcome), &Cancel::new());
    told.extend(after.err().map(|e| {
        Warning::new(
            "after_hook_failed",
            None,
            format!("the after hook failed: {e}"),
        )
    }));
    captured
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
