//! The engine against real files, real SQLite and real writers in other processes.

#[path = "../support/faulty/mod.rs"]
mod faulty;
#[path = "../support/holder.rs"]
mod holder;
#[path = "../support/old_archive.rs"]
mod old_archive;
#[path = "../support/session.rs"]
mod session;
#[path = "../support/site.rs"]
mod site;
#[path = "../support/mod.rs"]
mod support;

mod alerts;
mod archive;
mod capture;
mod config;
mod discover;
mod files;
mod invariants;
mod jobs;
mod keys;
mod restore;
mod restore_crash;
mod restore_limits;
mod restore_live;
mod restore_tree;
mod retention;
mod sample;
mod schedule;
mod service;
mod store;
