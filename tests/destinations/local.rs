//! Claims about `local`.
