//! Why a schedule cannot be. The facts are here; what a person is told is `service`'s business.

use std::fmt;

/// A schedule, or a part of one as it was typed, that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    #[error(
        "`{name}` cannot be the name of a schedule: it takes 1 to 64 letters, digits, `-` and `_`"
    )]
    BadName { name: String },
    #[error("the schedule names no destination")]
    NoDestination,
    #[error("there is no time zone `{zone}`")]
    UnknownZone { zone: String },
    #[error(
        "`{expression}` has {found} fields: cron takes minute, hour, day of month, month and day of week"
    )]
    CronFieldCount { expression: String, found: usize },
    #[error("there is no `{nickname}`: cron knows @hourly, @daily, @weekly, @monthly and @yearly")]
    CronNickname { nickname: String },
    #[error("`{value}` in the {field} of `{expression}`: {fault}")]
    BadCron {
        expression: String,
        field: CronField,
        /// The whole field.
        value: String,
        fault: CronFault,
    },
    /// Each field can be met, all of them together on no day: `0 0 31 2 *`.
    #[error("no day ever matches `{expression}`")]
    ImpossibleCron { expression: String },
    #[error("every {every_seconds} s is too often: the shortest interval is {least_seconds} s")]
    IntervalTooShort {
        every_seconds: u64,
        least_seconds: u64,
    },
    #[error("`{value}` cannot be `{setting}`: {fault}")]
    BadDuration {
        /// `every`, `grace` or `settle`.
        setting: &'static str,
        value: String,
        fault: DurationFault,
    },
    /// Its slots are not known here; whoever added it resolves it.
    #[error("unknown cadence `{name}`")]
    UnknownCadence { name: String },
}

/// A field of a cron expression, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CronField {
    Minute,
    Hour,
    DayOfMonth,
    Month,
    DayOfWeek,
}

impl CronField {
    pub const ALL: [Self; 5] = [
        Self::Minute,
        Self::Hour,
        Self::DayOfMonth,
        Self::Month,
        Self::DayOfWeek,
    ];

    /// The least and the greatest number it takes.
    #[must_use]
    pub fn limits(self) -> (u16, u16) {
        match self {
            Self::Minute => (0, 59),
            Self::Hour => (0, 23),
            Self::DayOfMonth => (1, 31),
            Self::Month => (1, 12),
            Self::DayOfWeek => (0, 7),
        }
    }

    /// How many different values it has: 0 and 7 are one Sunday.
    #[must_use]
    pub fn values(self) -> u16 {
        match self {
            Self::DayOfWeek => 7,
            _ => self.limits().1 - self.limits().0 + 1,
        }
    }
}

impl fmt::Display for CronField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Minute => "minute",
            Self::Hour => "hour",
            Self::DayOfMonth => "day of month",
            Self::Month => "month",
            Self::DayOfWeek => "day of week",
        })
    }
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CronFault {
    /// `?`, `#`, `+`: not of the five classical fields.
    #[error("`{0}` has no meaning here")]
    Symbol(char),
    /// No name of a month or a weekday; `L` and `W` are here too.
    #[error("`{0}` is no name in this field")]
    Word(String),
    /// `1,,2`, `/5`.
    #[error("a value is missing")]
    Empty,
    /// `5/15`: some programs take it for `5` and some for `5-59/15`.
    #[error("a step needs `*` or a range before it")]
    BareStep,
    /// `*/90` in the minutes would mean every hour.
    #[error("a step of `{0}` is longer than the field")]
    LongStep(String),
    /// A number out of `CronField::limits`, a range that runs backwards, a step of 0, or none of the known shapes.
    #[error("not a number, range, step or list of what the field takes")]
    Unreadable,
}

/// What is wrong with a length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationFault {
    #[error("not a length of time such as 6h, 90m, 1h30m or 2d")]
    Unreadable,
    #[error("months and years are not of one length")]
    Calendar,
    #[error("it must be longer than nothing")]
    NotPositive,
    #[error("it must be in whole seconds")]
    Fraction,
}
