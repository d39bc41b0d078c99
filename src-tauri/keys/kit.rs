//! What the recovery kit holds: one text file, the identity in a form that `age -i` takes, all else as comments.
//!
//! `# key: value` lines are read back; lines that begin with `#` and two spaces are for people. It touches no file.

mod read;
mod write;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::DestinationConfig;

pub use read::read;
pub use write::write;

pub struct Kit {
    pub created_at: Timestamp,
    /// At least one; the recipient belongs to one of them.
    pub identities: Vec<age::x25519::Identity>,
    pub recipient: String,
    pub verification_key: String,
    pub instances: Vec<KitInstance>,
    /// Without secrets.
    pub destinations: Vec<DestinationConfig>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct KitInstance {
    pub id: String,
    pub name: String,
    pub path: String,
}

#[derive(Debug, thiserror::Error)]
pub enum KitError {
    #[error("not a recovery kit: {0}")]
    NotAKit(String),
    #[error("line {line}: {reason}")]
    Line { line: usize, reason: String },
}

const VERSION: &str = "1";

/// The keys of the lines that are read back.
mod key {
    pub const KIT: &str = "holdfast recovery kit";
    pub const CREATED: &str = "created";
    pub const RECIPIENT: &str = "public key";
    pub const VERIFICATION_KEY: &str = "verification key";
    pub const INSTANCE: &str = "instance";
    pub const DESTINATION: &str = "destination";
    pub const END: &str = "end";
}
