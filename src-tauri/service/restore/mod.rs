//! Restore: a plan first, then the act: fetch, check, pre-images, safety backup, journal, apply, check, and back where anything fails.

use std::path::Path;

use crate::service::Result;
use crate::store::Store;

/// Ends the restores that a dead process left: finished or undone from the journal and the pre-images, no key needed.
/// The caller knows that no living process owns them.
pub(crate) fn recover(_data_dir: &Path, _store: &Store) -> Result<()> {
    todo!()
}
