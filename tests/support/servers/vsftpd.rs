//! vsftpd: plain FTP, explicit and implicit TLS.
