//! Where archives lie there: every folder on the way is looked at before it is used, and none that is a link is entered. (Between the look
//! and the use a server's own users can still change it: SFTP knows no open folder to hold on to.)

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use russh_sftp::protocol::FileAttributes;

use super::super::{DestinationError, ErrorKind, Key};
use super::connection::Connection;

type Result<T> = std::result::Result<T, DestinationError>;

const KIND: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const FOLDER_MODE: u32 = 0o700;
pub(super) const FILE_MODE: u32 = 0o600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Folder,
    File,
    Other,
    /// The server does not say.
    Unsaid,
}

pub(super) fn what(found: &FileAttributes) -> What {
    match found.permissions.map(|mode| mode & KIND) {
        None | Some(0) => What::Unsaid,
        Some(FOLDER) => What::Folder,
        Some(FILE) => What::File,
        Some(_) => What::Other,
    }
}

/// An archive of unknown length cannot be read whole, and is not taken for an empty one.
pub(super) fn size(path: &str, found: &FileAttributes) -> Result<u64> {
    found.size.ok_or_else(|| {
        let detail = format!("the server does not say how long `{path}` is");
        DestinationError::new(ErrorKind::Protocol, detail)
    })
}

pub(super) fn modified(found: &FileAttributes) -> Option<Timestamp> {
    found
        .mtime
        .and_then(|at| Timestamp::from_second(at.into()).ok())
}

pub(super) fn with_mode(mode: u32) -> FileAttributes {
    FileAttributes {
        permissions: Some(mode),
        ..FileAttributes::empty()
    }
}

/// The path of what lies below the base.
pub(super) fn below(base: &str, path: &str) -> String {
    match (base, path) {
        (base, "") => base.to_owned(),
        ("/", path) => format!("/{path}"),
        (base, path) => format!("{base}/{path}"),
    }
}

/// Paths below a base that is known to the connection.
pub(super) struct Paths<'c> {
    pub connection: &'c Arc<Connection>,
    pub base: &'c str,
}

