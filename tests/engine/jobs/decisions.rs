//! What becomes of the slots that have passed, decision by decision.

use holdfast::jobs::Watch;
use holdfast::jobs::decide::{
    Decided, Decision, MOST_COUNTED, Next, Span, Standing, advance, decide, retry_after,
};
use holdfast::jobs::slot::{How, Reason, SlotRecord, SlotState};
use holdfast::model::schedule::{CatchUp, Schedule};
use jiff::{SignedDuration, Timestamp};

use super::{at, by_cron};

/// Every day at 03:00 UTC.
fn daily() -> Schedule {
    by_cron("0 3 * * *", "UTC")
}

fn decided(
    schedule: &Schedule,
    cursor: &str,
    open: Option<&SlotRecord>,
    watch: (&str, &str),
) -> Decided {
    let standing = Standing {
        cursor: at(cursor),
        open,
        taken: &[],
    };
    let slots = schedule.slots().unwrap();
    let (now, since) = (at(watch.0), at(watch.1));
    decide(schedule, &*slots, &standing, Watch { now, since })
}

fn claim(slot: &str, how: How) -> Decision {
    Decision::Claim {
        slot: at(slot),
        how,
    }
}

fn skip(first: &str, last: &str, count: u64, reason: Reason) -> Decision {
    let span = Span {
        first: at(first),
        last: at(last),
        count,
    };
    Decision::Skip { span, reason }
}

fn record(slot: &str, state: SlotState) -> SlotRecord {
    SlotRecord {
        id: 1,
        schedule_id: "job".to_owned(),
        slot: at(slot),
        last_slot: at(slot),
        count: 1,
        how: How::OnTime,
        state,
        reason: None,
        problem: None,
        run_id: None,
        attempt: 1,
        interruptions: 0,
        not_before: None,
        started_at: None,
        ended_at: None,
        done: Vec::new(),
        owner: None,
    }
}

const START: &str = "2026-11-01T00:00:00Z";

#[test]
fn before_its_time_nothing_is_decided_and_nothing_has_to_be_written() {
    let cursor = "2026-11-25T03:00:00Z";
    let decided = decided(&daily(), cursor, None, ("2026-11-26T02:59:59Z", START));
    assert_eq!(decided.decisions, []);
    assert_eq!(decided.cursor, at(cursor));
}

#[test]
fn who_was_there_runs_it_on_time() {
    let decided = decided(
        &daily(),
        "2026-11-25T03:00:00Z",
        None,
        ("2026-11-26T03:00:14Z", START),
    );
    assert_eq!(
        decided.decisions,
        [claim("2026-11-26T03:00:00Z", How::OnTime)]
    );
    assert_eq!(decided.cursor, at("2026-11-26T03:00:00Z"));
}

#[test]
fn who_woke_later_catches_up_within_the_grace_and_skips_beyond_it() {
    let cursor = "2026-11-25T03:00:00Z";
    for (now, decision) in [
        (
            "2026-11-26T08:59:00Z",
            claim("2026-11-26T03:00:00Z", How::CaughtUp),
        ),
        (
            "2026-11-26T09:00:01Z",
            skip(
                "2026-11-26T03:00:00Z",
                "2026-11-26T03:00:00Z",
                1,
                Reason::Missed,
            ),
        ),
    ] {
        let decided = decided(&daily(), cursor, None, (now, now));
        assert_eq!(decided.decisions, [decision], "{now}");
        assert_eq!(decided.cursor, at("2026-11-26T03:00:00Z"));
    }
    let skips = Schedule {
        catch_up: CatchUp::Skip,
        ..daily()
    };
    let now = "2026-11-26T03:20:00Z";
    let decided = decided(&skips, cursor, None, (now, now));
    let missed = skip(
        "2026-11-26T03:00:00Z",
        "2026-11-26T03:00:00Z",
        1,
        Reason::Missed,
    );
    assert_eq!(decided.decisions, [missed]);
}

#[test]
fn however_many_were_missed_one_run_stands_for_all() {
    let now = "2026-11-26T04:00:00Z";
    let decided = decided(&daily(), "2026-11-20T03:00:00Z", None, (now, now));
    assert_eq!(
        decided.decisions,
        [
            skip(
                "2026-11-21T03:00:00Z",
                "2026-11-25T03:00:00Z",
                5,
                Reason::Covered
            ),
            claim("2026-11-26T03:00:00Z", How::CaughtUp),
        ]
    );
}

/// A process that replaces itself is away for a second or two.
#[test]
fn a_slot_in_the_middle_of_a_new_start_is_on_time() {
    let decided = decided(
        &daily(),
        "2026-11-25T03:00:00Z",
        None,
        ("2026-11-26T03:00:02Z", "2026-11-26T03:00:01Z"),
    );
    assert_eq!(
        decided.decisions,
        [claim("2026-11-26T03:00:00Z", How::OnTime)]
    );
}

#[test]
fn a_run_that_takes_long_lets_slots_go_by_with_their_reason() {
    let hourly = by_cron("0 * * * *", "UTC");
    let runs = record("2026-11-26T03:00:00Z", SlotState::Running);
    let decided = decided(
        &hourly,
        "2026-11-26T03:00:00Z",
        Some(&runs),
        ("2026-11-26T05:00:03Z", START),
    );
    assert_eq!(
        decided.decisions,
        [skip(
            "2026-11-26T04:00:00Z",
            "2026-11-26T05:00:00Z",
            2,
            Reason::StillRunning
        )]
    );
}

