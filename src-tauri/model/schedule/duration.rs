//! Lengths of time as people type them: `6h`, `90m`, `1h30m`, `2d`. A day is 24 hours, whatever the clocks do.

use jiff::fmt::friendly::SpanParser;
use jiff::{Span, SpanRelativeTo};

use super::error::{DurationFault, ScheduleError};

/// The shortest interval of a schedule.
pub const LEAST_INTERVAL_SECONDS: u64 = 60;

/// The seconds of an interval, at least a minute.
pub fn parse_every(text: &str) -> Result<u64, ScheduleError> {
    let every_seconds = parse("every", text)?;
    check_interval(every_seconds)?;
    Ok(every_seconds)
}

/// The seconds for which a missed slot may still be caught up.
pub fn parse_grace(text: &str) -> Result<u64, ScheduleError> {
    parse("grace", text)
}

/// The seconds that a catch-up waits for the machine to come to rest.
pub fn parse_settle(text: &str) -> Result<u64, ScheduleError> {
    parse("settle", text)
}

pub(super) fn check_interval(every_seconds: u64) -> Result<(), ScheduleError> {
    if every_seconds < LEAST_INTERVAL_SECONDS {
        return Err(ScheduleError::IntervalTooShort {
            every_seconds,
            least_seconds: LEAST_INTERVAL_SECONDS,
        });
    }
    Ok(())
}

fn parse(setting: &'static str, text: &str) -> Result<u64, ScheduleError> {
    seconds(text).map_err(|fault| ScheduleError::BadDuration {
        setting,
        value: text.to_owned(),
        fault,
    })
}

fn seconds(text: &str) -> Result<u64, DurationFault> {
    let span: Span = SpanParser::new()
        .parse_span(text.trim())
        .map_err(|_| DurationFault::Unreadable)?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err(DurationFault::Calendar);
    }
    let length = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| DurationFault::Unreadable)?;
    if length.is_zero() || length.is_negative() {
        return Err(DurationFault::NotPositive);
    }
    if length.subsec_nanos() != 0 {
        return Err(DurationFault::Fraction);
    }
    u64::try_from(length.as_secs()).map_err(|_| DurationFault::NotPositive)
}
