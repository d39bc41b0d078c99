//! Brings source and archive together: captures an instance and packs it into one file. Where the file goes is `backup`'s business.

use std::fs::File;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use crate::archive::{PackOptions, Packed, Packer, Seal};
use crate::model::manifest::{ComponentEntry, ComponentStatus, ContentEntry, EntryType};
use crate::model::scan::Scan;
use crate::model::{ArchiveName, Component, ComponentKind, Instance, Phase, Warning};
use crate::service::error::was_cancelled;
use crate::service::run::Run;
use crate::service::watched::Meter;
use crate::service::{Act, BackupService, Error, Result};
use crate::source::database::{self, CaptureOptions, CaptureSummary, DatabaseSource};
use crate::source::{config, discover};

mod databases;
mod draft;
mod trees;

use draft::Draft;

/// How long a capture waits for a lock. Writers let go between their commits; what is held for longer is held for good.
const LOCK_DEADLINE: Duration = Duration::from_secs(10);
/// How long a copy may be stuck.
const COPY_DEADLINE: Duration = Duration::from_mins(15);

/// What an archive will say of itself.
pub(crate) struct Label {
    pub name: ArchiveName,
    pub sequence: u64,
    pub comment: String,
    /// As in the manifest: `cli`, `restore:EXECUTION`, …
    pub triggered_by: String,
}

pub(crate) struct Assembled {
    pub packed: Packed<File>,
    pub warnings: Vec<Warning>,
    /// A component is missing or damaged.
    pub partial: bool,
    pub files: u64,
}

/// What is known of the components while the archive is written.
#[derive(Default)]
struct Findings {
    components: Vec<ComponentEntry>,
    contents: Vec<ContentEntry>,
    warnings: Vec<Warning>,
    /// The captured overrides database, kept until the configuration was merged.
    overrides_copy: Option<PathBuf>,
}

/// An instance as it is now: what a scan finds, and the components that it should have found.
pub(crate) struct Survey {
    scan: Scan,
}

impl Survey {
    /// Of the components `which` names (None: all).
    pub fn take(
        service: &BackupService,
        instance: &Instance,
        which: Option<&[String]>,
    ) -> Result<Self> {
        let (mut scan, _) = discover::rescan(instance, &service.data_dir)?;
        if let Some(names) = which {
            scan.components.retain(|c| names.contains(&c.name));
        }
        Ok(Self { scan })
    }

    /// Bytes of the components of a kind (None: all).
    pub fn size(&self, kind: Option<ComponentKind>) -> u64 {
        let chosen = self
            .scan
            .components
            .iter()
            .filter(|c| kind.is_none_or(|k| c.kind == k));
        chosen.map(|c| c.size_bytes).sum()
    }
}

/// All that makes one archive.
pub(crate) struct Assembly<'a> {
    pub instance: &'a Instance,
    pub survey: Survey,
    /// Never part of an instance.
    pub own_folders: &'a [PathBuf],
    pub label: &'a Label,
    pub seal: Seal,
    pub signing_key: &'a minisign::SecretKey,
}

/// Captures what the survey found and packs it into `out`.
pub(crate) fn assemble(
    assembly: Assembly<'_>,
    out: File,
    run: &Run,
    act: &Act<'_>,
) -> Result<Assembled> {
    let Assembly {
        instance,
        survey,
        own_folders,
        label,
        seal,
        signing_key,
    } = assembly;
    let total = survey.size(None);
    let Survey { scan } = survey;
    let components = scan.components();
    let meter = Meter::new(act, Phase::Packing, total);

    let algorithm = match &seal {
        Seal::None => None,
        Seal::Recipients(_) => Some("age-x25519".to_owned()),
        Seal::Passphrase(_) => Some("age-scrypt".to_owned()),
    };
    let options = PackOptions {
        compression: label.name.compression,
        threads: thread::available_parallelism().map_or(1, std::num::NonZero::get),
        seal,
        scratch: run.workspace().to_owned(),
        created_at: label.name.created_at,
    };
    let mut packer = Packer::create(out, &options)?;
    let mut findings = Findings {
        warnings: scan.warnings.clone(),
        ..Findings::default()
    };

    let capture = capture_and_pack(
        &mut packer,
        instance,
        &components,
        &mut findings,
        run,
        &meter,
        act,
    )
    .map_err(|e| was_cancelled(e, act.cancel))?;
    findings.warnings.extend(capture.warnings.clone());
    let export = config::export(instance, findings.overrides_copy.as_deref());
    findings.warnings.extend(export.warnings);
    let config_hash = packer.add_config_export(&export.json)?;
    let skip = trees::live_paths(instance, &components, own_folders);
    for component in components
        .iter()
        .filter(|c| c.kind != ComponentKind::Database)
    {
        act.cancel.check()?;
        trees::pack(
            &mut packer,
            instance,
            component,
            &skip,
            &mut findings,
            &meter,
        )
        .map_err(|e| was_cancelled(e, act.cancel))?;
    }
    act.cancel.check()?;
    if findings
        .components
        .iter()
        .all(|c| c.status == ComponentStatus::Missing)
    {
        return Err(Error::NothingRead {
            instance: instance.name.clone(),
            warnings: findings.warnings,
        });
    }

    let outcome = Outcome::of(&findings);
    let manifest = Draft {
        instance,
        label,
        run,
        findings,
        export: (export.config_source, config_hash, export.has_overrides),
        capture,
        algorithm,
    };
    let packed = packer.finish(|members| manifest.complete(members), signing_key);
    let packed = packed.map_err(|e| was_cancelled(e.into(), act.cancel))?;
    Ok(Assembled {
        packed,
        warnings: outcome.warnings,
        partial: outcome.partial,
        files: outcome.files,
    })
}

