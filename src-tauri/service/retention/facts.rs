//! What the decision is told: the catalogue's records and what lies at the destination, brought together. Only what is at both, and is the
//! same at both, counts; it changes nothing.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;

use super::{SHRINK_ACCEPTED, Scope, Shrunk};
use crate::destination::Listed;
use crate::model::retention::{
    Condition, ForeignReason, KeepReason, Origin, StoredArchive, Verdict, decide,
};
use crate::model::{
    ArchiveName, ArchiveType, Execution, ExecutionKind, ExecutionStatus, InstanceId,
    RetentionPolicy,
};
use crate::service::destinations::failed;
use crate::service::report::{
    DeletedArchive, ForeignArchive, KeptArchive, RetentionReport, RetentionSubject,
};
use crate::service::shrink::SHRANK;
use crate::service::{Act, BackupService, Result};
use crate::store::ExecutionFilter;

/// What becomes of everything that lies there.
pub(super) struct Plan {
    pub policy: Option<RetentionPolicy>,
    /// Newest first.
    pub planned: Vec<Planned>,
    /// File names that the catalogue has and the destination does not.
    pub missing: Vec<String>,
}

pub(super) struct Planned {
    pub subject: RetentionSubject,
    /// None of what is not in the catalogue.
    pub record: Option<Execution>,
    pub verdict: Verdict,
}

