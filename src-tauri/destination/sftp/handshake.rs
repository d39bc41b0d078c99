//! Reaching a server, and being sure that it is the right one: everything before a login.

use std::io;
use std::net::Shutdown;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use russh::client::{self, DisconnectReason, Handle};
use russh::keys::{Algorithm, PublicKeyOrCertificate};
use russh::{Preferred, cipher, compression};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::super::net::within;
use super::super::{DestinationError, ErrorKind};
use super::access::Access;
use super::greeting::{Expected, Greeting};
use super::host_keys::{HostKeys, is_same_type};
use super::trouble;

type Result<T> = std::result::Result<T, DestinationError>;

/// What may be on its way to us unread: enough for a fast line over an ocean.
const RECEIVE_WINDOW: u32 = 8 << 20;
/// Messages between the line and who reads a channel.
const CHANNEL_MESSAGES: usize = 64;
/// A silent line is asked whether it lives; so many questions may stay without an answer.
const UNANSWERED: usize = 3;
const ASK_EVERY: Duration = Duration::from_secs(15);

/// Who decides whether the server is the right one, and remembers what it said at last.
pub(super) struct Gate {
    keys: Arc<HostKeys>,
    seen: Seen,
}

/// What a server showed and said; clones share it.
#[derive(Clone, Default)]
pub(super) struct Seen {
    presented: Arc<Mutex<Option<Algorithm>>>,
    last_words: Arc<Mutex<Option<String>>>,
}

impl Seen {
    /// Why it ended the connection, where it said so.
    pub fn last_words(&self) -> Option<String> {
        look(&self.last_words).clone()
    }
}

impl client::Handler for Gate {
    type Error = DestinationError;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool> {
        let key = shown.public_key();
        *look(&self.seen.presented) = Some(key.algorithm());
        self.keys.judge(&key).map(|()| true)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<DestinationError>) -> Result<()> {
        match reason {
            DisconnectReason::ReceivedDisconnect(told) => {
                *look(&self.seen.last_words) = Some(trouble::printable(&told.message));
                Ok(())
            }
            DisconnectReason::Error(e) => Err(e),
        }
    }
}

fn look<T>(at: &Mutex<T>) -> MutexGuard<'_, T> {
    at.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The socket: whatever still runs on it ends when this goes, a half-done greeting of a silent server too.
pub(super) struct Line(std::net::TcpStream);

impl Drop for Line {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// A fingerprint does not say the type of its key: where another type was presented, the server is asked for those that are left.
pub(super) async fn greet(access: &Access) -> Result<(Handle<Gate>, Line, Seen)> {
    let keys = Arc::new(HostKeys::of(access)?);
    let mut types = keys.preferred();
    let mut first = None;
    loop {
        let seen = Seen::default();
        let error = match greet_once(access, &keys, &types, &seen).await {
            Ok((ssh, line)) => return Ok((ssh, line, seen)),
            Err(error) => error,
        };
        let presented = look(&seen.presented).take();
        let distrusted = error.kind == ErrorKind::Trust;
        first.get_or_insert(error);
        let Some(presented) = presented.filter(|_| distrusted && keys.may_be_another_type()) else {
            break;
        };
        types.retain(|one| !is_same_type(one, &presented));
        if types.is_empty() {
            break;
        }
    }
    Err(first.unwrap_or_else(|| DestinationError::new(ErrorKind::Protocol, "nothing was asked")))
}

async fn greet_once(
    access: &Access,
    keys: &Arc<HostKeys>,
    types: &[Algorithm],
    seen: &Seen,
) -> Result<(Handle<Gate>, Line)> {
    let address = access.address();
    let what = format!("connecting to {address}");
    let reached = within(access.connect, &what, async {
        reach(access).await.map_err(|e| {
            let kind = match e.kind() {
                io::ErrorKind::TimedOut => ErrorKind::Timeout,
                _ => ErrorKind::Unreachable,
            };
            DestinationError::because(kind, format!("{address} cannot be reached"), e)
        })
    });
    let (line, stream) = split(reached.await?)
        .map_err(|e| DestinationError::io(format!("the connection to {address} is unusable"), e))?;
    let gate = Gate {
        keys: Arc::clone(keys),
        seen: seen.clone(),
    };
    let what = format!("greeting {address}");
    let (stream, heard) = Greeting::new(stream);
    let greeted = within(access.connect, &what, async {
        client::connect_stream(config(access, types), stream, gate).await
    });
    match greeted.await {
        Ok(ssh) => Ok((ssh, line)),
        Err(e) if e.kind == ErrorKind::Trust => Err(e),
        Err(e) => Err(match heard.noise(Expected::Ssh) {
            Some(noise) => no_ssh(&address, &noise),
            None if e.kind == ErrorKind::Timeout => e,
            None => DestinationError {
                detail: format!("{what}: {}", e.detail),
                ..e
            },
        }),
    }
}

/// OpenSSH says so where too many log in at once.
const BUSY: [&str; 2] = ["Exceeded MaxStartups", "Not allowed at this time"];

fn no_ssh(address: &str, noise: &str) -> DestinationError {
    let said = format!("{address} says \u{201c}{noise}\u{201d}");
    if BUSY.iter().any(|busy| noise.starts_with(busy)) {
        return DestinationError::new(ErrorKind::Throttled, said);
    }
    let detail = format!("{said}, which is no greeting of SSH 2");
    DestinationError::new(ErrorKind::Protocol, detail)
}

/// One address of the host after the other; none takes all the time, for the next may answer.
async fn reach(access: &Access) -> io::Result<TcpStream> {
    let host = (access.host.as_str(), access.port);
    let addresses: Vec<_> = tokio::net::lookup_host(host).await?.collect();
    let shares = u32::try_from(addresses.len()).unwrap_or(1).max(1);
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        match timeout(access.connect / shares, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(e)) => failed = e,
            Err(_) => failed = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failed)
}

fn split(stream: TcpStream) -> io::Result<(Line, TcpStream)> {
    stream.set_nodelay(true)?;
    let stream = stream.into_std()?;
    let line = Line(stream.try_clone()?);
    Ok((line, TcpStream::from_std(stream)?))
}

fn config(access: &Access, types: &[Algorithm]) -> Arc<client::Config> {
    Arc::new(client::Config {
        window_size: RECEIVE_WINDOW,
        channel_buffer_size: CHANNEL_MESSAGES,
        keepalive_interval: Some(ASK_EVERY.min(access.idle)),
        keepalive_max: UNANSWERED,
        preferred: Preferred {
            key: types.to_vec().into(),
            // Fastest first, where the processor helps with AES, as nearly all do. Archives are compressed already.
            cipher: vec![
                cipher::AES_128_GCM,
                cipher::AES_256_GCM,
                cipher::CHACHA20_POLY1305,
                cipher::AES_128_CTR,
                cipher::AES_256_CTR,
            ]
            .into(),
            compression: vec![compression::NONE].into(),
            ..Preferred::DEFAULT
        },
        nodelay: true,
        ..client::Config::default()
    })
}
