//! What becomes of the slots that have passed, as a pure function: schedule, what was decided before, and the time are its arguments.
//! It keeps nothing and starts nothing.

use jiff::{SignedDuration, Timestamp};

use super::slot::{How, Reason, SlotRecord, SlotState};
use crate::model::schedule::{CatchUp, Schedule, Slots, between};

/// A slot that is noticed no later than this, by somebody who was there when it was due, runs on time.
pub const ON_TIME: SignedDuration = SignedDuration::from_mins(5);

/// An absence as short as this is none: a process that replaces itself, a machine that nods.
const NOD: SignedDuration = SignedDuration::from_secs(10);

/// Skipped slots are counted up to here: a schedule of every minute in a machine that was off for years is no reason to count for minutes.
pub const MOST_COUNTED: u64 = 10_000;

/// However short the grace, an attempt that waits or is tried again has this long.
const LEAST_PATIENCE: SignedDuration = SignedDuration::from_mins(30);

const FIRST_RETRY: SignedDuration = SignedDuration::from_mins(1);
const LAST_RETRY: SignedDuration = SignedDuration::from_mins(60);

/// The time, and since when somebody has been there to see slots come due: the start, the end of a sleep, a step of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watch {
    pub now: Timestamp,
    pub since: Timestamp,
}

/// What was decided before.
pub struct Standing<'a> {
    /// Every slot up to here is decided.
    pub cursor: Timestamp,
    /// The claim that has not come to its end.
    pub open: Option<&'a SlotRecord>,
    /// Slots after the cursor that were claimed all the same, ascending: the clock was set back since.
    pub taken: &'a [Timestamp],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The open claim ends as what it is: a newer slot takes over.
    Supersede,
    Claim {
        slot: Timestamp,
        how: How,
    },
    Skip {
        span: Span,
        reason: Reason,
    },
    /// The clock was set back: what was skipped after the new time comes again. What ran does not.
    Void,
}

/// Slots in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub first: Timestamp,
    pub last: Timestamp,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    pub decisions: Vec<Decision>,
    pub cursor: Timestamp,
}

/// What is to be done about slots in (cursor, now]. Nothing to decide leaves the cursor where it is, so that nothing has to be written.
/// Not for a paused schedule: its slots are counted when it is resumed.
pub fn decide(
    schedule: &Schedule,
    slots: &dyn Slots,
    standing: &Standing<'_>,
    watch: Watch,
) -> Decided {
    if standing.cursor > watch.now {
        return Decided {
            decisions: vec![Decision::Void],
            cursor: watch.now,
        };
    }
    let mut due = due(slots, standing, watch.now);
    let runs = standing.open.is_some_and(|o| o.state == SlotState::Running);
    let fate = match due.newest {
        _ if runs => Fate::Skipped(Reason::StillRunning),
        Some(newest) if standing.taken.contains(&newest) => Fate::Skipped(Reason::Covered),
        Some(newest) => fate(schedule, newest, watch),
        // Then there is nothing to be skipped either.
        None => Fate::Skipped(Reason::Missed),
    };
    let mut decisions = Vec::new();
    let mut skip = |spans: Vec<Span>, reason| {
        let all = spans.into_iter();
        decisions.extend(all.map(|span| Decision::Skip { span, reason }));
    };
    match (fate, due.newest) {
        (Fate::Runs(how), Some(slot)) => {
            skip(
                due.earlier.all,
                match schedule.catch_up {
                    CatchUp::Once => Reason::Covered,
                    CatchUp::Skip => Reason::Missed,
                },
            );
            if standing.open.is_some() {
                decisions.push(Decision::Supersede);
            }
            decisions.push(Decision::Claim { slot, how });
        }
        (Fate::Skipped(reason), newest) => {
            if let Some(slot) = newest {
                due.earlier.add(slot);
            }
            skip(due.earlier.all, reason);
        }
        (Fate::Runs(_), None) => {}
    }
    Decided {
        decisions,
        cursor: due.newest.unwrap_or(standing.cursor),
    }
}

/// Of slots that passed while it was paused, or before it was given other times.
pub fn skipped(
    slots: &dyn Slots,
    after: Timestamp,
    until: Timestamp,
    taken: &[Timestamp],
) -> Vec<Span> {
    let mut spans = Spans::new(taken);
    spans.walk(slots, after, until);
    spans.all
}

