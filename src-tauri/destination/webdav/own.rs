//! Which of the paths in a listing lie in the folder that was asked for.

use url::Url;

use super::Result;
use super::multistatus::segments;
use crate::destination::{DestinationError, ErrorKind};

/// The folder that was listed, among what its listing names. Servers behind a proxy may name it with another beginning than was asked for.
pub(super) struct Own {
    asked: Vec<String>,
    path: Option<Vec<String>>,
    seen: bool,
}

impl Own {
    pub fn of(url: &Url) -> Result<Self> {
        let asked = segments(url).ok_or_else(|| {
            let detail = "the address has a part that is no text";
            DestinationError::new(ErrorKind::Config, detail)
        })?;
        Ok(Self {
            asked,
            path: None,
            seen: false,
        })
    }

    /// The name of what is directly in the folder; None for anything else.
    pub fn child(&mut self, mut path: Vec<String>) -> Result<Option<String>> {
        if self.path.is_none() {
            let is_asked = path == self.asked;
            let is_child = path.split_last().is_some_and(|(_, up)| up == self.asked);
            let is_alike = path.ends_with(&self.asked) || self.asked.ends_with(&path);
            self.path = match (is_asked || is_child, is_alike) {
                (true, _) => Some(self.asked.clone()),
                (false, true) => Some(path.clone()),
                (false, false) => return Err(another_folder()),
            };
        }
        let own = self.path.as_ref().unwrap_or(&self.asked);
        if path == *own {
            self.seen = true;
            return Ok(None);
        }
        let name = path.pop();
        Ok(name.filter(|_| path == *own))
    }

    /// So that a listing of something else is never taken for an empty folder.
    pub fn require_seen(&self) -> Result<()> {
        if self.seen {
            Ok(())
        } else {
            Err(another_folder())
        }
    }
}

fn another_folder() -> DestinationError {
    let detail = "the server lists another folder than was asked for";
    DestinationError::new(ErrorKind::Protocol, detail)
}
