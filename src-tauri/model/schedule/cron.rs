//! Cron expressions of five fields, and the wall-clock times that match one. Zones and their changes are `slots`' business.
//!
//! `croner` reads the numbers, ranges, steps and lists; what it takes beyond the classical five fields (seconds, years, `L`, `W`, `#`, `?`,
//! `5/15`, a name in a field that it does not belong to) is refused before it sees it, and it is asked for no date: it leaves out times
//! around a change of the clocks.

use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::{Date, DateTime};

use super::error::{CronFault, CronField, ScheduleError};

/// The longest that two days of one pattern can lie apart is 40 years: 29 February on a certain weekday, across a year such as 2100.
const HORIZON_YEARS: i16 = 41;

/// `croner`'s flag of an ordinary value.
const ORDINARY: u8 = 1;

const NICKNAMES: [(&str, &str); 5] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
];
const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// A cron expression that some day matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// Bit sets of the values that each field takes; Sunday is 0.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    day_rule: DayRule,
    pub(super) pace: Pace,
}

/// How day of month and day of week go together: the classical rule of Vixie's cron, which looks at the first sign of each field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayRule {
    /// Neither begins with `*`: either is enough. `0 0 13 * fri` is each 13th and each Friday.
    Either,
    /// One begins with `*`: both must match. `0 0 */2 * mon` is each Monday of an odd date.
    Both,
}

/// What becomes of a pattern where the clocks are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Times of the day: no `*` and no step in the hour field.
    Fixed,
    /// All others follow elapsed time.
    Elapsed,
}

impl Pattern {
    /// Reads one, and holds it against the calendar: what no day matches is an error.
    pub fn parse(expression: &str) -> Result<Self, ScheduleError> {
        let typed = expression.trim();
        let text = typed.to_ascii_lowercase();
        let text = if text.starts_with('@') {
            let known = NICKNAMES.iter().find(|(nickname, _)| *nickname == text);
            known
                .ok_or_else(|| ScheduleError::CronNickname {
                    nickname: typed.to_owned(),
                })?
                .1
        } else {
            text.as_str()
        };
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        let &[minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(ScheduleError::CronFieldCount {
                expression: typed.to_owned(),
                found: fields.len(),
            });
        };
        let read = |field: CronField, value: &str| {
            values(field, value).map_err(|fault| ScheduleError::BadCron {
                expression: typed.to_owned(),
                field,
                value: value.to_owned(),
                fault,
            })
        };
        let pattern = Self {
            minutes: read(CronField::Minute, minute)?,
            hours: read(CronField::Hour, hour)?,
            days: read(CronField::DayOfMonth, day)?,
            months: read(CronField::Month, month)?,
            weekdays: read(CronField::DayOfWeek, weekday)?,
            day_rule: if day.starts_with('*') || weekday.starts_with('*') {
                DayRule::Both
            } else {
                DayRule::Either
            },
            pace: if hour.contains(['*', '/']) {
                Pace::Elapsed
            } else {
                Pace::Fixed
            },
        };
        // Any day serves as a start: see `HORIZON_YEARS`.
        match pattern.first_from(DateTime::constant(2000, 1, 1, 0, 0, 0, 0)) {
            Some(_) => Ok(pattern),
            None => Err(ScheduleError::ImpossibleCron {
                expression: typed.to_owned(),
            }),
        }
    }

    /// The first wall-clock minute at `from` or later that matches. None at the end of the calendar, and for what no day matches.
    #[must_use]
    pub fn first_from(&self, from: DateTime) -> Option<DateTime> {
        let from = whole_minute(from)?;
        if self.matches_date(from.date())
            && let Some((hour, minute)) = self.time_from(from.hour(), from.minute())
        {
            return Some(from.date().at(hour, minute, 0, 0));
        }
        let (hour, minute) = self.time_from(0, 0)?;
        let last_year = from.year().saturating_add(HORIZON_YEARS);
        let mut date = from.date().tomorrow().ok()?;
        while !self.matches_date(date) {
            date = if has(self.months, date.month()) {
                date.tomorrow().ok()?
            } else {
                date.last_of_month().tomorrow().ok()?
            };
            if date.year() > last_year {
                return None;
            }
        }
        Some(date.at(hour, minute, 0, 0))
    }

