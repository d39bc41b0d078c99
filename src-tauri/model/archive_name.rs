//! The name of an archive: `backup-{instance}-{YYYYMMDD}-{HHMMSS}-{type}[-N].tar.(gz|zst)[.age]`, UTC; and that of version 1.0, which
//! is told from it by where it lies.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::instance::{Compression, InstanceId, is_instance_name};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum ArchiveType {
    Manual,
    Scheduled,
    /// Taken before a restore changes anything.
    Safety,
    /// Likewise, by the TACACS+ server itself: version 1.0 only.
    Emergency,
}

impl ArchiveType {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Scheduled => "scheduled",
            Self::Safety => "safety",
            Self::Emergency => "emergency",
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
    let (instance, created_at) = instance_and_time(head)?;
    Some(ArchiveName {
        instance: instance.to_owned(),
        created_at,
        archive_type: kind,
        suffix,
        compression,
        encrypted,
    })
}

fn instance_and_time(head: &str) -> Option<(&str, Timestamp)> {
    let (head, time) = head.rsplit_once('-')?;
    let (instance, date) = head.rsplit_once('-')?;
    if date.len() != 8 || time.len() != 6 || !is_instance_name(instance) {
        return None;
    }
    let civil = DateTime::strptime("%Y%m%d%H%M%S", format!("{date}{time}")).ok()?;
    Some((instance, TimeZone::UTC.to_timestamp(civil).ok()?))
}

/// The name of an archive of version 1.0: `backup-{instance}-{YYYYMMDD}-{HHMMSS}-(manual|emergency).tar.gz[.enc]`, UTC. Without `.enc`
/// a manual one could be of either version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldName {
    pub instance: String,
    /// Whole seconds.
    pub created_at: Timestamp,
    pub archive_type: ArchiveType,
    pub encrypted: bool,
}

impl FromStr for OldName {
    type Err = BadArchiveName;

    fn from_str(text: &str) -> Result<Self, BadArchiveName> {
        parse_old(text).ok_or_else(|| BadArchiveName(text.to_owned()))
    }
}

fn parse_old(text: &str) -> Option<OldName> {
    let (rest, encrypted) = match text.strip_suffix(".enc") {
        Some(rest) => (rest, true),
        None => (text, false),
    };
    let rest = rest.strip_prefix("backup-")?.strip_suffix(".tar.gz")?;
    let (head, kind) = rest.rsplit_once('-')?;
    let archive_type = match kind {
        "manual" => ArchiveType::Manual,
        "emergency" => ArchiveType::Emergency,
        _ => return None,
    };
    let (instance, created_at) = instance_and_time(head)?;
    Some(OldName {
        instance: instance.to_owned(),
        created_at,
        archive_type,
        encrypted,
    })
}

/// An archive that lies where archives lie, by its path below the base: that alone tells whose format it is of. What is in it may tell
/// something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placed {
    /// `{instance}-{id}/{type}/{file name}`.
    Holdfast { name: ArchiveName, id: InstanceId },
    /// `{instance}/{type}/{file name}`: of the TACACS+ server's own backup.
    Old(OldName),
}

impl Placed {
    /// None where folders and name do not belong together.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        let mut parts = path.split('/');
        let (folder, kind, file) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        if let Ok(name) = file.parse::<OldName>()
            && name.instance == folder
            && name.archive_type.as_str() == kind
        {
            return Some(Self::Old(name));
        }
        let name: ArchiveName = file.parse().ok()?;
        let (instance, id) = folder.rsplit_once('-')?;
        let id = id.parse().ok()?;
        let fits = instance == name.instance && kind == name.archive_type.as_str();
        fits.then_some(Self::Holdfast { name, id })
    }

    #[must_use]
    pub fn instance(&self) -> &str {
        match self {
            Self::Holdfast { name, .. } => &name.instance,
            Self::Old(name) => &name.instance,
        }
    }

    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        match self {
            Self::Holdfast { name, .. } => name.created_at,
            Self::Old(name) => name.created_at,
        }
    }

    #[must_use]
    pub fn archive_type(&self) -> ArchiveType {
        match self {
            Self::Holdfast { name, .. } => name.archive_type,
            Self::Old(name) => name.archive_type,
        }
    }

    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        match self {
            Self::Holdfast { name, .. } => name.encrypted,
            Self::Old(name) => name.encrypted,
        }
    }
}

fn archive_type(text: &str) -> Option<ArchiveType> {
    match text {
        "manual" => Some(ArchiveType::Manual),
        "scheduled" => Some(ArchiveType::Scheduled),
        "safety" => Some(ArchiveType::Safety),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `h` of Holdfast, `o` of the server's own backup.
    #[test]
    fn where_an_archive_lies_tells_whose_it_is() {
        let name = "backup-web-20260102-030405";
        let of = |path: &str| match Placed::of(&path.replace('*', name)) {
            Some(Placed::Holdfast { .. }) => 'h',
            Some(Placed::Old(_)) => 'o',
            None => '-',
        };
        for (path, expected) in [
            ("web-0a1b2c3d/manual/*-manual.tar.gz", 'h'),
            ("web-0a1b2c3d/manual/*-manual-2.tar.zst.age", 'h'),
            ("web/manual/*-manual.tar.gz", 'o'),
            ("web/manual/*-manual.tar.gz.enc", 'o'),
            ("web/emergency/*-emergency.tar.gz", 'o'),
            ("web/emergency/*-manual.tar.gz", '-'),
            ("web/scheduled/*-scheduled.tar.gz", '-'),
            ("web/manual/*-manual.tar.gz.age", '-'),
            ("other/manual/*-manual.tar.gz", '-'),
            ("web-0a1b2c3d/manual/*-manual.tar.gz.enc", '-'),
            ("web-0a1b2c3d/emergency/*-emergency.tar.gz", '-'),
            ("other-0a1b2c3d/manual/*-manual.tar.gz", '-'),
            ("web/manual/below/*-manual.tar.gz", '-'),
            ("web/manual", '-'),
        ] {
            assert_eq!(of(path), expected, "{path}");
        }
        // A server's instance may be called as a folder of Holdfast's is.
        let twin = "web-0a1b2c3d/manual/backup-web-0a1b2c3d-20260102-030405-manual.tar.gz";
        assert!(matches!(Placed::of(twin), Some(Placed::Old(_))));
        let dated = "web/manual/backup-web-20261302-030405-manual.tar.gz";
        assert_eq!(Placed::of(dated), None);
    }
}
