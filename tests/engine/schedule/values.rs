//! Intervals, lengths of time, and what a schedule must have.

use holdfast::model::schedule::{
    Cadence, DurationFault, Schedule, ScheduleError, Slots, between, parse_every, parse_grace,
    parse_settle,
};
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

use super::{at, by_cron, schedule, upcoming};

fn every(every_seconds: u64, anchor: Timestamp) -> Schedule {
    let cadence = Cadence::Interval {
        every_seconds,
        anchor,
    };
    schedule(cadence, "Europe/Berlin")
}

#[test]
fn an_interval_counts_from_its_anchor_and_not_before_it() {
    let anchor = at("2026-03-28T20:00:00Z");
    let six_hours = every(6 * 3600, anchor);
    assert_eq!(
        upcoming(&six_hours, at("1990-01-01T00:00:00Z"), 3).unwrap(),
        [
            anchor,
            // The night in which Berlin's clocks go forward: six hours all the same.
            at("2026-03-29T02:00:00Z"),
            at("2026-03-29T08:00:00Z")
        ]
    );
    for (after, next) in [
        ("2026-03-28T19:59:59.999999999Z", "2026-03-28T20:00:00Z"),
        ("2026-03-28T20:00:00Z", "2026-03-29T02:00:00Z"),
        ("2026-03-29T01:59:59.999999999Z", "2026-03-29T02:00:00Z"),
        ("2026-03-29T02:00:00Z", "2026-03-29T08:00:00Z"),
        ("2126-03-29T02:00:00.5Z", "2126-03-29T08:00:00Z"),
    ] {
        let slots = six_hours.slots().unwrap();
        assert_eq!(slots.next_after(at(after)), Some(at(next)), "after {after}");
    }
}

#[test]
fn an_interval_ends_with_the_calendar() {
    let huge = every(u64::MAX, Timestamp::MIN);
    let found = upcoming(&huge, Timestamp::MIN, 3).unwrap();
    assert_eq!(found, []);
    let minute = every(60, Timestamp::MIN).slots().unwrap();
    assert_eq!(minute.next_after(Timestamp::MAX), None);
    assert!(minute.next_after(at("2026-01-01T00:00:00Z")).is_some());
    let last = every(60, Timestamp::MAX).slots().unwrap();
    assert_eq!(last.next_after(Timestamp::MIN), Some(Timestamp::MAX));
}

#[test]
fn an_interval_below_a_minute_is_refused() {
    for seconds in [0, 1, 59] {
        let refused = every(seconds, Timestamp::UNIX_EPOCH).slots().err();
        assert_eq!(
            refused,
            Some(ScheduleError::IntervalTooShort {
                every_seconds: seconds,
                least_seconds: 60
            })
        );
    }
    assert!(every(60, Timestamp::UNIX_EPOCH).validate().is_ok());
    assert!(matches!(
        parse_every("59s"),
        Err(ScheduleError::IntervalTooShort { .. })
    ));
}

#[test]
fn between_leaves_out_its_start_and_has_its_end() {
    let slots = every(3600, at("2026-01-01T00:00:00Z")).slots().unwrap();
    let found: Vec<_> = between(
        slots.as_ref(),
        at("2026-01-01T01:00:00Z"),
        at("2026-01-01T03:00:00Z"),
    )
    .collect();
    assert_eq!(
        found,
        [at("2026-01-01T02:00:00Z"), at("2026-01-01T03:00:00Z")]
    );
}

#[test]
fn a_cadence_of_one_s_own_that_stands_still_does_not_go_on_for_ever() {
    struct Still;
    impl Slots for Still {
        fn next_after(&self, _: Timestamp) -> Option<Timestamp> {
            Some(at("2026-01-01T00:00:00Z"))
        }
    }
    let found: Vec<_> = between(&Still, Timestamp::MIN, Timestamp::MAX)
        .take(3)
        .collect();
    assert_eq!(found, [at("2026-01-01T00:00:00Z")]);
}

#[test]
fn a_machine_without_zones_has_the_bundled_ones() {
    let zones = TimeZoneDatabase::bundled();
    let berlin = zones.get("Europe/Berlin").unwrap();
    assert_eq!(
        berlin.to_offset(at("2026-07-01T00:00:00Z")).seconds(),
        7_200
    );
}

#[test]
fn a_manual_schedule_has_no_slots_and_a_foreign_cadence_is_not_known() {
    let mut one = schedule(Cadence::Manual, "UTC");
    assert_eq!(upcoming(&one, Timestamp::MIN, 5), Ok(Vec::new()));
    let name = "moon".to_owned();
    one.cadence = Cadence::Custom { name: name.clone() };
    let refused = one.slots().err();
    assert_eq!(refused, Some(ScheduleError::UnknownCadence { name }));
    assert_eq!(one.validate(), Ok(()));
}

