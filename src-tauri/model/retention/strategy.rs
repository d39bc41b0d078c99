//! What each strategy keeps of the good archives of a pool. Floor, pins and newest are not its business.
//!
//! - simple: the last n, and those that are no older than so many days; either keeps.
//! - gfs: the newest of each of the last n days, weeks, months and years that have one. Days and months are UTC's, weeks ISO 8601's. The
//!   last days are the last ones with an archive, not those before now: a pause deletes nothing, and the clock is not asked.
//! - hanoi: see `hanoi`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::age::{Age, AgeVerdict, ages};
use super::{KeepReason, RetentionPolicy, RetentionStrategy, StoredArchive};

type Bucket = fn(Date) -> KeepReason;

/// One answer for each of `good`, which are newest first by time.
pub(super) fn keeps(
    policy: &RetentionPolicy,
    good: &[&StoredArchive],
    now: Timestamp,
    some_after_now: bool,
) -> Vec<Option<KeepReason>> {
    match policy.strategy {
        RetentionStrategy::Simple {
            keep_last,
            keep_days,
        } => {
            let last = keep_last.map_or_else(|| nothing(good), |n| last(good, n));
            let young = keep_days.map_or_else(
                || nothing(good),
                |days| {
                    let times: Vec<Timestamp> = good.iter().map(|a| a.signed_at).collect();
                    young(ages(&times, days, policy.floor, now, some_after_now))
                },
            );
            either(last, young)
        }
        RetentionStrategy::Gfs {
            keep_daily,
            keep_weekly,
            keep_monthly,
            keep_yearly,
        } => {
            let rules: [(Option<u32>, Bucket); 4] = [
                (keep_daily, day),
                (keep_weekly, week),
                (keep_monthly, month),
                (keep_yearly, year),
            ];
            let kept = rules
                .into_iter()
                .filter_map(|(n, bucket)| Some(newest_of_each(good, n?, bucket)));
            kept.reduce(either).unwrap_or_else(|| nothing(good))
        }
        RetentionStrategy::Hanoi { levels } => hanoi(good, levels),
    }
}

fn nothing(good: &[&StoredArchive]) -> Vec<Option<KeepReason>> {
    vec![None; good.len()]
}

/// Where both keep, the first says why.
fn either(
    first: Vec<Option<KeepReason>>,
    second: Vec<Option<KeepReason>>,
) -> Vec<Option<KeepReason>> {
    first
        .into_iter()
        .zip(second)
        .map(|(first, second)| first.or(second))
        .collect()
}

fn last(good: &[&StoredArchive], keep_last: u32) -> Vec<Option<KeepReason>> {
    let mut by_sequence: Vec<usize> = (0..good.len()).collect();
    by_sequence.sort_by_key(|i| good.get(*i).map(|a| Reverse(a.by_sequence())));
    let mut rank: Vec<usize> = (0..good.len()).collect();
    for (other, i) in by_sequence.into_iter().enumerate() {
        if let Some(rank) = rank.get_mut(i) {
            *rank = other.min(*rank);
        }
    }
    rank.into_iter()
        .map(|rank| {
            let n = u32::try_from(rank).ok()?.checked_add(1)?;
            (n <= keep_last).then_some(KeepReason::Last { n })
        })
        .collect()
}

fn young(ages: Vec<Age>) -> Vec<Option<KeepReason>> {
    ages.into_iter()
        .map(|age| match age.verdict {
            AgeVerdict::Young => Some(KeepReason::Younger { days: age.days }),
            AgeVerdict::Doubtful(doubt) => Some(KeepReason::Clock { doubt }),
            AgeVerdict::Old => None,
        })
        .collect()
}

/// The newest of each of the last `n` buckets that have one.
fn newest_of_each(good: &[&StoredArchive], n: u32, bucket: Bucket) -> Vec<Option<KeepReason>> {
    let mut left = n;
    let mut before = None;
    good.iter()
        .map(|archive| {
            let date = archive.signed_at.to_zoned_datetime(TimeZone::UTC).date();
            let bucket = bucket(date);
            if left == 0 || before.as_ref() == Some(&bucket) {
                return None;
            }
            left -= 1;
            before = Some(bucket.clone());
            Some(bucket)
        })
        .collect()
}

fn day(date: Date) -> KeepReason {
    KeepReason::Daily {
        bucket: date.to_string(),
    }
}

fn week(date: Date) -> KeepReason {
    let week = date.iso_week_date();
    KeepReason::Weekly {
        bucket: format!("{}-W{:02}", week.year(), week.week()),
    }
}

fn month(date: Date) -> KeepReason {
    KeepReason::Monthly {
        bucket: date.strftime("%Y-%m").to_string(),
    }
}

fn year(date: Date) -> KeepReason {
    KeepReason::Yearly {
        bucket: date.strftime("%Y").to_string(),
    }
}

/// The rotation of the Tower of Hanoi: of level L is every 2^(L+1)-th backup, each level keeps its newest, so that ages double from level
/// to level.
///
/// A backup's number is its sequence, which a deletion does not change. The textbook's "n is of the level of its trailing zeros" is said
/// here as: the sequence is cut into blocks of 2^L, and each level keeps the first archive of each of the two newest blocks that have one
/// (the highest level: of the newest). For a pool whose numbers have no gaps that is the textbook's set, and the first archive of all
/// until there is one of the highest level. But numbers have gaps: they are an instance's, so that another type's and failed runs take
/// some, and a pool that gets every second one would have archives of one level only. A block has a first archive whatever is missing
/// in it, so that the spread holds.
///
/// The first of a block is kept from the day it is made until two later blocks have begun, by its own level alone: what a smaller level
/// deletes is never missed by a larger one.
fn hanoi(good: &[&StoredArchive], levels: u32) -> Vec<Option<KeepReason>> {
    let mut by_sequence: Vec<&StoredArchive> = good.to_vec();
    by_sequence.sort_by_key(|a| a.by_sequence());
    let mut level_of: HashMap<&str, u32> = HashMap::new();
    for level in 0..levels {
        let mut firsts: BTreeMap<u64, &str> = BTreeMap::new();
        for archive in &by_sequence {
            let block = archive.sequence.checked_shr(level).unwrap_or(0);
            firsts.entry(block).or_insert(&archive.id);
        }
        let blocks = if level + 1 < levels { 2 } else { 1 };
        for (_, id) in firsts.iter().rev().take(blocks) {
            level_of.insert(id, level);
        }
    }
    good.iter()
        .map(|archive| {
            let level = *level_of.get(archive.id.as_str())?;
            Some(KeepReason::Hanoi { level })
        })
        .collect()
}
