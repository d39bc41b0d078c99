//! The contract, run as the "Test destination" button runs it, and proof that each of its cases can fail.

use std::collections::BTreeSet;
use std::sync::Arc;

use holdfast::destination::contract::CASES;
use holdfast::destination::{Call, Destination, ErrorKind, TestCheck, test};
use holdfast::model::{Cancel, NoObserver};

use crate::faulty::{Fault, Faulty, On, hook};
use crate::local::Place;

fn run(destination: &dyn Destination) -> Vec<TestCheck> {
    let cancel = Cancel::new();
    let call = Call::new(&cancel, &NoObserver);
    test(destination, &call).checks
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
        (On::List, Fault::Fails(ErrorKind::Unreachable), "reach"),
        (On::Put, Fault::StoresNothing, "write"),
        (On::Put, Fault::FlipsABit, "write"),
        (On::Put, Fault::StoresPart(7), "write"),
        (On::Put, Fault::LosesEmptyArchives, "sizes"),
        (On::Get, Fault::EndsEarly(1), "ranges"),
        (On::Get, Fault::Shifted, "ranges"),
        (On::List, Fault::ListsTwice, "listing"),
        (On::List, Fault::ListsNothing, "listing"),
        (On::List, Fault::WrongSizes, "listing"),
        (On::Put, Fault::Overwrites, "create_only"),
        (On::Staging, Fault::StagesUnderTheFinalName, "staging"),
        (On::Put, Fault::BelievesEveryDigest, "changed_body"),
        (On::Put, Fault::IgnoresCancel, "cancelled_write"),
        (On::Get, Fault::MissingIs(ErrorKind::Forbidden), "missing"),
        (On::Delete, Fault::MissingIs(ErrorKind::Missing), "missing"),
        (On::Delete, Fault::DeletesNothing, "delete"),
        (On::Stat, Fault::AnHourOff, "clock"),
        (On::FreeSpace, Fault::TellsNoSpace, "free_space"),
        (On::Delete, Fault::DeletesNothing, "nothing_left"),
        (On::Sweep, Fault::SweepsTheYoung, "nothing_left"),
    ];
    for (on, fault, case) in &faults {
        let place = Place::new();
        let broken = Faulty::over(Arc::new(place.open())).always(*on, fault.clone());
        let checks = run(&broken);
        assert!(
            failed(&checks).contains(*case),
            "{fault:?} was not noticed by {case}: {checks:#?}"
        );
    }
    let covered: BTreeSet<_> = faults.iter().map(|(_, _, case)| *case).collect();
    assert_eq!(covered, CASES.iter().map(|case| case.name).collect());
}

#[test]
fn a_place_that_does_not_answer_is_asked_once() {
    let place = Place::new();
    let silent =
        Faulty::over(Arc::new(place.open())).always(On::List, Fault::Fails(ErrorKind::Unreachable));
    let checks = run(&silent);
    assert_eq!(checks.len(), 1, "{checks:#?}");
    // Nothing was written: nothing is looked for to be cleared away.
    assert_eq!(silent.calls(On::Any), 1);
}

#[test]
fn what_a_place_presented_that_is_not_trusted_is_among_what_was_seen() {
    let place = Place::new();
    let cancel = Cancel::new();
    for (on, fault, presented) in [
        (On::List, Fault::Presents("SHA256:abc"), Some("SHA256:abc")),
        (On::Put, Fault::Presents("SHA256:abc"), Some("SHA256:abc")),
        (On::List, Fault::Fails(ErrorKind::Unreachable), None),
    ] {
        let broken = Faulty::over(Arc::new(place.open())).always(on, fault);
        let tested = test(&broken, &Call::new(&cancel, &NoObserver));
        assert_eq!(tested.presented.as_deref(), presented);
    }
}

#[test]
fn a_cancelled_test_stops_and_still_clears_up() {
    let place = Place::new();
    let cancel = Cancel::new();
    let cancelling = cancel.clone();
    let broken = Faulty::over(Arc::new(place.open()))
        .always(On::Put, Fault::After(hook(move || cancelling.cancel())));
    let call = Call::new(&cancel, &NoObserver);
    let checks = test(&broken, &call).checks;
    assert!(
        checks.len() < CASES.len() && !checks.last().unwrap().ok,
        "{checks:#?}"
    );
    assert_eq!(place.everything(), [""; 0]);
}

/// At whatever call the user stops it.
#[test]
fn a_test_that_is_cancelled_at_any_call_leaves_nothing() {
    let place = Place::new();
    let whole = Faulty::over(Arc::new(place.open()));
    run(&whole);
    let calls = whole.calls(On::Any);
    assert!(calls > 50, "{calls}");
    for n in 1..calls {
        let cancel = Cancel::new();
        let cancelling = cancel.clone();
        let act = Fault::Before(hook(move || cancelling.cancel()));
        let broken = Faulty::over(Arc::new(place.open())).at(On::Any, n..=n, act);
        let checks = test(&broken, &Call::new(&cancel, &NoObserver)).checks;
        assert!(checks.len() <= CASES.len());
        assert_eq!(place.everything(), [""; 0], "cancelled at call {n}");
    }
}
