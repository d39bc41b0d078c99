//! Readers and listings that are cut and go on.

use super::*;

#[test]
fn a_reader_goes_on_where_it_was_cut_and_gives_every_byte_once() {
    let archive = Archive::new(700_000);
    for range in [None, Some(0..700_000), Some(1000..650_001), Some(5..6)] {
        let behind = Behind::new(|f| {
            let breaks = |at| Fault::BreaksAt(at, ErrorKind::Timeout);
            f.at(On::Get, 1..=1, breaks(0))
                .at(On::Get, 2..=2, Fault::ByteByByte)
        });
        behind.put_there(&archive, &key());
        let expected = range.clone().map_or(&archive.bytes[..], |range| {
            &archive.bytes
                [usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()]
        });
        assert!(read_all(&behind, range).unwrap() == expected);
        assert_eq!(behind.faulty.read(), expected.len() as u64);
    }
    let behind = Behind::new(|f| {
        f.at(
            On::Get,
            1..=1,
            Fault::BreaksAt(300_000, ErrorKind::Unreachable),
        )
        .at(On::Get, 2..=2, Fault::Fails(ErrorKind::Unreachable))
        .at(On::Get, 3..=3, Fault::EndsEarly(100_000))
    });
    behind.put_there(&archive, &key());
    assert!(read_all(&behind, Some(0..700_000)).unwrap() == archive.bytes);
    assert_eq!(behind.faulty.read(), 700_000);
    assert_eq!(behind.faulty.calls(On::Get), 4);
}

#[test]
fn a_reader_gives_up_with_the_reason() {
    let archive = Archive::new(700_000);
    for (kind, calls) in [(ErrorKind::Unreachable, 1 + TRIES), (ErrorKind::Trust, 1)] {
        let behind = Behind::new(|f| f.always(On::Get, Fault::BreaksAt(1000, kind)));
        behind.put_there(&archive, &key());
        assert_eq!(read_all(&behind, None).unwrap_err(), kind);
        assert_eq!(behind.faulty.calls(On::Get), calls);
    }
    let behind = Behind::new(|f| f.always(On::Get, Fault::EndsEarly(1)));
    behind.put_there(&archive, &key());
    assert_eq!(
        read_all(&behind, Some(0..700_000)).unwrap_err(),
        ErrorKind::Truncated
    );
}

#[test]
fn a_reader_that_stalls_ends_with_its_call() {
    let archive = Archive::new(700_000);
    let behind = Behind::new(|f| f.always(On::Get, Fault::Stops(1000)));
    behind.put_there(&archive, &key());
    let call = Call {
        deadline: Some(Instant::now() + Duration::from_millis(50)),
        ..behind.call()
    };
    let mut reader = behind.retry.get(&key(), None, &call).unwrap();
    let ended = reader.read_to_end(&mut Vec::new()).map(|_| Vec::new());
    assert_eq!(read(ended).unwrap_err(), ErrorKind::Timeout);
    let mut reader = behind.retry.get(&key(), None, &behind.call()).unwrap();
    behind.cancel.cancel();
    let ended = reader.read_to_end(&mut Vec::new()).map(|_| Vec::new());
    assert_eq!(read(ended).unwrap_err(), ErrorKind::Cancelled);
}

fn names(behind: &Behind) -> Result<Vec<Key>, DestinationError> {
    let mut names = Vec::new();
    behind
        .retry
        .list("", &behind.call(), &mut |listed: Listed| {
            names.push(listed.key);
            Ok(())
        })?;
    names.sort();
    Ok(names)
}

#[test]
fn a_listing_that_is_begun_again_names_everything_once() {
    let archive = Archive::new(10);
    let behind = Behind::new(|f| {
        f.at(On::List, 1..=2, Fault::ListsOnly(2, ErrorKind::Timeout))
            .at(On::List, 3..=3, Fault::ListsTwice)
    });
    let all: Vec<Key> = (0..4).map(named).collect();
    for key in &all {
        behind.put_there(&archive, key);
    }
    assert_eq!(names(&behind).unwrap(), all);
    assert_eq!(behind.faulty.calls(On::List), 3);
}

#[test]
fn a_listing_of_very_many_names_is_given_as_it_comes() {
    let behind = Behind::new(|f| f.always(On::List, Fault::ListsMany(100_000)));
    assert_eq!(names(&behind).unwrap().len(), 100_000);
}

#[test]
fn who_wants_no_more_of_a_listing_is_not_asked_again() {
    let archive = Archive::new(10);
    for kind in super::retries::ALL {
        let behind = Behind::new(|f| f);
        behind.put_there(&archive, &named(1));
        behind.put_there(&archive, &named(2));
        let mut given = 0;
        let refused = behind.retry.list("", &behind.call(), &mut |_| {
            given += 1;
            Err(DestinationError::new(kind, "enough"))
        });
        let error = refused.unwrap_err();
        assert_eq!((error.kind, error.detail.as_str()), (kind, "enough"));
        assert_eq!((given, behind.faulty.calls(On::List)), (1, 1));
    }
}
