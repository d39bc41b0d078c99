//! What the servers of WebDAV share: a user, a folder, and how a destination names them.

use std::collections::BTreeMap;

use holdfast::model::{DestinationConfig, DestinationType};
use secrecy::SecretString;

use super::destination;

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
    let settings = [("url", url), ("username", USER), ("base_path", BASE)];
    destination(DestinationType::Webdav, &settings, more)
}

pub fn secrets() -> BTreeMap<String, SecretString> {
    password(PASSWORD)
}

pub fn password(password: &str) -> BTreeMap<String, SecretString> {
    BTreeMap::from([("password".to_owned(), SecretString::from(password))])
}
