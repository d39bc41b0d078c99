//! `azure`: a container of Azure Blob Storage. Blobs appear whole or not at all, and the service itself refuses a name that is taken, so
//! there are no temporary names. Blocks of an upload that is never completed are invisible, and the service throws them away after a week.

mod access;
mod answers;
mod upload;

use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, StatusCode, header};
use reqwest::Request;
use url::Url;

use super::folders::{self, Entry, EntryKind};
use super::http::{Answer, Download, Http, request};
use super::settings::Settings;
use super::{
    Body, Call, Capabilities, Destination, DestinationError, ErrorKind, Key, Listed, Stored,
    Unfinished,
};
use access::Access;
use answers::{Page, parsed, refused};

type Result<T> = std::result::Result<T, DestinationError>;

/// A listing that goes on after that many pages has no end.
const MOST_PAGES: u32 = 100_000;

/// Archives as block blobs of a container.
pub(super) struct Azure {
    http: Http,
    /// For progress.
    name: String,
    access: Access,
    /// Folders in front of every name.
    base: Vec<String>,
}

pub(super) fn open(settings: &Settings<'_>) -> Result<Arc<dyn Destination>> {
    Ok(Arc::new(Azure {
        access: Access::new(settings)?,
        http: Http::new(settings)?,
        name: settings.name().to_owned(),
        base: settings.base_folders()?,
    }))
}

impl Azure {
    fn blob(&self, key: &Key, method: Method, query: &[(&str, &str)]) -> Request {
        let mut url = self.access.container.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty()
                .extend(&self.base)
                .extend(key.as_str().split('/'));
        }
        request(method, with_query(url, query))
    }

    fn container(&self, query: &[(&str, &str)]) -> Request {
        request(
            Method::GET,
            with_query(self.access.container.clone(), query),
        )
    }

    fn send(&self, mut request: Request, call: &Call<'_>) -> Result<Answer> {
        self.access.prove(&mut request)?;
        self.http.send(request, call)
    }

    fn refused(&self, answer: &Answer, what: &str) -> DestinationError {
        refused(answer, what, &self.access)
    }

    /// The folders and blobs right below a path.
    fn folder(&self, path: &[String], call: &Call<'_>) -> Result<Vec<Entry>> {
        let mut prefix = String::new();
        for part in self.base.iter().chain(path) {
            prefix.push_str(part);
            prefix.push('/');
        }
        let mut entries = Vec::new();
        let mut marker = String::new();
        for _ in 0..MOST_PAGES {
            let mut query = vec![
                ("restype", "container"),
                ("comp", "list"),
                ("delimiter", "/"),
                ("prefix", &prefix),
            ];
            if !marker.is_empty() {
                query.push(("marker", &marker));
            }
            let answer = self.send(self.container(&query), call)?;
            if answer.status != StatusCode::OK {
                return Err(self.refused(&answer, "listing"));
            }
            let page: Page = parsed(&answer, "listing")?;
            let below = |name: &str| name.strip_prefix(&prefix).map(str::to_owned);
            for blob in page.blobs.blobs {
                if let Some(name) = below(&blob.name) {
                    entries.push(Entry {
                        name,
                        kind: EntryKind::File,
                        size: blob.properties.length,
                        modified: super::http::date(&blob.properties.modified),
                    });
                }
            }
            for folder in page.blobs.prefixes {
                let name = folder.name.strip_suffix('/').and_then(below);
                entries.extend(name.map(|name| Entry {
                    name,
                    kind: EntryKind::Folder,
                    size: 0,
                    modified: None,
                }));
            }
            match page.next_marker.filter(|next| !next.is_empty()) {
                None => return Ok(entries),
                Some(next) if next == marker => break,
                Some(next) => marker = next,
            }
        }
        let detail = "listing: it does not end";
        Err(DestinationError::new(ErrorKind::Protocol, detail))
    }
}

impl Destination for Azure {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            atomic_create: true,
            ranges: true,
            free_space: false,
            resume: true,
            modes: false,
            in_clear: self.access.container.scheme() == "http",
        }
    }

    fn staging(&self, _: &Key) -> Result<Option<PathBuf>> {
        Ok(None)
    }

    fn attempt(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        self.upload(key, body, left, call)
    }

    /// Nothing can be done about blocks without making them visible for a moment: they go by themselves.
    fn discard(&self, _: &Key, _: &Unfinished, _: &Call<'_>) -> Result<()> {
        Ok(())
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>> {
        let what = format!("reading `{}`", key.as_str());
        // No request says "no bytes".
        if let Some(empty) = range.as_ref().filter(|range| range.is_empty()) {
            return match self.stat(key, call)? {
                Some(found) if empty.start <= found.size => Ok(Box::new(io::empty())),
                Some(_) => Err(DestinationError::new(ErrorKind::Truncated, what)),
                None => Err(DestinationError::new(ErrorKind::Missing, what)),
            };
        }
        let mut request = self.blob(key, Method::GET, &[]);
        let length = range.as_ref().map(|range| range.end - range.start);
        if let Some(range) = &range {
            let value = super::http::range(range);
            request.headers_mut().insert(header::RANGE, value);
        }
        self.access.prove(&mut request)?;
        match self.http.download(request, length, call)? {
            Download::Content { reader, .. } => Ok(Box::new(reader)),
            Download::Refused(answer) => Err(self.refused(&answer, &what)),
        }
    }

    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        let mut list = |path: &[String]| self.folder(path, call).map(Some);
        folders::archives(prefix, call, &mut list, each)
    }

    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>> {
        let answer = self.send(self.blob(key, Method::HEAD, &[]), call)?;
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND if !answers::says(&answer, "ContainerNotFound") => {
                return Ok(None);
            }
            _ => {
                let what = format!("looking for `{}`", key.as_str());
                return Err(self.refused(&answer, &what));
            }
        }
        let size = answer.header("content-length").and_then(|n| n.parse().ok());
        let Some(size) = size else {
            let detail = "it does not say how large an archive is";
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        };
        let modified = answer.header("last-modified").and_then(super::http::date);
        Ok(Some(Listed {
            key: key.clone(),
            size,
            modified,
        }))
    }

    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        let answer = self.send(self.blob(key, Method::DELETE, &[]), call)?;
        let is_gone =
            answer.status == StatusCode::NOT_FOUND && !answers::says(&answer, "ContainerNotFound");
        if answer.status.is_success() || is_gone {
            return Ok(());
        }
        Err(self.refused(&answer, &format!("deleting `{}`", key.as_str())))
    }

    /// There is nothing to sweep: what an interrupted upload leaves cannot be seen, and goes by itself.
    fn sweep(&self, _: Duration, call: &Call<'_>) -> Result<u32> {
        call.check()?;
        Ok(0)
    }

    fn free_space(&self, _: &Call<'_>) -> Result<Option<u64>> {
        Ok(None)
    }
}

/// Beside what is there, which may be a signature. A form's `+` would be a plus there.
fn with_query(mut url: Url, query: &[(&str, &str)]) -> Url {
    if query.is_empty() {
        return url;
    }
    let signature = url.query().map(str::to_owned);
    url.set_query(None);
    url.query_pairs_mut().extend_pairs(query);
    let mut text = url.query().unwrap_or_default().replace('+', "%20");
    if let Some(signature) = signature {
        text.push('&');
        text.push_str(&signature);
    }
    url.set_query(Some(&text));
    url
}
