//! Restore: a plan first, then the act: fetch, check, pre-images, safety backup, journal, apply, check, and back where anything fails.
//! What is read of an archive and how live databases are captured is not known here.

pub mod apply;
pub mod change;
pub mod database;
pub mod error;
pub mod from_archive;
pub mod journal;
pub mod list;
pub mod owners;
pub mod prepare;
pub mod target;
pub mod tree;

mod page_size;
mod place;
mod pre_image;
mod record;
mod replay;

use std::path::Path;

use crate::service::Result;
use crate::store::Store;

/// Ends the restores that a dead process left: finished or undone from the journal and the pre-images, no key needed.
/// The caller knows that no living process owns them.
pub(crate) fn recover(_data_dir: &Path, _store: &Store) -> Result<()> {
    todo!()
}
