//! What is read of an instance: its databases as of one moment, its configuration, its trees. It writes nothing but private copies,
//! and knows nothing of archives.

pub mod config;
pub mod database;
pub mod discover;
pub mod files;
pub mod guard;
