//! What a store does once a year, and what may not come of it.

use std::fs;
use std::sync::{Arc, Mutex};
use std::thread;

use holdfast::destination::retry::Patience;
use holdfast::destination::{Call, ErrorKind, open_with};
use holdfast::model::{Cancel, Observer, Progress};

use super::shop::Object;
use super::shop::{Pretender, error};
use super::{LARGE, PATIENCE, object, opened, secrets};
use crate::network::{Canceller, Sample, key, put, read, refused, verified};
use crate::pretender::{Given, Turn};

/// The first so many of an operation.
fn first(
    operation: &'static str,
    times: usize,
    turn: impl Fn() -> Turn + Send + 'static,
) -> Pretender {
    let mut left = times;
    Pretender::start(move |asked, _| {
        if asked.operation() == operation && left > 0 {
            left -= 1;
            return turn();
        }
        Turn::AsUsual
    })
}

const ONCE: Patience = Patience {
    tries: 0,
    ..PATIENCE
};

/// It holds this and nothing else.
#[track_caller]
fn holds(store: &Pretender, sample: &Sample) {
    assert_eq!(store.holds(), (1, 0));
    let shop = store.store.lock().unwrap();
    assert!(shop.objects[&object(&key(1))].bytes == sample.bytes());
}

#[test]
fn a_store_that_refuses_wrong_checksums_is_believed_and_nothing_is_read_back() {
    let store = Pretender::honest();
    let sample = Sample::new(LARGE);
    verified(put(&*opened(&store.config(&[])), &key(1), &sample));
    holds(&store, &sample);
    assert_eq!(store.count("get"), 0);
    // Two that try it out, and three of the archive.
    assert_eq!(store.count("part"), 5);
}

#[test]
fn a_store_that_only_repeats_checksums_is_read_back() {
    let store = Pretender::honest();
    store.store.lock().unwrap().believes_sums = true;
    let sample = Sample::new(LARGE);
    verified(put(&*opened(&store.config(&[])), &key(1), &sample));
    holds(&store, &sample);
    assert_eq!(store.count("get"), 1);
}

#[test]
fn another_checksum_in_the_answer_is_no_proof() {
    let store = first("complete", 1, || {
        Turn::Change(|given| {
            let text = String::from_utf8_lossy(&given.body).replace("-3<", "-4<");
            given.body = text.into_bytes();
        })
    });
    let sample = Sample::new(LARGE);
    verified(put(&*opened(&store.config(&[])), &key(1), &sample));
    assert_eq!(store.count("get"), 1);
}

#[test]
fn a_store_that_keeps_other_bytes_than_it_was_sent_keeps_nothing() {
    for length in [1000, LARGE] {
        let store = Pretender::start(|asked, shop| {
            if asked.operation() == "get" {
                for object in shop.objects.values_mut() {
                    let last = object.bytes.len() - 1;
                    object.bytes[last] ^= 1;
                }
            }
            Turn::AsUsual
        });
        store.store.lock().unwrap().believes_sums = true;
        let place = opened(&store.config(&[]));
        let detail = refused(
            put(&*place, &key(1), &Sample::new(length)),
            ErrorKind::Protocol,
        );
        assert!(detail.contains("read back"), "{detail}");
        assert_eq!(store.holds(), (0, 0));
    }
}

#[test]
fn a_busy_store_is_asked_again() {
    for (length, operation) in [(1000, "put"), (LARGE, "create"), (LARGE, "part")] {
        let store = first(operation, 2, || Turn::Say(error(503, "SlowDown", "")));
        let sample = Sample::new(length);
        verified(put(&*opened(&store.config(&[])), &key(1), &sample));
        holds(&store, &sample);
    }
}

#[test]
fn an_acknowledgement_that_was_lost_makes_no_second_archive() {
    for (length, operation) in [(0, "put"), (1000, "put"), (LARGE, "complete")] {
        let store = first(operation, 1, || Turn::DoAndCut);
        let sample = Sample::new(length);
        verified(put(&*opened(&store.config(&[])), &key(1), &sample));
        holds(&store, &sample);
        assert_eq!(store.count(operation), 1, "{operation}");
        // It is known by its mark, and where the store's checksums count, nothing is read.
        let read = usize::from(length != LARGE);
        assert_eq!(store.count("get"), read, "{operation}");
    }
}

