//! Claims about `discover`.
