//! The promises of `Destination` as cases, each a function: the tests run them against every type on a real server, "Test destination"
//! against the user's own place. It works in a folder of its own and leaves nothing behind; it knows no type.

mod bench;
mod cases;

use super::{Call, Destination, DestinationError, TestCheck};
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
type Verdict = Result<String, Failure>;

/// In words, and with what is not to be read out of words.
struct Failure {
    message: String,
    presented: Option<String>,
}

impl Failure {
    fn told_as(self, say: impl FnOnce(&str) -> String) -> Self {
        let message = say(&self.message);
        Self { message, ..self }
    }
}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        let presented = None;
        Self { message, presented }
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        message.to_owned().into()
    }
}

/// A failure at the place.
impl From<DestinationError> for Failure {
    fn from(error: DestinationError) -> Self {
        let message = match &error.cause {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        };
        let presented = error.presented;
        Self { message, presented }
    }
}

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

/// What a test saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tested {
    /// Of the cases that ran, in their order.
    pub checks: Vec<TestCheck>,
    /// The fingerprint of what was not trusted, as a setting takes it.
    pub presented: Option<String>,
}

/// The contract as a check of a user's place: behind "Test destination".
#[must_use]
pub fn test(destination: &dyn Destination, call: &Call<'_>) -> Tested {
    let mut bench = Bench::new(destination, call);
    let (mut checks, mut presented) = (Vec::new(), None);
    for case in CASES {
        let verdict = match call.check() {
            Ok(()) => (case.run)(&mut bench),
            Err(e) => Err(e.into()),
        };
        let ok = verdict.is_ok();
        let message = verdict.unwrap_or_else(|failure| {
            presented = presented.take().or(failure.presented);
            failure.message
        });
        checks.push(TestCheck {
            name: case.name.to_owned(),
            ok,
            message,
        });
        if call.check().is_err() || !ok && case.on_failure == Next::Stop {
            break;
        }
    }
    bench.clear();
    Tested { checks, presented }
}
