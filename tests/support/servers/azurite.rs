//! Azurite, which speaks Azure Blob Storage.
