//! `azure`: a container of Azure Blob Storage. An archive is one blob, there when its last request makes it out of blocks that nobody sees
//! before, under a name that the service itself knows to be free. So there are no temporary names.
//!
//! Blocks of an upload that is never completed are thrown away by the service after a week. There is nothing to remove them by but a blob of
//! that name, which would look like an archive for a moment, and for ever if nobody came to remove it: they are left.

mod access;
mod answers;
mod listing;
mod refusal;
mod upload;

use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Request;
use url::Url;

use super::http::{Answer, Download, Http, request};
use super::range::of_nothing;
use super::settings::Settings;
use super::tls::Need;
use super::{
    Body, Call, Capabilities, Destination, DestinationError, ErrorKind, Key, Listed, Stored,
    Unfinished,
};
use access::Access;
use refusal::{Right, code};

type Result<T> = std::result::Result<T, DestinationError>;

const BLOB_NOT_FOUND: &str = "BlobNotFound";
/// All but these are written otherwise: what is signed and what is read there is the same then.
const ODD: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Archives as block blobs of a container.
pub(super) struct Azure {
    http: Http,
    /// For progress.
    name: String,
    access: Access,
    /// Folders in front of every name.
    base: Vec<String>,
    /// Whether the service was seen to refuse a block that is not what its checksum says.
    checks_sums: OnceLock<bool>,
}

/// What a HEAD says of a blob.
struct Found {
    size: u64,
    modified: Option<Timestamp>,
    /// Of this state of it.
    etag: Option<String>,
    mark: Option<String>,
}

pub(super) fn open(settings: &Settings<'_>) -> Result<Arc<dyn Destination>> {
    let access = Access::new(settings)?;
    Ok(Arc::new(Azure {
        http: Http::new(settings, Need::of(&access.container))?,
        access,
        name: settings.name().to_owned(),
        base: settings.base_folders()?,
        checks_sums: OnceLock::new(),
    }))
}

impl Azure {
    fn blob(&self, key: &Key, method: Method, query: &[(&str, &str)]) -> Request {
        let mut url = self.access.container.clone();
        let names = self.base.iter().map(String::as_str);
        let mut path = url.path().to_owned();
        for name in names.chain(key.as_str().split('/')) {
            path.push('/');
            path.extend(utf8_percent_encode(name, ODD));
        }
        url.set_path(&path);
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

    fn refused(&self, answer: &Answer, what: &str, right: Right) -> DestinationError {
        refusal::refused(answer, what, right, &self.access)
    }

    fn head(&self, key: &Key, call: &Call<'_>) -> Result<Option<Found>> {
        let what = format!("looking for `{}`", key.as_str());
        let answer = self.send(self.blob(key, Method::HEAD, &[]), call)?;
        if answer.status == StatusCode::NOT_FOUND && code(&answer) == BLOB_NOT_FOUND {
            return Ok(None);
        }
        if answer.status != StatusCode::OK {
            return Err(self.refused(&answer, &what, Right::Read));
        }
        let size = answer.header("content-length").and_then(|n| n.parse().ok());
        let Some(size) = size else {
            let detail = format!("{what}: it does not say how large it is");
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        };
        Ok(Some(Found {
            size,
            modified: answer.header("last-modified").and_then(super::http::date),
            etag: answer.header("etag").map(str::to_owned),
            mark: answer.header(upload::MARK).map(str::to_owned),
        }))
    }

    /// `as_found`: only as long as it is in that state.
    fn remove(&self, key: &Key, as_found: Option<&Found>, call: &Call<'_>) -> Result<()> {
        let mut request = self.blob(key, Method::DELETE, &[]);
        let etag = as_found.and_then(|found| found.etag.as_deref());
        if let Some(etag) = etag.and_then(|etag| HeaderValue::from_str(etag).ok()) {
            request.headers_mut().insert(header::IF_MATCH, etag);
        }
        let answer = self.send(request, call)?;
        let is_gone = answer.status == StatusCode::NOT_FOUND && code(&answer) == BLOB_NOT_FOUND;
        if answer.status.is_success() || is_gone {
            return Ok(());
        }
        let what = format!("deleting `{}`", key.as_str());
        Err(self.refused(&answer, &what, Right::Delete))
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

    fn discard(&self, key: &Key, left: &Unfinished, call: &Call<'_>) -> Result<()> {
        self.undo(key, left, call)
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
            let found = self.head(key, call)?;
            return of_nothing(empty, found.map(|found| found.size), key);
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
            Download::Refused(answer) => Err(self.refused(&answer, &what, Right::Read)),
        }
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

    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        self.remove(key, None, call)
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

fn with_query(mut url: Url, query: &[(&str, &str)]) -> Url {
    let mut text = String::new();
    for (n, (name, value)) in query.iter().enumerate() {
        if n > 0 {
            text.push('&');
        }
        text.extend([name, "="]);
        text.extend(utf8_percent_encode(value, ODD));
    }
    url.set_query((!text.is_empty()).then_some(&text));
    url
}
