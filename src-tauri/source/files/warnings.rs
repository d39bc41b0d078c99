//! Warnings of one walk. A tree that nobody may read must not become a list of a million lines.

use std::collections::BTreeMap;

use crate::model::Warning;

/// Of each code as many are kept word for word.
const KEPT: usize = 100;

#[derive(Default)]
pub(crate) struct Warnings {
    kept: Vec<Warning>,
    counts: BTreeMap<&'static str, usize>,
}

impl Warnings {
    pub fn add(&mut self, code: &'static str, message: String) {
        let count = self.counts.entry(code).or_default();
        *count += 1;
        if *count <= KEPT {
            self.kept.push(Warning::new(code, None, message));
        }
    }

    pub fn into_vec(mut self) -> Vec<Warning> {
        for (code, count) in self.counts {
            if let Some(more) = count.checked_sub(KEPT).filter(|more| *more > 0) {
                let message = format!("and {more} more of this kind");
                self.kept.push(Warning::new(code, None, message));
            }
        }
        self.kept
    }
}