#[test]
fn a_newer_slot_takes_over_from_one_that_waits_or_is_tried_again() {
    let hourly = by_cron("0 * * * *", "UTC");
    for state in [SlotState::Waiting, SlotState::Retrying] {
        let open = record("2026-11-26T03:00:00Z", state);
        let decided = decided(
            &hourly,
            "2026-11-26T03:00:00Z",
            Some(&open),
            ("2026-11-26T04:00:03Z", START),
        );
        let taken_over = [
            Decision::Supersede,
            claim("2026-11-26T04:00:00Z", How::OnTime),
        ];
        assert_eq!(decided.decisions, taken_over);
    }
}

#[test]
fn a_clock_that_was_set_back_brings_back_what_it_skipped_and_runs_nothing_twice() {
    let schedule = daily();
    let slots = schedule.slots().unwrap();
    // A clock that was a year ahead decided up to there.
    let ahead = decided(
        &schedule,
        "2027-11-26T03:00:00Z",
        None,
        ("2026-11-26T02:00:00Z", "2026-11-26T02:00:00Z"),
    );
    assert_eq!(ahead.decisions, [Decision::Void]);
    assert_eq!(ahead.cursor, at("2026-11-26T02:00:00Z"));
    // What ran at that time already is not run again when it comes.
    let ran = [at("2026-11-26T03:00:00Z")];
    let standing = Standing {
        cursor: ahead.cursor,
        open: None,
        taken: &ran,
    };
    let watch = Watch {
        now: at("2026-11-26T03:00:05Z"),
        since: at(START),
    };
    let again = decide(&schedule, &*slots, &standing, watch);
    assert_eq!(again.decisions, []);
    assert_eq!(again.cursor, ran[0]);
}

#[test]
fn years_of_every_minute_are_counted_up_to_a_limit_and_the_last_one_runs() {
    let minutely = by_cron("* * * * *", "UTC");
    let now = "2026-11-26T03:00:30Z";
    let decided = decided(&minutely, "2023-01-01T00:00:00Z", None, (now, now));
    let [
        Decision::Skip { span, reason },
        Decision::Claim { slot, how },
    ] = &decided.decisions[..]
    else {
        panic!("{:#?}", decided.decisions)
    };
    assert_eq!((span.count, *reason), (MOST_COUNTED, Reason::Covered));
    assert_eq!((*slot, *how), (at("2026-11-26T03:00:00Z"), How::CaughtUp));
    // Nothing between the two is left out.
    let minute = slot.duration_since(span.last);
    assert!(minute <= SignedDuration::from_mins(1), "{span:?}");
}

#[test]
fn a_catch_up_rests_first_and_ends_with_its_grace() {
    let schedule = daily();
    let waits = SlotRecord {
        how: How::CaughtUp,
        reason: Some(Reason::Settling),
        ..record("2026-11-26T03:00:00Z", SlotState::Waiting)
    };
    let next = |now: &str| {
        let watch = Watch {
            now: at(now),
            since: at("2026-11-26T07:00:00Z"),
        };
        advance(&schedule, &waits, watch)
    };
    assert_eq!(next("2026-11-26T07:00:59Z"), Next::Wait);
    assert_eq!(next("2026-11-26T07:01:00Z"), Next::Start);
    assert_eq!(next("2026-11-26T09:00:01Z"), Next::End);
}

#[test]
fn attempts_are_further_and_further_apart_up_to_an_hour() {
    let minutes: Vec<i64> = (1..=6).map(|n| retry_after(n).as_mins()).collect();
    assert_eq!(minutes, [1, 4, 16, 60, 60, 60]);
    assert_eq!(retry_after(u32::MAX).as_mins(), 60);
}

#[test]
fn a_retry_that_a_clock_set_back_put_far_away_comes_now() {
    let retries = |not_before: &str| SlotRecord {
        not_before: Some(at(not_before)),
        ..record("2026-11-26T03:00:00Z", SlotState::Retrying)
    };
    let watch = Watch {
        now: at("2026-11-26T03:10:00Z"),
        since: at(START),
    };
    let next = |record: &SlotRecord| advance(&daily(), record, watch);
    assert_eq!(next(&retries("2026-11-26T03:11:00Z")), Next::Wait);
    assert_eq!(next(&retries("2026-11-26T03:10:00Z")), Next::Start);
    assert_eq!(next(&retries("2027-11-26T03:10:00Z")), Next::Start);
}

#[test]
fn the_end_of_time_is_no_overflow() {
    let far = Schedule {
        grace_seconds: u64::MAX,
        settle_seconds: u64::MAX,
        ..by_cron("0 0 1 1 *", "UTC")
    };
    let slots = far.slots().unwrap();
    let standing = Standing {
        cursor: Timestamp::MIN,
        open: None,
        taken: &[],
    };
    let watch = Watch {
        now: Timestamp::MAX,
        since: Timestamp::MIN,
    };
    let decided = decide(&far, &*slots, &standing, watch);
    assert!(decided.cursor > at(START));
}
