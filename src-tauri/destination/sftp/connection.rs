//! One connection: reached, trusted, let in, and speaking SFTP. Many calls may use it at once. It knows no archive.

use std::future::Future;
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, DisconnectReason, Handle};
use russh::keys::{Algorithm, PublicKeyOrCertificate};
use russh::{ChannelMsg, Preferred, cipher, compression};
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::rawsession::SftpResult;
use russh_sftp::{client as sftp, extensions};
use tokio::net::TcpStream;
use tokio::runtime;

use super::super::net::within;
use super::super::{DestinationError, ErrorKind};
use super::access::Access;
use super::greeting::{Expected, Greeting};
use super::host_keys::{HostKeys, is_same_type};
use super::{login, trouble};

type Result<T> = std::result::Result<T, DestinationError>;

/// What may be on its way to us unread: enough for a fast line over an ocean.
const RECEIVE_WINDOW: u32 = 8 << 20;
/// Messages between the line and who reads a channel.
const CHANNEL_MESSAGES: usize = 64;
/// What every server takes in one request (the protocol's draft), and the most we ask for where it says that it takes more.
const REQUEST: u64 = 32 << 10;
const LARGEST_REQUEST: u64 = 255 << 10;
const SMALLEST_REQUEST: u64 = 1 << 10;
const LARGEST_PACKET: u32 = 256 << 10;
/// A silent line is asked whether it lives; so many questions may stay without an answer.
const UNANSWERED: usize = 3;
const ASK_EVERY: Duration = Duration::from_secs(15);

pub(super) struct Connection {
    pub sftp: RawSftpSession,
    /// Bytes in one request.
    pub read_size: u64,
    pub write_size: u64,
    pub offers: Offers,
    pub idle: Duration,
    ssh: Handle<Gate>,
    broken: AtomicBool,
    runtime: runtime::Handle,
    /// Last, so that it is cut when all else is gone.
    _line: Line,
}

/// Extensions of OpenSSH's that the server has.
#[derive(Clone, Copy)]
pub(super) struct Offers {
    pub hardlink: bool,
    pub fsync: bool,
    pub statvfs: bool,
}

impl Connection {
    pub async fn open(access: &Access) -> Result<Self> {
        let (mut ssh, line, seen) = greet(access).await?;
        let logged_in = within(access.idle, "logging in", login::log_in(&mut ssh, access)).await;
        logged_in.map_err(|e| why_it_ended(e, &seen))?;
        let (sftp, version) = speak_sftp(&ssh, access).await?;
        let has = |name: &str| version.extensions.contains_key(name);
        let limits = if has(extensions::LIMITS) {
            let asked = within(access.idle, "asking for limits", async {
                Ok(sftp.limits().await.ok())
            });
            asked.await?
        } else {
            None
        };
        let size = |told: Option<u64>| match told {
            None | Some(0) => REQUEST,
            Some(told) => told.clamp(SMALLEST_REQUEST, LARGEST_REQUEST),
        };
        Ok(Self {
            read_size: size(limits.as_ref().map(|limits| limits.max_read_len)),
            write_size: size(limits.as_ref().map(|limits| limits.max_write_len)),
            offers: Offers {
                hardlink: has(extensions::HARDLINK),
                fsync: has(extensions::FSYNC),
                statvfs: has(extensions::STATVFS),
            },
            sftp,
            idle: access.idle,
            ssh,
            broken: AtomicBool::new(false),
            runtime: runtime::Handle::current(),
            _line: line,
        })
    }

    pub fn is_usable(&self) -> bool {
        !self.broken.load(Ordering::Relaxed) && !self.ssh.is_closed()
    }

    /// Waits for the answer to a request. `what`: what is asked, for messages.
    pub async fn ask<T>(
        &self,
        what: &str,
        request: impl Future<Output = SftpResult<T>>,
    ) -> Result<T> {
        self.patiently(what, async {
            request.await.map_err(|e| trouble::of_request(what, e))
        })
        .await
    }

    /// After silence, or once the line is cut, nobody begins anything on this connection any more.
    pub async fn patiently<T>(
        &self,
        what: &str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.noted(within(self.idle, what, work).await)
    }

    /// Of one request among many: who waits for any of them judges the silence.
    pub async fn ask_at_leisure<T>(
        &self,
        what: &str,
        request: impl Future<Output = SftpResult<T>>,
    ) -> Result<T> {
        self.noted(request.await.map_err(|e| trouble::of_request(what, e)))
    }

    fn noted<T>(&self, done: Result<T>) -> Result<T> {
        if let Err(e) = &done
            && matches!(e.kind, ErrorKind::Timeout | ErrorKind::Unreachable)
        {
            self.broken.store(true, Ordering::Relaxed);
        }
        done
    }
}

/// A file or folder that is open there; it is closed when this goes.
pub(super) struct Opened {
    connection: Arc<Connection>,
    handle: Option<String>,
}

impl Opened {
    pub fn new(connection: &Arc<Connection>, handle: String) -> Self {
        Self {
            connection: Arc::clone(connection),
            handle: Some(handle),
        }
    }

    pub fn handle(&self) -> &str {
        self.handle.as_deref().unwrap_or_default()
    }

