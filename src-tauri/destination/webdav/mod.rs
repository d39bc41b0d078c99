//! `webdav`: a folder of a WebDAV server. What is published was read back from the server, byte by byte, before it got its name. Whether
//! two writers of one name at the same instant both succeed is the server's business: most look first and rename then.

mod multistatus;
mod own;
mod refusals;
mod server;
mod upload;

use std::cell::Cell;
use std::io::{self, Read};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::folders::{self, Entry, EntryKind, Why};
use super::key::{Level, is_archive_in};
use super::net::Incoming;
use super::range::{of_nothing, past_the_end};
use super::settings::Settings;
use super::temporary::{Owner, is_old};
use super::{
    Body, Call, Capabilities, Destination, DestinationError, ErrorKind, Key, Listed, Stored,
    Unfinished,
};
use multistatus::Properties;
use server::{At, Content, Server};
use upload::Upload;

type Result<T> = std::result::Result<T, DestinationError>;

/// How far into the whole is read on to a part, at a server that gives no parts.
const PASSED_OVER: u64 = 4 << 20;
/// Of archives in one folder, or of folders: more are in memory at no time.
const MOST_NAMES: usize = 100_000;

pub(super) fn open(settings: &Settings<'_>) -> Result<Arc<dyn Destination>> {
    settings.allow(&["url", "username", "base_path", "ca_file", "fingerprint"])?;
    Ok(Arc::new(Webdav {
        name: settings.name().to_owned(),
        server: Server::new(settings)?,
        owner: Owner::of(settings.id()),
        gives_no_parts: AtomicBool::new(false),
        tells_free_space: AtomicBool::new(false),
        writes_on: AtomicBool::new(false),
    }))
}

struct Webdav {
    /// For progress.
    name: String,
    server: Server,
    owner: Owner,
    /// What the server has shown so far.
    gives_no_parts: AtomicBool,
    tells_free_space: AtomicBool,
    writes_on: AtomicBool,
}

impl Webdav {
    /// None where there is no such folder.
    fn entries(
        &self,
        folder: &[String],
        why: Why,
        time: &Cell<Option<Timestamp>>,
        call: &Call<'_>,
    ) -> Result<Option<Vec<Entry>>> {
        let level = Level::of(folder);
        let mut entries = Vec::new();
        let found = self.server.list(folder, call, &mut |name, properties| {
            let is_ours = match level {
                Level::Archives => {
                    !properties.is_folder
                        && (is_archive_in(folder, &name) || self.owner.owns(&name))
                }
                _ => properties.is_folder,
            };
            if !is_ours {
                return Ok(());
            }
            if entries.len() >= MOST_NAMES {
                let detail = format!("a folder has more than {MOST_NAMES} names");
                return Err(DestinationError::new(ErrorKind::Protocol, detail));
            }
            entries.push(entry(name, &properties)?);
            Ok(())
        })?;
        let Some(told) = found else {
            if why != Why::Guessed {
                self.server.require_base(call)?;
            }
            return Ok(None);
        };
        time.set(told.at);
        Ok(Some(entries))
    }

    fn find(&self, key: &Key, call: &Call<'_>) -> Result<Option<Properties>> {
        let folders = folders_of(key);
        let found = self
            .server
            .find(At::File(&folders, key.file_name()), call)?;
        if found.is_none() {
            self.server.require_base(call)?;
        }
        Ok(found)
    }

    fn missing(&self, key: &Key, call: &Call<'_>) -> DestinationError {
        match self.server.require_base(call) {
            Ok(()) => DestinationError::no_archive(key),
            Err(e) => e,
        }
    }

    /// The contract's folders go when they are empty. WebDAV removes a folder with all that is in it: what another test puts into the
    /// outermost one in the moment between the look and the removal, it has to put again.
    fn tidy(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        let folders = folders_of(key);
        if folders.first().map(String::as_str) != Some(Key::CONTRACT_FOLDER) {
            return Ok(());
        }
        for depth in (1..=folders.len()).rev() {
            let folder = &folders[..depth];
            let mut is_empty = true;
            let found = self.server.list(folder, call, &mut |_, _| {
                is_empty = false;
                Ok(())
            })?;
            if !is_empty {
                break;
            }
            if found.is_some() {
                self.server.remove(At::Folder(folder), call)?;
            }
        }
        Ok(())
    }

    /// The bytes of a file, whatever its name; None where there is none. `range` is not empty. `most`: so much of the whole may be passed
    /// over to a part.
    fn read(
        &self,
        at: At<'_>,
        range: Option<&Range<u64>>,
        most: u64,
        call: &Call<'_>,
    ) -> Result<Option<io::Take<Incoming>>> {
        let (reader, length) = match (self.server.read(at, range, call)?, range) {
            (Content::Missing, _) => return Ok(None),
            (Content::Whole(reader), Some(range)) => {
                return self.cut_out(reader, range, at.name(), most).map(Some);
            }
            (Content::Exactly(reader), Some(range)) => {
                let (asked, told) = (range.end - range.start, reader.left().unwrap_or(0));
                if told < asked {
                    return Err(past_the_end(range, range.start + told, at.name()));
                }
                if told > asked {
                    let detail = format!("{asked} bytes were asked for, {told} come");
                    return Err(DestinationError::new(ErrorKind::Protocol, detail));
                }
                (reader, asked)
            }
            (Content::Exactly(reader) | Content::Whole(reader), None) => {
                let length = reader.left().unwrap_or(0);
                (reader, length)
            }
        };
        Ok(Some(reader.take(length)))
    }

