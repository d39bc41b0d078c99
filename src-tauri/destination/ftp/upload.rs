//! An archive on its way to a server: under a temporary name in the folder where it will lie, read back whole, then renamed. FTP creates
//! nothing exclusively: whether the name is free is asked right before.

use std::io::{Read, Write};
use std::sync::atomic::Ordering;

use super::Ftp;
use super::download::Reading;
use super::reply::Reply;
use super::session::Session;
use super::transfer::Transfer;
use crate::destination::body::Sending;
use crate::destination::{
    Body, Call, Destination, DestinationError, ErrorKind, Key, Stored, Unfinished, Verification,
    ahead, read_back,
};

type Result<T> = std::result::Result<T, DestinationError>;

const MAKE_ATTEMPTS: u32 = 3;
/// Where the server knows of modes. Others refuse, and need not.
const FILE_MODE: &str = "600";
const FOLDER_MODE: &str = "700";
const SENDING: &str = "sending the archive";

/// An archive, and where it goes.
struct Upload<'a> {
    body: &'a Body,
    folder: Vec<String>,
    name: &'a str,
    temporary: String,
    call: &'a Call<'a>,
}

impl Ftp {
    /// What has arrived of a try that may be repeated stays; of any other nothing does.
    pub(super) fn upload(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        let uploaded = self.try_to_upload(key, body, left, call);
        let keeps = uploaded.as_ref().is_err_and(|e| e.kind.may_pass());
        if !keeps
            && let Some(left) = left.take()
            && uploaded.is_err()
        {
            self.clear_away(key, &left, call);
        }
        uploaded
    }

    fn try_to_upload(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        let begun = left.is_some();
        let upload = Upload {
            body,
            folder: super::folders_of(key),
            name: key.file_name(),
            temporary: match left {
                Some(left) => left.0.clone(),
                None => self.owner.new_name(),
            },
            call,
        };
        let mut session = self.pool.take(call)?;
        session.make_folder(&upload.folder)?;
        upload.require_free(&mut session)?;
        let arrived = if begun {
            upload.arrived(&mut session, self.begins_anew.load(Ordering::Relaxed))?
        } else {
            None
        };
        if begun && arrived.is_none() {
            // Some servers overwrite nothing. One that still writes what came before the cut writes to a file without a name then.
            session.ask(&format!("DELE {}", session.path(&upload.temporary_path())))?;
        }
        *left = Some(Unfinished(upload.temporary.clone()));
        self.send(&upload, session, arrived)?;
        if let Err(e) = self.read_back(&upload) {
            // Of what came before a cut nobody knows what it is; of a whole try it is known that the place changes things.
            if e.kind == ErrorKind::Protocol && arrived.is_some() {
                if let Some(left) = left.take() {
                    self.clear_away(key, &left, call);
                }
                let detail = format!("what had arrived before is of no use: {}", e.detail);
                return Err(DestinationError::new(ErrorKind::Truncated, detail));
            }
            return Err(e);
        }
        call.check()?;
        self.pool.with(call, |session| upload.publish(session))?;
        Ok(Stored {
            verification: Verification::Verified,
        })
    }

    /// What is not there yet.
    fn send(&self, upload: &Upload<'_>, mut session: Session, arrived: Option<u64>) -> Result<()> {
        let mut sending = Sending::open(upload.body, &self.name, upload.call)?;
        sending.skip(arrived.unwrap_or(0))?;
        if arrived != Some(upload.body.length) {
            let sent = match upload.begin(&mut session, sending.sent())? {
                Ok(transfer) => Upload::store(transfer, &mut sending),
                Err(refused) if sending.sent() > 0 && may_be_of_the_offset(&refused) => {
                    self.begins_anew.store(true, Ordering::Relaxed);
                    let detail = format!(
                        "the server does not go on from what has arrived: {}",
                        refused.told()
                    );
                    return Err(DestinationError::new(ErrorKind::Truncated, detail));
                }
                Err(refused) => Err(refused.refusal_to_store(SENDING)),
            };
            if sent.as_ref().is_err_and(|e| e.kind == ErrorKind::Forbidden) {
                drop(session);
                return self.folder_went_away(upload, sent);
            }
            sent?;
        }
        let there = session.size(&upload.folder, &upload.temporary)?;
        self.pool.give_back(session);
        if there == Some(upload.body.length) {
            return Ok(());
        }
        let there = there.unwrap_or(0);
        let detail = format!("{there} bytes have arrived of {}", upload.body.length);
        Err(DestinationError::new(ErrorKind::Truncated, detail))
    }

    /// Another run may tidy away a folder that was empty: that is no refusal.
    fn folder_went_away(&self, upload: &Upload<'_>, refused: Result<()>) -> Result<()> {
        let found = self
            .pool
            .with(upload.call, |session| session.folder(&upload.folder))?;
        if found.is_some() {
            return refused;
        }
        let detail = "the folder went away while it was written to";
        Err(DestinationError::new(ErrorKind::Truncated, detail))
    }

