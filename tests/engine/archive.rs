//! Claims about `archive`.
