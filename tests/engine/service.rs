//! Claims about the verbs, on a real sample instance with keys in a file.

mod backups;
mod catalogue;
mod checks;
mod deliveries;
pub mod fixture;
mod found;
mod hooks;
mod hooks_of_others;
mod keys;
mod live;
mod old_archives;
mod places;
mod restores;
mod retention;
mod retention_guards;
mod safety;
mod sentences;
mod trouble;
