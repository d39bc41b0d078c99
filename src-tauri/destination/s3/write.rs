//! One archive on its way to its name: what a write remembers between its tries, the request that sends a small one, and the way back. The
//! parts of a large one are sent in `multipart`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::learnt::Fact;
use super::refusal::Refusal;
use super::store::Ask;
use super::{ETAG, Found, MARK, NONE_MATCH, S3, SHA256};
use crate::destination::body::Sending;
use crate::destination::contract::LARGE;
use crate::destination::{Body, Call, Destination, DestinationError, Key, Unfinished};

type Result<T> = std::result::Result<T, DestinationError>;

/// What is sent in one request. "Test destination" sends more than that.
const SMALL: u64 = 8 << 20;
const _: () = assert!(SMALL < LARGE as u64);

/// What one write has done so far. As text it is what a try leaves to the next one.
#[derive(Serialize, Deserialize)]
pub(super) struct Write {
    /// In the object's metadata.
    pub mark: String,
    pub upload: Option<Upload>,
    /// The request that makes it visible was sent, whatever came of it.
    pub may_be_visible: bool,
    /// Of the object that the store said it made.
    pub etag: Option<String>,
    /// The checksum that such an object has to have.
    pub sha256: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Upload {
    pub id: String,
    /// The size of its parts.
    pub size: u64,
    /// By number: what the store has acknowledged.
    pub parts: BTreeMap<u32, Acknowledged>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Acknowledged {
    pub etag: String,
    /// Base64, of what was sent.
    pub sha256: String,
}

impl Upload {
    pub fn empty(id: String) -> Self {
        Self {
            id,
            size: 0,
            parts: BTreeMap::new(),
        }
    }
}

impl Write {
    /// Where an earlier try stopped; anew where there was none.
    pub fn going_on(left: Option<&Unfinished>) -> Self {
        let before = left.and_then(|left| serde_json::from_str(&left.0).ok());
        before.unwrap_or_else(|| Self {
            mark: Uuid::new_v4().simple().to_string(),
            upload: None,
            may_be_visible: false,
            etag: None,
            sha256: None,
        })
    }

    /// None where nothing of it is there.
    pub fn unfinished(&self) -> Option<Unfinished> {
        if self.upload.is_none() && !self.may_be_visible {
            return None;
        }
        serde_json::to_string(self).ok().map(Unfinished)
    }

    /// A store that keeps no metadata is believed by the tag that it gave.
    pub fn made(&self, found: &Found) -> bool {
        let by_mark = found.mark.as_deref() == Some(self.mark.as_str());
        by_mark || self.etag.is_some() && self.etag == found.etag
    }
}

/// The headers of a request that not every store takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Extras {
    /// That the name is free.
    pub condition: bool,
    pub sums: bool,
}

/// A digest as S3 writes it.
pub(super) fn base64(digest: &[u8]) -> String {
    STANDARD.encode(digest)
}

impl S3 {
    pub(super) fn write(
        &self,
        key: &Key,
        body: &Body,
        write: &mut Write,
        call: &Call<'_>,
    ) -> Result<()> {
        match self.look(key, call)? {
            // The try before did it, and the store's word was lost.
            Some(found) if write.made(&found) => {
                return self.verify_found(key, body, write, &found, call);
            }
            Some(_) => return Err(DestinationError::taken(key.as_str())),
            None => {}
        }
        let told = if body.length <= SMALL {
            self.send_small(key, body, write, call)?
        } else {
            self.send_parts(key, body, write, call)?
        };
        self.verify(key, body, write, told.as_deref(), call)
    }

    /// Before anything is sent: some stores make a bucket that is missing. Who may write and not look is told by the write.
    fn look(&self, key: &Key, call: &Call<'_>) -> Result<Option<Found>> {
        match self.ask_head(&self.at(key), call)? {
            Ok(found) => Ok(Some(found)),
            Err(refusal) if refusal.has_no_words() => self.words_of_missing(call).map(|()| None),
            Err(refusal) => Err(refusal.into_error()),
        }
    }

