//! Slots against a clock that is looked at every minute: any expression, around any change of any zone. The watcher here shares no code with
//! what it judges: it neither parses an expression nor asks a zone for its changes.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use holdfast::model::schedule::between;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::cron_slots;

/// An hour, half an hour, two hours, a quarter, a day; at midnight, in Ramadan, for good; and none.
const ZONES: &[&str] = &[
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Gaza",
    "Pacific/Apia",
    "Pacific/Kwajalein",
    "Europe/Dublin",
    "Antarctica/Troll",
    "Antarctica/Casey",
    "America/Caracas",
    "America/Havana",
    "America/Scoresbysund",
    "Asia/Pyongyang",
    "Asia/Kathmandu",
    "UTC",
];

/// A field as it is written, and what it takes.
#[derive(Clone, Debug)]
struct Field {
    text: String,
    values: BTreeSet<i8>,
}

#[derive(Clone, Debug)]
struct Expression {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

impl Expression {
    fn text(&self) -> String {
        let fields = [
            &self.minute,
            &self.hour,
            &self.day,
            &self.month,
            &self.weekday,
        ];
        fields.map(|field| field.text.as_str()).join(" ")
    }

    fn matches(&self, time: DateTime) -> bool {
        let day = self.day.values.contains(&time.day());
        let weekday = time.weekday().to_sunday_zero_offset();
        let weekday = self.weekday.values.contains(&weekday);
        let star = |field: &Field| field.text.starts_with('*');
        let date = if star(&self.day) || star(&self.weekday) {
            day && weekday
        } else {
            day || weekday
        };
        date && self.month.values.contains(&time.month())
            && self.hour.values.contains(&time.hour())
            && self.minute.values.contains(&time.minute())
    }

    fn is_fixed(&self) -> bool {
        !self.hour.text.contains('*') && !self.hour.text.contains('/')
    }
}

/// The slots after `after` and up to `until`, by looking at the clock every minute.
fn watched(
    expression: &Expression,
    zone: &TimeZone,
    after: Timestamp,
    until: Timestamp,
) -> Vec<Timestamp> {
    let minute = SignedDuration::from_mins(1);
    let mut slots = Vec::new();
    // A day ahead, so that it is known what the clock has shown before.
    let begin = (after - SignedDuration::from_hours(24)).as_second();
    let mut now = Timestamp::from_second(begin - begin.rem_euclid(60)).unwrap();
    let mut seen = zone.to_datetime(now);
    while now + minute <= until {
        now += minute;
        let clock = zone.to_datetime(now);
        let mut due = false;
        if expression.is_fixed() {
            while seen < clock {
                seen += minute;
                due |= expression.matches(seen);
            }
        } else {
            due = expression.matches(clock);
        }
        if due && now > after {
            slots.push(now);
        }
    }
    slots
}

/// A list of items. Their numbers are taken from `likely`, a star from all of `least` to `most`.
fn field(least: i8, most: i8, likely: RangeInclusive<i8>) -> impl Strategy<Value = Field> {
    let number = || likely.clone();
    let item = prop_oneof![
        5 => number().prop_map(|value| (value.to_string(), vec![value])),
        3 => (number(), number()).prop_map(|(a, b)| {
            let (a, b) = (a.min(b), a.max(b));
            (format!("{a}-{b}"), (a..=b).collect())
        }),
        2 => (number(), number(), 1..=6_i8).prop_map(|(a, b, step)| {
            let (a, b) = (a.min(b), a.max(b));
            let values = (a..=b).filter(|v| (v - a) % step == 0).collect();
            (format!("{a}-{b}/{step}"), values)
        }),
        1 => (1..=7_i8).prop_map(move |step| {
            let values = (least..=most).filter(|v| (v - least) % step == 0).collect();
            (format!("*/{step}"), values)
        }),
    ];
    proptest::collection::vec(item, 1..=3).prop_map(|items: Vec<(String, Vec<i8>)>| Field {
        text: items
            .iter()
            .map(|(text, _)| text.as_str())
            .collect::<Vec<_>>()
            .join(","),
        values: items.into_iter().flat_map(|(_, values)| values).collect(),
    })
}

fn any_of(least: i8, most: i8) -> Just<Field> {
    Just(Field {
        text: "*".to_owned(),
        values: (least..=most).collect(),
    })
}

fn expression() -> impl Strategy<Value = Expression> {
    let weekday = field(0, 7, 0..=7).prop_map(|mut field| {
        if field.values.remove(&7) {
            field.values.insert(0);
        }
        field
    });
    // The hours at which clocks are changed come up often.
    let hour = prop_oneof![2 => any_of(0, 23), 3 => field(0, 23, 0..=4), 1 => field(0, 23, 22..=23), 2 => field(0, 23, 0..=23)];
    (
        prop_oneof![1 => any_of(0, 59), 5 => field(0, 59, 0..=59)],
        hour,
        prop_oneof![4 => any_of(1, 31), 1 => field(1, 31, 1..=31)],
        prop_oneof![6 => any_of(1, 12), 1 => field(1, 12, 1..=12)],
        prop_oneof![4 => any_of(0, 6), 1 => weekday],
    )
        .prop_map(|(minute, hour, day, month, weekday)| Expression {
            minute,
            hour,
            day,
            month,
            weekday,
        })
}

/// A zone and a span of up to four days in it, mostly around a change of its clocks.
fn span() -> impl Strategy<Value = (&'static str, Timestamp, Timestamp)> {
    (
        proptest::sample::select(ZONES),
        1973_i64..2045,
        0..6_usize,
        0..4320 * 60_i64,
        0..5760_i64,
    )
        .prop_map(|(name, year, nth, before, length)| {
            let zone = TimeZone::get(name).unwrap();
            let begin = Timestamp::from_second((year - 1970) * 31_556_952).unwrap();
            let change = zone.following(begin).nth(nth);
            let middle = change.map_or(begin, |change| change.timestamp());
            let after = middle - SignedDuration::from_secs(before);
            (name, after, after + SignedDuration::from_mins(length))
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn slots_are_what_a_clock_shows_that_is_looked_at_every_minute(
        expression in expression(),
        (name, after, until) in span(),
        inside in 0.0..1.0,
    ) {
        let zone = TimeZone::get(name).unwrap();
        let text = expression.text();
        // `31 2`: no day matches, and nothing is to be found.
        prop_assume!(super::by_cron(&text, name).slots().is_ok());
        let slots = cron_slots(&text, name);
        let found: Vec<Timestamp> = between(slots.as_ref(), after, until).collect();

        prop_assert_eq!(&found, &watched(&expression, &zone, after, until), "{} in {}", text, name);

        for pair in found.windows(2) {
            prop_assert!(pair[0] < pair[1]);
            let apart = pair[1].duration_since(pair[0]);
            let instant = SignedDuration::from_nanos(1);
            let starts = [pair[0], pair[0] + instant, pair[0] + apart.mul_f64(inside), pair[1] - instant];
            for start in starts {
                prop_assert_eq!(slots.next_after(start), Some(pair[1]), "{} in {} after {}", text, name, start);
            }
        }

        for slot in found {
            let before = zone.to_offset(slot - SignedDuration::from_nanos(1));
            let ends_a_gap = before < zone.to_offset(slot);
            let matches = expression.matches(zone.to_datetime(slot));
            prop_assert!(matches || expression.is_fixed() && ends_a_gap, "{} in {}: {}", text, name, slot);
        }
    }
}
