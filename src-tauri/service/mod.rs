//! The verbs: back up, verify, drill, plan, restore, undo, extract, and what is around them. The only place that brings source, archive,
//! destination, store and keys together. It asks nobody and shows nothing: the command line and the window do.

pub mod error;
pub mod report;
pub mod sample;

mod assemble;
mod backup;
mod catalogue;
mod check;
mod delete;
mod destinations;
mod extract;
mod held;
pub mod hooks;
mod instances;
mod kit;
mod located;
mod old;
mod opened;
mod ranges;
pub mod restore;
mod retention;
mod run;
mod safety;
mod scheduled;
mod sentences;
mod setup;
mod shrink;
mod space;
mod status;
mod trustees;
mod watched;

use std::path::{Path, PathBuf};

use secrecy::SecretString;

use crate::destination;
use crate::keys::{self, Backend, SecretStore};
use crate::model::{ArchiveType, Cancel, DestinationType, NoObserver, Observer, Template};
use crate::store::{Access, Store, StoreError};

pub use crate::keys::PublicKeys;
pub use crate::store::Signer;
pub(crate) use destinations::login_name;
pub use error::Error;
pub(crate) use error::at;
pub use retention::Shrunk;
pub(crate) use run::{make_private, private_file};

pub type Result<T> = std::result::Result<T, Error>;

/// Everything Holdfast does, over one data folder. Several of them may work on one folder, in one process or in several.
pub struct BackupService {
    pub(crate) data_dir: PathBuf,
    pub(crate) store: Store,
    pub(crate) secrets: Box<dyn SecretStore>,
    backend: Backend,
    places: Box<destination::Open>,
}

/// What an act is given besides its arguments.
pub struct Act<'a> {
    pub cancel: &'a Cancel,
    pub observer: &'a dyn Observer,
    /// `cli`, `window`, `schedule:NAME`.
    pub triggered_by: String,
    /// The run's id, where it was given one before it began: unique, 32 hex digits.
    pub run_id: Option<String>,
    /// For an archive that is sealed to one. None: that of the environment (`HOLDFAST_PASSPHRASE`), where there is one.
    pub passphrase: Option<SecretString>,
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

/// For acts that nobody watches or stops.
static NOBODY: NoObserver = NoObserver;

impl Act<'static> {
    /// Without an observer, and never cancelled.
    #[must_use]
    pub fn quiet() -> Self {
        static NEVER: std::sync::LazyLock<Cancel> = std::sync::LazyLock::new(Cancel::new);
        Self {
            cancel: &NEVER,
            observer: &NOBODY,
            triggered_by: String::new(),
            run_id: None,
            passphrase: None,
        }
    }
}

impl<'a> Act<'a> {
    /// The same act, for an archive that is sealed to this passphrase.
    #[must_use]
    pub fn with_passphrase(self, passphrase: SecretString) -> Act<'a> {
        Act {
            passphrase: Some(passphrase),
            ..self
        }
    }
}

impl BackupService {
    /// Opens the data folder (made if need be, 0700), the store, and ends what a dead process left: `interrupted` rows, workspaces,
    /// journals of restores. One on a read-only file system can be looked at: what would write to it fails, and says so.
    pub fn open(data_dir: &Path, backend: Backend) -> Result<Self> {
        make_private(data_dir)?;
        let data_dir = data_dir.canonicalize().map_err(|e| at(data_dir, e))?;
        let store = open_store(&data_dir)?;
        // Read first: a full disk is no reason not to look at what there is.
        let scope = if let Some(scope) = store.setting("installation")? {
            scope
        } else {
            let fresh = uuid::Uuid::new_v4().simple().to_string();
            store.setting_or_insert("installation", &fresh)?
        };
        // Who chose the file once has no keys anywhere else.
        let backend = match (backend, store.setting("keys.backend")?.as_deref()) {
            (Backend::Keyring, Some("file")) => Backend::File,
            (chosen, _) => chosen,
        };
        let service = Self {
            secrets: keys::open(backend, &data_dir, &scope),
            store,
            data_dir,
            backend,
            places: Box::new(destination::open),
        };
        if service.store.access() == Access::Full {
            service.sweep_dead_runs()?;
            restore::recover(&service.data_dir, &service.store)?;
        }
        Ok(service)
    }

    /// The same, with destinations that are opened in another way: for places that are not what they should be.
    #[must_use]
    pub fn with_places(mut self, places: Box<destination::Open>) -> Self {
        self.places = places;
        self
    }

    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }
}

fn open_store(data_dir: &Path) -> Result<Store> {
    match Store::open(data_dir) {
        Err(StoreError::ReadOnly(_) | StoreError::Io { .. }) if space::is_read_only(data_dir) => {
            Ok(Store::open_for_reading(data_dir)?)
        }
        opened => Ok(opened?),
    }
}
