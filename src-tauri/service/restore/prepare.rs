//! From what shall be to a journal that can be carried out: everything is resolved, compared, and what is there now is kept. Nothing is
//! changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rustix::fs::FileType;

use super::change::{Change, Meta, RawPath, Spot, State};
use super::error::RestoreError;
use super::journal::{Folder, Part};
use super::list::{Order, each};
use super::owners::Owners;
use super::place::{meta_of, xattrs};
use super::record::Recorder;
use super::replay::sync_file_system;
use super::tree::{Kind, Tree, differences};
use crate::model::{Cancel, ComponentKind, Observer};
use crate::source::guard;

type Result<T> = std::result::Result<T, RestoreError>;

/// What a component shall become.
pub struct Desired<'a> {
    pub component: String,
    pub kind: ComponentKind,
    pub wanted: Vec<Wanted<'a>>,
}

pub enum Wanted<'a> {
    /// From a checked copy in journal mode DELETE.
    Database {
        spot: Spot,
        copy: PathBuf,
        /// `wal` or `delete`; of a database that is not there yet.
        journal_mode: String,
        meta: Meta,
    },
    /// A database's file that `SQLite` could not read when it was backed up.
    Plain {
        spot: Spot,
        copy: PathBuf,
        meta: Meta,
    },
    /// One file. Where it is there it keeps its owner, mode and attributes.
    File {
        spot: Spot,
        copy: PathBuf,
        meta: Meta,
    },
    Tree(Tree<'a>),
}

