//! How an archived tree and the live one differ, one entry at a time: what would appear, change and go. It changes nothing.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::{FileType, OFlags};

use super::change::{Meta, RawPath, Spot, State};
use super::error::RestoreError;
use super::owners::Owners;
use super::place::{Folders, copy, meta_of, xattrs};
use super::target::Grounds;
use crate::model::Cancel;
use crate::model::manifest::{ComponentEntry, ComponentStatus, ContentEntry, EntryType};
use crate::source::files::rules::{Rules, Verdict};
use crate::source::files::{WalkEntry, WalkError, WalkRules, walk};

type Result<T> = std::result::Result<T, RestoreError>;

/// Whether links out of a tree and set-user-id bits may come out of the archive: only from this installation or a known signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    Trusted,
    Untrusted,
}

/// Whether the archive holds all that was in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    Whole,
    /// Something could not be read when it was backed up: what the archive does not have is no reason to remove it here.
    WithHoles,
}

impl Extent {
    #[must_use]
    pub fn of(component: &ComponentEntry) -> Self {
        match component.status {
            ComponentStatus::Ok => Self::Whole,
            ComponentStatus::Damaged | ComponentStatus::Missing => Self::WithHoles,
        }
    }
}

/// An unpacked tree and the instance that it goes to.
pub struct Tree<'a> {
    pub grounds: &'a Grounds<'a>,
    pub component: &'a str,
    /// Holds `{component}/…`.
    pub unpacked: &'a Path,
    /// Holds `{component}.jsonl`, one `ContentEntry` a line.
    pub indexes: &'a Path,
    /// What is no part of the tree and stays as it is.
    pub rules: &'a WalkRules,
    pub trust: Trust,
    pub extent: Extent,
}

impl Tree<'_> {
    fn index(&self) -> PathBuf {
        self.indexes.join(format!("{}.jsonl", self.component))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Appears,
    Changes,
    Goes,
    /// A folder that stays: its time is set again after what is in it has changed.
    Stays,
}

pub struct Difference {
    pub kind: Kind,
    pub spot: Spot,
    /// Relative to the component.
    pub name: PathBuf,
    pub after: State,
}

/// First what goes, parents before children; then what is put, parents before children.
pub fn differences(
    tree: &Tree<'_>,
    owners: &Owners,
    cancel: &Cancel,
    each: &mut dyn FnMut(Difference) -> Result<()>,
) -> Result<()> {
    if tree.extent == Extent::Whole {
        going(tree, cancel, each)?;
    }
    let mut rules = Rules::new(&tree.grounds.root, &tree.rules.exclude)?;
    for path in &tree.rules.skip {
        rules.skip_with_side_files(path);
    }
    let mut comparison = Comparison {
        tree,
        owners,
        cancel,
        rules,
        tops: tops(tree),
        live: Folders::default(),
        unpacked: Folders::default(),
    };
    let index = tree.index();
    let file = File::open(&index).map_err(RestoreError::io(&index))?;
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        cancel.check()?;
        line.clear();
        let read = lines.read_until(b'\n', &mut line);
        if read.map_err(RestoreError::io(&index))? == 0 {
            return Ok(());
        }
        let entry: ContentEntry =
            serde_json::from_slice(&line).map_err(|e| RestoreError::Record {
                path: tree.index(),
                reason: e.to_string(),
            })?;
        if let Some(difference) = comparison.entry(&entry)? {
            each(difference)?;
        }
    }
}

fn tops(tree: &Tree<'_>) -> Vec<PathBuf> {
    let grounds = tree.grounds;
    let own = grounds.instance.components.iter();
    let own = own.filter(|c| c.name == tree.component);
    own.flat_map(|c| &c.sources)
        .map(|top| grounds.root.join(top).components().collect())
        .chain([grounds.root.clone()])
        .collect()
}