    /// Returns the checksum that the store tells.
    fn send_small(
        &self,
        key: &Key,
        body: &Body,
        write: &mut Write,
        call: &Call<'_>,
    ) -> Result<Option<String>> {
        let at = self.at(key);
        let sha256 = hex::decode(&body.sha256).map(|digest| base64(&digest));
        let sha256 = sha256.unwrap_or_default();
        write.sha256 = Some(sha256.clone());
        let creates_only = Some(&self.learnt.creates_only);
        let mut extras = self.extras(creates_only);
        loop {
            let mut sending = Sending::open(body, &self.name, call)?;
            let mut ask = Ask::new(Method::PUT, &at)
                .header(MARK, &write.mark)
                .sha256(&body.sha256);
            if extras.condition {
                ask = ask.header(NONE_MATCH, "*");
            }
            if extras.sums {
                ask = ask.header(SHA256, &sha256);
            }
            let told = self.store.send(&ask, &mut sending, body.length, call);
            write.may_be_visible |= sending.left() == 0;
            let refusal = match told? {
                Ok(answer) => {
                    self.accepted(extras, creates_only);
                    write.may_be_visible = true;
                    write.etag = answer.header(ETAG).map(str::to_owned);
                    return Ok(answer.header(SHA256).map(str::to_owned));
                }
                Err(refusal) => refusal,
            };
            // A refusal that came is no loss of a success; a store that failed may have done it before.
            write.may_be_visible = refusal.status.is_server_error();
            if refusal.status == StatusCode::PRECONDITION_FAILED {
                self.learnt.creates_only.set(true);
                return Err(DestinationError::taken(key.as_str()));
            }
            match self.with_less(extras, &refusal, creates_only) {
                Some(less) => extras = less,
                None => return Err(refusal.into_error()),
            }
        }
    }

    /// `creates_only`: what is known of the condition in requests of this kind; None where they have none.
    pub(super) fn extras(&self, creates_only: Option<&Fact>) -> Extras {
        Extras {
            condition: creates_only.is_some_and(|fact| !fact.is_known_to_fail()),
            sums: self.learnt.with_sums(),
        }
    }

    /// With what the same can be asked again, where it may have been one of these that was refused: stores refuse what they do not know in
    /// different words. Not without what a store is known to honour, whoever on the way there says something odd.
    pub(super) fn with_less(
        &self,
        sent: Extras,
        refusal: &Refusal,
        creates_only: Option<&Fact>,
    ) -> Option<Extras> {
        let for_condition = refusal.refuses_header(NONE_MATCH);
        let for_sums = refusal.refuses_header("x-amz-checksum")
            || refusal.refuses_header("x-amz-sdk-checksum");
        let for_any = refusal.is_unknown_there() && !for_sums && !for_condition;
        let is_honoured = creates_only.is_some_and(Fact::is_known_to_hold);
        let less = Extras {
            condition: sent.condition && (is_honoured || !(for_condition || for_any)),
            sums: sent.sums && (self.store.address.is_amazon || !(for_sums || for_any)),
        };
        (less != sent).then_some(less)
    }

    /// What was left out of a request that was accepted is left out from now on.
    pub(super) fn accepted(&self, sent: Extras, creates_only: Option<&Fact>) {
        if !sent.sums {
            self.learnt.takes_sums.set(false);
        }
        if let Some(fact) = creates_only.filter(|_| !sent.condition) {
            fact.set(false);
        }
    }

    /// Removes what a write has left. Nothing of another one.
    pub(super) fn undo(&self, key: &Key, write: &Write, call: &Call<'_>) -> Result<()> {
        if let Some(upload) = &write.upload {
            self.abort(&self.at(key), &upload.id, call)?;
        }
        if !write.may_be_visible {
            return Ok(());
        }
        match self.head(key, call)? {
            Some(found) if write.made(&found) => self.delete(key, call),
            _ => Ok(()),
        }
    }
}