/// Takes the pre-images of everything that would change.
pub fn prepare(
    desired: &[Desired<'_>],
    folder: &Folder,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Vec<Part>> {
    one_thing_a_place(desired)?;
    let owners = Owners::default();
    let mut parts = Vec::with_capacity(desired.len());
    for one in desired {
        let mut recorder =
            Recorder::begin(&folder.path, &one.component, one.kind, cancel, observer)?;
        for wanted in &one.wanted {
            match wanted {
                Wanted::Database {
                    spot,
                    copy,
                    journal_mode,
                    meta,
                } => recorder.database(spot, copy, journal_mode, meta)?,
                Wanted::Plain { spot, copy, meta } => {
                    let after = recorder.file_state(copy, meta.clone())?;
                    recorder.replace_database(spot, after, None)?;
                }
                Wanted::File { spot, copy, meta } => file(&mut recorder, spot, copy, meta)?,
                Wanted::Tree(wanted) => tree(&mut recorder, wanted, &owners, cancel)?,
            }
        }
        parts.push(recorder.finish()?);
    }
    sync_file_system(&folder.path)?;
    Ok(parts)
}

/// The way back of a restore that was done, as a restore of its own with pre-images of its own.
pub fn prepare_undo(
    done: &[Part],
    folder: &Folder,
    cancel: &Cancel,
    observer: &dyn Observer,
) -> Result<Vec<Part>> {
    let mut parts = Vec::with_capacity(done.len());
    for part in done {
        let mut recorder =
            Recorder::begin(&folder.path, &part.component, part.kind, cancel, observer)?;
        for database in &part.databases {
            let path = &database.target.0;
            let spot = super::target::at(path);
            let kept = std::fs::metadata(&database.before.0)
                .map_err(RestoreError::io(&database.before.0))?;
            recorder.database(
                &spot,
                &database.before.0,
                &database.journal_mode,
                &meta_beside(path, &kept)?,
            )?;
        }
        let databases: BTreeSet<&Spot> = part.as_files.iter().map(|d| &d.target).collect();
        let sides = |spot: &Spot| {
            part.as_files.iter().any(|d| {
                let path = d.target.path();
                let mut ends = crate::source::files::rules::SIDE_FILES.iter();
                ends.any(|end| crate::source::files::rules::with_suffix(&path, end) == spot.path())
            })
        };
        // The mirror image of how it was brought about: what was put goes first, then what went is put.
        each(&part.changes.puts.0, Order::FirstFirst, &mut |change| {
            if databases.contains(&change.spot) {
                return Ok(());
            }
            let Change { spot, before, .. } = change;
            recorder.removal(&spot, before)
        })?;
        for database in &part.as_files {
            let mut before = State::Absent;
            for list in [&part.changes.puts, &part.changes.removals] {
                each(&list.0, Order::FirstFirst, &mut |change| {
                    if change.spot == database.target {
                        before = change.before;
                    }
                    Ok(())
                })?;
            }
            let mode = database.mode_before.as_deref();
            recorder.replace_database(&database.target, before, mode)?;
        }
        each(&part.changes.removals.0, Order::FirstFirst, &mut |change| {
            let absent_side = sides(&change.spot) && change.before == State::Absent;
            if absent_side || databases.contains(&change.spot) {
                // `replace_database` has dealt with it.
                return Ok(());
            }
            let Change { spot, before, .. } = change;
            recorder.put(&spot, before)
        })?;
        parts.push(recorder.finish()?);
    }
    sync_file_system(&folder.path)?;
    Ok(parts)
}

/// For a database that is gone since: owned like the folder it was in.
fn meta_beside(path: &std::path::Path, kept: &std::fs::Metadata) -> Result<Meta> {
    use std::os::unix::fs::MetadataExt;
    let folder = path.parent().unwrap_or(path);
    let owner = std::fs::metadata(folder).map_err(RestoreError::io(folder))?;
    Ok(Meta {
        mode: owner.mode() & 0o666,
        uid: owner.uid(),
        gid: owner.gid(),
        mtime: (kept.mtime(), 0),
        xattrs: std::collections::BTreeMap::new(),
    })
}

fn file(
    recorder: &mut Recorder<'_>,
    spot: &Spot,
    copy: &std::path::Path,
    meta: &Meta,
) -> Result<()> {
    let there = recorder.folders.stat(spot)?;
    let mut meta = meta.clone();
    match there {
        None => recorder.parents(spot)?,
        Some(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
            let live = recorder.folders.open(spot, rustix::fs::OFlags::empty())?;
            meta = Meta {
                mtime: meta.mtime,
                ..meta_of(&stat, xattrs(&live))
            };
            let after = recorder.file_state(copy, meta.clone())?;
            let now =
                super::place::copy(&live, &spot.path(), std::io::sink(), copy, &Cancel::new())?;
            if let State::File { size, sha256, .. } = &after
                && (*size, sha256) == (now.0, &now.1)
            {
                return Ok(());
            }
            return recorder.put(spot, after);
        }
        Some(_) => {
            return Err(RestoreError::Target {
                source_path: spot.path().display().to_string(),
                reason: "it is no regular file",
            });
        }
    }
    let after = recorder.file_state(copy, meta)?;
    recorder.put(spot, after)
}

fn tree(
    recorder: &mut Recorder<'_>,
    wanted: &Tree<'_>,
    owners: &Owners,
    cancel: &Cancel,
) -> Result<()> {
    // The folders above the instance's own sources; those below are in the index.
    let grounds = wanted.grounds;
    for component in &grounds.instance.components {
        if component.name == wanted.component {
            for source in &component.sources {
                if source
                    .components()
                    .any(|c| c != std::path::Component::CurDir)
                {
                    recorder.parents(&grounds.in_tree(wanted.component, source)?)?;
                }
            }
        }
    }
    // Folders that stay are written down too, in their order, for their times; where nothing else differs they do not count.
    let mut differs = false;
    differences(wanted, owners, cancel, &mut |difference| {
        differs |= difference.kind != Kind::Stays;
        match difference.kind {
            Kind::Goes => recorder.removal(&difference.spot, difference.after),
            _ => recorder.put(&difference.spot, difference.after),
        }
    })?;
    if !differs {
        recorder.forget()?;
    }
    Ok(())
}

/// Two components, or two files of one, may not claim one place, nor two names of one database.
fn one_thing_a_place(desired: &[Desired<'_>]) -> Result<()> {
    let mut places = BTreeSet::new();
    let mut files: BTreeMap<guard::FileKey, PathBuf> = BTreeMap::new();
    for wanted in desired.iter().flat_map(|d| &d.wanted) {
        let (Wanted::Database { spot, .. }
        | Wanted::Plain { spot, .. }
        | Wanted::File { spot, .. }) = wanted
        else {
            continue;
        };
        if !places.insert(RawPath(spot.path())) {
            return Err(RestoreError::Target {
                source_path: spot.path().display().to_string(),
                reason: "the archive has two things for it",
            });
        }
        if let Wanted::Database { spot, .. } = wanted
            && let Ok(found) = spot.path().symlink_metadata()
            && let Some(other) = files.insert(guard::FileKey::of(&found), spot.path())
        {
            return Err(RestoreError::SameFile {
                one: other,
                other: spot.path(),
            });
        }
    }
    Ok(())
}
