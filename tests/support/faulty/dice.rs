//! Faults by chance, the same ones for the same seed: only such as pass by themselves.

use std::collections::BTreeMap;
use std::time::Duration;

use holdfast::destination::ErrorKind;

use super::{Fault, On};

/// Of one operation.
const IN_A_ROW: u32 = 3;
/// More than the archives of the contract have.
const FAR: u64 = 9 << 20;

pub struct Dice {
    state: u64,
    row: BTreeMap<On, u32>,
}

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self {
            state: (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15),
            row: BTreeMap::new(),
        }
    }

    pub fn roll(&mut self, on: On) -> Option<Fault> {
        let row = self.row.entry(on).or_insert(0);
        if on == On::Staging || *row == IN_A_ROW {
            *row = 0;
            return None;
        }
        *row += 1;
        let kinds = [
            ErrorKind::Unreachable,
            ErrorKind::Timeout,
            ErrorKind::Truncated,
        ];
        let (which, kind, far) = (self.below(6), self.below(3), self.below(FAR));
        let kind = match (which, on, kinds[usize::try_from(kind).unwrap()]) {
            // A read that cannot begin is short of bytes only past the end, and that does not pass.
            (0 | 1, On::Get, ErrorKind::Truncated) => ErrorKind::Unreachable,
            (_, _, kind) => kind,
        };
        let fault = match (which, on) {
            (0, _) => Fault::Fails(kind),
            (1, _) => Fault::LosesTheAnswer(kind),
            (2, _) => Fault::Throttles(Duration::from_secs(far % 100)),
            (3, On::Put) => Fault::CutsAt(far, kind),
            (4, On::Put) => Fault::CutsAndKeeps(far, kind),
            (3, On::Get) => Fault::BreaksAt(far, kind),
            (4, On::Get) => Fault::ByteByByte,
            (3, On::List) => Fault::ListsOnly(1, kind),
            (4, On::List) => Fault::ListsTwice,
            _ => {
                self.row.insert(on, 0);
                return None;
            }
        };
        Some(fault)
    }

    /// Xorshift.
    fn below(&mut self, end: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state % end
    }
}
