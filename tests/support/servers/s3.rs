//! What the servers of S3 share: keys, a bucket, and how a destination names them.

use std::collections::BTreeMap;

use holdfast::model::{DestinationConfig, DestinationType};
use secrecy::SecretString;

use super::destination;

pub const ACCESS_KEY: &str = "AKHOLDFASTTEST";
pub const SECRET_KEY: &str = "a secret/with+odd=signs";
pub const BUCKET: &str = "archives";
/// What names of folders may be.
pub const BASE: &str = "b ä+%#";

/// A destination below `BASE` in the bucket of a store.
pub fn config(endpoint: &str, more: &[(&str, &str)]) -> DestinationConfig {
    let settings = [
        ("endpoint", endpoint),
        ("bucket", BUCKET),
        ("base_path", BASE),
    ];
    destination(DestinationType::S3, &settings, more)
}

pub fn secrets() -> BTreeMap<String, SecretString> {
    keys(ACCESS_KEY, SECRET_KEY)
}

pub fn keys(id: &str, secret: &str) -> BTreeMap<String, SecretString> {
    [("access_key_id", id), ("secret_access_key", secret)]
        .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
        .into()
}
