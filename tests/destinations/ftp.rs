//! Claims about `ftp`, beyond the contract.
