//! Claims about `keys`.
