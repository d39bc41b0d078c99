//! An archive on its way there: under a temporary name, read back while it is written, published where the name is free.

use std::sync::Arc;

use futures_util::future::try_join;
use russh_sftp::protocol::OpenFlags;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::super::body::Sending;
use super::super::{Body, Call, DestinationError, ErrorKind, Key};
use super::connection::{Connection, Opened};
use super::paths::{FILE_MODE, Paths, What, what, with_mode};
use super::pipeline::{self, Reads};
use crate::model::{Phase, Progress};

type Result<T> = std::result::Result<T, DestinationError>;

/// Somebody else may tidy away a folder between two steps (only the contract's go): then once more.
const MAKE_ATTEMPTS: u32 = 5;

/// How a name was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Published {
    /// The server refuses a name that is taken, without a race.
    Atomically,
    /// The name was looked at before.
    AfterALook,
}

/// The temporary file, open for writing.
pub(super) struct Temporary {
    path: String,
    file: Opened,
    /// Bytes that an earlier try has left there.
    pub has: u64,
}

/// New, or as it was left.
pub(super) async fn open(
    paths: &Paths<'_>,
    key: &Key,
    name: &str,
    length: u64,
) -> Result<Temporary> {
    let path = paths.beside(key, name);
    if let Some(found) = paths.look(&path).await? {
        let size = found.size.unwrap_or(0);
        // The last block may have arrived in part only.
        let has = size.saturating_sub(paths.connection.write_size);
        if what(&found) == What::File && size <= length && has > 0 {
            let file = open_file(paths, &path, OpenFlags::WRITE).await?;
            return Ok(Temporary { path, file, has });
        }
        paths.remove(&path).await?;
    }
    let new = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
    let mut attempt = 1;
    let file = loop {
        paths.make_folders(key).await?;
        match open_file(paths, &path, new).await {
            Err(e) if e.kind == ErrorKind::Missing && attempt < MAKE_ATTEMPTS => attempt += 1,
            opened => break opened?,
        }
    };
    Ok(Temporary { path, file, has: 0 })
}

async fn open_file(paths: &Paths<'_>, path: &str, how: OpenFlags) -> Result<Opened> {
    let connection = paths.connection;
    let asked = connection.sftp.open(path, how, with_mode(FILE_MODE));
    match connection.ask(&format!("opening `{path}`"), asked).await {
        Ok(opened) => Ok(Opened::new(connection, opened.handle)),
        Err(e) => Err(paths.why(e, 1).await),
    }
}

/// Writes it, and reads it back meanwhile: a line carries as much in the other direction. Where the server shows
/// nothing of a file that is being written, it is read afterwards.
pub(super) async fn fill(
    paths: &Paths<'_>,
    temporary: Temporary,
    body: &Body,
    name: &str,
    call: &Call<'_>,
) -> Result<()> {
    let connection = paths.connection;
    let Temporary { path, file, .. } = temporary;
    let mut sending = Sending::open(body, name, call)?;
    let (arrived, seen) = watch::channel(0);
    let early = open_file(paths, &path, OpenFlags::READ).await.ok();
    let write = write(paths, file, &mut sending, &arrived);
    let back = ReadBack {
        connection,
        body,
        name,
        call,
    };
    if let Some(early) = early {
        try_join(write, back.whole(early, seen)).await.map(drop)
    } else {
        write.await?;
        let late = open_file(paths, &path, OpenFlags::READ).await?;
        back.whole(late, seen).await
    }
}

/// Writes what is missing, and no more: an earlier try has left the rest.
pub(super) async fn fill_rest(
    paths: &Paths<'_>,
    temporary: Temporary,
    body: &Body,
    name: &str,
    call: &Call<'_>,
) -> Result<()> {
    let mut sending = Sending::open(body, name, call)?;
    sending.skip(temporary.has)?;
    let (arrived, _seen) = watch::channel(temporary.has);
    write(paths, temporary.file, &mut sending, &arrived).await
}

async fn write(
    paths: &Paths<'_>,
    file: Opened,
    sending: &mut Sending<'_>,
    arrived: &watch::Sender<u64>,
) -> Result<()> {
    let connection = paths.connection;
    match send(connection, file, sending, arrived).await {
        Err(e) => Err(paths.why(e, connection.write_size).await),
        Ok(()) => Ok(()),
    }
}

