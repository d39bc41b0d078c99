//! The lines of listings and what they tell: for machines as MLSD writes them, for people as LIST does. They are whatever a server makes
//! them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use suppaftp::list::{File, ListParser};

use crate::destination::folders::{Entry, EntryKind};

/// A line that is none of a listing.
pub(super) struct Odd;

/// A line of MLSD or MLST: `type=file;size=7;modify=20261105134600; name` (RFC 3659, 7.2). The library's reader of it takes what is not told
/// for zero.
pub(super) struct Facts<'l> {
    pub kind: EntryKind,
    pub size: Option<u64>,
    pub modified: Option<Timestamp>,
    pub name: &'l str,
}

impl<'l> Facts<'l> {
    pub fn of(line: &'l str) -> Self {
        let (facts, name) = line.split_once("; ").unwrap_or(("", line));
        let mut found = Self {
            kind: EntryKind::Other,
            size: None,
            modified: None,
            name,
        };
        for (fact, value) in facts.split(';').filter_map(|fact| fact.split_once('=')) {
            match fact.to_ascii_lowercase().as_str() {
                // The folder itself and the one around it are none of its names.
                "type" => {
                    found.kind = match value.to_ascii_lowercase().as_str() {
                        "file" => EntryKind::File,
                        "dir" => EntryKind::Folder,
                        _ => EntryKind::Other,
                    }
                }
                "size" => found.size = value.parse().ok(),
                "modify" => found.modified = moment(value),
                _ => {}
            }
        }
        found
    }
}

pub(super) fn machine_line(line: &str) -> std::result::Result<Option<Entry>, Odd> {
    if !line.contains("; ") {
        return if line.is_empty() { Ok(None) } else { Err(Odd) };
    }
    let facts = Facts::of(line);
    let size = match (facts.kind, facts.size) {
        (EntryKind::File, None) => return Err(Odd),
        (EntryKind::File, Some(size)) => size,
        (EntryKind::Folder, _) => 0,
        (EntryKind::Other, _) => return Ok(None),
    };
    Ok(Some(Entry {
        name: facts.name.to_owned(),
        kind: facts.kind,
        size,
        modified: facts.modified,
    }))
}

/// A line of LIST, in the manner of `ls -l` or of DOS. Its time is in a zone that nobody tells: it is not taken.
pub(super) fn people_line(line: &str) -> std::result::Result<Option<Entry>, Odd> {
    if line.trim().is_empty() || line.starts_with("total ") {
        return Ok(None);
    }
    let file: File = ListParser::parse_posix(line)
        .or_else(|_| ListParser::parse_dos(line))
        .map_err(|_| Odd)?;
    let kind = if file.is_file() {
        EntryKind::File
    } else if file.is_directory() {
        EntryKind::Folder
    } else {
        EntryKind::Other
    };
    let size = if kind == EntryKind::File {
        file.size() as u64
    } else {
        0
    };
    Ok(Some(Entry {
        name: file.name().to_owned(),
        kind,
        size,
        modified: None,
    }))
}

/// `20261105134600`, with a fraction or without, in UTC (RFC 3659, 2.3).
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let digits = text.split('.').next()?;
    if digits.len() != 14 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<i8>().ok();
    let year = digits.get(..4)?.parse().ok()?;
    let time = DateTime::new(
        year,
        part(4..6)?,
        part(6..8)?,
        part(8..10)?,
        part(10..12)?,
        part(12..14)?,
        0,
    );
    TimeZone::UTC.to_timestamp(time.ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(
        understand: fn(&str) -> std::result::Result<Option<Entry>, Odd>,
        line: &str,
    ) -> Option<String> {
        let understood = understand(line).unwrap_or_else(|Odd| panic!("odd: {line}"))?;
        let modified = understood
            .modified
            .map_or("-".to_owned(), |at| at.to_string());
        let Entry {
            name, kind, size, ..
        } = understood;
        Some(format!("{name}|{kind:?}|{size}|{modified}"))
    }

    #[test]
    fn lines_for_people_are_read_in_both_manners() {
        for (line, understood) in [
            (
                "-rw-r--r-- 1 ftp ftp 1234 Nov 05 13:46 a b.txt",
                "a b.txt|File|1234|-",
            ),
            (
                "-rw------- 1 1000 1000 5000000000 Feb 29 2024 ü",
                "ü|File|5000000000|-",
            ),
            (
                "drwxr-xr-x   3 ada  users        4096 Jan  1  1970 .holdfast-test",
                ".holdfast-test|Folder|0|-",
            ),
            (
                "lrwxrwxrwx 1 ada users 7 Jan 01 00:00 link -> target",
                "link|Other|0|-",
            ),
            (
                "04-08-14  03:09PM                  403 readme.txt",
                "readme.txt|File|403|-",
            ),
            (
                "10-19-20  03:19PM       <DIR>          pub it",
                "pub it|Folder|0|-",
            ),
        ] {
            assert_eq!(
                shown(people_line, line).as_deref(),
                Some(understood),
                "{line}"
            );
        }
        for nothing in ["", "total 8"] {
            assert_eq!(shown(people_line, nothing), None);
        }
        assert!(people_line("%PDF-1.7").is_err());
    }

    #[test]
    fn lines_for_machines_tell_what_they_tell() {
        for (line, understood) in [
            (
                "type=file;size=7;modify=20261105134600; a; b",
                "a; b|File|7|2026-11-05T13:46:00Z",
            ),
            (
                "Type=File;Size=18446744073709551615;Modify=20261105134600.123; n",
                "n|File|18446744073709551615|2026-11-05T13:46:00Z",
            ),
            ("size=3;modify=never;type=file;perm=r; n", "n|File|3|-"),
            ("modify=20269999999999;type=dir; d", "d|Folder|0|-"),
        ] {
            assert_eq!(
                shown(machine_line, line).as_deref(),
                Some(understood),
                "{line}"
            );
        }
        for nothing in [
            "",
            "type=cdir; .",
            "type=OS.unix=slink:/etc; l",
            "type=pdir; /",
        ] {
            assert_eq!(shown(machine_line, nothing), None, "{nothing}");
        }
        for odd in ["type=file; no-size", "type=file;size=-1; n", "nothing"] {
            assert!(machine_line(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_time_that_cannot_be_is_none() {
        for text in [
            "",
            "2026",
            "20261105134600Z",
            "00000000000000",
            "20261305000000",
            "99991231235959",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
        assert_eq!(moment("19700101000001"), Timestamp::from_second(1).ok());
    }
}
