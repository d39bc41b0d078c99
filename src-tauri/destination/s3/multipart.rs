//! A large archive in parts, several at once. What arrived in an earlier try is not sent again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use http::{Method, StatusCode};
use sha2::{Digest, Sha256};

use super::answers::{self, Arrived, ArrivedPart, Complete, Completed, Created, SentPart};
use super::store::Ask;
use super::write::{Acknowledged, Upload, Write, base64};
use super::{ETAG, MARK, NONE_MATCH, S3, SHA256};
use crate::destination::contract::LARGE;
use crate::destination::parts::{Part, Parts, Sum};
use crate::destination::{Body, Call, DestinationError, ErrorKind, Key};

type Result<T> = std::result::Result<T, DestinationError>;

/// Of a part, where the archive is not so large that it would have too many.
const PART: u64 = 8 << 20;
const _: () = assert!(PART < LARGE as u64);
/// S3 takes 10,000.
const MOST_PARTS: u64 = 9_000;
const SENDERS: usize = 4;
/// Of a list of parts: each has at least one.
const MOST_PAGES: u64 = MOST_PARTS;

#[derive(Default)]
struct PartSum(Sha256);

impl Sum for PartSum {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// What the senders of one upload share.
struct Sent<'a> {
    at: &'a str,
    upload: &'a str,
    arrived: &'a BTreeMap<u32, ArrivedPart>,
    acknowledged: Mutex<BTreeMap<u32, Acknowledged>>,
    /// The store does not know the upload any more.
    is_gone: AtomicBool,
}

impl S3 {
    /// Returns the checksum that the store tells.
    pub(super) fn send_parts(
        &self,
        key: &Key,
        body: &Body,
        write: &mut Write,
        call: &Call<'_>,
    ) -> Result<Option<String>> {
        let at = self.at(key);
        let mut arrived = None;
        if let Some(upload) = &write.upload {
            arrived = self.arrived(&at, upload, call)?;
        }
        if arrived.is_none() {
            write.upload = None;
            self.probe_sums(key, call)?;
            write.upload = Some(self.create(&at, &write.mark, body, call)?);
        }
        let Some(upload) = &mut write.upload else {
            return Ok(None);
        };
        let sent = Sent {
            at: &at,
            upload: &upload.id,
            arrived: &arrived.unwrap_or_default(),
            acknowledged: Mutex::default(),
            is_gone: AtomicBool::new(false),
        };
        let parts = Parts {
            body,
            size: upload.size,
            senders: SENDERS,
            what: &self.name,
        };
        let all = parts.send(call, &mut |_| {}, &|part, call| {
            self.send_part(&sent, part, call)
        });
        let is_gone = sent.is_gone.into_inner();
        let acknowledged = sent.acknowledged.into_inner();
        let acknowledged = acknowledged.unwrap_or_else(PoisonError::into_inner);
        // A try that ended before it came to a part does not forget that the part has arrived.
        upload.parts.extend(acknowledged);
        if is_gone {
            write.upload = None;
        }
        all?;
        self.complete(key, write, call)
    }

    fn create(&self, at: &str, mark: &str, body: &Body, call: &Call<'_>) -> Result<Upload> {
        let mut extras = self.extras(None);
        loop {
            let mut ask = Ask::new(Method::POST, at)
                .query("uploads", "")
                .header(MARK, mark);
            if extras.sums {
                ask = ask.header("x-amz-checksum-algorithm", "SHA256");
            }
            let refusal = match self.store.ask(ask, call)? {
                Ok(answer) => {
                    self.accepted(extras, None);
                    let created: Created = answers::read(&answer.body, "InitiateMultipartUpload")?;
                    return Ok(Upload {
                        size: PART.max(body.length.div_ceil(MOST_PARTS)),
                        ..Upload::empty(created.upload_id)
                    });
                }
                Err(refusal) => refusal,
            };
            match self.with_less(extras, &refusal, None) {
                Some(less) => extras = less,
                None => return Err(refusal.into_error()),
            }
        }
    }