    fn read_back(&self, upload: &Upload<'_>) -> Result<()> {
        let length = upload.body.length;
        // There is no transfer of nothing; that nothing is there its size has told.
        if length == 0 {
            return Ok(());
        }
        let mut open = |at| {
            let session = self.pool.take(upload.call)?;
            let path = session.path(&upload.temporary_path());
            let begun = Reading::begin(&self.pool, session, &path, at..length, length, upload.call);
            match begun {
                // A server that gives nothing from the middle: all of it once more.
                Err(e) if e.kind == ErrorKind::Protocol && at > 0 => Err(DestinationError {
                    kind: ErrorKind::Truncated,
                    ..e
                }),
                begun => Ok(Box::new(begun?) as Box<dyn Read + Send>),
            }
        };
        read_back::compare(&mut open, upload.body, &self.name, upload.call)
    }
}

/// Servers that offer to go on at an offset and refuse it to uploads (`ProFTPD` without `AllowStoreRestart`, its default, as 451) have many
/// words for that. Not what they say of space or of connections.
fn may_be_of_the_offset(refused: &Reply) -> bool {
    let kind = refused.refusal_to_store(SENDING).kind;
    matches!(
        kind,
        ErrorKind::Truncated | ErrorKind::Protocol | ErrorKind::Forbidden
    )
}

impl Upload<'_> {
    fn temporary_path(&self) -> String {
        super::join(&self.folder, &self.temporary)
    }

    fn require_free(&self, session: &mut Session) -> Result<()> {
        if session.size(&self.folder, self.name)?.is_none() {
            return Ok(());
        }
        Err(DestinationError::taken(self.name))
    }

    /// How much of an earlier try can be gone on from; None: nothing.
    fn arrived(&self, session: &mut Session, begins_anew: bool) -> Result<Option<u64>> {
        let there = session.size(&self.folder, &self.temporary)?;
        let whole = self.body.length;
        let goes_on = !begins_anew && session.has("REST");
        Ok(there.filter(|there| *there == whole || goes_on && (1..whole).contains(there)))
    }

    /// From the offset on, rather than at the end: the server may still be writing what came before the cut.
    fn begin(
        &self,
        session: &mut Session,
        offset: u64,
    ) -> Result<std::result::Result<Transfer, Reply>> {
        let path = session.path(&self.temporary_path());
        session.begin(&format!("STOR {path}"), offset)
    }

    fn store(mut transfer: Transfer, sending: &mut Sending<'_>) -> Result<()> {
        let mut broken = None;
        let sent = ahead::copy(
            || sending.next(),
            |block| {
                transfer.write_all(&block).map_err(|e| {
                    broken = Some(e);
                    DestinationError::new(ErrorKind::Truncated, SENDING)
                })
            },
        );
        if let Some(e) = broken {
            return Err(transfer.failed_writing(SENDING, e));
        }
        sent?;
        transfer.end_writing(SENDING)
    }

    fn publish(&self, session: &mut Session) -> Result<()> {
        self.require_free(session)?;
        let from = session.path(&self.temporary_path());
        let to = session.path(&super::join(&self.folder, self.name));
        session.ask(&format!("SITE CHMOD {FILE_MODE} {from}"))?;
        let begun = session.ask(&format!("RNFR {from}"))?;
        if begun.code != 350 {
            if session.size(&self.folder, &self.temporary)?.is_some() {
                return Err(begun.refusal("publishing the archive"));
            }
            let detail = "what was sent went away before it was published";
            return Err(DestinationError::new(ErrorKind::Truncated, detail));
        }
        let renamed = session.ask(&format!("RNTO {to}"))?;
        if !renamed.is(&[200, 250]) {
            // Some servers refuse to overwrite, as they should.
            self.require_free(session)?;
            return Err(renamed.refusal("publishing the archive"));
        }
        if session.size(&self.folder, self.name)? == Some(self.body.length) {
            return Ok(());
        }
        let detail = "what was published is not there, or is something else";
        Err(DestinationError::new(ErrorKind::Protocol, detail))
    }
}

impl Session {
    /// Somebody else may tidy away a folder between two steps (only the contract's go): then once more.
    fn make_folder(&mut self, folder: &[String]) -> Result<()> {
        for _ in 1..MAKE_ATTEMPTS {
            match self.try_to_make_folder(folder) {
                Err(e) if e.kind == ErrorKind::Forbidden => {}
                made => return made,
            }
        }
        self.try_to_make_folder(folder)
    }

    fn try_to_make_folder(&mut self, folder: &[String]) -> Result<()> {
        if self.enters(folder)? {
            return Ok(());
        }
        // The base is the user's: it is not made, but missed.
        self.folder(&[])?;
        for depth in 1..=folder.len() {
            if self.enters(&folder[..depth])? {
                continue;
            }
            let path = self.path(&folder[..depth].join("/"));
            let made = self.ask(&format!("MKD {path}"))?;
            if made.is(&[200, 250, 257]) {
                self.ask(&format!("SITE CHMOD {FOLDER_MODE} {path}"))?;
            } else if !self.enters(&folder[..depth])? {
                return Err(made.refusal("making a folder"));
            }
        }
        Ok(())
    }

    fn enters(&mut self, folder: &[String]) -> Result<bool> {
        let path = self.path(&folder.join("/"));
        Ok(self.ask(&format!("CWD {path}"))?.is(&[200, 250]))
    }
}
