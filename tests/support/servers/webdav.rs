//! What the servers of WebDAV share: a user, a folder, and how a destination names them.

use std::collections::BTreeMap;

use holdfast::model::{DestinationConfig, DestinationType};
use jiff::Timestamp;
use secrecy::SecretString;

pub const USER: &str = "ada";
/// A colon ends a user's name, not a password.
pub const PASSWORD: &str = "Secret:1 ü";
/// What names of folders may be.
pub const BASE: &str = "b ä+%#&;/in it";
/// Of the path in an address, at the servers here.
pub const PATH: &str = "files/my%20dav";
/// The same as a folder.
pub const FOLDER: &str = "files/my dav";

/// A destination below `BASE`; more settings, or others.
pub fn config(url: &str, more: &[(&str, &str)]) -> DestinationConfig {
    let common = [("url", url), ("username", USER), ("base_path", BASE)];
    let settings = common.iter().chain(more);
    let settings = settings.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let mut settings: BTreeMap<_, _> = settings.collect();
    settings.retain(|_, value| !value.is_empty());
    DestinationConfig {
        id: "9b2f6f0e-0000-4000-8000-000000000006".to_owned(),
        name: "cloud".to_owned(),
        destination_type: DestinationType::Webdav,
        enabled: true,
        config: settings,
        created_at: Timestamp::UNIX_EPOCH,
        created_by: "tests".to_owned(),
        last_backup_at: None,
        last_backup_status: None,
    }
}

pub fn secrets() -> BTreeMap<String, SecretString> {
    password(PASSWORD)
}

pub fn password(password: &str) -> BTreeMap<String, SecretString> {
    BTreeMap::from([("password".to_owned(), SecretString::from(password))])
}
