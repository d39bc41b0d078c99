//! A database that is to be taken back and is gone: somebody deleted what a restore had half done. It is made again from its pre-image,
//! so that the way back does not end there.

use std::fs::{DirEntry, File, OpenOptions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::change::Meta;
use super::database::LiveDatabase;
use super::error::RestoreError;
use super::place::{copy, set_meta};
use super::record::private_dir;
use crate::model::Cancel;
use crate::source::files::rules::{SIDE_FILES, with_suffix};

type Result<T> = std::result::Result<T, RestoreError>;

/// Below the restore's folder.
pub(super) const ASIDE: &str = "aside";

/// `folder`: of the restore. Side files of what is gone are moved there: a new database beside an old log would be a damaged one.
pub(super) fn make_again(databases: &[LiveDatabase], folder: &Path) -> Result<()> {
    for (n, database) in databases.iter().enumerate() {
        let target = &database.target.0;
        match target.symlink_metadata() {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                require_company(target)?;
                for end in SIDE_FILES {
                    move_aside(&with_suffix(target, end), &folder.join(ASIDE), n)?;
                }
                put(database, target)?;
            }
            Err(cause) => return Err(RestoreError::io(target)(cause)),
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Something else in its folder: an empty one may be a mount point whose disk is not there.
fn require_company(target: &Path) -> Result<()> {
    let folder = target.parent().unwrap_or(target);
    let sides = SIDE_FILES.map(|end| with_suffix(target, end));
    let is_something =
        |entry: std::io::Result<DirEntry>| entry.is_ok_and(|e| !sides.contains(&e.path()));
    if std::fs::read_dir(folder).is_ok_and(|mut all| all.any(is_something)) {
        return Ok(());
    }
    Err(RestoreError::Target {
        source_path: target.display().to_string(),
        reason: "it is gone and nothing else is in its folder: mount its disk, or make the folder and put any file there",
    })
}

fn move_aside(side: &Path, to: &Path, n: usize) -> Result<()> {
    if side.symlink_metadata().is_err() {
        return Ok(());
    }
    if !to.is_dir() {
        private_dir(to)?;
    }
    let name = side.file_name().unwrap_or_default().to_string_lossy();
    let kept = to.join(format!("{n}-{name}"));
    if std::fs::rename(side, &kept).is_err() {
        // On another file system.
        std::fs::copy(side, &kept).map_err(RestoreError::io(&kept))?;
        std::fs::remove_file(side).map_err(RestoreError::io(side))?;
    }
    Ok(())
}

fn put(database: &LiveDatabase, target: &Path) -> Result<()> {
    let parent = target.parent().unwrap_or(target);
    let temporary: PathBuf = with_suffix(target, ".holdfast-again");
    // Of a try that died.
    let _ = std::fs::remove_file(&temporary);
    let written = write(database, parent, &temporary).and_then(|()| {
        match renameat_with(CWD, &temporary, CWD, target, RenameFlags::NOREPLACE) {
            // Somebody made it meanwhile: then that is what is filled.
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                std::fs::hard_link(&temporary, target).map_err(RestoreError::io(target))
            }
            Err(cause) => Err(RestoreError::errno(target)(cause)),
        }
    });
    let _ = std::fs::remove_file(&temporary);
    written?;
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(RestoreError::io(parent))
}

fn write(database: &LiveDatabase, parent: &Path, temporary: &Path) -> Result<()> {
    let before = &database.before.0;
    let from = File::open(before).map_err(RestoreError::io(before))?;
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)
        .map_err(RestoreError::io(temporary))?;
    copy(from, before, &mut out, temporary, &Cancel::new())?;
    let meta = match &database.meta {
        Some(meta) => meta.clone(),
        None => like_its_folder(parent)?,
    };
    set_meta(&out, &meta, temporary)?;
    out.sync_all().map_err(RestoreError::io(temporary))
}

/// A journal of an earlier version does not say whose it was.
fn like_its_folder(parent: &Path) -> Result<Meta> {
    let found = std::fs::metadata(parent).map_err(RestoreError::io(parent))?;
    Ok(Meta {
        mode: found.mode() & 0o660,
        uid: found.uid(),
        gid: found.gid(),
        mtime: (found.mtime(), 0),
        xattrs: std::collections::BTreeMap::new(),
    })
}
