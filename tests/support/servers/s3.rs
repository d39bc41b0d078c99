//! What the servers of S3 share: keys, a bucket, and how a destination names them.

use std::collections::BTreeMap;

use holdfast::model::{DestinationConfig, DestinationType};
use jiff::Timestamp;
use secrecy::SecretString;

pub const ACCESS_KEY: &str = "AKHOLDFASTTEST";
pub const SECRET_KEY: &str = "a secret/with+odd=signs";
pub const BUCKET: &str = "archives";
/// What names of folders may be.
pub const BASE: &str = "b ä+%#";

/// A destination below `BASE` in the bucket of a store.
pub fn config(endpoint: &str, more: &[(&str, &str)]) -> DestinationConfig {
    let mut settings = BTreeMap::new();
    let common = [
        ("endpoint", endpoint),
        ("bucket", BUCKET),
        ("base_path", BASE),
    ];
    for (key, value) in common.iter().chain(more) {
        settings.insert((*key).to_owned(), (*value).to_owned());
    }
    DestinationConfig {
        id: "9b2f6f0e-0000-4000-8000-000000000003".to_owned(),
        name: "bucket".to_owned(),
        destination_type: DestinationType::S3,
        enabled: true,
        config: settings,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "tests".to_owned(),
        last_backup_at: None,
        last_backup_status: None,
    }
}

pub fn secrets() -> BTreeMap<String, SecretString> {
    keys(ACCESS_KEY, SECRET_KEY)
}

pub fn keys(id: &str, secret: &str) -> BTreeMap<String, SecretString> {
    [("access_key_id", id), ("secret_access_key", secret)]
        .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
        .into()
}
