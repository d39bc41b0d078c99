//! Names of archives below a base path, and where archives lie. It touches no file.

use super::{DestinationError, ErrorKind};
use crate::model::instance::is_instance_name;
use crate::model::{ArchiveName, ArchiveType, InstanceId};

/// `{instance}-{id}/{type}/{file name}`: relative, checked, `/`-separated. No `..`, no empty segment, no control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(String);

/// What most file systems and servers take for one name.
const LONGEST_SEGMENT: usize = 255;

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
        let below = match folders {
            [first, below @ ..] if first == Key::CONTRACT_FOLDER => below,
            all => all,
        };
        match below {
            [] => Self::Instances,
            [instance] if is_instance_folder(instance) => Self::Types,
            [instance, kind] if is_instance_folder(instance) && is_type_folder(kind) => {
                Self::Archives
            }
            _ => Self::Foreign,
        }
    }
}

pub(super) fn is_archive(file_name: &str) -> bool {
    file_name.parse::<ArchiveName>().is_ok()
}

fn is_instance_folder(name: &str) -> bool {
    name.rsplit_once('-')
        .is_some_and(|(name, id)| is_instance_name(name) && id.parse::<InstanceId>().is_ok())
}

fn is_type_folder(name: &str) -> bool {
    [
        ArchiveType::Manual,
        ArchiveType::Scheduled,
        ArchiveType::Safety,
    ]
    .iter()
    .any(|kind| kind.as_str() == name)
}
