//! What is read is what was asked for, or an error.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use holdfast::destination::ErrorKind;

use super::shop::Object;
use super::shop::Pretender;
use super::{MIB, object, opened};
use crate::network::{Sample, key, put, read, refused};
use crate::pretender::{Given, Turn};

#[test]
fn a_download_that_is_cut_goes_on_where_it_was_cut() {
    let starts = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&starts);
    let mut cuts = 2;
    let store = Pretender::start(move |asked, _| {
        if asked.operation() != "get" {
            return Turn::AsUsual;
        }
        seen.lock()
            .unwrap()
            .push(asked.headers.get("range").cloned());
        if cuts > 0 {
            cuts -= 1;
            return Turn::CutBody(MIB);
        }
        Turn::AsUsual
    });
    let sample = Sample::new(3 * MIB);
    let object_of = Object {
        bytes: sample.bytes().clone(),
        mark: None,
        sha256: None,
    };
    store
        .store
        .lock()
        .unwrap()
        .objects
        .insert(object(&key(1)), object_of);
    let place = opened(&store.config(&[]));
    assert!(read(&*place, &key(1), None).unwrap() == sample.bytes());
    let starts = starts.lock().unwrap().clone();
    assert_eq!(starts.len(), 3);
    let distinct: BTreeSet<_> = starts.iter().collect();
    assert_eq!(distinct.len(), 3, "{starts:?}");
}

#[test]
fn a_part_of_an_archive_is_exactly_that_part() {
    let store = Pretender::honest();
    let sample = Sample::new(1000);
    let place = opened(&store.config(&[]));
    put(&*place, &key(1), &sample).unwrap();
    let found = read(&*place, &key(1), Some(10..20)).unwrap();
    assert_eq!(found, sample.bytes()[10..20]);
    for range in [990..1001, 1000..1001, 5000..6000, 1001..1001] {
        let found = read(&*place, &key(1), Some(range.clone()));
        refused(found, ErrorKind::Truncated);
    }
    refused(read(&*place, &key(2), Some(1..1)), ErrorKind::Missing);
}

#[test]
fn a_store_that_ignores_ranges_is_no_source_of_parts() {
    let mut whole = None;
    let store = Pretender::start(move |asked, shop| {
        if asked.operation() == "get" {
            let bytes = shop.objects.values().next().unwrap().bytes.clone();
            let given = whole.insert(Given::new(200, bytes));
            return Turn::Say(given.clone());
        }
        Turn::AsUsual
    });
    let place = opened(&store.config(&[]));
    put(&*place, &key(1), &Sample::new(1000)).unwrap();
    refused(read(&*place, &key(1), Some(10..20)), ErrorKind::Protocol);
}
