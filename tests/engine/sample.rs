//! Claims about `sample`.
