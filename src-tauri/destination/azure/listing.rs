//! What lies in a container: read page by page, archives alone shown. What a hostile service lists harms nothing.

use http::StatusCode;

use super::Azure;
use super::answers::{Blob, Page, parsed};
use super::refusal::Right;
use crate::destination::http::date;
use crate::destination::key::{self, Level};
use crate::destination::pages::{self, with_slashes};
use crate::destination::{Call, DestinationError, Key, Listed};

type Result<T> = std::result::Result<T, DestinationError>;

impl Azure {
    /// A container has no folders: all that lies below is listed at once.
    pub(super) fn list_archives(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        let what = "listing the container";
        let base = with_slashes(&self.base);
        let mut page =
            |below: &str, each: &mut dyn FnMut(Listed) -> Result<()>, next: Option<&str>| {
                let below = format!("{base}{below}");
                let mut query = vec![("restype", "container"), ("comp", "list")];
                if !below.is_empty() {
                    query.push(("prefix", &below));
                }
                if let Some(next) = next {
                    query.push(("marker", next));
                }
                let answer = self.send(self.container(&query), call)?;
                if answer.status != StatusCode::OK {
                    return Err(self.refused(&answer, what, Right::List));
                }
                let page: Page = parsed(&answer, what)?;
                for listed in page
                    .blobs
                    .blobs
                    .iter()
                    .filter_map(|blob| archive(&base, blob))
                {
                    each(listed)?;
                }
                Ok(page.next_marker.filter(|next| !next.is_empty()))
            };
        pages::archives(prefix, call, &mut page, each)
    }
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