    /// Some servers say only then that a write failed.
    pub async fn close(mut self, what: &str) -> Result<()> {
        if let Some(handle) = self.handle.take() {
            let closed = self.connection.sftp.close(handle);
            self.connection.ask(what, closed).await?;
        }
        Ok(())
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else {
            return;
        };
        let connection = Arc::clone(&self.connection);
        self.connection.runtime.spawn(async move {
            let closed = connection.sftp.close(handle);
            let _ = tokio::time::timeout(connection.idle, closed).await;
        });
    }
}

/// Who decides whether the server is the right one, and remembers what it said at last.
pub(super) struct Gate {
    keys: Arc<HostKeys>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    presented: Option<Algorithm>,
    last_words: Option<String>,
}

impl client::Handler for Gate {
    type Error = DestinationError;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool> {
        let key = shown.public_key();
        look(&self.seen).presented = Some(key.algorithm());
        self.keys.judge(&key).map(|()| true)
    }

    async fn disconnected(&mut self, reason: DisconnectReason<DestinationError>) -> Result<()> {
        match reason {
            DisconnectReason::ReceivedDisconnect(told) => {
                look(&self.seen).last_words = Some(trouble::printable(&told.message));
                Ok(())
            }
            DisconnectReason::Error(e) => Err(e),
        }
    }
}

fn look(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The socket: whatever still runs on it ends when this goes, a half-done greeting of a silent server too.
struct Line(std::net::TcpStream);

impl Drop for Line {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// A fingerprint does not say the type of its key: where another type was presented, the server is asked for those that are left.
async fn greet(access: &Access) -> Result<(Handle<Gate>, Line, Arc<Mutex<Seen>>)> {
    let keys = Arc::new(HostKeys::of(access)?);
    let mut types = keys.preferred();
    let mut first = None;
    loop {
        let seen = Arc::<Mutex<Seen>>::default();
        let error = match greet_once(access, &keys, &types, &seen).await {
            Ok((ssh, line)) => return Ok((ssh, line, seen)),
            Err(error) => error,
        };
        let presented = look(&seen).presented.take();
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
    seen: &Arc<Mutex<Seen>>,
) -> Result<(Handle<Gate>, Line)> {
    let address = access.address();
    let what = format!("connecting to {address}");
    let reached = within(access.connect, &what, async {
        let target = (access.host.as_str(), access.port);
        TcpStream::connect(target).await.map_err(|e| {
            DestinationError::because(ErrorKind::Unreachable, format!("{address}: {e}"), e)
        })
    });
    let (line, stream) = split(reached.await?)
        .map_err(|e| DestinationError::io(format!("the connection to {address} is unusable"), e))?;
    let gate = Gate {
        keys: Arc::clone(keys),
        seen: Arc::clone(seen),
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

fn split(stream: TcpStream) -> std::io::Result<(Line, TcpStream)> {
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

/// A server that says why it ends the connection while somebody logs in (too many tries, say) does not want this login.
fn why_it_ended(error: DestinationError, seen: &Mutex<Seen>) -> DestinationError {
    match &look(seen).last_words {
        Some(words) => DestinationError::new(
            ErrorKind::Authentication,
            format!("{}; the server ended the connection: {words}", error.detail),
        ),
        None => error,
    }
}

async fn speak_sftp(
    ssh: &Handle<Gate>,
    access: &Access,
) -> Result<(RawSftpSession, russh_sftp::protocol::Version)> {
    let ssh_failed = |e: russh::Error| trouble::of_ssh(&e);
    let what = "asking for SFTP";
    let begun = within(access.idle, what, async {
        let mut channel = ssh.channel_open_session().await.map_err(ssh_failed)?;
        let asked = channel.request_subsystem(true, "sftp").await;
        asked.map_err(ssh_failed)?;
        loop {
            match channel.wait().await {
                Some(ChannelMsg::Success) => return Ok(channel),
                Some(ChannelMsg::Failure) => {
                    let detail = "the server offers this login no SFTP";
                    return Err(DestinationError::new(ErrorKind::Forbidden, detail));
                }
                None | Some(ChannelMsg::Close) => {
                    let detail = format!("{what}: the connection broke off");
                    return Err(DestinationError::new(ErrorKind::Unreachable, detail));
                }
                Some(_) => {}
            }
        }
    });
    let (greeting, heard) = Greeting::new(begun.await?.into_stream());
    let config = sftp::Config {
        max_packet_len: LARGEST_PACKET,
        // Silence is judged here, by what arrives at all: a full line is slow, not silent.
        request_timeout_secs: u64::MAX,
        ..sftp::Config::default()
    };
    let session = RawSftpSession::new_with_config(greeting, config);
    let version = within(access.idle, "beginning SFTP", async {
        session.init().await.map_err(|e| {
            if ssh.is_closed() {
                return trouble::of_request("beginning SFTP", e);
            }
            let detail = match heard.noise(Expected::Sftp) {
                Some(noise) => format!(
                    "the server begins no SFTP for this login, but says \u{201c}{noise}\u{201d}"
                ),
                None => format!("the server's SFTP ends before it begins ({e})"),
            };
            DestinationError::new(ErrorKind::Protocol, detail)
        })
    });
    let version = version.await?;
    Ok((session, version))
}
