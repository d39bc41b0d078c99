//! One session with a server: logged in, protected where that is wanted, in binary mode. It asks, transfers, and knows when its answers can no
//! longer be told apart; then it is over. What is asked is others' business.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use rustls::client::Resumption;
use secrecy::{ExposeSecret, SecretString};
use suppaftp::{DataStream, FtpError, ImplFtpStream, Mode, TransferStream};

use super::reply::Reply;
use super::wire::{Connector, Watch, Wire};
use crate::destination::net::Net;
use crate::destination::{Call, DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

/// A session that was not used for so long is asked whether it still is one.
const STALE: Duration = Duration::from_secs(5);
/// How long an answer that is only nice to have may take.
const COURTESY: Duration = Duration::from_secs(3);
const TICKETS: usize = 16;

/// Where the server is, and who we are there.
pub(super) struct Site {
    pub net: Net,
    pub host: String,
    pub port: u16,
    pub username: String,
    pub password: SecretString,
    /// `/` at its begin: from the server's root; else from where a login starts. Without one at its end; empty: right there.
    pub base: String,
    pub protection: Protection,
    pub patience: Duration,
}

pub(super) enum Protection {
    /// From the first byte.
    Implicit(ClientConfig),
    /// Asked for before anything is told.
    Explicit(ClientConfig),
    None,
}

pub(super) struct Session {
    ftp: ImplFtpStream<Wire>,
    watch: Arc<Watch>,
    /// What FEAT tells, in capitals.
    features: Vec<String>,
    /// From the server's root, without a slash at its end.
    base: String,
    /// What the listings of this server are known to hold.
    pub hidden: Hidden,
    used: Instant,
    /// Whether every answer to what was asked has come.
    sure: bool,
}

/// Whether `LIST -a` shows what begins with a dot.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Hidden {
    #[default]
    Unknown,
    /// `.` itself was among what it told.
    Shown,
}

impl Session {
    pub fn open(site: &Site, call: &Call<'_>) -> Result<Self> {
        let watch = Watch::new(site.net.clone(), site.patience, call);
        let ftp = connect(site, &watch)?;
        let mut session = Self {
            ftp,
            watch,
            features: Vec::new(),
            base: String::new(),
            hidden: Hidden::default(),
            used: Instant::now(),
            sure: true,
        };
        session.log_in(site)?;
        session.set_up(site)?;
        Ok(session)
    }

    fn log_in(&mut self, site: &Site) -> Result<()> {
        let user = self.ask(&format!("USER {}", site.username))?;
        let reply = if user.code == 331 {
            self.ask(&format!("PASS {}", site.password.expose_secret()))?
        } else {
            user
        };
        if reply.is(&[230, 202]) {
            return Ok(());
        }
        let refusal = reply.refusal("logging in");
        // Told before any password was.
        if reply.says(&["encrypt", "tls", "ssl"]) {
            return Err(DestinationError {
                kind: ErrorKind::Config,
                ..refusal
            });
        }
        Err(match refusal.kind {
            ErrorKind::Protocol | ErrorKind::Forbidden => DestinationError {
                kind: ErrorKind::Authentication,
                ..refusal
            },
            _ => refusal,
        })
    }

    fn set_up(&mut self, site: &Site) -> Result<()> {
        let told = self.ask("FEAT")?;
        if told.code == 211 {
            let lines = told.lines.iter().filter(|line| line.starts_with(' '));
            self.features = lines.map(|line| line.trim().to_uppercase()).collect();
        }
        if self.has("UTF8") {
            // Where it is on already, some servers refuse it.
            self.ask("OPTS UTF8 ON")?;
        }
        self.ask("TYPE I")?.expect(&[200], "TYPE I")?;
        self.base = if site.base.starts_with('/') {
            site.base.clone()
        } else {
            let home = self.ask("PWD")?.expect(&[257], "PWD")?;
            let home = quoted(&home).ok_or_else(|| home.refusal("PWD"))?;
            [home.trim_end_matches('/'), site.base.as_str()]
                .join("/")
                .trim_end_matches('/')
                .to_owned()
        };
        Ok(())
    }