/// As a proxy that waited for too long, or a store that failed at the very end.
#[test]
fn a_failure_that_came_after_the_archive_was_stored_leaves_none() {
    let said = || Turn::DoAndSay(Given::new(504, ""));
    for (length, operation) in [(1000, "put"), (LARGE, "complete")] {
        let store = first(operation, 1, said);
        let sample = Sample::new(length);
        verified(put(&*opened(&store.config(&[])), &key(1), &sample));
        holds(&store, &sample);
        assert_eq!(store.count(operation), 1, "{operation}");

        // Not even where nothing else is done about it.
        let store = first(operation, 1, said);
        let place = open_with(&store.config(&[]), &secrets(), ONCE).unwrap();
        refused(
            put(&*place, &key(1), &Sample::new(length)),
            ErrorKind::Timeout,
        );
        assert_eq!(store.holds(), (0, 0), "{operation}");
    }
}

#[test]
fn a_success_with_a_failure_in_it_is_none() {
    let internal = || Turn::Say(error(200, "InternalError", ""));
    let store = first("complete", 1, internal);
    let sample = Sample::new(LARGE);
    verified(put(&*opened(&store.config(&[])), &key(1), &sample));
    holds(&store, &sample);
    assert_eq!(store.count("complete"), 2);
    assert_eq!(store.count("part"), 5);

    let denied = || Turn::Say(error(200, "AccessDenied", ""));
    let store = first("complete", 9, denied);
    let place = opened(&store.config(&[]));
    refused(put(&*place, &key(1), &sample), ErrorKind::Forbidden);
    assert_eq!(store.holds(), (0, 0));
}

/// The connection is cut under a part, once. What the others brought there stays.
fn cut_once(lists_parts: bool) -> Pretender {
    let mut cut = false;
    Pretender::start(move |asked, _| match asked.operation() {
        "part" if asked.query["partNumber"] == "3" && !cut => {
            cut = true;
            Turn::Cut
        }
        "parts" if !lists_parts => Turn::Say(error(501, "NotImplemented", "")),
        _ => Turn::AsUsual,
    })
}

#[test]
fn what_has_arrived_is_not_sent_again() {
    for lists_parts in [true, false] {
        let store = cut_once(lists_parts);
        let sample = Sample::new(LARGE);
        verified(put(&*opened(&store.config(&[])), &key(1), &sample));
        holds(&store, &sample);
        // Two that try it out, three of the archive, and the third once more.
        assert_eq!(store.count("part"), 6);
        assert_eq!(store.count("create"), 2);
    }
}

#[test]
fn a_part_that_arrived_as_another_is_sent_again() {
    let mut done = false;
    let store = Pretender::start(move |asked, shop| {
        if asked.operation() == "parts" && !done {
            done = true;
            let upload = shop.uploads.values_mut().next().unwrap();
            upload.parts.get_mut(&1).unwrap().0[0] ^= 1;
        }
        if asked.operation() == "part" && asked.query["partNumber"] == "3" && !done {
            return Turn::Cut;
        }
        Turn::AsUsual
    });
    let sample = Sample::new(LARGE);
    verified(put(&*opened(&store.config(&[])), &key(1), &sample));
    holds(&store, &sample);
}

#[test]
fn an_upload_that_the_store_has_forgotten_is_begun_anew() {
    let mut forgotten = false;
    let store = Pretender::start(move |asked, shop| {
        let is_third = asked.operation() == "part" && asked.query["partNumber"] == "3";
        if is_third && !forgotten {
            forgotten = true;
            shop.uploads.clear();
        }
        Turn::AsUsual
    });
    let sample = Sample::new(LARGE);
    verified(put(&*opened(&store.config(&[])), &key(1), &sample));
    holds(&store, &sample);
    assert_eq!(store.count("create"), 3);
}

