//! What lies in a container: read page by page, archives alone shown. What a hostile service lists harms nothing.

use std::collections::HashSet;

use http::StatusCode;
use sha2::{Digest, Sha256};

use super::Azure;
use super::answers::{Blob, Page, parsed};
use super::refusal::Right;
use crate::destination::http::date;
use crate::destination::key::{self, Level};
use crate::destination::{Call, DestinationError, ErrorKind, Key, Listed, folders};

type Result<T> = std::result::Result<T, DestinationError>;

/// Of 5,000 blobs. A listing that goes on after that has no end.
const MOST_PAGES: usize = 100_000;

impl Azure {
    /// A container has no folders: all that lies below is listed at once.
    pub(super) fn list_archives(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        let what = "listing the container";
        call.check()?;
        let path = folders::split(prefix)?;
        if Level::of(&path) == Level::Foreign {
            return Ok(());
        }
        let in_contract = path
            .first()
            .is_some_and(|first| first == Key::CONTRACT_FOLDER);
        let base = with_slashes(&self.base);
        let below = format!("{base}{}", with_slashes(&path));
        let mut pages = Pages::default();
        loop {
            let mut query = vec![("restype", "container"), ("comp", "list")];
            if !below.is_empty() {
                query.push(("prefix", &below));
            }
            if let Some(marker) = &pages.marker {
                query.push(("marker", marker));
            }
            let answer = self.send(self.container(&query), call)?;
            if answer.status != StatusCode::OK {
                return Err(self.refused(&answer, what, Right::List));
            }
            let page: Page = parsed(&answer, what)?;
            for blob in page.blobs.blobs {
                call.check()?;
                let Some(listed) = archive(&base, &blob) else {
                    continue;
                };
                let hidden = listed.key.folders().next() == Some(Key::CONTRACT_FOLDER);
                if hidden == in_contract {
                    each(listed)?;
                }
            }
            if !pages.go_on(page.next_marker)? {
                return Ok(());
            }
        }
    }
}

fn with_slashes(folders: &[String]) -> String {
    folders
        .iter()
        .flat_map(|name| [name.as_str(), "/"])
        .collect()
}

/// None where no archive can lie.
fn archive(base: &str, blob: &Blob) -> Option<Listed> {
    let path = blob.name.strip_prefix(base)?;
    let (folder, name) = path.rsplit_once('/')?;
    let folders: Vec<_> = folder.split('/').map(str::to_owned).collect();
    if Level::of(&folders) != Level::Archives || !key::is_archive_in(&folders, name) {
        return None;
    }
    Some(Listed {
        key: Key::new(path).ok()?,
        size: blob.properties.length.trim().parse().ok()?,
        modified: date(&blob.properties.modified),
    })
}

/// From page to page, never in a circle.
#[derive(Default)]
struct Pages {
    seen: HashSet<[u8; 16]>,
    marker: Option<String>,
}

impl Pages {
    /// Whether there is another page.
    fn go_on(&mut self, next: Option<String>) -> Result<bool> {
        let Some(next) = next.filter(|next| !next.is_empty()) else {
            return Ok(false);
        };
        let digest = Sha256::digest(next.as_bytes());
        let is_new = self.seen.insert(std::array::from_fn(|n| digest[n]));
        if !is_new || self.seen.len() > MOST_PAGES {
            let detail = "the listing does not end";
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        }
        self.marker = Some(next);
        Ok(true)
    }
}
