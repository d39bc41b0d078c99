//! The name of an archive: `backup-{instance}-{YYYYMMDD}-{HHMMSS}-{type}[-N].tar.(gz|zst)[.age]`, UTC.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::instance::{Compression, is_instance_name};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ArchiveType {
    Manual,
    Scheduled,
    /// Taken before a restore changes anything.
    Safety,
}

impl ArchiveType {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Scheduled => "scheduled",
            Self::Safety => "safety",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ArchiveName {
    pub instance: String,
    /// Whole seconds.
    pub created_at: Timestamp,
    pub archive_type: ArchiveType,
    /// 2, 3, … where the plain name was taken at a destination.
    pub suffix: Option<u32>,
    pub compression: Compression,
    pub encrypted: bool,
}

/// A text that is no archive's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the name of an archive")]
pub struct BadArchiveName(pub String);

impl ArchiveName {
    /// The same archive's name under a suffix; claims ignore it.
    #[must_use]
    pub fn with_suffix(&self, suffix: Option<u32>) -> Self {
        Self {
            suffix,
            ..self.clone()
        }
    }

    /// Whether both name the same archive, suffixes aside.
    #[must_use]
    pub fn same_claim(&self, other: &Self) -> bool {
        self.with_suffix(None) == other.with_suffix(None)
    }
}

impl fmt::Display for ArchiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.created_at.strftime("%Y%m%d-%H%M%S");
        let (instance, kind) = (&self.instance, self.archive_type.as_str());
        write!(f, "backup-{instance}-{at}-{kind}")?;
        if let Some(n) = self.suffix {
            write!(f, "-{n}")?;
        }
        f.write_str(match self.compression {
            Compression::Gzip => ".tar.gz",
            Compression::Zstd => ".tar.zst",
        })?;
        f.write_str(if self.encrypted { ".age" } else { "" })
    }
}

impl FromStr for ArchiveName {
    type Err = BadArchiveName;

    fn from_str(text: &str) -> Result<Self, BadArchiveName> {
        parse(text).ok_or_else(|| BadArchiveName(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<ArchiveName> {
    let (rest, encrypted) = match text.strip_suffix(".age") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let (rest, compression) = match rest.strip_suffix(".tar.gz") {
        Some(rest) => (rest, Compression::Gzip),
        None => (rest.strip_suffix(".tar.zst")?, Compression::Zstd),
    };
    let rest = rest.strip_prefix("backup-")?;
    // The instance's name may hold `-`, so the fixed parts are taken from the end.
    let (head, last) = rest.rsplit_once('-')?;
    let (head, kind, suffix) = if let Some(kind) = archive_type(last) {
        (head, kind, None)
    } else {
        let n: u32 = last.parse().ok().filter(|n| *n >= 2)?;
        if n.to_string() != last {
            return None;
        }
        let (head, kind) = head.rsplit_once('-')?;
        (head, archive_type(kind)?, Some(n))
    };
    let (head, time) = head.rsplit_once('-')?;
    let (instance, date) = head.rsplit_once('-')?;
    if date.len() != 8 || time.len() != 6 || !is_instance_name(instance) {
        return None;
    }
    let civil = DateTime::strptime("%Y%m%d%H%M%S", format!("{date}{time}")).ok()?;
    Some(ArchiveName {
        instance: instance.to_owned(),
        created_at: TimeZone::UTC.to_timestamp(civil).ok()?,
        archive_type: kind,
        suffix,
        compression,
        encrypted,
    })
}

fn archive_type(text: &str) -> Option<ArchiveType> {
    match text {
        "manual" => Some(ArchiveType::Manual),
        "scheduled" => Some(ArchiveType::Scheduled),
        "safety" => Some(ArchiveType::Safety),
        _ => None,
    }
}
