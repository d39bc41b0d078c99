//! Sizes, counts and times as people read them.

use indicatif::{HumanBytes, HumanCount};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::schedule::ScheduledAct;
use crate::model::{ComponentKind, Compression, ExecutionKind, ExecutionStatus, Template};
use crate::service::report::SignatureVerdict;

/// `12.34 MiB`.
pub(super) fn size(bytes: u64) -> String {
    HumanBytes(bytes).to_string()
}

/// `-` where it is not known.
pub(super) fn size_or_dash(bytes: Option<u64>) -> String {
    bytes.map_or_else(|| "-".to_owned(), size)
}

/// `1,234 rows`, `1 row`.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", HumanCount(n), if n == 1 { one } else { many })
}

/// `-` where it is not known.
pub(super) fn count_or_dash(n: Option<u64>) -> String {
    n.map_or_else(|| "-".to_owned(), |n| HumanCount(n).to_string())
}

/// To the second, with the zone's name.
pub(super) fn time(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S %Z")
        .to_string()
}

pub(super) fn kind(kind: ComponentKind) -> &'static str {
    match kind {
        ComponentKind::Database => "database",
        ComponentKind::Config => "configuration",
        ComponentKind::Files => "files",
    }
}

pub(super) fn template(template: Template) -> &'static str {
    match template {
        Template::Tacacs => "tacacs",
        Template::Auto => "auto",
    }
}

pub(super) fn compression(compression: Compression) -> &'static str {
    match compression {
        Compression::Gzip => "gzip",
        Compression::Zstd => "zstd",
    }
}

pub(super) fn act(kind: ExecutionKind) -> &'static str {
    match kind {
        ExecutionKind::Backup => "backup",
        ExecutionKind::Restore => "restore",
        ExecutionKind::Undo => "undo",
        ExecutionKind::Verify => "verify",
        ExecutionKind::Drill => "drill",
        ExecutionKind::Retention => "retention",
    }
}

pub(super) fn scheduled(act: ScheduledAct) -> &'static str {
    match act {
        ScheduledAct::Backup => "back up",
        ScheduledAct::Verify => "verify",
        ScheduledAct::Drill => "drill",
        ScheduledAct::Retention => "delete old archives of",
    }
}

pub(super) fn status(status: ExecutionStatus) -> &'static str {
    match status {
        ExecutionStatus::Running => "running",
        ExecutionStatus::Completed => "completed",
        ExecutionStatus::Partial => "partial",
        ExecutionStatus::Failed => "failed",
        ExecutionStatus::Interrupted => "interrupted",
        ExecutionStatus::Cancelled => "cancelled",
    }
}

/// Completes "signed by …".
pub(super) fn signer(verdict: SignatureVerdict) -> &'static str {
    match verdict {
        SignatureVerdict::ThisInstallation => "this installation",
        SignatureVerdict::Known => "a known signer",
        SignatureVerdict::Unknown => "an UNKNOWN key",
        SignatureVerdict::None => "NOBODY",
    }
}

pub(super) fn yes(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_says_its_zone_also_around_the_change_of_the_clock() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| time(text.parse().unwrap(), &berlin);
        assert_eq!(at("2026-10-25T00:30:00Z"), "2026-10-25 02:30:00 CEST");
        assert_eq!(at("2026-10-25T01:30:00Z"), "2026-10-25 02:30:00 CET");
    }

    #[test]
    fn sizes_are_binary_and_counts_are_grouped() {
        assert_eq!(size(0), "0 B");
        assert_eq!(size(1536), "1.50 KiB");
        assert_eq!(size(5 << 30), "5.00 GiB");
        assert_eq!(count(1, "row", "rows"), "1 row");
        assert_eq!(count(4_000_000, "row", "rows"), "4,000,000 rows");
    }
}
