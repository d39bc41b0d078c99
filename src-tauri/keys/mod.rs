//! Holdfast's own secrets: in the OS keyring, or in a 0600 file where the user chose that. They leave in one way: the recovery kit.

use std::io;
use std::path::Path;

use secrecy::SecretString;

/// A place of secrets, by name. Names: `identity`, `signing_key`, `destination/{id}/{key}`, …
pub trait SecretStore: Send + Sync {
    /// None only where the place is open and surely has no such entry.
    fn get(&self, name: &str) -> Result<Option<SecretString>, KeyError>;
    fn set(&self, name: &str, secret: &SecretString) -> Result<(), KeyError>;
    /// Missing is success.
    fn delete(&self, name: &str) -> Result<(), KeyError>;
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
pub fn open(_backend: Backend, _data_dir: &Path, _scope: &str) -> Box<dyn SecretStore> {
    todo!()
}

/// The public halves, remembered in the settings: what the secrets must belong to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct PublicKeys {
    /// `age1…`
    pub recipient: String,
    /// One-line minisign base64.
    pub verification_key: String,
}

/// Makes both key pairs and stores them. Only where the settings remember none.
pub fn create(_store: &dyn SecretStore) -> Result<PublicKeys, KeyError> {
    todo!()
}

/// The identity that belongs to `keys.recipient`.
pub fn identity(
    _store: &dyn SecretStore,
    _keys: &PublicKeys,
) -> Result<age::x25519::Identity, KeyError> {
    todo!()
}

/// Further identities (of imported kits); empty where there are none.
pub fn imported_identities(
    _store: &dyn SecretStore,
) -> Result<Vec<age::x25519::Identity>, KeyError> {
    todo!()
}

pub fn add_imported_identity(
    _store: &dyn SecretStore,
    _identity: &age::x25519::Identity,
) -> Result<(), KeyError> {
    todo!()
}

/// The key that belongs to `keys.verification_key`.
pub fn signing_key(
    _store: &dyn SecretStore,
    _keys: &PublicKeys,
) -> Result<minisign::SecretKey, KeyError> {
    todo!()
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("no keyring service answers")]
    NoService(#[source] Option<Box<dyn std::error::Error + Send + Sync>>),
    #[error("the keyring is locked")]
    Locked,
    /// The settings remember a key that the place does not have.
    #[error("`{0}` is not in the keyring")]
    Missing(String),
    /// What is there belongs to other public keys, or is no key.
    #[error("`{0}` in the keyring is not the key that the settings remember")]
    Wrong(String),
    #[error("the key file cannot be used")]
    File(#[source] io::Error),
    #[error("the keyring failed: {0}")]
    Service(String),
}

/// What the recovery kit holds: one text file, the identity in a form that `age -i` takes, all else as comments.
pub mod kit {
    use super::SecretString;
    use crate::model::DestinationConfig;

    pub struct Kit {
        pub identities: Vec<age::x25519::Identity>,
        pub recipient: String,
        pub verification_key: String,
        pub instances: Vec<KitInstance>,
        /// Without secrets.
        pub destinations: Vec<DestinationConfig>,
    }

    #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
    #[cfg_attr(test, derive(ts_rs::TS), ts(export))]
    pub struct KitInstance {
        pub id: String,
        pub name: String,
        pub path: String,
    }

    /// The text, with the commands to restore by hand.
    #[must_use]
    pub fn write(_kit: &Kit) -> SecretString {
        todo!()
    }

    pub fn read(_text: &SecretString) -> Result<Kit, KitError> {
        todo!()
    }

    #[derive(Debug, thiserror::Error)]
    pub enum KitError {
        #[error("not a recovery kit: {0}")]
        NotAKit(String),
        #[error("line {line}: {reason}")]
        Line { line: usize, reason: String },
    }
}
