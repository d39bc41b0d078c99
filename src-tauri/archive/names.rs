//! Entry names: what may be one, how one is written in JSON and shown to people, and that none comes twice. No paths of this machine.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Relative, `/`-separated, no `.`, `..` or empty part, no NUL. An error is the reason.
pub(super) fn check(name: &[u8]) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("the name is empty");
    }
    if name.starts_with(b"/") {
        return Err("the name is absolute");
    }
    if name.contains(&0) {
        return Err("the name holds a NUL byte");
    }
    for part in name.split(|byte| *byte == b'/') {
        match part {
            b"" => return Err("the name has an empty part"),
            b"." => return Err("the name has a part `.`"),
            b".." => return Err("the name has a part `..`"),
            _ => {}
        }
    }
    Ok(())
}

/// A component is a folder of the archive: `[a-z0-9][a-z0-9_-]{0,63}`, which no entry of the archive's own matches.
pub(super) fn is_component(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && !name.starts_with(['_', '-'])
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
}

/// For messages: one line, whatever the name holds.
pub(super) fn show(name: &[u8]) -> String {
    one_line(String::from_utf8_lossy(name).into_owned())
}

/// Nothing of an archive drives a terminal.
pub(super) fn one_line(text: String) -> String {
    if text.chars().any(char::is_control) {
        text.escape_debug().to_string()
    } else {
        text
    }
}

/// As JSON keeps it: the text, and the raw bytes in base64 where they are not UTF-8.
pub(super) fn to_text(raw: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(raw) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (
            String::from_utf8_lossy(raw).into_owned(),
            Some(STANDARD.encode(raw)),
        ),
    }
}

/// The raw bytes back. None where the two forms do not belong together.
pub(super) fn from_text(text: &str, base64: Option<&str>) -> Option<Vec<u8>> {
    let Some(base64) = base64 else {
        return Some(text.as_bytes().to_vec());
    };
    let raw = STANDARD.decode(base64).ok()?;
    (String::from_utf8_lossy(&raw) == text).then_some(raw)
}

/// Compares part by part, so that what is below a folder directly follows it.
fn tree_order(a: &[u8], b: &[u8]) -> Ordering {
    a.split(|byte| *byte == b'/')
        .cmp(b.split(|byte| *byte == b'/'))
}

/// Digests of names, keyed anew in each process so that nobody can aim at a collision. 64 bits: by accident one in 30 million trees of a
/// million entries. Nine bytes and some air a name.
#[derive(Default)]
pub(super) struct NameSet {
    digests: HashSet<u64>,
    key: RandomState,
}

impl NameSet {
    /// False where it is there already.
    pub(super) fn insert(&mut self, name: &[u8]) -> bool {
        self.digests.insert(self.key.hash_one(name))
    }

    pub(super) fn contains(&self, name: &[u8]) -> bool {
        self.digests.contains(&self.key.hash_one(name))
    }
}

/// Sees that no name comes twice. Names that ascend, as walkers give them, cost no memory; several ascending runs that do not overlap
/// cost two names each. Only where they overlap are all names kept, as digests.
#[derive(Default)]
pub(super) struct Distinct {
    runs: Vec<(Vec<u8>, Vec<u8>)>,
    set: Option<NameSet>,
}

/// Whether a name may be added.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fresh {
    Yes,
    No,
    /// Only all earlier names can tell: give them to `remember`, then ask again.
    Unknown,
}

/// More runs than this and a set is the smaller evil.
const MAX_RUNS: usize = 256;

impl Distinct {
    /// Keeps every name from the first: for components of a few files.
    pub(super) fn exact() -> Self {
        Self {
            runs: Vec::new(),
            set: Some(NameSet::default()),
        }
    }

    pub(super) fn ask(&self, name: &[u8]) -> Fresh {
        if let Some(set) = &self.set {
            return if set.contains(name) {
                Fresh::No
            } else {
                Fresh::Yes
            };
        }
        let Some((last, earlier)) = self.runs.split_last() else {
            return Fresh::Yes;
        };
        let within = |(first, end): &(Vec<u8>, Vec<u8>)| {
            tree_order(first, name).is_le() && tree_order(name, end).is_le()
        };
        if earlier.iter().any(within) || within(last) || self.runs.len() >= MAX_RUNS {
            Fresh::Unknown
        } else {
            Fresh::Yes
        }
    }

    pub(super) fn remember(&mut self, earlier: NameSet) {
        self.set = Some(earlier);
    }

    /// The name is in the archive now.
    pub(super) fn add(&mut self, name: &[u8]) {
        if let Some(set) = &mut self.set {
            set.insert(name);
            return;
        }
        match self.runs.last_mut() {
            Some((_, last)) if tree_order(last, name).is_lt() => {
                last.clear();
                last.extend_from_slice(name);
            }
            _ => self.runs.push((name.to_vec(), name.to_vec())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascending_runs_need_no_memory_of_names() {
        let mut distinct = Distinct::default();
        for name in ["k", "k/b", "k/c", "k.txt", "m", "a", "a/x", "c"] {
            assert_eq!(distinct.ask(name.as_bytes()), Fresh::Yes, "{name}");
            distinct.add(name.as_bytes());
        }
        assert!(distinct.set.is_none());
    }

    #[test]
    fn a_name_inside_an_earlier_run_is_found_out() {
        let mut distinct = Distinct::default();
        let mut all = NameSet::default();
        for name in ["b", "d", "f"] {
            distinct.add(name.as_bytes());
            all.insert(name.as_bytes());
        }
        assert_eq!(distinct.ask(b"d"), Fresh::Unknown);
        distinct.remember(all);
        assert_eq!(distinct.ask(b"d"), Fresh::No);
        assert_eq!(distinct.ask(b"e"), Fresh::Yes);
    }
}