impl Paths<'_> {
    pub fn of(&self, key: &Key) -> String {
        below(self.base, key.as_str())
    }

    pub fn beside(&self, key: &Key, name: &str) -> String {
        let folders: Vec<&str> = key.folders().chain([name]).collect();
        below(self.base, &folders.join("/"))
    }

    /// Of the link itself, where it is one. None where nothing is there.
    pub async fn look(&self, path: &str) -> Result<Option<FileAttributes>> {
        let asked = self.connection.sftp.lstat(path);
        let found = self
            .connection
            .ask(&format!("looking at `{path}`"), asked)
            .await;
        match found {
            Ok(found) => Ok(Some(found.attrs)),
            Err(e) if e.kind == ErrorKind::Missing => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// `Missing` where the base is not there: then nothing that is not found below it is known to be gone.
    pub async fn require_base(&self) -> Result<()> {
        let what_is_asked = format!("looking at the folder `{}`", self.base);
        let found = self.connection.sftp.stat(self.base);
        let found = self
            .connection
            .ask(&what_is_asked, found)
            .await
            .map_err(|e| match e.kind {
                ErrorKind::Missing => DestinationError::new(
                    ErrorKind::Missing,
                    format!("the folder `{}` is not there on the server", self.base),
                ),
                _ => e,
            })?;
        match what(&found.attrs) {
            What::Folder | What::Unsaid => Ok(()),
            What::File | What::Other => Err(no_folder(self.base)),
        }
    }

    /// Whether all these folders, one in the other, are there. Only where the base is can any be missing.
    pub async fn has_folders(&self, folders: &[String]) -> Result<bool> {
        let are_there = self.are_folders(folders).await?;
        if !are_there {
            self.require_base().await?;
        }
        Ok(are_there)
    }

    /// The same, and nobody has asked for the base.
    pub async fn are_folders(&self, folders: &[String]) -> Result<bool> {
        let paths = (1..=folders.len()).map(|depth| below(self.base, &folders[..depth].join("/")));
        let paths: Vec<String> = paths.collect();
        // All at once: one way there and back.
        let found = join_all(paths.iter().map(|path| self.look(path))).await;
        for (path, found) in paths.iter().zip(found) {
            match found?.as_ref().map(what) {
                Some(What::Folder | What::Unsaid) => {}
                Some(What::File | What::Other) => return Err(no_folder(path)),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The file of an archive. None where it is not there.
    pub async fn archive(&self, key: &Key) -> Result<Option<FileAttributes>> {
        let folders: Vec<String> = key.folders().map(str::to_owned).collect();
        let path = self.of(key);
        let (has_folders, found) =
            futures_util::future::join(self.has_folders(&folders), self.look(&path)).await;
        let found = match (has_folders?, found?) {
            (true, Some(found)) => found,
            (true, None) => {
                self.require_base().await?;
                return Ok(None);
            }
            (false, _) => return Ok(None),
        };
        match what(&found) {
            What::File | What::Unsaid => Ok(Some(found)),
            What::Folder | What::Other => {
                let detail = format!("`{path}` is no regular file");
                Err(DestinationError::new(ErrorKind::Forbidden, detail))
            }
        }
    }

    /// Makes those of an archive's folders that are not there.
    pub async fn make_folders(&self, key: &Key) -> Result<()> {
        let folders: Vec<String> = key.folders().map(str::to_owned).collect();
        if self.has_folders(&folders).await? {
            return Ok(());
        }
        for depth in 1..=folders.len() {
            let path = below(self.base, &folders[..depth].join("/"));
            if self.is_folder(&path).await? {
                continue;
            }
            let asked = self.connection.sftp.mkdir(&path, with_mode(FOLDER_MODE));
            let what = format!("making the folder `{path}`");
            if let Err(e) = self.connection.ask(&what, asked).await {
                // Somebody else may have been quicker; all that the server then says is that it failed.
                if e.kind != ErrorKind::Protocol || !self.is_folder(&path).await? {
                    return Err(self.why(e, 0).await);
                }
            }
        }
        Ok(())
    }

    async fn is_folder(&self, path: &str) -> Result<bool> {
        match self.look(path).await?.as_ref().map(what) {
            Some(What::Folder | What::Unsaid) => Ok(true),
            Some(What::File | What::Other) => Err(no_folder(path)),
            None => Ok(false),
        }
    }

    /// Missing is success.
    pub async fn remove(&self, path: &str) -> Result<()> {
        let asked = self.connection.sftp.remove(path);
        match self
            .connection
            .ask(&format!("removing `{path}`"), asked)
            .await
        {
            Err(e) if e.kind == ErrorKind::Missing => self.require_base().await,
            Err(e) => Err(self.why(e, 0).await),
            Ok(_) => Ok(()),
        }
    }

    /// Bytes that this login may still write there. None where the server does not tell.
    pub async fn free_space(&self) -> Result<Option<u64>> {
        Ok(self.disk().await?.map(|disk| disk.free))
    }

    async fn disk(&self) -> Result<Option<Disk>> {
        if !self.connection.offers.statvfs {
            return Ok(None);
        }
        let asked = self.connection.sftp.statvfs(self.base);
        let what = format!("asking for the free space of `{}`", self.base);
        let told = self.connection.ask(&what, asked).await?;
        Ok(Some(Disk {
            free: told.blocks_avail.saturating_mul(told.fragment_size),
            files: told.inodes_avail,
            has_files: told.inodes > 0,
            is_read_only: told.flags & READ_ONLY != 0,
        }))
    }

    /// A server says only that a write failed: whether the disk is full or read-only can be asked. `needed`: bytes that were to be written.
    pub async fn why(&self, error: DestinationError, needed: u64) -> DestinationError {
        if error.kind != ErrorKind::Protocol {
            return error;
        }
        let Ok(Some(disk)) = self.disk().await else {
            return error;
        };
        let (kind, fact) = if disk.is_read_only {
            (ErrorKind::Forbidden, "its disk is read-only".to_owned())
        } else if disk.free < needed.max(1) {
            (
                ErrorKind::Space,
                format!("{} bytes are free there", disk.free),
            )
        } else if disk.has_files && disk.files == 0 {
            (ErrorKind::Space, "its disk takes no more files".to_owned())
        } else {
            return error;
        };
        DestinationError::new(kind, format!("{}; {fact}", error.detail))
    }
}

const READ_ONLY: u64 = 1;

struct Disk {
    free: u64,
    files: u64,
    has_files: bool,
    is_read_only: bool,
}

/// As the file system of this machine does, where a link or a file stands in the way.
fn no_folder(path: &str) -> DestinationError {
    let detail = format!("`{path}` is no folder; links are not followed");
    let cause = std::io::Error::from(std::io::ErrorKind::NotADirectory);
    DestinationError::because(ErrorKind::Forbidden, detail, cause)
}
