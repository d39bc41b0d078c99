//! Goes through the folders in which archives lie, one name at a time. What else is in a base path is not looked at, however large.

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use super::folder::Folder;
use crate::destination::key::{Level, OLD_TYPES};
use crate::destination::{Call, DestinationError, ErrorKind, Key};

type Result<T> = std::result::Result<T, DestinationError>;

/// A receiver of files: their folder, its path below the base, their name.
type Each<'e> = dyn FnMut(&Folder, &[String], &str) -> Result<()> + 'e;

/// Calls `each` with every regular file of every folder of archives at or below `folder`, which lies at `path` below the base.
pub(super) fn files(
    folder: &Folder,
    path: &mut Vec<String>,
    call: &Call<'_>,
    each: &mut Each<'_>,
) -> Result<()> {
    let level = Level::of(path);
    if level == Level::Foreign {
        return Ok(());
    }
    if level == Level::Types && Level::may_be_anybodys(path) {
        for kind in OLD_TYPES {
            enter(folder, kind, path, call, each)?;
        }
        return Ok(());
    }
    for entry in folder.entries()? {
        call.check()?;
        let entry = entry.map_err(|e| folder.unlistable(e))?;
        // A name that is not UTF-8 is no name of ours.
        let Ok(name) = entry.file_name().to_str() else {
            continue;
        };
        if name == "." || name == ".." {
            continue;
        }
        let wanted = match level {
            Level::Archives => FileType::RegularFile,
            _ => FileType::Directory,
        };
        if kind(folder, name, entry.file_type())? != Some(wanted) {
            continue;
        }
        if level == Level::Archives {
            each(folder, path, name)?;
            continue;
        }
        // The contract's folder is shown to who asks for it.
        if name != Key::CONTRACT_FOLDER {
            enter(folder, name, path, call, each)?;
        }
    }
    Ok(())
}

/// The files below a folder of this name, where it is there and may hold some.
fn enter(
    folder: &Folder,
    name: &str,
    path: &mut Vec<String>,
    call: &Call<'_>,
    each: &mut Each<'_>,
) -> Result<()> {
    path.push(name.to_owned());
    // Asked before it is opened: what is not ours may be closed to us.
    if Level::of(path) != Level::Foreign {
        let below = match folder.enter(name) {
            Err(e) if e.kind == ErrorKind::Forbidden && Level::may_be_anybodys(path) => None,
            entered => entered?,
        };
        if let Some(below) = below {
            files(&below, path, call, each)?;
        }
    }
    path.pop();
    Ok(())
}

/// None where it went meanwhile. Some file systems do not tell the type in the listing.
fn kind(folder: &Folder, name: &str, listed: FileType) -> Result<Option<FileType>> {
    if listed != FileType::Unknown {
        return Ok(Some(listed));
    }
    match rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(e) => Err(folder.failed("look at", name, e)),
    }
}
