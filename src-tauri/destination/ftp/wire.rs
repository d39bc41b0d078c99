//! The sockets of a session: every byte of its control and data connections goes through here, so that silence, a deadline or a cancelled
//! call ends each wait, and so that what TLS says of trust is kept. It knows no command.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use suppaftp::{FtpError, FtpResult, TlsConnector, TlsStream};

use crate::destination::net::{Net, within};
use crate::destination::{Call, DestinationError, ErrorKind, tls};
use crate::model::{Cancel, NoObserver};

type Result<T> = std::result::Result<T, DestinationError>;

/// Between two looks at whether a wait should end.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const CONNECT: Duration = Duration::from_secs(15);
/// A control connection says nothing while hours of data pass; boxes on the way forget the silent.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
/// A reply or a listing that never ends is no silence: it may take this many times what a silence may.
const DRIPS: u32 = 10;
/// What is worth waiting for at the end of a data connection that was written to.
const GOODBYE: Duration = Duration::from_secs(5);

/// What the waits of a session obey: the session stays, the call it serves changes.
pub(super) struct Watch {
    net: Net,
    /// How long the server may be silent.
    patience: Duration,
    rules: Mutex<Rules>,
}

struct Rules {
    cancel: Cancel,
    deadline: Option<Instant>,
    silence: Duration,
    /// Since when a reply or a listing is waited for. None: data passes for as long as it does.
    since: Option<Instant>,
    /// The session is given up: nothing waits for it any more.
    over: bool,
    /// What a handshake failed with. The way through the FTP library leaves only its text.
    refused: Option<DestinationError>,
}

