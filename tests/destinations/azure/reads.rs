//! What is read, and what there is to sweep.

use holdfast::destination::ErrorKind;

use super::container::Pretender;
use super::{LARGE, place};
use crate::network::{Sample, key, put, read, refused, verified, with_call};
use crate::pretender::Turn;

#[test]
fn reading_goes_on_where_it_was_cut() {
    let service = Pretender::first("get", 2, || Turn::CutBody(3 << 20));
    let place = place(&service);
    let sample = Sample::new(LARGE);
    verified(put(&*place, &key(1), &sample));
    assert!(sample.is_at(&*place, &key(1)));
    assert_eq!(service.count("get"), 3);
    let bytes = std::fs::read(&sample.body.path).unwrap();
    let middle = 1_000_000..9_000_000;
    let part = read(
        &*place,
        &key(1),
        Some(middle.start as u64..middle.end as u64),
    );
    assert!(part.unwrap() == bytes[middle]);
}

#[test]
fn a_range_past_the_end_is_told_and_not_shortened() {
    let service = Pretender::honest();
    let place = place(&service);
    verified(put(&*place, &key(1), &Sample::new(100)));
    for range in [90..101, 100..101, 200..300, 101..101] {
        refused(read(&*place, &key(1), Some(range)), ErrorKind::Truncated);
    }
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is asked for")]
    for reversed in [50..40, 100..0] {
        refused(read(&*place, &key(1), Some(reversed)), ErrorKind::Truncated);
    }
    assert_eq!(read(&*place, &key(1), Some(100..100)).unwrap(), b"");
    refused(read(&*place, &key(2), Some(0..0)), ErrorKind::Missing);
}

#[test]
fn several_threads_read_at_once() {
    let service = Pretender::honest();
    let place = place(&service);
    let sample = Sample::new(4 << 20);
    verified(put(&*place, &key(1), &sample));
    let bytes = std::fs::read(&sample.body.path).unwrap();
    std::thread::scope(|scope| {
        for n in 0..8_usize {
            let (place, bytes) = (&place, &bytes);
            scope.spawn(move || {
                let part = (n << 19)..((n + 1) << 19);
                let range = part.start as u64..part.end as u64;
                assert!(read(&**place, &key(1), Some(range)).unwrap() == bytes[part]);
            });
        }
    });
}

#[test]
fn what_was_left_by_a_cut_is_nothing_to_sweep() {
    let service = Pretender::honest();
    let place = place(&service);
    let swept = with_call(|call| place.sweep(std::time::Duration::ZERO, call));
    assert_eq!(swept.unwrap(), 0);
    assert_eq!(service.store.lock().unwrap().log.len(), 0);
}
