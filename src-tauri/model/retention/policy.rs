//! A policy as a value, and how one is made from settings as people type them. What it means is in `strategy`.

use serde::{Deserialize, Serialize};

/// So many good archives of an instance and type stay whatever else is said.
pub const DEFAULT_FLOOR: u32 = 3;

const MOST_KEPT: u32 = 100_000;
/// A hundred years.
const MOST_DAYS: u32 = 36_525;
/// The highest level is then of every two thousand millionth backup.
const MOST_LEVELS: u32 = 32;

/// Which archives of a destination stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RetentionPolicy {
    #[serde(flatten)]
    pub strategy: RetentionStrategy,
    /// Never fewer good ones of an instance and type, at least 1.
    pub floor: u32,
}

/// None: that rule keeps nothing. One at least keeps something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "strategy", rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum RetentionStrategy {
    /// Either keeps.
    Simple {
        keep_last: Option<u32>,
        keep_days: Option<u32>,
    },
    Gfs {
        keep_daily: Option<u32>,
        keep_weekly: Option<u32>,
        keep_monthly: Option<u32>,
        keep_yearly: Option<u32>,
    },
    Hanoi {
        levels: u32,
    },
}

/// A setting that cannot be, as `key=value`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {fault}")]
pub struct PolicyError {
    pub setting: String,
    pub fault: PolicyFault,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    #[error("there is no such setting of a retention policy")]
    UnknownKey,
    #[error("it takes simple, gfs or hanoi; empty removes the policy")]
    UnknownStrategy,
    #[error("it takes a whole number from {least} to {most}")]
    Number { least: u32, most: u32 },
    #[error("it belongs to the strategy {of}, and the policy is {is}")]
    OtherStrategy { of: &'static str, is: &'static str },
    #[error("a policy that is removed has no settings")]
    Removed,
    #[error("it is given twice")]
    Twice,
    #[error("a policy needs a strategy: simple, gfs or hanoi")]
    NoStrategy,
    #[error("the strategy {strategy} needs {keys}")]
    KeepsNothing {
        strategy: &'static str,
        keys: &'static str,
    },
}

type Result<T> = std::result::Result<T, PolicyError>;

impl RetentionPolicy {
    /// For the column that mirrors it.
    #[must_use]
    pub fn days(&self) -> Option<u32> {
        match self.strategy {
            RetentionStrategy::Simple { keep_days, .. } => keep_days,
            _ => None,
        }
    }

    /// `key=value` of everything that is set.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let name = self.strategy.kind().name();
        let numbers = Numbers::of(self);
        let numbers = numbers
            .keys()
            .filter_map(|(key, value)| Some((key, value?.to_string())));
        std::iter::once(("strategy", name.to_owned()))
            .chain(numbers)
            .chain([("floor", self.floor.to_string())])
            .collect()
    }
}

/// The policy that `changes` make of the one that is there. None: it is removed. An empty value takes a setting away. The strategy need not
/// be said where there is no policy yet and the settings belong to one; another strategy takes over the floor and nothing else.
pub fn changed(
    current: Option<&RetentionPolicy>,
    changes: &[(String, String)],
) -> Result<Option<RetentionPolicy>> {
    for (i, (key, value)) in changes.iter().enumerate() {
        if changes.iter().take(i).any(|(before, _)| before == key) {
            return Err(error(key, value, PolicyFault::Twice));
        }
    }
    let wanted = changes.iter().find(|(key, _)| key == "strategy");
    if wanted.is_some_and(|(_, value)| value.is_empty()) {
        return match changes.iter().find(|(key, _)| key != "strategy") {
            Some((key, value)) => Err(error(key, value, PolicyFault::Removed)),
            None => Ok(None),
        };
    }
    let kind = match wanted {
        Some((key, value)) => {
            Kind::named(value).ok_or_else(|| error(key, value, PolicyFault::UnknownStrategy))?
        }
        None => match current {
            Some(policy) => policy.strategy.kind(),
            None => of_keys(changes)?,
        },
    };
    let same = current.filter(|policy| policy.strategy.kind() == kind);
    let mut numbers = same.map(Numbers::of).unwrap_or_default();
    let mut floor = current.map_or(DEFAULT_FLOOR, |policy| policy.floor);
    for (key, value) in changes.iter().filter(|(key, _)| key != "strategy") {
        let number = match value.as_str() {
            "" => None,
            text => Some(number(key, text)?),
        };
        if key == "floor" {
            floor = number.unwrap_or(DEFAULT_FLOOR);
            continue;
        }
        let of = owner(key).ok_or_else(|| error(key, value, PolicyFault::UnknownKey))?;
        if of != kind {
            let (of, is) = (of.name(), kind.name());
            return Err(error(key, value, PolicyFault::OtherStrategy { of, is }));
        }
        if let Some(place) = numbers.place(key) {
            *place = number;
        }
    }
    let strategy = numbers.strategy(kind)?;
    Ok(Some(RetentionPolicy { strategy, floor }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Simple,
    Gfs,
    Hanoi,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Simple, Self::Gfs, Self::Hanoi];

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Gfs => "gfs",
            Self::Hanoi => "hanoi",
        }
    }
}

