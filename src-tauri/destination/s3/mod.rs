//! `s3`: a bucket of any store that speaks S3. An archive is one object, visible when the store has all of it: small ones are sent in one
//! request, larger ones in parts, several at once, and nothing is at its name before the last request, which asks for a name that is free.
//! An object is known to be right by a checksum that the store computed, where it was seen to refuse a wrong one; else it is read back,
//! and deleted where it is not what was sent. It keeps nothing on this machine.

mod address;
mod answers;
mod learnt;
mod listing;
mod multipart;
mod probe;
mod refusal;
mod store;
mod sweep;
mod verify;
mod write;

use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode};
use jiff::Timestamp;

use super::http::date;
use super::range::of_nothing;
use super::settings::Settings;
use super::tls::Need;
use super::{
    Body, Call, Capabilities, Destination, DestinationError, ErrorKind, Key, Listed, Stored,
    Unfinished, Verification,
};
use learnt::Learnt;
use refusal::Refusal;
use store::{Ask, Store, Told};
use write::Write;

type Result<T> = std::result::Result<T, DestinationError>;

const SETTINGS: &[&str] = &[
    "endpoint",
    "region",
    "bucket",
    "base_path",
    "path_style",
    "ca_file",
    "fingerprint",
];

pub(super) fn open(settings: &Settings<'_>) -> Result<Arc<dyn Destination>> {
    settings.allow(SETTINGS)?;
    let store = Store::of(settings)?;
    let mut base = settings.base_folders()?.join("/");
    if !base.is_empty() {
        base.push('/');
    }
    let learnt = if store.address.is_amazon {
        Learnt::of_amazon()
    } else {
        Learnt::default()
    };
    Ok(Arc::new(S3 {
        name: settings.name().to_owned(),
        base,
        store,
        learnt,
    }))
}

struct S3 {
    /// For progress.
    name: String,
    /// What the name of every object begins with: empty, or with a slash at its end.
    base: String,
    store: Store,
    learnt: Learnt,
}

/// What a HEAD says of an object.
struct Found {
    size: u64,
    modified: Option<Timestamp>,
    etag: Option<String>,
    /// Of the write that made it.
    mark: Option<String>,
    /// Base64, with the number of parts behind it.
    sha256: Option<String>,
}

/// Set by a write, so that it knows its own object again.
const MARK: &str = "x-amz-meta-holdfast-write";
const SHA256: &str = "x-amz-checksum-sha256";
const NONE_MATCH: &str = "if-none-match";
const LENGTH: &str = "content-length";
const MODIFIED: &str = "last-modified";
const ETAG: &str = "etag";
const RANGE: &str = "range";

impl S3 {
    /// The name of the object.
    fn at(&self, key: &Key) -> String {
        format!("{}{}", self.base, key.as_str())
    }

