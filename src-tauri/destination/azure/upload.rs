//! An archive on its way into a container: in blocks, several at a time, which nobody sees before a last request makes a blob of them. Each
//! is sent with its MD5, which the service compares with what came there: so all is known to be right before it is seen. The service is
//! believed after it was seen to refuse a wrong one; else the blob is read back.
//!
//! Small archives take the same way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, Method, StatusCode};
use md5::{Digest, Md5};
use reqwest::Request;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::answers::{BlockList, parsed};
use super::refusal::{Right, code};
use super::{Azure, Found};
use crate::destination::parts::{Part, Parts, Sum};
use crate::destination::{
    Body, Call, Destination, DestinationError, ErrorKind, Key, Stored, Unfinished, Verification,
    read_back,
};

type Result<T> = std::result::Result<T, DestinationError>;

const SMALLEST_BLOCK: u64 = 4 << 20;
const LARGEST_BLOCK: u64 = 16 << 20;
/// Of a blob; the service takes 50,000.
const MOST_BLOCKS: u64 = 45_000;
const SENDERS: usize = 4;
/// Blocks that even a small archive is sent in, so that every sender has some.
const FEWEST_BLOCKS: u64 = 2 * SENDERS as u64;
const MD5: &str = "content-md5";
/// For a try: one byte, and what is no digest of it.
const BYTE: &[u8] = b"a";
const OTHER: &[u8] = b"b";
/// Metadata of the blob, by which a write knows again what it made.
pub(super) const MARK: &str = "x-ms-meta-holdfast";

/// What one write has done so far. As text it is what a try leaves to the next one.
#[derive(Serialize, Deserialize)]
struct Write {
    /// In the blob's metadata.
    mark: String,
    /// By index: the blocks that the service has acknowledged.
    blocks: BTreeSet<usize>,
    /// The request that makes it visible was sent, whatever came of it.
    may_be_visible: bool,
}

impl Write {
    /// Where an earlier try stopped; anew where there was none.
    fn going_on(left: Option<&Unfinished>) -> Self {
        let before = left.and_then(|left| serde_json::from_str(&left.0).ok());
        before.unwrap_or_else(|| Self {
            mark: Uuid::new_v4().simple().to_string(),
            blocks: BTreeSet::new(),
            may_be_visible: false,
        })
    }

    /// None where nothing of it is there.
    fn unfinished(&self) -> Option<Unfinished> {
        if self.blocks.is_empty() && !self.may_be_visible {
            return None;
        }
        serde_json::to_string(self).ok().map(Unfinished)
    }

    fn made(&self, found: &Found) -> bool {
        found.mark.as_deref() == Some(self.mark.as_str())
    }
}

/// Of one block.
#[derive(Default)]
struct Sent(Md5);

impl Sum for Sent {
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// What the senders of one upload share.
struct Sending<'a> {
    key: &'a Key,
    sha256: &'a [u8],
    /// What is there from an earlier try, by name, with its size.
    there: BTreeMap<String, u64>,
    known: BTreeSet<usize>,
    /// Names, by index.
    sent: Mutex<BTreeMap<usize, String>>,
}

impl Azure {
    pub(super) fn upload(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        let mut write = Write::going_on(left.take().as_ref());
        let error = match self.write(key, body, &mut write, call) {
            Ok(()) => {
                return Ok(Stored {
                    verification: Verification::Verified,
                });
            }
            Err(error) => error,
        };
        let unfinished = write.unfinished();
        if error.kind.may_pass() {
            *left = unfinished;
        } else if let Some(unfinished) = unfinished {
            self.clear_away(key, &unfinished, call);
        }
        Err(error)
    }

    /// What became visible goes; blocks cannot be removed without making them visible first, and go by themselves.
    pub(super) fn undo(&self, key: &Key, left: &Unfinished, call: &Call<'_>) -> Result<()> {
        let write = Write::going_on(Some(left));
        if !write.may_be_visible {
            return Ok(());
        }
        match self.head(key, call)? {
            Some(found) if write.made(&found) => self.remove(key, Some(&found), call),
            _ => Ok(()),
        }
    }