    fn send_part(
        &self,
        sent: &Sent<'_>,
        part: &mut Part<'_, PartSum>,
        call: &Call<'_>,
    ) -> Result<()> {
        let number = u32::try_from(part.index + 1).unwrap_or(u32::MAX);
        let digest = part.sum.0.clone().finalize();
        let sha256 = base64(&digest);
        let before = sent.arrived.get(&number);
        let etag = match before.filter(|found| found.is_of(&sha256, part.length)) {
            Some(found) => {
                part.pass_over();
                found.etag.clone()
            }
            None => self.send_bytes(sent, number, part, &digest, call)?,
        };
        let Some(etag) = etag else {
            let detail = format!("part {number} of `{}`: the answer names no ETag", sent.at);
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        };
        let mut acknowledged = sent
            .acknowledged
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        acknowledged.insert(number, Acknowledged { etag, sha256 });
        Ok(())
    }

    fn send_bytes(
        &self,
        sent: &Sent<'_>,
        number: u32,
        part: &mut Part<'_, PartSum>,
        digest: &[u8],
        call: &Call<'_>,
    ) -> Result<Option<String>> {
        let mut ask = Ask::new(Method::PUT, sent.at)
            .query("partNumber", number.to_string())
            .query("uploadId", sent.upload)
            .sha256(hex::encode(digest));
        if self.learnt.with_sums() {
            ask = ask.header(SHA256, base64(digest));
        }
        let length = part.length;
        match self.store.send(&ask, part, length, call)? {
            Ok(answer) => Ok(answer.header(ETAG).map(str::to_owned)),
            Err(refusal) => {
                if refusal.is(GONE) {
                    sent.is_gone.store(true, Ordering::Relaxed);
                }
                Err(refusal.into_error())
            }
        }
    }

    /// What of an upload the store has; None where it does not know the upload any more. A part of which it does not tell the checksum counts
    /// where it was acknowledged.
    fn arrived(
        &self,
        at: &str,
        upload: &Upload,
        call: &Call<'_>,
    ) -> Result<Option<BTreeMap<u32, ArrivedPart>>> {
        let mut arrived = BTreeMap::new();
        let listed = self.each_part(at, &upload.id, call, &mut |mut part| {
            let known = upload.parts.get(&part.part_number);
            if let Some(known) = known.filter(|known| part.may_be(known)) {
                part.etag = Some(known.etag.clone());
                part.sha256 = Some(known.sha256.clone());
            }
            arrived.insert(part.part_number, part);
        })?;
        Ok(match listed {
            Listing::Done => Some(arrived),
            Listing::Gone => None,
            Listing::Unknown => Some(upload.parts.iter().map(remembered).collect()),
        })
    }

    pub(super) fn each_part(
        &self,
        at: &str,
        upload: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(ArrivedPart),
    ) -> Result<Listing> {
        let mut marker = String::new();
        for _ in 0..MOST_PAGES {
            let mut ask = Ask::new(Method::GET, at).query("uploadId", upload);
            if !marker.is_empty() {
                ask = ask.query("part-number-marker", &marker);
            }
            let answer = match self.store.ask(ask, call)? {
                Ok(answer) => answer,
                Err(refusal) if refusal.is_unknown_there() => return Ok(Listing::Unknown),
                Err(refusal) if refusal.status == StatusCode::NOT_FOUND => {
                    return Ok(Listing::Gone);
                }
                Err(refusal) => return Err(refusal.into_error()),
            };
            let page: Arrived = answers::read(&answer.body, "ListParts")?;
            page.parts.into_iter().for_each(&mut *each);
            match page.next_part_number_marker {
                Some(next) if page.is_truncated && next != marker => marker = next,
                _ => break,
            }
        }
        Ok(Listing::Done)
    }