impl BackupService {
    /// By this policy.
    pub(super) fn plan_retention(
        &self,
        scope: Scope<'_>,
        policy: Option<RetentionPolicy>,
        act: &Act<'_>,
    ) -> Result<Plan> {
        let config = scope.config;
        let place = self.open_destination(config)?;
        let mut there: BTreeMap<String, Listed> = BTreeMap::new();
        let listed = place.list("", &act.call(), &mut |entry: Listed| {
            let path = entry.key.as_str().to_owned();
            if scope.instance.is_none_or(|id| owner(&path) == id.as_str()) {
                there.insert(path, entry);
            }
            Ok(())
        });
        listed.map_err(|e| failed(config, e))?;
        let records = self.store.executions(&ExecutionFilter {
            destination_id: Some(config.id.clone()),
            instance_id: scope.instance.cloned(),
            kind: Some(ExecutionKind::Backup),
            archives_only: true,
            ..ExecutionFilter::default()
        })?;
        let mut seen: HashMap<&str, usize> = HashMap::new();
        for path in records.iter().filter_map(|r| r.backup_path.as_deref()) {
            *seen.entry(path).or_default() += 1;
        }
        let grounds = self.grounds(&records, scope)?;
        let (mut archives, mut subjects, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        for record in &records {
            let path = record.backup_path.as_deref().unwrap_or_default();
            let Some(entry) = there.get(path) else {
                missing.extend(record.backup_filename.clone());
                continue;
            };
            let known_once = seen.get(path) == Some(&1);
            let (archive, subject) = self.fact(record, entry, known_once, &grounds)?;
            archives.push(archive);
            subjects.push((subject, Some(record.clone())));
        }
        let verdicts = decide(&archives, policy.as_ref(), Timestamp::now());
        let of_catalogue = subjects.into_iter().zip(verdicts);
        let mut planned: Vec<Planned> = of_catalogue
            .map(|((subject, record), verdict)| Planned {
                subject,
                record,
                verdict,
            })
            .collect();
        let uncatalogued = there
            .iter()
            .filter(|(path, _)| !seen.contains_key(&***path));
        planned.extend(uncatalogued.filter_map(|(_, entry)| {
            Some(Planned {
                subject: subject(&config.name, entry)?,
                record: None,
                verdict: Verdict::Foreign(ForeignReason::NotInCatalogue),
            })
        }));
        planned.sort_by(|a, b| b.subject.age_order().cmp(&a.subject.age_order()));
        Ok(Plan {
            policy,
            planned,
            missing,
        })
    }

    fn grounds(&self, records: &[Execution], scope: Scope<'_>) -> Result<Grounds> {
        let instances = self.store.instances()?.into_iter().map(|i| i.id);
        let mut grounds = Grounds {
            destination: scope.config.name.clone(),
            instances: instances.collect(),
            shrunk: HashSet::new(),
            read_by_restores: HashSet::new(),
        };
        let of_records: HashSet<&InstanceId> = records
            .iter()
            .filter_map(|r| r.instance_id.as_ref())
            .collect();
        for id in of_records {
            if scope.shrunk == Shrunk::Stops && !self.not_accepted(id)?.is_empty() {
                grounds.shrunk.insert(id.clone());
            }
        }
        let running = self.store.executions(&ExecutionFilter {
            status: Some(ExecutionStatus::Running),
            ..ExecutionFilter::default()
        })?;
        grounds.read_by_restores = running
            .into_iter()
            .filter(|e| e.kind == ExecutionKind::Restore)
            .filter_map(|e| e.backup_path)
            .collect();
        Ok(grounds)
    }

    /// Backups of an instance, to wherever, that say that a table shrank.
    pub(super) fn not_accepted(&self, instance: &InstanceId) -> Result<Vec<Execution>> {
        let mut warned = self.store.warned(instance, SHRANK)?;
        warned.retain(|e| !e.warnings.iter().any(|w| w.code == SHRINK_ACCEPTED));
        Ok(warned)
    }

    fn fact(
        &self,
        record: &Execution,
        entry: &Listed,
        known_once: bool,
        grounds: &Grounds,
    ) -> Result<(StoredArchive, RetentionSubject)> {
        let name = record.backup_filename.as_deref().unwrap_or_default();
        let parsed: Option<ArchiveName> = name.parse().ok();
        let subject = RetentionSubject {
            archive: format!("{}:{name}", grounds.destination),
            execution_id: Some(record.id.clone()),
            instance: parsed
                .as_ref()
                .map_or_else(String::new, |n| n.instance.clone()),
            archive_type: parsed
                .as_ref()
                .map_or(ArchiveType::Manual, |n| n.archive_type),
            created_at: parsed.as_ref().map_or(record.started_at, |n| n.created_at),
            sequence: record.sequence,
            compressed_size_bytes: entry.size,
        };
        let instance_id = record.instance_id.clone();
        let known = instance_id
            .as_ref()
            .filter(|i| grounds.instances.contains(i));
        let origin = if known.is_none() {
            Origin::Foreign(ForeignReason::OtherInstance)
        } else if record.compressed_size_bytes != Some(entry.size) || !known_once {
            Origin::Foreign(ForeignReason::Changed)
        } else if parsed.is_none() {
            Origin::Foreign(ForeignReason::Unread)
        } else {
            self.origin(record)?
        };
        let condition = match (record.status, record.verified_at) {
            (ExecutionStatus::Completed, Some(_)) => Condition::Good,
            (ExecutionStatus::Completed, None) => Condition::NotVerified,
            _ => Condition::Partial,
        };
        let archive = StoredArchive {
            id: record.id.clone(),
            shrunk: known.is_some_and(|id| grounds.shrunk.contains(id)),
            // A record without one is foreign.
            instance_id: instance_id.unwrap_or_else(|| InstanceId::from_random(0)),
            archive_type: subject.archive_type,
            signed_at: subject.created_at,
            sequence: record.sequence.unwrap_or_default(),
            origin,
            condition,
            pinned: record.pinned,
            in_use: self.is_held(&record.id)?
                || grounds.read_by_restores.contains(&subject.archive),
        };
        Ok((archive, subject))
    }

    /// The digest of an archive is known where this installation has written it, with its own key. Of one that was found at a destination,
    /// the record joins the run that its manifest names only where the signature is this installation's or a known signer's.
    fn origin(&self, record: &Execution) -> Result<Origin> {
        Ok(if record.sequence.is_none() {
            Origin::Foreign(ForeignReason::Unread)
        } else if record.archive_sha256.is_some() || self.is_vouched_for(record)? {
            Origin::Known
        } else {
            Origin::Foreign(ForeignReason::UnknownSigner)
        })
    }

    pub(crate) fn is_vouched_for(&self, record: &Execution) -> Result<bool> {
        #[derive(serde::Deserialize)]
        struct Claims {
            backup_metadata: Claimed,
        }
        #[derive(serde::Deserialize)]
        struct Claimed {
            run_id: String,
            sequence: u64,
        }
        let text = self.store.manifest(&record.run_id)?;
        let claims = text.and_then(|text| serde_json::from_str::<Claims>(&text).ok());
        Ok(claims.is_some_and(|c| {
            let claimed = c.backup_metadata;
            claimed.run_id == record.run_id && Some(claimed.sequence) == record.sequence
        }))
    }
}

/// What several facts rest on.
struct Grounds {
    destination: String,
    instances: HashSet<InstanceId>,
    shrunk: HashSet<InstanceId>,
    /// `DEST:NAME`.
    read_by_restores: HashSet<String>,
}

/// The instance id in `{instance}-{id}/{type}/{file name}`.
fn owner(path: &str) -> &str {
    let folder = path.split('/').next().unwrap_or_default();
    folder.rsplit('-').next().unwrap_or_default()
}

/// Of what is not in the catalogue. None of what is no archive's name.
fn subject(destination: &str, entry: &Listed) -> Option<RetentionSubject> {
    let file = entry.key.as_str().rsplit('/').next()?;
    let name: ArchiveName = file.parse().ok()?;
    Some(RetentionSubject {
        archive: format!("{destination}:{file}"),
        execution_id: None,
        instance: name.instance,
        archive_type: name.archive_type,
        created_at: name.created_at,
        sequence: None,
        compressed_size_bytes: entry.size,
    })
}

impl Plan {
    /// As a preview.
    pub fn report(self, destination: &str) -> RetentionReport {
        let mut report = RetentionReport {
            destination: destination.to_owned(),
            policy: self.policy,
            keep: Vec::new(),
            delete: Vec::new(),
            foreign: Vec::new(),
            failed: Vec::new(),
            missing: self.missing,
        };
        for planned in self.planned {
            report.add(planned.subject, planned.verdict);
        }
        report
    }
}

impl RetentionReport {
    pub(super) fn add(&mut self, subject: RetentionSubject, verdict: Verdict) {
        match verdict {
            Verdict::Keep(reason) => self.keep.push(KeptArchive { subject, reason }),
            Verdict::Delete(reason) => self.delete.push(DeletedArchive { subject, reason }),
            Verdict::Foreign(reason) => self.foreign.push(ForeignArchive { subject, reason }),
        }
    }

    /// Whether something stays for this reason.
    pub(super) fn keeps_because(&self, is: impl Fn(&KeepReason) -> bool) -> bool {
        self.keep.iter().any(|kept| is(&kept.reason))
    }
}
