//! The contract, run as the "Test destination" button runs it, and proof that each of its cases can fail.

use std::collections::BTreeSet;

use holdfast::destination::contract::CASES;
use holdfast::destination::{Call, Destination, TestCheck, test};
use holdfast::model::{Cancel, NoObserver};

use crate::faulty::{Fault, Faulty};
use crate::local::Place;

fn run(destination: &dyn Destination) -> Vec<TestCheck> {
    let cancel = Cancel::new();
    let call = Call::new(&cancel, &NoObserver);
    test(destination, &call)
}

fn failed(checks: &[TestCheck]) -> BTreeSet<&str> {
    let failed = checks.iter().filter(|check| !check.ok);
    failed.map(|check| check.name.as_str()).collect()
}

#[test]
fn local_keeps_every_promise_and_keeps_nothing_else() {
    let place = Place::new();
    let checks = run(&place.open());
    assert_eq!(failed(&checks), BTreeSet::new(), "{checks:#?}");
    let names: Vec<_> = checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(
        names,
        CASES.iter().map(|case| case.name).collect::<Vec<_>>()
    );
    assert_eq!(place.everything(), [""; 0]);
}

#[test]
fn two_tests_of_one_place_do_not_meet() {
    let place = Place::new();
    std::thread::scope(|scope| {
        let tests: Vec<_> = (0..3).map(|_| scope.spawn(|| run(&place.open()))).collect();
        for test in tests {
            let checks = test.join().unwrap();
            assert_eq!(failed(&checks), BTreeSet::new(), "{checks:#?}");
        }
    });
}

/// A test that cannot fail is a defect: every broken promise is noticed by the case that is there for it.
#[test]
fn every_case_notices_its_fault() {
    let faults = [
        (Fault::Unreachable, "reach"),
        (Fault::StoresNothing, "write"),
        (Fault::FlipsABit, "write"),
        (Fault::LosesEmptyArchives, "sizes"),
        (Fault::ShortRanges, "ranges"),
        (Fault::ShiftedRanges, "ranges"),
        (Fault::ListsTwice, "listing"),
        (Fault::ListsNothing, "listing"),
        (Fault::WrongSizes, "listing"),
        (Fault::Overwrites, "create_only"),
        (Fault::StagesUnderTheFinalName, "staging"),
        (Fault::BelievesEveryDigest, "changed_body"),
        (Fault::IgnoresCancel, "cancelled_write"),
        (Fault::MissingIsForbidden, "missing"),
        (Fault::DeleteOfMissingFails, "missing"),
        (Fault::DeletesNothing, "delete"),
        (Fault::ClockIsAnHourOff, "clock"),
        (Fault::ForgetsItsFreeSpace, "free_space"),
        (Fault::DeletesNothing, "nothing_left"),
        (Fault::SweepsTheYoung, "nothing_left"),
    ];
    for (fault, case) in &faults {
        let place = Place::new();
        let broken = Faulty::new(place.open(), fault.clone());
        let checks = run(&broken);
        assert!(broken.was_reached(), "{fault:?} was never injected");
        assert!(
            failed(&checks).contains(*case),
            "{fault:?} was not noticed by {case}: {checks:#?}"
        );
    }
    let covered: BTreeSet<_> = faults.iter().map(|(_, case)| *case).collect();
    assert_eq!(covered, CASES.iter().map(|case| case.name).collect());
}

#[test]
fn a_place_that_does_not_answer_is_asked_once() {
    let place = Place::new();
    let checks = run(&Faulty::new(place.open(), Fault::Unreachable));
    assert_eq!(checks.len(), 1, "{checks:#?}");
}

#[test]
fn a_cancelled_test_stops_and_still_clears_up() {
    let place = Place::new();
    let cancel = Cancel::new();
    let broken = Faulty::new(place.open(), Fault::CancelsDuringWrite(cancel.clone()));
    let call = Call::new(&cancel, &NoObserver);
    let checks = test(&broken, &call);
    assert!(
        checks.len() < CASES.len() && !checks.last().unwrap().ok,
        "{checks:#?}"
    );
    assert_eq!(place.everything(), [""; 0]);
}
