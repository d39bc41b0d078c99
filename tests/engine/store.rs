//! Claims about `store`.
