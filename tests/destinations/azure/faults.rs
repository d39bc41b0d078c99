//! What becomes of an archive on its way, when the way is bad.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use holdfast::destination::{Call, ErrorKind};
use holdfast::model::{Cancel, Observer, Progress};

use super::container::{Pretender, error};
use super::{LARGE, opened_with, place, secrets};
use crate::network::{Canceller, Sample, key, put, read, refused, verified};
use crate::pretender::Turn;
use crate::servers::azurite::BASE;

/// Of `LARGE`.
const BLOCKS: usize = 6;

/// It holds this and nothing else.
#[track_caller]
fn holds(service: &Pretender, sample: &Sample) {
    let name = format!("{BASE}/{}", key(1).as_str());
    assert_eq!(service.holds(), (vec![name.clone()], 0));
    let container = service.store.lock().unwrap();
    let sent = std::fs::read(&sample.body.path).unwrap();
    assert!(container.blobs[&name].bytes == sent);
}

#[track_caller]
fn holds_nothing(service: &Pretender) {
    assert_eq!(service.holds().0, [""; 0]);
}

#[test]
fn what_came_there_is_known_before_it_is_seen() {
    for (length, blocks) in [(0, 0), (1, 1), (LARGE, BLOCKS)] {
        let service = Pretender::honest();
        let sample = Sample::new(length);
        verified(put(&*place(&service), &key(1), &sample));
        holds(&service, &sample);
        assert_eq!(service.count("block"), blocks);
        assert_eq!(service.count("get"), 0);
        let last = service.store.lock().unwrap().log.last().copied();
        assert_eq!(last, Some("commit"));
    }
}

#[test]
fn whether_a_service_compares_is_tried_once() {
    let service = Pretender::honest();
    let place = place(&service);
    for n in 1..4 {
        verified(put(&*place, &key(n), &Sample::new(1000)));
    }
    assert_eq!(service.count("try"), 1);
}

#[test]
fn others_can_compare_what_they_fetch() {
    let service = Pretender::honest();
    verified(put(&*place(&service), &key(1), &Sample::new(0)));
    let container = service.store.lock().unwrap();
    let blob = container.blobs.values().next().unwrap();
    assert_eq!(blob.headers["content-md5"], "1B2M2Y8AsgTpgAmY7PhCfg==");
    assert_eq!(blob.headers["content-type"], "application/octet-stream");
}

#[test]
fn a_service_that_does_not_compare_is_read_back() {
    for length in [0, 1000, LARGE] {
        let service = Pretender::honest();
        service.store.lock().unwrap().ignores_sums = true;
        let sample = Sample::new(length);
        verified(put(&*place(&service), &key(1), &sample));
        holds(&service, &sample);
        assert_eq!(service.count("get"), usize::from(length > 0));
    }
}

#[test]
fn a_service_that_keeps_other_bytes_than_it_was_sent_keeps_nothing() {
    let service = Pretender::start(|asked, container| {
        if asked.operation() == "get" {
            for blob in container.blobs.values_mut() {
                blob.bytes[7] ^= 1;
            }
        }
        Turn::AsUsual
    });
    service.store.lock().unwrap().ignores_sums = true;
    let detail = refused(
        put(&*place(&service), &key(1), &Sample::new(1000)),
        ErrorKind::Protocol,
    );
    assert!(detail.contains("read back"), "{detail}");
    holds_nothing(&service);
}

#[test]
fn a_block_that_comes_there_changed_is_sent_again_before_anybody_sees_it() {
    for (length, blocks) in [(1000, 1), (LARGE, BLOCKS)] {
        let service = Pretender::first("block", 1, || Turn::Say(error(400, "Md5Mismatch")));
        let sample = Sample::new(length);
        verified(put(&*place(&service), &key(1), &sample));
        holds(&service, &sample);
        assert_eq!(service.count("block"), blocks + 1);
        assert_eq!(service.count("commit"), 1);
        assert_eq!(service.count("get"), 0);
    }
}

#[test]
fn a_busy_service_is_asked_again() {
    for operation in ["head", "block", "commit"] {
        let service = Pretender::first(operation, 2, || Turn::Say(error(503, "ServerBusy")));
        let sample = Sample::new(LARGE);
        verified(put(&*place(&service), &key(1), &sample));
        holds(&service, &sample);
    }
}

