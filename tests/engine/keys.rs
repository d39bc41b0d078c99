//! Claims about `keys`.

mod file;
mod keyring;
mod kit;
mod pairs;
