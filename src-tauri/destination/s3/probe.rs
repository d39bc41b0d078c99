//! Finds out what a store does, by asking for what it should refuse. Nothing that is kept is touched by it.
//!
//! That wrong checksums are refused is tried on an upload in parts that is never completed: nothing of it is ever seen.
//! That nothing is overwritten can only be tried on an archive that may be: "Test destination" writes such ones in the contract's folder.

use http::{Method, StatusCode};
use sha2::{Digest, Sha256};

use super::answers::{self, Complete, Created, SentPart};
use super::store::Ask;
use super::write::{Upload, Write, base64};
use super::{ETAG, NONE_MATCH, S3, SHA256};
use crate::destination::{Body, Call, Destination, DestinationError, Key};

type Result<T> = std::result::Result<T, DestinationError>;

/// One byte, and the checksum of another.
const BYTE: &[u8] = b"a";
const OTHER: &[u8] = b"b";

impl S3 {
    pub(super) fn probe_sums(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        if self.learnt.checks_sums.get().is_some() || !self.learnt.with_sums() {
            return Ok(());
        }
        let mut write = Write::going_on(None);
        let at = self.at(key);
        let Some(id) = self.begin(&at, call)? else {
            return Ok(());
        };
        write.upload = Some(Upload::empty(id.clone()));
        let seen = self.compare_sums(&at, &id, call);
        if let Some(unfinished) = write.unfinished() {
            self.clear_away(key, &unfinished, call);
        }
        seen
    }

    fn compare_sums(&self, at: &str, id: &str, call: &Call<'_>) -> Result<()> {
        for (number, summed, is_right) in [("1", BYTE, true), ("2", OTHER, false)] {
            let ask = Ask::new(Method::PUT, at)
                .query("partNumber", number)
                .query("uploadId", id)
                .header(SHA256, base64(&Sha256::digest(summed)))
                .body(BYTE);
            match (self.store.ask(ask, call)?, is_right) {
                (Ok(_), true) => {}
                (Ok(_), false) => self.learnt.checks_sums.set(false),
                (Err(refusal), _) if !is_final(refusal.status) => return Ok(()),
                (Err(_), true) => {
                    self.learnt.takes_sums.set(false);
                    return Ok(());
                }
                (Err(_), false) => self.learnt.checks_sums.set(true),
            }
        }
        Ok(())
    }

    /// An upload for nothing but this; None where the store refuses.
    fn begin(&self, at: &str, call: &Call<'_>) -> Result<Option<String>> {
        let ask = Ask::new(Method::POST, at)
            .query("uploads", "")
            .header("x-amz-checksum-algorithm", "SHA256");
        let Ok(answer) = self.store.ask(ask, call)? else {
            return Ok(None);
        };
        let created: Created = answers::read(&answer.body, "InitiateMultipartUpload")?;
        Ok(Some(created.upload_id))
    }

    /// `key` was just written, with this body.
    pub(super) fn probe_conditions(&self, key: &Key, body: &Body, call: &Call<'_>) -> Result<()> {
        let facts = [&self.learnt.creates_only, &self.learnt.completes_only];
        let is_known = facts.iter().any(|fact| fact.is_known_to_fail())
            || facts.iter().all(|fact| fact.is_known_to_hold());
        if is_known || key.folders().next() != Some(Key::CONTRACT_FOLDER) {
            return Ok(());
        }
        let at = self.at(key);
        let seen = self.try_to_overwrite(&at, call);
        if matches!(seen, Ok([Some(true), Some(true)])) {
            return Ok(());
        }
        // It may be overwritten: it has to be there as it was.
        self.delete(key, call)?;
        self.write(key, body, &mut Write::going_on(None), call)
    }

    /// Whether a PUT and a completion were refused, where that was answered.
    fn try_to_overwrite(&self, at: &str, call: &Call<'_>) -> Result<[Option<bool>; 2]> {
        let ask = Ask::new(Method::PUT, at).header(NONE_MATCH, "*");
        let put = is_refused(
            self.store
                .ask(ask, call)?
                .err()
                .map(|refusal| refusal.status),
        );
        if let Some(refused) = put {
            self.learnt.creates_only.set(refused);
        }
        let completed = self.completes_only(at, call)?;
        if let Some(refused) = completed {
            self.learnt.completes_only.set(refused);
        }
        Ok([put, completed])
    }

    fn completes_only(&self, at: &str, call: &Call<'_>) -> Result<Option<bool>> {
        let Some(id) = self.begin(at, call)? else {
            return Ok(None);
        };
        let part = Ask::new(Method::PUT, at)
            .query("partNumber", "1")
            .query("uploadId", &id)
            .body(BYTE);
        let mut seen = None;
        if let Ok(answer) = self.store.ask(part, call)? {
            let part = SentPart {
                part_number: 1,
                etag: answer.header(ETAG).unwrap_or_default().to_owned(),
                sha256: None,
            };
            let complete = Complete {
                namespace: answers::NAMESPACE,
                parts: vec![part],
            };
            let ask = Ask::new(Method::POST, at)
                .query("uploadId", &id)
                .header(NONE_MATCH, "*")
                .body(answers::write(&complete)?);
            seen = match self.store.ask(ask, call)? {
                Ok(answer) if answers::is_error(&answer.body) => {
                    let refusal = self.store.refusal(&answer, at);
                    refusal.is("PreconditionFailed").then_some(true)
                }
                Ok(_) => Some(false),
                Err(refusal) => is_refused(Some(refusal.status)),
            };
        }
        if seen != Some(false) {
            self.abort(at, &id, call)?;
        }
        Ok(seen)
    }
}

/// Not a busy moment, which says nothing.
fn is_final(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 501)
}

/// None: neither done nor refused for the condition.
fn is_refused(refused: Option<StatusCode>) -> Option<bool> {
    match refused {
        None => Some(false),
        Some(StatusCode::PRECONDITION_FAILED) => Some(true),
        Some(_) => None,
    }
}
