//! Since when somebody has been there to see slots come due: a pure function of what the clocks said at one look and at the next.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::decide::Watch;

/// Longer between two looks than this, and nobody was watching: the process was stopped, or starved.
const ABSENCE: Duration = Duration::from_mins(1);

/// The machine was away for longer than this.
const SLEEP: Duration = Duration::from_secs(2);

/// The wall clock went elsewhere by more than this.
const STEP: SignedDuration = SignedDuration::from_secs(5);

/// What the clocks say.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub wall: Timestamp,
    /// Goes on while the machine sleeps.
    pub boot: Duration,
    /// Stands still meanwhile.
    pub awake: Duration,
}

/// Looks again and again.
#[derive(Debug, Default)]
pub struct Clock {
    last: Option<(Reading, Timestamp)>,
}

impl Clock {
    pub fn look(&mut self, now: Reading) -> Watch {
        let since = match self.last {
            Some((last, since)) if was_there(&last, &now) => since,
            _ => now.wall,
        };
        self.last = Some((now, since));
        Watch {
            now: now.wall,
            since,
        }
    }
}

fn was_there(last: &Reading, now: &Reading) -> bool {
    let passed = now.boot.saturating_sub(last.boot);
    let awake = now.awake.saturating_sub(last.awake);
    let by_wall = now.wall.duration_since(last.wall);
    let step = by_wall - SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX);
    passed <= ABSENCE && passed.saturating_sub(awake) <= SLEEP && step.abs() <= STEP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(wall: i64, boot: u64, awake: u64) -> Reading {
        Reading {
            wall: Timestamp::from_second(wall).unwrap(),
            boot: Duration::from_secs(boot),
            awake: Duration::from_secs(awake),
        }
    }

    /// In seconds: since when it has watched, after these looks.
    fn since(looks: &[(i64, u64, u64)]) -> i64 {
        let mut clock = Clock::default();
        let last = looks
            .iter()
            .map(|(w, b, a)| clock.look(reading(*w, *b, *a)));
        last.last().unwrap().since.as_second()
    }

    #[test]
    fn regular_looks_watch_since_the_first() {
        assert_eq!(since(&[(1000, 0, 0), (1015, 15, 15), (1030, 30, 30)]), 1000);
    }

    #[test]
    fn a_sleep_a_stop_and_a_step_of_the_clock_are_absences() {
        let asleep = [(1000, 0, 0), (1040, 40, 15)];
        let stopped = [(1000, 0, 0), (1100, 100, 100)];
        let forward = [(1000, 0, 0), (9000, 15, 15)];
        let back = [(1000, 0, 0), (500, 15, 15)];
        for (looks, expected) in [
            (asleep, 1040),
            (stopped, 1100),
            (forward, 9000),
            (back, 500),
        ] {
            assert_eq!(since(&looks), expected, "{looks:?}");
        }
    }

    #[test]
    fn a_clock_that_is_corrected_by_a_little_is_none() {
        assert_eq!(since(&[(1000, 0, 0), (1018, 15, 15), (1030, 30, 30)]), 1000);
    }
}
