//! What is asked again, when, and how much of it is done again.

use super::*;

pub const ALL: [ErrorKind; 13] = [
    ErrorKind::Authentication,
    ErrorKind::Trust,
    ErrorKind::Unreachable,
    ErrorKind::Timeout,
    ErrorKind::Space,
    ErrorKind::Missing,
    ErrorKind::Exists,
    ErrorKind::Forbidden,
    ErrorKind::Throttled,
    ErrorKind::Truncated,
    ErrorKind::Protocol,
    ErrorKind::Config,
    ErrorKind::Cancelled,
];

const MIB: u64 = 1 << 20;

#[test]
fn only_what_may_pass_by_itself_is_tried_again() {
    let archive = Archive::new(1000);
    for kind in ALL {
        let behind = Behind::new(|f| f.always(On::Any, Fault::Fails(kind)));
        let tries = if kind.may_pass() { 1 + TRIES } else { 1 };
        let call = behind.call();
        let failed = [
            (On::Put, behind.put(&archive).err()),
            (On::Get, behind.retry.get(&key(), None, &call).err()),
            (
                On::List,
                behind.retry.list("", &call, &mut |_| Ok(())).err(),
            ),
            (On::Stat, behind.retry.stat(&key(), &call).err()),
            (On::Delete, behind.retry.delete(&key(), &call).err()),
            (On::Sweep, behind.retry.sweep(Duration::ZERO, &call).err()),
            (On::FreeSpace, behind.retry.free_space(&call).err()),
        ];
        for (on, error) in failed {
            assert_eq!(error.unwrap().kind, kind, "{on:?}");
            // What lies past the end will do so a little later, too.
            let past_the_end = (on, kind) == (On::Get, ErrorKind::Truncated);
            let tries = if past_the_end { 1 } else { tries };
            assert_eq!(behind.faulty.calls(on), tries, "{on:?} {kind}");
        }
    }
}

#[test]
fn a_place_that_comes_back_in_time_was_never_away() {
    let archive = Archive::new(1000);
    let behind = Behind::new(|f| f.at(On::Any, 1..=TRIES, Fault::Fails(ErrorKind::Unreachable)));
    behind.put(&archive).unwrap();
    assert_eq!(behind.there().unwrap(), archive.bytes);
    // A second, two, four, and jitter.
    assert!(behind.waited() >= 7 * FIRST_WAIT, "{:?}", behind.waited());
}

#[test]
fn who_wants_to_know_at_once_is_told_at_once() {
    let archive = Archive::new(1000);
    let behind = Behind::new(|f| f.always(On::Any, Fault::Fails(ErrorKind::Unreachable)));
    let call = Call {
        patience: Some(Patience::NONE),
        ..behind.call()
    };
    let stat = behind.retry.stat(&key(), &call).unwrap_err();
    let put = behind.retry.put(&key(), &archive.body, &call).unwrap_err();
    assert_eq!(
        (stat.kind, put.kind),
        (ErrorKind::Unreachable, ErrorKind::Unreachable)
    );
    assert_eq!(
        (behind.faulty.calls(On::Any), behind.waited()),
        (2, Duration::ZERO)
    );
    // Nor is anything cleared away for long.
    let behind = Behind::new(|f| {
        f.always(On::Put, Fault::CutsAndKeeps(10, ErrorKind::Unreachable))
            .always(On::Discard, Fault::Fails(ErrorKind::Unreachable))
    });
    behind.retry.put(&key(), &archive.body, &call).unwrap_err();
    assert_eq!(
        (behind.faulty.calls(On::Discard), behind.waited()),
        (1, Duration::ZERO)
    );
}

#[test]
fn a_place_that_says_when_is_not_asked_before() {
    let behind = Behind::new(|f| f.at(On::Stat, 1..=1, Fault::Throttles(Duration::from_secs(90))));
    behind.retry.stat(&key(), &behind.call()).unwrap();
    assert!(behind.waited() >= Duration::from_secs(90));
}

#[test]
fn a_place_that_wants_to_be_left_alone_for_long_is_left_alone_at_once() {
    for wait in [Duration::from_mins(10), Duration::MAX] {
        let behind = Behind::new(|f| f.always(On::Stat, Fault::Throttles(wait)));
        let error = behind.retry.stat(&key(), &behind.call()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Throttled);
        assert_eq!(
            (behind.waited(), behind.faulty.calls(On::Stat)),
            (Duration::ZERO, 1)
        );
    }
}

#[test]
fn nobody_waits_for_longer_than_there_is_time() {
    let archive = Archive::new(1000);
    let behind = Behind::new(|f| f.always(On::Put, Fault::Throttles(Duration::from_secs(90))));
    let call = Call {
        deadline: Some(Instant::now() + Duration::from_secs(80)),
        ..behind.call()
    };
    let error = behind.retry.put(&key(), &archive.body, &call).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert_eq!(behind.waited(), Duration::ZERO);
}

