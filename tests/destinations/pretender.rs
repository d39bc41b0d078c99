//! A store of archives over HTTP, in memory, that a test can make answer otherwise: what real ones do once a year. It checks no signature;
//! others do.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;

/// What the pretended store is, and its usual answers.
pub trait Store: Default + Send + 'static {
    /// In front of every name.
    const PATH: &str;

    fn operation(asked: &Asked) -> &'static str;
    fn answer(&mut self, asked: &Asked) -> Given;
    /// What was asked, in its order: operations.
    fn log(&mut self) -> &mut Vec<&'static str>;
    /// Of its clock.
    fn ahead(&self) -> SignedDuration;
}

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
    /// Of the object; empty for what holds them.
    pub name: String,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    operation: &'static str,
}

#[derive(Clone, Debug)]
pub struct Given {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

type Twist<S> = dyn FnMut(&Asked, &mut S) -> Turn + Send;

pub struct Pretender<S> {
    pub port: u16,
    pub store: Arc<Mutex<S>>,
}

impl<S: Store> Pretender<S> {
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

    pub fn start(twist: impl FnMut(&Asked, &mut S) -> Turn + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let store = Arc::<Mutex<S>>::default();
        let twist: Arc<Mutex<Box<Twist<S>>>> = Arc::new(Mutex::new(Box::new(twist)));
        let shared = Arc::clone(&store);
        // It ends with the tests: nobody waits for it.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (store, twist) = (Arc::clone(&shared), Arc::clone(&twist));
                thread::spawn(move || serve(&client, &store, &twist));
            }
        });
        Self { port, store }
    }

    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn count(&self, operation: &str) -> usize {
        let mut store = self.store.lock().unwrap();
        let asked = store.log().iter();
        asked.filter(|asked| **asked == operation).count()
    }
}

impl Asked {
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    pub fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name).cloned()
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

    fn has(&self, header: &str) -> bool {
        let mut names = self.headers.iter();
        names.any(|(name, _)| name.eq_ignore_ascii_case(header))
    }
}

/// As HTTP writes it.
pub fn date(at: Timestamp) -> String {
    let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
    printer.timestamp_to_rfc9110_string(&at).unwrap()
}

fn serve<S: Store>(
    client: &TcpStream,
    store: &Mutex<S>,
    twist: &Mutex<Box<Twist<S>>>,
) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    loop {
        let asked = read::<S>(&mut reader)?;
        let mut store = store.lock().unwrap();
        store.log().push(asked.operation());
        let turn = twist.lock().unwrap()(&asked, &mut store);
        let mut cut = usize::MAX;
        let given = match turn {
            Turn::Say(given) => given,
            Turn::Cut => return None,
            Turn::DoAndCut => {
                store.answer(&asked);
                return None;
            }
            Turn::DoAndSay(given) => {
                store.answer(&asked);
                given
            }
            Turn::AsUsual => store.answer(&asked),
            Turn::CutBody(length) => {
                cut = length;
                store.answer(&asked)
            }
            Turn::Change(change) => {
                let mut given = store.answer(&asked);
                change(&mut given);
                given
            }
        };
        let date = date(Timestamp::now() + store.ahead());
        drop(store);
        let mut head = format!("HTTP/1.1 {} Said\r\nDate: {date}\r\n", given.status);
        for (name, value) in &given.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !given.has("content-length") && given.status != 204 {
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

fn read<S: Store>(from: &mut BufReader<TcpStream>) -> Option<Asked> {
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
    let name = path.strip_prefix(S::PATH).expect("another path");
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut asked = Asked {
        method,
        name: decoded(name.trim_start_matches('/')),
        query: pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect(),
        headers,
        body,
        operation: "",
    };
    asked.operation = S::operation(&asked);
    Some(asked)
}