    fn matches_date(&self, date: Date) -> bool {
        let day = has(self.days, date.day());
        let weekday = has(self.weekdays, date.weekday().to_sunday_zero_offset());
        has(self.months, date.month())
            && match self.day_rule {
                DayRule::Either => day || weekday,
                DayRule::Both => day && weekday,
            }
    }

    /// The first hour and minute of a day, from the given ones on.
    fn time_from(&self, hour: i8, minute: i8) -> Option<(i8, i8)> {
        if has(self.hours, hour)
            && let Some(minute) = least(self.minutes, minute)
        {
            return Some((hour, minute));
        }
        Some((least(self.hours, hour + 1)?, least(self.minutes, 0)?))
    }
}

/// The minute that `at` begins, or the next one.
fn whole_minute(at: DateTime) -> Option<DateTime> {
    let minute = at.date().at(at.hour(), at.minute(), 0, 0);
    if minute == at {
        return Some(at);
    }
    minute.checked_add(jiff::SignedDuration::from_mins(1)).ok()
}

fn has(set: u64, value: i8) -> bool {
    set >> value & 1 == 1
}

/// The least value of a set that is `from` or more.
fn least(set: u64, from: i8) -> Option<i8> {
    (from..60).find(|value| has(set, *value))
}

/// The set of values of one field.
fn values(field: CronField, text: &str) -> Result<u64, CronFault> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '*' | ',' | '-' | '/');
    if let Some(symbol) = text.chars().find(|c| !known(*c)) {
        return Err(CronFault::Symbol(symbol));
    }
    let items: Vec<String> = text
        .split(',')
        .map(|item| numbered(field, item))
        .collect::<Result<_, _>>()?;
    let items = items.join(",");
    // Each field is read alone, so that a fault is known to be its own.
    let expression: Vec<&str> = CronField::ALL
        .iter()
        .map(|each| if *each == field { &items } else { "*" })
        .collect();
    let cron = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
        .parse(&expression.join(" "))
        .map_err(|_| CronFault::Unreadable)?;
    let component = match field {
        CronField::Minute => &cron.pattern.minutes,
        CronField::Hour => &cron.pattern.hours,
        CronField::DayOfMonth => &cron.pattern.days,
        CronField::Month => &cron.pattern.months,
        CronField::DayOfWeek => &cron.pattern.days_of_week,
    };
    let set = component
        .get_set_values(ORDINARY)
        .into_iter()
        .fold(0, |set, value| set | 1 << value);
    Ok(set)
}

/// One item of a list with its names as numbers: `mon-fri/2` as `1-5/2`.
fn numbered(field: CronField, item: &str) -> Result<String, CronFault> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let (first, last) = match range.split_once('-') {
        Some((first, last)) => (first, Some(last)),
        None => (range, None),
    };
    let mut text = number(field, first)?;
    if let Some(last) = last {
        let end = number(field, last)?;
        // Sunday ends a week, unless it begins one.
        let last = if last == "sun" && text != "0" {
            "7"
        } else {
            &end
        };
        text = format!("{text}-{last}");
    }
    if let Some(step) = step {
        if step.is_empty() {
            return Err(CronFault::Empty);
        }
        if last.is_none() && first != "*" {
            return Err(CronFault::BareStep);
        }
        if step.parse::<u16>().is_ok_and(|step| step > field.values()) {
            return Err(CronFault::LongStep(step.to_owned()));
        }
        if let Some(word) = word(step) {
            return Err(CronFault::Word(word));
        }
        text = format!("{text}/{step}");
    }
    Ok(text)
}

fn number(field: CronField, token: &str) -> Result<String, CronFault> {
    if token.is_empty() {
        return Err(CronFault::Empty);
    }
    let (names, first): (&[&str], usize) = match field {
        CronField::Month => (&MONTHS, 1),
        CronField::DayOfWeek => (&WEEKDAYS, 0),
        _ => (&[], 0),
    };
    if let Some(at) = names.iter().position(|name| *name == token) {
        return Ok((at + first).to_string());
    }
    match word(token) {
        Some(word) => Err(CronFault::Word(word)),
        None => Ok(token.to_owned()),
    }
}

/// The token, when letters are in it.
fn word(token: &str) -> Option<String> {
    token
        .contains(|c: char| c.is_ascii_alphabetic())
        .then(|| token.to_owned())
}
