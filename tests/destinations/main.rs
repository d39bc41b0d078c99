//! The contract suite against every type of destination.

mod faulty;
mod keys;
mod local;
mod suite;
