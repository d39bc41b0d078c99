//! What several test programs share. Each file is one thing; nothing here asserts.

pub mod holder;
pub mod site;
pub mod sqlite_fixture;
pub mod writer;
