//! Which archives of a destination stay: a pure function of what is there, a policy and the time. It reads nothing, deletes nothing and
//! has no clock of its own.
//!
//! The rules, beside the policy's own (`strategy`):
//! - Archives are counted in pools: those of one instance id and one type. Those that were made before a restore belong to no pool and stay.
//! - Only good ones count: complete, verified where they lie, and signed by somebody who is known. The others never make a good one go.
//!   They go themselves where the policy would let a good one in their place go, and no fewer good ones than the floor are newer.
//! - Always kept: what is pinned, what is being read, the newest good one, and as many of the newest good ones as the floor says.
//! - "Newest" is said by the signed time and by the sequence. Where the two disagree, what either of them calls newest stays.
//! - Of other installations, of instances that are not known, without a signature that is known: foreign, and none of the policy's business.
//! - A backup that says that a table shrank keeps everything of its instance, of every type, until somebody accepts the loss: the next
//!   backup is as small as that one, and says nothing any more.
//! - A clock that may be wrong makes nothing go (`age`).
//!
//! Applied twice, it deletes nothing the second time: what stays stays for reasons that do not rest on what went.

mod age;
mod policy;
mod strategy;

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::archive_name::ArchiveType;
use super::instance::InstanceId;

pub use policy::{
    DEFAULT_FLOOR, PolicyError, PolicyFault, RetentionPolicy, RetentionStrategy, changed,
};

/// Two clocks that are right differ by less. An archive that is dated later than this after now is of a clock that was wrong, or is told
/// about by one that is.
pub const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_hours(1);

/// What a decision needs to know of one archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredArchive {
    /// Unique; the last resort of every order.
    pub id: String,
    pub instance_id: InstanceId,
    pub archive_type: ArchiveType,
    /// The time that its signed manifest and its name say.
    pub signed_at: Timestamp,
    /// Of its signed manifest. Not looked at where it is foreign.
    pub sequence: u64,
    pub origin: Origin,
    pub condition: Condition,
    pub pinned: bool,
    /// Something reads it now.
    pub in_use: bool,
    /// A backup of its instance, this one or another, says that a table shrank, and nobody has accepted that yet.
    pub shrunk: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Origin {
    /// Of an instance of this installation, and signed by it or by a known signer.
    Known,
    Foreign(ForeignReason),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Complete and verified.
    Good,
    /// Something of the instance is missing in it.
    Partial,
    /// Nobody has seen that its bytes are the right ones, or somebody has seen that they are not.
    NotVerified,
}

/// What becomes of one archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Keep(KeepReason),
    Delete(DeleteReason),
    /// Never deleted by a policy.
    Foreign(ForeignReason),
}

/// The first that holds, in about this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum KeepReason {
    /// There is no policy: everything stays.
    NoPolicy,
    Pinned,
    InUse,
    Safety,
    NewestVerified,
    /// One of the last n; it is number `n` of them.
    Last {
        n: u32,
    },
    /// It is so many whole days old.
    Younger {
        days: u32,
    },
    /// The newest of a day, `2026-11-25`.
    Daily {
        bucket: String,
    },
    /// The newest of a week, `2026-W48`.
    Weekly {
        bucket: String,
    },
    /// The newest of a month, `2026-11`.
    Monthly {
        bucket: String,
    },
    /// The newest of a year, `2026`.
    Yearly {
        bucket: String,
    },
    /// Levels count from 0; each reaches back twice as far as the one before.
    Hanoi {
        level: u32,
    },
    /// Fewer would stay than the floor.
    Floor,
    /// Its age is not sure.
    Clock {
        doubt: ClockDoubt,
    },
    /// A backup of its instance says that a table shrank, and nobody has accepted that.
    Shrunk,
    /// It is not whole, and not old enough to go.
    Partial,
    /// It is not known to be good, and not old enough to go.
    NotVerified,
}

/// Why an age is not sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ClockDoubt {
    /// It, or another one of its kind, is dated after now.
    AfterNow,
    /// There is no newer one for so long that now may be wrong.
    LongSilence,
    /// A pause after it was so long that the clock may have jumped, and counts only in part.
    LongPause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum DeleteReason {
    /// A good one that no rule of the policy keeps.
    Superseded,
    /// It is not whole, and enough newer ones are.
    Partial,
    /// It was never found good, and enough newer ones were.
    NotVerified,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ForeignReason {
    /// Of an instance that this installation does not have.
    OtherInstance,
    /// Nobody signed it, or nobody who is known.
    UnknownSigner,
    /// Its manifest could not be read yet.
    Unread,
    /// It lies there, and is not in the catalogue.
    NotInCatalogue,
    /// It has another size than the one that is in the catalogue.
    Changed,
}

/// One verdict for each archive, in the order given; that order changes none of them.
#[must_use]
pub fn decide(
    archives: &[StoredArchive],
    policy: Option<&RetentionPolicy>,
    now: Timestamp,
) -> Vec<Verdict> {
    let Some(policy) = policy else {
        return archives
            .iter()
            .map(|archive| beyond_policy(archive).unwrap_or(Verdict::Keep(KeepReason::NoPolicy)))
            .collect();
    };
    let mut pools: HashMap<_, Pool<'_>> = HashMap::new();
    for archive in archives.iter().filter(|a| a.counts()) {
        let pool = pools.entry(archive.pool()).or_default();
        if is_after(archive, now) {
            pool.some_after_now = true;
        } else {
            pool.good.push(archive);
        }
    }
    let mut reasons: HashMap<&str, Option<KeepReason>> = HashMap::new();
    for pool in pools.values_mut() {
        pool.sort();
        let kept = strategy::keeps(policy, &pool.good, now, pool.some_after_now);
        reasons.extend(pool.good.iter().map(|a| a.id.as_str()).zip(kept));
    }
    let stopped: HashSet<&InstanceId> = archives
        .iter()
        .filter(|a| a.shrunk)
        .map(|a| &a.instance_id)
        .collect();
    let empty = Pool::default();
    archives
        .iter()
        .map(|archive| {
            if let Some(verdict) = beyond_policy(archive) {
                return verdict;
            }
            let pool = pools.get(&archive.pool()).unwrap_or(&empty);
            let verdict = if archive.condition == Condition::Good {
                let reason = reasons.get(archive.id.as_str()).cloned().flatten();
                of_good(archive, pool, reason, policy, now)
            } else {
                of_other(archive, pool, policy, now)
            };
            match verdict {
                Verdict::Delete(_) if stopped.contains(&archive.instance_id) => {
                    Verdict::Keep(KeepReason::Shrunk)
                }
                verdict => verdict,
            }
        })
        .collect()
}

/// The good ones of one instance and type.
#[derive(Default)]
struct Pool<'a> {
    /// Newest first by time; without those that are dated after now, which stay and count for nothing.
    good: Vec<&'a StoredArchive>,
    /// The same, newest first by sequence.
    by_sequence: Vec<&'a StoredArchive>,
    some_after_now: bool,
}

