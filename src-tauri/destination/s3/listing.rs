//! What lies in a bucket: read page by page, archives alone shown. What a hostile store lists harms nothing.

use std::borrow::Cow;
use std::collections::HashSet;

use http::Method;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use super::S3;
use super::answers::{self, Object, Page};
use super::store::Ask;
use crate::destination::folders;
use crate::destination::key::{self, Level};
use crate::destination::{Call, DestinationError, ErrorKind, Key, Listed};

type Result<T> = std::result::Result<T, DestinationError>;

/// A hundred million objects. A listing that goes on after that has no end.
const MOST_PAGES: usize = 100_000;

impl S3 {
    pub(super) fn list_archives(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        let path = folders::split(prefix)?;
        if Level::of(&path) == Level::Foreign {
            call.check()?;
            return Ok(());
        }
        let in_contract = path
            .first()
            .is_some_and(|first| first == Key::CONTRACT_FOLDER);
        let mut below = self.base.clone();
        for folder in &path {
            below.push_str(folder);
            below.push('/');
        }
        let mut turns = Turns::default();
        loop {
            call.check()?;
            let mut ask = Ask::new(Method::GET, "")
                .query("list-type", "2")
                .query("encoding-type", "url")
                .query("prefix", &below);
            if let Some(token) = turns.token() {
                ask = ask.query("continuation-token", token);
            }
            let answer = match self.store.ask(ask, call)? {
                Ok(answer) => answer,
                Err(refusal) => return Err(refusal.into_error()),
            };
            let page: Page = answers::read(&answer.body, "ListBucket")?;
            for object in page.contents {
                call.check()?;
                let Some(listed) = self.archive(&object) else {
                    continue;
                };
                let hidden = listed.key.folders().next() == Some(Key::CONTRACT_FOLDER);
                if hidden == in_contract {
                    each(listed)?;
                }
            }
            if !turns.go_on(page.is_truncated, page.next_continuation_token)? {
                return Ok(());
            }
        }
    }

    fn archive(&self, object: &Object) -> Option<Listed> {
        Some(Listed {
            key: self.key_of(&object.key)?,
            size: object.size.trim().parse().ok()?,
            modified: time(&object.last_modified),
        })
    }

    /// Of an object where an archive may lie. Stores do not agree on how a name is written in a listing, whatever they say of it: the base
    /// path tells, and what comes after it has no letter that could be written otherwise.
    pub(super) fn key_of(&self, listed: &str) -> Option<Key> {
        let plus = listed.replace('+', " ");
        let ways = [
            Cow::Borrowed(listed),
            percent_decode_str(listed).decode_utf8_lossy(),
            percent_decode_str(&plus).decode_utf8_lossy(),
        ];
        let path = ways.iter().find_map(|way| way.strip_prefix(&*self.base))?;
        let (folder, name) = path.rsplit_once('/')?;
        let folders: Vec<_> = folder.split('/').map(str::to_owned).collect();
        let lies_there =
            Level::of(&folders) == Level::Archives && key::is_archive_in(&folders, name);
        Key::new(path).ok().filter(|_| lies_there)
    }
}

/// From page to page, never in a circle.
#[derive(Default)]
pub(super) struct Turns {
    seen: HashSet<[u8; 16]>,
    next: Option<String>,
}

impl Turns {
    pub fn token(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Whether there is another page.
    pub fn go_on(&mut self, is_truncated: bool, next: Option<String>) -> Result<bool> {
        if !is_truncated {
            return Ok(false);
        }
        let without_end = |detail: &str| {
            let detail = format!("the listing does not end: {detail}");
            Err(DestinationError::new(ErrorKind::Protocol, detail))
        };
        let Some(next) = next.filter(|next| !next.is_empty()) else {
            return without_end("there is more, but not how to ask for it");
        };
        let digest = Sha256::digest(next.as_bytes());
        if !self.seen.insert(std::array::from_fn(|n| digest[n])) {
            return without_end("it comes back to where it was");
        }
        if self.seen.len() > MOST_PAGES {
            return without_end("it has too many pages");
        }
        self.next = Some(next);
        Ok(true)
    }
}

/// As S3 writes times.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}