impl RetentionStrategy {
    fn kind(&self) -> Kind {
        match self {
            Self::Simple { .. } => Kind::Simple,
            Self::Gfs { .. } => Kind::Gfs,
            Self::Hanoi { .. } => Kind::Hanoi,
        }
    }
}

/// Every number of every strategy, while they are put together.
#[derive(Clone, Copy, Default)]
struct Numbers {
    last: Option<u32>,
    days: Option<u32>,
    daily: Option<u32>,
    weekly: Option<u32>,
    monthly: Option<u32>,
    yearly: Option<u32>,
    levels: Option<u32>,
}

impl Numbers {
    fn of(policy: &RetentionPolicy) -> Self {
        match policy.strategy {
            RetentionStrategy::Simple {
                keep_last,
                keep_days,
            } => Self {
                last: keep_last,
                days: keep_days,
                ..Self::default()
            },
            RetentionStrategy::Gfs {
                keep_daily,
                keep_weekly,
                keep_monthly,
                keep_yearly,
            } => Self {
                daily: keep_daily,
                weekly: keep_weekly,
                monthly: keep_monthly,
                yearly: keep_yearly,
                ..Self::default()
            },
            RetentionStrategy::Hanoi { levels } => Self {
                levels: Some(levels),
                ..Self::default()
            },
        }
    }

    fn keys(self) -> impl Iterator<Item = (&'static str, Option<u32>)> {
        [
            ("keep_last", self.last),
            ("keep_days", self.days),
            ("keep_daily", self.daily),
            ("keep_weekly", self.weekly),
            ("keep_monthly", self.monthly),
            ("keep_yearly", self.yearly),
            ("levels", self.levels),
        ]
        .into_iter()
    }

    fn place(&mut self, key: &str) -> Option<&mut Option<u32>> {
        Some(match key {
            "keep_last" => &mut self.last,
            "keep_days" => &mut self.days,
            "keep_daily" => &mut self.daily,
            "keep_weekly" => &mut self.weekly,
            "keep_monthly" => &mut self.monthly,
            "keep_yearly" => &mut self.yearly,
            "levels" => &mut self.levels,
            _ => return None,
        })
    }

    fn strategy(self, kind: Kind) -> Result<RetentionStrategy> {
        let needs = |keys| {
            let strategy = kind.name();
            Err(error(
                "strategy",
                strategy,
                PolicyFault::KeepsNothing { strategy, keys },
            ))
        };
        match kind {
            Kind::Simple if self.last.or(self.days).is_none() => needs("keep_last or keep_days"),
            Kind::Simple => Ok(RetentionStrategy::Simple {
                keep_last: self.last,
                keep_days: self.days,
            }),
            Kind::Gfs => {
                let all = [self.daily, self.weekly, self.monthly, self.yearly];
                if all.iter().all(Option::is_none) {
                    return needs(
                        "at least one of keep_daily, keep_weekly, keep_monthly and keep_yearly",
                    );
                }
                Ok(RetentionStrategy::Gfs {
                    keep_daily: self.daily,
                    keep_weekly: self.weekly,
                    keep_monthly: self.monthly,
                    keep_yearly: self.yearly,
                })
            }
            Kind::Hanoi => match self.levels {
                Some(levels) => Ok(RetentionStrategy::Hanoi { levels }),
                None => needs("levels"),
            },
        }
    }
}

fn error(key: &str, value: &str, fault: PolicyFault) -> PolicyError {
    PolicyError {
        setting: format!("{key}={value}"),
        fault,
    }
}

/// The strategy that a setting belongs to.
fn owner(key: &str) -> Option<Kind> {
    Some(match key {
        "keep_last" | "keep_days" => Kind::Simple,
        "keep_daily" | "keep_weekly" | "keep_monthly" | "keep_yearly" => Kind::Gfs,
        "levels" => Kind::Hanoi,
        _ => return None,
    })
}

/// The strategy of a first policy that does not name one.
fn of_keys(changes: &[(String, String)]) -> Result<Kind> {
    if let Some((key, value)) = changes
        .iter()
        .find(|(key, _)| key != "floor" && owner(key).is_none())
    {
        return Err(error(key, value, PolicyFault::UnknownKey));
    }
    changes
        .iter()
        .find_map(|(key, _)| owner(key))
        .ok_or_else(|| error("strategy", "", PolicyFault::NoStrategy))
}

fn number(key: &str, text: &str) -> Result<u32> {
    let (least, most) = match key {
        "keep_days" => (1, MOST_DAYS),
        "levels" => (1, MOST_LEVELS),
        _ if key == "floor" || owner(key).is_some() => (1, MOST_KEPT),
        _ => return Err(error(key, text, PolicyFault::UnknownKey)),
    };
    let fault = PolicyFault::Number { least, most };
    text.parse()
        .ok()
        .filter(|n| (least..=most).contains(n) && text.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(|| error(key, text, fault))
}