    /// The one moment at which the archive becomes visible.
    fn complete(&self, key: &Key, write: &mut Write, call: &Call<'_>) -> Result<Option<String>> {
        let at = self.at(key);
        let Some(upload) = &write.upload else {
            return Ok(None);
        };
        let id = upload.id.clone();
        write.sha256 = Some(composite(&upload.parts));
        let creates_only = Some(&self.learnt.completes_only);
        let mut extras = self.extras(creates_only);
        loop {
            let mut ask = Ask::new(Method::POST, &at)
                .query("uploadId", &id)
                .body(document(&upload.parts, extras.sums)?);
            if extras.condition {
                ask = ask.header(NONE_MATCH, "*");
            }
            // Its success may come as a failure's text, and its word may be lost.
            write.may_be_visible = true;
            let refusal = match self.store.ask(ask, call)? {
                Ok(answer) if answers::is_error(&answer.body) => {
                    self.store.refusal(&answer, &format!("completing `{at}`"))
                }
                Ok(answer) => {
                    let completed: Completed =
                        answers::read(&answer.body, "CompleteMultipartUpload")?;
                    self.accepted(extras, creates_only);
                    write.upload = None;
                    write.etag = completed.etag;
                    return Ok(completed.sha256);
                }
                Err(refusal) => refusal,
            };
            match refusal.code.as_str() {
                _ if refusal.status == StatusCode::PRECONDITION_FAILED
                    || refusal.is("PreconditionFailed") =>
                {
                    self.learnt.completes_only.set(true);
                    write.may_be_visible = false;
                    return Err(DestinationError::taken(key.as_str()));
                }
                // The upload cannot be used again (Amazon's documentation of the call).
                "ConditionalRequestConflict" => {
                    write.may_be_visible = false;
                    self.abort(&at, &id, call)?;
                    write.upload = None;
                }
                // Or it was completed before, and that was not heard: the next try looks.
                GONE => write.upload = None,
                _ => {
                    if let Some(less) = self.with_less(extras, &refusal, creates_only) {
                        extras = less;
                        continue;
                    }
                }
            }
            return Err(refusal.into_error());
        }
    }

    /// Gone already is success.
    pub(super) fn abort(&self, at: &str, upload: &str, call: &Call<'_>) -> Result<()> {
        let ask = Ask::new(Method::DELETE, at).query("uploadId", upload);
        match self.store.ask(ask, call)? {
            Err(refusal) if refusal.status != StatusCode::NOT_FOUND => Err(refusal.into_error()),
            _ => Ok(()),
        }
    }
}

const GONE: &str = "NoSuchUpload";

pub(super) enum Listing {
    Done,
    /// No such upload.
    Gone,
    /// The store cannot list parts.
    Unknown,
}

impl ArrivedPart {
    fn is_of(&self, sha256: &str, length: u64) -> bool {
        self.sha256.as_deref() == Some(sha256) && self.size.is_none_or(|size| size == length)
    }

    /// Whether nothing speaks against its being the part that was acknowledged.
    fn may_be(&self, known: &Acknowledged) -> bool {
        let same = |told: &Option<String>, known: &str| {
            told.as_deref().is_none_or(|told| {
                told.is_empty() || told.trim_matches('"') == known.trim_matches('"')
            })
        };
        same(&self.etag, &known.etag) && same(&self.sha256, &known.sha256)
    }
}

fn remembered((number, known): (&u32, &Acknowledged)) -> (u32, ArrivedPart) {
    let part = ArrivedPart {
        part_number: *number,
        etag: Some(known.etag.clone()),
        size: None,
        sha256: Some(known.sha256.clone()),
        last_modified: String::new(),
    };
    (*number, part)
}

/// The checksum of an object in parts: the digest of their digests, and how many there are.
fn composite(parts: &BTreeMap<u32, Acknowledged>) -> String {
    use ::base64::Engine;
    let mut digest = Sha256::new();
    for part in parts.values() {
        let sum = ::base64::engine::general_purpose::STANDARD.decode(&part.sha256);
        digest.update(sum.unwrap_or_default());
    }
    format!("{}-{}", base64(&digest.finalize()), parts.len())
}

fn document(parts: &BTreeMap<u32, Acknowledged>, sums: bool) -> Result<String> {
    let parts = parts.iter().map(|(number, part)| SentPart {
        part_number: *number,
        etag: part.etag.clone(),
        sha256: sums.then(|| part.sha256.clone()),
    });
    answers::write(&Complete {
        namespace: answers::NAMESPACE,
        parts: parts.collect(),
    })
}
