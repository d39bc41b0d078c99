//! Paths in JSON. Nearly all are UTF-8 and stand as they are; one that is not is kept whole as base64 behind a NUL, which no path
//! contains, so that what is stored can be found again.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::{SerializeSeq, Serializer};

const NOT_UTF8: char = '\0';

pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(path))
}

pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
    path(String::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn text(path: &Path) -> String {
    path.to_str().map_or_else(
        || format!("{NOT_UTF8}{}", STANDARD.encode(path.as_os_str().as_bytes())),
        str::to_owned,
    )
}

fn path(text: String) -> Result<PathBuf, base64::DecodeError> {
    match text.strip_prefix(NOT_UTF8) {
        Some(encoded) => Ok(OsString::from_vec(STANDARD.decode(encoded)?).into()),
        None => Ok(text.into()),
    }
}

/// For lists of paths.
pub mod all {
    use super::{Deserialize, Deserializer, Error, PathBuf, SerializeSeq, Serializer};

    pub fn serialize<S: Serializer>(paths: &[PathBuf], serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(paths.len()))?;
        for path in paths {
            list.serialize_element(&super::text(path))?;
        }
        list.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<PathBuf>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts
            .into_iter()
            .map(|text| super::path(text).map_err(D::Error::custom))
            .collect()
    }
}

/// For a path that may be missing.
pub mod optional {
    use super::{Deserialize, Deserializer, Error, PathBuf, Serializer};

    pub fn serialize<S: Serializer>(
        path: &Option<PathBuf>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match path {
            Some(path) => super::serialize(path, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PathBuf>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| super::path(text).map_err(D::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;

    use crate::model::{Component, ComponentKind};

    #[test]
    fn a_path_that_is_not_utf8_comes_back_as_it_was() {
        let odd = PathBuf::from(OsStr::from_bytes(b"data/\xff\xfe.db"));
        let component = Component {
            name: "odd".to_owned(),
            kind: ComponentKind::Database,
            sources: vec![odd, PathBuf::from("data/plain.db")],
        };
        let text = serde_json::to_string(&component).unwrap();
        assert!(text.contains("data/plain.db"));
        assert_eq!(serde_json::from_str::<Component>(&text).unwrap(), component);
    }
}
