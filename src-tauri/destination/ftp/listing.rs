//! What is there: folders and their names by MLSD or, where a server has no such thing, by LIST; sizes and times of single files. What is
//! missing is told from what is forbidden by MLST, or by the listing of the folder around it, because FTP has one code for both.

use std::io::{BufRead, BufReader, Read};

use jiff::Timestamp;

use super::lines::{Facts, Odd, machine_line, moment, people_line};
use super::reply::Reply;
use super::session::{Hidden, Session};
use super::transfer::cut;
use crate::destination::folders::{Entry, EntryKind, Why};
use crate::destination::key::Level;
use crate::destination::{DestinationError, ErrorKind};

type Result<T> = std::result::Result<T, DestinationError>;

/// A server that lists more, or longer lines, is not listing.
const MOST_NAMES: usize = 250_000;
const LONGEST_LINE: u64 = 8 << 10;

/// A file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub size: u64,
    pub modified: Option<Timestamp>,
}

impl Session {
    /// What a folder below the base holds; None where there is no such folder. An error where there is no base.
    pub fn folder(&mut self, path: &[String]) -> Result<Option<Vec<Entry>>> {
        self.folder_of_walk(path, Why::Named)
    }

    /// The same for a walk. Of what is only guessed, what is closed is not told from what is missing.
    pub fn folder_of_walk(&mut self, path: &[String], why: Why) -> Result<Option<Vec<Entry>>> {
        let full = self.path(&path.join("/"));
        let reply = self.ask(&format!("CWD {full}"))?;
        if reply.is(&[200, 250]) {
            return self.names(&full).map(Some);
        }
        if reply.code != 550 {
            return Err(reply.refusal("entering a folder"));
        }
        if why == Why::Guessed {
            return Ok(None);
        }
        self.require_missing(path, &reply)?;
        Ok(None)
    }

    /// Of a folder that cannot be entered, for what the server said. `Forbidden` where it is there, `Missing` where there is no base.
    fn require_missing(&mut self, path: &[String], said: &Reply) -> Result<()> {
        let full = self.path(&path.join("/"));
        let closed = |kind| {
            let detail = format!("the folder `{full}` cannot be entered: {}", said.told());
            Err(DestinationError::new(kind, detail))
        };
        let Some((name, around)) = path.split_last() else {
            return closed(ErrorKind::Missing);
        };
        let can_tell = self.has("MLST");
        if can_tell && is_folder(&self.ask(&format!("MLST {full}"))?) {
            return closed(ErrorKind::Forbidden);
        }
        // What may be anybody's may be large, and is nothing of ours where it is closed: whether it can be entered says enough.
        if can_tell || Level::may_be_anybodys(around) {
            let outside = self.path(&around.join("/"));
            let reply = self.ask(&format!("CWD {outside}"))?;
            return match reply.code {
                200 | 250 => Ok(()),
                550 => self.require_missing(around, &reply),
                _ => Err(reply.refusal("entering a folder")),
            };
        }
        let entries = self.folder(around)?.unwrap_or_default();
        let is_it = |entry: &Entry| entry.name == *name && entry.kind == EntryKind::Folder;
        if entries.iter().any(is_it) {
            return closed(ErrorKind::Forbidden);
        }
        Ok(())
    }

    /// Of the folder that is entered.
    fn names(&mut self, shown: &str) -> Result<Vec<Entry>> {
        if self.has("MLST") {
            return self.listing("MLSD", machine_line);
        }
        // Servers in the manner of `ls` hide what begins with a dot; others take this for a name, and find nothing.
        let mut entries = match self.listing("LIST -a", people_line) {
            Err(e) if e.kind == ErrorKind::Protocol || e.kind == ErrorKind::Forbidden => Vec::new(),
            listed => listed?,
        };
        if entries.iter().any(|entry| entry.name == ".") {
            self.hidden = Hidden::Shown;
        } else if entries.is_empty() && self.hidden == Hidden::Shown {
            // vsftpd says so of a folder that it may not read, and calls it a success.
            let detail = format!("the folder `{shown}` cannot be read");
            return Err(DestinationError::new(ErrorKind::Forbidden, detail));
        } else if entries.is_empty() {
            entries = self.listing("LIST", people_line)?;
        }
        Ok(entries)
    }

