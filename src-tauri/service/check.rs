//! The verbs that look and change nothing: `show`, `verify`, `drill`.

use std::io::Read;
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::archive::{OpenError, UnpackPolicy};
use crate::model::manifest::{CheckResult, ContentEntry, ContentType};
use crate::model::problem::ArchiveProblem;
use crate::model::{CheckLevel, Execution, ExecutionKind, ExecutionStatus, Phase};
use crate::service::backup::new_execution;
use crate::service::error::was_cancelled;
use crate::service::opened::{Located, Opened};
use crate::service::report::{CheckReport, ShowReport};
use crate::service::watched::Meter;
use crate::service::{Act, ArchiveRef, BackupService, Error, Result, space};
use crate::source::database;

impl BackupService {
    /// Reads only the tail.
    pub fn show(&self, archive: &ArchiveRef, act: &Act<'_>) -> Result<ShowReport> {
        let opened = self.open_archive(archive, act)?;
        let fetched_bytes = opened.fetched_bytes();
        Ok(ShowReport {
            archive: opened.located.label,
            signature: opened.verdict,
            key_id: opened.key_id,
            claims_broken: opened.broken,
            manifest: opened.archive.manifest,
            compressed_size_bytes: opened.located.size,
            fetched_bytes,
        })
    }

    /// Every byte. Without an identity the file's digest against our records; neither possible is an error.
    pub fn verify(&self, archive: &ArchiveRef, act: &Act<'_>) -> Result<CheckReport> {
        let located = self.locate(archive, act)?;
        let report = match self.open_archive(archive, act) {
            Ok(opened) => {
                let found = opened.archive.verify(act.cancel, act.observer);
                let problems =
                    found.or_else(|e| as_problem(was_cancelled(e.into(), act.cancel)))?;
                report(&opened, problems)
            }
            Err(
                error @ (Error::Keys(_)
                | Error::NotInitialised
                | Error::Open(OpenError::NoKey | OpenError::WrongKey)),
            ) => compare_digest(&located, error, act)?,
            Err(error) => CheckReport {
                archive: located.label.clone(),
                ok: false,
                problems: as_problem(error)?,
                fetched_bytes: 0,
                signature: None,
                claims_broken: Vec::new(),
            },
        };
        self.record_check(&located, ExecutionKind::Verify, &report, act)?;
        Ok(report)
    }

    /// A restore into scratch that decrypts, opens and checks everything.
    pub fn drill(&self, archive: &ArchiveRef, act: &Act<'_>) -> Result<CheckReport> {
        let located = self.locate(archive, act)?;
        let run = self.begin_run()?;
        let report = match self.open_archive(archive, act) {
            Ok(opened) => {
                space::require(run.workspace(), opened.archive.manifest.total_size_bytes)?;
                let problems = drill_into(&opened, &run.folder("drill")?, act);
                report(
                    &opened,
                    problems.or_else(|e| as_problem(was_cancelled(e, act.cancel)))?,
                )
            }
            Err(error) => CheckReport {
                archive: located.label.clone(),
                ok: false,
                problems: as_problem(error)?,
                fetched_bytes: 0,
                signature: None,
                claims_broken: Vec::new(),
            },
        };
        self.record_check(&located, ExecutionKind::Drill, &report, act)?;
        Ok(report)
    }

    /// Both as an act of its own in the history and, where it went well, on the record of the archive.
    fn record_check(
        &self,
        located: &Located,
        kind: ExecutionKind,
        report: &CheckReport,
        act: &Act<'_>,
    ) -> Result<()> {
        let Some(record) = &located.execution else {
            return Ok(());
        };
        let Some(instance) = record.instance_id.as_ref() else {
            return Ok(());
        };
        let Some(instance) = self.store.instance_by_id(instance)? else {
            return Ok(());
        };
        let now = Timestamp::now();
        let done = Execution {
            completed_at: Some(now),
            status: if report.ok {
                ExecutionStatus::Completed
            } else {
                ExecutionStatus::Failed
            },
            backup_filename: record.backup_filename.clone(),
            backup_path: record.backup_path.clone(),
            error_message: report.problems.first().map(|p| p.message.clone()),
            ..new_execution(
                kind,
                record.destination_id.as_deref(),
                &instance,
                &uuid_of_run(),
                &act.triggered_by,
            )
        };
        self.store.insert_execution(&done)?;
        let mut record = record.clone();
        match (kind, report.ok) {
            (ExecutionKind::Drill, true) => record.drilled_at = Some(now),
            (_, true) => {}
            // What is damaged now is not verified any more, whatever it was once.
            (_, false) => record.drilled_at = None,
        }
        record.verified_at = report.ok.then_some(now);
        Ok(self.store.update_execution(&record)?)
    }
}

