//! Goes through the folders in which archives lie, at places that list one folder at a time. What else is there is not looked at, however
//! large. A disk of this machine has a walk of its own, which follows no link.

use jiff::Timestamp;

use super::key::{Level, OLD_TYPES};
use super::{Call, DestinationError, ErrorKind, Key, Listed};

type Result<T> = std::result::Result<T, DestinationError>;

/// What a listing says of one name.
pub(super) struct Entry {
    /// One segment, as the place gives it: anything.
    pub name: String,
    pub kind: EntryKind,
    pub size: u64,
    pub modified: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EntryKind {
    File,
    Folder,
    /// Links, devices: nothing of ours.
    Other,
}

/// Why a folder is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A walk begins there.
    Prefix,
    /// The listing of the folder around it names it.
    Named,
    /// It may be in a folder that a listing named, and mostly is not: that it is absent, or closed to us, need not be told from a place that
    /// is gone. The walk asks for that once.
    Guessed,
}

/// What a folder at this path below the base holds; None where there is no such folder.
pub(super) type ListFolder<'l> = dyn FnMut(&[String], Why) -> Result<Option<Vec<Entry>>> + 'l;

/// Calls `each` with every archive at or below `prefix`.
pub(super) fn archives(
    prefix: &str,
    call: &Call<'_>,
    list: &mut ListFolder<'_>,
    each: &mut dyn FnMut(Listed) -> Result<()>,
) -> Result<()> {
    files(
        prefix,
        call,
        list,
        &mut |folder, entry| match key_of(folder, &entry)? {
            Some(key) => each(Listed {
                key,
                size: entry.size,
                modified: entry.modified,
            }),
            None => Ok(()),
        },
    )
}

/// Calls `each` with the folder (its path below the base) and the entry of every file in every folder of archives at or below `prefix`
/// (empty: the base). Names that no archive and no temporary name could have are left out.
pub(super) fn files(
    prefix: &str,
    call: &Call<'_>,
    list: &mut ListFolder<'_>,
    each: &mut dyn FnMut(&[String], Entry) -> Result<()>,
) -> Result<()> {
    let mut path = split(prefix)?;
    let mut guessed_wrong = false;
    let mut watched = |path: &[String], why| {
        let listed = list(path, why)?;
        guessed_wrong |= why == Why::Guessed && listed.is_none();
        Ok(listed)
    };
    below(&mut path, Why::Prefix, call, &mut watched, each)?;
    if guessed_wrong {
        list(&path, Why::Prefix)?;
    }
    Ok(())
}

fn below(
    path: &mut Vec<String>,
    why: Why,
    call: &Call<'_>,
    list: &mut ListFolder<'_>,
    each: &mut dyn FnMut(&[String], Entry) -> Result<()>,
) -> Result<()> {
    call.check()?;
    let level = Level::of(path);
    if level == Level::Foreign {
        return Ok(());
    }
    if level == Level::Types && Level::may_be_anybodys(path) {
        let guess = match why {
            Why::Prefix => Why::Prefix,
            Why::Named | Why::Guessed => Why::Guessed,
        };
        for kind in OLD_TYPES {
            path.push(kind.to_owned());
            below(path, guess, call, list, each)?;
            path.pop();
        }
        return Ok(());
    }
    let entries = match list(path, why) {
        Err(e) if e.kind == ErrorKind::Forbidden && Level::may_be_anybodys(path) => None,
        listed => listed?,
    };
    let Some(entries) = entries else {
        return Ok(());
    };
    for entry in entries {
        call.check()?;
        if !is_one_name(&entry.name) {
            continue;
        }
        match (level, entry.kind) {
            (Level::Archives, EntryKind::File) => each(path, entry)?,
            (Level::Archives, _) | (_, EntryKind::File | EntryKind::Other) => {}
            (_, EntryKind::Folder) => {
                // The contract's folder is shown to who asks for it.
                let hidden = entry.name == Key::CONTRACT_FOLDER;
                path.push(entry.name);
                if !hidden {
                    below(path, Why::Named, call, list, each)?;
                }
                path.pop();
            }
        }
    }
    Ok(())
}

/// A hostile listing names what lies elsewhere.
fn is_one_name(name: &str) -> bool {
    !name.is_empty()
        && name != "."
        && name != ".."
        && !name.contains(['/', '\\'])
        && !name.chars().any(char::is_control)
}

/// The folders of a prefix.
pub(super) fn split(prefix: &str) -> Result<Vec<String>> {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if prefix.is_empty() {
        return Ok(Vec::new());
    }
    let inside = Key::new(&format!("{prefix}/any"))?;
    Ok(inside.folders().map(str::to_owned).collect())
}

/// The key of an entry that is an archive by its folder and its name.
pub(super) fn key_of(folder: &[String], entry: &Entry) -> Result<Option<Key>> {
    if !super::key::is_archive_in(folder, &entry.name) {
        return Ok(None);
    }
    match Key::new(&format!("{}/{}", folder.join("/"), entry.name)) {
        Ok(key) => Ok(Some(key)),
        Err(e) if e.kind == ErrorKind::Config => Ok(None),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cancel, NoObserver};

    #[test]
    fn a_folder_that_is_closed_to_us_ends_a_list_only_where_it_is_ours() {
        let cancel = Cancel::new();
        let call = Call::new(&cancel, &NoObserver);
        let listed = |closed: &str| {
            let mut seen = Vec::new();
            let folder = |name: &str| Entry {
                name: name.to_owned(),
                kind: EntryKind::Folder,
                size: 0,
                modified: None,
            };
            let mut list = |path: &[String], _| match path {
                [] => Ok(Some(vec![folder("photos"), folder("web-0a1b2c3d")])),
                [one, ..] if one == closed => {
                    Err(DestinationError::new(ErrorKind::Forbidden, "closed"))
                }
                [one] if one == "photos" => panic!("it may be large"),
                [_] => Ok(Some(vec![folder("manual")])),
                all => {
                    seen.push(all.join("/"));
                    Ok(None)
                }
            };
            files("", &call, &mut list, &mut |_, _| Ok(())).map(|()| seen)
        };
        assert_eq!(listed("photos").unwrap(), ["web-0a1b2c3d/manual"]);
        assert_eq!(
            listed("web-0a1b2c3d").unwrap_err().kind,
            ErrorKind::Forbidden
        );
    }
}
