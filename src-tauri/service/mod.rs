//! The verbs: back up, verify, drill, plan, restore, undo, extract, and what is around them. The only place that brings source, archive,
//! destination, store and keys together. It asks nobody and shows nothing: the command line and the window do.

pub mod error;
pub mod report;
pub mod sample;

mod opened;
mod restore;
mod run;
mod safety;

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::keys::{Backend, PublicKeys, SecretStore};
use crate::model::plan::RestorePlan;
use crate::model::scan::Scan;
use crate::model::{
    ArchiveType, Cancel, DestinationConfig, DestinationType, Execution, Instance, Observer,
    Template,
};
use crate::store::{Signer, Store};

pub use error::Error;
use report::{
    ArchiveRow, BackupReport, CatalogueReport, CheckReport, ExtractReport, RestoreReport,
    ShowReport, StatusReport, TestReport,
};

type Result<T> = std::result::Result<T, Error>;

/// Everything Holdfast does, over one data folder. Several of them may work on one folder, in one process or in several.
pub struct BackupService {
    pub(crate) data_dir: PathBuf,
    pub(crate) store: Store,
    pub(crate) secrets: Box<dyn SecretStore>,
}

/// What an act is given besides its arguments.
pub struct Act<'a> {
    pub cancel: &'a Cancel,
    pub observer: &'a dyn Observer,
    /// `cli`, `window`, `schedule:NAME`.
    pub triggered_by: String,
}

/// `DEST:NAME`, an execution id, or a path to a file: told apart in this order of trial: an existing path, an execution id, `DEST:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveRef(pub String);

pub struct NewInstance {
    pub name: String,
    pub path: PathBuf,
    pub template: Option<Template>,
    pub from: Option<ArchiveRef>,
    pub exclude: Vec<String>,
}

pub struct NewDestination {
    pub name: String,
    pub destination_type: DestinationType,
    pub settings: Vec<(String, String)>,
    pub secrets: Vec<(String, SecretString)>,
}

pub struct BackupRequest {
    pub instance: String,
    /// Names of destinations, at least one.
    pub to: Vec<String>,
    pub comment: String,
    /// False: this once without encryption, whatever the instance says.
    pub encrypt: bool,
    pub archive_type: ArchiveType,
}

pub struct RestoreRequest {
    pub archive: ArchiveRef,
    pub instance: String,
    /// Empty: all of them.
    pub components: Vec<String>,
    /// Must be the instance's name.
    pub confirm: String,
    pub accept: Accept,
}

/// What the user accepts of an archive that is not surely this installation's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accept {
    pub unsigned: bool,
    /// A key id.
    pub signer: Option<String>,
    pub mismatch: bool,
}

#[derive(Clone, Debug, Default)]
pub struct ArchiveFilter {
    pub destination: Option<String>,
    pub instance: Option<String>,
}