/// What the live tree has and the archive does not.
fn going(
    tree: &Tree<'_>,
    cancel: &Cancel,
    each: &mut dyn FnMut(Difference) -> Result<()>,
) -> Result<()> {
    let root = &tree.grounds.root;
    let components = &tree.grounds.instance.components;
    let sources = components.iter().filter(|c| c.name == tree.component);
    let sources: Vec<PathBuf> = sources
        .flat_map(|c| c.sources.iter().cloned())
        .filter(|source| root.join(source).symlink_metadata().is_ok())
        .collect();
    let mut unpacked = Folders::default();
    let mut stopped = None;
    let mut take = |entry: WalkEntry| -> Result<()> {
        cancel.check()?;
        let name = PathBuf::from(OsString::from_vec(entry.name));
        let archived = Spot {
            base: tree.unpacked.into(),
            below: RawPath(Path::new(tree.component).join(&name)),
        };
        // An archive that nobody vouches for had its outward links left out: that is no reason to remove them here.
        if unpacked.stat(&archived)?.is_some()
            || (tree.trust == Trust::Untrusted && entry.entry == EntryType::Symlink)
        {
            return Ok(());
        }
        let source = entry.path.strip_prefix(root).unwrap_or(&entry.path);
        each(Difference {
            kind: Kind::Goes,
            spot: tree.grounds.in_tree(tree.component, source)?,
            name,
            after: State::Absent,
        })
    };
    let walked = walk(root, &sources, tree.rules, &mut |entry| {
        take(entry).map_err(|cause| {
            stopped = Some(cause);
            WalkError::Stopped("the comparison failed".into())
        })
    });
    match (stopped, walked) {
        (Some(cause), _) => Err(cause),
        (None, walked) => walked.map(|_| ()).map_err(RestoreError::from),
    }
}

struct Comparison<'a> {
    tree: &'a Tree<'a>,
    owners: &'a Owners,
    cancel: &'a Cancel,
    rules: Rules,
    /// Where a walk of it begins, and the instance's own folder.
    tops: Vec<PathBuf>,
    live: Folders,
    unpacked: Folders,
}

impl Comparison<'_> {
    /// None where the live entry is the same, or is not the tree's.
    fn entry(&mut self, entry: &ContentEntry) -> Result<Option<Difference>> {
        let source = raw(&entry.source, entry.source_base64.as_deref(), self.tree)?;
        let file = raw(&entry.file, entry.file_base64.as_deref(), self.tree)?;
        if source
            .components()
            .all(|c| c == std::path::Component::CurDir)
            || self.left_alone(&source)
        {
            return Ok(None);
        }
        let spot = self.tree.grounds.in_tree(self.tree.component, &source)?;
        let archived = Spot {
            base: self.tree.unpacked.into(),
            below: RawPath(file.clone()),
        };
        if self.unpacked.stat(&archived)?.is_none() {
            // Left out by the policy for archives that nobody vouches for.
            return Ok(None);
        }
        let (kind, after) = match entry.entry {
            EntryType::Dir => self.dir(entry, &spot, &archived)?,
            EntryType::Symlink => self.symlink(entry, &spot)?,
            EntryType::File | EntryType::Hardlink => {
                self.file(entry, &spot, &archived, &source, &file)?
            }
        };
        let name = file
            .strip_prefix(self.tree.component)
            .unwrap_or(&file)
            .to_path_buf();
        Ok(kind.map(|kind| Difference {
            kind,
            spot,
            name,
            after,
        }))
    }

    /// Excluded by the instance, or another component's. As in a walk that began at the component's source: what lies above it is not asked
    /// for, even where a destination or an exclude of ours does.
    fn left_alone(&self, source: &Path) -> bool {
        let path = self.tree.grounds.root.join(source);
        let below = |step: &&Path| !self.tops.iter().any(|top| top == step);
        let mut steps = path.ancestors().take_while(below);
        steps.any(|step| !matches!(self.rules.verdict(step), Verdict::Walk))
    }

    fn dir(
        &mut self,
        entry: &ContentEntry,
        spot: &Spot,
        archived: &Spot,
    ) -> Result<(Option<Kind>, State)> {
        let attributes = xattrs(&self.unpacked.open(archived, OFlags::DIRECTORY)?);
        let meta = self.meta(entry, attributes);
        let kind = match self.live.stat(spot)? {
            None => Kind::Appears,
            Some(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
                let now = meta_of(&stat, xattrs(&self.live.open(spot, OFlags::DIRECTORY)?));
                if same(&now, &meta, Times::Ignored) {
                    Kind::Stays
                } else {
                    Kind::Changes
                }
            }
            Some(_) => Kind::Changes,
        };
        Ok((Some(kind), State::Dir { meta }))
    }

    fn symlink(&mut self, entry: &ContentEntry, spot: &Spot) -> Result<(Option<Kind>, State)> {
        let to = raw(
            entry.link.as_deref().unwrap_or_default(),
            entry.link_base64.as_deref(),
            self.tree,
        )?;
        let meta = self.meta(entry, BTreeMap::new());
        let kind = match self.live.stat(spot)? {
            None => Some(Kind::Appears),
            Some(stat)
                if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink
                    && self.live.link_target(spot)?.0 == to
                    && (stat.st_uid, stat.st_gid) == (meta.uid, meta.gid) =>
            {
                None
            }
            Some(_) => Some(Kind::Changes),
        };
        let to = RawPath(to);
        Ok((kind, State::Symlink { to, meta }))
    }

    fn file(
        &mut self,
        entry: &ContentEntry,
        spot: &Spot,
        archived: &Spot,
        source: &Path,
        name: &Path,
    ) -> Result<(Option<Kind>, State)> {
        let opened = self.unpacked.open(archived, OFlags::empty())?;
        let meta = self.meta(entry, xattrs(&opened));
        let path = archived.path();
        let (size, sha256, same_as) = if entry.entry == EntryType::Hardlink {
            let (size, sha256) = copy(&opened, &path, std::io::sink(), &path, self.cancel)?;
            let other = raw(
                entry.link.as_deref().unwrap_or_default(),
                entry.link_base64.as_deref(),
                self.tree,
            )?;
            (size, sha256, self.linked(source, name, &other)?)
        } else {
            (entry.size_bytes, entry.checksum_sha256.clone(), None)
        };
        let kind = match self.live.stat(spot)? {
            None => Some(Kind::Appears),
            Some(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => {
                Some(Kind::Changes)
            }
            Some(stat) => {
                let joined = match &same_as {
                    None => true,
                    Some(other) => self.live.stat(other)?.is_some_and(|other| {
                        (other.st_dev, other.st_ino) == (stat.st_dev, stat.st_ino)
                    }),
                };
                let equal = joined && u64::try_from(stat.st_size) == Ok(size) && {
                    let live = self.live.open(spot, OFlags::empty())?;
                    same(&meta_of(&stat, xattrs(&live)), &meta, Times::Compared)
                        && copy(&live, &spot.path(), std::io::sink(), &path, self.cancel)?.1
                            == sha256
                };
                (!equal).then_some(Kind::Changes)
            }
        };
        let after = State::File {
            copy: RawPath(path),
            size,
            sha256,
            meta,
            same_as,
        };
        Ok((kind, after))
    }

    /// Where the other name of a hard link goes. Names in the archive and sources end alike, so what differs in front of them is the
    /// same for both; where it is not, the file becomes a copy.
    fn linked(&self, source: &Path, name: &Path, other: &Path) -> Result<Option<Spot>> {
        let (mut s, mut n) = (source.components(), name.components());
        loop {
            let (s_before, n_before) = (s.as_path(), n.as_path());
            if s.next_back() != n.next_back() || s_before.as_os_str().is_empty() {
                let Ok(rest) = other.strip_prefix(n_before) else {
                    return Ok(None);
                };
                let target = s_before.join(rest);
                let grounds = self.tree.grounds;
                return grounds.in_tree(self.tree.component, &target).map(Some);
            }
        }
    }

    fn meta(&self, entry: &ContentEntry, xattrs: BTreeMap<String, String>) -> Meta {
        meta_of_entry(entry, xattrs, self.owners, self.tree.trust)
    }
}