struct Due<'a> {
    /// All but the newest.
    earlier: Spans<'a>,
    /// None where nothing is due.
    newest: Option<Timestamp>,
}

fn due<'a>(slots: &dyn Slots, standing: &Standing<'a>, now: Timestamp) -> Due<'a> {
    let mut earlier = Spans::new(standing.taken);
    let newest = newest(slots, standing.cursor, now);
    if let Some(newest) = newest {
        let before = back(newest, SignedDuration::from_nanos(1));
        earlier.walk(slots, standing.cursor, before);
    }
    Due { earlier, newest }
}

/// The last slot in (cursor, now], looked for from the end, so that years of minutes cost what an hour of them does.
fn newest(slots: &dyn Slots, cursor: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let windows = [1, 24, 24 * 7, 24 * 62, 24 * 366].map(SignedDuration::from_hours);
    let starts = windows
        .into_iter()
        .map(|window| back(now, window).max(cursor));
    starts
        .chain([cursor])
        .find_map(|start| between(slots, start, now).last())
}

enum Fate {
    Runs(How),
    Skipped(Reason),
}

/// Of the newest slot that is due.
fn fate(schedule: &Schedule, slot: Timestamp, watch: Watch) -> Fate {
    let late = watch.now.duration_since(slot);
    if late <= ON_TIME && forward(slot, NOD) >= watch.since {
        Fate::Runs(How::OnTime)
    } else if schedule.catch_up == CatchUp::Once && late <= grace(schedule) {
        Fate::Runs(How::CaughtUp)
    } else {
        Fate::Skipped(Reason::Missed)
    }
}

/// What is next for a claim that waits or is to be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Start,
    Wait,
    /// Too late for it: it ends as what it is.
    End,
}

/// Whether an attempt may still be made.
#[must_use]
pub fn is_in_time(schedule: &Schedule, record: &SlotRecord, now: Timestamp) -> bool {
    now <= forward(record.slot, patience(schedule))
}

#[must_use]
pub fn advance(schedule: &Schedule, record: &SlotRecord, watch: Watch) -> Next {
    if !is_in_time(schedule, record, watch.now) {
        return Next::End;
    }
    let settles = record.how == How::CaughtUp || record.interruptions > 0;
    if settles && watch.now < forward(watch.since, seconds(schedule.settle_seconds)) {
        return Next::Wait;
    }
    match record.not_before {
        // Further away than any wait is long: the clock was set back since.
        Some(at) if at > watch.now && at <= forward(watch.now, LAST_RETRY) => Next::Wait,
        _ => Next::Start,
    }
}

/// How long after the `attempt`th failure the next attempt comes: 1, 4, 16 and 60 minutes.
#[must_use]
pub fn retry_after(attempt: u32) -> SignedDuration {
    let factor = 4_i32.saturating_pow(attempt.saturating_sub(1));
    FIRST_RETRY.saturating_mul(factor).min(LAST_RETRY)
}

fn patience(schedule: &Schedule) -> SignedDuration {
    grace(schedule).max(LEAST_PATIENCE)
}

fn grace(schedule: &Schedule) -> SignedDuration {
    seconds(schedule.grace_seconds)
}

fn seconds(seconds: u64) -> SignedDuration {
    SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
}

fn forward(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

fn back(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

/// Stretches of slots, broken where one was claimed.
struct Spans<'a> {
    all: Vec<Span>,
    taken: &'a [Timestamp],
    open: bool,
}

impl<'a> Spans<'a> {
    fn new(taken: &'a [Timestamp]) -> Self {
        Self {
            all: Vec::new(),
            taken,
            open: false,
        }
    }

    /// The slots in (after, until]. Past the limit the rest belongs to the last stretch, uncounted.
    fn walk(&mut self, slots: &dyn Slots, after: Timestamp, until: Timestamp) {
        for (counted, slot) in (0..).zip(between(slots, after, until)) {
            if counted == MOST_COUNTED {
                if let Some(span) = self.all.last_mut() {
                    span.last = until;
                }
                return;
            }
            self.add(slot);
        }
    }

    fn add(&mut self, slot: Timestamp) {
        if self.taken.contains(&slot) {
            self.open = false;
            return;
        }
        match self.all.last_mut() {
            Some(span) if self.open => {
                span.last = slot;
                span.count += 1;
            }
            _ => self.all.push(Span {
                first: slot,
                last: slot,
                count: 1,
            }),
        }
        self.open = true;
    }
}