impl BackupService {
    /// Opens the data folder (made if need be, 0700), the store, and ends what a dead process left: `interrupted` rows, workspaces,
    /// journals of restores.
    pub fn open(_data_dir: &Path, _backend: Backend) -> Result<Self> {
        todo!()
    }
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        todo!()
    }
    /// Keys and store; done already is success.
    pub fn init(&self) -> Result<PublicKeys> {
        todo!()
    }
    /// None before `init`.
    pub fn public_keys(&self) -> Result<Option<PublicKeys>> {
        todo!()
    }
    pub fn status(&self) -> Result<StatusReport> {
        todo!()
    }

    pub fn scan(
        &self,
        _dir: &Path,
        _template: Option<Template>,
        _exclude: &[String],
    ) -> Result<Scan> {
        todo!()
    }
    pub fn add_instance(
        &self,
        _new: &NewInstance,
        _accept: &Accept,
        _act: &Act<'_>,
    ) -> Result<Instance> {
        todo!()
    }
    pub fn instances(&self) -> Result<Vec<Instance>> {
        todo!()
    }
    pub fn instance(&self, _name: &str) -> Result<Instance> {
        todo!()
    }
    /// The instance as `scan` sees it now.
    pub fn instance_scan(&self, _name: &str) -> Result<Scan> {
        todo!()
    }
    /// `K=V`, in order; `exclude` repeated makes the whole list.
    pub fn set_instance(&self, _name: &str, _changes: &[(String, String)]) -> Result<Instance> {
        todo!()
    }
    /// Its archives stay where they are.
    pub fn remove_instance(&self, _name: &str) -> Result<()> {
        todo!()
    }

    pub fn add_destination(&self, _new: &NewDestination) -> Result<DestinationConfig> {
        todo!()
    }
    pub fn set_destination(&self, _change: &NewDestination) -> Result<DestinationConfig> {
        todo!()
    }
    pub fn destinations(&self) -> Result<Vec<DestinationConfig>> {
        todo!()
    }
    pub fn destination(&self, _name: &str) -> Result<DestinationConfig> {
        todo!()
    }
    pub fn enable_destination(&self, _name: &str, _enabled: bool) -> Result<()> {
        todo!()
    }
    /// Its archives stay where they are.
    pub fn remove_destination(&self, _name: &str) -> Result<()> {
        todo!()
    }
    pub fn test_destination(&self, _name: &str, _act: &Act<'_>) -> Result<TestReport> {
        todo!()
    }
    pub fn rebuild_catalogue(&self, _destination: &str, _act: &Act<'_>) -> Result<CatalogueReport> {
        todo!()
    }

    /// An error is a run that never began; what happened at each destination is in the report.
    pub fn backup(&self, _request: &BackupRequest, _act: &Act<'_>) -> Result<BackupReport> {
        todo!()
    }
    pub fn archives(&self, _filter: &ArchiveFilter) -> Result<Vec<ArchiveRow>> {
        todo!()
    }
    /// Reads only the tail.
    pub fn show(&self, _archive: &ArchiveRef, _act: &Act<'_>) -> Result<ShowReport> {
        todo!()
    }
    pub fn verify(&self, _archive: &ArchiveRef, _act: &Act<'_>) -> Result<CheckReport> {
        todo!()
    }
    pub fn drill(&self, _archive: &ArchiveRef, _act: &Act<'_>) -> Result<CheckReport> {
        todo!()
    }
    pub fn plan(
        &self,
        _archive: &ArchiveRef,
        _instance: &str,
        _components: &[String],
        _act: &Act<'_>,
    ) -> Result<RestorePlan> {
        todo!()
    }
    pub fn restore(&self, _request: &RestoreRequest, _act: &Act<'_>) -> Result<RestoreReport> {
        todo!()
    }
    pub fn undo(
        &self,
        _execution_id: &str,
        _confirm: &str,
        _act: &Act<'_>,
    ) -> Result<RestoreReport> {
        todo!()
    }
    pub fn extract(
        &self,
        _archive: &ArchiveRef,
        _to: &Path,
        _components: &[String],
        _act: &Act<'_>,
    ) -> Result<ExtractReport> {
        todo!()
    }
    /// Create-only.
    pub fn download(&self, _archive: &ArchiveRef, _to: &Path, _act: &Act<'_>) -> Result<()> {
        todo!()
    }
    /// `confirm` must be the archive's file name.
    pub fn delete(&self, _archive: &ArchiveRef, _confirm: &str, _act: &Act<'_>) -> Result<()> {
        todo!()
    }
    pub fn pin(&self, _archive: &ArchiveRef, _pinned: bool) -> Result<()> {
        todo!()
    }
    /// Newest first.
    pub fn history(&self, _limit: Option<u64>) -> Result<Vec<Execution>> {
        todo!()
    }

    pub fn recipients(&self) -> Result<Vec<report::RecipientRow>> {
        todo!()
    }
    pub fn add_recipient(&self, _recipient: &str, _name: &str) -> Result<()> {
        todo!()
    }
    pub fn remove_recipient(&self, _recipient: &str) -> Result<()> {
        todo!()
    }
    pub fn signers(&self) -> Result<Vec<Signer>> {
        todo!()
    }
    pub fn add_signer(&self, _verification_key: &str, _name: &str) -> Result<Signer> {
        todo!()
    }
    pub fn remove_signer(&self, _key_id: &str) -> Result<()> {
        todo!()
    }
    /// The recovery kit, as a new 0600 file.
    pub fn export_kit(&self, _out: &Path) -> Result<()> {
        todo!()
    }
    pub fn import_kit(&self, _file: &Path) -> Result<report::ImportReport> {
        todo!()
    }
    pub fn settings(&self) -> Result<std::collections::BTreeMap<String, String>> {
        todo!()
    }
    pub fn set_settings(&self, _changes: &[(String, String)]) -> Result<()> {
        todo!()
    }
}
