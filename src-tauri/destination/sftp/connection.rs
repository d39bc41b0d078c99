//! One connection: reached, trusted, let in, and speaking SFTP. Many calls may use it at once. It knows no archive.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use russh::ChannelMsg;
use russh::client::Handle;
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::rawsession::SftpResult;
use russh_sftp::{client as sftp, extensions};
use tokio::runtime;
use tokio::time::timeout;

use super::super::net::within;
use super::super::{DestinationError, ErrorKind};
use super::access::Access;
use super::greeting::{Expected, Greeting};
use super::handshake::{Gate, Line, Seen, greet};
use super::{login, trouble};

type Result<T> = std::result::Result<T, DestinationError>;

/// What every server takes in one request (the protocol's draft), and the most we ask for where it says that it takes more.
const REQUEST: u64 = 32 << 10;
const LARGEST_REQUEST: u64 = 255 << 10;
const SMALLEST_REQUEST: u64 = 1 << 10;
const LARGEST_PACKET: u32 = 256 << 10;

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
            let _ = timeout(connection.idle, closed).await;
        });
    }
}

/// A server that says why it ends the connection while somebody logs in (too many tries, say) does not want this login.
fn why_it_ended(error: DestinationError, seen: &Seen) -> DestinationError {
    match seen.last_words() {
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
