//! What a cron expression means, and what is refused.

use holdfast::model::schedule::{CronFault, CronField, ScheduleError, between};
use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::{at, by_cron, cron_slots, shown, upcoming};

#[test]
fn what_is_written_otherwise_means_the_same() {
    for (written, plain) in [
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * SUN", "0 0 * * 0"),
        ("0 0 * * sun-SUN", "0 0 * * 0"),
        ("0 0 * * 0-7", "0 0 * * *"),
        ("0 0 * * Mon-Sun", "0 0 * * *"),
        ("0 0 * * fri-sun", "0 0 * * 0,5,6"),
        ("0 0 * * 5-7", "0 0 * * 0,5,6"),
        ("0 0 * * sun-tue", "0 0 * * 0,1,2"),
        ("0 0 * * mon-fri/2", "0 0 * * 1,3,5"),
        ("0 0 * * */7", "0 0 * * 0"),
        ("0 0 * * */3", "0 0 * * 0,3,6"),
        ("0 0 * JAN,jul *", "0 0 * 1,7 *"),
        ("0 0 1 oct-dec *", "0 0 1 10,11,12 *"),
        ("  00\t04   * * * ", "0 4 * * *"),
        ("5-10/2,30 0 * * *", "5,7,9,30 0 * * *"),
        ("0-59/20 0 * * *", "0,20,40 0 * * *"),
        ("*/60 0 * * *", "0 0 * * *"),
        ("10,5,10 0 * * *", "5,10 0 * * *"),
        ("3-3 0 * * *", "3 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("@Daily", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
    ] {
        assert_eq!(next(written, 40), next(plain, 40), "{written}");
    }
    assert_ne!(next("0 0 * * 0", 40), next("0 0 * * 1", 40));
}

#[test]
fn day_of_month_and_day_of_week_are_either_unless_one_begins_with_a_star() {
    let november = |expression: &str| -> Vec<i8> {
        let slots = cron_slots(expression, "UTC");
        let month = (at("2026-10-31T23:59:59Z"), at("2026-11-30T23:59:59Z"));
        between(slots.as_ref(), month.0, month.1)
            .map(|slot| TimeZone::UTC.to_datetime(slot).day())
            .collect()
    };
    assert_eq!(november("0 0 13 * fri"), [6, 13, 20, 27]);
    assert_eq!(november("0 0 14 * fri"), [6, 13, 14, 20, 27]);
    assert_eq!(november("0 0 14 * *"), [14]);
    assert_eq!(november("0 0 * * fri"), [6, 13, 20, 27]);
    assert_eq!(november("0 0 1-31 * fri").len(), 30);
    assert_eq!(november("0 0 */2 * fri"), [13, 27]);
    assert_eq!(november("0 0 6,14 * */5"), [6]);
    assert_eq!(november("0 0 31 * fri"), [6, 13, 20, 27]);
    assert_eq!(november("0 0 31 * *"), Vec::<i8>::new());
}

#[test]
fn what_is_no_classical_cron_is_refused_and_its_field_named() {
    use CronFault::{BareStep, Empty, LongStep, Symbol, Unreadable, Word};
    use CronField::{DayOfMonth, DayOfWeek, Hour, Minute, Month};
    let word = |word: &str| Word(word.to_owned());
    for (expression, field, fault) in [
        ("60 * * * *", Minute, Unreadable),
        ("-1 * * * *", Minute, Empty),
        ("* 24 * * *", Hour, Unreadable),
        ("0 22-6 * * *", Hour, Unreadable),
        ("0 0 0 * *", DayOfMonth, Unreadable),
        ("0 0 32 * *", DayOfMonth, Unreadable),
        ("0 0 1 0 *", Month, Unreadable),
        ("0 0 1 13 *", Month, Unreadable),
        ("0 0 * * 8", DayOfWeek, Unreadable),
        ("0 0 * * fri-mon", DayOfWeek, Unreadable),
        ("*/0 * * * *", Minute, Unreadable),
        ("*/90 * * * *", Minute, LongStep("90".to_owned())),
        ("0 */25 * * *", Hour, LongStep("25".to_owned())),
        ("0 0 * * */8", DayOfWeek, LongStep("8".to_owned())),
        ("5/15 * * * *", Minute, BareStep),
        ("1-2-3 * * * *", Minute, Unreadable),
        ("*/2/3 * * * *", Minute, Unreadable),
        ("** * * * *", Minute, Unreadable),
        ("*-5 * * * *", Minute, Unreadable),
        ("5-* * * * *", Minute, Unreadable),
        ("1,,2 * * * *", Minute, Empty),
        (", * * * *", Minute, Empty),
        ("1, * * * *", Minute, Empty),
        ("/5 * * * *", Minute, Empty),
        ("*/ * * * *", Minute, Empty),
        ("5- * * * *", Minute, Empty),
        ("99999999999 * * * *", Minute, Unreadable),
        ("1.5 * * * *", Minute, Symbol('.')),
        ("+5 * * * *", Minute, Symbol('+')),
        ("١ * * * *", Minute, Symbol('١')),
        ("0 0 ? * *", DayOfMonth, Symbol('?')),
        ("0 0 L * *", DayOfMonth, word("l")),
        ("0 0 15W * *", DayOfMonth, word("15w")),
        ("0 0 * * 5L", DayOfWeek, word("5l")),
        ("0 0 * * 5#2", DayOfWeek, Symbol('#')),
        ("0 0 1 * +mon", DayOfWeek, Symbol('+')),
        ("0 0 * mon *", Month, word("mon")),
        ("0 0 * * jan", DayOfWeek, word("jan")),
        ("mon * * * *", Minute, word("mon")),
        ("0 0 * * montue", DayOfWeek, word("montue")),
        ("0 0 * * monday", DayOfWeek, word("monday")),
        ("0 0 * * 1mon", DayOfWeek, word("1mon")),
        ("0 0 * * */mon", DayOfWeek, word("mon")),
    ] {
        let refused = refusal(expression);
        let Some(ScheduleError::BadCron {
            field: named,
            fault: found,
            ..
        }) = &refused
        else {
            panic!("{expression}: {refused:?}");
        };
        assert_eq!((named, found), (&field, &fault), "{expression}");
    }
}

#[test]
fn seconds_years_and_unknown_nicknames_are_refused() {
    for (expression, found) in [
        ("", 0),
        ("* * * *", 4),
        ("0 0 0 * * *", 6),
        ("0 0 * * * 2026", 6),
        ("0 0 0 * * * 2026", 7),
        ("CRON_TZ=UTC 0 0 * * *", 6),
    ] {
        let expression = expression.to_owned();
        let expected = ScheduleError::CronFieldCount { expression, found };
        let ScheduleError::CronFieldCount { expression, .. } = &expected else {
            unreachable!()
        };
        assert_eq!(refusal(expression).as_ref(), Some(&expected));
    }
    for nickname in ["@reboot", "@every 5m", "@daily 5", "@"] {
        let expected = ScheduleError::CronNickname {
            nickname: nickname.to_owned(),
        };
        assert_eq!(refusal(nickname), Some(expected));
    }
}

#[test]
fn what_no_day_matches_is_refused_at_once() {
    for expression in [
        "0 0 31 2 *",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "*/5 * 30-31 feb *",
        "0 0 31 2 */2",
    ] {
        let expected = ScheduleError::ImpossibleCron {
            expression: expression.to_owned(),
        };
        assert_eq!(refusal(expression), Some(expected));
    }
    for possible in ["0 0 31 1,2 *", "0 0 31 2 mon", "0 0 29 2 *"] {
        assert_eq!(refusal(possible), None, "{possible}");
    }
}

#[test]
fn a_leap_day_is_found_however_far_it_is() {
    let leap_days = |of: &dyn Fn(Date) -> bool| -> Vec<String> {
        (1890..2410)
            .filter_map(|year| Date::new(year, 2, 29).ok())
            .filter(|day| of(*day))
            .map(|day| day.to_string())
            .collect()
    };
    let found = |expression: &str| -> Vec<String> {
        let slots = cron_slots(expression, "UTC");
        between(
            slots.as_ref(),
            at("1889-12-31T00:00:00Z"),
            at("2410-01-01T00:00:00Z"),
        )
        .map(|slot| TimeZone::UTC.to_datetime(slot).date().to_string())
        .collect()
    };
    assert_eq!(found("0 0 29 2 *"), leap_days(&|_| true));
    let sundays = leap_days(&|day| day.weekday() == Weekday::Sunday);
    // 40 years lie between these, as many as between any two.
    assert_eq!(sundays[6..8], ["2088-02-29", "2128-02-29"]);
    assert_eq!(found("0 0 29 2 */7"), sundays);
}

#[test]
fn a_leap_day_is_found_across_a_zone_s_changes() {
    let slots = cron_slots("30 2 29 2 *", "Europe/Berlin");
    let next = slots.next_after(at("2096-03-01T00:00:00Z")).unwrap();
    assert_eq!(shown(next, "Europe/Berlin"), "2104-02-29 02:30+01:00");
}

#[test]
fn the_calendar_has_an_end() {
    let slots = cron_slots("* * * * *", "Europe/Berlin");
    assert_eq!(slots.next_after(Timestamp::MAX), None);
    assert!(slots.next_after(Timestamp::MIN).is_some());
    let yearly = cron_slots("0 0 1 1 *", "Pacific/Kiritimati");
    assert_eq!(yearly.next_after(at("9999-06-01T00:00:00Z")), None);
}

fn next(expression: &str, count: usize) -> Vec<Timestamp> {
    let from = at("2026-11-25T12:00:00Z");
    upcoming(&by_cron(expression, "UTC"), from, count).unwrap()
}

fn refusal(expression: &str) -> Option<ScheduleError> {
    by_cron(expression, "UTC").slots().err()
}