#[test]
fn an_acknowledgement_that_was_lost_makes_no_second_archive() {
    for length in [0, LARGE] {
        for ignores_sums in [false, true] {
            let service = Pretender::first("commit", 1, || Turn::DoAndCut);
            service.store.lock().unwrap().ignores_sums = ignores_sums;
            let sample = Sample::new(length);
            verified(put(&*place(&service), &key(1), &sample));
            holds(&service, &sample);
            assert_eq!(service.count("commit"), 1);
            let read_back = ignores_sums && length > 0;
            assert_eq!(service.count("get"), usize::from(read_back));
        }
    }
}

#[test]
fn what_nobody_was_told_of_is_taken_away_again() {
    let service = Pretender::first("commit", 1, || Turn::DoAndCut);
    let impatient = opened_with(&service.config(&[]), &secrets(), 0);
    let stored = put(&*impatient, &key(1), &Sample::new(1000));
    assert!(stored.unwrap_err().kind.may_pass());
    holds_nothing(&service);
}

#[test]
fn another_writer_who_was_quicker_keeps_the_name() {
    for length in [0, LARGE] {
        for lost in [false, true] {
            let service = Pretender::start(move |asked, container| {
                if asked.operation() == "commit" {
                    container.insert(&asked.name, b"theirs");
                    if lost {
                        return Turn::Cut;
                    }
                }
                Turn::AsUsual
            });
            let place = place(&service);
            refused(
                put(&*place, &key(1), &Sample::new(length)),
                ErrorKind::Exists,
            );
            assert_eq!(read(&*place, &key(1), None).unwrap(), b"theirs");
        }
    }
}

#[test]
fn a_name_that_is_taken_costs_one_question() {
    let service = Pretender::honest();
    let place = place(&service);
    let sample = Sample::new(LARGE);
    verified(put(&*place, &key(1), &sample));
    refused(put(&*place, &key(1), &Sample::new(1000)), ErrorKind::Exists);
    assert_eq!(service.count("block"), BLOCKS);
    holds(&service, &sample);
}

#[test]
fn what_has_arrived_is_not_sent_again() {
    let mut cut = false;
    let service = Pretender::start(move |asked, container| {
        let known = container.blocks.values().next().map_or(0, BTreeMap::len);
        if asked.operation() == "block" && known == 3 && !cut {
            cut = true;
            return Turn::Cut;
        }
        Turn::AsUsual
    });
    let sample = Sample::new(LARGE);
    verified(put(&*place(&service), &key(1), &sample));
    holds(&service, &sample);
    assert_eq!(service.count("block"), BLOCKS + 1);
    assert_eq!(service.count("get"), 0);
}

#[test]
fn a_block_that_nobody_vouches_for_is_sent_again() {
    let service = Pretender::first("block", 1, || Turn::DoAndCut);
    let sample = Sample::new(LARGE);
    verified(put(&*place(&service), &key(1), &sample));
    holds(&service, &sample);
    assert_eq!(service.count("block"), BLOCKS + 1);
}

#[test]
fn blocks_that_the_service_has_lost_are_sent_again() {
    for at in ["blocks", "commit"] {
        let mut is_first = true;
        let service = Pretender::start(move |asked, container| {
            if asked.operation() == "commit" && is_first && at == "blocks" {
                is_first = false;
                return Turn::Say(error(500, "InternalError"));
            }
            if asked.operation() == at && (is_first || at == "blocks") {
                is_first = false;
                for blocks in container.blocks.values_mut() {
                    blocks.pop_first();
                }
            }
            Turn::AsUsual
        });
        let sample = Sample::new(LARGE);
        verified(put(&*place(&service), &key(1), &sample));
        holds(&service, &sample);
        assert_eq!(service.count("block"), BLOCKS + 1, "{at}");
        assert_eq!(service.count("commit"), 2);
    }
}

