//! The Tower of Hanoi: applied after every backup, the ages that stay double.

use std::collections::BTreeSet;

use super::*;

fn levels(levels: u32) -> RetentionPolicy {
    RetentionPolicy {
        strategy: RetentionStrategy::Hanoi { levels },
        floor: 1,
    }
}

/// Runs one after the other, the policy applied after each; what stays.
fn live_through(runs: impl IntoIterator<Item = StoredArchive>, levels_: u32) -> Vec<StoredArchive> {
    let mut there: Vec<StoredArchive> = Vec::new();
    for run in runs {
        let now = run.signed_at;
        there.push(run);
        let stays: BTreeSet<String> = kept(&there, &levels(levels_), now).into_iter().collect();
        there.retain(|archive| stays.contains(&archive.id));
    }
    there
}

/// Ages, in places of the runs that were made.
fn ages(runs: &[StoredArchive], left: &[StoredArchive]) -> Vec<usize> {
    let mut ages: Vec<usize> = left
        .iter()
        .map(|l| runs.len() - 1 - runs.iter().position(|r| r.id == l.id).unwrap())
        .collect();
    ages.sort_unstable();
    ages
}

/// Level by level: the newest backup whose number has that many trailing zeros, or more on the last level.
fn textbook(n: u64, levels: u32) -> BTreeSet<u64> {
    (0..levels)
        .filter_map(|level| {
            (1..=n).rev().find(|k| {
                let zeros = k.trailing_zeros();
                zeros == level || (level + 1 == levels && zeros > level)
            })
        })
        .collect()
}

#[test]
fn every_day_of_half_a_year_it_is_the_textbooks_rotation() {
    for levels_ in 1..=7 {
        let mut there: Vec<StoredArchive> = Vec::new();
        for run in daily(180) {
            let n = run.sequence;
            let now = run.signed_at;
            there.push(run);
            let stays: BTreeSet<String> = kept(&there, &levels(levels_), now).into_iter().collect();
            there.retain(|archive| stays.contains(&archive.id));
            let left: BTreeSet<u64> = there.iter().map(|a| a.sequence).collect();
            let mut expected = textbook(n, levels_);
            // The newest stays anyway; the first of all stands in for the last level until that has one of its own.
            expected.insert(n);
            if n < 1 << (levels_ - 1) {
                expected.insert(1);
            }
            assert_eq!(left, expected, "{levels_} levels after {n} runs");
        }
    }
}

#[test]
fn after_sixty_daily_runs_the_ages_double() {
    let runs = daily(60);
    let left = live_through(runs.clone(), 6);
    assert_eq!(ages(&runs, &left), [0, 1, 2, 4, 12, 28]);
    assert_eq!(
        reasons(&left, &levels(6), noon(60)),
        [
            "hanoi 5",
            "hanoi 4",
            "hanoi 3",
            "hanoi 1",
            "hanoi 0",
            "newest_verified"
        ]
    );
    for levels_ in 2..=6 {
        assert_spread(&runs, levels_);
    }
}

/// The machine was off, nobody was at work: no number is taken.
#[test]
fn so_they_do_with_days_that_had_no_run() {
    let off = |day: u64| day % 7 >= 5 || (20..34).contains(&day);
    let days: Vec<u64> = (1..=90).filter(|day| !off(*day)).collect();
    let runs: Vec<_> = (1..)
        .zip(days)
        .map(|(n, day)| good(n, day.cast_signed()))
        .collect();
    for levels_ in 2..=6 {
        assert_spread(&runs, levels_);
    }
}

/// A run that failed took a number: where it was the one that a level waited for, the next one takes its place.
#[test]
fn so_they_do_with_runs_that_failed() {
    let failed = [3, 4, 5, 16, 17, 31, 32, 33, 34, 35, 36, 48, 56, 59];
    let runs: Vec<_> = daily(60)
        .into_iter()
        .filter(|a| !failed.contains(&a.sequence))
        .collect();
    for levels_ in 2..=6 {
        assert_spread_of(&runs, levels_, levels_ - 1, 5);
    }
}

/// A backup by hand after each scheduled one takes every second number: the spread is that of one level less.
#[test]
fn so_they_do_with_another_type_in_between() {
    let scheduled: Vec<_> = (1..=60)
        .map(|day: u64| good(2 * day - 1, day.cast_signed()))
        .collect();
    for levels_ in 3..=6 {
        assert_spread_of(&scheduled, levels_, levels_ - 1, 3);
    }
    let even: Vec<_> = (1..=60)
        .map(|day: u64| good(2 * day, day.cast_signed()))
        .collect();
    for levels_ in 3..=6 {
        assert_spread_of(&even, levels_, levels_ - 1, 3);
    }
}

#[test]
fn a_policy_that_comes_late_leaves_what_it_would_have_left_all_along() {
    let runs = daily(173);
    let along: Vec<String> = live_through(runs.clone(), 7)
        .into_iter()
        .map(|a| a.id)
        .collect();
    assert_eq!(kept(&runs, &levels(7), noon(173)), along);
}

fn assert_spread(runs: &[StoredArchive], levels_: u32) {
    assert_spread_of(runs, levels_, levels_, 3);
}

/// However many runs there were: from one that is kept to the next the age grows by `factor` and a bit at most, and the oldest is as old as `reach`
/// levels say. Few enough are kept: one for each level, and the newest.
fn assert_spread_of(runs: &[StoredArchive], levels_: u32, reach: u32, factor: usize) {
    for n in 1..=runs.len() {
        let runs = &runs[..n];
        let left = live_through(runs.iter().cloned(), levels_);
        let ages = ages(runs, &left);
        assert!(ages.len() <= levels_ as usize + 1, "{n}: {ages:?}");
        for pair in ages.windows(2) {
            assert!(pair[1] <= factor * pair[0] + 2, "{levels_}, {n}: {ages:?}");
        }
        let oldest = *ages.last().unwrap();
        let least = (1_usize << (reach - 1)) / 2;
        assert!(oldest + 1 >= least.min(n), "{levels_}, {n}: {ages:?}");
    }
}
