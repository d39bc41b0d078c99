//! The verb `backup`: one archive, built once, to every destination asked for, each with an outcome of its own.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use crate::archive::Seal;
use crate::destination::{Body, Destination, ErrorKind, Key, Verification, local};
use crate::keys;
use crate::model::{
    ArchiveName, Cancel, DestinationConfig, Encryption, Execution, ExecutionKind, ExecutionStatus,
    Instance, Phase, Progress, Warning,
};
use crate::service::assemble::{Assembled, Assembly, Label, Survey, assemble};
use crate::service::destinations::failed;
use crate::service::error::at;
use crate::service::report::{BackupExecution, BackupReport};
use crate::service::run::Run;
use crate::service::{Act, BackupRequest, BackupService, Error, Result, hooks, shrink, space};

/// Suffixes that are tried where a name is taken.
const SUFFIXES: std::ops::RangeInclusive<u32> = 2..=99;

/// A destination of this run and what became of it.
struct Target {
    config: DestinationConfig,
    execution: Execution,
    /// An error here is this destination's outcome, not the run's.
    place: Result<Arc<dyn Destination>>,
}

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
        let _lock = self.lock_instance(&instance, "backup")?;
        let mut run = self.begin_run()?;
        let mut targets = self.targets(configs, &instance, &run, request, act)?;
        for target in &targets {
            self.store.insert_execution(&target.execution)?;
        }
        let done = self.back_up(&instance, request, &mut run, &mut targets, act);
        if let Err(error) = &done {
            for target in &mut targets {
                if target.execution.status == ExecutionStatus::Running {
                    target.fail(error);
                }
            }
        }
        for target in &mut targets {
            target
                .execution
                .completed_at
                .get_or_insert_with(Timestamp::now);
            self.store.update_execution(&target.execution)?;
            self.remember_last(target)?;
        }
        done?;
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
    ) -> Result<Vec<Target>> {
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
            });
        }
        Ok(targets)
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
        let seal = if encrypt {
            Seal::Recipients(self.age_recipients()?)
        } else {
            Seal::None
        };
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
        for target in targets.iter_mut() {
            target.require_space(needs.archive, act);
        }
        let name = free_name(targets, instance, wanted, act);
        if targets.iter().all(|t| t.place.is_err()) {
            // Each has its own reason; nobody is made to wait for an archive that no place takes.
            for target in targets.iter_mut() {
                target.fail_with_place();
            }
            return Ok(());
        }
        let label = Label {
            name,
            sequence: self.store.next_sequence(&instance.id)?,
            comment: request.comment.clone(),
            triggered_by: act.triggered_by.clone(),
        };
        let (file, staged) = stage(targets, instance, &label, run)?;
        let assembly = Assembly {
            instance,
            survey,
            own_folders: &self.own_folders()?,
            label: &label,
            seal,
            signing_key: &signing_key,
        };
        let assembled = between_hooks(instance, act, || assemble(assembly, file, run, act));
        let (mut assembled, told) = assembled.inspect_err(|_| discard_staged(&staged.path))?;
        assembled.warnings.extend(told);
        let shrunk = shrink::compared_with_last(self, instance, &assembled.packed.manifest)?;
        assembled.warnings.extend(shrunk);
        let manifest = String::from_utf8_lossy(&assembled.packed.manifest_json).into_owned();
        let body = Body {
            path: staged.path.clone(),
            length: assembled.packed.size,
            sha256: assembled.packed.sha256.clone(),
        };
        // The place whose temporary name holds the staged file comes last: publishing takes the file away from under the others.
        let order = (0..targets.len())
            .filter(|i| Some(*i) != staged.at)
            .chain(staged.at);
        let mut delivered = false;
        for index in order {
            if let Some(target) = targets.get_mut(index) {
                delivered |= target.deliver(instance, &label.name, &body, &assembled, act);
            }
        }
        discard_staged(&staged.path);
        if delivered {
            self.store.set_manifest(&run.id, &manifest)?;
        }
        act.cancel.check().or(if delivered {
            Ok(())
        } else {
            Err(crate::model::Cancelled)
        })?;
        act.tell(Phase::Done, &instance.name);
        Ok(())
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
        for config in self.store.destinations()? {
            folders.extend(config.config.get("base_path").map(PathBuf::from));
        }
        Ok(folders)
    }
}

