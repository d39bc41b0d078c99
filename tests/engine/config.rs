//! Claims about `config`.
