//! The job store itself: what two processes that look at one slot leave in it.

use std::sync::Arc;
use std::thread;

use holdfast::jobs::decide::{Decided, Decision};
use holdfast::jobs::slot::{How, SlotState};
use holdfast::jobs::store::JobStore;
use tempfile::TempDir;

use super::{at, by_cron};

#[test]
fn of_many_that_claim_a_slot_at_once_one_gets_it_and_one_begins_it() {
    let dir = TempDir::new().unwrap();
    let store = Arc::new(JobStore::open(dir.path()).unwrap());
    let slot = at("2026-11-26T03:00:00Z");
    store
        .insert_job(&by_cron("0 3 * * *", "UTC"), at("2026-11-25T12:00:00Z"))
        .unwrap();
    let decided = Decided {
        decisions: vec![Decision::Claim {
            slot,
            how: How::OnTime,
        }],
        cursor: slot,
    };
    let work = |number: u32| {
        let dir = dir.path().to_owned();
        let decided = decided.clone();
        thread::spawn(move || {
            // A connection of its own, as another process has.
            let store = JobStore::open(&dir).unwrap();
            let row = store.job("nightly").unwrap().unwrap();
            let applied = store.apply(&row, &decided, slot, &|_, _| 1).unwrap();
            let claimed = applied.is_some_and(|rows| !rows.is_empty());
            let open = store.open_slots(None).unwrap();
            let begun = open.first().is_some_and(|record| {
                let (run, owner) = (format!("run-{number}"), number.to_string());
                store.begin(record, &run, &owner, slot).unwrap().is_some()
            });
            (claimed, begun)
        })
    };
    let workers: Vec<_> = (0..8).map(work).collect();
    let done: Vec<(bool, bool)> = workers.into_iter().map(|w| w.join().unwrap()).collect();
    assert_eq!(
        done.iter().filter(|(claimed, _)| *claimed).count(),
        1,
        "{done:?}"
    );
    assert_eq!(
        done.iter().filter(|(_, begun)| *begun).count(),
        1,
        "{done:?}"
    );
    let records = store.slots("job", 10).unwrap();
    assert_eq!(records.len(), 1);
    assert_eq!(
        (records[0].state, records[0].attempt),
        (SlotState::Running, 1)
    );
}

#[test]
fn names_are_taken_once_and_what_is_gone_is_unknown() {
    let dir = TempDir::new().unwrap();
    let store = JobStore::open(dir.path()).unwrap();
    let now = at("2026-11-25T12:00:00Z");
    let schedule = by_cron("0 3 * * *", "UTC");
    store.insert_job(&schedule, now).unwrap();
    let mut other = schedule.clone();
    other.id = "other".to_owned();
    let taken = holdfast::service::Error::from(store.insert_job(&other, now).unwrap_err());
    assert_eq!(taken.problem().code, "taken");
    let gone = holdfast::service::Error::from(store.update_job(&other, Some(now)).unwrap_err());
    assert_eq!(gone.problem().code, "unknown");
    let row = store.job("nightly").unwrap().unwrap();
    assert_eq!((row.schedule, row.cursor), (schedule, now));
}
