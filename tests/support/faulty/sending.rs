//! How archives are sent, and what goes wrong with it.

use holdfast::destination::{Body, Call, ErrorKind, Key, Stored, Unfinished, Verification};
use holdfast::model::{Cancel, NoObserver};

use super::wire::{self, Cut};
use super::{Fault, Faulty, Planned, Result, fault};

const CLAIMED: Stored = Stored {
    verification: Verification::Verified,
};

impl Faulty {
    pub(super) fn send(
        &self,
        planned: &Planned,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        let quiet = Call {
            observer: &NoObserver,
            pace: None,
            ..*call
        };
        let claimed = |altered: &[u8]| {
            planned.reach();
            let (_file, body) = wire::body_of(altered);
            self.inner.put(key, &body, &quiet)?;
            Ok(CLAIMED)
        };
        let bytes = || std::fs::read(&body.path).unwrap();
        // What was written in place goes over no wire.
        let cut = |at, kind, keeps| -> Result<Option<Cut>> {
            if self.is_in_place(key, body)? {
                return Ok(None);
            }
            planned.reach();
            Ok(Some(Cut { at, kind, keeps }))
        };
        let cut = match &planned.fault {
            Fault::CutsAt(at, kind) => cut(*at, Some(*kind), false)?,
            Fault::CutsAndKeeps(at, kind) => cut(*at, Some(*kind), true)?,
            Fault::StallsAt(at) => cut(*at, None, false)?,
            Fault::StoresNothing => {
                planned.reach();
                return Ok(CLAIMED);
            }
            Fault::LosesEmptyArchives if body.length == 0 => {
                planned.reach();
                return Ok(CLAIMED);
            }
            Fault::StoresPart(length) => {
                let bytes = bytes();
                let length = usize::try_from(*length).unwrap().min(bytes.len());
                return claimed(&bytes[..length]);
            }
            Fault::FlipsABit => {
                let mut bytes = bytes();
                if let Some(byte) = bytes.last_mut() {
                    *byte ^= 1;
                }
                return claimed(&bytes);
            }
            Fault::BelievesEveryDigest => return claimed(&bytes()),
            Fault::Overwrites => {
                if self.inner.stat(key, call)?.is_some() {
                    planned.reach();
                    self.inner.delete(key, call)?;
                }
                return self.inner.put(key, body, &quiet);
            }
            Fault::IgnoresCancel => {
                planned.reach();
                return self
                    .inner
                    .put(key, body, &Call::new(&Cancel::new(), &NoObserver));
            }
            _ => None,
        };
        if cut.is_none() {
            return self.pass(key, body, left, call);
        }
        self.wire.carry(body, left, cut, call)?;
        unreachable!("a wire that is cut carries nothing to its end")
    }

    pub(super) fn pass(
        &self,
        key: &Key,
        body: &Body,
        left: &mut Option<Unfinished>,
        call: &Call<'_>,
    ) -> Result<Stored> {
        if self.is_in_place(key, body)? {
            return self.inner.attempt(key, body, left, call);
        }
        // As every place does: nothing is sent for a name that is taken.
        if self.inner.stat(key, call)?.is_some() {
            if let Some(left) = left.take() {
                self.wire.forget(&left);
            }
            return Err(fault(ErrorKind::Exists));
        }
        self.wire.carry(body, left, None, call)?;
        let quiet = Call {
            observer: &NoObserver,
            pace: None,
            ..*call
        };
        self.inner.put(key, body, &quiet)
    }

    fn is_in_place(&self, key: &Key, body: &Body) -> Result<bool> {
        if self.remote {
            return Ok(false);
        }
        let staging = self.inner.staging(key)?;
        Ok(staging.is_some_and(|path| path.parent() == body.path.parent()))
    }
}
