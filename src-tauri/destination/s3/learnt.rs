//! What is known of a store while it is open: stores that speak S3 differ in what they understand, and some ignore what they do not. It is
//! learnt from their answers, and kept nowhere.

use std::sync::atomic::{AtomicU8, Ordering};

/// A fact that is not known from the beginning.
#[derive(Default)]
pub(super) struct Fact(AtomicU8);

const YES: u8 = 1;
const NO: u8 = 2;

impl Fact {
    pub fn set(&self, holds: bool) {
        self.0
            .store(if holds { YES } else { NO }, Ordering::Relaxed);
    }

    pub fn get(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            YES => Some(true),
            NO => Some(false),
            _ => None,
        }
    }

    pub fn is_known_to_hold(&self) -> bool {
        self.get() == Some(true)
    }

    pub fn is_known_to_fail(&self) -> bool {
        self.get() == Some(false)
    }
}

#[derive(Default)]
pub(super) struct Learnt {
    /// `If-None-Match: *` keeps a PUT from replacing what is there. Where it is known not to, it is not sent: some stores refuse it.
    pub creates_only: Fact,
    /// … and the completion of an upload in parts.
    pub completes_only: Fact,
    /// A wrong `x-amz-checksum-sha256` is refused: one that was accepted is the store's own word.
    pub checks_sums: Fact,
    /// The header for the checksum is taken, looked at or not.
    pub takes_sums: Fact,
}

impl Learnt {
    /// Of Amazon's own S3 it is documented.
    pub fn of_amazon() -> Self {
        let learnt = Self::default();
        learnt.creates_only.set(true);
        learnt.completes_only.set(true);
        learnt.checks_sums.set(true);
        learnt
    }

    pub fn atomic_create(&self) -> bool {
        self.creates_only.is_known_to_hold() && self.completes_only.is_known_to_hold()
    }

    pub fn with_sums(&self) -> bool {
        !self.takes_sums.is_known_to_fail()
    }
}
