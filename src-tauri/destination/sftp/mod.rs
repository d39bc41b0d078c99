//! `sftp`: a server that speaks SFTP, OpenSSH's first of all. One connection, made when it is first needed, serves all calls.

mod access;
mod connection;
mod greeting;
mod handshake;
mod host_keys;
mod listing;
mod login;
mod paths;
mod pipeline;
mod trouble;
mod upload;

use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use futures_util::stream;
use jiff::Timestamp;
use russh_sftp::protocol::OpenFlags;
use tokio::sync::Mutex;

use super::folders;
use super::net::{Incoming, Net};
use super::range::within;
use super::settings::Settings;
use super::temporary::{Owner, is_old};
use super::{
    Body, Call, Capabilities, Destination, DestinationError, ErrorKind, Key, Listed, Stored,
    Unfinished, Verification, read_back,
};
use crate::model::{Cancel, NoObserver};
use access::Access;
use connection::{Connection, Opened};
use paths::{Paths, below, modified, size, with_mode};
use pipeline::Reads;
use upload::Published;

type Result<T> = std::result::Result<T, DestinationError>;

/// Names, and when they were last written to.
type Temporaries = Vec<(String, Option<Timestamp>)>;

pub(super) fn open(settings: &Settings<'_>) -> Result<Arc<dyn Destination>> {
    Ok(Arc::new(Sftp {
        access: Access::new(settings)?,
        name: settings.name().to_owned(),
        owner: Owner::of(settings.id()),
        offers: Lock::default(),
        renamed: AtomicBool::new(false),
        connection: Mutex::default(),
        net: Net::shared()?,
    }))
}

struct Sftp {
    access: Access,
    /// For progress.
    name: String,
    owner: Owner,
    /// What the server turned out to have.
    offers: Lock<Option<connection::Offers>>,
    /// An archive was published by a look and a rename, because there was no better way.
    renamed: AtomicBool,
    connection: Mutex<Option<Arc<Connection>>>,
    /// Last: what runs on it goes before.
    net: Net,
}

