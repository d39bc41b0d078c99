//! A data folder with keys, a sample instance and a local destination, all in one scratch folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use holdfast::destination::{self, local::Local};
use holdfast::keys::Backend;
use holdfast::model::{ArchiveType, Cancel, DestinationType, Instance, NoObserver};
use holdfast::service::report::BackupReport;
use holdfast::service::sample::{self, SampleSize};
use holdfast::service::{
    Accept, Act, ArchiveRef, BackupRequest, BackupService, Error, NewDestination, NewInstance,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::faulty::Faulty;

pub struct House {
    pub root: TempDir,
    pub service: BackupService,
    pub cancel: Cancel,
    /// Destinations that are not what they seem, by name.
    broken: Broken,
}

type Broken = Arc<Mutex<BTreeMap<String, Arc<Faulty>>>>;

pub const INSTANCE: &str = "tacacs-1";

impl House {
    /// Set up, with a small sample instance and a destination called `vault`.
    pub fn new() -> Self {
        let house = Self::empty();
        sample::create(&house.instance_dir(), SampleSize::SMALL).unwrap();
        house.service.init().unwrap();
        house.add_instance(None).unwrap();
        house.add_local("vault");
        house
    }

    /// A data folder and nothing else.
    pub fn empty() -> Self {
        let root = TempDir::new().unwrap();
        let service = BackupService::open(&root.path().join("data"), Backend::File).unwrap();
        let broken = Broken::default();
        let known = Arc::clone(&broken);
        let service = service.with_places(Box::new(move |config, secrets| {
            match known.lock().unwrap().get(&config.name) {
                Some(faulty) => Ok(Arc::clone(faulty) as _),
                None => destination::open(config, secrets),
            }
        }));
        Self {
            root,
            service,
            cancel: Cancel::new(),
            broken,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn instance_dir(&self) -> PathBuf {
        self.path("instance")
    }

    pub fn act(&self) -> Act<'_> {
        Act {
            cancel: &self.cancel,
            observer: &NoObserver,
            triggered_by: "cli".to_owned(),
            run_id: None,
            passphrase: None,
        }
    }

    pub fn add_instance(&self, from: Option<&str>) -> Result<Instance, Error> {
        let new = NewInstance {
            name: INSTANCE.to_owned(),
            path: self.instance_dir(),
            template: None,
            from: from.map(|a| ArchiveRef(a.to_owned())),
            exclude: Vec::new(),
        };
        self.service
            .add_instance(&new, &Accept::default(), &self.act())
    }

    pub fn add_local(&self, name: &str) -> PathBuf {
        let folder = self.path(name);
        fs::create_dir_all(&folder).unwrap();
        let new = NewDestination {
            name: name.to_owned(),
            destination_type: DestinationType::Local,
            settings: vec![("base_path".to_owned(), folder.display().to_string())],
            secrets: Vec::new(),
        };
        self.service.add_destination(&new).unwrap();
        folder
    }

    /// From now on the destination of this name is on a network, and has these faults; it is added where it is not there yet.
    pub fn break_place(&self, name: &str, faults: impl FnOnce(Faulty) -> Faulty) -> Arc<Faulty> {
        let known = self.service.destinations().unwrap();
        if !known.iter().any(|known| known.name == name) {
            self.add_local(name);
        }
        let config = self.service.destination(name).unwrap();
        let place = Arc::new(Local::open(&config).unwrap());
        let faulty = Arc::new(faults(Faulty::remote(place)));
        let mut broken = self.broken.lock().unwrap();
        broken.insert(name.to_owned(), Arc::clone(&faulty));
        faulty
    }

    pub fn backup(&self) -> BackupReport {
        self.backup_to(&["vault"]).unwrap()
    }

    /// To no destination yet.
    pub fn request() -> BackupRequest {
        BackupRequest {
            instance: INSTANCE.to_owned(),
            to: Vec::new(),
            comment: "before the upgrade".to_owned(),
            encrypt: true,
            archive_type: ArchiveType::Manual,
        }
    }

    pub fn backup_to(&self, to: &[&str]) -> Result<BackupReport, Error> {
        let request = BackupRequest {
            to: to.iter().map(|t| (*t).to_owned()).collect(),
            ..Self::request()
        };
        self.service.backup(&request, &self.act())
    }

    /// `vault:NAME` of a fresh backup.
    pub fn archive(&self) -> ArchiveRef {
        let report = self.backup();
        ArchiveRef(format!(
            "vault:{}",
            report.executions[0].archive.clone().unwrap()
        ))
    }

    pub fn database(&self, file: &str) -> PathBuf {
        self.instance_dir().join("data").join(file)
    }
}

/// Every file below a folder, by its path relative to it.
pub fn files_below(dir: &Path) -> Vec<PathBuf> {
    let walk = walkdir::WalkDir::new(dir).sort_by_file_name();
    let files = walk
        .into_iter()
        .map(Result::unwrap)
        .filter(|e| e.file_type().is_file());
    files
        .map(|e| e.path().strip_prefix(dir).unwrap().to_owned())
        .collect()
}

pub fn digest(path: &Path) -> String {
    hex::encode(Sha256::digest(fs::read(path).unwrap()))
}

pub fn count(path: &Path, table: &str) -> i64 {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection
        .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })
        .unwrap()
}

pub fn digests_below(dir: &Path) -> BTreeMap<PathBuf, String> {
    files_below(dir)
        .into_iter()
        .map(|f| (f.clone(), digest(&dir.join(f))))
        .collect()
}
