//! The names in a folder there. What cannot be ours is dropped as it comes, so that a folder with a million other names costs no memory.

use futures_util::stream::{FuturesOrdered, StreamExt};
use russh_sftp::protocol::File;

use super::super::folders::{Entry, EntryKind, Why};
use super::super::key::{self, Level};
use super::super::temporary::Owner;
use super::super::{DestinationError, ErrorKind};
use super::connection::Opened;
use super::paths::{Paths, What, below, modified, what};

type Result<T> = std::result::Result<T, DestinationError>;

/// Requests for the next names that are under way at once.
const AHEAD: usize = 4;
/// A folder that has more does not end.
const MOST_NAMES: usize = 2_000_000;

/// None where there is no such folder.
pub(super) async fn folder(
    paths: &Paths<'_>,
    folders: &[String],
    why: Why,
    owner: &Owner,
) -> Result<Option<Vec<Entry>>> {
    if !paths.are_folders(folders).await? {
        if why != Why::Guessed {
            paths.require_base().await?;
        }
        return Ok(None);
    }
    let path = below(paths.base, &folders.join("/"));
    let Some(opened) = open(paths, &path).await? else {
        return Ok(None);
    };
    let level = Level::of(folders);
    let may_be_ours = |name: &str| match level {
        Level::Archives => key::is_archive_in(folders, name) || owner.owns(name),
        _ => true,
    };
    let connection = paths.connection;
    let reading = format!("listing `{path}`");
    let mut under_way = FuturesOrdered::new();
    let mut entries = Vec::new();
    let mut seen = 0_usize;
    let mut ended = false;
    loop {
        while !ended && under_way.len() < AHEAD {
            let request = connection.sftp.readdir(opened.handle());
            let request = connection.ask(&reading, request);
            under_way.push_back(request);
        }
        let names = match under_way.next().await {
            None => break,
            // What an empty folder and the end of every other is called. The answers to what was asked besides are still to come, and a
            // server that works on several at once may have put names into them.
            Some(Err(e)) if e.kind == ErrorKind::Truncated || ended && !e.kind.may_pass() => {
                ended = true;
                continue;
            }
            Some(names) => names?.files,
        };
        seen += names.len();
        if names.is_empty() || seen > MOST_NAMES {
            let detail = format!("{reading}: the list does not end after {seen} names");
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        }
        for name in names {
            if may_be_ours(&name.filename)
                && let Some(entry) = entry(paths, &path, name).await?
                && (level == Level::Archives || entry.kind == EntryKind::Folder)
            {
                entries.push(entry);
            }
        }
    }
    Ok(Some(entries))
}

async fn open(paths: &Paths<'_>, path: &str) -> Result<Option<Opened>> {
    let asked = paths.connection.sftp.opendir(path);
    match paths
        .connection
        .ask(&format!("opening the folder `{path}`"), asked)
        .await
    {
        Ok(opened) => Ok(Some(Opened::new(paths.connection, opened.handle))),
        Err(e) if e.kind == ErrorKind::Missing => {
            paths.require_base().await?;
            Ok(None)
        }
        Err(e) => Err(e),
    }
}

/// None for one that went meanwhile.
async fn entry(paths: &Paths<'_>, folder: &str, file: File) -> Result<Option<Entry>> {
    let name = file.filename;
    let mut found = file.attrs;
    let is_bare = what(&found) == What::Unsaid || found.size.is_none();
    if is_bare && !name.contains('/') && name != "." && name != ".." {
        // Servers that list names alone.
        match paths.look(&below(folder, &name)).await? {
            Some(told) => found = told,
            None => return Ok(None),
        }
    }
    Ok(Some(Entry {
        kind: match what(&found) {
            What::Folder => EntryKind::Folder,
            What::File => EntryKind::File,
            What::Other | What::Unsaid => EntryKind::Other,
        },
        size: found.size.unwrap_or(0),
        modified: modified(&found),
        name,
    }))
}
