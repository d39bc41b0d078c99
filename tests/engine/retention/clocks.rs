//! No archive goes on the word of a clock that may be wrong.

use super::*;

fn ten_days() -> RetentionPolicy {
    policy(&[("keep_days", "10")])
}

#[test]
fn a_clock_that_is_right_is_believed() {
    let all = daily(40);
    let reasons = reasons(&all, &ten_days(), noon(40));
    assert_eq!(reasons[28], "delete Superseded");
    assert_eq!(reasons[29], "younger 10");
    assert_eq!(reasons[38], "younger 1");
    assert_eq!(kept(&all, &ten_days(), noon(40)).len(), 11);
    // By hand, when the next one is almost due.
    assert_eq!(kept(&all, &ten_days(), noon(41)).len(), 10);
}

#[test]
fn a_clock_that_is_behind_makes_nothing_old() {
    let all = daily(40);
    let back = noon(30);
    let reasons = reasons(&all, &ten_days(), back);
    assert_eq!(kept(&all, &ten_days(), back).len(), 40);
    assert_eq!(reasons[0], "clock after_now");
    assert_eq!(reasons[39], "clock after_now");
    assert_eq!(reasons[25], "younger 4");
    let year_1970 = Timestamp::from_second(5).unwrap();
    assert_eq!(kept(&all, &ten_days(), year_1970).len(), 40);
}

#[test]
fn two_clocks_that_differ_by_minutes_are_right_both() {
    let mut all = daily(40);
    all[39].signed_at = noon(40) + SignedDuration::from_mins(10);
    assert_eq!(kept(&all, &ten_days(), noon(40)).len(), 11);
}

#[test]
fn a_clock_that_is_a_year_ahead_makes_nothing_old() {
    let all = daily(40);
    let reasons = reasons(&all, &ten_days(), noon(405));
    assert_eq!(reasons[0], "clock long_silence");
    assert_eq!(kept(&all, &ten_days(), noon(405)).len(), 40);
}

/// The backup that was made by the wrong clock tells no more than the clock.
#[test]
fn nor_does_a_backup_that_such_a_clock_has_dated() {
    let mut all = daily(40);
    all.push(good(41, 405));
    let reasons = reasons(&all, &ten_days(), noon(405));
    assert_eq!(reasons[40], "newest_verified");
    assert_eq!(reasons[39], "floor");
    // The jump counts as a third of the ten days, whatever it was.
    assert_eq!(reasons[34], "clock long_pause");
    assert_eq!(kept(&all, &ten_days(), noon(405)).len(), 8);
    // The clock is put right: nothing is sure while that one lies there.
    assert_eq!(kept(&all, &ten_days(), noon(41)).len(), 41);
}

#[test]
fn what_is_dated_after_now_takes_no_place_of_others() {
    let mut all = daily(10);
    all[4].signed_at = noon(500);
    all[5].signed_at = noon(501);
    let two = policy(&[("keep_last", "2"), ("floor", "1")]);
    assert_eq!(kept(&all, &two, noon(10)), ["5", "6", "9", "10"]);
}

/// The store's sequence and the clock's time disagree: what either calls the last ones stays.
#[test]
fn a_clock_that_fell_back_to_1970_hides_no_new_backup() {
    let mut all = daily(10);
    all[8].signed_at = Timestamp::from_second(100).unwrap();
    all[9].signed_at = Timestamp::from_second(90_000).unwrap();
    let two = policy(&[("keep_last", "2"), ("floor", "2")]);
    assert_eq!(kept(&all, &two, noon(10)), ["7", "8", "9", "10"]);
    let days = policy(&[("keep_daily", "2"), ("floor", "2")]);
    assert_eq!(kept(&all, &days, noon(10)), ["7", "8", "9", "10"]);
}

/// A store that was lost counts from 1 again.
#[test]
fn nor_does_a_sequence_that_began_anew() {
    let mut all = daily(10);
    all[8].sequence = 1;
    all[9].sequence = 2;
    let two = policy(&[("keep_last", "2"), ("floor", "2")]);
    assert_eq!(kept(&all, &two, noon(10)), ["7", "8", "9", "10"]);
}

#[test]
fn a_month_without_backups_delays_and_deletes_nothing_more() {
    let mut all = daily(20);
    all.extend((21..=23).map(|n| good(n, n.cast_signed() + 30)));
    // Five days since before the pause, and a third of the rule for the pause itself.
    let now = noon(53);
    assert_eq!(reasons(&all, &ten_days(), now)[16], "clock long_pause");
    assert_eq!(kept(&all, &ten_days(), now).len(), 8);
}

#[test]
fn rare_backups_are_the_floors_business() {
    let all: Vec<_> = (1..=12).map(|n| good(n, n.cast_signed() * 30)).collect();
    assert_eq!(kept(&all, &ten_days(), noon(360)), ["10", "11", "12"]);
}
