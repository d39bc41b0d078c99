//! A way to a server that counts what passes, cuts it, or makes it slow: what real networks do, when a test wants it.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

const BLOCK: usize = 16 << 10;
/// Blocks that are on their way in one direction: a megabyte, as in the buffers of a long line.
const IN_FLIGHT: usize = 64;
const NEVER: u64 = u64::MAX;

/// How good the line is.
#[derive(Clone, Copy, Default)]
pub struct Line {
    /// Each way.
    pub delay: Duration,
    /// Bytes a second, each way.
    pub rate: Option<u64>,
}

/// Listens as long as this lives; what has been connected stays so.
pub struct Proxy {
    pub port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    closed: AtomicBool,
    connections: AtomicU64,
    /// To the server and back.
    sent: AtomicU64,
    received: AtomicU64,
    /// How many more bytes may pass before everything is cut.
    send_allowance: AtomicU64,
    receive_allowance: AtomicU64,
    /// Ends of heads of HTTP requests that had no body.
    heads: AtomicU64,
}

impl Proxy {
    pub fn to(port: u16, line: Line) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let shared = Arc::new(Shared {
            send_allowance: AtomicU64::new(NEVER),
            receive_allowance: AtomicU64::new(NEVER),
            ..Shared::default()
        });
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || {
            for client in listener.incoming() {
                if shared.closed.load(Ordering::Relaxed) {
                    return;
                }
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
                if let (Ok(client), Ok(server)) = (client, server) {
                    shared.connections.fetch_add(1, Ordering::Relaxed);
                    join(&client, &server, line, &shared);
                }
            }
        });
        proxy
    }

    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Bytes to the server.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }

    /// Bytes from the server.
    pub fn received(&self) -> u64 {
        self.shared.received.load(Ordering::Relaxed)
    }

    /// How many requests of plain HTTP passed, as long as none had a body.
    pub fn http_requests(&self) -> u64 {
        self.shared.heads.load(Ordering::Relaxed)
    }

    /// Cuts every connection once so many more bytes have gone to the server. Later ones are let through again.
    pub fn cut_after_sending(&self, bytes: u64) {
        self.shared.send_allowance.store(bytes, Ordering::Relaxed);
    }

    /// Cuts every connection once so many more bytes have come from the server. Later ones are let through again.
    pub fn cut_after_receiving(&self, bytes: u64) {
        self.shared
            .receive_allowance
            .store(bytes, Ordering::Relaxed);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        // So that the listener wakes and goes.
        let _ = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port)));
    }
}

fn join(client: &TcpStream, server: &TcpStream, line: Line, shared: &Arc<Shared>) {
    let cut = Arc::new(AtomicBool::new(false));
    for (from, to, way) in [(client, server, Way::Out), (server, client, Way::Back)] {
        let (cut, cutting) = (Arc::clone(&cut), Arc::clone(&cut));
        let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        let _ = to.set_nodelay(true);
        let (sender, receiver) = sync_channel::<(Instant, Vec<u8>)>(IN_FLIGHT);
        let shared = Arc::clone(shared);
        let source = from.try_clone().unwrap();
        thread::spawn(move || {
            if read(source, &sender, &shared, way) == Ended::Cut {
                cutting.store(true, Ordering::Relaxed);
            }
        });
        thread::spawn(move || {
            let (mut to, mut free) = (to, Instant::now());
            for (at, block) in receiver {
                free = free.max(at) + line.takes(block.len());
                thread::sleep((free + line.delay).saturating_duration_since(Instant::now()));
                if to.write_all(&block).is_err() {
                    break;
                }
            }
            let (there, here) = if cut.load(Ordering::Relaxed) {
                (Shutdown::Both, Shutdown::Both)
            } else {
                (Shutdown::Write, Shutdown::Read)
            };
            let _ = to.shutdown(there);
            let _ = from.shutdown(here);
        });
    }
}

impl Line {
    fn takes(self, bytes: usize) -> Duration {
        let Some(rate) = self.rate else {
            return Duration::ZERO;
        };
        Duration::from_nanos(bytes as u64 * 1_000_000_000 / rate)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Out,
    Back,
}

#[derive(PartialEq, Eq)]
enum Ended {
    ByItself,
    Cut,
}

fn read(
    mut from: TcpStream,
    to: &SyncSender<(Instant, Vec<u8>)>,
    shared: &Shared,
    way: Way,
) -> Ended {
    let (counted, allowance) = match way {
        Way::Out => (&shared.sent, &shared.send_allowance),
        Way::Back => (&shared.received, &shared.receive_allowance),
    };
    let mut buffer = vec![0; BLOCK];
    let mut tail = Vec::new();
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        // At once: several connections share it.
        let left = allowance
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                (left != NEVER).then(|| left.saturating_sub(length as u64))
            })
            .unwrap_or(NEVER);
        let passes = usize::try_from(left).unwrap_or(length).min(length);
        counted.fetch_add(passes as u64, Ordering::Relaxed);
        if way == Way::Out {
            shared
                .heads
                .fetch_add(heads(&mut tail, &buffer[..passes]), Ordering::Relaxed);
        }
        if to
            .send((Instant::now(), buffer[..passes].to_vec()))
            .is_err()
        {
            break;
        }
        if left <= length as u64 {
            allowance.store(NEVER, Ordering::Relaxed);
            return Ended::Cut;
        }
    }
    Ended::ByItself
}

/// Ends of heads in what passes, also across blocks.
fn heads(tail: &mut Vec<u8>, block: &[u8]) -> u64 {
    tail.extend_from_slice(block);
    let found = tail.windows(4).filter(|w| w == b"\r\n\r\n").count();
    let ends = tail.ends_with(b"\r\n\r\n");
    let keep = if ends { 0 } else { tail.len().min(3) };
    tail.drain(..tail.len() - keep);
    found as u64
}