    /// A part of an answer that is the whole.
    fn cut_out(
        &self,
        mut whole: Incoming,
        range: &Range<u64>,
        name: &str,
        most: u64,
    ) -> Result<io::Take<Incoming>> {
        self.gives_no_parts.store(true, Ordering::Relaxed);
        let size = whole.left().unwrap_or(0);
        if range.end > size {
            return Err(past_the_end(range, size, name));
        }
        if range.start > most {
            let detail = "the server gives no parts of a file (Range)";
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        }
        let passed = io::copy(&mut whole.by_ref().take(range.start), &mut io::sink());
        passed.map_err(|e| DestinationError::from_read("reading failed", e).before_a_read())?;
        Ok(whole.take(range.end - range.start))
    }
}

impl Destination for Webdav {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            atomic_create: false,
            ranges: !self.gives_no_parts.load(Ordering::Relaxed),
            free_space: self.tells_free_space.load(Ordering::Relaxed),
            resume: self.writes_on.load(Ordering::Relaxed),
            modes: false,
            in_clear: self.server.is_in_clear(),
        }
    }

    fn staging(&self, _key: &Key) -> Result<Option<PathBuf>> {
        Ok(None)
    }

    fn attempt(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        let mut upload = Upload::new(self, key, body, left.take(), call);
        let stored = upload.run();
        match &stored {
            Ok(_) => {}
            Err(e) if e.kind.may_pass() => *left = upload.left(),
            Err(_) => upload.clear(),
        }
        stored
    }

    fn discard(&self, key: &Key, left: &Unfinished, call: &Call<'_>) -> Result<()> {
        let folders = folders_of(key);
        self.server.remove(At::File(&folders, &left.0), call)?;
        self.tidy(key, call)
    }

    fn get(
        &self,
        key: &Key,
        range: Option<Range<u64>>,
        call: &Call<'_>,
    ) -> Result<Box<dyn Read + Send>> {
        if let Some(range) = range.as_ref().filter(|range| range.start >= range.end) {
            // No request can ask for nothing.
            let found = self.find(key, call)?;
            return of_nothing(range, found.map(|found| found.size.unwrap_or(0)), key);
        }
        let folders = folders_of(key);
        let at = At::File(&folders, key.file_name());
        match self.read(at, range.as_ref(), PASSED_OVER, call)? {
            Some(reader) => Ok(Box::new(reader)),
            None => Err(self.missing(key, call)),
        }
    }

    fn list(
        &self,
        prefix: &str,
        call: &Call<'_>,
        each: &mut dyn FnMut(Listed) -> Result<()>,
    ) -> Result<()> {
        let time = Cell::new(None);
        let mut entries = |folder: &[String], why| self.entries(folder, why, &time, call);
        folders::archives(prefix, call, &mut entries, each)
    }

    fn stat(&self, key: &Key, call: &Call<'_>) -> Result<Option<Listed>> {
        let found = self.find(key, call)?.filter(|found| !found.is_folder);
        let Some(found) = found else {
            return Ok(None);
        };
        let entry = entry(key.file_name().to_owned(), &found)?;
        Ok(Some(Listed {
            key: key.clone(),
            size: entry.size,
            modified: entry.modified,
        }))
    }

    fn delete(&self, key: &Key, call: &Call<'_>) -> Result<()> {
        let folders = folders_of(key);
        match self.find(key, call)? {
            // It would go with all that is in it.
            Some(found) if found.is_folder => {
                let detail = format!("`{}` is a folder", key.as_str());
                return Err(DestinationError::new(ErrorKind::Forbidden, detail));
            }
            Some(_) => {
                let at = At::File(&folders, key.file_name());
                self.server.remove(at, call)?;
            }
            None => {}
        }
        self.tidy(key, call)
    }

    /// Old by the time of the server's own answer: its clock is compared with itself. Where it says no time, nothing is swept.
    fn sweep(&self, age: Duration, call: &Call<'_>) -> Result<u32> {
        let mut swept = 0;
        for root in ["", Key::CONTRACT_FOLDER] {
            let time = Cell::new(None);
            let mut entries = |folder: &[String], why| self.entries(folder, why, &time, call);
            folders::files(root, call, &mut entries, &mut |folder, entry| {
                if self.owner.owns(&entry.name) && is_old(entry.modified, time.get(), age) {
                    let at = At::File(folder, &entry.name);
                    swept += u32::from(self.server.remove(at, call)?);
                }
                Ok(())
            })?;
        }
        Ok(swept)
    }

    fn free_space(&self, call: &Call<'_>) -> Result<Option<u64>> {
        let free = self.server.free_space(call)?;
        self.tells_free_space
            .store(free.is_some(), Ordering::Relaxed);
        Ok(free)
    }
}

fn folders_of(key: &Key) -> Vec<String> {
    key.folders().map(str::to_owned).collect()
}

fn entry(name: String, properties: &Properties) -> Result<Entry> {
    let size = match (properties.size, properties.is_folder) {
        (Some(size), _) => size,
        (None, true) => 0,
        (None, false) => {
            let detail = format!("the server does not say how large `{name}` is");
            return Err(DestinationError::new(ErrorKind::Protocol, detail));
        }
    };
    Ok(Entry {
        kind: if properties.is_folder {
            EntryKind::Folder
        } else {
            EntryKind::File
        },
        name,
        size,
        modified: properties.modified,
    })
}