impl Target {
    fn fail(&mut self, error: &Error) {
        let problem = error.problem();
        self.execution.status = if error.is_cancelled() {
            ExecutionStatus::Cancelled
        } else {
            ExecutionStatus::Failed
        };
        self.execution.error_message = Some(format!("{}. {}", problem.message, problem.hint));
    }

    fn fail_with_place(&mut self) {
        let place = std::mem::replace(&mut self.place, Err(Error::State("closed".to_owned())));
        if let Err(error) = place {
            self.fail(&error);
            self.place = Err(error);
        }
    }

    /// A place that cannot say, or cannot be reached, answers for itself when it is written to.
    fn require_space(&mut self, needed: u64, act: &Act<'_>) {
        if let Ok(place) = &self.place
            && let Ok(Some(free)) = place.free_space(&act.call())
            && free < needed
        {
            let path = PathBuf::from(&self.config.name);
            self.place = Err(Error::NoSpace { path, needed, free });
        }
    }

    /// Returns whether the archive is there.
    fn deliver(
        &mut self,
        instance: &Instance,
        name: &ArchiveName,
        body: &Body,
        assembled: &Assembled,
        act: &Act<'_>,
    ) -> bool {
        let place = match &self.place {
            Ok(place) => Arc::clone(place),
            Err(_) => {
                self.fail_with_place();
                return false;
            }
        };
        match publish(&*place, &self.config, instance, name, body, act) {
            Ok((name, key, verification)) => {
                let packed = &assembled.packed;
                let e = &mut self.execution;
                e.status = if assembled.partial {
                    ExecutionStatus::Partial
                } else {
                    ExecutionStatus::Completed
                };
                e.backup_filename = Some(name.to_string());
                e.backup_path = Some(key.as_str().to_owned());
                e.size_bytes = Some(packed.manifest.total_size_bytes);
                e.compressed_size_bytes = Some(packed.size);
                e.files_included = Some(assembled.files);
                e.archive_sha256 = Some(packed.sha256.clone());
                e.manifest_sha256 = Some(packed.manifest_sha256.clone());
                e.sequence = Some(packed.manifest.backup_metadata.sequence);
                e.completed_at = Some(Timestamp::now());
                e.verified_at = (verification == Verification::Verified).then(Timestamp::now);
                e.warnings.clone_from(&assembled.warnings);
                if verification == Verification::Checked {
                    let message = "only the size of the archive could be checked there";
                    e.warnings.push(Warning::new("not_verified", None, message));
                }
                true
            }
            Err(error) => {
                self.fail(&error);
                self.place = Err(error);
                false
            }
        }
    }

