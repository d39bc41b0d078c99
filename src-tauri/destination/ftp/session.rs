//! One session with a server: logged in, protected where that is wanted, in binary mode. It asks, transfers, and knows when its answers can no
//! longer be told apart; then it is over. What is asked is others' business.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use suppaftp::{FtpError, ImplFtpStream};

use super::connect::connect;
use super::reply::Reply;
use super::transfer::Transfer;
use super::wire::{Bounded, Watch, Wire};
use crate::destination::net::Net;
use crate::destination::{Call, DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

/// A session that was not used for so long is asked whether it still is one.
const STALE: Duration = Duration::from_secs(5);
/// How long an answer that is only nice to have may take.
pub(super) const COURTESY: Duration = Duration::from_secs(3);

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
        let ftp = {
            let _bounded = watch.bounded();
            connect(site, &watch)?
        };
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
            let password = site.password.expose_secret();
            self.ask(&format!("PASS {password}"))?.without(password)
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
        let _bounded = self.watch.bounded();
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
        self.begin(line, offset)?
            .map_err(|refused| refused.refusal(verb(line)))
    }

    /// The same; what the server says where it refuses before any data passes.
    pub fn begin(
        &mut self,
        line: &str,
        offset: u64,
    ) -> Result<std::result::Result<Transfer, Reply>> {
        let offset = usize::try_from(offset).map_err(|_| {
            DestinationError::new(ErrorKind::Config, "this machine cannot count that far")
        })?;
        let what = verb(line);
        let _bounded = self.watch.bounded();
        self.ftp
            .resume_transfer(offset)
            .map_err(|e| self.failed(what, e))?;
        match self.ftp.custom_data_command(line, &[125, 150].map(status)) {
            Ok((_, stream)) => Ok(Ok(Transfer {
                stream: Some(stream),
                watch: Arc::clone(&self.watch),
                what,
            })),
            Err(FtpError::SecureError(_)) => Err(self.failed_data_connection(what)),
            Err(FtpError::UnexpectedResponse(response)) => Ok(Err(Reply::parse(&response.body))),
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

    /// As of the watch.
    pub fn bounded(&self) -> Option<Bounded> {
        self.watch.bounded()
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

pub(super) fn of_library(watch: &Watch, what: &str, error: FtpError) -> DestinationError {
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
            // Servers that die write a last word past their TLS.
            None if is_of_tls(&e) => {
                let detail = format!("{what}: the TLS connection broke");
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

fn status(code: u32) -> suppaftp::Status {
    suppaftp::Status::from(code)
}

fn is_of_tls(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner.is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
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
