//! How an archive gets to the server: under a temporary name, read back, then given its name. What an earlier try has sent is not sent
//! again where it is whole, or where the server can write on.

use std::io::Read;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::server::At;
use super::{Result, Webdav, folders_of};
use crate::destination::body::Sending;
use crate::destination::{
    Body, CLEARING, Call, DestinationError, ErrorKind, Key, Stored, Unfinished, Verification,
    read_back,
};
use crate::model::{Cancel, NoObserver};

/// Somebody else may tidy away a folder between two steps (only the contract's go): then once more.
const MAKE_ATTEMPTS: u32 = 5;
/// Between the tries to remove what a server may still be busy with: some begin a file only after the connection that it came by was cut.
const CLEARING_WAITS: [u64; 5] = [20, 50, 100, 200, 400];

pub(super) struct Upload<'a> {
    place: &'a Webdav,
    key: &'a Key,
    body: &'a Body,
    call: &'a Call<'a>,
    folders: Vec<String>,
    /// Temporary.
    name: String,
    /// Whether something may be there under it.
    is_begun: bool,
    /// Whether the server has said that it has all of it.
    has_arrived: bool,
}

/// What of an archive this try has sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    All,
    /// What was missing of what an earlier one has sent.
    Rest,
}

impl<'a> Upload<'a> {
    pub fn new(
        place: &'a Webdav,
        key: &'a Key,
        body: &'a Body,
        left: Option<Unfinished>,
        call: &'a Call<'a>,
    ) -> Self {
        Self {
            place,
            key,
            body,
            call,
            folders: folders_of(key),
            is_begun: left.is_some(),
            has_arrived: false,
            name: left.map_or_else(|| place.owner.new_name(), |left| left.0),
        }
    }

    /// Removes what is there after a failure that nobody goes on from. Best effort: the rest is the sweep's.
    pub fn clear(self) {
        if !self.is_begun {
            return;
        }
        let cancel = Cancel::new();
        let call = Call {
            deadline: Instant::now().checked_add(CLEARING),
            ..Call::new(&cancel, &NoObserver)
        };
        let waits: &[u64] = if self.has_arrived {
            &[]
        } else {
            &CLEARING_WAITS
        };
        let mut waits = waits.iter();
        while !matches!(self.place.server.remove(self.at(), &call), Ok(true)) {
            let Some(wait) = waits.next() else {
                break;
            };
            thread::sleep(Duration::from_millis(*wait));
        }
        let _ = self.place.tidy(self.key, &call);
    }

    /// What is there after a failure that may pass.
    pub fn left(self) -> Option<Unfinished> {
        self.is_begun.then_some(Unfinished(self.name))
    }

    pub fn run(&mut self) -> Result<Stored> {
        // Before anything is sent.
        self.require_free()?;
        let sent = self.send()?;
        self.has_arrived = true;
        match (self.verify(), sent) {
            // The server has put the pieces together wrongly, or the earlier try has left something else.
            (Err(e), Sent::Rest) if e.kind == ErrorKind::Protocol => {
                self.send_all()?;
                self.verify()?;
            }
            (verified, _) => verified?,
        }
        // Once more: some servers rename over what is there, whatever they are told.
        self.require_free()?;
        let to = At::File(&self.folders, self.key.file_name());
        self.place.server.rename(self.at(), to, self.call)?;
        Ok(Stored {
            verification: Verification::Verified,
        })
    }

    fn at(&self) -> At<'_> {
        At::File(&self.folders, &self.name)
    }

    fn require_free(&self) -> Result<()> {
        if self.place.find(self.key, self.call)?.is_none() {
            Ok(())
        } else {
            Err(DestinationError::taken(self.key.as_str()))
        }
    }

    fn send(&mut self) -> Result<Sent> {
        if self.is_begun && self.send_rest()? {
            return Ok(Sent::Rest);
        }
        self.send_all().map(|()| Sent::All)
    }

    fn send_all(&mut self) -> Result<()> {
        let server = &self.place.server;
        if self.is_begun {
            server.remove(self.at(), self.call)?;
            // The server may still be busy with the old one.
            self.name = self.place.owner.new_name();
        }
        let mut attempts = MAKE_ATTEMPTS;
        loop {
            self.make_folders()?;
            self.is_begun = true;
            let mut sending = Sending::open(self.body, &self.place.name, self.call)?;
            attempts -= 1;
            match server.write(self.at(), &mut sending, self.body.length, self.call) {
                Err(e) if e.kind == ErrorKind::Missing => {
                    if server.find(At::Folder(&self.folders), self.call)?.is_some() {
                        // It is not the folder that is missing: asked again, it would say the same to all of it.
                        return Err(DestinationError {
                            kind: ErrorKind::Protocol,
                            ..e
                        });
                    }
                    if attempts == 0 {
                        return Err(e);
                    }
                }
                sent => return sent,
            }
        }
    }

    /// False where all has to be sent anew.
    fn send_rest(&self) -> Result<bool> {
        let server = &self.place.server;
        let found = server.find(self.at(), self.call)?;
        let arrived = found.and_then(|found| found.size).unwrap_or(0);
        if arrived == self.body.length {
            return Ok(true);
        }
        if arrived == 0 || arrived > self.body.length || !server.writes_on(self.at(), self.call)? {
            return Ok(false);
        }
        self.place.writes_on.store(true, Ordering::Relaxed);
        let mut sending = Sending::open(self.body, &self.place.name, self.call)?;
        sending.skip(arrived)?;
        let rest = sending.left();
        server.write_on(self.at(), arrived, &mut sending, rest, self.call)
    }

    /// From the innermost that is there.
    fn make_folders(&self) -> Result<()> {
        let server = &self.place.server;
        let mut there = self.folders.len();
        while there > 0 {
            let folder = &self.folders[..there];
            match server.find(At::Folder(folder), self.call)? {
                Some(found) if found.is_folder => break,
                Some(_) => {
                    let detail = format!("`{}` is no folder", folder.join("/"));
                    return Err(DestinationError::new(ErrorKind::Forbidden, detail));
                }
                None => there -= 1,
            }
        }
        if there == 0 {
            server.require_base(self.call)?;
        }
        for depth in there + 1..=self.folders.len() {
            server.make_folder(&self.folders[..depth], self.call)?;
        }
        Ok(())
    }

    fn verify(&self) -> Result<()> {
        let mut open = |at| self.open(at);
        read_back::compare(&mut open, self.body, &self.place.name, self.call)
    }

    fn open(&self, at: u64) -> Result<Box<dyn Read + Send>> {
        let differs = |detail| Err(DestinationError::new(ErrorKind::Protocol, detail));
        let length = self.body.length;
        let rest = (at > 0).then_some(at..length);
        // A server that gives no parts gives all of it once more.
        let Some(reader) = self
            .place
            .read(self.at(), rest.as_ref(), u64::MAX, self.call)?
        else {
            return differs("what was written is not there to be read back".to_owned());
        };
        if reader.limit() != length - at {
            return differs(format!("{} bytes are there of {length}", reader.limit()));
        }
        Ok(Box::new(reader))
    }
}
