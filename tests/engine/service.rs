//! Claims about `service`.
