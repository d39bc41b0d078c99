//! The verbs that look and change nothing: `show`, `verify`, `drill`.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::archive::{OpenError, UnpackPolicy};
use crate::model::manifest::{CheckResult, ContentEntry, ContentType};
use crate::model::problem::ArchiveProblem;
use crate::model::{CheckLevel, Execution, ExecutionKind, ExecutionStatus, Phase};
use crate::service::backup::new_execution;
use crate::service::error::was_cancelled;
use crate::service::located::Located;
use crate::service::opened::Opened;
use crate::service::ranges::Hashing;
use crate::service::report::{CheckReport, ShowReport};
use crate::service::watched::Meter;
use crate::service::{Act, ArchiveRef, BackupService, Error, Result, space};
use crate::source::database;
use crate::store::Access;

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

    /// Every byte: all hashes and signatures, and the file's digest where we have a record of it. Without an identity the digest alone;
    /// neither possible is an error.
    pub fn verify(&self, archive: &ArchiveRef, act: &Act<'_>) -> Result<CheckReport> {
        self.checked(ExecutionKind::Verify, archive, act, |located| {
            let expected = located.recorded_digest();
            let (mut source, fetched) = located.source(act)?;
            let mut hashing = None;
            if expected.is_some() {
                let around = Arc::new(Hashing::new(source));
                source = Arc::clone(&around) as _;
                hashing = Some(around);
            }
            let opened = match self.open_located(located.clone(), source, fetched, act) {
                Ok(opened) => opened,
                Err(
                    error @ (Error::Keys(_)
                    | Error::NotInitialised
                    | Error::Open(
                        OpenError::NoKey | OpenError::NoPassphrase | OpenError::WrongKey,
                    )),
                ) => return compare_digest(located, error, act),
                Err(error) => return unopened(located, error),
            };
            let found = opened.archive.verify(act.cancel, act.observer);
            let mut problems =
                found.or_else(|e| as_problem(was_cancelled(e.into(), act.cancel)))?;
            if let Some((hashing, expected)) = hashing.zip(expected) {
                match hashing.finish(act.cancel) {
                    Ok(found) if found == expected => {}
                    Ok(_) => problems.push(digest_differs()),
                    // What was found is worth more than what cannot be read any more.
                    Err(_) if !problems.is_empty() => {}
                    Err(cause) => {
                        return Err(was_cancelled(OpenError::Read(cause).into(), act.cancel));
                    }
                }
            }
            Ok(report(&opened, problems))
        })
    }

    /// A restore into scratch that decrypts, opens and checks everything.
    pub fn drill(&self, archive: &ArchiveRef, act: &Act<'_>) -> Result<CheckReport> {
        self.checked(ExecutionKind::Drill, archive, act, |located| {
            let run = self.begin_run(act)?;
            match self.open_archive(archive, act) {
                Ok(opened) => {
                    space::require(run.workspace(), opened.archive.manifest.total_size_bytes)?;
                    let problems = drill_into(&opened, &run.folder("drill")?, act);
                    let problems =
                        problems.or_else(|e| as_problem(was_cancelled(e, act.cancel)))?;
                    Ok(report(&opened, problems))
                }
                Err(error) => unopened(located, error),
            }
        })
    }

    /// Leaves a record of the check, also where it could not be carried out.
    fn checked(
        &self,
        kind: ExecutionKind,
        archive: &ArchiveRef,
        act: &Act<'_>,
        check: impl FnOnce(&Located) -> Result<CheckReport>,
    ) -> Result<CheckReport> {
        let began = Timestamp::now();
        let done = self.locate(archive, act).and_then(|located| {
            let report = check(&located)?;
            Ok((located, report))
        });
        match done {
            Ok((located, report)) => {
                // On a read-only data folder the answer is worth having without a record of it.
                if let Some(record) = located.execution
                    && self.store.access() == Access::Full
                {
                    self.record_check(record, kind, began, &report, act)?;
                }
                Ok(report)
            }
            Err(error) => {
                if error.needs_passphrase() {
                    // Nothing was tried yet: it is asked for, and begun again.
                    return Err(error);
                }
                // The error that led here is the one to report, whether it can be written down or not.
                if let Ok(Some(record)) = self.record_of(archive) {
                    let _ = self.record_failure(&record, kind, began, &error, act);
                }
                Err(error)
            }
        }
    }

    /// Both on the record of the archive and, where it is of an instance, as an act of its own in the history.
    fn record_check(
        &self,
        record: Execution,
        kind: ExecutionKind,
        began: Timestamp,
        report: &CheckReport,
        act: &Act<'_>,
    ) -> Result<()> {
        // Opening it may have filled its record, or found that it is of no instance of ours.
        let mut record = self.store.execution(&record.id)?.unwrap_or(record);
        let now = Timestamp::now();
        if let Some(mut done) = self.check_of(&record, kind, began, act)? {
            done.completed_at = Some(now);
            done.status = if report.ok {
                ExecutionStatus::Completed
            } else {
                ExecutionStatus::Failed
            };
            done.error_message = report.problems.first().map(|p| p.message.clone());
            self.store.insert_execution(&done)?;
        }
        match (kind, report.ok) {
            (ExecutionKind::Drill, true) => record.drilled_at = Some(now),
            (_, true) => {}
            // What is damaged now is not verified any more, whatever it was once.
            (_, false) => record.drilled_at = None,
        }
        record.verified_at = report.ok.then_some(now);
        Ok(self.store.update_execution(&record)?)
    }

    /// It says nothing about the archive, whose record stays as it is.
    fn record_failure(
        &self,
        record: &Execution,
        kind: ExecutionKind,
        began: Timestamp,
        error: &Error,
        act: &Act<'_>,
    ) -> Result<()> {
        let Some(mut failed) = self.check_of(record, kind, began, act)? else {
            return Ok(());
        };
        failed.completed_at = Some(Timestamp::now());
        failed.status = if error.is_cancelled() {
            ExecutionStatus::Cancelled
        } else {
            ExecutionStatus::Failed
        };
        failed.error_message = Some(error.problem().message);
        Ok(self.store.insert_execution(&failed)?)
    }

    /// The record of a check of the archive that `record` is of. None where its instance is gone.
    fn check_of(
        &self,
        record: &Execution,
        kind: ExecutionKind,
        began: Timestamp,
        act: &Act<'_>,
    ) -> Result<Option<Execution>> {
        let Some(id) = record.instance_id.as_ref() else {
            return Ok(None);
        };
        let Some(instance) = self.store.instance_by_id(id)? else {
            return Ok(None);
        };
        let place = record.destination_id.as_deref();
        Ok(Some(Execution {
            started_at: began,
            backup_filename: record.backup_filename.clone(),
            backup_path: record.backup_path.clone(),
            ..new_execution(kind, place, &instance, &act.run_id(), &act.triggered_by)
        }))
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

/// What is wrong with it is all that could be found out.
fn unopened(located: &Located, error: Error) -> Result<CheckReport> {
    Ok(CheckReport {
        archive: located.label.clone(),
        ok: false,
        problems: as_problem(error)?,
        fetched_bytes: 0,
        signature: None,
        claims_broken: Vec::new(),
    })
}

fn digest_differs() -> ArchiveProblem {
    ArchiveProblem {
        code: "digest_differs".to_owned(),
        entry: None,
        message:
            "its bytes are not the ones that were written: the SHA-256 differs from our record"
                .to_owned(),
    }
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
    let Some(expected) = located.recorded_digest() else {
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
    Ok(CheckReport {
        archive: located.label.clone(),
        ok: same,
        problems: if same {
            Vec::new()
        } else {
            vec![digest_differs()]
        },
        fetched_bytes: located.size,
        signature: None,
        claims_broken: Vec::new(),
    })
}