#[test]
fn lengths_of_time_are_read_as_people_write_them() {
    for (text, seconds) in [
        ("6h", 21_600),
        ("90m", 5_400),
        ("1h30m", 5_400),
        ("1h 30m", 5_400),
        ("2d", 172_800),
        ("1w", 604_800),
        ("60s", 60),
        ("1 hour", 3_600),
        ("2 days 12 hours", 216_000),
        ("1.5h", 5_400),
        (" 6h ", 21_600),
    ] {
        assert_eq!(parse_every(text), Ok(seconds), "{text}");
        assert_eq!(parse_grace(text), Ok(seconds), "{text}");
        assert_eq!(parse_settle(text), Ok(seconds), "{text}");
    }
    assert_eq!(parse_settle("5s"), Ok(5));
}

#[test]
fn what_is_no_length_of_time_is_refused() {
    use DurationFault::{Calendar, Fraction, NotPositive, Unreadable};
    for (value, fault) in [
        ("", Unreadable),
        ("6", Unreadable),
        ("h", Unreadable),
        ("6x", Unreadable),
        ("6h junk", Unreadable),
        ("99999999999999999999h", Unreadable),
        ("PT6H", Unreadable),
        ("1M", Unreadable),
        ("1mo", Calendar),
        ("1y", Calendar),
        ("1y 2d", Calendar),
        ("0s", NotPositive),
        ("0h", NotPositive),
        ("-6h", NotPositive),
        ("6h ago", NotPositive),
        ("500ms", Fraction),
        ("90.5s", Fraction),
    ] {
        for (setting, parsed) in [
            ("every", parse_every(value)),
            ("grace", parse_grace(value)),
            ("settle", parse_settle(value)),
        ] {
            let value = value.to_owned();
            let expected = ScheduleError::BadDuration {
                setting,
                value,
                fault,
            };
            assert_eq!(parsed, Err(expected));
        }
    }
}

#[test]
fn a_schedule_has_a_name_a_destination_and_a_zone_that_exist() {
    let good = by_cron("0 3 * * *", "Europe/Berlin");
    assert_eq!(good.validate(), Ok(()));
    for name in ["", "two words", "nächtlich", "a/b", &"a".repeat(65)] {
        let bad = Schedule {
            name: name.to_owned(),
            ..good.clone()
        };
        let name = name.to_owned();
        assert_eq!(bad.validate(), Err(ScheduleError::BadName { name }));
    }
    let nowhere = Schedule {
        destination_ids: Vec::new(),
        ..good.clone()
    };
    assert_eq!(nowhere.validate(), Err(ScheduleError::NoDestination));
    for zone in [
        "",
        "Mars/Olympus",
        "Etc/Unknown",
        "CEST",
        "+02:00",
        "CET-1CEST",
        "localtime",
        "posixrules",
        "posix/Europe/Berlin",
        "right/Europe/Berlin",
        "../etc/passwd",
        "/etc/localtime",
    ] {
        let expected = Err(ScheduleError::UnknownZone {
            zone: zone.to_owned(),
        });
        let bad = by_cron("0 3 * * *", zone);
        assert_eq!(bad.validate(), expected);
        let by_hand = schedule(Cadence::Manual, zone);
        assert_eq!(by_hand.validate(), expected, "without a cron, too");
    }
    for zone in ["UTC", "Etc/GMT-3", "europe/berlin"] {
        assert_eq!(by_cron("0 3 * * *", zone).validate(), Ok(()));
    }
    assert!(by_cron("0 3 31 2 *", "UTC").validate().is_err());
}

#[test]
fn a_schedule_is_written_and_read_again() {
    for cadence in [
        Cadence::Cron {
            expression: "0 3 * * *".to_owned(),
        },
        Cadence::Interval {
            every_seconds: 3600,
            anchor: at("2026-01-01T00:00:00Z"),
        },
        Cadence::Manual,
        Cadence::Custom {
            name: "moon".to_owned(),
        },
    ] {
        let one = schedule(cadence, "Europe/Berlin");
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), one);
    }
    let text = serde_json::to_value(Cadence::Interval {
        every_seconds: 60,
        anchor: at("2026-01-01T00:00:00Z"),
    });
    assert_eq!(
        text.unwrap(),
        serde_json::json!({"kind": "interval", "every_seconds": 60, "anchor": "2026-01-01T00:00:00Z"})
    );
}
