//! One WebDAV server (RFC 4918) as its folders and files: addresses, requests, and what the answers mean. It knows no archive.

use std::ops::Range;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, RANGE,
};
use http::{HeaderValue, Method, StatusCode};
use jiff::Timestamp;
use reqwest::Request;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::multistatus::{self, Properties};
use super::own::Own;
use super::refusals::{done, is_missing, refused, speaks_no_webdav};
use crate::destination::body::Outgoing;
use crate::destination::http::{
    Answer, Download, Http, address, date, range as range_header, request,
};
use crate::destination::net::Incoming;
use crate::destination::settings::Settings;
use crate::destination::tls::Need;
use crate::destination::{Call, DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

/// A folder was listed.
pub(super) struct Seen {
    /// By the server's own clock, if it tells.
    pub at: Option<Timestamp>,
}

const PROPERTIES: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>"#;
const FREE_SPACE: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><quota-available-bytes/></prop></propfind>"#;
/// Of `SabreDAV` and of those that follow it.
const PARTIAL_UPDATE: &str = "sabredav-partialupdate";
const PARTIAL_UPDATE_TYPE: &str = "application/x-sabredav-partialupdate";

pub(super) struct Server {
    http: Http,
    /// The folder of the user at the server.
    url: Url,
    /// The folders below it.
    base: Vec<String>,
    /// The value of a header. None: nobody signs in.
    login: Option<SecretString>,
}

/// Where something is: below the base.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    Folder(&'a [String]),
    File(&'a [String], &'a str),
}

impl At<'_> {
    /// Of itself alone; empty for the base.
    pub fn name(&self) -> &str {
        match self {
            Self::Folder(folders) => folders.last().map_or("", String::as_str),
            Self::File(_, name) => name,
        }
    }

    fn shown(self) -> String {
        match self {
            Self::Folder([]) => "the base folder".to_owned(),
            Self::Folder(folders) => format!("`{}`", folders.join("/")),
            Self::File(folders, name) => format!("`{}/{name}`", folders.join("/")),
        }
    }
}

/// What a read gives.
pub(super) enum Content {
    Exactly(Incoming),
    /// The whole, where a part was asked for.
    Whole(Incoming),
    Missing,
}

impl Server {
    pub fn new(settings: &Settings<'_>) -> Result<Self> {
        let url = address(settings, "url")?;
        if url.scheme() == "http" {
            for key in ["ca_file", "fingerprint"] {
                if settings.get(key).is_some() {
                    return Err(settings.bad(format!("takes a `{key}` only with https")));
                }
            }
        }
        Ok(Self {
            http: Http::new(settings, Need::of(&url))?,
            url,
            base: settings.base_folders()?,
            login: login(settings)?,
        })
    }

    pub fn is_in_clear(&self) -> bool {
        self.url.scheme() == "http"
    }

    /// What the server says of one resource; None where there is none.
    pub fn find(&self, at: At<'_>, call: &Call<'_>) -> Result<Option<Properties>> {
        self.properties(at, PROPERTIES, call)
    }

    /// None where it does not say.
    pub fn free_space(&self, call: &Call<'_>) -> Result<Option<u64>> {
        let found = self.properties(At::Folder(&[]), FREE_SPACE, call)?;
        match found {
            Some(found) => Ok(found.available),
            None => Err(self.without_base()),
        }
    }

    /// Fails where the base itself is not there: only below one that is can anything be missing.
    pub fn require_base(&self, call: &Call<'_>) -> Result<()> {
        match self.find(At::Folder(&[]), call)? {
            Some(found) if found.is_folder => Ok(()),
            Some(_) => {
                let detail = "what is at the address is no folder";
                Err(DestinationError::without_base(detail))
            }
            None => Err(self.without_base()),
        }
    }

    /// Calls `each` with the name and properties of everything directly in a folder. None where there is no such folder; whether the base
    /// is there is not asked then.
    pub fn list(
        &self,
        folder: &[String],
        call: &Call<'_>,
        each: &mut dyn FnMut(String, Properties) -> Result<()>,
    ) -> Result<Option<Seen>> {
        let (at, url) = (At::Folder(folder), self.at(At::Folder(folder)));
        let Some((headers, reader)) = self.multistatus(at, url.clone(), "1", PROPERTIES, call)?
        else {
            return match folder {
                [] => Err(self.without_base()),
                _ => Ok(None),
            };
        };
        let mut own = Own::of(&url)?;
        multistatus::read(reader, &url, &mut |resource| {
            call.check()?;
            match own.child(resource.path)? {
                Some(name) => each(name, resource.properties),
                None => Ok(()),
            }
        })?;
        own.require_seen()?;
        let time = headers.get(DATE).and_then(|value| value.to_str().ok());
        Ok(Some(Seen {
            at: time.and_then(date),
        }))
    }

