//! An archive on its way into a container: at once where it is small, else in blocks, several at a time. The service checks each by its MD5
//! and says so; where it does not say so, everything is read back.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, Method, StatusCode, header};
use md5::Md5;
use reqwest::Request;
use sha2::{Digest, Sha256};

use super::Azure;
use super::answers::{BlockList, parsed};
use crate::destination::body::Sending;
use crate::destination::parts::{Part, Parts, Sum};
use crate::destination::{
    Body, Call, Destination, DestinationError, ErrorKind, Key, Stored, Unfinished, Verification,
    read_back,
};

type Result<T> = std::result::Result<T, DestinationError>;

/// Up to here in one request.
const AT_ONCE: u64 = 16 << 20;
const BLOCK: u64 = 16 << 20;
/// A blob takes 50,000.
const MOST_BLOCKS: u64 = 45_000;
const SENDERS: usize = 4;
const CONTENT_MD5: &str = "content-md5";

/// Of one block: what the service checks it by, and what names it.
#[derive(Default)]
struct Sums {
    md5: Md5,
    sha256: Sha256,
}

impl Sum for Sums {
    fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.sha256.update(bytes);
    }
}

/// What the senders of one upload share.
struct Sent {
    /// That are there from an earlier try, with their sizes.
    before: BTreeMap<String, u64>,
    /// By index.
    ids: Mutex<BTreeMap<usize, String>>,
    confirmed: AtomicBool,
}

impl Azure {
    pub(super) fn upload(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        let before = left.take();
        if self.stat(key, call)?.is_some() {
            let detail = format!("`{}` is there already", key.as_str());
            return Err(DestinationError::new(ErrorKind::Exists, detail));
        }
        let confirmed = if body.length <= AT_ONCE {
            self.put_at_once(key, body, call)?
        } else {
            let sent = self.put_in_blocks(key, body, before.is_some(), call);
            if sent.as_ref().is_err_and(|error| error.kind.may_pass()) {
                *left = Some(Unfinished("blocks".to_owned()));
            }
            sent?
        };
        if !confirmed {
            self.require_right(key, body, call)?;
        }
        Ok(Stored {
            verification: Verification::Verified,
        })
    }

    /// It is visible already: what is wrong goes at once.
    fn require_right(&self, key: &Key, body: &Body, call: &Call<'_>) -> Result<()> {
        let right = read_back::verify(self, key, body, &self.name, call);
        if right.is_err() {
            // Reported as not stored either way.
            let _ = self.delete(key, call);
        }
        right
    }

    /// True where the service confirms what came there.
    fn put_at_once(&self, key: &Key, body: &Body, call: &Call<'_>) -> Result<bool> {
        let md5 = self.md5_of(body, call)?;
        let mut request = self.blob(key, Method::PUT, &[]);
        let headers = request.headers_mut();
        headers.insert("x-ms-blob-type", HeaderValue::from_static("BlockBlob"));
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
        insert(&mut request, CONTENT_MD5, &md5)?;
        insert(&mut request, "content-length", &body.length.to_string())?;
        self.access.prove(&mut request)?;
        let mut sending = Sending::open(body, &self.name, call)?;
        let answer = self.http.upload(request, &mut sending, body.length, call)?;
        if answer.status != StatusCode::CREATED {
            return Err(self.refused(&answer, "sending the archive"));
        }
        Ok(answer.header(CONTENT_MD5) == Some(md5.as_str()))
    }

    fn md5_of(&self, body: &Body, call: &Call<'_>) -> Result<String> {
        let mut md5 = Md5::new();
        let quiet = Call {
            observer: &crate::model::NoObserver,
            pace: None,
            ..*call
        };
        let mut sending = Sending::open(body, &self.name, &quiet)?;
        while let Some(block) = sending.next()? {
            md5.update(&block);
        }
        Ok(BASE64_STANDARD.encode(md5.finalize()))
    }