    fn write(&self, key: &Key, body: &Body, write: &mut Write, call: &Call<'_>) -> Result<()> {
        let found = match self.head(key, call) {
            // Who may write and not look is told by the write.
            Err(e) if e.kind == ErrorKind::Forbidden => None,
            found => found?,
        };
        match found {
            // The try before did it, and the service's word was lost.
            Some(found) if write.made(&found) => {}
            Some(_) => {
                write.may_be_visible = false;
                return Err(DestinationError::taken(key.as_str()));
            }
            None => {
                write.may_be_visible = false;
                if body.length > 0 {
                    self.try_sums(key, body, call)?;
                }
                let list = self.send_blocks(key, body, write, call)?;
                self.commit(key, list, write, call)?;
            }
        }
        // Of nothing there is nothing that could be another.
        if body.length == 0 || self.checks_sums.get() == Some(&true) {
            return Ok(());
        }
        self.read_back(key, body, write, call)
    }

    fn read_back(&self, key: &Key, body: &Body, write: &Write, call: &Call<'_>) -> Result<()> {
        let other = |size| {
            let detail = format!("{size} bytes are there of {}", body.length);
            Err(DestinationError::new(ErrorKind::Protocol, detail))
        };
        match self.head(key, call)? {
            Some(found) if write.made(&found) && found.size == body.length => {
                read_back::verify(self, key, body, &self.name, call)
            }
            Some(found) if write.made(&found) => other(found.size),
            _ => other(0),
        }
    }

    /// Returns the request that makes a blob of them.
    fn send_blocks(
        &self,
        key: &Key,
        body: &Body,
        write: &mut Write,
        call: &Call<'_>,
    ) -> Result<Request> {
        let mut md5 = Md5::new();
        let there = if write.blocks.is_empty() {
            BTreeMap::new()
        } else {
            self.uncommitted(key, call)?
        };
        let sha256 = hex::decode(&body.sha256).unwrap_or_default();
        let sending = Sending {
            key,
            sha256: &sha256,
            there,
            known: std::mem::take(&mut write.blocks),
            sent: Mutex::default(),
        };
        let parts = Parts {
            body,
            size: block_size(body.length),
            senders: SENDERS,
            what: &self.name,
        };
        let done = parts.send(call, &mut |bytes| md5.update(bytes), &|part, call| {
            self.send_block(&sending, part, call)
        });
        // Also where it failed: what has arrived need not be sent again.
        let Sending { known, sent, .. } = sending;
        let sent = sent.into_inner().unwrap_or_else(PoisonError::into_inner);
        write.blocks = known;
        write.blocks.extend(sent.keys());
        done?;
        let names = sent.values().map(String::as_str);
        let mut request = self.blob(key, Method::PUT, &[("comp", "blocklist")]);
        let list = block_list(names);
        // For others who fetch it: their tools compare.
        insert(
            &mut request,
            "x-ms-blob-content-md5",
            &encoded(md5.finalize()),
        )?;
        insert(
            &mut request,
            "x-ms-blob-content-type",
            "application/octet-stream",
        )?;
        insert(&mut request, MARK, &write.mark)?;
        insert(&mut request, "if-none-match", "*")?;
        insert(&mut request, "content-length", &list.len().to_string())?;
        *request.body_mut() = Some(list.into());
        Ok(request)
    }

    fn send_block(
        &self,
        sending: &Sending,
        part: &mut Part<'_, Sent>,
        call: &Call<'_>,
    ) -> Result<()> {
        // An empty archive is a blob of no blocks.
        if part.length == 0 {
            return Ok(());
        }
        let md5 = part.sum.0.clone().finalize();
        let name = block_name(sending.sha256, part.index, &md5);
        let arrived = sending.there.get(&name) == Some(&part.length);
        if arrived && sending.known.contains(&part.index) {
            part.pass_over();
        } else {
            let length = part.length;
            let request = self.block(sending.key, &name, &md5, length)?;
            let answer = self.http.upload(request, part, length, call)?;
            if answer.status != StatusCode::CREATED {
                return Err(self.refused(&answer, "sending the archive", Right::Write));
            }
        }
        let mut sent = sending.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.insert(part.index, name);
        Ok(())
    }

    /// A request that a block is put with.
    fn block(&self, key: &Key, name: &str, md5: &[u8], length: u64) -> Result<Request> {
        let query = [("comp", "block"), ("blockid", name)];
        let mut request = self.blob(key, Method::PUT, &query);
        insert(&mut request, MD5, &encoded(md5))?;
        insert(&mut request, "content-length", &length.to_string())?;
        self.access.prove(&mut request)?;
        Ok(request)
    }

