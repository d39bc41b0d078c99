//! Holdfast's own secrets: in the OS keyring, or in a 0600 file where the user chose that. They leave in one way: the recovery kit.

mod error;
mod file;
mod keyring;
pub mod kit;
mod pairs;

use std::path::Path;

use secrecy::SecretString;

pub use error::KeyError;
pub use pairs::{
    PublicKeys, add_imported_identity, create, identity, imported_identities, signing_key,
};

/// A place of secrets, by name. Names: `identity`, `signing_key`, `destination/{id}/{key}`, …
pub trait SecretStore: Send + Sync {
    /// None only where the place is open and surely has no such entry.
    fn get(&self, name: &str) -> Result<Option<SecretString>, KeyError>;
    fn set(&self, name: &str, secret: &SecretString) -> Result<(), KeyError>;
    /// Missing is success.
    fn delete(&self, name: &str) -> Result<(), KeyError>;
    /// Asks the user to open the place and waits for the answer; `Locked` at once where nobody can be asked. No other call ever asks.
    fn unlock(&self) -> Result<(), KeyError> {
        // A place without a lock is open.
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The Secret Service of the session.
    Keyring,
    /// `keys.json` in the data folder.
    File,
}

/// Opens lazily: no service is a later `NoService`, retried at each call. `scope` (the data folder's own random id) keeps two
/// installations of one user apart in the keyring.
#[must_use]
pub fn open(backend: Backend, data_dir: &Path, scope: &str) -> Box<dyn SecretStore> {
    match backend {
        Backend::Keyring => Box::new(keyring::Keyring::new(scope)),
        Backend::File => Box::new(file::KeyFile::new(data_dir)),
    }
}
