//! Why a secret could not be had. No variant ever carries one.

use std::io;

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