    /// Whether the service refuses what came there changed: asked once, with a block that no list of blocks will name.
    fn try_sums(&self, key: &Key, body: &Body, call: &Call<'_>) -> Result<()> {
        if self.checks_sums.get().is_some() {
            return Ok(());
        }
        let sha256 = hex::decode(&body.sha256).unwrap_or_default();
        let wrong = Md5::digest(OTHER);
        let name = block_name(&sha256, usize::MAX, &wrong);
        let mut request = self.block(key, &name, &wrong, BYTE.len() as u64)?;
        *request.body_mut() = Some(BYTE.into());
        let answer = self.http.send(request, call)?;
        let refuses = code(&answer) == "Md5Mismatch";
        if !refuses && answer.status != StatusCode::CREATED {
            return Err(self.refused(&answer, "sending the archive", Right::Write));
        }
        let _ = self.checks_sums.set(refuses);
        Ok(())
    }

    fn uncommitted(&self, key: &Key, call: &Call<'_>) -> Result<BTreeMap<String, u64>> {
        let what = "looking for blocks";
        let query = [("comp", "blocklist"), ("blocklisttype", "uncommitted")];
        let answer = self.send(self.blob(key, Method::GET, &query), call)?;
        match answer.status {
            StatusCode::OK => {}
            // Who may not look sends everything again.
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => return Ok(BTreeMap::new()),
            _ => return Err(self.refused(&answer, what, Right::Read)),
        }
        let list: BlockList = parsed(&answer, what)?;
        let blocks = list.uncommitted_blocks.blocks.into_iter();
        Ok(blocks.map(|block| (block.name, block.size)).collect())
    }

    /// Makes the archive visible.
    fn commit(&self, key: &Key, list: Request, write: &mut Write, call: &Call<'_>) -> Result<()> {
        call.check()?;
        write.may_be_visible = true;
        let answer = self.send(list, call)?;
        if answer.status == StatusCode::CREATED {
            return Ok(());
        }
        // A service that failed may have done it before.
        write.may_be_visible = answer.status.is_server_error();
        let what = format!("completing `{}`", key.as_str());
        Err(self.refused(&answer, &what, Right::Write))
    }
}

fn block_size(length: u64) -> u64 {
    let usual = length.div_ceil(FEWEST_BLOCKS);
    let usual = usual.clamp(SMALLEST_BLOCK, LARGEST_BLOCK);
    usual.max(length.div_ceil(MOST_BLOCKS))
}

/// What is in a block is part of its name: never are two bodies mixed. All names have one length, as the service wants it.
fn block_name(sha256: &[u8], index: usize, md5: &[u8]) -> String {
    // Not more than 50,000 of them.
    let index = u32::try_from(index).unwrap_or(u32::MAX).to_be_bytes();
    let mut name = [0; 30];
    let parts = [(0, 16, sha256), (16, 20, &index), (20, 30, md5)];
    for (start, end, from) in parts {
        let length = from.len().min(end - start);
        name[start..start + length].copy_from_slice(&from[..length]);
    }
    encoded(name)
}

fn block_list<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
    for name in names {
        list.push_str("<Uncommitted>");
        list.push_str(name);
        list.push_str("</Uncommitted>");
    }
    list.push_str("</BlockList>");
    list
}

fn encoded(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

fn insert(request: &mut Request, name: &'static str, value: &str) -> Result<()> {
    let value = HeaderValue::from_str(value).map_err(|_| {
        DestinationError::new(ErrorKind::Protocol, format!("`{name}` cannot be sent"))
    })?;
    request.headers_mut().insert(name, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_few_enough_for_the_service_and_large_enough_to_be_worth_a_request() {
        const TIB: u64 = 1 << 40;
        for length in [
            0,
            1,
            20 << 20,
            64 << 20,
            500 << 20,
            100 << 30,
            TIB,
            190 * TIB,
        ] {
            let size = block_size(length);
            assert!(size >= SMALLEST_BLOCK && length.div_ceil(size) <= MOST_BLOCKS);
            assert!(size <= 4000 << 20 || length > 170 * TIB, "{length}");
        }
        assert_eq!(block_size(40 << 20), 5 << 20);
        assert_eq!(block_size(100 << 30), LARGEST_BLOCK);
    }

    #[test]
    fn a_block_is_named_by_what_is_in_it() {
        let (one, other) = ([1; 32], [2; 32]);
        let (sum, other_sum) = ([3; 16], [4; 16]);
        let name = block_name(&one, 7, &sum);
        assert_eq!(name.len(), 40);
        for other in [
            block_name(&other, 7, &sum),
            block_name(&one, 8, &sum),
            block_name(&one, 7, &other_sum),
        ] {
            assert!(other != name && other.len() == name.len());
        }
    }
}
