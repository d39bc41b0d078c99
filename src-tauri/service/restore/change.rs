//! The values of a file change: where, what is there before, what is there after. Reading and writing the live files is `replay`'s business.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A path whose bytes survive JSON: a string where it is UTF-8, else `{"base64": …}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RawPath(pub PathBuf);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum RawPathForm {
    Text(String),
    Bytes { base64: String },
}

impl From<&Path> for RawPath {
    fn from(path: &Path) -> Self {
        Self(path.to_path_buf())
    }
}

impl Serialize for RawPath {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0.to_str() {
            Some(text) => RawPathForm::Text(text.to_owned()),
            None => RawPathForm::Bytes {
                base64: STANDARD.encode(self.0.as_os_str().as_bytes()),
            },
        }
        .serialize(to)
    }
}

impl<'de> Deserialize<'de> for RawPath {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match RawPathForm::deserialize(from)? {
            RawPathForm::Text(text) => Ok(Self(text.into())),
            RawPathForm::Bytes { base64 } => {
                let bytes = STANDARD.decode(base64).map_err(serde::de::Error::custom)?;
                Ok(Self(OsString::from_vec(bytes).into()))
            }
        }
    }
}

/// A live path in two parts: a folder that was resolved once (links allowed, checked against the instance), and names below it that
/// are walked without following any link.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Spot {
    pub base: RawPath,
    /// At least one name; no `.`, no `..`.
    pub below: RawPath,
}

impl Spot {
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.base.0.join(&self.below.0)
    }
}

/// Owner, mode, time and extended attributes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// The low 12 bits.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Seconds and nanoseconds.
    pub mtime: (i64, u32),
    /// Values in base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub xattrs: BTreeMap<String, String>,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum State {
    Absent,
    Dir {
        meta: Meta,
    },
    File {
        /// Where its bytes are kept: the workspace or the pre-images.
        copy: RawPath,
        size: u64,
        /// Lower-case hex.
        sha256: String,
        meta: Meta,
        /// It is another name of this file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        same_as: Option<Spot>,
    },
    Symlink {
        to: RawPath,
        meta: Meta,
    },
}

/// One path that a restore changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub spot: Spot,
    pub before: State,
    pub after: State,
}

/// To what a restore would bring things, or back to what they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Back,
}

impl Change {
    /// What this direction leaves at the path.
    #[must_use]
    pub fn goal(&self, direction: Direction) -> &State {
        match direction {
            Direction::Forward => &self.after,
            Direction::Back => &self.before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_not_utf8_survives_json() {
        let path = RawPath(OsString::from_vec(b"a/\xff\nb".to_vec()).into());
        let json = serde_json::to_string(&path).unwrap();
        assert_eq!(serde_json::from_str::<RawPath>(&json).unwrap(), path);
        let plain = RawPath("plain".into());
        assert_eq!(serde_json::to_string(&plain).unwrap(), "\"plain\"");
    }
}
