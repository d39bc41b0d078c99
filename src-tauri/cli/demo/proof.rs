//! The list of what was claimed and seen, told line by line while it grows.

use serde::Serialize;

use crate::cli::error::{Error, Result};
use crate::cli::session::Session;

#[derive(Serialize)]
pub(super) struct Claim {
    #[serde(rename = "claim")]
    text: &'static str,
    proved: bool,
    /// What was found in the files.
    seen: String,
}

pub(super) struct Proof<'a> {
    session: &'a Session,
    claims: Vec<Claim>,
}

impl<'a> Proof<'a> {
    pub fn new(session: &'a Session) -> Self {
        Self {
            session,
            claims: Vec::new(),
        }
    }

    pub fn claim(&mut self, claim: &'static str, proved: bool, seen: String) -> Result<()> {
        let word = if proved { "ok    " } else { "FAILED" };
        self.line(&format!("{word}  {claim} ({seen})"))?;
        self.claims.push(Claim {
            text: claim,
            proved,
            seen,
        });
        Ok(())
    }

    pub fn line(&self, text: &str) -> Result<()> {
        self.session.clear_progress();
        self.session.output.line(text).map_err(Error::Output)
    }

    /// Whether all of them hold; nothing claimed is nothing proved.
    pub fn end(self) -> (bool, Vec<Claim>) {
        let ok = !self.claims.is_empty() && self.claims.iter().all(|c| c.proved);
        (ok, self.claims)
    }
}