    fn ask_head(&self, at: &str, call: &Call<'_>) -> Result<Told<Found>> {
        let ask = Ask::new(Method::HEAD, at).header("x-amz-checksum-mode", "ENABLED");
        let answer = match self.store.ask(ask, call)? {
            Ok(answer) => answer,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let text = |name| answer.header(name).map(str::to_owned);
        let Some(size) = answer.header(LENGTH).and_then(|text| text.parse().ok()) else {
            let detail = format!("HEAD `{at}`: the answer does not say how long it is");
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        };
        Ok(Ok(Found {
            size,
            modified: answer.header(MODIFIED).and_then(date),
            etag: text(ETAG),
            mark: text(MARK),
            sha256: text(SHA256),
        }))
    }

    /// None where nothing is. A refusal to a HEAD has no words: a listing, refused for the same reason, has.
    fn head(&self, key: &Key, call: &Call<'_>) -> Result<Option<Found>> {
        let refusal = match self.ask_head(&self.at(key), call)? {
            Ok(found) => return Ok(Some(found)),
            Err(refusal) => refusal,
        };
        match refusal.status {
            StatusCode::NOT_FOUND => self.words_of_missing(call).map(|()| None),
            // Where nothing may be listed, what is missing is forbidden.
            _ if refusal.has_no_words() => self.words(call).and(Err(refusal.into_error())),
            _ => Err(refusal.into_error()),
        }
    }

    /// Of a name that is not there: is it the bucket? Who may not list is told no more.
    fn words_of_missing(&self, call: &Call<'_>) -> Result<()> {
        match self.words(call) {
            Err(e) if e.kind == ErrorKind::Forbidden => Ok(()),
            words => words,
        }
    }

    /// The reason why nothing works here, where there is one: the bucket is missing or elsewhere, the keys are wrong, the clock is.
    fn words(&self, call: &Call<'_>) -> Result<()> {
        let ask = Ask::new(Method::GET, "")
            .query("list-type", "2")
            .query("max-keys", "1")
            .query("prefix", &self.base);
        let listed = self.store.ask(ask, call)?;
        listed.map(drop).map_err(|refusal| refusal.into_error())
    }

    fn fetch(
        &self,
        key: &Key,
        range: Option<&Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>> {
        let at = self.at(key);
        let mut ask = Ask::new(Method::GET, &at);
        let length = range.map(|range| range.end - range.start);
        if let Some(range) = range {
            ask = ask.header(RANGE, format!("bytes={}-{}", range.start, range.end - 1));
        }
        match self.store.fetch(&ask, length, call)? {
            Ok(reader) => Ok(Box::new(reader)),
            Err(refusal) => Err(refusal.into_error()),
        }
    }
}

impl Destination for S3 {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            // What is known of the place: "Test destination" finds it out.
            atomic_create: self.learnt.atomic_create(),
            ranges: true,
            free_space: false,
            resume: true,
            modes: false,
            // Archives and signatures: the secret key itself is never sent.
            in_clear: self.store.address.tls == Need::AtMostOnTheWay,
        }
    }

    fn staging(&self, _key: &Key) -> Result<Option<PathBuf>> {
        Ok(None)
    }

    fn attempt(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        let mut write = Write::going_on(left.take().as_ref());
        let written = self.write(key, body, &mut write, call);
        match written {
            Ok(()) => {
                self.probe_conditions(key, body, call)?;
                Ok(Stored {
                    verification: Verification::Verified,
                })
            }
            Err(e) => {
                let unfinished = write.unfinished();
                if e.kind.may_pass() {
                    *left = unfinished;
                } else if let Some(unfinished) = unfinished {
                    self.clear_away(key, &unfinished, call);
                }
                Err(e)
            }
        }
    }

    fn discard(&self, key: &Key, left: &Unfinished, call: &Call<'_>) -> Result<()> {
        self.undo(key, &Write::going_on(Some(left)), call)
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>> {
        call.check()?;
        // No range of HTTP has no bytes.
        if let Some(empty) = range.as_ref().filter(|range| range.is_empty()) {
            let found = self.head(key, call)?;
            return of_nothing(empty, found.map(|found| found.size), key);
        }
        self.fetch(key, range.as_ref(), call)
    }

    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        self.list_archives(prefix, call, each)
    }

    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>> {
        let found = self.head(key, call)?;
        Ok(found.map(|found| Listed {
            key: key.clone(),
            size: found.size,
            modified: found.modified,
        }))
    }

    /// In a bucket with versions the store keeps the old one behind a marker, for as long as the bucket's rules say.
    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        match self
            .store
            .ask(Ask::new(Method::DELETE, &self.at(key)), call)?
        {
            Ok(_) => Ok(()),
            Err(refusal) if is_missing(&refusal) => self.words_of_missing(call),
            Err(refusal) => Err(refusal.into_error()),
        }
    }

    fn sweep(&self, age: Duration, call: &Call<'_>) -> Result<u32> {
        self.sweep_uploads(age, call)
    }

    /// S3 has no such question.
    fn free_space(&self, _call: &Call<'_>) -> Result<Option<u64>> {
        Ok(None)
    }
}

/// Not of a missing bucket, where the store says so.
fn is_missing(refusal: &Refusal) -> bool {
    refusal.status == StatusCode::NOT_FOUND && !refusal.is("NoSuchBucket")
}
