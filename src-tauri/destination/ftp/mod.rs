//! `ftp`: a server that speaks FTP, plain or over TLS. Nothing there is created atomically: two writers of one name at the same instant may
//! overwrite each other, which the names of archives make unlikely.

mod connect;
mod download;
mod lines;
mod listing;
mod pool;
mod reply;
mod session;
mod transfer;
mod upload;
mod wire;

use std::io::Read;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::folders;
use super::net::Net;
use super::range::of_nothing;
use super::settings::Settings;
use super::temporary::{Owner, is_old};
use super::{
    Body, Call, Capabilities, Destination, DestinationError, Key, Listed, Stored, Unfinished,
    tls::{self, Need},
};
use download::Reading;
use pool::Pool;
use session::{Protection, Session, Site};

type Result<T> = std::result::Result<T, DestinationError>;

const SETTINGS: &[&str] = &[
    "host",
    "port",
    "username",
    "base_path",
    "tls",
    "ca_file",
    "fingerprint",
];
const PORT: u16 = 21;
const IMPLICIT_PORT: u16 = 990;

pub(super) fn open(settings: &Settings<'_>) -> Result<Arc<dyn Destination>> {
    settings.allow(SETTINGS)?;
    let protection = protection(settings)?;
    let default_port = match protection {
        Protection::Implicit(_) => IMPLICIT_PORT,
        Protection::Explicit(_) | Protection::None => PORT,
    };
    let password = settings.require_secret("password")?;
    // A line of its own is a command of its own.
    if password.expose_secret().chars().any(char::is_control) {
        return Err(settings.bad("takes no control characters in its password"));
    }
    let absolute = settings
        .get("base_path")
        .is_some_and(|path| path.starts_with('/'));
    let base = settings.base_folders()?.join("/");
    let site = Site {
        net: Net::shared()?,
        host: host(settings)?,
        port: settings.port(default_port)?,
        username: harmless(settings, "username")?.to_owned(),
        password: password.clone(),
        base: if absolute { format!("/{base}") } else { base },
        protection,
        patience: settings.timeout()?,
    };
    Ok(Arc::new(Ftp {
        name: settings.name().to_owned(),
        owner: Owner::of(settings.id()),
        pool: Arc::new(Pool::new(site)),
        begins_anew: AtomicBool::new(false),
    }))
}

fn protection(settings: &Settings<'_>) -> Result<Protection> {
    Ok(match settings.get("tls") {
        None | Some("explicit") => {
            Protection::Explicit(tls::client_config(settings, Need::Always)?)
        }
        Some("implicit") => Protection::Implicit(tls::client_config(settings, Need::Always)?),
        Some("none") => {
            let unused = ["ca_file", "fingerprint"];
            let unused = unused.iter().find(|key| settings.get(key).is_some());
            if let Some(key) = unused {
                return Err(settings.bad(format!("has no use for a `{key}` where `tls` is `none`")));
            }
            Protection::None
        }
        Some(other) => {
            return Err(settings.bad(format!(
                "takes explicit, implicit or none as `tls`, not `{other}`"
            )));
        }
    })
}

/// A name or an address; of version 6 in brackets or without.
fn host<'s>(settings: &Settings<'s>) -> Result<String> {
    let host: &'s str = harmless(settings, "host")?;
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    let host = bare.unwrap_or(host);
    if host.contains(['/', '@', ' ']) {
        return Err(settings.bad(format!(
            "takes the name of a host or its address as `host`, not `{host}`"
        )));
    }
    Ok(host.to_owned())
}

/// A line of its own is a command of its own.
fn harmless<'s>(settings: &Settings<'s>, key: &str) -> Result<&'s str> {
    let value = settings.require(key)?;
    if value.chars().any(char::is_control) {
        return Err(settings.bad(format!("takes no control characters in its `{key}`")));
    }
    Ok(value)
}

struct Ftp {
    /// For progress.
    name: String,
    owner: Owner,
    pool: Arc<Pool>,
    /// The server was seen to take no upload that begins in the middle.
    begins_anew: AtomicBool,
}

fn folders_of(key: &Key) -> Vec<String> {
    key.folders().map(str::to_owned).collect()
}

/// Below the base.
fn join(folder: &[String], name: &str) -> String {
    let segments = folder.iter().map(String::as_str).chain([name]);
    segments.collect::<Vec<_>>().join("/")
}

impl Ftp {
    /// The contract's folders go when they are empty.
    fn tidy(session: &mut Session, key: &Key) -> Result<()> {
        let folder = folders_of(key);
        if folder
            .first()
            .is_none_or(|first| first != Key::CONTRACT_FOLDER)
        {
            return Ok(());
        }
        for depth in (1..=folder.len()).rev() {
            let path = session.path(&folder[..depth].join("/"));
            // Refused where somebody else has something in it.
            session.ask(&format!("RMD {path}"))?;
        }
        Ok(())
    }