    fn listing(
        &mut self,
        command: &str,
        understand: impl Fn(&str) -> std::result::Result<Option<Entry>, Odd>,
    ) -> Result<Vec<Entry>> {
        let _bounded = self.bounded();
        let mut transfer = match self.transfer(command, 0) {
            Err(e) if e.detail.to_lowercase().contains("no files") => return Ok(Vec::new()),
            opened => opened?,
        };
        let mut reader = BufReader::new(&mut transfer);
        let (mut entries, mut odd) = (Vec::new(), None);
        while let Some(line) = next_line(&mut reader)? {
            match understand(&line) {
                Ok(Some(entry)) => entries.push(entry),
                Ok(None) => {}
                Err(Odd) => odd = Some(line),
            }
            if entries.len() > MOST_NAMES {
                let detail = format!("a folder of more than {MOST_NAMES} names");
                return Err(DestinationError::new(ErrorKind::Protocol, detail));
            }
        }
        if let Some(reply) = transfer.end_reading()? {
            return Err(reply.refusal("listing a folder"));
        }
        match odd {
            // Not one line of it: this is no empty folder.
            Some(line) if entries.is_empty() => {
                let line: String = line.chars().take(80).collect();
                let detail = format!("its listing is of no known kind: `{}`", line.escape_debug());
                Err(DestinationError::new(ErrorKind::Protocol, detail))
            }
            _ => Ok(entries),
        }
    }

    /// The size of a file; None where there is none of this name.
    pub fn size(&mut self, folder: &[String], name: &str) -> Result<Option<u64>> {
        let path = self.path(&super::join(folder, name));
        if self.has("MLST") {
            return Ok(self.find(folder, name)?.map(|found| found.size));
        }
        let reply = self.ask(&format!("SIZE {path}"))?;
        match number(&reply) {
            Some(size) => Ok(Some(size)),
            None => Ok(self.look(folder, name)?.map(|found| found.size)),
        }
    }

    /// As `size`, with the time where the server tells it.
    pub fn find(&mut self, folder: &[String], name: &str) -> Result<Option<Found>> {
        let path = self.path(&super::join(folder, name));
        if self.has("MLST") {
            let reply = self.ask(&format!("MLST {path}"))?;
            return match facts(&reply) {
                Some(Facts {
                    kind: EntryKind::File,
                    size: Some(size),
                    modified,
                    ..
                }) => Ok(Some(Found { size, modified })),
                _ => self.look(folder, name),
            };
        }
        let Some(size) = self.size(folder, name)? else {
            return Ok(None);
        };
        let modified = self.modified(&path)?;
        Ok(Some(Found { size, modified }))
    }

    /// None where the server does not tell it.
    fn modified(&mut self, path: &str) -> Result<Option<Timestamp>> {
        let reply = self.ask(&format!("MDTM {path}"))?;
        let told = reply.lines.last().filter(|_| reply.code == 213);
        Ok(told.and_then(|line| moment(line.get(4..)?.trim())))
    }

    /// In the listing, where all that is there is.
    pub fn look(&mut self, folder: &[String], name: &str) -> Result<Option<Found>> {
        let entries = self.folder(folder)?.unwrap_or_default();
        let is_it = |entry: &&Entry| entry.name == name && entry.kind == EntryKind::File;
        Ok(entries.iter().find(is_it).map(|entry| Found {
            size: entry.size,
            modified: entry.modified,
        }))
    }
}

/// What MLST answers.
fn facts(reply: &Reply) -> Option<Facts<'_>> {
    let mut lines = reply.lines.iter().skip(1).filter(|_| reply.code == 250);
    let line = lines.find(|line| line.contains(';'))?;
    Some(Facts::of(line.trim_start()))
}

fn is_folder(reply: &Reply) -> bool {
    facts(reply).is_some_and(|facts| facts.kind == EntryKind::Folder)
}

/// None at the end.
fn next_line(reader: &mut impl BufRead) -> Result<Option<String>> {
    let mut line = Vec::new();
    let read = reader
        .by_ref()
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut line);
    match read {
        Ok(0) => Ok(None),
        Ok(read) if read as u64 == LONGEST_LINE => {
            let detail = "a listing with an endless line";
            Err(DestinationError::new(ErrorKind::Protocol, detail))
        }
        Ok(_) => Ok(Some(
            String::from_utf8_lossy(&line)
                .trim_end_matches(['\r', '\n'])
                .to_owned(),
        )),
        Err(e) => Err(cut("the listing was cut", e)),
    }
}

/// The answer to SIZE and AVBL.
pub(super) fn number(reply: &Reply) -> Option<u64> {
    let line = reply.lines.last().filter(|_| reply.code == 213)?;
    line.split_whitespace().nth(1)?.parse().ok()
}