impl Watch {
    pub fn new(net: Net, patience: Duration, call: &Call<'_>) -> Arc<Self> {
        let rules = Rules {
            cancel: call.cancel.clone(),
            deadline: call.deadline,
            silence: patience,
            since: None,
            over: false,
            refused: None,
        };
        Arc::new(Self {
            net,
            patience,
            rules: Mutex::new(rules),
        })
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session serves this call from now on.
    pub fn serve(&self, call: &Call<'_>) {
        let mut rules = self.rules();
        rules.cancel = call.cancel.clone();
        rules.deadline = call.deadline;
        rules.silence = self.patience;
    }

    /// Something that is only nice to have is waited for no longer than this.
    pub fn hurry(&self, most: Duration) {
        let mut rules = self.rules();
        rules.silence = rules.silence.min(most);
    }

    pub fn relax(&self) {
        self.rules().silence = self.patience;
    }

    /// What is waited for until the guard goes is a reply or a listing, and has to end. Within another such wait it is part of that.
    pub fn bounded(self: &Arc<Self>) -> Option<Bounded> {
        let mut rules = self.rules();
        if rules.since.is_some() {
            return None;
        }
        rules.since = Some(Instant::now());
        Some(Bounded(Arc::clone(self)))
    }

    pub fn give_up(&self) {
        self.rules().over = true;
    }

    pub fn is_over(&self) -> bool {
        self.rules().over
    }

    pub fn take_refusal(&self) -> Option<DestinationError> {
        self.rules().refused.take()
    }

    fn refuse(&self, error: DestinationError) -> FtpError {
        let told = error.to_string();
        self.rules().refused = Some(error);
        FtpError::SecureError(told)
    }

    /// Whether a wait since `start` may go on.
    fn check(&self, start: Instant) -> io::Result<()> {
        let rules = self.rules();
        if rules.over {
            return Err(io::ErrorKind::NotConnected.into());
        }
        let (observer, silence) = (NoObserver, rules.silence);
        let call = Call {
            deadline: rules.deadline,
            ..Call::new(&rules.cancel, &observer)
        };
        call.check()?;
        if start.elapsed() >= silence {
            let detail = format!("the server was silent for {} s", silence.as_secs());
            return Err(DestinationError::new(ErrorKind::Timeout, detail).into());
        }
        let most = self.patience.saturating_mul(DRIPS);
        if rules.since.is_some_and(|since| since.elapsed() >= most) {
            let detail = format!("the server came to no end in {} s", most.as_secs());
            return Err(DestinationError::new(ErrorKind::Timeout, detail).into());
        }
        Ok(())
    }

    fn wait<T>(&self, mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let start = Instant::now();
        self.check(start)?;
        loop {
            match act() {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.check(start)?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }

    /// Each of the host's addresses is tried.
    pub fn dial_host(&self, host: &str, port: u16) -> Result<TcpStream> {
        let limit = CONNECT.min(self.patience);
        let addresses = self.run(async {
            let what = format!("looking up `{host}`");
            within(limit, &what, async {
                let found = tokio::net::lookup_host((host, port)).await;
                let found = found.map_err(|e| {
                    let detail = format!("`{host}` has no address");
                    DestinationError::because(ErrorKind::Unreachable, detail, e)
                })?;
                Ok(found.collect::<Vec<SocketAddr>>())
            })
            .await
        })?;
        let mut failure = None;
        for address in addresses {
            match self.dial(address) {
                Err(e) if e.kind.may_pass() => failure = Some(e),
                done => return done,
            }
        }
        Err(failure.unwrap_or_else(|| {
            DestinationError::new(ErrorKind::Unreachable, format!("`{host}` has no address"))
        }))
    }

    pub fn dial(&self, address: SocketAddr) -> Result<TcpStream> {
        let limit = CONNECT.min(self.patience);
        let unusable = |e: io::Error| {
            let detail = format!("cannot connect to {address}");
            DestinationError::because(ErrorKind::Unreachable, detail, e)
        };
        let socket = self.run(async {
            let what = format!("connecting to {address}");
            within(limit, &what, async {
                tokio::net::TcpStream::connect(address)
                    .await
                    .and_then(tokio::net::TcpStream::into_std)
                    .map_err(unusable)
            })
            .await
        })?;
        prepare(&socket).map_err(unusable)?;
        Ok(socket)
    }

    fn run<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let (cancel, deadline) = {
            let rules = self.rules();
            (rules.cancel.clone(), rules.deadline)
        };
        let call = Call {
            deadline,
            ..Call::new(&cancel, &NoObserver)
        };
        self.net.run(&call, work)
    }
}

/// A wait that has to end.
pub(super) struct Bounded(Arc<Watch>);

impl Drop for Bounded {
    fn drop(&mut self) {
        self.0.rules().since = None;
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

fn prepare(socket: &TcpStream) -> io::Result<()> {
    socket.set_nonblocking(false)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(LOOK_EVERY))?;
    socket.set_write_timeout(Some(LOOK_EVERY))?;
    rustix::net::sockopt::set_socket_keepalive(socket, true)?;
    rustix::net::sockopt::set_tcp_keepidle(socket, KEEP_ALIVE)?;
    rustix::net::sockopt::set_tcp_keepintvl(socket, KEEP_ALIVE)?;
    Ok(())
}

/// A socket that waits as the watch says.
#[derive(Debug)]
pub(super) struct Patient {
    socket: TcpStream,
    watch: Arc<Watch>,
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.watch.wait(|| (&self.socket).read(buffer))
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.watch.wait(|| (&self.socket).write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A connection, in clear or over TLS.
#[derive(Debug)]
pub(super) enum Wire {
    Clear(Patient),
    Tls(Box<StreamOwned<ClientConnection, Patient>>),
}

impl Wire {
    /// After the last byte that was to be written: says so, in a way that a cut cannot imitate over TLS, and hears the server out. Over TLS
    /// it sends the tickets with which the next data connection resumes the session, which servers insist on.
    pub fn end_writing(&mut self) -> io::Result<()> {
        self.flush()?;
        let Self::Tls(stream) = self else {
            return Ok(());
        };
        stream.conn.send_close_notify();
        stream.flush()?;
        let watch = Arc::clone(&stream.sock.watch);
        watch.hurry(GOODBYE);
        let _ = stream.sock.socket.shutdown(Shutdown::Write);
        let mut rest = [0; 1024];
        while matches!(stream.read(&mut rest), Ok(1..)) {}
        watch.relax();
        Ok(())
    }

    /// No more is wanted. What the server thinks of that it says on its control connection.
    pub fn end_reading(&mut self) {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
            let _ = stream.conn.write_tls(&mut stream.sock);
        }
    }
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Clear(socket) => socket.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Clear(socket) => socket.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

impl TlsStream for Wire {
    type InnerStream = Self;

    fn tcp_stream(self) -> FtpResult<TcpStream> {
        Ok(match self {
            Self::Clear(socket) => socket.socket,
            Self::Tls(stream) => stream.sock.socket,
        })
    }

    fn get_ref(&self) -> &TcpStream {
        match self {
            Self::Clear(socket) => &socket.socket,
            Self::Tls(stream) => &stream.sock.socket,
        }
    }

    fn mut_ref(&mut self) -> &mut Self {
        self
    }
}

/// Makes wires of the sockets that the FTP library has connected.
#[derive(Debug)]
pub(super) struct Connector {
    pub tls: Option<Arc<ClientConfig>>,
    pub watch: Arc<Watch>,
    /// Taken for the first one instead of what the library has connected.
    pub first: Mutex<Option<TcpStream>>,
}

impl TlsConnector for Connector {
    type Stream = Wire;

    fn connect(&self, domain: &str, stream: TcpStream) -> FtpResult<Wire> {
        let first = self.first.lock();
        let first = first.unwrap_or_else(PoisonError::into_inner).take();
        let mut socket = Patient {
            socket: first.unwrap_or(stream),
            watch: Arc::clone(&self.watch),
        };
        let Some(config) = &self.tls else {
            return Ok(Wire::Clear(socket));
        };
        let begun = ServerName::try_from(domain.to_owned()).map_err(|_| {
            let detail = format!("`{domain}` can be no host with a certificate");
            DestinationError::new(ErrorKind::Config, detail)
        });
        let begun = begun.and_then(|name| {
            ClientConnection::new(Arc::clone(config), name).map_err(|e| {
                DestinationError::new(ErrorKind::Protocol, format!("TLS cannot begin: {e}"))
            })
        });
        let mut connection = begun.map_err(|e| self.watch.refuse(e))?;
        match connection.complete_io(&mut socket) {
            Ok(_) => Ok(Wire::Tls(Box::new(StreamOwned::new(connection, socket)))),
            Err(e) => Err(self.watch.refuse(failed_handshake(e))),
        }
    }
}

fn failed_handshake(error: io::Error) -> DestinationError {
    if let Some(told) = tls::refusal(&error) {
        return told;
    }
    let detail = "the TLS handshake failed";
    match error.kind() {
        // Not of our own: a server that has had enough.
        io::ErrorKind::UnexpectedEof => {
            DestinationError::because(ErrorKind::Unreachable, detail, error)
        }
        _ => DestinationError::from_read(detail, error),
    }
}
