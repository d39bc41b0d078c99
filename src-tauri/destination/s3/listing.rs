//! What lies in a bucket: read page by page, archives alone shown. What a hostile store lists harms nothing.

use std::borrow::Cow;

use http::Method;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::S3;
use super::answers::{self, Object, Page};
use super::store::Ask;
use crate::destination::key::{self, Level};
use crate::destination::{Call, DestinationError, Key, Listed, pages};

type Result<T> = std::result::Result<T, DestinationError>;

impl S3 {
    pub(super) fn list_archives(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        let mut page =
            |below: &str, each: &mut dyn FnMut(Listed) -> Result<()>, next: Option<&str>| {
                let mut ask = Ask::new(Method::GET, "")
                    .query("list-type", "2")
                    .query("encoding-type", "url")
                    .query("prefix", format!("{}{below}", self.base));
                if let Some(next) = next {
                    ask = ask.query("continuation-token", next);
                }
                let answer = match self.store.ask(ask, call)? {
                    Ok(answer) => answer,
                    Err(refusal) => return Err(refusal.into_error()),
                };
                let page: Page = answers::read(&answer.body, "ListBucket")?;
                for listed in page
                    .contents
                    .iter()
                    .filter_map(|object| self.archive(object))
                {
                    each(listed)?;
                }
                let next = page.next_continuation_token.unwrap_or_default();
                Ok(page.is_truncated.then_some(next))
            };
        pages::archives(prefix, call, &mut page, each)
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

/// As S3 writes times.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    text.trim().parse().ok()
}
