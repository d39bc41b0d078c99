//! The way to a server, up to where a login may be told: dialled, greeted, protected.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

use rustls::ClientConfig;
use rustls::client::Resumption;
use suppaftp::{FtpError, ImplFtpStream, Mode};

use super::reply::Reply;
use super::session::{Protection, Site, of_library};
use super::wire::{Connector, Watch, Wire};
use crate::destination::{DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

const TICKETS: usize = 16;

pub(super) fn connect(site: &Site, watch: &Arc<Watch>) -> Result<ImplFtpStream<Wire>> {
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
    let mut ftp = greeted.map_err(|e| of_library(watch, "connecting", e))?;
    if let Protection::Explicit(config) = &site.protection {
        let secured = ftp.into_secure(connector(own(config), None), &site.host);
        ftp = secured.map_err(|e| no_tls(watch, e))?;
    }
    if let Protection::Implicit(_) = &site.protection {
        for line in ["PBSZ 0", "PROT P"] {
            match ftp.custom_command(line, &[]) {
                Ok(response) | Err(FtpError::UnexpectedResponse(response)) => {
                    if Reply::parse(&response.body).code != 200 {
                        return Err(no_tls(watch, FtpError::UnexpectedResponse(response)));
                    }
                }
                Err(e) => return Err(no_tls(watch, e)),
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
        other => of_library(watch, "protecting the connection", other),
    }
}