async fn send(
    connection: &Connection,
    file: Opened,
    sending: &mut Sending<'_>,
    arrived: &watch::Sender<u64>,
) -> Result<()> {
    // Servers that make their own modes of new files; those that have none need not know it.
    let private = with_mode(FILE_MODE);
    let asked = connection.sftp.fsetstat(file.handle(), private);
    match connection.ask("making the archive private", asked).await {
        Err(e) if e.kind.may_pass() => return Err(e),
        _ => {}
    }
    pipeline::write(connection, &file, sending, arrived).await?;
    if connection.offers.fsync {
        let asked = connection.sftp.fsync(file.handle());
        connection.ask("syncing the archive", asked).await?;
    }
    file.close("closing the archive").await
}

struct ReadBack<'a> {
    connection: &'a Arc<Connection>,
    body: &'a Body,
    name: &'a str,
    call: &'a Call<'a>,
}

impl ReadBack<'_> {
    /// `Protocol` where what is there is not what was sent.
    async fn whole(&self, file: Opened, mut arrived: watch::Receiver<u64>) -> Result<()> {
        let file = Arc::new(file);
        let mut reads = Reads::new(self.connection, Arc::clone(&file), 0).beside_writes();
        let mut digest = Sha256::new();
        let mut progress = Progress {
            phase: Phase::Verifying,
            done_bytes: 0,
            total_bytes: self.body.length,
            what: self.name.to_owned(),
        };
        while progress.done_bytes < self.body.length {
            let there = *arrived.borrow_and_update();
            reads.extend_to(there);
            let Some(block) = reads.next().await? else {
                if arrived.changed().await.is_err() {
                    let detail = "the upload ended before all of it was written";
                    return Err(DestinationError::new(ErrorKind::Truncated, detail));
                }
                continue;
            };
            self.call.check()?;
            digest.update(&block);
            progress.done_bytes += block.len() as u64;
            // Until then it is told how much was sent.
            if there == self.body.length {
                self.call.observer.progress(&progress);
            }
        }
        let asked = self.connection.sftp.fstat(file.handle());
        let found = self.connection.ask("looking at what was written", asked);
        let size = found.await?.attrs.size;
        let digest = hex::encode(digest.finalize());
        if size.is_some_and(|size| size != self.body.length) || digest != self.body.sha256 {
            let detail = format!(
                "what was read back is not what was written: {} bytes, SHA-256 {digest} for {}",
                size.unwrap_or(progress.done_bytes),
                self.body.sha256
            );
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        }
        Ok(())
    }
}

/// Gives the archive its name where the name is free. A link is refused where the name is taken, by the server's file system and without a
/// race; a rename is not, on some servers.
pub(super) async fn publish(paths: &Paths<'_>, temporary: &str, path: &str) -> Result<Published> {
    let connection = paths.connection;
    if connection.offers.hardlink {
        let what = format!("linking `{path}`");
        let linked = connection.sftp.hardlink(temporary, path);
        match connection.ask(&what, linked).await {
            Ok(_) => {
                // It is there, whatever becomes of its other name: that is the sweep's then.
                let _ = paths.remove(temporary).await;
                return Ok(Published::Atomically);
            }
            Err(e) if e.kind.may_pass() => return Err(e),
            // Taken, or a file system without links: the look tells.
            Err(_) => {}
        }
    }
    require_free(paths, path).await?;
    let what = format!("renaming to `{path}`");
    let renamed = connection.sftp.rename(temporary, path);
    match connection.ask(&what, renamed).await {
        Ok(_) => Ok(Published::AfterALook),
        Err(e) if e.kind == ErrorKind::Protocol => {
            require_free(paths, path).await?;
            Err(paths.why(e, 0).await)
        }
        Err(e) => Err(e),
    }
}

pub(super) async fn require_free(paths: &Paths<'_>, path: &str) -> Result<()> {
    if paths.look(path).await?.is_none() {
        Ok(())
    } else {
        Err(DestinationError::taken(path))
    }
}