/// What the run will report of the findings.
struct Outcome {
    warnings: Vec<Warning>,
    partial: bool,
    files: u64,
}

impl Outcome {
    fn of(findings: &Findings) -> Self {
        let single = findings
            .contents
            .iter()
            .filter(|c| c.entry == EntryType::File)
            .count() as u64;
        let trees = findings.components.iter().filter_map(|c| c.counts);
        Self {
            warnings: findings.warnings.clone(),
            partial: findings
                .components
                .iter()
                .any(|c| c.status != ComponentStatus::Ok),
            files: single + trees.map(|c| c.files).sum::<u64>(),
        }
    }
}

/// Databases are captured on a thread of their own and packed as they come: the next is copied while one is compressed.
fn capture_and_pack(
    packer: &mut Packer<File>,
    instance: &Instance,
    components: &[Component],
    findings: &mut Findings,
    run: &Run,
    meter: &Meter<'_>,
    act: &Act<'_>,
) -> Result<CaptureSummary> {
    let databases: Vec<&Component> = components
        .iter()
        .filter(|c| c.kind == ComponentKind::Database)
        .collect();
    let sources: Vec<DatabaseSource> = databases
        .iter()
        .flat_map(|c| {
            c.sources.iter().map(|s| DatabaseSource {
                component: c.name.clone(),
                path: instance.path.join(s),
            })
        })
        .collect();
    let options = CaptureOptions {
        max_block: Duration::from_millis(instance.settings.max_block_ms),
        when_busy: instance.settings.when_busy,
        deadline: LOCK_DEADLINE,
        copy_deadline: COPY_DEADLINE,
    };
    if sources.is_empty() {
        return Ok(CaptureSummary {
            started_at: Timestamp::now(),
            window: Duration::ZERO,
            exact: true,
            warnings: Vec::new(),
        });
    }
    let scratch = run.folder("capture")?;
    let stop = act.cancel.child();
    thread::scope(|scope| {
        // Unbounded: a copy that nobody fetches waits on disk, never under a lock that the service's writers need.
        let (send, captured) = crossbeam_channel::unbounded();
        let (sources, scratch, options) = (&sources, &scratch, &options);
        let (stop_capture, observer) = (stop.clone(), act.observer);
        meter.hush();
        let capturing = scope.spawn(move || {
            let captured = database::capture(
                sources,
                scratch,
                options,
                &stop_capture,
                observer,
                &mut |c| {
                    // The receiver is gone only when packing failed; its error is the one that is reported.
                    let _ = send.send(c);
                },
            );
            meter.speak();
            captured
        });
        let packed = databases::Packing {
            packer,
            instance,
            components: &databases,
            findings,
            run,
            meter,
            stop: &stop,
        }
        .pack(&captured);
        if packed.is_err() {
            stop.cancel();
        }
        let summary = match capturing.join() {
            Ok(summary) => summary,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        packed?;
        Ok(summary?)
    })
}

impl Findings {
    fn warn(&mut self, code: &str, component: &str, message: String) {
        self.warnings
            .push(Warning::new(code, Some(component), message));
    }
}