    /// Whether FEAT tells of it.
    pub fn has(&self, feature: &str) -> bool {
        let tells = |line: &String| line.split(' ').next() == Some(feature);
        self.features.iter().any(tells)
    }

    /// Of the base, or of what is below it.
    pub fn path(&self, below: &str) -> String {
        if below.is_empty() && !self.base.is_empty() {
            self.base.clone()
        } else {
            format!("{}/{below}", self.base)
        }
    }

    /// Asks, and gives whatever is answered.
    pub fn ask(&mut self, line: &str) -> Result<Reply> {
        // None of the codes is expected, so that each answer comes whole, the unexpected one too.
        match self.ftp.custom_command(line, &[]) {
            Ok(response) | Err(FtpError::UnexpectedResponse(response)) => {
                Ok(Reply::parse(&response.body))
            }
            Err(e) => Err(self.failed(verb(line), e)),
        }
    }

    /// Opens a data connection for this command, from an offset for those that have one.
    pub fn transfer(&mut self, line: &str, offset: u64) -> Result<Transfer> {
        let offset = usize::try_from(offset).map_err(|_| {
            DestinationError::new(ErrorKind::Config, "this machine cannot count that far")
        })?;
        let what = verb(line);
        self.ftp
            .resume_transfer(offset)
            .map_err(|e| self.failed(what, e))?;
        match self.ftp.custom_data_command(line, &[125, 150].map(status)) {
            Ok((_, stream)) => Ok(Transfer {
                stream: Some(stream),
                watch: Arc::clone(&self.watch),
                what,
            }),
            Err(FtpError::SecureError(_)) => Err(self.failed_data_connection(what)),
            Err(e) => Err(self.failed(what, e)),
        }
    }

    /// The server may have said why: its word for it counts more, but for what is about trust.
    fn failed_data_connection(&mut self, what: &str) -> DestinationError {
        let refused = self.watch.take_refusal().unwrap_or_else(|| {
            let detail = format!("{what}: no data connection");
            DestinationError::new(ErrorKind::Unreachable, detail)
        });
        if refused.kind.may_pass() {
            self.watch.hurry(COURTESY);
            match self.ask("NOOP") {
                Ok(reply) if reply.code >= 400 => return reply.refusal(what),
                _ => {}
            }
        }
        refused
    }

    fn failed(&self, what: &str, error: FtpError) -> DestinationError {
        of_library(&self.watch, what, error)
    }

    /// From now on it serves this call. False: it is no session any more.
    pub fn serve(&mut self, call: &Call<'_>) -> bool {
        self.watch.serve(call);
        if self.watch.is_over() {
            return false;
        }
        if self.sure && self.used.elapsed() < STALE {
            return true;
        }
        self.watch.hurry(COURTESY);
        // An answer that is still due would come in place of this one's.
        let alive = self.ask("NOOP").is_ok_and(|reply| reply.code == 200);
        self.watch.relax();
        self.sure = alive;
        alive
    }

    /// It was used until now. False: it is over.
    pub fn rest(&mut self) -> bool {
        self.used = Instant::now();
        !self.watch.is_over()
    }

    /// The rest is only nice to have.
    pub fn hurry(&self) {
        self.watch.hurry(COURTESY);
    }

    /// There may be one more answer on its way.
    pub fn doubt(&mut self) {
        self.sure = false;
    }
}

/// A transfer on its data connection. Dropped before its end it takes the whole session with it: nobody knows what the server still says.
pub(super) struct Transfer {
    stream: Option<TransferStream<Wire>>,
    watch: Arc<Watch>,
    /// The command.
    what: &'static str,
}

