//! What the verbs answer: the shapes of the command line's JSON and of the window's data.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::destination::TestCheck;
use crate::model::manifest::Manifest;
use crate::model::problem::ArchiveProblem;
use crate::model::retention::{DeleteReason, ForeignReason, KeepReason};
use crate::model::{ArchiveType, ExecutionStatus, HookKind, Problem, RetentionPolicy, Warning};
use crate::service::sentences::retention;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct BackupReport {
    pub run_id: String,
    pub executions: Vec<BackupExecution>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct BackupExecution {
    pub id: String,
    /// Its name.
    pub destination: String,
    /// The file name; None where nothing was written.
    pub archive: Option<String>,
    pub status: ExecutionStatus,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub size_bytes: Option<u64>,
    #[cfg_attr(test, ts(type = "number | null"))]
    pub compressed_size_bytes: Option<u64>,
    pub sha256: Option<String>,
    pub warnings: Vec<Warning>,
    /// Why this destination has no archive.
    pub problem: Option<Problem>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ArchiveRow {
    /// Its name.
    pub destination: String,
    pub name: String,
    /// The instance's name as in the archive's name.
    pub instance: String,
    #[serde(rename = "type")]
    pub archive_type: ArchiveType,
    #[cfg_attr(test, ts(type = "string"))]
    pub created_at: Timestamp,
    #[cfg_attr(test, ts(type = "number"))]
    pub compressed_size_bytes: u64,
    pub encrypted: bool,
    pub pinned: bool,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub verified_at: Option<Timestamp>,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub drilled_at: Option<Timestamp>,
    pub execution_id: String,
    pub status: ExecutionStatus,
    /// Of another installation, signed by nobody that is known, or of the TACACS+ server's own backup: no policy deletes it.
    pub foreign: bool,
}

/// An archive as its place shows it now, whether it is in the catalogue or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrowsedArchive {
    /// Its path below the destination's base: with the destination's name in front of it and a colon between, an ARCHIVE.
    pub key: String,
    pub name: String,
    pub size: u64,
    pub modified: Option<Timestamp>,
    /// The execution of its record; None: it is not in the catalogue.
    pub known: Option<String>,
    /// As in the list of archives.
    pub foreign: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum SignatureVerdict {
    ThisInstallation,
    Known,
    Unknown,
    None,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ShowReport {
    pub archive: String,
    pub signature: SignatureVerdict,
    /// Minisign's 16 hex digits, where it is signed.
    pub key_id: Option<String>,
    /// What does not hold of what the archive claims: name, instance, sequence, manifest digest.
    pub claims_broken: Vec<String>,
    pub manifest: Manifest,
    #[cfg_attr(test, ts(type = "number"))]
    pub compressed_size_bytes: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub fetched_bytes: u64,
}

/// Of `verify` and `drill`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct CheckReport {
    pub archive: String,
    pub ok: bool,
    pub problems: Vec<ArchiveProblem>,
    #[cfg_attr(test, ts(type = "number"))]
    pub fetched_bytes: u64,
    /// None where it could not be opened: then only the file's digest was compared with our records.
    pub signature: Option<SignatureVerdict>,
    /// What does not hold of what the archive claims.
    pub claims_broken: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RestoreReport {
    pub execution_id: String,
    /// A path that serves as ARCHIVE.
    #[serde(with = "crate::model::path_text::optional")]
    #[cfg_attr(test, ts(type = "string | null"))]
    pub safety_backup: Option<PathBuf>,
    pub components: Vec<RestoredComponent>,
    pub restart_required: bool,
    #[cfg_attr(test, ts(type = "number"))]
    pub fetched_bytes: u64,
    pub warnings: Vec<Warning>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RestoredComponent {
    pub name: String,
    /// `restored`, `removed` (undo of what a restore made), `unchanged`.
    pub status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ExtractReport {
    #[serde(with = "crate::model::path_text::all")]
    #[cfg_attr(test, ts(type = "string[]"))]
    pub files: Vec<PathBuf>,
    #[cfg_attr(test, ts(type = "number"))]
    pub fetched_bytes: u64,
    pub signature: SignatureVerdict,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TestReport {
    pub ok: bool,
    pub checks: Vec<TestCheck>,
    /// What the place presented where it is not trusted, as the setting `fingerprint` takes it: for a person to compare.
    pub fingerprint: Option<String>,
}

/// Of a hook that was run to see what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct HookReport {
    pub hook: HookKind,
    pub ok: bool,
    /// None where it was ended from outside.
    pub exit_status: Option<i32>,
    /// How long it took.
    pub seconds: f64,
    /// The end of what it said.
    pub output: String,
    /// Why it is not good.
    pub problem: Option<Problem>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct CatalogueReport {
    pub destination: String,
    #[cfg_attr(test, ts(type = "number"))]
    pub found: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub added: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub removed: u64,
    #[cfg_attr(test, ts(type = "number"))]
    pub foreign: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RetentionSettings {
    pub destination: String,
    /// None: everything stays.
    pub policy: Option<RetentionPolicy>,
}

/// Of a preview: what would become of everything at a destination. Of the real thing: what became of it. Newest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RetentionReport {
    pub destination: String,
    pub policy: Option<RetentionPolicy>,
    pub keep: Vec<KeptArchive>,
    pub delete: Vec<DeletedArchive>,
    pub foreign: Vec<ForeignArchive>,
    /// What should have gone and could not. Empty of a preview.
    pub failed: Vec<RetentionFailure>,
    /// File names that the catalogue has and the destination does not: they count for nothing.
    pub missing: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RetentionSubject {
    /// `DEST:NAME`.
    pub archive: String,
    /// None of what is not in the catalogue.
    pub execution_id: Option<String>,
    /// The instance's name as in the archive's name.
    pub instance: String,
    #[serde(rename = "type")]
    pub archive_type: ArchiveType,
    #[cfg_attr(test, ts(type = "string"))]
    pub created_at: Timestamp,
    /// None where it is not known.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub sequence: Option<u64>,
    #[cfg_attr(test, ts(type = "number"))]
    pub compressed_size_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct KeptArchive {
    #[serde(flatten)]
    pub subject: RetentionSubject,
    #[serde(flatten)]
    pub reason: KeepReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct DeletedArchive {
    #[serde(flatten)]
    pub subject: RetentionSubject,
    #[serde(flatten)]
    pub reason: DeleteReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ForeignArchive {
    #[serde(flatten)]
    pub subject: RetentionSubject,
    #[serde(flatten)]
    pub reason: ForeignReason,
}

impl RetentionSubject {
    /// What they are listed by.
    #[must_use]
    pub fn age_order(&self) -> (Timestamp, Option<u64>, &str) {
        (self.created_at, self.sequence, &self.archive)
    }
}

impl KeptArchive {
    /// For people: completes "it stays: …".
    #[must_use]
    pub fn why(&self) -> String {
        retention::kept(&self.reason)
    }
}

impl DeletedArchive {
    #[must_use]
    pub fn why(&self) -> &'static str {
        retention::deleted(self.reason)
    }
}

impl ForeignArchive {
    #[must_use]
    pub fn why(&self) -> &'static str {
        retention::foreign(self.reason)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RetentionFailure {
    /// `DEST:NAME`.
    pub archive: String,
    pub problem: Problem,
}

/// Of `delete`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct DeleteReport {
    pub archive: String,
    pub deleted: bool,
    pub warnings: Vec<Warning>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct StatusReport {
    pub state: State,
    pub sentence: String,
    /// What the sentence says, for whoever says it in another language.
    pub reason: StatusReason,
    /// The instances or schedules that the reason is about.
    pub concerned: Vec<String>,
    /// The one behind it, where there is one.
    pub problem: Option<Problem>,
    pub instances: Vec<InstanceStatus>,
    /// What does not change how things stand, and wants to be looked after: the data folder's own place, news that did not arrive.
    pub warnings: Vec<Warning>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum State {
    Well,
    Attention,
    Failing,
}

/// Why things stand as they do; the worst of what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum StatusReason {
    NotSetUp,
    KeysLost,
    NoInstance,
    /// The last backup of an instance did not succeed.
    BackupFailed,
    /// No verified backup of an instance yet.
    NotVerified,
    /// The last verified backup of an instance is older than `alarm_days`.
    Overdue,
    /// The last run of a schedule did not end well; `concerned` are schedules, here and below.
    ScheduleFailed,
    /// What a schedule needs is gone or disabled.
    ScheduleCannotRun,
    /// A schedule waits for something, or is being tried again.
    ScheduleWaits,
    /// The job store is corrupt, locked or newer: nothing runs.
    SchedulesUnusable,
    Well,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct InstanceStatus {
    pub name: String,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub last_verified_at: Option<Timestamp>,
    /// The signed time of the newest archive that was verified.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub restorable_as_of: Option<Timestamp>,
    #[cfg_attr(test, ts(type = "string | null"))]
    pub next_run: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RecipientRow {
    pub recipient: String,
    pub name: String,
    /// Whether this installation holds its identity.
    pub own: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ImportReport {
    pub recipient: String,
    pub verification_key: String,
    /// Key id of the kit's signer, now known.
    pub signer: String,
    /// Destinations that were added.
    pub destinations: Vec<String>,
    /// Destinations whose name was taken.
    pub destinations_skipped: Vec<String>,
    /// `id name path` of the kit's instances: they come by `instance add --from`.
    pub instances: Vec<crate::keys::kit::KitInstance>,
}
