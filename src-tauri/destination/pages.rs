//! What lies at a place that has no folders: it lists everything below a beginning, page by page. What a hostile place lists harms nothing.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use super::key::Level;
use super::{Call, DestinationError, ErrorKind, Key, Listed, folders};

type Result<T> = std::result::Result<T, DestinationError>;

/// Of thousands of names each. A listing that goes on after that has no end.
const MOST_PAGES: usize = 100_000;

/// Asks for a page of what lies below some folders (with a slash at the end; empty: everything), gives the archives on it away, and says
/// how to ask for the next: the third argument of that call. None at the end.
pub(super) type Page<'p> = dyn FnMut(&str, &mut dyn FnMut(Listed) -> Result<()>, Option<&str>) -> Result<Option<String>>
    + 'p;

/// Calls `each` with every archive at or below `prefix`.
pub(super) fn archives(
    prefix: &str,
    call: &Call<'_>,
    page: &mut Page<'_>,
    each: &mut dyn FnMut(Listed) -> Result<()>,
) -> Result<()> {
    call.check()?;
    let path = folders::split(prefix)?;
    if Level::of(&path) == Level::Foreign {
        return Ok(());
    }
    let in_contract = path
        .first()
        .is_some_and(|first| first == Key::CONTRACT_FOLDER);
    let below = with_slashes(&path);
    let mut shown = |listed: Listed| {
        call.check()?;
        let hidden = listed.key.folders().next() == Some(Key::CONTRACT_FOLDER);
        if hidden == in_contract {
            each(listed)
        } else {
            Ok(())
        }
    };
    turn(call, &mut |next| page(&below, &mut shown, next))
}

/// From page to page, never in a circle. `page` is asked with what it answered last.
pub(super) fn turn(
    call: &Call<'_>,
    page: &mut dyn FnMut(Option<&str>) -> Result<Option<String>>,
) -> Result<()> {
    // By half a digest: what stands for a page may be long.
    let mut seen = HashSet::<[u8; 16]>::new();
    let mut next = None;
    loop {
        call.check()?;
        next = page(next.as_deref())?;
        let Some(next) = &next else {
            return Ok(());
        };
        if next.is_empty() {
            return without_end("there is more, but not how to ask for it");
        }
        let digest = Sha256::digest(next.as_bytes());
        if !seen.insert(std::array::from_fn(|n| digest[n])) {
            return without_end("it comes back to where it was");
        }
        if seen.len() > MOST_PAGES {
            return without_end("it has too many pages");
        }
    }
}

fn without_end(why: &str) -> Result<()> {
    let detail = format!("the listing does not end: {why}");
    Err(DestinationError::new(ErrorKind::Protocol, detail))
}

pub(super) fn with_slashes(folders: &[String]) -> String {
    folders
        .iter()
        .flat_map(|name| [name.as_str(), "/"])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cancel, NoObserver};

    fn turned(pages: &[Option<&str>]) -> Result<Vec<Option<String>>> {
        let cancel = Cancel::new();
        let mut asked = Vec::new();
        turn(&Call::new(&cancel, &NoObserver), &mut |next| {
            asked.push(next.map(str::to_owned));
            Ok(pages[asked.len() - 1].map(str::to_owned))
        })?;
        Ok(asked)
    }

    #[test]
    fn pages_follow_each_other_to_the_end_and_never_in_a_circle() {
        let asked = turned(&[Some("a"), Some("b"), None]).unwrap();
        assert_eq!(asked, [None, Some("a".to_owned()), Some("b".to_owned())]);
        for pages in [&[Some("")][..], &[Some("a"), Some("b"), Some("a")]] {
            assert_eq!(turned(pages).unwrap_err().kind, ErrorKind::Protocol);
        }
    }
}
