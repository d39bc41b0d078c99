//! Claims about which archives stay, without one: the decision is a pure function.

mod clocks;
mod hanoi;
mod policies;
mod pools;
mod properties;

use holdfast::model::retention::{
    CLOCK_TOLERANCE, Condition, ForeignReason, KeepReason, Origin, RetentionPolicy,
    RetentionStrategy, StoredArchive, Verdict, changed, decide,
};
use holdfast::model::{ArchiveType, InstanceId};
use jiff::{SignedDuration, Timestamp};

fn instance(id: &str) -> InstanceId {
    id.parse().unwrap()
}

/// Noon of a day in 2026, days counted from the first of January.
fn noon(day: i64) -> Timestamp {
    let first: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    first + SignedDuration::from_hours(24 * day)
}

/// A good one, of that day's noon.
fn good(sequence: u64, day: i64) -> StoredArchive {
    StoredArchive {
        id: format!("{sequence}"),
        instance_id: instance("0a1b2c3d"),
        archive_type: ArchiveType::Scheduled,
        signed_at: noon(day),
        sequence,
        origin: Origin::Known,
        condition: Condition::Good,
        pinned: false,
        in_use: false,
        shrunk: false,
    }
}

/// One good one a day: sequence 1 on day 1, and so on.
fn daily(days: u64) -> Vec<StoredArchive> {
    (1..=days).map(|n| good(n, n.cast_signed())).collect()
}

fn policy(settings: &[(&str, &str)]) -> RetentionPolicy {
    let own = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
    let settings: Vec<_> = settings.iter().map(own).collect();
    changed(None, &settings).unwrap().unwrap()
}

/// What stays, by id, as it was given.
fn kept(archives: &[StoredArchive], policy: &RetentionPolicy, now: Timestamp) -> Vec<String> {
    archives
        .iter()
        .zip(decide(archives, Some(policy), now))
        .filter(|(_, verdict)| !matches!(verdict, Verdict::Delete(_)))
        .map(|(archive, _)| archive.id.clone())
        .collect()
}

fn reasons(archives: &[StoredArchive], policy: &RetentionPolicy, now: Timestamp) -> Vec<String> {
    let short = |verdict: &Verdict| match verdict {
        Verdict::Keep(reason) => {
            let facts = serde_json::to_value(reason).unwrap();
            let mut facts = facts.as_object().unwrap().clone();
            let mut text = facts.remove("reason").unwrap().as_str().unwrap().to_owned();
            for fact in facts.values() {
                text.push(' ');
                text.push_str(fact.to_string().trim_matches('"'));
            }
            text
        }
        Verdict::Delete(reason) => format!("delete {reason:?}"),
        Verdict::Foreign(reason) => format!("foreign {reason:?}"),
    };
    decide(archives, Some(policy), now)
        .iter()
        .map(short)
        .collect()
}
