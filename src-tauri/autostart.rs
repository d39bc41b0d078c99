//! Starting with the desktop session: an entry in the user's autostart folder, as freedesktop's Desktop Application Autostart
//! Specification has it. Linux only. The setting says what is wanted; this follows it.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::environment;

#[derive(Debug, thiserror::Error)]
pub enum AutostartError {
    #[error("neither XDG_CONFIG_HOME nor HOME names a folder")]
    NoHome,
    #[error(
        "a path that starts with the session cannot hold line breaks or other text than UTF-8: {0:?}"
    )]
    Path(PathBuf),
    #[error("{path}: {cause}")]
    Io { path: PathBuf, cause: io::Error },
}

/// Makes or removes the entry where `changes` of the settings name `autostart`; its last value counts.
pub fn follow(changes: &[(String, String)], data_dir: &Path) -> Result<(), AutostartError> {
    match changes.iter().rev().find(|(key, _)| key == "autostart") {
        Some((_, value)) if value == "yes" => make(data_dir),
        Some(_) => remove(),
        None => Ok(()),
    }
}

fn make(data_dir: &Path) -> Result<(), AutostartError> {
    let path = entry_path()?;
    let fail = |cause| AutostartError::Io {
        path: path.clone(),
        cause,
    };
    let program = env::current_exe().map_err(fail)?;
    // Only what the session would not find by itself.
    let named = environment::session_data_dir().is_none_or(|dir| dir != data_dir);
    let text = entry(&program, named.then_some(data_dir))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    // Whole or not at all: the session reads it whenever it starts.
    let beside = path.with_extension("desktop.new");
    fs::write(&beside, text).map_err(fail)?;
    fs::rename(&beside, &path).map_err(fail)
}

fn remove() -> Result<(), AutostartError> {
    let path = entry_path()?;
    match fs::remove_file(&path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(AutostartError::Io { path, cause })
        }
        _ => Ok(()),
    }
}

fn entry_path() -> Result<PathBuf, AutostartError> {
    let folder = |name| env::var_os(name).map(PathBuf::from);
    let absolute = |dir: &PathBuf| dir.is_absolute();
    let config = folder("XDG_CONFIG_HOME").filter(absolute).or_else(|| {
        folder("HOME")
            .filter(absolute)
            .map(|home| home.join(".config"))
    });
    let config = config.ok_or(AutostartError::NoHome)?;
    Ok(config.join("autostart/holdfast.desktop"))
}

fn entry(program: &Path, data_dir: Option<&Path>) -> Result<String, AutostartError> {
    let mut command = argument(program)?;
    command.push_str(" --background");
    if let Some(dir) = data_dir {
        command.push_str(" --data-dir ");
        command.push_str(&argument(dir)?);
    }
    Ok(format!(
        "[Desktop Entry]\n\
         Type=Application\n\
         Name=Holdfast\n\
         Comment=Backs up on schedule, from the tray\n\
         Comment[de]=Sichert nach Zeitplan, aus der Leiste heraus\n\
         Exec={command}\n\
         Icon=holdfast\n\
         Terminal=false\n"
    ))
}

/// An argument of `Exec`: quoted, then escaped as every string of a desktop entry is, with no field codes.
fn argument(path: &Path) -> Result<String, AutostartError> {
    let text = path
        .to_str()
        .filter(|text| !text.contains(char::is_control))
        .ok_or_else(|| AutostartError::Path(path.to_owned()))?;
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '`' | '$' => quoted.extend(['\\', '\\', c]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    Ok(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_session_would_take_for_itself_is_escaped() {
        for (path, argument) in [
            ("/usr/bin/holdfast", r#""/usr/bin/holdfast""#),
            ("/a b/100%", r#""/a b/100%%""#),
            ("/a$b`c\"d", r#""/a\\$b\\`c\\"d""#),
            (r"/a\b", r#""/a\\\\b""#),
        ] {
            assert_eq!(super::argument(Path::new(path)).unwrap(), argument);
        }
        assert!(super::argument(Path::new("/a\nb")).is_err());
    }
}
