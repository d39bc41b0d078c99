//! The command line's contract, against the built binary: exit statuses, JSON shapes, and what is on disk afterwards.

mod archives;
mod autostart;
mod background;
mod demo;
mod hostile;
mod journey;
#[path = "../support/old_archive.rs"]
mod old_archive;
mod old_archives;
mod read_only;
mod recovery;
mod restore;
mod retention;
mod schedule;
mod scratch;
mod signals;
#[path = "../support/small_disk.rs"]
mod small_disk;
mod usage;
