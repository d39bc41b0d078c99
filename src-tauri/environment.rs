//! Where the data folder is, where secrets are kept, and which language is spoken, by flag, environment and XDG: one rule for the command
//! line and the window. It makes nothing and opens nothing.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::keys::Backend;

const DATA_DIR: &str = "HOLDFAST_DATA_DIR";
const KEYRING: &str = "HOLDFAST_KEYRING";

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    /// Neither a folder was named nor does the environment say where a user's data lies.
    #[error("none of HOLDFAST_DATA_DIR, XDG_DATA_HOME and HOME names a folder")]
    NoHome,
    /// Silently taking it for something else could look for the keys in the wrong place, and make new ones there.
    #[error(
        "HOLDFAST_KEYRING is `{0}`; it takes `file` (keys in the data folder) or `os` (the desktop's keyring, as without it)"
    )]
    Keyring(String),
}

/// The data folder, absolute as far as the working folder is known: the flag, else `HOLDFAST_DATA_DIR`, else `holdfast` in
/// `XDG_DATA_HOME` (ignored where relative, as its specification asks), else in `~/.local/share`.
pub fn data_dir(flag: Option<&Path>) -> Result<PathBuf, EnvironmentError> {
    let dir = choose(flag, |name| env::var_os(name)).ok_or(EnvironmentError::NoHome)?;
    Ok(std::path::absolute(&dir).unwrap_or(dir))
}

/// The data folder of a start that names none, as the desktop's session starts it.
pub(crate) fn session_data_dir() -> Option<PathBuf> {
    choose(None, |name| env::var_os(name).filter(|_| name != DATA_DIR))
}

/// The session's language, in the order in which programs look.
pub(crate) fn language() -> Option<String> {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()))
}

/// `HOLDFAST_KEYRING=file` keeps secrets in the data folder; `os`, empty or not set: in the OS keyring.
pub fn backend() -> Result<Backend, EnvironmentError> {
    backend_of(env::var_os(KEYRING).as_deref())
}

fn choose(flag: Option<&Path>, get: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name| get(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(dir) = flag {
        return Some(dir.to_owned());
    }
    if let Some(dir) = folder(DATA_DIR) {
        return Some(dir);
    }
    folder("XDG_DATA_HOME")
        .filter(|dir| dir.is_absolute())
        .or_else(|| folder("HOME").map(|home| home.join(".local/share")))
        .map(|dir| dir.join("holdfast"))
}

fn backend_of(value: Option<&OsStr>) -> Result<Backend, EnvironmentError> {
    match value.unwrap_or_default().to_str() {
        Some("file") => Ok(Backend::File),
        Some("os" | "") => Ok(Backend::Keyring),
        _ => {
            let word = value.unwrap_or_default().to_string_lossy();
            Err(EnvironmentError::Keyring(word.into_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(flag: Option<&str>, set: &[(&str, &str)]) -> Option<PathBuf> {
        choose(flag.map(Path::new), |name| {
            let found = set.iter().find(|(n, _)| *n == name)?;
            Some(OsString::from(found.1))
        })
    }

    #[test]
    fn the_flag_wins_over_the_variable_and_the_variable_over_xdg() {
        let all = [
            (DATA_DIR, "/var/own"),
            ("XDG_DATA_HOME", "/xdg"),
            ("HOME", "/home/ada"),
        ];
        assert_eq!(chosen(Some("/flag"), &all), Some("/flag".into()));
        assert_eq!(chosen(None, &all), Some("/var/own".into()));
        assert_eq!(chosen(None, &all[1..]), Some("/xdg/holdfast".into()));
        assert_eq!(
            chosen(None, &all[2..]),
            Some("/home/ada/.local/share/holdfast".into())
        );
    }

    #[test]
    fn empty_and_relative_values_name_no_folder() {
        let set = [(DATA_DIR, ""), ("XDG_DATA_HOME", "rel"), ("HOME", "/h")];
        assert_eq!(chosen(None, &set), Some("/h/.local/share/holdfast".into()));
        assert_eq!(chosen(None, &[("HOME", "")]), None);
    }

    #[test]
    fn a_word_that_chooses_no_place_for_keys_is_refused_by_its_name() {
        let chosen = |word: &str| backend_of(Some(word.as_ref()));
        assert_eq!(chosen("file"), Ok(Backend::File));
        for keyring in [chosen("os"), chosen(""), backend_of(None)] {
            assert_eq!(keyring, Ok(Backend::Keyring));
        }
        for wrong in ["File", "files", "none", " file"] {
            let refused = Err(EnvironmentError::Keyring(wrong.to_owned()));
            assert_eq!(chosen(wrong), refused);
        }
    }
}
