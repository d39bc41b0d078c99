//! What the decision is told: the catalogue's records and what lies at the destination, brought together. Only what is at both, and is the
//! same at both, counts; it changes nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::{SHRINK_ACCEPTED, Scope, Shrunk};
use crate::destination::Listed;
use crate::model::retention::{
    Condition, ForeignReason, KeepReason, Origin, StoredArchive, Verdict, decide,
};
use crate::model::{
    Execution, ExecutionKind, ExecutionStatus, InstanceId, Placed, RetentionPolicy,
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
        let mut records = self.store.executions(&ExecutionFilter {
            destination_id: Some(config.id.clone()),
            kind: Some(ExecutionKind::Backup),
            archives_only: true,
            ..ExecutionFilter::default()
        })?;
        // Not by the record's instance: that of a stranger's archive is none, wherever it lies.
        records.retain(|r| r.backup_path.as_deref().is_some_and(|p| concerns(scope, p)));
        let mut there: BTreeMap<String, Listed> = BTreeMap::new();
        for folder in self.folders(scope, &records)? {
            let listed = scope.place.list(&folder, &act.call(), &mut |entry| {
                let path = entry.key.as_str().to_owned();
                if concerns(scope, &path) {
                    there.insert(path, entry);
                }
                Ok(())
            });
            listed.map_err(|e| failed(config, e))?;
        }
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
            // What lies where no archive lies has no record.
            let Some(placed) = Placed::of(path) else {
                continue;
            };
            let known_once = seen.get(path) == Some(&1);
            let (archive, subject) = self.fact(record, entry, &placed, known_once, &grounds)?;
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
        planned.extend(uncatalogued.filter_map(|(path, entry)| {
            Some(Planned {
                subject: subject(&config.name, entry, &Placed::of(path)?),
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

    /// Where the archives lie that it is about: all over the place, or in an instance's folder, of which it has one for each name it had.
    fn folders(&self, scope: Scope<'_>, records: &[Execution]) -> Result<BTreeSet<String>> {
        let Some(id) = scope.instance else {
            return Ok(BTreeSet::from([String::new()]));
        };
        let paths = records.iter().filter_map(|r| r.backup_path.as_deref());
        let mut folders: BTreeSet<String> = paths
            .filter_map(|path| Some(path.split_once('/')?.0.to_owned()))
            .collect();
        let now = self.store.instance_by_id(id)?;
        folders.extend(now.map(|instance| format!("{}-{id}", instance.name)));
        Ok(folders)
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
        placed: &Placed,
        known_once: bool,
        grounds: &Grounds,
    ) -> Result<(StoredArchive, RetentionSubject)> {
        let subject = RetentionSubject {
            execution_id: Some(record.id.clone()),
            sequence: record.sequence,
            ..subject(&grounds.destination, entry, placed)
        };
        let instance_id = record.instance_id.clone();
        let known = instance_id
            .as_ref()
            .filter(|i| grounds.instances.contains(i));
        let foreign = if instance_id.is_none() {
            Some(ForeignReason::UnknownSigner)
        } else if known.is_none() {
            Some(ForeignReason::OtherInstance)
        } else if record.compressed_size_bytes != Some(entry.size) || !known_once {
            Some(ForeignReason::Changed)
        } else if !record.is_vouched_for() {
            Some(ForeignReason::Unread)
        } else {
            None
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
            origin: foreign.map_or(Origin::Known, Origin::Foreign),
            condition,
            pinned: record.pinned,
            in_use: self.is_held(&record.id)?
                || grounds.read_by_restores.contains(&subject.archive),
        };
        Ok((archive, subject))
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

/// By the folder that it lies in.
fn concerns(scope: Scope<'_>, path: &str) -> bool {
    scope.instance.is_none_or(
        |wanted| matches!(Placed::of(path), Some(Placed::Holdfast { id, .. }) if id == *wanted),
    )
}

/// Of what is not in the catalogue.
fn subject(destination: &str, entry: &Listed, placed: &Placed) -> RetentionSubject {
    RetentionSubject {
        archive: format!("{destination}:{}", entry.key.file_name()),
        execution_id: None,
        instance: placed.instance().to_owned(),
        archive_type: placed.archive_type(),
        created_at: placed.created_at(),
        sequence: None,
        compressed_size_bytes: entry.size,
    }
}

impl Plan {
    /// As a preview.
    pub fn report(self, destination: &str) -> RetentionReport {
        let mut report = RetentionReport {
            missing: self.missing,
            ..RetentionReport::new(destination, self.policy)
        };
        for planned in self.planned {
            report.add(planned.subject, planned.verdict);
        }
        report
    }
}

impl RetentionReport {
    /// Of nothing yet.
    pub(super) fn new(destination: &str, policy: Option<RetentionPolicy>) -> Self {
        Self {
            destination: destination.to_owned(),
            policy,
            keep: Vec::new(),
            delete: Vec::new(),
            foreign: Vec::new(),
            failed: Vec::new(),
            missing: Vec::new(),
        }
    }

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
