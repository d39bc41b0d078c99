//! Two steps of one copy at once: what is made by one thread is used by another, a few blocks behind.

use std::thread;

use crossbeam_channel::bounded;

use super::DestinationError;

type Result<T> = std::result::Result<T, DestinationError>;

/// Blocks that are made and not yet used: what a stream of them may cost in memory.
const AHEAD: usize = 4;

/// Calls `make` on a thread of its own until it has no more, and `take` with each block. The first failure of either ends both.
pub(super) fn copy<B: Send>(
    mut make: impl FnMut() -> Result<Option<B>> + Send,
    mut take: impl FnMut(B) -> Result<()>,
) -> Result<()> {
    let (sender, receiver) = bounded(AHEAD);
    thread::scope(|scope| {
        scope.spawn(move || {
            loop {
                let made = make();
                let is_last = !matches!(made, Ok(Some(_)));
                if sender.send(made).is_err() || is_last {
                    return;
                }
            }
        });
        for made in receiver {
            match made? {
                Some(block) => take(block)?,
                None => return Ok(()),
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::ErrorKind;

    #[test]
    fn every_block_is_used_in_its_order() {
        let (mut made, mut taken) = (0..100, Vec::new());
        copy(
            || Ok(made.next()),
            |n| {
                taken.push(n);
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(taken, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_failure_of_either_ends_both() {
        let failed = || DestinationError::new(ErrorKind::Protocol, "failed");
        let making = copy(|| Err::<Option<()>, _>(failed()), |()| Ok(()));
        assert_eq!(making.unwrap_err().kind, ErrorKind::Protocol);
        // Without an end of its own.
        let taking = copy(|| Ok(Some(())), |()| Err(failed()));
        assert_eq!(taking.unwrap_err().kind, ErrorKind::Protocol);
    }
}
