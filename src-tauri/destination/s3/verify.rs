//! Whether an object is what was sent. A store's checksum counts where the store was seen to refuse a wrong one (`probe`): some only repeat
//! what they are told. Else everything is read back.

use super::write::Write;
use super::{Found, S3};
use crate::destination::{Body, Call, DestinationError, ErrorKind, Key, read_back};

type Result<T> = std::result::Result<T, DestinationError>;

impl S3 {
    /// After a success. `told`: the checksum in the store's answer.
    pub(super) fn verify(
        &self,
        key: &Key,
        body: &Body,
        write: &Write,
        told: Option<&str>,
        call: &Call<'_>,
    ) -> Result<()> {
        if self.learnt.checks_sums.is_known_to_hold() && is_same(told, write.sha256.as_deref()) {
            return Ok(());
        }
        self.read_back(key, body, call)
    }

    /// An object that an earlier try made.
    pub(super) fn verify_found(
        &self,
        key: &Key,
        body: &Body,
        write: &mut Write,
        found: &Found,
        call: &Call<'_>,
    ) -> Result<()> {
        // Whatever becomes of it: it is there, and it is ours.
        write.may_be_visible = true;
        if found.size != body.length {
            let detail = format!("{} bytes are there of {}", found.size, body.length);
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        }
        self.verify(key, body, write, found.sha256.as_deref(), call)
    }

    fn read_back(&self, key: &Key, body: &Body, call: &Call<'_>) -> Result<()> {
        let mut open = |at| {
            // At first all that is there, however long it is.
            let rest = (at > 0).then_some(at..body.length);
            self.fetch(key, rest.as_ref(), call)
                .map_err(|e| match e.kind {
                    // A store that shows it later: once more.
                    ErrorKind::Missing => DestinationError::new(
                        ErrorKind::Truncated,
                        format!("`{}` is not there right after it was sent", key.as_str()),
                    ),
                    _ => e,
                })
        };
        read_back::compare(&mut open, body, &self.name, call)
    }
}

/// Some stores leave out the number of parts.
fn is_same(told: Option<&str>, computed: Option<&str>) -> bool {
    let (Some(told), Some(computed)) = (told, computed) else {
        return false;
    };
    let digest = computed.split('-').next();
    told == computed || Some(told) == digest
}