impl Transfer {
    fn wire(&mut self) -> io::Result<&mut Wire> {
        match self.stream.as_mut().map(TransferStream::get_mut) {
            Some(DataStream::Ssl(wire)) => Ok(wire),
            // Every stream is made by the connector.
            Some(DataStream::Tcp(_)) | None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Everything was written. What the server says to that.
    pub fn end_writing(mut self, what: &str) -> Result<()> {
        let ended = self.wire().and_then(Wire::end_writing);
        match (self.completion(), ended) {
            (Ok(Some(reply)), _) => Err(reply.refusal_to_store(what)),
            (Ok(None), Ok(())) => Ok(()),
            (Ok(None) | Err(_), Err(e)) => Err(cut(what, e)),
            (Err(e), Ok(())) => Err(e),
        }
    }

    /// A write failed: the server mostly says why.
    pub fn failed_writing(mut self, what: &str, error: io::Error) -> DestinationError {
        if let Some(told) = DestinationError::of_read(&error) {
            // Our own: it took too long, or is not wanted any more.
            return DestinationError::new(told.kind, format!("{what}: {}", told.detail));
        }
        self.watch.hurry(COURTESY);
        match self.completion() {
            Ok(Some(reply)) => reply.refusal_to_store(what),
            _ => cut(what, error),
        }
    }

    /// No more will be read. What the server says to that; None: that it gave everything.
    pub fn end_reading(mut self) -> Result<Option<Reply>> {
        if let Ok(wire) = self.wire() {
            wire.end_reading();
        }
        self.completion()
    }

    /// As `end_reading`, of what need not be waited for long.
    pub fn leave(self) -> Result<Option<Reply>> {
        self.watch.hurry(COURTESY);
        let watch = Arc::clone(&self.watch);
        let ended = self.end_reading();
        watch.relax();
        ended
    }

    /// None: all is well.
    fn completion(&mut self) -> Result<Option<Reply>> {
        let Some(stream) = self.stream.take() else {
            return Ok(None);
        };
        match stream.finish() {
            Ok(()) => Ok(None),
            Err(FtpError::UnexpectedResponse(response)) => Ok(Some(Reply::parse(&response.body))),
            Err(e) => {
                self.watch.give_up();
                Err(of_library(&self.watch, self.what, e))
            }
        }
    }
}

impl Read for Transfer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wire()?.read(buffer)
    }
}

impl Write for Transfer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // By way of the library, which remembers that it was written to.
        match &mut self.stream {
            Some(stream) => stream.write(bytes),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wire()?.flush()
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        // Else the stream's own end would wait for an answer.
        if self.stream.is_some() {
            self.watch.give_up();
        }
    }
}

/// A connection that broke while data was on it.
fn cut(what: &str, error: io::Error) -> DestinationError {
    let error = DestinationError::from_read(what, error);
    match error.kind {
        // Over TLS: it ended without saying so.
        ErrorKind::Protocol => DestinationError {
            kind: ErrorKind::Truncated,
            ..error
        },
        _ => error,
    }
}

fn of_library(watch: &Watch, what: &str, error: FtpError) -> DestinationError {
    if let Some(refused) = watch.take_refusal() {
        return refused;
    }
    match error {
        FtpError::UnexpectedResponse(response) => Reply::parse(&response.body).refusal(what),
        FtpError::ConnectionError(e) => match DestinationError::of_read(&e) {
            Some(told) => DestinationError {
                presented: told.presented.clone(),
                ..DestinationError::new(told.kind, format!("{what}: {}", told.detail))
            },
            // The server went away before it answered.
            None if e.kind() == io::ErrorKind::UnexpectedEof => {
                let detail = format!("{what}: the server hung up");
                DestinationError::because(ErrorKind::Unreachable, detail, e)
            }
            None => DestinationError::io(what, e),
        },
        FtpError::BadResponse => {
            let detail = format!("{what}: the answer is not FTP's");
            DestinationError::new(ErrorKind::Protocol, detail)
        }
        other => DestinationError::new(ErrorKind::Protocol, format!("{what}: {other}")),
    }
}

