//! OpenSSH.
