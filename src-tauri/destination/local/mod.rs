//! `local`: a folder of this machine, or of whatever is mounted there. It needs no secret and no network of its own.

mod content;
mod folder;
mod read_back;
mod temporary;
mod walk;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use rustix::fs::{Mode, Stat};

use super::folders;
use super::key::{self, Level};
use super::range::within;
use super::settings::Settings;
use super::temporary::{Owner, is_old};
use super::{
    Body, Call, Capabilities, Destination, DestinationError, ErrorKind, Key, Listed, Stored,
    Unfinished, Verification,
};
use crate::model::DestinationConfig;
use folder::Folder;
pub use read_back::ReadBack;
use temporary::Temporary;
pub use temporary::create_staged;

type Result<T> = std::result::Result<T, DestinationError>;

const MAKE_ATTEMPTS: u32 = 5;

/// Archives below a base folder. The folder is opened anew by each call, so that an idle Holdfast keeps no disk from being unmounted.
pub struct Local {
    /// For progress.
    name: String,
    /// Absolute, links resolved.
    base: PathBuf,
    owner: Owner,
}

impl Local {
    pub fn open(config: &DestinationConfig) -> Result<Self> {
        let secrets = BTreeMap::new();
        let settings = Settings::new(config, &secrets);
        settings.allow(&["base_path"])?;
        let base = settings.require_file("base_path")?;
        let shown = base.display();
        let resolved = fs::canonicalize(&base).map_err(|e| {
            let unreachable =
                DestinationError::io(format!("the folder `{shown}` cannot be used"), e);
            match unreachable.kind {
                ErrorKind::Missing => DestinationError::without_base(format!(
                    "the folder `{shown}` is not there: is its disk mounted?"
                )),
                _ => unreachable,
            }
        })?;
        if !resolved.is_dir() {
            let detail = format!("`{shown}` is not a folder");
            return Err(DestinationError::without_base(detail));
        }
        Ok(Self {
            name: config.name.clone(),
            base: resolved,
            owner: Owner::of(&config.id),
        })
    }

    fn base(&self) -> Result<Folder> {
        Folder::open_base(&self.base)
    }

    /// The folder of an archive; None where it is not there.
    fn folder(&self, key: &Key) -> Result<Option<Folder>> {
        self.enter(key.folders())
    }

    fn enter<'s>(&self, names: impl Iterator<Item = &'s str>) -> Result<Option<Folder>> {
        let mut folder = self.base()?;
        for name in names {
            match folder.enter(name)? {
                Some(inner) => folder = inner,
                None => return Ok(None),
            }
        }
        Ok(Some(folder))
    }

    /// Somebody else may tidy away a folder between two steps (only the contract's go): then once more.
    fn make_folder(&self, key: &Key) -> Result<Folder> {
        for _ in 1..MAKE_ATTEMPTS {
            match self.try_to_make_folder(key) {
                Err(e) if e.kind == ErrorKind::Missing => {}
                made => return made,
            }
        }
        self.try_to_make_folder(key)
    }

    fn try_to_make_folder(&self, key: &Key) -> Result<Folder> {
        let mut folder = self.base()?;
        for name in key.folders() {
            folder = folder.enter_or_make(name)?;
        }
        Ok(folder)
    }

    fn folder_path(&self, key: &Key) -> PathBuf {
        let mut path = self.base.clone();
        path.extend(key.folders());
        path
    }

    /// The temporary name of a body that was written in place.
    fn staged<'b>(&self, key: &Key, body: &'b Body) -> Option<&'b str> {
        let name = body.path.file_name()?.to_str()?;
        let in_place = body.path.parent() == Some(self.folder_path(key).as_path());
        (in_place && self.owner.owns(name)).then_some(name)
    }

    fn temporary<'f>(
        &self,
        folder: &'f Folder,
        key: &Key,
        body: &Body,
        call: &Call<'_>,
    ) -> Result<Temporary<'f>> {
        if let Some(name) = self.staged(key, body) {
            // What becomes of it is for `attempt` to say.
            let Some((file, _)) = folder.open_file(name)? else {
                let detail = format!("the staged archive `{}` is gone", folder.shown(name));
                return Err(DestinationError::new(ErrorKind::Protocol, detail));
            };
            // Whoever made it may have made it readable; places without modes refuse, and need not.
            let _ = rustix::fs::fchmod(&file, Mode::from_raw_mode(folder::FILE_MODE));
            return Ok(Temporary::staged(folder, name.to_owned(), file));
        }
        let name = self.owner.new_name();
        let file = folder.create_file(&name)?;
        let mut temporary = Temporary::new(folder, name, file);
        content::copy(body, &mut temporary.file, &self.name, call)?;
        Ok(temporary)
    }

    fn try_to_put(&self, key: &Key, body: &Body, call: &Call<'_>) -> Result<()> {
        let folder = self.make_folder(key)?;
        // Before anything is copied or read; the publishing asks again, without a race.
        if folder.exists(key.file_name())? {
            return Err(DestinationError::taken(&folder.shown(key.file_name())));
        }
        let mut temporary = self.temporary(&folder, key, body, call)?;
        let known = body.read_back.as_deref();
        let known = known.filter(|_| self.staged(key, body).is_some());
        content::verify(&mut temporary.file, body, known, &self.name, call)?;
        call.check()?;
        temporary.publish(key.file_name())
    }

    /// The contract's folders go when they are empty.
    fn tidy(&self, key: &Key) -> Result<()> {
        let names: Vec<&str> = key.folders().collect();
        if names.first() != Some(&Key::CONTRACT_FOLDER) {
            return Ok(());
        }
        for depth in (0..names.len()).rev() {
            let Some(parent) = self.enter(names[..depth].iter().copied())? else {
                continue;
            };
            if !parent.remove_if_empty(names[depth]) && parent.enter(names[depth])?.is_some() {
                break;
            }
        }
        Ok(())
    }
}

