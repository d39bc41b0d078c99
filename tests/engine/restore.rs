//! Claims about `restore`.
