//! The contract suite against every type of destination.

mod local;