    fn report(&self) -> BackupExecution {
        let e = &self.execution;
        BackupExecution {
            id: e.id.clone(),
            destination: self.config.name.clone(),
            archive: e.backup_filename.clone(),
            status: e.status,
            size_bytes: e.size_bytes,
            compressed_size_bytes: e.compressed_size_bytes,
            sha256: e.archive_sha256.clone(),
            warnings: e.warnings.clone(),
            problem: self.place.as_ref().err().map(Error::problem),
        }
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

/// Around what is captured: a before hook that fails is a run that does not begin, an after hook runs however the capture ended (it may
/// have to let a service go on) and is a warning where it fails.
fn between_hooks(
    instance: &Instance,
    act: &Act<'_>,
    capture: impl FnOnce() -> Result<Assembled>,
) -> Result<(Assembled, Option<Warning>)> {
    let hook =
        |line: &str, cancel: &Cancel| hooks::run(line, &instance.path, hooks::HOOK_TIMEOUT, cancel);
    hook(&instance.settings.hooks.before, act.cancel)
        .map_err(|cause| Error::BeforeHook { cause })?;
    let captured = capture();
    let after = hook(&instance.settings.hooks.after, &Cancel::new());
    let told = after.err().map(|e| {
        Warning::new(
            "after_hook_failed",
            None,
            format!("the after hook failed: {e}"),
        )
    });
    Ok((captured?, told))
}

/// Tries the name, then its suffixes.
fn publish(
    place: &dyn Destination,
    config: &DestinationConfig,
    instance: &Instance,
    name: &ArchiveName,
    body: &Body,
    act: &Act<'_>,
) -> Result<(ArchiveName, Key, Verification)> {
    act.tell(Phase::Uploading, &config.name);
    let mut last = None;
    for suffix in
        std::iter::once(name.suffix).chain(SUFFIXES.map(Some).filter(|s| *s > name.suffix))
    {
        let name = name.with_suffix(suffix);
        let key = key_of(instance, &name)?;
        match place.put(&key, body, &act.call()) {
            Ok(stored) => return Ok((name, key, stored.verification)),
            Err(error) if error.kind == ErrorKind::Exists => last = Some(error),
            Err(error) => return Err(failed(config, error)),
        }
    }
    Err(
        last.map_or(Error::State("no name was tried".to_owned()), |error| {
            failed(config, error)
        }),
    )
}

/// A name that is free at every place that can be asked; a place that cannot fails later, with its own reason.
fn free_name(
    targets: &[Target],
    instance: &Instance,
    wanted: ArchiveName,
    act: &Act<'_>,
) -> ArchiveName {
    let taken = |name: &ArchiveName| {
        let Ok(key) = key_of(instance, name) else {
            return false;
        };
        let places = targets.iter().filter_map(|t| t.place.as_ref().ok());
        places
            .map(|place| place.stat(&key, &act.call()))
            .any(|there| matches!(there, Ok(Some(_))))
    };
    let mut names = std::iter::once(None)
        .chain(SUFFIXES.map(Some))
        .map(|s| wanted.with_suffix(s));
    names.find(|name| !taken(name)).unwrap_or(wanted)
}

pub(crate) fn key_of(instance: &Instance, name: &ArchiveName) -> Result<Key> {
    let path = format!(
        "{}-{}/{}/{name}",
        instance.name,
        instance.id,
        name.archive_type.as_str()
    );
    Key::new(&path).map_err(|cause| Error::Destination {
        name: instance.name.clone(),
        cause,
    })
}

/// The file that the archive is written to, and the target whose place it is at.
struct Staged {
    path: PathBuf,
    at: Option<usize>,
}

/// At the first local destination under its temporary name, else in the workspace.
fn stage(
    targets: &mut [Target],
    instance: &Instance,
    label: &Label,
    run: &mut Run,
) -> Result<(File, Staged)> {
    let key = key_of(instance, &label.name)?;
    for (index, target) in targets.iter_mut().enumerate() {
        let Ok(place) = &target.place else { continue };
        match place.staging(&key) {
            Ok(Some(path)) => match local::create_staged(&path).map_err(|e| at(&path, e)) {
                Ok(file) => {
                    run.remember_staged(&path)?;
                    return Ok((
                        file,
                        Staged {
                            path,
                            at: Some(index),
                        },
                    ));
                }
                Err(error) => target.place = Err(error),
            },
            Ok(None) => {}
            Err(cause) => target.place = Err(failed(&target.config, cause)),
        }
    }
    let path = run.workspace().join("archive");
    Ok((new_file(&path)?, Staged { path, at: None }))
}

fn new_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| at(path, e))
}

/// Published it is gone already; else it must not stay. What cannot be removed is swept with its run.
fn discard_staged(path: &Path) {
    let _ = std::fs::remove_file(path);
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
