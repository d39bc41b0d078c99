//! The progress of several deliveries as one: observers show a line of an act, not one of each destination.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{Observer, Phase, Progress};

/// Uploading until every destination has the bytes, then verifying; bytes are those of all together.
pub(super) struct Together<'a> {
    observer: &'a dyn Observer,
    length: u64,
    shares: Mutex<BTreeMap<String, Share>>,
}

/// How far one of them is.
#[derive(Clone, Copy)]
struct Share {
    uploaded: u64,
    /// None: not verifying.
    verified: Option<u64>,
    ended: bool,
}

impl<'a> Together<'a> {
    /// `length`: of what each of them gets.
    pub fn new(observer: &'a dyn Observer, length: u64) -> Self {
        Self {
            observer,
            length,
            shares: Mutex::default(),
        }
    }

    /// One more. `there`: the bytes are there already, and nobody has looked at them.
    pub fn expect(&self, name: &str, there: bool) {
        let share = Share {
            uploaded: if there { self.length } else { 0 },
            verified: there.then_some(0),
            ended: false,
        };
        self.shares().insert(name.to_owned(), share);
    }

    /// The observer of one destination. Dropped, its share is over, whatever became of it.
    pub fn part(&self, name: &str) -> Part<'_> {
        Part {
            whole: self,
            name: name.to_owned(),
        }
    }

    fn shares(&self) -> MutexGuard<'_, BTreeMap<String, Share>> {
        // A share is changed in one step.
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of shares that are not all over.
    fn sum(&self, shares: &BTreeMap<String, Share>) -> Option<Progress> {
        let open = || shares.iter().filter(|(_, share)| !share.ended);
        let uploading = open().any(|(_, share)| share.verified.is_none());
        let (phase, done): (_, fn(&Share) -> Option<u64>) = if uploading {
            (Phase::Uploading, |share| Some(share.uploaded))
        } else {
            (Phase::Verifying, |share| share.verified)
        };
        let names: Vec<&str> = open()
            .filter(|(_, share)| share.verified.is_none() == uploading)
            .map(|(name, _)| name.as_str())
            .collect();
        let counted: Vec<u64> = shares.values().filter_map(done).collect();
        (!names.is_empty()).then(|| Progress {
            phase,
            done_bytes: counted.iter().sum(),
            total_bytes: self.length.saturating_mul(counted.len() as u64),
            what: names.join(", "),
        })
    }
}

pub(super) struct Part<'t> {
    whole: &'t Together<'t>,
    name: String,
}

impl Part<'_> {
    /// Told while nobody else changes anything, so that what is told last is how it stands.
    fn change(&self, change: impl FnOnce(&mut Share)) {
        let mut shares = self.whole.shares();
        if let Some(share) = shares.get_mut(&self.name) {
            change(share);
        }
        if let Some(progress) = self.whole.sum(&shares) {
            self.whole.observer.progress(&progress);
        }
    }
}

impl Observer for Part<'_> {
    fn progress(&self, progress: &Progress) {
        let length = self.whole.length;
        match progress.phase {
            Phase::Uploading => self.change(|share| {
                share.uploaded = progress.done_bytes.min(length);
                share.verified = None;
            }),
            Phase::Verifying => self.change(|share| {
                share.uploaded = length;
                share.verified = Some(progress.done_bytes.min(length));
            }),
            _ => self.whole.observer.progress(progress),
        }
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        let length = self.whole.length;
        self.change(|share| {
            share.uploaded = length;
            share.verified = share.verified.map(|_| length);
            share.ended = true;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Told(Mutex<Vec<String>>);

    impl Observer for Told {
        fn progress(&self, p: &Progress) {
            let line = format!(
                "{:?} {}/{} {}",
                p.phase, p.done_bytes, p.total_bytes, p.what
            );
            self.0.lock().unwrap().push(line);
        }
    }

    fn at(phase: Phase, done_bytes: u64) -> Progress {
        Progress {
            phase,
            done_bytes,
            total_bytes: 100,
            what: "whatever a place calls itself".to_owned(),
        }
    }

    #[test]
    fn two_places_are_one_line_whose_phase_goes_on_once() {
        let told = Told::default();
        let together = Together::new(&told, 100);
        together.expect("cloud", false);
        together.expect("nas", false);
        together.expect("disk", true);
        let (cloud, nas) = (together.part("cloud"), together.part("nas"));
        nas.progress(&at(Phase::Uploading, 60));
        cloud.progress(&at(Phase::Uploading, 10));
        nas.progress(&at(Phase::Verifying, 5));
        // Cut, and begun anew.
        cloud.progress(&at(Phase::Uploading, 0));
        cloud.progress(&at(Phase::Verifying, 1));
        drop(nas);
        cloud.progress(&at(Phase::Verifying, 50));
        drop(cloud);
        drop(together.part("disk"));
        insta::assert_snapshot!(told.0.lock().unwrap().join("\n"), @r"
        Uploading 160/300 cloud, nas
        Uploading 170/300 cloud, nas
        Uploading 210/300 cloud
        Uploading 200/300 cloud
        Verifying 6/300 cloud, disk, nas
        Verifying 101/300 cloud, disk
        Verifying 150/300 cloud, disk
        Verifying 200/300 disk
        ");
    }

    #[test]
    fn one_place_is_told_as_it_is() {
        let told = Told::default();
        let together = Together::new(&told, 100);
        together.expect("nas", false);
        let nas = together.part("nas");
        nas.progress(&at(Phase::Uploading, 60));
        nas.progress(&at(Phase::Verifying, 30));
        drop(nas);
        let told = told.0.lock().unwrap();
        assert_eq!(*told, ["Uploading 60/100 nas", "Verifying 30/100 nas"]);
    }
}