fn report(opened: &Opened, problems: Vec<ArchiveProblem>) -> CheckReport {
    CheckReport {
        archive: opened.located.label.clone(),
        ok: problems.is_empty(),
        problems,
        fetched_bytes: opened.fetched_bytes(),
        signature: Some(opened.verdict),
        claims_broken: opened.broken.clone(),
    }
}

fn uuid_of_run() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn drill_into(opened: &Opened, dir: &Path, act: &Act<'_>) -> Result<Vec<ArchiveProblem>> {
    let manifest = &opened.archive.manifest;
    let components: Vec<String> = manifest.components.iter().map(|c| c.name.clone()).collect();
    let policy = UnpackPolicy {
        trusted: false,
        owners: false,
        with_metadata: true,
    };
    opened
        .archive
        .unpack(&components, dir, &policy, act.cancel, act.observer)?;
    act.tell(Phase::Checking, &opened.located.label);
    let mut problems = Vec::new();
    for entry in manifest
        .contents
        .iter()
        .filter(|c| c.content_type == ContentType::Database)
    {
        act.cancel.check()?;
        problems.extend(check_database(entry, dir, act)?);
    }
    Ok(problems)
}

/// What the manifest says of a database must be what the restored one says of itself.
fn check_database(
    entry: &ContentEntry,
    dir: &Path,
    act: &Act<'_>,
) -> Result<Option<ArchiveProblem>> {
    let Some(claimed) = &entry.database else {
        return Ok(Some(problem(
            "database_facts_missing",
            entry,
            "the manifest does not describe it".to_owned(),
        )));
    };
    let (facts, _) = database::examine(&dir.join(entry.file_path()), CheckLevel::Full, act.cancel)?;
    Ok(if facts.check == CheckResult::Damaged {
        Some(problem(
            "database_damaged",
            entry,
            "its integrity check fails".to_owned(),
        ))
    } else if facts.tables != claimed.tables {
        Some(problem(
            "rows_differ",
            entry,
            "its tables do not have the rows that the manifest says".to_owned(),
        ))
    } else if facts.schema_sha256 != claimed.schema_sha256 {
        Some(problem(
            "schema_differs",
            entry,
            "its schema is not the one that the manifest says".to_owned(),
        ))
    } else {
        None
    })
}

fn problem(code: &str, entry: &ContentEntry, message: String) -> ArchiveProblem {
    ArchiveProblem {
        code: code.to_owned(),
        entry: Some(entry.file.clone()),
        message,
    }
}

/// What is wrong with the archive is a finding; anything else that went wrong is not its fault.
fn as_problem(error: Error) -> Result<Vec<ArchiveProblem>> {
    match error {
        Error::Open(
            OpenError::Refused { .. } | OpenError::NotAnArchive(_) | OpenError::UnknownVersion(_),
        ) => {
            let words = error.problem();
            let entry = match &error {
                Error::Open(OpenError::Refused { entry, .. }) => entry.clone(),
                _ => None,
            };
            Ok(vec![ArchiveProblem {
                code: words.code,
                entry,
                message: words.message,
            }])
        }
        error => Err(error),
    }
}

/// The whole file's SHA-256 against the one that was computed while it was written.
fn compare_digest(located: &Located, no_key: Error, act: &Act<'_>) -> Result<CheckReport> {
    let Some(expected) = located
        .execution
        .as_ref()
        .and_then(|e| e.archive_sha256.as_deref())
    else {
        return Err(no_key);
    };
    let (source, _) = located.source(act)?;
    let meter = Meter::new(act, Phase::Verifying, located.size);
    let inner = source
        .read_range(0, located.size)
        .map_err(OpenError::Read)?;
    let mut reader = meter.reader(inner, &located.label);
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 256 << 10]);
    loop {
        let n = reader
            .read(&mut buffer)
            .map_err(|e| was_cancelled(OpenError::Read(e).into(), act.cancel))?;
        if n == 0 {
            break;
        }
        hash.update(buffer.get(..n).unwrap_or_default());
    }
    let same = hex::encode(hash.finalize()) == expected;
    let differs = ArchiveProblem {
        code: "digest_differs".to_owned(),
        entry: None,
        message:
            "its bytes are not the ones that were written: the SHA-256 differs from our record"
                .to_owned(),
    };
    Ok(CheckReport {
        archive: located.label.clone(),
        ok: same,
        problems: if same { Vec::new() } else { vec![differs] },
        fetched_bytes: located.size,
        signature: None,
        claims_broken: Vec::new(),
    })
}
