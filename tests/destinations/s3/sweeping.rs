//! What is swept: uploads that nobody will complete, and nothing that may be alive.

use std::time::Duration;

use holdfast::destination::ErrorKind;
use jiff::{SignedDuration, Timestamp};

use super::shop::Upload;
use super::shop::{Pretender, error};
use super::{object, opened};
use crate::network::{key, refused, with_call};
use crate::pretender::{Given, Turn};

const HOUR: Duration = Duration::from_hours(1);

/// Begun so many hours ago, and gone on with.
fn upload(key: &str, begun: i64, last_part: Option<i64>) -> Upload {
    let ago = |hours| Timestamp::now() - SignedDuration::from_hours(hours);
    let part = last_part.map(|hours| (1, (b"part".to_vec(), ago(hours))));
    Upload {
        key: key.to_owned(),
        mark: None,
        initiated: ago(begun),
        parts: part.into_iter().collect(),
    }
}

fn swept(store: &Pretender, age: Duration) -> Vec<String> {
    let names = |store: &Pretender| -> Vec<String> {
        store
            .store
            .lock()
            .unwrap()
            .uploads
            .keys()
            .cloned()
            .collect()
    };
    let before = names(store);
    let place = opened(&store.config(&[]));
    let count = with_call(|call| place.sweep(age, call)).unwrap();
    let after = names(store);
    let gone: Vec<_> = before
        .into_iter()
        .filter(|name| !after.contains(name))
        .collect();
    assert_eq!(gone.len(), usize::try_from(count).unwrap());
    gone
}

fn with(uploads: &[(&str, Upload)]) -> Pretender {
    let store = Pretender::honest();
    for (name, upload) in uploads {
        let mut shop = store.store.lock().unwrap();
        shop.uploads.insert((*name).to_owned(), upload.clone());
    }
    store
}

#[test]
fn only_uploads_of_archives_that_rest_for_a_day_are_swept() {
    let here = object(&key(1));
    let uploads = [
        ("dead", upload(&here, 25, None)),
        ("dead with parts", upload(&here, 100, Some(25))),
        ("slow and alive", upload(&here, 100, Some(2))),
        ("young", upload(&here, 23, None)),
        (
            "of somebody else",
            upload("b ä+%#/videos/cat.mp4", 100, None),
        ),
        ("elsewhere", upload(key(1).as_str(), 100, None)),
        (
            "of a neighbour",
            upload(&format!("b ä+%#2/{}", key(1).as_str()), 100, None),
        ),
    ];
    let store = with(&uploads);
    assert_eq!(swept(&store, HOUR), ["dead", "dead with parts"]);
    let store = with(&uploads);
    assert_eq!(swept(&store, 50 * HOUR), [""; 0]);
    let store = with(&uploads);
    assert_eq!(swept(&store, Duration::MAX), [""; 0]);
}

#[test]
fn what_is_on_the_next_page_is_swept_too() {
    let uploads: Vec<_> = (1..=7)
        .map(|day| {
            (
                format!("upload {day}"),
                upload(&object(&key(day)), 100, None),
            )
        })
        .collect();
    let uploads: Vec<_> = uploads
        .iter()
        .map(|(name, upload)| (name.as_str(), upload.clone()))
        .collect();
    for page in [1, 3, 7] {
        let store = with(&uploads);
        store.store.lock().unwrap().uploads_a_page = Some(page);
        assert_eq!(swept(&store, HOUR).len(), 7, "{page}");
        assert_eq!(store.count("uploads"), 7_usize.div_ceil(page));
    }
}

#[test]
fn a_store_whose_clock_is_a_year_off_loses_no_upload_that_is_alive() {
    let year = SignedDuration::from_hours(365 * 24);
    for ahead in [year, -year] {
        let store = Pretender::honest();
        store.store.lock().unwrap().ahead = ahead;
        let mut alive = upload(&object(&key(1)), 0, None);
        alive.initiated = Timestamp::now() + ahead;
        let mut dead = alive.clone();
        dead.initiated = alive.initiated - SignedDuration::from_hours(25);
        {
            let mut shop = store.store.lock().unwrap();
            shop.uploads.insert("alive".to_owned(), alive);
            shop.uploads.insert("dead".to_owned(), dead);
        }
        assert_eq!(swept(&store, HOUR), ["dead"]);
    }
}

#[test]
fn a_store_that_tells_of_no_uploads_sweeps_none() {
    let store = Pretender::start(|asked, _| match asked.operation() {
        "uploads" => Turn::Say(error(501, "NotImplemented", "")),
        _ => Turn::AsUsual,
    });
    assert_eq!(swept(&store, HOUR), [""; 0]);
}

#[test]
fn an_upload_whose_parts_are_not_told_stays() {
    let store = Pretender::start(|asked, _| match asked.operation() {
        "parts" => Turn::Say(error(501, "NotImplemented", "")),
        _ => Turn::AsUsual,
    });
    let old = upload(&object(&key(1)), 100, None);
    store
        .store
        .lock()
        .unwrap()
        .uploads
        .insert("old".to_owned(), old);
    assert_eq!(swept(&store, HOUR), [""; 0]);
}

#[test]
fn a_list_of_uploads_without_end_ends() {
    let store = Pretender::start(|asked, _| match asked.operation() {
        "uploads" => Turn::Say(Given::new(
            200,
            "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>a</NextKeyMarker></ListMultipartUploadsResult>",
        )),
        _ => Turn::AsUsual,
    });
    let place = opened(&store.config(&[]));
    refused(
        with_call(|call| place.sweep(HOUR, call)),
        ErrorKind::Protocol,
    );
}
