//! Claims about `capture`.
