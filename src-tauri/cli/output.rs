//! What leaves on standard output and standard error: one JSON document, or text for people. A reader that goes away is no failure.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use jiff::tz::TimeZone;
use serde::Serialize;

use super::page::Page;
use crate::model::{Problem, harmless};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Human,
    Json,
}

impl Format {
    pub fn from_flag(json: bool) -> Self {
        if json { Self::Json } else { Self::Human }
    }
}

pub(super) struct Output {
    format: Format,
}

#[derive(Serialize)]
struct Failure<'a> {
    error: &'a Problem,
}

impl Output {
    pub fn new(format: Format) -> Self {
        Self { format }
    }

    /// The one answer of a verb.
    pub fn answer(&self, value: &impl Serialize, page: impl FnOnce(&mut Page)) -> io::Result<()> {
        match self.format {
            Format::Json => to_stdout_as_json(value),
            Format::Human => {
                let mut text = Page::new(TimeZone::system());
                page(&mut text);
                to_stdout(|out| out.write_all(text.as_str().as_bytes()))
            }
        }
    }

    /// A line for people ahead of the answer.
    pub fn line(&self, text: &str) -> io::Result<()> {
        match self.format {
            Format::Json => Ok(()),
            Format::Human => to_stdout(|out| writeln!(out, "{}", harmless(text))),
        }
    }

    /// Says what failed and returns `status`.
    pub fn fail(&self, problem: &Problem, status: u8) -> u8 {
        // There is nobody left to tell where these cannot be written.
        let _ = match self.format {
            Format::Json => to_stdout_as_json(&Failure { error: problem }),
            Format::Human => writeln!(
                io::stderr().lock(),
                "error: {}\nhint: {}",
                harmless(&problem.message),
                harmless(&problem.hint)
            ),
        };
        status
    }

    pub fn format(&self) -> Format {
        self.format
    }
}

/// An answer that is one list or map: `{"name": value}`.
pub(super) fn named<T: Serialize>(name: &'static str, value: T) -> impl Serialize {
    BTreeMap::from([(name, value)])
}

/// All of it or nothing: half a document would hide the error that follows it.
fn to_stdout_as_json(value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    to_stdout(|out| out.write_all(&text))
}

/// Buffered; a broken pipe counts as written.
pub(super) fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            // Dropping the buffer would try again.
            let _ = out.into_parts();
            Ok(())
        }
        result => result,
    }
}
