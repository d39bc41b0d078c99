//! Claims about `sftp`, beyond the contract.
