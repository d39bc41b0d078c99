//! What holds whatever lies there, whatever the policy says and whatever the clock shows.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;

fn some_origin() -> impl Strategy<Value = Origin> {
    prop_oneof![
        9 => Just(Origin::Known),
        1 => Just(Origin::Foreign(ForeignReason::UnknownSigner)),
    ]
}

fn some_condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        6 => Just(Condition::Good),
        1 => Just(Condition::Partial),
        1 => Just(Condition::NotVerified),
    ]
}

/// Mostly one after the other, sometimes by a clock that was anywhere.
fn some_archives() -> impl Strategy<Value = Vec<StoredArchive>> {
    let one = (
        (0_u8..2, 0_u8..5),
        (0_i64..2000, prop::option::weighted(0.1, 0_i64..40_000)),
        (0_u64..4, prop::option::weighted(0.1, 0_u64..200)),
        some_origin(),
        some_condition(),
        (prop::bool::weighted(0.1), prop::bool::weighted(0.05)),
        prop::bool::weighted(0.01),
    );
    prop::collection::vec(one, 0..60).prop_map(|rows| {
        let (mut hours, mut sequence) = (0, 0);
        rows.into_iter()
            .enumerate()
            .map(|(i, row)| {
                let ((owner, kind), (pause, at), (step, number), origin, condition, held, shrunk) =
                    row;
                hours += pause / 20;
                sequence += step;
                StoredArchive {
                    id: format!("{i:02}"),
                    instance_id: instance(["0a1b2c3d", "ffffffff"][usize::from(owner)]),
                    archive_type: match kind {
                        0 => ArchiveType::Manual,
                        1 => ArchiveType::Safety,
                        _ => ArchiveType::Scheduled,
                    },
                    signed_at: noon(0) + SignedDuration::from_hours(at.unwrap_or(hours)),
                    sequence: number.unwrap_or(sequence),
                    origin,
                    condition,
                    pinned: held.0,
                    in_use: held.1,
                    shrunk,
                }
            })
            .collect()
    })
}

fn some_policy() -> impl Strategy<Value = RetentionPolicy> {
    let n = || prop::option::of(1_u32..12);
    let strategy = prop_oneof![
        (n(), 1_u32..60).prop_map(|(keep_last, days)| RetentionStrategy::Simple {
            keep_last,
            keep_days: Some(days),
        }),
        (1_u32..12).prop_map(|n| RetentionStrategy::Simple {
            keep_last: Some(n),
            keep_days: None,
        }),
        (n(), n(), n(), 1_u32..4).prop_map(|(d, w, m, y)| RetentionStrategy::Gfs {
            keep_daily: d,
            keep_weekly: w,
            keep_monthly: m,
            keep_yearly: Some(y),
        }),
        (1_u32..9).prop_map(|levels| RetentionStrategy::Hanoi { levels }),
    ];
    (strategy, 1_u32..6).prop_map(|(strategy, floor)| RetentionPolicy { strategy, floor })
}

fn some_now() -> impl Strategy<Value = Timestamp> {
    (-1000_i64..60_000).prop_map(|hours| noon(0) + SignedDuration::from_hours(hours))
}

type Pool = (InstanceId, ArchiveType);

fn counts(archive: &StoredArchive) -> bool {
    archive.origin == Origin::Known
        && archive.condition == Condition::Good
        && archive.archive_type != ArchiveType::Safety
}

fn good_by_pool<'a>(
    archives: impl IntoIterator<Item = &'a StoredArchive>,
) -> BTreeMap<String, Vec<&'a StoredArchive>> {
    let mut pools: BTreeMap<String, Vec<&StoredArchive>> = BTreeMap::new();
    for archive in archives.into_iter().filter(|a| counts(a)) {
        let pool: Pool = (archive.instance_id.clone(), archive.archive_type);
        pools.entry(format!("{pool:?}")).or_default().push(archive);
    }
    pools
}

