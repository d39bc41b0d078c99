//! Years of schedules on a clock of the test's own, with sleeps, steps of the clock, pauses, crashes, and runs that end in every way: each
//! slot comes to exactly one end, or to a reason why it did not run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use holdfast::jobs::slot::{How, Reason, SlotRecord, SlotState};
use holdfast::jobs::store::{JobRow, JobStore};
use holdfast::jobs::{Book, Cancelled, Census, Outcome, Watch};
use holdfast::model::Problem;
use holdfast::model::schedule::{Cadence, CatchUp, Schedule, between};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tempfile::TempDir;

use super::{at, by_cron, schedule};

/// What happens next.
#[derive(Clone, Debug)]
enum Event {
    /// The process watches until so many slots have passed; how late its beats are, and how runs end.
    Watch {
        slots: u8,
        late: u8,
        fates: [u8; 4],
    },
    Sleep {
        minutes: u16,
    },
    /// The process dies, what runs with it, and is started again after so long.
    Crash {
        minutes: u16,
    },
    Step {
        minutes: i32,
    },
    Pause {
        minutes: u16,
    },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (1..12u8, 0..15u8, any::<[u8; 4]>())
            .prop_map(|(slots, late, fates)| Event::Watch { slots, late, fates }),
        2 => any::<u16>().prop_map(|minutes| Event::Sleep { minutes }),
        2 => (0..3000u16).prop_map(|minutes| Event::Crash { minutes }),
        1 => (-5000..5000i32).prop_map(|minutes| Event::Step { minutes }),
        1 => (0..3000u16).prop_map(|minutes| Event::Pause { minutes }),
    ];
    prop::collection::vec(event, 1..25)
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let cadence = prop_oneof![
        Just(by_cron("30 2 * * *", "Europe/Berlin")),
        Just(by_cron("30 2,14 * * *", "America/New_York")),
        Just(by_cron("*/30 * * * *", "Australia/Lord_Howe")),
        Just(by_cron("0 3 29 2 *", "UTC")),
        Just(by_cron("15 4 * * mon", "Pacific/Apia")),
        Just(schedule(
            Cadence::Interval {
                every_seconds: 6 * 3600,
                anchor: at("2026-01-01T00:07:00Z"),
            },
            "UTC"
        )),
    ];
    (cadence, any::<bool>(), 0..3usize, 0..3u32, 0..2usize).prop_map(
        |(schedule, skip, grace, retries, settle)| Schedule {
            catch_up: if skip { CatchUp::Skip } else { CatchUp::Once },
            grace_seconds: [600, 6 * 3600, 3 * 86_400][grace],
            settle_seconds: [0, 60][settle],
            retries,
            ..schedule
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn each_slot_comes_to_one_end_or_to_a_reason(schedule in schedules(), events in events()) {
        let mut world = World::new(&schedule);
        for event in events {
            world.live(&event);
            world.check();
        }
        world.come_to_rest();
        world.check();
    }
}

struct World {
    dir: TempDir,
    book: Book,
    start: Timestamp,
    now: Timestamp,
    since: Timestamp,
    /// Which start of the process this is.
    process: u32,
    running: Option<(SlotRecord, Timestamp, Outcome)>,
    runs: u32,
    /// What runs have completed, by their id: what the store of executions would know.
    completed: RefCell<BTreeMap<String, Timestamp>>,
}

/// Who of those that ever ran still lives: this process, and nobody else.
struct Living<'w>(&'w World);

impl World {
    fn new(schedule: &Schedule) -> Self {
        let start = at("2026-02-20T11:11:11Z");
        let memory = std::path::Path::new("/dev/shm");
        let dir = if memory.is_dir() {
            TempDir::new_in(memory).unwrap()
        } else {
            TempDir::new().unwrap()
        };
        let book = Book::new(Arc::new(JobStore::open(dir.path()).unwrap()));
        book.store.insert_job(schedule, start).unwrap();
        Self {
            dir,
            book,
            start,
            now: start,
            since: start,
            process: 0,
            running: None,
            runs: 0,
            completed: RefCell::default(),
        }
    }

    fn row(&self) -> JobRow {
        self.book.store.job("nightly").unwrap().unwrap()
    }

    fn live(&mut self, event: &Event) {
        match *event {
            Event::Watch { slots, late, fates } => self.watch(slots, late, fates),
            Event::Sleep { minutes } => {
                self.go_on(i64::from(minutes) * 60 + 7);
                self.since = self.now;
                self.beat(0);
            }
            Event::Crash { minutes } => {
                self.running = None;
                self.process += 1;
                self.go_on(i64::from(minutes) * 60);
                self.since = self.now;
                self.book = Book::new(Arc::new(JobStore::open(self.dir.path()).unwrap()));
                self.beat(0);
            }
            Event::Step { minutes } => {
                self.go_on(i64::from(minutes) * 60 + 13);
                self.since = self.now;
                // The clock of the run's own end is not the wall's.
                if let Some((_, ends, _)) = &mut self.running {
                    *ends = self.now;
                }
                self.beat(0);
            }
            Event::Pause { minutes } => {
                self.book.pause(&self.row(), self.now).unwrap();
                self.go_on(i64::from(minutes) * 60);
                self.beat(0);
                self.book.resume(&self.row(), self.now).unwrap();
            }
        }
    }