/// Owner, mode and time as the archive has them, on this machine.
pub(super) fn meta_of_entry(
    entry: &ContentEntry,
    xattrs: BTreeMap<String, String>,
    owners: &Owners,
    trust: Trust,
) -> Meta {
    let (uid, gid) = owners.here(entry);
    let (mut seconds, mut nanos) = (entry.mtime.as_second(), entry.mtime.subsec_nanosecond());
    if nanos < 0 {
        seconds -= 1;
        nanos += 1_000_000_000;
    }
    // A set-group-id folder only hands on its group.
    let allowed = match (trust, entry.entry) {
        (Trust::Trusted, _) => 0o7777,
        (Trust::Untrusted, EntryType::Dir) => 0o3777,
        (Trust::Untrusted, _) => 0o1777,
    };
    Meta {
        mode: entry.mode & allowed,
        uid,
        gid,
        mtime: (seconds, u32::try_from(nanos).unwrap_or(0)),
        xattrs,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Times {
    Compared,
    Ignored,
}

fn same(now: &Meta, wanted: &Meta, times: Times) -> bool {
    (now.mode, now.uid, now.gid) == (wanted.mode, wanted.uid, wanted.gid)
        && now.xattrs == wanted.xattrs
        && (times == Times::Ignored || now.mtime == wanted.mtime)
}

fn raw(text: &str, base64: Option<&str>, tree: &Tree<'_>) -> Result<PathBuf> {
    let Some(base64) = base64 else {
        return Ok(text.into());
    };
    let bytes = STANDARD.decode(base64).map_err(|e| RestoreError::Record {
        path: tree.index(),
        reason: e.to_string(),
    })?;
    if bytes.contains(&0) {
        return Err(RestoreError::Record {
            path: tree.index(),
            reason: "a name has a zero byte".to_owned(),
        });
    }
    Ok(Path::new(std::ffi::OsStr::from_bytes(&bytes)).to_path_buf())
}
