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

mod act;
mod connection;
mod found;
mod missing;
mod page_size;
mod pair;
mod place;
mod plan;
mod pre_image;
mod record;
mod recover;
mod replay;
mod undo;

pub(crate) use recover::recover;
