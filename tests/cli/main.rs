//! The command line's contract, against the built binary: exit statuses, JSON shapes, and what is on disk afterwards.

mod archives;
mod demo;
mod hostile;
mod journey;
mod recovery;
mod restore;
mod scratch;
mod signals;
mod usage;