#[test]
fn who_cancels_during_a_wait_waits_no_longer_and_nothing_is_left() {
    let archive = Archive::new(300_000);
    let cancel = Cancel::new();
    let clock = Clock {
        cancel: Some((2, cancel.clone())),
        ..Clock::default()
    };
    let mut behind = Behind::with(clock, |f| {
        f.always(
            On::Put,
            Fault::CutsAndKeeps(200_000, ErrorKind::Unreachable),
        )
    });
    behind.cancel = cancel;
    assert_eq!(behind.kind_of_put(&archive), ErrorKind::Cancelled);
    assert!(behind.waited() < FIRST_WAIT);
    assert_eq!(behind.faulty.calls(On::Put), 1);
    assert_eq!(behind.faulty.unfinished(), 0);
    assert_eq!(behind.there(), None);
}

/// A connection that is closed because somebody cancels fails as whatever it fails as.
#[test]
fn what_fails_because_it_was_cancelled_is_cancelled() {
    let archive = Archive::new(1000);
    let behind = Behind::new(|f| f.always(On::Put, Fault::Fails(ErrorKind::Unreachable)));
    behind.cancel.cancel();
    assert_eq!(behind.kind_of_put(&archive), ErrorKind::Cancelled);
    assert_eq!(behind.faulty.calls(On::Put), 1);
}

#[test]
fn what_has_arrived_is_not_sent_again() {
    let archive = Archive::new(700_000);
    let cut = |at| Fault::CutsAndKeeps(at, ErrorKind::Unreachable);
    let behind = Behind::new(|f| {
        f.at(On::Put, 1..=1, cut(200_000))
            .at(On::Put, 2..=2, cut(500_000))
    });
    behind.put(&archive).unwrap();
    assert_eq!(behind.faulty.sent(), archive.body.length);
    assert_eq!(behind.there().unwrap(), archive.bytes);
    assert_eq!(behind.faulty.unfinished(), 0);
}

#[test]
fn a_place_that_keeps_nothing_gets_it_all_again() {
    let archive = Archive::new(700_000);
    let behind = Behind::new(|f| f.at(On::Put, 1..=1, Fault::CutsAt(200_000, ErrorKind::Timeout)));
    behind.put(&archive).unwrap();
    assert_eq!(behind.faulty.sent(), 200_000 + archive.body.length);
    assert_eq!(behind.there().unwrap(), archive.bytes);
}

#[test]
fn what_has_arrived_is_removed_when_it_is_given_up() {
    let archive = Archive::new(700_000);
    let behind = Behind::new(|f| {
        f.always(
            On::Put,
            Fault::CutsAndKeeps(200_000, ErrorKind::Unreachable),
        )
        // The removal is tried again as well.
        .at(On::Discard, 1..=1, Fault::Fails(ErrorKind::Unreachable))
    });
    assert_eq!(behind.kind_of_put(&archive), ErrorKind::Unreachable);
    assert_eq!(behind.faulty.calls(On::Put), 1 + TRIES);
    assert_eq!(behind.faulty.unfinished(), 0);
    assert_eq!(behind.faulty.sent(), 200_000);
}

/// Each try brings a megabyte: there may be more of them than where nothing moves.
#[test]
fn a_line_that_breaks_often_still_carries_a_large_archive() {
    const BREAKS: usize = 3 * TRIES;
    let archive = Archive::new((BREAKS + 1) << 20);
    let behind = Behind::new(|faulty| {
        (1..=BREAKS).fold(faulty, |f, n| {
            f.at(
                On::Put,
                n..=n,
                Fault::CutsAndKeeps(n as u64 * MIB, ErrorKind::Unreachable),
            )
            .at(On::Get, n..=n, Fault::BreaksAt(MIB, ErrorKind::Unreachable))
        })
    });
    behind.put(&archive).unwrap();
    assert_eq!(behind.faulty.sent(), archive.body.length);
    assert!(read_all(&behind, None).unwrap() == archive.bytes);
    assert_eq!(behind.faulty.read(), archive.body.length);
}

#[test]
fn a_place_that_keeps_nothing_is_given_up_however_far_it_came() {
    let archive = Archive::new(8 << 20);
    let behind = Behind::new(|faulty| {
        (1..=1 + TRIES).fold(faulty, |f, n| {
            f.at(
                On::Put,
                n..=n,
                Fault::CutsAt(n as u64 * MIB, ErrorKind::Unreachable),
            )
        })
    });
    assert_eq!(behind.kind_of_put(&archive), ErrorKind::Unreachable);
    assert_eq!(behind.faulty.calls(On::Put), 1 + TRIES);
}

#[test]
fn an_archive_whose_acknowledgement_was_lost_is_known_again() {
    let archive = Archive::new(100_000);
    let behind = Behind::new(|f| {
        f.at(
            On::Put,
            1..=1,
            Fault::LosesTheAnswer(ErrorKind::Unreachable),
        )
    });
    let stored = behind.put(&archive).unwrap();
    assert_eq!(stored.verification, Verification::Verified);
    assert_eq!(behind.there().unwrap(), archive.bytes);
    assert_eq!(behind.faulty.sent(), archive.body.length);
    assert_eq!(
        behind.faulty.read(),
        archive.body.length,
        "it was read back"
    );
}

