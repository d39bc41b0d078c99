//! The environment of the server that is backed up. Not this program's: its own values are handed in, in one place.

use std::collections::BTreeMap;
use std::path::Path;

pub(crate) type Environment = BTreeMap<String, String>;

/// The one place where the engine looks at this process's environment: who runs a backup with `TACACS_…` set means the server's.
pub(crate) fn this_process() -> Environment {
    std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// The root's `.env`, with what was given on top, as programs that read such files do it. A file that cannot be read counts as absent:
/// it fills what is missing only.
pub(crate) fn of_server(root: &Path, given: &Environment) -> Environment {
    let file = super::read(&root.join(".env")).ok();
    let text = file.and_then(|bytes| String::from_utf8(bytes).ok());
    let mut merged = text.map(|text| parse(&text)).unwrap_or_default();
    merged.extend(given.iter().map(|(k, v)| (k.clone(), v.clone())));
    merged
}

/// `KEY=value` lines; `export`, quotes and comments as shells have them, but nothing is substituted: the kept crate for this takes
/// values from the running process, which would put them into an archive.
pub(crate) fn parse(text: &str) -> Environment {
    text.lines().filter_map(pair).collect()
}

fn pair(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (key, value) = line.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    if key.is_empty() || !key.chars().all(valid) {
        return None;
    }
    Some((key.to_owned(), unquoted(value)))
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value.strip_prefix(quote).and_then(|v| v.split_once(quote)) {
            return inner.to_owned();
        }
    }
    let end = value.find(" #").unwrap_or(value.len());
    value[..end].trim_end().to_owned()
}

/// `$NAME` and `${NAME}` as Python's expandvars: what is not set stays as it is written.
pub(crate) fn expand(text: &str, environment: &Environment) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, whole) = if let Some(braced) = after.strip_prefix('{') {
            match braced.find('}') {
                Some(end) => (&braced[..end], end + 3),
                None => ("", 1),
            }
        } else {
            let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            let end = after.find(word).unwrap_or(after.len());
            (&after[..end], end + 1)
        };
        match environment.get(name).filter(|_| !name.is_empty()) {
            Some(value) => out.push_str(value),
            None => out.push_str(&rest[at..at + whole]),
        }
        rest = &rest[at + whole..];
    }
    out.push_str(rest);
    out
}
