//! Claims about destinations: the contract suite against each type, and what each type promises beyond it.

mod azure;
mod decorators;
#[path = "../support/faulty/mod.rs"]
mod faulty;
mod ftp;
mod keys;
mod local;
mod network;
mod pretender;
mod s3;
#[path = "../support/servers/mod.rs"]
#[allow(dead_code, reason = "the bench uses them too, and other parts")]
mod servers;
mod sftp;
#[path = "../support/small_disk.rs"]
mod small_disk;
mod suite;
mod webdav;
