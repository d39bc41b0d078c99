//! The recovery kit: the one way in which secrets leave this installation, and the way back in on another machine.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::keys::{self, kit};
use crate::service::error::at;
use crate::service::report::ImportReport;
use crate::service::{BackupService, Error, Result};

/// A kit is a page of text; more than this is another file picked by mistake.
const LARGEST_KIT: u64 = 4 << 20;

impl BackupService {
    /// As a new 0600 file.
    pub fn export_kit(&self, out: &Path) -> Result<()> {
        let keys = self.require_keys()?;
        let text = kit::write(&kit::Kit {
            created_at: jiff::Timestamp::now(),
            identities: self.identities()?,
            recipient: keys.recipient,
            verification_key: keys.verification_key,
            instances: self
                .store
                .instances()?
                .into_iter()
                .map(|i| kit::KitInstance {
                    id: i.id.to_string(),
                    name: i.name,
                    path: i.path.display().to_string(),
                })
                .collect(),
            destinations: self.store.destinations()?,
        });
        let mut file = match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(out)
        {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(Error::Taken {
                    what: "file",
                    name: out.display().to_string(),
                });
            }
            opened => opened.map_err(|e| at(out, e))?,
        };
        let written = file
            .write_all(text.expose_secret().as_bytes())
            .and_then(|()| file.sync_all());
        written.map_err(|e| {
            // Half a kit must not be taken for one.
            let _ = std::fs::remove_file(out);
            at(out, e)
        })
    }

    /// On an empty data folder: does what `init` does, with a signing key of its own. The kit's identities join the keys, its
    /// verification key becomes a known signer, its destinations are added where their name is free.
    pub fn import_kit(&self, file: &Path) -> Result<ImportReport> {
        if self.public_keys()?.is_some() {
            return Err(Error::NotEmptyInstallation);
        }
        let size = file.metadata().map_err(|e| at(file, e))?.len();
        if size > LARGEST_KIT {
            return Err(Error::Kit(kit::KitError::NotAKit(format!(
                "it has {size} bytes"
            ))));
        }
        let text: SecretString = std::fs::read_to_string(file)
            .map_err(|e| at(file, e))?
            .into();
        let kit = kit::read(&text)?;
        let own = self.init()?;
        for identity in &kit.identities {
            keys::add_imported_identity(&*self.secrets, identity)?;
        }
        let signer = self.add_signer(&kit.verification_key, "recovery kit")?;
        let (mut destinations, mut skipped) = (Vec::new(), Vec::new());
        for destination in kit.destinations {
            if self.store.destination(&destination.name)?.is_some() {
                skipped.push(destination.name);
            } else {
                self.store.insert_destination(&destination)?;
                destinations.push(destination.name);
            }
        }
        Ok(ImportReport {
            recipient: own.recipient,
            verification_key: own.verification_key,
            signer: signer.key_id,
            destinations,
            destinations_skipped: skipped,
            instances: kit.instances,
        })
    }
}
