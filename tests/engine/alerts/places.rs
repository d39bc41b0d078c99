//! Places that are told: a web server that answers as it is told, and a notification service.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use zbus::blocking::{Connection, connection};
use zbus::interface;
use zbus::zvariant::OwnedValue;

/// How one request is answered; the last answer is that of all that follow.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Status(u16),
    Redirect,
    /// The connection is closed without one.
    Cut,
    Never,
}

#[derive(Clone, Debug)]
pub struct Request {
    pub line: String,
    headers: Vec<String>,
    pub body: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&String| line.to_lowercase().starts_with(&format!("{name}:"));
        let line = self.headers.iter().find(named)?;
        Some(line.split_once(':')?.1.trim())
    }
}

pub struct Server {
    address: SocketAddr,
    heard: Arc<(Mutex<Vec<Request>>, Condvar)>,
}

impl Server {
    pub fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers: Vec<Answer> = answers.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let ear = Arc::clone(&heard);
        thread::spawn(move || {
            // Connections that are never answered stay open as long as the server.
            let mut open = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // The end of the server is a connection that asks for nothing.
                let Some(request) = read(&stream) else { return };
                let number = {
                    let mut all = ear.0.lock().unwrap();
                    all.push(request);
                    ear.1.notify_all();
                    all.len() - 1
                };
                match answers[number.min(answers.len() - 1)] {
                    Answer::Status(status) => answer(&mut stream, &status.to_string(), ""),
                    Answer::Redirect => {
                        answer(&mut stream, "302", "location: http://127.0.0.1:1/\r\n");
                    }
                    Answer::Cut => {}
                    Answer::Never => open.push(stream),
                }
            }
        });
        Self { address, heard }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn heard(&self) -> Vec<Request> {
        self.heard.0.lock().unwrap().clone()
    }

    pub fn wait_for(&self, requests: usize) {
        let heard = self.heard.0.lock().unwrap();
        let waited = self.heard.1.wait_while(heard, |all| all.len() < requests);
        drop(waited.unwrap());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Wakes the listener, which then ends and frees its port.
        drop(TcpStream::connect(self.address));
        while TcpStream::connect(self.address).is_ok() {
            thread::yield_now();
        }
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let length = |line: &String| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().unwrap())
    };
    let length: usize = lines.iter().find_map(length).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        line: lines.remove(0),
        headers: lines,
        body: String::from_utf8(body).unwrap(),
    })
}

fn answer(stream: &mut TcpStream, status: &str, headers: &str) {
    let text =
        format!("HTTP/1.1 {status} x\r\n{headers}content-length: 0\r\nconnection: close\r\n\r\n");
    let _ = stream.write_all(text.as_bytes());
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Notify(Notification),
    Close(u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    pub id: u32,
    pub replaces: u32,
    pub title: String,
    pub body: String,
    pub urgency: u8,
}

/// A notification service that remembers what it was told, for as long as this lives.
pub struct NotificationService {
    told: Arc<Mutex<Vec<Told>>>,
    _bus: Connection,
}

impl NotificationService {
    pub fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }
}

pub fn notification_service(capabilities: &[&'static str]) -> NotificationService {
    let told = Arc::default();
    let service = Service {
        told: Arc::clone(&told),
        capabilities: capabilities.to_vec(),
        last: 0,
    };
    let bus = connection::Builder::session()
        .and_then(|b| b.serve_at("/org/freedesktop/Notifications", service))
        .and_then(|b| b.name("org.freedesktop.Notifications"))
        .and_then(connection::Builder::build);
    NotificationService {
        told,
        _bus: bus.unwrap(),
    }
}

struct Service {
    told: Arc<Mutex<Vec<Told>>>,
    capabilities: Vec<&'static str>,
    last: u32,
}

#[expect(
    clippy::too_many_arguments,
    clippy::needless_pass_by_value,
    reason = "the specification's arguments, and what the macro makes of them"
)]
#[interface(name = "org.freedesktop.Notifications")]
impl Service {
    fn get_capabilities(&self) -> Vec<String> {
        self.capabilities.iter().map(|c| (*c).to_owned()).collect()
    }

    fn notify(
        &mut self,
        app_name: String,
        replaces: u32,
        icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expires: i32,
    ) -> u32 {
        drop((app_name, icon, actions));
        assert!(expires >= -1);
        let id = if replaces == 0 {
            self.last += 1;
            self.last
        } else {
            replaces
        };
        let urgency = hints.get("urgency").and_then(|v| u8::try_from(v).ok());
        self.told.lock().unwrap().push(Told::Notify(Notification {
            id,
            replaces,
            title,
            body,
            urgency: urgency.unwrap(),
        }));
        id
    }

    fn close_notification(&self, id: u32) {
        self.told.lock().unwrap().push(Told::Close(id));
    }
}
