//! How far a capture is, told to the observer in bytes of the whole group.

use std::cell::Cell;

use crate::model::{Observer, Phase, Progress};

pub(super) struct Tally<'a> {
    observer: &'a dyn Observer,
    done: Cell<u64>,
    total: u64,
}

impl<'a> Tally<'a> {
    pub(super) fn new(observer: &'a dyn Observer, total: u64) -> Self {
        Self {
            observer,
            done: Cell::new(0),
            total,
        }
    }

    /// `bytes` more of `component` are copied. What is copied twice does not count beyond the total.
    pub(super) fn add(&self, component: &str, bytes: u64) {
        self.done
            .set(self.done.get().saturating_add(bytes).min(self.total));
        self.observer.progress(&Progress {
            phase: Phase::Capturing,
            done_bytes: self.done.get(),
            total_bytes: self.total,
            what: component.to_owned(),
        });
    }
}
