//! Temporary names: what an archive is called while it is written. The name says whose it is. And when what is left of a write is old.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
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

/// Whether nobody has written to it for `age`, by one clock. A time in the future is young, and so is one that nobody tells.
pub(super) fn is_old(written: Option<Timestamp>, now: Option<Timestamp>, age: Duration) -> bool {
    let idle = written.zip(now).map(|(at, now)| now.duration_since(at));
    // An age that is no time of a clock's is never reached.
    let age = SignedDuration::try_from(age).ok();
    idle.zip(age).is_some_and(|(idle, age)| idle >= age)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_old_only_where_that_is_known() {
        let at = |second| Some(Timestamp::from_second(second).unwrap());
        let hour = Duration::from_hours(1);
        assert!(is_old(at(0), at(3600), hour));
        assert!(is_old(at(7), at(7), Duration::ZERO));
        for (written, now, age) in [
            (at(1), at(3600), hour),
            (at(8), at(7), Duration::ZERO),
            (None, at(7200), hour),
            (at(0), None, hour),
            (at(0), at(1 << 36), Duration::MAX),
        ] {
            assert!(!is_old(written, now, age), "{written:?} {now:?} {age:?}");
        }
    }
}
