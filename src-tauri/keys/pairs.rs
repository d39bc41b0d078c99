//! Holdfast's two key pairs, age and minisign, as entries of a secret store. It never puts a key in another one's place.

use age::x25519;
use minisign::{KeyPair, PublicKey, SecretKeyBox};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{KeyError, SecretStore};

const IDENTITY: &str = "identity";
const SIGNING_KEY: &str = "signing_key";
/// One identity a line.
const IMPORTED: &str = "imported_identities";

type Result<T> = std::result::Result<T, KeyError>;

/// The public halves, remembered in the settings: what the secrets must belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct PublicKeys {
    /// `age1…`
    pub recipient: String,
    /// One-line minisign base64.
    pub verification_key: String,
}

/// Makes both key pairs and stores them. Only where the settings remember none.
///
/// A pair that is there already is kept: an earlier attempt stored it and ended before the settings learned of it. An entry that is no
/// key is `Wrong`. What is returned was read back, so the place really keeps what it is given.
pub fn create(store: &dyn SecretStore) -> Result<PublicKeys> {
    if store.get(IDENTITY)?.is_none() {
        store.set(IDENTITY, &x25519::Identity::generate().to_string())?;
    }
    if store.get(SIGNING_KEY)?.is_none() {
        store.set(SIGNING_KEY, &new_signing_key()?)?;
    }
    let identity = stored_identity(store)?;
    let signing_key = stored_signing_key(store)?;
    Ok(PublicKeys {
        recipient: identity.to_public().to_string(),
        verification_key: verification_key(&signing_key)?,
    })
}

/// The identity that belongs to `keys.recipient`.
pub fn identity(store: &dyn SecretStore, keys: &PublicKeys) -> Result<x25519::Identity> {
    let identity = stored_identity(store)?;
    if identity.to_public().to_string() == keys.recipient {
        Ok(identity)
    } else {
        Err(wrong(IDENTITY))
    }
}

/// Further identities (of imported kits); empty where there are none.
pub fn imported_identities(store: &dyn SecretStore) -> Result<Vec<x25519::Identity>> {
    let Some(text) = store.get(IMPORTED)? else {
        return Ok(Vec::new());
    };
    let lines = text.expose_secret().lines();
    lines
        .map(|line| line.parse().map_err(|_| wrong(IMPORTED)))
        .collect()
}

/// One that is there already is not stored twice.
pub fn add_imported_identity(store: &dyn SecretStore, identity: &x25519::Identity) -> Result<()> {
    let mut all = imported_identities(store)?;
    let recipient = identity.to_public().to_string();
    if all
        .iter()
        .any(|known| known.to_public().to_string() == recipient)
    {
        return Ok(());
    }
    all.push(identity.clone());
    store.set(IMPORTED, &lines_of(&all))
}

/// The key that belongs to `keys.verification_key`.
pub fn signing_key(store: &dyn SecretStore, keys: &PublicKeys) -> Result<minisign::SecretKey> {
    let key = stored_signing_key(store)?;
    if verification_key(&key)? == keys.verification_key {
        Ok(key)
    } else {
        Err(wrong(SIGNING_KEY))
    }
}

fn stored_identity(store: &dyn SecretStore) -> Result<x25519::Identity> {
    let text = stored(store, IDENTITY)?;
    text.expose_secret().parse().map_err(|_| wrong(IDENTITY))
}

fn stored_signing_key(store: &dyn SecretStore) -> Result<minisign::SecretKey> {
    let text = stored(store, SIGNING_KEY)?;
    SecretKeyBox::from_string(text.expose_secret())
        .and_then(SecretKeyBox::into_unencrypted_secret_key)
        .map_err(|_| wrong(SIGNING_KEY))
}

fn stored(store: &dyn SecretStore, name: &str) -> Result<SecretString> {
    store
        .get(name)?
        .ok_or_else(|| KeyError::Missing(name.to_owned()))
}

/// The text of a minisign secret key file without a password: the place that keeps it protects it.
fn new_signing_key() -> Result<SecretString> {
    let text = KeyPair::generate_unencrypted_keypair()
        .and_then(|pair| pair.sk.to_box(Some("holdfast signing key")))
        .map_err(|e| KeyError::Service(e.to_string()))?;
    Ok(SecretString::from(text.into_string()))
}

fn verification_key(key: &minisign::SecretKey) -> Result<String> {
    let public = PublicKey::from_secret_key(key).map_err(|_| wrong(SIGNING_KEY))?;
    Ok(public.to_base64())
}

/// Built at its full size, so that no shorter copy of it is left behind.
fn lines_of(identities: &[x25519::Identity]) -> SecretString {
    let texts: Vec<SecretString> = identities.iter().map(x25519::Identity::to_string).collect();
    let size = texts.iter().map(|t| t.expose_secret().len() + 1).sum();
    let mut all = String::with_capacity(size);
    for text in &texts {
        all.push_str(text.expose_secret());
        all.push('\n');
    }
    SecretString::from(all)
}

fn wrong(name: &str) -> KeyError {
    KeyError::Wrong(name.to_owned())
}