    /// Beats where something comes due; in between nothing could happen.
    fn watch(&mut self, slots: u8, late: u8, fates: [u8; 4]) {
        let times = self.book.slots(&self.row().schedule).unwrap();
        for number in 0..slots {
            let Some(slot) = times.next_after(self.now) else {
                return;
            };
            // Whatever waits or is tried again has its beats before the next slot.
            for minutes in [0, 1, 2, 5, 20, 70] {
                let between = self
                    .now
                    .saturating_add(SignedDuration::from_mins(minutes))
                    .unwrap();
                if between < slot && self.has_open() {
                    self.now = between;
                    self.beat(fates[usize::from(number) % 4]);
                }
            }
            self.now = slot
                .saturating_add(SignedDuration::from_secs(i64::from(late)))
                .unwrap();
            self.beat(fates[usize::from(number) % 4]);
        }
    }

    fn has_open(&self) -> bool {
        !self.book.store.open_slots(None).unwrap().is_empty()
    }

    fn go_on(&mut self, seconds: i64) {
        self.now = self
            .now
            .saturating_add(SignedDuration::from_secs(seconds))
            .unwrap();
    }

    fn beat(&mut self, fate: u8) {
        let schedule = self.row().schedule;
        if let Some((record, ends, outcome)) = self.running.take() {
            if ends <= self.now {
                if outcome == Outcome::Done {
                    let id = record.run_id.clone().unwrap();
                    self.completed.borrow_mut().insert(id, record.slot);
                }
                let done =
                    self.book
                        .conclude(&schedule, record, outcome, Cancelled::Wished, self.now);
                done.unwrap();
            } else {
                self.running = Some((record, ends, outcome));
            }
        }
        let watch = Watch {
            now: self.now,
            since: self.since,
        };
        let census = Living(self);
        let look = self.book.look(&self.row(), watch, &census).unwrap();
        for record in look.due {
            if self.running.is_some() {
                break;
            }
            self.runs += 1;
            let run = format!("run-{}", self.runs);
            let owner = self.process.to_string();
            let begun = self
                .book
                .store
                .begin(&record, &run, &owner, self.now)
                .unwrap();
            let takes = SignedDuration::from_mins(i64::from(fate / 16) * i64::from(fate / 16));
            let ends = self.now.saturating_add(takes).unwrap();
            self.running = Some((begun.unwrap(), ends, outcome(fate)));
        }
    }

    /// All clocks right, nothing runs, and the last slots have been seen.
    fn come_to_rest(&mut self) {
        for _ in 0..6 {
            self.go_on(80 * 60);
            self.beat(0);
        }
        self.running = None;
        self.process += 1;
        self.go_on(40 * 86_400);
        self.since = self.now;
        self.beat(0);
        self.go_on(120);
        self.beat(0);
        self.go_on(120);
        self.beat(0);
    }

    fn check(&self) {
        let row = self.row();
        let slots = self.book.slots(&row.schedule).unwrap();
        let records = self.book.store.slots("job", u32::MAX).unwrap();
        // What is decided is behind the cursor, or was decided by a clock that was ahead.
        let until = row.cursor.min(self.now);
        let mut runs: BTreeMap<Timestamp, u32> = BTreeMap::new();
        for slot in self.completed.borrow().values() {
            *runs.entry(*slot).or_default() += 1;
        }
        assert!(runs.values().all(|runs| *runs == 1), "{runs:?}");
        for slot in between(&*slots, self.start, until) {
            let of_it: Vec<_> = records
                .iter()
                .filter(|r| r.slot <= slot && slot <= r.last_slot)
                .collect();
            assert_eq!(of_it.len(), 1, "{slot}: {of_it:#?}\ncursor {}", row.cursor);
            let record = of_it[0];
            match record.state {
                SlotState::Skipped => assert!(record.reason.is_some(), "{record:?}"),
                SlotState::Ran => assert_eq!(record.how, How::OnTime, "{record:?}"),
                SlotState::CaughtUp => {
                    assert_eq!(record.how, How::CaughtUp);
                    assert_eq!(row.schedule.catch_up, CatchUp::Once, "{record:?}");
                }
                SlotState::Waiting => assert!(
                    record.attempt > 0 || record.reason.is_none_or(|r| r == Reason::Settling),
                    "{record:?}"
                ),
                _ => assert!(record.attempt > 0, "{record:?}"),
            }
            if record.count == 1 {
                assert_eq!(record.slot, slot, "a catch-up keeps the time of its slot");
            }
        }
        // One at a time, and nothing is left open that nobody will come back to.
        let open = self.book.store.open_slots(None).unwrap();
        assert!(open.len() <= 1, "{open:#?}");
        // Nothing was made up.
        for record in &records {
            let before = record
                .slot
                .checked_sub(SignedDuration::from_nanos(1))
                .unwrap();
            assert_eq!(slots.next_after(before), Some(record.slot), "{record:?}");
        }
    }
}

impl Census for Living<'_> {
    fn is_alive(&self, record: &SlotRecord) -> holdfast::service::Result<bool> {
        Ok(record.owner.as_deref() == Some(&*self.0.process.to_string()))
    }

    fn completed(&self, record: &SlotRecord) -> holdfast::service::Result<Vec<String>> {
        let completed = self.0.completed.borrow();
        let done = record
            .run_id
            .as_ref()
            .is_some_and(|id| completed.contains_key(id));
        Ok(if done {
            vec!["vault".to_owned()]
        } else {
            Vec::new()
        })
    }
}

fn outcome(fate: u8) -> Outcome {
    let problem = || Problem {
        code: "space".to_owned(),
        message: "it is full".to_owned(),
        hint: "empty it".to_owned(),
    };
    match fate % 8 {
        0..4 => Outcome::Done,
        4 => Outcome::Partial(problem()),
        5 => Outcome::Failed(problem()),
        6 => Outcome::Waits(Reason::Keyring, problem()),
        _ => Outcome::Cancelled,
    }
}
