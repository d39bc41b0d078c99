//! One archive on its way to several places at once. Each outcome is recorded as soon as it is known: a place that is slow, or does not
//! answer, holds back no other's. What becomes of one is `target`'s.

use std::panic::resume_unwind;
use std::sync::Mutex;
use std::thread;

use super::target::Target;
use super::together::Together;
use crate::destination::{Body, Call};
use crate::model::{ArchiveName, Instance};
use crate::service::assemble::Assembled;
use crate::service::{Act, BackupService, Result};

/// What all of them get.
pub(super) struct Delivery<'a> {
    pub service: &'a BackupService,
    pub run_id: &'a str,
    pub instance: &'a Instance,
    pub name: &'a ArchiveName,
    pub body: &'a Body,
    /// The same bytes where they stay when the place that `body` is staged at has published it.
    pub for_others: Option<&'a Body>,
    pub assembled: &'a Assembled,
    pub act: &'a Act<'a>,
}

impl Delivery<'_> {
    /// Where the others have no body of their own, the place at which it is staged comes after them: publishing takes the file away from under
    /// them. Returns whether any has it; an error is one of the store, met after all had their turn.
    pub fn to_all(&self, targets: &mut [Target], staged_at: Option<usize>) -> Result<bool> {
        let together = Together::new(self.act.observer, self.body.length);
        let has_manifest = Mutex::new(false);
        let (mut last, mut at_once) = (None, Vec::new());
        for (index, target) in targets.iter_mut().enumerate() {
            let is_staged = Some(index) == staged_at;
            together.expect(&target.config.name, is_staged);
            match self.for_others {
                None if is_staged => last = Some(target),
                Some(body) if !is_staged => at_once.push((target, body)),
                _ => at_once.push((target, self.body)),
            }
        }
        let mut done: Vec<Result<bool>> = thread::scope(|scope| {
            let (together, has_manifest) = (&together, &has_manifest);
            let threads: Vec<_> = at_once
                .into_iter()
                .map(|(target, body)| {
                    scope.spawn(move || self.to_one(target, body, together, has_manifest))
                })
                .collect();
            let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
            joined
                .map(|done| done.unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        });
        done.extend(last.map(|target| self.to_one(target, self.body, &together, &has_manifest)));
        done.into_iter()
            .try_fold(false, |delivered, done| Ok(delivered | done?))
    }

    fn to_one(
        &self,
        target: &mut Target,
        body: &Body,
        together: &Together<'_>,
        has_manifest: &Mutex<bool>,
    ) -> Result<bool> {
        let part = together.part(&target.config.name);
        let call = Call {
            observer: &part,
            ..self.act.call()
        };
        let delivered = target.deliver(self.instance, self.name, body, self.assembled, &call);
        drop(part);
        if delivered {
            self.keep_manifest(has_manifest)?;
        }
        self.service.record(target)?;
        Ok(delivered)
    }

    /// Once, and before the first record that says that there is an archive.
    fn keep_manifest(&self, has_manifest: &Mutex<bool>) -> Result<()> {
        // Where it panicked it was not kept.
        let mut kept = has_manifest
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if !*kept {
            let manifest = String::from_utf8_lossy(&self.assembled.packed.manifest_json);
            self.service.store.set_manifest(self.run_id, &manifest)?;
            *kept = true;
        }
        Ok(())
    }
}
