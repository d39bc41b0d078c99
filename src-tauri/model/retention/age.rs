//! How old archives are, where the clock may be wrong. It only doubts; what follows from that is decided elsewhere.
//!
//! A clock that has jumped a year ahead makes everything a year old, and a rule about days would delete all of it. So an age is not now
//! less the signed time: it is the sum of the pauses between the good archives since, and one pause counts for a part of `keep_days` at
//! most: that of the floor, or a third. Where backups are rarer than that, fewer than the floor are young, and the floor keeps them anyway:
//! for a rhythm that the rule is meant for, nothing changes. A jump costs that part of an age, once; a month without backups lets archives
//! stay a month longer.
//!
//! While there is no newer archive for a week, or longer than a pause counts, nothing is old: the next backup tells whether the clock is
//! right. Nor while one is dated after now.
//!
//! A pause is judged by nothing but itself, so that no age grows when other archives go.

use jiff::{SignedDuration, Timestamp};

use super::ClockDoubt;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A pause never counts for more than this part of `keep_days`.
const LEAST_PARTS: u32 = 3;

pub(super) struct Age {
    /// Whole ones, by the calendar.
    pub days: u32,
    pub verdict: AgeVerdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AgeVerdict {
    Young,
    /// Young as far as one can be sure, old by the calendar.
    Doubtful(ClockDoubt),
    Old,
}

/// Of archives that were made at these times, newest first, none of them after now beyond the tolerance.
pub(super) fn ages(
    times: &[Timestamp],
    keep_days: u32,
    floor: u32,
    now: Timestamp,
    some_after_now: bool,
) -> Vec<Age> {
    let limit = DAY.saturating_mul(i32::try_from(keep_days).unwrap_or(i32::MAX));
    let parts = i32::try_from(floor.max(LEAST_PARTS)).unwrap_or(i32::MAX);
    // Rounded up: all parts together are not less than the whole.
    let most = (limit / parts).saturating_add(SignedDuration::from_nanos(1));
    let newest = times.first().copied().unwrap_or(now);
    let doubt_of_now = if some_after_now {
        Some(ClockDoubt::AfterNow)
    } else if now.duration_since(newest) > most.max(WEEK) {
        Some(ClockDoubt::LongSilence)
    } else {
        None
    };
    let mut later = now;
    let mut counted = SignedDuration::ZERO;
    times
        .iter()
        .map(|at| {
            let pause = later.duration_since(*at).max(SignedDuration::ZERO);
            counted = counted.saturating_add(pause.min(most));
            later = *at;
            let by_calendar = now.duration_since(*at);
            let verdict = match doubt_of_now {
                _ if by_calendar <= limit => AgeVerdict::Young,
                Some(doubt) => AgeVerdict::Doubtful(doubt),
                None if counted < limit => AgeVerdict::Doubtful(ClockDoubt::LongPause),
                None => AgeVerdict::Old,
            };
            let hours = by_calendar.as_hours().max(0);
            Age {
                days: u32::try_from(hours / 24).unwrap_or(u32::MAX),
                verdict,
            }
        })
        .collect()
}
