//! Destinations: where archives go, and what is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::destination::retry::Patience;
use crate::destination::{self, Call, Destination, DestinationError};
use crate::model::instance::is_instance_name;
use crate::model::{DestinationConfig, DestinationType};
use crate::service::report::TestReport;
use crate::service::{Act, BackupService, Error, NewDestination, Result};

/// How long a test of a place may take in all: on a line of 16 KiB/s it is done by then.
const TESTING: Duration = Duration::from_mins(30);

impl Act<'_> {
    pub(crate) fn call(&self) -> Call<'_> {
        Call::new(self.cancel, self.observer)
    }
}

impl BackupService {
    pub fn add_destination(&self, new: &NewDestination) -> Result<DestinationConfig> {
        if !is_instance_name(&new.name) {
            return Err(Error::BadValue {
                what: "name of a destination",
                value: new.name.clone(),
                reason: "it takes 1 to 64 letters, digits, `-` and `_`".to_owned(),
            });
        }
        if self.store.destination(&new.name)?.is_some() {
            return Err(Error::Taken {
                what: "destination",
                name: new.name.clone(),
            });
        }
        let config = DestinationConfig {
            id: uuid::Uuid::new_v4().simple().to_string(),
            name: new.name.clone(),
            destination_type: new.destination_type,
            enabled: true,
            config: new.settings.iter().cloned().collect(),
            created_at: Timestamp::now(),
            created_by: login_name(),
            last_backup_at: None,
            last_backup_status: None,
        };
        self.keep_destination(&config, new, |store, config| {
            store.insert_destination(config)
        })?;
        Ok(config)
    }

    /// Changes settings and secrets that are named; an empty setting is removed. The type stays.
    pub fn set_destination(&self, change: &NewDestination) -> Result<DestinationConfig> {
        let mut config = self.destination(&change.name)?;
        if config.destination_type != change.destination_type {
            return Err(Error::BadValue {
                what: "type of this destination",
                value: change.destination_type.as_str().to_owned(),
                reason: format!(
                    "it is {}; add another destination instead",
                    config.destination_type.as_str()
                ),
            });
        }
        for (key, value) in &change.settings {
            if value.is_empty() {
                config.config.remove(key);
            } else {
                config.config.insert(key.clone(), value.clone());
            }
        }
        self.keep_destination(&config, change, |store, config| {
            store.update_destination(config)
        })?;
        Ok(config)
    }

    /// Nothing is kept of a destination that its type would not open.
    fn keep_destination(
        &self,
        config: &DestinationConfig,
        given: &NewDestination,
        keep: impl FnOnce(
            &crate::store::Store,
            &DestinationConfig,
        ) -> std::result::Result<(), crate::store::StoreError>,
    ) -> Result<()> {
        let mut secrets =
            self.destination_secrets(&config.id, secret_names(config.destination_type))?;
        for (name, secret) in &given.secrets {
            if !secret_names(config.destination_type).contains(&name.as_str()) {
                return Err(Error::NoSuchSetting {
                    what: "secret of this type of destination",
                    name: name.clone(),
                });
            }
            if is_empty(secret) {
                secrets.remove(name);
            } else {
                secrets.insert(name.clone(), secret.clone());
            }
        }
        destination::open(config, &secrets).map_err(|cause| match cause.kind {
            destination::ErrorKind::Config => Error::BadDestination {
                name: config.name.clone(),
                cause,
            },
            _ => failed(config, cause),
        })?;
        let place = |name: &str| format!("destination/{}/{name}", config.id);
        let (forgotten, kept): (Vec<_>, Vec<_>) = given
            .secrets
            .iter()
            .partition(|(_, secret)| is_empty(secret));
        for (name, secret) in kept {
            self.secrets.set(&place(name), secret)?;
        }
        keep(&self.store, config)?;
        // Last: what could not be kept signs in as it did.
        for (name, _) in forgotten {
            self.secrets.delete(&place(name))?;
        }
        Ok(())
    }

    pub fn destinations(&self) -> Result<Vec<DestinationConfig>> {
        Ok(self.store.destinations()?)
    }

    pub fn destination(&self, name: &str) -> Result<DestinationConfig> {
        self.store.destination(name)?.ok_or_else(|| Error::Unknown {
            what: "destination",
            name: name.to_owned(),
        })
    }

    pub fn enable_destination(&self, name: &str, enabled: bool) -> Result<()> {
        let mut config = self.destination(name)?;
        config.enabled = enabled;
        Ok(self.store.update_destination(&config)?)
    }

    /// Its archives stay where they are.
    pub fn remove_destination(&self, name: &str) -> Result<()> {
        let config = self.destination(name)?;
        for secret in secret_names(config.destination_type) {
            self.secrets
                .delete(&format!("destination/{}/{secret}", config.id))?;
        }
        Ok(self.store.remove_destination(&config.id)?)
    }

    /// Whether what is sent there, the password too, can be read on the way.
    pub fn is_in_clear(&self, config: &DestinationConfig) -> Result<bool> {
        Ok(self.open_destination(config)?.capabilities().in_clear)
    }

    pub fn test_destination(&self, name: &str, act: &Act<'_>) -> Result<TestReport> {
        let config = self.destination(name)?;
        let place = self.open_destination(&config)?;
        // Who asks waits for the answer.
        let call = Call {
            deadline: Instant::now().checked_add(TESTING),
            patience: Some(Patience::NONE),
            ..act.call()
        };
        let tested = destination::test(&*place, &call);
        act.cancel.check()?;
        Ok(TestReport {
            ok: tested.checks.iter().all(|check| check.ok),
            checks: tested.checks,
            fingerprint: tested.presented,
        })
    }

    /// Bytes; None where the place does not tell.
    pub fn free_space(&self, name: &str, act: &Act<'_>) -> Result<Option<u64>> {
        let config = self.destination(name)?;
        let place = self.open_destination(&config)?;
        place
            .free_space(&act.call())
            .map_err(|cause| failed(&config, cause))
    }

    pub(crate) fn open_destination(
        &self,
        config: &DestinationConfig,
    ) -> Result<Arc<dyn Destination>> {
        let names = secret_names(config.destination_type);
        let secrets = if names.is_empty() {
            BTreeMap::new()
        } else {
            self.destination_secrets(&config.id, names)?
        };
        (self.places)(config, &secrets).map_err(|cause| failed(config, cause))
    }
}

pub(crate) fn failed(config: &DestinationConfig, cause: DestinationError) -> Error {
    if cause.kind == destination::ErrorKind::Cancelled {
        return Error::Cancelled(crate::model::Cancelled);
    }
    Error::Destination {
        name: config.name.clone(),
        cause,
    }
}

/// An empty one is to be forgotten.
fn is_empty(secret: &SecretString) -> bool {
    secret.expose_secret().is_empty()
}

/// What a type keeps in the keyring.
fn secret_names(kind: DestinationType) -> &'static [&'static str] {
    match kind {
        DestinationType::Local => &[],
        DestinationType::Sftp => &["password", "private_key_passphrase"],
        DestinationType::Ftp | DestinationType::Webdav => &["password"],
        DestinationType::S3 => &["access_key_id", "secret_access_key"],
        DestinationType::Azure => &["account_key", "sas_token", "connection_string"],
    }
}

/// Of the user this process runs as; the number where it has none.
pub(crate) fn login_name() -> String {
    uzers::get_current_username().map_or_else(
        || uzers::get_current_uid().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