#[test]
fn two_requests_that_meet_end_as_one_archive() {
    let conflict = || Turn::Say(error(409, "ConditionalRequestConflict", ""));
    for (length, operation) in [(1000, "put"), (LARGE, "complete")] {
        let store = first(operation, 1, conflict);
        let sample = Sample::new(length);
        verified(put(&*opened(&store.config(&[])), &key(1), &sample));
        holds(&store, &sample);
    }
}

#[test]
fn another_writer_who_was_quicker_keeps_the_name() {
    for (length, operation) in [(1000, "put"), (LARGE, "complete")] {
        let store = Pretender::start(move |asked, shop| {
            if asked.operation() == operation {
                let theirs = Object {
                    bytes: b"theirs".to_vec(),
                    mark: None,
                    sha256: None,
                };
                shop.objects.insert(asked.name.clone(), theirs);
            }
            Turn::AsUsual
        });
        let place = opened(&store.config(&[]));
        refused(
            put(&*place, &key(1), &Sample::new(length)),
            ErrorKind::Exists,
        );
        assert_eq!(store.holds(), (1, 0));
        assert_eq!(read(&*place, &key(1), None).unwrap(), b"theirs");
    }
}

#[test]
fn of_two_writers_at_once_exactly_one_wins() {
    for length in [1000, LARGE] {
        let store = Pretender::honest();
        let config = store.config(&[]);
        let samples = [Sample::new(length), Sample::new(length + 1)];
        let results: Vec<_> = thread::scope(|scope| {
            let writers = samples.each_ref().map(|sample| {
                let place = opened(&config);
                scope.spawn(move || put(&*place, &key(1), sample))
            });
            writers.map(|writer| writer.join().unwrap()).into()
        });
        let won: Vec<_> = results.iter().map(Result::is_ok).collect();
        assert!(won == [true, false] || won == [false, true], "{results:?}");
        for result in results {
            if let Err(e) = result {
                assert_eq!(e.kind, ErrorKind::Exists);
            }
        }
        holds(&store, &samples[usize::from(won[1])]);
    }
}

#[test]
fn headers_that_a_store_does_not_know_are_left_out() {
    let cases = [
        (
            "if-none-match",
            error(
                501,
                "NotImplemented",
                "<Message>A header you provided implies functionality that is not implemented</Message><Header>If-None-Match</Header>",
            ),
        ),
        (
            "x-amz-checksum-sha256",
            error(
                400,
                "InvalidArgument",
                "<Message>Unsupported header 'x-amz-checksum-sha256'</Message>",
            ),
        ),
    ];
    for (header, refusal) in cases {
        for length in [1000, LARGE] {
            let refusal = refusal.clone();
            let store = Pretender::start(move |asked, _| match asked.operation() {
                "put" | "create" | "complete" | "part" if asked.headers.contains_key(header) => {
                    Turn::Say(refusal.clone())
                }
                _ => Turn::AsUsual,
            });
            let sample = Sample::new(length);
            let place = opened(&store.config(&[]));
            verified(put(&*place, &key(1), &sample));
            holds(&store, &sample);
            refused(put(&*place, &key(1), &sample), ErrorKind::Exists);
        }
    }
}

#[test]
fn an_odd_answer_on_the_way_to_a_store_switches_no_condition_off() {
    let conditions = Arc::<Mutex<Vec<bool>>>::default();
    let seen = Arc::clone(&conditions);
    let store = Pretender::start(move |asked, shop| {
        if asked.operation() != "put" {
            return Turn::AsUsual;
        }
        let mut seen = seen.lock().unwrap();
        seen.push(asked.headers.contains_key("if-none-match"));
        match seen.len() {
            // Whatever is left out: it was not about that.
            1 | 2 | 5 => Turn::Say(Given::new(501, "")),
            4 => {
                let theirs = Object {
                    bytes: b"theirs".to_vec(),
                    mark: None,
                    sha256: None,
                };
                shop.objects.insert(asked.name.clone(), theirs);
                Turn::AsUsual
            }
            _ => Turn::AsUsual,
        }
    });
    let place = opened(&store.config(&[]));
    let sample = Sample::new(1000);
    refused(put(&*place, &key(1), &sample), ErrorKind::Protocol);
    verified(put(&*place, &key(1), &sample));
    refused(put(&*place, &key(2), &sample), ErrorKind::Exists);
    // It is known to honour it now: only the checksum is left out.
    verified(put(&*place, &key(3), &sample));
    let seen = conditions.lock().unwrap();
    assert_eq!(*seen, [true, false, true, true, true, true]);
}

