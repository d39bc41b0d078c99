//! Claims about `invariants`.
