//! Names of archives below a base path, and where archives lie: ours, and those that the TACACS+ server's own backup left (version 1.0).
//! It touches no file.

use super::{DestinationError, ErrorKind};
use crate::model::archive_name::OldName;
use crate::model::instance::is_instance_name;
use crate::model::{ArchiveName, ArchiveType, InstanceId};

/// `{instance}-{id}/{type}/{file name}`, or `{instance}/{type}/{file name}` of version 1.0: relative, checked, `/`-separated. No `..`, no empty segment, no control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

/// What most file systems and servers take for one name.
const LONGEST_SEGMENT: usize = 255;

/// The folders of types of version 1.0.
pub(super) const OLD_TYPES: [&str; 2] = ["emergency", "manual"];

/// Segments that begin so are Holdfast's own and never an archive's.
pub(super) const OWN_PREFIX: &str = ".holdfast-";

impl Key {
    /// The folder in which the contract suite does its work. Archives lie below it as they do below the base; no list shows it unasked.
    pub const CONTRACT_FOLDER: &str = ".holdfast-test";

    pub fn new(path: &str) -> Result<Self, DestinationError> {
        let bad = |reason: &str| {
            let detail = format!("`{}` cannot be a name here: {reason}", path.escape_debug());
            Err(DestinationError::new(ErrorKind::Config, detail))
        };
        if path.contains('\\') {
            return bad("it has a backslash");
        }
        if path.chars().any(char::is_control) {
            return bad("it has a control character");
        }
        for (place, segment) in path.split('/').enumerate() {
            let in_contract_folder = place == 0 && path.len() > segment.len();
            match segment {
                "" => return bad("a part of it is empty"),
                "." | ".." => return bad("it points elsewhere"),
                Self::CONTRACT_FOLDER if in_contract_folder => {}
                own if own.starts_with(OWN_PREFIX) => return bad("it is reserved"),
                long if long.len() > LONGEST_SEGMENT => return bad("a part of it is too long"),
                _ => {}
            }
        }
        Ok(Self(path.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// From the outermost inwards.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        let folders = self.0.rsplit_once('/').map(|(folders, _)| folders);
        folders.into_iter().flat_map(|folders| folders.split('/'))
    }
}

/// What a folder holds, by its path below the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Folders of instances: the base, or the contract's own.
    Instances,
    /// Folders of types.
    Types,
    Archives,
    /// Nothing of ours.
    Foreign,
}

impl Level {
    pub fn of(folders: &[String]) -> Self {
        match below_contract(folders) {
            [] => Self::Instances,
            [instance] if is_instance_folder(instance) || is_instance_name(instance) => Self::Types,
            [instance, kind] if is_instance_folder(instance) && is_type_folder(kind) => {
                Self::Archives
            }
            [instance, kind] if is_instance_name(instance) && is_old_type_folder(kind) => {
                Self::Archives
            }
            _ => Self::Foreign,
        }
    }

    /// Whether a folder that is `Types` or `Archives` may be anybody's all the same: any word is a name that the server's own backup may
    /// have given. Where such a folder is closed to us, there is nothing of ours in it, and a list goes on without it. It may be large,
    /// too: only `OLD_TYPES` are asked for in it.
    pub fn may_be_anybodys(folders: &[String]) -> bool {
        below_contract(folders)
            .first()
            .is_some_and(|instance| !is_instance_folder(instance))
    }
}

fn below_contract(folders: &[String]) -> &[String] {
    match folders {
        [first, below @ ..] if first == Key::CONTRACT_FOLDER => below,
        all => all,
    }
}

/// Whether a file of a folder that is `Level::Archives` is an archive. One of version 1.0 is told by its whole path: no id vouches for it.
pub(super) fn is_archive_in(folders: &[String], file_name: &str) -> bool {
    let [instance, kind] = below_contract(folders) else {
        return false;
    };
    let ours = is_instance_folder(instance) && is_type_folder(kind) && is_archive(file_name);
    ours || file_name
        .parse()
        .is_ok_and(|name: OldName| name.instance == *instance && name.archive_type.as_str() == kind)
}

/// By its name alone: one of ours.
pub(super) fn is_archive(file_name: &str) -> bool {
    file_name.parse::<ArchiveName>().is_ok()
}

fn is_instance_folder(name: &str) -> bool {
    name.rsplit_once('-')
        .is_some_and(|(name, id)| is_instance_name(name) && id.parse::<InstanceId>().is_ok())
}

fn is_type_folder(name: &str) -> bool {
    let types = [
        ArchiveType::Manual,
        ArchiveType::Scheduled,
        ArchiveType::Safety,
    ];
    types.iter().any(|kind| kind.as_str() == name)
}

fn is_old_type_folder(name: &str) -> bool {
    OLD_TYPES.contains(&name)
}
