//! Days on which the clocks are changed, written out.

use holdfast::model::schedule::between;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{at, by_cron, cron_slots, shown, upcoming};

/// Zone, expression, days, and the slots of each of these days.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const BERLIN: &str = "Europe/Berlin";
const BERLIN_GAP: &[&str] = &["2026-03-29", "2027-03-28"];
const BERLIN_TWICE: &[&str] = &["2026-10-25", "2027-10-31"];
const NEW_YORK: &str = "America/New_York";
const NEW_YORK_GAP: &[&str] = &["2026-03-08", "2027-03-14"];
const NEW_YORK_TWICE: &[&str] = &["2026-11-01", "2027-11-07"];
/// Half an hour, not a whole one.
const LORD_HOWE: &str = "Australia/Lord_Howe";
const LORD_HOWE_GAP: &[&str] = &["2026-10-04", "2027-10-03"];
const LORD_HOWE_TWICE: &[&str] = &["2026-04-05", "2027-04-04"];

#[rustfmt::skip]
const FIXED: &[Row] = &[
    (BERLIN, "30 2 * * *", BERLIN_GAP, &["03:00+02:00"]),
    (BERLIN, "30 2,14 * * *", BERLIN_GAP, &["03:00+02:00", "14:30+02:00"]),
    (BERLIN, "0,15,30 2 * * *", BERLIN_GAP, &["03:00+02:00"]),
    (BERLIN, "59 1 * * *", BERLIN_GAP, &["01:59+01:00"]),
    (BERLIN, "0 2 * * *", BERLIN_GAP, &["03:00+02:00"]),
    (BERLIN, "0 3 * * *", BERLIN_GAP, &["03:00+02:00"]),
    (BERLIN, "0 2,3 * * *", BERLIN_GAP, &["03:00+02:00"]),
    (BERLIN, "30 1-3 * * *", BERLIN_GAP, &["01:30+01:00", "03:00+02:00", "03:30+02:00"]),
    (BERLIN, "*/30 1-3 * * *", BERLIN_GAP, &["01:00+01:00", "01:30+01:00", "03:00+02:00", "03:30+02:00"]),
    (BERLIN, "30 2 * * sun", BERLIN_GAP, &["03:00+02:00"]),
    (BERLIN, "30 2 * * mon", BERLIN_GAP, &[]),
    (BERLIN, "30 2 * * *", BERLIN_TWICE, &["02:30+02:00"]),
    (BERLIN, "30 2,14 * * *", BERLIN_TWICE, &["02:30+02:00", "14:30+01:00"]),
    (BERLIN, "0 2 * * *", BERLIN_TWICE, &["02:00+02:00"]),
    (BERLIN, "0 3 * * *", BERLIN_TWICE, &["03:00+01:00"]),
    (BERLIN, "30 1-3 * * *", BERLIN_TWICE, &["01:30+02:00", "02:30+02:00", "03:30+01:00"]),
    (BERLIN, "*/30 2 * * *", BERLIN_TWICE, &["02:00+02:00", "02:30+02:00"]),
    (NEW_YORK, "30 2 * * *", NEW_YORK_GAP, &["03:00-04:00"]),
    (NEW_YORK, "30 2,14 * * *", NEW_YORK_GAP, &["03:00-04:00", "14:30-04:00"]),
    (NEW_YORK, "30 1 * * *", NEW_YORK_GAP, &["01:30-05:00"]),
    (NEW_YORK, "30 2 * * *", NEW_YORK_TWICE, &["02:30-05:00"]),
    (NEW_YORK, "30 2,14 * * *", NEW_YORK_TWICE, &["02:30-05:00", "14:30-05:00"]),
    (NEW_YORK, "30 1 * * *", NEW_YORK_TWICE, &["01:30-04:00"]),
    (LORD_HOWE, "30 2 * * *", LORD_HOWE_GAP, &["02:30+11:00"]),
    (LORD_HOWE, "30 2,14 * * *", LORD_HOWE_GAP, &["02:30+11:00", "14:30+11:00"]),
    (LORD_HOWE, "15 2 * * *", LORD_HOWE_GAP, &["02:30+11:00"]),
    (LORD_HOWE, "15,30,45 2 * * *", LORD_HOWE_GAP, &["02:30+11:00", "02:45+11:00"]),
    (LORD_HOWE, "30 2 * * *", LORD_HOWE_TWICE, &["02:30+10:30"]),
    (LORD_HOWE, "30 2,14 * * *", LORD_HOWE_TWICE, &["02:30+10:30", "14:30+10:30"]),
    (LORD_HOWE, "45 1 * * *", LORD_HOWE_TWICE, &["01:45+11:00"]),
    (LORD_HOWE, "*/15 1 * * *", LORD_HOWE_TWICE, &["01:00+11:00", "01:15+11:00", "01:30+11:00", "01:45+11:00"]),
    // Clocks that are changed at midnight.
    ("America/Sao_Paulo", "0 0 * * *", &["2018-11-04"], &["01:00-02:00"]),
    ("America/Sao_Paulo", "30 23 * * *", &["2018-02-17"], &["23:30-02:00"]),
    ("America/Sao_Paulo", "0 0 * * *", &["2018-02-18"], &["00:00-03:00"]),
    ("Africa/Cairo", "0 0 * * *", &["2026-04-24"], &["01:00+03:00"]),
    ("Africa/Cairo", "30 0,1 * * *", &["2026-04-24"], &["01:00+03:00", "01:30+03:00"]),
    ("Africa/Cairo", "30 23 * * *", &["2026-10-29"], &["23:30+03:00"]),
    ("Asia/Beirut", "0 0 * * *", &["2026-03-29"], &["01:00+03:00"]),
    // The day of the time decides, not the day of the gap's end: 29 March is a Sunday.
    ("Asia/Beirut", "0 0 * * sun", &["2026-03-29"], &["01:00+03:00"]),
    ("Asia/Beirut", "30 23 * * sat", &["2026-03-29"], &[]),
];

