//! Holdfast: backs up services that live on SQLite databases and configuration files, and proves that the backups restore.

pub mod alerts;
pub mod archive;
pub mod autostart;
pub mod cli;
pub mod destination;
pub mod environment;
pub mod jobs;
pub mod keys;
pub mod model;
pub mod service;
#[cfg(feature = "desktop")]
pub mod shell;
pub mod source;
pub mod store;
