//! A store of S3 in memory, as Amazon documents it, that a test can make answer otherwise: what real servers do once a year. It checks no
//! signature; others do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use holdfast::model::DestinationConfig;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use super::shop::Shop;
use crate::servers::s3;

/// What is done about a request.
pub enum Turn {
    AsUsual,
    Say(Given),
    /// The connection ends without an answer.
    Cut,
    /// It is done, and the connection ends without an answer.
    DoAndCut,
    /// It is done, and something else is said.
    DoAndSay(Given),
    /// As usual, but only so many bytes of the body come.
    CutBody(usize),
    /// As usual, but changed.
    Change(fn(&mut Given)),
}

pub struct Asked {
    pub method: String,
    /// Of the object; empty for the bucket.
    pub key: String,
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

type Twist = dyn FnMut(&Asked, &mut Shop) -> Turn + Send;

pub struct Pretender {
    pub port: u16,
    pub shop: Arc<Mutex<Shop>>,
}

impl Pretender {
    pub fn honest() -> Self {
        Self::start(|_, _| Turn::AsUsual)
    }

    pub fn start(twist: impl FnMut(&Asked, &mut Shop) -> Turn + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shop = Arc::<Mutex<Shop>>::default();
        let twist: Arc<Mutex<Box<Twist>>> = Arc::new(Mutex::new(Box::new(twist)));
        let shared = Arc::clone(&shop);
        // It ends with the tests: nobody waits for it.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (shop, twist) = (Arc::clone(&shared), Arc::clone(&twist));
                thread::spawn(move || serve(&client, &shop, &twist));
            }
        });
        Self { port, shop }
    }

    pub fn config(&self, more: &[(&str, &str)]) -> DestinationConfig {
        s3::config(&format!("http://127.0.0.1:{}", self.port), more)
    }

    pub fn count(&self, operation: &str) -> usize {
        let shop = self.shop.lock().unwrap();
        shop.log.iter().filter(|asked| **asked == operation).count()
    }

    /// Objects, and uploads that are open.
    pub fn holds(&self) -> (usize, usize) {
        let shop = self.shop.lock().unwrap();
        (shop.objects.len(), shop.uploads.len())
    }
}

impl Asked {
    pub fn operation(&self) -> &'static str {
        let has = |name| self.query.contains_key(name);
        match self.method.as_str() {
            "HEAD" => "head",
            "GET" if has("uploads") => "uploads",
            "GET" if has("uploadId") => "parts",
            "GET" if self.key.is_empty() => "list",
            "GET" => "get",
            "PUT" if has("uploadId") => "part",
            "PUT" => "put",
            "POST" if has("uploads") => "create",
            "POST" => "complete",
            "DELETE" if has("uploadId") => "abort",
            _ => "delete",
        }
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).cloned()
    }

    pub fn upload(&self) -> String {
        self.query.get("uploadId").cloned().unwrap_or_default()
    }
}

impl Given {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn error(status: u16, code: &str, more: &str) -> Self {
        Self::new(
            status,
            format!("<?xml version=\"1.0\"?>\n<Error><Code>{code}</Code>{more}</Error>"),
        )
    }
}

fn serve(client: &TcpStream, shop: &Mutex<Shop>, twist: &Mutex<Box<Twist>>) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    loop {
        let asked = read(&mut reader)?;
        let mut shop = shop.lock().unwrap();
        shop.log.push(asked.operation());
        let turn = twist.lock().unwrap()(&asked, &mut shop);
        let mut cut = usize::MAX;
        let given = match turn {
            Turn::Say(given) => given,
            Turn::Cut => return None,
            Turn::DoAndCut => {
                shop.answer(&asked);
                return None;
            }
            Turn::DoAndSay(given) => {
                shop.answer(&asked);
                given
            }
            Turn::AsUsual => shop.answer(&asked),
            Turn::CutBody(length) => {
                cut = length;
                shop.answer(&asked)
            }
            Turn::Change(change) => {
                let mut given = shop.answer(&asked);
                change(&mut given);
                given
            }
        };
        let now = Timestamp::now() + shop.ahead;
        drop(shop);
        let date = jiff::fmt::rfc2822::DateTimePrinter::new();
        let date = date.timestamp_to_rfc9110_string(&now).unwrap();
        let mut head = format!("HTTP/1.1 {} Said\r\nDate: {date}\r\n", given.status);
        for (name, value) in &given.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let told = given
            .headers
            .iter()
            .any(|(name, _)| name == "content-length");
        if !told && given.status != 204 {
            let _ = write!(head, "content-length: {}\r\n", given.body.len());
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
    let key = path
        .strip_prefix(&format!("/{}/", s3::BUCKET))
        .unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    Some(Asked {
        method,
        key: decoded(key),
        query: pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect(),
        headers,
        body,
    })
}