#[rustfmt::skip]
const ELAPSED: &[Row] = &[
    (BERLIN, "30 */2 5-31 3 *", BERLIN_GAP, &[
        "00:30+01:00", "04:30+02:00", "06:30+02:00", "08:30+02:00", "10:30+02:00", "12:30+02:00", "14:30+02:00",
        "16:30+02:00", "18:30+02:00", "20:30+02:00", "22:30+02:00",
    ]),
    (BERLIN, "15 1-4/1 * * *", BERLIN_GAP, &["01:15+01:00", "03:15+02:00", "04:15+02:00"]),
    (BERLIN, "15 1-3/1 * * *", BERLIN_TWICE, &["01:15+02:00", "02:15+02:00", "02:15+01:00", "03:15+01:00"]),
    (NEW_YORK, "0 0-3/1 * * *", NEW_YORK_GAP, &["00:00-05:00", "01:00-05:00", "03:00-04:00"]),
    (NEW_YORK, "0 0-2/1 * * *", NEW_YORK_TWICE, &["00:00-04:00", "01:00-04:00", "01:00-05:00", "02:00-05:00"]),
    (LORD_HOWE, "15 1-3/1 * * *", LORD_HOWE_GAP, &["01:15+10:30", "03:15+11:00"]),
    (LORD_HOWE, "45 1-2/1 * * *", LORD_HOWE_TWICE, &["01:45+11:00", "01:45+10:30", "02:45+10:30"]),
    ("Africa/Cairo", "30 0-1/1 * * *", &["2026-04-24"], &["01:30+03:00"]),
];

#[test]
fn a_fixed_time_in_a_gap_runs_at_its_end_and_one_that_comes_twice_at_its_first() {
    hold(FIXED);
}

