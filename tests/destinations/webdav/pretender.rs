//! A small WebDAV server in memory that does, where a test wants it, what real ones do not: lie, cut, refuse, lose what it should say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use holdfast::model::DestinationConfig;

use crate::servers::webdav::config;

/// Where archives are.
pub const BASE: &str = "/dav/base";
pub const MIB: usize = 1 << 20;
/// What its clock and its files say, unless they are told otherwise.
pub const WHEN: &str = "Mon, 12 Jan 2026 09:25:56 GMT";

/// A request, as far as it was read when somebody decides what becomes of it: up to its body.
pub struct Asked {
    pub method: String,
    /// Decoded.
    pub path: String,
    headers: BTreeMap<String, String>,
    /// How many of this method came before it.
    pub earlier: usize,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub fn is(&self, method: &str) -> bool {
        self.method == method
    }

    fn length(&self) -> usize {
        self.header("content-length")
            .map_or(0, |n| n.parse().unwrap())
    }
}

/// What becomes of a request.
pub enum Act {
    Usual,
    /// As if this header were not there.
    Without(&'static str),
    /// This, before the body is read; then the connection ends.
    Say(Vec<u8>),
    /// The same, and the connection stays, with nobody reading.
    SayAndStay(Vec<u8>),
    /// Nothing, for as long as the other side waits.
    Ignore,
    /// This, when the body was read.
    SayLater(Vec<u8>),
    /// What is asked for is done, and the connection ends without a word.
    LoseAnswer,
    /// What is asked for is done, and this is said of it.
    DoAndSay(&'static str),
    /// The body is read up to here, and the connection ends.
    ReadOnly(usize),
    /// What would be answered, and of its body a byte a moment.
    DripAfterHead,
    /// So much of what would be answered, and the connection ends.
    AnswerOnly(usize),
    /// So much of what would be answered, and then nothing, for as long as the other side waits.
    FallSilentAfter(usize),
}

type Decide = dyn Fn(&Asked, &Pretender) -> Act + Send + Sync;

#[derive(Clone)]
pub struct Pretender(Arc<Shared>);

struct Shared {
    port: u16,
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    folders: Mutex<BTreeSet<String>>,
    /// Last-Modified of every file, and Date of every answer.
    times: Mutex<(String, Option<String>)>,
    asked: Mutex<Vec<String>>,
    received: AtomicU64,
    writes_on: AtomicBool,
    decide: Box<Decide>,
}

impl Pretender {
    /// Its threads live as long as the tests do.
    pub fn new(decide: impl Fn(&Asked, &Self) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let pretender = Self(Arc::new(Shared {
            port: listener.local_addr().unwrap().port(),
            files: Mutex::default(),
            folders: Mutex::new(["", "/dav", BASE].map(str::to_owned).into()),
            times: Mutex::new((WHEN.to_owned(), Some(WHEN.to_owned()))),
            asked: Mutex::default(),
            received: AtomicU64::new(0),
            writes_on: AtomicBool::new(false),
            decide: Box::new(decide),
        }));
        let serving = pretender.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let serving = serving.clone();
                thread::spawn(move || serving.serve(client));
            }
        });
        pretender
    }

    pub fn faithful() -> Self {
        Self::new(|_, _| Act::Usual)
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/dav", self.0.port)
    }

    pub fn config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        let mut all = vec![("base_path", "base"), ("timeout", "2")];
        all.extend(more);
        config(&self.url(), &all)
    }

    /// So that files can be written on, as with `SabreDAV`.
    pub fn write_on(&self) {
        self.0.writes_on.store(true, Ordering::Relaxed);
    }

    /// What files say of themselves, and what the server says of now.
    pub fn set_times(&self, modified: &str, date: Option<&str>) {
        *self.0.times.lock().unwrap() = (modified.to_owned(), date.map(str::to_owned));
    }

    pub fn place(&self, path: &str, bytes: &[u8]) {
        let mut folder = path;
        while let Some((up, _)) = folder.rsplit_once('/') {
            self.0.folders.lock().unwrap().insert(up.to_owned());
            folder = up;
        }
        let mut files = self.0.files.lock().unwrap();
        files.insert(path.to_owned(), bytes.to_vec());
    }

    pub fn remove_folder(&self, path: &str) {
        self.0.folders.lock().unwrap().remove(path);
    }

    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        self.0.files.lock().unwrap().get(path).cloned()
    }

    /// The paths of all files.
    pub fn files(&self) -> Vec<String> {
        self.0.files.lock().unwrap().keys().cloned().collect()
    }

    /// Method and path of all requests.
    pub fn asked(&self) -> Vec<String> {
        self.0.asked.lock().unwrap().clone()
    }

    pub fn times(&self, method: &str) -> usize {
        let asked = self.0.asked.lock().unwrap();
        asked
            .iter()
            .filter(|a| a.starts_with(&format!("{method} ")))
            .count()
    }

    /// Bytes of bodies.
    pub fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }

    fn serve(&self, client: TcpStream) {
        let mut to = client.try_clone().unwrap();
        let mut from = BufReader::new(client);
        while let Some(mut asked) = self.read_head(&mut from) {
            match (self.0.decide)(&asked, self) {
                Act::Usual => {
                    let Some(body) = self.read_body(&asked, &mut from, None) else {
                        return;
                    };
                    if to.write_all(&self.answer(&asked, &body)).is_err() {
                        return;
                    }
                    continue;
                }
                Act::Without(header) => {
                    asked.headers.remove(header);
                    let body = self.read_body(&asked, &mut from, None).unwrap_or_default();
                    let _ = to.write_all(&self.answer(&asked, &body));
                    continue;
                }
                Act::Say(answer) => {
                    let _ = to.write_all(&answer);
                }
                Act::SayAndStay(answer) => {
                    let _ = to.write_all(&answer);
                    thread::sleep(Duration::from_secs(10));
                }
                Act::SayLater(answer) => {
                    let _ = self.read_body(&asked, &mut from, None);
                    if to.write_all(&answer).is_err() {
                        return;
                    }
                    continue;
                }
                Act::DoAndSay(status) => {
                    let body = self.read_body(&asked, &mut from, None).unwrap_or_default();
                    self.answer(&asked, &body);
                    let _ = to.write_all(&self.say(status, "", b""));
                    continue;
                }
                Act::Ignore => {
                    let _ = self.read_body(&asked, &mut from, None);
                    let _ = from.read(&mut [0]);
                }
                Act::LoseAnswer => {
                    if let Some(body) = self.read_body(&asked, &mut from, None) {
                        self.answer(&asked, &body);
                    }
                }
                Act::ReadOnly(most) => {
                    self.read_body(&asked, &mut from, Some(most));
                }
                Act::DripAfterHead => {
                    let body = self.read_body(&asked, &mut from, None).unwrap_or_default();
                    let answer = self.answer(&asked, &body);
                    let head = answer.windows(4).position(|end| end == b"\r\n\r\n");
                    let (head, body) = answer.split_at(head.unwrap() + 4);
                    let _ = to.write_all(head);
                    for byte in body {
                        a_moment();
                        if to.write_all(&[*byte]).is_err() {
                            return;
                        }
                    }
                    continue;
                }
                Act::AnswerOnly(most) => {
                    let body = self.read_body(&asked, &mut from, None).unwrap_or_default();
                    let answer = self.answer(&asked, &body);
                    let _ = to.write_all(&answer[..most.min(answer.len())]);
                }
                Act::FallSilentAfter(most) => {
                    let body = self.read_body(&asked, &mut from, None).unwrap_or_default();
                    let answer = self.answer(&asked, &body);
                    let _ = to.write_all(&answer[..most.min(answer.len())]);
                    // Until the other side gives up.
                    let _ = from.read(&mut [0]);
                }
            }
            return;
        }
    }

    fn read_head(&self, from: &mut impl BufRead) -> Option<Asked> {
        let mut line = String::new();
        from.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let mut words = line.split_whitespace();
        let (method, path) = (words.next()?.to_owned(), words.next()?);
        let path = percent_encoding::percent_decode_str(path)
            .decode_utf8()
            .unwrap();
        let path = path.trim_end_matches('/').to_owned();
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            from.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let earlier = self.times(&method);
        let mut asked = self.0.asked.lock().unwrap();
        asked.push(format!("{method} {path}"));
        Some(Asked {
            method,
            path,
            headers,
            earlier,
        })
    }

    /// None where it ended early: what has come is kept then.
    fn read_body(
        &self,
        asked: &Asked,
        from: &mut impl Read,
        most: Option<usize>,
    ) -> Option<Vec<u8>> {
        let length = asked.length();
        let wanted = most.unwrap_or(length).min(length);
        let mut body = Vec::new();
        let _ = from.take(wanted as u64).read_to_end(&mut body);
        if !asked.is("PROPFIND") {
            self.0
                .received
                .fetch_add(body.len() as u64, Ordering::Relaxed);
        }
        if body.len() < length {
            if asked.is("PUT") {
                self.0
                    .files
                    .lock()
                    .unwrap()
                    .insert(asked.path.clone(), body);
            }
            return None;
        }
        Some(body)
    }

    fn answer(&self, asked: &Asked, body: &[u8]) -> Vec<u8> {
        let path = asked.path.as_str();
        let parent = path.rsplit_once('/').map_or("", |(up, _)| up).to_owned();
        let mut files = self.0.files.lock().unwrap();
        let mut folders = self.0.folders.lock().unwrap();
        match asked.method.as_str() {
            "OPTIONS" if self.0.writes_on.load(Ordering::Relaxed) => {
                self.say("200 OK", "DAV: 1, 3, sabredav-partialupdate\r\n", b"")
            }
            "OPTIONS" => self.say("200 OK", "DAV: 1\r\n", b""),
            "PROPFIND" if folders.contains(path) => {
                let mut said = resource(path, None, "");
                if asked.header("depth") == Some("1") {
                    let modified = self.0.times.lock().unwrap().0.clone();
                    let is_child = |other: &str| {
                        other
                            .rsplit_once('/')
                            .is_some_and(|(up, name)| up == path && !name.is_empty())
                    };
                    for folder in folders.iter().filter(|f| is_child(f)) {
                        said += &resource(folder, None, "");
                    }
                    for (file, bytes) in files.iter().filter(|(f, _)| is_child(f)) {
                        said += &resource(file, Some(bytes.len()), &modified);
                    }
                }
                self.multistatus(&said)
            }
            "PROPFIND" => match files.get(path) {
                Some(bytes) => {
                    let modified = self.0.times.lock().unwrap().0.clone();
                    self.multistatus(&resource(path, Some(bytes.len()), &modified))
                }
                None => self.say("404 Not Found", "", b""),
            },
            "MKCOL" if folders.contains(path) => self.say("405 Method Not Allowed", "", b""),
            "MKCOL" | "PUT" if !folders.contains(&parent) => self.say("409 Conflict", "", b""),
            "MKCOL" => {
                folders.insert(path.to_owned());
                self.say("201 Created", "", b"")
            }
            // As Nextcloud and ownCloud do.
            "PUT" if path.rsplit('.').next() == Some("part") => {
                self.say("400 Bad Request", "", b"")
            }
            "PUT" => {
                files.insert(path.to_owned(), body.to_vec());
                self.say("201 Created", "", b"")
            }
            "PATCH" => {
                let start = asked.header("x-update-range").unwrap();
                let start = start.trim_start_matches("bytes=").trim_end_matches('-');
                let file = files.get_mut(path).unwrap();
                file.truncate(start.parse().unwrap());
                file.extend_from_slice(body);
                self.say("204 No Content", "", b"")
            }
            "DELETE" => {
                let below = format!("{path}/");
                let before = files.len() + folders.len();
                files.retain(|file, _| file != path && !file.starts_with(&below));
                folders.retain(|folder| folder != path && !folder.starts_with(&below));
                if files.len() + folders.len() < before {
                    self.say("204 No Content", "", b"")
                } else {
                    self.say("404 Not Found", "", b"")
                }
            }
            "MOVE" => {
                let target = asked.header("destination").unwrap();
                let target = target.strip_prefix("http://").unwrap_or(target);
                let target = &target[target.find('/').unwrap()..];
                let target = percent_encoding::percent_decode_str(target)
                    .decode_utf8()
                    .unwrap();
                if asked.header("overwrite") == Some("F") && files.contains_key(&*target) {
                    return self.say("412 Precondition Failed", "", b"");
                }
                match files.remove(path) {
                    Some(bytes) => {
                        files.insert(target.into_owned(), bytes);
                        self.say("201 Created", "", b"")
                    }
                    None => self.say("404 Not Found", "", b""),
                }
            }
            "GET" => match files.get(path) {
                Some(bytes) => self.content(bytes, asked.header("range")),
                None => self.say("404 Not Found", "", b""),
            },
            _ => self.say("501 Not Implemented", "", b""),
        }
    }

    fn content(&self, bytes: &[u8], range: Option<&str>) -> Vec<u8> {
        let Some(range) = range else {
            return self.say("200 OK", "", bytes);
        };
        let (first, last) = range
            .strip_prefix("bytes=")
            .unwrap()
            .split_once('-')
            .unwrap();
        let first: usize = first.parse().unwrap();
        let last = last
            .parse::<usize>()
            .unwrap()
            .min(bytes.len().saturating_sub(1));
        if first >= bytes.len() {
            return self.say("416 Range Not Satisfiable", "", b"");
        }
        let part = format!("Content-Range: bytes {first}-{last}/{}\r\n", bytes.len());
        self.say("206 Partial Content", &part, &bytes[first..=last])
    }

    pub fn multistatus(&self, resources: &str) -> Vec<u8> {
        let body = format!(
            r#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">{resources}</d:multistatus>"#
        );
        self.say(
            "207 Multi-Status",
            "Content-Type: application/xml\r\n",
            body.as_bytes(),
        )
    }

    /// A whole answer.
    pub fn say(&self, status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let mut head = format!(
            "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n",
            body.len()
        );
        if let Some(date) = &self.0.times.lock().unwrap().1 {
            let _ = write!(head, "Date: {date}\r\n");
        }
        let mut answer = (head + "\r\n").into_bytes();
        answer.extend_from_slice(body);
        answer
    }
}

/// What a multistatus says of a file, or of a folder, which has no size.
pub fn resource(path: &str, size: Option<usize>, modified: &str) -> String {
    let encoded: String = path
        .split('/')
        .map(|segment| {
            percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
        })
        .collect::<Vec<_>>()
        .join("/");
    told(&encoded, size.map(|n| n.to_string()).as_deref(), modified)
}

/// The same with a path and a size that are written as they are.
pub fn told(href: &str, size: Option<&str>, modified: &str) -> String {
    let properties = match size {
        Some(size) => format!(
            "<d:resourcetype/><d:getcontentlength>{size}</d:getcontentlength><d:getlastmodified>{modified}</d:getlastmodified>"
        ),
        None => "<d:resourcetype><d:collection/></d:resourcetype>".to_owned(),
    };
    let slash = if size.is_some() { "" } else { "/" };
    format!(
        "<d:response><d:href>{href}{slash}</d:href><d:propstat><d:prop>{properties}</d:prop>\
        <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )
}

/// Of an archive, at the server.
pub fn path(second: u32) -> String {
    format!("{BASE}/{}", super::key(second).as_str())
}

/// Waits a moment: for what happens at the same time.
pub fn a_moment() {
    thread::sleep(Duration::from_millis(100));
}
