//! The promises of `Destination` as cases, each a function: the tests run them against every type on a real server, "Test destination"
//! against the user's own place. It works in a folder of its own and leaves nothing behind; it knows no type.

mod bench;
mod cases;

use super::{Call, Destination, TestCheck};
use bench::Bench;
pub(super) use cases::LARGE;

/// A promise, and how it is tried.
pub struct Case {
    /// Stable, `snake_case`.
    pub name: &'static str,
    run: fn(&mut Bench<'_>) -> Verdict,
    on_failure: Next,
}

/// What was seen, or what should not have been.
type Verdict = Result<String, String>;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Continue,
    /// The later cases would only say the same, each after its own wait.
    Stop,
}

/// In the order in which they run.
pub const CASES: &[Case] = &[
    Case {
        name: "reach",
        run: cases::reach,
        on_failure: Next::Stop,
    },
    Case {
        name: "write",
        run: cases::write,
        on_failure: Next::Stop,
    },
    case("sizes", cases::sizes),
    case("ranges", cases::ranges),
    case("listing", cases::listing),
    case("create_only", cases::create_only),
    case("staging", cases::staging),
    case("changed_body", cases::changed_body),
    case("cancelled_write", cases::cancelled_write),
    case("missing", cases::missing),
    case("delete", cases::delete),
    case("clock", cases::clock),
    case("free_space", cases::free_space),
    case("nothing_left", cases::nothing_left),
];

const fn case(name: &'static str, run: fn(&mut Bench<'_>) -> Verdict) -> Case {
    Case {
        name,
        run,
        on_failure: Next::Continue,
    }
}

/// The contract as a check of a user's place: behind "Test destination".
#[must_use]
pub fn test(destination: &dyn Destination, call: &Call<'_>) -> Vec<TestCheck> {
    let mut bench = Bench::new(destination, call);
    let mut checks = Vec::new();
    for case in CASES {
        let verdict = match call.check() {
            Ok(()) => (case.run)(&mut bench),
            Err(e) => Err(e.to_string()),
        };
        let ok = verdict.is_ok();
        checks.push(TestCheck {
            name: case.name.to_owned(),
            ok,
            message: verdict.unwrap_or_else(|failure| failure),
        });
        if call.check().is_err() || !ok && case.on_failure == Next::Stop {
            break;
        }
    }
    bench.clear();
    checks
}
