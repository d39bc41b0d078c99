//! pyftpdlib: plain FTP and explicit TLS.