#[test]
fn a_cancelled_upload_leaves_nothing() {
    for (length, at) in [(1000, 1000), (LARGE, 10 << 20), (LARGE, LARGE as u64)] {
        let store = Pretender::honest();
        let cancel = Cancel::new();
        let observer = Canceller(cancel.clone(), at);
        let place = opened(&store.config(&[]));
        let sample = Sample::new(length);
        let call = Call::new(&cancel, &observer);
        refused(
            place.put(&key(1), &sample.body, &call),
            ErrorKind::Cancelled,
        );
        assert_eq!(store.holds(), (0, 0), "{length} {at}");
    }
}

#[test]
fn progress_goes_up_and_ends_at_the_end() {
    struct Seen(Mutex<Vec<u64>>);
    impl Observer for Seen {
        fn progress(&self, progress: &Progress) {
            assert_eq!(progress.what, "there");
            self.0.lock().unwrap().push(progress.done_bytes);
        }
    }
    let store = Pretender::honest();
    let seen = Seen(Mutex::default());
    let cancel = Cancel::new();
    let sample = Sample::new(LARGE);
    let place = opened(&store.config(&[]));
    verified(place.put(&key(1), &sample.body, &Call::new(&cancel, &seen)));
    let seen = seen.0.into_inner().unwrap();
    assert!(seen.is_sorted());
    assert_eq!(seen.last(), Some(&(LARGE as u64)));
}

#[test]
fn an_archive_that_changes_while_it_is_sent_is_not_completed() {
    for length in [1000, LARGE] {
        let store = Pretender::honest();
        let place = opened(&store.config(&[]));
        let sample = Sample::new(length);
        let mut bytes = sample.bytes().clone();
        bytes[length - 1] ^= 1;
        fs::write(&sample.body.path, &bytes).unwrap();
        let detail = refused(put(&*place, &key(1), &sample), ErrorKind::Protocol);
        assert!(detail.contains("changed"), "{detail}");
        assert_eq!(store.holds(), (0, 0));
    }
}

#[test]
fn a_store_that_is_full_is_told_from_one_that_fails() {
    let full = || Turn::Say(error(507, "XMinioStorageFull", ""));
    for (length, operation) in [(1000, "put"), (LARGE, "part"), (LARGE, "complete")] {
        let store = first(operation, 99, full);
        let place = opened(&store.config(&[]));
        refused(
            put(&*place, &key(1), &Sample::new(length)),
            ErrorKind::Space,
        );
        assert_eq!(store.holds(), (0, 0), "{operation}");
    }
}

#[test]
fn rights_that_are_withdrawn_in_the_middle_leave_what_may_not_be_removed_and_say_so() {
    let mut parts = 0;
    let store = Pretender::start(move |asked, _| {
        parts += usize::from(asked.operation() == "part");
        if parts > 4 {
            return Turn::Say(error(403, "AccessDenied", ""));
        }
        Turn::AsUsual
    });
    let place = opened(&store.config(&[]));
    refused(
        put(&*place, &key(1), &Sample::new(LARGE)),
        ErrorKind::Forbidden,
    );
    assert_eq!(store.holds(), (0, 1));
}

#[test]
fn who_may_write_and_not_look_can_write() {
    let store = Pretender::start(|asked, _| match asked.operation() {
        "head" => Turn::Say(Given::new(403, "")),
        "list" => Turn::Say(error(403, "AccessDenied", "")),
        _ => Turn::AsUsual,
    });
    let sample = Sample::new(1000);
    let place = opened(&store.config(&[]));
    verified(put(&*place, &key(1), &sample));
    refused(put(&*place, &key(1), &sample), ErrorKind::Exists);
    holds(&store, &sample);
}
