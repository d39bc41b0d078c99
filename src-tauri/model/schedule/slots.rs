//! The slots of a cadence: pure functions of it and an instant. What became of a slot is not known here.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::cron::{Pace, Pattern};

/// The due times of a schedule. They depend on nothing but it: neither on when the search starts nor on what ran before.
pub trait Slots: Send + Sync {
    /// The first slot after `after`, which itself does not count.
    fn next_after(&self, after: Timestamp) -> Option<Timestamp>;
}

/// The slots after `after`, up to `until` and with it.
pub fn between(
    slots: &dyn Slots,
    after: Timestamp,
    until: Timestamp,
) -> impl Iterator<Item = Timestamp> {
    // A cadence of one's own that does not go forward ends here instead of going on for ever.
    let later = move |last: Timestamp| slots.next_after(last).filter(|next| *next > last);
    std::iter::successors(later(after), move |last| later(*last))
        .take_while(move |slot| *slot <= until)
}

/// No slot: the schedule runs by hand alone.
pub(super) struct NoSlots;

impl Slots for NoSlots {
    fn next_after(&self, _: Timestamp) -> Option<Timestamp> {
        None
    }
}

/// `anchor` and each whole number of intervals after it, in elapsed time.
pub(super) struct IntervalSlots {
    pub every_seconds: u64,
    pub anchor: Timestamp,
}

impl Slots for IntervalSlots {
    fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        if after < self.anchor {
            return Some(self.anchor);
        }
        // In nanoseconds, 128 bits hold the product of any interval and any time.
        let every = i128::from(self.every_seconds) * 1_000_000_000;
        let anchor = self.anchor.as_nanosecond();
        let passed = (after.as_nanosecond() - anchor).checked_div(every)?;
        Timestamp::from_nanosecond(anchor + (passed + 1) * every).ok()
    }
}

/// A cron pattern on the wall clock of a zone.
///
/// A fixed time is due at the first instant at which the clock shows it or has passed over it. That is all of its rule: a time in a gap is
/// due at the gap's end, several such are due there once, a time that comes twice is due at its first. It holds for any change, such as
/// Samoa's day that was left out. Other patterns are due whenever the clock shows a matching minute: all through a repeated hour, and not
/// at all for what a gap leaves out.
pub(super) struct CronSlots {
    pub pattern: Pattern,
    pub zone: TimeZone,
}

/// How long before a change another one can still matter: more than any two offsets are apart.
const CHANGES_MEET: SignedDuration = SignedDuration::from_hours(72);

/// A pattern of elapsed time could match nothing but times in gaps; past this the search ends.
const HORIZON: SignedDuration = SignedDuration::from_hours(42 * 366 * 24);

/// A stretch of time in which the offset of a zone stays the same.
struct Stretch {
    start: Timestamp,
    offset: Offset,
    /// Where the next one starts, if ever.
    end: Option<Timestamp>,
}

impl Slots for CronSlots {
    fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let earliest = next_second(after)?;
        let latest = earliest.saturating_add(HORIZON).unwrap_or(Timestamp::MAX);
        let mut stretch = self.stretch_at(earliest);
        // The clock has shown, or passed over, all that lies before it.
        let mut reached = self.reached_before(stretch.start);
        loop {
            let mut from = stretch.offset.to_datetime(stretch.start.max(earliest));
            if self.pattern.pace == Pace::Fixed {
                let passed_over = |time: &DateTime| *time < from;
                if stretch.start >= earliest
                    && self
                        .pattern
                        .first_from(reached)
                        .is_some_and(|t| passed_over(&t))
                {
                    return Some(stretch.start);
                }
                from = from.max(reached);
            }
            let time = self.pattern.first_from(from)?;
            let slot = stretch.offset.to_timestamp(time).ok();
            let Some(end) = stretch.end else {
                return slot;
            };
            if slot.is_some_and(|slot| slot < end) {
                return slot;
            }
            if end > latest {
                return None;
            }
            reached = reached.max(stretch.offset.to_datetime(end));
            stretch = self.stretch_at(end);
        }
    }
}

impl CronSlots {
    fn stretch_at(&self, at: Timestamp) -> Stretch {
        let past = at
            .saturating_add(SignedDuration::from_nanos(1))
            .unwrap_or(at);
        Stretch {
            start: self
                .zone
                .preceding(past)
                .next()
                .map_or(Timestamp::MIN, |change| change.timestamp()),
            offset: self.zone.to_offset(at),
            end: self
                .zone
                .following(at)
                .next()
                .map(|change| change.timestamp()),
        }
    }

    /// What the clock had come to just before `start`: the furthest of the changes there, should several meet.
    fn reached_before(&self, start: Timestamp) -> DateTime {
        let earlier = self.zone.preceding(start).map(|change| change.timestamp());
        std::iter::once(start)
            .chain(earlier)
            .take_while(|change| start.duration_since(*change) < CHANGES_MEET)
            .filter_map(|change| {
                let before = change.checked_sub(SignedDuration::from_nanos(1)).ok()?;
                Some(self.zone.to_offset(before).to_datetime(change))
            })
            .max()
            .unwrap_or(DateTime::MIN)
    }
}

/// The first whole second after an instant: no slot lies between.
fn next_second(after: Timestamp) -> Option<Timestamp> {
    let second = after.as_nanosecond().div_euclid(1_000_000_000) + 1;
    Timestamp::from_second(i64::try_from(second).ok()?).ok()
}