#[test]
fn a_strangers_archive_is_not_taken_for_ones_own() {
    let archive = Archive::new(100_000);
    let mut other = archive.bytes.clone();
    other[99_999] ^= 1;
    for stranger in [Archive::of(other), Archive::new(99_999)] {
        let behind = Behind::new(|f| f.at(On::Put, 1..=1, Fault::Fails(ErrorKind::Unreachable)));
        behind.put_there(&stranger, &key());
        assert_eq!(behind.kind_of_put(&archive), ErrorKind::Exists);
        assert!(behind.there().unwrap() == stranger.bytes);
    }
    // Without a try that failed before it nothing was lost: not even the same bytes are ours.
    let behind = Behind::new(|f| f);
    behind.put_there(&archive, &key());
    assert_eq!(behind.kind_of_put(&archive), ErrorKind::Exists);
    assert_eq!(behind.faulty.read(), 0);
}

#[test]
fn an_archive_that_may_be_ones_own_and_cannot_be_read_is_no_other_ones() {
    let archive = Archive::new(100_000);
    let behind = Behind::new(|f| {
        f.at(
            On::Put,
            1..=1,
            Fault::LosesTheAnswer(ErrorKind::Unreachable),
        )
        .always(On::Get, Fault::BreaksAt(50_000, ErrorKind::Authentication))
    });
    assert_eq!(behind.kind_of_put(&archive), ErrorKind::Authentication);
}

#[test]
fn a_full_place_is_not_asked_again_and_keeps_nothing() {
    let archive = Archive::new(700_000);
    let behind = Behind::new(|f| f.always(On::Put, Fault::CutsAt(400_000, ErrorKind::Space)));
    assert_eq!(behind.kind_of_put(&archive), ErrorKind::Space);
    assert_eq!(behind.faulty.sent(), 400_000);
    assert_eq!(behind.there(), None);
}

#[test]
fn credentials_that_end_and_a_key_that_changes_in_the_middle_end_the_call() {
    let archive = Archive::new(700_000);
    let cut = Fault::CutsAndKeeps(200_000, ErrorKind::Unreachable);
    let behind = Behind::new(|f| {
        f.at(On::Put, 1..=1, cut.clone()).at(
            On::Put,
            2..=2,
            Fault::Fails(ErrorKind::Authentication),
        )
    });
    assert_eq!(behind.kind_of_put(&archive), ErrorKind::Authentication);
    assert_eq!(
        (behind.faulty.calls(On::Put), behind.faulty.unfinished()),
        (2, 0)
    );

    let behind = Behind::new(|f| {
        f.at(On::Put, 1..=1, cut)
            .at(On::Put, 2..=2, Fault::Presents("SHA256:abc"))
    });
    let error = behind.put(&archive).unwrap_err();
    assert_eq!(error.presented.as_deref(), Some("SHA256:abc"));
    assert_eq!(
        (behind.faulty.calls(On::Put), behind.faulty.unfinished()),
        (2, 0)
    );
}

#[test]
fn a_call_that_hangs_ends_with_its_time() {
    let archive = Archive::new(700_000);
    let behind = Behind::new(|f| {
        f.at(On::Put, 1..=1, Fault::StallsAt(100_000))
            .always(On::List, Fault::Hangs)
    });
    let call = Call {
        deadline: Some(Instant::now() + Duration::from_millis(50)),
        ..behind.call()
    };
    let error = behind.retry.put(&key(), &archive.body, &call).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
    assert_eq!(behind.there(), None);
    let error = behind.retry.list("", &call, &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout);
}

#[test]
fn a_deletion_whose_answer_was_lost_is_a_deletion() {
    let archive = Archive::new(10);
    let behind =
        Behind::new(|f| f.at(On::Delete, 1..=1, Fault::LosesTheAnswer(ErrorKind::Timeout)));
    behind.put_there(&archive, &key());
    behind.retry.delete(&key(), &behind.call()).unwrap();
    assert_eq!(behind.there(), None);
}

/// All of the contract at once, whatever the dice say.
#[test]
fn what_passes_by_itself_is_not_seen_behind_the_retries() {
    for seed in 0..8 {
        let place = Place::new();
        let faulty = Arc::new(Faulty::by_dice(Arc::new(place.open()), seed));
        let patience = Patience {
            tries: 12,
            ..Patience::default()
        };
        let inner = Arc::clone(&faulty) as Arc<dyn Destination>;
        let retry = Retry::timed(inner, patience, Arc::new(Clock::default()));
        let cancel = Cancel::new();
        let checks = holdfast::destination::test(&retry, &Call::new(&cancel, &NoObserver)).checks;
        assert!(checks.iter().all(|check| check.ok), "{seed}: {checks:#?}");
        assert_eq!(place.everything(), [""; 0], "{seed}");
        assert_eq!(faulty.unfinished(), 0, "{seed}");
    }
}
