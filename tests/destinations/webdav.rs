//! Claims about `webdav`, beyond the contract.