#[test]
fn a_pattern_of_elapsed_time_leaves_out_the_gap_and_repeats_the_hour() {
    hold(ELAPSED);
}

#[test]
fn half_an_hour_stays_half_an_hour_through_every_change() {
    for (zone, days, slots) in [
        (BERLIN, BERLIN_GAP, 46),
        (BERLIN, BERLIN_TWICE, 50),
        (NEW_YORK, NEW_YORK_GAP, 46),
        (NEW_YORK, NEW_YORK_TWICE, 50),
        (LORD_HOWE, LORD_HOWE_GAP, 47),
        (LORD_HOWE, LORD_HOWE_TWICE, 49),
        ("Africa/Cairo", &["2026-04-24"], 46),
        ("America/Sao_Paulo", &["2018-02-17"], 50),
    ] {
        for day in days {
            let found = slots_of(zone, "*/30 * * * *", day);
            assert_eq!(found.len(), slots, "{zone} {day}");
            for pair in found.windows(2) {
                let apart = pair[1].duration_since(pair[0]);
                assert_eq!(apart, SignedDuration::from_mins(30), "{zone} {day}");
            }
        }
    }
}

#[test]
fn a_day_that_was_left_out_runs_at_its_end() {
    let zone = "Pacific/Apia";
    let found = |expression: &str| -> Vec<String> {
        let slots = cron_slots(expression, zone);
        let days = (at("2011-12-29T10:00:00Z"), at("2011-12-31T09:59:59Z"));
        between(slots.as_ref(), days.0, days.1)
            .map(|slot| shown(slot, zone))
            .collect()
    };
    assert_eq!(
        found("30 2 * * *"),
        [
            "2011-12-29 02:30-10:00",
            "2011-12-31 00:00+14:00",
            "2011-12-31 02:30+14:00"
        ]
    );
    assert_eq!(found("0 12 30 12 *"), ["2011-12-31 00:00+14:00"]);
    assert_eq!(found("0 0 30,31 12 *"), ["2011-12-31 00:00+14:00"]);
    assert_eq!(found("0 */12 30 12 *"), Vec::<String>::new());
}

#[test]
fn another_zone_moves_the_slots_and_nothing_else() {
    let mut schedule = by_cron("30 2 * * *", BERLIN);
    let now = at("2026-07-01T03:00:00Z");
    assert_eq!(
        upcoming(&schedule, now, 2).unwrap(),
        [at("2026-07-02T00:30:00Z"), at("2026-07-03T00:30:00Z")]
    );
    schedule.timezone = NEW_YORK.to_owned();
    assert_eq!(
        upcoming(&schedule, now, 2).unwrap(),
        [at("2026-07-01T06:30:00Z"), at("2026-07-02T06:30:00Z")]
    );
    schedule.timezone = "UTC".to_owned();
    assert_eq!(
        upcoming(&schedule, now, 1).unwrap(),
        [at("2026-07-02T02:30:00Z")]
    );
}

fn hold(rows: &[Row]) {
    for (zone, expression, days, expected) in rows {
        for day in *days {
            let found: Vec<String> = slots_of(zone, expression, day)
                .into_iter()
                .map(|slot| shown(slot, zone))
                .collect();
            let expected: Vec<String> = expected.iter().map(|e| format!("{day} {e}")).collect();
            assert_eq!(found, expected, "{expression} in {zone}");
        }
    }
}

/// The slots from the first instant of a day up to the first of the next, which does not count.
fn slots_of(zone: &str, expression: &str, day: &str) -> Vec<Timestamp> {
    let rules = TimeZone::get(zone).unwrap();
    let instant = SignedDuration::from_nanos(1);
    let begin = |day: Date| rules.to_timestamp(day.at(0, 0, 0, 0)).unwrap() - instant;
    let day: Date = day.parse().unwrap();
    let slots = cron_slots(expression, zone);
    between(slots.as_ref(), begin(day), begin(day.tomorrow().unwrap())).collect()
}
