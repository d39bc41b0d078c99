//! The way to the place behind: it counts what goes over it, can be cut or stall, and goes on where it was cut.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast::destination::{Body, Call, DestinationError, ErrorKind, Unfinished};
use holdfast::model::{Phase, Progress};
use sha2::{Digest, Sha256};

use super::{fault, stalled};

const BLOCK: u64 = 64 << 10;

#[derive(Default)]
pub struct Wire {
    /// What stays of writes that were cut: how many bytes.
    kept: Mutex<BTreeMap<String, u64>>,
    sent: AtomicU64,
}

#[derive(Clone, Copy)]
pub struct Cut {
    pub at: u64,
    /// None: it stalls.
    pub kind: Option<ErrorKind>,
    pub keeps: bool,
}

impl Wire {
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    pub fn unfinished(&self) -> usize {
        self.kept.lock().unwrap().len()
    }

    pub fn forget(&self, left: &Unfinished) {
        self.kept.lock().unwrap().remove(&left.0);
    }

    /// From where `left` says to the end, or to the cut: past the end it is at the end.
    pub fn carry(
        &self,
        body: &Body,
        left: &mut Option<Unfinished>,
        cut: Option<Cut>,
        call: &Call<'_>,
    ) -> Result<(), DestinationError> {
        let kept = left
            .take()
            .and_then(|left| self.kept.lock().unwrap().remove(&left.0));
        let mut at = kept.unwrap_or(0);
        let end = cut.map_or(body.length, |cut| cut.at.clamp(at, body.length));
        let mut file = File::open(&body.path).unwrap();
        file.seek(SeekFrom::Start(at)).unwrap();
        while at < end {
            call.check()?;
            let most = call.pace.map_or(BLOCK, |pace| pace.most().into());
            let mut block = vec![0; usize::try_from((end - at).min(BLOCK).min(most)).unwrap()];
            file.read_exact(&mut block).map_err(|e| {
                DestinationError::because(ErrorKind::Protocol, "the body is too short", e)
            })?;
            if let Some(pace) = call.pace {
                pace.take(block.len(), call)?;
            }
            at += block.len() as u64;
            self.sent.fetch_add(block.len() as u64, Ordering::SeqCst);
            call.observer.progress(&Progress {
                phase: Phase::Uploading,
                done_bytes: at,
                total_bytes: body.length,
                what: "faulty".to_owned(),
            });
        }
        let Some(cut) = cut else {
            return Ok(());
        };
        let Some(kind) = cut.kind else {
            return Err(stalled(call));
        };
        if cut.keeps {
            let id = format!("write-{}", uuid::Uuid::new_v4().simple());
            self.kept.lock().unwrap().insert(id.clone(), at);
            *left = Some(Unfinished(id));
        }
        Err(fault(kind))
    }
}

/// A body of these bytes, in a file that goes when the first of the two does.
pub fn body_of(bytes: &[u8]) -> (tempfile::NamedTempFile, Body) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let body = Body {
        read_back: None,
        path: file.path().to_owned(),
        length: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
    };
    (file, body)
}