fn connect(site: &Site, watch: &Arc<Watch>) -> Result<ImplFtpStream<Wire>> {
    let socket = watch.dial_host(&site.host, site.port)?;
    let is_v6 = socket.peer_addr().is_ok_and(|address| address.is_ipv6());
    // Servers remember a session only as long as its control connection: each has its own tickets.
    let own = |config: &ClientConfig| {
        let mut config = config.clone();
        config.resumption = Resumption::in_memory_sessions(TICKETS);
        Some(Arc::new(config))
    };
    let connector = |tls, first| Connector {
        tls,
        watch: Arc::clone(watch),
        first: Mutex::new(first),
    };
    let implicit = match &site.protection {
        Protection::Implicit(config) => own(config),
        Protection::Explicit(_) | Protection::None => None,
    };
    let greeted = begin(connector(implicit, Some(socket)), &site.host);
    let mut ftp = greeted.map_err(|e| greeting(of_library(watch, "connecting", e)))?;
    if let Protection::Explicit(config) = &site.protection {
        let secured = ftp.into_secure(connector(own(config), None), &site.host);
        ftp = secured.map_err(|e| no_tls(watch, e))?;
    }
    if let Protection::Implicit(_) = &site.protection {
        for line in ["PBSZ 0", "PROT P"] {
            if let Err(FtpError::UnexpectedResponse(response)) = ftp.custom_command(line, &[])
                && Reply::parse(&response.body).code != 200
            {
                return Err(no_tls(watch, FtpError::UnexpectedResponse(response)));
            }
        }
    }
    let dialling = Arc::clone(watch);
    let mut ftp = ftp.passive_stream_builder(move |address| {
        dialling
            .dial(address)
            .map_err(|e| FtpError::ConnectionError(e.into()))
    });
    ftp.set_mode(if is_v6 {
        Mode::ExtendedPassive
    } else {
        Mode::Passive
    });
    // The address that a server believes to have is often one of behind its router.
    ftp.set_passive_nat_workaround(true);
    Ok(ftp)
}

/// The library's one way to a stream of one's own making connects by itself, and without a limit in time. It is given a door to knock at; the
/// connector puts the socket in place that was dialled as the watch says.
fn begin(connector: Connector, host: &str) -> suppaftp::FtpResult<ImplFtpStream<Wire>> {
    let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(FtpError::ConnectionError)?;
    let address = door.local_addr().map_err(FtpError::ConnectionError)?;
    ImplFtpStream::connect_secure_implicit(address, connector, host)
}

/// A server that turns one away at the door is busy.
fn greeting(error: DestinationError) -> DestinationError {
    let is_busy = error.kind == ErrorKind::Unreachable && error.detail.contains(": 421");
    DestinationError {
        kind: if is_busy {
            ErrorKind::Throttled
        } else {
            error.kind
        },
        ..error
    }
}

/// Nothing is told to a server that does not protect it.
fn no_tls(watch: &Watch, error: FtpError) -> DestinationError {
    match error {
        FtpError::UnexpectedResponse(response) => {
            let reply = Reply::parse(&response.body);
            let kind = if reply.code >= 500 {
                ErrorKind::Config
            } else {
                reply.refusal("").kind
            };
            let what = "it does not protect what is sent (AUTH TLS, PBSZ 0, PROT P)";
            DestinationError {
                kind,
                ..reply.refusal(what)
            }
        }
        other => of_library(watch, "AUTH TLS", other),
    }
}

fn status(code: u32) -> suppaftp::Status {
    suppaftp::Status::from(code)
}

/// For messages: without what comes after it, which may be a password.
fn verb(line: &str) -> &'static str {
    const VERBS: [&str; 19] = [
        "AVBL", "CWD", "DELE", "FEAT", "LIST", "MDTM", "MKD", "MLSD", "MLST", "NOOP", "OPTS",
        "PASS", "PWD", "RETR", "RMD", "RNFR", "RNTO", "SIZE", "STOR",
    ];
    let first = line.split(' ').next().unwrap_or_default();
    let known = VERBS.iter().find(|verb| **verb == first);
    known.copied().unwrap_or("asking")
}

/// Between the first and the last quotation mark of PWD's answer, where two stand for one.
fn quoted(reply: &Reply) -> Option<String> {
    let line = reply.lines.last()?;
    let (begin, end) = (line.find('"')?, line.rfind('"')?);
    let inside = line.get(begin + 1..end)?;
    let harmless = inside.starts_with('/') && !inside.chars().any(char::is_control);
    harmless.then(|| inside.replace("\"\"", "\""))
}
