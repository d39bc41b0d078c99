//! Claims about `azure`, beyond the contract.
