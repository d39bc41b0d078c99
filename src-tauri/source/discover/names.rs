//! Component names: `[a-z0-9][a-z0-9_-]{0,63}`, each once. They are folders in archives.

use std::collections::BTreeSet;
use std::ffi::OsStr;

const LONGEST: usize = 64;

pub(super) struct Names(BTreeSet<String>);

impl Names {
    pub fn new<'a>(taken: impl IntoIterator<Item = &'a str>) -> Self {
        Self(taken.into_iter().map(str::to_owned).collect())
    }

    /// The wanted name, or it with `-2`, `-3`, … where it is taken; taken from now on.
    pub fn unique(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2u32;
        while self.0.contains(&name) {
            let suffix = format!("-{number}");
            // Valid names are ASCII, so any cut is between letters.
            let room = wanted.len().min(LONGEST - suffix.len());
            name = format!("{}{suffix}", &wanted[..room]);
            number += 1;
        }
        self.0.insert(name.clone());
        name
    }
}

/// A file's name without its extension, made valid.
pub(super) fn from_stem(stem: &OsStr) -> String {
    let mut name = String::new();
    for c in stem.to_string_lossy().chars() {
        let c = c.to_ascii_lowercase();
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            '_' | '-' if !name.is_empty() => name.push(c),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
        if name.len() == LONGEST {
            break;
        }
    }
    let name = name.trim_end_matches('-');
    if name.is_empty() {
        "database".to_owned()
    } else {
        name.to_owned()
    }
}
