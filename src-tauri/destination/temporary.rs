//! Temporary names: what an archive is called while it is written. The name says whose it is.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::key::OWN_PREFIX;

/// Not `.part`: Nextcloud and ownCloud keep that ending to themselves, and refuse a file that is sent with it.
const SUFFIX: &str = ".upload";
const RANDOM_DIGITS: usize = 32;

/// `.holdfast-{owner}-{random}.upload`. The owner is one configured destination, so that two installations that share a folder do not sweep
/// each other's writes.
pub(super) struct Owner(String);

impl Owner {
    pub fn of(destination_id: &str) -> Self {
        let digest = Sha256::digest(destination_id.as_bytes());
        Self(hex::encode(&digest[..6]))
    }

    pub fn new_name(&self) -> String {
        let random = Uuid::new_v4().simple();
        format!("{OWN_PREFIX}{}-{random}{SUFFIX}", self.0)
    }

    pub fn owns(&self, name: &str) -> bool {
        let random = name
            .strip_prefix(OWN_PREFIX)
            .and_then(|rest| rest.strip_prefix(self.0.as_str()))
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.strip_suffix(SUFFIX));
        random.is_some_and(|r| r.len() == RANDOM_DIGITS && r.bytes().all(|b| b.is_ascii_hexdigit()))
    }
}
