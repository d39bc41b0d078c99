//! The demonstration's own installation: data folder, key file, one instance, one local destination.

use std::fs;
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use walkdir::WalkDir;

use super::stuck;
use crate::cli::error::{Error, Result};
use crate::cli::session::Session;
use crate::keys::Backend;
use crate::model::{ArchiveType, DestinationType};
use crate::service::{
    Accept, Act, ArchiveRef, BackupRequest, BackupService, NewDestination, NewInstance,
    RestoreRequest,
};

/// What is damaged and restored.
pub(super) const COMPONENT: &str = "devices";
const INSTANCE: &str = "sample";
const DESTINATION: &str = "here";

pub(super) struct Stage<'a> {
    scratch: PathBuf,
    service: BackupService,
    act: Act<'a>,
    /// One-line minisign base64.
    pub verification_key: String,
}

/// The archive as a file and by its name.
pub(super) struct Stored {
    pub path: PathBuf,
    pub name: String,
    pub size: u64,
}

impl<'a> Stage<'a> {
    pub fn set_up(scratch: &Path, live: &Path, session: &'a Session) -> Result<Self> {
        let act = session.act()?;
        let service = BackupService::open(&scratch.join("holdfast"), Backend::File)?;
        let verification_key = service.init()?.verification_key;
        let instance = NewInstance {
            name: INSTANCE.to_owned(),
            path: live.to_owned(),
            template: None,
            from: None,
            exclude: Vec::new(),
        };
        service.add_instance(&instance, &Accept::default(), &act)?;
        let place = scratch.join("archives");
        fs::create_dir(&place).map_err(stuck("making a place for archives"))?;
        service.add_destination(&NewDestination {
            name: DESTINATION.to_owned(),
            destination_type: DestinationType::Local,
            settings: vec![("base_path".to_owned(), place.to_string_lossy().into_owned())],
            secrets: Vec::<(String, SecretString)>::new(),
        })?;
        Ok(Self {
            scratch: scratch.to_owned(),
            service,
            act,
            verification_key,
        })
    }

    /// Backs up; the archive is what is then found at the place.
    pub fn back_up(&self) -> Result<Stored> {
        let request = BackupRequest {
            instance: INSTANCE.to_owned(),
            to: vec![DESTINATION.to_owned()],
            comment: "made by `holdfast demo`".to_owned(),
            encrypt: true,
            archive_type: ArchiveType::Manual,
        };
        self.service.backup(&request, &self.act)?;
        self.act.cancel.check()?;
        only_file(&self.scratch.join("archives"))
    }

    /// Rows of the restored component's own table: now and in the archive.
    pub fn planned(&self, archive: &Stored) -> Result<(Option<u64>, Option<u64>)> {
        let components = [COMPONENT.to_owned()];
        let plan = self
            .service
            .plan(&reference(archive), INSTANCE, &components, &self.act)?;
        let rows = plan
            .components
            .first()
            .and_then(|c| c.tables.get(COMPONENT));
        Ok(rows.map_or((None, None), |r| (r.live, r.archive)))
    }

    /// Returns the execution's id.
    pub fn restore(&self, archive: &Stored) -> Result<String> {
        let request = RestoreRequest {
            archive: reference(archive),
            instance: INSTANCE.to_owned(),
            components: vec![COMPONENT.to_owned()],
            confirm: INSTANCE.to_owned(),
            accept: Accept::default(),
        };
        Ok(self.service.restore(&request, &self.act)?.execution_id)
    }

    pub fn undo(&self, execution: &str) -> Result<()> {
        self.service.undo(execution, INSTANCE, &self.act)?;
        Ok(())
    }

    /// The recovery kit as a file.
    pub fn recovery_kit(&self) -> Result<PathBuf> {
        let kit = self.scratch.join("kit.txt");
        self.service.export_kit(&kit)?;
        Ok(kit)
    }

    /// A folder for what comes out of the archive.
    pub fn opened(&self) -> Result<PathBuf> {
        let folder = self.scratch.join("opened");
        fs::create_dir(&folder).map_err(stuck("making a folder for the archive's content"))?;
        Ok(folder)
    }
}

fn reference(archive: &Stored) -> ArchiveRef {
    ArchiveRef(format!("{DESTINATION}:{}", archive.name))
}

fn only_file(place: &Path) -> Result<Stored> {
    const STEP: &str = "looking for the archive";
    let mut found = Vec::new();
    for entry in WalkDir::new(place) {
        let entry = entry.map_err(stuck(STEP))?;
        if entry.file_type().is_file() {
            found.push(Stored {
                path: entry.path().to_owned(),
                name: entry.file_name().to_string_lossy().into_owned(),
                size: entry.metadata().map_err(stuck(STEP))?.len(),
            });
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        n => Err(Error::Demo {
            step: STEP,
            cause: format!("{n} files lie at the destination, there should be one").into(),
        }),
    }
}