    /// Success, too, where it is there already.
    pub fn make_folder(&self, folder: &[String], call: &Call<'_>) -> Result<()> {
        let at = At::Folder(folder);
        let answer = self.ask(self.request("MKCOL", self.at(at)), call)?;
        if answer.status.is_success() || answer.status == StatusCode::METHOD_NOT_ALLOWED {
            return Ok(());
        }
        // Where two make it at once, Apache tells the slower one that it may not.
        let error = refused(&answer, &format!("making {}", at.shown()));
        match self.find(at, call) {
            Ok(Some(found)) if found.is_folder => Ok(()),
            _ => Err(error),
        }
    }

    /// Writes the next `length` bytes of a body to a file of its own.
    pub fn write(
        &self,
        at: At<'_>,
        body: &mut dyn Outgoing,
        length: u64,
        call: &Call<'_>,
    ) -> Result<()> {
        let mut request = self.request("PUT", self.at(at));
        set(&mut request, CONTENT_TYPE, "application/octet-stream");
        let answer = self.http.upload(request, body, length, call)?;
        self.written(&answer, &format!("writing {}", at.shown()), length, call)
    }

    /// Some say no more of a full disk than that something went wrong.
    fn written(&self, answer: &Answer, what: &str, length: u64, call: &Call<'_>) -> Result<()> {
        let is_vague = answer.status == StatusCode::INTERNAL_SERVER_ERROR;
        match done(answer, what) {
            Err(e) if is_vague => match self.free_space(call) {
                Ok(Some(free)) if free < length => {
                    let detail = format!("{}, and {free} bytes are free", e.detail);
                    Err(DestinationError::new(ErrorKind::Space, detail))
                }
                _ => Err(e),
            },
            done => done,
        }
    }

    /// Whether a file can be written on from where it ends.
    pub fn writes_on(&self, at: At<'_>, call: &Call<'_>) -> Result<bool> {
        let answer = self.ask(self.request("OPTIONS", self.at(at)), call)?;
        let told = answer.headers.get_all("dav").iter();
        let mut told = told.filter_map(|value| value.to_str().ok());
        Ok(answer.status.is_success()
            && told.any(|value| value.split(',').any(|word| word.trim() == PARTIAL_UPDATE)))
    }

    /// Writes the next `length` bytes of a body into a file, from `start` on. False where the server does not do it.
    pub fn write_on(
        &self,
        at: At<'_>,
        start: u64,
        body: &mut dyn Outgoing,
        length: u64,
        call: &Call<'_>,
    ) -> Result<bool> {
        let mut request = self.request("PATCH", self.at(at));
        set(&mut request, CONTENT_TYPE, PARTIAL_UPDATE_TYPE);
        let range = HeaderName::from_static("x-update-range");
        set(&mut request, range, &format!("bytes={start}-"));
        let answer = self.http.upload(request, body, length, call)?;
        match answer.status.as_u16() {
            400 | 405 | 411 | 415 | 416 | 501 => Ok(false),
            _ => {
                let what = format!("writing on at {}", at.shown());
                self.written(&answer, &what, length, call).map(|()| true)
            }
        }
    }

    /// `range` is not empty.
    pub fn read(&self, at: At<'_>, range: Option<&Range<u64>>, call: &Call<'_>) -> Result<Content> {
        let mut request = self.request("GET", self.at(at));
        // Something in between may want to pack it, and then its length is another.
        set(&mut request, ACCEPT_ENCODING, "identity");
        if let Some(range) = range {
            request.headers_mut().insert(RANGE, range_header(range));
        }
        match self.http.download(request, None, call)? {
            Download::Content { status, reader, .. } => {
                let whole = status == StatusCode::OK && range.is_some();
                Ok(if whole {
                    Content::Whole(reader)
                } else {
                    Content::Exactly(reader)
                })
            }
            Download::Refused(answer) if is_missing(&answer) => Ok(Content::Missing),
            Download::Refused(answer) => Err(refused(&answer, &format!("reading {}", at.shown()))),
        }
    }

    /// Gives a file its name. `Exists` where the name is taken; where two do it at once, most servers look first and rename then.
    pub fn rename(&self, from: At<'_>, to: At<'_>, call: &Call<'_>) -> Result<()> {
        let target = self.at(to);
        let mut answer = self.try_to_rename(from, target.as_str(), call)?;
        // Behind a proxy a server may not know that it is the one of this address.
        let asked_twice = matches!(answer.status.as_u16(), 400 | 502);
        if asked_twice {
            answer = self.try_to_rename(from, target.path(), call)?;
        }
        let what = format!("giving {} its name", to.shown());
        let status = answer.status;
        match status.as_u16() {
            405 | 501 => {
                let detail = format!("{what}: the server cannot rename (MOVE)");
                Err(DestinationError::new(ErrorKind::Protocol, detail))
            }
            // It may have been done, whatever an answer before this one said: the next try sees what is there.
            _ if is_missing(&answer)
                || asked_twice && status == StatusCode::PRECONDITION_FAILED =>
            {
                let detail = format!("{what}: it answered {}", answer.status);
                Err(DestinationError::new(ErrorKind::Unreachable, detail))
            }
            _ => done(&answer, &what),
        }
    }

