//! Claims about `s3`, beyond the contract.
