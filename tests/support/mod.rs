//! What several test programs share. Each file is one thing; nothing here asserts.

pub mod sqlite_fixture;
pub mod writer;