fn left(
    archives: &[StoredArchive],
    policy: &RetentionPolicy,
    now: Timestamp,
) -> Vec<StoredArchive> {
    archives
        .iter()
        .zip(decide(archives, Some(policy), now))
        .filter(|(_, verdict)| !matches!(verdict, Verdict::Delete(_)))
        .map(|(archive, _)| archive.clone())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn never_below_the_floor(archives in some_archives(), policy in some_policy(), now in some_now()) {
        let left = left(&archives, &policy, now);
        let after = good_by_pool(&left);
        for (pool, before) in good_by_pool(&archives) {
            let stayed = after.get(&pool).map_or(0, Vec::len);
            prop_assert!(stayed >= before.len().min(policy.floor as usize), "{pool}: {stayed}");
        }
    }

    #[test]
    fn what_is_pinned_read_foreign_or_newest_stays(archives in some_archives(), policy in some_policy(), now in some_now()) {
        let left: BTreeSet<String> = left(&archives, &policy, now).into_iter().map(|a| a.id).collect();
        for archive in &archives {
            let safe = archive.pinned || archive.in_use || archive.origin != Origin::Known
                || archive.archive_type == ArchiveType::Safety;
            prop_assert!(!safe || left.contains(&archive.id), "{archive:?}");
        }
        for pool in good_by_pool(&archives).values() {
            let by_time = pool.iter().map(|a| a.signed_at).max().unwrap();
            prop_assert!(pool.iter().any(|a| a.signed_at == by_time && left.contains(&a.id)));
            let by_sequence = pool.iter().filter(|a| a.signed_at <= now + CLOCK_TOLERANCE).map(|a| a.sequence).max();
            let Some(by_sequence) = by_sequence else { continue };
            prop_assert!(pool.iter().any(|a| a.sequence == by_sequence && left.contains(&a.id)));
        }
    }

    #[test]
    fn a_second_time_deletes_nothing_more(archives in some_archives(), policy in some_policy(), now in some_now()) {
        let once = left(&archives, &policy, now);
        prop_assert_eq!(left(&once, &policy, now), once);
    }

    #[test]
    fn the_order_that_they_come_in_changes_nothing(
        (archives, shuffled) in some_archives().prop_flat_map(|a| (Just(a.clone()), Just(a).prop_shuffle())),
        policy in some_policy(),
        now in some_now(),
    ) {
        let by_id = |archives: &[StoredArchive]| {
            let verdicts = decide(archives, Some(&policy), now);
            let ids = archives.iter().map(|a| a.id.clone());
            ids.zip(verdicts.into_iter().map(|v| format!("{v:?}"))).collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(by_id(&archives), by_id(&shuffled));
    }

    #[test]
    fn what_is_not_good_makes_no_good_one_go(
        (archives, some) in some_archives().prop_flat_map(|all| {
            let others: Vec<StoredArchive> = all.iter().filter(|a| !counts(a)).cloned().collect();
            let most = others.len();
            (Just(all), subsequence(others, 0..=most))
        }),
        policy in some_policy(),
        now in some_now(),
    ) {
        // A loss that nobody accepted is told by an archive that may be any.
        let calm = |a: &StoredArchive| StoredArchive { shrunk: false, ..a.clone() };
        let with: Vec<_> = archives.iter().map(calm).collect();
        let without: Vec<_> = with.iter().filter(|a| !some.iter().any(|o| o.id == a.id)).cloned().collect();
        let stays = |archives: &[StoredArchive]| -> BTreeSet<String> {
            left(archives, &policy, now).into_iter().filter(counts).map(|a| a.id).collect()
        };
        prop_assert_eq!(stays(&with), stays(&without));
    }

    /// Whatever the clock shows: none of the last third of the days goes before their backups say so.
    #[test]
    fn no_clock_makes_young_ones_old(days in 12_u64..60, floor in 1_u32..4, wrong in -40_000_i64..40_000) {
        let policy = RetentionPolicy {
            strategy: RetentionStrategy::Simple { keep_last: None, keep_days: Some(9) },
            floor,
        };
        let mut archives = daily(days);
        let now = noon(days.cast_signed()) + SignedDuration::from_hours(wrong);
        let next = StoredArchive { signed_at: now, ..good(days + 1, 0) };
        for step in 0..2 {
            if step == 1 {
                archives.push(next.clone());
            }
            let stays = kept(&archives, &policy, now);
            for archive in archives.iter().filter(|a| a.sequence + 6 > days) {
                prop_assert!(stays.contains(&archive.id), "{} of {days}: {stays:?}", archive.id);
            }
        }
    }
}