impl Sftp {
    /// On the connection that is there, or a new one where it is none or of no use any more.
    fn run<T>(
        &self,
        call: &Call<'_>,
        work: impl AsyncFnOnce(&Paths<'_>) -> Result<T>,
    ) -> Result<T> {
        self.net.run(call, async {
            let connection = self.connected().await?;
            let paths = Paths {
                connection: &connection,
                base: &self.access.base,
            };
            work(&paths).await
        })
    }

    async fn connected(&self) -> Result<Arc<Connection>> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_ref().filter(|connection| connection.is_usable()) {
            return Ok(Arc::clone(connection));
        }
        *kept = None;
        let connection = Arc::new(Connection::open(&self.access).await?);
        *self.offers.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection.offers);
        *kept = Some(Arc::clone(&connection));
        Ok(connection)
    }

    fn try_to_put(
        &self,
        key: &Key,
        body: &Body,
        name: &str,
        call: &Call<'_>,
    ) -> std::result::Result<(), Failed> {
        let mut has = 0;
        let filled = self.run(call, async |paths| {
            upload::require_free(paths, &paths.of(key)).await?;
            let temporary = upload::open(paths, key, name, body.length).await?;
            has = temporary.has;
            if has > 0 {
                upload::fill_rest(paths, temporary, body, &self.name, call).await
            } else {
                upload::fill(paths, temporary, body, &self.name, call).await
            }
        });
        let filled = filled.and_then(|()| match has {
            0 => Ok(()),
            _ => self.read_back(key, body, name, call),
        });
        let put = filled.and_then(|()| self.publish(key, name, call));
        put.map_err(|error| Failed {
            error,
            went_on: has > 0,
        })
    }

    /// On a line that was cut already: what is there is read on its own, and goes on on the next connection where one is cut again.
    fn read_back(&self, key: &Key, body: &Body, name: &str, call: &Call<'_>) -> Result<()> {
        let whole = body.length;
        let mut open = |at: u64| {
            let reader = self.run(call, async |paths| {
                let path = paths.beside(key, name);
                let found = paths.look(&path).await?;
                let there = found.and_then(|found| found.size).unwrap_or(0);
                if there != whole {
                    let detail = format!("{there} bytes are there of {whole}");
                    return Err(DestinationError::new(ErrorKind::Protocol, detail));
                }
                self.reader(paths, &path, at..whole, call).await
            })?;
            Ok(Box::new(reader) as Box<dyn Read + Send>)
        };
        read_back::compare(&mut open, body, &self.name, call)
    }

    /// `range`: of bytes that are there.
    async fn reader(
        &self,
        paths: &Paths<'_>,
        path: &str,
        range: Range<u64>,
        call: &Call<'_>,
    ) -> Result<Incoming> {
        let connection = paths.connection;
        let asked = connection.sftp.open(path, OpenFlags::READ, with_mode(0));
        let opened = connection.ask(&format!("opening `{path}`"), asked).await?;
        let file = Arc::new(Opened::new(connection, opened.handle));
        let mut reads = Reads::new(connection, file, range.start);
        reads.extend_to(range.end);
        let length = range.end - range.start;
        let idle = self.access.idle;
        Ok(Incoming::new(
            &self.net,
            reads.into_stream(),
            length,
            idle,
            call,
        ))
    }

    /// Once begun it is not cancelled: nobody could say any more whether the archive is there.
    fn publish(&self, key: &Key, name: &str, call: &Call<'_>) -> Result<()> {
        call.check()?;
        let cancel = Cancel::new();
        let call = Call::new(&cancel, &NoObserver);
        let how = self.run(&call, async |paths| {
            upload::publish(paths, &paths.beside(key, name), &paths.of(key)).await
        })?;
        if how == Published::AfterALook {
            self.renamed.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Whether a temporary file of our own has not been written to for `age`, by the server's clock alone: it is compared with the time that
    /// the server gives a file that is made now.
    fn sweep_folder(
        &self,
        folder: &[String],
        found: &[(String, Option<Timestamp>)],
        age: Duration,
        call: &Call<'_>,
    ) -> Result<u32> {
        self.run(call, async |paths| {
            let folder = below(paths.base, &folder.join("/"));
            let now = self.clock(paths, &folder).await?;
            let mut swept = 0;
            for (name, written) in found {
                if is_old(*written, now, age) {
                    paths.remove(&below(&folder, name)).await?;
                    swept += 1;
                }
            }
            Ok(swept)
        })
    }

    async fn clock(&self, paths: &Paths<'_>, folder: &str) -> Result<Option<Timestamp>> {
        let path = below(folder, &self.owner.new_name());
        let sftp = &paths.connection.sftp;
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
        let made = sftp.open(&path, flags, with_mode(paths::FILE_MODE));
        let made = paths.connection.ask("asking for the server's time", made);
        let file = match made.await {
            Ok(made) => Opened::new(paths.connection, made.handle),
            Err(e) => return Err(paths.why(e, 1).await),
        };
        let found = paths.look(&path).await;
        drop(file);
        paths.remove(&path).await?;
        Ok(found?.as_ref().and_then(modified))
    }

    /// The contract's folders go when they are empty.
    async fn tidy(&self, paths: &Paths<'_>, key: &Key) {
        let folders: Vec<&str> = key.folders().collect();
        if folders.first() != Some(&Key::CONTRACT_FOLDER) {
            return;
        }
        for depth in (1..=folders.len()).rev() {
            let path = below(paths.base, &folders[..depth].join("/"));
            let removed = paths.connection.sftp.rmdir(&path);
            let removed = paths
                .connection
                .ask("removing an empty folder", removed)
                .await;
            if removed.is_err_and(|e| e.kind != ErrorKind::Missing) {
                return;
            }
        }
    }
}

struct Failed {
    error: DestinationError,
    /// It was not begun anew.
    went_on: bool,
}

impl Destination for Sftp {
    /// What is not known before the first connection is not claimed.
    fn capabilities(&self) -> Capabilities {
        let offers = *self.offers.lock().unwrap_or_else(PoisonError::into_inner);
        Capabilities {
            atomic_create: offers.is_some_and(|offers| offers.hardlink)
                && !self.renamed.load(Ordering::Relaxed),
            ranges: true,
            free_space: offers.is_some_and(|offers| offers.statvfs),
            resume: true,
            modes: true,
            in_clear: false,
        }
    }

    fn staging(&self, _key: &Key) -> Result<Option<PathBuf>> {
        Ok(None)
    }

    fn attempt(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        let earlier = left.take().filter(|left| self.owner.owns(&left.0));
        let mine = earlier.unwrap_or_else(|| Unfinished(self.owner.new_name()));
        let Err(Failed { mut error, went_on }) = self.try_to_put(key, body, &mine.0, call) else {
            return Ok(Stored {
                verification: Verification::Verified,
            });
        };
        if error.kind.may_pass() {
            *left = Some(mine);
            return Err(error);
        }
        self.clear_away(key, &mine, call);
        if went_on && error.kind == ErrorKind::Protocol {
            // What an earlier try left may not be what it sent (a server that lost its power): sent anew, it may be well.
            error.kind = ErrorKind::Truncated;
        }
        Err(error)
    }

    fn discard(&self, key: &Key, left: &Unfinished, call: &Call<'_>) -> Result<()> {
        self.run(call, async |paths| {
            let folders: Vec<String> = key.folders().map(str::to_owned).collect();
            if self.owner.owns(&left.0) && paths.has_folders(&folders).await? {
                paths.remove(&paths.beside(key, &left.0)).await?;
            }
            Ok(())
        })
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>> {
        let idle = self.access.idle;
        let reader = self.run(call, async |paths| {
            let Some(found) = paths.archive(key).await? else {
                return Err(DestinationError::no_archive(key));
            };
            let size = size(key.as_str(), &found)?;
            let range = range.unwrap_or(0..size);
            within(&range, size, key)?;
            if range.is_empty() {
                return Ok(Incoming::new(&self.net, stream::empty(), 0, idle, call));
            }
            self.reader(paths, &paths.of(key), range, call).await
        })?;
        Ok(Box::new(reader))
    }

    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        let mut list = |path: &[String], why| {
            self.run(call, async |paths| {
                listing::folder(paths, path, why, &self.owner).await
            })
        };
        folders::archives(prefix, call, &mut list, each)
    }

    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>> {
        self.run(call, async |paths| {
            let found = paths.archive(key).await?;
            found
                .map(|found| {
                    Ok(Listed {
                        key: key.clone(),
                        size: size(key.as_str(), &found)?,
                        modified: modified(&found),
                    })
                })
                .transpose()
        })
    }

    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        self.run(call, async |paths| {
            let folders: Vec<String> = key.folders().map(str::to_owned).collect();
            if paths.has_folders(&folders).await? {
                paths.remove(&paths.of(key)).await?;
            }
            self.tidy(paths, key).await;
            Ok(())
        })
    }

    fn sweep(&self, age: Duration, call: &Call<'_>) -> Result<u32> {
        let mut found: Vec<(Vec<String>, Temporaries)> = Vec::new();
        let mut list = |path: &[String], why| {
            self.run(call, async |paths| {
                listing::folder(paths, path, why, &self.owner).await
            })
        };
        for root in ["", Key::CONTRACT_FOLDER] {
            folders::files(root, call, &mut list, &mut |folder, entry| {
                if !self.owner.owns(&entry.name) {
                    return Ok(());
                }
                let one = (entry.name, entry.modified);
                match found.last_mut().filter(|(last, _)| last == folder) {
                    Some((_, names)) => names.push(one),
                    None => found.push((folder.to_vec(), vec![one])),
                }
                Ok(())
            })?;
        }
        let mut swept = 0;
        for (folder, names) in found {
            swept += self.sweep_folder(&folder, &names, age, call)?;
        }
        Ok(swept)
    }

    fn free_space(&self, call: &Call<'_>) -> Result<Option<u64>> {
        self.run(call, async |paths| {
            let free = paths.free_space().await?;
            if free.is_none() {
                paths.require_base().await?;
            }
            Ok(free)
        })
    }
}