impl Destination for Local {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            atomic_create: true,
            ranges: true,
            free_space: true,
            resume: false,
            modes: true,
            in_clear: false,
        }
    }

    fn staging(&self, key: &Key) -> Result<Option<PathBuf>> {
        self.make_folder(key)?;
        Ok(Some(self.folder_path(key).join(self.owner.new_name())))
    }

    /// A copy to a disk is begun anew, and nothing of it is left. A staged body is all there is: it stays for the next try.
    fn attempt(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        *left = None;
        let Err(error) = self.try_to_put(key, body, call) else {
            return Ok(Stored {
                verification: Verification::Verified,
            });
        };
        if let Some(name) = self.staged(key, body) {
            let staged = Unfinished(name.to_owned());
            match error.kind {
                ErrorKind::Exists => {}
                kind if kind.may_pass() => *left = Some(staged),
                _ => self.clear_away(key, &staged, call),
            }
        }
        Err(error)
    }

    fn discard(&self, key: &Key, left: &Unfinished, call: &Call<'_>) -> Result<()> {
        call.check()?;
        if let Some(folder) = self.folder(key)?.filter(|_| self.owner.owns(&left.0)) {
            folder.unlink(&left.0)?;
        }
        self.tidy(key)
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>> {
        call.check()?;
        let found = match self.folder(key)? {
            Some(folder) => folder.open_file(key.file_name())?,
            None => None,
        };
        let Some((mut file, stat)) = found else {
            return Err(DestinationError::no_archive(key));
        };
        let size = size(&stat);
        let range = range.unwrap_or(0..size);
        within(&range, size, key)?;
        file.seek(SeekFrom::Start(range.start))
            .map_err(|e| DestinationError::io(format!("cannot read `{}`", key.as_str()), e))?;
        Ok(Box::new(content::Exactly {
            file,
            left: range.end - range.start,
            cancel: call.cancel.clone(),
            deadline: call.deadline,
        }))
    }

    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        let mut path = folders::split(prefix)?;
        if Level::of(&path) == Level::Foreign {
            return Ok(());
        }
        let Some(folder) = self.enter(path.iter().map(String::as_str))? else {
            return Ok(());
        };
        walk::files(&folder, &mut path, call, &mut |folder, path, name| {
            if !key::is_archive_in(path, name) {
                return Ok(());
            }
            // Gone meanwhile is not there.
            match folder.stat(name)? {
                Some(stat) => each(listed(
                    Key::new(&format!("{}/{name}", path.join("/")))?,
                    &stat,
                )),
                None => Ok(()),
            }
        })
    }

    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>> {
        call.check()?;
        let Some(folder) = self.folder(key)? else {
            return Ok(None);
        };
        let stat = folder.stat(key.file_name())?;
        Ok(stat.map(|stat| listed(key.clone(), &stat)))
    }

    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        call.check()?;
        if let Some(folder) = self.folder(key)? {
            folder.unlink(key.file_name())?;
            folder.sync()?;
        }
        self.tidy(key)
    }

    fn sweep(&self, age: Duration, call: &Call<'_>) -> Result<u32> {
        let now = Timestamp::now();
        let mut swept = 0;
        for root in [vec![], vec![Key::CONTRACT_FOLDER.to_owned()]] {
            let Some(folder) = self.enter(root.iter().map(String::as_str))? else {
                continue;
            };
            let mut path = root;
            walk::files(&folder, &mut path, call, &mut |folder, _, name| {
                if self.owner.owns(name) && is_dead(folder, name, now, age)? {
                    folder.unlink(name)?;
                    swept += 1;
                }
                Ok(())
            })?;
        }
        Ok(swept)
    }

    fn free_space(&self, call: &Call<'_>) -> Result<Option<u64>> {
        call.check()?;
        self.base()?.free_space().map(Some)
    }
}

/// Whether nobody has written to it for `age`, and nobody holds it.
fn is_dead(folder: &Folder, name: &str, now: Timestamp, age: Duration) -> Result<bool> {
    let Some((file, stat)) = folder.open_file(name)? else {
        return Ok(false);
    };
    Ok(is_old(modified(&stat), Some(now), age) && temporary::is_abandoned(&file))
}

fn listed(key: Key, stat: &Stat) -> Listed {
    Listed {
        key,
        size: size(stat),
        modified: modified(stat),
    }
}

fn modified(stat: &Stat) -> Option<Timestamp> {
    let nanos = i32::try_from(stat.st_mtime_nsec).unwrap_or(0);
    Timestamp::new(stat.st_mtime, nanos).ok()
}

fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}