    fn put_in_blocks(&self, key: &Key, body: &Body, again: bool, call: &Call<'_>) -> Result<bool> {
        let before = if again {
            self.uncommitted(key, call)?
        } else {
            BTreeMap::new()
        };
        let sent = Sent {
            before,
            ids: Mutex::default(),
            confirmed: AtomicBool::new(true),
        };
        let parts = Parts {
            body,
            size: BLOCK.max(body.length.div_ceil(MOST_BLOCKS)),
            senders: SENDERS,
            what: &self.name,
        };
        parts.send(call, &mut |_| (), &|part, call| {
            self.put_block(key, part, &sent, call)
        })?;
        let ids = sent
            .ids
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        self.commit(key, ids.values(), call)?;
        Ok(sent.confirmed.into_inner())
    }

    fn put_block(
        &self,
        key: &Key,
        part: &mut Part<'_, Sums>,
        sent: &Sent,
        call: &Call<'_>,
    ) -> Result<()> {
        // All names of a blob's blocks have the same length. What is in it is part of the name: never are two bodies mixed.
        let digest = part.sum.sha256.clone().finalize();
        let name = format!("{:05}-{}", part.index, hex::encode(&digest[..12]));
        let id = BASE64_STANDARD.encode(name);
        if sent.before.get(&id) == Some(&part.length) {
            // Nobody confirms it a second time.
            sent.confirmed.store(false, Ordering::Relaxed);
            part.pass_over();
        } else {
            let md5 = BASE64_STANDARD.encode(part.sum.md5.clone().finalize());
            let mut request = self.blob(key, Method::PUT, &[("comp", "block"), ("blockid", &id)]);
            insert(&mut request, CONTENT_MD5, &md5)?;
            insert(&mut request, "content-length", &part.length.to_string())?;
            self.access.prove(&mut request)?;
            let length = part.length;
            let answer = self.http.upload(request, part, length, call)?;
            if answer.status != StatusCode::CREATED {
                return Err(self.refused(&answer, "sending a block"));
            }
            if answer.header(CONTENT_MD5) != Some(md5.as_str()) {
                sent.confirmed.store(false, Ordering::Relaxed);
            }
        }
        let mut ids = sent.ids.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert(part.index, id);
        Ok(())
    }

    fn uncommitted(&self, key: &Key, call: &Call<'_>) -> Result<BTreeMap<String, u64>> {
        let query = [("comp", "blocklist"), ("blocklisttype", "uncommitted")];
        let answer = self.send(self.blob(key, Method::GET, &query), call)?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(BTreeMap::new()),
            _ => return Err(self.refused(&answer, "looking for blocks")),
        }
        let list: BlockList = parsed(&answer, "looking for blocks")?;
        let blocks = list.uncommitted_blocks.blocks.into_iter();
        Ok(blocks.map(|block| (block.name, block.size)).collect())
    }

    /// Makes the archive visible.
    fn commit<'i>(
        &self,
        key: &Key,
        ids: impl Iterator<Item = &'i String>,
        call: &Call<'_>,
    ) -> Result<()> {
        let mut list = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        for id in ids {
            list.push_str("<Latest>");
            list.push_str(id);
            list.push_str("</Latest>");
        }
        list.push_str("</BlockList>");
        let mut request = self.blob(key, Method::PUT, &[("comp", "blocklist")]);
        let everything = HeaderValue::from_static("*");
        request
            .headers_mut()
            .insert(header::IF_NONE_MATCH, everything);
        insert(&mut request, "content-length", &list.len().to_string())?;
        *request.body_mut() = Some(list.into());
        let answer = self.send(request, call)?;
        if answer.status == StatusCode::CREATED {
            return Ok(());
        }
        Err(self.refused(&answer, "completing the upload"))
    }
}

fn insert(request: &mut Request, name: &'static str, value: &str) -> Result<()> {
    let value = HeaderValue::from_str(value).map_err(|_| {
        DestinationError::new(ErrorKind::Protocol, format!("`{name}` cannot be sent"))
    })?;
    request.headers_mut().insert(name, value);
    Ok(())
}