    fn try_to_rename(&self, from: At<'_>, to: &str, call: &Call<'_>) -> Result<Answer> {
        let mut request = self.request("MOVE", self.at(from));
        set(&mut request, HeaderName::from_static("destination"), to);
        set(&mut request, HeaderName::from_static("overwrite"), "F");
        self.ask(request, call)
    }

    /// A folder goes with all that is in it. False where nothing was there.
    pub fn remove(&self, at: At<'_>, call: &Call<'_>) -> Result<bool> {
        let answer = self.ask(self.request("DELETE", self.at(at)), call)?;
        if is_missing(&answer) {
            return Ok(false);
        }
        let what = format!("removing {}", at.shown());
        if answer.status == StatusCode::MULTI_STATUS {
            // What it lists is what could not be removed.
            let detail = format!("{what}: it answered {}", answer.status);
            return Err(DestinationError::new(ErrorKind::Forbidden, detail));
        }
        done(&answer, &what).map(|()| true)
    }

    fn properties(
        &self,
        at: At<'_>,
        wanted: &'static str,
        call: &Call<'_>,
    ) -> Result<Option<Properties>> {
        let url = self.at(at);
        let Some((_, reader)) = self.multistatus(at, url.clone(), "0", wanted, call)? else {
            return Ok(None);
        };
        let mut found = None;
        multistatus::read(reader, &url, &mut |resource| {
            found.get_or_insert(resource.properties);
            Ok(())
        })?;
        if found.is_none() {
            let detail = format!("the server says nothing of {}", at.shown());
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        }
        Ok(found)
    }

    fn multistatus(
        &self,
        at: At<'_>,
        url: Url,
        depth: &'static str,
        wanted: &'static str,
        call: &Call<'_>,
    ) -> Result<Option<(HeaderMap, Incoming)>> {
        let mut request = self.request("PROPFIND", url);
        set(&mut request, HeaderName::from_static("depth"), depth);
        set(&mut request, CONTENT_TYPE, "application/xml; charset=utf-8");
        *request.body_mut() = Some(wanted.into());
        let what = format!("looking at {}", at.shown());
        match self.http.stream(request, call)? {
            Download::Content {
                headers,
                status: StatusCode::MULTI_STATUS,
                reader,
            } => Ok(Some((headers, reader))),
            Download::Content { status, .. } => Err(speaks_no_webdav(&what, status)),
            Download::Refused(answer) => match answer.status.as_u16() {
                405 | 501 => Err(speaks_no_webdav(&what, answer.status)),
                _ if is_missing(&answer) => Ok(None),
                _ => Err(refused(&answer, &what)),
            },
        }
    }

    fn at(&self, at: At<'_>) -> Url {
        let mut url = self.url.clone();
        // It has a path: http and https have one always.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(&self.base);
            match at {
                // With the slash at the end that a folder has: without it many point to where it has one.
                At::Folder(folders) => path.extend(folders).push(""),
                At::File(folders, name) => path.extend(folders).push(name),
            };
        }
        url
    }

    fn request(&self, method: &'static str, url: Url) -> Request {
        let method =
            Method::from_bytes(method.as_bytes()).expect("a name of letters is a method's");
        let mut request = request(method, url);
        if let Some(login) = &self.login
            && let Ok(mut value) = HeaderValue::from_str(login.expose_secret())
        {
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        request
    }

    fn ask(&self, request: Request, call: &Call<'_>) -> Result<Answer> {
        self.http.send(request, call)
    }

    fn without_base(&self) -> DestinationError {
        let detail = if self.base.is_empty() {
            "there is no folder at the address".to_owned()
        } else {
            format!("the folder `{}` is not there", self.base.join("/"))
        };
        DestinationError::without_base(detail)
    }
}

fn login(settings: &Settings<'_>) -> Result<Option<SecretString>> {
    let Some(user) = settings.get("username") else {
        return match settings.secret("password") {
            Some(_) => Err(settings.bad("needs a `username` with its password")),
            None => Ok(None),
        };
    };
    if user.contains(':') || user.chars().any(char::is_control) {
        return Err(settings.bad("takes no colon and no control character in its `username`"));
    }
    let password = settings.require_secret("password")?.expose_secret();
    let plain = SecretString::from(format!("{user}:{password}"));
    let encoded = SecretString::from(BASE64_STANDARD.encode(plain.expose_secret()));
    Ok(Some(format!("Basic {}", encoded.expose_secret()).into()))
}

fn set(request: &mut Request, name: HeaderName, value: &str) {
    // Ours are texts without control characters: addresses are encoded, the rest are words and numbers.
    if let Ok(value) = HeaderValue::from_str(value) {
        request.headers_mut().insert(name, value);
    }
}