#[test]
fn what_arrived_two_tries_ago_is_not_sent_again_either() {
    let mut commits = 0;
    let mut cuts = 0;
    let service = Pretender::start(move |asked, container| match asked.operation() {
        "commit" if commits == 0 => {
            commits += 1;
            // The next try has to begin with the first block, and gets no further.
            for blocks in container.blocks.values_mut() {
                blocks.pop_first();
            }
            Turn::Say(error(503, "ServerBusy"))
        }
        "block" if commits == 1 && cuts == 0 => {
            cuts += 1;
            Turn::Cut
        }
        _ => Turn::AsUsual,
    });
    let sample = Sample::new(LARGE);
    verified(put(&*place(&service), &key(1), &sample));
    holds(&service, &sample);
    assert_eq!(service.count("block"), BLOCKS + 2);
}

#[test]
fn blocks_of_another_archive_of_that_name_are_never_taken() {
    let service = Pretender::first("commit", 1, || Turn::Say(error(403, "AccountIsDisabled")));
    let place = place(&service);
    refused(
        put(&*place, &key(1), &Sample::new(LARGE)),
        ErrorKind::Forbidden,
    );
    assert_eq!(service.holds(), (Vec::new(), BLOCKS));
    let other = Sample::new(LARGE + 1);
    verified(put(&*place, &key(1), &other));
    holds(&service, &other);
}

#[test]
fn who_may_write_and_not_look_can_write() {
    let service = Pretender::start(|asked, _| match asked.operation() {
        "try" | "block" | "commit" => Turn::AsUsual,
        _ => Turn::Say(error(403, "AuthorizationPermissionMismatch")),
    });
    let sample = Sample::new(LARGE);
    let place = place(&service);
    verified(put(&*place, &key(1), &sample));
    holds(&service, &sample);
    refused(put(&*place, &key(1), &sample), ErrorKind::Exists);
}

#[test]
fn rights_that_are_withdrawn_in_the_middle_leave_nothing_to_be_seen() {
    let seen = AtomicU64::new(0);
    let service = Pretender::start(move |asked, _| {
        if asked.operation() == "block" && seen.fetch_add(1, Ordering::Relaxed) > 2 {
            return Turn::Say(error(403, "AuthorizationPermissionMismatch"));
        }
        Turn::AsUsual
    });
    let detail = refused(
        put(&*place(&service), &key(1), &Sample::new(LARGE)),
        ErrorKind::Forbidden,
    );
    assert!(detail.contains("write (w)"), "{detail}");
    holds_nothing(&service);
    assert_eq!(service.count("commit"), 0);
}

#[test]
fn a_cancelled_upload_leaves_nothing_to_be_seen() {
    for (length, at) in [(1000, 1000), (LARGE, 9 << 20), (LARGE, LARGE as u64)] {
        let service = Pretender::honest();
        let cancel = Cancel::new();
        let observer = Canceller(cancel.clone(), at);
        let sample = Sample::new(length);
        let call = Call::new(&cancel, &observer);
        let stored = place(&service).put(&key(1), &sample.body, &call);
        refused(stored, ErrorKind::Cancelled);
        holds_nothing(&service);
    }
}

#[test]
fn progress_goes_up_and_ends_at_the_end() {
    struct Seen(Mutex<Vec<u64>>);
    impl Observer for Seen {
        fn progress(&self, progress: &Progress) {
            assert_eq!(progress.what, "there");
            assert_eq!(progress.total_bytes, LARGE as u64);
            self.0.lock().unwrap().push(progress.done_bytes);
        }
    }
    let service = Pretender::honest();
    let seen = Seen(Mutex::default());
    let cancel = Cancel::new();
    let sample = Sample::new(LARGE);
    let call = Call::new(&cancel, &seen);
    verified(place(&service).put(&key(1), &sample.body, &call));
    let seen = seen.0.into_inner().unwrap();
    assert!(seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.last(), Some(&(LARGE as u64)));
}

#[test]
fn an_archive_that_changes_while_it_is_sent_is_not_completed() {
    for length in [1000, LARGE] {
        let service = Pretender::honest();
        let sample = Sample::new(length);
        let mut bytes = std::fs::read(&sample.body.path).unwrap();
        bytes[length - 1] ^= 1;
        std::fs::write(&sample.body.path, &bytes).unwrap();
        let detail = refused(
            put(&*place(&service), &key(1), &sample),
            ErrorKind::Protocol,
        );
        assert!(detail.contains("changed"), "{detail}");
        assert_eq!(service.count("commit"), 0);
    }
}
