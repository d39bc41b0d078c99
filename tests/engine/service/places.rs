//! Claims about destinations that fail while an archive is read: what a person is told is what failed, and where.

use std::fs;

use holdfast::destination::ErrorKind;
use holdfast::model::Problem;
use holdfast::service::{Accept, ArchiveRef, Error, RestoreRequest};

use super::fixture::{House, INSTANCE, digests_below, files_below};
use crate::faulty::{Fault, On};

type Verb = fn(&House, &ArchiveRef) -> Result<(), Error>;

const VERBS: [(&str, Verb); 7] = [
    ("show", |house, archive| {
        house.service.show(archive, &house.act()).map(drop)
    }),
    ("verify", |house, archive| {
        let report = house.service.verify(archive, &house.act())?;
        assert!(report.ok, "{report:?}");
        Ok(())
    }),
    ("drill", |house, archive| {
        let report = house.service.drill(archive, &house.act())?;
        assert!(report.ok, "{report:?}");
        Ok(())
    }),
    ("plan", |house, archive| {
        let act = house.act();
        house.service.plan(archive, INSTANCE, &[], &act).map(drop)
    }),
    ("extract", |house, archive| {
        let out = house.path("out");
        let _ = fs::remove_dir_all(&out);
        house
            .service
            .extract(archive, &out, &[], &house.act())
            .map(drop)
    }),
    ("download", |house, archive| {
        let to = house.path("copy");
        let _ = fs::remove_file(&to);
        house.service.download(archive, &to, &house.act())
    }),
    ("restore", |house, archive| {
        let request = RestoreRequest {
            archive: archive.clone(),
            instance: INSTANCE.to_owned(),
            components: Vec::new(),
            confirm: INSTANCE.to_owned(),
            accept: Accept::default(),
        };
        house.service.restore(&request, &house.act()).map(drop)
    }),
];

/// Breaks the n-th read for every n that a verb comes to, before its first byte and after some. Returns what was told.
fn at_every_read(house: &House, archive: &ArchiveRef, verb: Verb, fault: &Fault) -> Vec<Problem> {
    let mut told = Vec::new();
    let counting = house.break_place("vault", |f| f);
    verb(house, archive).unwrap();
    let reads = counting.calls(On::Get);
    for n in 1.. {
        let broken = house.break_place("vault", |f| f.at(On::Get, n..=n, fault.clone()));
        match verb(house, archive) {
            Err(error) => told.push(error.problem()),
            Ok(()) if broken.all_reached() => panic!("read {n} broke and nobody noticed"),
            Ok(()) => {
                // Nobody reads so far, or so often.
                broken.forgive();
                if n > reads {
                    break;
                }
            }
        }
    }
    house.break_place("vault", |f| f);
    told
}

#[test]
fn a_place_that_fails_in_the_middle_of_an_archive_is_what_failed() {
    let house = House::new();
    let archive = house.archive();
    let before = digests_below(&house.instance_dir());
    let kinds = [
        (ErrorKind::Authentication, "authentication"),
        (ErrorKind::Unreachable, "unreachable"),
        (ErrorKind::Timeout, "timeout"),
        (ErrorKind::Missing, "missing"),
        (ErrorKind::Forbidden, "forbidden"),
    ];
    for (number, (name, verb)) in VERBS.iter().enumerate() {
        // Each verb with a kind or two; the way is the same for all.
        let (kind, code) = kinds[number % kinds.len()];
        for fault in [Fault::Fails(kind), Fault::BreaksAt(5, kind)] {
            let told = at_every_read(&house, &archive, *verb, &fault);
            assert!(!told.is_empty(), "{name}");
            for problem in told {
                assert_eq!(problem.code, code, "{name} {fault:?}: {problem:?}");
                assert!(problem.message.starts_with("Destination vault "), "{name}");
            }
        }
    }
    assert!(files_below(&house.path("data/work")).is_empty());
    // A restore of what is there already changes nothing, broken off or not.
    assert_eq!(digests_below(&house.instance_dir()).len(), before.len());
}

#[test]
fn who_cancels_in_the_middle_of_an_archive_has_cancelled() {
    let house = House::new();
    let archive = house.archive();
    let cancel = house.cancel.clone();
    let stops = crate::faulty::hook(move || cancel.cancel());
    house.break_place("vault", |f| f.at(On::Get, 2..=2, Fault::Before(stops)));
    let error = house.service.verify(&archive, &house.act()).unwrap_err();
    assert!(error.is_cancelled(), "{error:?}");
}

#[test]
fn what_a_place_presented_is_told_to_compare_it() {
    let house = House::new();
    house.break_place("cloud", |f| {
        f.always(On::List, Fault::Presents("SHA256:abc"))
    });
    let report = house
        .service
        .test_destination("cloud", &house.act())
        .unwrap();
    assert!(!report.ok);
    assert_eq!(report.fingerprint.as_deref(), Some("SHA256:abc"));
    for kind in [ErrorKind::Unreachable, ErrorKind::Authentication] {
        house.break_place("cloud", |f| f.always(On::List, Fault::Fails(kind)));
        let report = house
            .service
            .test_destination("cloud", &house.act())
            .unwrap();
        assert_eq!((report.ok, report.fingerprint), (false, None));
    }
    house.break_place("cloud", |f| f);
    let report = house
        .service
        .test_destination("cloud", &house.act())
        .unwrap();
    assert_eq!((report.ok, report.fingerprint), (true, None));
}
