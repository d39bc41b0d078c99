//! The command line's contract, against the built binary.

#[path = "../support/mod.rs"]
mod support;
