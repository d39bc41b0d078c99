//! Parts of archives: whether they are there at all, and those of no bytes, which no request can ask for.

use std::io::{self, Read};
use std::ops::Range;

use super::{DestinationError, ErrorKind, Key};

type Result<T> = std::result::Result<T, DestinationError>;

/// `Truncated` where an archive of this size has no such part.
pub(super) fn within(range: &Range<u64>, size: u64, key: &Key) -> Result<()> {
    if range.start <= range.end && range.end <= size {
        Ok(())
    } else {
        Err(past_the_end(range, size, key.as_str()))
    }
}

pub(super) fn past_the_end(range: &Range<u64>, size: u64, what: &str) -> DestinationError {
    let Range { start, end } = range;
    let detail = format!("bytes {start} to {end} of `{what}` were asked for, it has {size}");
    DestinationError::new(ErrorKind::Truncated, detail)
}

/// What an empty range gives, or one that ends before it begins. `size`: of the archive, where it is there.
pub(super) fn of_nothing(
    range: &Range<u64>,
    size: Option<u64>,
    key: &Key,
) -> Result<Box<dyn Read + Send>> {
    let size = size.ok_or_else(|| DestinationError::no_archive(key))?;
    within(range, size, key)?;
    Ok(Box::new(io::empty()))
}
