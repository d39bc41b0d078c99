//! A service in memory that a test can make answer otherwise: what real ones do once a year. It checks no signature; Azurite does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use holdfast::model::DestinationConfig;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::container::{Container, date};
use crate::servers::azurite::{self, ACCOUNT, CONTAINER};

/// What is done about a request.
pub enum Turn {
    AsUsual,
    Say(Given),
    /// The connection ends without an answer.
    Cut,
    /// It is done, and the connection ends without an answer.
    DoAndCut,
    /// As usual, but only so many bytes of the body come.
    CutBody(usize),
    /// As usual, but changed.
    Change(fn(&mut Given)),
}

pub struct Asked {
    pub method: String,
    /// Its name; empty for the container.
    pub blob: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub struct Given {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

type Twist = dyn FnMut(&Asked, &mut Container) -> Turn + Send;

pub struct Pretender {
    pub port: u16,
    pub container: Arc<Mutex<Container>>,
}

impl Pretender {
    pub fn honest() -> Self {
        Self::start(|_, _| Turn::AsUsual)
    }

    /// The first so many of an operation are answered otherwise.
    pub fn first(
        operation: &'static str,
        times: usize,
        turn: impl Fn() -> Turn + Send + 'static,
    ) -> Self {
        let mut left = times;
        Self::start(move |asked, _| {
            if asked.operation() == operation && left > 0 {
                left -= 1;
                return turn();
            }
            Turn::AsUsual
        })
    }

    pub fn start(twist: impl FnMut(&Asked, &mut Container) -> Turn + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let container = Arc::<Mutex<Container>>::default();
        let twist: Arc<Mutex<Box<Twist>>> = Arc::new(Mutex::new(Box::new(twist)));
        let shared = Arc::clone(&container);
        // It ends with the tests: nobody waits for it.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (container, twist) = (Arc::clone(&shared), Arc::clone(&twist));
                thread::spawn(move || serve(&client, &container, &twist));
            }
        });
        Self { port, container }
    }

    pub fn config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        azurite::config(&format!("http://127.0.0.1:{}", self.port), more)
    }

    pub fn count(&self, operation: &str) -> usize {
        let container = self.container.lock().unwrap();
        container
            .log
            .iter()
            .filter(|asked| **asked == operation)
            .count()
    }

    /// Names of blobs, and how many blocks are of none.
    pub fn holds(&self) -> (Vec<String>, usize) {
        let container = self.container.lock().unwrap();
        let blocks = container.blocks.values().map(BTreeMap::len).sum();
        (container.blobs.keys().cloned().collect(), blocks)
    }
}

impl Asked {
    pub fn operation(&self) -> &'static str {
        let is = |name: &str, value: &str| self.query.get(name).is_some_and(|v| v == value);
        match self.method.as_str() {
            "HEAD" => "head",
            "GET" if is("comp", "blocklist") => "blocks",
            "GET" if is("comp", "list") => "list",
            "GET" => "get",
            "PUT" if is("comp", "block") && self.is_a_try() => "try",
            "PUT" if is("comp", "block") => "block",
            "PUT" if is("comp", "blocklist") => "commit",
            "DELETE" => "delete",
            other => panic!("{other} {:?}", self.query),
        }
    }
}

impl Asked {
    /// Of what becomes of a wrong checksum.
    fn is_a_try(&self) -> bool {
        self.body == b"a" && self.headers["content-md5"] == "kutf/uauL+w61xx3dTFXjw=="
    }
}

impl Given {
    pub fn new(status: u16, body: impl AsRef<[u8]>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.as_ref().to_vec(),
        }
    }

    pub fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    pub fn xml(text: &str) -> Self {
        let text = format!("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>{text}");
        Self::new(200, text).with("Content-Type", "application/xml")
    }

    pub fn page(blobs: &str, next: &str) -> Self {
        Self::xml(&format!(
            "<EnumerationResults ContainerName=\"x\"><Blobs>{blobs}</Blobs><NextMarker>{next}</NextMarker></EnumerationResults>"
        ))
    }

    pub fn error(status: u16, code: &str) -> Self {
        Self::error_with(
            status,
            code,
            "<Message>It says so.\nRequestId:0\nTime:0</Message>",
        )
    }

    pub fn error_with(status: u16, code: &str, more: &str) -> Self {
        let text = format!("<Error><Code>{code}</Code>{more}</Error>");
        let given = Self::xml(&text).with("x-ms-error-code", code);
        Self { status, ..given }
    }
}

fn serve(
    client: &TcpStream,
    container: &Mutex<Container>,
    twist: &Mutex<Box<Twist>>,
) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    loop {
        let asked = read(&mut reader)?;
        let mut container = container.lock().unwrap();
        container.log.push(asked.operation());
        let turn = twist.lock().unwrap()(&asked, &mut container);
        let mut cut = usize::MAX;
        let given = match turn {
            Turn::Say(given) => given,
            Turn::Cut => return None,
            Turn::DoAndCut => {
                container.answer(&asked);
                return None;
            }
            Turn::AsUsual => container.answer(&asked),
            Turn::CutBody(length) => {
                cut = length;
                container.answer(&asked)
            }
            Turn::Change(change) => {
                let mut given = container.answer(&asked);
                change(&mut given);
                given
            }
        };
        let now = Timestamp::now() + container.ahead;
        drop(container);
        let date = date(now);
        let mut head = format!("HTTP/1.1 {} Said\r\nDate: {date}\r\n", given.status);
        for (name, value) in &given.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let told = given
            .headers
            .iter()
            .any(|(name, _)| name == "Content-Length");
        if !told {
            let _ = write!(head, "Content-Length: {}\r\n", given.body.len());
        }
        let mut client = client;
        client.write_all(format!("{head}\r\n").as_bytes()).ok()?;
        if asked.method != "HEAD" {
            let end = given.body.len().min(cut);
            client.write_all(&given.body[..end]).ok()?;
            if end < given.body.len() {
                return None;
            }
        }
    }
}

fn read(from: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    from.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let method = words.next()?.to_owned();
    let target = words.next()?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        from.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_lowercase(), value.to_owned()),
            None => break,
        };
    }
    let length = headers
        .get("content-length")
        .and_then(|text| text.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    from.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let blob = path
        .strip_prefix(&format!("/{ACCOUNT}/{CONTAINER}"))
        .unwrap();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    Some(Asked {
        method,
        blob: decoded(blob.trim_start_matches('/')),
        query: pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect(),
        headers,
        body,
    })
}
