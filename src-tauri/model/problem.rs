//! What a person is told of a failure: one shape for the command line, the window and the history.

use serde::{Deserialize, Serialize};

/// A failure in words. The words are made in `service::sentences`, nowhere else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Problem {
    /// Stable, `snake_case`.
    pub code: String,
    /// What failed and why.
    pub message: String,
    /// What to do next.
    pub hint: String,
}

/// A fault that `verify` or `drill` found in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ArchiveProblem {
    pub code: String,
    /// The entry or member concerned, where there is one.
    pub entry: Option<String>,
    pub message: String,
}
