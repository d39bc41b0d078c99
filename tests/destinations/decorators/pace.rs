//! How fast bytes go, by a clock that goes on only when somebody waits.

use super::*;

/// What went at which time.
#[derive(Default)]
struct Log {
    clock: Arc<Clock>,
    went: Mutex<Vec<(Duration, u64)>>,
}

impl Log {
    fn note(&self, bytes: u64) {
        self.went.lock().unwrap().push((self.clock.now(), bytes));
    }

    /// Never faster than the rate, and never more at once than a tenth of a second of it.
    fn assert_smooth(&self, rate: u32, most: u32) {
        let went = self.went.lock().unwrap();
        for (first, (from, _)) in went.iter().enumerate() {
            let mut bytes = 0;
            for (to, more) in &went[first..] {
                bytes += more;
                let took = to.saturating_sub(*from);
                let allowed = took.as_secs_f64() * f64::from(rate) * 1.001;
                #[expect(clippy::cast_precision_loss, reason = "far from its limits")]
                let bytes = bytes as f64;
                // One cell may be begun when the clock is read.
                let allowed = allowed + f64::from(most) + f64::from(rate) / 1000.0;
                assert!(bytes <= allowed, "{bytes} bytes in {took:?}");
            }
        }
    }
}

impl Observer for Log {
    fn progress(&self, progress: &Progress) {
        let done: u64 = self.went.lock().unwrap().iter().map(|(_, n)| n).sum();
        self.note(progress.done_bytes - done);
    }
}

fn paced(rate: u32) -> (Place, Throttle, Log, u32) {
    let place = Place::new();
    let clock = Arc::new(Clock::default());
    let pace = Pace::timed(NonZeroU32::new(rate).unwrap(), Arc::clone(&clock) as _);
    let most = pace.most();
    let throttle = Throttle::new(Arc::new(Faulty::over(Arc::new(place.open()))), pace);
    let log = Log {
        clock,
        went: Mutex::default(),
    };
    (place, throttle, log, most)
}

/// The time is right to a thousandth; a tenth of a second goes at once.
fn assert_took(took: Duration, bytes: u64, rate: u32, most: u32) {
    #[expect(clippy::cast_precision_loss, reason = "far from its limits")]
    let bytes = bytes as f64;
    let expected = (bytes - f64::from(most)) / f64::from(rate);
    let took = took.as_secs_f64();
    assert!(
        (took - expected).abs() <= expected * 0.001 + 0.001,
        "{took} s, not {expected} s, at {rate} bytes a second"
    );
}

/// Three seconds of it, at rates that no test has an archive for.
#[test]
fn the_pace_is_right_at_any_rate() {
    const SECONDS: u64 = 3;
    for rate in [8 << 10, 100_000, 1 << 20, 30_000_001, 600_000_000, 3 << 30] {
        let clock = Arc::new(Clock::default());
        let pace = Pace::timed(NonZeroU32::new(rate).unwrap(), Arc::clone(&clock) as _);
        let most = pace.most();
        assert!(most <= (rate / 10).max(4096), "{most} at {rate}");
        let cancel = Cancel::new();
        let call = Call::new(&cancel, &NoObserver);
        let mut left = SECONDS * u64::from(rate);
        while left > 0 {
            let block = left.min(256 << 10);
            pace.take(usize::try_from(block).unwrap(), &call).unwrap();
            left -= block;
        }
        assert_took(clock.now(), SECONDS * u64::from(rate), rate, most);
    }
}

#[test]
fn bytes_go_out_at_the_rate_and_smoothly() {
    for rate in [8 << 10, 100_000, 1 << 20, 20_000_001] {
        let (_place, throttle, log, most) = paced(rate);
        let archive = Archive::new(rate.min(3_000_000) as usize);
        let cancel = Cancel::new();
        let stored = throttle.put(&key(), &archive.body, &Call::new(&cancel, &log));
        stored.unwrap();
        log.assert_smooth(rate, most);
        assert_took(log.clock.now(), archive.body.length, rate, most);
    }
}

#[test]
fn bytes_come_in_at_the_rate_and_smoothly_in_whatever_pieces_they_are_read() {
    for (rate, piece) in [
        (100_000, 1 << 20),
        (100_000, 1),
        (1_000_001, 777),
        (1_900_000, 1),
    ] {
        let (place, throttle, log, most) = paced(rate);
        let archive = Archive::new(200_000);
        let cancel = Cancel::new();
        let call = Call::new(&cancel, &NoObserver);
        place.open().put(&key(), &archive.body, &call).unwrap();
        let mut reader = throttle.get(&key(), None, &call).unwrap();
        let (mut buffer, mut bytes) = (vec![0; piece], Vec::new());
        loop {
            let read = reader.read(&mut buffer).unwrap();
            if read == 0 {
                break;
            }
            if log.went.lock().unwrap().len() < 2000 {
                log.note(read as u64);
            }
            bytes.extend_from_slice(&buffer[..read]);
        }
        assert!(bytes == archive.bytes);
        log.assert_smooth(rate, most);
        assert_took(log.clock.now(), archive.body.length, rate, most);
    }
}

#[test]
fn all_who_send_to_a_place_share_its_pace() {
    let (_place, throttle, log, most) = paced(1 << 20);
    let archive = Archive::new(1 << 20);
    let cancel = Cancel::new();
    std::thread::scope(|scope| {
        for n in 0..3 {
            let (throttle, archive, cancel) = (&throttle, &archive, &cancel);
            scope.spawn(move || {
                let call = Call::new(cancel, &NoObserver);
                throttle.put(&named(n), &archive.body, &call).unwrap();
            });
        }
    });
    assert_took(log.clock.now(), 3 << 20, 1 << 20, most);
}

#[test]
fn who_cancels_while_bytes_wait_waits_no_longer() {
    let cancel = Cancel::new();
    let clock = Arc::new(Clock {
        cancel: Some((3, cancel.clone())),
        ..Clock::default()
    });
    let pace = Pace::timed(NonZeroU32::new(10_000).unwrap(), Arc::clone(&clock) as _);
    let place = Place::new();
    let faulty = Arc::new(Faulty::over(Arc::new(place.open())));
    let throttle = Throttle::new(Arc::clone(&faulty) as _, pace);
    let archive = Archive::new(1 << 20);
    let call = Call::new(&cancel, &NoObserver);
    let error = throttle.put(&key(), &archive.body, &call).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
    assert_eq!(clock.waits.load(Ordering::SeqCst), 3);
    assert!(faulty.sent() < 10_000);
}

#[test]
fn a_reader_that_waits_ends_with_its_call() {
    let (place, throttle, log, _) = paced(10_000);
    let archive = Archive::new(1 << 20);
    let cancel = Cancel::new();
    let call = Call::new(&cancel, &NoObserver);
    place.open().put(&key(), &archive.body, &call).unwrap();
    let late = Call {
        deadline: Some(Instant::now() + Duration::from_millis(20)),
        ..call
    };
    let mut reader = throttle.get(&key(), None, &late).unwrap();
    // Twenty waits of a clock of the test's are over at once: what ends it is the call's own time.
    let mut buffer = [0; 64];
    let ended = loop {
        match reader.read(&mut buffer) {
            Ok(0) => panic!("it was read to its end"),
            Ok(_) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => break error,
        }
    };
    assert_eq!(ended.kind(), std::io::ErrorKind::TimedOut);
    assert!(log.clock.now() < Duration::from_secs(100));
}