impl Pool<'_> {
    fn sort(&mut self) {
        self.by_sequence.clone_from(&self.good);
        self.good.sort_by(|a, b| b.by_time().cmp(&a.by_time()));
        self.by_sequence
            .sort_by(|a, b| b.by_sequence().cmp(&a.by_sequence()));
    }

    /// Where it is, or would be, among those by time.
    fn place(&self, archive: &StoredArchive) -> usize {
        self.good
            .partition_point(|good| good.by_time() > archive.by_time())
    }

    /// How many good ones are newer, by time or by sequence: the fewer of both.
    fn newer_than(&self, archive: &StoredArchive) -> u32 {
        let by_sequence = self
            .by_sequence
            .partition_point(|good| good.by_sequence() > archive.by_sequence());
        u32::try_from(by_sequence.min(self.place(archive))).unwrap_or(u32::MAX)
    }
}

impl StoredArchive {
    fn pool(&self) -> (&InstanceId, ArchiveType) {
        (&self.instance_id, self.archive_type)
    }

    fn counts(&self) -> bool {
        self.origin == Origin::Known && self.is_of_a_pool() && self.condition == Condition::Good
    }

    fn is_of_a_pool(&self) -> bool {
        matches!(
            self.archive_type,
            ArchiveType::Manual | ArchiveType::Scheduled
        )
    }

    fn by_time(&self) -> (Timestamp, u64, &str) {
        (self.signed_at, self.sequence, &self.id)
    }

    fn by_sequence(&self) -> (u64, Timestamp, &str) {
        (self.sequence, self.signed_at, &self.id)
    }
}

fn is_after(archive: &StoredArchive, now: Timestamp) -> bool {
    archive.signed_at.duration_since(now) > CLOCK_TOLERANCE
}

/// What stays whatever the policy says.
fn beyond_policy(archive: &StoredArchive) -> Option<Verdict> {
    if let Origin::Foreign(reason) = archive.origin {
        return Some(Verdict::Foreign(reason));
    }
    let reason = if !archive.is_of_a_pool() {
        KeepReason::Safety
    } else if archive.pinned {
        KeepReason::Pinned
    } else if archive.in_use {
        KeepReason::InUse
    } else {
        return None;
    };
    Some(Verdict::Keep(reason))
}

/// `reason`: why the strategy keeps it.
fn of_good(
    archive: &StoredArchive,
    pool: &Pool<'_>,
    reason: Option<KeepReason>,
    policy: &RetentionPolicy,
    now: Timestamp,
) -> Verdict {
    if is_after(archive, now) {
        let doubt = ClockDoubt::AfterNow;
        return Verdict::Keep(KeepReason::Clock { doubt });
    }
    let newer = pool.newer_than(archive);
    match reason {
        _ if newer == 0 => Verdict::Keep(KeepReason::NewestVerified),
        // That it is one of the few is surer than its age.
        Some(KeepReason::Clock { .. }) | None if newer < policy.floor => {
            Verdict::Keep(KeepReason::Floor)
        }
        Some(reason) => Verdict::Keep(reason),
        None => Verdict::Delete(DeleteReason::Superseded),
    }
}

/// Of one that is not good: it is asked what would become of a good one in its place.
fn of_other(
    archive: &StoredArchive,
    pool: &Pool<'_>,
    policy: &RetentionPolicy,
    now: Timestamp,
) -> Verdict {
    let stays = pool.newer_than(archive) < policy.floor || is_after(archive, now) || {
        let mut with = pool.good.clone();
        let place = pool.place(archive);
        with.insert(place, archive);
        let kept = strategy::keeps(policy, &with, now, pool.some_after_now);
        kept.get(place).is_some_and(Option::is_some)
    };
    match (stays, archive.condition) {
        (true, Condition::Partial) => Verdict::Keep(KeepReason::Partial),
        (true, _) => Verdict::Keep(KeepReason::NotVerified),
        (false, Condition::Partial) => Verdict::Delete(DeleteReason::Partial),
        (false, _) => Verdict::Delete(DeleteReason::NotVerified),
    }
}
