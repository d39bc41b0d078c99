//! What can go wrong, and when it is to.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use holdfast::destination::ErrorKind;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    Staging,
    Put,
    Discard,
    Get,
    List,
    Stat,
    Delete,
    Sweep,
    FreeSpace,
    /// Whatever is called.
    Any,
}

#[derive(Clone, Debug)]
pub enum Fault {
    // Of every operation.
    /// Before anything was done.
    Fails(ErrorKind),
    /// Likewise, as `Throttled` with a time to wait.
    Throttles(Duration),
    /// Likewise, as `Trust`.
    Presents(&'static str),
    /// It was done, and nobody heard of it.
    LosesTheAnswer(ErrorKind),
    /// Until the call should end.
    Hangs,
    Before(Hook),
    After(Hook),

    // Of `Put`.
    /// After so many bytes; nothing stays.
    CutsAt(u64, ErrorKind),
    /// After so many bytes, which stay.
    CutsAndKeeps(u64, ErrorKind),
    StallsAt(u64),
    StoresNothing,
    StoresPart(u64),
    FlipsABit,
    LosesEmptyArchives,
    Overwrites,
    BelievesEveryDigest,
    IgnoresCancel,

    // Of `Staging`.
    StagesUnderTheFinalName,

    // Of `Get`.
    /// A part of an archive: so many bytes early, without an error.
    EndsEarly(u64),
    /// After so many bytes.
    BreaksAt(u64, ErrorKind),
    Stops(u64),
    /// One byte too early, and as many.
    Shifted,
    /// Its beginning.
    ByteByByte,

    // Of `Get` and `Delete`: what is not there is an error of this kind.
    MissingIs(ErrorKind),

    // Of `List`.
    ListsTwice,
    ListsNothing,
    /// After so many names.
    ListsOnly(usize, ErrorKind),
    WrongSizes,
    /// So many names that nobody wrote.
    ListsMany(u32),

    // Of `List` and `Stat`.
    AnHourOff,

    // Of `Delete`, `Sweep` and `FreeSpace`.
    DeletesNothing,
    SweepsTheYoung,
    TellsNoSpace,
}

/// What a test does in the middle of a call.
#[derive(Clone)]
pub struct Hook(Arc<dyn Fn() + Send + Sync>);

impl Hook {
    pub fn act(&self) {
        (self.0)();
    }
}

pub fn hook(act: impl Fn() + Send + Sync + 'static) -> Hook {
    Hook(Arc::new(act))
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hook")
    }
}

pub struct Planned {
    pub on: On,
    pub calls: RangeInclusive<usize>,
    pub fault: Fault,
    reached: AtomicBool,
}

impl Planned {
    pub fn new(on: On, calls: RangeInclusive<usize>, fault: Fault) -> Arc<Self> {
        let reached = AtomicBool::new(false);
        Arc::new(Self {
            on,
            calls,
            fault,
            reached,
        })
    }

    pub fn reach(&self) {
        self.reached.store(true, Ordering::SeqCst);
    }

    pub fn was_reached(&self) -> bool {
        self.reached.load(Ordering::SeqCst)
    }
}
