//! The Secret Service of the session (GNOME Keyring, `KWallet`, …). Each call connects anew, so a service that starts later is found, and
//! asks first whether the keyring is open: a locked one must never read as "no such entry", and no call may wait for a prompt that
//! nobody sees. It is `keyring-core` with its store, not `keyring`, whose default store is looked for once a process.

use std::collections::HashMap;
use std::env;
use std::time::Duration;

use keyring_core::Entry;
use keyring_core::api::CredentialStoreApi;
use secrecy::{ExposeSecret, SecretString};
use secret_service::blocking::SecretService;
use secret_service::{EncryptionType, Error as ServiceError};
use zbus_secret_service_keyring_store::Store;

use super::{KeyError, SecretStore};

const SERVICE: &str = "holdfast";
/// The bus itself gives a service 25 seconds to start.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

type Result<T> = std::result::Result<T, KeyError>;

pub(super) struct Keyring {
    scope: String,
}

impl Keyring {
    pub fn new(scope: &str) -> Self {
        Self {
            scope: scope.to_owned(),
        }
    }

    fn user(&self, name: &str) -> String {
        format!("{}/{name}", self.scope)
    }

    /// The entry, in a keyring that is open.
    fn entry(&self, name: &str) -> Result<Entry> {
        let user = self.user(name);
        require_open(&connect(answering()?)?, &user)?;
        let store = Store::new().map_err(|e| failed(name, e))?;
        let label = format!("Holdfast: {name}");
        store
            .build(
                SERVICE,
                &user,
                Some(&HashMap::from([("label", label.as_str())])),
            )
            .map_err(|e| failed(name, e))
    }
}

impl SecretStore for Keyring {
    fn get(&self, name: &str) -> Result<Option<SecretString>> {
        match self.entry(name)?.get_password() {
            Ok(secret) => Ok(Some(SecretString::from(secret))),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(e) => Err(failed(name, e)),
        }
    }

    fn set(&self, name: &str, secret: &SecretString) -> Result<()> {
        self.entry(name)?
            .set_password(secret.expose_secret())
            .map_err(|e| failed(name, e))
    }

    fn delete(&self, name: &str) -> Result<()> {
        match self.entry(name)?.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(e) => Err(failed(name, e)),
        }
    }

    fn unlock(&self) -> Result<()> {
        let service = connect(answering()?)?;
        match service.get_default_collection() {
            Ok(collection) if !collection.is_locked().map_err(|e| stopped(&e))? => return Ok(()),
            Ok(_) | Err(ServiceError::NoResult) => {}
            Err(e) => return Err(stopped(&e)),
        }
        if env::var_os("DISPLAY").is_none() && env::var_os("WAYLAND_DISPLAY").is_none() {
            return Err(KeyError::Locked);
        }
        // People answer in their own time, so this connection waits without end.
        let service = connect(bus(None)?)?;
        let opened = match service.get_default_collection() {
            Ok(collection) => collection.unlock(),
            // There is none yet: the prompt asks for its password.
            Err(ServiceError::NoResult) => service
                .create_collection("Default keyring", "default")
                .map(drop),
            Err(e) => Err(e),
        };
        opened.map_err(|e| stopped(&e))
    }
}

fn answering() -> Result<zbus::blocking::Connection> {
    bus(Some(ANSWER_TIMEOUT))
}

fn bus(timeout: Option<Duration>) -> Result<zbus::blocking::Connection> {
    let session = zbus::blocking::connection::Builder::session();
    let session = session.map(|builder| match timeout {
        Some(timeout) => builder.method_timeout(timeout),
        None => builder,
    });
    session
        .and_then(zbus::blocking::connection::Builder::build)
        .map_err(|e| KeyError::NoService(Some(Box::new(e))))
}

fn connect(bus: zbus::blocking::Connection) -> Result<SecretService<'static>> {
    SecretService::connect_with_existing(EncryptionType::Dh, bus)
        .map_err(|e| KeyError::NoService(Some(Box::new(e))))
}

/// `Locked` where the entry lies in a locked keyring, or is not found while the default one is locked. A service without a default
/// keyring is one that nobody has opened yet: what it does not show proves nothing.
fn require_open(service: &SecretService<'_>, user: &str) -> Result<()> {
    let attributes = HashMap::from([("service", SERVICE), ("username", user)]);
    let found = service.search_items(attributes).map_err(|e| stopped(&e))?;
    if !found.locked.is_empty() {
        return Err(KeyError::Locked);
    }
    if !found.unlocked.is_empty() {
        return Ok(());
    }
    match service.get_default_collection() {
        Ok(collection) if collection.is_locked().map_err(|e| stopped(&e))? => Err(KeyError::Locked),
        Ok(_) => Ok(()),
        Err(ServiceError::NoResult) => Err(KeyError::Locked),
        Err(e) => Err(stopped(&e)),
    }
}

fn stopped(error: &ServiceError) -> KeyError {
    match error {
        ServiceError::Locked | ServiceError::Prompt | ServiceError::PromptDisconnected => {
            KeyError::Locked
        }
        ServiceError::Unavailable => KeyError::NoService(None),
        other => KeyError::Service(other.to_string()),
    }
}

/// Some of these errors carry what was read: only their kind is told.
fn failed(name: &str, error: keyring_core::Error) -> KeyError {
    use keyring_core::Error;
    match error {
        Error::NoStorageAccess(_) => KeyError::Locked,
        Error::BadEncoding(_) | Error::BadDataFormat(..) => KeyError::Wrong(name.to_owned()),
        Error::Ambiguous(entries) => {
            KeyError::Service(format!("{} entries are called `{name}`", entries.len()))
        }
        Error::PlatformFailure(cause) => KeyError::Service(cause.to_string()),
        other => KeyError::Service(other.to_string()),
    }
}
