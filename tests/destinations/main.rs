//! The contract suite against every type of destination.

mod faulty;
mod keys;
mod local;
#[path = "../support/small_disk.rs"]
mod small_disk;
mod suite;
