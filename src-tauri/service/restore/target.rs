//! Where things go: by `source` of the archive, resolved against the instance as it is on this machine. Never out of it, unless the
//! instance itself names the place. It looks at live paths and opens none.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::change::{RawPath, Spot};
use super::error::RestoreError;
use crate::model::Instance;
use crate::source::files::rules::{SIDE_FILES, with_suffix};

type Result<T> = std::result::Result<T, RestoreError>;

/// An instance's places, links resolved.
#[derive(Debug)]
pub struct Grounds<'a> {
    pub instance: &'a Instance,
    /// Canonical.
    pub root: PathBuf,
    data_dir: PathBuf,
    side_files: Vec<PathBuf>,
}

impl<'a> Grounds<'a> {
    /// The root must be there; `data_dir` is Holdfast's own and no target.
    pub fn new(instance: &'a Instance, data_dir: &Path) -> Result<Self> {
        let root = instance
            .path
            .canonicalize()
            .map_err(RestoreError::io(&instance.path))?;
        let databases = instance
            .components
            .iter()
            .filter(|c| c.kind == crate::model::ComponentKind::Database);
        let side_files = databases
            .flat_map(|c| &c.sources)
            .flat_map(|source| SIDE_FILES.map(|end| with_suffix(&root.join(source), end)))
            .collect();
        Ok(Self {
            instance,
            root,
            data_dir: data_dir
                .canonicalize()
                .unwrap_or_else(|_| data_dir.to_path_buf()),
            side_files,
        })
    }

    /// Of a database or a single file. A link at its end is resolved: what it leads to is written, the link stays.
    pub fn single(&self, component: &str, source: &Path) -> Result<Spot> {
        let (source, listed) = self.admit(component, source)?;
        let path = self.root.join(&source);
        if self.side_files.contains(&path) {
            return Err(refuse(&source, "it is the side file of a database"));
        }
        let spot = split(&path).map_err(RestoreError::io(&path))?;
        let spot = spot.ok_or_else(|| refuse(&source, "it is a link to nothing"))?;
        self.check(&source, &spot, listed.is_some())?;
        Ok(spot)
    }

    /// Of an entry of a tree. Links are followed down to the source that the instance names, and not below it.
    pub fn in_tree(&self, component: &str, source: &Path) -> Result<Spot> {
        let (source, listed) = self.admit(component, source)?;
        let Some(listed) = listed else {
            let spot = Spot {
                base: RawPath(self.root.clone()),
                below: RawPath(source.clone()),
            };
            self.check(&source, &spot, false)?;
            return Ok(spot);
        };
        let rest = source.strip_prefix(&listed).unwrap_or(Path::new(""));
        let top = self.root.join(&listed);
        let spot = if rest.as_os_str().is_empty() || !top.is_dir() {
            let top = match top.symlink_metadata() {
                // The entry that stands for the source itself may be a link.
                Ok(_) if !top.is_dir() => Some(above(&top).map_err(RestoreError::io(&top))?),
                _ => split(&top).map_err(RestoreError::io(&top))?,
            };
            let mut top = top.ok_or_else(|| refuse(&source, "it is a link to nothing"))?;
            if !rest.as_os_str().is_empty() {
                top.below.0.push(rest);
            }
            top
        } else {
            Spot {
                base: RawPath(top.canonicalize().map_err(RestoreError::io(&top))?),
                below: rest.into(),
            }
        };
        self.check(&source, &spot, true)?;
        Ok(spot)
    }

    /// The source without `.`, and the instance's own source that it is or lies in.
    fn admit(&self, component: &str, source: &Path) -> Result<(PathBuf, Option<PathBuf>)> {
        let mut plain = PathBuf::new();
        for part in source.components() {
            match part {
                Component::CurDir => {}
                Component::Normal(_) | Component::RootDir => plain.push(part),
                Component::ParentDir | Component::Prefix(_) => {
                    return Err(refuse(source, "it leads upwards"));
                }
            }
        }
        if plain.file_name().is_none() {
            return Err(refuse(source, "it names no file"));
        }
        let own = self.instance.components.iter();
        let own = own.filter(|c| c.name == component).flat_map(|c| &c.sources);
        let own = own.map(|s| s.components().filter(|c| *c != Component::CurDir).collect());
        let listed = own.filter(|s: &PathBuf| plain.starts_with(s)).max();
        if plain.is_absolute() && listed.is_none() {
            return Err(refuse(
                source,
                "it lies outside, and the instance does not name it",
            ));
        }
        Ok((plain, listed))
    }

    fn check(&self, source: &Path, spot: &Spot, listed: bool) -> Result<()> {
        if !listed && !spot.base.0.starts_with(&self.root) {
            return Err(refuse(source, "a link leads out of the instance"));
        }
        if spot.path().starts_with(&self.data_dir) {
            return Err(refuse(source, "it is Holdfast's own"));
        }
        Ok(())
    }
}

/// The deepest folder that is there, resolved, and what is below it. None for a link to nothing.
fn split(path: &Path) -> io::Result<Option<Spot>> {
    match path.canonicalize() {
        Ok(real) => Ok(Some(at(&real))),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            if path.symlink_metadata().is_ok() {
                return Ok(None);
            }
            above(path).map(Some)
        }
        Err(cause) => Err(cause),
    }
}

/// As `split`, but what is at the end is not looked at.
fn above(path: &Path) -> io::Result<Spot> {
    let mut folder = path.parent();
    while let Some(candidate) = folder {
        match candidate.canonicalize() {
            Ok(base) => {
                return Ok(Spot {
                    base: RawPath(base),
                    below: path.strip_prefix(candidate).unwrap_or(path).into(),
                });
            }
            Err(cause)
                if cause.kind() == io::ErrorKind::NotFound
                    && candidate.symlink_metadata().is_err() =>
            {
                folder = candidate.parent();
            }
            Err(cause) => return Err(cause),
        }
    }
    Err(io::ErrorKind::NotFound.into())
}

/// A resolved path as a spot.
pub(super) fn at(real: &Path) -> Spot {
    Spot {
        base: real.parent().unwrap_or(Path::new("/")).into(),
        below: Path::new(real.file_name().unwrap_or_default()).into(),
    }
}

fn refuse(source: &Path, reason: &'static str) -> RestoreError {
    RestoreError::Target {
        source_path: source.display().to_string(),
        reason,
    }
}