    /// The temporary names of one's own that are there.
    fn unfinished(&self, session: &mut Session, call: &Call<'_>) -> Result<Vec<Temporary>> {
        let mut found = Vec::new();
        for root in ["", Key::CONTRACT_FOLDER] {
            folders::files(
                root,
                call,
                &mut |path, why| session.folder_of_walk(path, why),
                &mut |folder, entry| {
                    if self.owner.owns(&entry.name) {
                        found.push(Temporary {
                            folder: folder.to_vec(),
                            name: entry.name,
                        });
                    }
                    Ok(())
                },
            )?;
        }
        Ok(found)
    }

    /// By the server's clock: of a file that is made for it, and goes at once. None where it tells no times.
    fn now(&self, session: &mut Session, folder: &[String]) -> Result<Option<Timestamp>> {
        let name = self.owner.new_name();
        let path = session.path(&join(folder, &name));
        let written = session.transfer(&format!("STOR {path}"), 0)?;
        written.end_writing("asking for the server's time")?;
        let found = session.find(folder, &name);
        session.ask(&format!("DELE {path}"))?;
        Ok(found?.and_then(|found| found.modified))
    }
}

struct Temporary {
    folder: Vec<String>,
    name: String,
}

impl Session {
    /// Missing is success, forbidden is not: only the listing tells one from the other.
    fn remove(&mut self, folder: &[String], name: &str) -> Result<()> {
        let path = self.path(&join(folder, name));
        let reply = self.ask(&format!("DELE {path}"))?;
        if reply.is(&[200, 250]) || self.look(folder, name)?.is_none() {
            return Ok(());
        }
        Err(reply.refusal("deleting"))
    }
}

impl Destination for Ftp {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            atomic_create: false,
            ranges: true,
            // Few servers do; those that do are asked.
            free_space: false,
            resume: true,
            modes: false,
            in_clear: matches!(self.pool.site.protection, Protection::None),
        }
    }

    fn staging(&self, _key: &Key) -> Result<Option<std::path::PathBuf>> {
        Ok(None)
    }

    fn attempt(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        self.upload(key, body, left, call)
    }

    fn discard(&self, key: &Key, left: &Unfinished, call: &Call<'_>) -> Result<()> {
        self.pool.with(call, |session| {
            session.remove(&folders_of(key), &left.0)?;
            Self::tidy(session, key)
        })
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>> {
        let mut session = self.pool.take(call)?;
        let size = session.size(&folders_of(key), key.file_name());
        let Some(size) = size.map_err(DestinationError::before_a_read)? else {
            self.pool.give_back(session);
            return Err(DestinationError::no_archive(key));
        };
        let range = range.unwrap_or(0..size);
        // There is no transfer of nothing, nor of what is not there.
        if range.is_empty() || range.end > size {
            self.pool.give_back(session);
            return of_nothing(&range, Some(size), key);
        }
        let path = session.path(key.as_str());
        let begun = Reading::begin(&self.pool, session, &path, range, size, call);
        Ok(Box::new(begun.map_err(DestinationError::before_a_read)?))
    }

    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        // A session for each folder: whoever is told of an archive may want to ask for it.
        let mut list = |path: &[String], why| {
            self.pool
                .with(call, |session| session.folder_of_walk(path, why))
        };
        folders::archives(prefix, call, &mut list, each)
    }

    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>> {
        let found = self.pool.with(call, |session| {
            session.find(&folders_of(key), key.file_name())
        })?;
        Ok(found.map(|found| Listed {
            key: key.clone(),
            size: found.size,
            modified: found.modified,
        }))
    }

    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        self.pool.with(call, |session| {
            session.remove(&folders_of(key), key.file_name())?;
            Self::tidy(session, key)
        })
    }

    /// Ages by the server's clock alone: of each name, and of one that is written for the comparison.
    fn sweep(&self, age: Duration, call: &Call<'_>) -> Result<u32> {
        self.pool.with(call, |session| {
            let found = self.unfinished(session, call)?;
            let Some(first) = found.first() else {
                return Ok(0);
            };
            let Some(now) = self.now(session, &first.folder)? else {
                return Ok(0);
            };
            let mut swept = 0;
            for Temporary { folder, name } in &found {
                call.check()?;
                let written = session.find(folder, name)?.and_then(|found| found.modified);
                if is_old(written, Some(now), age) {
                    session.remove(folder, name)?;
                    swept += 1;
                }
            }
            Ok(swept)
        })
    }

    fn free_space(&self, call: &Call<'_>) -> Result<Option<u64>> {
        self.pool.with(call, |session| {
            if !session.has("AVBL") {
                return Ok(None);
            }
            let path = session.path("");
            Ok(listing::number(&session.ask(&format!("AVBL {path}"))?))
        })
    }
}
