//! What counts as what, and what stays whatever the policy says.

use super::*;

const LAST_TWO: &[(&str, &str)] = &[("keep_last", "2"), ("floor", "1")];

#[test]
fn without_a_policy_everything_stays_and_foreign_is_still_foreign() {
    let mut all = daily(3);
    all[1].origin = Origin::Foreign(ForeignReason::UnknownSigner);
    all[2].pinned = true;
    let verdicts = decide(&all, None, noon(400));
    assert_eq!(
        verdicts,
        [
            Verdict::Keep(KeepReason::NoPolicy),
            Verdict::Foreign(ForeignReason::UnknownSigner),
            Verdict::Keep(KeepReason::Pinned),
        ]
    );
}

#[test]
fn the_last_ones_stay() {
    let all = daily(5);
    assert_eq!(
        reasons(&all, &policy(LAST_TWO), noon(5)),
        [
            "delete Superseded",
            "delete Superseded",
            "delete Superseded",
            "last 2",
            "newest_verified"
        ]
    );
}

#[test]
fn each_instance_and_each_type_is_counted_alone() {
    let mut all = daily(6);
    all[0].archive_type = ArchiveType::Manual;
    all[1].instance_id = instance("ffffffff");
    assert_eq!(
        reasons(&all, &policy(LAST_TWO), noon(6)),
        [
            "newest_verified",
            "newest_verified",
            "delete Superseded",
            "delete Superseded",
            "last 2",
            "newest_verified"
        ]
    );
}

#[test]
fn pins_readers_and_safety_archives_stay_and_push_nothing_out() {
    let mut all = daily(6);
    all[0].pinned = true;
    all[1].in_use = true;
    all[2].archive_type = ArchiveType::Safety;
    assert_eq!(
        reasons(&all, &policy(LAST_TWO), noon(6)),
        [
            "pinned",
            "in_use",
            "safety",
            "delete Superseded",
            "last 2",
            "newest_verified"
        ]
    );
}

#[test]
fn never_fewer_than_the_floor() {
    let all = daily(6);
    let few = policy(&[("keep_last", "1")]);
    assert_eq!(few.floor, 3);
    assert_eq!(
        reasons(&all, &few, noon(6))[3..],
        ["floor", "floor", "newest_verified"]
    );
    assert_eq!(kept(&all[..3], &few, noon(6)).len(), 3);
}

#[test]
fn what_is_not_good_goes_only_where_good_ones_replace_it() {
    let floor_two = policy(&[("keep_last", "2"), ("floor", "2")]);
    let mut all = daily(6);
    all[0].condition = Condition::Partial;
    all[1].condition = Condition::NotVerified;
    all[4].condition = Condition::Partial;
    // Two good ones are newer than the first two, one is newer than the fifth.
    assert_eq!(
        reasons(&all, &floor_two, noon(6)),
        [
            "delete Partial",
            "delete NotVerified",
            "delete Superseded",
            "last 2",
            "partial",
            "newest_verified"
        ]
    );
}

/// A policy that would keep a good one of that age keeps one that is not good too.
#[test]
fn what_is_not_good_stays_as_long_as_a_good_one_would() {
    let mut all = daily(40);
    all[9].condition = Condition::NotVerified;
    all[30].condition = Condition::NotVerified;
    let month = policy(&[("keep_days", "20")]);
    let reasons = reasons(&all, &month, noon(40));
    assert_eq!(reasons[9], "delete NotVerified");
    assert_eq!(reasons[30], "not_verified");
}

#[test]
fn without_good_ones_nothing_goes() {
    let mut all = daily(30);
    for (i, archive) in all.iter_mut().enumerate() {
        archive.condition = [Condition::Partial, Condition::NotVerified][i % 2];
    }
    assert_eq!(kept(&all, &policy(LAST_TWO), noon(400)).len(), 30);
}

/// The backup after a loss is as small as the one that noticed it, and says nothing any more.
#[test]
fn a_loss_that_nobody_accepted_stops_both_types_of_its_instance_and_no_other() {
    let mut all = daily(5);
    let mut others = daily(5);
    for other in &mut others {
        other.id.push('b');
        other.instance_id = instance("ffffffff");
    }
    let mut manual = good(6, 6);
    manual.archive_type = ArchiveType::Manual;
    manual.shrunk = true;
    all.push(manual);
    all.extend(others);
    let reasons = reasons(&all, &policy(LAST_TWO), noon(6));
    assert_eq!(reasons[..3], ["shrunk", "shrunk", "shrunk"]);
    assert_eq!(reasons[3..5], ["last 2", "newest_verified"]);
    assert_eq!(reasons[6], "delete Superseded");
}

#[test]
fn days_weeks_months_and_years_are_those_of_utc() {
    let at = |text: &str, n| StoredArchive {
        signed_at: text.parse().unwrap(),
        ..good(n, 0)
    };
    let all = [
        at("2024-12-30T23:00:00Z", 1), // a Monday, of the first ISO week of 2025
        at("2025-01-01T00:30:00Z", 2),
        at("2025-12-31T23:59:59Z", 3),
        at("2026-01-01T00:00:00Z", 4),
        at("2026-01-04T23:59:59Z", 5),
        at("2026-01-05T00:00:00Z", 6), // a Monday
        at("2026-01-05T12:00:00Z", 7),
    ];
    let check = |settings: &[(&str, &str)], expected: [&str; 7]| {
        let settings: Vec<_> = settings.iter().copied().chain([("floor", "1")]).collect();
        assert_eq!(
            reasons(&all, &policy(&settings), noon(5)),
            expected,
            "{settings:?}"
        );
    };
    let gone = "delete Superseded";
    let newest = "newest_verified";
    check(
        &[("keep_daily", "3")],
        [
            gone,
            gone,
            gone,
            "daily 2026-01-01",
            "daily 2026-01-04",
            gone,
            newest,
        ],
    );
    check(
        &[("keep_weekly", "9")],
        [
            gone,
            "weekly 2025-W01",
            gone,
            gone,
            "weekly 2026-W01",
            gone,
            newest,
        ],
    );
    check(
        &[("keep_monthly", "3")],
        [
            gone,
            "monthly 2025-01",
            "monthly 2025-12",
            gone,
            gone,
            gone,
            newest,
        ],
    );
    check(
        &[("keep_yearly", "3")],
        ["yearly 2024", gone, "yearly 2025", gone, gone, gone, newest],
    );
    check(
        &[("keep_daily", "2"), ("keep_yearly", "3")],
        [
            "yearly 2024",
            gone,
            "yearly 2025",
            gone,
            "daily 2026-01-04",
            gone,
            newest,
        ],
    );
}

#[test]
fn a_pause_makes_no_day_or_week_go() {
    let all = daily(7);
    let week = policy(&[("keep_daily", "7"), ("floor", "1")]);
    assert_eq!(kept(&all, &week, noon(300)).len(), 7);
}
